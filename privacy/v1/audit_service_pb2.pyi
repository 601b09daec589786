import datetime

from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from privacy.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuditState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_STATE_UNSPECIFIED: _ClassVar[AuditState]
    AUDIT_STATE_QUEUED: _ClassVar[AuditState]
    AUDIT_STATE_RUNNING: _ClassVar[AuditState]
    AUDIT_STATE_SUCCEEDED: _ClassVar[AuditState]
    AUDIT_STATE_INCOMPLETE: _ClassVar[AuditState]
    AUDIT_STATE_CANCELLED: _ClassVar[AuditState]
    AUDIT_STATE_FAILED: _ClassVar[AuditState]
AUDIT_STATE_UNSPECIFIED: AuditState
AUDIT_STATE_QUEUED: AuditState
AUDIT_STATE_RUNNING: AuditState
AUDIT_STATE_SUCCEEDED: AuditState
AUDIT_STATE_INCOMPLETE: AuditState
AUDIT_STATE_CANCELLED: AuditState
AUDIT_STATE_FAILED: AuditState

class Audit(_message.Message):
    __slots__ = ("name", "spec", "state", "progress", "model", "policy", "prohibited_share", "create_time", "end_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    PROHIBITED_SHARE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    spec: AuditSpec
    state: AuditState
    progress: AuditMetadata
    model: _verdict_pb2.ModelRef
    policy: _verdict_pb2.PolicyRef
    prohibited_share: ShareEstimate
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., spec: _Optional[_Union[AuditSpec, _Mapping]] = ..., state: _Optional[_Union[AuditState, str]] = ..., progress: _Optional[_Union[AuditMetadata, _Mapping]] = ..., model: _Optional[_Union[_verdict_pb2.ModelRef, _Mapping]] = ..., policy: _Optional[_Union[_verdict_pb2.PolicyRef, _Mapping]] = ..., prohibited_share: _Optional[_Union[ShareEstimate, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AuditSpec(_message.Message):
    __slots__ = ("paths", "start_time", "end_time", "policy", "model", "min_event_duration", "max_decode_ratio", "refine", "raise_reports", "resume")
    PATHS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MIN_EVENT_DURATION_FIELD_NUMBER: _ClassVar[int]
    MAX_DECODE_RATIO_FIELD_NUMBER: _ClassVar[int]
    REFINE_FIELD_NUMBER: _ClassVar[int]
    RAISE_REPORTS_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedScalarFieldContainer[str]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    policy: str
    model: str
    min_event_duration: _duration_pb2.Duration
    max_decode_ratio: float
    refine: bool
    raise_reports: bool
    resume: str
    def __init__(self, paths: _Optional[_Iterable[str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., policy: _Optional[str] = ..., model: _Optional[str] = ..., min_event_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_decode_ratio: _Optional[float] = ..., refine: _Optional[bool] = ..., raise_reports: _Optional[bool] = ..., resume: _Optional[str] = ...) -> None: ...

class AuditMetadata(_message.Message):
    __slots__ = ("audit", "recordings_done", "recordings_total", "recorded_done", "recorded_total", "findings", "unreadable", "expected_end_time")
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    RECORDINGS_DONE_FIELD_NUMBER: _ClassVar[int]
    RECORDINGS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    RECORDED_DONE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_END_TIME_FIELD_NUMBER: _ClassVar[int]
    audit: str
    recordings_done: int
    recordings_total: int
    recorded_done: _duration_pb2.Duration
    recorded_total: _duration_pb2.Duration
    findings: int
    unreadable: _containers.RepeatedCompositeFieldContainer[UnreadableRecording]
    expected_end_time: _timestamp_pb2.Timestamp
    def __init__(self, audit: _Optional[str] = ..., recordings_done: _Optional[int] = ..., recordings_total: _Optional[int] = ..., recorded_done: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., recorded_total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., findings: _Optional[int] = ..., unreadable: _Optional[_Iterable[_Union[UnreadableRecording, _Mapping]]] = ..., expected_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UnreadableRecording(_message.Message):
    __slots__ = ("path", "reason", "broke_offset")
    PATH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BROKE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    path: str
    reason: str
    broke_offset: _duration_pb2.Duration
    def __init__(self, path: _Optional[str] = ..., reason: _Optional[str] = ..., broke_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ShareEstimate(_message.Message):
    __slots__ = ("share", "lower", "upper", "confidence")
    SHARE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    share: float
    lower: float
    upper: float
    confidence: float
    def __init__(self, share: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., confidence: _Optional[float] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("name", "path", "camera", "start_offset", "end_offset", "start_time", "zone", "p_prohibited", "legal_basis", "masked_thumbnails", "report")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    START_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    P_PROHIBITED_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    MASKED_THUMBNAILS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    name: str
    path: str
    camera: str
    start_offset: _duration_pb2.Duration
    end_offset: _duration_pb2.Duration
    start_time: _timestamp_pb2.Timestamp
    zone: _verdict_pb2.Zone
    p_prohibited: float
    legal_basis: _verdict_pb2.LegalBasis
    masked_thumbnails: _containers.RepeatedScalarFieldContainer[bytes]
    report: str
    def __init__(self, name: _Optional[str] = ..., path: _Optional[str] = ..., camera: _Optional[str] = ..., start_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., end_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., zone: _Optional[_Union[_verdict_pb2.Zone, str]] = ..., p_prohibited: _Optional[float] = ..., legal_basis: _Optional[_Union[_verdict_pb2.LegalBasis, _Mapping]] = ..., masked_thumbnails: _Optional[_Iterable[bytes]] = ..., report: _Optional[str] = ...) -> None: ...

class StartAuditRequest(_message.Message):
    __slots__ = ("spec", "request_id")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    spec: AuditSpec
    request_id: str
    def __init__(self, spec: _Optional[_Union[AuditSpec, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetAuditRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetAuditResponse(_message.Message):
    __slots__ = ("audit",)
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    audit: Audit
    def __init__(self, audit: _Optional[_Union[Audit, _Mapping]] = ...) -> None: ...

class ListAuditsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListAuditsResponse(_message.Message):
    __slots__ = ("audits", "next_page_token")
    AUDITS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    audits: _containers.RepeatedCompositeFieldContainer[Audit]
    next_page_token: str
    def __init__(self, audits: _Optional[_Iterable[_Union[Audit, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelAuditRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CancelAuditResponse(_message.Message):
    __slots__ = ("audit",)
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    audit: Audit
    def __init__(self, audit: _Optional[_Union[Audit, _Mapping]] = ...) -> None: ...

class ListFindingsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListFindingsResponse(_message.Message):
    __slots__ = ("findings", "next_page_token")
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    next_page_token: str
    def __init__(self, findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SimulatePolicyRequest(_message.Message):
    __slots__ = ("audit", "policy", "thresholds")
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    audit: str
    policy: str
    thresholds: PolicyThresholds
    def __init__(self, audit: _Optional[str] = ..., policy: _Optional[str] = ..., thresholds: _Optional[_Union[PolicyThresholds, _Mapping]] = ...) -> None: ...

class PolicyThresholds(_message.Message):
    __slots__ = ("clear_below", "release_below", "prohibited_above")
    CLEAR_BELOW_FIELD_NUMBER: _ClassVar[int]
    RELEASE_BELOW_FIELD_NUMBER: _ClassVar[int]
    PROHIBITED_ABOVE_FIELD_NUMBER: _ClassVar[int]
    clear_below: float
    release_below: float
    prohibited_above: float
    def __init__(self, clear_below: _Optional[float] = ..., release_below: _Optional[float] = ..., prohibited_above: _Optional[float] = ...) -> None: ...

class SimulatePolicyResponse(_message.Message):
    __slots__ = ("added", "removed", "changed", "prohibited_share")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    PROHIBITED_SHARE_FIELD_NUMBER: _ClassVar[int]
    added: _containers.RepeatedCompositeFieldContainer[Finding]
    removed: _containers.RepeatedCompositeFieldContainer[Finding]
    changed: _containers.RepeatedCompositeFieldContainer[Finding]
    prohibited_share: ShareEstimate
    def __init__(self, added: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., removed: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., changed: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., prohibited_share: _Optional[_Union[ShareEstimate, _Mapping]] = ...) -> None: ...
