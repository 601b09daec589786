"""What the classes of somebody else's classifier mean to the law."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError
from privacy.zones import PROHIBITED, Zone

MAX_BYTES = 1 << 20
"""Largest label map that is read."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """One zone for each class, in the order of the classes.

    Attributes:
        zones: Zone of each class.

    Raises:
        InputError: No class is permitted, or none is prohibited: such a model rules without looking.
    """

    zones: tuple[Zone, ...]

    def __post_init__(self) -> None:
        if Zone.PERMITTED not in self.zones or not set(PROHIBITED) & set(self.zones):
            raise InputError('a label map needs a class that is "permitted" and one of a prohibited zone')

    @classmethod
    def of(cls, slugs: Mapping[str, object], classes: Sequence[str]) -> Self:
        """Return the map of `classes`.

        Args:
            slugs: Zone slug, or "permitted", of each class by name.
            classes: What the model calls its classes, in order.

        Raises:
            InputError: A class is not mapped, a name is no class, or a value is no zone.
        """
        if missing := [name for name in classes if name not in slugs]:
            raise InputError(f"the label map says nothing of {_some(missing)}", classes=_some(missing))
        if unknown := [name for name in slugs if name not in classes]:
            raise InputError(f"the model has no class {_some(unknown)}", classes=_some(unknown))
        known = {zone.slug: zone for zone in Zone}
        if wrong := [name for name in classes if str(slugs[name]) not in known]:
            raise InputError(f"the zone of {_some(wrong)} is none of {', '.join(known)}", classes=_some(wrong))
        return cls(tuple(known[str(slugs[name])] for name in classes))

    def scores(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `(B, Z)` zone probabilities for `(B, C)` class probabilities: each zone is the sum of its classes."""
        spread = np.zeros((len(self.zones), len(Zone)), np.float32)
        spread[np.arange(len(self.zones)), list(self.zones)] = 1
        return probabilities @ spread


def read(path: Path) -> dict[str, object]:
    """Return the class names and zone slugs of a TOML file, for example `"shower room" = "bathhouse"`.

    Raises:
        InputError: It is no such file.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise InputError(f"{path} is no label map: more than {MAX_BYTES} bytes", path=str(path))
        return dict(tomllib.loads(text.decode("utf-8")))
    except (OSError, ValueError, RecursionError) as error:  # UTF-8 and TOML errors and long numbers are ValueErrors
        raise InputError(f"{path} is no label map: {error}", path=str(path)) from error


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
