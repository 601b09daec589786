"""Whether boxes are found again in another picture, and whether it is said when they are not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.flow import LONGEST, STEP_S, Flow
from privacy.frame import Frame, Layout

SIZE = (180, 320)
BOX = np.array([[0.4, 0.4, 0.5, 0.6]])


def scene(seed: int = 0, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Blobs as large as a small face."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 235, (size[0] // 6 + 2, size[1] // 6 + 2), np.uint8)
    return np.kron(coarse, np.ones((6, 6), np.uint8))[: size[0], : size[1]]


def grey(luma: NDArray[np.uint8], offset: float) -> Frame:
    return Frame((luma,), Layout.GRAY, offset, full_range=True)


def jumped() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Somebody who is elsewhere at once, before a background that stays."""
    before, person = scene(), scene(3)[:40, :40]
    after = before.copy()
    before[70:110, 124:164], after[70:110, 264:304] = person, person
    return before, after


def flow(*pictures: NDArray[np.uint8]) -> Flow:
    found = Flow()
    for number, picture in enumerate(pictures):
        found.add(grey(picture, float(number)))
    return found


@pytest.mark.parametrize("step", [(0, 0), (6, 0), (-9, 4), (14, -14)])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_box_is_found_where_its_pixels_went(step: tuple[int, int], backwards: bool) -> None:
    picture = scene()
    moved = np.roll(picture, step[::-1], axis=(0, 1))
    pictures = (moved, picture) if backwards else (picture, moved)
    boxes, known = flow(*pictures).carry(BOX, *((1.0, 0.0) if backwards else (0.0, 1.0)))
    want = BOX + np.tile(np.array(step) / SIZE[::-1], 2)

    assert known.tolist() == [True]
    assert np.abs(boxes - want).max() < 0.5 / SIZE[0]


def test_each_box_goes_its_own_way() -> None:
    """Who walks in front of a still background is followed, and so is the background."""
    before = scene()
    after = before.copy()
    after[72:108, 134:166] = before[72:108, 128:160]
    boxes, known = flow(before, after).carry(np.vstack([BOX, [[0.1, 0.1, 0.2, 0.3]]]), 0.0, 1.0)

    assert known.tolist() == [True, True]
    assert np.abs((boxes[:, 0] - [0.4, 0.1]) * SIZE[1] - [6, 0]).max() < 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(scene(1), scene(2), id="another scene"),
        pytest.param(np.full(SIZE, 90, np.uint8), np.full(SIZE, 90, np.uint8), id="nothing to see"),
        pytest.param(*np.random.default_rng(0).integers(0, 256, (2, *SIZE), np.uint8), id="noise"),
        pytest.param(*jumped(), id="too far"),
        pytest.param(scene(), np.full(SIZE, 0, np.uint8), id="lights out"),
    ],
)
def test_what_is_not_found_again_is_said_to_be_lost(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
    boxes, known = flow(before, after).carry(BOX, 0.0, 1.0)

    assert known.tolist() == [False]
    assert np.isfinite(boxes).all()


def test_who_leaves_the_picture_is_lost() -> None:
    before = scene()
    after = before.copy()
    after[64:116, :24] = scene(5)[64:116, :24]  # what was behind
    _, known = flow(before, after).carry(np.array([[0.0, 0.4, 0.04, 0.6]]), 0.0, 1.0)

    assert known.tolist() == [False]


@pytest.mark.parametrize("step", [(-24, 0), (24, 0), (0, 16), (0, -16)])
def test_what_a_turn_of_the_camera_cuts_goes_with_it(step: tuple[int, int]) -> None:
    """Forwards it leaves; backwards it is where it came from, although nothing of it can be seen there."""
    strip = scene(size=(SIZE[0] + 48, SIZE[1] + 96))
    pictures = [strip[24 - dy : 24 - dy + SIZE[0], 48 - dx : 48 - dx + SIZE[1]] for dx, dy in ((0, 0), step)]
    edge = np.array([[0.0, 0.4, 0.06, 0.6], [0.94, 0.4, 1.0, 0.6], [0.4, 0.0, 0.5, 0.08], [0.4, 0.92, 0.5, 1.0]])
    boxes, known = flow(*pictures).carry(edge, 0.0, 1.0)

    assert known.all()
    assert np.abs((boxes - edge)[:, :2] * SIZE[::-1] - step).max() < 1.5


def test_who_goes_another_way_than_the_camera_does_not_go_with_it() -> None:
    """Half beyond the edge, still while everything else moves: followed where the pixels are, or not at all."""
    strip = scene(size=(SIZE[0], SIZE[1] + 48))
    before, after = strip[:, :-48].copy(), strip[:, 24:-24].copy()
    after[60:120, :40] = before[60:120, :40]
    box = np.array([[-0.03, 0.4, 0.09, 0.6]])
    boxes, known = flow(before, after).carry(box, 0.0, 1.0)

    assert not known[0] or np.abs((boxes - box) * SIZE[1]).max() < 1.5


@pytest.mark.parametrize("count", [0, 1, 256])
def test_any_number_of_boxes_is_followed(count: int) -> None:
    boxes, known = flow(scene(), scene()).carry(np.repeat(BOX, count, axis=0), 0.0, 1.0)

    assert boxes.shape == (count, 4)
    assert known.tolist() == [True] * count


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (15, 15), (17, 33), (721, 1281)])
def test_any_size_of_picture_does(size: tuple[int, int]) -> None:
    picture = scene(size=size)
    boxes, known = flow(picture, picture).carry(BOX, 0.0, 1.0)

    assert boxes.shape == (1, 4)
    assert known.dtype == np.bool_


