"""What detectors are shown of a frame: all of it, small, at every look; and parts of it, large, by turns."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError
from privacy.frame import Frame, Layout, Plane, thumbnail
from privacy.models.detector import Box, Detection, Detector
from privacy.policy import Subject, Subjects
from privacy.tracks import SUBJECT_OF, holds

Boxes = NDArray[np.float64]
MAX_SUBJECTS = 256
"""A detector that finds more in one picture sees noise: the frame is hidden whole."""
OVERLAP = 0.2
"""Neighbouring tiles share so much of their side: what is smaller is whole in one of them."""
SAME = 0.5
"""Least intersection over union of two sights, in different views, of one thing."""
WITHIN = 0.7
"""A thing that the border of a tile cuts is another one if so much of it lies in that."""
_HEAD_WIDTHS, _HEAD_SHARE = 0.8, 0.25
"""A head reaches so many widths of a person down from the top, and at least this share of the height: nose and eyes of
most people in COCO's pictures lie there, standing or sitting (`benchmarks/subjects.py` counts them)."""
_ABOVE = 0.1
NARROW, WIDE = 50 / 1920, 150 / 1920
"""Shares of the width of a picture. The wider a person, the larger a face that can be seen, and the surer it is found:
whose is not is turned away, or no person. (A face is a seventh of its person's width at least, and half at most.)"""
_TURNED_AWAY = 0.5
"""Score of a wide person without a face from which there is a head."""
_NEAR = 0.02
"""A box that ends so near to the edge of a view, in shares of the view, may be cut by it."""
_LARGE = 1 / 3
"""A face in a tile that is higher than so much of it is left to the look at the whole picture, which does not take a
wall or a knee for one as often."""
_PATIENCE = 8
"""After so many looks without a turn there is one, whatever the clock says."""


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture.

    Attributes:
        box: In shares of the picture.
    """

    box: Box

    def of(self, frame: Frame) -> Frame:
        """Return the part as a frame of its own, without copying; from and to even pixels, so that chroma fits."""
        height, width = frame.size
        rows, columns = _even(self.box[1], self.box[3], height), _even(self.box[0], self.box[2], width)
        return replace(frame, planes=tuple(_cut(frame.layout, frame.planes, rows, columns)), source_size=None)

    def placed(self, found: Detection, size: tuple[int, int]) -> Detection:
        """Return what was found in the part where it is in the whole picture of `(height, width)`."""
        rows, columns = _even(self.box[1], self.box[3], size[0]), _even(self.box[0], self.box[2], size[1])
        left, right = ((columns.start + at * (columns.stop - columns.start)) / size[1] for at in found.box[::2])
        top, bottom = ((rows.start + at * (rows.stop - rows.start)) / size[0] for at in found.box[1::2])
        return replace(found, box=(left, top, min(1.0, right), min(1.0, bottom)))

    def cuts(self, box: Box) -> bool:
        """Say whether what fills the box may go on beyond this view."""
        return any(near for near, _ in self._edges(box))

    def cuts_above(self, box: Box) -> bool:
        """Say whether what fills the box may go on above this view, where its head is."""
        return next(near for side, (near, _) in enumerate(self._edges(box)) if side == 1)

    def shows_elsewhere(self, box: Box) -> bool:
        """Say whether what an edge cuts is so small that the neighbour shows it whole."""
        return any(near and small for near, small in self._edges(box))

    def _edges(self, box: Box) -> Iterator[tuple[bool, bool]]:
        """Yield for each side whether the box touches it inside the picture, and is narrower than what views share."""
        for side, end in enumerate((0, 0, 1, 1)):
            axis = side % 2
            length = self.box[2 + axis] - self.box[axis]
            inner = self.box[side] != end
            near = inner and abs(box[side] - self.box[side]) <= _NEAR * length
            yield near, box[2 + axis] - box[axis] < (OVERLAP - 2 * _NEAR) * length


WHOLE_VIEW = View((0.0, 0.0, 1.0, 1.0))
Sights = tuple[View, Sequence[Detection]]
"""A view, and what one detector saw in it, placed in the whole picture."""


def tiles(size: tuple[int, int], least: tuple[int, int], most: int) -> tuple[View, ...]:
    """Return overlapping views that together cover a picture.

    Args:
        size: `(height, width)` of the picture.
        least: `(height, width)` that a detector sees: smaller views show it nothing new, and there are none.
        most: Of so many at most, whatever the size: of a larger picture each shows more.
    """
    height, width = size
    rows_of, columns_of = (math.ceil(side / seen) for side, seen in zip(size, least, strict=True))
    shapes = [
        (rows, columns)
        for rows in range(1, min(most, rows_of) + 1)
        for columns in range(1, min(most // rows, columns_of) + 1)
    ]
    if not shapes:
        return ()
    rows, columns = min(shapes, key=lambda shape: (max(height / shape[0], width / shape[1]), shape))
    if rows * columns == 1:
        return ()
    return tuple(View((x0, y0, x1, y1)) for y0, y1 in _spans(rows) for x0, x1 in _spans(columns))


class Survey:
    """Finds the subjects in the frames of one camera.

    Every look shows the whole picture to every detector that finds what it is asked for directly. The tiles, and the
    whole picture to a detector that is asked for heads only, have their turns: all of them within `tiles_every_s`, as
    many at a look as that takes.

    Args:
        subjects: What to find, and what finds it.
        rules: The policy's.
    """

    def __init__(self, subjects: Mapping[Subject, Detector], rules: Subjects) -> None:
        self._rules = rules
        self._finders = _finders(subjects)
        self._wanted = frozenset(subjects)
        least, sure = (rules.scores[subject] for subject in (Subject.HEADS, Subject.PEOPLE))
        by_faces = (max(least, sure), max(least, _TURNED_AWAY)) if Subject.FACES in subjects else (least, least)
        self._head_scores = (least, *by_faces)
        self._turn = self._passed = 0
        self._turned: float | None = None

    def find(self, frame: Frame) -> list[Detection]:
        """Return what is to be hidden in a frame, as far as this look shows it.

        Raises:
            EvidenceError: There is more of it than any real picture shows. Whatever a detector raises goes on as well.
        """
        sights: list[Sights] = []
        turns: list[tuple[Detector, frozenset[Subject], View]] = []
        for detector, wanted in self._finders:
            views = tiles(frame.size, detector.size_for(frame.size), self._rules.tiles)
            if wanted == {Subject.HEADS}:
                views = (WHOLE_VIEW, *views)
            else:
                sights.append((WHOLE_VIEW, self._seen(frame, detector, wanted, WHOLE_VIEW)))
            turns += [(detector, wanted, view) for view in views]
        many, turned = self._due(frame.offset, len(turns))
        for step in range(many):
            detector, wanted, view = turns[(self._turn + step) % len(turns)]
            sights.append((view, self._seen(frame, detector, wanted, view)))
        found = merged(sights)
        if Subject.HEADS in self._wanted:
            found += heads(found, self._head_scores, frame.size)
        found = [one for one in found if self._is_wanted(one)]
        if len(found) > MAX_SUBJECTS:
            raise EvidenceError(f"{len(found)} subjects in one picture", limit=MAX_SUBJECTS)
        if many:  # not before: the turns of a look that failed are still owed
            self._turn, self._turned, self._passed = (self._turn + many) % len(turns), turned, 0
        return found

    def _is_wanted(self, one: Detection) -> bool:
        subject = SUBJECT_OF[one.label]
        return subject in self._wanted and one.score >= self._rules.scores[subject]

    def _due(self, offset: float, count: int) -> tuple[int, float | None]:
        """Return how many views have their turn, all of them at first and after a pause, and the moment it was due."""
        if not count:
            return 0, None
        self._passed += 1
        every = self._rules.tiles_every_s
        waited = every if self._turned is None else offset - self._turned
        many = math.floor(count * waited / every) if 0 <= waited < every else count
        if waited < 0 or (not many and self._passed >= _PATIENCE):  # a clock that jumps back, or stands still
            return 1, offset
        return many, offset if many == count or self._turned is None else self._turned + many * every / count

    def _seen(self, frame: Frame, detector: Detector, wanted: frozenset[Subject], view: View) -> list[Detection]:
        part = frame if view is WHOLE_VIEW else view.of(frame)
        least = {subject: self._rules.scores[subject] for subject in wanted}
        sights = []
        for one in detector.detect(thumbnail(part, detector.size_for(part.size))):
            subject = SUBJECT_OF.get(one.label)
            told = replace(one)  # built anew, so that its numbers are checked whoever made it
            enough = [least[kind] for kind in _told_by(subject) if kind in least]
            if enough and told.score >= min(enough):
                placed = told if view is WHOLE_VIEW else view.placed(told, frame.size)
                if subject is Subject.FACES and view is not WHOLE_VIEW and told.box[3] - told.box[1] > _LARGE:
                    continue
                if subject is Subject.PEOPLE and Subject.PEOPLE not in wanted and view.cuts_above(placed.box):
                    continue  # the head is in the view above, or in the whole picture; a chest is no head
                if not view.shows_elsewhere(placed.box):
                    sights.append(placed)
        if len(sights) > MAX_SUBJECTS:
            raise EvidenceError(f"{len(sights)} subjects in one view", limit=MAX_SUBJECTS)
        return sights


def sharpest(detector: Detector, rules: Subjects, side: int) -> tuple[int, int]:
    """Return the `(height, width)` at which a picture of `side` shows a detector all that it will look at."""
    least = detector.size_for((side, side))
    views = tiles((side, side), least, rules.tiles)
    share = min((view.box[2] - view.box[0] for view in views), default=1.0)
    tall = min((view.box[3] - view.box[1] for view in views), default=1.0)
    return math.ceil(least[0] / tall), math.ceil(least[1] / share)


def _told_by(subject: Subject | None) -> tuple[Subject, ...]:
    """Return what a sight of a subject is good for."""
    match subject:
        case None:
            return ()
        case Subject.PEOPLE:
            return (Subject.PEOPLE, Subject.HEADS)
        case _:
            return (subject,)


def _finders(subjects: Mapping[Subject, Detector]) -> list[tuple[Detector, frozenset[Subject]]]:
    """Return each detector once, with all that it is asked for."""
    detectors = {id(detector): detector for detector in subjects.values()}
    return [
        (detector, frozenset(subject for subject, finder in subjects.items() if finder is detector))
        for detector in detectors.values()
    ]


def merged(sights: Iterable[Sights]) -> list[Detection]:
    """Return things that were seen in several views once each: where they were seen whole, or else surest.

    What one detector tells apart in one view stays apart: of each other view, a thing stands for one at most.
    """
    ranked = sorted(
        ((view.cuts(one.box), number, one) for number, (view, found) in enumerate(sights) for one in found),
        key=lambda entry: (entry[0], -entry[2].score),
    )
    kept: list[Detection] = []
    for label in sorted({one.label for *_, one in ranked}):
        alike = [entry for entry in ranked if entry[2].label == label]
        cut, numbers = np.array([entry[0] for entry in alike]), np.array([entry[1] for entry in alike])
        boxes = np.array([one.box for *_, one in alike])
        areas = _area(boxes)
        left = np.ones(len(alike), np.bool_)
        for at, (_, number, one) in enumerate(alike):
            if not left[at]:
                continue
            kept.append(one)
            left[at] = False
            shared = _shared(boxes, boxes[at])
            overlap = shared / np.maximum(areas + areas[at] - shared, np.finfo(np.float64).tiny)
            again = left & (numbers != number) & ((overlap >= SAME) | (cut & (shared >= WITHIN * areas)))
            for other in np.unique(numbers[again]):
                left[np.argmax(np.where(again & (numbers == other), overlap, -1.0))] = False
    return kept


def heads(found: Sequence[Detection], scores: Sequence[float], size: tuple[int, int]) -> list[Detection]:
    """Return where the heads are of people whose face is not among what was found.

    Args:
        found: Faces and people.
        scores: From which a person has a head: who is narrower than `NARROW`, than `WIDE`, and everybody else.
        size: `(height, width)` of the picture: a head is as high as a share of the width in pixels.
    """
    height, width = size
    faces = [one.box for one in found if one.label == "face"]
    result: list[Detection] = []
    for person in sorted(found, key=lambda one: one.box[0] - one.box[2]):  # the widest first
        left, top, right, bottom = person.box
        across, down = (right - left) * width, (bottom - top) * height
        least = scores[2 if right - left > WIDE else 1 if right - left > NARROW else 0]
        if person.label != "person" or person.score < least:
            continue
        depth = min(down, max(_HEAD_WIDTHS * across, _HEAD_SHARE * down)) / height
        head = (left, max(0.0, top - _ABOVE * depth), right, min(1.0, top + depth))
        if not any(holds(head, face) for face in faces) and not any(_contains(one.box, head) for one in result):
            result.append(Detection("head", person.score, head))
    return result


def _contains(outer: Box, inner: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _shared(boxes: Boxes, box: Boxes) -> Boxes:
    """Return the area that each of `(N, 4)` boxes shares with a box."""
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    return np.asarray(np.prod(np.maximum(sides, 0), axis=1), np.float64)


def _area(boxes: Boxes) -> Boxes:
    return np.asarray(np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1), np.float64)


def _spans(count: int) -> list[tuple[float, float]]:
    """Return `count` spans of one length that cover [0, 1], each sharing `OVERLAP` of itself with the next."""
    length = 1 / (count - (count - 1) * OVERLAP)
    starts = [k * length * (1 - OVERLAP) for k in range(count)]
    return [(start, min(1.0, start + length)) for start in starts[:-1]] + [(starts[-1], 1.0)]


def _even(low: float, high: float, side: int) -> slice:
    start = min(math.floor(low * side) // 2 * 2, max(0, (side - 1) // 2 * 2))
    return slice(start, min(side, max(start + 1, -(-math.ceil(high * side) // 2) * 2)))


def _cut(layout: Layout, planes: Sequence[Plane], rows: slice, columns: slice) -> Iterable[Plane]:
    for index, plane in enumerate(planes):
        scale = 2 if index and layout in (Layout.I420, Layout.NV12) else 1
        yield plane[rows.start // scale : -(-rows.stop // scale), columns.start // scale : -(-columns.stop // scale)]
