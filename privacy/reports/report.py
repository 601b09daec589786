"""A report: one finding against whoever runs a camera, from when it was raised to when it was filed. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from privacy.errors import ReviewError
from privacy.policy import Clause, Severity
from privacy.zones import Zone


class ReportKind(StrEnum):
    """What a report is about."""

    PROHIBITED_VIEW = "PROHIBITED_VIEW"
    """A camera looks into a prohibited place (Art. 7)."""
    MISUSE = "MISUSE"
    """The system is used for what it may not be used for (Art. 19(1) and what serves it)."""


class ReportState(StrEnum):
    """Where a report stands."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    CONFIRMED = "CONFIRMED"
    DISMISSED = "DISMISSED"
    FILED = "FILED"


NEXT: Mapping[ReportState, frozenset[ReportState]] = {
    ReportState.OPEN: frozenset({ReportState.ACKNOWLEDGED}),
    ReportState.ACKNOWLEDGED: frozenset({ReportState.CONFIRMED, ReportState.DISMISSED}),
    ReportState.CONFIRMED: frozenset({ReportState.FILED}),
    ReportState.DISMISSED: frozenset(),
    ReportState.FILED: frozenset(),
}
"""What may follow each state; nothing goes back."""


class ChangeKind(StrEnum):
    """How a report changed."""

    NEW = "NEW"
    UPDATE = "UPDATE"
    END = "END"


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One step of a review.

    Attributes:
        state: The state after it.
        actor: Who.
        at: When, in seconds since 1970-01-01 UTC.
        reason: Why.
    """

    state: ReportState
    actor: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with the mask painted; nothing private can be seen in it. Its bytes stand in the store.

    Attributes:
        sha256: Of its bytes, 64 lower-case hexadecimal digits.
        at: When it was taken.
        media_type: For example "image/jpeg".
        original_sha256: Of the unmasked original, "" if none was sealed.
    """

    sha256: str
    at: float
    media_type: str
    original_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One finding. Times are seconds since 1970-01-01 UTC, spans are `[start, end)`.

    Attributes:
        id: 20 hexadecimal digits made of subject, rule and start: who raises it twice raises one.
        rule: The rule that raised it.
        kind: What it is about.
        subject: The camera, or "users/{user}".
        camera: "sites/{site}/cameras/{camera}"; "" if no camera is concerned.
        start: When it began.
        until: When it was last the case.
        end: When it ended; None while it goes on.
        zone: The zone that was named for most of the time; None if none was seen.
        clauses: The articles that are violated.
        consequences: The articles that say what follows.
        severity: How grave it is.
        confidence: How sure the system is, in [0, 1].
        place: The kind of place that the model names; "" if none.
        objects: What was seen in it, the surest first.
        summary_en: One sentence that says why.
        summary_zh: The same in Chinese.
        action_en: What the reader should do.
        action_zh: The same in Chinese.
        addressee_en: To which organ it goes (Art. 18(4)).
        addressee_zh: The same in Chinese; "" where the wording of the law was not checked.
        policy: Name and version of the pack.
        created: When it was raised.
        updated: When it last changed.
        retain_until: Until when it cannot be deleted (Art. 18(5)).
        masked_since: Since when the view has been hidden; None if it is not.
        exposure_frames: Frames that left clear and may have shown the place.
        exposure_s: How long they did, in seconds.
        model: The model that looked; "" if none did.
        state: Where it stands.
        steps: Every step so far, the oldest first.
        pictures: Pictures with the mask painted.
        sealed: True if sealed evidence can be asked for.
        revision: Grows with every change.
    """

    id: str
    rule: str
    kind: ReportKind
    subject: str
    camera: str
    start: float
    until: float
    end: float | None
    zone: Zone | None
    clauses: tuple[Clause, ...]
    consequences: tuple[Clause, ...]
    severity: Severity
    confidence: float
    place: str
    objects: tuple[str, ...]
    summary_en: str
    summary_zh: str
    action_en: str
    action_zh: str
    addressee_en: str
    addressee_zh: str
    policy: tuple[str, str]
    created: float
    updated: float
    retain_until: float
    masked_since: float | None = None
    exposure_frames: int = 0
    exposure_s: float = 0.0
    model: str = ""
    state: ReportState = ReportState.OPEN
    steps: tuple[ReviewStep, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sealed: bool = False
    revision: int = 0

    @property
    def name(self) -> str:
        """The resource name, "reports/{report}"."""
        return f"reports/{self.id}"

    def reviewed(self, step: ReviewStep) -> "Report":
        """Return the report after a step of its review.

        Raises:
            ReviewError: The state may not follow, or nobody says who or why.
        """
        if not step.actor.strip() or not step.reason.strip():
            raise ReviewError("a review says who and why", report=self.name)
        if step.state not in NEXT[self.state]:
            raise ReviewError(f"{self.name} is {self.state}, and cannot become {step.state}", report=self.name)
        return replace(self, state=step.state, steps=(*self.steps, step), updated=step.at)

    def goes_on_as(self, found: "Report") -> "Report":
        """Return the report with what was found since, and the review and pictures that it has."""
        return replace(
            found,
            created=self.created,
            retain_until=max(self.retain_until, found.retain_until),
            exposure_frames=max(self.exposure_frames, found.exposure_frames),
            exposure_s=max(self.exposure_s, found.exposure_s),
            masked_since=found.masked_since if self.masked_since is None else self.masked_since,
            start=min(self.start, found.start),
            until=max(self.until, found.until),
            zone=found.zone or self.zone,
            state=self.state,
            steps=self.steps,
            pictures=self.pictures,
            sealed=self.sealed,
            revision=self.revision,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can hold; no pixels."""
        data = asdict(self)
        data["zone"] = None if self.zone is None else self.zone.slug
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Report":
        """Read what `to_json` wrote."""
        values = {field.name: data[field.name] for field in fields(cls)}
        return cls(
            **{
                **values,
                "kind": ReportKind(data["kind"]),
                "zone": None if data["zone"] is None else Zone.of(data["zone"]),
                "clauses": tuple(Clause(**clause) for clause in data["clauses"]),
                "consequences": tuple(Clause(**clause) for clause in data["consequences"]),
                "severity": Severity(data["severity"]),
                "objects": tuple(data["objects"]),
                "policy": tuple(data["policy"]),
                "state": ReportState(data["state"]),
                "steps": tuple(
                    ReviewStep(ReportState(s["state"]), s["actor"], s["at"], s["reason"]) for s in data["steps"]
                ),
                "pictures": tuple(Picture(**picture) for picture in data["pictures"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a report.

    Attributes:
        kind: How it changed.
        report: The report after the change.
        offset: Position in the order of all changes; -1 before it is stored.
    """

    kind: ChangeKind
    report: Report
    offset: int = -1

    @property
    def key(self) -> str:
        """The same for every delivery of this change and for no other: who has seen it has seen the change."""
        return f"{self.report.id}-{self.offset}"
