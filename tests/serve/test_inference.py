"""The classifier as stock inference clients call it."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.inference import open_inference_pb2 as pb
from privacy.inference import open_inference_pb2_grpc as pb_grpc
from privacy.serve.server import Server
from tests.serve.messages import DARK, LIGHT, payload, refusal
from tests.toys import Bright

Stub = pb_grpc.GRPCInferenceServiceStub
NAME = Bright.name


@pytest.fixture
def infer(serve: Callable[..., Server]) -> Iterator[Stub]:
    with grpc.insecure_channel(serve().address) as channel:
        yield Stub(channel)


def jpegs(*levels: int, raw: bool = False) -> pb.ModelInferRequest:
    files = [payload("JPEG", level) for level in levels]
    request = pb.ModelInferRequest(model_name=NAME, id="7")
    tensor = request.inputs.add(name="jpeg", datatype="BYTES", shape=[len(files)])
    if raw:
        request.raw_input_contents.append(b"".join(len(file).to_bytes(4, "little") + file for file in files))
    else:
        tensor.contents.bytes_contents.extend(files)
    return request


def pixels(pictures: NDArray[np.uint8], *, raw: bool = True) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name=NAME)
    tensor = request.inputs.add(name="rgb", datatype="UINT8", shape=pictures.shape)
    if raw:
        request.raw_input_contents.append(pictures.tobytes())
    else:
        tensor.contents.uint_contents.extend(pictures.ravel().tolist())
    return request


def scores(response: pb.ModelInferResponse) -> dict[str, NDArray[np.float32]]:
    return {
        output.name: np.frombuffer(raw, np.float32).reshape(output.shape)
        for output, raw in zip(response.outputs, response.raw_output_contents, strict=True)
    }


GREY = np.stack([np.full((48, 64, 3), level, np.uint8) for level in (DARK, LIGHT, 128)])


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(jpegs(DARK, LIGHT, 128), id="files"),
        pytest.param(jpegs(DARK, LIGHT, 128, raw=True), id="raw files"),
        pytest.param(pixels(GREY), id="raw pixels"),
        pytest.param(pixels(GREY, raw=False), id="pixels"),
    ],
)
def test_every_way_to_send_a_picture_gives_the_same_scores(infer: Stub, request_: pb.ModelInferRequest) -> None:
    found = scores(infer.ModelInfer(request_, timeout=20))

    assert found["zones"].shape == (3, 7)
    assert found["p_prohibited"].ravel() == pytest.approx([DARK / 255, LIGHT / 255, 128 / 255], abs=0.01)
    assert found["zones"].sum(1) == pytest.approx([1, 1, 1])


def test_only_what_is_asked_for_is_answered(infer: Stub) -> None:
    request = jpegs(DARK)
    request.outputs.add(name="p_prohibited")
    answer = infer.ModelInfer(request, timeout=20)

    assert ([output.name for output in answer.outputs], answer.id, answer.model_name) == (["p_prohibited"], "7", NAME)


def test_the_metadata_say_what_is_taken(infer: Stub) -> None:
    model = infer.ModelMetadata(pb.ModelMetadataRequest(name=NAME), timeout=20)

    assert [(each.name, each.datatype, list(each.shape)) for each in model.inputs] == [
        ("jpeg", "BYTES", [-1]),
        ("rgb", "UINT8", [-1, -1, -1, 3]),
    ]
    assert [(each.name, list(each.shape)) for each in model.outputs] == [("zones", [-1, 7]), ("p_prohibited", [-1, 1])]
    assert infer.ServerMetadata(pb.ServerMetadataRequest(), timeout=20).name == "privacy"


def test_a_started_server_lives_and_is_ready(infer: Stub) -> None:
    assert infer.ServerLive(pb.ServerLiveRequest(), timeout=20).live
    assert infer.ServerReady(pb.ServerReadyRequest(), timeout=20).ready
    assert infer.ModelReady(pb.ModelReadyRequest(name=NAME), timeout=20).ready


def changed(request: pb.ModelInferRequest, **fields: Any) -> pb.ModelInferRequest:
    """The request, with other fields in its first input."""
    for name, value in fields.items():
        if isinstance(value, list):
            request.inputs[0].ClearField(name)  # type: ignore[arg-type]
            getattr(request.inputs[0], name).extend(value)
        else:
            setattr(request.inputs[0], name, value)
    return request


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        pytest.param(pb.ModelInferRequest(model_name="x"), "NOT_FOUND", "MODEL_NOT_FOUND", id="no such model"),
        pytest.param(pb.ModelInferRequest(model_name=NAME), "INVALID_ARGUMENT", "INVALID_FIELD", id="no input"),
        pytest.param(jpegs(), "INVALID_ARGUMENT", "INVALID_FIELD", id="no picture"),
        pytest.param(jpegs(*[DARK] * 65), "INVALID_ARGUMENT", "INVALID_FIELD", id="too many pictures"),
        pytest.param(changed(jpegs(DARK), shape=[2]), "INVALID_ARGUMENT", "INVALID_FIELD", id="another shape"),
        pytest.param(changed(jpegs(DARK), name="x"), "INVALID_ARGUMENT", "INVALID_FIELD", id="another name"),
        pytest.param(changed(jpegs(DARK), datatype="FP32"), "INVALID_ARGUMENT", "INVALID_FIELD", id="another type"),
        pytest.param(
            pb.ModelInferRequest(
                model_name=NAME,
                inputs=[pb.ModelInferRequest.InferInputTensor(name="jpeg", datatype="BYTES", shape=[1])],
                raw_input_contents=[b"\xff\xff\xff\xff1"],
            ),
            "INVALID_ARGUMENT", "INVALID_FIELD", id="a length beyond the end",
        ),
        pytest.param(
            pb.ModelInferRequest(
                model_name=NAME,
                inputs=[pb.ModelInferRequest.InferInputTensor(name="jpeg", datatype="BYTES", shape=[1])],
                raw_input_contents=[b"\x04\0\0\0nope"],
            ),
            "INVALID_ARGUMENT", "INVALID_FRAME", id="no JPEG",
        ),
        pytest.param(changed(pixels(GREY), shape=[3, 48, 64]), "INVALID_ARGUMENT", "INVALID_FIELD", id="three axes"),
        pytest.param(changed(pixels(GREY), shape=[3, -48, -64, 3]), "INVALID_ARGUMENT", "INVALID_FIELD", id="below 0"),
        pytest.param(changed(pixels(GREY), shape=[1, 2**40, 2**40, 3]), "INVALID_ARGUMENT", "INVALID_FIELD", id="huge"),
        pytest.param(changed(pixels(GREY), shape=[3, 48, 63, 3]), "INVALID_ARGUMENT", "INVALID_FIELD", id="one less"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_a_typed_error(
    infer: Stub, request_: pb.ModelInferRequest, code: str, reason: str
) -> None:
    assert refusal(lambda: infer.ModelInfer(request_, timeout=20))[:2] == (code, reason)


def test_an_unknown_output_is_a_typed_error(infer: Stub) -> None:
    request = jpegs(DARK)
    request.outputs.add(name="secret")

    assert refusal(lambda: infer.ModelInfer(request, timeout=20))[1] == "INVALID_FIELD"


def test_values_that_are_no_bytes_are_a_typed_error(infer: Stub) -> None:
    request = pixels(GREY, raw=False)
    request.inputs[0].contents.uint_contents[0] = 256

    assert refusal(lambda: infer.ModelInfer(request, timeout=20))[1] == "INVALID_FIELD"
