"""Warehouses: what is stored, on what it stands, and what carries it. Parts stand on the floor, their back at y = 0."""

from __future__ import annotations

from rooms.families import Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, DARK, GLASS, RUBBER, STEEL, Material, Pattern
from rooms.scene import Part
from rooms.shapes import Mesh, box, cylinder, join, limb, pill, tube

YELLOW = Material("safety yellow", (0.90, 0.68, 0.05), 0.5)
FILM = Material("stretch film", (0.86, 0.89, 0.90), 0.12, see_through=0.55)


def cardboard(kit: Kit, width: float) -> Material:
    """Return the cardboard of boxes of this width, taped along their middle."""
    shade = kit.tint(kit.one_of(((0.66, 0.50, 0.33), (0.72, 0.57, 0.40), (0.58, 0.43, 0.28), (0.85, 0.82, 0.76))), 0.04)
    tape = kit.one_of(((0.78, 0.68, 0.48), (0.80, 0.80, 0.76), (0.60, 0.42, 0.24)))
    return Material(
        "cardboard", shade, 0.9, pattern=Pattern("carton", round(width, 2), (shade, tape), kit.count(0, 9), 1)
    )


def pallet(kit: Kit, *, most: float = 1.0) -> Fixture:
    """A loaded pallet, its load at most `most` metres high: boxes, often under film, sacks, drums or crates."""
    wood = Material("pallet", kit.tint((0.62, 0.48, 0.32)), 0.9)
    parts = [
        *(piece(box(1.1, 0.12, 0.022, 0.003).at(0, 0.06 + 0.17 * index, 0.12), wood) for index in range(6)),
        *(piece(box(0.1, 0.95, 0.10, 0.003).at(x, 0.48, 0.02), wood) for x in (-0.48, 0, 0.48)),
    ]
    kind = kit.one_of(("boxes", "boxes", "boxes", "film", "film", "sacks", "drums", "crates"))
    high = kit.between(0.55, 1.0) * most
    parts += [part.moved(0, 0.48, 0.145) for part in LOADS[kind](kit, high)]
    return Fixture("pallet", kind, tuple(parts), tell=1.0)


def _boxes(kit: Kit, high: float) -> list[Part]:
    """Boxes in layers, three or two to a side; the top layer may be broken."""
    columns, rows = kit.one_of(((3, 2), (2, 2), (3, 3)))
    wide, deep = 1.06 / columns, 0.92 / rows
    layers = max(1, round(high / kit.between(0.24, 0.42)))
    material = cardboard(kit, wide)
    left = kit.count(1, columns * rows)
    found: list[Mesh] = []
    for layer in range(layers):
        for column in range(columns):
            for row in range(rows):
                if layer == layers - 1 and column * rows + row >= left and layers > 1:
                    continue
                slip = kit.between(-0.012, 0.012)
                carton = box(wide - 0.012, deep - 0.012, high / layers - 0.004, 0.006).turned(kit.between(-1.5, 1.5))
                at = ((column + 0.5) * wide - 0.53 + slip, (row + 0.5) * deep - 0.46 + slip, layer * high / layers)
                found.append(carton.at(*at))
    return [piece(join(*found), material)]


def _film(kit: Kit, high: float) -> list[Part]:
    """Boxes wound in stretch film."""
    return [*_boxes(kit, high), piece(box(1.08, 0.94, high + 0.01, 0.03), FILM)]


def _sacks(kit: Kit, high: float) -> list[Part]:
    """Sacks laid crosswise."""
    shade = Material("sack", kit.tint(kit.one_of(((0.90, 0.89, 0.85), (0.78, 0.70, 0.55), (0.85, 0.80, 0.35)))), 0.8)
    found = []
    for layer in range(max(2, round(high / 0.15))):
        for side in (-1, 1):
            sack = pill((0.54, 0.92, 0.17), 4.5) if layer % 2 else pill((1.06, 0.47, 0.17), 4.5)
            at = (side * 0.265, 0.0) if layer % 2 else (0.0, side * 0.235)
            found.append(sack.at(at[0], at[1], layer * 0.145))
    return [piece(join(*found), shade)]


