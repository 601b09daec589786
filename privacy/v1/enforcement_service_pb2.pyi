import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from privacy.v1 import frame_pb2 as _frame_pb2
from privacy.v1 import mask_pb2 as _mask_pb2
from privacy.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResponseMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESPONSE_MODE_UNSPECIFIED: _ClassVar[ResponseMode]
    RESPONSE_MODE_VERDICT: _ClassVar[ResponseMode]
    RESPONSE_MODE_MASK_GEOMETRY: _ClassVar[ResponseMode]
    RESPONSE_MODE_MASKED_FRAME: _ClassVar[ResponseMode]

class Delivery(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_UNSPECIFIED: _ClassVar[Delivery]
    DELIVERY_EVERY_FRAME: _ClassVar[Delivery]
    DELIVERY_LATEST: _ClassVar[Delivery]

class NoticeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTICE_KIND_UNSPECIFIED: _ClassVar[NoticeKind]
    NOTICE_KIND_DRAINING: _ClassVar[NoticeKind]
RESPONSE_MODE_UNSPECIFIED: ResponseMode
RESPONSE_MODE_VERDICT: ResponseMode
RESPONSE_MODE_MASK_GEOMETRY: ResponseMode
RESPONSE_MODE_MASKED_FRAME: ResponseMode
DELIVERY_UNSPECIFIED: Delivery
DELIVERY_EVERY_FRAME: Delivery
DELIVERY_LATEST: Delivery
NOTICE_KIND_UNSPECIFIED: NoticeKind
NOTICE_KIND_DRAINING: NoticeKind

class EnforceStreamRequest(_message.Message):
    __slots__ = ("config", "frame", "release")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    frame: _frame_pb2.Frame
    release: SlotRelease
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ..., frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., release: _Optional[_Union[SlotRelease, _Mapping]] = ...) -> None: ...

class StreamConfig(_message.Message):
    __slots__ = ("camera", "policy", "model", "format", "response_mode", "delivery", "latency_budget", "look_behind", "declared_purpose", "static_zones", "effect", "return_unchanged", "jpeg_quality", "shared_memory")
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MODE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    LATENCY_BUDGET_FIELD_NUMBER: _ClassVar[int]
    LOOK_BEHIND_FIELD_NUMBER: _ClassVar[int]
    DECLARED_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    STATIC_ZONES_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    RETURN_UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    JPEG_QUALITY_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    camera: str
    policy: str
    model: str
    format: _frame_pb2.FrameFormat
    response_mode: ResponseMode
    delivery: Delivery
    latency_budget: _duration_pb2.Duration
    look_behind: _duration_pb2.Duration
    declared_purpose: str
    static_zones: _containers.RepeatedCompositeFieldContainer[_mask_pb2.Polygon]
    effect: _mask_pb2.Effect
    return_unchanged: bool
    jpeg_quality: int
    shared_memory: bool
    def __init__(self, camera: _Optional[str] = ..., policy: _Optional[str] = ..., model: _Optional[str] = ..., format: _Optional[_Union[_frame_pb2.FrameFormat, _Mapping]] = ..., response_mode: _Optional[_Union[ResponseMode, str]] = ..., delivery: _Optional[_Union[Delivery, str]] = ..., latency_budget: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., look_behind: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., declared_purpose: _Optional[str] = ..., static_zones: _Optional[_Iterable[_Union[_mask_pb2.Polygon, _Mapping]]] = ..., effect: _Optional[_Union[_mask_pb2.Effect, _Mapping]] = ..., return_unchanged: _Optional[bool] = ..., jpeg_quality: _Optional[int] = ..., shared_memory: _Optional[bool] = ...) -> None: ...

class SlotRelease(_message.Message):
    __slots__ = ("slots",)
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    slots: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, slots: _Optional[_Iterable[int]] = ...) -> None: ...

class EnforceStreamResponse(_message.Message):
    __slots__ = ("accepted", "result", "notice")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    accepted: StreamAccepted
    result: FrameResult
    notice: StreamNotice
    def __init__(self, accepted: _Optional[_Union[StreamAccepted, _Mapping]] = ..., result: _Optional[_Union[FrameResult, _Mapping]] = ..., notice: _Optional[_Union[StreamNotice, _Mapping]] = ...) -> None: ...

