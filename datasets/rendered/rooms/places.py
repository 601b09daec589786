"""The places: each furnishes a room, and says which zone of the law it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rooms import changing, eating, halls, sanitary, seating, serving, sleeping, storing, working
from rooms.families import CLOTH, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, MIRROR, PAPER, STEEL, WHITE, Colour, Material, Pattern
from rooms.room import Opening, Room, Wall, spread
from rooms.scene import BEHIND, Lamp, Part
from rooms.shapes import box, floor, panel

DOOR_OPEN, DOOR_SHUT = "door open", "door shut"
"""Groups of a corridor's parts: its washroom door stands open, or is shut."""


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of place.

    Attributes:
        name: As it stands in the manifest.
        zone: Slug of its zone.
        build: Furnishes one.
        crowd: The most people in a picture of it; whether there are any is drawn alike for all places.
        views: Lenses that make sense there: "corner", "dome", "fisheye", "doorway", "above".
    """

    name: str
    zone: str
    build: Callable[[Kit], Room]
    crowd: int = 3
    views: tuple[str, ...] = ("corner", "corner", "dome", "fisheye", "doorway")


def _wet(kit: Kit, room: Room, *, tiled_to: float | None = None) -> Room:
    high = tiled_to or kit.one_of((room.height, 2.1, 1.5))
    room.enclose(ground=kit.tiles("floor_tiles"), walls=kit.plaster(), tiles=kit.tiles(), tiled_to=high)
    room.light()
    return room


def _dry(kit: Kit, room: Room, *, ground: Material | None = None, warm: bool = False) -> Room:
    room.enclose(
        ground=ground or kit.one_of((kit.planks(), kit.tiles("floor_tiles"), kit.planks())), walls=kit.plaster()
    )
    room.light(warm=warm)
    return room


def _enter(room: Room, wall: Wall, along: float, *, angle: float = 0.0) -> None:
    """Put a door in a wall, and dark behind it."""
    room.openings.append(Opening(wall, along, 0.92, 2.1))
    room.place(halls.door(room.kit, angle=angle), wall, along)
    x, y, turn = room.spot(wall, along, -0.12)
    room.parts.append(Part(panel(1.2, 2.2), Material("beyond", (0.45, 0.44, 0.42), 0.9)).moved(x, y, 0, turn))
    inner = room.spot(wall, along, 0.35)
    room.entry = (inner[0], inner[1])
    x0, y0 = inner[0] - 0.5, inner[1] - 0.5
    room.taken.append((x0, y0, x0 + 1.0, y0 + 1.0))


def _litter(room: Room, makers: tuple[Callable[[Kit], Fixture], ...], most: int) -> None:
    """Leave things about on the free floor."""
    for _ in range(room.kit.count(0, most)):
        spot = room.free(0.1)
        if spot is not None:
            room.stand(room.kit.one_of(makers)(room.kit), *spot, room.kit.between(0, 360))


# ------------------------------------------------------------------------------------------ the five zones of Article 7


def washroom(kit: Kit) -> Room:
    """A public washroom: cubicles, basins with mirrors, urinals in the men's."""
    men = kit.chance(0.6)
    stalls = kit.count(2, 5)
    room = Room(kit, max(4.0, stalls * 1.05 + kit.between(0.3, 1.4)), kit.between(4.2, 5.6), kit.between(2.5, 3.0))
    row = sanitary.cubicles(kit, stalls)
    room.place(row, "north", room.width - row.width / 2 - 0.02)
    if men:
        urinals = sanitary.urinals(kit, kit.count(2, max(2, int((room.depth - 2.2) / 0.8))))
        room.place(
            urinals,
            "west",
            room.depth - row.depth - urinals.width / 2 - 0.3 if kit.chance(0.2) else urinals.width / 2 + 0.5,
        )
    bowls = sanitary.basins(kit, kit.count(2, max(2, int((room.width - 1.5) / 0.9))))
    if men or kit.chance(0.5):
        room.place(bowls, "south", room.width - bowls.width / 2 - kit.between(0.1, 0.5))
        _enter(room, "east", room.depth - row.depth - 0.9)
    else:
        room.place(bowls, "west", bowls.width / 2 + 0.4)
        _enter(room, "south", room.width - 0.9)
    room.place(sanitary.dispenser(kit), "east", kit.between(1.0, 1.4))
    if kit.chance(0.5):
        room.place(sanitary.mop(kit), "west", room.depth - row.depth - 0.3)
    if kit.chance(0.6):
        room.window("east", room.depth - 0.6, 0.7, 1.6, 2.2)
    return _wet(kit, room)


def bathroom(kit: Kit) -> Room:
    """A small washroom with one seat, as in hotels and homes: toilet, basin, shower or tub."""
    room = Room(kit, kit.between(2.1, 2.8), kit.between(2.4, 3.3), kit.between(2.4, 2.7))
    room.place(sanitary.toilet(kit), "west", kit.between(0.6, 0.8))
    bowl = sanitary.basins(kit, 1)
    room.place(bowl, "west", 1.2 + bowl.width / 2)
    if kit.chance(0.5):
        room.place(sanitary.tub(kit), "north", 0.85)
    else:
        room.place(sanitary.showers(kit, 1), "north", room.width - 0.6)
    if kit.chance(0.5):
        room.stand(halls.mat(kit, 0.8, 0.5), room.width / 2, 1.2)
    room.place(changing.hooks(kit, 0.7), "east", 1.0)
    _enter(room, "south", room.width - 0.6)
    return _wet(kit, room)


