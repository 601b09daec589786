"""Where people, faces and screens are between the moments at which a model saw them. Pure; time is an argument."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError
from privacy.models.detector import Box, Detection
from privacy.plan import Polygon, upright
from privacy.policy import Subject, Subjects

SUBJECT_OF: Mapping[str, Subject] = {
    "person": Subject.PEOPLE,
    "face": Subject.FACES,
    "head": Subject.HEADS,
    "tv": Subject.SCREENS,
    "laptop": Subject.SCREENS,
    "cell phone": Subject.SCREENS,
    "book": Subject.SCREENS,
}
"""What a detector's label counts as. A label that is not here is nobody's secret."""

SAME = 0.2
"""Least overlap (intersection over union) of a prediction and a detection of the same subject."""
_NEAR = 3.0
"""How far a first sight may be, in sides of its box, from the track that hints at where it came from."""
_RECENT_S = 0.5
_RECENT = 25
"""A velocity is fitted to no more sights than these, and to none older."""
_BELIEVED = 2.0
"""A velocity is believed for so many times as long as it was watched: boxes tremble, and a moment tells little."""
_TREMBLE = 0.004
"""Of the picture, at least, if there is any margin: a box errs by a pixel or two of what the detector saw, however
small it is. A tenth of a face of 13 pixels left its nose unmasked."""
_PART, _NEAR_EDGE = 0.5, 0.03
"""A box whose distance from the edge of the picture is less than this share of it, and of the picture, reaches to the
edge: of a face that comes in, detectors find less than can be seen."""
_WITHIN = 0.7
"""A subject that is no longer seen, and of which so much lies in another one that is, was that one, or is behind it."""
_GAP_S = 0.2
"""Pixels that could not be followed for so long are not taken up again where they ought to be."""
_BACK_S = 0.3
"""Who is new is followed back in steps of so long."""

Corners = NDArray[np.float64]
"""`(4,)` or `(N, 4)` left, top, right, bottom."""


class Carrier(Protocol):
    """Follows the pixels of boxes between pictures; see `privacy.flow.Flow`."""

    @property
    def offsets(self) -> Sequence[float]:
        """The moments of the pictures, in order."""

    def carry(self, boxes: Corners, start: float, end: float) -> tuple[Corners, NDArray[np.bool_]]:
        """Return where `(N, 4)` boxes are at the end, and `(N,)` whether that is known."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """One subject in one frame.

    Attributes:
        subject: What it is.
        box: What is hidden of the picture, in [0, 1].
    """

    subject: Subject
    box: Box

    @property
    def region(self) -> Polygon:
        """The box as a polygon."""
        return upright(*self.box)


def outermost(hidden: Sequence[Hidden]) -> list[Hidden]:
    """Return those whose boxes lie in no other one; of equal boxes, the first. The others hide nothing more."""
    if len(hidden) < 2:
        return list(hidden)
    boxes = np.array([one.box for one in hidden])
    low, high = boxes[:, None, :2] >= boxes[:, :2], boxes[:, None, 2:] <= boxes[:, 2:]
    within = low.all(axis=-1) & high.all(axis=-1)
    within &= ~within.T | np.tri(len(boxes), k=-1, dtype=np.bool_)
    return [hidden[at] for at in np.flatnonzero(~within.any(axis=1)).tolist()]


class _Track:
    """Where one subject was, in the order of offsets: its sights, and where its pixels were followed to.

    `hint` is a sight, of another track, that may have been the same subject: it tells a velocity and nothing else.
    `end` is the moment from which another track stands for it.

    Boxes are plain numbers: every track is asked in every frame, and arrays of four take ten times as long.
    """

    def __init__(self, subject: Subject, offset: float, box: Box, hint: "_Track | None" = None) -> None:
        self.subject = subject
        self.offsets, self.boxes, self.sights = [offset], [box], [offset]
        self.last_box = box
        self.hint = None if hint is None else (hint.last, hint.last_box)
        self.end = np.inf
        self._motions: dict[bool, _Motion] = {}  # at the newest end and the oldest, until something is taken in

    @property
    def last(self) -> float:
        """When it was last seen."""
        return self.sights[-1]

    def add(self, offset: float, box: Box) -> None:
        """Take in a sight, which knows better than the pixels."""
        self._motions.clear()
        if self.offsets[-1] == offset:
            self.boxes[-1] = box
        else:
            self.offsets.append(offset)
            self.boxes.append(box)
        self.sights.append(offset)
        self.last_box = box

    def carry(self, offset: float, box: Box) -> None:
        """Take in where the pixels were followed to, after or before everything else that is known."""
        self._motions.clear()
        if offset > self.offsets[-1]:
            self.offsets.append(offset)
            self.boxes.append(box)
        elif offset < self.offsets[0]:
            self.offsets.insert(0, offset)
            self.boxes.insert(0, box)

    def forget(self, before: float) -> None:
        """Drop what was before an offset, but for what the newest velocity is fitted to."""
        keep = min(before, self.last - _RECENT_S)
        count = bisect_left(self.offsets, keep)
        if count:
            self._motions.clear()
        del self.offsets[:count], self.boxes[:count]
        del self.sights[: bisect_left(self.sights, keep)]

    def estimate(self, offset: float) -> Box:
        """Return where the subject is taken to be: between known places on a line, else on with its velocity."""
        at = bisect_left(self.offsets, offset)
        if at < len(self.offsets) and self.offsets[at] == offset:
            return self.boxes[at]
        if 0 < at < len(self.offsets):
            start, end = self.offsets[at - 1 : at + 1]
            share = (offset - start) / (end - start)
            (x0, y0, x1, y1), (u0, v0, u1, v1) = self.boxes[at - 1 : at + 1]
            return x0 + (u0 - x0) * share, y0 + (v0 - y0) * share, x1 + (u1 - x1) * share, y1 + (v1 - y1) * share
        newest = at > 0
        motion = self._motions.get(newest) or self._motion(newest=newest)
        last = -1 if newest else 0
        left, top, right, bottom = self.boxes[last]
        ahead = min(motion.believed, max(-motion.believed, offset - self.offsets[last]))
        across, down = motion.across * ahead, motion.down * ahead
        return left + across, top + down, right + across, bottom + down

    def _motion(self, *, newest: bool) -> "_Motion":
        recent = slice(-_RECENT, None) if newest else slice(_RECENT)
        offsets, boxes = np.array(self.offsets[recent]), np.array(self.boxes[recent])
        edge = offsets[-1 if newest else 0]
        if self.hint is not None:
            offsets, boxes = np.append(self.hint[0], offsets), np.vstack([self.hint[1], boxes])
        motion = self._motions[newest] = _fitted(offsets, boxes, edge)
        return motion

    def hidden(self, offset: float, rules: Subjects) -> Box | None:
        """Return what has to be hidden at an offset, or None if the nearest sight is too long ago or ahead.

        It holds the box at the nearest known place as well as the estimate: who stops or turns is not left behind.
        """
        if offset >= self.end:
            return None
        at, offsets = bisect_left(self.offsets, offset), self.offsets
        nearest = _away(self.sights, offset)
        if nearest > rules.hold_s and not offsets[0] <= offset <= offsets[-1]:
            return None
        since = offset - offsets[at - 1] if at else np.inf
        until = offsets[at] - offset if at < len(offsets) else np.inf
        known = ([self.boxes[at - 1]] if since <= until else []) + ([self.boxes[at]] if until <= since else [])
        boxes = known if min(since, until) == 0 else [*known, self.estimate(offset)]
        grow = rules.margin + rules.growth * nearest
        least = _TREMBLE if rules.margin else 0.0
        left, right = _span(boxes, known, 0, grow, least)
        top, bottom = _span(boxes, known, 1, grow, least)
        return (left, top, right, bottom) if left < right and top < bottom else None


def _span(boxes: Sequence[Box], known: Sequence[Box], axis: int, grow: float, least: float) -> tuple[float, float]:
    """Return from where to where boxes reach along an axis of the picture, with what has to be added."""
    low, high, side = boxes[0][axis], boxes[0][2 + axis], 0.0
    for box in boxes[1:]:
        low, high = min(low, box[axis]), max(high, box[2 + axis])
    for box in known:
        side = max(side, box[2 + axis] - box[axis])
    margin = max(least, grow * side)
    low, high = low - margin, high + margin
    edge = min(_PART * (high - low), _NEAR_EDGE) if least else 0.0
    return (0.0 if low < edge else min(1.0, low)), (1.0 if 1 - high < edge else max(0.0, high))


def holds(head: Box, face: Box) -> bool:
    """Say whether a face is one of this head: its middle lies there."""
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    return head[0] <= x <= head[2] and head[1] <= y <= head[3]


def _have_a_face(heads: Sequence[Box], faces: Sequence[Box]) -> NDArray[np.bool_]:
    """Say of each head whether it is one of the faces'. What is hidden around it is no part of it."""
    if not heads or not faces:
        return np.zeros(len(heads), np.bool_)
    boxes, seen = np.array(heads)[:, None], np.array(faces)
    middles = (seen[:, :2] + seen[:, 2:]) / 2
    return np.asarray(((boxes[..., :2] <= middles) & (middles <= boxes[..., 2:])).all(axis=-1).any(axis=-1), np.bool_)


