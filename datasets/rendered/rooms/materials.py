"""What surfaces look like: colours, gloss, and patterns that are computed, never photographed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
"""sRGB in [0, 1]."""
Image = NDArray[np.uint8]
"""`(H, W, 3)` uint8 sRGB; it repeats without a seam."""
SIDE = 256
"""Pixels a side of every pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A picture that covers a surface, repeated.

    Attributes:
        kind: One of `PATTERNS`.
        size: Metres after which it repeats.
        colours: What it is painted with; the first is the main one.
        seed: Of its irregularities.
        repeat: Units (tiles, planks, stripes) along a side.
    """

    kind: str
    size: float
    colours: tuple[Colour, ...]
    seed: int = 0
    repeat: int = 4

    def paint(self) -> Image:
        """Return the picture."""
        rng = np.random.default_rng([zlib.crc32(self.kind.encode()), self.seed])
        shades = [np.array(colour, np.float32) for colour in self.colours]
        painted = PATTERNS[self.kind](shades, self.repeat, rng)
        return (np.clip(painted, 0, 1) * 255 + 0.5).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Material:
    """One kind of surface.

    Attributes:
        name: For whoever looks at the scene in an editor.
        colour: Where there is no pattern.
        rough: Roughness in [0, 1]: 0 is a mirror, 1 is chalk.
        metal: True for bare metal.
        see_through: Share of light that passes straight on, in [0, 1].
        glow: Light that it sends out, in relative units; 1 is a lamp's panel.
        lit_by: "lamps" or "day": which of a shot's two switches scales `glow`.
        pattern: Or None for one colour.
    """

    name: str
    colour: Colour = (0.8, 0.8, 0.8)
    rough: float = 0.5
    metal: bool = False
    see_through: float = 0.0
    glow: float = 0.0
    lit_by: str = "lamps"
    pattern: Pattern | None = None


Shades = list[NDArray[np.float32]]
Field = NDArray[np.float32]


def _noise(rng: np.random.Generator, cells: int, octaves: int = 4) -> Field:
    """`(SIDE, SIDE)` float32 smooth noise, mean 0, seamless."""
    total = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(octaves):
        count = min(SIDE, cells * 2**octave)
        grid = np.pad(rng.standard_normal((count, count)).astype(np.float32), 2, mode="wrap")
        fine = cv2.resize(grid, None, fx=SIDE / count, fy=SIDE / count, interpolation=cv2.INTER_CUBIC)
        edge = round(2 * SIDE / count)
        total += np.asarray(fine[edge : edge + SIDE, edge : edge + SIDE], np.float32) / 2**octave
    return np.asarray(total / 2, np.float32)


def _units(rows: int, columns: int, *, shift: float = 0.0) -> tuple[Field, Field, NDArray[np.int64]]:
    """Positions in [0, 1) within a brick, across and down, and the number of the brick that each pixel is on."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    row = np.floor(y * rows).astype(np.int64)
    across = (x * columns + shift * (row % 2)) % columns
    return (
        (across % 1).astype(np.float32),
        (y * rows % 1).astype(np.float32),
        row * columns + np.floor(across).astype(np.int64),
    )


def _bricks(
    shades: Shades, rows: int, columns: int, rng: np.random.Generator, *, shift: float, gap: float, vary: float
) -> Field:
    """Tiles of the first shade (some of a third) with joints of the second."""
    u, v, brick = _units(rows, columns, shift=shift)
    tone = 1 + vary * rng.standard_normal(rows * columns).astype(np.float32)[brick][..., None]
    out = shades[0] * tone
    if len(shades) > 2:
        other = rng.random(rows * columns) < 0.18
        out = np.where(other[brick][..., None], shades[2] * tone, out)
    near = np.minimum(np.minimum(u, 1 - u) * SIDE / columns, np.minimum(v, 1 - v) * SIDE / rows)
    joint = np.clip(gap - near + 0.5, 0, 1)[..., None]
    return np.asarray(out * (1 - joint) + shades[1] * joint + 0.012 * _noise(rng, 8)[..., None], np.float32)


