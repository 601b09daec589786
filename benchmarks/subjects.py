"""How many people and faces leave unmasked, and what masking them costs, on a clip whose truth is known.

    privacy models add ../shared/corpus/models
    python benchmarks/subjects.py --data ../shared/corpus --out benchmarks/results/subjects

The clip is made at run time and thrown away: two rows of `coco128_lightly` pictures (val2017, those that show people),
under a 1080p camera that pans at a known speed. Truth moves with it: the person boxes of COCO, and the noses and eyes
of `coco_face_points`. None of them was seen when scores, sizes and times were chosen (`HELD_OUT`). A toy model permits
every place, so that only the subjects are measured; look-behind is that of `privacy mask`, 2 s.

A person-frame is one person in one frame, at least half in the picture. It leaks if less than half of what is in the
picture is hidden. A face-frame leaks if its nose or an eye can be seen. Frames that are hidden whole count for neither.
Time: CPU time of the whole path, over that of a bare PyAV decode and encode loop in the same run.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.cli.detectors import FACE_SIDE
from privacy.cli.mask import LOOK_BEHIND_S
from privacy.evidence import Evidence
from privacy.frame import Frame, Layout, thumbnail
from privacy.models import catalogue
from privacy.models.coco import LABELS
from privacy.models.detector import Box, Detection, Detector
from privacy.pipeline import Outcome, guard
from privacy.policy import Subject
from privacy.sinks.video import VideoSink
from privacy.sources.picture import read_picture
from privacy.sources.video import VideoInfo, VideoSource
from privacy.survey import heads
from privacy.zones import Zone

HEIGHT, WIDTH, RATE = 1080, 1920, 25
ROWS = 2
TUNED_ON, HELD_OUT = slice(0, 36), slice(36, None)
"""Of the pictures that show people, in the order of the data set: scores, sizes and times were chosen on the first."""
GRID = 4
"""Cells of so many pixels decide how much of a box is hidden."""
LEAKED = 0.5
SMALL = {"people": 150, "faces": 32}
"""Pixels: a person lower, or a face narrower than this is counted apart as small."""


class Permits:
    """Every place is permitted."""

    name = "permits.test"
    input_size = (8, 8)

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return certainty."""
        zones = np.eye(len(Zone), dtype=np.float32)[Zone.PERMITTED]
        return [Evidence(offset, zones, self.name) for _, offset in zip(images, offsets, strict=True)]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a strip of pictures shows, in its pixels.

    Attributes:
        people: `(N, 4)` left, top, right, bottom.
        faces: `(N, 3, 2)` x, y of nose and eyes.
        face_widths: `(N,)`.
    """

    people: NDArray[np.float64]
    faces: NDArray[np.float64]
    face_widths: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the path."""

    name: str
    subjects: Mapping[Subject, Detector]
    look_behind_s: float = LOOK_BEHIND_S
    tiles: int = 6
    detect_every_s: float | None = None
    people_score: float | None = None


