"""What a recorder does to light."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rooms import sensor
from rooms.plan import furnish
from rooms.scene import BEHIND, HERE, PERSON
from rooms.sensor import Recorder
from rooms.stills import boxes, picture, region

PLAIN = Recorder(edge=0, grain=0, vignette=0, text=0)


def light(level: float = 1.0) -> NDArray[np.float32]:
    ramp = np.linspace(0.1, 2.0, 64, dtype=np.float32)[None, :, None]
    return np.repeat(np.repeat(ramp, 48, 0), 3, 2) * np.float32(level)


@pytest.mark.parametrize("level", [1e-3, 1e3])
def test_exposure_follows_the_light(level: float) -> None:
    bright, dark = sensor.expose(light(level), PLAIN), sensor.expose(light(), PLAIN)
    assert np.abs(bright.astype(int) - dark).max() <= 3


def test_more_light_is_never_darker() -> None:
    assert (np.diff(sensor.expose(light(), PLAIN)[0, :, 1].astype(int)) >= 0).all()


def test_no_light_is_a_picture_all_the_same() -> None:
    black = sensor.expose(np.zeros((8, 8, 3), np.float32), PLAIN)
    assert black.shape == (8, 8, 3)
    assert black.max() < 16


def test_night_has_no_colour() -> None:
    red = light() * np.array([1, 0.2, 0.2], np.float32)
    night = sensor.develop(red, PLAIN, np.random.default_rng(0), night=1.0)
    assert np.ptp(night.astype(int), axis=2).max() <= 1


def test_the_same_chance_gives_the_same_picture() -> None:
    grainy = replace(PLAIN, grain=4.0, dirt=0.5)
    first, second = (sensor.develop(light(), grainy, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, second)


def test_text_changes_pixels_at_the_rim_alone() -> None:
    image = sensor.expose(np.full((240, 320, 3), 1, np.float32), PLAIN)
    changed = (sensor.caption(image, replace(PLAIN, text=0.5), 1) != image).any(2)
    assert changed.any()
    assert not changed[40:200].any()


def test_the_clock_goes_on() -> None:
    image, texted = sensor.expose(light(), PLAIN), replace(PLAIN, text=0.5)
    first, later = (sensor.caption(image, texted, 1, seconds=seconds) for seconds in (0, 5))
    assert not np.array_equal(first, later)


def test_a_starved_encoder_loses_more() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 2).astype(np.uint8)
    good, bad = (np.abs(sensor.recorded(image, crf).astype(int) - image).mean() for crf in (18, 40))
    assert good < bad


def test_woven_fields_take_turns() -> None:
    even, odd = np.zeros((4, 2, 3), np.uint8), np.ones((4, 2, 3), np.uint8)
    assert sensor.weave(even, odd)[:, 0, 0].tolist() == [0, 1, 0, 1]


def test_a_still_is_developed_alike_each_time() -> None:
    still = furnish(7, 0).stills[0]
    seen = np.abs(np.random.default_rng(1).standard_normal((*still.shot.size, 3))).astype(np.float32)
    assert np.array_equal(picture(still, seen), picture(still, seen))


LABELS = np.array([[0, HERE, BEHIND, BEHIND], [HERE, HERE, BEHIND, HERE]], np.int32)


def test_behind_the_door_is_the_region_of_a_permitted_place() -> None:
    assert region(LABELS, "permitted").tolist() == [[False, False, True, True], [False, False, True, False]]


def test_a_private_place_is_private_wherever_it_is_seen() -> None:
    assert region(LABELS, "washroom").tolist() == [[False, True, True, True], [True, True, True, True]]


def test_a_box_holds_the_person_and_no_more() -> None:
    labels = np.zeros((20, 30), np.int32)
    labels[4:10, 7:12] = PERSON
    labels[0, 0] = PERSON + 1  # too small to be seen
    assert boxes(labels) == [(7, 4, 12, 10)]
