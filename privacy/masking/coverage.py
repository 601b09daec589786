"""Which pixels a region touches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privacy.plan import Bitmap, Region

Box = tuple[slice, slice]
"""Rows and columns, `[start, end)`."""

SNAP = 1e-6  # pixels: nearer than this to a grid line is on it, so that 0.1 * 640 is 64 and not 64.00000000000001


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Pixels of one plane that are to be hidden.

    Attributes:
        box: The rows and columns that hold them; within the plane, and not empty.
        where: `(rows, columns)` bool, read-only, which pixels of `box`; None for all of them.
    """

    box: Box
    where: NDArray[np.bool_] | None = None

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        return 0 if self.where is None else self.where.nbytes

    def covers(self, size: tuple[int, int]) -> bool:
        """Say whether it holds every pixel of a plane of `(height, width)`."""
        return self.where is None and self.box == (slice(0, size[0]), slice(0, size[1]))

    def halved(self) -> "Part":
        """Return the chroma samples of which any of up to four luma pixels is hidden."""
        down, across = self.box
        rows = slice(down.start // 2, (down.stop + 1) // 2)
        columns = slice(across.start // 2, (across.stop + 1) // 2)
        if self.where is None:
            return Part((rows, columns))
        even = np.zeros((2 * (rows.stop - rows.start), 2 * (columns.stop - columns.start)), np.bool_)
        top, left = (span.start % 2 for span in self.box)
        height, width = self.where.shape
        even[top : top + height, left : left + width] = self.where
        half = even[0::2, 0::2] | even[1::2, 0::2] | even[0::2, 1::2] | even[1::2, 1::2]
        half.flags.writeable = False
        return Part((rows, columns), None if half.all() else half)


def cover(region: Region, size: tuple[int, int]) -> Part | None:
    """Find every pixel that a region touches; None if there is none.

    A pixel is a square of side 1. It is touched if it shares more than its border with the region; a polygon without
    area touches the pixels that its outline runs through. What lies outside the frame is ignored.

    Args:
        region: Polygons are filled wherever their outline winds around (non-zero winding): what is enclosed twice is
            hidden, not outside.
        size: `(height, width)` of the frame.
    """
    if isinstance(region, Bitmap):
        return _cover_cells(region.cells, size)
    if is_upright(region.points):
        return _fill(region.points, size)
    points = np.asarray(region.points, np.float64) * size[::-1]
    near = np.round(points)
    return _draw(np.where(np.abs(points - near) < SNAP, near, points), size)


def painted(parts: Sequence[Part], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the union of parts as `(height, width)` bool, True where the picture must not be seen."""
    bitmap = np.zeros(size, np.bool_)
    for part in parts:
        bitmap[part.box] |= True if part.where is None else part.where
    return bitmap


def is_upright(points: Sequence[tuple[float, float]]) -> bool:
    """Say whether the corners are those of a rectangle along the axes, with an area."""
    if len(points) != 4:
        return False
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points
    across = y0 == y1 and x1 == x2 and y2 == y3 and x3 == x0
    down = x0 == x1 and y1 == y2 and x2 == x3 and y3 == y0
    return (across or down) and x0 != x2 and y0 != y2


def _fill(points: Sequence[tuple[float, float]], size: tuple[int, int]) -> Part | None:
    """Cover an upright rectangle: what trackers make by the dozen. Plain numbers take a tenth of the time of arrays."""
    (x0, y0), _, (x1, y1), _ = points
    rows, columns = _touched(y0, y1, size[0]), _touched(x0, x1, size[1])
    return Part((rows, columns)) if rows.start < rows.stop and columns.start < columns.stop else None


def _touched(one: float, other: float, length: int) -> slice:
    low, high = (one * length, other * length) if one < other else (other * length, one * length)
    start, stop = math.floor(low + SNAP), math.ceil(high - SNAP)
    return slice(max(0, start), min(length, max(stop, start + 1)))


def _cover_cells(cells: NDArray[np.bool_], size: tuple[int, int]) -> Part | None:
    """Cover the pixels that share more than a border with a cell that is True; told by whole numbers."""
    touched = cells
    for axis, (side, count) in enumerate(zip(size, cells.shape, strict=True)):
        at = np.arange(side)
        first, last = at * count // side, ((at + 1) * count - 1) // side
        sums = np.cumsum(touched, axis=axis, dtype=np.int32)
        before = np.take(sums - touched, first, axis=axis)
        touched = np.take(sums, last, axis=axis) > before
    return _part((slice(0, size[0]), slice(0, size[1])), touched)


def _draw(points: NDArray[np.float64], size: tuple[int, int]) -> Part | None:
    """Cover any polygon. A pixel that no edge runs through lies wholly inside or outside: its centre tells which."""
    height, width = size
    top = int(np.clip(np.floor(points[:, 1].min()), 0, height - 1))
    bottom = int(np.clip(np.ceil(points[:, 1].max()), top + 1, height))
    crossings = np.zeros((bottom - top, width + 1), np.int16)  # derivative along x of the winding number of centres
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
    return _part((slice(top, bottom), slice(0, width)), touched)


def _part(box: Box, where: NDArray[np.bool_]) -> Part | None:
    """Cut a part to the smallest box that holds every True; None if there is none."""
    across, down = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if not across.size:
        return None
    rows, columns = slice(int(across[0]), int(across[-1]) + 1), slice(int(down[0]), int(down[-1]) + 1)
    inner = np.ascontiguousarray(where[rows, columns])
    inner.flags.writeable = False
    top, left = (span.start for span in box)
    moved = slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop)
    return Part(moved, None if inner.all() else inner)


def _filled(crossings: NDArray[np.int16], outline: NDArray[np.int32]) -> NDArray[np.bool_]:
    inside = np.cumsum(crossings[:, :-1], axis=1, dtype=np.int16) != 0
    return np.asarray(inside | (np.cumsum(outline[:, :-1], axis=1) > 0), np.bool_)


def _cross(crossings: NDArray[np.int16], start: NDArray[np.float64], end: NDArray[np.float64], top: int) -> None:
    """Add the edge's direction to the winding number of every pixel whose centre is right of it."""
    turn = 1 if start[1] <= end[1] else -1
    (x0, y0), (x1, y1) = (start, end) if start[1] <= end[1] else (end, start)
    rows = np.arange(max(int(np.ceil(y0 - 0.5)), top), min(int(np.ceil(y1 - 0.5)), top + len(crossings)))
    if rows.size:
        x = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(x - 0.5), 0, crossings.shape[1] - 1).astype(np.intp)
        crossings[rows - top, columns] += turn


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
    slack = 0.0 if x0 == x1 else SNAP  # a slanted edge is computed, and may be off by a rounding
    left = np.floor(np.maximum(ends.min(axis=0) - slack, min(x0, x1)))  # but no edge runs beyond its own ends
    right = np.maximum(left + 1, np.ceil(np.minimum(ends.max(axis=0) + slack, max(x0, x1))))
    if thin:
        left = np.minimum(left, width - 1)
    np.add.at(outline, (rows - top, np.clip(left, 0, width).astype(np.intp)), 1)
    np.add.at(outline, (rows - top, np.clip(right, 0, width).astype(np.intp)), -1)
