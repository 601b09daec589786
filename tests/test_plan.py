import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy import policy
from privacy.errors import EffectTooWeakError, RegionError
from privacy.evidence import Reason
from privacy.plan import MAX_CORNERS, MAX_POLYGONS, WHOLE, Polygon, plan_for, polygons, read_zones
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
        pytest.param('{"polygons": [[[0, 0], [1, 1]]]}', id="two corners"),
        pytest.param('{"polygons": [[[0, 0], [1, 1], [2, 0]]]}', id="outside the picture"),
        pytest.param('{"polygons": [[[0, 0], [1, 1], [NaN, 0]]]}', id="not a number"),
        pytest.param('{"polygons": [[[0, 0], [1], [1, 0]]]}', id="half a corner"),
        pytest.param('{"polygons": [["ab", "cd", "ef"]]}', id="letters"),
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