def _tiles(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    return _bricks(shades, repeat, repeat, rng, shift=0, gap=1.3, vary=0.02)


def _subway(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    return _bricks(shades, 2 * repeat, repeat, rng, shift=0.5, gap=1.1, vary=0.02)


def _mosaic(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    return _bricks(shades, 4 * repeat, 4 * repeat, rng, shift=0, gap=1.0, vary=0.09)


def _checker(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    y, x = np.mgrid[0:SIDE, 0:SIDE] * repeat // SIDE
    return np.asarray(
        np.where(((x + y) % 2 == 0)[..., None], shades[0], shades[1]) + 0.015 * _noise(rng, 8)[..., None], np.float32
    )


def _planks(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    u, v, brick = _units(repeat, 2, shift=0.5)
    grain = _noise(rng, 4, 5)[:, np.arange(SIDE) // 6]  # stretched along the plank
    tone = 1 + 0.10 * rng.standard_normal(2 * repeat).astype(np.float32)[brick] + 0.12 * grain
    near = np.minimum(np.minimum(v, 1 - v) * SIDE / repeat, np.minimum(u, 1 - u) * SIDE / 2)
    return np.asarray(shades[0] * (tone * np.clip(0.45 + 0.5 * near, 0, 1))[..., None], np.float32)


def _wood(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    grain = _noise(rng, 4, 5)[:, np.arange(SIDE) // 8]
    rings = np.sin(repeat * 6 * grain)
    return np.asarray(shades[0] * (1 + 0.10 * grain + 0.06 * rings)[..., None], np.float32)


def _speckle(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """Terrazzo, granite, linoleum."""
    out = np.broadcast_to(shades[0], (SIDE, SIDE, 3)) + 0.02 * _noise(rng, 4)[..., None]
    for index, shade in enumerate(shades[1:]):
        flakes = _noise(rng, 16 * repeat, 2) > 0.62 + 0.1 * index
        out = np.where(flakes[..., None], shade, out)
    return np.asarray(out, np.float32)


def _marble(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    veins = np.abs(np.sin(2 * np.pi * repeat * (x + y) / 2 + 4 * _noise(rng, 3, 5))) ** 0.5
    return np.asarray(shades[1] + (shades[0] - shades[1]) * np.clip(0.35 + veins, 0, 1)[..., None], np.float32)


def _carpet(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    out = shades[0] * (1 + 0.10 * rng.standard_normal((SIDE, SIDE, 1)) + 0.06 * _noise(rng, 6)[..., None])
    if len(shades) > 1:
        y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE * repeat
        motif = np.cos(2 * np.pi * x) * np.cos(2 * np.pi * y) + 0.35 * np.cos(4 * np.pi * (x + y))
        out = np.where((motif > 0.45)[..., None], shades[1] * (1 + 0.1 * rng.standard_normal((SIDE, SIDE, 1))), out)
    return np.asarray(out, np.float32)


def _plaster(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    return np.asarray(shades[0] + (0.012 * repeat * _noise(rng, 3, 6))[..., None], np.float32)


def _stripes(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    x = np.arange(SIDE) * repeat * len(shades) // SIDE % len(shades)
    cloth = np.stack(shades)[x][None]
    return np.asarray(cloth * (1 + 0.04 * rng.standard_normal((SIDE, SIDE, 1))), np.float32)


def _slats(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """Level slats, each darker towards its lower edge."""
    return np.asarray(
        _stripes(shades[:1], 1, rng) * (0.72 + 0.28 * (np.arange(SIDE) * repeat / SIDE % 1)[:, None, None]), np.float32
    )


def _tartan(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    return np.asarray(
        (_stripes(shades, repeat, rng) + _stripes(shades, repeat, rng).transpose(1, 0, 2)) / 2, np.float32
    )


def _floral(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    out = np.broadcast_to(shades[0], (SIDE, SIDE, 3)).astype(np.float32).copy()
    for _ in range(14 * repeat):
        shade = shades[1 + int(rng.integers(len(shades) - 1))]
        x, y, size = int(rng.integers(SIDE)), int(rng.integers(SIDE)), int(rng.integers(3, 11))
        for dx in (-SIDE, 0, SIDE):
            for dy in (-SIDE, 0, SIDE):
                cv2.circle(out, (x + dx, y + dy), size, tuple(float(v) for v in shade), -1, cv2.LINE_AA)
    return out


def _goods(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """Packets, tins, books: what stands on a shelf, seen from the front; one row, `repeat` wide."""
    out = np.full((SIDE, SIDE, 3), 0.06, np.float32)
    at = 0
    while at < SIDE:
        wide = int(rng.uniform(0.5, 1.5) * SIDE / repeat)
        tall = int(SIDE * rng.uniform(0.6, 0.98))
        base = shades[int(rng.integers(len(shades)))] * rng.uniform(0.7, 1.1)
        out[SIDE - tall :, at + 1 : at + wide - 1] = base
        low = SIDE - int(tall * rng.uniform(0.3, 0.8))
        band = shades[int(rng.integers(len(shades)))]
        out[low : low + int(tall * rng.uniform(0.08, 0.25)), at + 1 : at + wide - 1] = 0.5 * band + 0.5
        at += wide
    return out[::-1]


def _screen(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """A monitor's or a television's picture: a bar, a few panes of lines; nothing legible."""
    out = np.broadcast_to(shades[0], (SIDE, SIDE, 3)).astype(np.float32).copy()
    for _ in range(repeat):
        x, y = int(rng.integers(0, SIDE - 60)), int(rng.integers(0, SIDE - 60))
        wide, tall = int(rng.integers(40, 160)), int(rng.integers(30, 120))
        out[y : y + tall, x : x + wide] = shades[int(rng.integers(len(shades)))]
        for line in range(y + 6, min(y + tall, SIDE), 9):
            out[line : line + 3, x + 5 : x + int(wide * rng.uniform(0.3, 0.95))] *= 0.6
    out[-14:] = shades[-1] * 0.8
    return out


def _poster(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """A poster or a painting: fields of colour over a ground."""
    out = np.broadcast_to(shades[0], (SIDE, SIDE, 3)).astype(np.float32).copy()
    for _ in range(repeat):
        shade = tuple(float(v) for v in shades[int(rng.integers(len(shades)))])
        middle = (int(rng.integers(SIDE)), int(rng.integers(SIDE)))
        cv2.ellipse(out, middle, (int(rng.integers(20, 120)), int(rng.integers(10, 70))), 0, 0, 360, shade, -1)
    return out + 0.03 * _noise(rng, 8)[..., None]


def _menu(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """A menu board: `repeat` by 2 fields, each a dish over lines that cannot be read."""
    out = np.broadcast_to(shades[0], (SIDE, SIDE, 3)).astype(np.float32).copy()
    wide, tall = SIDE // repeat, SIDE // 2
    for column in range(repeat):
        for row in range(2):
            x, y = column * wide, row * tall
            dish = tuple(float(v) for v in shades[1 + int(rng.integers(len(shades) - 2))])
            middle = (x + wide // 2, y + tall * 3 // 5)
            cv2.ellipse(out, middle, (wide * 2 // 5, tall // 4), 0, 0, 360, (0.92, 0.92, 0.9), -1, cv2.LINE_AA)
            cv2.ellipse(out, middle, (wide * 3 // 10, tall // 6), 0, 0, 360, dish, -1, cv2.LINE_AA)
            for line in range(2):
                out[y + 8 + 12 * line : y + 13 + 12 * line, x + 8 : x + int(wide * rng.uniform(0.4, 0.9))] = shades[-1]
    return out


def _carton(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """Cardboard with tape across its seam, which lies where the picture meets itself, and a label."""
    out = shades[0] * (1 + 0.03 * _noise(rng, 4 * repeat, 4))[..., None]
    x = np.minimum(np.arange(SIDE), SIDE - np.arange(SIDE))
    tape = (x < 0.055 * SIDE)[None, :, None]
    out = np.where(tape, shades[1], out)
    out[:, :2] = out[:, -2:] = 0.6 * shades[1]
    top, left = int(SIDE * rng.uniform(0.3, 0.6)), int(SIDE * rng.uniform(0.15, 0.25))
    out[top : top + SIDE // 6, left : left + SIDE // 5] = (0.93, 0.93, 0.91)
    for line in range(3):
        out[top + 8 + 11 * line : top + 12 + 11 * line, left + 5 : left + int(SIDE / 5 * rng.uniform(0.5, 0.9))] = 0.2
    return np.asarray(out, np.float32)


def _packet(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """The front of a packet: a name across a band, a picture below it, small print; nothing legible."""
    out = np.broadcast_to(shades[0], (SIDE, SIDE, 3)).astype(np.float32).copy()
    band, side = int(SIDE * rng.uniform(0.55, 0.75)), int(SIDE * rng.uniform(0.15, 0.28))
    out[band : band + side] = shades[1]
    at = 20
    while at < SIDE - 40:  # the name, as a row of blocks
        wide = int(rng.integers(10, 34))
        out[band + side // 4 : band + 3 * side // 4, at : at + wide] = shades[0] * 0.3 + 0.65
        at += wide + 7
    for _ in range(repeat):
        middle = (int(SIDE * rng.uniform(0.25, 0.75)), int(SIDE * rng.uniform(0.2, 0.42)))
        size = (int(rng.integers(24, 66)), int(rng.integers(18, 44)))
        shade = tuple(float(v) for v in shades[int(rng.integers(1, len(shades)))])
        cv2.ellipse(out, middle, size, float(rng.uniform(0, 180)), 0, 360, shade, -1, cv2.LINE_AA)
    for line in range(3):
        out[12 + 12 * line : 17 + 12 * line, 16 : 16 + int(SIDE * rng.uniform(0.3, 0.8))] *= 0.45
    return out


def _ripples(shades: Shades, repeat: int, rng: np.random.Generator) -> Field:
    """Water, seen from above."""
    net = np.abs(_noise(rng, 4 * repeat, 3))
    return np.asarray(shades[0] + (shades[1] - shades[0]) * np.clip(1 - 4 * net, 0, 1)[..., None], np.float32)


PATTERNS: dict[str, Callable[[Shades, int, np.random.Generator], Field]] = {
    "carpet": _carpet,
    "carton": _carton,
    "checker": _checker,
    "floral": _floral,
    "goods": _goods,
    "marble": _marble,
    "menu": _menu,
    "mosaic": _mosaic,
    "packet": _packet,
    "planks": _planks,
    "plaster": _plaster,
    "poster": _poster,
    "ripples": _ripples,
    "screen": _screen,
    "slats": _slats,
    "speckle": _speckle,
    "stripes": _stripes,
    "subway": _subway,
    "tartan": _tartan,
    "tiles": _tiles,
    "wood": _wood,
}
"""By name: `(shades, repeat, rng)` to `(SIDE, SIDE, 3)` float32 sRGB in about [0, 1]."""

CERAMIC = Material("ceramic", (0.93, 0.93, 0.91), 0.08)
STEEL = Material("steel", (0.72, 0.73, 0.74), 0.28, metal=True)
CHROME = Material("chrome", (0.85, 0.86, 0.88), 0.08, metal=True)
MIRROR = Material("mirror", (0.92, 0.93, 0.93), 0.01, metal=True)
GLASS = Material("glass", (0.85, 0.92, 0.92), 0.03, see_through=0.85)
FROSTED = Material("frosted glass", (0.86, 0.92, 0.92), 0.35, see_through=0.25)
BLACK = Material("black plastic", (0.04, 0.04, 0.045), 0.35)
DARK = Material("dark gap", (0.02, 0.02, 0.02), 0.9)
WHITE = Material("white plastic", (0.9, 0.9, 0.88), 0.4)
RUBBER = Material("rubber", (0.09, 0.09, 0.09), 0.8)
PAPER = Material("paper", (0.95, 0.95, 0.93), 0.9)
LAMP = Material("lamp", (1.0, 0.98, 0.94), 0.5, glow=1.0)
SKY = Material("sky", (0.86, 0.92, 1.0), 0.9, glow=1.0, lit_by="day")
LEAF = Material("leaf", (0.13, 0.33, 0.12), 0.6)
