"""Messages as a plugin writes them, without any helper of ours."""

from collections.abc import Callable, Iterable
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, mask_pb2

SIZE = (48, 64)
DARK, LIGHT = 20, 250
CAMERA = "sites/hq/cameras/lobby"
FORMATS = ("JPEG", "I420", "NV12", "BGR", "RGB", "GRAY")


def payload(pixel_format: str, level: int, size: tuple[int, int] = SIZE) -> bytes:
    """One picture of a single level of grey."""
    height, width = size
    chroma = bytes([128]) * (2 * ((height + 1) // 2) * ((width + 1) // 2))
    match pixel_format:
        case "JPEG":
            return bytes(cv2.imencode(".jpg", np.full((height, width, 3), level, np.uint8))[1])
        case "I420" | "NV12":
            return bytes([level]) * (height * width) + chroma
        case "GRAY":
            return bytes([level]) * (height * width)
        case _:
            return bytes([level]) * (3 * height * width)


def config(pixel_format: str = "GRAY", **options: Any) -> pb.EnforceStreamRequest:
    form = frame_pb2.FrameFormat(
        pixel_format=frame_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{pixel_format}"),
        color_range=frame_pb2.COLOR_RANGE_FULL,
    )
    fields: dict[str, Any] = {"camera": CAMERA, "format": form} | options
    return pb.EnforceStreamRequest(config=pb.StreamConfig(**fields))


def frame(
    sequence: int,
    level: int = DARK,
    pixel_format: str = "GRAY",
    data: bytes | None = None,
    size: tuple[int, int] = SIZE,
) -> pb.EnforceStreamRequest:
    """The frame of the second `sequence`: one look for each frame."""
    height, width = size
    return pb.EnforceStreamRequest(
        frame=frame_pb2.Frame(
            sequence_number=sequence,
            capture_offset=Duration(seconds=sequence),
            data=payload(pixel_format, level, size) if data is None else data,
            width_px=width,
            height_px=height,
        )
    )


def clear(pixel_format: str = "GRAY", frames: int = 4) -> list[pb.EnforceStreamRequest]:
    """Enough dark frames that the last is CLEAR."""
    return [frame(sequence, DARK, pixel_format) for sequence in range(frames)]


def lively(frames: int) -> list[pb.EnforceStreamRequest]:
    """Dark frames in which something moves, so that each second has its look."""
    return [frame(sequence, DARK + 2 * (sequence % 2)) for sequence in range(frames)]


def results(stub: pb_grpc.EnforcementServiceStub, messages: Iterable[pb.EnforceStreamRequest]) -> list[pb.FrameResult]:
    responses = list(stub.EnforceStream(iter(messages), timeout=20))
    assert responses[0].WhichOneof("message") == "accepted"
    return [response.result for response in responses if response.WhichOneof("message") == "result"]


def refusal(call: Callable[[], object]) -> tuple[str, str, list[Any]]:
    """Return code, reason and the other details of the error that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    status = rpc_status.from_call(error)
    assert status is not None, error
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "privacy"
    return error.code().name, info.reason, list(status.details[1:])


WHOLE = mask_pb2.Polygon(points=[mask_pb2.Point(x=x, y=y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))])
LEFT = mask_pb2.Polygon(points=[mask_pb2.Point(x=x, y=y) for x, y in ((0, 0), (0.5, 0), (0.5, 1), (0, 1))])
