"""Where is eaten: tables laid and unlaid, counters. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, CERAMIC, CHROME, DARK, GLASS, STEEL, WHITE, Colour, Material, Pattern
from rooms.scene import Part
from rooms.seating import chair
from rooms.shapes import Ring, box, cylinder, lathe, loft, panel, pill, tube

FOODS: tuple[Colour, ...] = (
    (0.78, 0.50, 0.20),
    (0.32, 0.50, 0.15),
    (0.90, 0.87, 0.78),
    (0.62, 0.22, 0.12),
    (0.45, 0.27, 0.14),
    (0.88, 0.68, 0.25),
)
MELAMINE: tuple[Colour, ...] = ((0.75, 0.72, 0.62), (0.85, 0.45, 0.20), (0.25, 0.45, 0.55), (0.55, 0.57, 0.58))


def _food(kit: Kit) -> Material:
    shade = kit.tint(kit.one_of(FOODS), 0.1)
    bits = Pattern("speckle", 0.12, (shade, kit.tint(kit.one_of(FOODS), 0.1)), kit.count(0, 9), 1)
    return Material("food", shade, 0.5, pattern=bits)


def bowl(kit: Kit, radius: float = 0.075, *, food: Material | None = None) -> list[Part]:
    """A bowl at the origin, perhaps with something in it."""
    skin = [(0.45, 0.0), (0.55, 0.1), (0.85, 0.5), (1.0, 0.85), (0.93, 0.85), (0.78, 0.5), (0.4, 0.15)]
    parts = [piece(lathe([(radius * wide, radius * high) for wide, high in skin]), CERAMIC)]
    if food is not None or kit.chance(0.6):
        heap = pill((1.7 * radius, 1.7 * radius, 0.7 * radius), 2.2, 14).at(0, 0, 0.42 * radius)
        parts.append(piece(heap, food or _food(kit)))
    return parts


def plate(kit: Kit, radius: float = 0.12) -> list[Part]:
    """A plate at the origin with food on it."""
    rim = lathe([(0.6 * radius, 0.0), (radius, 0.025), (0.97 * radius, 0.028), (0.6 * radius, 0.01)])
    return [piece(rim, CERAMIC), piece(pill((1.3 * radius, 1.2 * radius, 0.06), 2.2, 14).at(0, 0, 0.008), _food(kit))]


def bottle(kit: Kit, tall: float = 0.26) -> list[Part]:
    """A bottle at the origin."""
    shade = Material("bottle", kit.one_of(((0.05, 0.18, 0.07), (0.25, 0.12, 0.05), (0.75, 0.80, 0.80))), 0.08)
    skin = [(0.034, 0.0), (0.036, 0.6 * tall), (0.014, 0.78 * tall), (0.014, tall)]
    return [piece(lathe(skin, 16), shade), piece(lathe([(0.037, 0.2 * tall), (0.037, 0.45 * tall)], 16), WHITE)]


def sticks() -> list[Part]:
    """A pair of chopsticks at the origin, along y."""
    bamboo = Material("bamboo", (0.62, 0.42, 0.22), 0.5)
    return [piece(box(0.008, 0.23, 0.008, 0.001).at(x), bamboo) for x in (-0.009, 0.009)]


def tray(kit: Kit, shade: Material) -> list[Part]:
    """A canteen's tray at the origin: a plate of food, rice, soup, chopsticks, a cup."""
    rim = [
        Ring(0.0, 0.19, 0.14, power=8),
        Ring(0.022, 0.21, 0.16, power=8),
        Ring(0.02, 0.195, 0.145, power=8),
        Ring(0.006, 0.185, 0.135, power=8),
    ]
    parts = [piece(loft(rim), shade)]
    parts += [part.moved(-0.08, -0.03, 0.008) for part in plate(kit, 0.10)]
    parts += [part.moved(0.10, -0.05, 0.008) for part in bowl(kit, 0.065, food=Material("rice", (0.93, 0.92, 0.88)))]
    parts += [part.moved(0.10, 0.08, 0.008) for part in bowl(kit, 0.06)]
    parts += [part.moved(0.005, -0.01, 0.012, 8) for part in sticks()]
    if kit.chance(0.5):
        parts.append(
            piece(lathe([(0.03, 0), (0.037, 0.1), (0.033, 0.1), (0.028, 0.02)], 14).at(-0.05, 0.1, 0.01), WHITE)
        )
    return parts


