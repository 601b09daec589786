from collections.abc import Iterable
from dataclasses import replace

import pytest

from privacy import policy
from privacy.events import (
    Anomaly,
    Event,
    FramesAnomalous,
    MaskChange,
    MaskReduced,
    MaskRestored,
    PtzMoved,
    Registered,
    ViewChange,
    ViewChanged,
)
from privacy.reports.folding import ZONES_ZH, Folder
from privacy.reports.report import Change, ChangeKind, Report
from privacy.zones import PROHIBITED, Zone
from tests.reports.stories import CAMERA, NOON, closed, looks, opened, reads

WASHROOM = "." + "W" * 30


def told(events: Iterable[Event], folder: Folder | None = None) -> list[Change]:
    folder = folder or Folder(policy.load())
    return [change for event in events for change in folder.see(event)]


def kinds(changes: Iterable[Change]) -> list[tuple[str, ChangeKind]]:
    return [(change.report.rule, change.kind) for change in changes]


def test_one_continuing_sight_is_one_report() -> None:
    changes = told([*looks(WASHROOM), *looks("." * 70, NOON + 31)])

    assert kinds(changes) == [("PROHIBITED_VIEW", ChangeKind.NEW), ("PROHIBITED_VIEW", ChangeKind.END)]
    assert len({change.report.id for change in changes}) == 1


def test_a_camera_whose_time_runs_ahead_ends_no_report_of_another() -> None:
    """A file that is streamed at ten times its speed, or a camera whose clock does as it likes."""
    folder = Folder(policy.load())
    ahead = [
        replace(look, subject="sites/hotel/cameras/c2", at=NOON + 10 * n) for n, look in enumerate(looks("." * 31))
    ]
    changes = told([event for both in zip(looks("W" * 31), ahead, strict=True) for event in both], folder)

    assert kinds(changes) == [("PROHIBITED_VIEW", ChangeKind.NEW)]
    assert kinds(folder.tick(NOON + 100)) == [("PROHIBITED_VIEW", ChangeKind.END)]


def test_what_goes_on_is_told_of_once_a_minute() -> None:
    changes = told(looks("W" * 200))

    assert [change.kind for change in changes] == [ChangeKind.NEW, *[ChangeKind.UPDATE] * 3]


def test_a_pause_shorter_than_settling_is_no_second_report() -> None:
    changes = told([*looks("W" * 10), *looks("." * 50, NOON + 10), *looks("W" * 10, NOON + 60)])

    assert [change.kind for change in changes if change.kind is ChangeKind.NEW] == [ChangeKind.NEW]


def test_a_span_ends_with_the_last_sight() -> None:
    (*_, last) = told([*looks("W" * 10), *looks("." * 70, NOON + 10)])

    assert last.report.start == NOON
    assert last.report.end == pytest.approx(NOON + 9)
    assert last.report.end is not None
    assert last.report.end > NOON + 9  # half open: the last sight is within


def test_a_restart_goes_on_with_the_same_report() -> None:
    (first,) = told(looks("W" * 10))
    again = told(looks("W" * 10, NOON + 20), Folder(policy.load(), [first.report]))

    assert {change.report.id for change in again} <= {first.report.id}
    assert ChangeKind.NEW not in {change.kind for change in again}


def test_a_report_that_was_going_when_the_process_died_ends_when_it_was_last_seen() -> None:
    (first,) = told(looks("W" * 10))
    (ended,) = Folder(policy.load(), [first.report]).tick(NOON + 3600)

    assert (ended.kind, ended.report.id) == (ChangeKind.END, first.report.id)
    assert ended.report.end == pytest.approx(first.report.until)


def test_a_reduced_mask_lasts_until_it_is_restored_however_long_and_over_restarts() -> None:
    lifted = MaskReduced(subject=CAMERA, at=NOON, change=MaskChange.LIFTED, actor="users/li")
    (new,) = told([lifted])
    folder = Folder(policy.load(), [new.report])

    assert folder.tick(NOON + 100_000) == []
    assert kinds(folder.see(MaskRestored(subject=CAMERA, at=NOON + 100_001))) == [("MASK_REDUCED", ChangeKind.END)]


DAY_S = 86_400.0
UNSEEN = "." * 70


OVER = [*looks("W" * 10), *looks(UNSEEN, NOON + 10)]