def _drums(kit: Kit, high: float) -> list[Part]:
    """Four drums with hoops."""
    del high
    shade = Material("drum", kit.tint(kit.one_of(((0.08, 0.22, 0.50), (0.10, 0.35, 0.20), (0.55, 0.10, 0.08)))), 0.35)
    body = join(cylinder(0.22, 0.80), *(cylinder(0.23, 0.02).at(0, 0, z) for z in (0.0, 0.26, 0.53, 0.79)))
    lid = [piece(cylinder(0.2, 0.01).at(x * 0.25, y * 0.23, 0.806), BLACK) for x in (-1, 1) for y in (-1, 1)]
    return [piece(join(*(body.at(x * 0.25, y * 0.23) for x in (-1, 1) for y in (-1, 1))), shade), *lid]


def _crates(kit: Kit, high: float) -> list[Part]:
    """Stacked plastic crates."""
    shade = Material("crate", kit.tint(kit.one_of(((0.10, 0.28, 0.55), (0.12, 0.42, 0.25), (0.70, 0.15, 0.10)))), 0.5)
    rims, grips = [], []
    for layer in range(max(1, round(high / 0.3))):
        for x in (-0.27, 0.27):
            for y in (-0.23, 0.23):
                rims += [
                    box(0.50, 0.43, 0.25, 0.015).at(x, y, layer * 0.28),
                    box(0.52, 0.45, 0.04, 0.008).at(x, y, layer * 0.28 + 0.24),
                ]
                grips += [
                    box(0.16, 0.008, 0.05, 0.003).at(x, y + side * 0.216, layer * 0.28 + 0.15) for side in (-1, 1)
                ]
    return [piece(join(*rims), shade), piece(join(*grips), DARK)]


LOADS = {"boxes": _boxes, "film": _film, "sacks": _sacks, "drums": _drums, "crates": _crates}


def rack(kit: Kit, bays: int, levels: int = 4) -> Fixture:
    """Racks from floor to roof, loaded: pallets on beams, or shelves of loose boxes."""
    family = kit.look("rack")
    blue = kit.one_of(((0.08, 0.18, 0.48), (0.10, 0.32, 0.25), (0.35, 0.37, 0.40)))
    upright, beam = Material("rack", blue, 0.4), Material("beam", (0.88, 0.38, 0.06), 0.4)
    bay, deep, step = (2.5, 1.0, 1.35) if family == "pallets" else (2.0, 0.8, 0.85)
    levels = levels if family == "pallets" else round(levels * 1.35 / step)
    total, height = bays * bay, levels * step
    posts = []
    for index in range(bays + 1):
        x = index * bay - total / 2
        posts += [box(0.09, 0.07, height, 0.006).at(x, y) for y in (0.08, deep)]
        for level in range(levels * 2):
            low, high = level * step / 2 + 0.1, (level + 1) * step / 2 + 0.05
            ends = ((x, 0.08, low), (x, deep, high)) if level % 2 else ((x, deep, low), (x, 0.08, high))
            posts.append(limb(*ends, 0.018, 0.018))
    parts = [piece(join(*posts), upright)]
    parts += [
        piece(box(0.14, 0.12, 0.40, 0.02).at(index * bay - total / 2, deep + 0.08), YELLOW) for index in (0, bays)
    ]
    for level in range(levels):
        z = 0.02 if level == 0 and family == "pallets" else level * step + (0.1 if family == "shelving" else 0.0)
        if level or family == "shelving":
            bars = [
                box(total, 0.05, 0.12 if family == "pallets" else 0.06, 0.006).at(0, y, z - 0.12) for y in (0.08, deep)
            ]
            parts.append(piece(join(*bars), beam))
        if family == "shelving":
            parts.append(piece(box(total, deep - 0.05, 0.02, 0.002).at(0, deep / 2 + 0.04, z - 0.06), STEEL))
        for index in range(bays):
            x = (index + 0.5) * bay - total / 2
            if family == "shelving":
                parts += [part.moved(x, 0.06, z - 0.04) for part in _loose(kit, bay - 0.15, deep - 0.1, step - 0.2)]
                continue
            for half in (-0.6, 0.6):
                if kit.chance(0.88):
                    parts += [part.moved(x + half, 0.06, z) for part in pallet(kit, most=step - 0.42).parts]
    return Fixture("rack", family, tuple(parts), tell=3.0 * bays)


