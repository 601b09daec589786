"""Planes that a decoder lends without a copy."""

from typing import Any

import av
import numpy as np

from privacy.frame import Plane

I420_FORMATS = frozenset({"yuv420p", "yuvj420p", "yuva420p"})
"""FFmpeg's names for pictures whose first three planes are I420."""


class _Loan:
    """Keeps a decoded picture alive as long as an array looks into it."""

    __slots__ = ("__array_interface__", "index", "picture")

    def __init__(self, picture: av.VideoFrame, index: int) -> None:
        plane = picture.planes[index]
        self.picture = picture
        self.index = index
        self.__array_interface__: dict[str, Any] = {
            "version": 3,
            "shape": (plane.height, plane.width),
            "typestr": "|u1",
            "data": (plane.buffer_ptr, True),  # read-only: the decoder predicts later pictures from this one
            "strides": (plane.line_size, 1),
        }


def lend(picture: av.VideoFrame, planes: int) -> tuple[Plane, ...]:
    """Return read-only `(h, w)` views of the first `planes` planes, which hold one uint8 sample a pixel."""
    return tuple(np.asarray(_Loan(picture, index)) for index in range(planes))


def lender(planes: tuple[Plane, ...]) -> av.VideoFrame | None:
    """Return the decoded picture if `planes` are its own, untouched and complete; else None.

    An encoder that is given that picture needs no copy of its pixels.
    """
    loans: list[object] = [plane.base for plane in planes]
    first = loans[0]
    if len(planes) != 3 or not isinstance(first, _Loan) or first.picture.format.name not in I420_FORMATS:
        return None
    for index, (plane, loan) in enumerate(zip(planes, loans, strict=True)):
        if not isinstance(loan, _Loan) or loan.picture is not first.picture or loan.index != index:
            return None
        lent = loan.__array_interface__
        if plane.shape != lent["shape"] or plane.strides != lent["strides"] or plane.ctypes.data != lent["data"][0]:
            return None
    return first.picture
