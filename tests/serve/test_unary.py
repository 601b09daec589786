"""Stills, capabilities, health and reflection."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from numpy.typing import NDArray

from privacy.errors import PolicyError, PrivacyError
from privacy.evidence import Evidence
from privacy.models import catalogue
from privacy.policy import Subject
from privacy.serve.server import SERVICE, Server, Settings
from privacy.serve.servicer import Engine
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, verdict_pb2
from tests.serve.conftest import engine
from tests.serve.messages import DARK, FORMATS, LIGHT, SIZE, config, payload, refusal
from tests.toys import Bright

Stub = pb_grpc.EnforcementServiceStub
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def request(pixel_format: str, level: int, data: bytes | None = None) -> pb.ClassifyFrameRequest:
    height, width = SIZE
    picture = frame_pb2.Frame(
        data=payload(pixel_format, level) if data is None else data, height_px=height, width_px=width
    )
    return pb.ClassifyFrameRequest(format=config(pixel_format).config.format, frame=picture)


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize(("level", "state"), [(DARK, "CLEAR"), (LIGHT, "PROHIBITED"), (128, "UNCERTAIN")])
def test_a_still_is_ruled_on(stub: Stub, pixel_format: str, level: int, state: str) -> None:
    answer = stub.ClassifyFrame(request(pixel_format, level), timeout=20)

    assert verdict_pb2.VerdictState.Name(answer.verdict.state) == f"VERDICT_STATE_{state}"
    assert sum(score.probability for score in answer.zone_scores) == pytest.approx(1)
    assert answer.model.name == "bright.test"


@pytest.mark.parametrize(
    ("message", "code", "why"),
    [
        pytest.param(request("JPEG", 0, b"garbage"), "INVALID_ARGUMENT", "INVALID_FRAME", id="garbage"),
        pytest.param(request("GRAY", 0, b"garbage"), "INVALID_ARGUMENT", "INVALID_FRAME", id="wrong length"),
        pytest.param(request("H264", 0, b"garbage"), "UNIMPLEMENTED", "UNSUPPORTED", id="video"),
        pytest.param(pb.ClassifyFrameRequest(), "INVALID_ARGUMENT", "INVALID_MESSAGE", id="nothing"),
        pytest.param(pb.ClassifyFrameRequest(policy="x"), "INVALID_ARGUMENT", "INVALID_POLICY", id="no such policy"),
        pytest.param(pb.ClassifyFrameRequest(model="x"), "NOT_FOUND", "MODEL_NOT_FOUND", id="no such model"),
    ],
)
def test_a_still_that_cannot_be_ruled_on_is_a_typed_error(
    stub: Stub, message: pb.ClassifyFrameRequest, code: str, why: str
) -> None:
    assert refusal(lambda: stub.ClassifyFrame(message, timeout=20))[:2] == (code, why)


def test_capabilities_list_exactly_what_is_taken(stub: Stub) -> None:
    offered = stub.GetCapabilities(pb.GetCapabilitiesRequest(), timeout=20)
    names = {frame_pb2.PixelFormat.Name(value).removeprefix("PIXEL_FORMAT_") for value in offered.pixel_formats}

    assert names == {*FORMATS, "H264", "H265"}
    assert offered.policies[0].policy.name == "guangdong"
    assert "lobby" in offered.policies[0].purposes
    assert {policy.policy.name for policy in offered.policies} == {"guangdong", "order799"}
    assert {f"PIXEL_FORMAT_{name}" for name in (*names, "UNSPECIFIED")} == set(frame_pb2.PixelFormat.keys())


@pytest.mark.parametrize("name", ["", SERVICE])
def test_a_started_server_is_healthy(channel: grpc.Channel, name: str) -> None:
    stub = health_pb2_grpc.HealthStub(channel)

    assert stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=20).status == SERVING


def test_a_watch_hears_how_a_service_does(serve: Callable[..., Server]) -> None:
    server = serve()
    with grpc.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20)
        first = next(watch).status
        server.stop(1)
        second = next(watch).status

    assert (first, second) == (SERVING, NOT_SERVING)


@pytest.mark.parametrize("name", ["other.Service", "x" * 1_000_000])
def test_a_watch_of_what_is_not_served_ends_and_leaves_nothing_behind(serve: Callable[..., Server], name: str) -> None:
    server = serve()
    with grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answers = list(stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=20))

    assert [answer.status for answer in answers] == [health_pb2.HealthCheckResponse.SERVICE_UNKNOWN]
    assert name not in server._health._send_response_callbacks


class Probing(Bright):
    """Asks for the server's health while it is warmed up."""

    def __init__(self) -> None:
        self.address = ""
        self.seen: list[int] = []

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        with grpc.insecure_channel(self.address) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        self.seen.append(answer.status)
        return super().look(images, offsets)


def test_a_server_is_not_healthy_before_it_has_looked_at_a_picture() -> None:
    model = Probing()
    server = Server(engine(model), Settings(address="127.0.0.1:0"))
    model.address = server.address
    server.start()
    server.stop(0)

    assert set(model.seen) == {NOT_SERVING}


class Broken(Bright):
    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        raise RuntimeError("no such operator")


def test_a_model_that_cannot_look_stops_the_start() -> None:
    with pytest.raises(PrivacyError, match=r"bright\.test does not work"):
        Server(engine(Broken()), Settings(address="127.0.0.1:0")).start()


def test_reflection_names_the_service(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)

    assert SERVICE in database.get_services()
    assert "EnforceStream" in DescriptorPool(database).FindServiceByName(SERVICE).methods_by_name


def test_reflection_is_off_unless_asked_for(serve: Callable[..., Server]) -> None:
    with grpc.insecure_channel(serve().address) as channel, pytest.raises(grpc.RpcError) as caught:
        ProtoReflectionDescriptorDatabase(channel).get_services()

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_policy_that_streams_cannot_keep_is_not_served() -> None:
    """Rather no service than one that shows the people whom its policy hides."""
    rules = catalogue.load_policy()
    hiding = replace(rules, subjects=replace(rules.subjects, hidden=frozenset({Subject.PEOPLE})))

    with pytest.raises(PolicyError):
        Engine(model=Bright(), digest="", policy=hiding)
    assert Engine(model=Bright(), digest="", policy=rules, packs={"hiding": hiding}).packs == {}