def _away(offsets: Sequence[float], offset: float) -> float:
    """Return how far the nearest of some moments is."""
    at = bisect_left(offsets, offset)
    return min(abs(offsets[k] - offset) for k in (at - 1, at) if 0 <= k < len(offsets))


class Tracks:
    """Follows the subjects of one camera, and says what to hide of each frame.

    Between two looks, those whose pixels can be followed are (`carry`), for `carry_s` after their last sight; who is
    new is followed back. All others are taken to go on as they went:

    A detection continues the track of its subject that it overlaps most, where that was or should be by now, the best
    pairs first (greedy: with boxes that overlap this much, an optimal assignment hardly ever differs, and a wrong one
    hides no less). Positions run on with constant velocity, fitted to the last sights. What moves by more than its own
    size between two looks begins a new track, and takes its velocity from the nearest one that was just lost, which is
    held all the same. All sights of one moment are taken as a set: their order does not matter.

    Args:
        rules: The policy's, for margins and times.
    """

    def __init__(self, rules: Subjects) -> None:
        self._rules = rules
        self._tracks: list[_Track] = []
        self._now: float | None = None
        self._before: float | None = None

    def carry(self, offset: float, carrier: Carrier) -> None:
        """Follow the pixels of everyone from the picture before to the one at `offset`."""
        before = [moment for moment in carrier.offsets if moment < offset]
        if not before:
            return
        start = before[-1]
        tracks = [
            track
            for track in self._tracks
            if track.end == np.inf
            and track.offsets[0] <= start
            and track.offsets[-1] < offset <= track.last + self._rules.carry_s
            and start <= track.offsets[-1] + _GAP_S
        ]
        if not tracks:
            return
        boxes, known = carrier.carry(np.array([track.estimate(start) for track in tracks]), start, offset)
        for track, box, sure in zip(tracks, boxes.tolist(), known.tolist(), strict=True):
            if sure:
                track.carry(offset, _box(box))

    def see(
        self,
        detections: Iterable[Detection],
        offset: float,
        *,
        since: float | None = None,
        carrier: Carrier | None = None,
    ) -> None:
        """Take in everything that was found at one moment. A moment before the last one starts anew.

        Args:
            detections: In any order.
            offset: Seconds from the start of the source.
            since: The earliest moment that `hidden` will still be asked about; None for this one. What is no longer
                needed is forgotten.
            carrier: Follows those who are new back to that moment, as far as their pixels can be; it has a picture of
                this one.

        Raises:
            InputError: The offset is no number.
        """
        if not np.isfinite(offset):
            raise InputError(f"offset must be finite, got {offset}")
        # Pixels may have been followed to after the last look, if the one that was due then failed.
        if self._now is not None and offset < max([self._now, *(track.offsets[-1] for track in self._tracks)]):
            self._tracks = []
        self._before, self._now = self._now, offset
        needed = (offset if since is None else min(since, offset)) - self._rules.hold_s
        self._tracks = [track for track in self._tracks if track.last >= needed or track.offsets[-1] >= needed]
        found = tuple(detections)
        for subject in Subject:
            boxes = sorted({one.box for one in found if SUBJECT_OF.get(one.label) is subject})
            self._associate(subject, boxes, offset)
        faces = [one.box for one in found if SUBJECT_OF.get(one.label) is Subject.FACES]
        unseen = [one for one in self._tracks if one.subject is Subject.HEADS and one.last < offset < one.end]
        for track, has_one in zip(unseen, _have_a_face([one.estimate(offset) for one in unseen], faces), strict=True):
            if has_one:
                track.end = offset
        if carrier is not None and since is not None:
            self._trace_back([track for track in self._tracks if track.offsets[0] == offset], offset, since, carrier)
        for track in self._tracks:
            track.forget(needed)

    def hidden(self, offset: float) -> tuple[Hidden, ...]:
        """Return what has to be hidden at an offset, which may lie before the last sight; see `since`."""
        found = [(track, box) for track in self._tracks if (box := track.hidden(offset, self._rules)) is not None]
        faces = [box for track, box in found if track.subject is Subject.FACES]
        heads = [track for track, _ in found if track.subject is Subject.HEADS]
        have_one = _have_a_face([head.estimate(offset) for head in heads], faces)
        told = {head for head, has_one in zip(heads, have_one, strict=True) if has_one}
        return tuple(Hidden(track.subject, box) for track, box in found if track not in told)

    def _associate(self, subject: Subject, boxes: Sequence[Box], offset: float) -> None:
        # At one moment a track is seen once: two frames of the same offset are two looks at different places.
        known = [
            track
            for track in self._tracks
            if track.subject is subject
            and track.end == np.inf
            and track.last < offset <= max(track.last, track.offsets[-1]) + self._rules.hold_s
        ]
        pairs = _pairs(known, boxes, offset)
        for track, index in pairs:
            track.add(offset, boxes[index])
        continued = {index for _, index in pairs}
        _end([track for track in known if track.last < offset], boxes, offset)
        lost = [track for track in known if track.last == self._before]
        self._tracks += [
            _Track(subject, offset, box, _nearest(lost, box))
            for index, box in enumerate(boxes)
            if index not in continued
        ]

    def _trace_back(self, tracks: Sequence[_Track], offset: float, since: float, carrier: Carrier) -> None:
        """Follow pixels backwards, from picture to picture, for as long as they are found."""
        moments = [moment for moment in carrier.offsets if since - _BACK_S <= moment <= offset]
        for end, start in pairwise(_apart(moments)):
            if not tracks:
                return
            boxes, known = carrier.carry(np.array([track.boxes[0] for track in tracks]), end, start)
            rows = zip(tracks, boxes.tolist(), known.tolist(), strict=True)
            followed = [(track, box) for track, box, sure in rows if sure]
            for track, box in followed:
                track.carry(start, _box(box))
            tracks = [track for track, _ in followed]


