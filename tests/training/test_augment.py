from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.training import augment
from privacy.training.augment import OPS, Op

SIZE = (96, 128)


def room(seed: int = 3) -> NDArray[np.uint8]:
    """A picture with edges, colour and gradients."""
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    cv2.rectangle(image, (30, 20), (70, 80), (200, 30, 60), -1)
    return np.asarray(image, np.uint8)


every_op = pytest.mark.parametrize("op", OPS.values(), ids=OPS.keys())


@every_op
def test_strength_zero_changes_nothing(op: Op) -> None:
    image = room()
    assert np.array_equal(image, op(image, np.random.default_rng(0), 0.0))


@every_op
@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_gives_a_picture_and_leaves_its_argument_alone(op: Op, strength: float) -> None:
    image = room()
    before = image.copy()

    out = op(image, np.random.default_rng(1), strength)

    assert out.dtype == np.uint8
    assert out.ndim == 3
    assert out.shape[2] == 3
    assert op is augment.crop or out.shape == image.shape
    assert np.array_equal(before, image)
    assert not np.shares_memory(out, image)


@every_op
def test_equal_seeds_give_equal_pictures(op: Op) -> None:
    one, two = (op(room(), np.random.default_rng(5), 1.0) for _ in range(2))
    assert np.array_equal(one, two)


@every_op
def test_does_something_at_full_strength(op: Op) -> None:
    changed = [op(room(), np.random.default_rng(seed), 1.0) for seed in range(8)]
    assert any(out.shape != room().shape or not np.array_equal(out, room()) for out in changed)


@every_op
@pytest.mark.parametrize("size", [(64, 64), (288, 352), (65, 33)], ids=str)
def test_takes_pictures_of_any_shape(op: Op, size: tuple[int, int]) -> None:
    image = augment.resize(room(), size)
    assert op(image, np.random.default_rng(2), 0.8).size > 0


def test_grey_has_no_colour_left() -> None:
    out = augment.grey(room(), np.random.default_rng(0), 1.0).astype(int)
    assert np.ptp(out, axis=2).max() == 0


def test_infrared_is_grey_but_for_a_shade() -> None:
    out = augment.infrared(room(), np.random.default_rng(0), 1.0).astype(int)
    assert np.ptp(out, axis=2).max() <= 1


def test_low_light_is_darker() -> None:
    assert augment.low_light(room(), np.random.default_rng(0), 1.0).mean() < room().mean()


def test_low_resolution_loses_detail() -> None:
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    assert augment.low_resolution(image, np.random.default_rng(0), 1.0).std() < image.std()


def test_flip_mirrors() -> None:
    outs = [augment.flip(room(), np.random.default_rng(seed), 1.0) for seed in range(12)]
    mirrored = [np.array_equal(out, room()[:, ::-1]) for out in outs]
    assert any(mirrored)
    assert not all(mirrored)


def test_crop_keeps_pixels_of_the_picture() -> None:
    rng = np.random.default_rng(4)
    rows, columns = augment.crop_window(SIZE, rng, 1.0)
    assert np.array_equal(room()[rows, columns], augment.crop(room(), np.random.default_rng(4), 1.0))


def test_open_door_shows_the_other_place_only_behind_the_door() -> None:
    host, behind = np.zeros((*SIZE, 3), np.uint8), np.full((*SIZE, 3), 255, np.uint8)
    for seed in range(10):
        view, cover = augment.open_door(host, behind, np.random.default_rng(seed), 1.0)
        far = cv2.dilate(cover, np.ones((13, 13))) == 0
        assert cover.shape == SIZE
        assert 0 < cover.mean() < 0.8
        assert view[cover > 0.99].mean() > 100
        assert view[far].max() == 0


def test_open_door_at_strength_zero_is_closed() -> None:
    view, cover = augment.open_door(room(1), room(2), np.random.default_rng(0), 0.0)
    assert np.array_equal(room(1), view)
    assert cover.max() == 0


def test_a_cutout_stands_where_its_alpha_says() -> None:
    figure = np.full((40, 20, 4), 255, np.uint8)
    figure[:, :10, 3] = 0
    out = augment.paste_cutout(np.zeros((*SIZE, 3), np.uint8), figure, np.random.default_rng(0), 0.5)
    assert 0 < (out > 0).any(2).mean() < 0.5


@pytest.mark.parametrize("size", [(32, 48), (192, 256)], ids=str)
def test_resize_ignores_aspect(size: tuple[int, int]) -> None:
    assert augment.resize(room(), size).shape == (*size, 3)


def test_a_chain_skips_what_is_never_due() -> None:
    never: Callable[..., NDArray[np.uint8]] = augment.no_picture
    out = augment.chain(room(), (augment.Step(never, 0.0),), np.random.default_rng(0))
    assert np.array_equal(room(), out)