class StreamAccepted(_message.Message):
    __slots__ = ("session_id", "format", "response_mode", "delivery", "max_in_flight", "model", "policy", "effect", "latency_budget", "look_behind", "max_message_size_bytes", "max_pixels", "shared_memory")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MODE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    MAX_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    LATENCY_BUDGET_FIELD_NUMBER: _ClassVar[int]
    LOOK_BEHIND_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PIXELS_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    format: _frame_pb2.FrameFormat
    response_mode: ResponseMode
    delivery: Delivery
    max_in_flight: int
    model: _verdict_pb2.ModelRef
    policy: _verdict_pb2.PolicyRef
    effect: _mask_pb2.Effect
    latency_budget: _duration_pb2.Duration
    look_behind: _duration_pb2.Duration
    max_message_size_bytes: int
    max_pixels: int
    shared_memory: SharedMemory
    def __init__(self, session_id: _Optional[str] = ..., format: _Optional[_Union[_frame_pb2.FrameFormat, _Mapping]] = ..., response_mode: _Optional[_Union[ResponseMode, str]] = ..., delivery: _Optional[_Union[Delivery, str]] = ..., max_in_flight: _Optional[int] = ..., model: _Optional[_Union[_verdict_pb2.ModelRef, _Mapping]] = ..., policy: _Optional[_Union[_verdict_pb2.PolicyRef, _Mapping]] = ..., effect: _Optional[_Union[_mask_pb2.Effect, _Mapping]] = ..., latency_budget: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., look_behind: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_message_size_bytes: _Optional[int] = ..., max_pixels: _Optional[int] = ..., shared_memory: _Optional[_Union[SharedMemory, _Mapping]] = ...) -> None: ...

