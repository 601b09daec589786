"""A thing that stands in a room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rooms.materials import Material
from rooms.scene import Part
from rooms.shapes import Mesh


@dataclass(frozen=True, slots=True, eq=False)
class Fixture:
    """A thing and what it tells about the place.

    Attributes:
        kind: What it is.
        family: Of what make.
        parts: Standing on z = 0, the back at y = 0, the middle at x = 0.
        tell: How much seeing it tells about the place; a camera is hung where it sees much of this.
    """

    kind: str
    family: str
    parts: tuple[Part, ...]
    tell: float = 0.0

    @property
    def bounds(self) -> NDArray[np.float32]:
        """`(2, 3)` float32: least and greatest coordinates."""
        boxes = np.stack([part.mesh.bounds for part in self.parts])
        return np.stack([boxes[:, 0].min(0), boxes[:, 1].max(0)])

    @property
    def width(self) -> float:
        """Its extent along the wall, in metres."""
        low, high = self.bounds
        return float(high[0] - low[0])

    @property
    def depth(self) -> float:
        """How far it reaches into the room, in metres."""
        return float(self.bounds[1, 1])


def piece(mesh: Mesh, material: Material) -> Part:
    """Return one surface of a fixture."""
    return Part(mesh, material)


def together(kind: str, fixtures: Iterable[tuple[Fixture, float, float]], *, tell: float | None = None) -> Fixture:
    """Return fixtures as one, each moved by (x, y)."""
    placed = list(fixtures)
    parts = tuple(part.moved(x, y) for fixture, x, y in placed for part in fixture.parts)
    known = sum(fixture.tell for fixture, _, _ in placed) if tell is None else tell
    return Fixture(kind, "+".join(sorted({fixture.family for fixture, _, _ in placed})), parts, known)
