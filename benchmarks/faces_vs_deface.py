"""Leaked faces and CPU time of `privacy mask --faces` and of `deface --scale 640x360`, on the same clips, in one run.

    python3 -m venv ../deface && ../deface/bin/pip install deface onnxruntime
    privacy models add ../shared/corpus/models yunet-n picodet-s-416
    python benchmarks/faces_vs_deface.py --data ../shared/corpus --deface ../deface/bin --out RESULT

Two clips. *Crowd*: a 1080p camera pans over two rows of `coco128_lightly` pictures that show people (as in
`subjects.py`, whose truth it shares): noses and eyes of COCO; they are the half of the pictures on which nothing was
tuned. *Talker*: `egoblur_test_video` of the corpus, without truth; a face is where deface's own network sees one at
full size, surely (score 0.7), in every tenth frame: which favours deface.

A face-frame leaks if its nose or an eye can be seen in the video that was written (of *talker*: the middle of the
face): if a square of 5 pixels around it is not black. deface runs as `--replacewith solid --boxes`, which changes how
it hides and not what, and hides more than its ellipse. Points that are black in the source say nothing and are left
out.

`privacy` runs twice: as it does unasked, with the heads of people whose face is not found and with tiles, and *quick*,
without. Faces are counted by width, and the area that is hidden is told: it is what a mask costs whoever watches.

Time is CPU time of the whole process and its children, starting, decoding and encoding included. The zone model
looks, and costs what it costs, but is overruled: every place is permitted, so that faces are all that is hidden.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from subjects import HEIGHT, HELD_OUT, TUNED_ON, WIDTH, compose, write_clip

from privacy.cli.detectors import detectors
from privacy.cli.mask import LOOK_BEHIND_S
from privacy.evidence import Evidence
from privacy.models import catalogue
from privacy.models.classifier import ZoneClassifier
from privacy.pipeline import guard
from privacy.policy import Subject
from privacy.sinks.video import VideoSink
from privacy.sources.video import VideoSource
from privacy.zones import Zone

BLACK = 40
"""Luma: what was painted black stays below, whatever the encoder did to it."""
REACH = 2
EVERY = 10
THEIRS = ("--scale", "640x360", "--replacewith", "solid", "--boxes")
BINS = {"< 12": 12.0, "12-16": 16.0, "16-24": 24.0, "24-32": 32.0, "32 and more": float("inf")}
"""Widths of faces in pixels, and where each ends."""
NO_EXEMPTION = (
    "No width is exempt: pixelated in four cells across, 85.7% of the faces are still named after restoration "
    "([irreversibility.md](irreversibility.md)), and a face of 12 pixels has more."
)
WHO = ("privacy", "privacy, quick", "deface")
AIMS = {"time": 0.25, "leaked": 0.003}
VARIES = 0.1
"""On a shared machine the ratio of one run is so far from another's, either way: 0.26 to 0.28 in three runs over the
crowd on which scores were tuned, and 0.25, 0.28 and 0.29 in three over the other one, the middle one of which is
published."""

TRUTH = """
import json, sys
import imageio.v3 as iio
from deface.centerface import CenterFace
seer, found = CenterFace(), []
for number, frame in enumerate(iio.imiter(sys.argv[1])):
    if number % int(sys.argv[2]) == 0:
        dets, _ = seer(frame, threshold=0.7)
        found += [[number, float(x0 + x1) / 2, float(y0 + y1) / 2, float(x1 - x0)] for x0, y0, x1, y1, _ in dets]
print(json.dumps(found))
"""


class Permitting:
    """Looks as the default model does, and then permits."""

    def __init__(self, model: ZoneClassifier) -> None:
        self._model = model
        self.name, self.input_size = model.name, model.input_size

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return certainty, after having looked."""
        self._model.look(images, offsets)
        zones = np.eye(len(Zone), dtype=np.float32)[Zone.PERMITTED]
        return [Evidence(offset, zones, self.name) for offset in offsets]


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """One face in one frame.

    Attributes:
        number: Of the frame.
        points: What must not be seen, `(x, y)` in pixels.
        width: Of the face in pixels.
    """

    number: int
    points: tuple[tuple[float, float], ...]
    width: float


