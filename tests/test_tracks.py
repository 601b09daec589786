"""Where subjects are hidden: at their sights, between them, after them and before."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy import policy
from privacy.errors import InputError
from privacy.models.detector import Box, Detection
from privacy.policy import Subject, Subjects
from privacy.tracks import SUBJECT_OF, Corners, Hidden, Tracks, holds, outermost
from tests.toys import detection

RULES = policy.load().subjects
BARE = replace(RULES, margin=0.0, growth=0.0)


def inside(inner: Box, outer: Box, slack: float = 1e-9) -> bool:
    return (
        outer[0] <= inner[0] + slack
        and outer[1] <= inner[1] + slack
        and inner[2] <= outer[2] + slack
        and inner[3] <= outer[3] + slack
    )


def is_hidden(tracks: Tracks, box: Box, offset: float) -> bool:
    return any(inside(box, one.box) for one in tracks.hidden(offset))


def is_hidden_or_its_face(tracks: Tracks, one: Detection, offset: float) -> bool:
    faces = [each.box for each in tracks.hidden(offset) if each.subject is Subject.FACES]
    return is_hidden(tracks, one.box, offset) or (one.label == "head" and any(holds(one.box, face) for face in faces))


def follow(sights: Sequence[tuple[float, Sequence[Detection]]], rules: Subjects = RULES) -> Tracks:
    tracks = Tracks(rules)
    for offset, found in sights:
        tracks.see(found, offset, since=sights[0][0])
    return tracks


@st.composite
def detections(draw: st.DrawFn) -> Detection:
    x0, x1 = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True)))
    y0, y1 = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True)))
    return Detection(draw(st.sampled_from([*SUBJECT_OF, "dog"])), draw(st.floats(0, 1)), (x0, y0, x1, y1))


sightings = st.lists(st.tuples(st.floats(0, 1.5), st.lists(detections(), max_size=5)), min_size=1, max_size=8)


def timed(steps: Sequence[tuple[float, Sequence[Detection]]]) -> list[tuple[float, Sequence[Detection]]]:
    now, sights = 0.0, []
    for step, found in steps:
        now += step
        sights.append((now, found))
    return sights


@given(sightings)
def test_what_was_seen_is_hidden_where_it_was_seen(steps: list[tuple[float, list[Detection]]]) -> None:
    """At once, and still when asked later. Of a head with a face that is hidden, the face is what was seen."""
    sights = timed(steps)
    tracks = Tracks(RULES)
    for offset, found in sights:
        tracks.see(found, offset, since=sights[0][0])
        assert all(is_hidden_or_its_face(tracks, one, offset) for one in found if one.label in SUBJECT_OF)

    assert all(
        is_hidden_or_its_face(tracks, one, at) for at, found in sights for one in found if one.label in SUBJECT_OF
    )


@given(sightings, st.floats(-3, 20))
def test_what_is_hidden_is_a_box_in_the_picture(steps: list[tuple[float, list[Detection]]], offset: float) -> None:
    for one in follow(timed(steps)).hidden(offset):
        left, top, right, bottom = one.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert len(one.region.points) == 4


@given(sightings)
def test_nothing_is_hidden_for_ever(steps: list[tuple[float, list[Detection]]]) -> None:
    sights = timed(steps)
    tracks = follow(sights)

    assert tracks.hidden(sights[-1][0] + RULES.hold_s + 1e-6) == ()
    assert tracks.hidden(sights[0][0] - RULES.hold_s - 1e-6) == ()


@given(sightings, st.randoms(use_true_random=False), st.floats(-1, 12))
def test_the_order_within_a_moment_does_not_matter(
    steps: list[tuple[float, list[Detection]]],
    random: Random,
    offset: float,
) -> None:
    shuffled = [(step, random.sample(found, len(found))) for step, found in steps]

    assert follow(timed(shuffled)).hidden(offset) == follow(timed(steps)).hidden(offset)


def moving(offset: float, start: tuple[float, float], speed: tuple[float, float], side: float) -> Box:
    left, top = start[0] + speed[0] * offset, start[1] + speed[1] * offset
    return left, top, left + side, top + side


SPEED = st.floats(-0.2, 0.2)


@given(
    st.tuples(st.floats(0.3, 0.5), st.floats(0.3, 0.5)),
    st.tuples(SPEED, SPEED),
    st.floats(0.05, 0.2),
    st.lists(st.booleans(), min_size=11, max_size=11),
)
def test_missed_detections_leave_no_gap(
    start: tuple[float, float], speed: tuple[float, float], side: float, seen: list[bool]
) -> None:
    """Seen for half the hold time, then only now and then for as long again: hidden all along, live and afterwards."""
    rate, watched = 25, 7
    tracks = Tracks(BARE)
    frames = [number / rate for number in range(watched + len(seen))]
    for number, offset in enumerate(frames):
        box = moving(offset, start, speed, side)
        if number < watched or seen[number - watched]:
            tracks.see([detection(box)], offset, since=0)
        else:
            tracks.see([], offset, since=0)
        assert is_hidden(tracks, box, offset)

    assert all(is_hidden(tracks, moving(at, start, speed, side), at) for at in frames)


def test_the_onset_is_hidden_where_the_subject_came_from() -> None:
    """First seen at 0.4 s, and followed for 0.4 s: hidden on its way from the start."""
    sights = [(n / 25, [detection(moving(n / 25, (0.1, 0.4), (0.5, 0), 0.1))] if n >= 10 else []) for n in range(21)]
    tracks = follow(sights, BARE)

    assert all(is_hidden(tracks, moving(at, (0.1, 0.4), (0.5, 0), 0.1), at) for at, _ in sights)


def test_what_moves_by_more_than_its_size_between_looks_is_hidden_on_its_way() -> None:
    step = 0.12
    sights = [(step * n, [detection(moving(step * n, (0.05, 0.4), (0.5, 0), 0.03))]) for n in range(6)]
    tracks = follow(sights, BARE)
    between = [step * n / 4 for n in range(4, 21)]

    assert all(is_hidden(tracks, moving(at, (0.05, 0.4), (0.5, 0), 0.03), at) for at in between)


def test_one_who_stops_out_of_sight_stays_hidden() -> None:
    sights = [(n / 25, [detection(moving(n / 25, (0.1, 0.4), (0.6, 0), 0.1))]) for n in range(10)]
    tracks = follow(sights, BARE)
    (last,) = (one.box for one in sights[-1][1])

    assert is_hidden(tracks, last, sights[-1][0] + BARE.hold_s / 2)


def test_the_margin_grows_with_the_time_since_the_last_sight() -> None:
    tracks = follow([(0.0, [detection((0.4, 0.4, 0.6, 0.6))])])
    widths = [one.box[2] - one.box[0] for at in (0.0, 0.2, 0.4) for one in tracks.hidden(at)]

    assert widths[0] == pytest.approx(0.2 * (1 + 2 * RULES.margin))
    assert widths == sorted(set(widths))


def test_what_is_no_subject_is_not_hidden() -> None:
    assert follow([(0.0, [detection((0, 0, 1, 1), "dog")])]).hidden(0.0) == ()


def test_a_face_before_a_person_is_another_subject() -> None:
    box = (0.2, 0.2, 0.4, 0.4)
    hidden = follow([(0.0, [detection(box), detection(box, "face")]), (0.1, [detection(box, "face")])]).hidden(0.1)

    assert sorted(one.subject for one in hidden) == [Subject.FACES, Subject.PEOPLE]


HEAD, FACE, BESIDE = (0.2, 0.2, 0.4, 0.4), (0.28, 0.24, 0.32, 0.32), (0.41, 0.24, 0.43, 0.32)


@pytest.mark.parametrize(
    ("face", "shown"),
    [
        pytest.param(FACE, [Subject.FACES], id="its face"),
        pytest.param(BESIDE, [Subject.FACES, Subject.HEADS], id="the face of somebody beside it"),
    ],
)
def test_a_head_is_not_hidden_where_its_face_is(face: Box, shown: list[Subject]) -> None:
    """Also at moments at which the detectors saw the one and not the other."""
    head, found = detection(HEAD, "head"), detection(face, "face")
    tracks = follow([(0.0, [found]), (0.1, [head]), (0.2, [found])])

    assert sorted(one.subject for one in tracks.hidden(0.1)) == shown


def test_a_head_is_hidden_as_soon_as_its_face_no_longer_is() -> None:
    head, face = detection(HEAD, "head"), detection(FACE, "face")
    tracks = follow([(0.0, [face]), *((0.1 * n, [head]) for n in range(1, 10))])

    assert [one.subject for one in tracks.hidden(0.4)] == [Subject.FACES]
    assert [one.subject for one in tracks.hidden(0.6)] == [Subject.HEADS]


def test_one_who_stepped_behind_another_is_not_looked_for_on_him() -> None:
    front, behind = (0.3, 0.1, 0.6, 0.9), (0.35, 0.15, 0.5, 0.8)
    tracks = follow(
        [(0.0, [detection(behind)]), (0.1, [detection(front), detection(behind)]), (0.2, [detection(front)])]
    )

    assert len(tracks.hidden(0.1)) == 2
    assert len(tracks.hidden(0.2)) == 1


def test_one_who_is_not_seen_beside_another_stays_hidden() -> None:
    one, other = (0.3, 0.1, 0.6, 0.9), (0.5, 0.1, 0.8, 0.9)
    tracks = follow([(0.0, [detection(one), detection(other)]), (0.2, [detection(one)])])

    assert is_hidden(tracks, other, 0.2)


def test_a_laptop_that_is_called_a_tv_for_a_moment_is_one_screen() -> None:
    box = (0.2, 0.2, 0.4, 0.4)

    assert len(follow([(0.1 * n, [detection(box, "tv" if n % 2 else "laptop")]) for n in range(5)]).hidden(0.4)) == 1


def test_a_clock_that_runs_back_starts_anew() -> None:
    tracks = Tracks(RULES)
    tracks.see([detection((0.1, 0.1, 0.2, 0.2))], 5.0)
    tracks.see([], 4.9)

    assert tracks.hidden(4.9) == ()


def test_a_clock_that_runs_back_to_before_pixels_were_followed_starts_anew() -> None:
    """Not to before the last look: one that was due in between failed."""

    class Still:
        """Sees that nothing moves."""

        offsets = (0.0, 0.1)

        def carry(self, boxes: Corners, _start: float, _end: float) -> tuple[Corners, NDArray[np.bool_]]:
            return boxes, np.ones(len(boxes), np.bool_)

    tracks, now = Tracks(RULES), (0.15, 0.1, 0.25, 0.2)
    tracks.see([detection((0.1, 0.1, 0.2, 0.2))], 0.0)
    tracks.carry(0.1, Still())
    tracks.see([detection(now)], 0.05)

    assert is_hidden(tracks, now, 0.05)


def test_what_is_still_asked_about_is_remembered_across_a_long_pause() -> None:
    tracks, box = Tracks(RULES), (0.1, 0.1, 0.2, 0.2)
    tracks.see([detection(box)], 0.0, since=0.0)
    tracks.see([], 60.0, since=0.0)

    assert is_hidden(tracks, box, 0.0)


def test_a_long_watch_does_not_grow() -> None:
    tracks = Tracks(RULES)
    for number in range(500):
        tracks.see([detection((0.1, 0.1, 0.2, 0.2))], number / 25)

    assert [len(track.offsets) for track in tracks._tracks] < [40]


@pytest.mark.parametrize("offset", [math.nan, math.inf])
def test_a_moment_that_is_no_number_is_refused(offset: float) -> None:
    with pytest.raises(InputError):
        Tracks(RULES).see([], offset)


@given(st.lists(detections(), max_size=12))
def test_the_outermost_boxes_cover_all_and_lie_in_no_other(found: list[Detection]) -> None:
    hidden = [Hidden(Subject.FACES, one.box) for one in [*found, *found[:3]]]
    kept = outermost(hidden)

    assert all(any(inside(one.box, other.box, 0) for other in kept) for one in hidden)
    assert not any(inside(one.box, other.box, 0) for one in kept for other in kept if one is not other)
