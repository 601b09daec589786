"""Which way up a player shows the pictures of a video, so that what is judged is what is seen.

A phone, and a camera that was mounted on its side, store pictures as the sensor lies and say beside them how they are
to be turned. A room on its side is no room to a model: it has seen none.
"""

from typing import NamedTuple

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData

from privacy.frame import Plane


class Orientation(NamedTuple):
    """What to do with a stored picture, in this order.

    Attributes:
        transposed: Rows become columns.
        mirrored: Left becomes right.
        flipped: Top becomes bottom.
    """

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False


AS_STORED = Orientation()
_MATRIX_BYTES = 36  # nine numbers of 32 bits


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """Return how a player turns a picture, by the matrix beside it (ISO/IEC 14496-12, 6.2.2).

    A turn by anything between quarters is taken for the nearest quarter: players show such a picture aslant.
    """
    said = picture.side_data.get("DISPLAYMATRIX")
    if not isinstance(said, SideData) or said.buffer_size < _MATRIX_BYTES:
        return AS_STORED
    # A point (x, y) goes to (a x + c y, b x + d y).
    a, b, _, c, d = (int(number) for number in np.frombuffer(memoryview(said), np.int32, 5))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(transposed=False, mirrored=a < 0, flipped=d < 0)
    return Orientation(transposed=True, mirrored=c < 0, flipped=b < 0)


def upright(planes: tuple[Plane, ...], orientation: Orientation) -> tuple[Plane, ...]:
    """Return `(h, w)` planes as a player shows them: the same ones if they are stored so, else others."""
    if orientation == AS_STORED:
        return planes
    return tuple(_turned(plane, orientation) for plane in planes)


def _turned(plane: Plane, orientation: Orientation) -> Plane:
    turned = cv2.transpose(plane) if orientation.transposed else plane
    if orientation.mirrored or orientation.flipped:
        turned = cv2.flip(turned, _FLIPS[orientation.mirrored, orientation.flipped])
    return np.asarray(turned, np.uint8)


_FLIPS = {(True, False): 1, (False, True): 0, (True, True): -1}
"""OpenCV's codes, by what is mirrored and what is flipped."""
