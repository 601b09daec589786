"""Pixels in, masked pixels out. Nothing here knows why something is hidden.

`mask` and `blank` are what the pipeline asks for; `effects` works on planes, `coverage` says which pixels a region
touches.
"""

import ctypes
import math
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import Protocol

import numpy as np

from privacy.errors import DeviceError
from privacy.frame import Frame, Layout, Plane, plane_shapes
from privacy.masking import effects
from privacy.masking.coverage import Part, cover, is_upright
from privacy.masking.kept import Kept
from privacy.plan import MaskPlan, Polygon, Region
from privacy.policy import Effect, EffectKind

__all__ = ["Masker", "blank", "mask", "masker_for"]

DEVICES = ("auto", "cpu", "cuda")

_BLANKS: Kept[tuple[Plane, ...]] = Kept(64 * 1024 * 1024, lambda planes: sum(plane.nbytes for plane in planes))
_DRAWN: Kept[Part | None] = Kept(64 * 1024 * 1024, lambda part: 0 if part is None else part.nbytes)


class Masker(Protocol):
    """Hides the regions of a plan in a frame, as `mask` does."""

    def __call__(self, frame: Frame, plan: MaskPlan, into: Plane | None = None) -> Frame:
        """See `mask`. `into` is an offer that need not be taken: the planes of what is returned say where they are."""


def mask(frame: Frame, plan: MaskPlan, into: Plane | None = None) -> Frame:
    """Return `frame` with the regions of `plan` hidden.

    Every luma pixel that a region touches is hidden, and every chroma sample that belongs to such a pixel; all others
    are bit-identical. `frame` is not modified; it is returned itself if nothing is to be hidden.

    Args:
        frame: Any layout and size.
        plan: What to hide and how. A frame that is wholly hidden in `SOLID` shares its read-only planes with others.
        into: `(n,)` uint8, as long as all planes together and other memory than theirs. If pixels have to be written,
            it holds the planes of the result, one behind the other. It is written, and never read.

    Raises:
        ValueError: `into` has another length.
    """
    if (ready := untouched(frame, plan)) is not None:
        return ready
    parts = cover_all(plan.regions, frame.size)
    if not parts:
        return frame
    planes = _allocate(frame.layout, *frame.size, into)
    if not any(part.covers(frame.size) for part in parts):  # else every sample is written anyhow
        for plane, source in zip(planes, frame.planes, strict=True):
            plane[...] = source
    apply(frame, planes, parts, plan.effect)
    return frame.with_planes(planes)


def untouched(frame: Frame, plan: MaskPlan) -> Frame | None:
    """Return the masked frame if no pixel has to be read for it: itself, or a black one; else None."""
    if not plan.regions:
        return frame
    if plan.effect.kind is EffectKind.SOLID and plan.hides_everything:
        return blank(frame)
    return None


def apply(frame: Frame, planes: Sequence[Plane], parts: Sequence[Part], effect: Effect) -> None:
    """Write the parts of every plane."""
    halved = halved_planes(frame.layout)
    if effect.kind is EffectKind.SOLID:
        halves = [part.halved() for part in parts] if any(halved) else []
        black = black_of(frame.layout, full_range=frame.full_range)
        for plane, colour, is_half in zip(planes, black, halved, strict=True):
            effects.solid(plane, halves if is_half else parts, colour)
        return
    side, grain = effects.side_of(effect.strength, frame.size), effects.grain_of(effect.strength, frame.size)
    layers = [
        effects.Layer(source, plane, 2 if is_half else 1)
        for source, plane, is_half in zip(frame.planes, planes, halved, strict=True)
    ]
    show = effects.pixelate if effect.kind is EffectKind.PIXELATE else effects.blur
    show(layers, parts, side, grain)


def blank(frame: Frame) -> Frame:
    """Return a black frame of the same size, layout and moment. Its planes are shared and read-only."""
    height, width = frame.size
    return frame.with_planes(_blank_planes(frame.layout, height, width, full_range=frame.full_range))


def masker_for(device: str) -> Masker:
    """Return what masks on a device; every device gives the same bytes. Safe to share between threads.

    A GPU has one masker a process: frames of all who call it go up, are masked and come down in batches.

    Args:
        device: "cpu"; "cuda"; or "auto", CUDA where torch finds it and the CPU elsewhere.

    Raises:
        DeviceError: "cuda" is asked for and there is none, or torch is not installed.
    """
    if device not in DEVICES:
        raise DeviceError(f"masks are made on {', '.join(DEVICES)}, not on {device}", device=device)
    if device == "cpu" or (device == "auto" and not _has_driver()):
        return mask
    try:
        return _on_cuda()
    except (ImportError, DeviceError) as error:
        if device == "auto":
            return mask
        if isinstance(error, DeviceError):
            raise
        raise DeviceError("masking on CUDA needs torch: install the extra gpu", device=device) from error


@cache
def _on_cuda() -> Masker:
    from privacy.masking.device import DeviceMasker  # noqa: PLC0415 - torch is an extra, and slow to load
    from privacy.masking.together import Together  # noqa: PLC0415 - masks with what is here

    return Together(DeviceMasker("cuda").mask_batch)


def _has_driver() -> bool:
    """Say whether CUDA could work here, without the seconds that loading torch takes."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def cover_all(regions: Sequence[Region], size: tuple[int, int]) -> list[Part]:
    """Return the pixels of every region that has any."""
    parts = (_drawn(region, size) if isinstance(region, Polygon) else cover(region, size) for region in regions)
    return [part for part in parts if part is not None]


def _drawn(polygon: Polygon, size: tuple[int, int]) -> Part | None:
    # A camera's polygons do not move from frame to frame, so that they are drawn once.
    if is_upright(polygon.points):  # drawn faster than it is looked up, and trackers make new ones all the time
        return cover(polygon, size)
    return _DRAWN.get((polygon, size), lambda: cover(polygon, size))


def _blank_planes(layout: Layout, height: int, width: int, *, full_range: bool) -> tuple[Plane, ...]:
    def make() -> tuple[Plane, ...]:
        planes = _allocate(layout, height, width)
        for plane, colour in zip(planes, black_of(layout, full_range=full_range), strict=True):
            plane[...] = colour
            plane.flags.writeable = False
        return planes

    return _BLANKS.get((layout, height, width, full_range), make)


@cache
def black_of(layout: Layout, *, full_range: bool) -> tuple[int, ...]:
    """Return the value of black for every plane (ITU-R BT.601: luma 16 in video range, chroma 128)."""
    luma = 0 if full_range else 16
    return {
        Layout.I420: (luma, 128, 128),
        Layout.NV12: (luma, 128),
        Layout.BGR: (0,),
        Layout.RGB: (0,),
        Layout.GRAY: (luma,),
    }[layout]


@cache
def halved_planes(layout: Layout) -> tuple[bool, ...]:
    """Say for every plane whether it holds one sample for four pixels."""
    return {Layout.I420: (False, True, True), Layout.NV12: (False, True)}.get(layout, (False,))


def _allocate(layout: Layout, height: int, width: int, buffer: Plane | None = None) -> tuple[Plane, ...]:
    """Return planes that lie behind one another without padding: an encoder can take them without another copy."""
    shapes = plane_shapes(layout, height, width)
    sizes = [math.prod(shape) for shape in shapes]
    if buffer is None:
        buffer = np.empty(sum(sizes), np.uint8)
    elif buffer.shape != (sum(sizes),):
        raise ValueError(f"{layout} of {width}x{height} takes {sum(sizes)} bytes, and not {buffer.shape}")
    ends = accumulate(sizes)
    return tuple(buffer[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes, strict=True))
