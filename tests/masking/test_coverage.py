"""Which pixels count as touched, against a slow and independent answer."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy.masking.coverage import Part, cover, painted
from privacy.plan import Bitmap, Polygon

Corners = list[tuple[float, float]]

unit = st.floats(0, 1, allow_subnormal=False)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
polygons = st.lists(st.tuples(unit, unit), min_size=3, max_size=8)


def parts(many: list[Corners], size: tuple[int, int]) -> list[Part]:
    found = (cover(Polygon(tuple(corners)), size) for corners in many)
    return [part for part in found if part is not None]


def covered(corners: Corners, size: tuple[int, int]) -> NDArray[np.bool_]:
    return painted(parts([corners], size), size)


def inside(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Non-zero winding, by ray casting."""
    winding = np.zeros(len(points), np.int64)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        between = (points[:, 1] < y0) != (points[:, 1] < y1)
        share = np.divide(points[:, 1] - y0, y1 - y0, out=np.zeros(len(points)), where=between)  # in [0, 1] there
        left = points[:, 0] < x0 + share * (x1 - x0)
        winding += np.where(between & left, 1 if y0 < y1 else -1, 0)
    return np.asarray(winding != 0)


def distance(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of every point to the outline."""
    least = np.full(len(points), np.inf)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = end - start
        length = float(along @ along)
        share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(len(points))
        least = np.minimum(least, np.linalg.norm(points - start - share[:, None] * along, axis=1))
    return least


@given(polygons, sizes, st.integers(0, 2**32 - 1))
def test_every_pixel_that_holds_a_point_of_the_polygon_is_covered(
    corners: Corners, size: tuple[int, int], seed: int
) -> None:
    scaled = np.array(corners) * size[::-1]
    points = np.random.default_rng(seed).uniform((0, 0), size[::-1], (400, 2))
    held = points[inside(points, scaled)].astype(int)

    assert covered(corners, size)[held[:, 1], held[:, 0]].all()


@given(polygons, sizes)
def test_every_pixel_under_the_outline_is_covered(corners: Corners, size: tuple[int, int]) -> None:
    scaled = np.array(corners) * size[::-1]
    share = np.linspace(0, 1, 101)[1:-1, None]
    points = np.concatenate([a + share * (b - a) for a, b in zip(scaled, np.roll(scaled, -1, axis=0), strict=True)])
    clear_of_borders = (np.abs(points - np.round(points)) > 1e-5).all(axis=1)
    held = points[clear_of_borders].astype(int)

    assert covered(corners, size)[held[:, 1], held[:, 0]].all()


@given(polygons, sizes)
@example([(0.0, 0.0), (0.0, 0.0), (1.0, 2.2250738585072014e-308)], (1, 8))
def test_no_pixel_away_from_the_polygon_is_covered(corners: Corners, size: tuple[int, int]) -> None:
    rows, columns = np.nonzero(covered(corners, size))
    centres = np.stack([columns + 0.5, rows + 0.5], axis=1)
    scaled = np.array(corners) * size[::-1]

    assert (inside(centres, scaled) | (distance(centres, scaled) <= np.sqrt(0.5) + 1e-4)).all()


@given(polygons, sizes)
def test_a_polygon_covers_something_wherever_it_lies(corners: Corners, size: tuple[int, int]) -> None:
    assert covered(corners, size).any()


@given(st.lists(polygons, max_size=4), sizes)
def test_a_chroma_sample_is_covered_if_any_of_its_luma_is(many: list[Corners], size: tuple[int, int]) -> None:
    found, half = parts(many, size), ((size[0] + 1) // 2, (size[1] + 1) // 2)
    want = np.zeros(half, np.bool_)
    for row, column in zip(*np.nonzero(painted(found, size)), strict=True):
        want[row // 2, column // 2] = True

    assert np.array_equal(want, painted([part.halved() for part in found], half))


bitmaps = st.tuples(st.integers(1, 50), st.integers(1, 50), st.integers(0, 2**32 - 1)).map(
    lambda drawn: np.random.default_rng(drawn[2]).random(drawn[:2]) < 0.1
)


@given(bitmaps, sizes)
def test_a_bitmap_covers_the_pixels_that_share_more_than_a_border_with_a_true_cell(
    cells: NDArray[np.bool_], size: tuple[int, int]
) -> None:
    """Of a coarse grid and of one that is finer than the frame; told by whole numbers."""
    want = np.zeros(size, np.bool_)
    for cell in np.argwhere(cells):
        rows, columns = (
            [at * count < (one + 1) * side and (at + 1) * count > one * side for at in range(side)]
            for one, side, count in zip(cell, size, cells.shape, strict=True)
        )
        want |= np.outer(rows, columns)
    found = cover(Bitmap(cells), size)

    assert np.array_equal(want, painted([] if found is None else [found], size))


@given(sizes, st.data())
def test_a_rectangle_on_the_grid_is_exactly_its_pixels(size: tuple[int, int], data: st.DataObject) -> None:
    (height, width), draw = size, data.draw
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
    want = np.zeros(size, np.bool_)
    want[top:bottom, left:right] = True
    x0, x1, y0, y1 = left / width, right / width, top / height, bottom / height

    assert np.array_equal(want, covered([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], size))


@pytest.mark.parametrize(
    ("corners", "row", "column"),
    [
        pytest.param([(0, 0)] * 3, 0, 0, id="a point in the first corner"),
        pytest.param([(1, 1)] * 3, 7, 9, id="a point in the last corner"),
        pytest.param([(0.55, 0.55)] * 3, 4, 5, id="a point in a pixel"),
        pytest.param([(0.5, 0.5)] * 3, 4, 5, id="a point between pixels belongs to the next"),
    ],
)
def test_a_point_hides_its_pixel(corners: Corners, row: int, column: int) -> None:
    assert [[row, column]] == np.argwhere(covered(corners, (8, 10))).tolist()


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_a_line_on_the_edge_of_the_frame_hides_its_column(x: float) -> None:
    assert covered([(x, 0), (x, 1), (x, 0.5)], (8, 10))[:, 0 if x == 0 else -1].all()


outlines = st.lists(st.tuples(unit, unit), min_size=3, max_size=8, unique=True)


@given(outlines, sizes, st.integers(2, 3))
def test_an_outline_drawn_more_than_once_hides_the_same(corners: Corners, size: tuple[int, int], times: int) -> None:
    """A hand that goes around twice means to hide, not to open."""
    assert np.array_equal(covered(corners, size), covered(corners * times, size))


def test_what_is_enclosed_twice_is_hidden() -> None:
    """The middle of a five-pointed star drawn in one stroke."""
    around = [(0.5 + 0.45 * np.sin(turn), 0.5 - 0.45 * np.cos(turn)) for turn in np.arange(5) * 4 * np.pi / 5]

    assert covered(around, (80, 80))[35:45, 35:45].all()


thousandths = st.lists(st.integers(0, 1000), min_size=2, max_size=2, unique=True).map(sorted)


@given(thousandths, thousandths, sizes, st.integers(0, 3), st.booleans())
def test_a_rectangle_touches_the_pixels_that_it_shares_more_than_a_border_with(
    across: list[int], down: list[int], size: tuple[int, int], first: int, backwards: bool
) -> None:
    """Wherever its corners begin, and whichever way they run; told by whole numbers."""
    (left, right), (top, bottom) = across, down
    corners = [(x / 1000, y / 1000) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    corners = (corners[first:] + corners[:first])[:: -1 if backwards else 1]
    rows, columns = (
        [low * side < 1000 * (at + 1) and high * side > 1000 * at for at in range(side)]
        for side, (low, high) in zip(size, (down, across), strict=True)
    )

    assert np.array_equal(np.outer(rows, columns), covered(corners, size))
