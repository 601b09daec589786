"""Pixels in, masked pixels out. Nothing here knows why something is hidden.

`mask` and `blank` are what the pipeline asks for; `effects` works on planes, `coverage` says which pixels a polygon
touches.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from privacy.frame import Frame, Layout, Plane, plane_shapes
from privacy.masking import effects
from privacy.masking.coverage import Coverage, cover
from privacy.plan import MaskPlan, Polygon
from privacy.policy import EffectKind

__all__ = ["blank", "mask"]


def mask(frame: Frame, plan: MaskPlan) -> Frame:
    """Return `frame` with the regions of `plan` hidden.

    Every luma pixel that a region touches is hidden, and every chroma sample that belongs to such a pixel; all others
    are bit-identical. `frame` is not modified; it is returned itself if nothing is to be hidden.

    Args:
        frame: Any layout and size.
        plan: What to hide and how. A frame that is wholly hidden in `SOLID` shares its read-only planes with others.
    """
    if not plan.regions:
        return frame
    if plan.effect.kind is EffectKind.SOLID and plan.hides_everything:
        return blank(frame)
    covered = _coverage(plan.regions, frame.size)
    if not covered.box:
        return frame
    black = _black(frame.layout, full_range=frame.full_range)
    side = effects.side_of(plan.effect.strength, frame.size)
    planes = _copies(frame)
    for source, plane, colour, halved in zip(frame.planes, planes, black, _halved(frame.layout), strict=True):
        where, box = covered.of(halved=halved)
        step = max(1, side // 2) if halved else side
        match plan.effect.kind:
            case EffectKind.SOLID:
                effects.solid(plane, where, box, colour)
            case EffectKind.PIXELATE:
                effects.pixelate(source, plane, where, box, step)
            case EffectKind.BLUR:
                effects.blur(source, plane, where, box, step)
    return frame.with_planes(planes)


def blank(frame: Frame) -> Frame:
    """Return a black frame of the same size, layout and moment. Its planes are shared and read-only."""
    height, width = frame.size
    return frame.with_planes(_blank_planes(frame.layout, height, width, full_range=frame.full_range))


@lru_cache(maxsize=16)
def _coverage(regions: Sequence[Polygon], size: tuple[int, int]) -> Coverage:
    # A camera's polygons do not move from frame to frame, so that they are drawn once.
    return cover([polygon.points for polygon in regions], size)


@lru_cache(maxsize=16)
def _blank_planes(layout: Layout, height: int, width: int, *, full_range: bool) -> tuple[Plane, ...]:
    planes = _allocate(layout, height, width)
    for plane, colour in zip(planes, _black(layout, full_range=full_range), strict=True):
        plane[...] = colour
        plane.flags.writeable = False
    return planes


def _black(layout: Layout, *, full_range: bool) -> tuple[int, ...]:
    """Return the value of black for every plane (ITU-R BT.601: luma 16 in video range, chroma 128)."""
    luma = 0 if full_range else 16
    return {
        Layout.I420: (luma, 128, 128),
        Layout.NV12: (luma, 128),
        Layout.BGR: (0,),
        Layout.RGB: (0,),
        Layout.GRAY: (luma,),
    }[layout]


def _halved(layout: Layout) -> tuple[bool, ...]:
    """Say for every plane whether it holds one sample for four pixels."""
    return {Layout.I420: (False, True, True), Layout.NV12: (False, True)}.get(layout, (False,))


def _copies(frame: Frame) -> tuple[Plane, ...]:
    height, width = frame.size
    planes = _allocate(frame.layout, height, width)
    for plane, source in zip(planes, frame.planes, strict=True):
        plane[...] = source
    return planes


def _allocate(layout: Layout, height: int, width: int) -> tuple[Plane, ...]:
    """Return planes that lie behind one another without padding: an encoder can take them without another copy."""
    shapes = plane_shapes(layout, height, width)
    sizes = [int(np.prod(shape)) for shape in shapes]
    buffer = np.empty(sum(sizes), np.uint8)
    starts = np.cumsum([0, *sizes])
    return tuple(
        buffer[start : start + size].reshape(shape) for start, size, shape in zip(starts, sizes, shapes, strict=False)
    )
