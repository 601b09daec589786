"""What detectors are shown of a frame: all of it, small, at every look; and parts of it, large, by turns."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError
from privacy.frame import Frame, Layout, Plane, thumbnail
from privacy.models.detector import Box, Detection, Detector
from privacy.pan import CHANGED, Cells, Turn, cells, entered, grid, turned
from privacy.policy import Subject, Subjects
from privacy.tracks import SUBJECT_OF, holds

Boxes = NDArray[np.float64]
MAX_SUBJECTS = 256
"""A detector that finds more in one picture sees noise: the frame is hidden whole."""
OVERLAP = 0.2
"""Neighbouring tiles share so much of their side: what is smaller is whole in one of them."""
WORTH = 1.25
"""By so much larger than the whole picture tiles have to show what they show."""
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
_A_BIT = 1e-6
"""Of a turn: what is due in the time of three looks is not due in that of two, whatever the rounding."""
_PATIENCE = 8
"""After so many looks without a turn there is one, whatever the clock says."""
_STEP_S = 0.39
"""Pictures that follow sooner are not compared: who comes in slowly has to differ from what was there."""


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

    def own(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of a grid over the picture whose things this view shows whole, and it alone.

        It ends in the middle of what it shares with its neighbours: what has its middle in here, and is smaller than
        what they share, is not cut.
        """
        ends = []
        for axis, count in ((1, shape[0]), (0, shape[1])):
            low, high = self.box[axis], self.box[2 + axis]
            shared = OVERLAP * (high - low) / 2
            first = 0 if low == 0 else min(count - 1, round((low + shared) * count + _A_BIT))
            ends.append(slice(first, count if high == 1 else max(first + 1, round((high - shared) * count + _A_BIT))))
        return ends[0], ends[1]

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
        least: `(height, width)` that a detector sees: smaller views show it nothing new, and there are none, nor are
            there any of a picture of which it sees almost as much.
        most: Of so many at most, whatever the size: of a larger picture each shows more.
    """
    height, width = size
    if max(height / least[0], width / least[1]) < WORTH:
        return ()
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


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A view that has its turns.

    Attributes:
        detector: What looks at it.
        wanted: What it finds.
        view: Where.
        owed: When each cell of the picture has to be looked at by this detector at this size.
    """

    detector: Detector
    wanted: frozenset[Subject]
    view: View
    owed: "_Owed"

    def due(self) -> float:
        """Return the moment at which it has to be looked at."""
        return float(self.owed.by[self.view.own(self.owed.by.shape)].min())


class _Owed:
    """For each cell of a picture, when it has to be looked at.

    Attributes:
        seen: `(h, w)` float64 offsets of the last looks; minus infinity where there was none.
        by: `(h, w)` float64 offsets at which there has to be one at the latest.
    """

    def __init__(self, shape: tuple[int, int], rules: Subjects) -> None:
        self._every, self._rest = rules.tiles_every_s, rules.tiles_rest_s
        self.seen = np.full(shape, -np.inf)
        self.by = self.seen.copy()
        self._part = (0.0, 0.0)  # of a cell, by which the picture moved further than these

    def look(self, view: View, offset: float) -> None:
        """Take in a look at a view."""
        own = view.own(self.seen.shape)
        self.seen[own], self.by[own] = offset, offset + self._rest

    def turn(self, turn: Turn, since: float) -> None:
        """Move with the picture; what is new in it came after `since`, or after the last look at that part."""
        moved = [part + way for part, way in zip(self._part, turn.step, strict=True)]
        down, across = (round(way) for way in moved)
        self._part = (moved[0] - down, moved[1] - across)
        new = turn.change > CHANGED
        for strip in entered((down, across), new.shape):
            new[strip] = True
        looked = self.seen  # where things are now: a look at a place showed what was there then
        self.seen, self.by = (np.roll(times, (down, across), axis=(0, 1)) for times in (self.seen, self.by))
        self.by[new] = np.minimum(self.by, np.maximum(looked, since) + self._every)[new]

    def hurry(self, offset: float) -> None:
        """Begin anew with a clock that ran back."""
        np.minimum(self.seen, offset, out=self.seen)
        np.minimum(self.by, offset + self._every, out=self.by)


