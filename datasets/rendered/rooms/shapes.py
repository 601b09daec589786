"""Solids in metres, from which everything is built: triangles with texture coordinates.

Local axes: x along the wall, y out of the wall into the room, z up. A solid stands on z = 0, its middle at x = y = 0,
unless its docstring says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
"""`(N, 3)` float32, metres."""
Triangles = NDArray[np.int32]
"""`(T, 3)` int32, indices into points, counter-clockwise seen from outside."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A surface.

    Attributes:
        points: `(N, 3)` float32, metres.
        triangles: `(T, 3)` int32.
        uv: `(T, 3, 2)` float32, metres on the surface, for each corner of each triangle.
    """

    points: Points
    triangles: Triangles
    uv: NDArray[np.float32]

    def at(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """Return it moved."""
        return replace(self, points=self.points + np.array([x, y, z], np.float32))

    def turned(self, degrees: float, axis: str = "z") -> Mesh:
        """Return it turned about an axis through the origin, counter-clockwise."""
        return replace(self, points=self.points @ rotation(degrees, axis).T)

    def scaled(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> Mesh:
        """Return it stretched along the axes; the factors are positive."""
        return replace(self, points=self.points * np.array([x, y, z], np.float32))

    @property
    def bounds(self) -> NDArray[np.float32]:
        """`(2, 3)` float32: least and greatest coordinates."""
        return np.stack([self.points.min(0), self.points.max(0)])


def rotation(degrees: float, axis: str) -> NDArray[np.float32]:
    """`(3, 3)` float32 matrix of a turn about x, y or z."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = {
        "x": [[1, 0, 0], [0, cos, -sin], [0, sin, cos]],
        "y": [[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]],
        "z": [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]],
    }[axis]
    return np.array(turn, np.float32)


def join(*meshes: Mesh) -> Mesh:
    """Return several surfaces as one."""
    starts = np.cumsum([0, *(len(mesh.points) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.points for mesh in meshes]),
        np.concatenate([mesh.triangles + np.int32(start) for mesh, start in zip(meshes, starts, strict=False)]),
        np.concatenate([mesh.uv for mesh in meshes]),
    )


def _mesh(points: object, triangles: object, uv: NDArray[np.float32] | None = None) -> Mesh:
    """Make a mesh; without `uv`, texture is projected along the axis that each triangle faces most."""
    corners = np.asarray(points, np.float32).reshape(-1, 3)
    faces = np.asarray(triangles, np.int32).reshape(-1, 3)
    if uv is None:
        placed = corners[faces]
        normals = np.abs(np.cross(placed[:, 1] - placed[:, 0], placed[:, 2] - placed[:, 0]))
        facing = normals.argmax(1)
        across = np.array([[1, 2], [0, 2], [0, 1]])[facing]
        uv = np.take_along_axis(placed, np.broadcast_to(across[:, None, :], (len(faces), 3, 2)), 2)
    return Mesh(corners, faces, np.asarray(uv, np.float32))


def _outward(points: NDArray[np.float32], triangles: Sequence[tuple[int, int, int]]) -> Triangles:
    """Turn the triangles of a convex solid so that they face away from its middle."""
    faces = np.asarray(triangles, np.int32)
    placed = points[faces]
    normals = np.cross(placed[:, 1] - placed[:, 0], placed[:, 2] - placed[:, 0])
    inward = ((placed.mean(1) - points.mean(0)) * normals).sum(1) < 0
    faces[inward] = faces[inward][:, ::-1]
    return faces


def _quads(grid: NDArray[np.int64]) -> Triangles:
    """Triangles of a grid of indices `(rows, columns)`."""
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    return np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2).reshape(-1, 3).astype(np.int32)


def box(width: float, depth: float, height: float, bevel: float = 0.004) -> Mesh:
    """A box of these sides, its edges cut by `bevel`."""
    half = np.array([width, depth, height], np.float32) / 2
    cut = min(bevel, 0.45 * float(half.min()))
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
    points = np.repeat(signs * half, 3, 0).reshape(8, 3, 3)
    for kind in range(3):  # the corner that lies on the face across axis `kind` is cut along the other two
        for axis in range(3):
            if axis != kind:
                points[:, kind, axis] -= signs[:, axis] * cut
    index = np.arange(24).reshape(8, 3)
    of = {tuple(int(v) for v in sign): corner for corner, sign in enumerate(signs)}
    faces: list[tuple[int, int, int]] = []
    for axis in range(3):
        one, two = (other for other in range(3) if other != axis)
        for sign in (-1, 1):
            ring = []
            for first, second in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
                key = [0, 0, 0]
                key[axis], key[one], key[two] = sign, first, second
                ring.append(int(index[of[key[0], key[1], key[2]], axis]))
            faces += [(ring[0], ring[1], ring[2]), (ring[0], ring[2], ring[3])]
        for first, second in ((-1, -1), (-1, 1), (1, 1), (1, -1)):  # the bevel of an edge that runs along `axis`
            ends = []
            for sign in (-1, 1):
                key = [0, 0, 0]
                key[axis], key[one], key[two] = sign, first, second
                ends.append(of[key[0], key[1], key[2]])
            a, b = int(index[ends[0], one]), int(index[ends[0], two])
            c, d = int(index[ends[1], two]), int(index[ends[1], one])
            faces += [(a, b, c), (a, c, d)]
    faces += [(3 * corner, 3 * corner + 1, 3 * corner + 2) for corner in range(8)]
    flat = np.asarray(points.reshape(24, 3), np.float32)
    return _mesh(flat + np.array([0, 0, half[2]], np.float32), _outward(flat, faces))


