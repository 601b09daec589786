"""Between what a client gives and gets and the messages of the contract. Whatever is missing or unknown hides."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar, cast

import grpc
import numpy as np
import structlog
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from privacy import jpeg
from privacy.client.memory import Shared
from privacy.client.pictures import Classified, Enforced, Jpeg, Mode, RefusedError, Shown, StreamOptions, Unit
from privacy.errors import FrameError, OverloadError, PrivacyError
from privacy.evidence import Reason
from privacy.frame import Frame, plane_shapes
from privacy.masking import blank, mask
from privacy.plan import WHOLE, MaskPlan, Polygon
from privacy.policy import Clause, Effect, EffectKind
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import frame_pb2, mask_pb2, verdict_pb2
from privacy.verdict import State, Verdict
from privacy.zones import Zone

log = structlog.get_logger()

Metadata = tuple[tuple[str, str], ...]

SERVICE = "privacy.v1.EnforcementService"
EVERYTHING = MaskPlan((WHOLE,), Effect())
"""Hides the whole picture and leaves nothing behind."""
_OWN = frame_pb2.PIXEL_FORMAT_UNSPECIFIED
_VIDEO = (frame_pb2.PIXEL_FORMAT_H264, frame_pb2.PIXEL_FORMAT_H265)
_UNKNOWN_SIZE = (16, 16)  # of the black picture that stands for one whose size cannot be read
HOPELESS = (
    # Asking again with the same words gives the same answer.
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
)
E = TypeVar("E", bound=StrEnum)


def metadata_of(token: str) -> Metadata:
    """Return what tells the service who calls."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def lost(picture: Shown) -> Enforced:
    """Return what may be shown of a picture that nobody answered."""
    return Enforced(black(picture), Verdict(State.UNCERTAIN, Reason.CONNECTION_LOST, picture.offset), EVERYTHING)


def settled(picture: Shown, result: pb.FrameResult, options: StreamOptions, shared: Shared | None = None) -> Enforced:
    """Return what may be shown. A picture leaves as it is only if the verdict is CLEAR by name."""
    verdict = verdict_of(result.verdict, picture.offset)
    try:
        plan = _plan_of(verdict, result, options)
        sent = result.WhichOneof("picture") if options.mode is Mode.MASKED_FRAME else None
        if sent == "masked":
            shown = _received(picture, result.masked, shared)
        elif options.mode is not Mode.MASKED_FRAME or (sent == "unchanged" and not plan.regions):
            shown = _painted(picture, plan)
        else:
            plan, shown = EVERYTHING, black(picture)
    except Exception as error:  # whatever goes wrong in a mask or in an answer, the picture must come out hidden
        log.warning("answer_unusable", camera=options.camera, error=type(error).__name__)
        plan, shown = EVERYTHING, black(picture)
    return Enforced(shown, verdict, plan, result)


def _plan_of(verdict: Verdict, result: pb.FrameResult, options: StreamOptions) -> MaskPlan:
    """Return what must be hidden: no regions hide nothing only if the verdict is CLEAR by name."""
    if options.mode is Mode.VERDICT:
        return MaskPlan(options.static, Effect()) if verdict.state is State.CLEAR else EVERYTHING
    if not result.HasField("mask_plan"):
        return EVERYTHING
    plan = _plan(result.mask_plan)
    if verdict.state is State.CLEAR or (verdict.state is State.PROHIBITED and plan.regions):
        return plan
    return MaskPlan((WHOLE,), plan.effect)


def _painted(picture: Shown, plan: MaskPlan) -> Shown:
    if not plan.regions:
        # Only the picture was judged, not what a camera puts beside it: thumbnails, comments, whatever follows.
        alone = not isinstance(picture, Jpeg) or (bare := jpeg.bare(picture.data)) is picture.data
        return picture if alone else Jpeg(bare, picture.offset)
    if isinstance(picture, Frame):
        return mask(picture, plan)
    if isinstance(picture, Unit):
        return black(picture)
    if plan.hides_everything and plan.effect.kind is EffectKind.SOLID:
        return black(picture)
    header = jpeg.measure(picture.data)
    masked = mask(jpeg.read(picture.data, picture.offset), plan)
    return Jpeg(jpeg.write(masked, subsampling=header.subsampling), picture.offset)