class Survey:
    """Finds the subjects in the frames of one camera.

    Every look shows the whole picture to every detector that finds what it is asked for directly. The tiles, and the
    whole picture to a detector that is asked for heads only, have their turns: where something is new, within
    `tiles_every_s` of its coming, and else within `tiles_rest_s` of the last turn, as late as the looks until then
    allow. New is what differs from the picture before, moved as the camera turned: of a pan, what comes in.

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
        self._passed = 0
        self._places: list[_Place] = []
        self._size: tuple[int, int] | None = None
        self._picture: Cells | None = None
        self._compared = self._now = -math.inf

    def find(self, frame: Frame) -> list[Detection]:
        """Return what is to be hidden in a frame, as far as this look shows it.

        Raises:
            EvidenceError: There is more of it than any real picture shows. Whatever a detector raises goes on as well.
        """
        whole = [(detector, wanted) for detector, wanted in self._finders if wanted != {Subject.HEADS}]
        sights: list[Sights] = [
            (WHOLE_VIEW, self._seen(frame, detector, wanted, WHOLE_VIEW)) for detector, wanted in whole
        ]
        due = self._due(frame)
        sights += [(place.view, self._seen(frame, place.detector, place.wanted, place.view)) for place in due]
        found = merged(sights)
        if Subject.HEADS in self._wanted:
            found += heads(found, self._head_scores, frame.size)
        found = [one for one in found if self._is_wanted(one)]
        if len(found) > MAX_SUBJECTS:
            raise EvidenceError(f"{len(found)} subjects in one picture", limit=MAX_SUBJECTS)
        for place in due:  # not before: the turns of a look that failed are still owed
            place.owed.look(place.view, frame.offset)
        self._passed = 0 if due else self._passed
        return found

    def _is_wanted(self, one: Detection) -> bool:
        subject = SUBJECT_OF[one.label]
        return subject in self._wanted and one.score >= self._rules.scores[subject]

    def _due(self, frame: Frame) -> list[_Place]:
        """Return the views that have their turn: all of them at first, and after a pause in which all changed."""
        if self._size != frame.size:
            self._size, self._picture = frame.size, None
            self._places = self._all_places(frame.size)
        if not self._places:
            return []
        step, self._now = frame.offset - self._now, frame.offset
        if step < 0:
            self._hurry(frame)
        elif frame.offset - self._compared >= _STEP_S or self._picture is None:
            self._compare(frame)
        self._passed += 1
        ranked = sorted(self._places, key=_Place.due)
        at_once = math.ceil(len(ranked) * min(1.0, step / self._rules.tiles_every_s) - _A_BIT)
        most = 0
        for count, place in enumerate(ranked, 1):
            left = place.due() - frame.offset
            if left < max(step, _A_BIT) - _A_BIT:
                most = count  # the next look may be too late
            elif step > 0:
                most = max(most, count - at_once * math.floor(left / step + _A_BIT))
        if not most and (step < 0 or self._passed >= _PATIENCE):  # a clock that jumps back, or stands still
            most = 1
        return ranked[:most]

    def _all_places(self, size: tuple[int, int]) -> list[_Place]:
        shape = grid(size)
        places = []
        for detector, wanted in self._finders:
            if wanted == {Subject.HEADS}:
                places.append(_Place(detector, wanted, WHOLE_VIEW, _Owed(shape, self._rules)))
            owed = _Owed(shape, self._rules)
            views = tiles(size, detector.size_for(size), self._rules.tiles)
            places += [_Place(detector, wanted, view, owed) for view in views]
        return places

    def _hurry(self, frame: Frame) -> None:
        """Begin anew with what is due, from the moment at which the clock is now."""
        self._picture, self._compared = cells(frame), frame.offset
        for place in self._places:
            place.owed.hurry(frame.offset)

    def _compare(self, frame: Frame) -> None:
        picture = cells(frame)
        if self._picture is not None:
            turn = turned(self._picture, picture)
            for owed in {id(place.owed): place.owed for place in self._places}.values():
                owed.turn(turn, self._compared)
        self._picture, self._compared = picture, frame.offset

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