def panel(width: float, height: float) -> Mesh:
    """A flat upright rectangle in the plane y = 0, facing +y; it stands on z = 0."""
    half = width / 2
    points = [[-half, 0, 0], [half, 0, 0], [half, 0, height], [-half, 0, height]]
    return _mesh(points, [[0, 2, 1], [0, 3, 2]])


def floor(width: float, depth: float) -> Mesh:
    """A flat rectangle in the plane z = 0, facing up."""
    a, b = width / 2, depth / 2
    return _mesh([[-a, -b, 0], [a, -b, 0], [a, b, 0], [-a, b, 0]], [[0, 1, 2], [0, 2, 3]])


@dataclass(frozen=True, slots=True)
class Ring:
    """One section of a loft: an ellipse, rounder or squarer, level at `z`.

    Attributes:
        z: Height.
        x: Half width.
        y: Half depth.
        dx: Middle, along x.
        dy: Middle, along y.
        power: 2 is an ellipse, 4 a rounded rectangle.
    """

    z: float
    x: float
    y: float
    dx: float = 0.0
    dy: float = 0.0
    power: float = 2.0


def loft(rings: Sequence[Ring], sides: int = 24, *, caps: bool = True) -> Mesh:
    """A skin over sections from the bottom up; going up outside and down inside makes a bowl."""
    angles = np.linspace(0, 2 * math.pi, sides, endpoint=False)
    cos, sin = np.cos(angles), np.sin(angles)
    points = []
    for ring in rings:
        reach = 2 / ring.power
        x = ring.dx + ring.x * np.sign(cos) * np.abs(cos) ** reach
        y = ring.dy + ring.y * np.sign(sin) * np.abs(sin) ** reach
        points.append(np.stack([x, y, np.full(sides, ring.z)], 1))
    grid = np.arange(len(rings) * sides).reshape(len(rings), sides)
    faces = [_quads(np.concatenate([grid, grid[:, :1]], 1))]
    if caps:
        for ring, row, back in ((rings[0], grid[0], True), (rings[-1], grid[-1], False)):
            middle = sum(len(part) for part in points)
            points.append(np.array([[ring.dx, ring.dy, ring.z]]))
            fan = np.stack([np.full(sides, middle), row, np.roll(row, -1)], 1)
            faces.append((fan[:, ::-1] if back else fan).astype(np.int32))
    return _mesh(np.concatenate(points), np.concatenate(faces))


def lathe(profile: Sequence[tuple[float, float]], sides: int = 24) -> Mesh:
    """A turned solid; `profile` is (radius, height) from the bottom up."""
    return loft([Ring(z, radius, radius) for radius, z in profile], sides)


def cylinder(radius: float, height: float, sides: int = 20) -> Mesh:
    """An upright cylinder."""
    return lathe([(radius, 0.0), (radius, height)], sides)


def pill(size: tuple[float, float, float], power: float = 2.6, sides: int = 20) -> Mesh:
    """A cushion: a solid of these sides without edges; a higher power is boxier."""
    width, depth, height = size
    heights = np.sin(np.linspace(-math.pi / 2, math.pi / 2, 11))
    shape = [(1 - abs(float(at)) ** power) ** (1 / power) for at in heights]
    rings = [
        Ring(height / 2 * (1 + float(at)), max(width / 2 * wide, 1e-4), max(depth / 2 * wide, 1e-4), power=power + 1.2)
        for at, wide in zip(heights, shape, strict=True)
    ]
    return loft(rings, sides)