def ours(source: Path, target: Path, *, quick: bool) -> None:
    """Mask the faces of a clip as `privacy mask --faces` does, in a place that is permitted.

    Args:
        source: The clip.
        target: The masked one.
        quick: As with `--no-heads --tiles 0`.
    """
    rules = catalogue.load_policy()
    wanted = {Subject.FACES}
    if quick:
        rules = replace(rules, subjects=replace(rules.subjects, tiles=0))
    else:
        wanted.add(Subject.HEADS)
    subjects = detectors(wanted, rules)
    with VideoSource(source) as video, VideoSink(target, video.info, overwrite=True) as sink:
        model = Permitting(catalogue.load())
        for outcome in guard(video, model, rules, look_behind_s=LOOK_BEHIND_S, subjects=subjects):
            sink.write(outcome.frame)


def spent(command: Sequence[str | Path]) -> float:
    """Run a command; return the CPU seconds that it and its children took."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def crowd(data: Path, folder: Path, pictures: slice, step: int) -> tuple[Path, list[FaceFrame]]:
    """Write the panned crowd; return where it lies, and its faces."""
    planes, truth = compose(data, pictures)
    clip = folder / "crowd.mp4"
    found = []
    for number in range(write_clip(clip, planes, step)):
        for points, width in zip(truth.faces - (number * step, 0), truth.face_widths, strict=True):
            if (points >= REACH).all() and (points < (WIDTH - REACH, HEIGHT - REACH)).all():
                found.append(FaceFrame(number, tuple((x, y) for x, y in points.tolist()), float(width)))
    return clip, found


def talker(data: Path, deface: Path) -> tuple[Path, list[FaceFrame]]:
    """Return the talking head, and where deface's network sees it at full size."""
    clip = data / "videos" / "egoblur_test_video.mp4"
    told = subprocess.run(
        [deface / "python", "-c", TRUTH, clip, str(EVERY)], check=True, capture_output=True, text=True
    ).stdout
    return clip, [FaceFrame(number, ((x, y),), width) for number, x, y, width in json.loads(told)]


def leaks(source: Path, target: Path, faces: Sequence[FaceFrame]) -> dict[str, Any]:
    """Count the face-frames whose points can be seen in the target."""
    by_frame: dict[int, list[FaceFrame]] = {}
    for face in faces:
        by_frame.setdefault(face.number, []).append(face)
    counted: Counter[str] = Counter()
    leaked: Counter[str] = Counter()
    hidden = []
    with VideoSource(source) as before, VideoSource(target) as after:
        scale = [now / was for now, was in zip(after.info.size[::-1], before.info.size[::-1], strict=True)]
        for number, (was, now) in enumerate(zip(before, after, strict=True)):
            if number % EVERY == 0:
                few = [frame.planes[0][::8, ::8] for frame in (was, now)]
                if few[0].shape == few[1].shape:
                    hidden.append(float(((few[1] <= BLACK) & (few[0] > BLACK)).mean()))
            for face in by_frame.get(number, ()):
                told = [point for point in face.points if not _is_black(was.planes[0], point)]
                if not told:
                    continue
                seen = not all(_is_black(now.planes[0], (x * scale[0], y * scale[1])) for x, y in told)
                counted[_bin(face.width)] += 1
                leaked[_bin(face.width)] += seen
    return {
        "faces": counted.total(),
        "leaked": leaked.total(),
        "by_width": {name: {"of": counted[name], "leaked": leaked[name]} for name in BINS},
        "hidden_area": sum(hidden) / len(hidden) if hidden else None,
        "same_size": scale == [1, 1],
    }


def _bin(width: float) -> str:
    return next(name for name, below in BINS.items() if width < below)


def _is_black(luma: NDArray[np.uint8], point: tuple[float, float]) -> bool:
    x, y = (round(at) for at in point)
    near = luma[max(0, y - REACH) : y + REACH + 1, max(0, x - REACH) : x + REACH + 1]
    return bool(near.size and near.max() <= BLACK)


