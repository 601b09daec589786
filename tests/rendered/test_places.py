"""Rooms as data: what stands in them, who is in them, and where a camera hangs, without a renderer."""

import numpy as np
import pytest

from privacy.training.data import DATASETS, read_labels
from privacy.zones import PROHIBITED, Zone
from rooms import cameras, changing, plan, working
from rooms.families import FAMILIES, Kit, Split, families
from rooms.places import BY_NAME, DOOR_OPEN, DOOR_SHUT, PLACES
from rooms.renderer import packed
from rooms.room import Room
from rooms.scene import BEHIND, PERSON, looking_at
from rooms.sensor import FIELD_S

NAMES = [place.name for place in PLACES]


def kit(seed: int = 1, split: Split = "train") -> Kit:
    return Kit(np.random.default_rng(seed), split)


@pytest.mark.parametrize("name", NAMES)
def test_a_place_is_furnished_and_lit(name: str) -> None:
    room = BY_NAME[name].build(kit())
    assert len(room.parts) > 20
    assert room.lamps
    assert room.tells


@pytest.mark.parametrize("name", NAMES)
def test_furniture_stays_within_the_walls(name: str) -> None:
    room = BY_NAME[name].build(kit())
    taken = np.array(room.taken)
    assert (taken[:, :2] > -1.3).all()  # a door may swing out of the room
    assert (taken[:, 2] < room.width + 1.3).all()
    assert (taken[:, 3] < room.depth + 1.3).all()


def test_every_zone_of_the_law_has_a_place() -> None:
    assert {Zone.of(place.zone) for place in PLACES} == {Zone.PERMITTED, *PROHIBITED}


def test_the_label_map_agrees_with_the_places() -> None:
    labels = read_labels(DATASETS / "rendered" / "labels.toml")
    assert {name: meaning.zone.slug for name, meaning in labels.meanings.items()} == {
        place.name: place.zone for place in PLACES
    }


def test_no_family_is_in_both_splits() -> None:
    for kind in FAMILIES:
        assert not set(families(kind, "train")) & set(families(kind, "test"))


@pytest.mark.parametrize("number", range(3))
def test_the_same_number_gives_the_same_room(number: int) -> None:
    first, second = (packed(plan.furnish(5, number).scene) for _ in range(2))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_another_seed_gives_another_room() -> None:
    first, second = (plan.furnish(seed, 0) for seed in (5, 6))
    assert first.stills != second.stills


def test_rooms_of_both_splits_take_turns_and_share_no_number() -> None:
    splits = [plan.split_of(number) for number in range(8 * len(PLACES))]
    assert splits.count("test") * plan.TEST_EVERY == len(splits)
    assert {plan.place_of(number).name for number, split in enumerate(splits) if split == "test"} == set(NAMES)


@pytest.mark.parametrize("count", [1, 23, 92, 100])
def test_machines_share_the_plan_without_gap_or_overlap(count: int) -> None:
    shares = [number for index in range(3) for number in plan.numbers(count, (index, 3))]
    assert sorted(shares) == list(range(count))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_machine_may_be_asked_for_one_split(split: Split) -> None:
    wanted = list(plan.numbers(184, split=split))
    assert len(wanted) == {"train": 138, "test": 46}[split]
    assert {plan.split_of(number) for number in wanted} == {split}


def test_people_have_walked_on_a_field_later() -> None:
    room = BY_NAME["lobby"].build(kit())
    plan.populate(room, 2)
    now, later = (
        np.concatenate([part.mesh.points for part in room.parts if part.group == group])
        for group in ("people 0", "people 0" + plan.LATER)
    )
    moved = np.linalg.norm(later - now, axis=1)
    assert moved == pytest.approx(np.full(len(now), plan.WALK_MS * FIELD_S), abs=1e-4)


def test_some_sit_where_a_room_has_seats_and_are_there_a_field_later() -> None:
    room = BY_NAME["canteen"].build(kit())
    plan.populate(room, 9)
    tall: dict[tuple[str, int], float] = {}
    for part in room.parts:
        if part.label >= PERSON:
            who = (part.group, part.label)
            tall[who] = max(tall.get(who, 0.0), float(part.mesh.bounds[1, 2]))
    sitting = [who for who, top in tall.items() if top < 1.47 and not who[0].endswith(plan.LATER)]
    assert sitting
    for group, label in sitting:
        now, later = (
            np.concatenate([part.mesh.points for part in room.parts if (part.group, part.label) == (name, label)])
            for name in (group, group + plan.LATER)
        )
        assert np.array_equal(now, later)


