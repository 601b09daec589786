from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerdictState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_STATE_UNSPECIFIED: _ClassVar[VerdictState]
    VERDICT_STATE_PROHIBITED: _ClassVar[VerdictState]
    VERDICT_STATE_CLEAR: _ClassVar[VerdictState]
    VERDICT_STATE_UNCERTAIN: _ClassVar[VerdictState]

class VerdictReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_REASON_UNSPECIFIED: _ClassVar[VerdictReason]
    VERDICT_REASON_MODEL: _ClassVar[VerdictReason]
    VERDICT_REASON_STARTUP: _ClassVar[VerdictReason]
    VERDICT_REASON_STALL: _ClassVar[VerdictReason]
    VERDICT_REASON_OVERLOAD: _ClassVar[VerdictReason]
    VERDICT_REASON_FORMAT_CHANGE: _ClassVar[VerdictReason]
    VERDICT_REASON_VIEW_CHANGED: _ClassVar[VerdictReason]
    VERDICT_REASON_POLICY: _ClassVar[VerdictReason]
    VERDICT_REASON_MODEL_ERROR: _ClassVar[VerdictReason]
    VERDICT_REASON_DECODE_ERROR: _ClassVar[VerdictReason]
    VERDICT_REASON_CLOCK_JUMP: _ClassVar[VerdictReason]
    VERDICT_REASON_CONNECTION_LOST: _ClassVar[VerdictReason]

class Zone(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ZONE_UNSPECIFIED: _ClassVar[Zone]
    ZONE_PERMITTED: _ClassVar[Zone]
    ZONE_WASHROOM: _ClassVar[Zone]
    ZONE_BATHHOUSE: _ClassVar[Zone]
    ZONE_CHANGING_ROOM: _ClassVar[Zone]
    ZONE_DORMITORY: _ClassVar[Zone]
    ZONE_GUEST_ROOM: _ClassVar[Zone]
    ZONE_OTHER_PRIVATE: _ClassVar[Zone]
VERDICT_STATE_UNSPECIFIED: VerdictState
VERDICT_STATE_PROHIBITED: VerdictState
VERDICT_STATE_CLEAR: VerdictState
VERDICT_STATE_UNCERTAIN: VerdictState
VERDICT_REASON_UNSPECIFIED: VerdictReason
VERDICT_REASON_MODEL: VerdictReason
VERDICT_REASON_STARTUP: VerdictReason
VERDICT_REASON_STALL: VerdictReason
VERDICT_REASON_OVERLOAD: VerdictReason
VERDICT_REASON_FORMAT_CHANGE: VerdictReason
VERDICT_REASON_VIEW_CHANGED: VerdictReason
VERDICT_REASON_POLICY: VerdictReason
VERDICT_REASON_MODEL_ERROR: VerdictReason
VERDICT_REASON_DECODE_ERROR: VerdictReason
VERDICT_REASON_CLOCK_JUMP: VerdictReason
VERDICT_REASON_CONNECTION_LOST: VerdictReason
ZONE_UNSPECIFIED: Zone
ZONE_PERMITTED: Zone
ZONE_WASHROOM: Zone
ZONE_BATHHOUSE: Zone
ZONE_CHANGING_ROOM: Zone
ZONE_DORMITORY: Zone
ZONE_GUEST_ROOM: Zone
ZONE_OTHER_PRIVATE: Zone

class Verdict(_message.Message):
    __slots__ = ("state", "reason", "zone", "p_prohibited", "legal_basis", "place", "inherited")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    P_PROHIBITED_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    INHERITED_FIELD_NUMBER: _ClassVar[int]
    state: VerdictState
    reason: VerdictReason
    zone: Zone
    p_prohibited: float
    legal_basis: LegalBasis
    place: str
    inherited: bool
    def __init__(self, state: _Optional[_Union[VerdictState, str]] = ..., reason: _Optional[_Union[VerdictReason, str]] = ..., zone: _Optional[_Union[Zone, str]] = ..., p_prohibited: _Optional[float] = ..., legal_basis: _Optional[_Union[LegalBasis, _Mapping]] = ..., place: _Optional[str] = ..., inherited: _Optional[bool] = ...) -> None: ...

class LegalBasis(_message.Message):
    __slots__ = ("clauses",)
    CLAUSES_FIELD_NUMBER: _ClassVar[int]
    clauses: _containers.RepeatedCompositeFieldContainer[Clause]
    def __init__(self, clauses: _Optional[_Iterable[_Union[Clause, _Mapping]]] = ...) -> None: ...

class Clause(_message.Message):
    __slots__ = ("citation", "text_zh", "text_en")
    CITATION_FIELD_NUMBER: _ClassVar[int]
    TEXT_ZH_FIELD_NUMBER: _ClassVar[int]
    TEXT_EN_FIELD_NUMBER: _ClassVar[int]
    citation: str
    text_zh: str
    text_en: str
    def __init__(self, citation: _Optional[str] = ..., text_zh: _Optional[str] = ..., text_en: _Optional[str] = ...) -> None: ...

class ZoneScore(_message.Message):
    __slots__ = ("zone", "probability")
    ZONE_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    zone: Zone
    probability: float
    def __init__(self, zone: _Optional[_Union[Zone, str]] = ..., probability: _Optional[float] = ...) -> None: ...

class ModelRef(_message.Message):
    __slots__ = ("name", "sha256_digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    sha256_digest: str
    def __init__(self, name: _Optional[str] = ..., sha256_digest: _Optional[str] = ...) -> None: ...

class PolicyRef(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...