def bathhouse(kit: Kit) -> Room:
    """A communal bath: a pool, seated washing places, showers."""
    room = Room(kit, kit.between(5.2, 7.0), kit.between(5.0, 6.6), kit.between(2.8, 3.4))
    if kit.chance(0.7):
        room.place(
            sanitary.pool(kit, kit.between(2.6, room.width - 1.6), kit.between(1.9, 2.5)), "north", room.width / 2
        )
        room.place(sanitary.stations(kit, kit.count(3, 4)), "west", 1.9)
        if kit.chance(0.6):
            room.place(sanitary.showers(kit, kit.count(2, 3)), "east", 1.8)
        else:
            room.place(sanitary.stations(kit, 3), "east", 1.7)
    else:
        room.place(sanitary.showers(kit, 4), "north", room.width / 2)
        room.place(sanitary.showers(kit, 3), "west", 1.8)
        room.stand(seating.bench(kit, 1.8), room.width - 1.5, 1.6, 90)
    _enter(room, "south", room.width - 1.0)
    if kit.chance(0.5):
        room.place(changing.hooks(kit, 1.2), "south", 1.2)
    _litter(room, (serving.basket, sanitary.mop), 2)
    return _wet(kit, room, tiled_to=room.height if kit.chance(0.7) else 2.0)


def shower_room(kit: Kit) -> Room:
    """A row of showers, or two that face each other, as in dormitories, gyms and works; tiled up to the ceiling."""
    count = kit.count(3, 4)
    room = Room(kit, count * 1.1 + kit.between(0.3, 0.9), kit.between(2.9, 3.8), kit.between(2.4, 2.8))
    row = sanitary.showers(kit, count)
    room.place(row, "north", room.width / 2)
    if kit.chance(0.35):
        room.place(sanitary.showers(kit, 2), "south", 1.25)
    else:
        room.place(seating.bench(kit, 1.4), "south", 1.1)
        room.place(changing.hooks(kit, 1.4), "south", 1.1)
    if kit.chance(0.6):
        room.place(sanitary.basins(kit, 1), "west" if kit.chance(0.5) else "east", 1.45)
    _enter(room, "south", room.width - 0.7)
    _litter(room, (serving.basket, changing.shoes, sanitary.mop), 2)
    return _wet(kit, room, tiled_to=room.height if kit.chance(0.75) else 2.1)


def changing_room(kit: Kit) -> Room:
    """A changing room: banks of lockers on three sides, benches between them, hooks, a mirror."""
    room = Room(kit, kit.between(3.4, 4.6), kit.between(3.8, 5.4), kit.between(2.4, 2.8))
    shade = Material("enamel", kit.tint(kit.one_of(changing.PAINTED)), 0.35) if kit.chance(0.8) else kit.wood()
    bank = changing.lockers(kit, int((room.width - 0.1) / 0.32), shade)
    room.place(bank, "north", room.width / 2)
    side = changing.lockers(kit, int((room.depth - 1.7) / 0.32), shade)
    room.place(side, "west", room.depth - 0.55 - side.width / 2)
    if kit.chance(0.6):
        across = changing.lockers(kit, int((room.depth - 2.2) / 0.32), shade)
        room.place(across, "east", room.depth - 0.55 - across.width / 2)
    elif kit.chance(0.4):
        room.place(changing.vanity(kit, 1.6), "east", room.depth / 2 + 0.4)
    else:
        room.place(changing.hooks(kit, 2.0), "east", room.depth / 2 + 0.3)
        room.place(seating.bench(kit, 2.0), "east", room.depth / 2 + 0.3)
    long = min(2.4, room.depth - 2.2)
    for x in (room.width / 2,) if room.width < 4.0 else (room.width / 2 - 0.35, room.width / 2 + 0.45):
        room.stand(seating.bench(kit, long), x - 0.2, room.depth - 1.0 - long / 2, -90)
    if kit.chance(0.3):
        room.place(changing.booths(kit, 1), "south", 0.8)
    elif kit.chance(0.6):
        room.place(changing.hooks(kit, 1.2), "south", 0.9)
    else:
        room.place(changing.long_mirror(kit), "south", 0.8)
    _enter(room, "south", room.width - 0.8)
    _litter(room, (changing.shoes, changing.bag, changing.shoes, serving.basket), 4)
    ground = kit.one_of((kit.tiles("floor_tiles"), kit.tiles("floor_tiles"), kit.planks()))
    room.enclose(ground=ground, walls=kit.plaster(), tiles=kit.tiles() if kit.chance(0.35) else None, tiled_to=1.4)
    room.light()
    return room


def dormitory(kit: Kit) -> Room:
    """A dormitory for four to eight: bunk beds along the walls, desks or lockers, things lying about."""
    pairs = kit.count(1, 2)
    room = Room(kit, kit.between(3.0, 3.6), pairs * 2.15 + kit.between(1.2, 1.6), kit.between(2.7, 3.1))
    for index in range(pairs):
        along = room.depth - 1.1 - index * 2.15
        for wall in ("west", "east"):
            if wall == "east" and index == pairs - 1 and pairs > 1 and kit.chance(0.25):
                continue
            x = 0.58 if wall == "west" else room.width - 0.58  # the long side stands against the wall
            room.stand(sleeping.bunk(kit), x, along + 1.05, 180.0)
    room.window("north", room.width / 2, 1.3, 0.95, 2.2, drapes=kit.cloth())
    if room.width > 3.4:
        room.place(working.desk(kit, 0.9, computer=kit.chance(0.3)), "north", room.width / 2)
    if kit.chance(0.6):
        room.place(changing.lockers(kit, kit.count(2, 3)), "south", kit.between(0.55, 0.7))
    else:
        room.place(working.desk(kit, 1.0, computer=kit.chance(0.3)), "south", 0.75)
    if kit.chance(0.4):
        room.place(halls.line_of_washing(kit, room.width - 2.2), "north", room.width / 2)
    _enter(room, "south", room.width - 0.8)
    _litter(room, (changing.shoes, changing.bag, seating.stool, serving.basket, changing.bin_), 6)
    return _dry(kit, room)


