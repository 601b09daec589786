"""Whether running cameras still show their approved views (Art. 17(4)): an observer that compares, and hides changes.

Of each stream of a camera with registered presets a small grey picture is kept every other second, the last few of
them, in memory only. Every few seconds a thread takes the fingerprint of those that came since, and compares it with
those of the approved views. Three checks in a row must find another view before anything is said or hidden, and three
must find an approved one again before it is shown: a ladder, a bird and a truck are no new view. A check that cannot
say (dark, covered, out of focus) counts for neither.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import cv2
import numpy as np
import structlog

from privacy.cameras.registry import Registry
from privacy.cameras.view import (
    MAX_ASPECT,
    WIDTH,
    Comparison,
    Fingerprint,
    compare,
    fingerprint,
    recognise,
    registrable,
)
from privacy.errors import DatabaseError, PrivacyError, ResourceNotFoundError, ViewUnsettledError
from privacy.events import Event, PtzMoved, ViewChange, ViewChanged, ViewRestored
from privacy.evidence import Reason
from privacy.frame import Frame, Layout, thumbnail
from privacy.serve.moment import moment
from privacy.serve.observer import Answer, Look, StreamFacts
from privacy.verdict import State

log = structlog.get_logger()

IN_A_ROW = 3
KEPT = 8
LEAST = 4
MAX_WAITING = 1024
_LUMA_FIRST = (Layout.I420, Layout.NV12, Layout.GRAY)

Tell = Callable[[Event, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When pictures are taken and compared.

    Attributes:
        sample_s: Seconds between two pictures.
        samples: So many new pictures make a check.
        suspect_sample_s: The same while a change is suspected, or has been found.
        suspect_samples: The same.
        share: A stream may take so much of one processor, whatever its clock says.
    """

    sample_s: float = 2.0
    samples: int = 5
    suspect_sample_s: float = 1.0
    suspect_samples: int = 3
    share: float = 0.02


@dataclass(slots=True, eq=False)
class _Stream:
    """A stream that is watched."""

    facts: StreamFacts
    at: float
    offset: float | None = None
    due: float = 0.0
    not_before: float = 0.0
    fresh: int = 0
    checking: bool = False
    state: State = State.UNCERTAIN
    reason: Reason = Reason.STARTUP
    telemetry: bool = False
    samples: deque[Frame] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def between_presets(self) -> bool:
        """True if it may look between its presets: it moves by its register, and says where it looks."""
        return self.telemetry and len(self.facts.presets) > 1


@dataclass(slots=True, eq=False)
class _View:
    """What is known of a camera's view."""

    change: ViewChange | None = None
    since: float | None = None  # when it did
    broken: bool = False  # the last check failed
    away: int = 0  # checks in a row that found another view
    back: int = 0  # checks in a row that found an approved one
    seen_at: float | None = None  # when an approved view was last found
    preset: str = ""
    unkept: bool = False  # the register does not know it yet
    known: Mapping[str, Fingerprint] = field(default_factory=dict)


