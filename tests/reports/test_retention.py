"""Nothing younger than two years goes; what goes is written down, whoever ends the process in the middle."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from privacy.cli import cli
from privacy.database import open_database, reading, writing
from privacy.errors import DatabaseError, LedgerError, RetentionError
from privacy.migrations import migrate
from privacy.reports import keys
from privacy.reports.report import Change, ChangeKind, Report, ReportState, ReviewStep
from privacy.reports.store import MIN_RETAIN_S, Exhibit, Store
from privacy.reports.tables import ChangeRow, DeadLetterRow, EvidenceRow, PictureRow, ReportRow
from tests.reports.conftest import Clock

Make = Callable[..., Report]
LONG_AGO = 1_500_000_000.0
DAY = 86_400.0
EXHIBIT = Exhibit(LONG_AGO, b"masked", b"sealed", "ab" * 32, "cd" * 32)
CLOSED = (ReportState.ACKNOWLEDGED, ReportState.DISMISSED)


@pytest.fixture
def close(store: Store, clock: Clock, raise_report: Make) -> Callable[..., str]:
    """Keep a report that was raised and ended at a moment, and reviewed then."""

    def kept(at: float, states: tuple[ReportState, ...] = CLOSED, *, over: bool = True) -> str:
        now, clock.now = clock.now, at + 20
        report = replace(raise_report(at), updated=at + 6)
        store.apply([Change(ChangeKind.NEW, report)], [EXHIBIT])
        if over:
            store.apply([Change(ChangeKind.END, replace(report, end=at + 10, updated=at + 10))])
        for state in states:
            store.review(report.id, ReviewStep(state, "users/wang", 0.0, "seen on site"))
        clock.now = now
        return report.id

    return kept


def left(store: Store) -> list[str]:
    return [report.id for report in store.page(limit=1000, oldest_first=True)[0]]


def purges(store: Store) -> list[dict[str, object]]:
    return [entry for line in store.ledger_lines() if (entry := json.loads(line))["action"] == "report.purge"]


def test_what_is_closed_and_old_goes_and_the_ledger_says_what(store: Store, close: Callable[..., str]) -> None:
    old, young = close(LONG_AGO), close(LONG_AGO + 100 * DAY)
    due = store.purgeable(LONG_AGO + 50 * DAY)
    gone = store.purge(LONG_AGO + 50 * DAY, actor="users/li", purpose="two years are over")
    (entry,) = purges(store)

    assert (due, gone, left(store)) == ([old], 1, [young])
    assert (entry["actor"], entry["purpose"], entry["destination"]) == ("users/li", "two years are over", "deleted")
    assert entry["details"] == {"before": "2017-09-02T02:40:00+00:00", "reports": [old]}
    assert store.verify_ledger().intact


def test_all_that_proved_it_goes_with_it(store: Store, close: Callable[..., str]) -> None:
    close(LONG_AGO)
    with writing(store.database) as session:
        session.add(DeadLetterRow(receiver="r", number=1, time=func.now(), error="x"))
    store.purge(LONG_AGO + DAY, actor="users/li", purpose="over")

    with reading(store.database) as session:
        tables = (ReportRow, ChangeRow, PictureRow, EvidenceRow, DeadLetterRow)
        assert [session.scalar(select(func.count()).select_from(table)) for table in tables] == [0] * 5


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param({"states": ()}, id="nobody has looked at it"),
        pytest.param(
            {"states": (ReportState.ACKNOWLEDGED, ReportState.CONFIRMED)}, id="it was confirmed, and not filed"
        ),
        pytest.param({"over": False}, id="it goes on"),
    ],
)
def test_what_is_not_closed_stays(store: Store, close: Callable[..., str], kept: dict[str, object]) -> None:
    report = close(LONG_AGO, **kept)

    assert store.purge(LONG_AGO + DAY, actor="users/li", purpose="over") == 0
    assert left(store) == [report]
    assert purges(store) == []


def test_a_report_that_was_reviewed_within_two_years_stays(
    store: Store, clock: Clock, close: Callable[..., str]
) -> None:
    report = close(LONG_AGO, (ReportState.ACKNOWLEDGED,))
    clock.now = LONG_AGO + 3 * MIN_RETAIN_S
    store.review(report, ReviewStep(ReportState.DISMISSED, "users/wang", 0.0, "late"))

    assert store.purgeable(clock.now - MIN_RETAIN_S) == []
    with pytest.raises(RetentionError):
        store.delete(report)


@pytest.mark.parametrize("ago", [0.0, DAY, MIN_RETAIN_S - 1, -DAY, float("nan"), float("-inf")])
def test_nothing_younger_than_two_years_is_even_asked_for(store: Store, clock: Clock, ago: float) -> None:
    for call in (store.purgeable, lambda before: store.purge(before, actor="users/li", purpose="over")):
        with pytest.raises(RetentionError):
            call(clock.now - ago)


@pytest.mark.parametrize(("actor", "purpose"), [("", "over"), ("users/li", " ")])
def test_a_deletion_says_who_and_what_for(store: Store, close: Callable[..., str], actor: str, purpose: str) -> None:
    close(LONG_AGO)
    with pytest.raises(LedgerError):
        store.purge(LONG_AGO + DAY, actor=actor, purpose=purpose)

    assert len(left(store)) == 1


def test_numbers_of_changes_are_never_given_twice(store: Store, raise_report: Make, close: Callable[..., str]) -> None:
    close(LONG_AGO)
    before = store.next_offset()
    store.purge(LONG_AGO + DAY, actor="users/li", purpose="over")
    (change,) = store.apply([Change(ChangeKind.NEW, raise_report())])

    assert (store.next_offset() - 1, change.offset) == (before, before)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM sealed_evidence", id="evidence"),
        pytest.param("DELETE FROM report_changes", id="changes"),
        pytest.param("DELETE FROM reports", id="a report whose retention was set to be over"),
        pytest.param("UPDATE report_counters SET number = 0", id="numbers that run back"),
        pytest.param("UPDATE report_counters SET name = 'x'", id="numbers that are known by another name"),
        pytest.param("DELETE FROM report_counters", id="numbers that are forgotten"),
    ],
)
def test_the_schema_keeps_what_is_younger_than_two_years_whatever_its_rows_say(
    store: Store, raise_report: Make, close: Callable[..., str], statement: str
) -> None:
    """Somebody writes rows past this program that need not be kept at all, and then deletes what they hang on."""
    close(LONG_AGO)
    store.purge(LONG_AGO + DAY, actor="users/li", purpose="over")
    store.apply([Change(ChangeKind.NEW, raise_report())], [EXHIBIT])
    if statement == "DELETE FROM reports":
        with writing(store.database) as session:
            for table in ("report_pictures", "sealed_evidence", "report_changes"):
                for trigger in ("kept", "aged"):
                    _drop(session, store.database, f"{table}_{trigger}", table)
                session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - the test's own
            _drop(session, store.database, "reports_kept", "reports")
    with pytest.raises((DBAPIError, DatabaseError)), writing(store.database) as session:
        session.execute(text(statement))

    assert len(left(store)) == 1


def _drop(session: Session, database: Engine, trigger: str, table: str) -> None:
    where = f" ON {table}" if database.dialect.name == "postgresql" else ""
    session.execute(text(f"DROP TRIGGER IF EXISTS {trigger}{where}"))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "REPLACE INTO sealed_evidence "
            "SELECT report, sha256, '2000-01-01', media_type, recipient, '2000-01-01', x'' FROM sealed_evidence",
            id="evidence",
        ),
        pytest.param(
            "REPLACE INTO report_pictures SELECT report, sha256, '2000-01-01', x'' FROM report_pictures", id="pictures"
        ),
        pytest.param(
            "REPLACE INTO report_changes "
            "SELECT number, report, kind, '2000-01-01', '2000-01-01', '{}' FROM report_changes",
            id="changes",
        ),
        pytest.param("REPLACE INTO reports SELECT * FROM reports", id="a report by its name"),
        pytest.param(
            "REPLACE INTO reports SELECT 'x', number, rule, kind, subject, camera, zone, gravity, state, start_time, "
            "end_time, update_time, retain_until, document FROM reports",
            id="a report by its number",
        ),
        pytest.param("REPLACE INTO ledger SELECT entry, time, 'x', line, digest, signature FROM ledger", id="ledger"),
        pytest.param(
            "REPLACE INTO ledger (rowid, entry, time, action, line, digest, signature) "
            "SELECT rowid, entry + 100, time, action, line, digest, signature FROM ledger",
            id="ledger, by SQLite's own number of a row",
        ),
        pytest.param("REPLACE INTO report_counters SELECT name, 0 FROM report_counters", id="the last number"),
        pytest.param(
            "INSERT INTO reports SELECT * FROM reports WHERE true "
            "ON CONFLICT DO UPDATE SET retain_until = '2000-01-01'",
            id="a report by an upsert",
        ),
        pytest.param(
            "UPDATE OR REPLACE reports SET report = (SELECT min(report) FROM reports)", id="a report, renamed"
        ),
        pytest.param(
            "UPDATE OR REPLACE reports SET number = (SELECT min(number) FROM reports)", id="a report, renumbered"
        ),
        pytest.param("UPDATE OR REPLACE reports SET rowid = (SELECT min(rowid) FROM reports)", id="a report, moved"),
    ],
)
def test_nothing_takes_the_place_of_what_is_kept(
    store: Store, raise_report: Make, close: Callable[..., str], statement: str
) -> None:
    """SQLite's REPLACE removes rows, and no trigger hears of it."""
    if store.database.dialect.name != "sqlite":
        pytest.skip("only SQLite knows REPLACE")
    close(LONG_AGO)
    store.purge(LONG_AGO + DAY, actor="users/li", purpose="over")
    for start in (LONG_AGO + 4000 * DAY, LONG_AGO + 4001 * DAY):
        store.apply([Change(ChangeKind.NEW, raise_report(start))], [EXHIBIT])
    with closing(sqlite3.connect(store.database.url.database or "")) as raw:
        before = list(raw.iterdump())
        with pytest.raises(sqlite3.IntegrityError, match="privacy: "), raw:
            raw.execute(statement)
        after = list(raw.iterdump())

    assert after == before