RESTFUL: tuple[Colour, ...] = (
    (0.52, 0.44, 0.35),
    (0.38, 0.33, 0.29),
    (0.46, 0.44, 0.42),
    (0.42, 0.22, 0.18),
    (0.26, 0.28, 0.34),
    (0.60, 0.54, 0.45),
)
"""Carpets of hotels."""


def guest_room(kit: Kit) -> Room:
    """A hotel room: a double or twin beds, nightstands, television, desk, luggage rack, drapes."""
    room = Room(kit, kit.between(3.6, 4.3), kit.between(4.3, 5.3), kit.between(2.5, 2.8))
    twin = kit.chance(0.45)
    head = room.depth - 0.35
    if twin:
        style = kit.count(0, 10**6)
        for index in range(2):
            same = replace(kit, rng=type(kit.rng)(type(kit.rng.bit_generator)(style)))
            bed = sleeping.bed(same, double=False)
            room.place(bed, "west", head - 0.95 - index * 1.85)
        room.place(sleeping.nightstand(kit), "west", head - 1.88)
    else:
        room.place(sleeping.bed(kit, double=True), "west", head - 1.5)
        room.place(sleeping.nightstand(kit), "west", head - 0.3)
        room.place(sleeping.nightstand(kit), "west", head - 2.72)
        if kit.chance(0.4):
            room.stand(sleeping.footbench(kit, 1.3), 2.28, head - 1.5, -90)
    room.place(sleeping.television(kit), "east", head - 1.3)
    room.place(sleeping.writing_desk(kit), "east", head - 2.9)
    if kit.chance(0.6):
        room.stand(seating.sofa(kit, 0.85), room.width - 0.75, room.depth - 0.7, 150)
    if kit.chance(0.7):
        room.place(halls.picture(kit, 1.1, 0.6), "west", head - 1.5)
    room.window("north", room.width / 2 + 0.5, 1.8, 0.5, 2.2, drapes=kit.cloth())
    if kit.chance(0.5):
        room.place(sleeping.wardrobe(kit), "south", 0.6)
    else:
        room.place(sleeping.luggage(kit), "south", 0.6)
    _enter(room, "south", room.width - 0.8)
    _litter(room, (changing.shoes, changing.bag), 2)
    plain = Material("carpet", (0.5, 0.5, 0.5), 1.0)
    shades = kit.tint(kit.one_of(RESTFUL), 0.06), kit.tint(kit.one_of(RESTFUL), 0.1)
    woven = replace(plain, colour=shades[0], pattern=Pattern("carpet", 1.5, shades[: kit.count(1, 2)], kit.seed(), 2))
    return _dry(kit, room, ground=kit.one_of((woven, woven, kit.planks())), warm=kit.chance(0.6))


# -------------------------------------------------------------------------------- "and other places", also of Article 7


def fitting_room(kit: Kit) -> Room:
    """The fitting booths of a clothes shop."""
    room = Room(kit, kit.between(3.6, 4.8), kit.between(3.2, 4.2), kit.between(2.6, 2.9))
    row = changing.booths(kit, 3 if room.width < 4.4 else 4)
    room.place(row, "north", room.width / 2)
    room.place(changing.long_mirror(kit, 0.9), "west", 0.9)
    room.stand(seating.bench(kit, 1.2), room.width / 2, 0.9)
    room.place(halls.rail_of_clothes(kit, 1.2), "south", 1.0)
    _enter(room, "south", room.width - 0.7)
    return _dry(kit, room, ground=kit.one_of((kit.planks(), kit.carpet())), warm=kit.chance(0.5))


def lactation_room(kit: Kit) -> Room:
    """A room to nurse in: a sofa behind a curtain, an armchair, a changing table, a cot, a basin, a fridge, toys."""
    room = Room(kit, kit.between(3.3, 4.0), kit.between(3.1, 3.8), 2.6)
    long = kit.one_of((1.5, 1.7))
    room.place(seating.sofa(kit, long), "north", 0.78 + long / 2)
    room.place(halls.drape(kit, 1.3), "north", 0.9 + long)
    room.place(sleeping.cot(kit), "west", 0.72)
    room.place(halls.changing_table(kit), "west", 1.92)
    room.place(sanitary.basins(kit, 1), "east", 2.15)
    room.place(serving.fridge(kit), "east", 1.38)
    for x in (0.6, 1.5):
        room.place(halls.picture(kit, 0.45, 0.45), "north", x + kit.between(0.1, 0.5))
    room.place(halls.decals(kit, 2.4), "west", 1.5)
    room.place(halls.plant(kit), "north", 0.35)
    if kit.chance(0.7):
        room.stand(halls.mat(kit, 1.3, 1.0), room.width / 2, 1.0)
        del room.taken[-1], room.blocks[-1]
    for _ in range(kit.count(1, 4)):
        if (spot := room.free(0.05)) is not None:
            room.stand(halls.toy(kit), *spot, kit.between(0, 360))
    room.place(changing.bin_(kit), "south", 0.5)
    _enter(room, "south", room.width - 0.8)
    return _dry(kit, room, warm=True)


