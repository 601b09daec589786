"""The console of a server of several processes: each tells the parent what its cameras show, as it changes.

A process keeps a wall and thumbnails of its own cameras, as one that is alone does (`Post`): no frame leaves it but as
a thumbnail, masked and of a frame that was found clear. The parent puts what they tell on one wall (`Posts`), and asks
for thumbnails of what somebody looks at.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import structlog

from privacy.console.thumbnails import STALE_S, Thumbnails
from privacy.console.wall import Shown, Sight, Wall
from privacy.serve.observer import Observer

log = structlog.get_logger()

REFRESH_S = 2.0
"""So often a process says which of its streams are alive."""
ASK_S = 1.0
"""A thumbnail is asked for no oftener than this."""
MAX_WAITING = 8192


@dataclass(frozen=True, slots=True)
class Turned:
    """What a camera shows has changed."""

    sight: Sight


@dataclass(frozen=True, slots=True)
class Alive:
    """When the last frame of each stream that goes on was answered, by session."""

    at: dict[str, float]


@dataclass(frozen=True, slots=True)
class Pictured:
    """A new thumbnail of a camera; None if there is none any more."""

    camera: str
    data: bytes | None


News = Turned | Alive | Pictured
"""What a process tells; can be pickled."""


class Post:
    """In a process: watches its cameras, and tells of them from within its block.

    Args:
        tell: Takes the news to the parent, in order; an `OSError` of it ends the telling.
    """

    def __init__(self, tell: Callable[[News], None]) -> None:
        self._tell = tell
        self._queue: queue.Queue[News | None] = queue.Queue(MAX_WAITING)
        self._missed = False  # more happened than could be told: everything is told anew
        self._wall = Wall(turned=lambda sight: self._put(Turned(sight)))
        self._thumbnails = Thumbnails(made=lambda camera, data: self._put(Pictured(camera, data)))
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

    def __enter__(self) -> Self:
        self._thumbnails.start()
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._thumbnails.stop()
        self._put(None)
        self._thread.join(5.0)

    @property
    def observers(self) -> Sequence[Observer]:
        """Who must hear what the process does."""
        return self._wall, self._thumbnails

    def ask(self, camera: str) -> None:
        """Make thumbnails of a camera for a while."""
        self._thumbnails.picture(camera)

    def _put(self, news: News | None) -> None:
        try:
            self._queue.put_nowait(news)
        except queue.Full:
            self._missed = True

    def _run(self) -> None:
        refreshed = time.monotonic()
        try:
            while True:
                try:
                    news = self._queue.get(timeout=REFRESH_S)
                except queue.Empty:
                    pass
                else:
                    if news is None:
                        return
                    self._tell(news)
                if time.monotonic() - refreshed >= REFRESH_S:
                    refreshed = time.monotonic()
                    self._refresh()
        except OSError:  # nobody listens any more
            return

    def _refresh(self) -> None:
        sights = self._wall.sights().values()
        missed, self._missed = self._missed, False
        for sight in sights if missed else ():
            self._tell(Turned(sight))
        self._tell(Alive({one.stream.session: one.at for one in sights if one.shown is not Shown.OFFLINE}))


@dataclass(slots=True, eq=False)
class _Source:
    """A process, as the parent knows it."""

    ask: Callable[[str], None]
    heard: float  # when it last told anything


class Posts:
    """In the parent: what all processes show. Threads may share it.

    Args:
        clock: Monotonic seconds.

    Attributes:
        wall: What every camera shows and has shown.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.wall = Wall()
        self._clock = clock
        self._lock = threading.Lock()
        self._sources: dict[int, _Source] = {}
        self._cameras: dict[str, int] = {}  # of those that have a stream, the process that serves it
        self._asked: dict[str, float] = {}
        self._pictures: dict[str, tuple[int, bytes, float]] = {}

    def join(self, source: int, ask: Callable[[str], None]) -> None:
        """Expect news of another process; `ask` has it make thumbnails of a camera."""
        with self._lock:
            self._sources[source] = _Source(ask, self._clock())

    def take(self, source: int, news: News) -> None:
        """Take what a process tells."""
        with self._lock:
            if source in self._sources:
                self._sources[source].heard = self._clock()
        match news:
            case Turned(sight):
                self._turned(source, sight)
            case Alive(at):
                self.wall.refresh(at)
            case Pictured(camera, data):
                self._pictured(source, camera, data)

    def gone(self, source: int) -> None:
        """Take note that a process has ended, and the streams that it served with it."""
        with self._lock:
            self._sources.pop(source, None)
            lost = {camera for camera, its in self._cameras.items() if its == source}
            for camera in lost:
                self._forget(camera)
        for camera in lost:
            self.wall.lose(camera)

    def picture(self, camera: str) -> bytes | None:
        """Return the last picture of a camera as JPEG, and ask for a newer one; None if nothing may be shown."""
        now = self._clock()
        with self._lock:
            source = self._sources.get(self._cameras.get(camera, -1))
            # One that is stopped would sooner or later stop whoever asks it.
            alive = source is not None and now - source.heard <= 3 * REFRESH_S
            asking = alive and now - self._asked.get(camera, float("-inf")) >= ASK_S
            if asking:
                self._asked[camera] = now
            _, data, made = self._pictures.get(camera, (0, None, 0.0))
        if asking and source is not None:
            try:
                source.ask(camera)
            except OSError as error:
                log.info("post_lost", error=type(error).__name__)
        return data if now - made <= STALE_S else None

    def _turned(self, source: int, sight: Sight) -> None:
        camera = sight.stream.camera
        if not self.wall.take(sight):
            return
        with self._lock:
            if self._cameras.get(camera, source) != source or sight.shown is not Shown.CLEAR:
                self._pictures.pop(camera, None)
            if sight.shown is Shown.OFFLINE or source not in self._sources:
                self._forget(camera)
            else:
                self._cameras[camera] = source

    def _pictured(self, source: int, camera: str, data: bytes | None) -> None:
        with self._lock:
            if self._cameras.get(camera) != source:
                return
            if data is None:
                self._pictures.pop(camera, None)
            else:
                self._pictures[camera] = source, data, self._clock()

    def _forget(self, camera: str) -> None:
        self._cameras.pop(camera, None)
        self._asked.pop(camera, None)
        self._pictures.pop(camera, None)