@pytest.mark.parametrize(
    ("before", "back_s", "restarted"),
    [
        pytest.param(OVER, 300.0, False, id="what was reported had ended, and the clock was some minutes ahead"),
        pytest.param(OVER, DAY_S, False, id="what was reported had ended, and it was a day ahead"),
        pytest.param(OVER, DAY_S, True, id="what was reported had ended, and the process was begun anew"),
        pytest.param(looks("W" * 10), DAY_S, False, id="what was reported goes on"),
        pytest.param(looks("W" * 10), 365 * DAY_S, False, id="what was reported goes on, and it was a year ahead"),
        pytest.param(looks("W" * 10), DAY_S, True, id="what was reported goes on, and the process was begun anew"),
        pytest.param([*looks("W" * 10), closed(NOON + 10)], DAY_S, False, id="the stream had broken off within it"),
        pytest.param([*looks("W" * 3), closed(NOON + 3)], DAY_S, False, id="the stream had broken off before that"),
        pytest.param([*looks("." * 3), *looks("W" * 3, NOON + 3)], DAY_S, False, id="it was not reported yet"),
    ],
)
def test_a_clock_that_was_ahead_silences_nothing_when_it_is_put_right(
    before: list[Event], back_s: float, *, restarted: bool
) -> None:
    """The misuse after that is a report of its own, at its own time, and goes on as every other does."""
    folder = Folder(policy.load())
    first = told(before, folder)
    if restarted:
        folder = Folder(policy.load(), [first[-1].report])
    now = NOON - back_s
    changes = told([opened(now - 1), *looks("W" * 200, now), *looks(UNSEEN, now + 200)], folder)
    of_now = [change for change in changes if change.report.start == now]

    assert [change.kind for change in of_now] == [ChangeKind.NEW, *[ChangeKind.UPDATE] * 3, ChangeKind.END]
    assert {change.kind for change in changes if change not in of_now} <= {ChangeKind.END}
    assert {change.report.id for change in of_now}.isdisjoint(change.report.id for change in first)


@pytest.mark.parametrize(
    ("seconds", "rules"),
    [
        pytest.param(30.0, {"FRAMES_WITHHELD"}, id="gaps within the window"),
        pytest.param(3600.0, set(), id="gaps an hour apart"),
    ],
)
def test_gaps_are_as_far_apart_as_the_cameras_clock_says_where_its_time_is_held_back(
    seconds: float, rules: set[str]
) -> None:
    gap = FramesAnomalous(subject=CAMERA, at=NOON, anomaly=Anomaly.SEQUENCE_GAP, frames=50)
    (look,) = looks(".")
    changes = told([opened(NOON), *[gap, replace(look, at=NOON, held_s=seconds)] * 4])

    assert {change.report.rule for change in changes} == rules


@pytest.mark.parametrize(
    ("seconds", "rules"),
    [
        pytest.param(5.0, {"PROHIBITED_VIEW", "SILENT_WHILE_PROHIBITED"}, id="the place was seen just before the gap"),
        pytest.param(3600.0, {"PROHIBITED_VIEW"}, id="the place was seen an hour before the gap"),
    ],
)
def test_who_is_silent_long_after_a_prohibited_place_where_time_is_held_back_is_not_accused_of_it(
    seconds: float, rules: set[str]
) -> None:
    (look,) = looks(".", NOON + 10)
    gap = FramesAnomalous(subject=CAMERA, at=NOON + 10, anomaly=Anomaly.TIME_GAP, seconds=12.0)
    changes = told([opened(NOON - 1), *looks("W" * 10), look, replace(look, held_s=seconds), gap, look])

    assert {change.report.rule for change in changes} == rules


@pytest.mark.parametrize(("seconds", "silent"), [(5.0, True), (3600.0, False)])
def test_who_comes_back_clear_long_after_a_silence_where_time_is_held_back_is_not_accused_of_it(
    seconds: float, *, silent: bool
) -> None:
    *sight, back = looks("W" * 12)
    gap = FramesAnomalous(subject=CAMERA, at=back.at, anomaly=Anomaly.TIME_GAP, seconds=12.0)
    (clear,) = looks(".", back.at)
    changes = told([opened(NOON - 1), *sight, gap, back, replace(clear, held_s=seconds)])

    assert ("SILENT_WHILE_PROHIBITED" in {change.report.rule for change in changes}) is silent


@pytest.mark.parametrize(
    ("before_s", "sight"),
    [
        pytest.param(1.0, [replace(look, at=NOON, held_s=1.0) for look in looks("W" * 15)], id="held back all along"),
        pytest.param(0.0, looks("W" * 15), id="by its own time"),
        pytest.param(3600.0, looks("W" * 15), id="an hour after the movement"),
    ],
)
def test_only_a_place_that_comes_just_after_a_movement_by_the_cameras_clock_is_dwelt_upon(
    before_s: float, sight: list[Event]
) -> None:
    (look,) = looks(".")
    moved = PtzMoved(subject=CAMERA, at=NOON, actor="users/li")
    changes = told([opened(NOON - 1), moved, replace(look, held_s=before_s), *sight])

    assert ("PTZ_DWELL" in {change.report.rule for change in changes}) is (before_s < 20)


@pytest.mark.parametrize(("seconds", "rules"), [(15, set()), (25, {"SCREENS_DWELT"})])
def test_screens_are_dwelt_upon_by_the_cameras_clock_where_its_time_is_held_back(seconds: int, rules: set[str]) -> None:
    (look,) = looks(".")
    changes = told([opened(NOON), *[replace(look, at=NOON, held_s=1.0, screens=0.5)] * seconds])

    assert {change.report.rule for change in changes} == rules


