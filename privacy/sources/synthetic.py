"""A generated clip for demonstrations and tests: a camera goes down a corridor and turns into a washroom.

Nothing in it is a photograph. Rooms and furniture are textured quadrilaterals in metres, drawn far to near.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Frame, Layout
from privacy.sources.video import VideoInfo

Image = NDArray[np.uint8]
Point = NDArray[np.float64]
_Painter = Callable[[int, int], Image]
"""Makes a texture of so many rows and columns."""

ENTERS_AT = 0.55
"""Share of the clip after which the washroom fills the picture."""

_TEXEL = 96  # texture pixels per metre
_NEAR = 0.05  # metres; nearer is not drawn
_LIGHT = np.array([0.35, 0.85, -0.4]) / np.linalg.norm([0.35, 0.85, -0.4])
_HALF = 1.2  # width of the corridor left and right of the camera's way
_DOOR = (4.2, 5.4, 2.15)  # from, to along the corridor, height


@dataclass(frozen=True, slots=True, eq=False)
class _Quad:
    """A flat rectangle: corner, two sides in metres, and what is painted on it (BGR, first row at the corner)."""

    corner: Point
    right: Point
    down: Point
    texture: Image
    behind: int = 0  # walls and floors first: they enclose everything else


class SyntheticSource:
    """The frames of the generated clip, always the same for the same arguments; I420, BT.601, video range.

    Args:
        seconds: Length.
        size: `(height, width)`, both even.
        rate: Frames a second.
        seed: Of textures and sensor noise.
    """

    def __init__(
        self, *, seconds: float = 10.0, size: tuple[int, int] = (360, 640), rate: int = 15, seed: int = 0
    ) -> None:
        self._seed = seed
        self._count = max(1, round(seconds * rate))
        self.info = VideoInfo(
            size=size,
            rate=Fraction(rate),
            time_base=Fraction(1, rate * 512),
            duration=self._count / rate,
            frames=self._count,
            matrix=6,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Draw the frames, one after the other."""
        rng = np.random.default_rng(self._seed)
        corridor, washroom = list(_corridor(rng)), list(_washroom(rng))
        height, width = self.info.size
        noise = rng.normal(0, 2.2, (height + 64, width + 64)).astype(np.float32)
        for number in range(self._count):
            eye, yaw, pitch = _camera(number / max(1, self._count - 1))
            # Of two rooms with a wall between them, the one that the camera stands in hides the other.
            rooms = (washroom, corridor) if eye[0] < _HALF else (corridor, washroom)
            drawn = _draw(rooms, eye, yaw, pitch, (height * 3 // 2, width * 3 // 2))
            picture = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
            top, left = rng.integers(0, 64, 2)
            picture += noise[top : top + height, left : left + width, None]
            yield _frame(np.clip(picture, 0, 255).astype(np.uint8), number, float(self.info.rate))


def _frame(picture: Image, number: int, rate: float) -> Frame:
    height, width = picture.shape[:2]
    flat = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8).reshape(-1)
    luma, quarter = height * width, height * width // 4
    planes = (
        flat[:luma].reshape(height, width),
        flat[luma : luma + quarter].reshape(height // 2, width // 2),
        flat[luma + quarter :].reshape(height // 2, width // 2),
    )
    return Frame(planes, Layout.I420, number / rate, number)


def _camera(share: float) -> tuple[Point, float, float]:
    """Return where the camera is, and its yaw and pitch in radians, at a share of the clip in [0, 1]."""
    walk, turn, enter = (_ease(share, start, end) for start, end in ((0, 0.5), (0.36, 0.56), (0.46, 0.72)))
    look = _ease(share, 0.72, 1.0)
    eye = np.array([1.9 * enter, 2.2 - 0.5 * enter, 0.4 + 4.3 * walk + 0.5 * look])
    return eye, math.radians(90 * turn + 62 * look - 8 * enter), math.radians(-10 - 5 * enter)


def _ease(share: float, start: float, end: float) -> float:
    x = min(1.0, max(0.0, (share - start) / (end - start)))
    return x * x * (3 - 2 * x)


def _draw(rooms: tuple[list[_Quad], ...], eye: Point, yaw: float, pitch: float, size: tuple[int, int]) -> Image:
    height, width = size
    canvas = np.full((height, width, 3), 30, np.uint8)
    cos, sin = math.cos(yaw), math.sin(yaw)
    turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    tilt = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    focal = 0.62 * width
    # Rows of the camera matrix turn metres (x right, y up, z ahead) into pixels.
    camera = np.array([[focal, 0, width / 2], [0, -focal, height / 2], [0, 0, 1]]) @ tilt @ turn

    def order(quad: _Quad) -> tuple[int, float]:
        centre = quad.corner + (quad.right + quad.down) / 2
        return quad.behind, float(np.linalg.norm(centre - eye))

    for room in rooms:
        for quad in sorted(room, key=order, reverse=True):
            _paint(canvas, quad, camera, eye)
    return canvas


def _paint(canvas: Image, quad: _Quad, camera: NDArray[np.float64], eye: Point) -> None:
    rows, columns = quad.texture.shape[:2]
    at = quad.corner - eye
    # Texture pixel (u, v, 1) to homogeneous picture point; its inverse is what warpPerspective wants.
    plane = camera @ np.stack([quad.right / columns, quad.down / rows, at], axis=1)
    if abs(np.linalg.det(plane)) < 1e-9:
        return
    outline = _clipped([at, at + quad.right, at + quad.right + quad.down, at + quad.down], camera[2])
    if len(outline) < 3:
        return
    points = np.stack([camera @ corner for corner in outline])
    points = np.clip(points[:, :2] / points[:, 2:], -20000, 20000)
    height, width = canvas.shape[:2]
    left, top = np.clip(np.floor(points.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64)
    size = (int(right - left), int(bottom - top))
    painted = cv2.warpPerspective(
        quad.texture, np.linalg.inv(shift @ plane), size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    inside = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(inside, [np.round(points - (left, top)).astype(np.int32)], (1,))
    np.copyto(canvas[top:bottom, left:right], painted, where=inside[..., None].astype(np.bool_))


def _clipped(corners: list[Point], ahead: NDArray[np.float64]) -> list[Point]:
    """Cut off what is behind the camera (Sutherland and Hodgman, CACM 17(1), 1974)."""
    kept: list[Point] = []
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        before, after = float(ahead @ start) - _NEAR, float(ahead @ end) - _NEAR
        if before >= 0:
            kept.append(start)
        if before * after < 0:
            kept.append(start + (end - start) * (before / (before - after)))
    return kept


def _corridor(rng: np.random.Generator) -> Iterator[_Quad]:
    """Yield a corridor along z, 2.4 m wide: linoleum, plain walls, doors, notices and lamps."""
    start, end, half, top = -1.0, 13.0, _HALF, 2.7
    wall, floor = (176, 196, 204), (120, 90, 70)
    yield _room((-half, 0, start), (2 * half, 0, 0), (0, 0, end - start), _plain(rng, floor, 6), behind=3)
    yield _room(
        (-half, top, start), (2 * half, 0, 0), (0, 0, end - start), _grid((214, 218, 220), 0.6, (180, 186, 190)), 3
    )
    yield _room((-half, top, start), (0, 0, end - start), (0, -top, 0), _skirted(rng, wall), 2)
    yield _room((-half, top, end), (2 * half, 0, 0), (0, -top, 0), _skirted(rng, (150, 172, 184)), 2)
    opens, closes, high = _DOOR
    for z0, z1, y0, y1 in ((start, opens, 0, top), (closes, end, 0, top), (opens, closes, high, top)):
        yield _room(
            (half, y1, z0),
            (0, 0, z1 - z0),
            (0, y0 - y1, 0),
            _skirted(rng, wall) if y0 == 0 else _plain(rng, wall, 4),
            2,
        )
    for z in (1.2, 3.6, 6.0, 8.4, 10.8):  # lamps
        yield _room((-0.3, top - 0.01, z), (0.6, 0, 0), (0, 0, 1.2), _flat((250, 252, 252)), 1)
    for z in (1.6, 6.6, 9.6):  # doors on the left
        yield _room((-half + 0.01, 2.1, z), (0, 0, 0.95), (0, -2.1, 0), _door(rng, (58, 92, 132)), 1)
    for z in (6.8, 9.8):  # and on the right
        yield _room((half - 0.01, 2.1, z), (0, 0, 0.95), (0, -2.1, 0), _door(rng, (58, 92, 132)), 1)
    for z, colour in ((3.1, (150, 90, 60)), (4.7, (60, 120, 60)), (8.2, (70, 90, 170))):  # notices
        yield _room((-half + 0.01, 1.75, z), (0, 0, 0.7), (0, -0.5, 0), _notice(rng, colour), 1)
    yield _room((-0.5, 2.1, end - 0.01), (1.0, 0, 0), (0, -2.1, 0), _window(), 1)
    yield from _box((-1.2, 0, 7.7), (0.45, 0.45, 1.5), (70, 60, 52))


def _washroom(rng: np.random.Generator) -> Iterator[_Quad]:
    """Yield a washroom right of the corridor's door: tiles, a mirror over basins, urinals, stalls and a toilet."""
    left, right, near, far, top = _HALF, 5.4, 2.4, 7.4, 2.7
    tile, joint = (226, 224, 214), (182, 178, 168)
    yield _room(
        (left, 0, near), (right - left, 0, 0), (0, 0, far - near), _grid((150, 140, 126), 0.3, (112, 106, 98)), 3
    )
    yield _room((left, top, near), (right - left, 0, 0), (0, 0, far - near), _flat((232, 234, 234)), 3)
    wide, deep = right - left, far - near
    walls = (
        ((right, top, near), (0, 0, deep)),
        ((left, top, far), (wide, 0, 0)),
        ((left, top, near), (wide, 0, 0)),
    )
    for corner, along in walls:
        yield _room(corner, along, (0, -top, 0), _grid(tile, 0.2, joint, band=(168, 132, 84)), 2)
    opens, closes, high = _DOOR
    for z0, z1, y0, y1 in ((near, opens, 0, top), (closes, far, 0, top), (opens, closes, high, top)):
        yield _room((left + 0.02, y1, z0), (0, 0, z1 - z0), (0, y0 - y1, 0), _grid(tile, 0.2, joint), 2)
    yield _room((left + 0.9, top - 0.01, 4.0), (1.2, 0, 0), (0, 0, 0.5), _flat((252, 253, 253)), 1)
    # Basins under a mirror on the wall ahead of the door.
    yield _room((right - 0.02, 2.0, 3.6), (0, 0, 2.4), (0, -0.85, 0), _mirror(rng), 1)
    yield from _box((right - 0.55, 0.72, 3.5), (0.55, 0.14, 2.6), (206, 206, 200))
    for z in (3.75, 4.6, 5.45):
        yield from _bowl((right - 0.3, 0.885, z + 0.2), 0.23, 0.09, (246, 246, 244), inner=(206, 208, 204))
        yield from _box((right - 0.1, 0.86, z + 0.17), (0.06, 0.2, 0.06), (150, 152, 152))
    # Toilets against the near wall, between partitions.
    for x in (2.3, 3.35, 4.4):
        yield from _box((x + 0.12, 0.42, near), (0.46, 0.42, 0.2), (240, 240, 238))
        yield from _bowl((x + 0.35, 0.4, near + 0.48), 0.24, 0.38, (248, 248, 246), inner=(176, 184, 188))
        yield from _box((x + 0.86, 0.12, near), (0.04, 1.1, 0.75), (196, 176, 150))
    # Urinals on the far wall, with screens.
    for x in (2.2, 3.1, 4.0):
        yield from _box((x, 0.55, far - 0.34), (0.36, 0.62, 0.34), (244, 244, 242))
        yield _room((x + 0.05, 1.08, far - 0.345), (0.26, 0, 0), (0, -0.36, 0), _flat((186, 190, 190)), 0)
        yield from _box((x + 0.62, 0.5, far - 0.5), (0.04, 0.9, 0.5), (196, 176, 150))


def _room(
    corner: tuple[float, float, float], right: tuple[float, float, float], down: tuple[float, float, float],
    paint: _Painter, behind: int = 0,
) -> _Quad:  # fmt: skip
    ends = np.asarray(right, np.float64), np.asarray(down, np.float64)
    columns, rows = (max(8, min(1400, round(float(np.linalg.norm(side)) * _TEXEL))) for side in ends)
    return _Quad(np.asarray(corner, np.float64), *ends, paint(rows, columns), behind)


def _box(
    corner: tuple[float, float, float], size: tuple[float, float, float], colour: tuple[int, int, int]
) -> Iterator[_Quad]:
    """Yield the sides and the top of a box that stands along the axes, lit from above."""
    (x, y, z), (wide, high, deep) = corner, size
    faces = (
        ((x, y + high, z), (wide, 0, 0), (0, -high, 0), (0, 0, -1)),
        ((x, y + high, z + deep), (wide, 0, 0), (0, -high, 0), (0, 0, 1)),
        ((x, y + high, z), (0, 0, deep), (0, -high, 0), (-1, 0, 0)),
        ((x + wide, y + high, z), (0, 0, deep), (0, -high, 0), (1, 0, 0)),
        ((x, y + high, z), (wide, 0, 0), (0, 0, deep), (0, 1, 0)),
    )
    for at, right, down, normal in faces:
        yield _room(at, right, down, _flat(_lit(colour, np.asarray(normal, np.float64))))


def _bowl(
    centre: tuple[float, float, float], radius: float, depth: float, colour: tuple[int, int, int],
    *, inner: tuple[int, int, int],
) -> Iterator[_Quad]:  # fmt: skip
    """Yield a round bowl: a ring of staves that narrow downwards, and the opening."""
    x, y, z = centre
    sides = 16
    for number in range(sides):
        start, end = (2 * math.pi * step / sides for step in (number, number + 1))
        first = np.array([x + radius * math.cos(start), y, z + radius * math.sin(start)])
        second = np.array([x + radius * math.cos(end), y, z + radius * math.sin(end)])
        middle = (first + second) / 2 - (x, y, z)
        down = -0.45 * middle - np.array([0, depth, 0])
        outward = middle / np.linalg.norm(middle)
        yield _Quad(first, second - first, down, _flat(_lit(colour, outward))(8, 8))
    for share, paint, lift in ((1.0, colour, 0.0), (0.78, inner, 0.004)):
        for number in range(4):  # four bars make a round shape well enough
            half = radius * share * math.cos((number + 0.5) * math.pi / 9)
            thick = radius * share * math.sin((number + 0.5) * math.pi / 9)
            corner = np.array([x - half, y + lift, z - thick])
            sides_of = np.array([2 * half, 0, 0]), np.array([0, 0, 2 * thick])
            yield _Quad(corner, *sides_of, _flat(paint)(8, 8))


def _lit(colour: tuple[int, int, int], normal: Point) -> tuple[int, int, int]:
    light = 0.72 + 0.3 * max(0.0, float(normal @ _LIGHT))
    blue, green, red = (min(255, round(channel * light)) for channel in colour)
    return blue, green, red


def _flat(colour: tuple[int, int, int]) -> _Painter:
    return lambda rows, columns: np.full((rows, columns, 3), colour, np.uint8)


def _plain(rng: np.random.Generator, colour: tuple[int, int, int], grain: float) -> _Painter:
    """Paint a colour with a grain, a little darker towards the bottom."""

    def paint(rows: int, columns: int) -> Image:
        spots = cv2.resize(rng.normal(0, grain, (rows // 8 + 2, columns // 8 + 2)), (columns, rows))
        shade = np.linspace(1.03, 0.92, rows)[:, None]
        return np.asarray(np.clip((np.array(colour) + spots[..., None]) * shade[..., None], 0, 255), np.uint8)

    return paint


def _skirted(rng: np.random.Generator, colour: tuple[int, int, int]) -> _Painter:
    """Paint a wall: a darker lower half, a rail between, a skirting board."""

    def paint(rows: int, columns: int) -> Image:
        image = _plain(rng, colour, 3)(rows, columns)
        image[rows * 6 // 10 :] = image[rows * 6 // 10 :] // 10 * 8
        image[rows * 6 // 10 - 3 : rows * 6 // 10 + 3] = (120, 130, 136)
        image[rows * 96 // 100 :] = (70, 76, 82)
        return image

    return paint


def _grid(
    colour: tuple[int, int, int], side: float, joint: tuple[int, int, int], band: tuple[int, int, int] | None = None
) -> _Painter:
    """Paint tiles of `side` metres with joints, and a coloured row of them at eye height."""

    def paint(rows: int, columns: int) -> Image:
        image = np.full((rows, columns, 3), colour, np.uint8)
        step = max(4, round(side * _TEXEL))
        if band is not None:
            image[step * 6 : step * 7] = band
        vary = (np.add.outer(np.arange(rows) // step * 5, np.arange(columns) // step * 3) % 7).astype(np.uint8)
        image -= vary[..., None]
        image[::step] = image[1::step] = image[:, ::step] = image[:, 1::step] = joint
        return image

    return paint


def _door(rng: np.random.Generator, colour: tuple[int, int, int]) -> _Painter:
    def paint(rows: int, columns: int) -> Image:
        image = _plain(rng, colour, 5)(rows, columns)
        cv2.rectangle(image, (0, 0), (columns - 1, rows - 1), (44, 58, 76), 8)
        cv2.circle(image, (columns * 85 // 100, rows // 2), 5, (190, 200, 205), -1)
        cv2.rectangle(
            image, (columns * 35 // 100, rows * 18 // 100), (columns * 65 // 100, rows * 24 // 100), (225, 228, 230), -1
        )
        return image

    return paint


def _notice(rng: np.random.Generator, colour: tuple[int, int, int]) -> _Painter:
    def paint(rows: int, columns: int) -> Image:
        image = np.full((rows, columns, 3), (236, 238, 238), np.uint8)
        cv2.rectangle(image, (0, 0), (columns - 1, rows - 1), (60, 64, 66), 3)
        image[4 : rows // 4, 4:-4] = colour
        for line in range(rows // 3, rows - 6, 5):
            image[line : line + 2, 8 : int(rng.integers(columns // 2, columns - 8))] = (120, 120, 120)
        return image

    return paint


def _window() -> _Painter:
    def paint(rows: int, columns: int) -> Image:
        image = np.zeros((rows, columns, 3), np.uint8)
        image[:] = np.linspace((250, 236, 214), (232, 240, 240), rows)[:, None]
        cv2.rectangle(image, (0, 0), (columns - 1, rows - 1), (66, 70, 74), 8)
        image[:, columns // 2 - 3 : columns // 2 + 3] = image[rows // 2 - 3 : rows // 2 + 3] = (66, 70, 74)
        return image

    return paint


def _mirror(rng: np.random.Generator) -> _Painter:
    def paint(rows: int, columns: int) -> Image:
        image = _plain(rng, (214, 212, 202), 5)(rows, columns)
        slant = np.add.outer(np.arange(rows), np.arange(columns)) % 150 < 26
        image[slant] = np.minimum(image[slant] + np.uint8(14), 245)
        cv2.rectangle(image, (0, 0), (columns - 1, rows - 1), (118, 120, 122), 4)
        return image

    return paint
