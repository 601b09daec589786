"""Triton kernels: one pass that reads a frame and writes the masked frame, and the halving that comes before it.

Every kernel works on planes of a batch: `height` rows of `width` pixels of `CHANNELS` interleaved bytes, the planes of
one image `*_stride` bytes behind those of the image before. Numbers and their rounding are those of `effects`.
"""

import triton
import triton.language as tl
from torch import Tensor

SOLID, CELLS, BETWEEN = 0, 1, 2
"""What is shown of a hidden pixel: one colour, its cell's mean, or the grains interpolated at its place."""
_BLOCK_ROWS, _BLOCK_BYTES = 8, 256


@triton.jit  # type: ignore[untyped-decorator]
def _write(  # type: ignore[no-untyped-def]
    source,
    out,
    boxes,
    count,
    bitmap,
    coarse,
    source_stride,
    out_stride,
    height,
    width,
    coarse_height,
    coarse_width,
    side,
    colour,
    CHANNELS: tl.constexpr,
    EFFECT: tl.constexpr,
    HAS_BITMAP: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    BLOCK_BYTES: tl.constexpr,
):
    image = tl.program_id(2).to(tl.int64)
    rows = tl.program_id(1) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    at = tl.program_id(0) * BLOCK_BYTES + tl.arange(0, BLOCK_BYTES)
    columns = at // CHANNELS
    inside = (rows < height)[:, None] & (columns < width)[None, :]
    hidden = (rows < 0)[:, None] & (columns < 0)[None, :]
    for number in range(count):
        box = boxes + (image * count + number) * 4
        top, bottom = tl.load(box), tl.load(box + 1)
        left, right = tl.load(box + 2), tl.load(box + 3)
        hidden = hidden | (
            ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))[None, :]
        )
    if HAS_BITMAP:
        cell = bitmap + image * height * width + rows[:, None] * width + columns[None, :]
        hidden = hidden | (tl.load(cell, mask=inside, other=0) != 0)
    place = rows[:, None] * (width * CHANNELS) + at[None, :]
    # What is hidden is not even read.
    shown = tl.load(source + image * source_stride + place, mask=inside & (hidden == 0), other=0)
    if EFFECT == 0:
        value = (rows * 0 + colour)[:, None] + (at * 0)[None, :]
    else:
        needed = inside & hidden
        channel = at - columns * CHANNELS
        line = coarse_width * CHANNELS
        grains = coarse + image * coarse_height * line
        if EFFECT == 1:
            row = tl.minimum(rows // side, coarse_height - 1)
            column = tl.minimum(columns // side, coarse_width - 1)
            value = tl.load(grains + row[:, None] * line + (column * CHANNELS + channel)[None, :], mask=needed, other=0)
            value = value.to(tl.int32)
        else:
            down, across = 2 * rows + 1 + side, 2 * columns + 1 + side  # one grain on, so that none is negative
            row, column = down // (2 * side) - 1, across // (2 * side) - 1
            lower, righter = down - (row + 1) * 2 * side, across - (column + 1) * 2 * side
            row0, row1 = tl.maximum(row, 0), tl.minimum(row + 1, coarse_height - 1)
            column0, column1 = tl.maximum(column, 0), tl.minimum(column + 1, coarse_width - 1)
            left_at, right_at = column0 * CHANNELS + channel, column1 * CHANNELS + channel
            a = tl.load(grains + row0[:, None] * line + left_at[None, :], mask=needed, other=0).to(tl.int32)
            b = tl.load(grains + row0[:, None] * line + right_at[None, :], mask=needed, other=0).to(tl.int32)
            c = tl.load(grains + row1[:, None] * line + left_at[None, :], mask=needed, other=0).to(tl.int32)
            d = tl.load(grains + row1[:, None] * line + right_at[None, :], mask=needed, other=0).to(tl.int32)
            upper = a * (2 * side - righter)[None, :] + b * righter[None, :]
            under = c * (2 * side - righter)[None, :] + d * righter[None, :]
            value = (upper * (2 * side - lower)[:, None] + under * lower[:, None] + 2 * side * side) // (
                4 * side * side
            )
    result = tl.where(hidden, value.to(tl.uint8), shown)
    tl.store(out + image * out_stride + place, result, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _halve(  # type: ignore[no-untyped-def]
    source,
    out,
    source_stride,
    height,
    width,
    out_height,
    out_width,
    CHANNELS: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    BLOCK_BYTES: tl.constexpr,
):
    image = tl.program_id(2).to(tl.int64)
    rows = tl.program_id(1) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    at = tl.program_id(0) * BLOCK_BYTES + tl.arange(0, BLOCK_BYTES)
    columns = at // CHANNELS
    channel = at - columns * CHANNELS
    inside = (rows < out_height)[:, None] & (columns < out_width)[None, :]
    # Beyond the plane, its last pixels go on.
    row0, row1 = tl.minimum(2 * rows, height - 1), tl.minimum(2 * rows + 1, height - 1)
    left = tl.minimum(2 * columns, width - 1) * CHANNELS + channel
    right = tl.minimum(2 * columns + 1, width - 1) * CHANNELS + channel
    base, line = source + image * source_stride, width * CHANNELS
    total = tl.load(base + row0[:, None] * line + left[None, :], mask=inside, other=0).to(tl.int32)
    total += tl.load(base + row0[:, None] * line + right[None, :], mask=inside, other=0).to(tl.int32)
    total += tl.load(base + row1[:, None] * line + left[None, :], mask=inside, other=0).to(tl.int32)
    total += tl.load(base + row1[:, None] * line + right[None, :], mask=inside, other=0).to(tl.int32)
    place = image * out_height * out_width * CHANNELS + rows[:, None] * (out_width * CHANNELS) + at[None, :]
    tl.store(out + place, ((total + 2) // 4).to(tl.uint8), mask=inside)


def grains(images: Tensor, grain: int) -> Tensor:
    """Return the mean of each grain; see `tensors.grains`. Each image must be contiguous."""
    size = [-(-length // grain) * grain for length in images.shape[1:3]]
    while grain > 1:
        size = [length // 2 for length in size]
        out = images.new_empty((len(images), *size, *images.shape[3:]))
        channels = _channels(images)
        _halve[_grid(len(images), size, channels)](
            images,
            out,
            images.stride(0),
            images.shape[1],
            images.shape[2],
            *size,
            CHANNELS=channels,
            BLOCK_ROWS=_BLOCK_ROWS,
            BLOCK_BYTES=_BLOCK_BYTES,
        )
        images = out
        grain //= 2
    return images


def write(
    images: Tensor,
    out: Tensor,
    boxes: Tensor,
    bitmap: Tensor | None,
    *,
    effect: int,
    coarse: Tensor | None = None,
    side: int = 1,
    colour: int = 0,
) -> None:
    """Write the masked images to `out`.

    Args:
        images: `(B, h, w[, C])` uint8, each image contiguous.
        out: Like `images`, other memory.
        boxes: `(B, N, 4)` int32 top, bottom, left, right of what is hidden, in pixels; an empty box hides nothing.
        bitmap: `(B, h, w)` uint8, what is hidden as well; None for nothing.
        effect: `SOLID`, `CELLS` or `BETWEEN`.
        coarse: `(B, rows, columns[, C])` uint8, the means of cells or the averaged grains.
        side: Of a cell for `CELLS`, of a grain for `BETWEEN`.
        colour: For `SOLID`.
    """
    channels, (height, width) = _channels(images), images.shape[1:3]
    few = images if coarse is None else coarse.contiguous()
    _write[_grid(len(images), (height, width), channels)](
        images,
        out,
        boxes.contiguous(),
        boxes.shape[1],
        images if bitmap is None else bitmap.contiguous(),
        few,
        images.stride(0),
        out.stride(0),
        height,
        width,
        few.shape[1],
        few.shape[2],
        side,
        colour,
        CHANNELS=channels,
        EFFECT=effect,
        HAS_BITMAP=bitmap is not None,
        BLOCK_ROWS=_BLOCK_ROWS,
        BLOCK_BYTES=_BLOCK_BYTES,
    )


def _channels(images: Tensor) -> int:
    return int(images.shape[3]) if images.ndim == 4 else 1


def _grid(batch: int, size: "list[int] | tuple[int, int]", channels: int) -> tuple[int, int, int]:
    height, width = size
    return triton.cdiv(width * channels, _BLOCK_BYTES), triton.cdiv(height, _BLOCK_ROWS), batch
