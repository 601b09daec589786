import datetime

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

class ReportKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_KIND_UNSPECIFIED: _ClassVar[ReportKind]
    REPORT_KIND_PROHIBITED_VIEW: _ClassVar[ReportKind]
    REPORT_KIND_MISUSE: _ClassVar[ReportKind]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_LOW: _ClassVar[Severity]
    SEVERITY_MEDIUM: _ClassVar[Severity]
    SEVERITY_HIGH: _ClassVar[Severity]
    SEVERITY_CRITICAL: _ClassVar[Severity]

class ReportState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_STATE_UNSPECIFIED: _ClassVar[ReportState]
    REPORT_STATE_OPEN: _ClassVar[ReportState]
    REPORT_STATE_ACKNOWLEDGED: _ClassVar[ReportState]
    REPORT_STATE_CONFIRMED: _ClassVar[ReportState]
    REPORT_STATE_DISMISSED: _ClassVar[ReportState]
    REPORT_STATE_FILED: _ClassVar[ReportState]

class ReportEventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_EVENT_KIND_UNSPECIFIED: _ClassVar[ReportEventKind]
    REPORT_EVENT_KIND_NEW: _ClassVar[ReportEventKind]
    REPORT_EVENT_KIND_UPDATE: _ClassVar[ReportEventKind]
    REPORT_EVENT_KIND_END: _ClassVar[ReportEventKind]