def dining_box(kit: Kit) -> Room:
    """A private dining room: a round table under a lamp, a sofa, a television."""
    room = Room(kit, kit.between(4.2, 5.2), kit.between(4.2, 5.2), 2.8)
    room.stand(eating.round_table(kit, kit.count(6, 10)), room.width / 2, room.depth / 2 - 1.5)
    room.place(seating.sofa(kit, 1.9), "north", 1.3)
    room.place(sleeping.television(kit), "east", room.depth / 2)
    for wall in ("west", "north"):
        room.place(halls.picture(kit, 1.3, 0.8), wall, room.length(wall) / 2 + 0.4)
    room.place(halls.plant(kit), "north", room.width - 0.6)
    _enter(room, "south", room.width - 0.8)
    room.enclose(
        ground=kit.one_of((kit.carpet(), kit.planks())), walls=kit.wood() if kit.chance(0.3) else kit.plaster()
    )
    room.light(warm=True)
    return room


# ----------------------------------------------------------------------------------------------------- permitted places


def corridor(kit: Kit) -> Room:
    """A corridor past a washroom, whose door stands open or is shut: groups `DOOR_OPEN` and `DOOR_SHUT`."""
    room = Room(kit, kit.between(1.9, 2.6), kit.between(8.0, 11.0), kit.between(2.5, 2.9))
    at = kit.between(3.0, 4.2)
    width = 1.15
    room.openings.append(Opening("east", at, width, 2.1))
    look = kit.count(0, 10**6)
    for group, angle in ((DOOR_OPEN, 96.0), (DOOR_SHUT, 0.0)):
        same = replace(kit, rng=type(kit.rng)(type(kit.rng.bit_generator)(look)))
        leaf = halls.door(same, angle=angle, width=width)
        before = len(room.parts)
        room.place(leaf, "east", at)
        room.parts[before:] = [replace(part, group=group) for part in room.parts[before:]]
    room.place(halls.sign(kit, kit.one_of(((0.1, 0.3, 0.6), (0.1, 0.4, 0.25), (0.15, 0.15, 0.16)))), "east", at)
    inner = washroom_behind(kit)
    room.parts += inner.inside(room.width + 0.14, at - inner.entry[1], 0.0, label=BEHIND)
    room.lamps += [
        replace(lamp, place=(lamp.place[0] + room.width + 0.14, lamp.place[1] + at - inner.entry[1], lamp.place[2]))
        for lamp in inner.lamps
    ]
    for x, y, z, weight in inner.tells:
        room.tells.append((min(x, 1.0) + room.width, y + at - inner.entry[1], z, weight * 0.2))
    room.taken.append((room.width - 0.8, at - 0.8, room.width, at + 0.8))
    shade, trim = kit.one_of((kit.wood(), kit.lacquer())), kit.one_of((STEEL, WHITE))
    y = 1.3
    while y < room.depth - 1.0:
        room.place(halls.door(kit, shade=shade, frame=trim), "west", y)
        if abs(y - at) > 2.2:
            room.place(halls.door(kit, shade=shade, frame=trim), "east", y)
        y += kit.between(2.2, 3.2)
    if kit.chance(0.7):
        room.place(halls.extinguisher(kit), "west", min(room.depth - 0.5, at + 2.0))
    if kit.chance(0.5):
        room.place(halls.plant(kit), "north", 0.5)
    room.place(halls.picture(kit, 0.6, 0.8), "west", at)
    if kit.chance(0.5):
        room.window("north", room.width / 2, 1.2, 0.9, 2.1)
    else:
        room.place(halls.door(kit), "north", room.width / 2)
    room.tells.append((room.width / 2, room.depth * 0.62, 0.9, 6.0))
    room.enclose(ground=kit.one_of((kit.tiles("floor_tiles"), kit.carpet(), kit.planks())), walls=kit.plaster())
    room.light((1, max(3, round(room.depth / 2.6))))
    room.entry = (room.width / 2, at)
    return room


def washroom_behind(kit: Kit) -> Room:
    """A washroom that is entered from the west, laid out so that a look through the door tells what it is."""
    room = Room(kit, kit.between(3.6, 4.4), kit.between(4.4, 5.0), kit.between(2.5, 2.7))
    entry = 2.1
    room.openings.append(Opening("west", entry, 1.15, 2.1))
    row = sanitary.cubicles(kit, 3)
    room.place(row, "north", room.width - row.width / 2 - 0.05)
    room.place(sanitary.urinals(kit, 3), "east", 1.35)
    room.place(sanitary.basins(kit, 2), "south", 1.3)
    room.entry = (0.0, entry)
    room.enclose(ground=kit.tiles("floor_tiles"), walls=kit.plaster(), tiles=kit.tiles(), tiled_to=2.1)
    room.light()
    return room


