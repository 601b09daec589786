"""The HTTP side, while others crowd it."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from privacy.serve import connections
from privacy.serve.http import HttpFace

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
MOST = 256


class Crowd:
    """A server, and connections to it."""

    def __init__(self, address: str, ending: ExitStack) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._ending = ending

    def connect(self, said: bytes = b"", *, from_: str = "127.0.0.1") -> socket.socket:
        made = socket.create_connection((self._host, self._port), timeout=20, source_address=(from_, 0))
        self._ending.enter_context(made)
        made.sendall(said)
        return made

    def ready(self) -> int:
        asked = HTTPConnection(self._host, self._port, timeout=20)
        try:
            asked.request("GET", "/readyz")
            return asked.getresponse().status
        finally:
            asked.close()


def ended(connection: socket.socket) -> bool:
    """Wait until the server has closed a connection."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def answer(connection: socket.socket) -> str:
    response = HTTPResponse(connection)
    response.begin()
    return response.read().decode()


@pytest.fixture
def go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def crowd(go: threading.Event, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """A server with one slow page and one that takes a form."""
    monkeypatch.setattr(connections, "REQUEST_WITHIN_S", getattr(request, "param", connections.REQUEST_WITHIN_S))

    async def form(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def slow(_: Request) -> Response:
        await asyncio.to_thread(go.wait, 20)
        return PlainTextResponse("slow")

    routes = [Route("/form", form, methods=["POST"]), Route("/slow", slow)]
    face = HttpFace("127.0.0.1:0", lambda: (b"", "text/plain"), routes=routes)
    with face.serving(lambda: True), ExitStack() as ending:
        yield Crowd(face.address, ending)


@pytest.mark.parametrize("crowd", [0.2], indirect=True)
@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD, id="half a request"),
        pytest.param(b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12", id="half a form"),
        pytest.param(HEAD + b"\r\nGET", id="half of the next request"),
    ],
)
def test_a_connection_without_a_whole_request_is_closed(crowd: Crowd, said: bytes) -> None:
    assert ended(crowd.connect(said))


@pytest.mark.parametrize("crowd", [0.2], indirect=True)
def test_who_waits_for_an_answer_is_not_hurried(crowd: Crowd, go: threading.Event) -> None:
    connection = crowd.connect(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.6)
    go.set()

    assert answer(connection) == "slow"


def test_a_connection_may_be_used_again(crowd: Crowd) -> None:
    connection = crowd.connect(HEAD + b"\r\n")
    first = answer(connection)
    connection.sendall(b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n12")
    connection.sendall(b"34")
    second = answer(connection)

    assert (first, second) == ("alive\n", "4")


@pytest.mark.parametrize("said", [b"", HEAD], ids=["nothing", "half a request"])
def test_those_who_ask_nothing_stop_no_probe(crowd: Crowd, said: bytes) -> None:
    """Not even those of the same address: all may come through one proxy."""
    idle = [crowd.connect(said) for _ in range(2 * MOST)]

    assert [crowd.ready() for _ in range(10)] == [200] * 10
    assert ended(idle[0])


def test_those_of_many_addresses_who_ask_nothing_stop_no_probe(crowd: Crowd) -> None:
    for number in range(2 * MOST):
        crowd.connect(from_=f"127.0.0.{2 + number % 4}")

    assert [crowd.ready() for _ in range(10)] == [200] * 10


def test_one_address_takes_half_of_the_connections_and_no_more(crowd: Crowd, go: threading.Event) -> None:
    for _ in range(MOST):
        try:
            crowd.connect(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", from_="127.0.0.2")
        except ConnectionError:  # it was closed before it had asked
            continue

    assert crowd.ready() == 200
    go.set()


def test_a_client_that_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_WITHIN_S", 0.2)
    monkeypatch.setattr(connections, "READ_WITHIN_S", 1.0)
    large = PlainTextResponse(bytes(32 * 1024 * 1024))
    face = HttpFace("127.0.0.1:0", lambda: (b"", "text/plain"), routes=[Route("/large", lambda _: large)])
    with face.serving(lambda: True), ExitStack() as ending:
        connection = Crowd(face.address, ending).connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1, socket.MSG_PEEK), "the answer has begun"
        time.sleep(3.0)
        got = 0
        try:
            while piece := connection.recv(65536):
                got += len(piece)
        except ConnectionResetError:
            pass

    assert got < 32 * 1024 * 1024
