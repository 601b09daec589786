"""The effects of `privacy.masking.effects` on whole planes, slowly and plainly: what every fast form has to equal."""

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Whole = NDArray[np.int64]


def grains(plane: Plane, grain: int) -> Whole:
    """Halve until a sample stands for a grain; the last pixels go on beyond the plane."""
    pad = [(0, -length % grain) for length in plane.shape[:2]] + [(0, 0)] * (plane.ndim - 2)
    values = np.pad(plane, pad, mode="edge").astype(np.int64)
    while grain > 1:
        values = (values[0::2, 0::2] + values[1::2, 0::2] + values[0::2, 1::2] + values[1::2, 1::2] + 2) // 4
        grain //= 2
    return values


def pixelated(plane: Plane, side: int, grain: int) -> Plane:
    """Show the rounded mean of the grains of each cell."""
    coarse, out = grains(plane, grain), np.empty_like(plane)
    height, width = plane.shape[:2]
    for top, bottom in cells(height, side):
        for left, right in cells(width, side):
            inner = coarse[top // grain : -(-bottom // grain), left // grain : -(-right // grain)]
            count = inner.shape[0] * inner.shape[1]
            out[top:bottom, left:right] = (inner.sum(axis=(0, 1)) + count // 2) // count
    return out


def cells(length: int, side: int) -> list[tuple[int, int]]:
    """Say from where to where each cell goes; the last one takes what is left."""
    count = max(1, length // side)
    return [(at * side, length if at == count - 1 else (at + 1) * side) for at in range(count)]


def blurred(plane: Plane, side: int, grain: int) -> Plane:
    """Average the grains around each grain, twice, and interpolate between their centres."""
    kernel, values = (side // grain) | 1, grains(plane, grain)
    for _ in range(2):
        values = _box(values, kernel)
    for axis in (0, 1):
        at = 2 * np.arange(plane.shape[axis]) + 1 - grain  # in halves of a pixel from the first grain's centre
        before, weight = at // (2 * grain), at % (2 * grain)
        last = values.shape[axis] - 1
        one, two = (np.take(values, np.clip(before + step, 0, last), axis=axis) for step in (0, 1))
        weight = weight.reshape(-1, *([1] * (values.ndim - 1 - axis)))
        values = one * (2 * grain - weight) + two * weight
    return np.asarray((values + 2 * grain**2) // (4 * grain**2), np.uint8)


def _box(values: Whole, kernel: int) -> Whole:
    reach = kernel // 2
    padded = np.pad(values, [(reach, reach)] * 2 + [(0, 0)] * (values.ndim - 2), mode="edge")
    height, width = values.shape[:2]
    sums = sum(padded[row : row + height, column : column + width] for row in range(kernel) for column in range(kernel))
    return np.asarray((sums + kernel**2 // 2) // kernel**2)