def lobby(kit: Kit) -> Room:
    """A lobby: a reception before a clad wall, sofas around low tables on rugs, plants, a pillar."""
    room = Room(kit, kit.between(6.4, 8.2), kit.between(6.2, 7.8), kit.between(2.9, 3.5))
    clad = Fixture("cladding", "panels", (piece(box(4.2, 0.03, room.height - 0.15, 0.004).at(0, 0.015), kit.wood()),))
    room.place(clad, "north", room.width / 2)
    room.place(halls.counter(kit, 3.0), "north", room.width / 2)
    for side in (-1, 1):
        room.place(halls.picture(kit, 0.9, 1.1), "north", room.width / 2 + side * 2.7)
    low = (
        piece(box(1.0, 0.6, 0.04, 0.01).at(0, 0.3, 0.4), kit.stone()),
        piece(box(0.8, 0.4, 0.4, 0.01).at(0, 0.3), BLACK),
    )
    rug, table = halls.mat(kit, 2.8, 2.6).parts, Fixture("low_table", "stone", low)
    room.parts += [part.moved(2.1, 1.3) for part in rug]
    style = kit.count(0, 10**6)
    for width, x, y, turn in (
        (2.1, 0.15, 2.6, -90),
        (2.1, 4.05, 2.6, 90),
        (0.95, 2.1, 4.2, 180),
        (0.95, room.width - 0.15, 1.3, 90),
        (0.95, room.width - 0.15, 2.6, 90),
    ):
        same = replace(kit, rng=type(kit.rng)(type(kit.rng.bit_generator)(style)))
        room.stand(seating.sofa(same, width), x, y, turn)
    room.stand(table, 1.8, 2.6, -90)
    room.stand(halls.plant(kit), room.width - 0.2, 1.95, 90)
    for x in (0.5, room.width - 0.5):
        room.stand(halls.plant(kit), x, room.depth - 0.3, 180)
    room.stand(halls.column(kit, room.height), room.width * 0.76, room.depth * 0.5)
    room.window("south", room.width * 0.3, 2.2, 0.1, 2.6)
    room.window("south", room.width * 0.7, 2.2, 0.1, 2.6)
    room.place(halls.door(kit), "east", room.depth - 1.6)
    return _dry(kit, room, ground=kit.one_of((kit.stone(), kit.tiles("floor_tiles"))), warm=kit.chance(0.5))


def elevator(kit: Kit) -> Room:
    """A lift's car: panelled walls, a rail, a mirror, a panel of buttons, sliding doors in their frame."""
    room = Room(kit, kit.between(1.5, 2.0), kit.between(1.5, 2.0), 2.4)
    if kit.chance(0.6):
        glass = (piece(panel(room.width - 0.3, 1.1).at(0, 0.022, 1.02), MIRROR),)
        room.place(Fixture("mirror", "lift", glass), "north", room.width / 2)
    walls = Material("brushed steel", (0.62, 0.62, 0.62), 0.33, metal=True) if kit.chance(0.6) else kit.wood()
    for wall in ("north", "east", "west"):
        long = room.length(wall)
        room.place(halls.handrail(long - 0.25), wall, long / 2)
        room.place(halls.lift_panels(long, room.height), wall, long / 2)
    room.place(halls.lift_buttons(kit), "east", 0.28)
    room.place(halls.lift_doors(kit, room.width), "south", room.width / 2)
    for _ in range(kit.count(0, 2)):
        room.place(halls.picture(kit, 0.4, 0.55), kit.one_of(("east", "west")), room.depth * kit.between(0.5, 0.65))
    room.tells.append((room.width / 2, room.depth / 2, 0.4, 1.0))
    room.enclose(
        ground=kit.one_of((kit.stone(), kit.tiles("floor_tiles"), Material("rubber floor", (0.16, 0.16, 0.17), 0.7))),
        walls=walls,
        ceiling=kit.one_of((None, STEEL)),
    )
    room.light((2, 2) if kit.chance(0.5) else (1, 1))
    return room


def office(kit: Kit) -> Room:
    """An open office: workplaces, cabinets, shelves, plants."""
    room = Room(kit, kit.between(5.6, 7.6), kit.between(5.2, 7.0), 2.8)
    screens = kit.chance(0.5)
    for y in (room.depth * 0.30, room.depth * 0.68):
        x = 1.2
        while x < room.width - 1.2:
            room.stand(working.workplace(kit) if screens else working.desk(kit), x, y)
            x += 1.65
    room.place(working.cabinet(kit), "east", room.depth - 0.8)
    room.place(working.shelf(kit), "north", 1.0)
    room.place(halls.plant(kit), "north", room.width - 0.7)
    room.window("north", room.width / 2 + 0.3, 2.4, 0.95, 2.2)
    room.place(halls.picture(kit), "west", room.depth / 2)
    _enter(room, "south", room.width - 0.8)
    return _dry(kit, room, ground=kit.one_of((kit.carpet(), kit.planks(), kit.tiles("floor_tiles"))))


def classroom(kit: Kit) -> Room:
    """A classroom: rows of desks before a board."""
    room = Room(kit, kit.between(6.0, 7.5), kit.between(6.5, 8.0), 3.0)
    room.place(working.blackboard(kit), "north", room.width / 2)
    shade, top = Material("seat", kit.tint(kit.one_of(CLOTH)), 0.6), kit.wood()
    same = kit
    for y in (room.depth - 2.6 - 1.4 * row for row in range(int((room.depth - 2.6) / 1.4))):
        for x in spread(room.width - 1.0, int((room.width - 0.8) / 1.2)):
            room.stand(working.pupil(same, shade, top), x + 0.5, y, 180)
    teacher = (
        piece(box(1.4, 0.6, 0.9, 0.01).at(0, 0.3), kit.wood()),
        piece(box(0.3, 0.2, 0.04, 0.004).at(0.2, 0.3, 0.9), PAPER),
    )
    room.stand(Fixture("lectern", "desk", teacher), room.width * 0.3, room.depth - 1.5)
    for along in spread(room.depth, 3):
        room.window("west", along, 1.5, 0.95, 2.3)
    room.place(halls.picture(kit, 1.2, 0.8), "east", room.depth / 2)
    _enter(room, "east", room.depth - 1.2)
    return _dry(kit, room)


