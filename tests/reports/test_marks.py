import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.errors import FrameError
from privacy.reports.marks import FOUND, hide, mark, whose

Picture = NDArray[np.uint8]
SECRET = b"s" * 32
RECIPIENTS = [f"users/{n}" for n in range(100)]


def textured() -> Picture:
    noise = np.random.default_rng(4).normal(128, 40, (240, 320, 3))
    return np.asarray(np.clip(cv2.GaussianBlur(noise, (0, 0), 3), 0, 255), np.uint8)


BLACK = np.zeros((240, 320, 3), np.uint8)
PICTURES = pytest.mark.parametrize("picture", [BLACK, textured()], ids=["a solid mask", "a picture"])


def jpeg(picture: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


@PICTURES
@pytest.mark.parametrize("quality", [95, 75])
def test_whose_copy_it_is_is_found_through_compression(picture: Picture, quality: int) -> None:
    scores = whose(jpeg(mark(picture, "users/7", SECRET), quality), RECIPIENTS, SECRET)

    assert [one for one, score in scores.items() if score >= FOUND] == ["users/7"]


@PICTURES
def test_an_unmarked_picture_is_nobodys(picture: Picture) -> None:
    assert max(whose(picture, RECIPIENTS, SECRET).values()) < FOUND


def test_without_the_secret_nothing_is_found() -> None:
    assert max(whose(mark(BLACK, "users/7", SECRET), RECIPIENTS, b"other").values()) < FOUND


def test_a_hidden_mark_is_hardly_seen() -> None:
    picture = textured()

    assert np.abs(hide(picture, "users/7", SECRET).astype(int) - picture).mean() < 3


def test_a_visible_mark_is_seen_and_the_picture_is_not_modified() -> None:
    picture = BLACK.copy()
    marked = mark(picture, "广州市公安局", SECRET)

    assert not picture.any()
    assert marked[-20:].max() > 150


def test_what_is_too_small_to_mark_is_refused() -> None:
    with pytest.raises(FrameError):
        mark(np.zeros((8, 8, 3), np.uint8), "x", SECRET)