def test_large_pictures_are_kept_small() -> None:
    found = Flow()
    found.add(grey(np.zeros((4320, 7680), np.uint8), 0.0))

    assert max(found._pictures[0].shape) <= LONGEST  # its memory is the claim


def test_pictures_that_follow_at_once_are_not_kept_unless_asked() -> None:
    found = Flow()
    kept = [
        found.add(grey(scene(), offset), at_once=at_once)
        for offset, at_once in ((0.0, False), (STEP_S / 2, False), (STEP_S / 2, True), (STEP_S / 2, True), (1.0, False))
    ]

    assert kept == [True, False, True, False, True]
    assert found.offsets == (0.0, STEP_S / 2, 1.0)


@pytest.mark.parametrize(
    ("picture", "offset"),
    [pytest.param(scene(), -1.0, id="earlier"), pytest.param(scene(size=(90, 160)), 1.0, id="of another size")],
)
def test_a_picture_that_does_not_follow_starts_anew(picture: NDArray[np.uint8], offset: float) -> None:
    found = flow(scene())
    found.add(grey(picture, offset))

    assert found.offsets == (offset,)


def test_what_is_no_longer_needed_is_forgotten() -> None:
    found = flow(*[scene()] * 5)
    found.forget(2.5)

    assert found.offsets == (2.0, 3.0, 4.0)


@pytest.mark.parametrize("layout", [Layout.BGR, Layout.I420])
def test_every_layout_has_a_luma(layout: Layout) -> None:
    luma = scene()
    planes = {
        Layout.BGR: (np.repeat(luma[..., None], 3, axis=2),),
        Layout.I420: (luma, *np.full((2, 90, 160), 128, np.uint8)),
    }[layout]
    found = Flow()
    found.add(Frame(planes, layout, 0.0))
    found.add(Frame(tuple(np.roll(plane, 6, axis=1) for plane in planes), layout, 1.0))
    boxes, known = found.carry(BOX, 0.0, 1.0)

    assert known.tolist() == [True]
    assert abs((boxes[0, 0] - BOX[0, 0]) * SIZE[1] - 6) < 1
