"""The work on one part of a recording: key frames first, then closer where something begins or ends."""

import math
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import structlog
from numpy.typing import NDArray

from privacy import jpeg
from privacy.audit.ahead import ahead
from privacy.audit.archive import moments_of, open_recording
from privacy.audit.terms import CLOSEST_S, SEGMENT_S, Terms
from privacy.cadence import Stillness
from privacy.errors import RecordingError
from privacy.evidence import Doubt, Evidence, Reason
from privacy.frame import Frame, Layout, thumbnail
from privacy.masking import mask
from privacy.models.classifier import ZoneClassifier
from privacy.plan import WHOLE, MaskPlan
from privacy.policy import EffectKind, Policy
from privacy.sources.recording import Broken, Fault, Recorded, RecordingInfo
from privacy.verdict import State, judge_still
from privacy.zones import Zone

log = structlog.get_logger()

LOOKS = np.dtype([("offset", "<f8"), ("zones", "<u2", (len(Zone),)), ("place", "<u2"), ("kind", "u1")])
"""One look as it is kept: offset in seconds, zones in 1/65535, index of the place, and `INHERITED` etc. in `kind`."""
INHERITED, LOOKED, DOUBT = 0, 1, 2
CLOSER = 4
"""Added to the kind of looks that were made because of what others had shown."""
THUMBNAIL = (180, 320)
BATCH = 16
_AHEAD = 32
_MAX_THUMBNAILS = 64
_SLACK_S = 0.1
_RATE = 25.0  # where a recording does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A part of a recording to scan: `[start, stop)` and whatever follows until the first key frame after it.

    Attributes:
        recording: Its number in the book.
        path: Where it lies.
        number: Of the part, from 0. Part 0 also finds out how many parts there are.
        start: Seconds from the start of the recording.
        stop: Infinite for the last part.
        begun: When the recording begins, if known.
    """

    recording: int
    path: str
    number: int = 0
    start: float = 0.0
    stop: float = math.inf
    begun: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """What was seen in one part.

    Attributes:
        task: What was to be done.
        looks: `(N,)` of `LOOKS`, ordered by offset.
        places: What `place` counts in.
        thumbnails: `(offset, JPEG)` of looks that may show a prohibited place, wholly masked.
        info: What the recording says of itself; None if it could not be opened.
        parts: Into how many parts it is to be split; meaningful for part 0.
        end: Offset up to which it was read.
        decoded: Pictures that were decoded.
        fresh: Pictures that the model looked at.
        broken: Places that could not be read.
        unreadable: Why nothing could be read; None if something was.
        outside: True if the recording lies outside the time that was asked for, and was not looked at.
        seconds: Wall time spent in each stage.
    """

    task: Task
    looks: NDArray[np.void] = field(default_factory=lambda: np.empty(0, LOOKS))
    places: tuple[str, ...] = ()
    thumbnails: tuple[tuple[float, bytes], ...] = ()
    info: RecordingInfo | None = None
    parts: int = 1
    end: float = 0.0
    decoded: int = 0
    fresh: int = 0
    broken: tuple[Broken, ...] = ()
    unreadable: Broken | None = None
    outside: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Item:
    """A picture on its way to the model; `image` is None if what the last look saw still holds."""

    offset: float
    kind: int
    image: NDArray[np.uint8] | None = None
    small: NDArray[np.uint8] | None = None


@dataclass(slots=True, eq=False)
class _Seen:
    """A look with what was made of it."""

    offset: float
    kind: int
    zones: NDArray[np.uint16]
    place: str = ""
    thumbnail: bytes | None = None


class Scanner:
    """Scans parts of recordings, one after the other. Deterministic: the same part gives the same looks.

    Args:
        model: What looks.
        rules: Thresholds and timing.
        terms: How closely.
    """

    def __init__(self, model: ZoneClassifier, rules: Policy, terms: Terms) -> None:
        self._model = model
        self._rules = rules
        self._terms = terms

    def scan(self, task: Task, beat: Callable[[], None] = lambda: None) -> Scan:
        """Scan one part. Whatever is wrong with the recording is part of the result; nothing of it is raised.

        Args:
            task: The part.
            beat: Called as it gets on; what it raises ends the scan.
        """
        try:
            source = open_recording(task.path)
        except RecordingError as error:
            return Scan(task=task, unreadable=Broken(Fault(error.why), 0.0, str(error)))
        except Exception as error:  # a hostile file may make a library raise anything; the audit goes on
            log.error("recording_failed", path=task.path, error=type(error).__name__)
            return Scan(task=task, unreadable=Broken(Fault.DAMAGED, 0.0, f"{task.path}: {type(error).__name__}"))
        try:
            return self._scan(task, source, beat)
        finally:
            source.close()

    def _scan(self, task: Task, source: Recorded, beat: Callable[[], None]) -> Scan:
        info, parts = source.info, 1
        if self._outside(task, info):
            return Scan(task=task, info=info, outside=True)
        stop = task.stop
        if task.number == 0 and info.seekable and info.duration > 1.5 * SEGMENT_S:
            parts = math.ceil(info.duration / SEGMENT_S - 0.5)
            stop = SEGMENT_S
        part = _Part(source, self._model, self._rules, self._terms, span=(task.start, stop), beat=beat)
        broken: list[Broken] = []
        try:
            part.first_pass(seed=f"{task.path}#{task.number}")
            part.second_pass(seed=f"{task.path}#{task.number}")
        except RecordingError as error:
            broken.append(Broken(Fault(error.why), round(source.end, 3), str(error)))
        except Exception as error:  # as above
            log.error("recording_failed", path=task.path, error=type(error).__name__)
            broken.append(Broken(Fault.DAMAGED, round(source.end, 3), f"{task.path}: {type(error).__name__}"))
        broken = [*source.broken, *broken]
        seen = part.seen()
        places = tuple(sorted({one.place for one in seen}))
        looks = np.zeros(len(seen), LOOKS)
        for row, one in zip(looks, seen, strict=True):
            row["offset"], row["kind"], row["zones"], row["place"] = (
                one.offset, one.kind, one.zones, places.index(one.place),
            )  # fmt: skip
        nothing = not np.count_nonzero(looks["kind"] % CLOSER != DOUBT) and task.number == 0 and parts == 1
        return Scan(
            task=task,
            looks=looks,
            places=places,
            thumbnails=_chosen(seen, self._rules),
            info=info,
            parts=parts,
            end=source.end,
            decoded=source.decoded,
            fresh=part.fresh,
            broken=tuple(broken),
            unreadable=_nothing(task, broken) if nothing else None,
            seconds=part.seconds,
        )

    def _outside(self, task: Task, info: RecordingInfo) -> bool:
        # Better looked at than missed: by every moment that could be its beginning, and never if there is none.
        begun = task.begun or info.created
        moments = [] if begun is None else [begun, *moments_of(task.path)]
        return bool(moments) and all(self._is_outside(moment, info.duration) for moment in moments)

    def _is_outside(self, begun: datetime, seconds: float) -> bool:
        since, until = self._terms.since, self._terms.until
        late = until is not None and begun >= until
        return late or (since is not None and begun + timedelta(seconds=seconds) <= since)


def _nothing(task: Task, broken: list[Broken]) -> Broken:
    return broken[0] if broken else Broken(Fault.TRUNCATED, 0.0, f"{task.path}: it holds no picture")


class _Part:
    """The looks at one part, as they add up."""

    def __init__(
        self,
        source: Recorded,
        model: ZoneClassifier,
        rules: Policy,
        terms: Terms,
        *,
        span: tuple[float, float],
        beat: Callable[[], None],
    ) -> None:
        self._beat = beat
        self._source, self._model, self._rules, self._terms = source, model, rules, terms
        self._start, self._stop = span
        self._seen: list[_Seen] = []
        self._rate = source.info.rate or _RATE
        self._pixels = terms.effect.kind is not EffectKind.SOLID
        self.fresh = 0
        self.seconds = {"decode": 0.0, "infer": 0.0}

    def seen(self) -> list[_Seen]:
        """Return what was seen, in order."""
        return sorted(self._seen, key=lambda one: one.offset)

    def first_pass(self, seed: str) -> None:
        """Look at key frames, as far apart as the terms allow."""
        every, phase = self._terms.look_every_s, 0.0
        if self._terms.max_decode is not None:
            thinned = 2 / (self._terms.max_decode * self._rate)  # half of the budget is kept for the second pass
            if thinned > every:
                every, phase = thinned, _random(seed).uniform(0, thinned)
        self._look(self._source.key_frames(self._start + phase, self._stop, every), 0)

    def second_pass(self, seed: str) -> None:
        """Look closer where something begins or ends, and where key frames are too far apart."""
        closer, wide = self._gaps()
        left = math.inf
        if self._terms.max_decode is not None:
            length = max(0.0, min(self._stop, self._source.end) - self._start)
            left = self._terms.max_decode * self._rate * length - self._source.decoded
            _random(seed).shuffle(wide)  # so that what remains unseen is a random part of it
        for gaps, kind in ((closer, CLOSER), (wide, 0)):
            for start, stop in gaps:
                cost = (stop - start) * self._rate
                if cost > left:
                    continue
                before = self._source.decoded
                self._look(self._source.frames(start, stop, CLOSEST_S), kind)
                left -= self._source.decoded - before

    def _gaps(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return the gaps at whose two ends different things are seen, and those that could hide a whole event."""
        levels = [(one.offset, self._level(one)) for one in self.seen()]
        closer: list[tuple[float, float]] = []
        wide: list[tuple[float, float]] = []
        if not levels:
            return closer, wide
        if self._stop == math.inf and self._source.end > levels[-1][0]:
            levels.append((self._source.end + CLOSEST_S, levels[-1][1]))
        for (start, here), (stop, there) in pairwise(levels):
            if stop - start > self._terms.min_event_s + _SLACK_S:
                wide.append((start, stop))
            elif self._terms.refine and here is not there and stop - start > CLOSEST_S + _SLACK_S:
                closer.append((start, stop))
        return closer, wide

    def _level(self, one: _Seen) -> State | None:
        if one.kind % CLOSER == DOUBT:
            return None
        return judge_still(Evidence(one.offset, dequantised(one.zones), self._model.name), self._rules).state

    def _look(self, sights: Iterable[Frame | Doubt], kind: int) -> None:
        waiting: list[_Item] = []
        for item in ahead(self._prepared(sights, kind), _AHEAD):
            self._beat()
            waiting.append(item)
            if sum(one.image is not None for one in waiting) == BATCH:
                self._infer(waiting)
                waiting = []
        self._infer(waiting)

    def _prepared(self, sights: Iterable[Frame | Doubt], kind: int) -> Iterator[_Item]:
        still = Stillness(self._rules.timing)
        known = {one.offset for one in self._seen}
        began = time.perf_counter()
        for sight in sights:
            if isinstance(sight, Doubt):
                still = Stillness(self._rules.timing)
                item = _Item(sight.offset, DOUBT | kind)
            elif sight.offset in known:
                continue
            elif still.holds(sight):
                item = _Item(sight.offset, INHERITED | kind)
            else:
                small = thumbnail(sight, THUMBNAIL) if self._pixels else None
                item = _Item(sight.offset, LOOKED | kind, thumbnail(sight, self._model.input_size), small)
            self.seconds["decode"] += time.perf_counter() - began
            yield item
            began = time.perf_counter()

    def _infer(self, items: list[_Item]) -> None:
        began = time.perf_counter()
        pictures = [item for item in items if item.image is not None]
        found: list[Evidence] = []
        if pictures:
            images, offsets = [item.image for item in pictures if item.image is not None], [i.offset for i in pictures]
            found = self._model.look(images, offsets)
            self.fresh += len(found)
        evidence = iter(found)
        for item in items:
            if item.kind % CLOSER == DOUBT:
                self._seen.append(_Seen(item.offset, item.kind, np.zeros(len(Zone), np.uint16)))
            elif item.image is None:
                last = next(one for one in reversed(self._seen) if one.kind % CLOSER != DOUBT)
                self._seen.append(_Seen(item.offset, item.kind, last.zones, last.place))
            else:
                look = next(evidence)
                self._seen.append(
                    _Seen(item.offset, item.kind, quantised(look.zones), look.place, self._thumbnail(item, look))
                )
        self.seconds["infer"] += time.perf_counter() - began

    def _thumbnail(self, item: _Item, look: Evidence) -> bytes | None:
        """Return a small picture with everything in it hidden, and where the model saw what it saw."""
        if look.p_prohibited < self._rules.thresholds.release_below:
            return None
        pixels = item.small if item.small is not None else np.zeros((*THUMBNAIL, 3), np.uint8)
        plan = MaskPlan((WHOLE,), self._rules.checked(self._terms.effect))
        hidden = mask(Frame((pixels,), Layout.RGB, item.offset, full_range=True), plan).planes[0]
        if look.zone_map is not None:
            rows, columns = look.zone_map.shape
            # In steps of a cell: what is drawn here is the model's belief, never a pixel.
            heat = np.kron(look.zone_map, np.ones((-(-THUMBNAIL[0] // rows), -(-THUMBNAIL[1] // columns)), np.float32))
            heat = heat[: THUMBNAIL[0], : THUMBNAIL[1], None] * np.array([0.85, 0.35, 0.1], np.float32)
            hidden = np.clip(hidden * (1 - heat.max(axis=2, keepdims=True) / 2) + 190 * heat, 0, 255).astype(np.uint8)
        return jpeg.write(Frame((hidden,), Layout.RGB, item.offset, full_range=True), quality=60)


def quantised(zones: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return probabilities in 1/65535, as they are kept. Judging what is kept makes a replay exact."""
    return np.round(np.asarray(zones, np.float64) * 65535).astype(np.uint16)


def dequantised(zones: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return probabilities that sum to 1."""
    values = zones.astype(np.float64)
    shares: NDArray[np.float32] = (values / max(float(values.sum()), 1.0)).astype(np.float32)
    return shares


def sights_of(looks: NDArray[np.void], places: tuple[str, ...], model: str) -> list[Evidence | Doubt]:
    """Return looks as the evidence and doubts that they were."""
    return [
        Doubt(float(row["offset"]), Reason.DECODE_ERROR)
        if row["kind"] % CLOSER == DOUBT
        else Evidence(float(row["offset"]), dequantised(row["zones"]), model, place=places[row["place"]])
        for row in looks
    ]


def _chosen(seen: list[_Seen], rules: Policy) -> tuple[tuple[float, bytes], ...]:
    """Return the thumbnails of the first, the surest and the last look of every run that has any."""
    runs: list[list[_Seen]] = [[]]
    for one in seen:
        p = 1 - float(dequantised(one.zones)[Zone.PERMITTED])
        if one.kind % CLOSER != DOUBT and p >= rules.thresholds.release_below:
            runs[-1].append(one)
        elif runs[-1]:
            runs.append([])
    kept: dict[float, bytes] = {}
    for run in runs:
        pictured = [one for one in run if one.thumbnail is not None]
        if pictured:
            surest = min(pictured, key=lambda one: int(one.zones[Zone.PERMITTED]))
            for one in (pictured[0], surest, pictured[-1]):
                kept[one.offset] = one.thumbnail or b""
    return tuple(sorted(kept.items())[:_MAX_THUMBNAILS])


def _random(seed: str) -> np.random.Generator:
    # Of the part itself, not of the run: another engine and another day choose the same.
    return np.random.default_rng(zlib.crc32(seed.encode("utf-8", "surrogateescape")))
