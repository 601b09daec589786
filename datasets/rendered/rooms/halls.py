"""Halls, shops, stores, wards, gyms, car parks. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from rooms.changing import garment
from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import (
    BLACK,
    CERAMIC,
    CHROME,
    DARK,
    GLASS,
    LEAF,
    PAPER,
    RUBBER,
    STEEL,
    WHITE,
    Colour,
    Material,
    Pattern,
)
from rooms.scene import Part
from rooms.shapes import Ring, box, curtain, cylinder, floor, join, lathe, limb, loft, panel, pill, tube
from rooms.sleeping import LINEN
from rooms.working import monitor, stocked


def counter(kit: Kit, length: float = 2.6, *, till: bool = False) -> Fixture:
    """A reception or shop counter; the guest stands at +y."""
    front, top = kit.one_of((kit.wood(), kit.stone(), kit.lacquer())), kit.stone()
    parts = [
        piece(box(length, 0.6, 1.0, 0.01).at(0, 0.9), front),
        piece(box(length + 0.1, 0.7, 0.05, 0.01).at(0, 0.92, 1.0), top),
        piece(box(length, 0.02, 0.08, 0.004).at(0, 1.205, 0.5), CHROME),
    ]
    parts += [part.moved(-length / 4, 0.75, 1.05, 180) for part in monitor(kit)]
    if till:
        parts += [
            piece(box(0.35, 0.35, 0.14, 0.02).at(length / 4, 0.85, 1.05), BLACK),
            piece(box(0.25, 0.03, 0.2, 0.01).turned(20, "x").at(length / 4, 0.8, 1.2), BLACK),
        ]
    else:
        parts += [
            piece(lathe([(0.05, 0), (0.07, 0.1), (0.03, 0.2), (0.05, 0.25)]).at(length / 3, 0.95, 1.05), CERAMIC),
            piece(pill((0.3, 0.3, 0.28)).at(length / 3, 0.95, 1.25), LEAF),
        ]
    return Fixture("counter", "till" if till else "reception", tuple(parts), tell=3.0)


def plant(kit: Kit) -> Fixture:
    """A plant in a pot."""
    leaves = []
    for index in range(13):
        lean = kit.between(20, 75)
        leaf = pill((0.10, 0.035, kit.between(0.5, 0.85)), 1.8, 10).turned(lean, "x").turned(index * 137.5)
        leaves.append(leaf.at(0, 0.3, kit.between(0.45, 0.7)))
    return Fixture(
        "plant",
        "pot",
        (
            piece(
                lathe([(0.14, 0), (0.20, 0.42), (0.18, 0.42), (0.17, 0.38)]).at(0, 0.3),
                kit.one_of((CERAMIC, BLACK, kit.wood())),
            ),
            piece(join(*leaves), LEAF),
        ),
        tell=0.3,
    )


def extinguisher(kit: Kit) -> Fixture:
    """A fire extinguisher on the wall, and its sign."""
    del kit
    red = Material("red", (0.75, 0.06, 0.05), 0.3)
    return Fixture(
        "extinguisher",
        "wall",
        (
            piece(lathe([(0.07, 0), (0.075, 0.02), (0.075, 0.42), (0.03, 0.5), (0.03, 0.56)]).at(0, 0.1, 0.35), red),
            piece(box(0.2, 0.01, 0.2, 0.002).at(0, 0.012, 1.5), red),
        ),
    )


def picture(kit: Kit, width: float = 0.9, height: float = 0.6) -> Fixture:
    """A framed picture or a notice on the wall, at eye height."""
    shades = tuple(kit.tint(kit.one_of(CLOTH), 0.2) for _ in range(4))
    frame = kit.one_of((BLACK, kit.wood(), WHITE))
    art = Material("poster", shades[0], 0.6, pattern=Pattern("poster", 1.0, shades, kit.seed(), 7))
    return Fixture(
        "picture",
        "framed",
        (
            piece(box(width, 0.03, height, 0.006).at(0, 0.015, 1.35), frame),
            piece(panel(width - 0.08, height - 0.08).at(0, 0.034, 1.39), art),
        ),
    )


def column(kit: Kit, height: float) -> Fixture:
    """A pillar from floor to ceiling."""
    return Fixture("column", "square", (piece(box(0.5, 0.5, height, 0.01).at(0, 0.25), kit.stone()),))


def treadmill(kit: Kit) -> Fixture:
    """A treadmill; who runs on it faces the wall."""
    del kit
    return Fixture(
        "treadmill",
        "plain",
        (
            piece(box(0.8, 1.8, 0.16, 0.03).at(0, 1.0), BLACK),
            piece(box(0.5, 1.55, 0.01, 0.002).at(0, 1.05, 0.16), RUBBER),
            *(piece(limb((side * 0.38, 0.35, 0.1), (side * 0.36, 0.22, 1.25), 0.04, 0.035), STEEL) for side in (-1, 1)),
            *(piece(limb((side * 0.36, 0.25, 1.0), (side * 0.36, 0.8, 0.95), 0.025, 0.025), BLACK) for side in (-1, 1)),
            piece(box(0.75, 0.12, 0.35, 0.03).turned(25, "x").at(0, 0.2, 1.2), BLACK),
            piece(
                box(0.4, 0.02, 0.18, 0.004).turned(25, "x").at(0, 0.29, 1.29),
                Material("display", (0.2, 0.5, 0.7), 0.3, glow=0.06),
            ),
        ),
        tell=2.5,
    )


def bike(kit: Kit) -> Fixture:
    """An exercise bicycle; who rides it faces the wall."""
    shade = Material("bike", kit.one_of(((0.08, 0.08, 0.09), (0.75, 0.75, 0.76), (0.65, 0.08, 0.07))), 0.35)
    return Fixture(
        "bike",
        "upright",
        (
            piece(pill((0.22, 0.62, 0.55), 3.0).at(0, 0.42, 0.18), shade),
            piece(lathe([(0.26, 0), (0.27, 0.03), (0.24, 0.06)], 32).turned(90, "y").at(-0.03, 0.36, 0.42), STEEL),
            *(piece(box(0.55, 0.08, 0.06, 0.02).at(0, y), BLACK) for y in (0.12, 1.1)),
            piece(box(0.08, 1.0, 0.07, 0.02).at(0, 0.6, 0.04), shade),
            piece(limb((0, 0.72, 0.4), (0, 0.86, 0.88), 0.03, 0.028), STEEL),
            piece(pill((0.22, 0.30, 0.10), 2.6).at(0, 0.9, 0.86), BLACK),
            piece(limb((0, 0.35, 0.6), (0, 0.26, 1.12), 0.035, 0.03), shade),
            piece(
                tube([(-0.26, 0.45, 1.12), (-0.22, 0.24, 1.12), (0.22, 0.24, 1.12), (0.26, 0.45, 1.12)], 0.018), BLACK
            ),
            piece(box(0.26, 0.06, 0.2, 0.02).turned(25, "x").at(0, 0.2, 1.14), BLACK),
        ),
        tell=1.5,
    )


def drape(kit: Kit, deep: float) -> Fixture:
    """A curtain that parts a seat from the room, on a rail from the wall."""
    cloth = Material("curtain", kit.tint(kit.one_of(CLOTH[3:])), 0.9)
    return Fixture(
        "drape",
        "rail",
        (
            piece(tube([(0, 0.0, 2.1), (0, deep / 2, 2.1), (0, deep, 2.1)], 0.014), CHROME),
            piece(curtain(deep * kit.between(0.35, 0.7), 1.85, folds=6).turned(90).at(0, deep * 0.36, 0.22), cloth),
        ),
        tell=0.5,
    )


def power_rack(kit: Kit) -> Fixture:
    """A rack with a loaded barbell, and a weight bench before it."""
    shade = Material("rack", kit.one_of(((0.08, 0.08, 0.08), (0.6, 0.1, 0.08), (0.85, 0.7, 0.1))), 0.4)
    parts = [piece(box(0.08, 0.08, 2.2, 0.006).at(x, y), shade) for x in (-0.6, 0.6) for y in (0.2, 1.1)]
    parts += [piece(box(1.28, 0.08, 0.08, 0.006).at(0, y, 2.14), shade) for y in (0.2, 1.1)] + [
        piece(box(0.08, 0.9, 0.08).at(x, 0.65, z), shade) for x in (-0.6, 0.6) for z in (0, 2.14)
    ]
    parts.append(piece(tube([(-1.05, 1.18, 1.15), (0, 1.18, 1.15), (1.05, 1.18, 1.15)], 0.016), STEEL))
    for x in (-0.88, -0.8, 0.76, 0.84):
        parts.append(piece(cylinder(0.22, 0.04, 28).turned(90, "y").at(x, 1.18, 1.15), RUBBER))
    parts += [
        piece(box(0.3, 1.2, 0.08, 0.03).at(0, 1.6, 0.42), BLACK),
        *(piece(box(0.4, 0.06, 0.42).at(0, y), shade) for y in (1.15, 2.05)),
    ]
    return Fixture("power_rack", "cage", tuple(parts), tell=3.5)


def dumbbells(kit: Kit, width: float = 2.0) -> Fixture:
    """Two tiers of dumbbells."""
    del kit
    parts = [piece(box(width, 0.3, 0.04, 0.006).turned(-15, "x").at(0, 0.3, z), BLACK) for z in (0.35, 0.8)] + [
        piece(box(0.06, 0.45, 0.9).at(side * width / 2, 0.3), BLACK) for side in (-1, 1)
    ]
    for z in (0.45, 0.9):
        for index in range(int(width / 0.2)):
            x = (index + 0.5) * 0.2 - width / 2
            parts += [piece(cylinder(0.075, 0.09, 12).turned(90, "x").at(x, y, z), RUBBER) for y in (0.25, 0.46)] + [
                piece(tube([(x, 0.18, z), (x, 0.3, z), (x, 0.42, z)], 0.018), CHROME)
            ]
    return Fixture("dumbbells", "tiers", tuple(parts), tell=2.0)


def ball(kit: Kit) -> Fixture:
    """An exercise ball or a mat on the floor."""
    shade = Material("rubber", kit.tint(kit.one_of(((0.1, 0.4, 0.6), (0.5, 0.2, 0.5), (0.2, 0.5, 0.3)))), 0.5)
    return Fixture("ball", "large", (piece(pill((0.62, 0.62, 0.62), 2.0).at(0, 0.35), shade),), tell=0.5)


def ward_bed(kit: Kit) -> Fixture:
    """A wheeled bed with rails, along the wall: its length is along x."""
    parts = [
        piece(box(1.95, 0.85, 0.08, 0.02).at(0, 0.5, 0.48), STEEL),
        piece(box(1.9, 0.8, 0.13, 0.05).at(0, 0.5, 0.56), LINEN),
        piece(pill((0.4, 0.6, 0.14)).at(-0.72, 0.5, 0.68), LINEN),
    ]
    parts += [
        piece(
            pill((1.2, 0.84, 0.14), 5).at(0.32, 0.5, 0.6),
            Material("blanket", kit.one_of(((0.6, 0.72, 0.78), (0.75, 0.82, 0.75), (0.9, 0.9, 0.88))), 0.9),
        )
    ]
    parts += [
        piece(cylinder(0.07, 0.04).turned(90, "x").at(x * 0.8, 0.5 + y * 0.35, 0.08), RUBBER)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    parts += [
        piece(limb((x * 0.8, 0.5 + y * 0.35, 0.1), (x * 0.7, 0.5 + y * 0.3, 0.5), 0.025, 0.025), STEEL)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    parts += [piece(tube([(-0.5, y, 0.85), (0, y, 0.88), (0.5, y, 0.85)], 0.015), STEEL) for y in (0.08, 0.92)]
    parts += [piece(box(0.04, 0.85, 0.5, 0.02).at(x, 0.5, 0.5), WHITE) for x in (-1.0, 1.0)]
    return Fixture("ward_bed", "wheeled", tuple(parts), tell=2.5)


def drip(kit: Kit) -> Fixture:
    """A stand with an infusion bag."""
    del kit
    return Fixture(
        "drip",
        "stand",
        (
            piece(tube([(0, 0.3, 0.05), (0, 0.3, 1.0), (0, 0.3, 1.9)], 0.012), STEEL),
            *(piece(box(0.5, 0.03, 0.03).turned(a).at(0, 0.3, 0.03), STEEL) for a in (0, 90)),
            piece(pill((0.12, 0.05, 0.2)).at(0.08, 0.3, 1.65), GLASS),
            piece(box(0.15, 0.12, 0.2, 0.02).at(0, 0.36, 1.15), WHITE),
        ),
        tell=0.8,
    )


def wheelchair(kit: Kit) -> Fixture:
    """A folded-open wheelchair."""
    del kit
    wheels = [
        piece(
            lathe([(0.28, 0), (0.30, 0.015), (0.28, 0.03), (0.26, 0.015)], 32).turned(90, "y").at(x, 0.3, 0.3), RUBBER
        )
        for x in (-0.32, 0.29)
    ]
    return Fixture(
        "wheelchair",
        "plain",
        (
            *wheels,
            piece(box(0.45, 0.42, 0.05, 0.015).at(0, 0.4, 0.48), BLACK),
            piece(box(0.45, 0.04, 0.45, 0.015).at(0, 0.18, 0.5), BLACK),
            *(
                piece(
                    tube([(x, 0.12, 0.92), (x, 0.18, 0.9), (x, 0.2, 0.4), (x, 0.62, 0.38), (x, 0.75, 0.1)], 0.014),
                    STEEL,
                )
                for x in (-0.24, 0.24)
            ),
        ),
        tell=1.0,
    )


def handrail(length: float) -> Fixture:
    """A rail along the wall, as wards and lifts have."""
    return Fixture(
        "handrail",
        "round",
        (
            piece(tube([(-length / 2, 0.08, 0.9), (0, 0.08, 0.9), (length / 2, 0.08, 0.9)], 0.022), STEEL),
            *(piece(box(0.03, 0.08, 0.03).at(x * length / 2.3, 0.04, 0.87), STEEL) for x in (-1, 0, 1)),
        ),
    )


def door(
    kit: Kit, *, angle: float = 0.0, width: float = 0.92, shade: Material | None = None, frame: Material | None = None
) -> Fixture:
    """A door in its frame; it swings to -y (away from the room), hinged on the left."""
    family = kit.look("door")
    leaf = shade or kit.one_of((kit.wood(), kit.lacquer()))
    trim = frame or kit.one_of((kit.wood(), STEEL, WHITE))
    parts = [piece(box(0.07, 0.16, 2.12, 0.005).at(side * (width / 2 + 0.02), -0.02), trim) for side in (-1, 1)]
    parts.append(piece(box(width + 0.11, 0.16, 0.07, 0.005).at(0, -0.02, 2.07), trim))
    wing = [piece(box(width - 0.02, 0.04, 2.06, 0.004).at(width / 2, 0, 0.005), leaf)]
    wing += [
        piece(
            tube([(width - 0.09, y * 0.02, 1.0), (width - 0.09, y * 0.06, 1.0), (width - 0.2, y * 0.06, 1.0)], 0.010),
            CHROME,
        )
        for y in (-1, 1)
    ]
    if family == "glazed":
        wing += [
            piece(box(0.16, 0.05, 0.8, 0.003).at(width / 2 + 0.2, 0, 1.05), Material("pane", (0.35, 0.42, 0.45), 0.1))
        ]
    elif family == "panelled":
        wing += [piece(box(width - 0.3, 0.055, 0.7, 0.02).at(width / 2, 0, z), leaf) for z in (0.2, 1.15)]
    parts += [part.moved(-width / 2, -0.04, 0, -angle) for part in wing]
    return Fixture("door", family, tuple(parts))


def sign(kit: Kit, colour: Colour) -> Fixture:
    """A small sign above a door, and one beside it; neither can be read."""
    del kit
    face = Material("sign", colour, 0.4)
    man = join(pill((0.05, 0.012, 0.05), 2).at(0, 0.03, 2.33), box(0.06, 0.012, 0.09, 0.004).at(0, 0.03, 2.23))
    return Fixture(
        "sign",
        "pictogram",
        (
            piece(box(0.34, 0.03, 0.2, 0.006).at(0, 0.015, 2.2), face),
            piece(man.at(-0.08), PAPER),
            piece(man.at(0.08), PAPER),
        ),
    )


def car(kit: Kit) -> Fixture:
    """A car whose length is along y, its rear at y = 0."""
    paint = Material(
        "car paint",
        kit.tint(
            kit.one_of(((0.8, 0.8, 0.8), (0.1, 0.1, 0.11), (0.5, 0.08, 0.08), (0.15, 0.25, 0.45), (0.55, 0.57, 0.6))),
            0.05,
        ),
        0.2,
    )
    tint = Material("car glass", (0.03, 0.04, 0.05), 0.05)
    long, wide = kit.between(4.1, 4.8), 1.8
    body = loft(
        [
            Ring(0.28, wide / 2 * 0.94, long / 2 * 0.97, 0, long / 2, 8),
            Ring(0.55, wide / 2, long / 2, 0, long / 2, 7),
            Ring(0.85, wide / 2 * 0.97, long / 2 * 0.98, 0, long / 2, 6),
            Ring(0.92, wide / 2 * 0.9, long / 2 * 0.93, 0, long / 2, 6),
        ],
        40,
    )
    cabin = loft(
        [
            Ring(0.90, wide / 2 * 0.88, long * 0.30, 0, long * 0.45, 5),
            Ring(1.40, wide / 2 * 0.68, long * 0.19, 0, long * 0.43, 5),
        ],
        40,
    )
    roof = loft(
        [
            Ring(1.38, wide / 2 * 0.70, long * 0.195, 0, long * 0.43, 5),
            Ring(1.45, wide / 2 * 0.62, long * 0.17, 0, long * 0.43, 5),
        ],
        40,
    )
    wheels = [
        piece(cylinder(0.32, 0.22, 24).turned(90, "y").at(x * wide / 2 - 0.11, long * y, 0.32), RUBBER)
        for x in (-0.95, 0.95)
        for y in (0.19, 0.8)
    ]
    lights = [
        piece(box(0.35, 0.05, 0.12, 0.02).at(x * 0.6, y, 0.66), Material("light", shade, 0.2))
        for x in (-1, 1)
        for y, shade in ((0.03, (0.7, 0.05, 0.05)), (long - 0.03, (0.9, 0.9, 0.88)))
    ]
    return Fixture(
        "car", "saloon", (piece(body, paint), piece(cabin, tint), piece(roof, paint), *wheels, *lights), tell=2.0
    )


def rail_of_clothes(kit: Kit, length: float = 1.4) -> Fixture:
    """A clothes rail as in a shop."""
    parts = [
        piece(tube([(x, 0.35, 0.0), (x, 0.35, 0.8), (x, 0.35, 1.5)], 0.015), CHROME) for x in (-length / 2, length / 2)
    ]
    parts.append(piece(tube([(-length / 2, 0.35, 1.5), (0, 0.35, 1.5), (length / 2, 0.35, 1.5)], 0.015), CHROME))
    parts += [piece(box(0.04, 0.6, 0.03).at(x, 0.35), CHROME) for x in (-length / 2, length / 2)]
    count = int(length / 0.11)
    parts += [
        garment(kit).moved((index + 0.5) * length / count - length / 2 - 0.09, 0.35, 1.48, -90)
        for index in range(count)
        if kit.chance(0.85)
    ]
    return Fixture("clothes_rail", "shop", tuple(parts), tell=2.0)


def wall_of_clothes(kit: Kit, length: float = 1.3) -> Fixture:
    """Clothes on the wall of a shop: two rails one above the other, a shelf of folded ones above them."""
    frame = kit.one_of((STEEL, BLACK, kit.wood()))
    parts = [piece(box(0.03, 0.06, 2.3, 0.004).at(x, 0.04), frame) for x in (-length / 2, length / 2)]
    parts.append(piece(box(length, 0.36, 0.03, 0.004).at(0, 0.2, 2.05), frame))
    parts += [part.moved(0, 0.2, 2.08) for part in _stacks(kit, length - 0.1)]
    for z in (1.02, 1.98):
        parts.append(piece(tube([(-length / 2, 0.3, z), (0, 0.3, z), (length / 2, 0.3, z)], 0.014), CHROME))
        at = -length / 2 + 0.08
        while at < length / 2 - 0.1:
            cloth = kit.cloth()  # several of one kind
            for _ in range(kit.count(2, 5)):
                if at < length / 2 - 0.08:
                    hung = garment(kit, cloth, long=kit.between(0.62, 0.8)).moved(at - 0.09, 0.3, z - 0.01, -90)
                    parts.append(hung)
                at += kit.between(0.055, 0.085)
    return Fixture("clothes_wall", "two_rails", tuple(parts), tell=2.5)


def _stacks(kit: Kit, length: float) -> list[Part]:
    """Stacks of folded clothes side by side along x, their middle at the origin."""
    parts, count = [], int(length / 0.34)
    for index in range(count):
        x = (index + 0.5) * length / count - length / 2
        for layer in range(kit.count(2, 6)):
            folded = box(0.27, 0.3, 0.032, 0.012).turned(kit.between(-3, 3))
            parts.append(piece(folded.at(x, 0, 0.034 * layer), kit.cloth()))
    return parts


def folded(kit: Kit, length: float = 1.3) -> Fixture:
    """A table of folded clothes, as shops have."""
    wood = kit.one_of((kit.wood(), WHITE))
    parts = [
        piece(box(length, 0.8, 0.05, 0.006).at(0, 0.4, 0.75), wood),
        piece(box(length - 0.1, 0.7, 0.03, 0.006).at(0, 0.4, 0.25), wood),
        *(piece(box(0.06, 0.06, 0.75).at(x * (length / 2 - 0.05), y), wood) for x in (-1, 1) for y in (0.06, 0.74)),
    ]
    for y, z in ((0.22, 0.8), (0.58, 0.8), (0.4, 0.28)):
        parts += [part.moved(0, y, z) for part in _stacks(kit, length - 0.1)]
    return Fixture("clothes_table", "folded", tuple(parts), tell=2.0)


def hanging_sign(kit: Kit) -> Fixture:
    """A board that hangs from z = 0, where the ceiling is, over an aisle; it cannot be read."""
    shade = kit.tint(kit.one_of(((0.70, 0.10, 0.10), (0.10, 0.32, 0.55), (0.12, 0.40, 0.22), (0.90, 0.70, 0.15))))
    face = Material(
        "board", shade, 0.5, pattern=Pattern("packet", 1.0, (shade, (0.94, 0.94, 0.92), shade), kit.seed(), 1)
    )
    parts = [piece(tube([(x, 0, 0), (x, 0, -0.15), (x, 0, -0.3)], 0.005, 6), STEEL) for x in (-0.4, 0.4)]
    parts.append(piece(box(1.0, 0.03, 0.3, 0.004).at(0, 0, -0.6), face))
    return Fixture("hanging_sign", "board", tuple(parts))


def lift_panels(length: float, height: float) -> Fixture:
    """What parts the wall of a lift into panels: dark joints, a plate to kick, a rim under the ceiling."""
    joints = [box(0.008, 0.008, height - 0.2, 0.001).at(x * length / 3, 0.004, 0.12) for x in (-0.5, 0.5)]
    joints += [box(length, 0.008, 0.008, 0.001).at(0, 0.004, z) for z in (0.72, height - 0.12)]
    parts = (piece(join(*joints), DARK), piece(box(length, 0.012, 0.12, 0.002).at(0, 0.006), STEEL))
    return Fixture("lift_panels", "thirds", parts)


def lift_buttons(kit: Kit) -> Fixture:
    """A lift's panel: two columns of buttons under a display."""
    lit = kit.count(0, 15)
    off, on = (
        Material("button", (0.78, 0.79, 0.80), 0.3, glow=0.02),
        Material("button", (1.0, 0.55, 0.15), 0.4, glow=0.3),
    )
    ring = lathe([(0.026, 0), (0.026, 0.01)], 16).turned(-90, "x")
    face = lathe([(0.019, 0), (0.019, 0.016)], 16).turned(-90, "x")
    places = [(x, 0.9 + 0.08 * row) for row in range(8) for x in (-0.05, 0.05)]
    parts = [
        piece(box(0.28, 0.02, 1.35, 0.004).at(0, 0.01, 0.65), STEEL),
        piece(box(0.18, 0.025, 0.16).at(0, 0.015, 1.72), BLACK),
        piece(box(0.05, 0.03, 0.09, 0.001).at(-0.03, 0.016, 1.755), Material("digit", (1.0, 0.25, 0.1), glow=0.4)),
        *(piece(ring.at(x, 0.02, z), DARK) for x, z in places),
        *(piece(face.at(x, 0.02, z), on if index == lit else off) for index, (x, z) in enumerate(places)),
    ]
    return Fixture("buttons", "panel", tuple(parts), tell=3.0)


