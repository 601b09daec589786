"""What is kept of a picture besides the picture: its light, from which it is developed again without a renderer."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rooms import plan, stills
from rooms.places import PLACES
from rooms.scene import HERE, PERSON, Camera, Scene, Seen, Shot

NUMBER = [place.name for place in PLACES].index("elevator")


def seen(size: tuple[int, int], seed: int = 0, label: int = HERE) -> Seen:
    light = np.abs(np.random.default_rng(seed).standard_normal((*size, 3))).astype(np.float32)
    return Seen(light, np.full(size, label, np.int32))


class Lantern:
    """Stands in for the renderer: every shot is another grey noise."""

    def __init__(self) -> None:
        self.shots: list[Shot] = []

    def render(self, scene: Scene, shots: list[Shot]) -> list[Seen]:
        del scene
        self.shots += shots
        return [seen(shot.size, index) for index, shot in enumerate(shots)]


def take(folder: Path, height: int = 48) -> tuple[Lantern, list[dict[str, str]]]:
    lantern = Lantern()
    return lantern, stills.take(lantern, 7, NUMBER, folder, height=height)  # type: ignore[arg-type]


def test_a_picture_is_developed_again_from_its_light_alike(tmp_path: Path) -> None:
    _, rows = take(tmp_path)
    for row in rows:
        (tmp_path / row["file"]).unlink()
    assert stills.develop(7, NUMBER, tmp_path) == rows
    for row in rows:
        assert hashlib.sha256((tmp_path / row["file"]).read_bytes()).hexdigest() == row["sha256"]


def test_light_that_is_gone_is_an_error(tmp_path: Path) -> None:
    take(tmp_path)
    for path in (tmp_path / ".light").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        stills.develop(7, NUMBER, tmp_path)


def test_pictures_are_as_high_as_was_asked_and_keep_their_shape(tmp_path: Path) -> None:
    lantern, rows = take(tmp_path)
    planned = [still.shot.size for still in plan.furnish(7, NUMBER).stills]
    assert {row["height_px"] for row in rows} == {"48"}
    assert [int(row["width_px"]) / 48 for row in rows] == pytest.approx([w / h for h, w in planned], abs=0.05)
    assert all(shot.size[1] % 2 == 0 for shot in lantern.shots)


def test_what_was_planned_is_taken_if_no_height_is_asked() -> None:
    shot = Shot(Camera((0, 0, 2), 0, 10), size=(240, 320))
    assert stills.resized(shot, 0) == shot
    assert stills.resized(shot, 192) == replace(shot, size=(192, 256))


def test_light_is_kept_to_a_thousandth(tmp_path: Path) -> None:
    fields = [seen((8, 6), 1), seen((8, 6), 2, PERSON)]
    stills.keep(tmp_path / "kept.npz", fields)
    for before, after in zip(fields, stills.recall(tmp_path / "kept.npz"), strict=True):
        assert after.light == pytest.approx(before.light, rel=1e-3, abs=1e-4)
        assert np.array_equal(after.labels, before.labels)


def test_light_brighter_than_half_precision_stays_finite(tmp_path: Path) -> None:
    sun = replace(seen((2, 2)), light=np.full((2, 2, 3), 1e6, np.float32))
    stills.keep(tmp_path / "kept.npz", [sun])
    assert np.isfinite(stills.recall(tmp_path / "kept.npz")[0].light).all()


def test_labels_are_woven_as_the_light_is() -> None:
    even, odd = seen((4, 2), 1), seen((4, 2), 2, PERSON)
    both = stills.woven([even, odd])
    assert both.labels[:, 0].tolist() == [HERE, PERSON, HERE, PERSON]
    assert np.array_equal(both.light[0], even.light[0])
    assert np.array_equal(both.light[1], odd.light[1])


def test_one_field_is_a_whole_picture() -> None:
    alone = seen((4, 2))
    assert np.array_equal(stills.woven([alone]).light, alone.light)


def test_an_interlaced_still_says_that_it_has_two_fields(tmp_path: Path) -> None:
    lantern, rows = take(tmp_path)
    planned = [2 if still.later else 1 for still in plan.furnish(7, NUMBER).stills]
    assert [int(row["fields"]) for row in rows] == planned
    assert len(lantern.shots) == sum(planned)
