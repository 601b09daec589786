"""Ways to hide pixels of one plane: arrays in, arrays out.

A plane is `(h, w)` or `(h, w, C)` uint8. `where` is `(h, w)` bool, and `box` holds every True of it. Each effect writes
the True pixels of `out` and no other; what it shows is made from the whole source, in cells or kernels that do not move
with the region, so that a moving region gives no second view of the same pixels.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Plane
from privacy.masking.coverage import Box


def side_of(strength: float, size: tuple[int, int]) -> int:
    """Return the side in luma pixels of a cell or kernel: rounded up, and even so that chroma has the same cells."""
    side = max(2, math.ceil(strength * min(size)))
    return side + side % 2


def solid(out: Plane, where: NDArray[np.bool_], box: Box, colour: int) -> None:
    """Show one colour."""
    part = where[box]
    np.copyto(out[box], np.uint8(colour), where=part if out.ndim == 2 else part[..., None])


def pixelate(source: Plane, out: Plane, where: NDArray[np.bool_], box: Box, side: int) -> None:
    """Show the mean of each cell.

    The grid is fixed to the frame. The last cells of a row or column take in what is left over: a narrower cell would
    show more. A cell that is hidden in part shows the mean of all of it, which tells no more of the hidden part than
    its own mean would.

    Args:
        source: `(h, w)` or `(h, w, C)` uint8.
        out: Like `source`; written where `where` is True.
        where: `(h, w)` bool.
        box: Holds every True of `where`.
        side: Of a cell, at least 1.
    """
    rows, columns = (_cells(length, side, span) for length, span in zip(source.shape[:2], box, strict=True))
    part = source[rows[0] : rows[-1], columns[0] : columns[-1]]
    sums = np.add.reduceat(part, rows[:-1] - rows[0], axis=0, dtype=np.uint32)
    sums = np.add.reduceat(sums, columns[:-1] - columns[0], axis=1, dtype=np.uint64)
    heights, widths = np.diff(rows), np.diff(columns)
    count = (heights[:, None] * widths).astype(np.uint64).reshape(*sums.shape[:2], *([1] * (sums.ndim - 2)))
    means = ((sums + count // 2) // count).astype(np.uint8)
    coarse = np.repeat(np.repeat(means, widths, axis=1), heights, axis=0)
    _put(out, where, box, coarse, (int(rows[0]), int(columns[0])))


def blur(source: Plane, out: Plane, where: NDArray[np.bool_], box: Box, side: int) -> None:
    """Show a mean over a `side` wide neighbourhood, twice (a tent, as a stack blur gives).

    Args:
        source: `(h, w)` or `(h, w, C)` uint8.
        out: Like `source`; written where `where` is True.
        where: `(h, w)` bool.
        box: Holds every True of `where`.
        side: Of the kernel, at least 1.
    """
    kernel = side | 1  # a kernel with a centre
    reach = 2 * (kernel // 2)  # of two passes
    rows, columns = (
        slice(max(0, span.start - reach), min(length, span.stop + reach))
        for length, span in zip(source.shape[:2], box, strict=True)
    )
    part = np.ascontiguousarray(source[rows, columns])
    for _ in range(2):
        part = np.asarray(cv2.blur(part, (kernel, kernel), borderType=cv2.BORDER_REPLICATE), np.uint8)
    _put(out, where, box, part.reshape(*part.shape[:2], *source.shape[2:]), (rows.start, columns.start))


def _cells(length: int, side: int, span: slice) -> NDArray[np.intp]:
    """Return the borders of the cells that hold `span`."""
    count = max(1, length // side)
    first, last = min(span.start // side, count - 1), min((span.stop - 1) // side, count - 1)
    borders = np.arange(first, last + 2, dtype=np.intp) * side
    if last == count - 1:
        borders[-1] = length
    return borders


def _put(out: Plane, where: NDArray[np.bool_], box: Box, shown: Plane, origin: tuple[int, int]) -> None:
    rows, columns = box
    top, left = origin
    part = shown[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    chosen = where[box]
    np.copyto(out[box], part, where=chosen if out.ndim == 2 else chosen[..., None])
