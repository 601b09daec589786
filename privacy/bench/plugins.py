"""What other packages add, by entry point: models, data sets and metrics."""

from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Any

from privacy.errors import InputError


class PluginError(InputError):
    """A package offers something to the bench that cannot be loaded, or under a name that is taken."""

    reason = "INVALID_PLUGIN"


def offered(what: str, *, taken: Iterable[str] = ()) -> dict[str, Any]:
    """Return what installed packages offer in the group `privacy.bench.<what>`, by name.

    Args:
        what: "models", "datasets" or "metrics".
        taken: Names that are ours.

    Raises:
        PluginError: One cannot be loaded, or two have one name.
    """
    found: dict[str, Any] = {}
    for point in sorted(entry_points(group=f"privacy.bench.{what}"), key=lambda point: point.name):
        owner = point.dist.name if point.dist is not None else point.value
        if point.name in found or point.name in set(taken):
            raise PluginError(
                f"{owner} offers {point.name!r} to privacy.bench.{what}, which there is already", name=point.name
            )
        try:
            found[point.name] = point.load()
        except Exception as error:  # it runs somebody else's code, which may raise anything
            raise PluginError(f"{owner}: {point.value} cannot be loaded: {error}", name=point.name) from error
    return found
