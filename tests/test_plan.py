import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy import policy
from privacy.errors import EffectTooWeakError, RegionError
from privacy.evidence import Reason
from privacy.masking.coverage import cover, painted
from privacy.plan import (
    MAX_CORNERS,
    MAX_POLYGONS,
    WHOLE,
    Bitmap,
    Polygon,
    Region,
    Zones,
    plan_for,
    polygons,
    read_zones,
    rectangles,
)
from privacy.policy import Effect, EffectKind
from privacy.verdict import State, Verdict

RULES = policy.load()
CORNER = Polygon(((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)))


def verdict(state: State) -> Verdict:
    return Verdict(state, Reason.MODEL, 0.0)


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLEAR])
def test_whatever_is_not_clear_is_hidden_whole(state: State) -> None:
    assert plan_for(verdict(state), RULES, [CORNER]).hides_everything


def test_a_clear_frame_still_hides_the_cameras_own_zones() -> None:
    assert plan_for(verdict(State.CLEAR), RULES, [CORNER]).regions == (CORNER,)


def test_a_weak_effect_is_refused_even_where_nothing_would_be_hidden() -> None:
    with pytest.raises(EffectTooWeakError):
        plan_for(verdict(State.CLEAR), RULES, effect=Effect(EffectKind.BLUR, 0.001))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut off"),
        pytest.param("[]", id="a list"),
        pytest.param('{"polygons": 3}', id="a number"),
        pytest.param('{"polygons": [], "more": 1}', id="unknown key"),
        pytest.param("{}", id="nothing at all"),
        pytest.param('{"presets": [[[[0, 0], [1, 0], [1, 1]]]]}', id="presets without names"),
        pytest.param('{"presets": {"door": {"polygons": []}}}', id="a preset that is no list"),
        pytest.param('{"presets": {"door": [[[0, 0], [1, 1]]]}}', id="two corners at a preset"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param('{"polygons": [[[0, 0], [1, 1]]]}', id="two corners"),
        pytest.param('{"polygons": [[[0, 0], [1, 1], [2, 0]]]}', id="outside the picture"),
        pytest.param('{"polygons": [[[0, 0], [1, 1], [NaN, 0]]]}', id="not a number"),
        pytest.param('{"polygons": [[[0, 0], [1], [1, 0]]]}', id="half a corner"),
        pytest.param('{"polygons": [["ab", "cd", "ef"]]}', id="letters"),
        pytest.param(json.dumps({"polygons": [[[0, 0], [1, 0], [10**400, 1]]]}), id="a number beyond any other"),
        pytest.param('{"polygons": [[[0, 0], [1, 0], [1, 1]]], "polygons": []}', id="polygons twice"),
        pytest.param('{"presets": {"door": [[[0, 0], [1, 0], [1, 1]]], "door": []}}', id="a preset twice"),
        pytest.param(json.dumps({"polygons": [[[0, 0]] * (MAX_CORNERS + 1)]}), id="too many corners"),
        pytest.param(json.dumps({"polygons": [[[0, 0], [1, 0], [1, 1]]] * (MAX_POLYGONS + 1)}), id="too many polygons"),
    ],
)
def test_zones_that_are_no_polygons_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "zones.json"
    file.write_text(text)

    with pytest.raises(RegionError):
        read_zones(file)


def test_a_missing_zones_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="nowhere"):
        read_zones(tmp_path / "nowhere.json")


@given(st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=8), max_size=5))
def test_polygons_survive_the_file(shapes: list[list[tuple[float, float]]]) -> None:
    assert polygons(json.loads(json.dumps(shapes))) == tuple(Polygon(tuple(shape)) for shape in shapes)


def test_the_whole_picture_is_one_polygon() -> None:
    assert polygons([WHOLE.points]) == (WHOLE,)


OTHER = Polygon(((0.5, 0.5), (1.0, 0.5), (1.0, 1.0)))


def test_at_a_preset_its_own_zones_are_hidden_and_those_of_every_view(tmp_path: Path) -> None:
    file = tmp_path / "zones.json"
    file.write_text(json.dumps({"polygons": [CORNER.points], "presets": {"door": [OTHER.points], "gate": []}}))
    zones = read_zones(file)

    assert zones.at("door") == (CORNER, OTHER)
    assert zones.at("gate") == (CORNER,)


def test_where_nobody_knows_the_preset_the_zones_of_all_are_hidden() -> None:
    assert Zones((CORNER,), {"door": (OTHER,), "gate": (WHOLE,)}).at() == (CORNER, OTHER, WHOLE)


def test_a_misspelt_preset_is_no_view_without_zones() -> None:
    with pytest.raises(RegionError, match="known: door"):
        Zones((), {"door": (OTHER,)}).at("dor")


unit = st.floats(0, 1, allow_subnormal=False)
shapes = st.lists(st.tuples(unit, unit), min_size=3, max_size=6).map(lambda corners: Polygon(tuple(corners)))
bitmaps = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1)).map(
    lambda drawn: Bitmap(np.random.default_rng(drawn[2]).random(drawn[:2]) < 0.4)
)


def hidden(regions: Iterable[Region], size: tuple[int, int]) -> NDArray[np.bool_]:
    parts = (cover(region, size) for region in regions)
    return painted([part for part in parts if part is not None], size)


@given(st.lists(st.one_of(shapes, bitmaps), max_size=6), st.integers(1, 5))
def test_rectangles_for_a_simple_camera_hide_all_that_the_regions_do(regions: list[Region], most: int) -> None:
    found = rectangles(regions, most)

    assert len(found) <= most
    assert all(len({x for x, _ in one.points}) <= 2 and len({y for _, y in one.points}) <= 2 for one in found)
    assert not (hidden(regions, (40, 60)) & ~hidden(found, (40, 60))).any()


@given(bitmaps, st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_the_rectangles_of_a_bitmap_hide_exactly_its_cells(bitmap: Bitmap, size: tuple[int, int]) -> None:
    assert np.array_equal(hidden([bitmap], size), hidden(bitmap.rectangles(), size))


def test_a_bitmap_of_dust_becomes_one_rectangle() -> None:
    cells = np.zeros((100, 100), np.bool_)
    cells[10:90:2, 20:80:2] = True

    assert [one.points[0] for one in Bitmap(cells).rectangles()] == [(0.2, 0.1)]


def test_a_camera_that_holds_no_rectangle_is_told_so() -> None:
    with pytest.raises(RegionError):
        rectangles([WHOLE], 0)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(np.zeros((0, 4), np.bool_), id="empty"),
        pytest.param(np.zeros((2, 4), np.uint8), id="numbers"),
        pytest.param(np.zeros(4, np.bool_), id="a line"),
    ],
)
def test_what_is_no_bitmap_is_refused(cells: NDArray[Any]) -> None:
    with pytest.raises(RegionError):
        Bitmap(cells)


def test_the_caller_of_a_bitmap_cannot_change_it_later() -> None:
    cells = np.ones((2, 2), np.bool_)
    bitmap = Bitmap(cells)
    cells[:] = False

    assert bitmap.cells.all()
