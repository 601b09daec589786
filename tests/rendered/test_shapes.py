"""Solids are closed, look outwards, and stand where they say."""

import numpy as np
import pytest

from rooms.shapes import Mesh, Ring, box, curtain, cylinder, duvet, floor, join, lathe, limb, loft, panel, pill, tube

SOLIDS = {
    "box": box(1, 2, 3),
    "box, sharp": box(1, 2, 3, 0),
    "cylinder": cylinder(0.5, 1),
    "pill": pill((0.5, 0.6, 0.7)),
    "loft": loft([Ring(0, 1, 1), Ring(1, 0.5, 0.7, 0.1, 0.1, 4)]),
    "bowl": lathe([(0.1, 0), (0.2, 0.2), (0.15, 0.2), (0.05, 0.05)]),
    "tube": tube([(0, 0, 0), (0, 1, 0.5), (1, 1, 1)], 0.1),
    "limb": limb((0, 0, 1), (0.5, 0.2, 0), 0.1, 0.05),
}


def volume(mesh: Mesh) -> float:
    """By the divergence theorem: positive only if the triangles look outwards."""
    a, b, c = (mesh.points[mesh.triangles[:, corner]].astype(np.float64) for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("name", SOLIDS)
def test_a_solid_looks_outwards(name: str) -> None:
    assert volume(SOLIDS[name]) > 0


@pytest.mark.parametrize("name", [name for name in SOLIDS if name != "box, sharp"])
def test_a_solid_has_no_hole(name: str) -> None:
    edges: dict[tuple[int, int], int] = {}
    for a, b, c in SOLIDS[name].triangles.tolist():
        for edge in ((a, b), (b, c), (c, a)):
            edges[edge] = edges.get(edge, 0) + 1
    assert all(edges.get((b, a)) == count for (a, b), count in edges.items())


@pytest.mark.parametrize("name", SOLIDS)
def test_no_point_is_lost_in_space(name: str) -> None:
    mesh = SOLIDS[name]
    assert np.isfinite(mesh.points).all()
    assert mesh.uv.shape == (len(mesh.triangles), 3, 2)
    assert mesh.triangles.max() < len(mesh.points)


def test_a_box_is_as_large_as_it_says_and_stands_on_the_floor() -> None:
    assert box(1, 2, 3).bounds.tolist() == [[-0.5, -1, 0], [0.5, 1, 3]]


def test_a_box_has_the_volume_of_its_sides_less_the_bevels() -> None:
    assert volume(box(1, 1, 1, 0)) == pytest.approx(1)
    assert 0.9 < volume(box(1, 1, 1, 0.05)) < 1


def test_turning_counts_counter_clockwise() -> None:
    turned = panel(2, 1).at(1).turned(90)
    assert turned.bounds.round(5).tolist() == [[0, 0, 0], [0, 2, 1]]


def test_a_floor_looks_up() -> None:
    a, b, c = floor(1, 1).points[floor(1, 1).triangles[0]]
    assert np.cross(b - a, c - a)[2] > 0


def test_joined_surfaces_keep_their_own_points() -> None:
    both = join(box(1, 1, 1), box(1, 1, 1).at(5))
    assert both.bounds.tolist() == [[-0.5, -0.5, 0], [5.5, 0.5, 1]]
    assert volume(both) == pytest.approx(2 * volume(box(1, 1, 1)), rel=1e-4)


def test_a_curtain_hangs_in_folds() -> None:
    low, high = curtain(1.0, 2.0).bounds
    assert (high - low).tolist() == pytest.approx([1.0, 0.1, 2.0], abs=0.03)


def test_a_cover_lies_where_it_is_put_and_hangs_over_the_edge() -> None:
    lying, hanging = duvet(0.9, 1.4, 0.1), duvet(0.9, 1.4, 0.1, hang=0.15)
    assert lying.bounds[0, 2] >= 0
    assert hanging.bounds[0, 2] == pytest.approx(-0.15, abs=0.03)
    assert hanging.bounds[:, 1].tolist() == pytest.approx([0, 1.4])
    assert lying.bounds[1, 0] == pytest.approx(0.45, abs=0.03)


def test_no_two_covers_are_creased_alike() -> None:
    first, second = (duvet(0.9, 1.4, 0.1, creases=creases) for creases in ((0.0, 1.0, 2.0), (3.0, 4.0, 5.0)))
    assert np.abs(first.points - second.points).max() > 0.01


def test_wrinkles_are_finer_than_creases_and_stay_within_the_cover() -> None:
    smooth, wrinkled = duvet(1.8, 1.4, 0.15), duvet(1.8, 1.4, 0.15, fine=0.6)
    assert wrinkled.bounds[:, :2] == pytest.approx(smooth.bounds[:, :2])
    assert 0 <= wrinkled.bounds[0, 2] < wrinkled.bounds[1, 2] < 0.25
    assert len(wrinkled.points) > len(smooth.points)
