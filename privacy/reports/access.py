"""Who may have evidence, and on what (Decree 132 Art. 22 and 23). A request that lacks a field is refused."""

from dataclasses import dataclass
from enum import StrEnum

from privacy.errors import AccessError, FieldError
from privacy.reports.ledger import MAX_LISTED, checked_text

MIN_OFFICERS = 2
MIN_PURPOSE = 4


class Access(StrEnum):
    """What is done with evidence (Art. 22)."""

    READ = "READ"
    COPY = "COPY"
    RETRIEVE = "RETRIEVE"


class Authority(StrEnum):
    """Who asks (Art. 22)."""

    PUBLIC_SECURITY = "PUBLIC_SECURITY"
    STATE_SECURITY = "STATE_SECURITY"
    OTHER_ADMINISTRATION = "OTHER_ADMINISTRATION"
    EMERGENCY = "EMERGENCY"
    """A department with powers in a public emergency (Art. 22, third paragraph)."""


@dataclass(frozen=True, slots=True)
class Officer:
    """An official who asks: name, organ, and the number of the credential that was shown (Art. 23(2))."""

    name: str
    organ: str
    credential: str

    def __str__(self) -> str:
        """Return the officer as the ledger has it."""
        return f"{self.name}, {self.organ}, {self.credential}"


@dataclass(frozen=True, slots=True)
class Approval:
    """The document that approves it (Art. 22 and 23(3))."""

    number: str
    organ: str
    approver: str
    issued: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRequest:
    """A request for sealed evidence.

    Attributes:
        recorded_by: Who recorded (Art. 18(3)).
        retrieved_by: Who retrieves.
        retrieved_at: When, in seconds since 1970-01-01 UTC.
        purpose: What for.
        destination: Where it goes.
        access: What is wanted.
        authority: Who asks.
        officers: Two at least (Art. 23(1)).
        approval: The document; None only under `exempt`.
        exempt: Public and state security organs that only read need no document (Art. 22(1), 23 last paragraph).
        confidentiality: The officials observe the rules on use and confidentiality (Art. 23(5)).
        recipient: The authority's X25519 public key, 32 bytes.
    """

    recorded_by: str
    retrieved_by: str
    retrieved_at: float
    purpose: str
    destination: str
    access: Access | None
    authority: Authority | None
    officers: tuple[Officer, ...]
    approval: Approval | None = None
    exempt: bool = False
    confidentiality: bool = False
    recipient: bytes = b""


def check(request: EvidenceRequest, recipients: frozenset[bytes]) -> None:
    """Refuse a request that does not carry what the law asks for.

    Args:
        request: What was asked.
        recipients: The authority's keys that this server was set up with.

    Raises:
        AccessError: A field is missing; the message names it with its article.
        FieldError: One is longer than an entry of the ledger has room for.
    """
    _lengths(request)
    _register(request)
    _officials(request)
    _document(request)
    if request.recipient not in recipients:
        raise AccessError("the recipient's key is none that this server was set up with", field="recipient_public_key")


def _lengths(request: EvidenceRequest) -> None:
    for name in ("recorded_by", "retrieved_by", "purpose", "destination"):
        checked_text(getattr(request, name), name)
    if len(request.officers) > MAX_LISTED:
        raise FieldError(f"at most {MAX_LISTED} officers ask, not {len(request.officers)}", field="officers")
    for officer in request.officers:
        checked_text(str(officer), "officers")
    if request.approval is not None:
        for name in ("number", "organ", "approver"):
            checked_text(getattr(request.approval, name), "approval_document")


def _register(request: EvidenceRequest) -> None:
    for name in ("recorded_by", "retrieved_by", "destination"):
        if not getattr(request, name).strip():
            raise AccessError(f"`{name}` is missing (Art. 18(3))", field=name)
    if sum(letter.isalnum() for letter in request.purpose) < MIN_PURPOSE:
        raise AccessError("the purpose is missing (Art. 18(3))", field="purpose")
    if request.retrieved_at <= 0:
        raise AccessError("`retrieve_time` is missing (Art. 18(3))", field="retrieve_time")


def _officials(request: EvidenceRequest) -> None:
    if request.access is None or request.authority is None:
        raise AccessError("who asks, and what for, is missing (Art. 22)", field="access")
    if any(not part.strip() for officer in request.officers for part in (officer.name, officer.organ)):
        raise AccessError("an officer without a name or an organ (Art. 23(1))", field="officers")
    if any(not officer.credential.strip() for officer in request.officers):
        raise AccessError("an officer who shows no credential (Art. 23(2))", field="officers")
    if len({officer.credential.strip() for officer in request.officers}) < MIN_OFFICERS:
        raise AccessError("fewer than two officers (Art. 23(1))", field="officers")
    if not request.confidentiality:
        raise AccessError("confidentiality was not accepted (Art. 23(5))", field="confidentiality_accepted")


def _document(request: EvidenceRequest) -> None:
    if request.exempt:
        if request.access is not Access.READ or request.authority not in (
            Authority.PUBLIC_SECURITY,
            Authority.STATE_SECURITY,
        ):
            raise AccessError(
                "only reading by public or state security is exempt (Art. 22(1))", field="approval_exempt"
            )
        return
    approval = request.approval
    if approval is None or not all(part.strip() for part in (approval.number, approval.organ, approval.approver)):
        raise AccessError("the approval document is missing (Art. 22, 23(3))", field="approval_document")
    if not 0 < approval.issued <= request.retrieved_at:
        raise AccessError("the approval document has no date before the retrieval (Art. 23(3))", field="issue_time")