class Views:
    """Compares what cameras show with what they were approved to show. An `Observer`.

    Args:
        registry: Keeps the fingerprints, and what was found.
        tell: Hears of what was found, and the policy of the stream.
        rhythm: When pictures are taken and compared.
        clock: Seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        registry: Registry,
        tell: Tell = lambda _, __: None,
        *,
        rhythm: Rhythm | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._tell = tell
        self._rhythm = rhythm or Rhythm()
        self._clock = clock
        self._streams: dict[str, _Stream] = {}
        self._views: dict[str, _View] = {}
        self._lock = threading.Lock()
        self._queue: queue.Queue[_Stream | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="views", daemon=True)

    def start(self) -> None:
        """Begin to compare."""
        self._thread.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """Compare nothing more. What was hidden stays so."""
        try:
            self._queue.put(None, timeout=wait_s)
        except queue.Full:
            return
        self._thread.join(wait_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    @property
    def busy(self) -> bool:
        """True while a check waits or runs."""
        return any(stream.checking for stream in list(self._streams.values()))

    def hides(self, camera: str) -> bool:
        """Say whether a camera has to be hidden, since it shows none of its approved views."""
        view = self._views.get(camera)
        return view is not None and (view.change is not None or view.broken)

    def take(self, camera: str, *, watched: bool) -> Fingerprint | None:
        """Return the fingerprint of what a camera shows now; None if nobody can see it, or it holds too little.

        Args:
            camera: Its name.
            watched: True if a fingerprint is kept, so that nothing else may take its place unseen.

        Raises:
            ViewUnsettledError: It moves, was seen for too short a time, shows what is not known to be permitted, or has
                no stream here and is watched.
        """
        with self._lock:
            streams = [stream for stream in self._streams.values() if stream.facts.camera == camera]
        if not streams:
            if watched:
                raise ViewUnsettledError("the camera has no stream here from which the new view could be taken")
            return None
        stream = max(streams, key=lambda stream: stream.at)
        if stream.state is not State.CLEAR and stream.reason is not Reason.VIEW_CHANGED:
            raise ViewUnsettledError("the camera shows what is not known to be permitted", state=stream.state.value)
        pictures = list(stream.samples)
        if len(pictures) < LEAST:
            seconds = LEAST * self._rhythm.sample_s
            raise ViewUnsettledError(f"the view was seen too short a time; ask again in {seconds:g} s", seconds=seconds)
        half = len(pictures) // 2
        early, late = fingerprint(pictures[:half]), fingerprint(pictures[half:])
        if compare(early, late).change is not None:
            raise ViewUnsettledError("the camera moves")
        return fingerprint(pictures) if registrable(early, late) else None

    def approved(self, camera: str) -> None:
        """Begin anew with a camera whose view was approved."""
        with self._lock:
            self._views.pop(camera, None)
            for stream in self._streams.values():
                if stream.facts.camera == camera:
                    stream.samples.clear()
                    stream.fresh = 0

    # What the service says; see `Observer`

    def opened(self, stream: StreamFacts) -> None:
        """A stream begins; of cameras with presets it is watched."""
        if stream.presets:
            self._watch(stream)

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """A frame was ruled upon; now and then a small picture of it is kept."""
        watched = self._streams.get(stream.session)
        if watched is None:
            if not stream.presets:
                return
            watched = self._watch(stream)  # it was registered while it ran
        if stream.presets:  # who takes the camera out of the register does not end the watch
            watched.facts = stream
        watched.state, watched.reason = answer.verdict.state, answer.verdict.reason
        watched.telemetry = answer.ptz is not None
        now, held = moment(watched.at, watched.offset, answer.verdict.offset, self._clock())
        watched.at, watched.offset = now, answer.verdict.offset
        watched.due -= held  # by the camera's clock so much more has passed
        rhythm = self._rhythm
        early = 0 < watched.due - now <= max(rhythm.sample_s, rhythm.suspect_sample_s)  # or the clock was set back
        if early or answer.frame is None or answer.frame.damaged:
            return
        view = self._views.get(stream.camera)
        suspect = view is not None and (view.change is not None or view.away > 0)
        watched.due = now + (rhythm.suspect_sample_s if suspect else rhythm.sample_s)
        watched.samples.append(small(answer.frame))
        watched.fresh += 1
        enough = rhythm.suspect_samples if suspect else rhythm.samples
        if watched.fresh < enough or watched.checking or time.monotonic() < watched.not_before:
            return
        watched.checking = True
        try:
            self._queue.put_nowait(watched)
        except queue.Full:
            watched.checking = False

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:  # noqa: ARG002 - the observer's signature
        """A stream has ended; what its camera had become is remembered."""
        with self._lock:
            self._streams.pop(stream.session, None)
            view = self._views.get(stream.camera)
            others = any(each.facts.camera == stream.camera for each in self._streams.values())
            if view is not None and not others and not (view.change or view.broken or view.away):
                del self._views[stream.camera]

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:
        """Nobody is watched."""

    def looked(self, look: Look) -> None:
        """A look is no check."""

    # Within

    def _watch(self, stream: StreamFacts) -> _Stream:
        now = self._clock()
        found = [(preset.change, preset.change_time) for preset in stream.presets if preset.change is not None]
        with self._lock:
            view = self._views.setdefault(stream.camera, _View())
            # What was read may be older than what was found here: it hides, and `_check` alone shows again.
            if not view.unkept and (found or view.change is None):
                view.change = found[0][0] if found else None
                view.since = found[0][1].timestamp() if found and found[0][1] is not None else None
            watched = self._streams[stream.session] = _Stream(stream, now)
        if view.change is not None:  # what was found before a restart is found still
            event = ViewChanged(subject=stream.camera, at=now, change=view.change, since=view.since)
            self._tell(event, stream.policy)
        return watched

    def _run(self) -> None:
        while (stream := self._queue.get()) is not None:
            began = time.monotonic()
            try:
                self._check(stream)
            except Exception as error:  # nobody can say what it shows, so that it is hidden, and nobody accused
                log.error("view_check_failed", camera=stream.facts.camera, error=type(error).__name__)
                with self._lock:
                    self._views.setdefault(stream.facts.camera, _View()).broken = True
            now = time.monotonic()
            stream.not_before = now + (now - began) / self._rhythm.share
            stream.checking = False

    def _check(self, stream: _Stream) -> None:
        camera, at = stream.facts.camera, stream.at
        with self._lock:
            pictures = list(stream.samples)[-stream.fresh :]
            stream.fresh = 0
            view = self._views.setdefault(camera, _View())
        known = self._known(camera, view)
        view.broken = False
        comparable = bool(pictures) and len({picture.size for picture in pictures}) == 1
        found = recognise(known, pictures) if known and comparable else {}
        settled = view.change is not None and not view.unkept and self._settled(camera)
        with self._lock:
            if self._views.get(camera) is not view:
                return  # somebody has approved it in the meantime
        if settled and not _another(stream, found):
            view.change, view.since, view.away, view.back = None, None, 0, 0
            log.info("view_settled", camera=camera)
        if found:
            self._judge(stream, view, found, at)

    def _judge(self, stream: _Stream, view: _View, found: Mapping[str, Comparison], at: float) -> None:
        same = [preset for preset, one in found.items() if one.known and one.change is None]
        if same:
            self._found_again(stream, view, same, at)
        elif _another(stream, found):
            self._found_changed(stream, view, found, at)
        if view.unkept:
            self._keep(stream.facts.camera, view)

    def _found_again(self, stream: _Stream, view: _View, same: list[str], at: float) -> None:
        camera, policy = stream.facts.camera, stream.facts.policy
        view.away, view.back, view.seen_at = 0, view.back + 1, at
        if view.preset not in same:
            if view.preset and not stream.telemetry:
                self._tell(PtzMoved(subject=camera, at=at), policy)
            view.preset = same[0]
        if view.change is not None and view.back >= IN_A_ROW:
            view.change, view.since, view.unkept = None, None, True
            self._tell(ViewRestored(subject=camera, at=at, preset=view.preset), policy)
            log.info("view_restored", camera=camera, preset=view.preset)

    def _found_changed(self, stream: _Stream, view: _View, found: Mapping[str, Comparison], at: float) -> None:
        camera = stream.facts.camera
        view.back, view.away = 0, view.away + 1
        if view.change is not None or view.away < IN_A_ROW:
            return
        nearest = min(found.values(), key=lambda one: (one.shift, -one.inliers))
        assert nearest.change is not None  # noqa: S101 - asked for by the caller
        view.change, view.since, view.unkept = nearest.change, view.seen_at, True
        event = ViewChanged(
            subject=camera, at=at, change=nearest.change, shift=nearest.shift, zoom=nearest.zoom, since=view.seen_at
        )
        self._tell(event, stream.facts.policy)
        log.warning("view_changed", camera=camera, change=nearest.change.value)

    def _known(self, camera: str, view: _View) -> Mapping[str, Fingerprint]:
        """Return the fingerprints of the camera, as the register has them or last had them."""
        try:
            view.known = self._registry.fingerprints(camera)
        except ResourceNotFoundError:
            view.known = {}  # it was taken out of the register; what is hidden stays so until its stream ends
        except DatabaseError as error:
            log.error("views_wait", reason=error.reason)
        return view.known

    def _settled(self, camera: str) -> bool:
        """Say whether the register, asked now, has none of its views changed: another process has seen to that."""
        try:
            return not self._registry.camera(camera).view_changed
        except (ResourceNotFoundError, DatabaseError):
            return False

    def _keep(self, camera: str, view: _View) -> None:
        since = view.since if view.since is not None else self._clock()
        try:
            self._registry.view_seen(camera, view.change, since)
            view.unkept = False
        except DatabaseError as error:
            log.error("views_wait", reason=error.reason)


def _another(stream: _Stream, found: Mapping[str, Comparison]) -> bool:
    """Say whether pictures show none of the views that they were compared with, and may not."""
    return bool(found) and all(one.change is not None for one in found.values()) and not stream.between_presets


def small(frame: Frame) -> Frame:
    """Return the luma of a frame, as small as fingerprints are taken from.

    One that is too high for its width is pressed together: a check that cannot compare it hides the camera.
    """
    height, width = frame.size
    rows = min(max(16, round(WIDTH * height / width)), MAX_ASPECT * WIDTH)
    if frame.layout in _LUMA_FIRST:
        how = cv2.INTER_AREA if width >= WIDTH else cv2.INTER_LINEAR
        grey = np.asarray(cv2.resize(frame.planes[0], (WIDTH, rows), interpolation=how), np.uint8)
    else:
        grey = np.asarray(cv2.cvtColor(thumbnail(frame, (rows, WIDTH)), cv2.COLOR_RGB2GRAY), np.uint8)
    return Frame((grey,), Layout.GRAY, frame.offset, frame.sequence, full_range=True)
