"""A turned, zoomed or moved camera is found; another light, a person and a breath of wind are not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.cameras.view import Fingerprint, compare, fingerprint, registrable
from privacy.errors import ViewError
from privacy.events import ViewChange
from privacy.frame import Frame, Layout

Picture = NDArray[np.uint8]
SIZE = (270, 480)


def scene(seed: int = 1) -> Picture:
    """A wall of boxes and letters, twice as wide and high as what a camera sees of it."""
    rng = np.random.default_rng(seed)
    wall = np.full((SIZE[0] * 2, SIZE[1] * 2), 128, np.uint8)
    for _ in range(160):
        x, y, w, h = (int(rng.integers(low, high)) for low, high in ((0, 960), (0, 540), (8, 120), (8, 90)))
        cv2.rectangle(wall, (x, y), (x + w, y + h), int(rng.integers(0, 256)), -1)
        cv2.putText(
            wall, chr(int(rng.integers(65, 91))), (x, y + h), cv2.FONT_HERSHEY_DUPLEX, 1.2, int(rng.integers(256))
        )
    return np.asarray(cv2.GaussianBlur(wall, (0, 0), 1.0), np.uint8)


def seen(wall: Picture, *, right: float = 0.0, zoom: float = 1.0, roll: float = 0.0) -> Picture:
    """What a camera before the middle of the wall sees of it; `right` in widths of its picture."""
    rows, columns = SIZE
    turn = cv2.getRotationMatrix2D((columns, rows), roll, zoom)
    turn[:, 2] -= np.array([columns / 2 + right * columns * zoom, rows / 2])
    return np.asarray(cv2.warpAffine(wall, turn, (columns, rows)), np.uint8)


def taken(picture: Picture) -> Fingerprint:
    return fingerprint([Frame((picture,), Layout.GRAY, 0.0, full_range=True)])


def night(picture: Picture) -> Picture:
    noise = np.random.default_rng(3).normal(0, 4, picture.shape)
    return np.asarray(np.clip(picture.astype(float) * 0.35 + noise, 0, 255), np.uint8)


def compressed(picture: Picture) -> Picture:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 15])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def with_person(picture: Picture) -> Picture:
    return np.asarray(cv2.rectangle(picture.copy(), (200, 60), (280, 269), 20, -1), np.uint8)


WALL = scene()
HERE = taken(seen(WALL))


@pytest.mark.parametrize("disturb", [night, compressed, with_person], ids=lambda function: function.__name__)
def test_another_light_compression_and_people_are_no_change(disturb: Callable[[Picture], Picture]) -> None:
    comparison = compare(HERE, taken(disturb(seen(WALL))))

    assert (comparison.change, comparison.known) == (None, True)


def test_small_vibration_is_no_change() -> None:
    assert compare(HERE, taken(seen(WALL, right=0.008, roll=0.5))).change is None


@pytest.mark.parametrize(
    ("change", "pose"),
    [
        pytest.param(ViewChange.TURNED, {"right": 0.12}, id="turned right"),
        pytest.param(ViewChange.TURNED, {"right": -0.3}, id="turned left, far"),
        pytest.param(ViewChange.TURNED, {"roll": 8.0}, id="tilted"),
        pytest.param(ViewChange.ZOOMED, {"zoom": 1.5}, id="zoomed in"),
        pytest.param(ViewChange.ZOOMED, {"zoom": 0.7}, id="zoomed out"),
    ],
)
def test_a_changed_view_is_found_through_night_and_compression(change: ViewChange, pose: dict[str, float]) -> None:
    assert compare(HERE, taken(compressed(seen(WALL, **pose)))).change is change


def test_how_far_and_how_near() -> None:
    comparison = compare(HERE, taken(seen(WALL, right=0.2)))
    zoomed = compare(HERE, taken(seen(WALL, zoom=1.5)))

    assert comparison.shift == pytest.approx(0.2, abs=0.01)
    assert zoomed.zoom == pytest.approx(1.5, abs=0.05)


def test_another_place_is_another_view() -> None:
    assert compare(HERE, taken(seen(scene(2)))).change is ViewChange.MOVED


def test_what_a_camera_writes_over_its_picture_holds_no_view() -> None:
    """The time and its name stand where they stood, wherever it looks."""

    def written(picture: Picture) -> Picture:
        over = picture.copy()
        for row in (20, SIZE[0] - 8):
            cv2.putText(over, "2026-03-12 12:00:00  GATE 4", (8, row), cv2.FONT_HERSHEY_DUPLEX, 0.8, 255)
        return over

    assert compare(taken(written(seen(WALL))), taken(written(seen(scene(2))))).change is ViewChange.MOVED


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_covered_lens_is_not_known_and_accuses_nobody(level: int) -> None:
    comparison = compare(HERE, taken(np.full(SIZE, level, np.uint8)))

    assert (comparison.change, comparison.known) == (None, False)


def test_a_bare_wall_cannot_be_registered_and_a_full_one_can() -> None:
    bare = taken(np.full(SIZE, 100, np.uint8))

    assert registrable(HERE, taken(night(seen(WALL))))
    assert not registrable(bare, bare)


def test_who_walks_through_is_in_none_of_most_frames() -> None:
    frames = [Frame((seen(WALL),), Layout.GRAY, 0.0, full_range=True)] * 3
    passing = Frame((with_person(seen(WALL)),), Layout.GRAY, 0.0, full_range=True)

    assert fingerprint([*frames, passing, passing]).to_bytes() == HERE.to_bytes()


def test_a_fingerprint_survives_being_written_down_and_holds_no_picture() -> None:
    data = HERE.to_bytes()

    assert Fingerprint.from_bytes(data).to_bytes() == data
    assert len(data) < 12_000 < seen(WALL).nbytes / 10


@pytest.mark.parametrize(
    "data", [b"", b"PVF2", HERE.to_bytes()[:-1], b"x" + HERE.to_bytes()[1:], HERE.to_bytes() + b"x"]
)
def test_what_is_no_fingerprint_is_refused(data: bytes) -> None:
    with pytest.raises(ViewError):
        Fingerprint.from_bytes(data)


def test_no_frames_have_no_fingerprint() -> None:
    with pytest.raises(ViewError):
        fingerprint([])