def canteen(kit: Kit) -> Room:
    """A canteen: long rows of tables with their seats and meals, before a serving counter under a lit menu."""
    count, rows, aside = kit.count(2, 3), kit.count(3, 4), kit.chance(0.5)
    room = Room(kit, 1.85 * count + kit.between(1.0, 1.6), 1.87 * rows + kit.between(2.3, 2.8), 3.0)
    long = min(5.0, room.width - 0.9)
    room.place(eating.serving(kit, long), "north", room.width / 2 - 0.4)
    room.place(eating.menu(kit, int(long / 1.3)), "north", room.width / 2 - 0.4)
    shade = Material("seat", kit.tint(kit.one_of(eating.SEATED)), 0.5)
    top = kit.one_of((WHITE, kit.wood(), kit.wood(), kit.wood()))
    start = 0.15 if aside else room.width - 0.15 - count * 1.85  # the aisle is on the other side
    for row in range(rows):
        for index in range(count):
            x, y = start + 0.925 + 1.85 * index, 0.03 + 1.87 * row
            room.stand(eating.canteen_table(kit, shade, top), x, y)
            y += eating.MIDDLE
            room.seats += [(x + seat, y + side * 0.56, 90.0 + side * 90) for seat in eating.SEATS for side in (-1, 1)]
    for along in spread(room.depth - 2.0, 3):
        room.place(halls.picture(kit, 1.2, 0.8), "west", along)
    room.place(serving.fridge(kit, glazed=True), "north", room.width - 0.42)
    room.place(changing.bin_(kit), "east" if aside else "west", room.depth - 1.6)
    for along in spread(room.width, 2):
        room.window("south", along, 1.8, 0.95, 2.3)
    foot = kit.one_of((kit.wood(), kit.tiles(), kit.tiles(), None))
    room.enclose(ground=kit.tiles("floor_tiles"), walls=kit.plaster(), tiles=foot, tiled_to=kit.between(1.0, 1.5))
    room.light(warm=kit.chance(0.5))
    return room


def laundry(kit: Kit) -> Room:
    """A laundry: rows of washing machines, a table, baskets; wet tiles as in a washroom."""
    room = Room(kit, kit.between(3.6, 4.8), kit.between(3.5, 4.6), 2.7)
    row = serving.washers(kit, int((room.width - 0.2) / 0.70))
    room.place(row, "north", room.width / 2)
    room.place(halls.detergents(kit, room.width - 0.6), "north", room.width / 2)
    if kit.chance(0.75):
        side = serving.washers(kit, int((room.depth - 1.3) / 0.70))
        room.place(side, "west", room.depth - 0.75 - side.width / 2)
    else:
        room.place(seating.bench(kit, 1.6), "west", 1.4)
    table = (
        piece(box(1.6, 0.8, 0.05, 0.01).at(0, 0.4, 0.82), WHITE),
        *(piece(box(0.06, 0.7, 0.82).at(x, 0.4), STEEL) for x in (-0.7, 0.7)),
    )
    room.stand(Fixture("table", "folding", table), room.width * 0.55, 1.4)
    for _ in range(3):
        room.stand(serving.basket(kit), room.width * 0.55 + kit.between(-0.6, 0.6), 1.45, 0, 0.87) if kit.chance(
            0.3
        ) else None
        spot = room.free(0.1)
        if spot:
            room.stand(serving.basket(kit), *spot)
    room.place(sanitary.basins(kit, 1) if kit.chance(0.3) else halls.picture(kit), "east", 1.4)
    _enter(room, "south", room.width - 0.8)
    room.enclose(
        ground=kit.tiles("floor_tiles"),
        walls=kit.plaster(),
        tiles=kit.tiles() if kit.chance(0.5) else None,
        tiled_to=1.5,
    )
    room.light()
    return room


def shop(kit: Kit) -> Room:
    """A small shop: aisles between shelves of goods, coolers, a till by the door; or a clothes shop."""
    if kit.chance(0.3):
        return _clothes_shop(kit)
    room = Room(kit, kit.between(4.6, 6.4), kit.between(5.4, 7.4), 2.9)
    room.row((working.shelf(kit, 1.2, 2.1, goods="goods") for _ in range(9)), "north", 0.05, 0.01)
    room.row((working.shelf(kit, 1.2, 2.1, goods="goods") for _ in range(9)), "west", 0.1, 0.01)
    room.row((serving.fridge(kit, glazed=True) for _ in range(kit.count(3, 5))), "east", 2.6, 0.01)
    bays = int((room.depth - 2.9) / 1.2)
    for x in spread(room.width - 1.2, int((room.width - 0.8) / 1.75)):
        room.stand(working.gondola(kit, bays, kit.between(1.4, 1.7)), x + 0.45, 1.0)
    room.stand(halls.counter(kit, 1.5, till=True), room.width - 1.45, 1.75, 90)
    for x in spread(room.width, 2):
        room.parts += [part.moved(x, room.depth * 0.6, room.height) for part in halls.hanging_sign(kit).parts]
    _enter(room, "south", room.width - 0.8)
    return _dry(kit, room, ground=kit.one_of((kit.tiles("floor_tiles"), kit.tiles("floor_tiles"), kit.planks())))


