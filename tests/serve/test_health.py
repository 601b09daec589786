"""A service whose model hangs or fails says so, hides meanwhile, and says so when it is well again."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from privacy.serve import scheduler, server, servicer
from privacy.serve.http import HttpFace
from privacy.serve.server import SERVICE, Server
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from tests.serve.messages import clear, config, lively, results
from tests.serve.test_faults import Faulty, hangs, hung, raises
from tests.serve.test_reporting import until

CLEAR = verdict_pb2.VERDICT_STATE_CLEAR


class Service:
    """A server whose model can be made to fail, and what it says of itself."""

    def __init__(self, server_: Server, model: Faulty, face: HttpFace, channel: grpc.Channel) -> None:
        self.server, self.model, self._face = server_, model, face
        self.stub = pb_grpc.EnforcementServiceStub(channel)
        self._health = health_pb2_grpc.HealthStub(channel)

    def ready(self) -> tuple[bool, bool]:
        """By gRPC, and over HTTP."""
        status = self._health.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=10).status
        try:
            with urllib.request.urlopen(f"http://{self._face.address}/readyz", timeout=10) as answer:
                code = answer.status
        except urllib.error.HTTPError as error:
            code = error.code
        return status == health_pb2.HealthCheckResponse.SERVING, code == 200

    def becomes(self, ready: bool) -> bool:
        until(lambda: True if self.ready() == (ready, ready) else None)
        return True


@pytest.fixture
def service(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(server, "HEALTH_EVERY_S", 0.05)
    monkeypatch.setattr(scheduler, "HANG_S", 0.1)
    monkeypatch.setattr(servicer, "LOOK_WITHIN_S", 0.2)
    hung.clear()
    model = Faulty()
    running = serve(model, workers=2)
    face = HttpFace("127.0.0.1:0", lambda: (b"", "text/plain"))
    with face.serving(lambda: running.ready), grpc.insecure_channel(running.address) as channel:
        yield Service(running, model, face, channel)
        hung.set()


def test_it_is_not_ready_while_every_look_hangs_and_ready_again_without_being_asked(service: Service) -> None:
    assert service.becomes(True)
    service.model.fault = hangs

    answers = results(service.stub, [config(), *clear()])
    assert service.becomes(False)
    meanwhile = results(service.stub, [config(), *clear()])
    service.model.fault = None
    hung.set()

    assert service.becomes(True)
    assert CLEAR not in [answer.verdict.state for answer in (*answers, *meanwhile)]
    assert results(service.stub, [config(), *clear()])[-1].verdict.state == CLEAR


def test_a_stream_that_runs_is_hidden_while_it_is_not_ready_and_opens_by_itself(service: Service) -> None:
    go, well = threading.Event(), threading.Event()
    frames = lively(24)

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config()
        yield from frames[:4]
        assert go.wait(20)
        yield from frames[4:12]
        assert well.wait(20)
        yield from frames[12:]

    states = []
    for response in service.stub.EnforceStream(messages(), timeout=60):
        if response.WhichOneof("message") == "result":
            states.append(response.result.verdict.state)
        if len(states) == 4:
            service.model.fault = hangs
            go.set()
        if len(states) == 12:
            assert service.becomes(False)
            service.model.fault = None
            hung.set()
            assert service.becomes(True)
            well.set()

    assert states[3] == states[-1] == CLEAR
    assert CLEAR not in states[4:12]


def test_one_look_that_hangs_is_no_reason(service: Service) -> None:
    service.model.fault = hangs
    results(service.stub, [config(), *clear(frames=1)])
    service.model.fault = None

    assert results(service.stub, [config(), *clear()])[-1].verdict.state == CLEAR
    assert service.ready() == (True, True)


def test_it_is_not_ready_while_the_model_fails_whatever_it_is_shown(service: Service) -> None:
    service.model.fault = raises

    answers = results(service.stub, [config(), *clear()])
    assert service.becomes(False)
    service.model.fault = None

    assert service.becomes(True)
    assert CLEAR not in [answer.verdict.state for answer in answers]


def test_a_picture_on_which_the_model_fails_is_no_reason(service: Service) -> None:
    def only_black(images: object, offsets: object) -> object:
        if any(image.any() for image in images):  # type: ignore[attr-defined]
            raise ValueError("a picture that breaks the model")
        return super(Faulty, service.model).look(images, offsets)  # type: ignore[arg-type]

    service.model.fault = only_black

    assert CLEAR not in [answer.verdict.state for answer in results(service.stub, [config(), *clear()])]
    assert service.ready() == (True, True)


def test_a_server_that_drains_stays_not_ready(service: Service) -> None:
    service.server.stop(0)

    assert not service.server.ready
    service.server._say(ready=True)
    assert not service.server.ready
