"""What is rendered: rooms by number, and the pictures taken in each. The same seed gives the same plan."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rooms import cameras, people
from rooms.families import FAMILIES, Kit, Split
from rooms.places import DOOR_OPEN, DOOR_SHUT, PLACES, Place
from rooms.room import Room
from rooms.scene import PERSON, Camera, Scene, Shot
from rooms.sensor import FIELD_S, Recorder

LIGHTS = ("day", "tube", "dim", "infrared")
LATER = " later"
"""At the end of the name of a group of people: where they are a field later."""
WALK_MS = 1.4
"""Metres a second at which people walk."""
SWEEP_DEG_S = 60.0
"""Degrees a second at which a dome that is being turned turns."""
TEST_EVERY = 4
"""One room in so many is of the test split: other seeds, and families that training never sees."""
SIZES = ((240, 320), (240, 320), (264, 352), (216, 384))
"""`(height, width)` of stills."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture to take.

    Attributes:
        shot: Of the room's scene.
        later: The same a field later, if the recorder interlaces and something has moved by then.
        view: Kind of camera, of `rooms.cameras.KINDS`.
        light: One of `LIGHTS`.
        recorder: Whose picture it is.
        seed: Of the recorder's chance.
    """

    shot: Shot
    later: Shot | None
    view: str
    light: str
    recorder: Recorder
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """A furnished room, and the pictures to take in it.

    Attributes:
        number: Of the room in the plan.
        place: What it is.
        split: Which families it is made of.
        scene: With every group of people.
        stills: To take.
    """

    number: int
    place: Place
    split: Split
    scene: Scene
    stills: tuple[Still, ...]


def split_of(number: int) -> Split:
    """Return the split of a room: decided by its number, so that no seed is in both."""
    return "test" if (number // len(PLACES)) % TEST_EVERY == TEST_EVERY - 1 else "train"


def place_of(number: int) -> Place:
    """Return the place of a room: they take turns."""
    return PLACES[number % len(PLACES)]


def furnish(seed: int, number: int, *, stills: int = 3) -> Set:
    """Build one room of the plan and choose its pictures.

    Args:
        seed: Of the plan.
        number: Of the room.
        stills: Pictures to take in it.
    """
    place, split = place_of(number), split_of(number)
    kit = Kit(np.random.default_rng([seed, number]), split)
    room = place.build(kit)
    populate(room, place.crowd)
    return Set(number, place, split, room.scene(), tuple(_still(kit, room, place, index) for index in range(stills)))


def populate(room: Room, crowd: int) -> None:
    """Add two groups of people, "people 0" and "people 1", and each again, a field's time further on their way.

    Where the room has seats, three in four sit, and are a field later where they were.
    """
    for group in range(2):
        free = list(room.seats)
        for index in range(room.kit.count(1, crowd)):
            label = PERSON + 10 * group + index
            if free and room.kit.chance(0.75):
                x, y, turn = free.pop(room.kit.count(0, len(free) - 1))
                parts = people.person(room.kit, seated=True).parts
                steps = [(x, y, name) for name in ("", LATER)]
            else:
                spot = room.free(0.2) or room.free(0.0)
                if spot is None:
                    continue
                turn = room.kit.between(0, 360)
                parts = people.person(room.kit).parts
                steps = [
                    (spot[0] - step * math.sin(math.radians(turn)), spot[1] + step * math.cos(math.radians(turn)), name)
                    for step, name in ((0.0, ""), (WALK_MS * FIELD_S, LATER))
                ]
            for x, y, name in steps:
                room.parts += [
                    replace(part.moved(x, y, 0, turn), label=label, group=f"people {group}{name}") for part in parts
                ]


def _still(kit: Kit, room: Room, place: Place, index: int) -> Still:
    view = kit.one_of(place.views)
    groups = {kit.one_of((DOOR_OPEN, DOOR_SHUT))}
    if kit.chance(0.5):  # drawn alike for every place: whether somebody is there tells nothing about it
        groups.add(f"people {kit.count(0, 1)}")
    light = kit.one_of(("day", "day", "day", "tube", "tube", "tube", "dim", "infrared"))
    lamps, day, infrared = {
        "day": (kit.one_of((0.3, 1.0)), kit.between(0.8, 2.5), 0.0),
        "tube": (1.0, 0.0, 0.0),
        "dim": (0.04, 0.08, 0.0),
        "infrared": (0.0, 0.0, 1.0),
    }[light]
    size = kit.one_of(SIZES) if view != "fisheye" else (320, 320)
    camera: Camera = cameras.hang(kit, room, view)
    shot = Shot(camera, frozenset(groups), lamps, day, infrared, size, seed=index)
    recorder = Recorder.drawn(kit)
    if light == "dim":
        recorder = replace(recorder, key=recorder.key * kit.between(0.3, 0.6), grain=kit.between(4, 9), colour=0.6)
    return Still(
        shot, _later(kit, shot, view) if recorder.interlaced else None, view, light, recorder, kit.count(0, 10**6)
    )


def _later(kit: Kit, shot: Shot, view: str) -> Shot | None:
    """A shot a field later: people have walked on, and a dome may be turning; None if nothing has moved."""
    groups = frozenset(group + LATER if group.startswith("people") else group for group in shot.groups)
    camera = shot.camera
    if view == "dome" and kit.chance(0.5):
        camera = replace(camera, pan=camera.pan + kit.one_of((-1, 1)) * SWEEP_DEG_S * FIELD_S)
    later = replace(shot, groups=groups, camera=camera)
    return later if later != shot else None


def numbers(count: int, share: tuple[int, int] = (0, 1), *, split: Split | None = None) -> Iterator[int]:
    """Yield the rooms of one machine: every `share[1]`-th of `count`, from `share[0]`; those of one split, if asked.

    Both splits come early, so that what there is of a run that was stopped is a small set of its own.
    """
    rounds = sorted(
        range(-(-count // len(PLACES))), key=lambda turn: (turn // TEST_EVERY, (0, 2, 3, 1)[turn % TEST_EVERY])
    )
    order = (turn * len(PLACES) + index for turn in rounds for index in range(len(PLACES)))
    wanted = [number for number in order if number < count and split in {None, split_of(number)}]
    yield from wanted[share[0] :: share[1]]


def kept_out() -> dict[str, tuple[str, ...]]:
    """Return the families, by kind, that training never sees."""
    return {kind: names[1] for kind, names in FAMILIES.items()}