def test_nobody_shares_a_seat() -> None:
    room = BY_NAME["canteen"].build(kit())
    assert len(set(room.seats)) == len(room.seats) > 12
    plan.populate(room, 9)
    feet = [
        tuple(np.concatenate([part.mesh.points for part in room.parts if (part.group, part.label) == who]).mean(0)[:2])
        for who in {(part.group, part.label) for part in room.parts if part.group == "people 0"}
    ]
    away = np.linalg.norm(np.array(feet)[:, None] - np.array(feet), axis=-1) + 9 * np.eye(len(feet))
    assert away.min() > 0.25


def test_a_second_field_is_taken_only_where_the_recorder_interlaces_and_something_moves() -> None:
    taken = [still for number in range(2 * len(PLACES)) for still in plan.furnish(3, number).stills]
    later = [still for still in taken if still.later is not None]
    assert later
    assert all(still.recorder.interlaced for still in later)
    assert all(still.later != still.shot for still in later)
    moving = [still for still in taken if any(group.startswith("people") for group in still.shot.groups)]
    assert all(still.later is not None for still in moving if still.recorder.interlaced)


def test_whether_anybody_is_there_does_not_depend_on_the_zone() -> None:
    shown = {True: [0, 0], False: [0, 0]}
    for number in range(2 * len(PLACES)):
        room = plan.furnish(3, number)
        for still in room.stills:
            count = shown[room.place.zone == "permitted"]
            count[0] += any(group.startswith("people") for group in still.shot.groups)
            count[1] += 1
    private, permitted = (some / total for some, total in (shown[False], shown[True]))
    assert 0.3 < private < 0.7
    assert 0.3 < permitted < 0.7


def test_a_corridor_has_a_door_to_open_and_a_washroom_behind_it() -> None:
    parts = BY_NAME["corridor"].build(kit()).parts
    assert {DOOR_OPEN, DOOR_SHUT} <= {part.group for part in parts}
    assert any(part.label == BEHIND for part in parts)


def test_nothing_permitted_but_the_corridor_holds_a_private_place() -> None:
    for place in PLACES:
        if place.name != "corridor":
            assert all(part.label != BEHIND for part in place.build(kit()).parts), place.name


def test_people_carry_a_label_each() -> None:
    room = plan.furnish(7, 13)
    labels = {part.label for part in room.scene.parts if part.label >= PERSON}
    assert len(labels) >= 2
    assert all(part.group for part in room.scene.parts if part.label >= PERSON)


@pytest.mark.parametrize("kind", cameras.KINDS)
def test_a_camera_sees_what_tells_about_the_place(kind: str) -> None:
    room = BY_NAME["public_washroom"].build(kit())
    camera = cameras.hang(kit(2), room, kind)
    assert camera.off_axis(room.heart.tolist()) < camera.width / 2
    assert cameras.told(room, camera) > 0


def test_a_camera_is_not_hung_where_something_fills_its_view() -> None:
    room = Room(kit(), 4.0, 4.0, 2.6)
    room.tells.append((3.5, 3.5, 0.5, 1.0))
    room.place(changing.lockers(kit(), 3), "south", 0.6)
    over, free = (looking_at(place, (3.5, 3.5, 0.5), width=90) for place in ((0.4, 0.25, 2.3), (3.4, 0.25, 2.3)))
    lines = [float(np.linalg.norm(np.array(camera.place) - (3.5, 3.5, 0.5))) for camera in (over, free)]
    assert lines[0] > lines[1] > 1.6  # so that neither is too near, and the locker alone makes the difference
    bare = Room(kit(), 4.0, 4.0, 2.6, tells=list(room.tells), blocks=[(9.0, 9.0, 9.1, 9.1, 1.0)])
    assert cameras.told(room, free) == pytest.approx(cameras.told(bare, free))
    assert cameras.told(room, over) < 0.8 * cameras.told(bare, over)


@pytest.mark.parametrize("kinds", [(), ("bottle",), ("packet",), ("carton",), ("tin",)], ids=str)
def test_goods_stay_on_their_shelf(kinds: tuple[str, ...]) -> None:
    parts = working.stocked(kit(4), 1.1, 0.34, 0.28, kinds=kinds)
    low = np.min([part.mesh.bounds[0] for part in parts], axis=0)
    high = np.max([part.mesh.bounds[1] for part in parts], axis=0)
    assert low[0] >= -0.56
    assert high[0] <= 0.56
    assert high[1] <= 0.36
    assert low[2] >= -1e-6
    assert high[2] <= 0.28


@pytest.mark.parametrize("name", NAMES)
def test_a_camera_hangs_inside_its_room(name: str) -> None:
    place = BY_NAME[name]
    room = place.build(kit())
    for view in set(place.views) - {"above"}:
        x, y, z = cameras.hang(kit(3), room, view).place
        assert 0 < x < room.width, view
        assert 0 < y < room.depth, view
        assert 1.9 < z < room.height, view
