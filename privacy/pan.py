"""How a camera turned between two pictures, and what the later one shows that the earlier one did not. Pure."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Frame, Layout

LONGEST = 160
"""Cells along the longer side of a picture: one is 12 pixels of 1080p."""
_FEWEST = 8
"""Of fewer cells a side nobody can tell how they moved."""
_STILL = 0.5
"""Mean change in 8-bit levels below which nothing turned; the noise of a good camera."""
CHANGED = 4.0
"""Levels of luma by which cells differ that show something new: a thing as large as one cell with a contrast of 36."""
_BETTER = 0.7
"""A turn leaves no more unexplained than this share of what none leaves: between two scenes any shift is as good."""
_BARELY = 0.5
"""A cell is new if more of it came into the picture than this."""
_AROUND = np.ones((3, 3), np.uint8)
"""What lies between two cells is only known roughly: a cell differs if all around it is darker, or brighter, and
something is new only if so many cells differ together."""

Cells = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """What became of a picture.

    Attributes:
        step: Cells `(down, across)` by which what is seen moved.
        change: `(h, w)` float32, levels of luma by which the cells around each one of the later picture differ from
            everything near where they were in the earlier one; infinite where they came into the picture.
        rest: Mean difference of what both pictures show, moved: what the step does not explain; infinite if nothing.
    """

    step: tuple[float, float]
    change: Cells
    rest: float

    @property
    def new(self) -> float:
        """The share of the later picture that the earlier one did not show."""
        return float((self.change > CHANGED).mean())


def grid(size: tuple[int, int]) -> tuple[int, int]:
    """Return how many cells a picture of `(height, width)` has along each side."""
    scale = min(1.0, LONGEST / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def cells(frame: Frame) -> Cells:
    """Return `(h, w)` float32, the mean luma of each cell; the longer side has `LONGEST`, or as many as there are."""
    plane = frame.planes[0]
    if frame.layout in (Layout.BGR, Layout.RGB):
        plane = np.ascontiguousarray(plane[..., 1])  # green carries most of luma
    size = grid(frame.size)[::-1]
    while plane.shape[1] >= 4 * size[0] and plane.shape[0] >= 4 * size[1]:  # halving is faster than any other factor
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.blur(cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32), (3, 3)))


def turned(before: Cells, after: Cells) -> Turn:
    """Return how the camera turned.

    By the one shift that explains most (Kuglin and Hines, "The phase correlation image alignment method", 1975), or
    by none if that explains about as much.

    Args:
        before: `(h, w)`, as `cells` gives them.
        after: Of the same size.
    """
    still = _turn((0.0, 0.0), before, after)
    if min(after.shape) < _FEWEST or still.rest < _STILL:
        return still
    # Of copies: OpenCV multiplies its arguments by the window where they are.
    (across, down), _ = cv2.phaseCorrelate(before.copy(), after.copy(), _window(after.shape))
    height, width = after.shape
    if not (abs(across) < width / 2 and abs(down) < height / 2):
        return still
    moved = cv2.warpAffine(
        before,
        np.array([[1, 0, across], [0, 1, down]]),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    turn = _turn((down, across), np.asarray(moved, np.float32), after)
    return turn if turn.rest < _BETTER * still.rest else still


def _turn(step: tuple[float, float], moved: Cells, after: Cells) -> Turn:
    above, below = after - cv2.dilate(moved, _AROUND), cv2.erode(moved, _AROUND) - after
    change = cv2.morphologyEx(np.maximum(np.maximum(above, below), 0), cv2.MORPH_OPEN, _AROUND)
    shared = np.ones(after.shape, np.bool_)
    for strip in entered(step, after.shape):
        change[strip], shared[strip] = np.inf, False
    rest = float(np.abs(after - moved)[shared].mean()) if shared.any() else math.inf
    return Turn(step, np.asarray(change, np.float32), rest)


def entered(step: tuple[float, float], shape: tuple[int, int]) -> tuple[tuple[slice, slice], ...]:
    """Return the rows and the columns of cells that came into a picture of this shape with a step."""
    everything = slice(None)
    rows, columns = (
        slice(0, _came(way)) if way > 0 else slice(side - _came(-way), side)
        for way, side in zip(step, shape, strict=True)
    )
    return (rows, everything), (everything, columns)


def _came(way: float) -> int:
    """Return how many cells came in, with the one whose blur shows them."""
    return math.ceil(way - _BARELY) + 1 if way > _BARELY else 0


@lru_cache(maxsize=8)
def _window(shape: tuple[int, int]) -> Cells:
    return np.asarray(cv2.createHanningWindow(shape[::-1], cv2.CV_32F), np.float32)
