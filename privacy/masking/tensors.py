"""The effects on Torch, batched, on any device: the same whole numbers as `effects`, and so the same bytes.

Images are `(B, h, w)` or `(B, h, w, C)` uint8, regions `(B, h, w)` bool, True where nothing may be seen. Nothing is
modified; results are new tensors on the same device. On CUDA the last step, which reads and writes every pixel, runs
in the Triton kernels of `kernels`; what comes before works on few numbers and stays in Torch.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from privacy.masking.coverage import SNAP, Part, cover
from privacy.plan import Polygon, Region


def solid(images: Tensor, regions: Tensor, colour: int) -> Tensor:
    """Show one colour; see `effects.solid`."""
    return torch.where(_like(regions, images), torch.tensor(colour, dtype=torch.uint8, device=images.device), images)


def pixelate(images: Tensor, regions: Tensor, side: int, grain: int) -> Tensor:
    """Show the mean of each cell; see `effects.pixelate`."""
    means = cell_means(images, side, grain)
    rows, columns = (
        (torch.arange(length, device=images.device) // side).clamp(max=count - 1)
        for length, count in zip(images.shape[1:3], means.shape[1:3], strict=True)
    )
    return torch.where(_like(regions, images), means[:, rows][:, :, columns], images)


def blur(images: Tensor, regions: Tensor, side: int, grain: int) -> Tensor:
    """Show a mean over `side` pixels, twice, interpolated between grains; see `effects.blur`."""
    values = blurred_grains(images, side, grain).to(torch.int32)
    for axis in (1, 2):
        at = 2 * torch.arange(images.shape[axis], device=images.device) + 1 - grain
        before, weight = torch.div(at, 2 * grain, rounding_mode="floor"), at.remainder(2 * grain)
        weight = weight.to(torch.int32).reshape(-1, *([1] * (values.ndim - 1 - axis)))
        last = values.shape[axis] - 1
        one, two = (values.index_select(axis, (before + step).clamp(0, last)) for step in (0, 1))
        values = one * (2 * grain - weight) + two * weight
    shown = torch.div(values + 2 * grain**2, 4 * grain**2, rounding_mode="floor").to(torch.uint8)
    return torch.where(_like(regions, images), shown, images)


def cell_means(images: Tensor, side: int, grain: int) -> Tensor:
    """Return the mean of each cell, `(B, rows, columns[, C])` uint8, made of grains."""
    return means_of(grains(images, grain), (images.shape[1], images.shape[2]), side, grain)


def means_of(coarse: Tensor, size: tuple[int, int], side: int, grain: int) -> Tensor:
    """Return the mean of each cell of images of a size, given their grains."""
    sums, count = coarse.to(torch.int64), torch.ones((1, 1), dtype=torch.int64, device=coarse.device)
    for axis, length in enumerate(size, start=1):
        cells = max(1, length // side)
        belongs = (torch.arange(coarse.shape[axis], device=coarse.device) * grain // side).clamp(max=cells - 1)
        shape = [*sums.shape]
        shape[axis] = cells
        sums = torch.zeros(shape, dtype=torch.int64, device=coarse.device).index_add_(axis, belongs, sums)
        many = torch.bincount(belongs, minlength=cells)
        count = count * (many[:, None] if axis == 1 else many[None, :])
    count = count.reshape(1, *count.shape, *([1] * (sums.ndim - 3)))
    return torch.div(sums + count // 2, count, rounding_mode="floor").to(torch.uint8)


def blurred_grains(images: Tensor, side: int, grain: int) -> Tensor:
    """Return the grains averaged over `side` pixels, twice, as uint8."""
    return averaged(grains(images, grain), side, grain)


def averaged(coarse: Tensor, side: int, grain: int) -> Tensor:
    """Return grains averaged over `side` pixels, twice."""
    kernel = (side // grain) | 1
    for _ in range(2):
        sums = coarse.to(torch.int64)
        for axis in (1, 2):
            length = sums.shape[axis]
            near = (torch.arange(-(kernel // 2), length + kernel // 2, device=coarse.device)).clamp(0, length - 1)
            run = sums.index_select(axis, near).cumsum(axis)
            zero = torch.zeros_like(run.narrow(axis, 0, 1))
            run = torch.cat([zero, run], dim=axis)
            sums = run.narrow(axis, kernel, length) - run.narrow(axis, 0, length)
        coarse = torch.div(sums + kernel**2 // 2, kernel**2, rounding_mode="floor").to(torch.uint8)
    return coarse


def grains(images: Tensor, grain: int) -> Tensor:
    """Return the mean of each grain, by halving; beyond the image, its last pixels go on."""
    for axis in (1, 2):
        length = images.shape[axis]
        if over := -length % grain:
            images = images.index_select(axis, torch.arange(length + over, device=images.device).clamp(max=length - 1))
    while grain > 1:
        wide = images.to(torch.int32)
        rows = wide[:, 0::2] + wide[:, 1::2]
        images = ((rows[:, :, 0::2] + rows[:, :, 1::2] + 2) >> 2).to(torch.uint8)
        grain //= 2
    return images


def paint(many: Sequence[Sequence[Region]], size: tuple[int, int], device: torch.device) -> Tensor:
    """Return what the regions of each frame touch, `(B, h, w)` bool, drawn on the device; see `coverage.cover`."""
    hidden = torch.zeros((len(many), *size), dtype=torch.bool, device=device)
    for bitmap, regions in zip(hidden, many, strict=True):
        for region in regions:
            _paint(bitmap, region, size)
    return hidden


def halved(regions: Tensor) -> Tensor:
    """Return which chroma samples belong to a hidden pixel, `(B, ceil(h / 2), ceil(w / 2))` bool."""
    _, height, width = regions.shape
    rows = regions[:, 0::2].clone()
    rows[:, : height // 2] |= regions[:, 1::2]
    half = rows[:, :, 0::2].clone()
    half[:, :, : width // 2] |= rows[:, :, 1::2]
    return half


def _paint(bitmap: Tensor, region: Region, size: tuple[int, int]) -> None:
    if isinstance(region, Polygon):
        part = cover(region, size) if len(region.points) == 4 else None
        if part is None or part.where is not None:
            bitmap |= _drawn(region, size, bitmap.device)
            return
    else:
        part = cover(region, size)
    if part is not None:
        bitmap[part.box] |= _where(part, bitmap.device)


def _where(part: Part, device: torch.device) -> Tensor:
    if part.where is None:
        return torch.ones((), dtype=torch.bool, device=device)
    return torch.from_numpy(part.where.copy()).to(device)


def _drawn(polygon: Polygon, size: tuple[int, int], device: torch.device) -> Tensor:
    """Draw a polygon with the same steps in float64 as `coverage`, all edges at once."""
    height, width = size
    scaled = np.asarray(polygon.points, np.float64) * (width, height)
    near = np.round(scaled)
    points = torch.from_numpy(np.where(np.abs(scaled - near) < SNAP, near, scaled)).to(device)
    start, end = points, points.roll(-1, 0)
    turn = torch.where(start[:, 1] <= end[:, 1], 1, -1)[:, None]
    swap = (turn < 0).expand(-1, 2)
    low, high = torch.where(swap, end, start), torch.where(swap, start, end)
    rows = torch.arange(height, device=device, dtype=torch.float64)[None, :]
    inside = _wound(low, high, turn, rows, width)
    touched = inside | _traced(low, high, rows, width, thin=False)
    return touched if bool(touched.any()) else _traced(low, high, rows, width, thin=True)


def _wound(low: Tensor, high: Tensor, turn: Tensor, rows: Tensor, width: int) -> Tensor:
    """Say which pixels' centres the outline winds around."""
    (x0, y0), (x1, y1) = ((ends[:, :1], ends[:, 1:]) for ends in (low, high))
    crosses = (rows >= (y0 - 0.5).ceil()) & (rows < (y1 - 0.5).ceil())
    x = x0 + (rows + 0.5 - y0) * ((x1 - x0) / torch.where(y1 > y0, y1 - y0, 1.0))
    columns = (x - 0.5).ceil().clamp(0, width).to(torch.int64)
    steps = torch.zeros((rows.shape[1], width + 1), dtype=torch.int32, device=rows.device)
    at = rows.to(torch.int64).expand_as(columns)
    steps.index_put_((at, columns), torch.where(crosses, turn, 0).to(torch.int32), accumulate=True)
    return steps[:, :-1].cumsum(1) != 0


