"""Where a camera is hung in a furnished room, and through which lens it looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rooms.families import Kit
from rooms.room import Room
from rooms.scene import Camera, looking_at

KINDS = ("corner", "dome", "fisheye", "doorway", "above")


def hang(kit: Kit, room: Room, kind: str) -> Camera:
    """Return a camera of this kind, where it sees much of what tells about the place.

    Args:
        kit: Source of chance.
        room: Furnished.
        kind: One of `KINDS`.

    Raises:
        KeyError: There is no such kind.
    """
    return {"corner": _corner, "dome": _dome, "fisheye": _fisheye, "doorway": _doorway, "above": _above}[kind](
        kit, room
    )


def told(room: Room, camera: Camera) -> float:
    """How much of what tells about the place lies before a camera: near its axis, and neither too near nor too far."""
    total = 0.0
    for x, y, z, told_by in room.tells:
        weight = told_by
        away = float(np.linalg.norm(np.array([x, y, z]) - camera.place))
        aside = camera.off_axis((x, y, z)) / (camera.width / 2)
        if _hidden(room, camera.place, (x, y, z)):
            weight *= 0.15
        total += weight * float(np.clip(1.25 - aside, 0, 1)) * float(np.clip(away / 1.6, 0, 1)) * min(1.0, 6.0 / away)
    return total * (1 - _stood_before(room, camera)) ** 2


def _stood_before(room: Room, camera: Camera, near: float = 1.3) -> float:
    """Share of a camera's view in [0, 1] that a thing nearer than `near` metres covers, as a locker below it does."""
    half = np.radians(min(camera.width, 120.0)) / 2
    aside, down = np.linspace(-half, half, 9), 0.75 * np.linspace(-half, half, 7)
    pan, tilt = np.meshgrid(np.radians(camera.pan) + aside, np.radians(camera.tilt) + down)
    way = np.stack([np.cos(tilt) * np.cos(pan), np.cos(tilt) * np.sin(pan), -np.sin(tilt)])
    points = np.asarray(camera.place)[:, None, None, None] + way[..., None] * np.linspace(0.15, near, 12)
    blocks = np.array(room.blocks).T
    line = points.reshape(3, -1, 1)
    hit = _within(line[:2], blocks) & (line[2] < blocks[4])
    return float(hit.any(1).reshape(points.shape[1:]).any(2).mean())


def _hidden(room: Room, eye: tuple[float, float, float], there: tuple[float, float, float]) -> bool:
    """Tell whether something large stands between an eye and a point; what stands around the point does not count."""
    line = np.linspace(eye, there, 24)[:, :, None]
    blocks = np.array(room.blocks).T
    apart = ~_within(np.array(there)[:2, None], blocks)
    return bool((_within(line[:, :2].transpose(1, 0, 2), blocks) & (line[:, 2] < blocks[4]) & apart).any())


def _within(point: NDArray[np.float64], blocks: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(
        (point[0] > blocks[0]) & (point[0] < blocks[2]) & (point[1] > blocks[1]) & (point[1] < blocks[3]), np.bool_
    )


def _best(kit: Kit, room: Room, choices: list[Camera]) -> Camera:
    """One of the better half: not always the best, so that views vary."""
    ranked = sorted(choices, key=lambda camera: -told(room, camera))
    return kit.one_of(tuple(ranked[: max(1, min(3, len(ranked) // 3))]))


def _jitter(kit: Kit, target: object, by: float = 0.35) -> list[float]:
    return [float(value) + kit.between(-by, by) for value in np.asarray(target, np.float64)]


def _corner(kit: Kit, room: Room) -> Camera:
    width = kit.between(68, 100) if min(room.width, room.depth) > 3 else kit.between(85, 108)
    fisheye = kit.chance(0.25)
    drop = kit.between(0.12, 0.35)
    return _best(
        kit,
        room,
        [
            looking_at(
                place,
                _jitter(kit, room.heart),
                width=width + 25 if fisheye else width,
                lens="fisheye" if fisheye else "straight",
                roll=float(kit.rng.normal(0, 2.5)),
            )
            for place in room.corners(0.2, drop)[: 4 if room.depth > 2.4 * room.width else 8]
        ],
    )


def _dome(kit: Kit, room: Room) -> Camera:
    places = [
        (room.width * x, room.depth * y, room.height - 0.14) for x in (0.2, 0.5, 0.8) for y in (0.15, 0.4, 0.6, 0.85)
    ]
    width = kit.between(85, 108)
    return _best(kit, room, [looking_at(place, _jitter(kit, room.heart), width=width) for place in places])


def _fisheye(kit: Kit, room: Room) -> Camera:
    x, y = room.width * kit.between(0.4, 0.6), room.depth * kit.between(0.35, 0.55)
    if kit.chance(0.6):
        return Camera((x, y, room.height - 0.12), kit.between(0, 360), 90.0, 0.0, kit.between(165, 180), "fisheye")
    return _best(
        kit,
        room,
        [
            looking_at(place, _jitter(kit, room.heart), width=kit.between(130, 165), lens="fisheye")
            for place in room.corners(0.12, 0.25)
        ],
    )


def _doorway(kit: Kit, room: Room) -> Camera:
    x, y = room.entry
    place = (
        float(np.clip(x, 0.15, room.width - 0.15)),
        float(np.clip(y, 0.15, room.depth - 0.15)),
        kit.between(2.05, 2.3),
    )
    return looking_at(place, _jitter(kit, room.heart), width=kit.between(75, 105), roll=float(kit.rng.normal(0, 2)))


def _above(kit: Kit, room: Room) -> Camera:
    place = (room.width * kit.between(0.0, 1.0), -kit.between(0.5, 4.0), kit.between(5.5, 9.0))
    target = (room.width / 2, room.depth * kit.between(0.35, 0.5), 0.3)
    return looking_at(place, target, width=kit.between(60, 90))