def _received(picture: Shown, sent: frame_pb2.Picture, shared: Shared | None) -> Shown:
    if sent.WhichOneof("payload") != "shared_memory":
        buffer = np.frombuffer(sent.data, np.uint8)
    elif shared is not None:
        buffer = shared.read(sent.shared_memory)
    else:
        raise FrameError("a picture in shared memory, which this client does not share")
    if not isinstance(picture, Frame):
        return Jpeg(buffer.tobytes(), picture.offset)
    height, width = picture.size
    shapes = plane_shapes(picture.layout, height, width)
    sizes = [int(np.prod(shape)) for shape in shapes]
    if buffer.size != sum(sizes):
        raise FrameError(f"{picture.layout} of {width}x{height} has {sum(sizes)} bytes, got {buffer.size}")
    parts = np.split(buffer, np.cumsum(sizes)[:-1])
    return picture.with_planes(tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))


def black(picture: Shown) -> Shown:
    """Return a black picture of the kind and size that was given."""
    if isinstance(picture, Frame):
        return blank(picture)
    try:
        size = jpeg.measure(picture.data).size if isinstance(picture, Jpeg) else _UNKNOWN_SIZE
    except FrameError:
        size = _UNKNOWN_SIZE
    return Jpeg(jpeg.black(size), picture.offset)


def config_of(options: StreamOptions, form: frame_pb2.FrameFormat, slot_bytes: int = 0) -> pb.StreamConfig:
    """Return what a stream asks for.

    Args:
        options: Of the caller.
        form: Of the pictures.
        slot_bytes: Size of a slot of shared memory; 0 to share none.
    """
    effect = options.effect
    return pb.StreamConfig(
        camera=options.camera,
        policy=options.policy,
        model=options.model,
        format=form,
        response_mode=pb.ResponseMode.Value(f"RESPONSE_MODE_{options.mode.name}"),
        delivery=pb.Delivery.Value(f"DELIVERY_{options.delivery.name}"),
        declared_purpose=options.purpose,
        look_behind=_duration(options.look_behind_s) if options.look_behind_s > 0 else None,
        masked_format=frame_pb2.PIXEL_FORMAT_JPEG if form.pixel_format in _VIDEO else _OWN,
        shared_memory=slot_bytes > 0,
        slot_size_bytes=slot_bytes,
        static_zones=[
            mask_pb2.Polygon(points=[mask_pb2.Point(x=x, y=y) for x, y in polygon.points]) for polygon in options.static
        ],
        effect=None
        if effect is None
        else mask_pb2.Effect(
            kind=mask_pb2.EffectKind.Value(f"EFFECT_KIND_{effect.kind.name}"), strength=effect.strength
        ),
    )


