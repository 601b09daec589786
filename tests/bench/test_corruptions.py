"""The corruptions are frozen: what they do to one picture is written down here, and may not change within a version."""

import numpy as np
import pytest

from privacy.bench.corruptions import KINDS, SEVERITIES, Image, corrupt
from privacy.errors import InputError

FROZEN = {
    "low_light": [52.6, 81.2, 97.7],
    "infrared": [28.7, 49.7, 74.6],
    "backlight": [31.6, 47.9, 61.9],
    "defocus": [2.4, 3.6, 4.8],
    "low_resolution": [1.6, 2.1, 2.9],
    "jpeg": [2.7, 4.2, 8.8],
    "h264": [2.5, 3.7, 4.2],
    "fisheye": [36.2, 51.2, 63.2],
    "tilt": [7.7, 12.3, 17.8],
    "dirty_dome": [15.7, 25.0, 34.0],
}
"""Mean distance from the picture in levels, at severities 1 to 3: protocol v1."""


def picture(size: tuple[int, int] = (240, 320)) -> Image:
    """A room of sorts: a bright window, a dark door, a striped floor."""
    image = np.full((*size, 3), (140, 130, 120), np.uint8)
    image[: size[0] // 3, : size[1] // 3] = (250, 250, 235)
    image[size[0] // 4 : -10, -size[1] // 4 : -5] = (60, 40, 30)
    image[-size[0] // 4 :, ::8] = (90, 100, 110)
    return image


def damage(image: Image, kind: str, severity: int) -> float:
    """Mean distance from the picture, in levels."""
    return float(np.abs(corrupt(image, kind, severity, name="a").astype(int) - image).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_picture_is_always_damaged_the_same_way(kind: str) -> None:
    image = picture()
    before = image.copy()
    image.flags.writeable = False

    one, two = (corrupt(image, kind, 2, name="a") for _ in range(2))

    assert np.array_equal(one, two)
    assert np.array_equal(image, before)
    assert one.shape == image.shape
    assert one.dtype == np.uint8


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_severity_is_worse(kind: str) -> None:
    found = [damage(picture(), kind, severity) for severity in SEVERITIES]

    assert found == sorted(found)
    assert found[0] > 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_what_they_do_is_frozen(kind: str) -> None:
    """Half a level of slack: encoders and OpenCV round differently from release to release."""
    assert [damage(picture(), kind, severity) for severity in SEVERITIES] == pytest.approx(FROZEN[kind], abs=0.5)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (33, 47), (600, 20)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_any_size_stay_that_size(kind: str, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 128, np.uint8)

    assert corrupt(image, kind, 3, name="a").shape == image.shape


def test_chance_comes_from_the_name_of_the_picture() -> None:
    assert not np.array_equal(
        corrupt(picture(), "backlight", 2, name="a"), corrupt(picture(), "backlight", 2, name="b")
    )


@pytest.mark.parametrize(("kind", "severity"), [("rain", 1), ("jpeg", 0), ("jpeg", 4)])
def test_what_there_is_not_is_refused(kind: str, severity: int) -> None:
    with pytest.raises(InputError, match="no corruption"):
        corrupt(picture(), kind, severity, name="a")