def _clothes_shop(kit: Kit) -> Room:
    """A clothes shop: clothes along the walls on two levels, rails, folded stacks on tables, a mirror, a till."""
    room = Room(kit, kit.between(4.8, 6.2), kit.between(5.0, 6.6), 2.9)
    for wall in ("north", "west"):
        room.row((halls.wall_of_clothes(kit, 1.3) for _ in range(9)), wall, 0.45, 0.03)
    for x in spread(room.width - 1.4, 2):
        room.stand(halls.folded(kit), x + 0.5, room.depth - 2.9)
        room.stand(halls.rail_of_clothes(kit), x + 0.5, 1.5, kit.one_of((0.0, 90.0)))
    room.place(changing.long_mirror(kit, 0.8), "east", room.depth - 1.2)
    room.stand(halls.counter(kit, 1.5, till=True), room.width - 1.3, 2.0, 90)
    _enter(room, "south", room.width - 0.8)
    return _dry(kit, room, ground=kit.one_of((kit.planks(), kit.tiles("floor_tiles"))), warm=kit.chance(0.5))


def kitchen(kit: Kit) -> Room:
    """A kitchen: counters, stove and hood, sink, fridge, a work table."""
    room = Room(kit, kit.between(3.6, 5.2), kit.between(3.4, 4.6), 2.7)
    room.place(serving.kitchen_line(kit, room.width - 1.0), "north", (room.width - 1.0) / 2 + 0.1)
    room.place(serving.fridge(kit), "north", room.width - 0.45)
    if kit.chance(0.6):
        room.place(serving.kitchen_line(kit, room.depth - 1.6), "west", (room.depth - 1.6) / 2 + 0.2)
    table = (
        piece(box(1.4, 0.75, 0.04, 0.01).at(0, 0.4, 0.8), kit.one_of((STEEL, kit.wood()))),
        *(piece(box(0.05, 0.05, 0.8).at(x, y), STEEL) for x in (-0.62, 0.62) for y in (0.1, 0.7)),
    )
    room.stand(Fixture("table", "work", table), room.width * 0.58, 1.1)
    room.window("east", 1.6, 1.1, 1.1, 2.1)
    _enter(room, "south", room.width - 0.8)
    room.enclose(
        ground=kit.tiles("floor_tiles"),
        walls=kit.plaster(),
        tiles=kit.tiles() if kit.chance(0.6) else None,
        tiled_to=1.5,
    )
    room.light()
    return room


def ward(kit: Kit) -> Room:
    """A hospital corridor: rails, wheeled beds against the wall, a wheelchair, doors."""
    room = Room(kit, kit.between(2.6, 3.4), kit.between(8.0, 10.0), 2.8)
    for wall in ("west", "east"):
        room.place(halls.handrail(room.depth - 0.6), wall, room.depth / 2)
    shade = kit.one_of((kit.wood(), kit.lacquer()))
    for y in (1.5, 4.4, 7.2):
        room.place(halls.door(kit, shade=shade), "west", y)
    room.stand(halls.ward_bed(kit), room.width - 0.05, 5.6, 90)
    if kit.chance(0.6):
        room.stand(halls.ward_bed(kit), room.width - 0.05, 2.6, 90)
    room.stand(halls.drip(kit), room.width - 0.3, 6.9, 90)
    room.stand(halls.wheelchair(kit), 0.6, 5.7, -80)
    room.place(halls.extinguisher(kit), "west", 3.0)
    room.place(halls.door(kit), "north", room.width / 2)
    room.tells.append((room.width / 2, room.depth * 0.6, 0.8, 4.0))
    room.enclose(
        ground=Material(
            "linoleum",
            (0.6, 0.65, 0.66),
            0.2,
            pattern=Pattern("speckle", 1.5, ((0.62, 0.66, 0.66), (0.5, 0.56, 0.58)), kit.seed(), 2),
        ),
        walls=kit.plaster(),
        tiles=kit.lacquer() if kit.chance(0.5) else None,
        tiled_to=1.1,
    )
    room.light((1, 4))
    return room


def warehouse(kit: Kit) -> Room:
    """A warehouse: loaded racks up to the roof left and right of an aisle, perhaps a forklift, a gate at its end."""
    levels = kit.count(3, 4)
    room = Room(kit, kit.between(5.2, 6.6), kit.between(10.0, 13.0), levels * 1.35 + kit.between(0.6, 1.2))
    for x, turn in ((0.1, -90), (room.width - 0.1, 90)):
        racks = storing.rack(kit, int((room.depth - 2.4) / 2.5), levels)
        room.stand(racks, x, room.depth - racks.width / 2 - 0.8, turn)
        for along in (0.45, 0.7):
            room.tells.append((abs(x - 0.6), room.depth * along, 2.2, 6.0))
    room.place(storing.gate(kit), "north", room.width / 2)
    for x in (1.35, room.width - 1.35):
        line = (piece(floor(0.1, room.depth).at(0, room.depth / 2, 0.004), storing.YELLOW),)
        room.stand(Fixture("line", "floor", line), x, 0.0)
    del room.taken[-2:]  # a line on the floor is in nobody's way
    if kit.chance(0.6):
        room.stand(storing.truck(kit), room.width / 2, room.depth * kit.between(0.35, 0.6), kit.between(-20, 20))
    for _ in range(kit.count(1, 3)):
        if (spot := room.free(0.5)) is not None:
            room.stand(storing.pallet(kit), *spot, kit.one_of((0.0, 90.0)))
    room.entry = (room.width / 2, 0.4)
    shade = kit.one_of(((0.5, 0.5, 0.49), (0.42, 0.43, 0.44), (0.36, 0.44, 0.42)))
    stone = Pattern("plaster", 4.0, (shade,), kit.seed(), 4)
    sheet = Pattern("stripes", 0.6, ((0.74, 0.76, 0.77), (0.68, 0.70, 0.71)), 1, 3)
    room.enclose(
        ground=Material("concrete", shade, 0.4, pattern=stone),
        walls=Material("sheet", (0.72, 0.74, 0.75), 0.5, pattern=sheet),
        ceiling=Material("roof", (0.62, 0.63, 0.65), 0.8),
    )
    for y in spread(room.depth, int(room.depth / 2.2)):
        beam = box(room.width, 0.14, 0.12, 0.01).at(room.width / 2, y + 0.9, room.height - 0.12)  # above domes
        room.parts.append(Part(beam, STEEL))
    room.light((1, 5))
    return room


