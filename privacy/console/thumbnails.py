"""Small pictures of what the cameras show, masked before they are made. An `Observer`.

Only a frame that the model itself found clear becomes one, with everything hidden that its plan hides; of a camera in
any other state there is none, and the one that was is forgotten at once: pages paint a solid mask. Kept in memory only,
and made only while somebody looks.
"""

import itertools
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from privacy import jpeg
from privacy.errors import PrivacyError
from privacy.evidence import Reason
from privacy.frame import Frame, Layout, thumbnail
from privacy.masking import mask
from privacy.plan import MaskPlan
from privacy.serve.observer import Answer, Look, StreamFacts
from privacy.verdict import State

log = structlog.get_logger()

WIDTH = 320
EVERY_S = 1.0
"""A camera has a new one no oftener than this."""
WANTED_S = 15.0
"""So long after somebody has looked at a camera, new ones are made of it."""
STALE_S = 15.0
"""An older one is not shown: it would pass for what the camera shows now."""
MAX_WAITING = 16
_QUALITY = 72


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """A frame that is to become a picture."""

    camera: str
    turn: int
    frame: Frame
    plan: MaskPlan


class Thumbnails:
    """Makes and keeps the last masked picture of each camera that is clear now.

    Args:
        clock: Monotonic seconds.
        made: Hears, in order, of each new picture of a camera, and of None when there is none any more; it returns at
            once.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        made: Callable[[str, bytes | None], object] = lambda _, __: None,
    ) -> None:
        self._clock = clock
        self._made = made
        self._lock = threading.Lock()
        self._wanted: dict[str, float] = {}
        self._taken: dict[str, float] = {}
        self._turns: dict[str, int] = {}  # a new one whenever a camera is not clear: what was ordered before is void
        self._numbers = itertools.count()
        self._pictures: dict[str, tuple[bytes, float]] = {}
        self._queue: queue.Queue[_Order | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="thumbnails", daemon=True)

    def start(self) -> None:
        """Begin to make pictures."""
        self._thread.start()

    def stop(self) -> None:
        """Make no more."""
        self._queue.put(None)
        self._thread.join(5.0)

    def picture(self, camera: str) -> bytes | None:
        """Return the last picture of a camera as JPEG, and ask for a newer one; None if nothing may be shown."""
        now = self._clock()
        with self._lock:
            if camera in self._turns:  # whoever asks for what has no stream asks for nothing
                self._wanted[camera] = now
            data, made = self._pictures.get(camera, (None, 0.0))
            return data if now - made <= STALE_S else None

    # What the service says; see `Observer`

    def opened(self, stream: StreamFacts) -> None:
        """Show nothing yet."""
        self._hide(stream.camera)

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """Order a picture of what was found clear; hide whatever was not."""
        verdict = answer.verdict
        if verdict.state is not State.CLEAR or answer.plan.hides_everything:
            if not (verdict.inherited and verdict.reason is Reason.OVERLOAD):  # passed over: nobody has seen it
                self._hide(stream.camera)
            return
        if verdict.inherited or answer.frame is None:
            return  # not looked at itself
        now, camera = self._clock(), stream.camera
        with self._lock:
            self._turn(camera)
            if now - self._wanted.get(camera, float("-inf")) > WANTED_S:
                return
            if now - self._taken.get(camera, float("-inf")) < EVERY_S:
                return
            self._taken[camera] = now
            order = _Order(camera, self._turn(camera), answer.frame, answer.plan)
        try:
            self._queue.put_nowait(order)
        except queue.Full:
            return  # the next one will do

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:  # noqa: ARG002 - the observer's signature
        """Forget the picture."""
        with self._lock:
            self._drop(stream.camera)
            for kept in (self._wanted, self._taken, self._turns):
                kept.pop(stream.camera, None)

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:
        """Nothing was seen."""

    def looked(self, look: Look) -> None:
        """A look is no picture."""

    # Within

    def _hide(self, camera: str) -> None:
        with self._lock:
            self._turns[camera] = next(self._numbers)
            self._drop(camera)

    def _drop(self, camera: str) -> None:
        if self._pictures.pop(camera, None) is not None:
            self._made(camera, None)

    def _turn(self, camera: str) -> int:
        if camera not in self._turns:
            self._turns[camera] = next(self._numbers)
        return self._turns[camera]

    def _run(self) -> None:
        while (order := self._queue.get()) is not None:
            try:
                data = painted(order.frame, order.plan)
            except Exception as error:  # its text may quote what was to be hidden
                log.error("thumbnail_failed", camera=order.camera, error=type(error).__name__)
                continue
            with self._lock:
                if self._turns.get(order.camera) == order.turn:
                    self._pictures[order.camera] = data, self._clock()
                    self._made(order.camera, data)


def painted(frame: Frame, plan: MaskPlan) -> bytes:
    """Return a frame as a JPEG of at most `WIDTH` pixels width, masked before it is made small."""
    height, width = frame.size
    scale = min(1.0, WIDTH / width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = thumbnail(mask(frame, plan), size)
    return jpeg.write(Frame((small,), Layout.RGB, frame.offset, frame.sequence), quality=_QUALITY)
