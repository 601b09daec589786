"""Chairs, sofas, benches. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, CHROME, STEEL, Material
from rooms.scene import Part
from rooms.shapes import Ring, box, cylinder, limb, loft, pill, tube


def chair(kit: Kit, shade: Material | None = None, *, family: str = "") -> Fixture:
    """A chair that faces +y; of a family of its split unless one is named."""
    family = family or kit.look("chair")
    cloth = shade or Material("seat", kit.tint(kit.one_of(CLOTH)), 0.7)
    parts: list[Part] = []
    if family == "swivel":
        parts += [piece(box(0.52, 0.05, 0.04, 0.01).turned(angle).at(0, 0.27, 0.05), BLACK) for angle in (0, 60, 120)]
        parts += [
            piece(cylinder(0.028, 0.36).at(0, 0.27, 0.08), CHROME),
            piece(pill((0.50, 0.48, 0.10), 4).at(0, 0.27, 0.43), cloth),
            piece(pill((0.46, 0.08, 0.50), 4).at(0, 0.05, 0.58), cloth),
            *(
                piece(
                    tube([(side * 0.27, 0.1, 0.48), (side * 0.28, 0.15, 0.66), (side * 0.28, 0.4, 0.66)], 0.02), BLACK
                )
                for side in (-1, 1)
            ),
        ]
    else:
        legs = kit.one_of((CHROME, BLACK, kit.wood()))
        parts += [
            piece(limb((x * 0.19, 0.27 + y * 0.19, 0.44), (x * 0.22, 0.27 + y * 0.22, 0.0), 0.018, 0.014), legs)
            for x in (-1, 1)
            for y in (-1, 1)
        ]
        if family == "shell":
            parts.append(
                piece(
                    loft(
                        [
                            Ring(0.42, 0.18, 0.18, 0, 0.27),
                            Ring(0.46, 0.24, 0.23, 0, 0.27),
                            Ring(0.62, 0.25, 0.20, 0, 0.22),
                        ],
                        caps=False,
                    ),
                    cloth,
                )
            )
            parts.append(piece(pill((0.44, 0.42, 0.07)).at(0, 0.27, 0.41), cloth))
            parts.append(piece(pill((0.44, 0.07, 0.42), 3).at(0, 0.06, 0.46), cloth))
        elif family == "high_back":
            parts.append(piece(pill((0.47, 0.46, 0.11), 5).at(0, 0.27, 0.40), cloth))
            parts.append(piece(pill((0.46, 0.10, 0.62), 5).turned(7, "x").at(0, 0.08, 0.44), cloth))
            parts += [piece(box(0.03, 0.03, 0.98, 0.006).turned(5, "x").at(x * 0.2, 0.05), legs) for x in (-1, 1)]
        else:
            parts.append(piece(box(0.43, 0.42, 0.05, 0.02).at(0, 0.27, 0.43), cloth))
            parts.append(piece(box(0.40, 0.03, 0.22, 0.012).at(0, 0.07, 0.66), cloth))
            parts += [piece(box(0.03, 0.03, 0.45, 0.005).at(x * 0.19, 0.075, 0.44), legs) for x in (-1, 1)]
    return Fixture("chair", family, tuple(parts))


def stool(kit: Kit) -> Fixture:
    """A low stool."""
    shade = Material("stool", kit.tint(kit.one_of(CLOTH[4:])), 0.5)
    legs = [
        piece(limb((x * 0.12, 0.2 + y * 0.12, 0.42), (x * 0.16, 0.2 + y * 0.16, 0), 0.02, 0.015), shade)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    return Fixture("stool", "round", (*legs, piece(pill((0.34, 0.34, 0.06), 4).at(0, 0.2, 0.41), shade)))


def sofa(kit: Kit, width: float = 1.8) -> Fixture:
    """A sofa or, if narrow, an armchair: feet, arms, a seat and a back cushion for each who sits."""
    family = kit.look("sofa")
    cloth = Material("upholstery", kit.tint(kit.one_of(CLOTH)), kit.one_of((0.45, 0.9)))
    power, arm = (7.0, 0.17) if family == "boxy" else (2.8, 0.22)
    seats = max(1, round(width / 0.75))
    inner = width - 2 * arm
    step = inner / seats
    parts = [
        piece(box(width - 0.04, 0.80, 0.22, 0.02).at(0, 0.43, 0.09), cloth),
        piece(pill((width - 0.02, 0.24, 0.68), power).at(0, 0.13, 0.09), cloth),
        *(piece(pill((arm, 0.86, 0.52), power).at(side * (width - arm) / 2, 0.44, 0.09), cloth) for side in (-1, 1)),
        *(piece(cylinder(0.025, 0.1, 10).at(x * (width / 2 - 0.09), y), BLACK) for x in (-1, 1) for y in (0.1, 0.78)),
    ]
    for index in range(seats):
        x = (index + 0.5) * step - inner / 2
        parts += [
            piece(pill((step - 0.012, 0.64, 0.19), 6).at(x, 0.54, 0.29), cloth),
            piece(pill((step - 0.015, 0.20, 0.46), 4.5).turned(-12, "x").at(x, 0.25, 0.44), cloth),
        ]
    if kit.chance(0.6):
        side = kit.one_of((-1.0, 1.0))
        at = (side * (inner / 2 - 0.2) if seats > 1 else 0.0, 0.40, 0.47)
        parts.append(piece(pill((0.40, 0.14, 0.38), 2.5).turned(-20, "x").at(*at), kit.cloth()))
    return Fixture("sofa", family, tuple(parts), tell=1.0 * seats)


def bench(kit: Kit, length: float = 1.6) -> Fixture:
    """A bench without a back."""
    family = kit.look("bench")
    wood, steel = kit.wood(), kit.one_of((STEEL, BLACK))
    parts: list[Part] = []
    if family == "block":
        parts.append(
            piece(box(length, 0.45, 0.44, 0.03).at(0, 0.25), Material("cushion", kit.tint(kit.one_of(CLOTH)), 0.6))
        )
    else:
        top = wood if family == "planks" else STEEL
        parts += [piece(box(length, 0.11, 0.035, 0.006).at(0, 0.1 + index * 0.13, 0.42), top) for index in range(3)]
        for x in (-length * 0.4, length * 0.4):
            parts += [piece(box(0.04, 0.04, 0.42).at(x, y), steel) for y in (0.1, 0.36)] + [
                piece(box(0.04, 0.3, 0.04).at(x, 0.23, 0.38), steel)
            ]
    return Fixture("bench", family, tuple(parts), tell=0.8)
