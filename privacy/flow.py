"""Where the pixels of a box went from one picture of a camera to another. Frames in, boxes out; no clock."""

from bisect import bisect_left

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Frame, Layout
from privacy.pan import Cells, cells, turned

LONGEST = 1024
"""Pictures are halved until no side is longer: a face of 12 pixels in 1080p still has 6, and a step costs 2 ms."""
STEP_S = 0.13
"""Pictures that follow sooner are not kept: between them, boxes go on a line."""
_WINDOW = (13, 13)
_LEVELS = 2
"""Points are sought where the camera's turn takes them, and so far around it: about 25 pixels."""
_AGREE = 2 / 3
"""So many of the points of a box have to come back, look alike and go the same way."""
_RETURN = 1.0
_SCATTER = 0.25
_ALIKE = 0.6
"""Least correlation of what is around a point with what is around it in the other picture. Noise stays far below."""
_PATCH = 5
_FEWEST = 3.0
"""Pixels: points of a small box lie so far from its centre at least, since what it hides moves with what is around."""
_EXPLAINED = 3.0
"""Levels of luma, in the mean, that the camera's turn may leave unexplained."""
_TURNS = 2.0
"""Pixels by which all moves together if the camera turns."""
_MOST_POINTS = 180
"""More boxes have fewer points each: a point costs as much as all else that is done for its box."""

Corners = NDArray[np.float64]
"""`(4,)` or `(N, 4)` left, top, right, bottom in [0, 1]."""


class Flow:
    """Remembers the last pictures of one camera, small and grey, and follows boxes from one to another.

    Up to nine points in each box are sought in the other picture and back again (Lucas and Kanade; Kalal et al.,
    "Forward-Backward Error", ICPR 2010), beginning where the camera's turn takes them. A box is followed if most of its
    points return and agree, and else it is not: where nothing has texture, something came before it, or all is new.
    What the edge of the picture cuts goes with the camera if that turns, and nothing seen of the box contradicts.
    """

    def __init__(self) -> None:
        self._offsets: list[float] = []
        self._pictures: list[NDArray[np.uint8]] = []
        self._cells: Cells | None = None  # of the last picture
        # Of each picture: how far all has moved since the first, (across, down) in pictures, and how many turns until
        # then explain too little.
        self._places: list[NDArray[np.float64]] = []
        self._doubts: list[int] = []

    @property
    def offsets(self) -> tuple[float, ...]:
        """The moments of the pictures, in order."""
        return tuple(self._offsets)

    def add(self, frame: Frame, *, at_once: bool = False) -> bool:
        """Take in a frame, and say whether it was kept.

        Args:
            frame: One of another size, or of an earlier moment, makes those before it forgotten.
            at_once: Keep it although the last one was a moment ago.
        """
        since = frame.offset - self._offsets[-1] if self._offsets else np.inf
        if since < 0:
            self.forget(np.inf)
        elif since == 0 or (since < STEP_S and not at_once):
            return False
        picture = _small(frame)
        if self._pictures and self._pictures[-1].shape != picture.shape:
            self.forget(np.inf)
        self._turn(cells(Frame((picture,), Layout.GRAY, frame.offset)))
        self._offsets.append(frame.offset)
        self._pictures.append(picture)
        return True

    def _turn(self, here: Cells) -> None:
        if self._cells is None or self._cells.shape != here.shape or not self._places:
            self._places.append(np.zeros(2))
            self._doubts.append(0)
        else:
            turn = turned(self._cells, here)
            self._places.append(self._places[-1] + np.array(turn.step[::-1]) / here.shape[::-1])
            self._doubts.append(self._doubts[-1] + (turn.rest > _EXPLAINED))
        self._cells = here

    def forget(self, before: float) -> None:
        """Drop the pictures before an offset, but for the last of them; all of them if it is infinite."""
        count = len(self._offsets) if before == np.inf else max(0, bisect_left(self._offsets, before) - 1)
        for kept in (self._offsets, self._pictures, self._places, self._doubts):
            del kept[:count]

    def carry(self, boxes: Corners, start: float, end: float) -> tuple[Corners, NDArray[np.bool_]]:
        """Follow boxes from one picture to another, forwards or backwards.

        Args:
            boxes: `(N, 4)`.
            start: The moment of a picture.
            end: Of another.

        Returns:
            `(N, 4)` where they are then, of the same sizes, and `(N,)` whether that is known.
        """
        start_at, end_at = (self._offsets.index(offset) for offset in (start, end))
        one, other = self._pictures[start_at], self._pictures[end_at]
        if not len(boxes):
            return boxes, np.zeros(0, np.bool_)
        side = np.array(one.shape[::-1], np.float64)
        shift = (self._places[end_at] - self._places[start_at]) * side
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 * side
        reach = np.maximum((boxes[:, 2:] - boxes[:, :2]) * side * 0.35, _FEWEST)
        grid = next((grid for grid in _GRIDS if len(boxes) * len(grid) <= _MOST_POINTS), _GRIDS[-1])
        points = centres[:, None] + reach[:, None] * grid
        steps, known = _sought(one, other, points.astype(np.float32), shift.astype(np.float32))
        step = _median(np.where(known[..., None], steps, np.nan))
        near = np.maximum(1.0, _SCATTER * reach.max(axis=-1))[:, None]
        agree = known & (np.abs(steps - step[:, None]).max(axis=-1) <= near)
        trusted = agree.mean(axis=1) >= _AGREE
        if np.abs(shift).max() >= _TURNS and self._doubts[start_at] == self._doubts[end_at]:
            cut = ((points < 0) | (points + shift < 0) | (points >= side) | (points + shift >= side)).any(axis=(1, 2))
            with_it = ~known | (np.abs(steps - shift).max(axis=-1) <= near)
            goes = ~trusted & cut & with_it.all(axis=1)
            step[goes], trusted = shift, trusted | goes
        return boxes + np.tile(np.nan_to_num(step) / side, 2), np.asarray(trusted, np.bool_)