def _traced(low: Tensor, high: Tensor, rows: Tensor, width: int, *, thin: bool) -> Tensor:
    """Say which pixels an edge runs through; one along the border of pixels only if `thin`."""
    (x0, y0), (x1, y1) = ((ends[:, :1], ends[:, 1:]) for ends in (low, high))
    first, last = y0.floor(), torch.maximum(y0.floor(), y1.ceil() - 1)
    along_border = ((x0 == x1) & (x0 == x0.floor())) | ((y0 == y1) & (y0 == y0.floor()))
    if thin:
        end = float(rows.shape[1] - 1)
        first, last = first.clamp(max=end), last.clamp(max=end)
        along_border = torch.zeros_like(along_border)
    runs = (rows >= first) & (rows <= last) & ~along_border
    level = y1 <= y0
    slope = (x1 - x0) / torch.where(level, 1.0, y1 - y0)
    ends = [
        torch.where(level, edge, x0 + (torch.minimum(torch.maximum(rows + step, y0), y1) - y0) * slope)
        for step, edge in ((0.0, x0), (1.0, x1))
    ]
    slack = torch.where(x0 == x1, 0.0, SNAP)
    left = torch.maximum(torch.minimum(*ends) - slack, torch.minimum(x0, x1)).floor()
    right = torch.maximum(left + 1, torch.minimum(torch.maximum(*ends) + slack, torch.maximum(x0, x1)).ceil())
    if thin:
        left = left.clamp(max=width - 1.0)
    counts = torch.zeros((rows.shape[1], width + 1), dtype=torch.int32, device=rows.device)
    at = rows.to(torch.int64).expand(len(low), -1)
    for side, step in ((left, 1), (right, -1)):
        counts.index_put_((at, side.clamp(0, width).to(torch.int64)), runs.to(torch.int32) * step, accumulate=True)
    return counts[:, :-1].cumsum(1) > 0


def _like(regions: Tensor, images: Tensor) -> Tensor:
    return regions if images.ndim == 3 else regions[..., None]
