from collections.abc import Callable, Sequence

import numpy as np
import pytest

from privacy import policy
from privacy.cadence import MOST_NEW, Cadence, Cue, Pace
from privacy.frame import Frame, Layout
from tests.toys import grey_frame

TIMING = policy.load().timing


def look(cadence: Cadence, frame: Frame, *, settled: bool) -> bool:
    return cadence.cue(frame, settled=settled) is Cue.LOOK


def cues(levels: list[int], pace: Pace, *, rate: float = 10, settled: bool = True) -> str:
    """`L` for a look, `.` for rest, `B` for blind."""
    cadence = Cadence(TIMING, pace)
    marks = {Cue.LOOK: "L", Cue.REST: ".", Cue.BLIND: "B"}
    return "".join(marks[cadence.cue(grey_frame(level, n / rate), settled=settled)] for n, level in enumerate(levels))


def looks(levels: list[int], *, rate: float = 10, settled: bool = True) -> list[int]:
    cadence = Cadence(TIMING)
    return [i for i, level in enumerate(levels) if look(cadence, grey_frame(level, i / rate), settled=settled)]


def test_a_quiet_settled_feed_is_looked_at_once_a_second() -> None:
    assert looks([100] * 31) == [0, 10, 20, 30]


def test_an_open_verdict_is_looked_at_oftener() -> None:
    assert looks([100] * 11, settled=False) == [0, 3, 6, 9]


def test_a_change_of_scene_is_looked_at_at_once() -> None:
    assert looks([100] * 4 + [160] * 8) == [0, 4]


def test_noise_is_no_change_of_scene() -> None:
    assert looks([100, 102, 99, 101, 100]) == [0]


def test_a_clock_that_runs_backwards_asks_for_a_look() -> None:
    cadence = Cadence(TIMING)
    look(cadence, grey_frame(100, 5.0), settled=True)

    assert look(cadence, grey_frame(100, 4.0), settled=True)


def test_a_clock_that_stands_still_is_not_trusted() -> None:
    cadence = Cadence(TIMING)

    assert [look(cadence, grey_frame(100, 5.0), settled=True) for _ in range(3)] == [True, True, True]


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (37, 1), (2160, 3840)], ids=str)
def test_any_size_has_a_luma_to_compare(size: tuple[int, int]) -> None:
    cadence = Cadence(TIMING)
    look(cadence, grey_frame(10, 0.0, size=size), settled=True)

    assert look(cadence, grey_frame(200, 0.1, size=size), settled=True)


def test_colour_pictures_are_compared_too() -> None:
    cadence = Cadence(TIMING)
    black, white = (Frame((np.full((40, 60, 3), level, np.uint8),), Layout.RGB, 0.0) for level in (0, 255))
    look(cadence, black, settled=True)

    assert look(cadence, white, settled=True)


def test_a_clock_that_crawls_is_bounded_in_frames() -> None:
    assert cues([100] * 8, Pace(frames=3), rate=1e9) == "L..L..L."


def test_a_clock_that_crawls_is_bounded_in_memory() -> None:
    """Of what is held for the next look, the frame that had the last one is a part."""
    taken = grey_frame(100).nbytes

    assert cues([100] * 8, Pace(memory=3 * taken), rate=1e9) == "L..L..L."
    assert cues([100] * 3, Pace(memory=taken - 1), rate=1e9) == "LLL"


def test_a_still_view_may_wait_longer_and_one_that_moves_may_not() -> None:
    still, moving = [100] * 21, [100 + 2 * (n % 2) for n in range(21)]

    assert [n for n, cue in enumerate(cues(still, Pace(still_s=2.0))) if cue == "L"] == [0, 20]
    assert [n for n, cue in enumerate(cues(moving, Pace(still_s=2.0))) if cue == "L"][1] <= 11


def test_a_camera_that_pans_has_so_many_looks_and_is_blind_between_them() -> None:
    panning = [97 * n % 256 for n in range(40)]

    seen = cues(panning, Pace(changes=3), rate=20)

    assert seen.startswith("LLLB")
    assert seen.count("L") <= 3 + 2 / TIMING.look_again_s
    assert "." not in seen


def pan(speed: int, count: int, *, new: Callable[[int], bool] = lambda n: False, rate: float = 25) -> list[Frame]:
    """A camera of 640x360 that turns by so many pixels a frame; where it is `new`, something else comes before it."""
    rng = np.random.default_rng(0)
    strip = np.kron(rng.integers(20, 235, (20, (640 + speed * count) // 20 + 1), np.uint8), np.ones((20, 20), np.uint8))
    other = np.kron(rng.integers(20, 235, (20, 32), np.uint8), np.ones((20, 20), np.uint8))
    return [
        Frame((other[:360] if new(n) else strip[:360, speed * n : speed * n + 640],), Layout.GRAY, n / rate)
        for n in range(count)
    ]


def looked_at(frames: Sequence[Frame], pace: Pace, *, settled: bool = True) -> list[int]:
    cadence = Cadence(TIMING, pace)
    return [n for n, frame in enumerate(frames) if look(cadence, frame, settled=settled)]


def test_where_frames_wait_a_pan_is_looked_at_when_a_tenth_of_it_is_new() -> None:
    gaps = np.diff(looked_at(pan(4, 100), Pace(waits=True)))

    assert 4 * (gaps.max() - 1) <= MOST_NEW * 640
    assert len(looked_at(pan(4, 100), Pace())) > 5 * len(gaps)


def test_a_pan_of_a_feed_that_is_not_settled_is_looked_at_whenever_it_changes() -> None:
    frames = pan(8, 20)
    seen = looked_at(frames, Pace(waits=True), settled=False)

    assert seen == looked_at(frames, Pace(), settled=False)
    assert len(seen) > len(looked_at(frames, Pace(waits=True)))


def test_where_frames_wait_a_slow_pan_is_looked_at_as_often_as_a_quiet_feed() -> None:
    assert looked_at(pan(1, 80), Pace(waits=True)) == [0, 25, 50, 75]


def test_a_pan_that_brings_in_a_tenth_is_looked_at_at_once() -> None:
    gaps = np.diff(looked_at(pan(20, 50), Pace(waits=True)))

    assert 20 * (gaps.max() - 1) <= MOST_NEW * 640 < 20 * gaps.max()


@pytest.mark.parametrize("at", range(15, 22))
def test_what_comes_before_a_camera_that_pans_is_looked_at_at_once(at: int) -> None:
    """And what it sees when that has gone."""
    seen = looked_at(pan(4, 40, new=lambda n: n == at), Pace(waits=True))

    assert {at, at + 1} <= set(seen)


def test_looks_are_allowed_again_when_the_camera_rests() -> None:
    assert cues([0, 200, 0, 200, *[200] * 10, 0, 200], Pace(changes=2), rate=10).endswith("LL")