def gym(kit: Kit) -> Room:
    """A gym hall: racks, treadmills, dumbbells before a wall of mirrors."""
    room = Room(kit, kit.between(6.0, 8.0), kit.between(5.5, 7.5), 3.1)
    glass = (piece(panel(room.depth - 1.5, 2.0).at(0, 0.02, 0.3), MIRROR),)
    room.place(Fixture("mirrors", "wall", glass), "east", room.depth / 2)
    room.row((halls.treadmill(kit) for _ in range(5)), "north", 0.3, 0.25)
    for x in spread(room.width * 0.5, 3):
        room.stand(halls.bike(kit), x + room.width * 0.36, room.depth - 3.6, 180)
    room.place(halls.dumbbells(kit), "east", room.depth * 0.4)
    room.place(halls.power_rack(kit), "west", 1.6)
    if room.depth > 6.2:
        room.place(halls.power_rack(kit), "west", 3.9)
    for _ in range(kit.count(1, 3)):
        spot = room.free(0.2)
        if spot:
            room.stand(halls.ball(kit), *spot)
    _enter(room, "south", room.width - 0.8)
    room.window("south", 1.8, 1.8, 0.9, 2.3)
    return _dry(kit, room, ground=kit.one_of((Material("rubber floor", (0.12, 0.12, 0.125), 0.7), kit.planks())))


def car_park(kit: Kit) -> Room:
    """A car park from a mast or a high wall: rows of cars between lines, seen from above."""
    room = Room(kit, kit.between(16, 20), kit.between(16, 20), 7.5)
    for row, (y, turn) in enumerate(((0.6, 0), (room.depth * 0.52, 0), (room.depth * 0.5, 180))):
        del row
        for x in spread(room.width - 1, int((room.width - 1) / 2.7)):
            mark = piece(box(0.1, 4.6, 0.012, 0.001).at(-1.33, 2.4), PAPER)
            parts = (mark, *halls.car(kit).parts) if kit.chance(0.7) else (mark,)
            room.stand(Fixture("bay", "line", parts, tell=1.0 if len(parts) > 1 else 0.0), x + 0.5, y, turn)
    tarmac = Material(
        "tarmac", (0.24, 0.24, 0.25), 0.9, pattern=Pattern("plaster", 6.0, ((0.25, 0.25, 0.26),), kit.seed(), 5)
    )
    room.parts.append(Part(floor(room.width + 30, room.depth + 30).at(room.width / 2, room.depth / 2, -0.005), tarmac))
    room.lamps.append(
        Lamp(
            (room.width * kit.between(0.1, 0.9), room.depth * 0.3, 26.0),
            (kit.between(-0.4, 0.4), 0.25, -1.0),
            (2.0, 2.0),
            220.0,
            (1.0, 0.96, 0.88),
        )
    )
    room.lamps.append(
        Lamp((room.width / 2, room.depth / 2, 22.0), (0.0, 0.0, -1.0), (26.0, 26.0), 0.5, (0.75, 0.86, 1.0))
    )
    return room


PLACES: tuple[Place, ...] = (
    Place("public_washroom", "washroom", washroom),
    Place("bathroom", "washroom", bathroom, crowd=1),
    Place("bathhouse", "bathhouse", bathhouse),
    Place("shower_room", "bathhouse", shower_room, crowd=2),
    Place("locker_room", "changing_room", changing_room),
    Place("dormitory", "dormitory", dormitory),
    Place("hotel_room", "guest_room", guest_room, crowd=2),
    Place("fitting_room", "other_private", fitting_room),
    Place("lactation_room", "other_private", lactation_room, crowd=2),
    Place("dining_box", "other_private", dining_box),
    Place("corridor", "permitted", corridor, views=("corner", "corner", "dome", "fisheye")),
    Place("lobby", "permitted", lobby),
    Place("elevator", "permitted", elevator, crowd=2, views=("corner", "corner", "dome", "fisheye")),
    Place("office", "permitted", office),
    Place("classroom", "permitted", classroom),
    Place("canteen", "permitted", canteen, crowd=9),
    Place("laundry", "permitted", laundry),
    Place("shop", "permitted", shop),
    Place("kitchen", "permitted", kitchen),
    Place("ward_corridor", "permitted", ward),
    Place("warehouse", "permitted", warehouse, views=("corner", "doorway", "doorway", "dome")),
    Place("gym", "permitted", gym),
    Place("car_park", "permitted", car_park, views=("above",)),
)
BY_NAME = {place.name: place for place in PLACES}
