"""Open doors: is the private place behind one found where it is, and only there?

A camera in a corridor may look through a door into a washroom. What lies behind the door must be hidden, the corridor
need not be. There are no photos of that, so they are composed: a prohibited photo seen through an opening in a
permitted one. None of this is code that training uses.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy import measures
from privacy.bench import protocol
from privacy.bench.datasets import Scenes
from privacy.bench.metrics import HIGHER, LOWER, measured
from privacy.bench.models import Entrant, Image
from privacy.bench.scores import Failure, told
from privacy.training.data import load

SIZE = (288, 384)
"""`(height, width)` of a composed picture."""
ROOMS = frozenset(
    {"corridor", "entrance_hall", "kitchen_home", "living_room", "lobby", "office", "restaurant", "shop", "store"}
)
"""Permitted places that have doors."""


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """One composed picture.

    Attributes:
        item: Name of the permitted photo, and of the prohibited one behind it.
        picture: `(H, W, 3)` uint8 RGB.
        cover: `(H, W)` float32 in [0, 1], how much of each pixel shows the prohibited place.
    """

    item: str
    picture: Image
    cover: NDArray[np.float32]


def compose(scenes: Scenes, count: int = protocol.DOORS) -> list[Door]:
    """Return open doors; empty if the set lacks rooms with doors, or private places.

    Host and inside are paired by hash, and never grey with coloured: a difference of style would give the door away.
    """
    grey = {index: _is_grey(scenes, index) for index in range(len(scenes.photos))}
    hosts = [i for i, photo in enumerate(scenes.photos) if not scenes.shown[i] and photo.meaning.place in ROOMS]
    insides = np.flatnonzero(scenes.shown)
    doors = []
    for number in range(count if hosts and len(insides) else 0):
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(f"door {number}".encode()).digest()[:8], "big"))
        host = hosts[int(rng.integers(len(hosts)))]
        alike = [int(i) for i in insides if grey[int(i)] == grey[host]] or insides.tolist()
        inside = int(alike[int(rng.integers(len(alike)))])
        picture, cover = through(_picture(scenes, host), _picture(scenes, inside), rng)
        doors.append(Door(f"{scenes.items[host]} <- {scenes.items[inside]}", picture, cover))
    return doors


def through(host: Image, inside: Image, rng: np.random.Generator) -> tuple[Image, NDArray[np.float32]]:
    """Show `inside` through an upright opening of a fifth to a half of the width of `host`, `SIZE` both."""
    height, width = SIZE
    wide, tall = (int(side * rng.uniform(*span)) for side, span in ((width, (0.2, 0.5)), (height, (0.5, 0.9))))
    left, top = int(rng.integers(0, width - wide + 1)), int(rng.uniform(0.5, 1) * (height - tall))
    slant = rng.uniform(-0.12, 0.12) * tall
    corners = np.array(
        [
            [left, top + max(slant, 0)],
            [left + wide, top + max(-slant, 0)],
            [left + wide, top + tall - max(-slant, 0)],
            [left, top + tall - max(slant, 0)],
        ],
        np.float32,
    )
    room = _sized(host, SIZE)
    scale = max(tall / inside.shape[0], wide / inside.shape[1])
    view = _sized(inside, (max(tall, round(inside.shape[0] * scale)), max(wide, round(inside.shape[1] * scale))))
    offset = int(rng.integers(view.shape[1] - wide + 1))
    view = np.ascontiguousarray(view[:tall, offset : offset + wide])
    flat = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    seen = cv2.warpPerspective(
        view, cv2.getPerspectiveTransform(flat, corners), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    mask = np.zeros((height, width), np.uint8)
    outline = corners.round().astype(np.int32)
    cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_AA)
    cover = mask.astype(np.float32) / 255
    mixed = np.asarray(room, np.float32) * (1 - cover[..., None]) + np.asarray(seen, np.float32) * cover[..., None]
    shade = float(rng.integers(30, 220))
    cv2.polylines(mixed, [outline], isClosed=True, color=(shade,) * 3, thickness=2, lineType=cv2.LINE_AA)
    return np.asarray(np.clip(mixed, 0, 255), np.uint8), np.asarray(cover, np.float32)


def measure(entrant: Entrant, doors: Sequence[Door], *, rounds: int, seed: int) -> dict[str, Any] | None:
    """Return how one model fares, or None if it says of no picture where.

    A picture that it fails on counts as nothing found.
    """
    rows, failures = [], []
    for door in doors:
        try:
            seen = entrant.look(door.picture)
            if seen.zone_map is None:
                return None
            rows.append(_found(seen.zone_map, door.cover))
        except Exception as error:  # a failure of this model on this picture
            failures.append(Failure(door.item, told(error)))
            rows.append((0.0, 1.0))
    if len(failures) == len(doors):
        return None
    values = np.array(rows)
    draws = measures.resamples([np.array([k]) for k in range(len(values))], rounds=rounds, seed=seed)
    names = ("region recall", HIGHER), ("over-mask area", LOWER)
    return {
        "measures": {
            name: measured([float(values[i, k].mean()) for i in draws], float(values[:, k].mean()), better=better)
            for k, (name, better) in enumerate(names)
        },
        "pictures": len(values),
        "failures": [{"item": failure.item, "error": failure.error} for failure in failures],
    }


def _found(cells: NDArray[np.float32], cover: NDArray[np.float32]) -> tuple[float, float]:
    truth = cv2.resize(cover, (cells.shape[1], cells.shape[0]), interpolation=cv2.INTER_AREA)
    return measures.region_scores(cells[None], np.asarray(truth, np.float32)[None], protocol.MASKED_FROM)


def _is_grey(scenes: Scenes, index: int) -> bool:
    picture = load(scenes.photos[index], short_side=16).astype(np.int16)
    return bool(np.abs(picture[..., 0] - picture[..., 2]).mean() < 1)


def _picture(scenes: Scenes, index: int) -> Image:
    return load(scenes.photos[index], short_side=protocol.SHORT_SIDE)


def _sized(image: Image, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.uint8)
