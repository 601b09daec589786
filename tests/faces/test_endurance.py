"""A real server process against clients that break off, stall, flood, and servers that are killed."""

import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from privacy.client import EnforcementClient, Mode, StreamOptions
from privacy.evidence import Reason
from privacy.serve.slots import FOLDER
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.verdict import State
from tests.serve.messages import DARK, FORMATS, LIGHT, clear, config, frame, results
from tests.serve.units import units
from tests.toys import grey_frame

ROOT = Path(__file__).resolve().parents[2]
Stub = pb_grpc.EnforcementServiceStub
CLEAR = 2


class Service:
    """`tests/serve/toy_server.py` in a process of its own."""

    def __init__(self, address: str = "127.0.0.1:0") -> None:
        command = [sys.executable, "-m", "tests.serve.toy_server", address]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        lines = iter(self.process.stdout)
        self.address = next(line for line in lines if line.startswith("listening on ")).split()[-1]
        self._reader = threading.Thread(target=lambda: deque(lines, maxlen=0))  # its log must not fill the pipe
        self._reader.start()

    def channel(self) -> grpc.Channel:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        return grpc.insecure_channel(self.address, options)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def mib(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def segments(self) -> list[str]:
        return [path.name for path in FOLDER.glob(f"privacy-{self.process.pid}-*")]


@pytest.fixture
def start() -> Iterator[Callable[..., Service]]:
    running: list[Service] = []

    def run(address: str = "127.0.0.1:0") -> Service:
        running.append(Service(address))
        return running[-1]

    yield run
    for service in running:
        service.kill()


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    return start()


@pytest.fixture
def stub(service: Service) -> Iterator[Stub]:
    with service.channel() as channel:
        yield Stub(channel)


def wait_until(true: Callable[[], object], what: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(what)


# Every mode, format and delivery.


def opened(pixel_format: str) -> list[pb.EnforceStreamRequest]:
    if pixel_format in FORMATS:
        return [*clear(pixel_format), *(frame(n, LIGHT, pixel_format) for n in range(4, 8))]
    return [frame(n, data=unit) for n, unit in enumerate(units(pixel_format, [40] * 4 + [230] * 4))]


def test_every_mode_format_and_delivery(stub: Stub) -> None:
    for mode, pixel_format, delivery, behind in itertools.product(
        (1, 2, 3), (*FORMATS, "H264", "H265"), (1, 2), (0, 1)
    ):
        setup = config(pixel_format, response_mode=mode, delivery=delivery, look_behind=Duration(seconds=behind))

        answers = results(stub, [setup, *opened(pixel_format)])

        what = (mode, pixel_format, delivery, behind)
        assert [answer.sequence_number for answer in answers] == list(range(8)), what
        assert answers[0].verdict.state != CLEAR, what
        assert CLEAR not in [answer.verdict.state for answer in answers[4:]], what
        assert all(answer.verdict.state == CLEAR for answer in answers if answer.unchanged), what
        if delivery == 1:
            assert CLEAR in [answer.verdict.state for answer in answers[:4]], what


# Clients that go.


def break_off(service: Service, number: int) -> None:
    """Go in one of the ways in which plugins go."""
    host, _, port = service.address.rpartition(":")
    match number % 4:
        case 0:  # a connection that is reset in the middle of HTTP/2
            with closing(socket.create_connection((host, int(port)))) as raw:
                raw.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(40))
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case 1:  # a channel that is closed under a stream with frames on their way
            channel = service.channel()
            call = iter(Stub(channel).EnforceStream(iter([config("JPEG"), *clear("JPEG")])))
            next(call)
            channel.close()
        case 2:  # a call that is cancelled while it holds shared memory
            with service.channel() as channel:
                held = threading.Event()

                def messages() -> Iterator[pb.EnforceStreamRequest]:
                    yield config(shared_memory=True, slot_size_bytes=4096)
                    held.wait(10)

                shared = Stub(channel).EnforceStream(messages())
                next(iter(shared))
                shared.cancel()  # type: ignore[no-untyped-call]
                held.set()
        case _:  # a stream that breaks the contract
            with service.channel() as channel, suppress(grpc.RpcError):
                list(Stub(channel).EnforceStream(iter([config("H264"), frame(1, data=b"x"), frame(1, data=b"x")])))


@pytest.mark.slow
def test_a_thousand_clients_that_break_off_leave_nothing_behind(service: Service) -> None:
    for number in range(200):  # pools and caches fill
        break_off(service, number)
    time.sleep(1)
    before = (service.threads(), service.files(), service.mib())

    for number in range(1000):
        break_off(service, number)

    wait_until(lambda: not service.segments(), f"shared memory is left: {service.segments()}")
    wait_until(lambda: service.files() <= before[1] + 2, f"files: {before[1]} -> {service.files()}")
    assert service.threads() <= before[0] + 4
    assert service.mib() <= before[2] + 24
    with service.channel() as channel:
        assert results(Stub(channel), [config(), *clear()])[-1].verdict.state == CLEAR


def test_connections_that_never_speak_disturb_nobody(service: Service, stub: Stub) -> None:
    host, _, port = service.address.rpartition(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(200)]
    try:
        assert results(stub, [config(), *clear()])[-1].verdict.state == CLEAR
    finally:
        for each in silent:
            each.close()


def test_streams_that_never_say_what_they_want_leave_room_for_others(service: Service, stub: Stub) -> None:
    held = threading.Event()

    def silent() -> Iterator[pb.EnforceStreamRequest]:
        held.wait(30)
        yield from ()

    with service.channel() as channel:
        calls = [Stub(channel).EnforceStream(silent()) for _ in range(32)]
        assert results(stub, [config(), *clear()])[-1].verdict.state == CLEAR
        held.set()
        for call in calls:
            call.cancel()  # type: ignore[no-untyped-call]


def test_a_client_that_does_not_read_is_slowed_down_and_costs_little(service: Service, stub: Stub) -> None:
    big = (1080, 1920)
    release = threading.Event()
    sent = itertools.count()
    count = 0

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        nonlocal count
        yield config("I420", response_mode=3, static_zones=[])
        data = bytes([LIGHT]) * (big[0] * big[1] * 3 // 2)
        for n in range(10_000):
            if release.is_set():
                return
            count = next(sent)
            yield frame(n, LIGHT, "I420", data, big)

    with service.channel() as channel:
        call = Stub(channel).EnforceStream(messages())  # and nobody reads
        time.sleep(2)
        stuck = count
        time.sleep(1)

        assert results(stub, [config(), *clear()])[-1].verdict.state == CLEAR
        assert count - stuck <= 2
        assert service.mib() < 1500
        release.set()
        call.cancel()  # type: ignore[no-untyped-call]


def test_a_client_whose_machine_vanishes_is_noticed_and_its_place_is_free(start: Callable[..., Service]) -> None:
    """A proxy that swallows everything stands for a cable that was pulled."""
    service = start()
    with closing(Proxy(service.address)) as proxy:
        channel = grpc.insecure_channel(proxy.address, [("grpc.use_local_subchannel_pool", 1)])
        held = threading.Event()

        def messages() -> Iterator[pb.EnforceStreamRequest]:
            yield config(shared_memory=True, slot_size_bytes=4096)
            held.wait(30)

        call = iter(Stub(channel).EnforceStream(messages()))
        next(call)
        assert len(service.segments()) == 1
        proxy.swallow()

        wait_until(lambda: not service.segments(), "the server still waits for a client that has vanished", 15)
        held.set()
        channel.close()


class Proxy:
    """Passes bytes on between a client and a server until it is told to swallow them."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._target = (host, int(port))
        self._sockets: list[socket.socket] = [self._listener]
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        self._open = False

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for here, there in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(here, there), daemon=True).start()

    def _pump(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                if self._open:
                    there.sendall(data)


# Servers that go.


def test_kill_and_restart_hides_until_the_new_server_has_looked(start: Callable[..., Service]) -> None:
    first = start()
    options = StreamOptions(
        camera="sites/hq/cameras/lobby", in_flight=1, answer_timeout_s=2, mode=Mode.MASKED_FRAME, shared_memory=True
    )
    seen: list[tuple[State, Reason]] = []

    def live() -> Iterator[Any]:
        for n in range(500):
            if n > 8:
                time.sleep(0.02)
            yield grey_frame(DARK, float(n), n)

    with EnforcementClient(first.address) as client:
        for answer in client.enforce(live(), options):
            seen.append((answer.verdict.state, answer.verdict.reason))
            clear_black = answer.verdict.state is State.CLEAR
            assert (int(answer.picture.planes[0].max()) == DARK) is clear_black  # type: ignore[union-attr]
            if len(seen) == 6:
                first.process.send_signal(signal.SIGKILL)
                first.process.wait()
                assert not first.segments()  # nobody lives who could take it away
                second = start(first.address)
            if len(seen) > 10 and answer.verdict.state is State.CLEAR:
                break

    assert second.process.poll() is None
    lost = seen.index((State.UNCERTAIN, Reason.CONNECTION_LOST))
    assert (State.UNCERTAIN, Reason.STARTUP) in seen[lost:]
    assert seen[-1][0] is State.CLEAR
