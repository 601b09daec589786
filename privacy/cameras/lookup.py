"""What a stream needs to know of its camera."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from privacy.cameras.camera import Camera
from privacy.cameras.registry import Registry
from privacy.errors import DatabaseError, ResourceNotFoundError

LATELY_S = 5.0
"""A copy must have been true so shortly before the register went; every other second all of them are compared."""


class Cameras(Protocol):
    """Finds cameras by their names."""

    def find(self, name: str) -> Camera | None:
        """Return the camera, or None if it is not registered; raises `DatabaseError` if nobody can say."""

    def etags(self, names: Collection[str]) -> Mapping[str, str]:
        """Return the etags of those that are registered, by name; raises `DatabaseError` if nobody can say.

        It is asked again and again, of no names as well: whoever keeps copies compares them by this.
        """


@dataclass(frozen=True, slots=True)
class _Copy:
    """A camera, and a moment at which it was so."""

    camera: Camera
    at: float

    def still(self, etag: str, changed: Mapping[str, object]) -> bool:
        """Say whether the register has the same, by its etag and its changed views, which the etag leaves out."""
        presets = self.camera.presets
        return self.camera.etag == etag and {one.preset_id: one.change for one in presets if one.change} == changed


class KnownCameras:
    """Finds cameras in a register, and what was true just before it went while the register does not answer.

    A copy that nobody has compared with the register by then is none: a zone may have been registered since. Without
    one a stream does not begin, for nobody knows which zones must be hidden. Threads may share it.

    Args:
        registry: The register.
        clock: Monotonic seconds.
    """

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._copies: dict[str, _Copy] = {}
        self._gone_at: float | None = None  # when the first question was asked of those that have had no answer
        self._lock = threading.Lock()

    def find(self, name: str) -> Camera | None:
        """Return the camera as it is registered, or was just before the register went; None if it is not.

        Raises:
            DatabaseError: The register does not answer, and nobody has lately known this camera.
        """
        try:
            return self._read(name)
        except DatabaseError:
            with self._lock:
                copy = self._copies.get(name)
                if copy is None or self._gone_at is None or copy.at < self._gone_at - LATELY_S:
                    raise
                return copy.camera

    def etags(self, names: Collection[str]) -> Mapping[str, str]:
        """Return the etags of those that are registered, by name, and bring every copy up to date.

        Raises:
            DatabaseError: The register does not answer.
        """
        asked = self._clock()
        with self._lock:
            copies = dict(self._copies)
        try:
            etags = self._registry.etags({*names, *copies})
            changed = self._registry.changed_views()
        except DatabaseError:
            self._gone(asked)
            raise
        self._answered(asked)
        for name, copy in copies.items():
            if copy.still(etags.get(name, ""), changed.get(name, {})):
                self._replace(copy, replace(copy, at=asked))
            else:
                self._replace(copy, None)
                self._read(name)
        return {name: etags[name] for name in names if name in etags}

    def _read(self, name: str) -> Camera | None:
        asked = self._clock()
        try:
            camera = self._registry.camera(name)
        except ResourceNotFoundError:
            self._answered(asked)
            with self._lock:
                self._copies.pop(name, None)
            return None
        except DatabaseError:
            self._gone(asked)
            raise
        self._answered(asked)
        with self._lock:
            before = self._copies.get(name)
            if before is None or before.at <= asked:  # or another thread has read it later
                self._copies[name] = _Copy(camera, asked)
        return camera

    def _replace(self, copy: _Copy, by: _Copy | None) -> None:
        name = copy.camera.name
        with self._lock:
            if self._copies.get(name) is not copy:
                return  # it was read in the meantime
            if by is None:
                del self._copies[name]
            else:
                self._copies[name] = by

    def _gone(self, asked: float) -> None:
        with self._lock:
            self._gone_at = asked if self._gone_at is None else self._gone_at

    def _answered(self, asked: float) -> None:
        with self._lock:
            if self._gone_at is not None and asked > self._gone_at:
                self._gone_at = None
