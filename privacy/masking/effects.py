"""Ways to hide pixels of a frame: planes in, planes out.

A plane is `(h, w)` or `(h, w, C)` uint8. Each effect writes the pixels of its parts and no other; what it shows is made
from the whole source, on a grid that does not move with the region, so that a moving region gives no second view of the
same pixels. All arithmetic is on whole numbers, so that others can give the same bytes.

Pixelation and blur begin alike. Each plane is averaged in *grains*, squares of a power of two, by halving again and
again: each half is `(a + b + c + d + 2) // 4`, which runs in vector registers at the speed of memory. What follows
works on grains, of which there are few, and as many in chroma as in luma: a call costs more there than what it does,
and planes share what calls they can.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Plane
from privacy.masking.coverage import Box, Part

Span = tuple[int, int]
"""Of grains, `[start, end)`."""
MAX_GRAIN = 64
"""OpenCV's exact interpolation has weights of 8 bits: enough for grains of 128, which no picture needs."""
_GRAINS_A_SIDE = 8
"""A cell or kernel is at least so many grains wide, as long as a grain is more than two pixels."""
_A_BOX = 150_000
"""So many samples are averaged in the time that a plane of one more box takes, whatever its size (measured)."""


@lru_cache(maxsize=256)
def grain_of(strength: float, size: tuple[int, int]) -> int:
    """Return the side of a grain in luma pixels: a power of two, and 2 at least, so that chroma has the same grains."""
    wanted = strength * min(size) / _GRAINS_A_SIDE
    return int(min(MAX_GRAIN, max(2, 2 ** math.floor(math.log2(max(1.0, wanted))))))


@lru_cache(maxsize=256)
def side_of(strength: float, size: tuple[int, int]) -> int:
    """Return the side in luma pixels of a cell or kernel: rounded up to whole grains."""
    grain = grain_of(strength, size)
    return max(1, math.ceil(strength * min(size) / grain)) * grain


class Layer(NamedTuple):
    """One plane of a frame.

    Attributes:
        source: `(h, w)` or `(h, w, C)` uint8; read.
        out: Like `source`, and other memory; written.
        scale: Side in luma pixels of what one sample stands for: 1, or 2 in subsampled chroma.
    """

    source: Plane
    out: Plane
    scale: int = 1


def solid(out: Plane, parts: Sequence[Part], colour: int) -> None:
    """Show one colour."""
    for part in parts:
        if part.where is None:
            out[part.box] = colour
        else:
            np.copyto(out[part.box], np.uint8(colour), where=_like(part.where, out))


