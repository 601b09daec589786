"""Build an archive with known truth: what a camera saw, when, and in which codec.

Every recording is cut from *scenes*: a corpus photo, as a camera sees it that hangs still, pans slowly over a larger
picture, or trembles in the wind. Most of the time is a permitted view. Into every second recording private scenes are
cut (the view changes at once) or panned (it changes within two seconds); `truth.json` names each, to the picture.

All photos come from sources that no training saw (`split == test`). Nothing of it may be committed or shipped: the
corpus forbids it.
"""

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
SIZE = (240, 432)
RATE = 4
CODECS = {
    "mp4": ("libx264", {"preset": "ultrafast", "crf": "30"}),
    "mkv": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "avi": ("mjpeg", {}),
    "ts": ("libx264", {"preset": "ultrafast", "crf": "30"}),
    "flv": ("libx264", {"preset": "ultrafast", "crf": "30"}),
}
GOPS_S = (1, 2, 4, 10, 25)
LENGTHS_S = (10, 12, 15, 20, 30, 45, 90)
PRIVATE = {
    "washroom": "washroom",
    "bathroom_home": "washroom",
    "bathhouse": "bathhouse",
    "changing_room": "changing_room",
    "dormitory": "dormitory",
    "guest_room": "guest_room",
    "bedroom_home": "guest_room",
}


@dataclass
class Event:
    """One private sight, `[start_s, end_s)`; a pan counts from its middle."""

    start_s: float
    end_s: float
    zone: str
    source: str


@dataclass
class Truth:
    """What one recording holds."""

    path: str
    duration_s: float
    codec: str
    gop_s: float
    events: list[Event] = field(default_factory=list)


def load(path: Path) -> Picture:
    """Return a photo a little larger than the frame, so that a view can move over it."""
    photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if photo is None:
        raise SystemExit(f"{path} cannot be read")
    height, width = photo.shape[:2]
    scale = 1.25 * max(SIZE[0] / height, SIZE[1] / width)
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def view(photo: Picture, kind: str, rng: np.random.Generator) -> Callable[[float], Picture]:
    """Return what a camera sees of a photo at a moment: still, panning slowly, or trembling."""
    room = np.array(photo.shape[:2]) - SIZE
    at, speed = rng.uniform(0.2, 0.8, 2), rng.uniform(0.02, 0.08)
    phase = rng.uniform(0, 6)

    def shown(t: float) -> Picture:
        share = at.copy()
        if kind == "pan":
            share = 0.5 + 0.45 * np.sin(speed * t + phase + np.array([0.0, 1.0]))
        elif kind == "tremble":
            share = at + 0.004 * np.sin(np.array([7.0, 11.0]) * t + phase)
        top, left = (share * room).astype(int)
        return photo[top : top + SIZE[0], left : left + SIZE[1]]

    return shown


Shot = tuple[float, Callable[[float], Picture], str, str]


def shots(
    truth: Truth, permitted: list[Path], private: list[tuple[Path, str]], rng: np.random.Generator
) -> Iterator[Shot]:
    """Yield `(seconds, view, zone, source)`; the zone is empty for a permitted view."""
    left = truth.duration_s
    kinds = ("still", "still", "pan", "tremble")
    while left > 0:
        calm = min(left, float(rng.uniform(60, 240)))
        photo = permitted[rng.integers(len(permitted))]
        yield calm, view(load(photo), kinds[rng.integers(4)], rng), "", photo.name
        left -= calm
        if left > 60 and private:
            seconds = float(LENGTHS_S[rng.integers(len(LENGTHS_S))])
            file, zone = private[rng.integers(len(private))]
            yield seconds, view(load(file), kinds[rng.integers(4)], rng), zone, str(file.name)
            left -= seconds


