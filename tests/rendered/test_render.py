"""The renderer itself, at thumbnail size; skipped where `make renderer` has not been run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rooms import cameras, clips, plan, stills
from rooms.clips import RATE, STORIES
from rooms.families import Kit
from rooms.places import BY_NAME, DOOR_OPEN, DOOR_SHUT, PLACES
from rooms.renderer import PYTHON, Blender, RenderError
from rooms.scene import BEHIND, PERSON, Scene, Seen, Shot

needs_renderer = pytest.mark.skipif(not PYTHON.is_file(), reason="no renderer: run `make renderer`")
SMALL = (48, 64)


@pytest.fixture(scope="module")
def blender() -> Iterator[Blender]:
    with Blender(samples=1, bounces=1, threads=2) as renderer:
        yield renderer


def thumbnails(blender: Blender, number: int) -> list[Seen]:
    room = plan.furnish(7, number, stills=1)
    return blender.render(room.scene, [replace(still.shot, size=SMALL) for still in room.stills])


def test_a_missing_renderer_is_said_at_once() -> None:
    with pytest.raises(RenderError, match="make renderer"):
        Blender(Path("no/such/python"))


@needs_renderer
@pytest.mark.parametrize("number", range(len(PLACES)), ids=[place.name for place in PLACES])
def test_every_place_is_drawn(blender: Blender, number: int) -> None:
    (seen,) = thumbnails(blender, number)
    assert seen.light.shape == (*SMALL, 3)
    assert np.isfinite(seen.light).all()
    assert seen.light.std() > 0.001
    assert (seen.labels > 0).mean() > 0.5


@needs_renderer
def test_every_kind_of_camera_is_drawn(blender: Blender) -> None:
    kit = Kit(np.random.default_rng(1))
    room = BY_NAME["public_washroom"].build(kit)
    shots = [Shot(cameras.hang(kit, room, kind), day=1.0, size=SMALL) for kind in cameras.KINDS]
    for kind, seen in zip(cameras.KINDS, blender.render(room.scene(), shots), strict=True):
        assert seen.light.std() > 0.001, kind


@needs_renderer
def test_the_same_seed_gives_the_same_picture(blender: Blender) -> None:
    first, second = (thumbnails(blender, 13)[0] for _ in range(2))
    assert np.array_equal(first.light, second.light)
    assert np.array_equal(first.labels, second.labels)


@needs_renderer
def test_a_picture_does_not_depend_on_those_taken_before_it(blender: Blender) -> None:
    room = plan.furnish(7, 18, stills=1)
    dim = replace(room.stills[0].shot, size=(96, 128), lamps=0.04, day=0.08, infrared=0.0)
    night = replace(dim, lamps=0.0, day=0.0, infrared=1.0)
    (alone,) = blender.render(room.scene, [dim])
    *_, after = blender.render(room.scene, [replace(dim, lamps=1.0, day=0.0), night, dim])
    assert np.array_equal(after.light, alone.light)


@needs_renderer
def test_the_region_is_the_open_door_and_nothing_else(blender: Blender) -> None:
    story = next(story for story in STORIES if story.name == "corridor-door")
    room = clips.furnish(7, story)
    camera, _ = story.view(room, 0.0)
    shut, opened = (
        stills.region(seen.labels, "permitted")
        for seen in blender.render(
            room.scene(), [Shot(camera, frozenset({group}), size=(96, 128)) for group in (DOOR_SHUT, DOOR_OPEN)]
        )
    )
    assert not shut.any()
    assert 0.01 < opened.mean() < 0.5
    columns = np.nonzero(opened.any(0))[0]
    inside = opened[:, columns.min() : columns.max() + 1]
    assert inside.mean() > 0.3  # one upright patch, no crumbs elsewhere


@needs_renderer
def test_the_story_turns_from_the_corridor_into_the_washroom(blender: Blender) -> None:
    story = STORIES[0]
    room = clips.furnish(7, story)
    shots = [replace(shot, size=SMALL) for shot in clips.moments(story, room)]
    first, last = blender.render(room.scene(), [shots[0], shots[-1]])
    assert (first.labels == BEHIND).mean() < 0.02
    assert (last.labels == BEHIND).mean() > 0.6
    assert len(shots) == round(story.seconds * RATE)


@needs_renderer
def test_a_person_is_labelled_where_one_stands(blender: Blender) -> None:
    room = plan.furnish(7, 13, stills=1)
    shot = replace(room.stills[0].shot, size=(96, 128))
    empty, peopled = (
        blender.render(room.scene, [replace(shot, groups=frozenset(groups))])[0] for groups in ((), ("people 0",))
    )
    assert not (empty.labels >= PERSON).any()
    assert (peopled.labels >= PERSON).any()


@needs_renderer
def test_a_killed_run_goes_on_where_it_stopped(
    blender: Blender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stills.take(blender, 7, 12, tmp_path)
    monkeypatch.setattr(blender, "render", lambda *_: pytest.fail("rendered again"))
    assert stills.take(blender, 7, 12, tmp_path) == first


@needs_renderer
def test_a_scene_that_cannot_be_drawn_is_an_error_and_the_renderer_lives_on(blender: Blender) -> None:
    room = plan.furnish(7, 12, stills=1)
    with pytest.raises(RenderError, match="cannot draw"):
        blender.render(Scene(room.scene.parts, room.scene.lamps), [replace(room.stills[0].shot, size=(0, 0, 0))])  # type: ignore[arg-type]
    assert thumbnails(blender, 12)
