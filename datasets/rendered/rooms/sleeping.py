"""Beds and what stands in bedrooms. Parts stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

from rooms.changing import shoes
from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, CERAMIC, CHROME, DARK, MIRROR, STEEL, Colour, Material, Pattern
from rooms.scene import Part
from rooms.seating import chair
from rooms.shapes import Mesh, Ring, box, curtain, duvet, join, lathe, loft, panel, pill, tube

LINEN = Material("linen", (0.93, 0.92, 0.89), 0.95)


BEDDING: tuple[Colour, ...] = (
    (0.76, 0.81, 0.87),
    (0.86, 0.77, 0.78),
    (0.80, 0.84, 0.77),
    (0.58, 0.67, 0.79),
    (0.89, 0.87, 0.81),
    (0.42, 0.50, 0.65),
    (0.70, 0.60, 0.52),
    (0.72, 0.45, 0.46),
)


def bedlinen(kit: Kit) -> Material:
    """The cloth of covers and pillow cases: light, plain or with a pattern on white."""
    shade = kit.tint(kit.one_of(BEDDING), 0.06)
    kind = kit.one_of(("plain", "plain", "tartan", "stripes", "floral"))
    if kind == "plain":
        return Material("linen", shade, 0.95)
    white = (0.93, 0.92, 0.89)
    shades = (white, shade, white) if kind == "floral" else (shade, white, shade)
    return Material("linen", shade, 0.95, pattern=Pattern(kind, 0.5, shades, kit.seed(), 3))


def pillow(x: float, y: float, z: float, material: Material = LINEN, size: tuple[float, float] = (0.62, 0.40)) -> Part:
    """A pillow that lies at (x, y), its lower side at z."""
    return piece(pill((size[0], size[1], 0.17), 3.0).at(x, y, z), material)


def _bedding(kit: Kit, width: float, length: float, z: float, *, cover: Material, hang: float) -> list[Part]:
    """A mattress whose head is at y = 0, with a sheet, a pillow and a creased cover; its lower side is at z."""
    ticking = Pattern("stripes", 0.16, ((0.86, 0.86, 0.83), (0.62, 0.68, 0.76)), 1, 3)
    parts = [
        piece(
            box(width, length, 0.15, 0.035).at(0, length / 2, z),
            Material("mattress", (0.85, 0.85, 0.82), 0.95, pattern=ticking),
        ),
        piece(box(width + 0.006, length * 0.6, 0.03, 0.012).at(0, length * 0.3 + 0.01, z + 0.125), LINEN),
    ]
    top, creases = z + 0.15, (kit.between(0, 6), kit.between(0, 6), kit.between(0, 6))
    if kit.chance(0.2):  # made: the cover folded to a block at the foot
        parts += [
            piece(pill((width * 0.72, 0.42, 0.09), 6).at(0, length - 0.32, top + 0.075 * layer), cover)
            for layer in range(3)
        ]
        parts.append(piece(box(width + 0.008, length, 0.02, 0.008).at(0, length / 2, z + 0.137), bedlinen(kit)))
    else:
        reach = length * kit.between(0.60, 0.74)
        lies = duvet(width + 0.03, reach, 0.15, hang=hang, creases=creases, fine=0.6).turned(kit.between(-2.5, 2.5))
        parts.append(piece(lies.at(0, length - reach, top), cover))
        if kit.chance(0.6):
            turned = duvet(width + 0.04, 0.28, 0.175, hang=hang, creases=creases[::-1], fine=0.6)
            parts.append(piece(turned.at(0, length - reach - 0.02, top), LINEN))
    case = LINEN if kit.chance(0.6) else bedlinen(kit)
    return [*parts, pillow(0, 0.25, top, case, size=(min(0.68, width * 0.9), 0.44))]


def bunk(kit: Kit) -> Fixture:
    """A bunk bed for two, its head at the wall y = 0 and its ladder on the right."""
    family = kit.look("bunk")
    wide, long = 0.95, 2.0
    frame, post = kit.wood(), 0.08
    if family == "steel":
        shades = ((0.35, 0.40, 0.45), (0.15, 0.25, 0.45), (0.85, 0.85, 0.83), (0.2, 0.2, 0.2))
        frame, post = Material("painted steel", kit.tint(kit.one_of(shades)), 0.4), 0.045
    parts = [piece(join(*_bunk_frame(wide, long, post)), frame)]
    for level in (0.34, 1.40):
        parts.append(piece(box(wide - 0.04, long - 0.05, 0.02).at(0, long / 2 + 0.02, level + 0.05), kit.wood()))
        made = _bedding(kit, wide - 0.06, long - 0.10, level + 0.06, cover=bedlinen(kit), hang=kit.between(0.0, 0.14))
        parts += [part.moved(0, 0.06) for part in made]
    if family == "cabin":
        side, head = box(0.03, long, 1.95, 0.004), box(wide, 0.03, 1.95, 0.004)
        parts.append(piece(join(side.at(-wide / 2 - 0.03, long / 2 + 0.02), head.at(0, 0.02)), frame))
    if family == "cabin" or kit.chance(0.25):
        cloth = kit.cloth()
        for z in (0.42, 1.50)[: kit.count(1, 2)]:
            drawn = curtain(kit.between(0.3, 0.8), 0.92 if z < 1 else 0.5, folds=6).turned(90)
            parts.append(piece(drawn.at(wide / 2 + 0.02, 0.75, z), cloth))
    if kit.chance(0.4):
        parts.append(piece(box(0.45, 0.02, 0.6, 0.01).at(0.1, long + 0.03, 0.95), kit.cloth()))  # a towel over the rail
    for _ in range(kit.count(0, 3)):
        x, y = kit.between(0.3, 0.65), kit.between(0.6, 1.9)
        parts += [part.moved(x, y) for part in shoes(kit).parts]
    return Fixture("bunk", family, tuple(parts), tell=5.0)


def _bunk_frame(wide: float, long: float, post: float) -> list[Mesh]:
    """Posts, beams, rails at head and foot, guard rails of the upper bed, ladder."""
    half, ladder = wide / 2, (long - 0.36, long - 0.03)
    meshes = [box(post, post, 1.92, 0.006).at(x, y) for x in (-half, half) for y in (0.05, long)]
    for level in (0.34, 1.40):
        beam = box(post * 0.7, long, 0.10, 0.006)
        meshes += [beam.at(x, long / 2 + 0.02, level) for x in (-half, half)]
        meshes += [box(wide, post * 0.7, 0.10, 0.006).at(0, y, level) for y in (0.05, long)]
    bar = min(0.02, post * 0.3)
    for y in (0.05, long):
        meshes += [tube([(-half, y, z), (half, y, z)], bar) for z in (0.66, 0.84, 1.70, 1.86)]
    for x, far in ((-half, long), (half, long * 0.6)):
        meshes += [tube([(x, 0.05, z), (x, far, z)], bar) for z in (1.72, 1.86)]
    meshes.append(tube([(half, long * 0.6, 1.45), (half, long * 0.6, 1.86)], bar))
    meshes += [tube([(half + 0.03, y, 0.0), (half + 0.03, y, 1.92)], 0.018) for y in ladder]
    steps = (0.28, 0.56, 0.84, 1.12, 1.36)
    meshes += [box(0.045, ladder[1] - ladder[0], 0.025, 0.004).at(half + 0.03, sum(ladder) / 2, z) for z in steps]
    return meshes


def bed(kit: Kit, *, double: bool) -> Fixture:
    """A bed with its headboard at the wall, made as a hotel makes it: a thick cover, pillows that lean on the board."""
    family = kit.look("bed")
    wide, long = (1.8 if double else 1.2), 2.05
    board = kit.one_of((kit.wood(), kit.wood(), Material("leather", kit.tint(kit.one_of(CLOTH)), 0.4)))
    parts = [piece(box(wide - 0.04, long, 0.28, 0.02).at(0, long / 2 + 0.06), kit.one_of((board, kit.wood())))]
    if family == "slats":
        parts.append(piece(box(wide + 0.3, 0.04, 0.06).at(0, 0.03, 1.05), board))
        parts += [piece(box(0.05, 0.03, 0.85).at(x * (wide + 0.2) / 8, 0.03, 0.2), board) for x in range(-4, 5)]
    elif family == "upholstered":
        parts += [
            piece(pill(((wide + 0.3) / 3, 0.12, 0.95), 6).at((index - 1) * (wide + 0.3) / 3, 0.06, 0.25), board)
            for index in range(3)
        ]
    else:
        parts.append(piece(box(wide + kit.between(0.2, 1.4), 0.06, kit.between(1.0, 1.25), 0.01).at(0, 0.03), board))
    parts += [part.moved(0, 0.09) for part in _hotel_bedding(kit, wide, long, 0.28, pillows=2 if double else 1)]
    return Fixture("bed", family, tuple(parts), tell=8.0)


def _hotel_bedding(kit: Kit, wide: float, long: float, z: float, *, pillows: int) -> list[Part]:
    """A mattress whose head is at y = 0, a cover over its sides, its edge turned down, pillows in two rows."""
    cover = LINEN if kit.chance(0.6) else bedlinen(kit)
    top, creases = z + 0.24, (kit.between(0, 6), kit.between(0, 6), kit.between(0, 6))
    parts = [piece(box(wide, long, 0.24, 0.05).at(0, long / 2, z), LINEN)]
    reach = long - 0.66
    lies = duvet(wide + 0.04, reach + 0.04, 0.15, hang=0.30, creases=creases, fine=0.5)
    parts.append(piece(lies.at(0, long - reach, top - 0.02), cover))
    turned = duvet(wide + 0.06, 0.36, 0.18, hang=0.31, creases=creases[::-1], fine=0.5)
    parts.append(piece(turned.at(0, long - reach - 0.05, top - 0.02), LINEN))
    hangs = pill((wide + 0.05, 0.10, 0.36), 5)  # over the foot
    parts.append(piece(hangs.at(0, long + 0.01, top - 0.27), cover))
    step = wide / pillows
    for index in range(pillows):
        x, broad = (index + 0.5) * step - wide / 2, min(0.8, step * 0.92)
        tilt = kit.between(-4, 4)
        back = pill((broad, 0.20, 0.50), 2.8).turned(20, "x").turned(tilt)
        front = pill((broad * 0.95, 0.19, 0.46), 2.8).turned(48 + kit.between(-6, 6), "x").turned(-tilt)
        parts += [piece(back.at(x, 0.24, top - 0.01), LINEN), piece(front.at(x, 0.52, top + 0.0), LINEN)]
    if kit.chance(0.5):
        cushion = kit.cloth()
        for x in (-wide / 5, wide / 5)[:pillows]:
            soft = pill((0.42, 0.15, 0.38), 2.4).turned(50, "x")
            parts.append(piece(soft.at(x if pillows > 1 else 0, 0.70, top + 0.06), cushion))
    if kit.chance(0.5):  # a runner across the foot, above the creases
        runner = duvet(wide + 0.09, 0.52, 0.20, hang=0.33, creases=creases, fine=0.0)
        parts.append(piece(runner.at(0, long - 0.62, top - 0.01), Material("runner", kit.tint(kit.one_of(CLOTH)), 0.8)))
    return parts


def footbench(kit: Kit, width: float) -> Fixture:
    """An upholstered bench, as at the foot of a bed."""
    cloth = Material("upholstery", kit.tint(kit.one_of(CLOTH)), 0.8)
    wood, reach = kit.wood(), width / 2 - 0.06
    legs = [piece(box(0.05, 0.05, 0.3).at(x, y), wood) for x in (-reach, reach) for y in (0.06, 0.36)]
    return Fixture("footbench", "soft", (*legs, piece(pill((width, 0.44, 0.18), 6).at(0, 0.22, 0.28), cloth)))


def writing_desk(kit: Kit) -> Fixture:
    """A hotel room's narrow desk under a mirror, with a lamp, and a tray with a kettle and cups."""
    wood, glow = kit.wood(), Material("shade", (1.0, 0.85, 0.62), 0.9, glow=0.25)
    cup = lathe([(0.03, 0), (0.04, 0.08), (0.036, 0.08), (0.026, 0.01)], 14)
    parts = [
        piece(box(1.2, 0.5, 0.04, 0.006).at(0, 0.26, 0.72), wood),
        *(piece(box(0.04, 0.46, 0.72).at(side * 0.57, 0.26), wood) for side in (-1, 1)),
        piece(box(1.12, 0.42, 0.1).at(0, 0.26, 0.62), wood),
        piece(box(0.9, 0.03, 0.75, 0.01).at(0, 0.02, 1.0), kit.one_of((BLACK, wood))),
        piece(panel(0.82, 0.67).at(0, 0.04, 1.04), MIRROR),
        piece(lathe([(0.07, 0), (0.07, 0.02), (0.012, 0.04), (0.012, 0.28)]).at(-0.45, 0.2, 0.76), CHROME),
        piece(loft([Ring(0.24, 0.13, 0.13), Ring(0.42, 0.09, 0.09)]).at(-0.45, 0.2, 0.76), glow),
        piece(box(0.4, 0.28, 0.015, 0.004).at(0.32, 0.26, 0.76), BLACK),
        piece(lathe([(0.075, 0), (0.08, 0.02), (0.06, 0.18), (0.02, 0.21)], 18).at(0.22, 0.28, 0.775), STEEL),
        *(piece(cup.at(x, 0.3, 0.775), CERAMIC) for x in (0.36, 0.45)),
    ]
    seat = chair(kit, family="four_legs")
    turn = 180 + kit.between(-20, 20)
    parts += [part.moved(kit.between(-0.15, 0.15), 0.95, 0, turn) for part in seat.parts]
    return Fixture("writing_desk", "mirror", tuple(parts), tell=1.5)


