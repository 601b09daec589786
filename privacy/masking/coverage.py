"""Which pixels a polygon touches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice]
"""Rows and columns, `[start, end)`."""

_SNAP = 1e-6  # pixels: nearer than this to a grid line is on it, so that 0.1 * 640 is 64 and not 64.00000000000001


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The pixels of one frame size that are to be hidden.

    Attributes:
        luma: `(H, W)` bool, read-only.
        chroma: `(ceil(H/2), ceil(W/2))` bool, read-only: True if any of its up to four luma pixels is.
        box: The smallest rows and columns that hold every True of `luma`; None if there is none.
    """

    luma: NDArray[np.bool_]
    chroma: NDArray[np.bool_]
    box: Box | None

    def of(self, *, halved: bool) -> tuple[NDArray[np.bool_], Box]:
        """Return the bitmap and its box for a plane; only if there is a box."""
        assert self.box is not None  # noqa: S101 - callers ask `box` first
        if not halved:
            return self.luma, self.box
        rows, columns = (slice(span.start // 2, (span.stop + 1) // 2) for span in self.box)
        return self.chroma, (rows, columns)


def cover(polygons: Sequence[Sequence[tuple[float, float]]], size: tuple[int, int]) -> Coverage:
    """Find every pixel that any polygon touches.

    A pixel is a square of side 1. It is touched if it shares more than its border with the polygon; a polygon without
    area touches the pixels that its outline runs through. What lies outside the frame is ignored.

    Args:
        polygons: Corners `(x, y)`, the frame being [0, 1] x [0, 1]; closed implicitly, each even-odd filled.
        size: `(height, width)` of the frame.
    """
    height, width = size
    luma = np.zeros(size, np.bool_)
    for corners in polygons:
        points = np.asarray(corners, np.float64) * (width, height)
        near = np.round(points)
        _add(luma, np.where(np.abs(points - near) < _SNAP, near, points))
    even = np.zeros((height + height % 2, width + width % 2), np.bool_)
    even[:height, :width] = luma
    chroma = even[0::2, 0::2] | even[1::2, 0::2] | even[0::2, 1::2] | even[1::2, 1::2]
    luma.flags.writeable = chroma.flags.writeable = False
    return Coverage(luma, chroma, _box(luma))


def _box(bitmap: NDArray[np.bool_]) -> Box | None:
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _add(luma: NDArray[np.bool_], points: NDArray[np.float64]) -> None:
    """Mark one polygon. A pixel that no edge runs through lies wholly inside or outside: its centre tells which."""
    height, width = luma.shape
    if _is_upright(points):
        (left, top), (right, bottom) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
        luma[max(0, int(top)) : max(0, int(bottom)), max(0, int(left)) : max(0, int(right))] = True
        return
    top = int(np.clip(np.floor(points[:, 1].min()), 0, height - 1))
    bottom = int(np.clip(np.ceil(points[:, 1].max()), top + 1, height))
    crossings = np.zeros((bottom - top, width + 1), np.uint8)  # parity of the edges left of a pixel's centre
    outline = np.zeros((bottom - top, width + 1), np.int32)  # derivative along x of the number of edges in a pixel
    edges = list(zip(points, np.roll(points, -1, axis=0), strict=True))
    for start, end in edges:
        _cross(crossings, start, end, top)
        _trace(outline, start, end, top, thin=False)
    touched = _filled(crossings, outline)
    if not touched.any():  # no area: show where it lies all the same
        for start, end in edges:
            _trace(outline, start, end, top, thin=True)
        touched = _filled(crossings, outline)
    luma[top:bottom] |= touched


def _is_upright(points: NDArray[np.float64]) -> bool:
    """Say whether the corners are those of a rectangle along the axes, with an area: what trackers make by the dozen.

    It touches the same pixels as any other polygon, but tracing it takes a thousand times as long as filling it.
    """
    if points.shape != (4, 2):
        return False
    (x, y), steps = points.T, np.roll(points, -1, axis=0) - points
    first, second = (0, 1) if y[0] == y[1] else (1, 0)
    along = steps[::2, second] == 0, steps[1::2, first] == 0
    return bool(np.all(along) and x.min() < x.max() and y.min() < y.max() and np.isfinite(points).all())


def _filled(crossings: NDArray[np.uint8], outline: NDArray[np.int32]) -> NDArray[np.bool_]:
    inside = np.bitwise_xor.accumulate(crossings[:, :-1], axis=1).astype(np.bool_)
    return np.asarray(inside | (np.cumsum(outline[:, :-1], axis=1) > 0), np.bool_)


def _cross(crossings: NDArray[np.uint8], start: NDArray[np.float64], end: NDArray[np.float64], top: int) -> None:
    """Flip the parity of every pixel whose centre is right of the edge."""
    (x0, y0), (x1, y1) = (start, end) if start[1] <= end[1] else (end, start)
    rows = np.arange(max(int(np.ceil(y0 - 0.5)), top), min(int(np.ceil(y1 - 0.5)), top + len(crossings)))
    if rows.size:
        x = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(x - 0.5), 0, crossings.shape[1] - 1).astype(np.intp)
        crossings[rows - top, columns] ^= 1


def _trace(
    outline: NDArray[np.int32], start: NDArray[np.float64], end: NDArray[np.float64], top: int, *, thin: bool
) -> None:
    """Mark every pixel that the edge runs through; one along the border of pixels only if `thin`."""
    (x0, y0), (x1, y1) = (start, end) if start[1] <= end[1] else (end, start)
    along_border = (x0 == x1 and x0 == np.floor(x0)) or (y0 == y1 and y0 == np.floor(y0))
    if along_border and not thin:
        return
    width = outline.shape[1] - 1
    first, last = int(np.floor(y0)), max(int(np.floor(y0)), int(np.ceil(y1)) - 1)
    if thin:  # the frame's own last border belongs to its last pixels
        first, last = min(first, top + len(outline) - 1), min(last, top + len(outline) - 1)
    rows = np.arange(max(first, top), min(last + 1, top + len(outline)))
    if y1 > y0:
        slope = (x1 - x0) / (y1 - y0)
        ends = np.stack([x0 + (np.clip(at, y0, y1) - y0) * slope for at in (rows, rows + 1.0)])
    else:
        ends = np.broadcast_to(np.array([[x0], [x1]]), (2, rows.size))
    slack = 0.0 if x0 == x1 else _SNAP  # a slanted edge is computed, and may be off by a rounding
    left = np.floor(ends.min(axis=0) - slack)
    right = np.maximum(left + 1, np.ceil(ends.max(axis=0) + slack))
    if thin:
        left = np.minimum(left, width - 1)
    np.add.at(outline, (rows - top, np.clip(left, 0, width).astype(np.intp)), 1)
    np.add.at(outline, (rows - top, np.clip(right, 0, width).astype(np.intp)), -1)
