"""`ReportService`: messages outside, the store inside."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from privacy import pages
from privacy.errors import AccessError, FieldError
from privacy.events import Event, EvidenceRead
from privacy.policy import Severity
from privacy.reports import access, filters
from privacy.reports.access import EvidenceRequest
from privacy.reports.ledger import MAX_TEXT, Act, checked_text, short_text, shortened
from privacy.reports.report import Change, ChangeKind, Report, ReportKind, ReportState, ReviewStep
from privacy.reports.store import Store
from privacy.serve import translate
from privacy.serve.caller import caller
from privacy.serve.status import errors_as_status
from privacy.v1 import report_service_pb2 as pb
from privacy.v1 import report_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2

POLL_S = 0.25
HEARTBEAT_S = (1.0, 15.0, 300.0)
"""Shortest, usual and longest time between heartbeats."""
_NEWEST_FIRST = ("", "create_time desc")
_ORDERS = (*_NEWEST_FIRST, "create_time", "create_time asc")

KINDS = {
    ReportKind.PROHIBITED_VIEW: pb.REPORT_KIND_PROHIBITED_VIEW,
    ReportKind.MISUSE: pb.REPORT_KIND_MISUSE,
}
STATES = {state: pb.ReportState.Value(f"REPORT_STATE_{state.value}") for state in ReportState}
SEVERITIES = {severity: pb.Severity.Value(f"SEVERITY_{severity.value}") for severity in Severity}
CHANGES = {kind: pb.ReportEventKind.Value(f"REPORT_EVENT_KIND_{kind.value}") for kind in ChangeKind}
ACCESS = {pb.EvidenceAccess.Value(f"EVIDENCE_ACCESS_{one.value}"): one for one in access.Access}
AUTHORITIES = {pb.AuthorityKind.Value(f"AUTHORITY_KIND_{one.value}"): one for one in access.Authority}


class ReportService(pb_grpc.ReportServiceServicer):
    """Serves reports, and hands out what only the authority can open.

    Args:
        store: Where they are.
        authority: X25519 public keys of the authority that this server was set up with.
        hear: Told of every read of evidence, for the rules on reading.
    """

    def __init__(
        self, store: Store, authority: frozenset[bytes] = frozenset(), hear: Callable[[Event], object] = lambda _: None
    ) -> None:
        self._store = store
        self._authority = authority
        self._hear = hear

    def ListReports(self, request: pb.ListReportsRequest, context: grpc.ServicerContext) -> pb.ListReportsResponse:  # noqa: N802 - gRPC's name
        """Return a page of reports."""
        with errors_as_status(context):
            if request.order_by not in _ORDERS:
                raise FieldError("`order_by` is create_time or create_time desc", field="order_by")
            asked = ("reports", request.filter, request.order_by)
            after = pages.after_of(request.page_token, *asked, like=pages.NUMBER)
            found, last = self._store.page(
                filters.parse(request.filter),
                before=int(after) if after else None,
                limit=pages.size_of(request.page_size),
                oldest_first=request.order_by not in _NEWEST_FIRST,
            )
            token = pages.token_of("" if last is None else str(last), *asked)
            return pb.ListReportsResponse(reports=[self._message(one) for one in found], next_page_token=token)
        raise AssertionError("unreachable: an error ends the call")

    def GetReport(self, request: pb.GetReportRequest, context: grpc.ServicerContext) -> pb.GetReportResponse:  # noqa: N802 - gRPC's name
        """Return a report, with its masked pictures."""
        with errors_as_status(context):
            report = self._store.get(report_of(request.name))
            return pb.GetReportResponse(report=self._message(report, pictures=True))
        raise AssertionError("unreachable: an error ends the call")

    def WatchReports(  # noqa: N802 - gRPC's name
        self, request: pb.WatchReportsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchReportsResponse]:
        """Send every change from an offset on, and a heartbeat while nothing happens."""
        with errors_as_status(context):
            wanted = filters.parse(request.filter)
            every = _heartbeat(request)
            offset, said = max(0, request.start_offset), time.monotonic()
            while context.is_active():
                changes = self._store.changes(offset, 100)
                for change in changes:
                    offset = change.offset + 1
                    if wanted.admits(change.report):
                        said = time.monotonic()
                        yield pb.WatchReportsResponse(event=self._event(change))
                if changes:
                    continue
                if time.monotonic() - said >= every:
                    said = time.monotonic()
                    yield pb.WatchReportsResponse(
                        heartbeat=pb.Heartbeat(next_offset=max(offset, 1), time=timestamp(self._store.clock()))
                    )
                time.sleep(POLL_S)

    def ReviewReport(self, request: pb.ReviewReportRequest, context: grpc.ServicerContext) -> pb.ReviewReportResponse:  # noqa: N802 - gRPC's name
        """Take a step of a review."""
        with errors_as_status(context):
            state = next((one for one, number in STATES.items() if number == request.state), None)
            if state is None:
                raise FieldError("`state` is no state of a report", field="state")
            reason = checked_text(request.reason, "reason")
            step = ReviewStep(state, caller().name, self._store.clock(), reason)
            change = self._store.review(report_of(request.name), step, revision=_revision(request.etag))
            return pb.ReviewReportResponse(report=self._message(change.report))
        raise AssertionError("unreachable: an error ends the call")

    def RequestEvidence(  # noqa: N802 - gRPC's name
        self, request: pb.RequestEvidenceRequest, context: grpc.ServicerContext
    ) -> pb.RequestEvidenceResponse:
        """Hand out sealed evidence to who may have it; the ledger knows of who may not as well."""
        with errors_as_status(context):
            asked = evidence_request(request)
            report = self._store.get(report_of(request.name))
            read = EvidenceRead(
                subject=f"users/{caller().name}",
                at=self._store.clock(),
                report=report.name,
                camera=report.camera,
                purpose=asked.purpose[:MAX_TEXT],
            )
            try:
                access.check(asked, self._authority)
            except (AccessError, FieldError) as error:
                self._store.enter(self._act(report, asked, granted=False, because=str(error)))
                self._hear(_refused(read))
                raise
            found, entry = self._store.sealed(report.id, self._act(report, asked, granted=True))
            self._hear(read)
            return pb.RequestEvidenceResponse(
                sealed_evidence=[
                    pb.SealedEvidence(
                        capture_time=timestamp(one.at),
                        media_type=one.media_type,
                        sealed_box=one.box,
                        sha256_digest=one.sha256,
                    )
                    for one in found
                    if one.recipient == asked.recipient.hex()
                ],
                ledger_entry=str(entry),
            )
        raise AssertionError("unreachable: an error ends the call")

    def VerifyLedger(self, request: pb.VerifyLedgerRequest, context: grpc.ServicerContext) -> pb.VerifyLedgerResponse:  # noqa: N802 - gRPC's name
        """Check the chain from its beginning: an entry is whole if every one before it is, and a head closes them."""
        with errors_as_status(context):
            result = self._store.verify_ledger(request.end_entry - 1 if request.end_entry else None)
            head = self._store.head() if result.head is None else result.head
            start, end = max(1, request.start_entry), request.end_entry or result.entries + 1
            response = pb.VerifyLedgerResponse(
                intact=result.intact,
                entries_checked=max(0, min(result.entries + 1, end) - start),
                finding=result.finding,
                head_digest=_bytes(head.digest),
                head_signature=_bytes(head.signature),
                signer_public_key=self._store.public_key,
            )
            if result.broken is not None:
                response.first_broken_entry = result.broken
            return response
        raise AssertionError("unreachable: an error ends the call")

    def _act(self, report: Report, asked: EvidenceRequest, *, granted: bool, because: str = "") -> Act:
        act = Act(
            actor=f"{short_text(asked.retrieved_by) or '?'} ({caller().name})",
            at=self._store.clock(),
            action="evidence.request",
            subject=report.name,
            purpose=asked.purpose,
            destination=asked.destination,
            details={
                "granted": granted,
                "because": because,
                "recorded_by": asked.recorded_by,
                "retrieve_time": asked.retrieved_at,
                "access": "" if asked.access is None else asked.access.value,
                "authority": "" if asked.authority is None else asked.authority.value,
                "officers": [str(one) for one in asked.officers],
                "approval": "" if asked.approval is None else asked.approval.number,
                "recipient": asked.recipient.hex(),
            },
        )
        return shortened(act)

    def _event(self, change: Change) -> pb.ReportEvent:
        return pb.ReportEvent(offset=change.offset, kind=CHANGES[change.kind], report=self._message(change.report))

    def _message(self, report: Report, *, pictures: bool = False) -> pb.Report:
        return message(report, self._store.picture if pictures else None)


def message(report: Report, picture: Callable[[str, str], bytes] | None = None) -> pb.Report:
    """Write a report; with the bytes of its masked pictures, if `picture` gives them."""
    written = pb.Report(
        name=report.name,
        kind=KINDS[report.kind],
        rule=report.rule,
        camera=report.camera,
        start_time=timestamp(report.start),
        zone=verdict_pb2.ZONE_UNSPECIFIED if report.zone is None else translate.ZONES[report.zone],
        legal_basis=translate.legal_basis(report.clauses),
        consequences=translate.legal_basis(report.consequences),
        severity=SEVERITIES[report.severity],
        confidence=report.confidence,
        explanation=pb.Explanation(
            place=report.place, objects=report.objects, summary_en=report.summary_en, summary_zh=report.summary_zh
        ),
        system_response=pb.SystemResponse(
            exposure_frames=report.exposure_frames, exposure_duration=translate.duration(report.exposure_s)
        ),
        recommended_action_en=report.action_en,
        recommended_action_zh=report.action_zh,
        addressee=report.addressee_en,
        state=STATES[report.state],
        review_steps=[
            pb.ReviewStep(state=STATES[s.state], actor=s.actor, time=timestamp(s.at), reason=s.reason)
            for s in report.steps
        ],
        model=verdict_pb2.ModelRef(name=report.model),
        policy=verdict_pb2.PolicyRef(name=report.policy[0], version=report.policy[1]),
        evidence_sealed=report.sealed,
        create_time=timestamp(report.created),
        update_time=timestamp(report.updated),
        retain_until_time=timestamp(report.retain_until),
        etag=str(report.revision),
        masked_pictures=[
            pb.MaskedPicture(
                capture_time=timestamp(one.at),
                media_type=one.media_type,
                data=b"" if picture is None else picture(report.id, one.sha256),
                original_sha256_digest=one.original_sha256,
            )
            for one in report.pictures
        ],
    )
    if report.end is not None:
        written.end_time.CopyFrom(timestamp(report.end))
    if report.masked_since is not None:
        written.system_response.masked_since_time.CopyFrom(timestamp(report.masked_since))
    return written


def evidence_request(request: pb.RequestEvidenceRequest) -> EvidenceRequest:
    """Read a request for evidence. What is missing in it is found by `access.check`."""
    record, document = request.retrieval_record, request.approval_document
    return EvidenceRequest(
        recorded_by=record.recorded_by,
        retrieved_by=record.retrieved_by,
        retrieved_at=record.retrieve_time.ToNanoseconds() / 1e9,
        purpose=record.purpose,
        destination=record.destination,
        access=ACCESS.get(request.access),
        authority=AUTHORITIES.get(request.authority_kind),
        officers=tuple(access.Officer(one.display_name, one.organ, one.credential_number) for one in request.officers),
        approval=None
        if not request.HasField("approval_document")
        else access.Approval(
            document.document_number,
            document.issuing_organ,
            document.approver,
            document.issue_time.ToNanoseconds() / 1e9,
        ),
        exempt=request.approval_exempt,
        confidentiality=request.confidentiality_accepted,
        recipient=request.recipient_public_key,
    )


def timestamp(at: float) -> Timestamp:
    """Write a moment."""
    written = Timestamp()
    written.FromDatetime(datetime.fromtimestamp(at, UTC))
    return written


def report_of(name: str) -> str:
    """Return the id in "reports/{report}".

    Raises:
        FieldError: It is no such name.
    """
    parent, _, report = name.partition("/")
    if parent != "reports" or not report.isalnum():
        raise FieldError('want "reports/{report}"', field="name")
    return report


def _refused(read: EvidenceRead) -> EvidenceRead:
    return EvidenceRead(
        subject=read.subject, at=read.at, report=read.report, camera=read.camera, purpose=read.purpose, granted=False
    )


def _bytes(digits: str) -> bytes:
    """Read hexadecimal digits; of what was tampered with and is none, nothing."""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _heartbeat(request: pb.WatchReportsRequest) -> float:
    shortest, usual, longest = HEARTBEAT_S
    if not request.HasField("heartbeat_interval"):
        return usual
    asked = request.heartbeat_interval.ToNanoseconds() / 1e9
    if not shortest <= asked <= longest:
        raise FieldError(f"`heartbeat_interval` must be in [{shortest:g} s, {longest:g} s]", field="heartbeat_interval")
    return asked


def _revision(etag: str) -> int | None:
    if not etag:
        return None
    if not re.fullmatch(pages.NUMBER, etag):  # `int` itself raises, given thousands of digits
        raise FieldError("`etag` is not one that a report has had", field="etag")
    return int(etag)
