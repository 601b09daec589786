"""Where people, faces and screens are between the moments at which a model saw them. Pure; time is an argument."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError
from privacy.models.detector import Box, Detection
from privacy.plan import Polygon, upright
from privacy.policy import Subject, Subjects

SUBJECT_OF: Mapping[str, Subject] = {
    "person": Subject.PEOPLE,
    "face": Subject.FACES,
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

Corners = NDArray[np.float64]
"""`(4,)` or `(N, 4)` left, top, right, bottom."""


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


class _Track:
    """One subject's sights, in the order of their offsets.

    `hint` is a sight, of another track, that may have been the same subject: it tells a velocity and nothing else.
    """

    def __init__(self, subject: Subject, offset: float, box: Corners, hint: "_Track | None" = None) -> None:
        self.subject = subject
        self.offsets, self.boxes = [offset], [box]
        self.hint = None if hint is None else (hint.last, hint.boxes[-1])

    @property
    def last(self) -> float:
        return self.offsets[-1]

    def add(self, offset: float, box: Corners) -> None:
        self.offsets.append(offset)
        self.boxes.append(box)

    def forget(self, before: float) -> None:
        """Drop sights before an offset, but for what the newest velocity is fitted to."""
        keep = min(before, self.last - _RECENT_S)
        count = next((index for index, offset in enumerate(self.offsets) if offset >= keep), 0)
        del self.offsets[:count], self.boxes[:count]

    def estimate(self, offset: float) -> Corners:
        """Return where the subject is taken to be: between sights on a line, else on with its velocity."""
        offsets, boxes = np.array(self.offsets), np.stack(self.boxes)
        if offsets[0] <= offset <= self.last:
            return np.array([np.interp(offset, offsets, boxes[:, side]) for side in range(4)])
        at = self.last if offset > self.last else offsets[0]
        end = -1 if offset > self.last else 0
        if self.hint is not None:
            offsets, boxes = np.append(self.hint[0], offsets), np.vstack([self.hint[1], boxes])
        recent = slice(-_RECENT, None) if end else slice(_RECENT)
        return self.boxes[end] + _motion(offsets[recent], boxes[recent], at, offset - at)

    def hidden(self, offset: float, rules: Subjects) -> Box | None:
        """Return what has to be hidden at an offset, or None if the nearest sight is too long ago or ahead.

        It holds the box at the nearest sight as well as the estimate: who stops or turns is not left behind.
        """
        away = np.abs(np.array(self.offsets) - offset)
        nearest = float(away.min())
        inside = self.offsets[0] <= offset <= self.last
        if nearest > rules.hold_s and not inside:
            return None
        sights = np.stack(self.boxes)[away == nearest]
        boxes = np.vstack([sights, self.estimate(offset)])
        low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        margin = (sights[:, 2:] - sights[:, :2]).max(axis=0) * (rules.margin + rules.growth * nearest)
        left, top, right, bottom = np.clip(np.concatenate([low - margin, high + margin]), 0, 1).tolist()
        return (left, top, right, bottom) if left < right and top < bottom else None


class Tracks:
    """Follows the subjects of one camera, and says what to hide of each frame.

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

    def see(self, detections: Iterable[Detection], offset: float, *, since: float | None = None) -> None:
        """Take in everything that was found at one moment. A moment before the last one starts anew.

        Args:
            detections: In any order.
            offset: Seconds from the start of the source.
            since: The earliest moment that `hidden` will still be asked about; None for this one. What is no longer
                needed is forgotten.

        Raises:
            InputError: The offset is no number.
        """
        if not np.isfinite(offset):
            raise InputError(f"offset must be finite, got {offset}")
        if self._now is not None and offset < self._now:
            self._tracks = []
        self._before, self._now = self._now, offset
        needed = (offset if since is None else min(since, offset)) - self._rules.hold_s
        self._tracks = [track for track in self._tracks if track.last >= needed]
        found = tuple(detections)
        for subject in Subject:
            boxes = sorted({one.box for one in found if SUBJECT_OF.get(one.label) is subject})
            self._associate(subject, [np.array(box, np.float64) for box in boxes], offset)
        for track in self._tracks:
            track.forget(needed)

    def hidden(self, offset: float) -> tuple[Hidden, ...]:
        """Return what has to be hidden at an offset, which may lie before the last sight; see `since`."""
        boxes = ((track.subject, track.hidden(offset, self._rules)) for track in self._tracks)
        return tuple(Hidden(subject, box) for subject, box in boxes if box is not None)

    def _associate(self, subject: Subject, boxes: Sequence[Corners], offset: float) -> None:
        # At one moment a track is seen once: two frames of the same offset are two looks at different places.
        known = [
            track
            for track in self._tracks
            if track.subject is subject and track.last < offset <= track.last + self._rules.hold_s
        ]
        pairs = _pairs(known, boxes, offset)
        for track, index in pairs:
            track.add(offset, boxes[index])
        continued = {index for _, index in pairs}
        lost = [track for track in known if track.last == self._before]
        self._tracks += [
            _Track(subject, offset, box, _nearest(lost, box))
            for index, box in enumerate(boxes)
            if index not in continued
        ]


def _pairs(tracks: Sequence[_Track], boxes: Sequence[Corners], offset: float) -> list[tuple[_Track, int]]:
    """Return which track goes on with which box, each at most once."""
    if not tracks or not boxes:
        return []
    ahead, behind = np.stack([track.estimate(offset) for track in tracks]), np.stack([t.boxes[-1] for t in tracks])
    overlaps = np.maximum(_overlaps(ahead, np.stack(boxes)), _overlaps(behind, np.stack(boxes)))
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


def _nearest(tracks: Sequence[_Track], box: Corners) -> _Track | None:
    """Return the track whose last sight is near, and of about the same size."""
    if not tracks:
        return None
    last = np.stack([track.boxes[-1] for track in tracks])
    sizes, size = last[:, 2:] - last[:, :2], box[2:] - box[:2]
    away = np.abs((last[:, :2] + last[:, 2:]) / 2 - (box[:2] + box[2:]) / 2).max(axis=1)
    alike = (np.maximum(sizes, size) <= 2 * np.minimum(sizes, size)).all(axis=1)
    away[~alike | (away > _NEAR * size.max())] = np.inf
    best = int(np.argmin(away))
    return tracks[best] if np.isfinite(away[best]) else None


def _motion(offsets: NDArray[np.float64], boxes: Corners, at: float, ahead: float) -> Corners:
    """Return how far the box has moved `(4,)` in `ahead` seconds from `at`: the least squares fit of its centre.

    Its size is left alone: a box that shrinks for a moment is more often one that is half seen than one that recedes.
    """
    near = np.abs(offsets - at) <= _RECENT_S
    times, centres = offsets[near], (boxes[near, :2] + boxes[near, 2:]) / 2
    believed = _BELIEVED * float(times.max() - times.min())
    times = times - times.mean()
    spread = float(times @ times)
    if spread < 1e-9:
        return np.zeros(4)
    velocity = times @ (centres - centres.mean(axis=0)) / spread
    return np.asarray(np.tile(velocity, 2) * np.clip(ahead, -believed, believed), np.float64)


def _overlaps(first: Corners, second: Corners) -> NDArray[np.float64]:
    """Return intersection over union, `(N, M)` in [0, 1]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float64)