SEATED: tuple[Colour, ...] = (
    (0.10, 0.10, 0.11),
    (0.10, 0.10, 0.11),
    (0.14, 0.22, 0.36),
    (0.42, 0.14, 0.12),
    (0.72, 0.40, 0.16),
    (0.46, 0.31, 0.19),
    (0.30, 0.20, 0.13),
    (0.34, 0.36, 0.38),
)
"""What the seats of canteens are painted."""
SEATS = (-0.58, 0.0, 0.58)
"""Where one sits along a canteen's table, on both of its sides."""
MIDDLE = 0.95
"""Metres from the back of a canteen's table and its seats to the middle of the table."""


def canteen_table(kit: Kit, shade: Material, top: Material) -> Fixture:
    """A dining table for six and its seats, with trays, dishes and bottles where somebody eats or has left."""
    family = kit.look("canteen_table")
    long, wide = 1.75, 0.75
    parts = [
        piece(box(long, wide, 0.035, 0.012).at(0, MIDDLE, 0.725), top),
        piece(box(long + 0.01, wide + 0.01, 0.018, 0.004).at(0, MIDDLE, 0.732), BLACK if kit.chance(0.3) else STEEL),
        *(piece(box(0.05, 0.05, 0.72).at(x * 0.78, MIDDLE + y * 0.3), STEEL) for x in (-1, 1) for y in (-1, 1)),
        *(piece(box(0.04, 0.6, 0.04).at(x * 0.78, MIDDLE, 0.66), STEEL) for x in (-1, 1)),
    ]
    parts += {"benches": _benches, "chairs": _chairs, "fixed_stools": _stools}[family](kit, shade)
    shine = kit.one_of((STEEL, Material("melamine", kit.tint(kit.one_of(MELAMINE)), 0.4)))
    for x in SEATS:
        for side in (-1, 1):
            if kit.chance(0.6):
                meal = tray(kit, shine) if kit.chance(0.6) else _dishes(kit)
                parts += [part.moved(x, MIDDLE + side * 0.19, 0.76, 0.0 if side < 0 else 180.0) for part in meal]
    sauce = Material("sauce", (0.35, 0.08, 0.05), 0.3)
    caster = lathe([(0.03, 0), (0.032, 0.09), (0.02, 0.11)], 14)
    parts += [piece(caster.at(x, MIDDLE, 0.76), material) for x, material in ((-0.06, sauce), (0.06, CERAMIC))]
    parts.append(piece(box(0.13, 0.12, 0.09, 0.006).at(0.25, MIDDLE, 0.76), kit.one_of((WHITE, BLACK, kit.wood()))))
    for _ in range(kit.count(1, 3)):
        parts += [part.moved(kit.between(-0.8, 0.8), MIDDLE + kit.between(-0.05, 0.05), 0.76) for part in bottle(kit)]
    return Fixture("canteen_table", family, tuple(parts), tell=5.0)


def _dishes(kit: Kit) -> list[Part]:
    """A meal without a tray: a plate or a large bowl, a small bowl, chopsticks and a cup."""
    main = plate(kit, 0.13) if kit.chance(0.5) else bowl(kit, 0.11)
    parts = [part.moved(-0.04, -0.02) for part in main]
    parts += [part.moved(0.14, 0.02) for part in bowl(kit, 0.06)]
    parts += [part.moved(0.07, -0.04, 0.0, 10) for part in sticks()]
    cup = lathe([(0.028, 0), (0.036, 0.11), (0.033, 0.11), (0.026, 0.01)], 14).at(-0.16, 0.12)
    return [*parts, piece(cup, kit.one_of((GLASS, CERAMIC, WHITE)))]


def _benches(kit: Kit, shade: Material) -> list[Part]:
    del kit
    parts = []
    for y in (MIDDLE - 0.62, MIDDLE + 0.62):
        parts.append(piece(box(1.75, 0.32, 0.045, 0.012).at(0, y, 0.42), shade))
        parts += [piece(box(0.05, 0.28, 0.42).at(x * 0.7, y), STEEL) for x in (-1, 1)]
    return parts


def _chairs(kit: Kit, shade: Material) -> list[Part]:
    """Six chairs, most of them, more or less pushed in."""
    seat = chair(kit, shade, family="four_legs")
    parts: list[Part] = []
    for x in SEATS:
        for side in (-1, 1):
            if kit.chance(0.95):
                out = MIDDLE + side * kit.between(0.67, 0.87)
                turn = (0.0 if side < 0 else 180.0) + kit.between(-9, 9)
                aside = x + kit.between(-0.03, 0.03)
                parts += [part.moved(aside, out, 0, turn) for part in seat.parts]
    return parts


