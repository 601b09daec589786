"""What the cameras show now and have shown: one sight of each, and the spans of its states. An `Observer`.

Kept in memory only: it begins with the server. What must be kept stands in reports and in the ledger.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from privacy.errors import PrivacyError
from privacy.evidence import Reason
from privacy.serve.observer import Answer, Look, StreamFacts
from privacy.verdict import State
from privacy.zones import Zone

SILENT_S = 10.0
"""A stream that sends nothing for so long is called silent."""
MAX_CAMERAS = 4096
"""So many are remembered; of those without a stream, the one that was seen longest ago is forgotten first."""
MAX_SPANS = 2048

Clock = Callable[[], float]


class Shown(StrEnum):
    """What a person is told about a camera at a glance."""

    PROHIBITED = "PROHIBITED"
    UNCERTAIN = "UNCERTAIN"
    CLEAR = "CLEAR"
    SILENT = "SILENT"
    """It has a stream, and nothing comes."""
    OFFLINE = "OFFLINE"
    """It has no stream here."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a camera showed the same, `[start, end)` in seconds since 1970-01-01 UTC.

    Attributes:
        start: When it began.
        end: When it was over.
        shown: What it was.
        zone: The place that was named; None if none was.
        reason: Why.
    """

    start: float
    end: float
    shown: Shown
    zone: Zone | None
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a camera showed last. Times are seconds since 1970-01-01 UTC.

    Attributes:
        stream: What is known of its stream.
        shown: `Shown.OFFLINE` once the stream has ended; never `Shown.SILENT`, which is for whoever has a clock.
        reason: Why it is shown or hidden.
        zone: The place that was named; None if none was.
        p_prohibited: Probability of a prohibited view, in [0, 1].
        clauses: Citations of what prohibits it.
        since: Since when it has been shown like this.
        masked_since: Since when the whole view has been hidden; None if it is not.
        exposure_frames: Frames of the stream that left clear and may have shown a prohibited place.
        exposure_s: How long they did, in seconds.
        at: When the last frame was answered.
        opened: When its stream began.
        number: Grows with every change of the above but `p_prohibited` and `at`.
    """

    stream: StreamFacts
    shown: Shown
    reason: Reason
    zone: Zone | None
    p_prohibited: float
    clauses: tuple[str, ...]
    since: float
    masked_since: float | None
    exposure_frames: int
    exposure_s: float
    at: float
    opened: float
    number: int = 0

    def now(self, at: float) -> Shown:
        """Return what a person is told at a moment."""
        if self.shown is not Shown.OFFLINE and at - self.at > SILENT_S:
            return Shown.SILENT
        return self.shown

    def span(self, end: float) -> Span:
        """Return the time that this state has lasted."""
        return Span(self.since, max(self.since, end), self.shown, self.zone, self.reason)


@dataclass(slots=True)
class _Kept:
    sight: Sight
    past: deque[Span] = field(default_factory=lambda: deque(maxlen=MAX_SPANS))