def _box(numbers: Sequence[float]) -> Box:
    left, top, right, bottom = numbers
    return left, top, right, bottom


def _end(tracks: Sequence[_Track], boxes: Sequence[Box], offset: float) -> None:
    """End those tracks whose place is held by others that are seen."""
    if not tracks or not boxes:
        return
    places, seen = np.array([track.estimate(offset) for track in tracks]), np.array(boxes)
    low, high = np.maximum(places[:, None, :2], seen[:, :2]), np.minimum(places[:, None, 2:], seen[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1).max(axis=1)
    for track, is_held in zip(tracks, shared >= _WITHIN * np.prod(places[:, 2:] - places[:, :2], axis=1), strict=True):
        if is_held:
            track.end = offset


def _apart(moments: Sequence[float]) -> list[float]:
    """Return moments from the last to the first, leaving out those that lie close together; the first is kept."""
    chosen = list(moments[-1:])
    for moment in reversed(moments[:-1]):
        if chosen[-1] - moment >= _BACK_S or moment == moments[0]:
            chosen.append(moment)
    return chosen


def _pairs(tracks: Sequence[_Track], boxes: Sequence[Box], offset: float) -> list[tuple[_Track, int]]:
    """Return which track goes on with which box, each at most once."""
    if not tracks or not boxes:
        return []
    ahead, behind = (
        np.array([track.estimate(offset) for track in tracks]),
        np.array([track.last_box for track in tracks]),
    )
    overlaps = np.maximum(_overlaps(ahead, np.array(boxes)), _overlaps(behind, np.array(boxes)))
    pairs: list[tuple[_Track, int]] = []
    rows, columns = set(range(len(tracks))), set(range(len(boxes)))
    for place in np.argsort(-overlaps, axis=None, kind="stable").tolist():
        row, column = divmod(place, len(boxes))
        if overlaps[row, column] < SAME:
            break
        if row in rows and column in columns:
            pairs.append((tracks[row], column))
            rows.remove(row)
            columns.remove(column)
    return pairs


def _nearest(tracks: Sequence[_Track], found: Box) -> _Track | None:
    """Return the track whose last sight is near, and of about the same size."""
    if not tracks:
        return None
    box, last = np.array(found), np.array([track.last_box for track in tracks])
    sizes, size = last[:, 2:] - last[:, :2], box[2:] - box[:2]
    away = np.abs((last[:, :2] + last[:, 2:]) / 2 - (box[:2] + box[2:]) / 2).max(axis=1)
    alike = (np.maximum(sizes, size) <= 2 * np.minimum(sizes, size)).all(axis=1)
    away[~alike | (away > _NEAR * size.max())] = np.inf
    best = int(np.argmin(away))
    return tracks[best] if np.isfinite(away[best]) else None


@dataclass(frozen=True, slots=True)
class _Motion:
    """A velocity in pictures a second, and for how many seconds it is believed."""

    across: float
    down: float
    believed: float


def _fitted(offsets: NDArray[np.float64], boxes: Corners, at: float) -> _Motion:
    """Return how boxes moved around a moment: the least squares fit of their centre.

    Their size is left alone: a box that shrinks for a moment is more often one that is half seen than one that recedes.
    """
    near = np.abs(offsets - at) <= _RECENT_S
    times, centres = offsets[near], (boxes[near, :2] + boxes[near, 2:]) / 2
    believed = _BELIEVED * float(times.max() - times.min())
    times = times - times.mean()
    spread = float(times @ times)
    if spread < 1e-9:
        return _Motion(0.0, 0.0, believed)
    across, down = (times @ (centres - centres.mean(axis=0)) / spread).tolist()
    return _Motion(across, down, believed)


def _overlaps(first: Corners, second: Corners) -> NDArray[np.float64]:
    """Return intersection over union, `(N, M)` in [0, 1]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float64)
