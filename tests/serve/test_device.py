"""Streams whose frames are masked together on a device answer as those that are masked on the CPU."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from privacy.errors import DeviceError
from privacy.frame import Frame
from privacy.masking.together import Together
from privacy.plan import MaskPlan
from privacy.policy import EffectKind
from privacy.serve.server import Server
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import mask_pb2, verdict_pb2
from tests.serve.conftest import MAX_STREAMS, engine
from tests.serve.messages import LEFT, clear, config, results

torch = pytest.importorskip("torch")

from privacy.masking.device import DeviceMasker  # noqa: E402 - needs torch

Serve = Callable[..., Server]
Answer = tuple[int, int, bytes]
ALLOWED = (EffectKind.PIXELATE, EffectKind.SOLID)


def setup(pixel_format: str, kind: EffectKind) -> pb.EnforceStreamRequest:
    effect = mask_pb2.Effect(kind=mask_pb2.EffectKind.Value(f"EFFECT_KIND_{kind.name}"), strength=1.0)
    return config(pixel_format, response_mode=pb.RESPONSE_MODE_MASKED_FRAME, static_zones=[LEFT], effect=effect)


def answers(server: Server) -> list[list[Answer]]:
    """As many cameras as there is room for, at the same time."""

    def stream(number: int) -> list[Answer]:
        pixel_format, kind = ("NV12", "I420", "BGR", "GRAY")[number % 4], ALLOWED[number % 2]
        with grpc.insecure_channel(server.address) as channel:
            stub = pb_grpc.EnforcementServiceStub(channel)
            told = results(stub, [setup(pixel_format, kind), *clear(pixel_format, 12)])
        return [(one.sequence_number, one.verdict.state, one.masked.data) for one in told]

    with ThreadPoolExecutor(MAX_STREAMS) as threads:
        return list(threads.map(stream, range(MAX_STREAMS)))


def masked_on(monkeypatch: pytest.MonkeyPatch, masker: Together) -> None:
    monkeypatch.setattr("privacy.serve.servicer.masker_for", lambda _device: masker)


def test_the_streams_of_a_device_send_the_same_bytes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = answers(serve())
    masked: list[int] = []
    device = DeviceMasker("cpu")

    def batch(frames: Sequence[Frame], plans: Sequence[MaskPlan]) -> list[Frame]:
        masked.append(len(frames))
        return device.mask_batch(frames, plans)

    masked_on(monkeypatch, Together(batch))

    assert answers(serve()) == alone
    assert sum(masked) > 0


def test_a_device_that_is_gone_shows_nothing(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(frames: Sequence[Frame], _plans: Sequence[MaskPlan]) -> list[Frame]:
        raise OSError(f"gone with {len(frames)} frames")

    masked_on(monkeypatch, Together(gone))
    told = [one for stream in answers(serve()) for one in stream]

    assert verdict_pb2.VERDICT_STATE_CLEAR in {state for _, state, _ in told}
    assert {byte for _, _, data in told for byte in data} <= {0, 128}


def test_a_server_for_a_gpu_does_not_start_without_one() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")

    with pytest.raises(DeviceError, match="0 GPUs"):
        engine(device="cuda")