def compose(data: Path, pictures: slice, rows_of: int = ROWS) -> tuple[tuple[NDArray[np.uint8], ...], Truth]:
    """Return the I420 planes of a strip of pictures, and its truth."""
    folder = data / "detection"
    coco = json.loads((folder / "coco128_lightly" / "instances_val2017.json").read_text("utf-8"))
    points = json.loads((folder / "coco_face_points" / "faces_from_keypoints.json").read_text("utf-8"))
    person = LABELS.index("person") + 1
    boxes: dict[int, list[list[float]]] = {}
    for one in coco["annotations"]:
        if one["category_id"] == person:
            boxes.setdefault(one["image_id"], []).append(one["bbox"])
    faces: dict[int, list[dict[str, Any]]] = {}
    for one in points["annotations"]:
        faces.setdefault(one["image_id"], []).append(one)
    images = [image for image in coco["images"] if image["id"] in boxes][pictures]
    side = HEIGHT // rows_of
    rows: list[list[NDArray[np.uint8]]] = [[] for _ in range(rows_of)]
    ends, people, marks, widths = [0] * rows_of, [], [], []
    for image in images:
        row = ends.index(min(ends))
        scale = side / image["height"]
        origin = np.array([ends[row], row * side], np.float64)
        frame = read_picture(folder / "coco128_lightly" / image["file_name"])
        width = round(image["width"] * scale) // 2 * 2
        picture = _bgr(frame)
        rows[row].append(np.asarray(cv2.resize(picture, (width, side), interpolation=cv2.INTER_LINEAR), np.uint8))
        for x, y, w, h in boxes[image["id"]]:
            corners = np.array([[x, y], [x + w, y + h]]) * scale + origin
            people.append(corners.reshape(4))
        for face in faces.get(image["id"], []):
            marks.append(origin + scale * np.array(face["keypoints"], np.float64).reshape(-1, 3)[:3, :2])
            widths.append(face["bbox"][2] * scale)
        ends[row] += width
    length = min(ends) // 2 * 2
    strip = np.vstack([np.hstack(row)[:, :length] for row in rows])
    i420 = cv2.cvtColor(strip, cv2.COLOR_BGR2YUV_I420)
    luma, chroma = i420[:HEIGHT], i420[HEIGHT:].reshape(2, HEIGHT // 2, length // 2)
    planes = tuple(np.asarray(plane, np.uint8) for plane in (luma, *chroma))
    return planes, Truth(np.array(people), np.array(marks).reshape(-1, 3, 2), np.array(widths))


def _bgr(frame: Frame) -> NDArray[np.uint8]:
    return np.ascontiguousarray(thumbnail(frame, frame.size)[..., ::-1])


def write_clip(path: Path, planes: Sequence[NDArray[np.uint8]], step: int) -> int:
    """Pan over the strip, `step` (even) pixels a frame; return the number of frames."""
    count = int(planes[0].shape[1] - WIDTH) // step + 1
    info = VideoInfo(size=(HEIGHT, WIDTH), rate=Fraction(RATE), time_base=Fraction(1, 12800))
    with VideoSink(path, info, preset="ultrafast", crf=20) as sink:
        for number in range(count):
            left = number * step
            views = [
                np.ascontiguousarray(plane[:, left // halved : (left + WIDTH) // halved])
                for plane, halved in zip(planes, (1, 2, 2), strict=True)
            ]
            sink.write(Frame(tuple(views), Layout.I420, number / RATE, number))
    return count


def bare(source: Path, target: Path) -> None:
    """Decode and encode as PyAV's own documentation does."""
    with av.open(source) as reader, av.open(target, "w") as writer:
        video = reader.streams.video[0]
        video.thread_type = "AUTO"
        stream = writer.add_stream("libx264", rate=video.average_rate, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        if video.time_base is not None:
            stream.codec_context.time_base = video.time_base
        for picture in reader.decode(video):
            picture.pict_type = 0  # as privacy does; otherwise the encoder copies the source's choice
            writer.mux(stream.encode(picture))
        writer.mux(stream.encode(None))


class Tally:
    """Counts what leaked."""

    def __init__(self, truth: Truth, step: int) -> None:
        self._truth, self._step = truth, step
        self.frames = self.whole = 0
        self.area = self.true_area = 0.0
        self.counts = {f"{size} {kind}": [0, 0] for kind in SMALL for size in ("large", "small")}

    def add(self, outcome: Outcome) -> None:
        """Take in one frame."""
        self.frames += 1
        if outcome.plan.hides_everything:
            self.whole += 1
            return
        hidden = np.zeros((HEIGHT // GRID, WIDTH // GRID), np.bool_)
        for one in outcome.subjects:
            rows, columns = _cells(one.box)
            hidden[rows, columns] = True
        self.area += float(hidden.mean())
        left = outcome.frame.sequence * self._step
        shown = np.zeros_like(hidden)
        for box in self._truth.people:
            seen = np.clip((box - (left, 0, left, 0)) / (WIDTH, HEIGHT, WIDTH, HEIGHT), 0, 1)
            shown[_cells((seen[0], seen[1], seen[2], seen[3]))] = True
            self._person(hidden, box - (left, 0, left, 0))
        self.true_area += float(shown.mean())
        for points, width in zip(self._truth.faces, self._truth.face_widths, strict=True):
            self._face(outcome, points - (left, 0), width)

    def _person(self, hidden: NDArray[np.bool_], box: NDArray[np.float64]) -> None:
        seen = np.clip(box, 0, (WIDTH, HEIGHT, WIDTH, HEIGHT))
        if seen[2] - seen[0] < (box[2] - box[0]) / 2:
            return
        x0, y0, x1, y1 = (seen / (WIDTH, HEIGHT, WIDTH, HEIGHT)).tolist()
        part = hidden[_cells((x0, y0, x1, y1))]
        self._count("people", box[3] - box[1], leaked=bool(part.size and part.mean() < LEAKED))

    def _face(self, outcome: Outcome, points: NDArray[np.float64], width: float) -> None:
        if (points < 0).any() or (points >= (WIDTH, HEIGHT)).any():
            return
        shares = points / (WIDTH, HEIGHT)
        boxes = [one.box for one in outcome.subjects]
        safe = all(any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes) for x, y in shares.tolist())
        self._count("faces", width, leaked=not safe)

    def _count(self, kind: str, size: float, *, leaked: bool) -> None:
        entry = self.counts[f"{'small' if size < SMALL[kind] else 'large'} {kind}"]
        entry[0] += 1
        entry[1] += leaked


def _cells(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = box
    rows, columns = HEIGHT // GRID, WIDTH // GRID
    return slice(round(top * rows), round(bottom * rows)), slice(round(left * columns), round(right * columns))


def run(clip: Path, target: Path, variant: Variant, tally: Tally) -> float:
    """Mask the clip, and return the CPU seconds that it took, counting apart."""
    rules = catalogue.load_policy()
    subjects = replace(rules.subjects, tiles=variant.tiles)
    if variant.detect_every_s is not None:
        subjects = replace(subjects, detect_every_s=variant.detect_every_s, hold_s=1.5 * variant.detect_every_s)
    if variant.people_score is not None:
        subjects = replace(subjects, scores={**subjects.scores, Subject.PEOPLE: variant.people_score})
    rules = replace(rules, subjects=subjects)
    counting, start = 0.0, time.process_time()
    with VideoSource(clip) as video, VideoSink(target, video.info, preset="ultrafast", crf=20, overwrite=True) as sink:
        outcomes = guard(
            video, Permits(), rules, look_behind_s=variant.look_behind_s, subjects=dict(variant.subjects) or None
        )
        for outcome in outcomes:
            sink.write(outcome.frame)
            before = time.process_time()
            tally.add(outcome)
            counting += time.process_time() - before
    return time.process_time() - start - counting


def far_faces(data: Path) -> dict[str, Any]:
    """Return which share of the faces one look finds at each resolution, in four rows of pictures: faces far away."""
    (luma, *chroma), truth = compose(data, slice(None), 4)
    views = [
        Frame(
            (luma[:, left : left + WIDTH], *(plane[:, left // 2 : (left + WIDTH) // 2] for plane in chroma)),
            Layout.I420,
            0.0,
        )
        for left in range(0, luma.shape[1] - WIDTH + 1, WIDTH)
    ]
    score = catalogue.load_policy().subjects.scores[Subject.FACES]
    result: dict[str, Any] = {}
    for side in (640, 960, 1280, 1920):
        detector = catalogue.load_detector("yunet-n", min_score=score, longest_side=side)
        found, start = [], time.process_time()
        for number, view in enumerate(views):
            seen = [one.box for one in detector.detect(thumbnail(view, detector.size_for(view.size)))]
            shares = (truth.faces - (number * WIDTH, 0)) / (WIDTH, HEIGHT)
            found += [
                any((box[:2] <= points).all() and (points <= box[2:]).all() for box in np.array(seen).reshape(-1, 4))
                for points in shares[(shares >= 0).all(axis=(1, 2)) & (shares < 1).all(axis=(1, 2))]
            ]
        result[str(side)] = {
            "found": int(sum(found)),
            "of": len(found),
            "seconds": (time.process_time() - start) / len(views),
        }
    unit = result["640"]["seconds"]
    for row in result.values():
        row["cost"] = round(row.pop("seconds") / unit, 1)
    return {"faces": result, "median_width_px": round(float(np.median(truth.face_widths)), 1)}


def heads_hold(data: Path) -> dict[str, int]:
    """Return how many faces lie, nose and eyes, in the head that is taken from the true box of their person."""
    truth = json.loads((data / "detection" / "coco_face_points" / "faces_from_keypoints.json").read_text("utf-8"))
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    held = 0
    for face in truth["annotations"]:
        height, width = sizes[face["image_id"]]
        x, y, across, down = face["person_bbox"]
        box = np.clip(np.array([x, y, x + across, y + down]) / [width, height, width, height], 0, 1).tolist()
        (head,) = heads([Detection("person", 1.0, (box[0], box[1], box[2], box[3]))], (0.5,) * 3, (height, width))
        points = np.array(face["keypoints"], np.float64).reshape(-1, 3)[:3, :2] / [width, height]
        held += bool((points >= head.box[:2]).all() and (points <= head.box[2:]).all())
    return {"held": held, "of": len(truth["annotations"])}


def variants() -> list[Variant]:
    """Return what is compared: what the shipped policy does, and what each part of it adds."""
    scores = catalogue.load_policy().subjects.scores
    things = catalogue.load_detector("picodet-s-416", min_score=min(scores.values()))
    people = {Subject.PEOPLE: things}
    faces = {Subject.FACES: catalogue.load_detector("yunet-n", min_score=scores[Subject.FACES], longest_side=FACE_SIDE)}
    both = {**faces, Subject.HEADS: things}
    return [
        Variant("nothing", {}),
        Variant("faces, no tiles", faces, tiles=0),
        Variant("faces", faces),
        Variant("faces and heads, no tiles", both, tiles=0),
        Variant("faces and heads", both),
        Variant("faces and heads, every 0.4 s", both, detect_every_s=0.4),
        Variant("faces and heads, no look-behind", both, 0.0),
        Variant("people, no tiles", people, tiles=0),
        Variant("people", people),
        Variant("people, 12 tiles", people, tiles=12),
        Variant("people, score 0.2", people, people_score=0.2),
        Variant("people, 12 tiles, score 0.2", people, tiles=12, people_score=0.2),
        Variant("people, every 0.4 s", people, detect_every_s=0.4),
        Variant("people, no look-behind", people, 0.0),
    ]


def measure(data: Path, pictures: int, step: int) -> dict[str, Any]:
    """Run every variant once over the same clip, and the bare loop before and after."""
    planes, truth = compose(data, slice(HELD_OUT.start, HELD_OUT.start + pictures))
    rows, base = [], []
    with tempfile.TemporaryDirectory() as folder:
        clip, target = Path(folder, "clip.mp4"), Path(folder, "out.mp4")
        frames = write_clip(clip, planes, step)
        for variant in variants():
            start = time.process_time()
            bare(clip, target)
            base.append(time.process_time() - start)
            tally = Tally(truth, step)
            seconds = run(clip, target, variant, tally)
            rows.append(
                {
                    "variant": variant.name,
                    "cost": round(seconds / base[-1], 2),
                    "hidden_whole": round(tally.whole / tally.frames, 4),
                    "hidden_area": round(tally.area / max(1, tally.frames - tally.whole), 4),
                    "people_area": round(tally.true_area / max(1, tally.frames - tally.whole), 4),
                    "leaks": {name: {"of": of, "leaked": leaked} for name, (of, leaked) in tally.counts.items()},
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    return {
        "frames": frames,
        "speed_px_per_s": step * RATE,
        "people": len(truth.people),
        "faces": len(truth.faces),
        "bare_spread": round(max(base) / statistics.median(base), 3),
        "small": SMALL,
        "variants": rows,
        "far": far_faces(data),
        "heads": heads_hold(data),
    }


def table(result: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    names = list(result["variants"][0]["leaks"])
    about = (
        f"{result['people']} people and {result['faces']} faces in {result['frames']} frames of 1080p, moving at "
        f"{result['speed_px_per_s']} pixels a second. Small: people lower than {result['small']['people']} pixels, "
        f"faces narrower than {result['small']['faces']}."
    )
    lines = [
        about,
        "",
        "| hidden | CPU time / bare transcode | area hidden | " + " | ".join(f"{name} leaked" for name in names) + " |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for row in result["variants"]:
        cells = []
        for name in names:
            leaks = row["leaks"][name]
            wanted = name.split()[1] in row["variant"].split(",")[0]
            share = f"{leaks['leaked'] / max(1, leaks['of']):.1%} of {leaks['of']}" if wanted else "-"
            cells.append(share)
        lines.append(f"| {row['variant']} | {row['cost']:.2f} | {row['hidden_area']:.1%} | {' | '.join(cells)} |")
    true_area = result["variants"][0]["people_area"]
    varied = f"The bare loop's own time varied by up to {result['bare_spread'] - 1:.0%} in this run."
    lines += ["", f"People cover {true_area:.1%} of the pictures. {varied}", ""]
    far = result["far"]
    lines += [
        f"Faces far away, half narrower than {far['median_width_px']:.0f} pixels, one look by its longest side:",
        "",
        "| longest side | found | CPU time |",
        "|---|---|---|",
        *(f"| {side} | {row['found']} of {row['of']} | {row['cost']} |" for side, row in far["faces"].items()),
        "",
        "Nose and eyes lie in the head taken from a person's true box: {held} of {of}.".format(**result["heads"]),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--step", type=int, default=8, help="pixels a frame, even")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    result = measure(options.data, options.pictures, options.step)
    print(table(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(result), "utf-8")


if __name__ == "__main__":
    main()