def pixelate(layers: Sequence[Layer], parts: Sequence[Part], side: int, grain: int) -> None:
    """Show the mean of each cell.

    The grid is fixed to the frame. The last cells of a row or column take in what is left over: a narrower cell would
    show more. A cell that is hidden in part shows the mean of all of it, which tells no more of the hidden part than
    its own mean would.

    Args:
        layers: All planes of a frame, or some; the first has scale 1.
        parts: What to write, in pixels of the first plane.
        side: Of a cell in these pixels, a multiple of `grain`.
        grain: Power of two, a multiple of every scale.
    """
    counts = _cells(layers[0], side)
    if len(layers) > 1 and _cells(layers[-1], side) != counts:  # of an odd length, chroma may fill one cell more
        pixelate(layers[:1], parts, side, grain)
        chroma = [layer._replace(scale=1) for layer in layers[1:]]
        pixelate(chroma, [part.halved() for part in parts], side // 2, grain // 2)
        return
    step, ends = side // grain, _counts(layers[0], grain)
    for (rows, columns), some in _together(layers, parts, side):
        down, across = _cells_of(rows, side, counts[0]), _cells_of(columns, side, counts[1])
        high, wide = _borders(down, step, ends[0]), _borders(across, step, ends[1])
        coarse = _grains(layers, (high[0], high[-1]), (wide[0], wide[-1]), grain)
        means = _means(_merged(coarse), high, wide)
        halves = [part.halved() for part in some] if len(layers) > 1 else []
        for layer, values in _shares(layers, means):
            size, (height, width) = side // layer.scale, layer.source.shape[:2]
            high, wide = _borders(down, size, height), _borders(across, size, width)
            lines = np.repeat(values, _steps(wide), axis=1)
            for part in some if layer.scale == 1 else halves:
                _put_lines(layer.out, part, lines, high, wide[0])


def blur(layers: Sequence[Layer], parts: Sequence[Part], side: int, grain: int) -> None:
    """Show a mean over `side` pixels, twice (a tent, as a stack blur gives), interpolated between grains.

    Args:
        layers: All planes of a frame; the first has scale 1.
        parts: What to write, in pixels of the first plane.
        side: Of the kernel in these pixels, a multiple of `grain`.
        grain: Power of two, at most `MAX_GRAIN`, a multiple of every scale.
    """
    kernel = (side // grain) | 1  # a kernel with a centre
    counts = _counts(layers[0], grain)
    for box, some in _together(layers, parts, kernel * grain):
        rows, columns = (
            (max(0, start - kernel + 1), min(count, end + kernel - 1))  # half a kernel, twice
            for (start, end), count in zip((_between(span, grain) for span in box), counts, strict=True)
        )
        luma, *chroma = _grains(layers, rows, columns, grain)
        first = rows[0], columns[0]
        _put_between(layers[:1], some, _softened(luma, kernel), first, grain)
        if chroma:
            halves = [part.halved() for part in some]
            _put_between(layers[1:], halves, _softened(_merged(chroma), kernel), first, grain // 2)


def _softened(grains: Plane, kernel: int) -> Plane:
    for _ in range(2):
        grains = np.asarray(cv2.blur(grains, (kernel, kernel), borderType=cv2.BORDER_REPLICATE), np.uint8)
    return grains


def _together(layers: Sequence[Layer], parts: Sequence[Part], reach: int) -> list[tuple[Box, Sequence[Part]]]:
    """Return boxes and the parts in them: all parts in one box, or each in its own if that is less work."""
    if len(parts) < 2:
        return [(part.box, parts) for part in parts]
    edges = [(part.box[0].start, part.box[0].stop, part.box[1].start, part.box[1].stop) for part in parts]
    tops, bottoms, lefts, rights = zip(*edges, strict=True)
    rows, columns = slice(min(tops), max(bottoms)), slice(min(lefts), max(rights))
    together = (rows.stop - rows.start + reach) * (columns.stop - columns.start + reach)
    apart = sum((bottom - top + reach) * (right - left + reach) for top, bottom, left, right in edges)
    samples = sum(layer.source.size for layer in layers) / math.prod(layers[0].source.shape[:2])
    if (together - apart) * samples < _A_BOX * len(layers) * (len(parts) - 1):
        return [((rows, columns), parts)]
    return [(part.box, (part,)) for part in parts]


def _grains(layers: Sequence[Layer], rows: Span, columns: Span, grain: int) -> list[Plane]:
    """Return the mean of each grain of a window, which is told in grains; beyond a plane its last pixels go on.

    Returns:
        For each layer `(rows, columns[, 3])` uint8; two of them for a layer of two channels.
    """
    found: list[Plane] = []
    for source, _, scale in layers:
        size = grain // scale
        part = source[rows[0] * size : rows[1] * size, columns[0] * size : columns[1] * size]
        if part.shape[2:] == (2,):  # OpenCV halves two channels ten times as slowly as one, and rounds them otherwise
            found += _averaged(_apart(part), size)
        else:
            found += _averaged(part[None], size)
    return found


def _apart(part: Plane) -> Plane:
    """Return two channels one behind the other, `(2, h, w)`, as `cv2.split` does in half more time."""
    both = np.empty((2, *part.shape[:2]), np.uint8)
    first, second = both.reshape(2, -1)
    mixed = np.ascontiguousarray(part).reshape(-1)
    first[:] = mixed.view("<u2")  # the lower byte of two
    second[:-1] = mixed[1:-1].view("<u2")
    second[-1] = mixed[-1]
    return both


def _averaged(planes: Plane, size: int) -> list[Plane]:
    """Return the mean of each grain of planes that lie behind one another, `(N, h, w[, C])`."""
    count, height, width = planes.shape[:3]
    whole_high, whole_wide = height - height % size, width - width % size
    if (whole_high, whole_wide) == (height, width):
        halved = _halved(planes.reshape(count * height, *planes.shape[2:]) if count > 1 else planes[0], size)
        return [halved] if count == 1 else [*halved.reshape(count, height // size, width // size)]
    found = []
    for plane in planes:  # only what is at the end is copied to go on
        grains = np.empty((-(-height // size), -(-width // size), *plane.shape[2:]), np.uint8)
        if whole_high and whole_wide:
            grains[: whole_high // size, : whole_wide // size] = _halved(plane[:whole_high, :whole_wide], size)
        if whole_high < height:
            grains[whole_high // size :] = _halved(_going_on(plane[whole_high:], size), size)
        if whole_high and whole_wide < width:
            beside = _going_on(plane[:whole_high, whole_wide:], size)
            grains[: whole_high // size, whole_wide // size :] = _halved(beside, size)
        found.append(grains)
    return found


def _going_on(part: Plane, size: int) -> Plane:
    """Return it with its last pixels repeated up to a multiple of `size`."""
    below, beside = (-length % size for length in part.shape[:2])
    return np.asarray(cv2.copyMakeBorder(part, 0, below, 0, beside, cv2.BORDER_REPLICATE), np.uint8)


def _halved(part: Plane, grain: int) -> Plane:
    for _ in range(grain.bit_length() - 1):
        half = (part.shape[1] // 2, part.shape[0] // 2)
        part = np.asarray(cv2.resize(part, half, interpolation=cv2.INTER_AREA), np.uint8)
    return part


def _merged(planes: Sequence[Plane]) -> Plane:
    return planes[0] if len(planes) == 1 else np.asarray(cv2.merge(planes), np.uint8)


def _shares(layers: Sequence[Layer], values: Plane) -> Iterator[tuple[Layer, Plane]]:
    """Yield each layer and its channels of what was made of all of them."""
    if len(layers) == 1:
        yield layers[0], values
        return
    first = 0
    for layer in layers:
        if layer.source.ndim == 2:
            yield layer, values[..., first]
            first += 1
        else:
            count = layer.source.shape[2]
            yield layer, values[..., first : first + count]
            first += count


def _counts(layer: Layer, grain: int) -> tuple[int, int]:
    """Return how many grains are in a column and in a row of luma; the last may be in the plane in part only."""
    height, width = layer.source.shape[:2]
    return -(-height // grain), -(-width // grain)


def _cells(layer: Layer, side: int) -> tuple[int, int]:
    """Return how many cells are in a column and in a row."""
    (height, width), side = layer.source.shape[:2], side // layer.scale
    return max(1, height // side), max(1, width // side)


def _cells_of(span: slice, side: int, count: int) -> tuple[int, int, int]:
    """Return the first of the cells that hold `span`, the one behind the last of them, and how many there are."""
    return min(span.start // side, count - 1), min((span.stop - 1) // side, count - 1) + 1, count


def _borders(cells: tuple[int, int, int], side: int, length: int) -> list[int]:
    """Return the borders of cells; plain numbers: for few cells, arrays take longer."""
    first, end, count = cells
    return [*range(first * side, end * side, side), length if end == count else end * side]


def _steps(borders: Sequence[int]) -> int | list[int]:
    """Return the lengths between borders; one, if all are the same: only that of the last cell may be another."""
    length = borders[1] - borders[0]
    if borders[-1] - borders[-2] == length:
        return length
    return [stop - start for start, stop in pairwise(borders)]


def _means(coarse: Plane, rows: Sequence[int], columns: Sequence[int]) -> Plane:
    """Return the mean of the grains of each cell; the cells' borders are told in grains."""
    high, wide = _steps(rows), _steps(columns)
    sums = np.asarray(cv2.integral(coarse), np.int32)
    if isinstance(high, int) and isinstance(wide, int):
        corners = sums[::high, ::wide]
        count: int | NDArray[np.int32] = high * wide
    else:
        corners = sums.take([row - rows[0] for row in rows], 0).take([column - columns[0] for column in columns], 1)
        count = np.diff(rows)[:, None].astype(np.int32) * np.diff(columns).astype(np.int32)
        count = count if sums.ndim == 2 else count[..., None]
    bands = corners[1:] - corners[:-1]
    return ((bands[:, 1:] - bands[:, :-1] + count // 2) // count).astype(np.uint8)


def _put_lines(out: Plane, part: Part, lines: Plane, borders: Sequence[int], left: int) -> None:
    """Write lines of cells to all their rows; they begin at column `left`, and the cells' borders are `borders`."""
    rows, columns = part.box
    for line, start, stop in zip(
        lines[:, columns.start - left : columns.stop - left], borders, borders[1:], strict=False
    ):
        if stop <= rows.start or start >= rows.stop:
            continue
        top, bottom = max(start, rows.start), min(stop, rows.stop)
        if part.where is None:
            out[top:bottom, columns] = line
        else:
            where = part.where[top - rows.start : bottom - rows.start]
            np.copyto(out[top:bottom, columns], line, where=_like(where, out))


def _between(span: slice, grain: int) -> Span:
    """Return the grains between whose centres the pixels of `span` lie; some may lie beyond the plane."""
    return (span.start - grain // 2) // grain, (span.stop - 1 + grain // 2) // grain + 1


def _put_between(
    layers: Sequence[Layer], parts: Sequence[Part], grains: Plane, first: tuple[int, int], grain: int
) -> None:
    """Interpolate linearly between the centres of the grains, the first of which is `first` of the frame."""
    for part in parts:
        rows, columns = part.box
        (top, bottom), (left, right) = _between(rows, grain), _between(columns, grain)
        top, left = max(0, top - first[0]), max(0, left - first[1])
        near = grains[top : bottom - first[0], left : right - first[1]]
        size = (near.shape[1] * grain, near.shape[0] * grain)
        fine = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
        top, left = (first[0] + top) * grain, (first[1] + left) * grain
        shown = fine[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        for layer, values in _shares(layers, shown):
            if part.where is None:
                layer.out[rows, columns] = values
            else:
                np.copyto(layer.out[rows, columns], values, where=_like(part.where, layer.out))


def _like(where: NDArray[np.bool_], out: Plane) -> NDArray[np.bool_]:
    return where if out.ndim == 2 else where[..., None]
