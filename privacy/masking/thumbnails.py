"""Small pictures for models, made where the frames lie: what `privacy.frame.thumbnail` gives, on Torch and batched.

Halving is the same whole numbers. Other factors and colours are sums of products in float32, which OpenCV rounds in its
own ways: a value may differ by 1 (by 2 where a picture is enlarged), and no more.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from privacy.frame import Frame, Layout, rgb_of


def thumbnails(planes: Sequence[Tensor], like: Frame, size: tuple[int, int]) -> Tensor:
    """Return the whole pictures, resized, as a model sees them.

    Args:
        planes: Of a batch, each `(B, h, w)` or `(B, h, w, C)` uint8; not modified.
        like: A frame of the same layout, size, range and matrix; its pixels are not read.
        size: `(height, width)` of the result.

    Returns:
        `(B, height, width, 3)` uint8 RGB on the same device.
    """
    small = [_resized(plane if plane.ndim == 4 else plane[..., None], size) for plane in planes]
    match like.layout:
        case Layout.RGB:
            return small[0]
        case Layout.BGR:
            return small[0].flip(-1)
        case Layout.GRAY:
            yuv = torch.cat([small[0], torch.full_like(small[0], 128).expand(-1, -1, -1, 2)], dim=-1)
        case Layout.I420 | Layout.NV12:
            yuv = torch.cat(small, dim=-1)
    matrix = torch.from_numpy(rgb_of(like)).to(yuv.device)
    rgb = yuv.to(torch.float32) @ matrix[:, :3].T + matrix[:, 3]
    return rgb.round().clamp(0, 255).to(torch.uint8)


def _resized(plane: Tensor, size: tuple[int, int]) -> Tensor:
    height, width = size
    while (
        plane.shape[1] >= 2 * height and plane.shape[2] >= 2 * width and plane.shape[1] % 2 == plane.shape[2] % 2 == 0
    ):
        wide = plane.to(torch.int32)
        rows = wide[:, 0::2] + wide[:, 1::2]
        plane = ((rows[:, :, 0::2] + rows[:, :, 1::2] + 2) >> 2).to(torch.uint8)
    if plane.shape[1:3] == size:
        return plane
    shrinking = plane.shape[1] >= height and plane.shape[2] >= width
    down, across = (
        torch.from_numpy(_weights(have, want, shrinking=shrinking)).to(plane.device)
        for have, want in zip(plane.shape[1:3], size, strict=True)
    )
    values = torch.einsum("ih,bhwc->biwc", down, plane.to(torch.float32))
    values = torch.einsum("jw,biwc->bijc", across, values)
    return values.round().clamp(0, 255).to(torch.uint8)


@lru_cache(maxsize=64)
def _weights(have: int, want: int, *, shrinking: bool) -> NDArray[np.float32]:
    """Return `(want, have)`, what each sample of a row counts for: by area when shrinking, else on a line."""
    weights = np.zeros((want, have), np.float64)
    scale = have / want
    for at in range(want):
        if shrinking:
            start, end = at * scale, (at + 1) * scale
            cells = np.arange(int(start), min(have, int(np.ceil(end))))
            weights[at, cells] = np.minimum(cells + 1, end) - np.maximum(cells, start)
        else:
            middle = (at + 0.5) * scale - 0.5
            low = int(np.floor(middle))
            for cell, share in ((low, 1 - (middle - low)), (low + 1, middle - low)):
                weights[at, min(max(cell, 0), have - 1)] += share
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
