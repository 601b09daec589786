import numpy as np
import pytest

from privacy import policy
from privacy.cadence import Cadence
from privacy.frame import Frame, Layout
from tests.toys import grey_frame

TIMING = policy.load().timing


def looks(levels: list[int], *, rate: float = 10, settled: bool = True) -> list[int]:
    cadence = Cadence(TIMING)
    return [i for i, level in enumerate(levels) if cadence.due(grey_frame(level, i / rate), settled=settled)]


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
    cadence.due(grey_frame(100, 5.0), settled=True)

    assert cadence.due(grey_frame(100, 4.0), settled=True)


def test_a_clock_that_stands_still_is_not_trusted() -> None:
    cadence = Cadence(TIMING)

    assert [cadence.due(grey_frame(100, 5.0), settled=True) for _ in range(3)] == [True, True, True]


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (37, 1), (2160, 3840)], ids=str)
def test_any_size_has_a_luma_to_compare(size: tuple[int, int]) -> None:
    cadence = Cadence(TIMING)
    cadence.due(grey_frame(10, 0.0, size=size), settled=True)

    assert cadence.due(grey_frame(200, 0.1, size=size), settled=True)


def test_colour_pictures_are_compared_too() -> None:
    cadence = Cadence(TIMING)
    black, white = (Frame((np.full((40, 60, 3), level, np.uint8),), Layout.RGB, 0.0) for level in (0, 255))
    cadence.due(black, settled=True)

    assert cadence.due(white, settled=True)
