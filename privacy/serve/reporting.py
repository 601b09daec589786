"""From what the service does to reports: an observer that turns streams into events, and events into what is kept.

Nothing of it stands between a camera and its mask. Streams put what they see into a queue with an end; a thread takes
it out, asks the rules, and keeps what they find. Who is told of it goes his own way (`privacy.reports.delivery`).
"""

import hashlib
import math
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

import numpy as np
import structlog

from privacy import jpeg
from privacy.errors import DatabaseError, InputError, PrivacyError
from privacy.events import (
    Anomaly,
    ConfigChanged,
    EffectChanged,
    Event,
    FramesAnomalous,
    Looked,
    MaskReduced,
    MaskRestored,
    PtzMoved,
    Registered,
    StreamClosed,
    StreamOpened,
    ViewChanged,
    ViewRestored,
)
from privacy.evidence import Reason
from privacy.frame import Frame, Layout, thumbnail
from privacy.masking import mask
from privacy.plan import MaskPlan
from privacy.policy import Policy, Subject
from privacy.reports.delivery.outbox import Courier, Pace, Receiver
from privacy.reports.evidence import seal_bytes
from privacy.reports.folding import Folder
from privacy.reports.ledger import Act, shortened
from privacy.reports.report import Change, ChangeKind
from privacy.reports.scene import MAX_LEAD_S, MAX_LOOK_GAP_S
from privacy.reports.store import SYSTEM, Exhibit, Store
from privacy.serve.attendance import Attendance
from privacy.serve.merge import Merge
from privacy.serve.moment import moment
from privacy.serve.observer import Answer, Look, Ptz, StreamFacts
from privacy.serve.report_servicer import ReportService
from privacy.serve.server import Service
from privacy.tracks import Hidden
from privacy.v1 import report_service_pb2 as pb
from privacy.v1 import report_service_pb2_grpc as pb_grpc
from privacy.verdict import State

log = structlog.get_logger()

NAME = pb.DESCRIPTOR.services_by_name["ReportService"].full_name

T = TypeVar("T")
MAX_WAITING = 8192
MARK_S = 0.25
"""A process that passes on what it sees says so often how far it is."""
PATIENCE_S = 5.0
"""One that has not said it for so long is not waited for."""
MAX_PICTURES_WAITING = 64
PICTURE_WIDTH = 640
REMEMBERED_PICTURES = 64
TICK_S = 1.0
MOVED_DEG = 1.0
MOVED_ZOOM = 1.05
UNSAID = "not said"
REGISTER = "register"
_SCREEN_GRID = (72, 128)
_QUALITY = 80


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """An event, the policy and the session of its stream, and the picture that it is about."""

    event: Event
    policy: str
    session: str = ""
    frame: Frame | None = None
    plan: MaskPlan | None = None
    source: int = 0  # the process that has seen it
    heard: float = 0.0  # when, on the clock that all processes of a machine share


@dataclass(frozen=True, slots=True)
class _Gone:
    """A process that will see nothing more, and when that was."""

    source: int
    at: float


Said = _Seen | float
"""What a process has seen, or how far it is: nothing comes that it heard of before that moment of `time.monotonic`."""

Relay = Callable[[Said], None]
"""Takes it to another process."""


@dataclass(slots=True, eq=False)
class _Watched:
    """What is remembered of one stream between two of its answers."""

    camera: str
    offset: float | None = None
    at: float = 0.0
    held: float = 0.0  # seconds that it lacks since the last look
    sequence: int | None = None
    ptz: Ptz | None = None
    looked: float | None = None
    pictures: OrderedDict[bytes, None] = field(default_factory=OrderedDict)


