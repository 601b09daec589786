"""Findings raised as reports: through the same rules, store and ledger as what streams show."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from privacy.audit.archive import is_url
from privacy.audit.book import Book, Entry
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
        short: How many have none, since no rule asks for one: they are shorter than `timing.report_after_s`.
    """

    reports: dict[str, str]
    undated: int
    short: int


def raise_reports(book: Book, rules: Policy, store: Store) -> Raised:
    """Raise a report for every finding that is dated and long enough, and write into the book which.

    Raised twice, a finding is one report: its name is made of subject, rule and start. Pictures are the masked
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
    undated = short = 0
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
            else:
                short += 1
    return Raised(reports, undated, short)


def _subject(entry: Entry) -> str:
    """Return the camera if the register can know it, else the recording: cameras may well be called the same."""
    if entry.camera.startswith("sites/"):
        return entry.camera
    place = entry.path if is_url(entry.path) else str(Path(entry.path).resolve())
    return f"recordings/{entry.camera}/{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def _changes(ruled: Ruled, one: Finding, begun: float, rules: Policy, model: str) -> Iterator[Change]:
    # A folder of its own: recordings come in no order that a camera's life has.
    folder, subject = Folder(rules, model=model), _subject(ruled.entry)
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
