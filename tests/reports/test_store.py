"""What was written stays, once, in order, and as long as the law says."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from privacy.database import writing
from privacy.errors import DatabaseError, InputError, ResourceNotFoundError, RetentionError, ReviewError, StaleError
from privacy.reports import filters
from privacy.reports.ledger import Act
from privacy.reports.report import Change, ChangeKind, Report, ReportState, ReviewStep
from privacy.reports.store import Exhibit, Store
from tests.reports.stories import NOON

Make = Callable[..., Report]
EXHIBIT = Exhibit(NOON, b"masked", b"sealed", "ab" * 32, "cd" * 32)


def new(report: Report) -> Change:
    return Change(ChangeKind.NEW, report)


def step(state: ReportState, reason: str = "seen on site", actor: str = "users/wang") -> ReviewStep:
    return ReviewStep(state, actor, 0.0, reason)


def test_a_report_comes_back_as_it_was_with_its_pictures(store: Store, raise_report: Make) -> None:
    (change,) = store.apply([new(raise_report())], [EXHIBIT])

    assert store.get(change.report.id) == change.report
    assert change.report.sealed
    assert store.picture(change.report.id, change.report.pictures[0].sha256) == b"masked"


def test_what_is_raised_twice_is_kept_once(store: Store, raise_report: Make) -> None:
    report = raise_report()

    assert len(store.apply([new(report), new(report)])) == 1
    assert store.apply([new(report)]) == []
    assert len(store.page()[0]) == 1


def test_changes_come_in_order_and_from_any_offset(store: Store, raise_report: Make) -> None:
    report = raise_report()
    store.apply([new(report), Change(ChangeKind.UPDATE, report), Change(ChangeKind.END, replace(report, end=NOON + 9))])

    assert [change.kind for change in store.changes(0)] == [ChangeKind.NEW, ChangeKind.UPDATE, ChangeKind.END]
    assert [change.offset for change in store.changes(2)] == [2, 3]
    assert store.next_offset() == 4
    assert store.apply([Change(ChangeKind.END, replace(report, end=NOON + 99))]) == []


def test_only_what_goes_on_is_taken_up_again(store: Store, raise_report: Make) -> None:
    going, over = raise_report(), raise_report(NOON + 1000)
    store.apply([new(going), new(over), Change(ChangeKind.END, replace(over, end=NOON + 1009))])

    assert [report.id for report in store.going()] == [going.id]


def test_a_review_goes_forward_only_and_says_who_and_why(store: Store, raise_report: Make) -> None:
    (change,) = store.apply([new(raise_report())])
    name = change.report.id
    for state in (ReportState.ACKNOWLEDGED, ReportState.CONFIRMED, ReportState.FILED):
        store.review(name, step(state))

    assert [taken.state for taken in store.get(name).steps] == ["ACKNOWLEDGED", "CONFIRMED", "FILED"]
    with pytest.raises(ReviewError):
        store.review(name, step(ReportState.DISMISSED))


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(step(ReportState.CONFIRMED), id="not looked at yet"),
        pytest.param(step(ReportState.ACKNOWLEDGED, reason=" "), id="no reason"),
        pytest.param(step(ReportState.ACKNOWLEDGED, actor=""), id="nobody"),
    ],
)
def test_a_step_that_is_not_allowed_leaves_nothing(store: Store, raise_report: Make, taken: ReviewStep) -> None:
    (change,) = store.apply([new(raise_report())])
    entries = store.head().entries
    with pytest.raises(ReviewError):
        store.review(change.report.id, taken)

    assert (store.get(change.report.id), store.head().entries) == (change.report, entries)


def test_who_reviews_what_has_changed_reads_it_again(store: Store, raise_report: Make) -> None:
    (change,) = store.apply([new(raise_report())])
    store.apply([Change(ChangeKind.UPDATE, change.report)])

    with pytest.raises(StaleError):
        store.review(change.report.id, step(ReportState.ACKNOWLEDGED), revision=change.report.revision)


def test_an_update_keeps_the_review_and_the_pictures(store: Store, raise_report: Make) -> None:
    report = raise_report()
    store.apply([new(report)], [EXHIBIT])
    store.review(report.id, step(ReportState.ACKNOWLEDGED))
    store.apply([Change(ChangeKind.UPDATE, report)])
    kept = store.get(report.id)

    assert (kept.state, len(kept.steps), len(kept.pictures), kept.sealed) == (ReportState.ACKNOWLEDGED, 1, 1, True)


def test_deletion_before_two_years_is_refused(store: Store, raise_report: Make) -> None:
    report = raise_report()
    store.apply([new(report)], [EXHIBIT])
    with pytest.raises(RetentionError):
        store.delete(report.id)

    assert store.get(report.id).id == report.id


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reports",
        "DELETE FROM report_changes",
        "DELETE FROM report_pictures",
        "DELETE FROM sealed_evidence",
        "DELETE FROM ledger",
        "UPDATE ledger SET line = 'nothing happened'",
        "UPDATE report_changes SET kind = 'END'",
        "UPDATE sealed_evidence SET retain_until = '2000-01-01 00:00:00.000000'",
        "UPDATE reports SET retain_until = '2000-01-01 00:00:00.000000'",
    ],
)
def test_the_schema_itself_keeps_what_must_be_kept(store: Store, raise_report: Make, statement: str) -> None:
    """Whoever reaches the database past this program is refused as well."""
    store.apply([new(raise_report())], [EXHIBIT])
    with pytest.raises((DBAPIError, DatabaseError)), writing(store.database) as session:
        session.execute(text(statement))

    assert store.verify_ledger().intact


def test_what_need_not_be_kept_any_more_can_go(store: Store, raise_report: Make) -> None:
    long_ago = 1_500_000_000.0
    report = raise_report(long_ago)
    store.apply([new(report)], [replace(EXHIBIT, at=long_ago)])
    store.delete(report.id)

    with pytest.raises(ResourceNotFoundError):
        store.get(report.id)
    assert store.verify_ledger().intact


def test_everything_that_matters_is_in_the_ledger(store: Store, raise_report: Make) -> None:
    report = raise_report()
    store.apply([new(report)], [EXHIBIT])
    store.review(report.id, step(ReportState.ACKNOWLEDGED))
    store.sealed(
        report.id, Act(actor="users/wang", at=NOON, action="evidence.request", subject=report.name, purpose="x")
    )

    assert [line.split('"action":"')[1].split('"')[0] for line in store.ledger_lines()] == [
        "report.new",
        "report.review",
        "evidence.request",
    ]
    assert store.verify_ledger().intact


def test_many_writers_make_one_chain(store: Store) -> None:
    def write() -> None:
        for _ in range(5):
            store.enter(Act(actor="users/li", at=NOON, action="config", subject="c", purpose="test"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (store.head().entries, store.verify_ledger().intact) == (20, True)


def test_pages_hold_every_report_once(store: Store, raise_report: Make) -> None:
    made = [raise_report(NOON + 1000 * number) for number in range(5)]
    store.apply([new(report) for report in made])
    seen, before = [], None
    while True:
        page, before = store.page(before=before, limit=2)
        seen += [report.id for report in page]
        if before is None:
            break

    assert seen == [report.id for report in reversed(made)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 2),
        ("state = OPEN", 1),
        ("state = ACKNOWLEDGED AND severity >= HIGH", 1),
        ("severity > HIGH", 0),
        ("zone = washroom", 2),
        ("zone != washroom", 0),
        ('camera = "sites/hotel/cameras/c1" AND kind = PROHIBITED_VIEW', 2),
        ("rule = PTZ_DWELL", 0),
        ("state = OPEN OR state = ACKNOWLEDGED", 2),
        ("NOT state = OPEN", 1),
        ("-(state = OPEN OR severity < HIGH) AND kind = PROHIBITED_VIEW", 1),
        ("zone = washroom AND state = OPEN OR state = ACKNOWLEDGED", 2),
        ("state = open AND zone = WASHROOM", 1),
        ('camera = "sites/hotel/*"', 2),
        ('camera = "*/c1"', 2),
        ('camera = "*hotel*"', 2),
        ('camera = "*Hotel*"', 0),
        ('camera = "sites/Hotel/*" OR camera = "*/C1"', 0),
        ('camera != "sites/hotel/*"', 0),
        ('camera = "*a name that is much longer than that of any camera"', 0),
        ('camera = "*"', 2),
        ('camera : "hotel"', 2),
        ('camera : "HOTEL" OR subject : "%"', 0),
        ('camera : ""', 2),
        ("severity = HIGH AND severity <= CRITICAL AND severity != LOW", 2),
    ],
)
def test_a_filter_finds_in_the_database_what_it_admits(store: Store, raise_report: Make, text: str, count: int) -> None:
    changes = store.apply([new(raise_report()), new(raise_report(NOON + 1000))])
    store.review(changes[0].report.id, step(ReportState.ACKNOWLEDGED))
    wanted = filters.parse(text)
    found, _ = store.page(wanted)

    assert len(found) == count
    assert [report for report in store.page()[0] if wanted.admits(report)] == found


@pytest.mark.parametrize(
    "text",
    [
        *("state", "state = GONE", "colour = red", "zone >= washroom", "x" * 9999, "a = b OR c = d"),
        *("severity > 3", 'rule = "open', "(state = OPEN", "camera > a", "state.x = OPEN", "rule = a\0b"),
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        filters.parse(text)


def test_no_such_report(store: Store) -> None:
    with pytest.raises(ResourceNotFoundError):
        store.get("0" * 20)
