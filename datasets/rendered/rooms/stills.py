"""Takes the pictures of a room and writes them with their labels; a room that is already there is left alone."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rooms import sensor
from rooms.plan import Set, Still, furnish
from rooms.renderer import Blender
from rooms.scene import BEHIND, PERSON, Seen, Shot

COLUMNS = (
    *("file", "place", "zone", "split", "room", "seed", "view", "light", "lens", "width_deg"),
    *("x", "y", "z", "pan", "tilt", "roll", "height_px", "width_px", "fields"),
    *("people", "region", "region_share", "door", "sha256"),
)
LEAST_PIXELS = 12
"""A person of fewer pixels gets no box."""


def take(blender: Blender, seed: int, number: int, folder: Path, *, height: int = 0) -> list[dict[str, str]]:
    """Render one room of a plan into `folder`, or return what an earlier run wrote.

    Besides the pictures, `folder/.light` keeps the light and the labels they were developed from.

    Args:
        blender: Renders.
        seed: Of the plan.
        number: Of the room.
        folder: Written.
        height: Of the pictures in pixels, or 0 for what the plan says; the width follows.

    Raises:
        RenderError: The renderer could not.
        OSError: The disk is full, or the folder cannot be written.
    """
    done = _done(folder, seed, number)
    if done.is_file():
        return [dict(row) for row in json.loads(done.read_text("utf-8"))]
    room = furnish(seed, number)
    fields = [[still.shot, *([still.later] if still.later else [])] for still in room.stills]
    seen = iter(blender.render(room.scene, [resized(shot, height) for shots in fields for shot in shots]))
    (folder / ".light").mkdir(parents=True, exist_ok=True)
    for index, shots in enumerate(fields):
        keep(_light(folder, seed, number, index), [next(seen) for _ in shots])
    return _developed(room, seed, folder)


def develop(seed: int, number: int, folder: Path) -> list[dict[str, str]]:
    """Develop the pictures of one rendered room, again if need be, from the light that `take` kept.

    Raises:
        OSError: The light is not there, or the folder cannot be written.
    """
    return _developed(furnish(seed, number), seed, folder)


def _developed(room: Set, seed: int, folder: Path) -> list[dict[str, str]]:
    rows = [
        _written(folder, room, still, recall(_light(folder, seed, room.number, index)), index=index, seed=seed)
        for index, still in enumerate(room.stills)
    ]
    done = _done(folder, seed, room.number)
    done.parent.mkdir(parents=True, exist_ok=True)
    unfinished = done.with_suffix(".part")  # renamed when whole: a killed run leaves no half room behind
    unfinished.write_text(json.dumps(rows), "utf-8")
    unfinished.rename(done)
    return rows


def _done(folder: Path, seed: int, number: int) -> Path:
    return folder / ".rooms" / f"{seed}-{number:05d}.json"


def _light(folder: Path, seed: int, number: int, index: int) -> Path:
    return folder / ".light" / f"{seed}-{number:05d}-{index}.npz"


def resized(shot: Shot, height: int) -> Shot:
    """Return a shot of another height in pixels and the same shape, its width even; 0 leaves it as it is."""
    tall, wide = shot.size
    return replace(shot, size=(height, 2 * round(wide * height / tall / 2))) if height else shot


def keep(path: Path, fields: Sequence[Seen]) -> None:
    """Write the fields of one picture as they come from the renderer: light as `(F, H, W, 3)` float16, and labels."""
    light = np.stack([np.clip(seen.light, 0, 6e4) for seen in fields]).astype(np.float16)
    np.savez_compressed(path, light=light, labels=np.stack([seen.labels for seen in fields]).astype(np.int16))


def recall(path: Path) -> list[Seen]:
    """Return the fields of one picture that `keep` wrote.

    Raises:
        OSError: They are not there.
    """
    with np.load(path) as kept:
        pairs = zip(kept["light"].astype(np.float32), kept["labels"].astype(np.int32), strict=True)
        return [Seen(light, labels) for light, labels in pairs]


def woven(fields: Sequence[Seen]) -> Seen:
    """Return one or two fields as one picture, labels and light alike."""
    first, last = fields[0], fields[-1]
    return Seen(sensor.weave(first.light, last.light), sensor.weave(first.labels, last.labels))


def picture(still: Still, light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a still as its recorder would give it back: `(H, W, 3)` uint8 RGB."""
    rng = np.random.default_rng(still.seed)
    night = 0.75 if still.light == "infrared" else 0.0
    image = sensor.develop(light, still.recorder, rng, night=night)
    image = sensor.caption(image, still.recorder, still.seed)
    return sensor.recorded(image, still.recorder.crf)


def region(labels: NDArray[np.int32], zone: str) -> NDArray[np.bool_]:
    """Return `(H, W)` bool: where a picture shows a prohibited zone."""
    return np.asarray(labels == BEHIND if zone == "permitted" else labels > 0, np.bool_)


def boxes(labels: NDArray[np.int32]) -> list[tuple[int, int, int, int]]:
    """Return `(left, top, right, bottom)` in pixels, exclusive, around what is seen of each person."""
    found = []
    for label in np.unique(labels[labels >= PERSON]):
        ys, xs = np.nonzero(labels == label)
        if len(ys) >= LEAST_PIXELS:
            found.append((int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1))
    return found


def _written(folder: Path, room: Set, still: Still, fields: Sequence[Seen], *, index: int, seed: int) -> dict[str, str]:
    name, seen = f"{room.place.name}-{seed}-{room.number:05d}-{index}", woven(fields)
    (folder / "stills").mkdir(parents=True, exist_ok=True)
    data = jpeg(picture(still, seen.light))
    (folder / "stills" / f"{name}.jpg").write_bytes(data)
    private = region(seen.labels, room.place.zone)
    mask = ""
    if room.place.zone == "permitted" and private.any():
        (folder / "regions").mkdir(exist_ok=True)
        mask = f"regions/{name}.png"
        _, png = cv2.imencode(".png", private.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
        (folder / mask).write_bytes(png.tobytes())
    camera, (height, width) = still.shot.camera, seen.labels.shape
    facts: Mapping[str, object] = {
        "file": f"stills/{name}.jpg",
        "place": room.place.name,
        "zone": room.place.zone,
        "split": room.split,
        "room": room.number,
        "seed": seed,
        "view": still.view,
        "light": still.light,
        "lens": camera.lens,
        "width_deg": f"{camera.width:.1f}",
        **{axis: f"{value:.2f}" for axis, value in zip("xyz", camera.place, strict=True)},
        "pan": f"{camera.pan:.1f}",
        "tilt": f"{camera.tilt:.1f}",
        "roll": f"{camera.roll:.1f}",
        "height_px": height,
        "width_px": width,
        "fields": len(fields),
        "people": json.dumps(boxes(seen.labels), separators=(",", ":")),
        "region": mask,
        "region_share": f"{float(private.mean()):.4f}",
        "door": ("open" if "door open" in still.shot.groups else "shut") if room.place.name == "corridor" else "",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return {column: str(facts[column]) for column in COLUMNS}


def jpeg(image: NDArray[np.uint8], quality: int = 85) -> bytes:
    """Return a picture as JPEG."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def write_manifest(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> None:
    """Write rows as CSV, in their order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