_NINE = np.array([(x, y) for y in (-1.0, 0.0, 1.0) for x in (-1.0, 0.0, 1.0)])
_GRIDS = (_NINE, _NINE[::2], _NINE[::4])
"""Nine points of a box; its corners and its centre; two corners and its centre."""


def _median(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median over the points of each box `(N, 2)`, NaN where none is known."""
    ordered = np.sort(steps, axis=1)  # NaN last
    count = (~np.isnan(ordered[..., :1])).sum(axis=1, keepdims=True)
    middle = np.take_along_axis(ordered, np.maximum(0, (count - 1) // 2).repeat(2, axis=-1), axis=1)
    return np.asarray(middle[:, 0], np.float64)


def _sought(
    one: NDArray[np.uint8], other: NDArray[np.uint8], points: NDArray[np.float32], shift: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how far each point went `(N, P, 2)`, and whether it was really found `(N, P)`, beginning at a shift."""
    flat = points.reshape(-1, 1, 2)
    there, found = _lucas_kanade(one, other, flat, flat + shift)
    back, again = _lucas_kanade(other, one, there, there - shift)
    known = found & again & (np.abs(back - flat).max(axis=-1) < _RETURN)
    known &= ((there >= 0) & (there <= (one.shape[1] - 1, one.shape[0] - 1))).all(axis=-1)
    known = np.asarray(known[:, 0], np.bool_)
    known[known] &= _correlation(_around(one, flat[known, 0]), _around(other, there[known, 0])) >= _ALIKE
    shape = points.shape[:2]
    return (there - flat).reshape(*shape, 2).astype(np.float64), np.asarray(known.reshape(shape), np.bool_)


def _lucas_kanade(
    one: NDArray[np.uint8], other: NDArray[np.uint8], points: NDArray[np.float32], guess: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        one, other, points, guess.copy(), winSize=_WINDOW, maxLevel=_LEVELS, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    return np.asarray(there, np.float32), np.asarray(found) == 1


def _around(picture: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the pixels around each point `(N, p)`; beyond the picture, its last pixels go on."""
    near = np.arange(-_PATCH, _PATCH + 1)
    columns, rows = np.rint(points).astype(np.intp).T
    down = (rows[:, None] + near).clip(0, picture.shape[0] - 1)
    across = (columns[:, None] + near).clip(0, picture.shape[1] - 1)
    around = picture[down[:, :, None], across[:, None, :]].reshape(len(points), len(near) ** 2)
    return np.asarray(around, np.float32)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the correlation of each pair of rows; 0 where nothing varies."""
    one, other = (rows - rows.mean(axis=1, keepdims=True) for rows in (one, other))
    norms = np.sqrt((one * one).sum(axis=1) * (other * other).sum(axis=1))
    products = (one * other).sum(axis=1)
    return np.asarray(np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0), np.float32)


def _small(frame: Frame) -> NDArray[np.uint8]:
    plane = frame.planes[0]
    if frame.layout in (Layout.BGR, Layout.RGB):
        plane = np.ascontiguousarray(plane[..., 1])  # green carries most of luma
    while max(plane.shape) > LONGEST:
        half = (max(1, plane.shape[1] // 2), max(1, plane.shape[0] // 2))
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.array(plane)  # a copy: the decoder's memory is not held