def test_the_schema_takes_no_report_that_need_not_be_kept_for_two_years(store: Store, raise_report: Make) -> None:
    report = raise_report()
    short = replace(report, retain_until=report.updated + 700 * DAY)
    with pytest.raises((DBAPIError, DatabaseError)):
        store.apply([Change(ChangeKind.NEW, short)])

    assert left(store) == []


KILLED = """
import os, sys
from sqlalchemy import event
from privacy.database import open_database
from privacy.reports import keys, store as stores
from pathlib import Path

engine, count = open_database(sys.argv[1]), [int(sys.argv[3])]
store = stores.Store(engine, keys.signing(Path(sys.argv[2])), lambda: 1_773_288_000.0)
stores._PURGED_AT_ONCE = 2

@event.listens_for(engine, "before_cursor_execute")
def die(*_):
    count[0] -= 1
    if count[0] == 0:
        os.kill(os.getpid(), 9)

print(store.purge(1_500_000_000.0 + 86400, actor="users/li", purpose="over"))
"""


def test_who_is_killed_while_deleting_has_written_down_exactly_what_is_gone(tmp_path: Path, raise_report: Make) -> None:
    survived = 0
    for statement in range(1, 60, 7):
        folder = tmp_path / str(statement)
        folder.mkdir()
        url, key = f"sqlite:///{folder / 'reports.db'}", folder / "ledger.key"
        engine = open_database(url)
        migrate(engine)
        clock = Clock(LONG_AGO + 20)
        store = Store(engine, keys.signing_or_new(key), clock)
        for number in range(5):
            report = raise_report(LONG_AGO + 100 * number)
            ended = replace(report, end=report.until, updated=report.until)
            store.apply([Change(ChangeKind.NEW, report), Change(ChangeKind.END, ended)], [EXHIBIT])
            for state in CLOSED:
                store.review(report.id, ReviewStep(state, "users/wang", 0.0, "seen"))
        before = set(left(store))
        done = subprocess.run(
            [sys.executable, "-c", KILLED, url, str(key), str(statement)],
            env={**os.environ, "PYTHONPATH": "."},
            capture_output=True,
            check=False,
        )
        survived += done.returncode == 0
        written = {name for entry in purges(store) for name in entry["details"]["reports"]}  # type: ignore[index]
        assert written == before - set(left(store)), done.stderr
        assert store.verify_ledger().intact
        engine.dispose()
    assert survived < 9


