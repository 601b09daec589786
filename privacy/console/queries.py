"""What the console asks the database of reports beyond what the store answers: filters, counts, a report's trail."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select

from privacy.database import reading
from privacy.reports.report import Report, ReportState
from privacy.reports.store import Store
from privacy.reports.tables import LedgerRow, ReportRow
from privacy.zones import Zone

PAGE = 50
TRAIL = 500
"""So many entries of a report's trail are shown; the ledger's export has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which reports are asked for. What is None or "" does not matter.

    Attributes:
        state: Where they stand.
        camera: A part of the camera's name, or of the subject's.
        zone: What was seen.
        citation: An article that is violated or says what follows, as reports cite it.
        since: Still the case at this moment or later, in seconds since 1970-01-01 UTC.
        until: Begun before this moment.
    """

    state: ReportState | None = None
    camera: str = ""
    zone: Zone | None = None
    citation: str = ""
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return it for the database. Whatever was typed is a value there, never a part of the question."""
        found: list[ColumnElement[bool]] = []
        if self.state is not None:
            found.append(ReportRow.state == self.state.value)
        if self.camera:
            found.append(
                or_(
                    ReportRow.camera.contains(self.camera, autoescape=True),
                    ReportRow.subject.contains(self.camera, autoescape=True),
                )
            )
        if self.zone is not None:
            found.append(ReportRow.zone == self.zone.slug)
        if self.citation:
            # As it stands in the document. Whatever people type into one has its quotation marks escaped.
            cited = f'"citation": {json.dumps(self.citation)}'
            found.append(cast(ReportRow.document, Text).contains(cited, autoescape=True))
        if self.since is not None:
            found.append(or_(ReportRow.end_time.is_(None), ReportRow.end_time >= _utc(self.since)))
        if self.until is not None:
            found.append(ReportRow.start_time < _utc(self.until))
        return found


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger, read for people: the five fields of Art. 18(3), and where it stands."""

    number: int
    at: float
    actor: str
    action: str
    subject: str
    purpose: str
    destination: str
    details: Mapping[str, Any]
    digest: str


def reports(store: Store, wanted: Wanted, *, before: int | None = None) -> tuple[list[Report], int | None]:
    """Return a page of reports, the newest first, and where it ended; None on the last page."""
    query = select(ReportRow).where(*wanted.conditions()).order_by(ReportRow.number.desc())
    if before is not None:
        query = query.where(ReportRow.number < before)
    with reading(store.database) as session:
        rows = session.scalars(query.limit(PAGE + 1)).all()
    more = rows[PAGE - 1].number if len(rows) > PAGE else None
    return [Report.from_json(row.document) for row in rows[:PAGE]], more


def counts(store: Store) -> dict[ReportState, int]:
    """Return how many reports stand in each state."""
    query = select(ReportRow.state, func.count()).group_by(ReportRow.state)
    with reading(store.database) as session:
        found = {ReportState(state): count for state, count in session.execute(query)}
    return {state: found.get(state, 0) for state in ReportState}


def of_camera(store: Store, camera: str, limit: int = 20) -> list[Report]:
    """Return the last reports of a camera, the newest first."""
    query = select(ReportRow).where(ReportRow.camera == camera).order_by(ReportRow.number.desc()).limit(limit)
    with reading(store.database) as session:
        return [Report.from_json(row.document) for row in session.scalars(query)]


def trail(store: Store, report: str) -> list[Entry]:
    """Return what the ledger knows of a report, the oldest first."""
    about = json.dumps({"subject": f"reports/{report}"}, separators=(",", ":"))[1:-1]
    query = select(LedgerRow).where(LedgerRow.line.contains(about, autoescape=True))
    return _entries(store, query.order_by(LedgerRow.entry).limit(TRAIL))


def ledger(store: Store, *, before: int | None = None) -> tuple[list[Entry], int | None]:
    """Return a page of the ledger, the newest first, and where it ended; None on the last page."""
    query = select(LedgerRow).order_by(LedgerRow.entry.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(LedgerRow.entry < before)
    found = _entries(store, query)
    return found[:PAGE], found[PAGE - 1].number if len(found) > PAGE else None


def _entries(store: Store, query: Select[LedgerRow]) -> list[Entry]:
    with reading(store.database) as session:
        rows: Sequence[LedgerRow] = session.scalars(query).all()
    return [_entry(row) for row in rows]


def _entry(row: LedgerRow) -> Entry:
    said = json.loads(row.line)
    return Entry(
        number=row.entry,
        at=row.time.timestamp(),
        actor=said["actor"],
        action=said["action"],
        subject=said["subject"],
        purpose=said["purpose"],
        destination=said["destination"],
        details=said["details"],
        digest=row.digest,
    )


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