class SharedMemory(_message.Message):
    __slots__ = ("name", "slots", "slot_size_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOT_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    slots: int
    slot_size_bytes: int
    def __init__(self, name: _Optional[str] = ..., slots: _Optional[int] = ..., slot_size_bytes: _Optional[int] = ...) -> None: ...

class FrameResult(_message.Message):
    __slots__ = ("sequence_number", "capture_offset", "verdict", "mask_plan", "masked", "unchanged", "withheld", "timing", "exposure")
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    MASK_PLAN_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    sequence_number: int
    capture_offset: _duration_pb2.Duration
    verdict: _verdict_pb2.Verdict
    mask_plan: _mask_pb2.MaskPlan
    masked: _frame_pb2.Picture
    unchanged: bool
    withheld: bool
    timing: Timing
    exposure: Exposure
    def __init__(self, sequence_number: _Optional[int] = ..., capture_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ..., mask_plan: _Optional[_Union[_mask_pb2.MaskPlan, _Mapping]] = ..., masked: _Optional[_Union[_frame_pb2.Picture, _Mapping]] = ..., unchanged: _Optional[bool] = ..., withheld: _Optional[bool] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., exposure: _Optional[_Union[Exposure, _Mapping]] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("queue", "decode", "infer", "mask", "encode")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    DECODE_FIELD_NUMBER: _ClassVar[int]
    INFER_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    ENCODE_FIELD_NUMBER: _ClassVar[int]
    queue: _duration_pb2.Duration
    decode: _duration_pb2.Duration
    infer: _duration_pb2.Duration
    mask: _duration_pb2.Duration
    encode: _duration_pb2.Duration
    def __init__(self, queue: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., decode: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., infer: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., mask: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., encode: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Exposure(_message.Message):
    __slots__ = ("frames", "duration")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    frames: int
    duration: _duration_pb2.Duration
    def __init__(self, frames: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StreamNotice(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: NoticeKind
    def __init__(self, kind: _Optional[_Union[NoticeKind, str]] = ...) -> None: ...

class ClassifyFrameRequest(_message.Message):
    __slots__ = ("format", "frame", "policy", "model")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    format: _frame_pb2.FrameFormat
    frame: _frame_pb2.Frame
    policy: str
    model: str
    def __init__(self, format: _Optional[_Union[_frame_pb2.FrameFormat, _Mapping]] = ..., frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., policy: _Optional[str] = ..., model: _Optional[str] = ...) -> None: ...

class ClassifyFrameResponse(_message.Message):
    __slots__ = ("verdict", "zone_scores", "object_scores", "zone_map", "model", "policy", "timing")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ZONE_SCORES_FIELD_NUMBER: _ClassVar[int]
    OBJECT_SCORES_FIELD_NUMBER: _ClassVar[int]
    ZONE_MAP_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    verdict: _verdict_pb2.Verdict
    zone_scores: _containers.RepeatedCompositeFieldContainer[_verdict_pb2.ZoneScore]
    object_scores: _containers.RepeatedCompositeFieldContainer[ObjectScore]
    zone_map: ZoneMap
    model: _verdict_pb2.ModelRef
    policy: _verdict_pb2.PolicyRef
    timing: Timing
    def __init__(self, verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ..., zone_scores: _Optional[_Iterable[_Union[_verdict_pb2.ZoneScore, _Mapping]]] = ..., object_scores: _Optional[_Iterable[_Union[ObjectScore, _Mapping]]] = ..., zone_map: _Optional[_Union[ZoneMap, _Mapping]] = ..., model: _Optional[_Union[_verdict_pb2.ModelRef, _Mapping]] = ..., policy: _Optional[_Union[_verdict_pb2.PolicyRef, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ...) -> None: ...

class ObjectScore(_message.Message):
    __slots__ = ("name", "probability")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    probability: float
    def __init__(self, name: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class ZoneMap(_message.Message):
    __slots__ = ("rows", "columns", "probabilities")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    rows: int
    columns: int
    probabilities: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, rows: _Optional[int] = ..., columns: _Optional[int] = ..., probabilities: _Optional[_Iterable[float]] = ...) -> None: ...

class GetCapabilitiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCapabilitiesResponse(_message.Message):
    __slots__ = ("server_version", "pixel_formats", "response_modes", "deliveries", "models", "policies", "max_streams", "max_message_size_bytes", "max_pixels", "max_look_behind", "shared_memory")
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    PIXEL_FORMATS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MODES_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_LOOK_BEHIND_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    server_version: str
    pixel_formats: _containers.RepeatedScalarFieldContainer[_frame_pb2.PixelFormat]
    response_modes: _containers.RepeatedScalarFieldContainer[ResponseMode]
    deliveries: _containers.RepeatedScalarFieldContainer[Delivery]
    models: _containers.RepeatedCompositeFieldContainer[_verdict_pb2.ModelRef]
    policies: _containers.RepeatedCompositeFieldContainer[PolicyInfo]
    max_streams: int
    max_message_size_bytes: int
    max_pixels: int
    max_look_behind: _duration_pb2.Duration
    shared_memory: bool
    def __init__(self, server_version: _Optional[str] = ..., pixel_formats: _Optional[_Iterable[_Union[_frame_pb2.PixelFormat, str]]] = ..., response_modes: _Optional[_Iterable[_Union[ResponseMode, str]]] = ..., deliveries: _Optional[_Iterable[_Union[Delivery, str]]] = ..., models: _Optional[_Iterable[_Union[_verdict_pb2.ModelRef, _Mapping]]] = ..., policies: _Optional[_Iterable[_Union[PolicyInfo, _Mapping]]] = ..., max_streams: _Optional[int] = ..., max_message_size_bytes: _Optional[int] = ..., max_pixels: _Optional[int] = ..., max_look_behind: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., shared_memory: _Optional[bool] = ...) -> None: ...

class PolicyInfo(_message.Message):
    __slots__ = ("policy", "law", "prohibited_zones", "purposes", "weakest_effects", "default_effect")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    LAW_FIELD_NUMBER: _ClassVar[int]
    PROHIBITED_ZONES_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    WEAKEST_EFFECTS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_EFFECT_FIELD_NUMBER: _ClassVar[int]
    policy: _verdict_pb2.PolicyRef
    law: str
    prohibited_zones: _containers.RepeatedScalarFieldContainer[_verdict_pb2.Zone]
    purposes: _containers.RepeatedScalarFieldContainer[str]
    weakest_effects: _containers.RepeatedCompositeFieldContainer[_mask_pb2.Effect]
    default_effect: _mask_pb2.Effect
    def __init__(self, policy: _Optional[_Union[_verdict_pb2.PolicyRef, _Mapping]] = ..., law: _Optional[str] = ..., prohibited_zones: _Optional[_Iterable[_Union[_verdict_pb2.Zone, str]]] = ..., purposes: _Optional[_Iterable[str]] = ..., weakest_effects: _Optional[_Iterable[_Union[_mask_pb2.Effect, _Mapping]]] = ..., default_effect: _Optional[_Union[_mask_pb2.Effect, _Mapping]] = ...) -> None: ...