def lift_doors(kit: Kit, width: float) -> Fixture:
    """Two sliding doors in their frame, a sill with its grooves, a display above them."""
    wide = min(1.1, width - 0.5)
    leaf, beside = STEEL, (width - wide) / 2
    jamb = kit.one_of((STEEL, Material("dark steel", (0.30, 0.31, 0.33), 0.3, metal=True)))
    parts = [
        *(piece(box(wide / 2 - 0.004, 0.02, 2.05, 0.003).at(side * wide / 4, 0.0), leaf) for side in (-1, 1)),
        piece(box(0.012, 0.024, 2.05, 0.0005).at(0, 0.0), DARK),
        *(piece(box(beside, 0.07, 2.1, 0.006).at(side * (wide + beside) / 2, 0.02), jamb) for side in (-1, 1)),
        piece(box(width, 0.07, 0.32, 0.006).at(0, 0.02, 2.07), jamb),
        piece(box(wide, 0.06, 0.012, 0.002).at(0, 0.06, 0.0), Material("sill", (0.55, 0.56, 0.57), 0.4, metal=True)),
        *(piece(box(wide, 0.006, 0.014, 0.0005).at(0, y, 0.0), DARK) for y in (0.05, 0.07)),
        piece(box(0.32, 0.02, 0.14, 0.004).at(0, 0.06, 2.14), BLACK),
        piece(box(0.05, 0.02, 0.09, 0.001).at(-0.03, 0.065, 2.165), Material("digit", (1.0, 0.25, 0.1), glow=0.4)),
    ]
    return Fixture("doors", "sliding", tuple(parts), tell=6.0)


