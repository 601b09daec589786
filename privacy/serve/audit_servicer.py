"""`AuditService` and its long-running operations: messages outside, `audit.jobs` inside."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, ClassVar

import grpc
from google.longrunning import operations_pb2 as lro
from google.longrunning import operations_pb2_grpc as lro_grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import code_pb2, status_pb2

from privacy import filters, pages, policy
from privacy.audit import outcome
from privacy.audit.finding import Finding
from privacy.audit.jobs import OPEN, Job, Jobs, JobsElsewhere, Order, Status
from privacy.audit.outcome import Ruled
from privacy.audit.run import own_rules
from privacy.audit.terms import Terms
from privacy.errors import FieldError, InputError, PolicyError, ResourceNotFoundError, UnsupportedError
from privacy.filters import Field, Fields, Kind
from privacy.models import catalogue
from privacy.policy import Policy, with_thresholds
from privacy.serve import translate
from privacy.serve.server import Service
from privacy.serve.status import errors_as_status
from privacy.v1 import audit_service_pb2 as pb
from privacy.v1 import audit_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from privacy.zones import Zone

STATES: Mapping[Status, pb.AuditState.ValueType] = {
    status: pb.AuditState.Value(f"AUDIT_STATE_{status.name}") for status in Status
}
MAX_WAIT_S = 60.0
MAX_REQUEST_ID = 64
AUDITS: Fields[Job] = {
    "state": Field(Kind.TEXT, lambda job: job.status.value),
    "policy": Field(Kind.TEXT, lambda job: job.policy["name"]),
}
FINDINGS: Fields[dict[str, Any]] = {
    "zone": Field(Kind.TEXT, lambda one: one["zone"].upper()),
    "path": Field(Kind.TEXT, lambda one: one["path"]),
    "camera": Field(Kind.TEXT, lambda one: one["camera"]),
}
_OPERATION = "operations/"
Audits = Jobs | JobsElsewhere


class AuditService(pb_grpc.AuditServiceServicer):
    """Serves audits.

    Args:
        jobs: Runs them.
        default: The policy of an order that names none.
        model: The model of an order that names none.
    """

    def __init__(self, jobs: Audits, default: str, model: str) -> None:
        self._jobs = jobs
        self._default = default
        self._model = model

    def StartAudit(self, request: pb.StartAuditRequest, context: grpc.ServicerContext) -> lro.Operation:  # noqa: N802 - gRPC's name
        """Start an audit, or go on with one."""
        with errors_as_status(context):
            spec = request.spec
            if len(request.request_id) > MAX_REQUEST_ID:  # AIP-155; cut off, two orders might look like one
                raise FieldError(f"`request_id` is longer than {MAX_REQUEST_ID} characters", field="request_id")
            if spec.resume:
                return operation(self._jobs.resume(spec.resume, request.request_id), self._jobs)
            order = Order(paths=tuple(spec.paths), terms=self._terms(spec), request_id=request.request_id)
            return operation(self._jobs.start(order), self._jobs)
        raise AssertionError("unreachable: an error ends the call")

    def GetAudit(self, request: pb.GetAuditRequest, context: grpc.ServicerContext) -> pb.GetAuditResponse:  # noqa: N802 - gRPC's name
        """Return an audit."""
        with errors_as_status(context):
            return pb.GetAuditResponse(audit=audit(self._jobs.job(request.name), self._jobs))
        raise AssertionError("unreachable: an error ends the call")

    def ListAudits(self, request: pb.ListAuditsRequest, context: grpc.ServicerContext) -> pb.ListAuditsResponse:  # noqa: N802 - gRPC's name
        """Return a page of audits, the newest first."""
        with errors_as_status(context):
            test = filters.parse(request.filter, AUDITS)
            after = pages.after_of(request.page_token, "audits", request.filter)
            rest = iter([job for job in self._jobs.jobs() if test(job)])
            if after:
                for job in rest:
                    if job.name == after:
                        break
            page = list(islice(rest, pages.size_of(request.page_size)))
            last = page[-1].name if page and next(rest, None) is not None else ""
            return pb.ListAuditsResponse(
                audits=[audit(job, self._jobs) for job in page],
                next_page_token=pages.token_of(last, "audits", request.filter),
            )
        raise AssertionError("unreachable: an error ends the call")

    def CancelAudit(self, request: pb.CancelAuditRequest, context: grpc.ServicerContext) -> pb.CancelAuditResponse:  # noqa: N802 - gRPC's name
        """Stop an audit."""
        with errors_as_status(context):
            return pb.CancelAuditResponse(audit=audit(self._jobs.cancel(request.name), self._jobs))
        raise AssertionError("unreachable: an error ends the call")

    def ListFindings(self, request: pb.ListFindingsRequest, context: grpc.ServicerContext) -> pb.ListFindingsResponse:  # noqa: N802 - gRPC's name
        """Return a page of findings. They are known once the audit has ended."""
        with errors_as_status(context):
            test = filters.parse(request.filter, FINDINGS)
            asked = (request.parent, request.filter)
            after = int(pages.after_of(request.page_token, *asked, like=pages.NUMBER) or 0)
            size = pages.size_of(request.page_size)
            with self._jobs.book(request.parent) as book:
                rows = ((number, one) for number, one in book.findings(after) if test(one))
                page = list(islice(rows, size))
                last = str(page[-1][0]) if len(page) == size and next(rows, None) is not None else ""
                rules = policy.load(self._jobs.job(request.parent).terms.policy)
                return pb.ListFindingsResponse(
                    findings=[self._finding(request.parent, rules, one) for _, one in page],
                    next_page_token=pages.token_of(last, *asked),
                )
        raise AssertionError("unreachable: an error ends the call")

    def SimulatePolicy(  # noqa: N802 - gRPC's name
        self, request: pb.SimulatePolicyRequest, context: grpc.ServicerContext
    ) -> pb.SimulatePolicyResponse:
        """Judge stored scores under another policy."""
        with errors_as_status(context), self._jobs.book(request.audit) as book:
            own = own_rules(book)
            model = book.fact("model")["name"]
            other = catalogue.calibrated(_pack(request.policy), model) if request.policy else own
            limits = request.thresholds
            given = {
                name: getattr(limits, name)
                for name in ("clear_below", "release_below", "prohibited_above")
                if limits.HasField(name)
            }
            change = outcome.simulate(book, own, with_thresholds(other, **given))
            return pb.SimulatePolicyResponse(
                **{
                    kind: [self._simulated(request.audit, other, *each) for each in found]
                    for kind, found in (
                        ("added", change.added),
                        ("removed", change.removed),
                        ("changed", change.changed),
                    )
                },
                prohibited_share=_share(
                    {
                        "share": change.share.share,
                        "lower": change.share.lower,
                        "upper": change.share.upper,
                        "confidence": change.share.confidence,
                    }
                ),
            )
        raise AssertionError("unreachable: an error ends the call")

    def _terms(self, spec: pb.AuditSpec) -> Terms:
        if spec.raise_reports:
            raise UnsupportedError("this server raises no reports from audits", feature="raise_reports")
        rules = _pack(spec.policy or self._default)
        model = spec.model or self._model
        catalogue.card(model)
        shortest = translate.seconds(spec.min_event_duration, "spec.min_event_duration")
        try:
            return Terms(
                policy=rules.name,
                model=model,
                min_event_s=shortest or 10.0,
                max_decode=spec.max_decode_ratio or None,
                refine=spec.refine,
                since=_moment(spec.start_time) if spec.HasField("start_time") else None,
                until=_moment(spec.end_time) if spec.HasField("end_time") else None,
                effect=rules.effect,
            )
        except InputError as error:
            raise FieldError(str(error), field="spec") from error

    def _finding(self, parent: str, rules: Policy, one: dict[str, Any]) -> pb.Finding:
        message = finding(parent, one, self._jobs, rules)
        message.masked_thumbnails.extend(self._jobs.thumbnails(parent, one["thumbnails"]))
        return message

    def _simulated(self, parent: str, rules: Policy, ruled: Ruled, name: str, one: Finding) -> pb.Finding:
        return finding(parent, outcome.finding_json(ruled, name, one, []), self._jobs, rules)


class Operations(lro_grpc.OperationsServicer):  # type: ignore[misc]
    """Serves `google.longrunning.Operations` for audits: "operations/{audit}".

    Args:
        jobs: Runs them.
    """

    poll_s: ClassVar[float] = 0.2

    def __init__(self, jobs: Audits) -> None:
        self._jobs = jobs

    def GetOperation(self, request: lro.GetOperationRequest, context: grpc.ServicerContext) -> lro.Operation:  # noqa: N802 - gRPC's name
        """Return where an audit stands."""
        with errors_as_status(context):
            return operation(self._jobs.job(_audit_of(request.name)), self._jobs)

    def ListOperations(  # noqa: N802 - gRPC's name
        self,
        request: lro.ListOperationsRequest,  # noqa: ARG002 - gRPC's signature
        context: grpc.ServicerContext,
    ) -> lro.ListOperationsResponse:
        """Return all audits as operations, the newest first, on one page of at most a thousand."""
        with errors_as_status(context):
            found = self._jobs.jobs()[: pages.MAX_SIZE]
            return lro.ListOperationsResponse(operations=[operation(job, self._jobs) for job in found])

    def CancelOperation(self, request: lro.CancelOperationRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802 - gRPC's name
        """Stop an audit."""
        with errors_as_status(context):
            self._jobs.cancel(_audit_of(request.name))
            return Empty()

    def DeleteOperation(  # noqa: N802 - gRPC's name
        self,
        request: lro.DeleteOperationRequest,
        context: grpc.ServicerContext,
    ) -> Empty:
        """Refuse, as AIP-151 allows: what an audit found is evidence, and goes only with its folder."""
        with errors_as_status(context):
            self._jobs.job(_audit_of(request.name))
            raise UnsupportedError("audits are not deleted over the wire", feature="DeleteOperation")
        raise AssertionError("unreachable: an error ends the call")

    def WaitOperation(self, request: lro.WaitOperationRequest, context: grpc.ServicerContext) -> lro.Operation:  # noqa: N802 - gRPC's name
        """Return once the audit has ended, or after the asked-for time, at most a minute."""
        with errors_as_status(context):
            asked = translate.seconds(request.timeout, "timeout") if request.HasField("timeout") else MAX_WAIT_S
            until = time.monotonic() + min(MAX_WAIT_S, asked)
            job = self._jobs.job(_audit_of(request.name))
            while job.status in OPEN and time.monotonic() < until and context.is_active():
                time.sleep(self.poll_s)
                job = self._jobs.job(job.name)
            return operation(job, self._jobs)


def services_of(jobs: Audits, *, policy: str, model: str) -> tuple[Service, ...]:
    """Return what a server has to add, to serve audits.

    Args:
        jobs: Runs them.
        policy: The policy of an order that names none.
        model: The model of an order that names none.
    """
    audits, operations = AuditService(jobs, policy, model), Operations(jobs)
    return (
        Service(
            pb.DESCRIPTOR.services_by_name["AuditService"].full_name,
            lambda server: pb_grpc.add_AuditServiceServicer_to_server(audits, server),
        ),
        Service(
            lro.DESCRIPTOR.services_by_name["Operations"].full_name,
            lambda server: lro_grpc.add_OperationsServicer_to_server(operations, server),
        ),
    )


def operation(job: Job, jobs: Audits) -> lro.Operation:
    """Write an audit as an operation (AIP-151)."""
    message = lro.Operation(name=_OPERATION + job.name.partition("/")[2], done=job.status not in OPEN)
    message.metadata.Pack(metadata(job, jobs))
    if job.status is Status.CANCELLED:
        message.error.CopyFrom(status_pb2.Status(code=code_pb2.CANCELLED, message="the audit was cancelled"))
    elif job.status is Status.FAILED:
        message.error.CopyFrom(status_pb2.Status(code=code_pb2.ABORTED, message=job.failure[:512] or "it broke off"))
    elif message.done:
        message.response.Pack(audit(job, jobs))
    return message


def audit(job: Job, jobs: Audits) -> pb.Audit:
    """Write an audit."""
    terms = job.terms
    message = pb.Audit(
        name=job.name,
        spec=pb.AuditSpec(
            paths=job.paths,
            policy=terms.policy,
            model=terms.model,
            min_event_duration=translate.duration(terms.min_event_s),
            max_decode_ratio=terms.max_decode or 0.0,
            refine=terms.refine,
            start_time=translate.timestamp(terms.since),
            end_time=translate.timestamp(terms.until),
        ),
        state=STATES[job.status],
        progress=metadata(job, jobs),
        model=verdict_pb2.ModelRef(name=job.model["name"], sha256_digest=job.model["sha256"]),
        policy=verdict_pb2.PolicyRef(name=job.policy["name"], version=job.policy["version"]),
        create_time=translate.timestamp(_parsed(job.created)),
        end_time=translate.timestamp(_parsed(job.ended)),
    )
    if job.summary is not None:
        message.prohibited_share.CopyFrom(_share(job.summary["prohibited_share"]))
    return message


def metadata(job: Job, jobs: Audits) -> pb.AuditMetadata:
    """Write how far an audit is."""
    at = job.progress
    message = pb.AuditMetadata(
        audit=job.name,
        recordings_done=at.done,
        recordings_total=at.total,
        recorded_done=translate.duration(at.seconds_done),
        findings=job.summary["findings"] if job.summary else 0,
        unreadable=_unreadable(job, jobs),
    )
    if at.bytes_done:
        # Of what is not opened yet nobody knows the length: it is taken to be as long a byte as the rest.
        message.recorded_total.CopyFrom(translate.duration(at.seconds_done * at.bytes_total / at.bytes_done))
    begun = _parsed(job.created)
    if job.status is Status.RUNNING and begun is not None and 0 < at.bytes_done < at.bytes_total:
        spent = (datetime.now(UTC) - begun).total_seconds()
        left = timedelta(seconds=spent * (at.bytes_total - at.bytes_done) / at.bytes_done)
        message.expected_end_time.FromDatetime(datetime.now(UTC) + left)
    return message


def finding(parent: str, one: dict[str, Any], jobs: Audits, rules: Policy) -> pb.Finding:
    """Write a finding as it stands in findings.json."""
    zone = Zone.of(one["zone"])
    message = pb.Finding(
        name=f"{parent}/findings/{one['id']}",
        path=jobs.below_root(one["path"]),
        start_offset=translate.duration(one["start_s"]),
        end_offset=translate.duration(one["end_s"]),
        zone=translate.ZONES[zone],
        p_prohibited=one["p_prohibited"],
        legal_basis=translate.legal_basis(rules.rules[zone].clauses),
        report=one["report"] or "",
    )
    if one["start_time"]:
        message.start_time.FromDatetime(datetime.fromisoformat(one["start_time"]))
    return message


def _unreadable(job: Job, jobs: Audits) -> Iterator[pb.UnreadableRecording]:
    for entry in job.unreadable:
        for fault in entry.broken:
            yield pb.UnreadableRecording(
                path=jobs.below_root(entry.path),
                reason=fault.why.value,
                broke_offset=translate.duration(fault.offset) if entry.duration else None,
            )


def _audit_of(name: str) -> str:
    if not name.startswith(_OPERATION):
        raise ResourceNotFoundError("no operation of this name", name=name[:64])
    return f"audits/{name.removeprefix(_OPERATION)}"


def _pack(name: str) -> Policy:
    # Never a path that came over the wire.
    if name not in policy.names():
        raise PolicyError("no policy of this name; GetCapabilities lists them", field="policy")
    return policy.load(name)


def _share(values: Mapping[str, float]) -> pb.ShareEstimate:
    return pb.ShareEstimate(**values)


def _moment(stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise FieldError("a time of `spec` is no time", field="spec") from error


def _parsed(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