def _stools(kit: Kit, shade: Material) -> list[Part]:
    """Six seats on arms that hold on to the table's frame."""
    del kit
    parts = [piece(box(1.55, 0.06, 0.05).at(0, MIDDLE, 0.2), STEEL)]
    for x in SEATS:
        for side in (-1, 1):
            y = MIDDLE + side * 0.62
            parts += [
                piece(tube([(x, y - side * 0.45, 0.22), (x, y - side * 0.1, 0.22), (x, y, 0.4)], 0.02), STEEL),
                piece(pill((0.36, 0.34, 0.06), 4).at(x, y, 0.40), shade),
                piece(pill((0.34, 0.05, 0.24), 4).at(x, y + side * 0.17, 0.5), shade),
            ]
    return parts


def serving(kit: Kit, length: float = 3.5) -> Fixture:
    """A serving counter: pans of food under glass and warming lamps, a rail for trays, stacks of bowls and trays."""
    front = kit.one_of((STEEL, kit.lacquer(), kit.wood()))
    parts = [
        piece(box(length, 0.72, 0.80, 0.01).at(0, 0.7), front),
        piece(box(length + 0.04, 0.78, 0.05, 0.01).at(0, 0.7, 0.80), STEEL),
        piece(box(length, 0.02, 0.10).at(0, 1.06, 0.02), DARK),
        *(
            piece(tube([(-length / 2, y, 0.82), (0, y, 0.82), (length / 2, y, 0.82)], 0.018), STEEL)
            for y in (1.16, 1.26, 1.36)
        ),
        piece(box(length, 0.012, 0.34).turned(-16, "x").at(0, 1.0, 1.06), GLASS),
        piece(box(length, 0.42, 0.025).at(0, 0.80, 1.40), STEEL),
        piece(box(length, 0.3, 0.01, 0.002).at(0, 0.78, 1.388), Material("warming lamp", (1.0, 0.78, 0.45), glow=0.5)),
    ]
    bays = max(2, round(length / 1.2))
    parts += [
        piece(box(0.035, 0.035, 0.56).at((index / bays - 0.5) * (length - 0.05), 0.66, 0.85), STEEL)
        for index in range(bays + 1)
    ]
    parts += [
        piece(box(0.006, 0.008, 0.7, 0.001).at((index / bays - 0.5) * length, 1.062, 0.08), DARK)
        for index in range(1, bays)
    ]
    pans = int((length - 0.9) / 0.40)
    for index in range(pans):
        x = (index + 0.5) * 0.40 - length / 2 + 0.1
        parts += [
            piece(box(0.37, 0.54, 0.025, 0.01).at(x, 0.72, 0.845), CHROME),
            piece(box(0.32, 0.48, 0.01, 0.02).at(x, 0.72, 0.866), DARK),
            piece(pill((0.31, 0.47, 0.12), 4.5).at(x, 0.72, 0.815), _food(kit)),
            piece(tube([(x + 0.1, 0.6, 0.9), (x + 0.12, 0.75, 0.98), (x + 0.13, 0.85, 1.04)], 0.008), CHROME),
        ]
    for level in range(kit.count(4, 9)):
        shade = Material("tray", kit.one_of(MELAMINE), 0.4)
        parts.append(piece(box(0.40, 0.30, 0.018, 0.006).at(length / 2 - 0.22, 0.7, 0.85 + 0.022 * level), shade))
    empty = lathe([(0.04, 0), (0.08, 0.05), (0.074, 0.05), (0.03, 0.02)])
    parts += [piece(empty.at(length / 2 - 0.6, 0.7, 0.85 + 0.03 * level), CERAMIC) for level in range(kit.count(4, 9))]
    return Fixture("serving", "counter", tuple(parts), tell=3.0)