# The command line


@pytest.fixture
def url(tmp_path: Path, raise_report: Make) -> Iterator[str]:
    """A database with one old closed report and one that is new, signed with `ledger.key`."""
    url = f"sqlite:///{tmp_path / 'reports.db'}"
    engine = open_database(url)
    migrate(engine)
    clock = Clock(LONG_AGO + 20)
    store = Store(engine, keys.signing_or_new(tmp_path / "ledger.key"), clock)
    for at, uncited in ((LONG_AGO, False), (LONG_AGO + 4000 * DAY, True)):
        report = raise_report(at)
        if uncited:
            report = replace(report, rule="SCREENS_DWELT", clauses=(), consequences=(), policy=("order799", "1"))
        clock.now = at + 20
        ended = replace(report, end=report.until, updated=report.until)
        picture = replace(EXHIBIT, masked=_drawn())
        store.apply([Change(ChangeKind.NEW, report), Change(ChangeKind.END, ended)], [picture])
        for state in CLOSED:
            store.review(report.id, ReviewStep(state, "users/wang", 0.0, "seen"))
    yield url
    engine.dispose()


def _drawn() -> bytes:
    import cv2  # noqa: PLC0415 - only here
    import numpy as np  # noqa: PLC0415 - only here

    return bytes(cv2.imencode(".jpg", np.zeros((90, 160, 3), np.uint8))[1])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def ids(url: str, *arguments: object) -> list[str]:
    done = run("reports", "list", "--database", url, *arguments)
    assert done.exit_code == 0, done.output
    return [json.loads(line)["report"] for line in done.output.splitlines()]