PASTEL: tuple[Colour, ...] = (
    (0.85, 0.60, 0.55),
    (0.55, 0.72, 0.82),
    (0.88, 0.78, 0.45),
    (0.60, 0.76, 0.58),
    (0.75, 0.62, 0.78),
)


def decals(kit: Kit, length: float) -> Fixture:
    """Stickers on the wall of a room for children: clouds, balloons, a tree."""
    parts = []
    for _ in range(kit.count(5, 9)):
        shade = Material("decal", kit.tint(kit.one_of(PASTEL)), 0.8)
        x, z = kit.between(-0.5, 0.5) * length, kit.between(1.3, 2.1)
        size = kit.between(0.1, 0.2)
        blobs = [
            pill((size * w, 0.008, size * h), 2.0, 14).at(dx * size, 0.006, dz * size)
            for w, h, dx, dz in ((1.0, 0.8, 0.0, 0.0), (0.8, 0.6, 0.6, -0.02), (0.7, 0.55, -0.55, -0.04))
        ]
        parts.append(piece(join(*(blob.at(x, 0, z) for blob in blobs)), shade))
    return Fixture("decals", "shapes", tuple(parts), tell=0.8)


def toy(kit: Kit) -> Fixture:
    """A toy on the floor: a bear, a ball or blocks."""
    shade = Material("toy", kit.tint(kit.one_of(PASTEL), 0.1), 0.8)
    kind = kit.one_of(("bear", "ball", "blocks"))
    if kind == "ball":
        parts = [piece(pill((0.22, 0.22, 0.22), 2.0), shade)]
    elif kind == "blocks":
        parts = [
            piece(
                box(0.09, 0.09, 0.09, 0.008).turned(kit.between(0, 90)).at(x, y, z),
                Material("toy", kit.tint(kit.one_of(PASTEL)), 0.5),
            )
            for x, y, z in ((0, 0, 0), (0.12, 0.03, 0), (0.04, 0.02, 0.09), (-0.13, 0.08, 0), (0.02, 0.16, 0))
        ]
    else:
        fur = Material("fur", kit.tint((0.55, 0.38, 0.24), 0.1), 1.0)
        shapes = [pill((0.26, 0.22, 0.28), 2.2), pill((0.2, 0.19, 0.19), 2.1).at(0, 0.02, 0.25)]
        shapes += [pill((0.07, 0.05, 0.07), 2.0, 12).at(x, 0.0, 0.4) for x in (-0.07, 0.07)]
        shapes += [limb((x * 0.8, 0.05, 0.2), (x * 1.2, 0.16, 0.12), 0.045, 0.04) for x in (-0.13, 0.13)]
        shapes += [limb((x, 0.08, 0.06), (x * 1.3, 0.24, 0.05), 0.055, 0.05) for x in (-0.08, 0.08)]
        parts = [piece(join(*shapes), fur), piece(pill((0.08, 0.06, 0.06), 2.0, 12).at(0, 0.11, 0.29), PAPER)]
    return Fixture("toy", kind, tuple(parts), tell=0.3)


