"""Where reports, evidence and the ledger are kept: what belongs together is written in one transaction, or not at all.

Every write takes its turn, on every database and from every server, so that the order of changes and of the ledger has
no gap and no fork.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, Select, delete, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from privacy.database import reading, writing
from privacy.errors import LedgerError, ResourceNotFoundError, RetentionError, StaleError
from privacy.policy import MIN_RETAIN_DAYS, Severity
from privacy.reports import ledger
from privacy.reports.filters import Filter
from privacy.reports.ledger import GENESIS, Act, Head
from privacy.reports.report import Change, ChangeKind, Picture, Report, ReportState, ReviewStep
from privacy.reports.tables import (
    ChangeRow,
    CounterRow,
    DeadLetterRow,
    EvidenceRow,
    LedgerRow,
    PictureRow,
    ReportRow,
)

SYSTEM = "system/privacy"
"""Who acts where no person does."""
GRAVITY = {severity: number for number, severity in enumerate(Severity)}
_LOCK = 7_318_133  # of PostgreSQL: writers take turns
_PAGE = 500
_PURGED_AT_ONCE = 100
_CHANGES = "report_changes"
MIN_RETAIN_S = MIN_RETAIN_DAYS * 86_400.0
"""Nothing that changed since is deleted (Art. 18(5)); the schema says so, too."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """A picture that proves a report.

    Attributes:
        at: When it was taken, in seconds since 1970-01-01 UTC.
        masked: The picture as it left, mask painted; JPEG.
        sealed: The original, sealed to the authority; None if there is no key to seal it with.
        sha256: Of the original, 64 hexadecimal digits; "" if it was not sealed.
        recipient: The authority's public key, 64 hexadecimal digits.
        media_type: Of the original.
    """

    at: float
    masked: bytes
    sealed: bytes | None = None
    sha256: str = ""
    recipient: str = ""
    media_type: str = "image/jpeg"


@dataclass(frozen=True, slots=True, eq=False)
class SealedEvidence:
    """A sealed original as it is kept."""

    at: float
    media_type: str
    box: bytes
    sha256: str
    recipient: str


class Store:
    """Keeps reports and what proves them.

    Args:
        database: Migrated to the newest schema.
        key: Signs the heads of the ledger.
        clock: Seconds since 1970-01-01 UTC.
    """

    def __init__(self, database: Engine, key: Ed25519PrivateKey, clock: Clock = time.time) -> None:
        self.database = database
        self.clock = clock
        self._key = key

    @property
    def public_key(self) -> bytes:
        """The public key of whoever signs the ledger, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    # Reports

    def apply(self, changes: Sequence[Change], exhibits: Iterable[Exhibit] = ()) -> list[Change]:
        """Keep what became of reports.

        Args:
            changes: In order. A report that is there is not raised again; one that has ended does not end again.
            exhibits: Pictures that go with every report that `changes` raises.

        Returns:
            What was new, with offsets.
        """
        exhibits = list(exhibits)
        stored = []
        with self.writing() as session:
            for change in changes:
                kept = self._applied(session, change, exhibits)
                if kept is not None:
                    stored.append(kept)
        return stored

    def _applied(self, session: Session, change: Change, exhibits: Sequence[Exhibit]) -> Change | None:
        row = session.get(ReportRow, change.report.id)
        report, kind = change.report, change.kind
        if row is None:
            kind = ChangeKind.NEW  # whoever said "update" had more luck than the database
        elif kind is ChangeKind.NEW or row.end_time is not None:
            return None
        else:
            report = Report.from_json(row.document).goes_on_as(report)
        if kind is ChangeKind.NEW:
            pictures = tuple(
                Picture(hashlib.sha256(one.masked).hexdigest(), one.at, "image/jpeg", one.sha256) for one in exhibits
            )
            sealed = any(one.sealed is not None for one in exhibits)
            report = replace(report, pictures=pictures, sealed=sealed)
        kept = self._kept(session, report, kind)
        if kind is ChangeKind.NEW:
            for one in {picture.sha256: one for picture, one in zip(report.pictures, exhibits, strict=True)}.values():
                _exhibit(session, report, one)
        if kind is not ChangeKind.UPDATE:
            self._enter(
                session,
                Act(
                    actor=SYSTEM,
                    at=self.clock(),
                    action=f"report.{kind.lower()}",
                    subject=report.name,
                    purpose="Art. 18(4)",
                    details={"camera": report.camera, "rule": report.rule, "policy": "/".join(report.policy)},
                ),
            )
        return kept

    def going(self) -> list[Report]:
        """Return the reports that have not ended."""
        with reading(self.database) as session:
            rows = session.scalars(select(ReportRow).where(ReportRow.end_time.is_(None)).order_by(ReportRow.number))
            return [Report.from_json(row.document) for row in rows]

    def known(self, ended: int = 1000) -> list[Report]:
        """Return what a new folder must know: what has not ended, and the last `ended` reports that have."""
        over = select(ReportRow).where(ReportRow.end_time.is_not(None))
        query = over.order_by(ReportRow.number.desc()).limit(ended)
        with reading(self.database) as session:
            return [*self.going(), *(Report.from_json(row.document) for row in session.scalars(query))]

    def get(self, report: str) -> Report:
        """Return a report by its id.

        Raises:
            ResourceNotFoundError: There is none.
        """
        with reading(self.database) as session:
            return Report.from_json(_row(session, report).document)

    def page(
        self, matching: Filter | None = None, *, before: int | None = None, limit: int = 50, oldest_first: bool = False
    ) -> tuple[list[Report], int | None]:
        """Return reports in the order in which they came, the newest first.

        Args:
            matching: Which; None for all.
            before: Where the last page ended; None for the first page.
            limit: How many at most.
            oldest_first: Turn the order round.

        Returns:
            The reports, and where the page ended; None on the last page.
        """
        query = select(ReportRow).order_by(ReportRow.number if oldest_first else ReportRow.number.desc())
        if before is not None:
            query = query.where(ReportRow.number > before if oldest_first else ReportRow.number < before)
        if matching is not None:
            query = query.where(matching.condition())
        with reading(self.database) as session:
            rows = session.scalars(query.limit(limit + 1)).all()
        more = rows[limit - 1].number if len(rows) > limit else None
        return [Report.from_json(row.document) for row in rows[:limit]], more

    def review(self, report: str, step: ReviewStep, *, revision: int | None = None) -> Change:
        """Take a step of a review, and write it to the ledger.

        Args:
            report: Id.
            step: Its `at` is replaced by the store's clock.
            revision: What the reviewer has seen; None to take the step whatever happened since.

        Raises:
            ResourceNotFoundError: There is no such report.
            StaleError: The report has changed since `revision`.
            ReviewError: The step is not allowed.
        """
        with self.writing() as session:
            now = self.clock()
            before = Report.from_json(_row(session, report).document)
            if revision is not None and revision != before.revision:
                raise StaleError(f"{before.name} has changed since it was read", report=before.name)
            after = before.reviewed(replace(step, at=now))
            change = self._kept(session, after, ChangeKind.UPDATE)
            self._enter(
                session,
                Act(
                    actor=step.actor,
                    at=now,
                    action="report.review",
                    subject=after.name,
                    purpose=step.reason,
                    destination=after.addressee_en if step.state.value == "FILED" else "",
                    details={"before": before.state.value, "after": after.state.value},
                ),
            )
            return change

    def purgeable(self, before: float, limit: int | None = None) -> list[str]:
        """Return the ids of reports that may be deleted: closed, over, and last changed before a moment.

        Args:
            before: In seconds since 1970-01-01 UTC.
            limit: How many at most; None for all.

        Raises:
            RetentionError: `before` is less than two years ago (Art. 18(5)).
        """
        self._check_age(before)
        with reading(self.database) as session:
            return list(session.scalars(_purgeable(before, self.clock(), limit)))

    def purge(self, before: float, *, actor: str, purpose: str) -> int:
        """Delete what `purgeable` names, and what proves it; return how many reports went.

        Some at a time, each time in one transaction with the entry of the ledger that names them: whatever ends it in
        the middle, what is gone is written down, and what is written down is gone. The ledger itself stays whole.

        Args:
            before: In seconds since 1970-01-01 UTC.
            actor: Who deletes.
            purpose: What for.

        Raises:
            RetentionError: `before` is less than two years ago (Art. 18(5)).
            LedgerError: Nobody says who or what for.
        """
        if not purpose.strip():
            raise LedgerError("a deletion says what for", action="report.purge")
        self._check_age(before)
        gone = 0
        while True:
            with self.writing() as session:
                reports = list(session.scalars(_purgeable(before, self.clock(), _PURGED_AT_ONCE)))
                if not reports:
                    return gone
                details = {"before": _utc(before).isoformat(timespec="seconds"), "reports": reports}
                self._enter(
                    session,
                    Act(
                        actor=actor,
                        at=self.clock(),
                        action="report.purge",
                        subject="reports",
                        purpose=purpose,
                        destination="deleted",
                        details=details,
                    ),
                )
                self._remove(session, reports)
            gone += len(reports)

    def delete(self, report: str) -> None:
        """Delete a report and what proves it, once it need not be kept any more (Art. 18(5)). The ledger stays.

        Raises:
            ResourceNotFoundError: There is no such report.
            RetentionError: It must still be kept.
        """
        with self.writing() as session:
            row = _row(session, report)
            now = self.clock()
            until = max(row.retain_until.timestamp(), row.update_time.timestamp() + MIN_RETAIN_S)
            if until > now:
                raise RetentionError(
                    f"reports/{report} must be kept until {_utc(until):%Y-%m-%d}", report=f"reports/{report}"
                )
            self._enter(
                session,
                Act(actor=SYSTEM, at=now, action="report.delete", subject=f"reports/{report}", purpose="Art. 18(5)"),
            )
            self._remove(session, [report])

    def _check_age(self, before: float) -> None:
        newest = self.clock() - MIN_RETAIN_S
        if not before <= newest:  # also refuses NaN
            raise RetentionError(
                f"nothing younger than two years is deleted (Art. 18(5)): not after {_utc(newest):%Y-%m-%d}"
            )

    def _remove(self, session: Session, reports: Sequence[str]) -> None:
        """Remove all that is kept of reports; their numbers are never given again."""
        counter = session.get(CounterRow, _CHANGES) or CounterRow(name=_CHANGES, number=0)
        counter.number = _last(session, ChangeRow.number)
        session.add(counter)
        numbers = select(ChangeRow.number).where(ChangeRow.report.in_(reports))
        session.execute(delete(DeadLetterRow).where(DeadLetterRow.number.in_(numbers)))
        for table in (PictureRow, EvidenceRow, ChangeRow, ReportRow):
            session.execute(delete(table).where(table.report.in_(reports)))

    # Changes

    def changes(self, start: int, limit: int = _PAGE) -> list[Change]:
        """Return changes from an offset on, in order."""
        query = select(ChangeRow).where(ChangeRow.number >= start).order_by(ChangeRow.number).limit(limit)
        with reading(self.database) as session:
            return [
                Change(ChangeKind(row.kind), Report.from_json(row.document), row.number)
                for row in session.scalars(query)
            ]

    def next_offset(self) -> int:
        """Return the offset that the next change will have."""
        with reading(self.database) as session:
            return _last(session, ChangeRow.number) + 1

    # Evidence

    def picture(self, report: str, sha256: str) -> bytes:
        """Return a picture of a report, mask painted.

        Raises:
            ResourceNotFoundError: There is none.
        """
        with reading(self.database) as session:
            row = session.get(PictureRow, (report, sha256))
            if row is None:
                raise ResourceNotFoundError(f"reports/{report} has no such picture", report=f"reports/{report}")
            return row.data

    def sealed(self, report: str, act: Act) -> tuple[list[SealedEvidence], int]:
        """Hand out the sealed evidence of a report; what is handed out is written down first.

        Returns:
            The evidence, and the number of the ledger's entry.

        Raises:
            ResourceNotFoundError: There is no such report.
        """
        with self.writing() as session:
            _row(session, report)
            rows = session.scalars(select(EvidenceRow).where(EvidenceRow.report == report).order_by(EvidenceRow.time))
            found = [
                SealedEvidence(row.time.timestamp(), row.media_type, row.box, row.sha256, row.recipient) for row in rows
            ]
            return found, self._enter(session, act)

    # Ledger

    def enter(self, act: Act) -> int:
        """Write an entry, and return its number."""
        with self.writing() as session:
            return self._enter(session, act)

    def acts(self, action: str, since: float) -> list[dict[str, Any]]:
        """Return the entries of one action since a time, oldest first, as they stand in an export."""
        query = select(LedgerRow.line).where(LedgerRow.action == action, LedgerRow.time >= _utc(since))
        with reading(self.database) as session:
            return [json.loads(line) for line in session.scalars(query.order_by(LedgerRow.entry))]

    def ledger_lines(self, start: int = 1, end: int | None = None) -> Iterator[str]:
        """Yield the entries `[start, end)`, as they stand in an export."""
        while True:
            query = select(LedgerRow.entry, LedgerRow.line).where(LedgerRow.entry >= start)
            if end is not None:
                query = query.where(LedgerRow.entry < end)
            with reading(self.database) as session:
                rows = session.execute(query.order_by(LedgerRow.entry).limit(_PAGE)).all()
            if not rows:
                return
            yield from (row.line for row in rows)
            start = rows[-1].entry + 1

    def head(self, entry: int | None = None) -> Head:
        """Return the signed head of the ledger; as it was after an entry, or after the next that is there, if asked."""
        last = select(LedgerRow).order_by(LedgerRow.entry.desc()).limit(1)
        with reading(self.database) as session:
            row = None
            if entry is not None:
                row = session.scalars(
                    select(LedgerRow).where(LedgerRow.entry >= entry).order_by(LedgerRow.entry).limit(1)
                ).first()
            row = row or session.scalars(last).first()
        return ledger.sign(self._key, 0, GENESIS) if row is None else Head(row.entry, row.digest, row.signature)

    def export_ledger(self, entry: int | None = None) -> Iterator[str]:
        """Yield the lines of an export of the whole ledger, as it is now, or as `head` gives it after an entry."""
        head = self.head(entry)
        yield from ledger.export(self.ledger_lines(end=head.entries + 1), head, self._key.public_key())

    def verify_ledger(self, entry: int | None = None) -> ledger.Verified:
        """Check what the database holds, with this server's own key; up to an entry, if asked."""
        lines = (line.encode() + b"\n" for line in self.export_ledger(entry))
        return ledger.verify(lines, key=self._key.public_key().public_bytes_raw())

    # Within a transaction

    def _kept(self, session: Session, report: Report, kind: ChangeKind) -> Change:
        number = _last(session, ChangeRow.number) + 1
        report = replace(report, revision=report.revision + 1)
        row = session.get(ReportRow, report.id) or ReportRow(report=report.id, number=number)
        document = report.to_json()
        row.rule, row.kind, row.subject, row.camera = report.rule, report.kind.value, report.subject, report.camera
        row.zone = "" if report.zone is None else report.zone.slug
        row.gravity, row.state = GRAVITY[report.severity], report.state.value
        row.start_time, row.update_time, row.retain_until = map(
            _utc, (report.start, report.updated, report.retain_until)
        )
        row.end_time = None if report.end is None else _utc(report.end)
        row.document = document
        session.add(row)
        session.flush()
        session.add(
            ChangeRow(
                number=number,
                report=report.id,
                kind=kind.value,
                time=_utc(report.updated),
                retain_until=row.retain_until,
                document=document,
            )
        )
        session.flush()
        return Change(kind, report, number)

    def _enter(self, session: Session, act: Act) -> int:
        last = session.execute(
            select(LedgerRow.entry, LedgerRow.digest).order_by(LedgerRow.entry.desc()).limit(1)
        ).first()
        number, previous = (last.entry + 1, last.digest) if last is not None else (1, GENESIS)
        line, digest = ledger.entry_line(number, act, previous)
        signature = ledger.sign(self._key, number, digest).signature
        session.add(
            LedgerRow(entry=number, time=_utc(act.at), action=act.action, line=line, digest=digest, signature=signature)
        )
        session.flush()
        return number

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a transaction in which nobody else writes."""
        with writing(self.database) as session:
            if self.database.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield session


def _exhibit(session: Session, report: Report, one: Exhibit) -> None:
    retain_until = _utc(report.retain_until)
    sha256 = hashlib.sha256(one.masked).hexdigest()
    session.add(PictureRow(report=report.id, sha256=sha256, retain_until=retain_until, data=one.masked))
    if one.sealed is not None:
        session.add(
            EvidenceRow(
                report=report.id,
                sha256=one.sha256,
                time=_utc(one.at),
                media_type=one.media_type,
                recipient=one.recipient,
                retain_until=retain_until,
                box=one.sealed,
            )
        )


def _row(session: Session, report: str) -> ReportRow:
    row = session.get(ReportRow, report)
    if row is None:
        raise ResourceNotFoundError(f"there is no reports/{report}", report=f"reports/{report}")
    return row


def _last(session: Session, column: InstrumentedAttribute[int]) -> int:
    purged = session.get(CounterRow, _CHANGES)
    return max(session.scalar(select(func.max(column))) or 0, 0 if purged is None else purged.number)


def _purgeable(before: float, now: float, limit: int | None) -> Select[Any]:
    """Return the question for reports that may be deleted, the oldest first."""
    query = select(ReportRow.report).where(
        ReportRow.update_time < _utc(before),
        ReportRow.retain_until <= _utc(now),
        ReportRow.end_time.is_not(None),
        ReportRow.state.in_([ReportState.FILED.value, ReportState.DISMISSED.value]),
    )
    return query.order_by(ReportRow.number).limit(limit)


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
