"""Ways to hide pixels of one plane: arrays in, arrays out.

A plane is `(h, w)` or `(h, w, C)` uint8. Each effect writes the pixels of its parts into `out` and no other; what it
shows is made from the whole source, on a grid that does not move with the region, so that a moving region gives no
second view of the same pixels. All arithmetic is on whole numbers, so that others can give the same bytes.

Pixelation and blur begin alike. The plane is averaged in *grains*, squares of a power of two, by halving again and
again: each half is `(a + b + c + d + 2) // 4`, which runs in vector registers at the speed of memory. What follows
works on grains, of which there are few.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Plane
from privacy.masking.coverage import Box, Part

MAX_GRAIN = 64
"""OpenCV's exact interpolation has weights of 8 bits: enough for grains of 128, which no picture needs."""
_GRAINS_A_SIDE = 8
"""A cell or kernel is at least so many grains wide, as long as a grain is more than two pixels."""
_A_BOX = 600_000
"""So many samples are averaged in the time that one more box takes, whatever its size (measured)."""


def grain_of(strength: float, size: tuple[int, int]) -> int:
    """Return the side of a grain in luma pixels: a power of two, and 2 at least, so that chroma has the same grains."""
    wanted = strength * min(size) / _GRAINS_A_SIDE
    return int(min(MAX_GRAIN, max(2, 2 ** math.floor(math.log2(max(1.0, wanted))))))


def side_of(strength: float, size: tuple[int, int]) -> int:
    """Return the side in luma pixels of a cell or kernel: rounded up to whole grains."""
    grain = grain_of(strength, size)
    return max(1, math.ceil(strength * min(size) / grain)) * grain


def solid(out: Plane, parts: Sequence[Part], colour: int) -> None:
    """Show one colour."""
    for part in parts:
        if part.where is None:
            out[part.box] = colour
        else:
            np.copyto(out[part.box], np.uint8(colour), where=_like(part.where, out))


def pixelate(source: Plane, out: Plane, parts: Sequence[Part], side: int, grain: int) -> None:
    """Show the mean of each cell.

    The grid is fixed to the frame. The last cells of a row or column take in what is left over: a narrower cell would
    show more. A cell that is hidden in part shows the mean of all of it, which tells no more of the hidden part than
    its own mean would.

    Args:
        source: `(h, w)` or `(h, w, C)` uint8.
        out: Like `source`, and other memory.
        parts: What to write.
        side: Of a cell in pixels, a multiple of `grain`.
        grain: Power of two.
    """
    for box, some in _together(parts, side, source[0, 0].size):
        rows, columns = (_borders(length, side, span) for length, span in zip(source.shape, box, strict=False))
        grains = _grains(source, (slice(rows[0], rows[-1]), slice(columns[0], columns[-1])), grain)
        lines = np.repeat(_means(grains, rows, columns, grain), _steps(columns), axis=1)
        for part in some:
            across = part.box[1]
            _put_lines(out, part, lines[:, across.start - columns[0] : across.stop - columns[0]], rows)


