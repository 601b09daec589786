import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.errors import FrameError
from privacy.frame import MAX_PIXELS, Frame, Layout, check_size, plane_shapes, thumbnail

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40)]


def in_layout(rgb: np.ndarray, layout: Layout) -> Frame:
    """The same even-sized RGB picture in any layout; OpenCV's conversions are video range BT.601."""
    yuv = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    height, width = rgb.shape[:2]
    luma = yuv[:height]
    u, v = yuv[height:].reshape(2, height // 2, width // 2)
    planes = {
        Layout.RGB: (rgb,),
        Layout.BGR: (np.ascontiguousarray(rgb[..., ::-1]),),
        Layout.GRAY: (luma,),
        Layout.I420: (luma, u, v),
        Layout.NV12: (luma, np.stack([u, v], axis=-1)),
    }[layout]
    return Frame(planes, layout, 0.0)


@pytest.mark.parametrize("layout", [Layout.RGB, Layout.BGR, Layout.I420, Layout.NV12])
@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_a_thumbnail_keeps_colours_in_every_layout(layout: Layout, colour: tuple[int, int, int]) -> None:
    picture = np.full((64, 96, 3), colour, np.uint8)

    seen = thumbnail(in_layout(picture, layout), (16, 16))

    assert np.abs(seen.astype(int) - colour).max() <= 3


@pytest.mark.parametrize("size", [(1080, 1920), (720, 1280), (359, 641), (1200, 100)], ids=str)
def test_a_thumbnail_is_the_mean_of_each_area(size: tuple[int, int]) -> None:
    """Whichever way it is computed: as OpenCV's own area filter, within the rounding of a few steps."""
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)

    seen = thumbnail(Frame((noise,), Layout.RGB, 0.0, full_range=True), (96, 128))
    mean = cv2.resize(noise, (128, 96), interpolation=cv2.INTER_AREA if size[1] > 128 else cv2.INTER_LINEAR)

    assert np.abs(seen.astype(int) - mean).mean() < 4


@given(st.sampled_from(list(Layout)), st.integers(1, 40), st.integers(1, 40), st.integers(1, 33), st.integers(1, 33))
def test_a_thumbnail_has_the_size_asked_for(layout: Layout, height: int, width: int, rows: int, columns: int) -> None:
    planes = tuple(np.zeros(shape, np.uint8) for shape in plane_shapes(layout, height, width))

    seen = thumbnail(Frame(planes, layout, 0.0), (rows, columns))

    assert seen.shape == (rows, columns, 3)
    assert seen.dtype == np.uint8


@pytest.mark.parametrize(
    ("planes", "layout"),
    [
        pytest.param((), Layout.GRAY, id="no planes"),
        pytest.param((np.zeros(4, np.uint8),), Layout.GRAY, id="one row of bytes"),
        pytest.param((np.zeros((4, 4), np.uint8),), Layout.RGB, id="no channels"),
        pytest.param((np.zeros((4, 4), np.float32),), Layout.GRAY, id="floats"),
        pytest.param((np.zeros((0, 4), np.uint8),), Layout.GRAY, id="no rows"),
        pytest.param(tuple(np.zeros(s, np.uint8) for s in ((5, 5), (2, 2), (2, 2))), Layout.I420, id="chroma cut off"),
    ],
)
def test_planes_that_do_not_fit_are_refused(planes: tuple[np.ndarray, ...], layout: Layout) -> None:
    with pytest.raises(FrameError):
        Frame(planes, layout, 0.0)


def test_a_size_is_refused_before_memory_is_spent() -> None:
    with pytest.raises(FrameError):
        check_size(MAX_PIXELS, 2)