def write(  # noqa: C901 - one loop over the pictures, and what may happen to each
    truth: Truth, folder: Path, plan: list[Shot], rng: np.random.Generator
) -> None:
    """Encode a recording and fill in what it shows when."""
    path = folder / truth.path
    path.parent.mkdir(parents=True, exist_ok=True)
    codec, options = CODECS[path.suffix[1:]]
    noise = rng.integers(0, 7, (2, *SIZE, 3), np.uint8)
    gop = round(truth.gop_s * RATE)
    if codec == "libx264":
        options = {**options, "g": str(gop), "sc_threshold": "0"}
    elif codec == "libx265":
        options = {**options, "x265-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:log-level=none"}
    with av.open(str(path), "w") as writer:
        stream = writer.add_stream(codec, rate=RATE, options=options)
        assert isinstance(stream, VideoStream)  # noqa: S101 - these codecs are video
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        number, before = 0, None
        for seconds, shown, zone, source in plan:
            start = number / RATE
            swing = RATE * 2 if before is not None and rng.random() < 0.3 else 0
            kept: dict[tuple[bytes, int], Picture] = {}
            for n in range(round(seconds * RATE)):
                picture = shown(n / RATE)
                if before is not None and n < swing:  # the camera turns: one view pushes the other out
                    cut = SIZE[1] * (n + 1) // (swing + 1)
                    picture = np.hstack([before[:, cut:], picture[:, :cut]])
                if len(kept) > 8:
                    kept.clear()
                key = (picture[::40, ::40].tobytes(), number % 2)  # a view that hangs still is drawn once
                if key not in kept:
                    kept[key] = np.asarray(cv2.cvtColor(cv2.add(picture, noise[number % 2]), cv2.COLOR_BGR2YUV_I420))
                frame = av.VideoFrame.from_ndarray(kept[key], format="yuv420p")
                if codec == "mjpeg":
                    frame = frame.reformat(format="yuvj420p")
                frame.pts = number
                writer.mux(stream.encode(frame))
                number += 1
            if zone:
                truth.events.append(Event(start + swing / 2 / RATE, number / RATE, zone, source))
            elif truth.events and swing and truth.events[-1].end_s == start:
                truth.events[-1].end_s += swing / 2 / RATE
            before = shown(seconds)
        writer.mux(stream.encode(None))
    truth.duration_s = number / RATE


def main() -> None:
    """Build it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--out", type=Path, required=True, help="where the archive is to lie, outside the repository")
    parser.add_argument("--recordings", type=int, default=54)
    parser.add_argument("--minutes", type=float, default=5.7, help="of each recording")
    options = parser.parse_args()

    with (options.data / "scenes" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    scenes = options.data / "scenes"
    held = [row for row in rows if row["split"] == "test"]
    private = [(scenes / row["file"], PRIVATE[row["zone_label"]]) for row in held if row["zone_label"] in PRIVATE]
    permitted = [scenes / row["file"] for row in held if row["zone_label"].startswith("permitted")]
    truths: list[dict[str, Any]] = []
    for number in range(options.recordings):
        suffix = list(CODECS)[number % len(CODECS)]
        gop = GOPS_S[(number // len(CODECS)) % len(GOPS_S)]
        name = f"cam-{number % 9:02}/cam_20260301_{number % 24:02}{number % 60:02}00.{suffix}"
        known = options.out / f"{name}.json"
        if not known.exists():  # else made by an earlier run that was stopped
            truth, own = Truth(name, options.minutes * 60, CODECS[suffix][0], gop), np.random.default_rng(number)
            plan = list(shots(truth, permitted, private if number % 2 else [], own))
            write(truth, options.out, plan, own)
            known.write_text(json.dumps(asdict(truth)))
            print(f"{number + 1} of {options.recordings}: {name}, {len(truth.events)} events", flush=True)
        truths.append(json.loads(known.read_text()))
    (options.out / "truth.json").write_text(json.dumps(truths, indent=1))
    hours = sum(one["duration_s"] for one in truths) / 3600
    print(f"{len(truths)} recordings, {hours:.2f} h, {sum(len(one['events']) for one in truths)} events")


if __name__ == "__main__":
    main()
