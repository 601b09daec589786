"""A scene as plain data: what a renderer needs, and nothing about how it renders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rooms.materials import Colour, Material
from rooms.shapes import Mesh, join

Lens = Literal["straight", "fisheye"]
PERSON = 100
"""Parts of the first person carry this label, those of the second one more, and so on."""
HERE, BEHIND = 1, 2
"""Label of the parts of the room where the camera hangs, and of a private room behind its door."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A surface with its material.

    Attributes:
        mesh: In metres, placed.
        material: Of all of it.
        label: What the pixels of it are: `HERE`, `BEHIND`, or `PERSON` and up.
        group: Shown only in shots that ask for this group; "" is shown always.
    """

    mesh: Mesh
    material: Material
    label: int = HERE
    group: str = ""

    def moved(self, x: float, y: float, z: float = 0.0, turn: float = 0.0) -> Part:
        """Return it turned about its upright axis by `turn` degrees, then moved."""
        return replace(self, mesh=self.mesh.turned(turn).at(x, y, z) if turn else self.mesh.at(x, y, z))


@dataclass(frozen=True, slots=True)
class Lamp:
    """A rectangle that sends out light on one side; what is seen of it is a part with a glow.

    Attributes:
        place: x, y, z of its middle.
        aim: Direction in which it shines; its length does not matter.
        size: Metres across and along.
        strength: Radiance, relative to other lamps.
        colour: sRGB.
        lit_by: "lamps" or "day": which of a shot's two switches scales it.
        group: As of a part.
    """

    place: tuple[float, float, float]
    aim: tuple[float, float, float]
    size: tuple[float, float] = (0.6, 0.6)
    strength: float = 1.0
    colour: Colour = (1.0, 0.97, 0.92)
    lit_by: str = "lamps"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a camera hangs and how it sees.

    Attributes:
        place: x, y, z in metres.
        pan: Degrees; 0 looks along +x, 90 along +y.
        tilt: Degrees below the horizon.
        roll: Degrees, counter-clockwise.
        width: Horizontal angle of view in degrees.
        lens: "straight" keeps lines straight (up to 110 degrees); "fisheye" is equisolid, up to 180 degrees.
    """

    place: tuple[float, float, float]
    pan: float
    tilt: float
    roll: float = 0.0
    width: float = 80.0
    lens: Lens = "straight"

    @property
    def forward(self) -> NDArray[np.float64]:
        """`(3,)` float64 unit vector along which it looks."""
        pan, tilt = math.radians(self.pan), math.radians(self.tilt)
        return np.array([math.cos(tilt) * math.cos(pan), math.cos(tilt) * math.sin(pan), -math.sin(tilt)])

    def off_axis(self, point: Sequence[float]) -> float:
        """Degrees between where it looks and `point`."""
        way = np.asarray(point, np.float64) - np.asarray(self.place)
        length = float(np.linalg.norm(way))
        return math.degrees(math.acos(float(np.clip(way @ self.forward / max(length, 1e-9), -1, 1))))


def looking_at(
    place: tuple[float, float, float],
    target: Sequence[float],
    *,
    width: float,
    lens: Lens = "straight",
    roll: float = 0.0,
) -> Camera:
    """Return a camera at `place` that looks at `target`."""
    x, y, z = (float(there) - here for there, here in zip(target, place, strict=True))
    pan, tilt = math.degrees(math.atan2(y, x)), math.degrees(math.atan2(-z, math.hypot(x, y)))
    return Camera(place, pan, tilt, roll, width, lens)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to take of a scene.

    Attributes:
        camera: From where.
        groups: Which groups of parts are there.
        lamps: Strength of the lamps; 0 is off.
        day: Strength of the windows; 0 is night.
        infrared: Strength of the camera's own lamp.
        size: `(height, width)` in pixels.
        seed: Of the renderer's sampling.
    """

    camera: Camera
    groups: frozenset[str] = frozenset()
    lamps: float = 1.0
    day: float = 0.0
    infrared: float = 0.0
    size: tuple[int, int] = (240, 320)
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything that can be photographed.

    Attributes:
        parts: Surfaces.
        lamps: What lights them.
    """

    parts: tuple[Part, ...]
    lamps: tuple[Lamp, ...]

    def batches(self) -> list[Part]:
        """Return the parts, those that share material, label and group joined into one: fewer things to build."""
        found: dict[tuple[Material, int, str], list[Mesh]] = {}
        for part in self.parts:
            found.setdefault((part.material, part.label, part.group), []).append(part.mesh)
        return [Part(join(*meshes), *key) for key, meshes in found.items()]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a renderer returns for one shot.

    Attributes:
        light: `(H, W, 3)` float32, linear, not exposed.
        labels: `(H, W)` int32: label of the nearest part under the middle of each pixel; 0 is nothing.
    """

    light: NDArray[np.float32] = field(repr=False)
    labels: NDArray[np.int32] = field(repr=False)