def measure(data: Path, deface: Path, pictures: slice, step: int, *, crowd_only: bool) -> list[dict[str, Any]]:
    """Run both over the clips, one after the other."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = {"crowd": crowd(data, folder, pictures, step)}
        if not crowd_only:
            clips["talker"] = talker(data, deface)
        for title, (clip, faces) in clips.items():
            with VideoSource(clip) as video:
                frames = sum(1 for _ in video)
            row: dict[str, Any] = {"clip": title, "frames": frames, "tuned_on": pictures == TUNED_ON}
            commands: dict[str, tuple[Path, list[str | Path]]] = {
                "privacy": (folder / "ours.mp4", [sys.executable, __file__, "--worker", clip, folder / "ours.mp4"]),
                "privacy, quick": (
                    folder / "quick.mp4",
                    [sys.executable, __file__, "--quick", "--worker", clip, folder / "quick.mp4"],
                ),
                "deface": (
                    folder / "theirs.mp4",
                    [deface / "deface", clip, *THEIRS, "-o", folder / "theirs.mp4"],
                ),
            }
            for who, (target, command) in commands.items():
                seconds = spent(command)
                row[who] = {"cpu_ms_per_frame": 1000 * seconds / frames, **leaks(clip, target, faces)}
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    seen = (
        "Scores and sizes were tuned on these pictures." if rows[0]["tuned_on"] else "Nothing was tuned on the crowd."
    )
    about = f"CPU time as a ratio to deface's. Leaked face-frames by the width of the face in pixels. {seen}"
    lines = [
        f"On a shared 2-core machine, in one run; {about} Quick: `--no-heads --tiles 0`.",
        "",
        f"| clip | masked by | leaked | {' | '.join(BINS)} | area hidden | CPU time ratio |",
        "|---|---|---|" + "---|" * (len(BINS) + 2),
    ]
    for row in rows:
        for who in WHO:
            each = row[who]
            sizes = [f"{size['leaked']} of {size['of']}" if size["of"] else "-" for size in each["by_width"].values()]
            share = f"{each['leaked'] / max(1, each['faces']):.2%} of {each['faces']}"
            area = "-" if each["hidden_area"] is None else f"{each['hidden_area']:.1%}"
            ratio = f"{_ratio(row, who):.2f}"
            lines.append(f"| {row['clip']} | {who} | {share} | {' | '.join(sizes)} | {area} | {ratio} |")
    lines += ["", *(f"* {_aims(rows, who)}" for who in WHO[:-1])]
    lines += ["", NO_EXEMPTION]
    if len(rows) == 1:
        lines += ["", "The talking head was left out (`--crowd-only`)."]
    return "\n".join([*lines, ""])


def _aims(rows: Sequence[dict[str, Any]], who: str) -> str:
    ratio = max(_ratio(row, who) for row in rows)
    share = max(row[who]["leaked"] / max(1, row[who]["faces"]) for row in rows)
    return (
        f"{who.capitalize()}: at most a quarter of the CPU time: {_held_if_run_again(ratio)}; less than 0.3 % of "
        f"face-frames leaked: {_held(share < AIMS['leaked'])}; no frame resized: "
        f"{_held(all(row[who]['same_size'] for row in rows))} (by deface: "
        f"{_held(all(row['deface']['same_size'] for row in rows))})."
    )


def _ratio(row: dict[str, Any], who: str) -> float:
    return float(row[who]["cpu_ms_per_frame"] / row["deface"]["cpu_ms_per_frame"])


def _held_if_run_again(ratio: float) -> str:
    if abs(ratio - AIMS["time"]) <= VARIES * AIMS["time"]:
        return f"not settled ({ratio:.2f}; another run gives a tenth more or less)"
    return _held(ratio <= AIMS["time"])


def _held(holds: bool) -> str:  # noqa: FBT001 - a verdict
    return "held" if holds else "missed"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--deface", type=Path, help="bin folder of the environment that has deface")
    parser.add_argument("--tuned-on", action="store_true", help="the pictures on which scores and sizes were chosen")
    parser.add_argument("--crowd-only", action="store_true", help="leave the talking head out")
    parser.add_argument("--step", type=int, default=16, help="pixels a frame, even")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    parser.add_argument("--worker", type=Path, nargs=2, metavar=("IN", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        ours(*options.worker, quick=options.quick)
        return
    if options.data is None or options.deface is None:
        parser.error("--data and --deface are needed")

    pictures = TUNED_ON if options.tuned_on else HELD_OUT
    rows = measure(options.data, options.deface, pictures, options.step, crowd_only=options.crowd_only)
    print(table(rows))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(rows), "utf-8")


if __name__ == "__main__":
    main()
