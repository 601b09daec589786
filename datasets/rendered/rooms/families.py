"""The looks of things, by kind, and which of them training never sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from rooms.materials import Colour, Material, Pattern

T = TypeVar("T")
Split = Literal["train", "test"]

FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "toilet": (("close_coupled", "back_to_wall"), ("high_cistern",)),
    "squat": (("plinth",), ("steel_pan",)),
    "urinal": (("bowl", "stall"), ("trough",)),
    "cubicle": (("laminate", "low"), ("full_height",)),
    "basin": (("vessels", "wall_hung"), ("trough",)),
    "mirror": (("wide", "single"), ("round",)),
    "shower": (("bar", "column"), ("square_head",)),
    "pool": (("raised",), ("round_tub",)),
    "locker": (("steel", "wood"), ("boxes",)),
    "bench": (("planks", "steel"), ("block",)),
    "bunk": (("steel", "wood"), ("cabin",)),
    "bed": (("panel", "upholstered"), ("slats",)),
    "desk": (("panel", "frame"), ("corner",)),
    "chair": (("four_legs", "swivel"), ("shell",)),
    "dining_chair": (("high_back",), ("shell",)),
    "sofa": (("boxy",), ("round_arms",)),
    "canteen_table": (("fixed_stools", "chairs"), ("benches",)),
    "rack": (("pallets",), ("shelving",)),
    "washer": (("front",), ("stacked",)),
    "door": (("flush", "glazed"), ("panelled",)),
    "lamp": (("panel", "tube"), ("disc",)),
    "wall_tiles": (("tiles", "subway"), ("mosaic",)),
    "floor_tiles": (("tiles", "speckle"), ("checker",)),
    "person": (("trousers", "dress"), ("coat",)),
}
"""Kind to (families of the train split, families of the test split); no family is in both."""


def families(kind: str, split: Split) -> tuple[str, ...]:
    """Return the families of a kind that scenes of this split may use."""
    return FAMILIES[kind][0 if split == "train" else 1]


CLOTH: tuple[Colour, ...] = (
    (0.12, 0.13, 0.17),
    (0.20, 0.25, 0.38),
    (0.45, 0.46, 0.48),
    (0.80, 0.78, 0.73),
    (0.52, 0.16, 0.15),
    (0.22, 0.36, 0.27),
    (0.62, 0.49, 0.34),
    (0.34, 0.50, 0.66),
    (0.83, 0.62, 0.30),
    (0.67, 0.45, 0.52),
)
WOODS: tuple[Colour, ...] = ((0.72, 0.55, 0.37), (0.54, 0.36, 0.22), (0.36, 0.22, 0.14), (0.80, 0.68, 0.52))
WALLS: tuple[Colour, ...] = (
    (0.88, 0.87, 0.83),
    (0.91, 0.91, 0.90),
    (0.82, 0.84, 0.80),
    (0.87, 0.81, 0.70),
    (0.77, 0.82, 0.86),
    (0.84, 0.84, 0.76),
)
TILES: tuple[Colour, ...] = (
    (0.90, 0.90, 0.88),
    (0.80, 0.82, 0.82),
    (0.80, 0.74, 0.64),
    (0.62, 0.72, 0.76),
    (0.56, 0.54, 0.51),
    (0.72, 0.80, 0.74),
    (0.85, 0.80, 0.72),
)


@dataclass(frozen=True, slots=True)
class Kit:
    """Chooses looks: the only source of chance while a scene is built.

    Attributes:
        rng: Advanced by every choice.
        split: Decides which families may be chosen.
    """

    rng: np.random.Generator
    split: Split = "train"

    def look(self, kind: str) -> str:
        """Return a family of `kind`."""
        return self.one_of(families(kind, self.split))

    def one_of(self, choices: tuple[T, ...]) -> T:
        """Return one of `choices`."""
        return choices[int(self.rng.integers(len(choices)))]

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < share)

    def seed(self) -> int:
        """Return a seed for a pattern; few of them, so that equal things are stored once."""
        return self.count(0, 999)

    def tint(self, colour: Colour, by: float = 0.05) -> Colour:
        """Return `colour`, a little different."""
        red, green, blue = (
            float(np.clip(channel * (1 + by * self.rng.standard_normal()), 0.02, 0.95)) for channel in colour
        )
        return red, green, blue

    def cloth(self) -> Material:
        """Return a plain or patterned textile."""
        first, second = self.tint(self.one_of(CLOTH), 0.1), self.tint(self.one_of(CLOTH), 0.1)
        kind = self.one_of(("plain", "plain", "stripes", "tartan", "floral"))
        if kind == "plain":
            return Material("cloth", first, 0.9)
        return Material(kind, first, 0.9, pattern=Pattern(kind, 0.5, (first, second, (0.9, 0.9, 0.88)), self.seed(), 3))

    def wood(self, rough: float = 0.45) -> Material:
        """Return a wood."""
        shade = self.tint(self.one_of(WOODS))
        return Material("wood", shade, rough, pattern=Pattern("wood", 1.2, (shade,), self.seed(), 2))

    def lacquer(self, colours: tuple[Colour, ...] = WALLS, rough: float = 0.35) -> Material:
        """Return a painted or laminated surface of one colour."""
        return Material("lacquer", self.tint(self.one_of(colours)), rough)

    def tiles(self, kind: str = "wall_tiles") -> Material:
        """Return glazed tiles with joints, for walls or floors."""
        family, shade = self.look(kind), self.tint(self.one_of(TILES), 0.04)
        joint = (0.62, 0.61, 0.58) if sum(shade) > 1.8 else (0.75, 0.74, 0.71)
        accent = self.tint(self.one_of(TILES), 0.15)
        repeat = self.count(3, 5) if family != "checker" else 4
        shades = (shade, joint, accent) if family in ("mosaic", "speckle") else (shade, joint)
        return Material(family, shade, 0.16, pattern=Pattern(family, 1.2, shades, self.seed(), repeat))

    def plaster(self) -> Material:
        """Return a painted wall."""
        shade = self.tint(self.one_of(WALLS), 0.03)
        return Material("plaster", shade, 0.85, pattern=Pattern("plaster", 3.0, (shade,), self.seed(), 1))

    def planks(self) -> Material:
        """Return a floor of boards or laminate."""
        shade = self.tint(self.one_of(WOODS))
        return Material("planks", shade, 0.3, pattern=Pattern("planks", 1.6, (shade,), self.seed(), 9))

    def carpet(self) -> Material:
        """Return a carpet, plain or with a motif."""
        shade, motif = self.tint(self.one_of(CLOTH[1:]), 0.1), self.tint(self.one_of(CLOTH), 0.1)
        shades = (shade, motif) if self.chance(0.5) else (shade,)
        return Material("carpet", shade, 1.0, pattern=Pattern("carpet", 1.5, shades, self.seed(), 2))

    def stone(self) -> Material:
        """Return marble or granite."""
        light, vein = self.one_of((((0.9, 0.89, 0.86), (0.6, 0.58, 0.55)), ((0.22, 0.22, 0.23), (0.45, 0.44, 0.43))))
        kind = self.one_of(("marble", "speckle"))
        return Material(kind, light, 0.15, pattern=Pattern(kind, 1.3, (light, vein), self.seed(), 2))