def tube(path: Sequence[tuple[float, float, float]], radius: float, sides: int = 10) -> Mesh:
    """A round bar along a line of points; it does not stand on z = 0 but lies where the points say."""
    line = np.asarray(path, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    angles = np.linspace(0, 2 * math.pi, sides, endpoint=False)
    points = []
    for middle, way in zip(line, along, strict=True):
        aside = np.cross(way, [0, 0, 1] if abs(way[2]) < 0.9 else [1, 0, 0])
        aside /= np.linalg.norm(aside)
        up = np.cross(aside, way)
        points.append(middle + radius * (np.cos(angles)[:, None] * aside + np.sin(angles)[:, None] * up))
    grid = np.arange(len(line) * sides).reshape(len(line), sides)
    faces = [_quads(np.concatenate([grid, grid[:, :1]], 1)[:, ::-1])]
    for row, back in ((grid[0], False), (grid[-1], True)):
        fan = np.stack([np.full(sides - 2, row[0]), row[1:-1], row[2:]], 1)
        faces.append((fan[:, ::-1] if back else fan).astype(np.int32))
    return _mesh(np.concatenate(points), np.concatenate(faces))


def limb(start: tuple[float, float, float], end: tuple[float, float, float], thick: float, thin: float) -> Mesh:
    """A tapered bar with round ends between two points, for arms and legs; it lies where the points say."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    way = b - a
    length = float(np.linalg.norm(way))
    heights = [-thick * 0.7, -thick * 0.35, 0.0, length / 2, length, length + thin * 0.5, length + thin * 0.85]
    widths = [thick * 0.4, thick * 0.85, thick, (thick + thin) / 2, thin, thin * 0.8, thin * 0.3]
    upright = lathe(list(zip(widths, heights, strict=True)), 12)
    way /= length
    aside = np.cross(way, [0, 0, 1] if abs(way[2]) < 0.95 else [0, 1, 0])
    aside /= np.linalg.norm(aside)
    frame = np.stack([aside, np.cross(way, aside), way], 1).astype(np.float32)
    return replace(upright, points=upright.points @ frame.T + a.astype(np.float32))


def sheet(surface: Callable[[NDArray[np.float64], NDArray[np.float64]], object], rows: int, columns: int) -> Mesh:
    """A bent sheet: `surface(u, v)` gives `(..., 3)` points for u, v in [0, 1]; both sides are seen."""
    v, u = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    points = np.asarray(surface(u, v), np.float32).reshape(-1, 3)
    grid = np.arange(rows * columns).reshape(rows, columns)
    return _mesh(points, _quads(grid))


def curtain(width: float, height: float, *, folds: int = 8, depth: float = 0.05) -> Mesh:
    """A hanging cloth in the plane y = 0, in folds, from z = 0 up."""

    def surface(u: NDArray[np.float64], v: NDArray[np.float64]) -> object:
        sway = depth * np.sin(2 * math.pi * folds * u + 0.6 * np.sin(3 * v)) * (0.55 + 0.45 * (1 - v))
        return np.stack([(u - 0.5) * width, sway, v * height], -1)

    return sheet(surface, 4, 12 * folds + 1)


def duvet(
    width: float,
    length: float,
    thick: float,
    *,
    hang: float = 0.0,
    creases: tuple[float, ...] = (0.0, 1.0, 2.0),
    fine: float = 0.0,
) -> Mesh:
    """A cover that lies in the plane z = 0, rounded at its rim and creased; its long sides hang down by `hang`.

    Args:
        width: Metres along x, of what lies.
        length: Metres along y, from y = 0 on.
        thick: Of its middle, in metres.
        hang: How far its long sides hang below z = 0, in metres.
        creases: Phases of its creases in radians: other ones give another cover.
        fine: Strength of the narrow wrinkles between them, in [0, 1].
    """
    one, two, three = creases

    def surface(u: NDArray[np.float64], v: NDArray[np.float64]) -> object:
        across = (2 * u - 1) * (1 + 2 * hang / width)  # beyond -1 and 1 the cover hangs
        over = np.clip(np.abs(across) - 1, 0, None) * width / 2
        lying = np.clip(across, -1, 1)
        rim = (1 - np.abs(lying) ** 10) * (1 - np.abs(2 * v - 1) ** 14)
        waves = (
            0.30 * np.sin(7 * lying + 3 * v + one)
            + 0.25 * np.sin(5 * v * length - 4 * lying + two)
            + 0.20 * np.sin(11 * v + 6 * lying * v + three)
        )
        folds = np.sin(17 * lying + 9 * v * length + 2.5 * np.sin(6 * v * length + one) + two)
        waves = waves + fine * (np.abs(folds) ** 0.6 - 0.6) * np.sin(3 * lying - 4 * v + three)
        x = lying * width / 2 + np.sign(across) * (
            0.02 * np.minimum(1, over / 0.03) + 0.012 * np.sin(9 * v + one) * (over > 0)
        )
        z = thick * np.clip(rim, 0.1, None) ** 0.5 * (0.75 + 0.25 * waves) - over
        return np.stack([x, v * length, z], -1)

    return sheet(surface, 40, 61) if fine else sheet(surface, 28, 33)
