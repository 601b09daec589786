"""Messages to domain objects and back. Every bound is checked before anything is allocated for what it bounds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import TypeVar

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from privacy import jpeg
from privacy.cameras.camera import camera_of
from privacy.errors import FieldError, FrameError, ProtocolError, RegionError, UnsupportedError
from privacy.evidence import Evidence, Reason
from privacy.frame import Frame, Layout, plane_shapes
from privacy.plan import MAX_POLYGONS, MaskPlan, Polygon, polygons, polygons_of
from privacy.policy import Clause, Effect, EffectKind, Policy
from privacy.serve.observer import Ptz, Stages
from privacy.serve.slots import Slots, address_of
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import frame_pb2, mask_pb2, verdict_pb2
from privacy.verdict import State, Verdict
from privacy.zones import PROHIBITED, Zone

MAX_SIDE = 16384
MAX_DURATION_S = 10 * 366 * 86400
JPEG_QUALITY = 90
MAX_LOOK_BEHIND_S = 2.0
MAX_OPTICAL_ZOOM = 1000
MAX_ACTOR = 256
SLOT_BYTES = 1920 * 1080 * 3
K = TypeVar("K")
V = TypeVar("V")
HD_ROWS = 576
"""Pictures with more rows are BT.709 unless they say otherwise."""

STATES = {state: verdict_pb2.VerdictState.Value(f"VERDICT_STATE_{state.name}") for state in State}
REASONS = {reason: verdict_pb2.VerdictReason.Value(f"VERDICT_REASON_{reason.name}") for reason in Reason}
ZONES = {zone: verdict_pb2.Zone.Value(f"ZONE_{zone.name}") for zone in Zone}
EFFECTS = {kind: mask_pb2.EffectKind.Value(f"EFFECT_KIND_{kind.name}") for kind in EffectKind}
LAYOUTS = {layout: frame_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{layout.name}") for layout in Layout}

_LAYOUT_OF = {value: layout for layout, value in LAYOUTS.items()}
_EFFECT_OF = {value: kind for kind, value in EFFECTS.items()}


class Codec(StrEnum):
    """How pictures are compressed."""

    JPEG = "JPEG"
    H264 = "H264"
    H265 = "H265"


CODECS = {codec: frame_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{codec.name}") for codec in Codec}
_CODEC_OF = {value: codec for codec, value in CODECS.items()}


class Mode(StrEnum):
    """What results carry; see `ResponseMode` in the contract."""

    VERDICT = "VERDICT"
    MASK_GEOMETRY = "MASK_GEOMETRY"
    MASKED_FRAME = "MASKED_FRAME"


class Delivery(StrEnum):
    """What happens to frames that come too fast; see `Delivery` in the contract."""

    EVERY_FRAME = "EVERY_FRAME"
    LATEST = "LATEST"


MODES = {mode: pb.ResponseMode.Value(f"RESPONSE_MODE_{mode.name}") for mode in Mode}
DELIVERIES = {delivery: pb.Delivery.Value(f"DELIVERY_{delivery.name}") for delivery in Delivery}
_MODE_OF = {value: mode for mode, value in MODES.items()} | {pb.RESPONSE_MODE_UNSPECIFIED: Mode.MASK_GEOMETRY}
_DELIVERY_OF = {value: each for each, value in DELIVERIES.items()} | {pb.DELIVERY_UNSPECIFIED: Delivery.EVERY_FRAME}
_MATRIX_OF = {
    frame_pb2.COLOR_MATRIX_UNSPECIFIED: None,
    frame_pb2.COLOR_MATRIX_BT601: False,
    frame_pb2.COLOR_MATRIX_BT709: True,
}
_RANGE_OF = {
    frame_pb2.COLOR_RANGE_UNSPECIFIED: None,
    frame_pb2.COLOR_RANGE_LIMITED: False,
    frame_pb2.COLOR_RANGE_FULL: True,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may cost, and what waits of one stream.

    Attributes:
        message_bytes: Largest message.
        pixels: Largest picture, counted before it is decoded.
        waiting_bytes: Memory for the frames of a stream with look-behind, as they came and unpacked. This much is
            enough for two seconds of 4K at 30 frames a second in which people are hidden, and for 1080p at any rate.
    """

    message_bytes: int = 64 * 1024 * 1024
    pixels: int = 7680 * 4320
    waiting_bytes: int = 1536 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Format:
    """How frames are encoded.

    Attributes:
        layout: Of raw frames; None if they are compressed.
        codec: Of compressed frames.
        bt709: Whether chroma follows BT.709; None to go by the size.
        full_range: Whether luma is [0, 255]; None to go by the layout.
    """

    layout: Layout | None
    bt709: bool | None = None
    full_range: bool | None = None
    codec: Codec = Codec.JPEG


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the first message of a stream asks for. Names of policy, model and purpose are not resolved yet."""

    camera: str
    policy: str
    model: str
    format: Format
    mode: Mode
    delivery: Delivery
    purpose: str
    static: tuple[Polygon, ...]
    effect: Effect | None
    return_unchanged: bool
    jpeg_quality: int
    masked_as_jpeg: bool
    latency_budget_s: float | None
    look_behind_s: float
    slot_bytes: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """One frame as it came, not decoded.

    Attributes:
        sequence: Its sequence number.
        offset: Capture time in seconds.
        data: The bytes. Nobody but this process can write to them.
        slot: Where in shared memory they came; None if in the message.
        size: `(height, width)` as the message says; meaningless for JPEG.
        received: When it was taken from the wire, on the clock that times the stages.
        ptz: Where the camera looked, if it says so.
    """

    sequence: int
    offset: float
    data: bytes | memoryview
    size: tuple[int, int]
    received: float
    slot: int | None = None
    ptz: Ptz | None = None


def setup(request: pb.EnforceStreamRequest | None) -> Setup:
    """Read the first message of a stream.

    Raises:
        ProtocolError: It is no `config`, or lacks what it must have.
        UnsupportedError: It asks for what this server does not do.
        EffectTooWeakError: The strength is outside (0, 1].
        RegionError: The static zones are no polygons.
    """
    if request is None or request.WhichOneof("message") != "config":
        raise ProtocolError("the first message must carry `config`")
    config = request.config
    try:
        camera_of(config.camera, "camera")
    except FieldError as error:
        raise ProtocolError(str(error), field="camera") from error
    quality = config.jpeg_quality if config.HasField("jpeg_quality") else JPEG_QUALITY
    if not 1 <= quality <= 100:
        raise ProtocolError(f"`jpeg_quality` must be in [1, 100], got {quality}", field="jpeg_quality")
    budget = seconds(config.latency_budget, "latency_budget") if config.HasField("latency_budget") else None
    if budget is not None and budget > 60:
        raise ProtocolError("`latency_budget` must be in [0 s, 60 s]", field="latency_budget")
    look_behind = seconds(config.look_behind, "look_behind") if config.HasField("look_behind") else 0.0
    if look_behind > MAX_LOOK_BEHIND_S:
        raise ProtocolError(f"`look_behind` must be in [0 s, {MAX_LOOK_BEHIND_S:g} s]", field="look_behind")
    form = format_of(config.format)
    return Setup(
        camera=config.camera,
        policy=config.policy,
        model=config.model,
        format=form,
        mode=_known(_MODE_OF, config.response_mode, "response_mode"),
        delivery=_known(_DELIVERY_OF, config.delivery, "delivery"),
        purpose=config.declared_purpose,
        static=static_zones(config.static_zones),
        effect=effect_of(config.effect) if config.HasField("effect") else None,
        return_unchanged=config.return_unchanged,
        jpeg_quality=quality,
        masked_as_jpeg=_masked_as_jpeg(config.masked_format, form),
        latency_budget_s=budget or None,
        look_behind_s=look_behind,
        slot_bytes=(config.slot_size_bytes or SLOT_BYTES) if config.shared_memory else None,
    )


def _masked_as_jpeg(asked: frame_pb2.PixelFormat.ValueType, form: Format) -> bool:
    if asked in (frame_pb2.PIXEL_FORMAT_UNSPECIFIED, pixel_format(form)):
        return False
    if asked == frame_pb2.PIXEL_FORMAT_JPEG and form.layout is None:
        return True
    raise UnsupportedError("masked pictures come in the stream's own format, or as JPEG", feature="masked_format")


def format_of(message: frame_pb2.FrameFormat) -> Format:
    """Read a format.

    Raises:
        ProtocolError: It says nothing, or a value that is not in the contract.
    """
    matrix = _known(_MATRIX_OF, message.color_matrix, "color_matrix")
    full_range = _known(_RANGE_OF, message.color_range, "color_range")
    asked = message.pixel_format
    if asked == frame_pb2.PIXEL_FORMAT_UNSPECIFIED or asked not in frame_pb2.PixelFormat.values():
        raise ProtocolError(f"`pixel_format` must be one that GetCapabilities lists, got {asked}", field="pixel_format")
    if asked in _CODEC_OF:
        return Format(None, codec=_CODEC_OF[asked])
    return Format(_LAYOUT_OF[asked], matrix, full_range)


def pixel_format(form: Format) -> frame_pb2.PixelFormat.ValueType:
    """Return the value of the contract."""
    return CODECS[form.codec] if form.layout is None else LAYOUTS[form.layout]


def format_name(form: Format) -> str:
    """Return the name in the contract, without its prefix."""
    return frame_pb2.PixelFormat.Name(pixel_format(form)).removeprefix("PIXEL_FORMAT_")


def frame_format(form: Format) -> frame_pb2.FrameFormat:
    """Write a format; what goes by the size of each picture stays unset."""
    matrix = {None: "UNSPECIFIED", False: "BT601", True: "BT709"}[form.bt709]
    full_range = {None: "UNSPECIFIED", False: "LIMITED", True: "FULL"}[form.full_range]
    return frame_pb2.FrameFormat(
        pixel_format=pixel_format(form),
        color_matrix=frame_pb2.ColorMatrix.Value(f"COLOR_MATRIX_{matrix}"),
        color_range=frame_pb2.ColorRange.Value(f"COLOR_RANGE_{full_range}"),
    )


def effect_of(message: mask_pb2.Effect) -> Effect:
    """Read an effect.

    Raises:
        ProtocolError: No kind, or one that is not in the contract.
        EffectTooWeakError: The strength is outside (0, 1].
    """
    kind = _known(_EFFECT_OF, message.kind, "effect.kind")
    return Effect(kind, message.strength if message.HasField("strength") else 1.0)


def static_zones(messages: Sequence[mask_pb2.Polygon]) -> tuple[Polygon, ...]:
    """Read polygons.

    Raises:
        RegionError: Too many, or one is malformed.
    """
    if len(messages) > MAX_POLYGONS:
        raise RegionError(f"at most {MAX_POLYGONS} polygons, got {len(messages)}", limit=MAX_POLYGONS)
    return polygons([(point.x, point.y) for point in message.points] for message in messages)


def arrival(request: pb.EnforceStreamRequest, previous: int, received: float, slots: Slots | None = None) -> Arrival:
    """Read a frame's message.

    Args:
        request: A message that carries a frame.
        previous: Sequence number of the frame before; -1 before the first.
        received: When it came.
        slots: Shared memory of the stream; None if it has none.

    Raises:
        ProtocolError: It carries no frame, or one that is out of order or without what it must have.
        UnsupportedError: The picture, or what is given back, lies in shared memory, and there is none.
    """
    if request.WhichOneof("message") != "frame":
        raise ProtocolError("every message after the first must carry `frame` or `release`")
    frame = request.frame
    if frame.sequence_number <= previous:
        raise ProtocolError(
            f"sequence_number {frame.sequence_number} does not follow {previous}", field="sequence_number"
        )
    if not frame.HasField("capture_offset"):
        raise ProtocolError("a frame must have a `capture_offset`", field="capture_offset")
    if released := frame.released_slots:
        if slots is None:
            raise UnsupportedError("this stream shares no memory", feature="shared_memory")
        slots.give_back(released)
    return Arrival(
        frame.sequence_number,
        seconds(frame.capture_offset, "capture_offset"),
        picture_data(frame, slots),
        (frame.height_px, frame.width_px),
        received,
        frame.shared_memory.slot if frame.WhichOneof("payload") == "shared_memory" else None,
        _ptz(frame.ptz) if frame.HasField("ptz") else None,
    )


def _ptz(message: frame_pb2.PtzPosition) -> Ptz:
    """Read where a camera looks.

    Raises:
        ProtocolError: A number or a text is out of bounds.
    """
    zoom = message.zoom or 1.0
    # `not (...)` also refuses NaN.
    if not (abs(message.pan_deg) <= 360 and abs(message.tilt_deg) <= 180 and 0 < zoom <= MAX_OPTICAL_ZOOM):
        raise ProtocolError("`ptz` must be within its bounds", field="ptz")
    if len(message.actor) > MAX_ACTOR or len(message.preset_id) > MAX_ACTOR:
        raise ProtocolError(f"`ptz` has texts of at most {MAX_ACTOR} characters", field="ptz")
    return Ptz(
        pan_deg=message.pan_deg,
        tilt_deg=message.tilt_deg,
        zoom=zoom,
        preset=message.preset_id,
        actor=message.actor,
    )


def picture_data(frame: frame_pb2.Frame, slots: Slots | None = None) -> bytes | memoryview:
    """Return the bytes of a picture.

    Raises:
        ProtocolError: There are none, or not where they are said to be.
        UnsupportedError: They lie in shared memory, and there is none.
    """
    match frame.WhichOneof("payload"):
        case "data":
            return frame.data
        case "shared_memory" if slots is not None:
            return slots.take(frame.shared_memory.slot, frame.shared_memory.size_bytes)
        case "shared_memory":
            raise UnsupportedError("this stream shares no memory", feature="shared_memory")
        case _:
            raise ProtocolError("a frame must have `data`", field="data")


def raw_frame(came: Arrival, form: Format, limits: Limits) -> Frame:
    """Return the frame over the bytes of the message, without a copy.

    Raises:
        FrameError: The size is out of bounds, or the length is not exactly that of the format.
    """
    assert form.layout is not None  # noqa: S101 - what is compressed does not come here
    height, width = came.size
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE) or height * width > limits.pixels:
        raise FrameError(
            f"a frame of {width}x{height} is outside 1x1 to {limits.pixels} pixels", width=width, height=height
        )
    shapes = plane_shapes(form.layout, height, width)
    ends = list(accumulate(map(math.prod, shapes)))
    if len(came.data) != ends[-1]:
        raise FrameError(f"{form.layout} of {width}x{height} has {ends[-1]} bytes, got {len(came.data)}", want=ends[-1])
    buffer = np.frombuffer(came.data, np.uint8)
    planes = [buffer[start:end].reshape(shape) for start, end, shape in zip([0, *ends], ends, shapes, strict=False)]
    full_range = form.full_range if form.full_range is not None else form.layout not in (Layout.I420, Layout.NV12)
    bt709 = form.bt709 if form.bt709 is not None else height > HD_ROWS
    return Frame(tuple(planes), form.layout, came.offset, came.sequence, full_range=full_range, bt709=bt709)


def still(request: pb.ClassifyFrameRequest, limits: Limits, at_least: tuple[int, int]) -> Frame:
    """Return the picture of a `ClassifyFrame` call.

    Raises:
        ProtocolError: There is none.
        UnsupportedError: This server does not take its format.
        FrameError: It cannot be decoded, or does not fit its format.
    """
    form = format_of(request.format)
    sent = request.frame
    offset = seconds(sent.capture_offset, "capture_offset")
    data = picture_data(sent)
    if form.layout is None:
        if form.codec is not Codec.JPEG:
            raise UnsupportedError(f"a still picture is no {form.codec}", feature="pixel_format", value=form.codec)
        return jpeg.read(bytes(data), offset, at_least=at_least, max_pixels=limits.pixels)
    return raw_frame(Arrival(0, offset, data, (sent.height_px, sent.width_px), 0.0), form, limits)


def packed(frame: Frame) -> bytes | memoryview:
    """Return the planes of a frame as one buffer, as the contract arranges them; without a copy if they are one."""
    whole = frame.planes[0].base
    if isinstance(whole, np.ndarray) and whole.ndim == 1 and whole.dtype == np.uint8 and _are(frame.planes, whole):
        return whole.data
    return b"".join(plane.tobytes() for plane in frame.planes)


def _are(planes: Sequence[NDArray[np.uint8]], whole: NDArray[np.uint8]) -> bool:
    """Say whether planes are the parts of a buffer, one behind the other, and all of it."""
    start = at = address_of(whole)
    for plane in planes:
        if plane.base is not whole or not plane.flags.c_contiguous or address_of(plane) != at:
            return False
        at += plane.size
    return whole.flags.c_contiguous and at == start + whole.size


def seconds(duration: Duration, field: str) -> float:
    """Read a duration.

    Raises:
        ProtocolError: It is negative, malformed or longer than ten years.
    """
    if not (0 <= duration.seconds <= MAX_DURATION_S and 0 <= duration.nanos < 1_000_000_000):
        raise ProtocolError(f"`{field}` must be a duration from 0 s to ten years", field=field)
    return float(duration.seconds + duration.nanos * 1e-9)


def duration(value: float) -> Duration:
    """Write a duration, to the nanosecond; nothing is shorter than 0."""
    nanos = max(0, round(value * 1e9))
    return Duration(seconds=nanos // 1_000_000_000, nanos=nanos % 1_000_000_000)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Write a moment; None for none."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def put_duration(value: float, message: Duration) -> None:
    """Write a duration where it belongs: a message of its own, for each of many, costs more than what is in it."""
    message.seconds, message.nanos = divmod(max(0, round(value * 1e9)), 1_000_000_000)


def put_timing(stages: Stages, message: pb.Timing) -> None:
    """Write where the time went."""
    put_duration(stages.queue, message.queue)
    put_duration(stages.decode, message.decode)
    put_duration(stages.infer, message.infer)
    put_duration(stages.mask, message.mask)
    put_duration(stages.encode, message.encode)


def verdict(ruled: Verdict) -> verdict_pb2.Verdict:
    """Write a verdict."""
    return verdict_pb2.Verdict(
        state=STATES[ruled.state],
        reason=REASONS[ruled.reason],
        zone=verdict_pb2.ZONE_UNSPECIFIED if ruled.zone is None else ZONES[ruled.zone],
        p_prohibited=ruled.p_prohibited,
        legal_basis=legal_basis(ruled.clauses) if ruled.clauses else None,
        place=ruled.place,
        inherited=ruled.inherited,
    )


def legal_basis(clauses: Iterable[Clause]) -> verdict_pb2.LegalBasis:
    """Write the law behind a ruling."""
    return verdict_pb2.LegalBasis(
        clauses=[verdict_pb2.Clause(citation=each.citation, text_zh=each.zh, text_en=each.en) for each in clauses]
    )


def mask_plan(plan: MaskPlan) -> mask_pb2.MaskPlan:
    """Write a plan."""
    return mask_pb2.MaskPlan(
        regions=[polygon(region) for region in polygons_of(plan.regions)], effect=effect(plan.effect)
    )


def polygon(region: Polygon) -> mask_pb2.Polygon:
    """Write a polygon."""
    return mask_pb2.Polygon(points=[mask_pb2.Point(x=x, y=y) for x, y in region.points])


def effect(chosen: Effect) -> mask_pb2.Effect:
    """Write an effect."""
    return mask_pb2.Effect(kind=EFFECTS[chosen.kind], strength=chosen.strength)


def policy_ref(policy: Policy) -> verdict_pb2.PolicyRef:
    """Write which policy rules."""
    return verdict_pb2.PolicyRef(name=policy.name, version=policy.version)


def policy_info(policy: Policy) -> pb.PolicyInfo:
    """Write what a client needs to know of a policy."""
    return pb.PolicyInfo(
        policy=policy_ref(policy),
        law=policy.law,
        prohibited_zones=[ZONES[zone] for zone in PROHIBITED],
        purposes=sorted(policy.prior),
        weakest_effects=[
            mask_pb2.Effect(kind=EFFECTS[kind], strength=policy.floors.get(kind, 1.0))
            for kind in EffectKind
            if policy.floors.get(kind, 1.0) <= 1
        ],
        default_effect=effect(policy.effect),
    )


def zone_scores(evidence: Evidence) -> list[verdict_pb2.ZoneScore]:
    """Write the probability of every zone, the likeliest first."""
    scores = sorted(zip(Zone, evidence.zones.tolist(), strict=True), key=lambda score: -score[1])
    return [verdict_pb2.ZoneScore(zone=ZONES[zone], probability=p) for zone, p in scores]


def object_scores(evidence: Evidence) -> list[pb.ObjectScore]:
    """Write the probability of every kind of object, the likeliest first."""
    scores = sorted(evidence.objects.items(), key=lambda score: -score[1])
    return [pb.ObjectScore(name=name, probability=p) for name, p in scores]


def zone_map(evidence: Evidence) -> pb.ZoneMap | None:
    """Write where the prohibited place is, if the model says."""
    if evidence.zone_map is None:
        return None
    rows, columns = evidence.zone_map.shape
    return pb.ZoneMap(rows=rows, columns=columns, probabilities=evidence.zone_map.ravel().tolist())


def _known(table: Mapping[K, V], value: K, field: str) -> V:
    if value not in table:
        raise ProtocolError(f"`{field}` has a value that is not in the contract: {value}", field=field)
    return table[value]