def test_an_event_of_the_register_begins_nothing_again_of_a_camera_whose_time_runs_ahead() -> None:
    """What had ended would go on under its old name, and what is found next be lost in it: it cannot end twice."""

    def gaps(at: float) -> list[Event]:
        kind = Anomaly.SEQUENCE_GAP
        return [FramesAnomalous(subject=CAMERA, at=at + n, anomaly=kind, frames=50) for n in range(5)]

    folder = Folder(policy.load())
    first = told([opened(NOON - 1), *gaps(NOON), *looks("." * 100, NOON + 5)], folder)
    assert {change.report.rule for change in first} == {"FRAMES_WITHHELD"}
    assert first[-1].kind is ChangeKind.END

    assert told([Registered(subject=CAMERA, at=NOON - 250, known=True, actor="users/li")], folder) == []
    again = told([*gaps(NOON + 105), *looks("." * 100, NOON + 110)], folder)
    assert (again[0].kind, again[-1].kind) == (ChangeKind.NEW, ChangeKind.END)
    assert {change.report.id for change in again}.isdisjoint(change.report.id for change in first)


def test_what_was_not_settled_when_a_clock_was_put_right_is_found_by_the_right_one() -> None:
    """A view that changed, a camera in no register, a mask that was lifted: none is forgotten, and none put off."""
    folder = Folder(policy.load())
    told(
        [
            opened(NOON - 1, registered=False),
            ViewChanged(subject=CAMERA, at=NOON, change=ViewChange.TURNED),
            MaskReduced(subject=CAMERA, at=NOON, change=MaskChange.LIFTED, actor="users/li"),
        ],
        folder,
    )
    now = NOON - DAY_S
    found = {change.report.rule: change.report for change in told(looks("." * 400, now), folder)}

    assert found.keys() >= {"VIEW_CHANGED", "CAMERA_UNREGISTERED", "MASK_REDUCED"}
    assert {report.created for report in found.values()} <= {now + second for second in range(400)} | {NOON}


def test_a_read_that_is_heard_of_after_a_later_one_is_looked_at_as_well() -> None:
    """Two calls at once come in any order."""
    (later,), (earlier,) = reads(1), reads(1, at=NOON - 0.01, purpose="")

    assert kinds(told([later, earlier])) == [("EVIDENCE_PURPOSELESS", ChangeKind.NEW)]


def test_the_same_events_twice_raise_nothing_twice() -> None:
    folder = Folder(policy.load())
    events = [*reads(1, purpose=""), *looks(WASHROOM), *looks("." * 70, NOON + 31)]
    first, second = told(events, folder), told(events, folder)

    assert {change.report.id for change in second if change.kind is ChangeKind.NEW} == set()
    assert {change.kind for change in first} == {ChangeKind.NEW, ChangeKind.END}


def test_the_same_events_after_a_restart_raise_nothing_twice_even_if_they_begin_in_the_middle() -> None:
    events = [*looks(WASHROOM), *looks("." * 70, NOON + 31)]
    ended = told(events)[-1].report

    assert told(events[10:], Folder(policy.load(), [ended])) == []


def test_a_sight_that_comes_back_after_it_ended_is_another_report_whatever_was_doubted_in_between() -> None:
    changes = told([*looks("W" * 10), *looks("?" * 70, NOON + 10), *looks("W" * 10, NOON + 80)])
    news = [change.report for change in changes if change.kind is ChangeKind.NEW]

    assert len({report.id for report in news}) == 2
    assert news[1].start > news[0].until


def test_a_report_says_what_the_law_says_and_what_was_done() -> None:
    (change,) = told([opened(), *looks("W" * 7)])
    report = change.report

    assert [clause.citation for clause in report.clauses] == ["Guangdong Decree 132 Art. 7"]
    assert [clause.citation for clause in report.consequences] == ["Guangdong Decree 132 Art. 27"]
    assert (report.zone, report.camera, report.masked_since) == (Zone.WASHROOM, CAMERA, NOON)
    assert "washroom" in report.summary_en
    assert "卫生间" in report.summary_zh
    assert report.addressee_zh == "县级以上人民政府公安机关"
    assert report.retain_until - report.created >= 2 * 365 * 86400


def test_misuse_cites_its_own_articles() -> None:
    changes = told([opened(purpose="corridor"), *looks("W" * 32)])
    (misuse,) = [change.report for change in changes if change.report.rule == "PURPOSE_CONTRADICTED"]

    assert [clause.citation for clause in misuse.clauses] == ["Guangdong Decree 132 Art. 19(1)"]
    assert [clause.citation for clause in misuse.consequences] == ["Guangdong Decree 132 Art. 28"]


def test_a_report_survives_json() -> None:
    (change,) = told(looks("W" * 7))

    assert Report.from_json(change.report.to_json()) == change.report


def test_every_zone_has_a_chinese_name() -> None:
    assert set(ZONES_ZH) == set(PROHIBITED)
