"""A camera ends with its last stream, and time goes on from one stream to the next, whichever process serves them."""

from privacy.events import ConfigChanged, Looked, StreamClosed
from privacy.reports.scene import MAX_LEAD_S
from privacy.serve.attendance import Attendance
from tests.reports.stories import CAMERA, NOON, closed, looks, opened


def test_the_end_of_a_stream_says_nothing_while_another_goes_on() -> None:
    attendance = Attendance()
    attendance.admit(opened(NOON), "old")
    attendance.admit(opened(NOON + 5), "new")

    assert attendance.admit(closed(NOON + 40), "old") is None
    assert attendance.admit(closed(NOON + 60), "new") == closed(NOON + 60)


def test_a_clear_stream_hides_nothing_that_another_shows() -> None:
    attendance = Attendance()
    attendance.admit(opened(), "washroom")
    attendance.admit(opened(), "lobby")
    (prohibited,), (clear,), (unsure,) = looks("W"), looks("."), looks("?")

    assert attendance.admit(clear, "lobby") == clear
    assert attendance.admit(prohibited, "washroom") == prohibited
    assert attendance.admit(clear, "lobby") is None
    assert attendance.admit(unsure, "lobby") == unsure
    assert attendance.admit(closed(NOON + 9), "washroom") is None
    assert attendance.admit(clear, "lobby") == clear


def test_a_stream_that_follows_one_whose_clock_ran_fast_does_not_begin_before_its_end() -> None:
    attendance = Attendance()
    attendance.admit(opened(NOON), "fast")
    attendance.admit(closed(NOON + 100), "fast")

    times = [
        event.at
        for event in (
            attendance.admit(opened(NOON + 20), "next"),
            *(attendance.admit(look, "next") for look in looks("..", NOON + 21)),
            attendance.admit(closed(NOON + 30), "next"),
            attendance.admit(opened(NOON + 200), "later"),
        )
        if event is not None
    ]
    assert times == [NOON + 100, NOON + 101, NOON + 102, NOON + 110, NOON + 200]


def test_streams_that_follow_one_another_are_no_farther_ahead_than_one_may_be() -> None:
    attendance, latest = Attendance(), NOON + MAX_LEAD_S
    for session in ("one", "two"):
        attendance.admit(opened(NOON), session, latest=latest)
        ended = attendance.admit(closed(NOON + 500), session, latest=latest)

    assert ended == closed(latest)


def test_a_clock_that_is_put_right_leaves_no_stream_ahead() -> None:
    attendance, now = Attendance(), NOON - 86_400
    attendance.admit(opened(NOON), "before")
    attendance.admit(closed(NOON + 100), "before")
    attendance.admit(opened(now), "after")

    assert attendance.admit(closed(now + 10), "after") == closed(now + 10)
    assert attendance.admit(opened(now + 11), "next") == opened(now + 11)


def test_what_happens_outside_streams_is_told_as_it_is() -> None:
    attendance = Attendance()
    attendance.admit(opened(NOON), "s")
    changed = ConfigChanged(subject=CAMERA, at=NOON - 5, setting="purpose", before="", after="lobby", actor="li")

    assert attendance.admit(changed, "") == changed


def test_the_streams_of_a_process_are_known_until_they_end() -> None:
    attendance = Attendance()
    attendance.admit(opened(), "one", "guangdong", 1)
    attendance.admit(opened(), "two", "order799", 2)
    assert attendance.of(2) == [(CAMERA, "two", "order799")]

    attendance.admit(closed(NOON), "two", source=2)
    assert attendance.of(2) == []
    assert isinstance(attendance.admit(looks("W")[0], "one"), Looked)
    assert isinstance(attendance.admit(closed(NOON), "one"), StreamClosed)
