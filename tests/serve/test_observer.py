"""Who counts and who reports hear everything, in order, and can disturb nobody."""

import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from privacy.errors import DrainedError
from privacy.serve import translate
from privacy.serve.observer import Answer, Look, StreamFacts
from privacy.serve.server import Server
from privacy.serve.servicer import EnforcementService
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from privacy.verdict import State
from tests.serve.conftest import engine
from tests.serve.messages import CAMERA, clear, config, frame, refusal, results
from tests.serve.test_fuzz import Context


class Notebook:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.looks: list[Look] = []

    def opened(self, stream: StreamFacts) -> None:
        self.heard.append(("opened", stream))

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        self.heard.append(("answered", answer))

    def closed(self, stream: StreamFacts, error: Exception | None) -> None:
        self.heard.append(("closed", error))

    def refused(self, camera: str, peer: str, error: Exception) -> None:
        self.heard.append(("refused", (camera, error)))

    def looked(self, look: Look) -> None:
        self.looks.append(look)


class Rude(Notebook):
    """Fails at whatever it hears."""

    def opened(self, *_: object) -> None:
        raise RuntimeError("secret")

    answered = closed = refused = looked = opened  # type: ignore[assignment]


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def stub(serve: Callable[..., Server], notebook: Notebook) -> Any:
    channel = grpc.insecure_channel(serve(observers=(Rude(), notebook)).address)
    yield pb_grpc.EnforcementServiceStub(channel)
    channel.close()


def test_a_stream_is_heard_from_its_beginning_to_its_end(stub: Any, notebook: Notebook) -> None:
    answers = results(stub, [config(declared_purpose="lobby"), *clear()])

    assert [name for name, _ in notebook.heard] == ["opened", *["answered"] * 4, "closed"]
    facts, answer, error = notebook.heard[0][1], notebook.heard[4][1], notebook.heard[-1][1]
    assert (facts.camera, facts.purpose, facts.pixel_format) == (CAMERA, "lobby", "GRAY")
    assert (answer.sequence, answer.verdict.state, answer.frame.size) == (3, State.CLEAR, (48, 64))
    assert answers[-1].verdict.state == verdict_pb2.VERDICT_STATE_CLEAR
    assert error is None


def test_a_stream_that_breaks_the_contract_is_heard_to_end_by_it(stub: Any, notebook: Notebook) -> None:
    refusal(lambda: list(stub.EnforceStream(iter([config(), frame(1), frame(1)]), timeout=20)))

    assert [name for name, _ in notebook.heard] == ["opened", "answered", "closed"]
    assert notebook.heard[-1][1].reason == "INVALID_MESSAGE"


def test_a_stream_that_the_server_breaks_off_was_not_ended_by_its_client(
    stub: Any, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(translate, "put_timing", broken)

    assert refusal(lambda: list(stub.EnforceStream(iter([config(), frame(0)]), timeout=20)))[0] == "INTERNAL"
    name, error = notebook.heard[-1]
    assert (name, error.reason) == ("closed", "PRIVACY_ERROR")
    assert "secret" not in str(error)


def test_a_client_that_goes_away_has_ended_its_stream(stub: Any, notebook: Notebook) -> None:
    said = SimpleQueue[Any]()
    said.put(config())
    said.put(frame(0))
    answers = stub.EnforceStream(iter(said.get, None), timeout=20)
    next(answers)
    next(answers)
    answers.cancel()
    said.put(None)
    while notebook.heard[-1][0] != "closed":
        time.sleep(0.01)

    assert notebook.heard[-1][1] is None


def test_a_refused_stream_is_heard_with_its_camera(stub: Any, notebook: Notebook) -> None:
    refusal(lambda: list(stub.EnforceStream(iter([config(policy="atlantis")]), timeout=20)))

    ((name, (camera, error)),) = notebook.heard
    assert (name, camera, error.reason) == ("refused", CAMERA, "INVALID_POLICY")


def test_what_an_observer_raises_is_logged_by_its_kind_alone(stub: Any) -> None:
    with capture_logs() as logs:
        results(stub, [config(), frame(0)])

    failures = [entry for entry in logs if entry["event"] == "observer_failed"]
    assert {entry["error"] for entry in failures} == {"RuntimeError"}
    assert "secret" not in str(logs)


@pytest.mark.parametrize("taken", [1, 2, 4])
def test_an_answer_is_heard_of_once_though_its_client_takes_no_other(notebook: Notebook, taken: int) -> None:
    """It is told when the next one is made, or when the stream ends; here with an answer under way."""
    service = EnforcementService(engine(observers=(notebook,)))
    service.warm_up()
    context: Any = Context()
    answers = service.EnforceStream(iter([config(), *clear()]), context)
    for _ in range(1 + taken):
        next(answers)

    answers.close()  # type: ignore[attr-defined]

    assert [name for name, _ in notebook.heard] == ["opened", *["answered"] * taken, "closed"]
    service.stop()


def test_a_stream_that_is_cut_when_the_grace_ends_was_not_ended_by_its_client(
    serve: Callable[..., Server], notebook: Notebook
) -> None:
    server, said = serve(observers=(notebook,)), SimpleQueue[Any]()
    for message in (config(), *clear()):
        said.put(message)
    with grpc.insecure_channel(server.address) as channel:
        answers = iter(pb_grpc.EnforcementServiceStub(channel).EnforceStream(iter(said.get, None), timeout=20))
        for _ in range(1 + len(clear())):
            next(answers)
        server.stop(0.1)
        said.put(None)
    while notebook.heard[-1][0] != "closed":
        time.sleep(0.01)

    assert isinstance(notebook.heard[-1][1], DrainedError)
