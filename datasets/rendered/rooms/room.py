"""An empty room that is furnished wall by wall, and where a camera may hang in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rooms.families import Kit
from rooms.fixture import Fixture
from rooms.materials import GLASS, LAMP, SKY, WHITE, Material
from rooms.scene import HERE, Lamp, Part, Scene
from rooms.shapes import box, curtain, cylinder, floor, panel, tube

Wall = Literal["south", "east", "north", "west"]
WALLS: tuple[Wall, ...] = ("south", "east", "north", "west")


@dataclass(frozen=True, slots=True)
class Opening:
    """A hole in a wall.

    Attributes:
        wall: Which.
        middle: Metres along the wall, as `Room.place` counts them.
        width: Metres.
        top: Height of its upper edge.
        sill: Height of its lower edge; 0 for a door.
    """

    wall: Wall
    middle: float
    width: float
    top: float
    sill: float = 0.0


@dataclass(slots=True, eq=False)
class Room:
    """A box of walls; x runs east, y north; the floor is z = 0.

    Attributes:
        kit: Chooses looks.
        width: Metres along x.
        depth: Metres along y.
        height: Metres.
        parts: What stands in it so far.
        lamps: What lights it so far.
        tells: `(x, y, z, weight)` of what tells about the place.
        taken: Rectangles of floor `(x0, y0, x1, y1)` that are stood on.
        blocks: Boxes `(x0, y0, x1, y1, top)` that hide what is behind them.
        openings: Doors and windows.
        entry: Where somebody comes in, (x, y).
        seats: `(x, y, turn)` where somebody may sit, and the turn in degrees of who sits there.
    """

    kit: Kit
    width: float
    depth: float
    height: float = 2.7
    parts: list[Part] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)
    tells: list[tuple[float, float, float, float]] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)
    blocks: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    entry: tuple[float, float] = (0.5, 0.5)
    seats: list[tuple[float, float, float]] = field(default_factory=list)

    def length(self, wall: Wall) -> float:
        """Metres along a wall."""
        return self.width if wall in ("south", "north") else self.depth

    def spot(self, wall: Wall, along: float, out: float = 0.0) -> tuple[float, float, float]:
        """Return x, y and turn of a thing whose back is `out` metres from `wall`.

        `along` counts east on the south and north walls, north on the others.
        """
        if wall == "south":
            return along, out, 0.0
        if wall == "east":
            return self.width - out, along, 90.0
        if wall == "north":
            return along, self.depth - out, 180.0
        return out, along, -90.0

    def place(self, fixture: Fixture, wall: Wall, along: float, out: float = 0.0) -> None:
        """Stand a fixture with its back to a wall."""
        self.stand(fixture, *self.spot(wall, along, out))

    def stand(self, fixture: Fixture, x: float, y: float, turn: float = 0.0, z: float = 0.0) -> None:
        """Stand a fixture anywhere; it takes the floor that it covers."""
        placed = [part.moved(x, y, z, turn) for part in fixture.parts]
        self.parts += placed
        low, high = replace(fixture, parts=tuple(placed)).bounds
        if low[2] < 0.5:
            self.blocks.append((float(low[0]), float(low[1]), float(high[0]), float(high[1]), float(high[2])))
        if low[2] < 1.9:
            self.taken.append((float(low[0]), float(low[1]), float(high[0]), float(high[1])))
        if fixture.tell:
            middle = (low + high) / 2
            self.tells.append((float(middle[0]), float(middle[1]), float(min(middle[2], 1.0)), fixture.tell))

    def row(self, fixtures: Iterable[Fixture], wall: Wall, start: float, gap: float = 0.1) -> float:
        """Stand fixtures side by side along a wall; return where the next would begin."""
        for fixture in fixtures:
            if start + fixture.width > self.length(wall) - 0.02:
                break
            self.place(fixture, wall, start + fixture.width / 2)
            start += fixture.width + gap
        return start

    def free(self, clearance: float = 0.35, tries: int = 60) -> tuple[float, float] | None:
        """Return a random free spot on the floor, or None if there is hardly any."""
        for _ in range(tries):
            x, y = self.kit.between(0.4, self.width - 0.4), self.kit.between(0.4, self.depth - 0.4)
            if all(
                x < x0 - clearance or x > x1 + clearance or y < y0 - clearance or y > y1 + clearance
                for x0, y0, x1, y1 in self.taken
            ):
                return x, y
        return None

    # ------------------------------------------------------------------------------------------------------ its shell

    def enclose(
        self,
        *,
        ground: Material,
        walls: Material,
        tiled_to: float = 0.0,
        tiles: Material | None = None,
        ceiling: Material | None = None,
    ) -> None:
        """Build floor, ceiling and walls around the openings; tiles reach up to `tiled_to`."""
        middle = (self.width / 2, self.depth / 2)
        self.parts.append(Part(floor(self.width, self.depth).at(*middle), ground))
        lid = floor(self.width, self.depth).turned(180, "x").at(*middle, self.height)
        self.parts.append(Part(lid, ceiling or Material("ceiling", (0.9, 0.9, 0.89), 0.9)))
        for wall in WALLS:
            bands = [(0.0, self.height, walls)]
            if tiles is not None and tiled_to >= self.height - 0.05:
                bands = [(0.0, self.height, tiles)]
            elif tiles is not None:
                bands = [(0.0, tiled_to, tiles), (tiled_to, self.height, walls)]
            for low, high, material in bands:
                self._wall(wall, low, high, material)
            if tiles is None:
                for start, end in self._solid(wall, 0.0, 0.1):
                    self._board(wall, start, end)

    def _board(self, wall: Wall, start: float, end: float) -> None:
        x, y, turn = self.spot(wall, (start + end) / 2)
        skirting = Part(box(end - start, 0.02, 0.09, 0.004), WHITE)
        self.parts.append(skirting.moved(x, y, 0, turn))

    def _solid(self, wall: Wall, low: float, high: float) -> list[tuple[float, float]]:
        """Stretches of a wall between two heights that no opening cuts."""
        at, free = 0.0, []
        holes = [o for o in self.openings if o.wall == wall and o.sill < high - 1e-6 and o.top > low + 1e-6]
        for hole in sorted(holes, key=lambda opening: opening.middle):
            free.append((at, hole.middle - hole.width / 2))
            at = hole.middle + hole.width / 2
        return [(a, b) for a, b in [*free, (at, self.length(wall))] if b - a > 1e-3]

    def _wall(self, wall: Wall, low: float, high: float, material: Material) -> None:
        cuts = sorted(
            {low, high, *(z for o in self.openings if o.wall == wall for z in (o.sill, o.top) if low < z < high)}
        )
        for bottom, top in itertools.pairwise(cuts):
            for start, end in self._solid(wall, bottom, top):
                x, y, turn = self.spot(wall, (start + end) / 2)
                mesh = panel(end - start, top - bottom)
                uv = mesh.uv + np.array([start + (end - start) / 2, bottom], np.float32)
                self.parts.append(Part(replace(mesh, uv=uv), material).moved(x, y, bottom, turn))

    def window(
        self,
        wall: Wall,
        middle: float,
        width: float = 1.5,
        sill: float = 0.95,
        top: float = 2.1,
        *,
        drapes: Material | None = None,
    ) -> None:
        """Cut a window with daylight behind it, and hang curtains beside it."""
        self.openings.append(Opening(wall, middle, width, top, sill))
        high = top - sill
        bars = [
            Part(panel(width, high).at(0, -0.10, sill), SKY),
            Part(panel(width, high).at(0, -0.03, sill), GLASS),
            *(Part(box(0.05, 0.09, high, 0.004).at(side * width / 2, -0.02, sill), WHITE) for side in (-1, 0, 1)),
            *(Part(box(width + 0.05, 0.09, 0.05, 0.004).at(0, -0.02, z), WHITE) for z in (sill - 0.02, top - 0.03)),
        ]
        if drapes is not None:
            drop = 0.05 if self.kit.chance(0.7) else sill - 0.1
            cover = self.kit.one_of((0.28, 0.35, 0.5, 0.7)) * width
            bars.append(
                Part(
                    tube(
                        [(-width * 0.75, 0.1, top + 0.15), (0, 0.1, top + 0.15), (width * 0.75, 0.1, top + 0.15)], 0.014
                    ),
                    WHITE,
                )
            )
            for side in (-1, 1):
                hung = curtain(cover, top + 0.13 - drop, folds=max(3, int(cover * 9))).at(
                    side * (width * 0.68 - cover / 2), 0.1, drop
                )
                bars.append(Part(hung, drapes))
        x, y, turn = self.spot(wall, middle)
        self.parts += [bar.moved(x, y, 0, turn) for bar in bars]
        inward = {"south": (0.0, 1.0), "east": (-1.0, 0.0), "north": (0.0, -1.0), "west": (1.0, 0.0)}[wall]
        place = (x + 0.06 * inward[0], y + 0.06 * inward[1], (sill + top) / 2)
        self.lamps.append(Lamp(place, (*inward, -0.35), (width, high), 1.3, (0.92, 0.96, 1.0), "day"))

    def light(self, count: tuple[int, int] | None = None, *, warm: bool = False) -> None:
        """Hang lamps in a grid."""
        family = self.kit.look("lamp")
        columns, rows = count or (max(1, round(self.width / 2.8)), max(1, round(self.depth / 2.8)))
        tone = (1.0, 0.86, 0.68) if warm else self.kit.one_of(((1.0, 0.96, 0.89), (0.94, 0.97, 1.0)))
        glow = replace(LAMP, colour=tone)
        z = self.height
        ground = (self.width / 2, self.depth / 2, 0.02)
        bounced = Lamp(ground, (0.0, 0.0, 1.0), (self.width, self.depth), 0.05, tone)
        self.lamps.append(bounced)  # the light that the floor throws back, cheaper than following it
        for column in range(columns):
            for line in range(rows):
                x, y = (column + 0.5) * self.width / columns, (line + 0.5) * self.depth / rows
                self.lamps.append(Lamp((x, y, z - 0.1), (0.0, 0.0, -1.0), (0.8, 0.5), 1.0, tone))
                if family == "panel":
                    self.parts.append(Part(box(0.64, 0.64, 0.02, 0.003).at(x, y, z - 0.02), WHITE))
                    self.parts.append(Part(floor(0.58, 0.58).turned(180, "x").at(x, y, z - 0.024), glow))
                elif family == "tube":
                    self.parts.append(Part(box(1.25, 0.10, 0.05, 0.006).at(x, y, z - 0.05), WHITE))
                    bar = tube([(x - 0.6, y, z - 0.075), (x, y, z - 0.075), (x + 0.6, y, z - 0.075)], 0.02)
                    self.parts.append(Part(bar, glow))
                else:
                    self.parts.append(Part(cylinder(0.21, 0.05).at(x, y, z - 0.05), WHITE))
                    self.parts.append(Part(cylinder(0.19, 0.04).at(x, y, z - 0.07), glow))

    def scene(self) -> Scene:
        """Return it as a scene of its own."""
        return Scene(tuple(self.parts), tuple(self.lamps))

    # -------------------------------------------------------------------------------------------------------- its use

    def inside(self, x: float, y: float, z: float, *, label: int = HERE, turn: float = 0.0) -> list[Part]:
        """Return its parts turned and moved, as a room behind another room's wall."""
        return [
            replace(part.moved(x, y, z, turn), label=label if part.label == HERE else part.label) for part in self.parts
        ]

    @property
    def heart(self) -> NDArray[np.float64]:
        """`(3,)` float64: the weighted middle of what tells about the place."""
        if not self.tells:
            return np.array([self.width / 2, self.depth / 2, 0.8])
        tells = np.array(self.tells)
        return np.asarray((tells[:, :3] * tells[:, 3:]).sum(0) / tells[:, 3].sum(), np.float64)

    def corners(self, inset: float = 0.25, drop: float = 0.22) -> list[tuple[float, float, float]]:
        """Where a camera may hang: the upper corners, and above the middle of each wall."""
        x, y, z = self.width, self.depth, self.height - drop
        return [
            (inset, inset, z),
            (x - inset, inset, z),
            (x - inset, y - inset, z),
            (inset, y - inset, z),
            (x / 2, inset, z),
            (x / 2, y - inset, z),
            (inset, y / 2, z),
            (x - inset, y / 2, z),
        ]


def spread(total: float, count: int) -> Sequence[float]:
    """Return the middles of `count` equal stretches of `total`."""
    return [(index + 0.5) * total / count for index in range(count)]


def turn_towards(x: float, y: float, there: tuple[float, float]) -> float:
    """Return the turn in degrees that makes a thing at (x, y), which faces +y, face `there`."""
    return math.degrees(math.atan2(there[1] - y, there[0] - x)) - 90
