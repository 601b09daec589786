from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from privacy.training.config import TrainConfig

pytest.importorskip("onnx")

from privacy.training.augment import resize
from privacy.training.data import DATASETS, Photo, Vocabulary, read_labels
from privacy.training.draws import Frozen, Painter, painter, read_shard, write_shard
from privacy.training.teacher import COCO, Sightings
from tests.training.graphs import constant

SIZE = (64, 96)
LABELS = ("bathroom_home", "permitted:corridor", "dormitory")


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(data=tmp_path, out=tmp_path, size=SIZE, person=0.0, open_door=0.0, no_picture=0.0)


def make(config: TrainConfig, labels: tuple[str, ...] = LABELS) -> Painter:
    """A painter over ten plain pictures of each label, in all of which the detector saw a bed."""
    meanings = read_labels(DATASETS / "corpus" / "labels.toml")
    photos = []
    for number in range(10 * len(labels)):
        label = labels[number % len(labels)]
        path = config.data / f"{number}.png"
        cv2.imwrite(str(path), np.random.default_rng(number).integers(0, 256, (40, 60, 3), np.uint8))
        photos.append(Photo(path, label, meanings[label], "somebody"))
    scores = np.zeros((len(photos), len(COCO)), np.float32)
    scores[:, COCO.index("bed")] = 0.9
    boxes = np.tile(np.array([0.0, 0, 1, 1], np.float32), (len(photos), len(COCO), 1))
    figure = np.full((40, 20, 4), 200, np.uint8)
    kinds = np.array([COCO.index("person"), COCO.index("bed")])
    made = painter(
        config, photos, Vocabulary.of(photos, no_place=config.no_place), Sightings(scores, boxes), figures=[figure]
    )
    return replace(made, kinds=kinds)


def test_a_draw_is_the_same_every_time(config: TrainConfig) -> None:
    one, two = make(config).draw(7), make(config).draw(7)
    assert np.array_equal(one.image, two.image)
    assert not np.array_equal(one.image, make(config).draw(8).image)


def test_a_plain_draw_is_taught_what_its_photo_shows(config: TrainConfig) -> None:
    made = make(config)
    for draw in map(made.draw, range(20)):
        assert draw.image.shape == (*SIZE, 3)
        assert draw.zone_map.shape == (4, 6)
        assert draw.zones.sum() == pytest.approx(1)
        assert draw.zone_map.min() == draw.zone_map.max() == float(draw.zones[0] == 0)
        assert draw.place >= 0
        assert draw.objects[1] > 0.2


def test_a_photo_as_it_is_may_only_be_mirrored(config: TrainConfig) -> None:
    made = make(replace(config, as_is=1.0), ("bathroom_home",))
    for draw in map(made.draw, range(10)):
        plain = [resize(np.asarray(picture), SIZE) for picture in made.pictures]
        assert any(np.array_equal(draw.image, view) or np.array_equal(draw.image, view[:, ::-1]) for view in plain)
        assert draw.zones[0] == 0
        assert draw.zone_map.min() == 1


def test_people_make_no_room_permitted(config: TrainConfig) -> None:
    made = make(replace(config, person=1.0), ("bathroom_home",))
    for draw in map(made.draw, range(10)):
        assert draw.zones[0] == 0
        assert draw.objects[0] == pytest.approx(0.9)


def test_no_picture_teaches_doubt(config: TrainConfig) -> None:
    assert make(replace(config, no_picture=1.0, no_place=True)).draw(0).place == len(LABELS)
    draw = make(replace(config, no_picture=1.0)).draw(0)
    assert draw.zones[0] == pytest.approx(0.5)
    assert draw.zones.sum() == pytest.approx(1)
    assert draw.place == -1
    assert draw.zone_map.max() == -1


