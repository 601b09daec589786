"""Short clips: a camera that sweeps, a door that opens, and a corridor's camera that is re-aimed into a washroom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rooms import sensor
from rooms.families import Kit
from rooms.places import BY_NAME, DOOR_OPEN, DOOR_SHUT
from rooms.plan import populate
from rooms.renderer import Blender
from rooms.room import Room
from rooms.scene import Camera, Shot, looking_at
from rooms.sensor import FIELD_S, Recorder
from rooms.stills import boxes, region, woven, write_manifest

RATE = 10
"""Frames a second."""
COLUMNS = (
    "file",
    "frame",
    "seconds",
    "place",
    "zone",
    "region_share",
    "region_box",
    "people",
    "pan",
    "tilt",
    "width_deg",
)
RECORDER = Recorder(text=0.3, crf=28, grain=2.5, edge=0.3)
Move = tuple[Camera, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Story:
    """One clip.

    Attributes:
        name: Of the file.
        place: Where the camera hangs.
        seed: Of the room.
        seconds: Length.
        size: `(height, width)` in pixels.
        view: Camera and groups at a moment, given the room and the time in seconds.
        lamps: Strength of the lamps.
        day: Strength of the windows.
        recorder: Whose clip it is.
    """

    name: str
    place: str
    seed: int
    seconds: float
    size: tuple[int, int]
    view: Callable[[Room, float], Move]
    lamps: float = 1.0
    day: float = 0.5
    recorder: Recorder = RECORDER


def ease(at: float, start: float, end: float) -> float:
    """Return 0 before `start`, 1 after `end`, and a smooth way between."""
    x = min(1.0, max(0.0, (at - start) / (end - start)))
    return x * x * (3 - 2 * x)


def between(first: Camera, second: Camera, share: float) -> Camera:
    """Return the camera of `first` turned and zoomed by a share of the way to `second`."""
    turn = (second.pan - first.pan + 180) % 360 - 180
    return replace(
        first,
        pan=first.pan + share * turn,
        tilt=first.tilt + share * (second.tilt - first.tilt),
        width=first.width + share * (second.width - first.width),
    )


def reaimed(room: Room, at: float) -> Move:
    """A corridor's camera: looks down the corridor, and is then turned and zoomed through the washroom's open door."""
    _, y = room.entry
    place = (0.18, y + 0.25, room.height - 0.3)
    along = looking_at(place, (room.width * 0.55, room.depth, 0.9), width=82)
    into = looking_at(place, (room.width + 3.0, y - 0.3, 0.75), width=34)
    return between(along, into, ease(at, 4.0, 5.6)), frozenset({DOOR_OPEN, "people 0"})


def opened(room: Room, at: float) -> Move:
    """A corridor's fixed camera, from the end; somebody opens the washroom's door at 3 s."""
    place = (0.3, 0.25, room.height - 0.2)
    camera = looking_at(place, (room.width, room.entry[1] + 0.6, 0.9), width=75)
    return camera, frozenset({DOOR_OPEN if at >= 3.0 else DOOR_SHUT})


def sweep(start: float, end: float, tilt: float, width: float) -> Callable[[Room, float], Move]:
    """Return a PTZ camera in a corner of its room that turns to and fro, in degrees off the diagonal."""

    def view(room: Room, at: float) -> Move:
        place = (0.25, 0.25, room.height - 0.22)
        middle = looking_at(place, (room.width, room.depth, 0.8), width=width)
        share = ease(at, 1.0, 3.0) - ease(at, 4.5, 6.5)
        pan = middle.pan + start + share * (end - start)
        return replace(middle, pan=pan, tilt=middle.tilt + tilt), frozenset({"people 0"})

    return view


STORIES = (
    Story("corridor-reaimed", "corridor", 11, 16.0, (240, 320), reaimed),
    Story("corridor-door", "corridor", 4, 6.0, (240, 320), opened),
    Story(
        "lobby-sweep", "lobby", 5, 7.5, (240, 320), sweep(-25, 22, 6, 75), recorder=replace(RECORDER, interlaced=True)
    ),
    Story("office-sweep", "office", 6, 7.5, (240, 320), sweep(-22, 22, 4, 80)),
    Story("dormitory-sweep", "dormitory", 8, 7.5, (240, 320), sweep(-18, 22, 6, 80)),
    Story("bathhouse-sweep", "bathhouse", 9, 7.5, (240, 320), sweep(-20, 20, 6, 78)),
)


def take_all(blender: Blender, seed: int, folder: Path, wanted: set[str]) -> None:
    """Render every story that is not there yet; write `clips/` and `clips.csv`."""
    for story in STORIES:
        done = folder / ".clips" / f"{story.name}.json"
        if done.is_file() or (wanted and story.name not in wanted):
            continue
        data, rows = take(blender, seed, story)
        for path in (folder / "clips", done.parent):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "clips" / f"{story.name}.mp4").write_bytes(data)
        done.write_text(json.dumps(rows), "utf-8")
    rows = [
        row
        for story in STORIES
        if (path := folder / ".clips" / f"{story.name}.json").is_file()
        for row in json.loads(path.read_text("utf-8"))
    ]
    write_manifest(folder / "clips.csv", rows, COLUMNS)


def furnish(seed: int, story: Story) -> Room:
    """Build the room of a story, with its people."""
    room = BY_NAME[story.place].build(Kit(np.random.default_rng([seed, story.seed]), "train"))
    populate(room, 2)
    return room


def moments(story: Story, room: Room) -> Iterator[Shot]:
    """Yield one shot a frame; of an interlaced recorder two, a field apart."""
    for index in range(round(story.seconds * RATE)):
        for field in range(2 if story.recorder.interlaced else 1):
            camera, groups = story.view(room, index / RATE + field * FIELD_S)
            yield Shot(camera, groups, story.lamps, story.day, 0.0, story.size)


def take(blender: Blender, seed: int, story: Story) -> tuple[bytes, list[dict[str, str]]]:
    """Render one clip: an MP4 file, and what each frame shows. A view that rests is rendered once."""
    room = furnish(seed, story)
    shots = list(moments(story, room))
    unlike = list(dict.fromkeys(shots))
    seen = dict(zip(unlike, blender.render(room.scene(), unlike), strict=True))
    rng = np.random.default_rng([seed, story.seed])
    zone = BY_NAME[story.place].zone
    images, rows = [], []
    fields = 2 if story.recorder.interlaced else 1
    for index, pair in enumerate(zip(*[iter(shots)] * fields, strict=True)):
        shot, sight = pair[0], woven([seen[shot] for shot in pair])
        image = sensor.develop(sight.light, story.recorder, rng)
        images.append(sensor.caption(image, story.recorder, story.seed, seconds=index / RATE))
        private = region(sight.labels, zone)
        ys, xs = np.nonzero(private)
        box = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1] if len(ys) else []
        facts = {
            "file": f"clips/{story.name}.mp4",
            "frame": index,
            "seconds": f"{index / RATE:.1f}",
            "place": story.place,
            "zone": zone,
            "region_share": f"{float(private.mean()):.4f}",
            "region_box": json.dumps(box, separators=(",", ":")),
            "people": json.dumps(boxes(sight.labels), separators=(",", ":")),
            "pan": f"{shot.camera.pan:.1f}",
            "tilt": f"{shot.camera.tilt:.1f}",
            "width_deg": f"{shot.camera.width:.1f}",
        }
        rows.append({column: str(facts[column]) for column in COLUMNS})
    return sensor.encode(images, rate=RATE, crf=story.recorder.crf), rows