def format_of(picture: Shown) -> frame_pb2.FrameFormat:
    """Return how a picture is encoded."""
    if isinstance(picture, Jpeg):
        return frame_pb2.FrameFormat(pixel_format=frame_pb2.PIXEL_FORMAT_JPEG)
    if isinstance(picture, Unit):
        return frame_pb2.FrameFormat(pixel_format=frame_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{picture.codec.name}"))
    return frame_pb2.FrameFormat(
        pixel_format=frame_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{picture.layout.name}"),
        color_matrix=frame_pb2.COLOR_MATRIX_BT709 if picture.bt709 else frame_pb2.COLOR_MATRIX_BT601,
        color_range=frame_pb2.COLOR_RANGE_FULL if picture.full_range else frame_pb2.COLOR_RANGE_LIMITED,
    )


def message_of(picture: Shown, sequence: int, shared: Shared | None = None) -> frame_pb2.Frame:
    """Return the message that carries a picture, through shared memory if there is room."""
    message = frame_pb2.Frame(sequence_number=sequence, capture_offset=_duration(picture.offset))
    if isinstance(picture, Frame):
        message.height_px, message.width_px = picture.size
    if shared is not None and shared.send(picture, message) is not None:
        return message
    if not isinstance(picture, Frame):
        message.data = picture.data
    else:
        message.data = b"".join(plane.tobytes() for plane in picture.planes)
    return message


def verdict_of(message: verdict_pb2.Verdict, offset: float) -> Verdict:
    """Read a verdict; whatever is missing or unknown hides."""
    state = _member(State, verdict_pb2.VerdictState.Name, message.state, "VERDICT_STATE_") or State.UNCERTAIN
    reason = _member(Reason, verdict_pb2.VerdictReason.Name, message.reason, "VERDICT_REASON_") or Reason.MODEL
    clauses = tuple(Clause(each.citation, each.text_zh, each.text_en) for each in message.legal_basis.clauses)
    return Verdict(
        state, reason, offset, zone_of(message.zone), message.p_prohibited, clauses, message.place, message.inherited
    )


def zone_of(value: verdict_pb2.Zone.ValueType) -> Zone | None:
    """Read a zone; one that is unknown is a private place."""
    if value == verdict_pb2.ZONE_UNSPECIFIED:
        return None
    name = verdict_pb2.Zone.Name(value).removeprefix("ZONE_") if value in verdict_pb2.Zone.values() else ""
    return Zone.__members__.get(name, Zone.OTHER_PRIVATE)


def _plan(message: mask_pb2.MaskPlan) -> MaskPlan:
    """Read a plan; an effect that is unknown is solid."""
    regions = tuple(Polygon(tuple((point.x, point.y) for point in each.points)) for each in message.regions)
    kind = _member(EffectKind, mask_pb2.EffectKind.Name, message.effect.kind, "EFFECT_KIND_") or EffectKind.SOLID
    return MaskPlan(regions, Effect(kind, message.effect.strength if message.effect.HasField("strength") else 1.0))


def _member(kind: type[E], name_of: Callable[[Any], str], value: int, prefix: str) -> E | None:
    try:
        return kind[name_of(value).removeprefix(prefix)]
    except (KeyError, ValueError):
        return None


def why(answer: pb.EnforceStreamResponse | grpc.RpcError | None) -> str:
    """Say in words why an answer is none."""
    if isinstance(answer, grpc.RpcError):
        return f"{answer.code().name}: {answer.details()}"
    return "the server ended the stream" if answer is None else "an answer before the stream was accepted"


def still(picture: Shown, policy: str) -> pb.ClassifyFrameRequest:
    """Return the request that asks for a ruling on one picture."""
    return pb.ClassifyFrameRequest(format=format_of(picture), frame=message_of(picture, 0), policy=policy)


def classified(picture: Shown, response: pb.ClassifyFrameResponse) -> Classified:
    """Read a ruling on one picture."""
    zones = {zone: score.probability for score in response.zone_scores if (zone := zone_of(score.zone)) is not None}
    return Classified(verdict_of(response.verdict, picture.offset), zones, response)


def retry_after(error: object) -> float:
    """Return how many seconds a refusal asks to wait; 0 if it asks for nothing."""
    if not isinstance(error, grpc.RpcError):
        return 0.0
    try:
        status = rpc_status.from_call(cast("grpc.Call", error))
    except (ValueError, AttributeError):  # details that contradict the status, or an error of no call
        return 0.0
    info = error_details_pb2.RetryInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            return float(info.retry_delay.seconds + info.retry_delay.nanos * 1e-9)
    return 0.0


def failure_of(error: grpc.RpcError) -> PrivacyError:
    """Return an error of gRPC as one of ours: `RefusedError` if asking again is hopeless."""
    kind: Callable[..., PrivacyError] = RefusedError if error.code() in HOPELESS else OverloadError
    return kind(f"{error.code().name}: {error.details()}", code=error.code().name)


def _duration(seconds: float) -> Duration:
    nanos = max(0, round(seconds * 1e9))
    return Duration(seconds=nanos // 1_000_000_000, nanos=nanos % 1_000_000_000)
