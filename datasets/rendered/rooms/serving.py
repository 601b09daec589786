"""Where is cooked, eaten and washed. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, CERAMIC, CHROME, DARK, GLASS, STEEL, WHITE, Material, Pattern
from rooms.scene import Part
from rooms.seating import chair
from rooms.shapes import Ring, box, cylinder, lathe, loft, panel, pill, tube


def canteen_table(kit: Kit, shade: Material) -> Fixture:
    """A long table with fixed stools on both sides."""
    parts = [
        piece(box(2.0, 0.75, 0.04, 0.02).at(0, 1.0, 0.72), kit.one_of((WHITE, kit.wood()))),
        *(piece(box(0.06, 0.5, 0.72).at(side * 0.7, 1.0), STEEL) for side in (-1, 1)),
    ]
    for x in (-0.72, -0.24, 0.24, 0.72):
        for y in (0.38, 1.62):
            parts += [
                piece(cylinder(0.025, 0.42).at(x, y), STEEL),
                piece(pill((0.34, 0.34, 0.06), 4).at(x, y, 0.41), shade),
            ]
    for _ in range(kit.count(0, 4)):
        x, y = kit.between(-0.8, 0.8), 1.0 + kit.between(-0.25, 0.25)
        parts += [
            piece(box(0.36, 0.27, 0.02, 0.006).at(x, y, 0.76), STEEL),
            piece(lathe([(0.04, 0), (0.08, 0.05), (0.07, 0.05)]).at(x + 0.06, y, 0.78), WHITE),
        ]
    return Fixture("canteen_table", "fixed_stools", tuple(parts), tell=2.0)


def serving(kit: Kit, length: float = 3.5) -> Fixture:
    """A serving counter with trays of food behind a glass."""
    parts = [
        piece(box(length, 0.7, 0.88, 0.01).at(0, 0.7), STEEL),
        piece(box(length, 0.28, 0.03, 0.006).at(0, 1.18, 0.80), STEEL),
        piece(box(length, 0.01, 0.35).turned(-14, "x").at(0, 1.0, 1.05), GLASS),
        piece(box(length, 0.35, 0.03).at(0, 0.82, 1.38), STEEL),
    ]
    for index in range(int(length / 0.42)):
        x = (index + 0.5) * 0.42 - length / 2
        food = Material(
            "food",
            kit.tint(kit.one_of(((0.75, 0.5, 0.2), (0.4, 0.55, 0.2), (0.85, 0.8, 0.65), (0.65, 0.25, 0.15))), 0.1),
            0.5,
        )
        parts += [
            piece(box(0.38, 0.5, 0.03).at(x, 0.7, 0.88), STEEL),
            piece(pill((0.32, 0.42, 0.08), 4).at(x, 0.7, 0.88), food),
        ]
    return Fixture("serving", "counter", tuple(parts), tell=4.0)


def kitchen_line(kit: Kit, length: float) -> Fixture:
    """Counters with a stove, a sink, pots and a hood, of steel or as at home."""
    steel = kit.chance(0.5)
    body = STEEL if steel else kit.one_of((kit.wood(), WHITE, kit.lacquer()))
    top = STEEL if steel else kit.stone()
    parts = [
        piece(box(length, 0.6, 0.84, 0.006).at(0, 0.32), body),
        piece(box(length, 0.64, 0.04, 0.006).at(0, 0.34, 0.84), top),
    ]
    count = int(length / 0.6)
    for index in range(count):
        x = (index + 0.5) * length / count - length / 2
        parts += [
            piece(box(0.008, 0.006, 0.8, 0.001).at(x + length / count / 2, 0.623, 0.03), DARK),
            piece(box(0.2, 0.02, 0.02, 0.004).at(x, 0.64, 0.76), CHROME),
        ]
        if not steel and index != 1:
            parts += [piece(box(length / count - 0.015, 0.34, 0.65, 0.006).at(x, 0.18, 1.45), body)]
    stove = -length / 2 + 1.5 * length / count
    parts += [
        piece(box(0.62, 0.55, 0.03, 0.006).at(stove, 0.34, 0.88), BLACK),
        piece(box(0.56, 0.01, 0.42, 0.004).at(stove, 0.63, 0.2), Material("oven", (0.03, 0.03, 0.03), 0.1)),
    ]
    for x in (-0.15, 0.15):
        for y in (0.2, 0.46):
            parts.append(piece(lathe([(0.09, 0), (0.09, 0.02), (0.06, 0.02)]).at(stove + x, y, 0.91), DARK))
    parts += [
        piece(lathe([(0.13, 0), (0.14, 0.2), (0.13, 0.2), (0.12, 0.03)]).at(stove - 0.15, 0.2, 0.93), STEEL),
        piece(lathe([(0.06, 0), (0.15, 0.08), (0.14, 0.08), (0.05, 0.02)]).at(stove + 0.15, 0.46, 0.93), BLACK),
        piece(
            loft(
                [
                    Ring(0, 0.42, 0.28, 0, 0.3, 8),
                    Ring(0.1, 0.42, 0.28, 0, 0.3, 8),
                    Ring(0.38, 0.14, 0.13, 0, 0.2, 8),
                    Ring(1.0, 0.14, 0.13, 0, 0.2, 8),
                ]
            ).at(stove, 0, 1.6),
            STEEL,
        ),
    ]
    sink = length / 2 - 0.8
    parts += [
        piece(box(0.6, 0.42, 0.015, 0.02).at(sink, 0.34, 0.88), STEEL),
        piece(box(0.46, 0.32, 0.01, 0.02).at(sink, 0.34, 0.892), DARK),
    ]
    parts.append(
        piece(tube([(sink, 0.1, 0.88), (sink, 0.1, 1.15), (sink, 0.2, 1.2), (sink, 0.3, 1.15)], 0.013), CHROME)
    )
    for _ in range(4):
        shade = Material("jar", kit.tint(kit.one_of(CLOTH), 0.1), 0.3)
        parts.append(
            piece(
                lathe([(0.05, 0), (0.055, 0.14), (0.03, 0.18)]).at(kit.between(-0.45, 0.45) * length, 0.14, 0.88), shade
            )
        )
    return Fixture("kitchen_line", "steel" if steel else "home", tuple(parts), tell=5.0)


def fridge(kit: Kit, *, glazed: bool = False) -> Fixture:
    """A refrigerator; a glazed one shows its bottles."""
    if glazed:
        goods = Pattern(
            "goods", 0.7, ((0.75, 0.2, 0.15), (0.9, 0.75, 0.2), (0.2, 0.45, 0.7), (0.25, 0.55, 0.3)), kit.seed(), 9
        )
        front = [
            piece(
                panel(0.62, 0.42).at(0, 0.64, 0.2 + 0.45 * row),
                Material("bottles", (0.5, 0.5, 0.5), 0.4, glow=0.06, pattern=goods),
            )
            for row in range(4)
        ]
        return Fixture(
            "fridge",
            "glazed",
            (piece(box(0.72, 0.62, 2.0, 0.01).at(0, 0.32), kit.one_of((BLACK, WHITE))), *front),
            tell=2.0,
        )
    shade = kit.one_of((WHITE, STEEL))
    return Fixture(
        "fridge",
        "plain",
        (
            piece(box(0.66, 0.64, 1.8, 0.02).at(0, 0.34), shade),
            piece(box(0.64, 0.006, 0.012).at(0, 0.662, 1.1), DARK),
            *(piece(box(0.025, 0.05, 0.4, 0.008).at(-0.27, 0.69, z), CHROME) for z in (0.6, 1.2)),
        ),
        tell=1.0,
    )


def washers(kit: Kit, count: int) -> Fixture:
    """A row of washing machines with round doors, perhaps dryers on top."""
    family = kit.look("washer")
    shade = kit.one_of((WHITE, WHITE, STEEL))
    parts: list[Part] = []
    for index in range(count):
        for level in range(2 if family == "stacked" else 1):
            x, z = (index + 0.5) * 0.70 - count * 0.35, level * 0.98
            ring = lathe([(0.22, 0), (0.22, 0.03), (0.16, 0.045), (0.16, 0.02)], 32).turned(-90, "x")
            parts += [
                piece(box(0.66, 0.62, 0.96, 0.012).at(x, 0.33, z), shade),
                piece(ring.at(x, 0.64, z + 0.45), CHROME),
                piece(
                    pill((0.31, 0.31, 0.10), 2.2).turned(-90, "x").at(x, 0.62, z + 0.45),
                    Material("porthole", (0.03, 0.04, 0.05), 0.04),
                ),
                piece(box(0.62, 0.012, 0.14, 0.004).at(x, 0.642, z + 0.79), kit.one_of((BLACK, STEEL))),
                piece(cylinder(0.035, 0.03).turned(-90, "x").at(x + 0.2, 0.645, z + 0.86), WHITE),
                piece(
                    box(0.14, 0.008, 0.06).at(x - 0.15, 0.65, z + 0.83),
                    Material("display", (0.2, 0.7, 0.8), 0.4, glow=0.05),
                ),
            ]
    return Fixture("washers", family, tuple(parts), tell=1.6 * count)


def basket(kit: Kit) -> Fixture:
    """A basket of laundry."""
    shade = Material("basket", kit.tint(kit.one_of(((0.85, 0.85, 0.8), (0.3, 0.5, 0.7), (0.7, 0.5, 0.6)))), 0.5)
    parts = [
        piece(
            loft(
                [
                    Ring(0, 0.20, 0.16, power=4),
                    Ring(0.35, 0.28, 0.22, power=4),
                    Ring(0.35, 0.26, 0.20, power=4),
                    Ring(0.1, 0.2, 0.15, power=4),
                ]
            ).at(0, 0.3),
            shade,
        )
    ]
    parts += [
        piece(
            pill((0.3, 0.22, 0.16), 2.2)
            .turned(kit.between(0, 180))
            .at(kit.between(-0.08, 0.08), 0.3 + kit.between(-0.05, 0.05), 0.24),
            kit.cloth(),
        )
        for _ in range(3)
    ]
    return Fixture("basket", "laundry", tuple(parts), tell=0.8)


def round_table(kit: Kit, seats: int = 8) -> Fixture:
    """A round dining table with its turntable, set, and chairs around it; its middle is at (0, 1.5)."""
    cloth = kit.one_of(
        (Material("tablecloth", (0.92, 0.90, 0.86), 0.9), Material("tablecloth", (0.55, 0.12, 0.12), 0.9), kit.wood())
    )
    parts = [
        piece(lathe([(0.86, 0.35), (0.84, 0.6), (0.85, 0.74), (0.85, 0.76)], 40).at(0, 1.5), cloth),
        piece(cylinder(0.3, 0.6).at(0, 1.5), kit.wood()),
        piece(cylinder(0.48, 0.03, 40).at(0, 1.5, 0.78), GLASS if kit.chance(0.5) else kit.wood()),
        piece(lathe([(0.06, 0), (0.09, 0.12), (0.04, 0.2), (0.06, 0.24)]).at(0, 1.5, 0.81), CERAMIC),
        piece(pill((0.3, 0.3, 0.25)).at(0, 1.5, 1.0), Material("flowers", kit.tint((0.8, 0.3, 0.35), 0.1), 0.8)),
    ]
    seat = chair(kit, Material("seat", kit.tint(kit.one_of(CLOTH)), 0.7))
    cover = (
        piece(lathe([(0.06, 0), (0.12, 0.02), (0.11, 0.02)]).at(0, 0.66, 0.76), CERAMIC),
        piece(lathe([(0.02, 0), (0.008, 0.03), (0.03, 0.12)]).at(0.14, 0.58, 0.76), GLASS),
        *(part.moved(0, 1.35, 0, 180) for part in seat.parts),
    )
    parts += [part.moved(0, 1.5, 0, index * 360 / seats) for index in range(seats) for part in cover]
    return Fixture("round_table", seat.family, tuple(parts), tell=5.0)
