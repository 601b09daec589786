"""A prohibited place behind an opening: hidden alone only if a policy says so, the rest is clear, and stays clear."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from numpy.typing import NDArray

from privacy import pipeline, policy
from privacy.cadence import Cadence, Pace
from privacy.errors import PolicyError
from privacy.evidence import Evidence, Reason
from privacy.frame import Frame, Layout
from privacy.models import catalogue
from privacy.openings import Around
from privacy.plan import WHOLE, Bitmap, MaskPlan, plan_for
from privacy.policy import Openings, Policy, Subject
from privacy.verdict import State, Verdict, Watch
from tests.toys import Finds, detection, evidence

RULES = catalogue.load_policy()
FOLLOWING = replace(RULES, openings=Openings(follow=True, cell_above=0.5, grow=0, most=0.5))
DARK, LIGHT = 20, 250
Columns = range


class Doors:
    """A toy world in which bright is private: the brighter any part of the picture, the likelier; and it says which."""

    name = "doors.test"
    input_size = (16, 16)

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        return [self._seen(image, offset) for image, offset in zip(images, offsets, strict=True)]

    def _seen(self, image: NDArray[np.uint8], offset: float) -> Evidence:
        quarters = image.reshape(4, 4, 4, 4, 3).mean(axis=(1, 3, 4)).astype(np.float32) / 255
        return replace(evidence(float(quarters.max()), offset), zone_map=quarters)


def clip(doors: Sequence[Columns]) -> list[Frame]:
    """One frame a second; a door at these sixteenths of the width is bright."""
    frames = []
    for number, columns in enumerate(doors):
        pixels = np.full((32, 32), DARK, np.uint8)
        for column in columns:
            pixels[:, 2 * column : 2 * column + 2] = LIGHT
        frames.append(Frame((pixels,), Layout.GRAY, float(number), number, full_range=True))
    return frames


def shown(doors: Sequence[Columns], rules: Policy = FOLLOWING, **options: object) -> str:
    """W is hidden whole, P in part, and . not at all."""
    outcomes = pipeline.guard(clip(doors), Doors(), rules, **options)  # type: ignore[arg-type]
    return "".join("W" if one.plan.hides_everything else "P" if one.plan.regions else "." for one in outcomes)


DOOR, ALL, NONE = range(8, 12), range(16), range(0)


@pytest.mark.parametrize(
    ("doors", "want"),
    [
        pytest.param([DOOR] * 6, "WPPPPP", id="a door is hidden alone after two looks"),
        pytest.param([ALL] * 6, "WWWWWW", id="a room that fills the picture is hidden whole"),
        pytest.param([DOOR] * 3 + [ALL] * 2 + [DOOR] * 3, "WPPWWWPP", id="one look at more hides all, for two looks"),
        pytest.param([range(12)] * 4, "WWWW", id="what is larger than an opening is hidden whole"),
    ],
)
def test_what_is_hidden_over_time(doors: Sequence[Columns], want: str) -> None:
    assert want == shown(doors)


def test_a_door_that_moves_is_hidden_where_the_last_looks_saw_it() -> None:
    outcomes = list(pipeline.guard(clip([range(4, 8), range(8, 12), range(8, 12)]), Doors(), FOLLOWING))
    (both,) = outcomes[1].plan.regions
    (one,) = outcomes[2].plan.regions

    assert isinstance(both, Bitmap)
    assert isinstance(one, Bitmap)
    assert both.cells.any(axis=0).tolist() == [False, True, True, False]
    assert one.cells.any(axis=0).tolist() == [False, False, True, False]


def test_no_bright_pixel_leaves_around_an_opening() -> None:
    for outcome in list(pipeline.guard(clip([DOOR] * 6), Doors(), FOLLOWING))[1:]:
        assert set(np.unique(outcome.frame.planes[0])) == {0, DARK}


def test_no_policy_that_ships_follows_openings() -> None:
    """Measured to be unsafe: benchmarks/openings.py."""
    assert not any(policy.load(name).openings.follow for name in policy.names())
    assert shown([DOOR] * 6, RULES) == "WWWWWW"


def test_where_people_are_hidden_too_all_of_it_is_hidden() -> None:
    """Nobody was looked for around the opening."""
    finds = Finds(detection((0.0, 0.0, 0.1, 0.1)))

    assert shown([DOOR] * 6, subjects={Subject.PEOPLE: finds}) == "WWWWWW"


def test_the_second_look_sees_the_opening_black() -> None:
    images: list[NDArray[np.uint8]] = []

    class Watched(Doors):
        def look(self, pictures: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
            images.extend(pictures)
            return super().look(pictures, offsets)

    picture = np.full((16, 16, 3), DARK, np.uint8)
    picture[:, 8:12] = LIGHT
    Around(Watched(), FOLLOWING).look([picture], [0.0])

    assert [int(image.max()) for image in images] == [LIGHT, DARK]
    assert picture.max() == LIGHT


def test_frames_that_wait_are_hidden_whole_if_the_next_look_is() -> None:
    """With look-behind, what came between two looks is not shown in part on the strength of the first alone."""
    fast = [replace(one, offset=one.offset / 10) for one in clip([DOOR] * 21 + [ALL] * 10)]
    outcomes = list(pipeline.guard(fast, Doors(), FOLLOWING, look_behind_s=1.0))
    looks = [n for n, one in enumerate(outcomes) if not one.verdict.inherited]
    last = max(n for n in looks if n < 21)

    assert all(one.plan.hides_everything for one in outcomes[last + 1 :])


@pytest.mark.parametrize("count", [28, 60], ids=["the end of the source", "the next look"])
def test_frames_that_wait_are_hidden_where_the_next_look_sees_the_opening_too(count: int) -> None:
    """A door that opens wider between two looks, too slowly for a look of its own."""
    fast = [replace(one, offset=one.offset / 10) for one in clip([DOOR] * 25 + [range(4, 12)] * (count - 25))]
    slowly = replace(FOLLOWING, timing=replace(FOLLOWING.timing, scene_change=255.0))
    outcomes = list(pipeline.guard(fast, Doors(), slowly, look_behind_s=1.0))

    assert [len(np.unique(one.frame.planes[0])) for one in outcomes[10:25]] == [2] * 15  # hidden in part
    assert all(outcome.frame.planes[0].max() == DARK for outcome in outcomes[10:])


def test_frames_that_wait_are_hidden_whole_if_the_next_look_marks_other_cells_of_another_size() -> None:
    first, second = (
        Verdict(State.PROHIBITED, Reason.MODEL, float(side), opening=np.eye(side, dtype=np.bool_)) for side in (4, 8)
    )
    frames = clip([DOOR] * 2)
    openings = [verdict.opening for _, verdict in pipeline.wait(zip(frames, (first, second), strict=True), 1.0)]

    assert openings[0] is None
    assert openings[1] is second.opening


def test_a_change_that_nobody_looks_at_any_more_is_hidden_whole() -> None:
    """A camera that turns from the corridor into the washroom, when its changes of scene are used up."""
    fast = [replace(one, offset=one.offset / 100) for one in clip([DOOR] * 150 + [NONE, ALL] * 4)]
    watch, cadence = Watch(FOLLOWING), Cadence(FOLLOWING.timing, Pace(changes=1))
    ruled = pipeline.judge(fast, pipeline.looking(Doors(), FOLLOWING), watch, cadence)
    shown = list(pipeline.enforce(ruled, FOLLOWING))

    assert any(not one.plan.hides_everything for one in shown[:150])
    assert all(one.plan.hides_everything for one in shown[151:])


@pytest.mark.parametrize("state", [State.UNCERTAIN, State.PROHIBITED])
def test_an_opening_shows_nothing_unless_the_policy_follows_it_and_the_place_is_certain(state: State) -> None:
    ruled = Verdict(state, Reason.MODEL, 0.0, opening=np.eye(4, dtype=np.bool_))
    whole = MaskPlan((WHOLE,), RULES.effect)

    assert plan_for(ruled, RULES) == whole
    assert (plan_for(ruled, FOLLOWING) == whole) is (state is State.UNCERTAIN)


def test_a_purpose_that_suspects_more_hides_all_around_an_opening_until_enough_was_seen_under_it() -> None:
    watch, cells = Watch(FOLLOWING, "street"), np.eye(4, dtype=np.bool_)

    def look(offset: float) -> bool:
        return watch.see(replace(evidence(0.99, offset), opening=cells), offset).opening is not None

    before = [look(offset) for offset in (0.0, 1.0, 2.0)]
    watch.declare(["", "street"])
    at_once = watch.see(None, 2.1)

    assert before[-1]
    assert (at_once.state, at_once.opening) == (State.PROHIBITED, None)
    assert [look(3.0), look(4.0)] == [False, True]


@pytest.mark.parametrize("openings", [{"follow": "yes"}, {"most": 1.5}, {"grow": 99}, {"folow": True}])
def test_openings_that_are_none_are_refused(openings: dict[str, object]) -> None:
    text = (resources.files("privacy.policies") / f"{policy.DEFAULT}.toml").read_text("utf-8")

    with pytest.raises(PolicyError):
        policy.parse({**tomllib.loads(text), "openings": openings})
