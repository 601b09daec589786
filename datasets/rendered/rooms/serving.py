"""Where is cooked and washed. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, CHROME, DARK, GLASS, STEEL, WHITE, Material
from rooms.scene import Part
from rooms.shapes import Ring, box, cylinder, lathe, limb, loft, panel, pill, tube
from rooms.working import stocked


def kitchen_line(kit: Kit, length: float) -> Fixture:
    """Counters with a stove, a sink, pots, a microwave and a hood, of steel or as at home."""
    steel = kit.chance(0.4)
    body = STEEL if steel else kit.one_of((kit.wood(), WHITE, kit.lacquer()))
    top = STEEL if steel else kit.stone()
    tiles = kit.tiles()
    parts = [
        piece(box(length, 0.6, 0.76, 0.006).at(0, 0.32, 0.08), body),
        piece(box(length, 0.5, 0.08).at(0, 0.3), DARK),
        piece(box(length, 0.64, 0.04, 0.006).at(0, 0.34, 0.84), top),
        piece(panel(length, 0.6).at(0, 0.012, 0.88), tiles),
    ]
    count = int(length / 0.6)
    step = length / count
    for index in range(count):
        x = (index + 0.5) * step - length / 2
        parts += [
            piece(box(0.008, 0.006, 0.74, 0.001).at(x + step / 2, 0.623, 0.09), DARK),
            piece(box(0.2, 0.02, 0.02, 0.004).at(x, 0.64, 0.76), CHROME),
        ]
        if steel:
            continue
        if index != 1:
            parts += [
                piece(box(step - 0.012, 0.34, 0.68, 0.006).at(x, 0.18, 1.48), body),
                piece(box(0.16, 0.015, 0.015, 0.003).at(x, 0.36, 1.52), CHROME),
            ]
    if steel:
        parts += [piece(box(length, 0.3, 0.03).at(0, 0.16, z), STEEL) for z in (1.5, 1.85)]
        for _ in range(2 * count):
            wide = kit.between(0.08, 0.15)
            pot = lathe([(wide, 0), (wide, 1.2 * wide), (0.9 * wide, 1.2 * wide)], 18)
            parts.append(piece(pot.at(kit.between(-0.46, 0.46) * length, 0.16, kit.one_of((1.53, 1.88))), STEEL))
    stove = -length / 2 + 1.5 * step
    parts += [part.moved(stove, 0) for part in _cooker(kit)]
    sink = length / 2 - 0.8
    parts += [
        piece(box(0.6, 0.42, 0.015, 0.02).at(sink, 0.34, 0.88), STEEL),
        piece(box(0.46, 0.32, 0.01, 0.02).at(sink, 0.34, 0.892), DARK),
        piece(tube([(sink, 0.1, 0.88), (sink, 0.1, 1.15), (sink, 0.2, 1.2), (sink, 0.3, 1.15)], 0.013), CHROME),
    ]
    if length > 2.4:
        parts += [part.moved(length / 2 - 0.28, 0, 0.88) for part in _microwave()]
    for _ in range(5):
        shade = Material("jar", kit.tint(kit.one_of(CLOTH), 0.1), 0.3)
        jar = lathe([(0.05, 0), (0.055, 0.14), (0.03, 0.18)])
        parts.append(piece(jar.at(kit.between(-0.45, 0.45) * length, 0.12, 0.88), shade))
    board = piece(box(0.4, 0.28, 0.02, 0.008).at((stove + sink) / 2, 0.4, 0.88), kit.wood())
    fruit = [
        piece(pill((0.08, 0.08, 0.08), 2.0, 12).at((stove + sink) / 2 + x, 0.4, 0.9), Material("fruit", shade, 0.5))
        for x, shade in ((-0.08, (0.8, 0.15, 0.1)), (0.02, (0.9, 0.55, 0.1)), (0.1, (0.4, 0.6, 0.15)))
    ]
    return Fixture("kitchen_line", "steel" if steel else "home", (*parts, board, *fruit), tell=5.0)


def _cooker(kit: Kit) -> list[Part]:
    """Burners over an oven with its glass, handle and knobs, pots, and a hood; its middle at x = 0."""
    parts = [
        piece(box(0.60, 0.60, 0.80, 0.006).at(0, 0.34, 0.06), kit.one_of((STEEL, BLACK, WHITE))),
        piece(box(0.62, 0.58, 0.03, 0.006).at(0, 0.34, 0.88), BLACK),
        piece(box(0.54, 0.012, 0.44, 0.01).at(0, 0.645, 0.16), BLACK),
        piece(box(0.42, 0.014, 0.26, 0.02).at(0, 0.65, 0.22), Material("oven", (0.02, 0.02, 0.022), 0.04)),
        piece(tube([(-0.24, 0.69, 0.64), (0, 0.69, 0.64), (0.24, 0.69, 0.64)], 0.012), CHROME),
        *(piece(cylinder(0.022, 0.03).turned(-90, "x").at(x, 0.64, 0.76), CHROME) for x in (-0.21, -0.07, 0.07, 0.21)),
    ]
    for x in (-0.15, 0.15):
        for y in (0.2, 0.46):
            parts.append(piece(lathe([(0.10, 0), (0.10, 0.015), (0.05, 0.02)]).at(x, y, 0.91), DARK))
            parts.append(piece(cylinder(0.035, 0.03, 14).at(x, y, 0.91), STEEL))
    pot = lathe([(0.13, 0), (0.14, 0.17), (0.10, 0.19), (0.03, 0.20), (0.025, 0.23)])
    pan = lathe([(0.07, 0), (0.15, 0.06), (0.14, 0.06), (0.06, 0.01)])
    hood = [
        Ring(0, 0.44, 0.27, 0, 0.28, 10),
        Ring(0.08, 0.44, 0.27, 0, 0.28, 10),
        Ring(0.34, 0.15, 0.13, 0, 0.17, 10),
        Ring(1.0, 0.15, 0.13, 0, 0.17, 10),
    ]
    parts += [
        piece(pot.at(-0.15, 0.22, 0.94), STEEL),
        piece(pan.at(0.15, 0.46, 0.94), BLACK),
        piece(limb((0.2, 0.58, 0.99), (0.3, 0.76, 1.02), 0.014, 0.012), BLACK),
        piece(loft(hood, 40).at(0, 0, 1.65), STEEL),
    ]
    return parts


def _microwave() -> list[Part]:
    """A microwave at the origin."""
    return [
        piece(box(0.50, 0.36, 0.29, 0.012).at(0, 0.24), WHITE),
        piece(box(0.33, 0.01, 0.21, 0.012).at(-0.06, 0.423, 0.04), Material("oven", (0.02, 0.02, 0.022), 0.04)),
        piece(box(0.10, 0.008, 0.24, 0.004).at(0.18, 0.423, 0.025), BLACK),
        piece(box(0.07, 0.01, 0.03, 0.002).at(0.18, 0.427, 0.21), Material("display", (0.2, 0.8, 0.6), 0.4, glow=0.08)),
        piece(tube([(0.115, 0.45, 0.05), (0.115, 0.46, 0.14), (0.115, 0.45, 0.24)], 0.008), CHROME),
    ]


def fridge(kit: Kit, *, glazed: bool = False) -> Fixture:
    """A refrigerator; a glazed one shows its bottles."""
    if glazed:
        return _cooler(kit)
    shade = kit.one_of((WHITE, STEEL, Material("grey enamel", (0.62, 0.63, 0.64), 0.3)))
    return Fixture(
        "fridge",
        "plain",
        (
            piece(box(0.68, 0.60, 1.78, 0.012).at(0, 0.32, 0.04), shade),
            piece(box(0.64, 0.02, 1.74).at(0, 0.622, 0.05), DARK),  # the gap around the doors
            *(piece(box(0.675, 0.055, high, 0.016).at(0, 0.655, z), shade) for z, high in ((0.08, 1.04), (1.14, 0.67))),
            *(
                piece(tube([(-0.27, 0.70, z), (-0.27, 0.72, z + 0.2), (-0.27, 0.70, z + 0.4)], 0.012), CHROME)
                for z in (0.62, 1.2)
            ),
            piece(box(0.09, 0.005, 0.03, 0.001).at(0.2, 0.684, 1.7), CHROME),
        ),
        tell=1.5,
    )


def _cooler(kit: Kit) -> Fixture:
    """A refrigerator with a door of glass, lit inside, full of bottles and cartons."""
    shade, deep = kit.one_of((BLACK, WHITE)), 0.6
    lit = Material("lit lining", (0.92, 0.95, 0.96), 0.6, glow=0.03)
    parts = [
        *(piece(box(0.04, deep, 2.0, 0.006).at(side * 0.34, 0.32), shade) for side in (-1, 1)),
        piece(box(0.72, 0.03, 2.0).at(0, 0.02), shade),
        piece(panel(0.66, 1.65).at(0, 0.037, 0.15), lit),
        piece(box(0.72, deep, 0.15, 0.006).at(0, 0.32), shade),
        piece(box(0.72, deep, 0.2, 0.006).at(0, 0.32, 1.8), shade),
        piece(panel(0.6, 0.13).at(0, 0.625, 1.83), Material("header", kit.tint(kit.one_of(CLOTH[4:]), 0.1), glow=0.08)),
        piece(box(0.66, 0.012, 1.66, 0.002).at(0, 0.60, 0.15), GLASS),
        piece(box(0.025, 0.03, 0.5, 0.006).at(-0.3, 0.635, 0.75), CHROME),
    ]
    for level in range(5):
        z = 0.16 + 0.33 * level
        parts.append(piece(box(0.66, 0.5, 0.012, 0.002).at(0, 0.3, z), STEEL))
        goods = stocked(kit, 0.64, 0.5, 0.29, kinds=("bottle", "bottle", "tin", "carton"))
        parts += [part.moved(0, 0.04, z + 0.012) for part in goods]
    return Fixture("fridge", "glazed", tuple(parts), tell=2.0)


def washers(kit: Kit, count: int) -> Fixture:
    """A row of washing machines with round doors, perhaps dryers on top."""
    family = kit.look("washer")
    shade = kit.one_of((WHITE, STEEL))
    plinth = 0.0 if family == "stacked" else kit.one_of((0.12, 0.25))
    parts: list[Part] = [piece(box(count * 0.70, 0.60, plinth, 0.004).at(0, 0.32), DARK)] if plinth else []
    for index in range(count):
        for level in range(2 if family == "stacked" else 1):
            x, z = (index + 0.5) * 0.70 - count * 0.35, plinth + level * 0.98
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