def cot(kit: Kit) -> Fixture:
    """A baby's cot with bars, its long side along the wall."""
    wood = kit.one_of((kit.wood(), Material("white lacquer", (0.92, 0.91, 0.88), 0.4)))
    bars = [box(0.02, 0.02, 0.62, 0.004).at(x / 10 * 1.14, y, 0.3) for x in range(-5, 6) for y in (0.05, 0.65)]
    bars += [box(0.02, 0.02, 0.62, 0.004).at(x, 0.05 + y * 0.1, 0.3) for x in (-0.6, 0.6) for y in range(1, 6)]
    rails = [box(1.24, 0.045, 0.05, 0.01).at(0, y, z) for y in (0.05, 0.65) for z in (0.26, 0.92)]
    rails += [box(0.045, 0.64, 0.05, 0.01).at(x, 0.35, z) for x in (-0.6, 0.6) for z in (0.26, 0.96)]
    rails += [box(0.05, 0.05, 1.0, 0.01).at(x, y) for x in (-0.6, 0.6) for y in (0.05, 0.65)]
    parts = [piece(join(*bars, *rails), wood), piece(box(1.16, 0.58, 0.12, 0.03).at(0, 0.35, 0.34), LINEN)]
    parts.append(piece(duvet(0.56, 0.6, 0.07, creases=(0.0, 1.0, 2.0)).turned(90).at(0.45, 0.35, 0.46), kit.cloth()))
    parts.append(pillow(-0.42, 0.35, 0.45, size=(0.24, 0.36)))
    return Fixture("cot", "bars", tuple(parts), tell=3.0)


