"""`GRPCInferenceService`: the classifier for stock inference clients (KServe's Open Inference Protocol, version 2).

Pictures wait in the queue that the streams wait in, behind every stream that is in doubt. Nothing is masked or ruled
here: a score is no verdict.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import numpy as np
from numpy.typing import NDArray

from privacy import jpeg
from privacy.errors import FieldError, ModelNotFoundError
from privacy.evidence import Evidence
from privacy.frame import Frame, Layout, thumbnail
from privacy.inference import open_inference_pb2 as pb
from privacy.inference import open_inference_pb2_grpc as pb_grpc
from privacy.serve.scheduler import MAX_BATCH, Scheduler
from privacy.serve.servicer import Engine
from privacy.serve.status import errors_as_status
from privacy.zones import Zone

JPEGS, PIXELS = "jpeg", "rgb"
"""The two inputs, of which a request has one: files, or decoded pictures of one size."""
MAX_PICTURES = 64
LOOK_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class _Output:
    shape: tuple[int, ...]
    read: Callable[[Evidence], Sequence[float]]


_OUTPUTS: Mapping[str, _Output] = {
    "zones": _Output((len(Zone),), lambda evidence: evidence.zones.tolist()),
    "p_prohibited": _Output((1,), lambda evidence: [evidence.p_prohibited]),
}


class InferenceService(pb_grpc.GRPCInferenceServiceServicer):
    """Serves the classifier.

    Args:
        scheduler: Whose model it is, and whose queue.
        engine: Its limits and digest; the digest is the version of the model.
        ready: Whether the server takes requests now.
    """

    def __init__(self, scheduler: Scheduler, engine: Engine, ready: Callable[[], bool]) -> None:
        self._scheduler = scheduler
        self._model = scheduler.model
        self._version = engine.digest[:12] or "1"
        self._limits = engine.limits
        self._server_version = engine.version
        self._ready = ready
        # The queue takes one picture at a time from each who asks: as many ask as it can take together.
        self._askers = ThreadPoolExecutor(MAX_BATCH, thread_name_prefix="infer")

    def ServerLive(  # noqa: N802 - gRPC's name
        self,
        request: pb.ServerLiveRequest,  # noqa: ARG002 - gRPC's signature
        context: grpc.ServicerContext,  # noqa: ARG002 - gRPC's signature
    ) -> pb.ServerLiveResponse:
        """Say that the server lives."""
        return pb.ServerLiveResponse(live=True)

    def ServerReady(  # noqa: N802 - gRPC's name
        self,
        request: pb.ServerReadyRequest,  # noqa: ARG002 - gRPC's signature
        context: grpc.ServicerContext,  # noqa: ARG002 - gRPC's signature
    ) -> pb.ServerReadyResponse:
        """Say whether the server takes requests."""
        return pb.ServerReadyResponse(ready=self._ready())

    def ModelReady(self, request: pb.ModelReadyRequest, context: grpc.ServicerContext) -> pb.ModelReadyResponse:  # noqa: N802 - gRPC's name
        """Say whether the model takes requests."""
        with errors_as_status(context):
            self._check(request.name, request.version)
            return pb.ModelReadyResponse(ready=self._ready() and self._scheduler.alive)

    def ServerMetadata(  # noqa: N802 - gRPC's name
        self,
        request: pb.ServerMetadataRequest,  # noqa: ARG002 - gRPC's signature
        context: grpc.ServicerContext,  # noqa: ARG002 - gRPC's signature
    ) -> pb.ServerMetadataResponse:
        """Name the server."""
        return pb.ServerMetadataResponse(name="privacy", version=self._server_version)

    def ModelMetadata(  # noqa: N802 - gRPC's name
        self, request: pb.ModelMetadataRequest, context: grpc.ServicerContext
    ) -> pb.ModelMetadataResponse:
        """Say what the model takes and gives; a request has one of the two inputs."""
        with errors_as_status(context):
            self._check(request.name, request.version)
            tensor = pb.ModelMetadataResponse.TensorMetadata
            return pb.ModelMetadataResponse(
                name=self._model.name,
                versions=[self._version],
                platform="privacy",
                inputs=[
                    tensor(name=JPEGS, datatype="BYTES", shape=[-1]),
                    tensor(name=PIXELS, datatype="UINT8", shape=[-1, -1, -1, 3]),
                ],
                outputs=[
                    tensor(name=name, datatype="FP32", shape=[-1, *output.shape]) for name, output in _OUTPUTS.items()
                ],
            )

    def ModelInfer(self, request: pb.ModelInferRequest, context: grpc.ServicerContext) -> pb.ModelInferResponse:  # noqa: N802 - gRPC's name
        """Look at pictures."""
        with errors_as_status(context):
            self._check(request.model_name, request.model_version)
            wanted = [output.name for output in request.outputs] or list(_OUTPUTS)
            if unknown := set(wanted) - set(_OUTPUTS):
                raise FieldError(
                    f"no such output; there are {', '.join(_OUTPUTS)}", field="outputs", count=len(unknown)
                )
            seat = self._scheduler.seat(deadline_s=LOOK_WITHIN_S)
            seat.urgent = lambda: False
            seen = list(self._askers.map(lambda image: seat.look([image], [0.0])[0], self._images(request)))
            response = pb.ModelInferResponse(model_name=self._model.name, model_version=self._version, id=request.id)
            for name in wanted:
                output = _OUTPUTS[name]
                values = np.array([output.read(evidence) for evidence in seen], np.float32)
                response.outputs.add(name=name, datatype="FP32", shape=[len(seen), *output.shape])
                response.raw_output_contents.append(values.tobytes())
            return response

    def _check(self, name: str, version: str) -> None:
        if name != self._model.name or version not in ("", self._version):
            raise ModelNotFoundError("this server does not run a model of this name and version", field="model_name")

    def _images(self, request: pb.ModelInferRequest) -> list[NDArray[np.uint8]]:
        """Return the pictures of a request, `(h, w, 3)` RGB, of the size that the model looks at.

        Raises:
            FieldError: There is not exactly one input of one of the two kinds.
            FrameError: A picture cannot be decoded, or is too large.
        """
        if len(request.inputs) != 1:
            raise FieldError(f"a request has one input, `{JPEGS}` or `{PIXELS}`", field="inputs")
        (sent,) = request.inputs
        if len(request.raw_input_contents) > 1:
            raise FieldError("one input has one raw content", field="raw_input_contents")
        raw = request.raw_input_contents[0] if request.raw_input_contents else None
        match sent.name, sent.datatype:
            case ("jpeg", "BYTES"):
                files = list(sent.contents.bytes_contents) if raw is None else _elements(raw)
                _check_shape(sent.shape, (len(files),))
                return [self._decoded(data) for data in files]
            case "rgb", "UINT8":
                data = _bytes(sent.contents.uint_contents) if raw is None else raw
                return [self._scaled(picture) for picture in self._pictures(sent.shape, data)]
        raise FieldError(f"want `{JPEGS}` of BYTES or `{PIXELS}` of UINT8", field="inputs")

    def _decoded(self, data: bytes) -> NDArray[np.uint8]:
        frame = jpeg.read(data, 0.0, at_least=self._model.input_size, max_pixels=self._limits.pixels)
        return thumbnail(frame, self._model.input_size)

    def _scaled(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return thumbnail(Frame((picture,), Layout.RGB, 0.0, full_range=True), self._model.input_size)

    def _pictures(self, shape: Sequence[int], data: bytes) -> NDArray[np.uint8]:
        if len(shape) != 4 or shape[3] != 3 or min(shape) < 1 or shape[0] > MAX_PICTURES:
            raise FieldError(f"`{PIXELS}` has the shape [1 to {MAX_PICTURES}, rows, columns, 3]", field="shape")
        if shape[1] * shape[2] > self._limits.pixels or math.prod(shape) != len(data):
            raise FieldError(f"want {math.prod(shape)} bytes of allowed pictures, got {len(data)}", field="shape")
        return np.frombuffer(data, np.uint8).reshape(shape)


def _bytes(values: Sequence[int]) -> bytes:
    try:
        return bytes(values)
    except ValueError:
        raise FieldError("UINT8 values are in [0, 255]", field="uint_contents") from None


def _check_shape(shape: Sequence[int], wanted: tuple[int, ...]) -> None:
    if tuple(shape) not in (wanted, (*wanted, 1)) or not 1 <= wanted[0] <= MAX_PICTURES:
        raise FieldError(f"`{JPEGS}` has the shape [1 to {MAX_PICTURES}], and as many elements", field="shape")


def _elements(raw: bytes) -> list[bytes]:
    """Return the elements of a raw BYTES tensor: each after its length, 4 bytes, little-endian."""
    found: list[bytes] = []
    at = 0
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        if end > len(raw) or len(found) == MAX_PICTURES:
            raise FieldError("a raw BYTES tensor is its elements, each after its length", field="raw_input_contents")
        found.append(raw[at + 4 : end])
        at = end
    return found