def _loose(kit: Kit, width: float, deep: float, room: float) -> list[Part]:
    """Boxes of all sizes side by side on one shelf, some on others; the middle of its back at the origin."""
    parts, at = [], -width / 2
    while at < width / 2 - 0.25:
        wide, high = kit.between(0.25, 0.55), kit.between(0.18, 0.38)
        if kit.chance(0.9) and at + wide < width / 2 + 0.05:
            material = cardboard(kit, wide)
            for level in range(min(int(room / high), kit.count(1, 3))):
                carton = box(wide - 0.02, deep * kit.between(0.75, 0.95), high - 0.003, 0.006).turned(
                    kit.between(-3, 3)
                )
                parts.append(piece(carton.at(at + wide / 2, deep / 2, level * high), material))
        at += wide + 0.02
    return parts


def truck(kit: Kit) -> Fixture:
    """A forklift, its forks towards +y."""
    paint = Material("truck", kit.tint(kit.one_of(((0.90, 0.50, 0.06), (0.90, 0.72, 0.08), (0.70, 0.10, 0.08)))), 0.3)
    frame = [tube([(x, -0.75, 0.9), (x, -0.6, 2.0), (x, 0.35, 2.05), (x, 0.5, 0.9)], 0.03) for x in (-0.42, 0.42)]
    wheels = [
        cylinder(r, 0.2).turned(90, "y").at(x - 0.1, y, r)
        for x in (-0.45, 0.45)
        for y, r in ((-0.7, 0.22), (0.5, 0.28))
    ]
    mast = [box(0.09, 0.12, 2.3, 0.006).at(x, 0.85) for x in (-0.28, 0.28)]
    mast += [box(0.6, 0.08, 0.08).at(0, 0.85, z) for z in (0.3, 1.2, 2.2)]
    forks = [box(0.12, 1.1, 0.04, 0.004).at(x, 1.45, 0.12) for x in (-0.25, 0.25)]
    parts = [
        piece(box(1.0, 1.3, 0.62, 0.08).at(0, -0.1, 0.24), paint),
        piece(pill((1.0, 0.75, 0.85), 6).at(0, -0.62, 0.25), paint),
        piece(join(*frame, box(0.9, 1.0, 0.05, 0.01).at(0, -0.15, 2.02)), BLACK),
        piece(join(*wheels), RUBBER),
        piece(join(*mast, *forks, box(0.75, 0.05, 0.6).at(0, 0.93, 0.2)), BLACK),
        piece(join(pill((0.48, 0.45, 0.14), 4).at(0, -0.2, 0.86), pill((0.46, 0.12, 0.5), 4).at(0, -0.45, 0.9)), DARK),
        piece(box(0.8, 0.8, 0.01, 0.002).at(0, -0.15, 2.08), GLASS),
    ]
    return Fixture("truck", "counterbalance", tuple(part.moved(0, 1.0) for part in parts), tell=2.0)


def gate(kit: Kit) -> Fixture:
    """A roller door for lorries."""
    shade = Material(
        "slats",
        (0.7, 0.72, 0.74),
        0.4,
        pattern=Pattern("slats", 0.6, (kit.tint((0.72, 0.74, 0.76)), (0.4, 0.42, 0.44)), 1, 6),
    )
    parts = [piece(box(3.0, 0.06, 3.2, 0.004).at(0, 0.03), shade)]
    parts += [piece(box(0.16, 0.12, 3.3, 0.01).at(x * 1.58, 0.06), YELLOW) for x in (-1, 1)]
    parts.append(piece(box(3.3, 0.4, 0.42, 0.02).at(0, 0.2, 3.2), STEEL))
    return Fixture("gate", "roller", tuple(parts), tell=1.0)
