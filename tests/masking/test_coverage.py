"""Which pixels count as touched, against a slow and independent answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy.masking.coverage import cover

Corners = list[tuple[float, float]]

unit = st.floats(0, 1, allow_subnormal=False)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
polygons = st.lists(st.tuples(unit, unit), min_size=3, max_size=8)


def inside(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Even-odd rule, by ray casting."""
    result = np.zeros(len(points), np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        between = (points[:, 1] < y0) != (points[:, 1] < y1)
        result ^= between & (points[:, 0] < x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0))
    return result


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

    assert cover([corners], size).luma[held[:, 1], held[:, 0]].all()


@given(polygons, sizes)
def test_every_pixel_under_the_outline_is_covered(corners: Corners, size: tuple[int, int]) -> None:
    scaled = np.array(corners) * size[::-1]
    share = np.linspace(0, 1, 101)[1:-1, None]
    points = np.concatenate([a + share * (b - a) for a, b in zip(scaled, np.roll(scaled, -1, axis=0), strict=True)])
    clear_of_borders = (np.abs(points - np.round(points)) > 1e-5).all(axis=1)
    held = points[clear_of_borders].astype(int)

    assert cover([corners], size).luma[held[:, 1], held[:, 0]].all()


@given(polygons, sizes)
def test_no_pixel_away_from_the_polygon_is_covered(corners: Corners, size: tuple[int, int]) -> None:
    covered = cover([corners], size).luma
    rows, columns = np.nonzero(covered)
    centres = np.stack([columns + 0.5, rows + 0.5], axis=1)
    scaled = np.array(corners) * size[::-1]

    assert (inside(centres, scaled) | (distance(centres, scaled) <= np.sqrt(0.5) + 1e-4)).all()


@given(polygons, sizes)
def test_a_polygon_covers_something_wherever_it_lies(corners: Corners, size: tuple[int, int]) -> None:
    assert cover([corners], size).luma.any()


@given(st.lists(polygons, max_size=4), sizes)
def test_a_chroma_sample_is_covered_if_any_of_its_luma_is(many: list[Corners], size: tuple[int, int]) -> None:
    found = cover(many, size)
    want = np.zeros(((size[0] + 1) // 2, (size[1] + 1) // 2), np.bool_)
    for row, column in zip(*np.nonzero(found.luma), strict=True):
        want[row // 2, column // 2] = True

    assert np.array_equal(want, found.chroma)


@given(st.lists(polygons, max_size=4), sizes)
@settings(max_examples=50)
def test_overlapping_polygons_are_a_union(many: list[Corners], size: tuple[int, int]) -> None:
    together = cover(many, size).luma
    apart = np.zeros(size, np.bool_)
    for one in many:
        apart |= cover([one], size).luma

    assert np.array_equal(apart, together)


@given(sizes, st.data())
def test_a_rectangle_on_the_grid_is_exactly_its_pixels(size: tuple[int, int], data: st.DataObject) -> None:
    (height, width), draw = size, data.draw
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
    want = np.zeros(size, np.bool_)
    want[top:bottom, left:right] = True
    x0, x1, y0, y1 = left / width, right / width, top / height, bottom / height

    assert np.array_equal(want, cover([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], size).luma)


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
    assert [[row, column]] == np.argwhere(cover([corners], (8, 10)).luma).tolist()


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_a_line_on_the_edge_of_the_frame_hides_its_column(x: float) -> None:
    covered = cover([[(x, 0), (x, 1), (x, 0.5)]], (8, 10)).luma

    assert covered[:, 0 if x == 0 else -1].all()


def test_a_ring_drawn_as_one_outline_leaves_its_hole() -> None:
    """Even-odd: what is enclosed twice is outside."""
    outer, inner = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]
    covered = cover([[*outer, *inner, inner[0]]], (80, 80)).luma

    assert not covered[30:50, 30:50].any()
    assert covered[:19].all()


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

    assert np.array_equal(np.outer(rows, columns), cover([corners], size).luma)