class EvidenceAccess(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVIDENCE_ACCESS_UNSPECIFIED: _ClassVar[EvidenceAccess]
    EVIDENCE_ACCESS_READ: _ClassVar[EvidenceAccess]
    EVIDENCE_ACCESS_COPY: _ClassVar[EvidenceAccess]
    EVIDENCE_ACCESS_RETRIEVE: _ClassVar[EvidenceAccess]

class AuthorityKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUTHORITY_KIND_UNSPECIFIED: _ClassVar[AuthorityKind]
    AUTHORITY_KIND_PUBLIC_SECURITY: _ClassVar[AuthorityKind]
    AUTHORITY_KIND_STATE_SECURITY: _ClassVar[AuthorityKind]
    AUTHORITY_KIND_OTHER_ADMINISTRATION: _ClassVar[AuthorityKind]
    AUTHORITY_KIND_EMERGENCY: _ClassVar[AuthorityKind]
REPORT_KIND_UNSPECIFIED: ReportKind
REPORT_KIND_PROHIBITED_VIEW: ReportKind
REPORT_KIND_MISUSE: ReportKind
SEVERITY_UNSPECIFIED: Severity
SEVERITY_LOW: Severity
SEVERITY_MEDIUM: Severity
SEVERITY_HIGH: Severity
SEVERITY_CRITICAL: Severity
REPORT_STATE_UNSPECIFIED: ReportState
REPORT_STATE_OPEN: ReportState
REPORT_STATE_ACKNOWLEDGED: ReportState
REPORT_STATE_CONFIRMED: ReportState
REPORT_STATE_DISMISSED: ReportState
REPORT_STATE_FILED: ReportState
REPORT_EVENT_KIND_UNSPECIFIED: ReportEventKind
REPORT_EVENT_KIND_NEW: ReportEventKind
REPORT_EVENT_KIND_UPDATE: ReportEventKind
REPORT_EVENT_KIND_END: ReportEventKind
EVIDENCE_ACCESS_UNSPECIFIED: EvidenceAccess
EVIDENCE_ACCESS_READ: EvidenceAccess
EVIDENCE_ACCESS_COPY: EvidenceAccess
EVIDENCE_ACCESS_RETRIEVE: EvidenceAccess
AUTHORITY_KIND_UNSPECIFIED: AuthorityKind
AUTHORITY_KIND_PUBLIC_SECURITY: AuthorityKind
AUTHORITY_KIND_STATE_SECURITY: AuthorityKind
AUTHORITY_KIND_OTHER_ADMINISTRATION: AuthorityKind
AUTHORITY_KIND_EMERGENCY: AuthorityKind

class Report(_message.Message):
    __slots__ = ("name", "kind", "rule", "camera", "start_time", "end_time", "zone", "legal_basis", "consequences", "severity", "confidence", "explanation", "masked_pictures", "system_response", "recommended_action_en", "recommended_action_zh", "addressee", "state", "review_steps", "model", "policy", "evidence_sealed", "create_time", "update_time", "retain_until_time", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    CONSEQUENCES_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    MASKED_PICTURES_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDED_ACTION_EN_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDED_ACTION_ZH_FIELD_NUMBER: _ClassVar[int]
    ADDRESSEE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REVIEW_STEPS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_SEALED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    RETAIN_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: ReportKind
    rule: str
    camera: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    zone: _verdict_pb2.Zone
    legal_basis: _verdict_pb2.LegalBasis
    consequences: _verdict_pb2.LegalBasis
    severity: Severity
    confidence: float
    explanation: Explanation
    masked_pictures: _containers.RepeatedCompositeFieldContainer[MaskedPicture]
    system_response: SystemResponse
    recommended_action_en: str
    recommended_action_zh: str
    addressee: str
    state: ReportState
    review_steps: _containers.RepeatedCompositeFieldContainer[ReviewStep]
    model: _verdict_pb2.ModelRef
    policy: _verdict_pb2.PolicyRef
    evidence_sealed: bool
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    retain_until_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[ReportKind, str]] = ..., rule: _Optional[str] = ..., camera: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., zone: _Optional[_Union[_verdict_pb2.Zone, str]] = ..., legal_basis: _Optional[_Union[_verdict_pb2.LegalBasis, _Mapping]] = ..., consequences: _Optional[_Union[_verdict_pb2.LegalBasis, _Mapping]] = ..., severity: _Optional[_Union[Severity, str]] = ..., confidence: _Optional[float] = ..., explanation: _Optional[_Union[Explanation, _Mapping]] = ..., masked_pictures: _Optional[_Iterable[_Union[MaskedPicture, _Mapping]]] = ..., system_response: _Optional[_Union[SystemResponse, _Mapping]] = ..., recommended_action_en: _Optional[str] = ..., recommended_action_zh: _Optional[str] = ..., addressee: _Optional[str] = ..., state: _Optional[_Union[ReportState, str]] = ..., review_steps: _Optional[_Iterable[_Union[ReviewStep, _Mapping]]] = ..., model: _Optional[_Union[_verdict_pb2.ModelRef, _Mapping]] = ..., policy: _Optional[_Union[_verdict_pb2.PolicyRef, _Mapping]] = ..., evidence_sealed: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retain_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("place", "objects", "summary_en", "summary_zh")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_EN_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_ZH_FIELD_NUMBER: _ClassVar[int]
    place: str
    objects: _containers.RepeatedScalarFieldContainer[str]
    summary_en: str
    summary_zh: str
    def __init__(self, place: _Optional[str] = ..., objects: _Optional[_Iterable[str]] = ..., summary_en: _Optional[str] = ..., summary_zh: _Optional[str] = ...) -> None: ...

class MaskedPicture(_message.Message):
    __slots__ = ("capture_time", "media_type", "data", "original_sha256_digest")
    CAPTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_SHA256_DIGEST_FIELD_NUMBER: _ClassVar[int]
    capture_time: _timestamp_pb2.Timestamp
    media_type: str
    data: bytes
    original_sha256_digest: str
    def __init__(self, capture_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., media_type: _Optional[str] = ..., data: _Optional[bytes] = ..., original_sha256_digest: _Optional[str] = ...) -> None: ...

class SystemResponse(_message.Message):
    __slots__ = ("masked_since_time", "exposure_frames", "exposure_duration")
    MASKED_SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_FRAMES_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_DURATION_FIELD_NUMBER: _ClassVar[int]
    masked_since_time: _timestamp_pb2.Timestamp
    exposure_frames: int
    exposure_duration: _duration_pb2.Duration
    def __init__(self, masked_since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., exposure_frames: _Optional[int] = ..., exposure_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReviewStep(_message.Message):
    __slots__ = ("state", "actor", "time", "reason")
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    state: ReportState
    actor: str
    time: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, state: _Optional[_Union[ReportState, str]] = ..., actor: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class ListReportsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListReportsResponse(_message.Message):
    __slots__ = ("reports", "next_page_token")
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    next_page_token: str
    def __init__(self, reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class WatchReportsRequest(_message.Message):
    __slots__ = ("start_offset", "filter", "heartbeat_interval")
    START_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    start_offset: int
    filter: str
    heartbeat_interval: _duration_pb2.Duration
    def __init__(self, start_offset: _Optional[int] = ..., filter: _Optional[str] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchReportsResponse(_message.Message):
    __slots__ = ("event", "heartbeat")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    event: ReportEvent
    heartbeat: Heartbeat
    def __init__(self, event: _Optional[_Union[ReportEvent, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class ReportEvent(_message.Message):
    __slots__ = ("offset", "kind", "report")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    offset: int
    kind: ReportEventKind
    report: Report
    def __init__(self, offset: _Optional[int] = ..., kind: _Optional[_Union[ReportEventKind, str]] = ..., report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("next_offset", "time")
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    next_offset: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, next_offset: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReviewReportRequest(_message.Message):
    __slots__ = ("name", "state", "reason", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: ReportState
    reason: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[ReportState, str]] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ReviewReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class RequestEvidenceRequest(_message.Message):
    __slots__ = ("name", "retrieval_record", "access", "authority_kind", "officers", "approval_document", "approval_exempt", "confidentiality_accepted", "recipient_public_key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RETRIEVAL_RECORD_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_KIND_FIELD_NUMBER: _ClassVar[int]
    OFFICERS_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_EXEMPT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENTIALITY_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    retrieval_record: RetrievalRecord
    access: EvidenceAccess
    authority_kind: AuthorityKind
    officers: _containers.RepeatedCompositeFieldContainer[Officer]
    approval_document: ApprovalDocument
    approval_exempt: bool
    confidentiality_accepted: bool
    recipient_public_key: bytes
    def __init__(self, name: _Optional[str] = ..., retrieval_record: _Optional[_Union[RetrievalRecord, _Mapping]] = ..., access: _Optional[_Union[EvidenceAccess, str]] = ..., authority_kind: _Optional[_Union[AuthorityKind, str]] = ..., officers: _Optional[_Iterable[_Union[Officer, _Mapping]]] = ..., approval_document: _Optional[_Union[ApprovalDocument, _Mapping]] = ..., approval_exempt: _Optional[bool] = ..., confidentiality_accepted: _Optional[bool] = ..., recipient_public_key: _Optional[bytes] = ...) -> None: ...

class RetrievalRecord(_message.Message):
    __slots__ = ("recorded_by", "retrieved_by", "retrieve_time", "purpose", "destination")
    RECORDED_BY_FIELD_NUMBER: _ClassVar[int]
    RETRIEVED_BY_FIELD_NUMBER: _ClassVar[int]
    RETRIEVE_TIME_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    recorded_by: str
    retrieved_by: str
    retrieve_time: _timestamp_pb2.Timestamp
    purpose: str
    destination: str
    def __init__(self, recorded_by: _Optional[str] = ..., retrieved_by: _Optional[str] = ..., retrieve_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purpose: _Optional[str] = ..., destination: _Optional[str] = ...) -> None: ...

class Officer(_message.Message):
    __slots__ = ("display_name", "organ", "credential_number")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ORGAN_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    organ: str
    credential_number: str
    def __init__(self, display_name: _Optional[str] = ..., organ: _Optional[str] = ..., credential_number: _Optional[str] = ...) -> None: ...

class ApprovalDocument(_message.Message):
    __slots__ = ("document_number", "issuing_organ", "approver", "issue_time")
    DOCUMENT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUING_ORGAN_FIELD_NUMBER: _ClassVar[int]
    APPROVER_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    document_number: str
    issuing_organ: str
    approver: str
    issue_time: _timestamp_pb2.Timestamp
    def __init__(self, document_number: _Optional[str] = ..., issuing_organ: _Optional[str] = ..., approver: _Optional[str] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RequestEvidenceResponse(_message.Message):
    __slots__ = ("sealed_evidence", "ledger_entry")
    SEALED_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    LEDGER_ENTRY_FIELD_NUMBER: _ClassVar[int]
    sealed_evidence: _containers.RepeatedCompositeFieldContainer[SealedEvidence]
    ledger_entry: str
    def __init__(self, sealed_evidence: _Optional[_Iterable[_Union[SealedEvidence, _Mapping]]] = ..., ledger_entry: _Optional[str] = ...) -> None: ...

class SealedEvidence(_message.Message):
    __slots__ = ("capture_time", "media_type", "sealed_box", "sha256_digest")
    CAPTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEALED_BOX_FIELD_NUMBER: _ClassVar[int]
    SHA256_DIGEST_FIELD_NUMBER: _ClassVar[int]
    capture_time: _timestamp_pb2.Timestamp
    media_type: str
    sealed_box: bytes
    sha256_digest: str
    def __init__(self, capture_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., media_type: _Optional[str] = ..., sealed_box: _Optional[bytes] = ..., sha256_digest: _Optional[str] = ...) -> None: ...

class VerifyLedgerRequest(_message.Message):
    __slots__ = ("start_entry", "end_entry")
    START_ENTRY_FIELD_NUMBER: _ClassVar[int]
    END_ENTRY_FIELD_NUMBER: _ClassVar[int]
    start_entry: int
    end_entry: int
    def __init__(self, start_entry: _Optional[int] = ..., end_entry: _Optional[int] = ...) -> None: ...

class VerifyLedgerResponse(_message.Message):
    __slots__ = ("intact", "entries_checked", "first_broken_entry", "finding", "head_digest", "head_signature", "signer_public_key")
    INTACT_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_CHECKED_FIELD_NUMBER: _ClassVar[int]
    FIRST_BROKEN_ENTRY_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    HEAD_DIGEST_FIELD_NUMBER: _ClassVar[int]
    HEAD_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SIGNER_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    intact: bool
    entries_checked: int
    first_broken_entry: int
    finding: str
    head_digest: bytes
    head_signature: bytes
    signer_public_key: bytes
    def __init__(self, intact: _Optional[bool] = ..., entries_checked: _Optional[int] = ..., first_broken_entry: _Optional[int] = ..., finding: _Optional[str] = ..., head_digest: _Optional[bytes] = ..., head_signature: _Optional[bytes] = ..., signer_public_key: _Optional[bytes] = ...) -> None: ...