class Wall:
    """Remembers what every camera shows and has shown. Threads may share it.

    Args:
        clock: Seconds since 1970-01-01 UTC.
        turned: Hears of every change, in order; it returns at once.
    """

    def __init__(self, clock: Clock = time.time, turned: Callable[[Sight], object] = lambda _: None) -> None:
        self.clock = clock
        self._turned = turned
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def sights(self) -> dict[str, Sight]:
        """Return what every camera showed last, by its name."""
        with self._lock:
            return {name: kept.sight for name, kept in self._kept.items()}

    def sight(self, camera: str) -> Sight | None:
        """Return what a camera showed last; None if it was not seen since the server began."""
        with self._lock:
            kept = self._kept.get(camera)
            return None if kept is None else kept.sight

    def spans(self, camera: str, since: float) -> list[Span]:
        """Return what a camera has shown from a moment on, the oldest first."""
        with self._lock:
            kept = self._kept.get(camera)
            if kept is None:
                return []
            found = [*kept.past, kept.sight.span(self.clock())]
        return [span for span in found if span.end > since]

    # What the walls of other processes say

    def take(self, sight: Sight) -> bool:
        """Take a change from the wall of another process of this machine, and return whether it counts.

        It does not if it is about an older stream of a camera that has another one by now.
        """
        with self._lock:
            kept = self._kept.get(sight.stream.camera)
            before = None if kept is None else kept.sight
        if before is not None and before.stream.session != sight.stream.session:
            goes_on = before.shown is not Shown.OFFLINE and before.at > self.clock() - SILENT_S
            if sight.opened < before.opened and (goes_on or sight.shown is Shown.OFFLINE):
                return False
        self._turn(sight)
        return True

    def refresh(self, at: Mapping[str, float]) -> None:
        """Take note of when the last frame of streams was answered, by session."""
        with self._lock:
            for kept in self._kept.values():
                if kept.sight.stream.session in at and kept.sight.shown is not Shown.OFFLINE:
                    kept.sight = replace(kept.sight, at=max(kept.sight.at, at[kept.sight.stream.session]))

    def lose(self, camera: str) -> None:
        """Say that nothing comes from a camera any more: whoever served it has ended."""
        with self._lock:
            kept = self._kept.get(camera)
        if kept is not None and kept.sight.shown is not Shown.OFFLINE:
            self._end(kept.sight)

    # What the service says; see `Observer`

    def opened(self, stream: StreamFacts) -> None:
        """Say that nothing has been seen yet."""
        now = self.clock()
        self._turn(
            Sight(
                stream=stream,
                shown=Shown.UNCERTAIN,
                reason=Reason.STARTUP,
                zone=None,
                p_prohibited=0.5,
                clauses=(),
                since=now,
                masked_since=now,
                exposure_frames=0,
                exposure_s=0.0,
                at=now,
                opened=now,
            )
        )

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """Take what was ruled about a frame."""
        verdict = answer.verdict
        if verdict.inherited and verdict.reason is Reason.OVERLOAD:
            return  # passed over for a newer one, which says more
        with self._lock:
            kept = self._kept.get(stream.camera)
            before = None if kept is None else kept.sight
        if before is None or before.stream.session != stream.session:
            if before is not None and before.shown is not Shown.OFFLINE and before.at > self.clock() - SILENT_S:
                return  # an older stream of a camera that has another one by now
            self.opened(stream)
        self._see(stream, answer)

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:  # noqa: ARG002 - the observer's signature
        """Say that nothing comes any more."""
        with self._lock:
            kept = self._kept.get(stream.camera)
            if kept is None or kept.sight.stream.session != stream.session:
                return
            before = kept.sight
        self._end(before)

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:
        """Nothing was seen."""

    def looked(self, look: Look) -> None:
        """A look is no verdict."""

    # Within

    def _end(self, before: Sight) -> None:
        self._turn(replace(before, shown=Shown.OFFLINE, masked_since=None, since=self.clock()))

    def _see(self, stream: StreamFacts, answer: Answer) -> None:
        now, verdict = self.clock(), answer.verdict
        shown = _shown(verdict.state)
        with self._lock:
            before = self._kept[stream.camera].sight
        hidden = answer.plan.hides_everything
        same = (before.shown, before.reason, before.zone) == (shown, verdict.reason, verdict.zone)
        masked_since = (before.masked_since if before.masked_since is not None else now) if hidden else None
        after = replace(
            before,
            stream=stream,
            shown=shown,
            reason=verdict.reason,
            zone=verdict.zone,
            p_prohibited=verdict.p_prohibited,
            clauses=tuple(clause.citation for clause in verdict.clauses),
            since=before.since if same else now,
            masked_since=masked_since,
            exposure_frames=answer.exposure_frames,
            exposure_s=answer.exposure_s,
            at=now,
        )
        said = (before.masked_since, before.exposure_frames) == (after.masked_since, after.exposure_frames)
        if same and said:
            with self._lock:
                self._kept[stream.camera].sight = after
        else:
            self._turn(after)

    def _turn(self, after: Sight) -> None:
        camera = after.stream.camera
        with self._lock:
            kept = self._kept.pop(camera, None)
            if kept is None:
                kept = _Kept(replace(after, number=1))
            else:
                before = kept.sight
                if after.since > before.since:
                    kept.past.append(before.span(after.since))
                kept.sight = replace(after, number=before.number + 1)
            self._kept[camera] = kept
            self._turned(kept.sight)
            if len(self._kept) > MAX_CAMERAS:
                self._forget()

    def _forget(self) -> None:
        for camera, kept in self._kept.items():
            if kept.sight.shown is Shown.OFFLINE:
                del self._kept[camera]
                return


def _shown(state: State) -> Shown:
    """Return what a person is told of a ruling; what nobody has heard of is uncertain."""
    match state:
        case State.CLEAR:
            return Shown.CLEAR
        case State.PROHIBITED:
            return Shown.PROHIBITED
    return Shown.UNCERTAIN