def nightstand(kit: Kit) -> Fixture:
    """A small cabinet with a lamp, and perhaps a telephone."""
    wood = kit.wood()
    glow = Material("shade", (1.0, 0.85, 0.62), 0.9, glow=0.25)
    parts = [
        piece(box(0.48, 0.40, 0.52, 0.01).at(0, 0.22), wood),
        piece(box(0.44, 0.01, 0.02, 0.002).at(0, 0.425, 0.27), DARK),
        piece(lathe([(0.08, 0), (0.08, 0.02), (0.015, 0.04), (0.015, 0.25)]).at(-0.06, 0.2, 0.52), CHROME),
        piece(loft([Ring(0.22, 0.15, 0.15), Ring(0.45, 0.10, 0.10)]).at(-0.06, 0.2, 0.52), glow),
        piece(box(0.16, 0.12, 0.06, 0.015).at(0.14, 0.26, 0.52), BLACK),
    ]
    return Fixture("nightstand", "cabinet", tuple(parts))


def television(kit: Kit) -> Fixture:
    """A television over a low console."""
    wood, wide = kit.wood(), kit.between(0.9, 1.25)
    picture = Pattern(
        "screen", 1.0, ((0.05, 0.08, 0.15), (0.3, 0.45, 0.6), (0.7, 0.5, 0.3), (0.1, 0.2, 0.15)), kit.seed(), 5
    )
    face = (
        Material("screen", (0.5, 0.5, 0.5), 0.1, glow=0.05, pattern=picture)
        if kit.chance(0.35)
        else Material("dark screen", (0.015, 0.016, 0.02), 0.06)
    )
    parts = [
        piece(box(wide + 0.5, 0.42, 0.55, 0.012).at(0, 0.23), wood),
        piece(box(wide, 0.06, wide * 0.58, 0.012).at(0, 0.09, 0.85), BLACK),
        piece(panel(wide - 0.05, wide * 0.58 - 0.05).at(0, 0.122, 0.875), face),
        piece(lathe([(0.07, 0), (0.08, 0.16), (0.03, 0.2)], 16).at(0.35, 0.26, 0.55), STEEL),
        piece(box(0.3, 0.2, 0.015, 0.004).at(-0.35, 0.26, 0.55), BLACK),
    ]
    return Fixture("television", "console", tuple(parts), tell=1.5)


