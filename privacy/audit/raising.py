"""Findings raised as reports: through the same rules, store and ledger as what streams show."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from privacy.audit.book import Book
from privacy.audit.finding import Finding
from privacy.audit.outcome import Ruled, rule
from privacy.audit.terms import Terms
from privacy.events import Looked
from privacy.evidence import Reason
from privacy.policy import Policy
from privacy.reports.folding import Folder
from privacy.reports.report import Change, ChangeKind
from privacy.reports.store import Exhibit, Store
from privacy.verdict import State, Verdict


@dataclass(frozen=True, slots=True)
class Raised:
    """What became of the findings.

    Attributes:
        reports: The report of each finding that has one, by the finding's name.
        undated: How many have none, since nothing says when their recording was made.
    """

    reports: dict[str, str]
    undated: int


def raise_reports(book: Book, rules: Policy, store: Store) -> Raised:
    """Raise a report for every finding that is dated, and write into the book which.

    Raised twice, a finding is one report: its name is made of camera, rule and start. Pictures are the masked
    thumbnails; an audit seals no originals.

    Args:
        book: Of an audit that has ended.
        rules: The policy of the audit.
        store: Where reports are kept.

    Raises:
        DatabaseError: They cannot be kept.
    """
    model = Terms.from_json(book.fact("terms")).model
    reports: dict[str, str] = {}
    undated = 0
    for ruled in rule(book, rules):
        begun = ruled.entry.begun
        for name, one in ruled.identified():
            if begun is None:
                undated += 1
                continue
            at = begun.timestamp()
            changes = list(_changes(ruled, one, at, rules, model))
            pictures = book.thumbnails(ruled.entry.id, one.start, one.end)
            store.apply(changes, [Exhibit(at + offset, picture) for offset, picture in pictures[:3]])
            if raised := [change.report.name for change in changes if change.kind is ChangeKind.NEW]:
                reports[name] = raised[0]
                book.write_report(name, raised[0])
    return Raised(reports, undated)


def _changes(ruled: Ruled, one: Finding, begun: float, rules: Policy, model: str) -> Iterator[Change]:
    # A folder of its own: recordings come in no order that a camera's life has.
    folder = Folder(rules, model=model)
    subject = ruled.entry.camera if ruled.entry.camera.startswith("sites/") else f"recordings/{ruled.entry.camera}"
    verdict = Verdict(State.PROHIBITED, Reason.MODEL, one.start, one.zone, one.p_prohibited, one.clauses)
    looks = max(2, math.ceil(one.seconds))  # rules ask how long a sight lasts, and whether it was looked at throughout
    for number in range(looks + 1):
        offset = one.start + one.seconds * number / looks
        yield from folder.see(
            Looked(
                subject=subject,
                at=begun + offset,
                verdict=verdict,
                masked=False,  # it lies in the archive as it was
                exposure_frames=round(one.frames * number / looks),
                exposure_s=one.seconds * number / looks,
            )
        )
    yield from folder.tick(begun + one.end + rules.reporting.settle_s + 1)