class Reporting:
    """Watches the streams of a server, and reports.

    Args:
        store: Keeps what is found.
        policies: Every pack that a stream may run under, by name.
        model: Name of the model that looks.
        authority: X25519 public keys that evidence may be sealed to; to the first it is. Empty to seal nothing.
        receivers: Who is told.
        pace: How patiently receivers are told.
        relay: Takes what is seen to the process that reports for this one as well (`take`); None to report here.
    """

    def __init__(
        self,
        store: Store,
        policies: Mapping[str, Policy],
        *,
        model: str = "",
        authority: Sequence[bytes] = (),
        receivers: Sequence[Receiver] = (),
        pace: Pace | None = None,
        relay: Relay | None = None,
    ) -> None:
        self.store = store
        self.authority = tuple(authority)
        self.dropped = 0
        self._policies = dict(policies)
        self._policy_of: dict[str, str] = {}
        self._queue: queue.Queue[_Seen | _Gone | None] = queue.Queue(MAX_WAITING)
        self._streams: dict[str, _Watched] = {}
        self._lock = threading.Lock()
        self._putting = threading.Lock()
        self._attendance = Attendance()
        self._merge: Merge[_Seen | _Gone] = Merge(PATIENCE_S, MAX_WAITING)
        self._merging = threading.Lock()
        self._relay = relay
        known = store.known() if relay is None else []
        self._folders = {
            name: Folder(pack, [one for one in known if one.policy[0] == name], model=model)
            for name, pack in policies.items()
        }
        self._couriers = [Courier(store, receiver, pace) for receiver in receivers]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)

    def start(self) -> None:
        """Begin to report and to tell."""
        self._thread.start()
        if self._relay is not None:
            return  # whoever reports tells as well: every change goes out once
        for courier in self._couriers:
            courier.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """Keep what was seen, and stop."""
        with self._merging:
            self._release(math.inf)
        try:
            self._queue.put(None, timeout=wait_s)
        except queue.Full:
            log.error("reports_overflow", dropped=self._queue.qsize())
        self._thread.join(wait_s)
        self._stopping.set()
        self._thread.join(wait_s)
        for courier in self._couriers if self._relay is None else ():
            courier.stop(wait_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    @property
    def busy(self) -> bool:
        """True while something that was heard is not kept yet."""
        return self._queue.unfinished_tasks > 0 or len(self._merge) > 0

    @property
    def service(self) -> Service:
        """What answers for it on the wire."""
        servicer = ReportService(self.store, frozenset(self.authority), self.hear)
        return Service(NAME, lambda server: pb_grpc.add_ReportServiceServicer_to_server(servicer, server))

    def hear(self, event: Event, policy: str = "") -> None:
        """Take an event from elsewhere: the register, the console, the reader of evidence.

        Args:
            event: What happened.
            policy: The pack that its subject runs under; "" for that of its stream, or the default if it has none.
        """
        self._put(_Seen(event, policy or self._policy_of.get(event.subject, "")))

    def join(self, source: int) -> None:
        """Expect another process, of a number that no other has had, to pass on what it sees; see `relay`."""
        with self._merging:
            self._merge.join(source, time.monotonic())

    def take(self, source: int, said: Said) -> None:
        """Take what another process says. What several have seen is taken in the order in which it happened."""
        now = time.monotonic()
        with self._merging:
            if isinstance(said, _Seen):
                said = replace(said, source=source)
                if self._queue.qsize() + len(self._merge) >= MAX_PICTURES_WAITING:
                    said = replace(said, frame=None, plan=None)
                self._merge.take(source, said.heard, said, now)
            else:
                self._merge.until(source, said, now)
            self._release(now)

    def gone(self, source: int) -> None:
        """Take note that another process has ended. Streams that it did not see end have ended with it."""
        now = time.monotonic()
        with self._merging:
            self._merge.take(source, now, _Gone(source, self.store.clock()), now)
            self._merge.leave(source)
            self._release(now)

    def entered(self, event: Event, since: float) -> bool:
        """Say whether the ledger has an entry about an event that came at `since` or later, whoever wrote it.

        Raises:
            DatabaseError: Nobody knows.
        """
        act = act_of(event)
        if act is None:
            return True
        setting = act.details.get("setting")
        return any(
            done["subject"] == act.subject and done["details"].get("setting") == setting
            for done in self.store.acts(act.action, since)
        )

    # What the service says; see `Observer`

    def opened(self, stream: StreamFacts) -> None:
        """A stream begins."""
        at = self.store.clock()
        with self._lock:
            self._streams[stream.session] = _Watched(stream.camera, at=at)
            self._policy_of[stream.camera] = stream.policy
        opened = StreamOpened(subject=stream.camera, at=at, purpose=stream.purpose, registered=stream.registered)
        self._put(_Seen(opened, stream.policy, stream.session))

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """A frame was ruled upon."""
        watched = self._streams.get(stream.session)
        if watched is None:
            return
        at, held = moment(watched.at, watched.offset, answer.verdict.offset, self.store.clock())
        watched.at, watched.held = at, watched.held + held
        # A picture is kept only of what may become a report, and only while few wait.
        telling = answer.verdict.state is State.PROHIBITED or answer.verdict.reason is Reason.VIEW_CHANGED
        frame = answer.frame if telling and self._queue.qsize() < MAX_PICTURES_WAITING else None
        for event in self._anomalies(stream.camera, watched, answer, at):
            self._put(_Seen(event, stream.policy, stream.session, frame, answer.plan))
        if answer.ptz is not None:
            self._turned(stream, watched, answer.ptz, at)
        watched.sequence, watched.offset = answer.sequence, answer.verdict.offset
        if answer.verdict.inherited or answer.verdict.reason is Reason.OVERLOAD:
            return
        looked = Looked(
            subject=stream.camera,
            at=at,
            verdict=answer.verdict,
            masked=answer.plan.hides_everything,
            exposure_frames=answer.exposure_frames,
            exposure_s=answer.exposure_s,
            objects=answer.verdict.objects,
            screens=_screens(answer.subjects, self._policies.get(stream.policy)),
            held_s=watched.held,
        )
        watched.held = 0.0
        self._put(_Seen(looked, stream.policy, stream.session, frame, answer.plan))

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:
        """A stream has ended."""
        with self._lock:
            watched = self._streams.pop(stream.session, None)
            if all(other.camera != stream.camera for other in self._streams.values()):
                self._policy_of.pop(stream.camera, None)
        at = max(self.store.clock(), watched.at if watched is not None else 0.0)
        # Whoever sends a message that ends the stream has ended it, as if he had sent none.
        orderly = error is not None and not isinstance(error, InputError)
        closed = StreamClosed(subject=stream.camera, at=at, orderly=orderly)
        self._put(_Seen(closed, stream.policy, stream.session))

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:
        """Nobody was watched."""

    def looked(self, look: Look) -> None:
        """The model has run."""

    # Within

    def _turned(self, stream: StreamFacts, watched: _Watched, now: Ptz, at: float) -> None:
        before, watched.ptz = watched.ptz, now
        if before is not None and _moved(before, now):
            moved = PtzMoved(subject=stream.camera, at=at, actor=now.actor, zoom=now.zoom)
            self._put(_Seen(moved, stream.policy, stream.session))

    def _anomalies(self, camera: str, watched: _Watched, answer: Answer, at: float) -> list[Event]:
        found: list[Event] = []
        before, offset = watched.offset, answer.verdict.offset
        if watched.sequence is not None and answer.sequence > watched.sequence + 1:
            missing = answer.sequence - watched.sequence - 1
            found.append(FramesAnomalous(subject=camera, at=at, anomaly=Anomaly.SEQUENCE_GAP, frames=missing))
        if before is not None and offset < before:
            found.append(FramesAnomalous(subject=camera, at=at, anomaly=Anomaly.TIME_REVERSED))
        elif before is not None and answer.verdict.reason is Reason.CLOCK_JUMP:
            gap = offset - before
            found.append(FramesAnomalous(subject=camera, at=at, anomaly=Anomaly.TIME_GAP, seconds=gap))
        if not answer.verdict.inherited and answer.frame is not None:
            digest = _content(answer.frame)
            looked, watched.looked = watched.looked, offset
            if digest is not None and digest in watched.pictures and looked is not None and offset > looked:
                # Where nothing moves, not every frame is looked at; the time between two looks is as old as they are.
                seconds = min(offset - looked, MAX_LOOK_GAP_S)
                found.append(FramesAnomalous(subject=camera, at=at, anomaly=Anomaly.DUPLICATE, seconds=seconds))
            if digest is not None:
                watched.pictures[digest] = None
                if len(watched.pictures) > REMEMBERED_PICTURES:
                    watched.pictures.popitem(last=False)
        return found

    def _put(self, seen: _Seen) -> None:
        with self._putting:  # or one that was heard before might be put behind
            self._enqueue(replace(seen, heard=time.monotonic()))

    def _release(self, now: float) -> None:
        for seen in self._merge.ready(now):
            self._enqueue(seen)

    def _enqueue(self, seen: _Seen | _Gone) -> None:
        try:
            self._queue.put_nowait(seen)
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1 or self.dropped % 1000 == 0:
                log.error("reports_overflow", dropped=self.dropped)

    def _run(self) -> None:
        pause_s = TICK_S if self._relay is None else MARK_S
        ticked, over = time.monotonic(), False
        heard = ticked  # when that was which was taken last
        while not over:
            try:
                seen = self._queue.get(timeout=pause_s)
            except queue.Empty:
                pass
            else:
                over = seen is None
                if seen is not None:
                    self._guarded(lambda seen=seen: self._take(seen))  # type: ignore[misc]
                heard = seen.heard if isinstance(seen, _Seen) else heard
                self._queue.task_done()
            if not over and time.monotonic() - ticked >= pause_s and (self._relay is None or self._queue.empty()):
                ticked = time.monotonic()
                # What waits may say that a finding goes on: nothing ends by a later time than that of its hearing.
                behind = 0.0 if self._queue.empty() else max(0.0, ticked - heard)
                self._guarded(lambda behind=behind: self._tick(behind))  # type: ignore[misc]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whoever reports must go on reporting; what it was told may be private
            log.error("report_failed", error=type(error).__name__)

    def _take(self, seen: _Seen | _Gone) -> None:
        if isinstance(seen, _Gone):
            for camera, session, policy in self._attendance.of(seen.source):
                ended = StreamClosed(subject=camera, at=seen.at, orderly=True)  # it was no doing of theirs
                self._guarded(lambda lost=_Seen(ended, policy, session): self._take(lost))  # type: ignore[misc]
            return
        if self._relay is not None:
            self._relay(seen)
            return
        latest = self.store.clock() + MAX_LEAD_S
        event = self._attendance.admit(seen.event, seen.session, seen.policy, seen.source, latest)
        if event is None:
            return
        seen = replace(seen, event=event)
        act = act_of(seen.event)
        if act is not None:
            self._stubbornly(lambda: self.store.enter(act))
        folders = [self._folders.get(seen.policy) or next(iter(self._folders.values()))]
        if isinstance(seen.event, MaskRestored | ViewRestored):
            folders = list(self._folders.values())  # the camera may have had another policy when it was reported
        for folder in folders:
            changes = folder.see(seen.event)
            if changes:
                self._keep(changes, seen)

    def _tick(self, behind: float) -> None:
        if self._relay is not None:
            with self._putting:
                mark = time.monotonic() if self._queue.empty() else None
            if mark is not None:
                self._relay(mark)
            return
        now = self.store.clock() - behind
        for folder in self._folders.values():
            changes = folder.tick(now)
            if changes:
                self._keep(changes, None)

    def _keep(self, changes: list[Change], seen: _Seen | None) -> None:
        raised = [change.report.name for change in changes if change.kind is ChangeKind.NEW]
        exhibits = self._exhibits(seen, raised) if seen is not None and seen.frame is not None and raised else []
        for change in self._stubbornly(lambda: self.store.apply(changes, exhibits)):
            log.warning(
                "report",
                report=change.report.name,
                change=change.kind.value,
                rule=change.report.rule,
                camera=change.report.camera,
            )

    def _stubbornly(self, write: Callable[[], T]) -> T:
        """Write, and try again while the database is gone, full or locked: what was found is not found twice."""
        while True:
            try:
                return write()
            except DatabaseError as error:
                log.error("reports_wait", reason=error.reason)
                if self._stopping.wait(TICK_S):
                    raise

    def _exhibits(self, seen: _Seen, reports: Sequence[str]) -> list[Exhibit]:
        """Return what proves reports; nothing if it cannot be made: a report without a picture is one as well."""
        try:
            return [self._exhibit(seen, reports)]
        except Exception as error:  # its text may quote what is to be hidden
            log.error("exhibit_failed", camera=seen.event.subject, error=type(error).__name__)
            return []

    def _exhibit(self, seen: _Seen, reports: Sequence[str]) -> Exhibit:
        assert seen.frame is not None  # noqa: S101 - asked for by the caller
        assert seen.plan is not None  # noqa: S101 - as above
        masked = written(mask(seen.frame, seen.plan))
        if not self.authority:
            return Exhibit(seen.event.at, masked)
        original = written(seen.frame)
        recipient = self.authority[0]
        header = {"media_type": "image/jpeg", "camera": seen.event.subject, "report": ", ".join(reports)}
        return Exhibit(
            seen.event.at,
            masked,
            seal_bytes(original, recipient, header),
            hashlib.sha256(original).hexdigest(),
            recipient.hex(),
        )


def act_of(event: Event) -> Act | None:  # noqa: PLR0911 - one case for each event
    """Return what the ledger must know of an event: the register, settings and masks; None for the rest.

    All five of Art. 18(3) are said: who, when, what for, what, and where it went.
    """
    match event:
        case ConfigChanged():
            details = {"setting": event.setting, "before": event.before, "after": event.after}
            return _registered(event, event.actor, "config.change", event.purpose, details)
        case Registered():
            return _registered(event, event.actor, "register.add" if event.known else "register.remove", event.purpose)
        case ViewRestored() if event.actor:
            details = {"preset": event.preset, "watched": str(event.watched).lower()}
            return _registered(event, event.actor, "view.approve", event.purpose, details)
        case ViewRestored():
            return _registered(event, SYSTEM, "view.restore", "Art. 17(4)", {"preset": event.preset})
        case ViewChanged():
            return _registered(event, SYSTEM, "view.change", "Art. 17(4)", {"change": event.change.value})
        case MaskReduced():
            action, details = "mask.reduce", {"change": event.change.value}
        case EffectChanged():
            kinds = {"before": event.before.kind.value, "after": event.after.kind.value}
            action, details = "mask.effect", {**kinds, "weaker": str(event.weaker).lower()}
        case MaskRestored():
            return _registered(event, SYSTEM, "mask.restore", "as much is hidden as before")
        case _:
            return None
    return _registered(event, event.actor, action, event.approval or "no approval document", details)


def _registered(event: Event, actor: str, action: str, purpose: str, details: Mapping[str, str] | None = None) -> Act:
    act = Act(
        actor=actor,
        at=event.at,
        action=action,
        subject=event.subject,
        purpose=purpose.strip() or UNSAID,
        destination=REGISTER,
        details=dict(details or {}),
    )
    return shortened(act)


def _moved(before: Ptz, now: Ptz) -> bool:
    """Say whether a camera was turned or zoomed between two positions; motors tremble a little."""
    turned = max(abs(now.pan_deg - before.pan_deg), abs(now.tilt_deg - before.tilt_deg))
    zoomed = max(now.zoom / before.zoom, before.zoom / now.zoom)
    return turned >= MOVED_DEG or zoomed >= MOVED_ZOOM or now.preset != before.preset


def _screens(hidden: Sequence[Hidden], policy: Policy | None) -> float:
    """Return how much of a picture displays and papers fill, without the margin that is hidden around them."""
    shrink = 1.0 if policy is None else 1 / (1 + 2 * policy.subjects.margin)
    filled = np.zeros(_SCREEN_GRID, np.bool_)
    rows, columns = _SCREEN_GRID
    for left, top, right, bottom in (one.box for one in hidden if one.subject is Subject.SCREENS):
        x, y = (left + right) / 2, (top + bottom) / 2
        width, height = (right - left) * shrink / 2, (bottom - top) * shrink / 2
        across = slice(round((x - width) * columns), round((x + width) * columns))
        filled[round((y - height) * rows) : round((y + height) * rows), across] = True
    return float(filled.mean())


def written(frame: Frame) -> bytes:
    """Return a frame as a JPEG of at most 640 pixels width."""
    height, width = frame.size
    scale = min(1.0, PICTURE_WIDTH / width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = Frame((thumbnail(frame, size),), Layout.RGB, frame.offset, frame.sequence)
    return jpeg.write(small, quality=_QUALITY)


def _content(frame: Frame) -> bytes | None:
    """Return a digest of what a frame shows; None if it shows nothing: every black frame is like every other."""
    luma = frame.planes[0][::8, ::8]
    if int(luma.max()) - int(luma.min()) < 8:
        return None
    return hashlib.blake2b(np.ascontiguousarray(luma).tobytes(), digest_size=12).digest()