def luggage(kit: Kit) -> Fixture:
    """A luggage rack, with a suitcase on it."""
    shade = Material("suitcase", kit.tint(kit.one_of(CLOTH[1:])), 0.35)
    wood = kit.wood()
    parts = [piece(tube([(x, 0.1, 0.0), (x, 0.3, 0.25), (x, 0.5, 0.48)], 0.015), wood) for x in (-0.3, 0.3)]
    parts += [piece(tube([(x, 0.5, 0.0), (x, 0.3, 0.25), (x, 0.1, 0.48)], 0.015), wood) for x in (-0.3, 0.3)]
    parts += [piece(box(0.6, 0.04, 0.01).at(0, y, 0.47), BLACK) for y in (0.15, 0.3, 0.45)]
    parts.append(piece(pill((0.68, 0.46, 0.24), 7).at(0, 0.3, 0.48), shade))
    parts.append(piece(tube([(-0.1, 0.54, 0.6), (0, 0.56, 0.62), (0.1, 0.54, 0.6)], 0.012), BLACK))
    return Fixture("luggage", "rack", tuple(parts), tell=1.0)


def wardrobe(kit: Kit) -> Fixture:
    """A wardrobe with two doors."""
    wood = kit.wood()
    parts = [
        piece(box(1.0, 0.58, 2.05, 0.008).at(0, 0.3), wood),
        piece(box(0.006, 0.006, 1.95).at(0, 0.593, 0.05), DARK),
    ]
    parts += [piece(box(0.015, 0.03, 0.18, 0.004).at(side * 0.06, 0.61, 1.0), CHROME) for side in (-1, 1)]
    return Fixture("wardrobe", "two_doors", tuple(parts), tell=0.5)