def detergents(kit: Kit, length: float) -> Fixture:
    """A shelf on the wall with bottles and packets of detergent, above machines that stand one high."""
    parts = [piece(box(length, 0.3, 0.03, 0.004).at(0, 0.16, 2.05), kit.one_of((WHITE, kit.wood(), STEEL)))]
    parts += [part.moved(0, 0.01, 2.08) for part in stocked(kit, length * 0.9, 0.3, 0.32, kinds=("bottle", "carton"))]
    return Fixture("detergents", "shelf", tuple(parts))


def mat(kit: Kit, width: float, depth: float) -> Fixture:
    """A rug or a rubber mat on the floor; it hinders nobody."""
    cloth = kit.one_of((kit.carpet(), Material("mat", kit.tint(kit.one_of(CLOTH)), 0.9)))
    return Fixture("mat", "flat", (piece(floor(width, depth).at(0, depth / 2, 0.006), cloth),))


def changing_table(kit: Kit) -> Fixture:
    """A table for changing a baby, with a soft mat and towels."""
    wood = kit.one_of((kit.wood(), WHITE))
    soft = Material("soft mat", kit.tint(kit.one_of(((0.95, 0.85, 0.6), (0.75, 0.88, 0.9), (0.95, 0.8, 0.82)))), 0.7)
    return Fixture(
        "changing_table",
        "mat",
        (
            piece(box(1.0, 0.7, 0.86, 0.012).at(0, 0.36), wood),
            piece(pill((0.9, 0.66, 0.12), 5).at(0, 0.36, 0.86), soft),
            *(piece(pill((0.12, 0.66, 0.16), 3).at(side * 0.42, 0.36, 0.87), soft) for side in (-1, 1)),
            piece(box(0.3, 0.2, 0.12, 0.03).at(0.2, 0.2, 0.98), LINEN),
        ),
        tell=3.0,
    )


def line_of_washing(kit: Kit, length: float = 2.2) -> Fixture:
    """A clothes line with laundry, high on the wall."""
    parts = [piece(tube([(-length / 2, 0.3, 1.95), (0, 0.3, 1.93), (length / 2, 0.3, 1.95)], 0.006), STEEL)]
    parts += [garment(kit).moved(kit.between(-0.45, 0.45) * length, 0.22, 1.93) for _ in range(kit.count(2, 5))]
    return Fixture("washing", "line", tuple(parts), tell=0.6)
