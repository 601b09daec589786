"""What a stream needs to know of its camera."""

from collections.abc import Collection, Mapping
from typing import Protocol

from privacy.cameras.camera import Camera
from privacy.cameras.registry import Registry
from privacy.errors import DatabaseError, ResourceNotFoundError


class Cameras(Protocol):
    """Finds cameras by their names."""

    def find(self, name: str) -> Camera | None:
        """Return the camera, or None if it is not registered; raises `DatabaseError` if nobody can say."""

    def etags(self, names: Collection[str]) -> Mapping[str, str]:
        """Return the etags of those that are registered, by name; raises `DatabaseError` if nobody can say."""


class KnownCameras:
    """Finds cameras in a register, and those that it has found before while the register does not answer.

    A camera that was never found then has no stream: nobody knows which of its zones must be hidden.

    Args:
        registry: The register.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._found: dict[str, Camera] = {}

    def find(self, name: str) -> Camera | None:
        """Return the camera as it is registered, or was when the register last answered; None if it is not.

        Raises:
            DatabaseError: The register does not answer, and never has for this camera.
        """
        try:
            camera = self._registry.camera(name)
        except ResourceNotFoundError:
            self._found.pop(name, None)
            return None
        except DatabaseError:
            if name not in self._found:
                raise
            return self._found[name]
        self._found[name] = camera
        return camera

    def etags(self, names: Collection[str]) -> Mapping[str, str]:
        """Return the etags of those that are registered, by name.

        Raises:
            DatabaseError: The register does not answer.
        """
        return self._registry.etags(names)