def menu(kit: Kit, boards: int = 3) -> Fixture:
    """Lit boards with pictures of dishes, high on the wall behind a counter."""
    parts: list[Part] = []
    for index in range(boards):
        x = (index + 0.5 - boards / 2) * 1.25
        shades = (
            kit.tint(kit.one_of(((0.55, 0.08, 0.06), (0.12, 0.11, 0.10), (0.95, 0.75, 0.25))), 0.05),
            *FOODS[:4],
            (0.95, 0.94, 0.9),
        )
        face = Material("menu", shades[0], 0.4, glow=0.10, pattern=Pattern("menu", 1.0, shades, kit.seed(), 4))
        parts += [
            piece(box(1.2, 0.05, 0.7, 0.006).at(x, 0.03, 1.95), BLACK),
            piece(panel(1.14, 0.64).at(x, 0.058, 1.98), face),
        ]
    return Fixture("menu", "lit", tuple(parts), tell=2.0)


def stoves(kit: Kit, length: float) -> Fixture:
    """What stands behind a counter: a steel table with pots and steamers under a hood."""
    parts = [piece(box(length, 0.6, 0.85, 0.006).at(0, 0.32), STEEL)]
    for index in range(int(length / 0.6)):
        x = (index + 0.5) * 0.6 - length / 2
        wide = kit.between(0.16, 0.24)
        if kit.chance(0.5):
            parts += [
                piece(lathe([(wide, 0), (wide, 0.11), (0.9 * wide, 0.12)]).at(x, 0.32, 0.86 + 0.12 * level), kit.wood())
                for level in range(kit.count(1, 3))
            ]
        else:
            pot = [(wide, 0), (1.03 * wide, 0.3), (0.4 * wide, 0.34), (0.05, 0.36), (0.04, 0.4)]
            parts.append(piece(lathe(pot).at(x, 0.32, 0.86), STEEL))
    return Fixture("stoves", "steel", tuple(parts), tell=1.0)


def round_table(kit: Kit, seats: int = 8) -> Fixture:
    """A round table laid for a meal, its dishes on a turntable, with a chair for each. Its middle is at (0, 1.5)."""
    cloth = kit.one_of(
        (Material("tablecloth", (0.92, 0.90, 0.86), 0.9), Material("tablecloth", (0.55, 0.12, 0.12), 0.9), kit.wood())
    )
    if cloth.name == "tablecloth":
        skin = [
            Ring(0.30, 0.90, 0.90),
            Ring(0.45, 0.86, 0.86),
            Ring(0.66, 0.88, 0.88),
            Ring(0.735, 0.90, 0.90),
            Ring(0.76, 0.885, 0.885),
        ]
        parts = [piece(loft(skin, 48), cloth)]
    else:
        parts = [
            piece(lathe([(0.88, 0.70), (0.90, 0.72), (0.90, 0.75), (0.88, 0.76)], 48), cloth),
            piece(cylinder(0.28, 0.70), cloth),
        ]
    parts = [part.moved(0, 1.5) for part in parts]
    parts.append(piece(cylinder(0.50, 0.025, 40).at(0, 1.5, 0.79), Material("turntable", (0.75, 0.82, 0.80), 0.05)))
    dishes = kit.count(5, 8)
    for index in range(dishes):
        ring = bowl(kit, 0.11) if index % 3 == 2 else plate(kit, kit.between(0.11, 0.15))
        parts += [part.moved(0, 0.34, 0.815).moved(0, 1.5, 0, index * 360 / dishes) for part in ring]
    parts += [part.moved(0.05, 1.5, 0.815) for part in bowl(kit, 0.13)]
    seat = chair(kit, Material("seat", kit.tint(kit.one_of(CLOTH)), 0.7), family=kit.look("dining_chair"))
    for index in range(seats):
        cover: list[Part] = [part.moved(0, 0.68, 0.76) for part in plate(kit, 0.09)[:1]]
        cover += [part.moved(-0.13, 0.62, 0.76) for part in bowl(kit, 0.055)[:1]]
        cover += [part.moved(0.12, 0.72, 0.762) for part in sticks()]
        glass = lathe([(0.028, 0), (0.006, 0.02), (0.006, 0.08), (0.034, 0.12), (0.036, 0.19)], 14)
        cover.append(piece(glass.at(0.14, 0.56, 0.76), GLASS))
        if kit.chance(0.25):
            cover += [part.moved(-0.05, 0.54, 0.76) for part in bottle(kit)]
        aside, out, turn = kit.between(-0.04, 0.04), kit.between(1.22, 1.38), 180 + kit.between(-8, 8)
        cover += [part.moved(aside, out, 0, turn) for part in seat.parts]
        parts += [part.moved(0, 1.5, 0, index * 360 / seats) for part in cover]
    return Fixture("round_table", seat.family, tuple(parts), tell=7.0)
