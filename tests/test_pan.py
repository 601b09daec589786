"""How a camera turned, and what came into its view."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy.frame import Frame, Layout
from privacy.pan import CHANGED, LONGEST, cells, entered, grid, turned

SIZE = (720, 1280)
CELL = SIZE[1] / LONGEST


def scene(size: tuple[int, int] = (920, 1480), seed: int = 0) -> NDArray[np.uint8]:
    """Blobs of three cells, larger than the picture."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 235, (size[0] // 24 + 1, size[1] // 24 + 1), np.uint8)
    return np.kron(coarse, np.ones((24, 24), np.uint8))[: size[0], : size[1]]


def view(strip: NDArray[np.uint8], across: int = 0, down: int = 0) -> Frame:
    """What a camera sees that has turned so that things moved by so many pixels."""
    picture = strip[100 - down : 100 - down + SIZE[0], 100 - across : 100 - across + SIZE[1]]
    return Frame((picture,), Layout.GRAY, 0.0)


@pytest.mark.parametrize("step", [(0, 0), (16, 0), (-64, 0), (0, 40), (37, -21), (-90, 90)], ids=str)
def test_a_turn_is_measured_and_explains_all_but_what_came_in(step: tuple[int, int]) -> None:
    turn = turned(cells(view(scene())), cells(view(scene(), *step)))

    assert turn.step == pytest.approx((step[1] / CELL, step[0] / CELL), abs=0.5)
    assert (np.isfinite(turn.change) & (turn.change > CHANGED)).mean() < 0.003
    assert turn.rest < 12  # at the edges of blobs; of another scene it is four times as much
    assert turn.new == pytest.approx(1 - (1 - abs(step[0]) / SIZE[1]) * (1 - abs(step[1]) / SIZE[0]), abs=0.04)


@pytest.mark.parametrize("step", [0, 32])
def test_what_is_new_is_told_from_what_moved(step: int) -> None:
    strip = scene() // 3
    before = cells(view(strip))
    strip[400:424, 800:824] = 255
    change = turned(before, cells(view(strip, step))).change
    rows, columns = np.nonzero(np.isfinite(change) & (change > CHANGED))

    assert rows.size
    assert abs(rows.mean() - (312 / CELL)) < 2
    assert abs(columns.mean() - ((712 + step) / CELL)) < 2


def test_between_two_scenes_there_is_no_turn() -> None:
    turn = turned(cells(view(scene(seed=0))), cells(view(scene(seed=1))))

    assert turn.step == (0.0, 0.0)
    assert np.isfinite(turn.change).all()
    assert turn.rest > 40


def test_the_pictures_stay_as_they_are() -> None:
    before, after = cells(view(scene())), cells(view(scene(), 24))
    kept = before.copy(), after.copy()
    turned(before, after)

    assert (before == kept[0]).all()
    assert (after == kept[1]).all()


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([Layout.GRAY, Layout.BGR]))
def test_any_picture_has_cells(height: int, width: int, layout: Layout) -> None:
    shape = (height, width) if layout is Layout.GRAY else (height, width, 3)
    seen = cells(Frame((np.zeros(shape, np.uint8),), layout, 0.0))

    assert seen.shape == grid((height, width))
    assert max(seen.shape) <= LONGEST
    assert turned(seen, seen).rest == 0


@pytest.mark.parametrize(("step", "count"), [(0.2, 0), (-0.4, 0), (0.8, 2), (-3.0, 4), (90.0, 90)], ids=str)
def test_the_cells_that_came_in_lie_where_things_come_from(step: float, count: int) -> None:
    came = np.zeros((80, 90), np.bool_)
    for strip in entered((0.0, step), came.shape):
        came[strip] = True

    assert came.sum() == 80 * min(90, count)
    assert not count or came[0, 0 if step > 0 else -1]
    assert math.isclose(came.mean(axis=0).sum(), min(90, count))