def blur(source: Plane, out: Plane, parts: Sequence[Part], side: int, grain: int) -> None:
    """Show a mean over `side` pixels, twice (a tent, as a stack blur gives), interpolated between grains.

    Args:
        source: `(h, w)` or `(h, w, C)` uint8.
        out: Like `source`, and other memory.
        parts: What to write.
        side: Of the kernel in pixels, a multiple of `grain`.
        grain: Power of two, at most `MAX_GRAIN`.
    """
    kernel = (side // grain) | 1  # a kernel with a centre
    for box, some in _together(parts, kernel * grain, source[0, 0].size):
        counts = [-(-length // grain) for length in source.shape[:2]]
        shown = [_grid(count, grain, span) for count, span in zip(counts, box, strict=True)]
        needed = [
            slice(max(0, span.start - kernel + 1), min(count, span.stop + kernel - 1))
            for count, span in zip(counts, shown, strict=True)
        ]
        rows, columns = (
            slice(span.start * grain, min(length, span.stop * grain))
            for length, span in zip(source.shape, needed, strict=False)
        )
        grains = _grains(source, (rows, columns), grain)
        for _ in range(2):
            grains = np.asarray(cv2.blur(grains, (kernel, kernel), borderType=cv2.BORDER_REPLICATE), np.uint8)
        for part in some:
            _put_between(out, part, grains, (needed[0].start, needed[1].start), grain)


def _together(parts: Sequence[Part], reach: int, channels: int) -> Iterator[tuple[Box, Sequence[Part]]]:
    """Yield boxes and the parts in them: all parts in one box, or each in its own if that is less work."""
    if not parts:
        return
    edges = [(part.box[0].start, part.box[0].stop, part.box[1].start, part.box[1].stop) for part in parts]
    tops, bottoms, lefts, rights = zip(*edges, strict=True)
    rows, columns = slice(min(tops), max(bottoms)), slice(min(lefts), max(rights))
    together = (rows.stop - rows.start) * (columns.stop - columns.start) * channels
    apart = sum((bottom - top + reach) * (right - left + reach) for top, bottom, left, right in edges) * channels
    if len(parts) == 1 or together < apart + _A_BOX * (len(parts) - 1):
        yield (rows, columns), parts
    else:
        yield from ((part.box, (part,)) for part in parts)


def _grains(source: Plane, box: Box, grain: int) -> Plane:
    """Return the mean of each grain; beyond the plane, its last pixels go on."""
    part = source[box]
    over = [-length % grain for length in part.shape[:2]]
    if any(over):
        part = np.asarray(cv2.copyMakeBorder(part, 0, over[0], 0, over[1], cv2.BORDER_REPLICATE), np.uint8)
    if part.shape[2:] == (2,):  # OpenCV halves two channels ten times as slowly as one, and rounds them otherwise
        # Nor does it like to split rows that do not lie behind one another: a copy first is five times as fast.
        ones = cv2.split(np.ascontiguousarray(part))
        return np.asarray(cv2.merge([_halved(np.asarray(one, np.uint8), grain) for one in ones]), np.uint8)
    return _halved(part, grain)


def _halved(part: Plane, grain: int) -> Plane:
    for _ in range(grain.bit_length() - 1):
        half = (part.shape[1] // 2, part.shape[0] // 2)
        part = np.asarray(cv2.resize(part, half, interpolation=cv2.INTER_AREA), np.uint8)
    return part


def _borders(length: int, side: int, span: slice) -> list[int]:
    """Return the borders of the cells that hold `span`; plain numbers: for few cells, arrays take longer."""
    count = max(1, length // side)
    first, last = min(span.start // side, count - 1), min((span.stop - 1) // side, count - 1)
    return [*range(first * side, (last + 1) * side, side), length if last == count - 1 else (last + 1) * side]


def _steps(borders: Sequence[int]) -> list[int]:
    return [stop - start for start, stop in pairwise(borders)]


def _means(grains: Plane, rows: Sequence[int], columns: Sequence[int], grain: int) -> Plane:
    """Return the mean of the grains of each cell."""
    down, across = ([(border - borders[0] + grain - 1) // grain for border in borders] for borders in (rows, columns))
    corners = cv2.integral(grains).take(down, 0).take(across, 1)
    bands = corners[1:] - corners[:-1]
    sums = bands[:, 1:] - bands[:, :-1]
    high, wide = _steps(down), _steps(across)
    if high[0] == high[-1] and wide[0] == wide[-1]:  # only the last cells may have another size
        count: int | NDArray[np.int32] = high[0] * wide[0]
    else:
        count = np.array(high, np.int32)[:, None] * np.array(wide, np.int32)
        count = count if sums.ndim == 2 else count[..., None]
    return ((sums + count // 2) // count).astype(np.uint8)


def _put_lines(out: Plane, part: Part, lines: Plane, borders: Sequence[int]) -> None:
    """Write a line of cells to all their rows; the cells' borders are `borders`."""
    rows, columns = part.box
    for line, (start, stop) in zip(lines, pairwise(borders), strict=True):
        top, bottom = max(start, rows.start), min(stop, rows.stop)
        if top >= bottom:
            continue
        if part.where is None:
            out[top:bottom, columns] = line
        else:
            where = part.where[top - rows.start : bottom - rows.start]
            np.copyto(out[top:bottom, columns], line, where=_like(where, out))


def _grid(count: int, grain: int, span: slice) -> slice:
    """Return the grains between whose centres the pixels of `span` lie."""
    return slice(max(0, span.start // grain - 1), min(count, (span.stop - 1) // grain + 2))


def _put_between(out: Plane, part: Part, grains: Plane, first: tuple[int, int], grain: int) -> None:
    """Interpolate linearly between the centres of the grains, the first of which is `first` of the frame."""
    rows, columns = part.box
    top, left = max(0, rows.start // grain - 1 - first[0]), max(0, columns.start // grain - 1 - first[1])
    near = grains[top : (rows.stop - 1) // grain + 2 - first[0], left : (columns.stop - 1) // grain + 2 - first[1]]
    size = (near.shape[1] * grain, near.shape[0] * grain)
    fine = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
    top, left = (first[0] + top) * grain, (first[1] + left) * grain
    shown = fine[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    if part.where is None:
        out[rows, columns] = shown
    else:
        np.copyto(out[rows, columns], shown, where=_like(part.where, out))


def _like(where: NDArray[np.bool_], out: Plane) -> NDArray[np.bool_]:
    return where if out.ndim == 2 else where[..., None]
