"""What holds for a camera's stream: what the client asked for, with what is registered, while the register changes.

What hides more holds from the next frame on. What hides less holds once the ledger says who wanted it: until then, the
old and the new hold together. Where no ledger is kept, the old holds as long as the stream.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from privacy.cameras.camera import Camera
from privacy.cameras.lookup import Cameras
from privacy.cameras.registry import changes_of
from privacy.events import Event
from privacy.plan import Polygon, Zones
from privacy.serve.translate import Setup

log = structlog.get_logger()

REREAD_S = 2.0
"""A change of the register reaches the streams within this time."""

_ANYBODY = "-"  # who changed it, the ledger knows

Entered = Callable[[Event, float], bool]
"""Says whether the ledger has an entry about an event, not before a time; raises `DatabaseError` if nobody knows."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a stream at one moment.

    Attributes:
        camera: As it is registered now; None if it is not, or if no register is kept.
        registered: False if a register is kept, and the camera is not in it.
        policy: Name of the policy pack that was asked for; "" for the server's default.
        purposes: What the camera is declared to be for, "" for nothing; more than one while a change is open, and then
            the one that suspects most counts.
        zones: What is hidden whatever is seen: the client's own polygons wherever the camera looks, the registered
            ones by preset.
    """

    camera: Camera | None
    registered: bool
    policy: str
    purposes: tuple[str, ...]
    zones: Zones

    @property
    def purpose(self) -> str:
        """What the camera is declared to be for now."""
        return self.purposes[-1]

    def static(self, preset: str | None = None) -> tuple[Polygon, ...]:
        """Return what is hidden at a preset; all of it if nobody knows at which one the camera stands."""
        return self.zones.at(preset if preset in self.zones.presets else None)


class Standing:
    """The terms of one stream. The stream reads `terms` between two frames; whoever reads the register writes them.

    Args:
        setup: What the client asked for.
        camera: What is registered.
        kept: Whether there is a register.

    Attributes:
        terms: What holds now; replaced whole.
    """

    def __init__(self, setup: Setup, camera: Camera | None, *, kept: bool) -> None:
        self._setup = setup
        self._last = camera  # as it was registered last
        self._open: list[tuple[Event, float]] = []  # what hides less, and since when the ledger must say so
        self.terms = self._newest(camera, registered=camera is not None or not kept)

    @property
    def etag(self) -> str:
        """Of the camera that `terms` know; "" for none."""
        return "" if self.terms.camera is None else self.terms.camera.etag

    def take(self, camera: Camera | None) -> None:
        """Take what is registered now. What held before holds as well, until `settle`; of a camera that went, all."""
        held = self.terms
        if camera is None:
            self.terms = replace(held, camera=None, registered=False)
            return
        if self._last is not None and camera.update_time is not None:
            # Of several changes since the last reading, only the newest says when it was, and one that it undid is not
            # seen at all: a zone may have come back and gone again. So every entry has to be as new as that change. If
            # it hides no less, there is none, and what held before holds to the end of the stream.
            since = camera.update_time.timestamp()
            left = [event for event, _ in self._open]
            self._open = [(event, since) for event in (*left, *changes_of(self._last, camera, _ANYBODY, since))]
        self._last = camera
        newest = self._newest(camera, registered=True)
        self.terms = replace(
            newest,
            purposes=(*(one for one in held.purposes if one != newest.purpose), newest.purpose),
            zones=held.zones.joined(newest.zones),
        )

    def settle(self, entered: Entered) -> None:
        """Let go of what held before, if everything that hides less is in the ledger.

        Raises:
            DatabaseError: Nobody knows.
        """
        if not self._open or self.terms.camera is None:
            return
        self._open = [(event, since) for event, since in self._open if not entered(event, since)]
        if not self._open:
            self.terms = self._newest(self.terms.camera, registered=True)

    def _newest(self, camera: Camera | None, *, registered: bool) -> Terms:
        setup = self._setup
        if camera is None:
            return Terms(None, registered, setup.policy, (setup.purpose,), Zones(setup.static))
        presets = {preset.preset_id: preset.static_zones for preset in camera.presets}
        return Terms(
            camera, registered, camera.policy or setup.policy, (camera.declared_purpose,), Zones(setup.static, presets)
        )


class Register:
    """Finds the cameras of streams, and reads again what changes about them, in a thread of its own.

    While the database is gone, what was read last holds for streams that run; others begin as `Cameras` say.

    Args:
        cameras: The register; None if none is kept, and then nothing ever changes.
        entered: The ledger; None if none is kept.
    """

    def __init__(self, cameras: Cameras | None, entered: Entered | None = None) -> None:
        self._cameras = cameras
        self._entered = entered
        self._standing: dict[str, set[Standing]] = defaultdict(set)
        self._lock = threading.Lock()
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to read again."""
        if self._cameras is not None:
            threading.Thread(target=self._run, name="register", daemon=True).start()

    def stop(self) -> None:
        """Read nothing more."""
        self._over.set()

    @contextmanager
    def standing(self, setup: Setup) -> Iterator[Standing]:
        """Yield what holds for a stream, kept up to date as long as the context lasts.

        What is registered goes before what the client says, and zones that either of them names are hidden.

        Raises:
            DatabaseError: Nobody can say what must be hidden.
        """
        camera = None if self._cameras is None else self._cameras.find(setup.camera)
        standing = Standing(setup, camera, kept=self._cameras is not None)
        with self._lock:
            self._standing[setup.camera].add(standing)
        try:
            yield standing
        finally:
            with self._lock:
                self._standing[setup.camera].discard(standing)
                if not self._standing[setup.camera]:
                    del self._standing[setup.camera]

    def read(self) -> None:
        """Read once what is registered of the cameras that have streams, and have it known how the others are.

        Raises:
            DatabaseError: It cannot be read.
        """
        with self._lock:
            followed = {name: list(standing) for name, standing in self._standing.items()}
        if self._cameras is None:
            return
        etags = self._cameras.etags(followed)
        for name, standings in followed.items():
            behind = [one for one in standings if one.etag != etags.get(name, "")]
            if behind:
                camera = self._cameras.find(name)
                for one in behind:
                    one.take(camera)
                log.info("register_changed", camera=name, streams=len(behind), registered=camera is not None)
            if self._entered is not None:
                for one in standings:
                    one.settle(self._entered)

    def _run(self) -> None:
        failing = False
        while not self._over.wait(REREAD_S):
            try:
                self.read()
                failing = False
            except Exception as error:  # whoever reads must go on reading; what holds goes on holding
                if not failing:
                    log.error("register_unread", error=type(error).__name__)
                failing = True