def test_reports_are_listed_and_shown(url: str) -> None:
    newest, oldest = ids(url)
    shown_ = json.loads(run("reports", "show", newest, "--database", url).output)

    assert (shown_["name"], shown_["rule"]) == (newest, "SCREENS_DWELT")
    assert ids(url, "--filter", "rule = PROHIBITED_VIEW") == [oldest]
    assert ids(url, "--limit", 1) == [newest]


@pytest.mark.parametrize(("form", "begins"), [("html", b"<!doctype html>"), ("pdf", b"%PDF")])
def test_a_report_is_printed_and_the_ledger_knows(url: str, tmp_path: Path, form: str, begins: bytes) -> None:
    name, out, key = ids(url)[1], tmp_path / f"report.{form}", tmp_path / "ledger.key"
    options = ("--database", url, "--key", key, "--format", form, "-o", out, "--actor", "users/li")
    done = run("reports", "print", name, *options, "--purpose", "case 12")
    store = Store(open_database(url), keys.signing(key))
    entry = json.loads(list(store.ledger_lines())[-1])
    store.database.dispose()

    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(begins)
    assert (entry["action"], entry["actor"], entry["purpose"]) == ("report.print", "users/li", "case 12")
    assert (entry["subject"], entry["destination"]) == (name, out.name)


def test_paper_says_that_no_article_is_cited_and_why(url: str, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    run(
        "reports",
        "print",
        ids(url)[0],
        "--database",
        url,
        "--key",
        tmp_path / "ledger.key",
        "-o",
        out,
        "--purpose",
        "x1",
    )

    assert "Art. 8 does not speak of screens and documents" in out.read_text("utf-8")


def test_without_a_purpose_nothing_is_printed(url: str, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    options = ("--database", url, "--key", tmp_path / "ledger.key", "-o", out, "--purpose", " ")

    assert run("reports", "print", ids(url)[0], *options).exit_code == 2
    assert not out.exists()


def test_a_purge_says_first_what_it_would_do(url: str, tmp_path: Path) -> None:
    options = ("--database", url, "--key", tmp_path / "ledger.key", "--before", "2018-01-01")
    dry = run("reports", "purge", *options)
    silent = run("reports", "purge", *options, "--delete")
    before = ids(url)
    done = run("reports", "purge", *options, "--delete", "--purpose", "two years are over", "--actor", "users/li")

    assert (dry.exit_code, dry.output.split(";")[0]) == (0, "would delete 1 reports")
    assert (silent.exit_code, len(before)) == (2, 2)
    assert (done.exit_code, done.output.split(";")[0]) == (0, "deleted 1 reports")
    assert ids(url) == before[:1]


def test_a_purge_of_what_is_younger_than_two_years_is_refused(url: str, tmp_path: Path) -> None:
    options = ("--database", url, "--key", tmp_path / "ledger.key", "--before", "2999-01-01", "--delete")
    done = run("reports", "purge", *options, "--purpose", "make room")

    assert (done.exit_code, "Art. 18(5)" in done.output) == (1, True)
    assert len(ids(url)) == 2


@pytest.mark.parametrize("command", ["list", "show", "print", "purge"])
def test_no_database_is_made_by_asking_for_one(tmp_path: Path, command: str) -> None:
    (tmp_path / "ledger.key").touch()
    name = {"show": ["x"], "print": ["x"]}.get(command, [])
    rest = {
        "print": ["--key", tmp_path / "ledger.key", "-o", tmp_path / "o", "--purpose", "case"],
        "purge": ["--key", tmp_path / "ledger.key", "--before", "2018-01-01"],
    }.get(command, [])

    assert run("reports", command, *name, "--database", f"sqlite:///{tmp_path / 'none.db'}", *rest).exit_code == 1
    assert not (tmp_path / "none.db").exists()