def test_a_private_place_behind_a_door_counts_by_its_area(config: TrainConfig) -> None:
    made = make(replace(config, open_door=1.0, full_view=0.25), ("bathroom_home", "permitted:corridor"))
    mixed = [draw for draw in map(made.draw, range(60)) if 0 < draw.zones[0] < 1]
    assert mixed
    for draw in mixed:
        assert 1 - draw.zones[0] == pytest.approx(min(1, draw.zone_map.mean() / 0.25), abs=0.05)
        assert (draw.objects == -1).all()


def test_two_permitted_places_stay_permitted(config: TrainConfig) -> None:
    made = make(replace(config, open_door=1.0), ("permitted:corridor",))
    assert all(draw.zones[0] == 1 and draw.zone_map.max() == 0 for draw in map(made.draw, range(10)))


def test_a_fold_never_draws_what_it_holds_out(config: TrainConfig) -> None:
    assert (make(config).chances > 0).all()
    photos = make(config).photos
    hidden = [replace(photo, source="kaggle_house_rooms") for photo in photos[:15]] + list(photos[15:])
    sightings = Sightings(np.zeros((30, 80), np.float32), np.zeros((30, 80, 4), np.float32))
    chances = painter(replace(config, fold=True), hidden, Vocabulary.of(photos), sightings, figures=[]).chances
    assert chances[:15].max() == 0
    assert chances.sum() == pytest.approx(1)


def test_digests_tell_runs_apart_and_not_folders(config: TrainConfig) -> None:
    assert config.digest == replace(config, out=Path("elsewhere"), threads=1).digest
    assert config.digest != replace(config, epochs=3).digest
    assert config.shards == replace(config, epochs=3).shards
    assert config.shards != replace(config, seed=9).shards


def test_a_close_up_of_a_private_place_says_little(config: TrainConfig) -> None:
    made = make(replace(config, close_up=1.0), ("bathroom_home",))
    for draw in map(made.draw, range(10)):
        assert draw.zones[0] == pytest.approx(0.5)
        assert draw.place == -1
        assert set(draw.zone_map.ravel()) == {-1.0}


def test_a_close_up_of_a_permitted_place_is_permitted(config: TrainConfig) -> None:
    made = make(replace(config, close_up=1.0), ("permitted:corridor",))
    for draw in map(made.draw, range(10)):
        assert draw.zones[0] == 1
        assert set(draw.zone_map.ravel()) == {0.0}


def test_a_picture_of_no_room_is_permitted(config: TrainConfig) -> None:
    things = [np.random.default_rng(1).integers(0, 256, (50, 70, 3), np.uint8)]
    made = replace(make(replace(config, elsewhere=1.0), ("dormitory",)), others=things)
    for draw in map(made.draw, range(10)):
        assert draw.zones[0] == 1
        assert draw.place == -1


def test_a_net_may_see_less_than_the_model_that_it_learns_from(config: TrainConfig) -> None:
    prefix = constant(config.out / "prefix.onnx", SIZE, {"features": (3, 2, 4, 6), "still": (3, 0)})
    elder = constant(config.out / "elder.onnx", (96, 128), {"zones": (3, 4), "places": (3, 5)})
    config = replace(config, drawn=(96, 128), distils=elder, draws=3, workers=1)
    maker = make(config)
    assert maker.draw(0).image.shape == (96, 128, 3)
    write_shard(maker, Frozen(prefix, distilled=elder), config.out / "shard", 0)
    shard = read_shard(config.out / "shard")
    assert shard.told_zones.shape == (3, 4)
    assert shard.told_places.shape == (3, 5)
    assert shard.zone_map.shape == (3, SIZE[0] // 16, SIZE[1] // 16)


def test_without_such_a_model_nothing_is_told(config: TrainConfig) -> None:
    prefix = constant(config.out / "prefix.onnx", SIZE, {"features": (3, 2, 4, 6), "still": (3, 0)})
    config = replace(config, draws=3, workers=1)
    write_shard(make(config), Frozen(prefix), config.out / "shard", 0)
    assert read_shard(config.out / "shard").told_zones.shape == (3, 0)
