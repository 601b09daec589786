"""Clothed people, smooth as mannequins: they stand, walk or sit in any place, and tell nothing about it."""

from __future__ import annotations

import math

from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import Colour, Material, Pattern
from rooms.scene import Part
from rooms.shapes import Mesh, Ring, join, limb, loft, pill

SKIN: tuple[Colour, ...] = (
    (0.87, 0.68, 0.55),
    (0.78, 0.57, 0.43),
    (0.62, 0.42, 0.30),
    (0.42, 0.28, 0.20),
    (0.92, 0.75, 0.64),
)
HAIR: tuple[Colour, ...] = ((0.03, 0.03, 0.03), (0.08, 0.05, 0.04), (0.22, 0.13, 0.07), (0.45, 0.44, 0.43))

Point = tuple[float, float, float]


def person(kit: Kit, *, seated: bool = False) -> Fixture:
    """A person who faces +y, dressed; the feet are at the origin, or the seat 0.45 m above it."""
    family = kit.look("person")
    tall = kit.between(1.52, 1.84)
    unit = tall / 1.72
    stout = kit.between(0.9, 1.2)
    skin = Material("skin", kit.tint(kit.one_of(SKIN), 0.04), 0.55)
    hair = Material("hair", kit.one_of(HAIR), 0.7)
    top, bottom = _clothing(kit), Material("trousers", kit.tint(kit.one_of(CLOTH[:4]), 0.1), 0.85)
    shoe = Material("shoes", kit.one_of(((0.05, 0.05, 0.05), (0.3, 0.2, 0.12), (0.85, 0.85, 0.85))), 0.5)
    hip = (0.50 if seated else 0.90) * unit + (0.03 if seated else 0.0)
    stride = 0.0 if seated else kit.one_of((0.0, 0.05, 0.18, 0.26)) * unit
    parts: list[Part] = [piece(_torso(hip, unit, stout), top)]
    for side in (-1, 1):
        root: Point = (side * 0.09 * unit * stout, 0.0, hip)
        step = side * stride
        knee: Point = (
            (side * 0.10, 0.42 * unit, hip) if seated else (side * 0.10 * unit, step * 0.55 + 0.02, 0.47 * unit)
        )
        ankle: Point = (side * 0.11, 0.44 * unit, 0.08) if seated else (side * 0.10 * unit, step, 0.09)
        parts.append(
            piece(
                join(limb(root, knee, 0.085 * unit * stout, 0.06 * unit), limb(knee, ankle, 0.06 * unit, 0.042 * unit)),
                bottom if family != "dress" else skin,
            )
        )
        parts.append(
            piece(pill((0.095, 0.26, 0.10), 2.4).at(ankle[0], ankle[1] + 0.06, max(0.0, ankle[2] - 0.09)), shoe)
        )
        parts += _arm(kit, side, hip, unit, stout, top, skin, seated=seated)
    if family != "trousers":
        low = 0.42 * unit if family == "dress" else 0.55 * unit
        wide = 0.20 if family == "dress" else 0.19
        if not seated:
            skirt = [
                Ring(low, wide * unit * stout, wide * 0.9 * unit),
                Ring((low + hip) / 2, 0.18 * unit * stout, 0.15 * unit),
                Ring(hip + 0.1, 0.15 * unit * stout, 0.11 * unit),
            ]
            parts.append(piece(loft(skirt, 20), top))
    neck = hip + 0.52 * unit
    parts += [
        piece(limb((0, 0, neck - 0.04), (0, 0.01, neck + 0.08 * unit), 0.055 * unit, 0.05 * unit), skin),
        piece(pill((0.155 * unit, 0.19 * unit, 0.235 * unit), 2.2).at(0, 0.015, neck + 0.05 * unit), skin),
        piece(pill((0.172 * unit, 0.19 * unit, 0.17 * unit), 2.2).at(0, -0.015, neck + 0.135 * unit), hair),
        piece(pill((0.025, 0.03, 0.04)).at(0, 0.115 * unit, neck + 0.13 * unit), skin),
    ]
    if kit.chance(0.4):
        parts.append(
            piece(pill((0.18 * unit, 0.10 * unit, 0.34 * unit), 2.4).at(0, -0.065 * unit, neck - 0.06 * unit), hair)
        )
    if not seated and kit.chance(0.3):
        parts.append(
            piece(
                pill((0.30, 0.15, 0.42), 3).at(0, -0.20 * unit, hip + 0.08),
                Material("rucksack", kit.tint(kit.one_of(CLOTH)), 0.7),
            )
        )
    return Fixture("person", family, tuple(parts))


def _clothing(kit: Kit) -> Material:
    shade = kit.tint(kit.one_of(CLOTH), 0.12)
    if kit.chance(0.3):
        kind = kit.one_of(("stripes", "tartan"))
        return Material(
            "shirt", shade, 0.9, pattern=Pattern(kind, 0.25, (shade, kit.tint(kit.one_of(CLOTH), 0.1)), kit.seed(), 4)
        )
    return Material("shirt", shade, 0.9)


def _torso(hip: float, unit: float, stout: float) -> Mesh:
    shape = (
        (-0.06, 0.12, 0.09),
        (0.0, 0.165, 0.115),
        (0.15, 0.15, 0.105),
        (0.32, 0.175, 0.12),
        (0.43, 0.185, 0.11),
        (0.49, 0.14, 0.085),
        (0.53, 0.06, 0.05),
    )
    return loft([Ring(hip + z * unit, x * unit * stout, y * unit * stout, power=2.3) for z, x, y in shape], 20)


def _arm(  # noqa: PLR0917 - measures of one body
    kit: Kit, side: int, hip: float, unit: float, stout: float, sleeve: Material, skin: Material, *, seated: bool
) -> list[Part]:
    shoulder: Point = (side * 0.19 * unit * stout, 0.0, hip + 0.44 * unit)
    swing = math.radians(kit.between(-25, 25) if not seated else kit.between(20, 45))
    bend = swing + math.radians(kit.one_of((5.0, 15.0, 70.0)) if not seated else 50.0)
    out = side * 0.05 * unit
    elbow: Point = (shoulder[0] + out, 0.28 * unit * math.sin(swing), shoulder[2] - 0.28 * unit * math.cos(swing))
    hand: Point = (
        elbow[0] - 0.3 * out,
        elbow[1] + 0.25 * unit * math.sin(bend),
        elbow[2] - 0.25 * unit * math.cos(bend),
    )
    long_sleeve = kit.chance(0.6)
    return [
        piece(limb(shoulder, elbow, 0.055 * unit, 0.045 * unit), sleeve),
        piece(limb(elbow, hand, 0.043 * unit, 0.033 * unit), sleeve if long_sleeve else skin),
        piece(pill((0.075, 0.07, 0.11), 2.2).at(hand[0], hand[1], hand[2] - 0.09), skin),
    ]
