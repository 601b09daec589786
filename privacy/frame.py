"""One picture of a camera, in the layout it came in."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import FrameError

Plane = NDArray[np.uint8]

MAX_PIXELS = 16384 * 8192
"""Largest frame that is accepted, in luma pixels. Checked before anything is allocated for it."""


class Layout(StrEnum):
    """How a frame's bytes are arranged; 8 bits a sample, rows from the top."""

    I420 = "i420"
    """Planar 4:2:0: Y `(H, W)`, U and V `(ceil(H/2), ceil(W/2))`."""
    NV12 = "nv12"
    """Semi-planar 4:2:0: Y `(H, W)`, UV `(ceil(H/2), ceil(W/2), 2)`."""
    BGR = "bgr"
    """Packed `(H, W, 3)`, OpenCV order."""
    RGB = "rgb"
    """Packed `(H, W, 3)`."""
    GRAY = "gray"
    """Luma only `(H, W)`."""


@lru_cache(maxsize=256)
def plane_shapes(layout: Layout, height: int, width: int) -> tuple[tuple[int, ...], ...]:
    """Return the shape of every plane of a `(height, width)` frame."""
    half = ((height + 1) // 2, (width + 1) // 2)
    return {
        Layout.I420: ((height, width), half, half),
        Layout.NV12: ((height, width), (*half, 2)),
        Layout.BGR: ((height, width, 3),),
        Layout.RGB: ((height, width, 3),),
        Layout.GRAY: ((height, width),),
    }[layout]


def check_size(height: int, width: int) -> None:
    """Refuse a size before memory is spent on it.

    Raises:
        FrameError: A side is not positive, or there are more than `MAX_PIXELS` pixels.
    """
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise FrameError(
            f"a frame of {width}x{height} is outside 1x1 to {MAX_PIXELS} pixels", width=width, height=height
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture and the moment it shows. Nobody writes into its planes.

    Attributes:
        planes: uint8 arrays with the shapes of `plane_shapes(layout, height, width)`; views are welcome.
        layout: How the planes are arranged.
        offset: Capture time in seconds from the start of the source.
        sequence: Position in the source, from 0.
        full_range: True if luma spans [0, 255] (JPEG, RGB), False for [16, 235] (video). ITU-R BT.601 / BT.709.
        bt709: True if chroma follows BT.709 (HD video), False for BT.601.
        damaged: True if the decoder could not read all of it; its content is a guess.
        source_size: `(height, width)` of the picture as it came, if it was decoded at a smaller scale.

    Raises:
        FrameError: Planes, dtype or size do not fit the layout.
    """

    planes: tuple[Plane, ...]
    layout: Layout
    offset: float
    sequence: int = 0
    full_range: bool = False
    bt709: bool = False
    damaged: bool = False
    source_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self.planes or self.planes[0].ndim not in (2, 3):
            raise FrameError("a frame needs at least one plane of rows and columns", layout=self.layout)
        height, width = self.size
        check_size(height, width)
        want = plane_shapes(self.layout, height, width)
        got = tuple(plane.shape for plane in self.planes)
        if got != want or any(plane.dtype != np.uint8 for plane in self.planes):
            raise FrameError(
                f"{self.layout} planes of {width}x{height} must be uint8 {want}, got {got}", layout=self.layout
            )

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` in luma pixels."""
        height, width = self.planes[0].shape[:2]
        return int(height), int(width)

    @property
    def nbytes(self) -> int:
        """Memory of the planes."""
        return sum(plane.nbytes for plane in self.planes)

    def with_planes(self, planes: tuple[Plane, ...]) -> "Frame":
        """Return the same moment with other pixels."""
        return replace(self, planes=planes)


# Rows give R, G, B from (Y, U - 128, V - 128); ITU-R BT.601-7 and BT.709-6, luma already at full scale.
_BT601 = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)
_BT709 = np.array([[1, 0, 1.5748], [1, -0.187324, -0.468124], [1, 1.8556, 0]], np.float32)


def thumbnail(frame: Frame, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the whole picture, resized to `size`, as a model sees it.

    Every plane is shrunk before colours are converted: converting a 1080p frame first costs ten times as much and
    gives the same small picture.

    Args:
        frame: Any layout.
        size: `(height, width)` of the result; the aspect ratio is not kept, so that no border is lost.

    Returns:
        `(height, width, 3)` uint8 RGB, newly allocated.
    """
    small = [_resize(plane, size) for plane in frame.planes]
    match frame.layout:
        case Layout.RGB:
            return small[0]
        case Layout.BGR:
            return np.ascontiguousarray(small[0][..., ::-1])
        case Layout.GRAY:
            grey = np.full(size, 128, np.uint8)
            yuv = cv2.merge([small[0], grey, grey])
        case Layout.NV12 | Layout.I420:
            yuv = cv2.merge(small)
    # Float arrays would take six times as long, and with a detector's pictures longer than some detectors.
    return np.asarray(cv2.transform(yuv, rgb_of(frame)), np.uint8)


def rgb_of(frame: Frame) -> NDArray[np.float32]:
    """Return `(3, 4)`, what gives R, G, B of (Y, U, V, 1) as they are stored."""
    scale, zero = (np.ones(3), 0) if frame.full_range else (np.array([255 / 219, 255 / 224, 255 / 224]), 16)
    matrix = (_BT709 if frame.bt709 else _BT601) * scale
    return np.hstack([matrix, -matrix @ np.array([[zero], [128], [128]])]).astype(np.float32)


def _resize(plane: Plane, size: tuple[int, int]) -> Plane:
    height, width = size
    # Halving is exact area averaging and runs in vector registers; OpenCV's filter for any other factor does not, and
    # takes ten times as long from 1080p.
    while (
        plane.shape[0] >= 2 * height and plane.shape[1] >= 2 * width and plane.shape[0] % 2 == plane.shape[1] % 2 == 0
    ):
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA), np.uint8)
    shrinking = plane.shape[0] >= height and plane.shape[1] >= width
    # Area averaging is the only filter that lets no detail alias when shrinking; it degenerates when growing.
    how = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, (width, height), interpolation=how), np.uint8)
