"""Fixtures of washrooms and bathhouses; they stand on the floor, their back against the wall y = 0."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rooms.families import TILES, Kit
from rooms.fixture import Fixture, piece
from rooms.materials import BLACK, CERAMIC, CHROME, DARK, FROSTED, GLASS, MIRROR, PAPER, STEEL, WHITE, Material, Pattern
from rooms.scene import Part
from rooms.shapes import Mesh, Ring, box, curtain, cylinder, floor, join, lathe, loft, panel, pill, sheet, tube

WATER = Material(
    "water", (0.25, 0.55, 0.58), 0.04, pattern=Pattern("ripples", 1.5, ((0.20, 0.50, 0.54), (0.45, 0.70, 0.72)))
)


def toilet(kit: Kit) -> Fixture:
    """A seated toilet with its cistern."""
    family = kit.look("toilet")
    middle = 0.44
    bowl = loft(
        [
            Ring(0.00, 0.12, 0.20, 0, middle - 0.08),
            Ring(0.08, 0.11, 0.19, 0, middle - 0.08),
            Ring(0.26, 0.15, 0.22, 0, middle - 0.02),
            Ring(0.37, 0.19, 0.26, 0, middle),
            Ring(0.40, 0.19, 0.26, 0, middle),
            Ring(0.40, 0.14, 0.20, 0, middle + 0.01),
            Ring(0.30, 0.11, 0.16, 0, middle + 0.01),
            Ring(0.22, 0.05, 0.07, 0, middle - 0.02),
        ]
    )
    shade = kit.one_of((WHITE, WHITE, Material("seat", (0.18, 0.15, 0.14), 0.4)))
    seat = [
        Ring(z, x, y, 0, middle)
        for z, x, y in ((0.405, 0.195, 0.265), (0.43, 0.195, 0.265), (0.43, 0.125, 0.185), (0.405, 0.125, 0.185))
    ]
    lid = loft([Ring(0, 0.19, 0.26), Ring(0.018, 0.19, 0.26), Ring(0.024, 0.17, 0.24)])
    parts = [
        piece(bowl, CERAMIC),
        piece(box(0.22, 0.24, 0.36, 0.03).at(0, 0.14), CERAMIC),
        piece(loft(seat, caps=False), shade),
        piece(loft([Ring(0.29, 0.10, 0.15, 0, middle + 0.01)] * 2), Material("water", (0.55, 0.68, 0.70), 0.03)),
        piece(lid.at(0, middle, 0.432) if kit.chance(0.25) else lid.turned(80, "x").at(0, 0.20, 0.69), shade),
    ]
    if family == "high_cistern":
        parts += [
            piece(box(0.42, 0.20, 0.30, 0.03).at(0, 0.11, 1.55), CERAMIC),
            piece(tube([(0, 0.08, 0.4), (0, 0.08, 1.0), (0, 0.08, 1.55)], 0.022), CHROME),
            piece(tube([(0.17, 0.12, 1.55), (0.17, 0.12, 1.1)], 0.006), CHROME),
        ]
    elif family == "back_to_wall":
        parts += [
            piece(box(0.9, 0.16, 1.1, 0.005).at(0, 0.06), kit.lacquer(TILES)),
            piece(box(0.2, 0.02, 0.14, 0.004).at(0, 0.15, 0.85), CHROME),
        ]
    else:
        parts += [
            piece(loft([Ring(0, 0.18, 0.09, power=5), Ring(0.34, 0.20, 0.10, power=5)]).at(0, 0.12, 0.39), CERAMIC),
            piece(loft([Ring(0, 0.21, 0.11, power=5), Ring(0.03, 0.21, 0.11, power=5)]).at(0, 0.12, 0.73), CERAMIC),
            piece(cylinder(0.022, 0.012).at(0, 0.12, 0.76), CHROME),
        ]
    return Fixture("toilet", family, tuple(parts), tell=3.0)


def squat(kit: Kit) -> Fixture:
    """A squat toilet on its plinth, with a flush pipe."""
    family = kit.look("squat")
    pan = STEEL if family == "steel_pan" else CERAMIC
    middle, high = 0.52, 0.16
    parts = [
        piece(
            loft(
                [
                    Ring(0, 0.27, 0.37, 0, middle, 9),
                    Ring(high, 0.27, 0.37, 0, middle, 9),
                    Ring(high + 0.015, 0.26, 0.36, 0, middle, 9),
                    Ring(high + 0.015, 0.11, 0.27, 0, middle, 2.6),
                    Ring(high - 0.04, 0.10, 0.25, 0, middle, 2.6),
                    Ring(0.03, 0.06, 0.20, 0, middle, 2.4),
                ],
                32,
            ),
            pan,
        ),
        piece(loft([Ring(0.045, 0.06, 0.10, 0, middle - 0.1)] * 2), DARK),
        piece(pill((0.22, 0.16, 0.16)).at(0, middle + 0.26, high - 0.03), pan),
        piece(tube([(0, 0.05, high), (0, 0.05, 0.6), (0, 0.05, 1.0)], 0.018), CHROME),
        piece(box(0.07, 0.06, 0.05).at(0, 0.06, 0.95), CHROME),
    ]
    grip = box(0.10, 0.30, 0.02, 0.008)
    parts += [piece(grip.at(0.19 * side, middle, high + 0.012), pan) for side in (-1, 1)]
    return Fixture("squat", family, tuple(parts), tell=3.0)


def _hollow(width: float, bottom: float, top: float, deep: float, shallow: float) -> Mesh:
    """A shell that is open to the front, its back at y = 0: narrower at the top."""

    def surface(u: NDArray[np.float64], v: NDArray[np.float64]) -> object:
        angle = (u - 0.5) * math.radians(215)
        taper = np.sqrt(np.clip(1 - (2 * np.clip(v - 0.5, 0, 1)) ** 4, 0.02, 1))
        reach = (deep + (shallow - deep) * v) * (0.4 + 0.6 * taper)
        return np.stack(
            [width / 2 * taper * np.sin(angle), 0.02 + reach * (1 - np.cos(angle)) / 1.2, bottom + (top - bottom) * v],
            -1,
        )

    return sheet(surface, 14, 22)


def urinals(kit: Kit, count: int) -> Fixture:
    """A row of urinals with screens between them."""
    family, pitch = kit.look("urinal"), 0.75
    wide = count * pitch
    parts: list[Part] = []
    screen = kit.one_of((FROSTED, Material("screen", (0.35, 0.37, 0.40), 0.3), CERAMIC))
    if family == "trough":
        parts += [
            piece(box(wide, 0.03, 1.0).at(0, 0.02, 0.35), STEEL),
            piece(box(wide, 0.30, 0.03).at(0, 0.18, 0.35), STEEL),
            piece(box(wide, 0.02, 0.22).at(0, 0.33, 0.35), STEEL),
            piece(tube([(-wide / 2, 0.08, 1.3), (0, 0.08, 1.3), (wide / 2, 0.08, 1.3)], 0.014), CHROME),
        ]
    for index in range(count):
        x = (index + 0.5) * pitch - wide / 2
        if family != "trough":
            low = 0.0 if family == "stall" else 0.42
            lip = 0.16 if family == "stall" else 0.17
            front = loft(
                [
                    Ring(low, 0.13, 0.10, 0, 0.13),
                    Ring(low + 0.08, 0.185, 0.16, 0, 0.17),
                    Ring(low + lip, 0.195, 0.18, 0, 0.18),
                    Ring(low + lip + 0.02, 0.18, 0.165, 0, 0.18),
                    Ring(low + lip - 0.03, 0.15, 0.13, 0, 0.18),
                    Ring(low + 0.07, 0.08, 0.08, 0, 0.17),
                ]
            )
            parts += [
                piece(front.at(x), CERAMIC),
                piece(_hollow(0.38, low + 0.1, 1.12, 0.24, 0.13).at(x), CERAMIC),
                piece(pill((0.36, 0.24, 0.14)).at(x, 0.10, 1.02), CERAMIC),
                piece(box(0.37, 0.05, 1.0 - low, 0.02).at(x, 0.02, low + 0.1), CERAMIC),
                piece(cylinder(0.02, 0.004).at(x, 0.16, low + 0.075), DARK),
                piece(tube([(x, 0.04, 1.12), (x, 0.04, 1.22), (x, 0.04, 1.3)], 0.014), CHROME),
                piece(box(0.09, 0.05, 0.09, 0.01).at(x, 0.03, 1.28), CHROME),
            ]
        if index:
            parts.append(piece(box(0.03, 0.42, 0.85, 0.01).at(x - pitch / 2, 0.21, 0.5), screen))
    return Fixture("urinals", family, tuple(parts), tell=1.6 * count)


def cubicles(kit: Kit, count: int, *, squats: bool | None = None) -> Fixture:
    """A row of cubicles with doors, some ajar, some wide open, each with a toilet or a squat toilet."""
    family = kit.look("cubicle")
    wide, deep = kit.between(0.88, 1.02), kit.between(1.30, 1.5)
    base, top = {"laminate": (0.13, 1.95), "low": (0.13, 1.45), "full_height": (0.02, 2.15)}[family]
    shade = kit.lacquer(
        ((0.78, 0.80, 0.80), (0.35, 0.47, 0.55), (0.62, 0.50, 0.36), (0.45, 0.52, 0.42), (0.80, 0.74, 0.64)), 0.3
    )
    total = count * wide
    parts: list[Part] = []
    squats = kit.chance(0.4) if squats is None else squats
    for index in range(count + 1):
        x = index * wide - total / 2
        parts.append(piece(box(0.025, deep, top - base, 0.004).at(x, deep / 2, base), shade))
        parts.append(
            piece(box(0.14 if 0 < index < count else 0.20, 0.03, top - base + 0.02, 0.004).at(x, deep, base), shade)
        )
        parts.append(piece(cylinder(0.02, base + 0.01).at(x, deep - 0.05), STEEL))
    parts.append(piece(box(total + 0.1, 0.045, 0.05, 0.006).at(0, deep, top), STEEL))
    for index in range(count):
        x = (index + 0.5) * wide - total / 2
        inside = squat(kit) if squats else toilet(kit)
        parts += [part.moved(x, 0.02) for part in inside.parts]
        parts.append(
            piece(lathe([(0.055, 0), (0.055, 0.10)]).turned(90, "y").at(x + wide / 2 - 0.12, 0.55, 0.75), PAPER)
        )
        parts.append(
            piece(
                lathe([(0.10, 0), (0.13, 0.25), (0.12, 0.25)]).at(x - wide / 2 + 0.18, 0.3),
                kit.one_of((BLACK, STEEL, WHITE)),
            )
        )
        leaf = wide - 0.17
        angle = kit.one_of((0.0, 12.0, 55.0, 88.0, 96.0)) * kit.between(0.9, 1.05)
        door = [
            piece(box(leaf, 0.025, top - base - 0.02, 0.004).at(leaf / 2, 0, base), shade),
            piece(box(0.05, 0.06, 0.09, 0.01).at(leaf - 0.07, 0, 1.0), CHROME),
            piece(
                cylinder(0.018, 0.012).turned(-90, "x").at(leaf - 0.07, 0.02, 1.12),
                Material("sign", (0.7, 0.1, 0.08) if angle < 5 and kit.chance(0.4) else (0.1, 0.55, 0.2), 0.4),
            ),
        ]
        parts += [part.moved(x - leaf / 2, deep, 0, angle) for part in door]  # doors open outwards: all of it is seen
    return Fixture("cubicles", family, tuple(parts), tell=2.2 * count)


def tap(x: float, y: float, z: float) -> Part:
    """A bent tap on a rim or counter; its mouth points to +y."""
    bend = [
        (x, y, z),
        (x, y, z + 0.12),
        (x, y + 0.02, z + 0.17),
        (x, y + 0.08, z + 0.19),
        (x, y + 0.13, z + 0.17),
        (x, y + 0.14, z + 0.14),
    ]
    lever = box(0.03, 0.07, 0.012, 0.004).at(x + 0.03, y, z + 0.08)
    return piece(join(tube(bend, 0.012), cylinder(0.022, 0.03).at(x, y, z), lever), CHROME)


def basins(kit: Kit, count: int) -> Fixture:
    """A row of basins with taps, mirrors and soap."""
    family, pitch = kit.look("basin"), kit.between(0.7, 0.85)
    wide = count * pitch
    parts: list[Part] = []
    stone = kit.stone()
    if family == "vessels":
        parts += [
            piece(box(wide, 0.55, 0.05, 0.008).at(0, 0.29, 0.78), stone),
            piece(box(wide, 0.03, 0.22, 0.004).at(0, 0.545, 0.60), stone),
            piece(box(wide, 0.02, 0.12, 0.004).at(0, 0.02, 0.82), stone),
        ]
    elif family == "trough":
        shade = kit.one_of((STEEL, STEEL, CERAMIC))
        parts += [
            piece(box(wide, 0.50, 0.04, 0.01).at(0, 0.27, 0.68), shade),
            piece(box(wide, 0.04, 0.22, 0.012).at(0, 0.50, 0.68), shade),
            piece(box(wide, 0.06, 0.34, 0.012).at(0, 0.04, 0.68), shade),
            *(piece(box(0.04, 0.5, 0.22, 0.01).at(side * wide / 2, 0.27, 0.68), shade) for side in (-1, 1)),
            *(piece(box(0.05, 0.4, 0.68, 0.01).at(side * wide * 0.4, 0.26), shade) for side in (-1, 1)),
        ]
    for index in range(count):
        x = (index + 0.5) * pitch - wide / 2
        if family == "trough":
            parts.append(tap(x, 0.08, 0.92))
        else:
            z = 0.83 if family == "vessels" else 0.70
            high = 0.13 if family == "vessels" else 0.16
            bowl = loft(
                [
                    Ring(0, 0.13, 0.10, power=2.4),
                    Ring(high * 0.5, 0.20, 0.16, power=2.6),
                    Ring(high, 0.25, 0.20, power=2.8),
                    Ring(high, 0.225, 0.175, power=2.8),
                    Ring(high * 0.45, 0.17, 0.13, power=2.6),
                    Ring(0.03, 0.05, 0.05),
                ]
            )
            parts += [
                piece(bowl.at(x, 0.30, z), CERAMIC),
                piece(cylinder(0.022, 0.004).at(x, 0.30, z + 0.031), CHROME),
                tap(x, 0.09, 0.83 if family == "vessels" else 0.85),
            ]
            if family == "wall_hung":
                parts += [
                    piece(box(0.42, 0.18, 0.14, 0.03).at(x, 0.10, 0.715), CERAMIC),
                    piece(
                        loft([Ring(0, 0.10, 0.09), Ring(0.35, 0.07, 0.07), Ring(0.72, 0.10, 0.09)]).at(x, 0.22), CERAMIC
                    ),
                ]
        if kit.chance(0.6):
            parts.append(
                piece(box(0.09, 0.09, 0.20, 0.02).at(x + pitch * 0.38, 0.05, 1.1), kit.one_of((WHITE, STEEL, BLACK)))
            )
    parts += _mirrors(kit, count, pitch)
    return Fixture("basins", family, tuple(parts), tell=1.2 * count)


def _mirrors(kit: Kit, count: int, pitch: float) -> list[Part]:
    family, wide = kit.look("mirror"), count * pitch
    frame = kit.one_of((STEEL, BLACK, WHITE))
    if family == "wide":
        return [
            piece(box(wide, 0.015, 1.0, 0.003).at(0, 0.012, 1.08), frame),
            piece(panel(wide - 0.04, 0.96).at(0, 0.022, 1.10), MIRROR),
        ]
    parts = []
    for index in range(count):
        x = (index + 0.5) * pitch - wide / 2
        if family == "round":
            parts.append(piece(cylinder(0.29, 0.015, 40).turned(-90, "x").at(x, 0.005, 1.5), frame))
            parts.append(piece(cylinder(0.275, 0.02, 40).turned(-90, "x").at(x, 0.005, 1.5), MIRROR))
        else:
            parts.append(piece(box(0.50, 0.015, 0.75, 0.003).at(x, 0.012, 1.12), frame))
            parts.append(piece(panel(0.46, 0.71).at(x, 0.022, 1.14), MIRROR))
    return parts


def dispenser(kit: Kit) -> Fixture:
    """Paper towels or a hand dryer on the wall, a bin below."""
    shade = kit.one_of((WHITE, STEEL, BLACK))
    parts = [piece(box(0.28, 0.14, 0.36, 0.03).at(0, 0.08, 1.15), shade)]
    if kit.chance(0.6):
        parts.append(piece(box(0.18, 0.02, 0.06, 0.002).at(0, 0.10, 1.10), PAPER))
        parts.append(
            piece(lathe([(0.17, 0), (0.20, 0.6), (0.18, 0.6), (0.15, 0.3)]).at(0, 0.24), kit.one_of((STEEL, BLACK)))
        )
    return Fixture("dispenser", "wall", tuple(parts))


def mop(kit: Kit) -> Fixture:
    """A bucket with a mop."""
    shade = Material("bucket", kit.one_of(((0.75, 0.65, 0.1), (0.15, 0.35, 0.6), (0.65, 0.15, 0.12))), 0.5)
    parts = (
        piece(lathe([(0.12, 0), (0.16, 0.3), (0.145, 0.3), (0.11, 0.05)]).at(0, 0.25), shade),
        piece(tube([(0.02, 0.25, 0.05), (0.0, 0.14, 0.7), (-0.02, 0.03, 1.35)], 0.013), kit.wood()),
    )
    return Fixture("mop", "bucket", parts)


def showers(kit: Kit, count: int) -> Fixture:
    """A row of showers; curtains, screens or low walls between them."""
    family, pitch = kit.look("shower"), kit.between(0.95, 1.1)
    wide, deep = count * pitch, 1.0
    between = kit.one_of(("wall", "glass", "curtain", "frosted"))
    tiles, cloth = (
        kit.tiles(),
        Material("shower curtain", kit.one_of(((0.9, 0.92, 0.92), (0.6, 0.75, 0.8), (0.85, 0.8, 0.65))), 0.6),
    )
    parts: list[Part] = [piece(box(wide, 0.03, 0.05, 0.006).at(0, deep + 0.12), CERAMIC)]
    for index in range(count + 1):
        x = index * pitch - wide / 2
        if between == "wall":
            parts.append(piece(box(0.10, deep, 1.6, 0.006).at(x, deep / 2), tiles))
        elif between in ("glass", "frosted"):
            parts.append(
                piece(box(0.012, deep, 1.9, 0.002).at(x, deep / 2, 0.05), GLASS if between == "glass" else FROSTED)
            )
            parts.append(piece(box(0.03, 0.03, 2.0, 0.004).at(x, deep), CHROME))
        else:
            parts.append(piece(box(0.03, deep, 1.9, 0.004).at(x, deep / 2, 0.1), WHITE))
    if between == "curtain":
        parts.append(piece(tube([(-wide / 2, deep, 2.0), (0, deep, 2.0), (wide / 2, deep, 2.0)], 0.014), CHROME))
    for index in range(count):
        x = (index + 0.5) * pitch - wide / 2
        riser = [(x, 0.05, 1.0), (x, 0.05, 1.6), (x, 0.05, 2.0), (x, 0.08, 2.08), (x, 0.16, 2.12), (x, 0.30, 2.10)]
        head = (
            box(0.24, 0.24, 0.015, 0.004)
            if family == "square_head"
            else lathe([(0.02, 0.05), (0.10, 0.015), (0.10, 0.0)])
        )
        parts += [
            piece(tube(riser, 0.012), CHROME),
            piece(head.at(x, 0.32, 2.05), CHROME),
            piece(tube([(x - 0.13, 0.06, 1.05), (x, 0.06, 1.05), (x + 0.13, 0.06, 1.05)], 0.025), CHROME),
            piece(lathe([(0.06, 0), (0.06, 0.006)]).at(x, 0.5, 0.002), STEEL),
            piece(box(0.22, 0.11, 0.012, 0.004).at(x + 0.25, 0.06, 1.25), STEEL),
        ]
        if family == "column":
            parts.append(piece(box(0.14, 0.03, 1.2, 0.006).at(x, 0.03, 0.85), STEEL))
        for bottle in range(kit.count(0, 3)):
            shade = Material(
                "bottle", kit.tint(kit.one_of(((0.85, 0.3, 0.3), (0.9, 0.9, 0.9), (0.2, 0.5, 0.7))), 0.1), 0.3
            )
            parts.append(
                piece(
                    lathe([(0.028, 0), (0.028, 0.15), (0.01, 0.17), (0.01, 0.2)], 12).at(
                        x + 0.18 + 0.06 * bottle, 0.06, 1.262
                    ),
                    shade,
                )
            )
        if between == "curtain" and kit.chance(0.85):
            drawn = pitch * kit.one_of((0.3, 0.5, 0.95))
            parts.append(
                piece(
                    curtain(drawn, 1.75, folds=max(3, int(9 * drawn))).at(x - pitch / 2 + drawn / 2, deep, 0.22), cloth
                )
            )
        if kit.chance(0.3):
            parts.append(
                piece(box(0.35, 0.02, 0.55, 0.01).at(x, deep + 0.0 if between != "curtain" else 0.1, 1.3), kit.cloth())
            )
    return Fixture("showers", family, tuple(parts), tell=1.8 * count)


def tub(kit: Kit) -> Fixture:
    """A bath tub along the wall, with a tap."""
    del kit
    outer = [Ring(0, 0.78, 0.34, 0, 0.38, 7), Ring(0.56, 0.80, 0.37, 0, 0.38, 7), Ring(0.58, 0.80, 0.37, 0, 0.38, 7)]
    inner = [Ring(0.58, 0.72, 0.29, 0, 0.38, 5), Ring(0.3, 0.68, 0.26, 0, 0.38, 4), Ring(0.14, 0.58, 0.2, 0, 0.38, 4)]
    return Fixture("tub", "built_in", (piece(loft(outer + inner, 36), CERAMIC), tap(0.55, 0.05, 0.58)), tell=3.0)


def pool(kit: Kit, width: float, depth: float) -> Fixture:
    """A communal bath with a rim of stone, filled; its back at the wall."""
    family = kit.look("pool")
    rim = kit.one_of((kit.stone(), kit.tiles(), kit.wood()))
    if family == "round_tub":
        reach = min(width, depth) / 2
        sides = [(reach, 0.0), (reach, 0.62), (reach - 0.09, 0.62), (reach - 0.1, 0.3)]
        parts = [
            piece(lathe(sides, 40).at(0, reach), kit.wood()),
            piece(cylinder(reach - 0.09, 0.01, 40).at(0, reach, 0.52), WATER),
        ]
        return Fixture("pool", family, tuple(parts), tell=5.0)
    parts = [
        piece(box(width, 0.28, 0.5, 0.02).at(0, depth), rim),
        piece(floor(width, depth).at(0, depth / 2, 0.40), WATER),
        *(piece(box(0.28, depth, 0.5, 0.02).at(side * width / 2, depth / 2), rim) for side in (-1, 1)),
        piece(box(0.4, 0.25, 0.2, 0.03).at(0, 0.12, 0.7), kit.stone()),
        piece(tube([(0.6, 0.3, 0.4), (0.6, 0.3, 0.95), (0.6, 0.7, 0.95), (0.6, depth * 0.6, 0.6)], 0.02), CHROME),
    ]
    return Fixture("pool", family, tuple(parts), tell=5.0)


def stations(kit: Kit, count: int) -> Fixture:
    """Seated washing places: low mirror, tap and hand shower, stool and bucket before each."""
    pitch = kit.between(0.8, 0.95)
    wide = count * pitch
    shade = kit.one_of((Material("stool", (0.86, 0.80, 0.62), 0.5), WHITE, kit.wood()))
    stone = kit.stone()
    parts: list[Part] = [piece(box(wide, 0.22, 0.45, 0.01).at(0, 0.11), stone)]
    for index in range(count):
        x = (index + 0.5) * pitch - wide / 2
        hose = [
            (x + 0.2, 0.06, 0.6),
            (x + 0.24, 0.12, 0.55),
            (x + 0.26, 0.1, 0.9),
            (x + 0.22, 0.06, 1.25),
            (x + 0.22, 0.12, 1.3),
        ]
        jitter = kit.between(-0.08, 0.08)
        parts += [
            piece(panel(0.40, 0.60).at(x, 0.03, 0.75), MIRROR),
            piece(box(0.44, 0.02, 0.64, 0.004).at(x, 0.012, 0.73), STEEL),
            tap(x, 0.12, 0.45),
            piece(tube(hose, 0.012), STEEL),
            piece(lathe([(0.04, 0), (0.05, 0.03)]).turned(-40, "x").at(x + 0.22, 0.13, 1.28), CHROME),
            piece(
                loft(
                    [Ring(0, 0.15, 0.12, power=4), Ring(0.26, 0.17, 0.13, power=4), Ring(0.28, 0.16, 0.12, power=4)]
                ).at(x + jitter, 0.62),
                shade,
            ),
            piece(lathe([(0.10, 0), (0.14, 0.12), (0.13, 0.12), (0.09, 0.02)]).at(x + 0.3, 0.5), shade),
        ]
        if index:
            parts.append(piece(box(0.04, 0.45, 1.1, 0.01).at(x - pitch / 2, 0.22), stone))
    return Fixture("stations", "seated", tuple(parts), tell=1.4 * count)
