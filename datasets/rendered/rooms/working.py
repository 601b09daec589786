"""Desks, shelves, boards. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rooms.changing import PAINTED
from rooms.families import Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, DARK, PAPER, STEEL, WHITE, Colour, Material, Pattern
from rooms.scene import Part
from rooms.seating import chair
from rooms.shapes import Mesh, box, cylinder, join, lathe, panel, pill, tube


def monitor(kit: Kit) -> list[Part]:
    """A screen on its foot, which faces +y and stands on z = 0."""
    picture = Pattern(
        "screen", 1.0, ((0.82, 0.85, 0.9), (0.95, 0.95, 0.96), (0.25, 0.4, 0.65), (0.15, 0.16, 0.2)), kit.seed(), 5
    )
    return [
        piece(cylinder(0.1, 0.015).at(0, 0, 0), BLACK),
        piece(box(0.04, 0.03, 0.14).at(0, -0.02), BLACK),
        piece(box(0.54, 0.03, 0.33, 0.008).at(0, 0, 0.12), BLACK),
        piece(
            panel(0.51, 0.30).at(0, 0.017, 0.135), Material("screen", (0.6, 0.6, 0.6), 0.2, glow=0.06, pattern=picture)
        ),
    ]


def desk(kit: Kit, width: float = 1.35, *, computer: bool = True) -> Fixture:
    """A desk against the wall; who works there faces the wall. With a chair."""
    family = kit.look("desk")
    top = kit.one_of((kit.wood(), WHITE))
    parts = [piece(box(width, 0.68, 0.035, 0.005).at(0, 0.36, 0.71), top)]
    if family == "frame":
        parts += [
            piece(box(0.04, 0.04, 0.71).at(x * (width / 2 - 0.05), y), BLACK) for x in (-1, 1) for y in (0.06, 0.64)
        ]
    else:
        parts += [piece(box(0.03, 0.62, 0.71).at(x * (width / 2 - 0.02), 0.36), top) for x in (-1, 1)] + [
            piece(box(width, 0.02, 0.4).at(0, 0.08, 0.3), top)
        ]
    if family == "corner":
        parts.append(piece(box(0.5, 0.9, 0.035, 0.005).at(width / 2 - 0.25, 0.8, 0.71), top))
    parts.append(piece(box(0.38, 0.5, 0.56, 0.006).at(width / 2 - 0.24, 0.33, 0.02), kit.one_of((WHITE, STEEL))))
    if computer:
        parts += [part.moved(-0.05, 0.22, 0.745) for part in monitor(kit)]
        parts += [
            piece(box(0.42, 0.14, 0.02, 0.004).at(-0.05, 0.5, 0.745), BLACK),
            piece(pill((0.06, 0.1, 0.03)).at(0.25, 0.5, 0.745), BLACK),
        ]
    for _ in range(kit.count(1, 3)):
        x, y = kit.between(-0.42, 0.42) * width, kit.between(0.2, 0.55)
        parts.append(
            piece(
                box(0.21, 0.29, kit.between(0.005, 0.09), 0.002).turned(kit.between(-20, 20)).at(x, y, 0.745),
                kit.one_of((PAPER, kit.cloth())),
            )
        )
    parts.append(
        piece(
            lathe([(0.035, 0), (0.04, 0.09), (0.035, 0.09), (0.03, 0.02)]).at(-0.42 * width, 0.3, 0.745),
            kit.one_of((WHITE, BLACK)),
        )
    )
    seat = chair(kit)
    aside, turn = kit.between(-0.15, 0.1), 180 + kit.between(-25, 25)
    parts += [part.moved(aside, 1.15, 0, turn) for part in seat.parts]
    return Fixture("desk", family, tuple(parts), tell=1.5)


def workplace(kit: Kit) -> Fixture:
    """A desk between low screens, as in an open office."""
    inner = desk(kit, 1.4)
    cloth = Material(
        "screen cloth", kit.tint(kit.one_of(((0.45, 0.5, 0.56), (0.6, 0.58, 0.5), (0.35, 0.45, 0.42)))), 0.95
    )
    screens = [
        piece(box(1.5, 0.05, 1.2, 0.01).at(0, 0.0), cloth),
        *(piece(box(0.05, 0.8, 1.2, 0.01).at(side * 0.75, 0.4), cloth) for side in (-1, 1)),
    ]
    return Fixture("workplace", inner.family, (*screens, *(part.moved(0, 0.03) for part in inner.parts)), tell=2.0)


def cabinet(kit: Kit, width: float = 0.9, height: float = 1.8) -> Fixture:
    """A cabinet with drawers or doors."""
    shade = kit.one_of((Material("enamel", kit.tint(kit.one_of(PAINTED)), 0.4), kit.wood()))
    parts = [piece(box(width, 0.42, height, 0.006).at(0, 0.22), shade)]
    for index in range(4):
        z = height * (index + 1) / 4 - 0.02
        parts.append(piece(box(width - 0.04, 0.005, 0.008, 0.001).at(0, 0.432, min(z, height - 0.05)), DARK))
        parts.append(piece(box(0.14, 0.02, 0.02, 0.004).at(0, 0.44, z - height / 8), STEEL))
    return Fixture("cabinet", "drawers", tuple(parts), tell=0.3)


MUTED: tuple[Colour, ...] = (
    (0.45, 0.2, 0.18),
    (0.2, 0.28, 0.4),
    (0.75, 0.7, 0.6),
    (0.2, 0.3, 0.22),
    (0.15, 0.15, 0.15),
    (0.6, 0.5, 0.35),
)


def shelf(kit: Kit, width: float = 1.2, height: float = 1.9, *, goods: str = "books", steel: bool = False) -> Fixture:
    """Shelves full of books, boxes, or goods with their prices."""
    frame = STEEL if steel else kit.one_of((kit.wood(), WHITE))
    levels = max(3, int(height / (0.31 if goods == "goods" else 0.38)))
    deep = 0.42 if steel else 0.34
    rail = Material("price rail", kit.one_of(((0.92, 0.92, 0.9), (0.85, 0.1, 0.08), (0.95, 0.8, 0.1))), 0.4)
    parts = [piece(box(0.03, deep, height, 0.004).at(side * width / 2, deep / 2 + 0.01), frame) for side in (-1, 1)]
    parts.append(piece(box(width, 0.015, height, 0.002).at(0, 0.01), frame))
    for level in range(levels):
        z = level * height / levels
        parts.append(piece(box(width, deep, 0.025, 0.004).at(0, deep / 2 + 0.01, z), frame))
        room = height / levels - 0.05
        if goods == "boxes":
            x = -width / 2 + 0.05
            while x < width / 2 - 0.3:
                side = kit.between(0.25, 0.4)
                shade = Material("cardboard", kit.tint((0.66, 0.50, 0.33), 0.06), 0.9)
                if kit.chance(0.85):
                    parts.append(
                        piece(
                            box(side, deep * 0.85, room * kit.between(0.6, 0.98), 0.006).at(
                                x + side / 2, deep / 2, z + 0.025
                            ),
                            shade,
                        )
                    )
                x += side + 0.02
        elif goods == "goods":
            parts += [part.moved(0, 0.02, z + 0.025) for part in stocked(kit, width - 0.06, deep, room)]
            parts.append(piece(box(width, 0.012, 0.04, 0.002).at(0, deep + 0.012, z - 0.01), rail))
            tags = [
                panel(0.06, 0.034).at((index + kit.between(0.1, 0.9)) * 0.2 - width / 2, deep + 0.021, z - 0.008)
                for index in range(int(width / 0.2))
            ]
            parts.append(piece(join(*tags), PAPER))
        else:
            pattern = Pattern("goods", 1.0, MUTED, kit.seed(), 26)
            parts.append(piece(box(width - 0.06, deep - 0.12, room * 0.9).at(0, deep / 2 - 0.05, z + 0.025), DARK))
            front = _fitted(panel(width - 0.06, room), min(1.0, width))
            parts.append(piece(front.at(0, deep - 0.04, z + 0.025), Material("goods", MUTED[0], 0.6, pattern=pattern)))
    return Fixture("shelf", goods, tuple(parts), tell=1.5)


def _fitted(front: Mesh, across: float = 1.0) -> Mesh:
    """A panel over which a pattern of one metre is stretched, `across` times from left to right."""
    low = front.uv.min((0, 1))
    return replace(front, uv=(front.uv - low) / (front.uv.max((0, 1)) - low) * np.array([across, 1.0], np.float32))


BRANDS: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((0.93, 0.93, 0.91), (0.70, 0.12, 0.12), (0.85, 0.65, 0.25)),
    ((0.93, 0.93, 0.91), (0.12, 0.28, 0.55), (0.55, 0.75, 0.85)),
    ((0.90, 0.88, 0.80), (0.20, 0.42, 0.22), (0.75, 0.55, 0.30)),
    ((0.62, 0.10, 0.10), (0.92, 0.80, 0.30), (0.80, 0.50, 0.25)),
    ((0.12, 0.22, 0.42), (0.88, 0.88, 0.86), (0.80, 0.30, 0.20)),
    ((0.15, 0.36, 0.24), (0.90, 0.88, 0.75), (0.65, 0.40, 0.22)),
    ((0.88, 0.70, 0.22), (0.60, 0.15, 0.10), (0.45, 0.25, 0.12)),
    ((0.35, 0.20, 0.13), (0.85, 0.72, 0.45), (0.62, 0.42, 0.25)),
    ((0.80, 0.82, 0.84), (0.25, 0.27, 0.32), (0.50, 0.62, 0.72)),
    ((0.78, 0.45, 0.20), (0.95, 0.93, 0.88), (0.40, 0.25, 0.15)),
    ((0.55, 0.68, 0.75), (0.95, 0.95, 0.93), (0.85, 0.80, 0.40)),
    ((0.82, 0.62, 0.66), (0.95, 0.94, 0.92), (0.60, 0.20, 0.30)),
)
"""Ground, band and picture of what packets are printed with."""
ARTICLES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "packet": ((0.11, 0.20), (0.14, 0.26)),
    "carton": ((0.07, 0.15), (0.12, 0.26)),
    "bottle": ((0.07, 0.10), (0.20, 0.30)),
    "tin": ((0.07, 0.10), (0.10, 0.14)),
}
"""Least and greatest width, and height, of goods in metres."""
LIQUIDS: tuple[Colour, ...] = (
    (0.80, 0.84, 0.84),
    (0.30, 0.14, 0.05),
    (0.78, 0.42, 0.10),
    (0.10, 0.25, 0.12),
    (0.90, 0.89, 0.84),
    (0.55, 0.08, 0.06),
)


def stocked(kit: Kit, width: float, deep: float, room: float, *, kinds: tuple[str, ...] = ()) -> list[Part]:
    """One shelf of goods, several of a kind side by side, each with its label; the middle of its back at the origin.

    Args:
        kit: Chooses.
        width: Metres of shelf.
        deep: Metres from the back to the front.
        room: Metres up to the next shelf.
        kinds: Of `ARTICLES`; all, if none is named.
    """
    parts, at = [], -width / 2
    while at < width / 2 - 0.05:
        kind = kit.one_of(kinds or ("packet", "packet", "carton", "carton", "bottle", "tin"))
        brand = kit.one_of(BRANDS)
        label = Material("label", brand[0], 0.35, pattern=Pattern("packet", 1.0, brand, kit.count(0, 5), 3))
        (least, most), (low, tall) = ARTICLES[kind]
        wide, high = kit.between(least, most), min(room * 0.95, kit.between(low, tall))
        count, levels = kit.count(2, 5), max(1, int(room * 0.97 / high)) if kind in {"carton", "tin"} else 1
        liquid = Material("bottle", kit.one_of(LIQUIDS), 0.12)
        for _ in range(count):
            if at + wide > width / 2:
                break
            x, slip = at + wide / 2, kit.between(0.84, 0.95) * deep
            for level in range(levels):
                z = level * (high + 0.002)
                parts += [part.moved(x, slip, z) for part in _article(kind, wide, high, slip, liquid, label, brand[0])]
            at += wide + 0.003
        at += kit.between(0.005, 0.02)
    return parts


def _article(  # noqa: PLR0917 - measures of one thing
    kind: str, wide: float, high: float, deep: float, liquid: Material, label: Material, shade: Colour
) -> list[Part]:
    """One article, the middle of its front at the origin."""
    if kind == "packet":  # a bag: it bulges
        return [
            piece(pill((wide, min(0.09, wide * 0.6), high), 5, 12).at(0, -0.04), Material("wrap", shade, 0.3)),
            piece(_fitted(panel(wide * 0.86, high * 0.86)).at(0, 0.008, high * 0.07), label),
        ]
    if kind == "carton":
        return [
            piece(box(wide - 0.004, deep * 0.85, high, 0.003).at(0, -deep * 0.425), Material("wrap", shade, 0.4)),
            piece(_fitted(panel(wide - 0.008, high - 0.006)).at(0, 0.002, 0.003), label),
        ]
    half = wide * 0.46
    low, top = (0.3, 0.62) if kind == "bottle" else (0.12, 0.88)
    skin = [(half, 0.0), (half, high * 0.68), (0.4 * half, high * 0.86), (0.36 * half, high)]
    if kind == "tin":
        skin = [(half * 0.96, 0.0), (half, high * 0.03), (half, high * 0.97), (half * 0.94, high)]
    solid = lathe(skin, 10)
    ring = lathe([(half + 0.001, high * low), (half + 0.001, high * top)], 10)
    cloth = replace(ring, uv=ring.uv / np.float32(2 * half))
    rows = [-half, -2 * half - wide] if kind == "bottle" else [-half]
    return [
        *(piece(solid.at(0, y), liquid if kind == "bottle" else STEEL) for y in rows),
        *(piece(cloth.at(0, y), label) for y in rows),
    ]


def gondola(kit: Kit, bays: int, height: float = 1.5) -> Fixture:
    """Shelves back to back, `bays` long along y, with goods at both ends too; its middle at x = 0, its end at y = 0."""
    wide = 1.2
    parts = [
        part.moved(0, 0.36 + (index + 0.5) * wide, 0, turn)
        for index in range(bays)
        for turn in (-90, 90)
        for part in shelf(kit, wide, height, goods="goods").parts
    ]
    ends = ((0.36, 180.0), (0.36 + bays * wide, 0.0))
    parts += [part.moved(0, y, 0, turn) for y, turn in ends for part in shelf(kit, 0.72, height, goods="goods").parts]
    return Fixture("gondola", "goods", tuple(parts), tell=3.0 * bays)


def blackboard(kit: Kit, width: float = 3.2) -> Fixture:
    """A board with its frame and tray, at a height to write on."""
    shade = kit.one_of(((0.10, 0.22, 0.17), (0.93, 0.94, 0.94), (0.13, 0.15, 0.16)))
    chalk = [
        piece(
            box(kit.between(0.2, 0.8), 0.004, 0.012, 0.001).at(
                kit.between(-0.3, 0.3) * width, 0.05, kit.between(1.2, 1.9)
            ),
            PAPER if shade[0] < 0.5 else Material("ink", (0.1, 0.2, 0.5), 0.5),
        )
        for _ in range(9)
    ]
    return Fixture(
        "blackboard",
        "wall",
        (
            piece(box(width, 0.04, 1.25, 0.01).at(0, 0.02, 0.85), STEEL),
            piece(panel(width - 0.08, 1.17).at(0, 0.045, 0.89), Material("board", shade, 0.5)),
            piece(box(width, 0.09, 0.03).at(0, 0.08, 0.84), STEEL),
            *chalk,
        ),
        tell=4.0,
    )


def pupil(kit: Kit, shade: Material, top: Material) -> Fixture:
    """A pupil's desk and chair; who sits there faces -y."""
    legs = [
        piece(tube([(side * 0.28, 0.3, 0.72), (side * 0.28, 0.3, 0.35), (side * 0.28, 0.3, 0.02)], 0.018), STEEL)
        for side in (-1, 1)
    ]
    feet = [
        piece(tube([(side * 0.28, 0.1, 0.02), (side * 0.28, 0.3, 0.02), (side * 0.28, 0.52, 0.02)], 0.018), STEEL)
        for side in (-1, 1)
    ]
    parts = [
        piece(box(0.66, 0.46, 0.03, 0.006).at(0, 0.3, 0.72), top),
        piece(box(0.58, 0.38, 0.1, 0.004).at(0, 0.3, 0.6), STEEL),
        *legs,
        *feet,
    ]
    if kit.chance(0.5):
        parts.append(
            piece(
                box(0.2, 0.28, kit.between(0.01, 0.07), 0.002)
                .turned(kit.between(-20, 20))
                .at(kit.between(-0.15, 0.15), 0.32, 0.75),
                kit.one_of((PAPER, kit.cloth())),
            )
        )
    seat = chair(kit, shade)
    return Fixture("pupil", seat.family, (*parts, *(part.moved(0, 1.0, 0, 180) for part in seat.parts)), tell=0.5)
