"""Where clothes are kept and changed. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, CHROME, DARK, MIRROR, PAPER, STEEL, WHITE, Colour, Material
from rooms.scene import Part
from rooms.seating import stool
from rooms.shapes import Ring, box, curtain, cylinder, join, lathe, limb, loft, panel, pill, tube

PAINTED: tuple[Colour, ...] = (
    (0.55, 0.58, 0.60),
    (0.35, 0.45, 0.55),
    (0.75, 0.75, 0.72),
    (0.30, 0.42, 0.38),
    (0.62, 0.35, 0.25),
    (0.82, 0.66, 0.30),
)


def lockers(kit: Kit, columns: int, shade: Material | None = None) -> Fixture:
    """A bank of lockers; one door in eight stands open."""
    family = kit.look("locker")
    rows = {"steel": kit.one_of((1, 2)), "wood": 2, "boxes": 4}[family]
    wide, high, deep = (0.32, 1.85, 0.48) if family != "boxes" else (0.38, 1.7, 0.42)
    if shade is None:
        shade = kit.wood() if family == "wood" else Material("enamel", kit.tint(kit.one_of(PAINTED)), 0.35)
    total = columns * wide
    each = (high - 0.1) / rows
    parts = [
        piece(box(total, deep - 0.034, high, 0.006).at(0, deep / 2 - 0.017), shade),
        piece(box(total - 0.02, 0.012, high - 0.12, 0.002).at(0, deep - 0.034, 0.09), DARK),  # what the gaps show
        piece(box(total - 0.04, deep - 0.06, 0.1).at(0, deep / 2 - 0.04, 0.0), BLACK),
    ]
    plate = kit.one_of((PAPER, BLACK, STEEL))
    for column in range(columns):
        for row in range(rows):
            x, z = (column + 0.5) * wide - total / 2, 0.1 + row * each
            angle = kit.between(35, 110) if kit.chance(0.07) else 0.0
            leaf = [piece(box(wide - 0.022, 0.02, each - 0.022, 0.006).at(wide / 2, 0.01, 0.011), shade)]
            if family == "steel":
                leaf += [
                    piece(box(wide * 0.5, 0.004, 0.008, 0.001).at(wide / 2, 0.02, each - 0.10 - slot * 0.028), DARK)
                    for slot in range(4)
                ]
                leaf.append(piece(box(0.02, 0.02, 0.10, 0.005).at(wide - 0.05, 0.025, each / 2), STEEL))
            else:
                leaf.append(piece(cylinder(0.018, 0.02).turned(-90, "x").at(wide - 0.05, 0.02, each * 0.5), STEEL))
            leaf.append(
                piece(
                    box(0.07, 0.004, 0.035, 0.001).at(
                        wide / 2, 0.02, each - 0.19 if family == "steel" else each * 0.75
                    ),
                    plate,
                )
            )
            if angle:
                parts.append(piece(box(wide - 0.04, 0.006, each - 0.05, 0.001).at(x, deep - 0.028, z + 0.02), DARK))
            parts += [part.moved(x - wide / 2, deep - 0.03, z, angle) for part in leaf]
    return Fixture("lockers", family, tuple(parts), tell=0.9 * columns)


def garment(kit: Kit, cloth: Material | None = None, *, long: float = 0.0) -> Part:
    """A coat or shirt that hangs from z = 0 downwards, its back at y = 0; cloth and length are drawn if not given."""
    cloth = cloth or kit.cloth()
    long = long or kit.between(0.6, 1.0)
    rings = [
        Ring(-long, 0.22, 0.07, 0, 0.09),
        Ring(-0.35, 0.19, 0.07, 0, 0.09),
        Ring(-0.12, 0.21, 0.06, 0, 0.09),
        Ring(-0.05, 0.10, 0.05, 0, 0.08),
        Ring(0.0, 0.03, 0.03, 0, 0.06),
    ]
    sleeves = [limb((side * 0.19, 0.09, -0.14), (side * 0.26, 0.09, -0.6), 0.06, 0.045) for side in (-1, 1)]
    return piece(join(loft(rings, 14), *sleeves), cloth)


def hooks(kit: Kit, length: float = 1.4) -> Fixture:
    """A rail of hooks on the wall, with clothes, towels and bags on some."""
    parts = [piece(box(length, 0.025, 0.10, 0.006).at(0, 0.015, 1.62), kit.wood())]
    count = max(2, int(length / 0.24))
    for index in range(count):
        x = (index + 0.5) * length / count - length / 2
        parts.append(piece(tube([(x, 0.02, 1.68), (x, 0.07, 1.66), (x, 0.08, 1.70)], 0.008), CHROME))
        if kit.chance(0.55):
            if kit.chance(0.6):
                parts.append(garment(kit).moved(x, 0.03, 1.66))
            else:
                parts.append(
                    piece(
                        pill((0.32, 0.14, 0.42), 3).at(x, 0.1, 1.12), Material("bag", kit.tint(kit.one_of(CLOTH)), 0.6)
                    )
                )
    return Fixture("hooks", "rail", tuple(parts), tell=1.4)


def booths(kit: Kit, count: int) -> Fixture:
    """A row of fitting booths: curtains, mirrors, hooks and a stool inside."""
    wide, deep = kit.between(0.95, 1.15), 1.2
    total = count * wide
    wall, cloth = kit.one_of((kit.wood(), kit.lacquer())), Material("heavy curtain", kit.tint(kit.one_of(CLOTH)), 0.9)
    parts: list[Part] = [
        piece(box(0.05, deep, 2.15, 0.006).at(index * wide - total / 2, deep / 2), wall) for index in range(count + 1)
    ]
    parts.append(piece(box(total, 0.06, 0.10, 0.006).at(0, deep, 2.1), wall))
    for index in range(count):
        x = (index + 0.5) * wide - total / 2
        parts += [
            piece(panel(wide * 0.62, 1.75).at(x, 0.02, 0.2), MIRROR),
            piece(box(wide * 0.62 + 0.06, 0.015, 1.81).at(x, 0.008, 0.17), BLACK),
            piece(
                tube(
                    [
                        (x - wide / 2 + 0.05, 0.4, 1.7),
                        (x - wide / 2 + 0.12, 0.4, 1.68),
                        (x - wide / 2 + 0.13, 0.4, 1.73),
                    ],
                    0.01,
                ),
                CHROME,
            ),
            piece(
                pill((0.36, 0.34, 0.44), 5).at(x + wide * 0.25, 0.3), Material("pouf", kit.tint(kit.one_of(CLOTH)), 0.8)
            ),
        ]
        if kit.chance(0.5):
            parts.append(garment(kit).moved(x - wide / 2 + 0.03, 0.4, 1.68, -90))
        drawn = wide * kit.one_of((0.28, 0.35, 0.6, 0.97))
        side = kit.one_of((-1.0, 1.0))
        parts.append(
            piece(
                curtain(drawn, 1.95, folds=max(4, int(10 * drawn))).at(x + side * (wide - drawn) / 2, deep, 0.12), cloth
            )
        )
    return Fixture("booths", "curtain", tuple(parts), tell=3.0 * count)


def long_mirror(kit: Kit, width: float = 0.7) -> Fixture:
    """A mirror that reaches from the floor to above the head."""
    frame = kit.one_of((kit.wood(), BLACK, STEEL))
    return Fixture(
        "mirror",
        "long",
        (
            piece(box(width + 0.08, 0.03, 1.9, 0.006).at(0, 0.02, 0.1), frame),
            piece(panel(width, 1.8).at(0, 0.038, 0.15), MIRROR),
        ),
        tell=0.8,
    )


def vanity(kit: Kit, length: float = 1.8) -> Fixture:
    """A counter with a mirror, hair dryers and stools."""
    parts = [
        piece(box(length, 0.45, 0.05, 0.008).at(0, 0.24, 0.75), kit.stone()),
        *(piece(box(0.05, 0.4, 0.75).at(side * (length / 2 - 0.05), 0.24), kit.wood()) for side in (-1, 1)),
        piece(panel(length, 0.9).at(0, 0.02, 0.95), MIRROR),
    ]
    for x in (-length / 4, length / 4):
        parts += [
            piece(
                join(
                    pill((0.09, 0.2, 0.09)).at(x, 0.25, 0.81), limb((x, 0.2, 0.86), (x + 0.08, 0.2, 0.82), 0.02, 0.02)
                ),
                BLACK,
            ),
            *(part.moved(x, 0.55) for part in stool(kit).parts),
        ]
    return Fixture("vanity", "counter", tuple(parts), tell=1.0)


def shoes(kit: Kit) -> Fixture:
    """A pair of shoes or slippers."""
    shade = Material("shoe", kit.tint(kit.one_of(CLOTH)), 0.6)
    return Fixture(
        "shoes",
        "pair",
        tuple(
            piece(pill((0.09, 0.26, 0.10), 2.4).turned(kit.between(-12, 12)).at(x, 0.15), shade) for x in (-0.07, 0.07)
        ),
    )


def bag(kit: Kit) -> Fixture:
    """A bag or a box on the floor."""
    shade = Material("bag", kit.tint(kit.one_of(CLOTH)), 0.6)
    shape = pill((0.45, 0.25, 0.3), 3.5) if kit.chance(0.6) else box(0.4, 0.3, 0.3, 0.006)
    return Fixture("bag", "floor", (piece(shape.turned(kit.between(-30, 30)).at(0, 0.2), shade),))


def bin_(kit: Kit) -> Fixture:
    """A waste bin."""
    return Fixture(
        "bin",
        "round",
        (
            piece(
                lathe([(0.13, 0), (0.16, 0.4), (0.145, 0.4), (0.12, 0.05)]).at(0, 0.2),
                kit.one_of((BLACK, STEEL, WHITE)),
            ),
        ),
    )
