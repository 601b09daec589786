"""How well the third-party detectors find people, things and faces, on pictures with known truth.

    pip install -e '.[bench]'
    privacy models add ../shared/corpus/models
    python benchmarks/detectors.py --data ../shared/corpus --out benchmarks/results/detectors

Objects: average precision on the 128 pictures of `coco128_lightly` (val2017), as COCO defines it. The labels came
without "crowd" marks, so the figures do not compare with published ones; side by side they do.
Faces: a face of `coco_face_points` is found if one box holds its nose and both eyes; a false alarm is any box in the
pictures of `coco128_lightly` that show no person. A hand-drawn face of `dlib_faces` is found if a box holds its centre.
Time: CPU time of one look on one thread, resize included, as a multiple of one look of the shipped zone model.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from privacy.bench import datasets, detection
from privacy.errors import InputError
from privacy.frame import Frame, thumbnail
from privacy.models import catalogue
from privacy.models.coco import LABELS
from privacy.models.detector import Detection, Detector
from privacy.sources.picture import read_picture

OBJECTS = ("picodet-s-416", "yolox-nano-416")
FACES = "yunet-n"
MIN_SCORE = 0.05
"""AP looks at the whole curve, also where nobody would set a threshold; below this it changes by less than 0.005."""
FACE_SCORES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
STATED = {
    "picodet-s-416": {"person": 0.408, "all": 0.361},
    "yolox-nano-416": {"person": 0.366},
    "yunet-n": {"0.6": 0.91, "0.8": 0.82},
}
"""Person AP, AP of all 80 labels, and face recall by score, as the corpus states them."""


def coco(data: Path, split: str = "val2017") -> tuple[dict[str, Any], Path]:
    """Return the truth of one split of the object pictures, and the folder that its file names start from."""
    folder = data / "detection" / "coco128_lightly"
    boxes = datasets.load(f"coco={folder / f'instances_{split}.json'}")
    if not isinstance(boxes, datasets.Boxes):
        raise TypeError(f"{boxes.name} holds no boxes")
    return dict(boxes.truth), folder


def objects_found(detector: Detector, truth: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Return every detection in COCO's result format.

    Raises:
        InputError: A picture could not be looked at.
    """
    return detection.as_coco(_seen(detector, truth, folder), truth)


def face_scores(detector: Detector, data: Path, limit: int | None = None) -> dict[str, list[float]]:
    """Return the score of each true face (0 if missed) by set, and of each false alarm.

    Args:
        detector: Of faces.
        data: The corpus.
        limit: Use the first pictures of each kind only.
    """
    folder = data / "detection"
    points = json.loads((folder / "coco_face_points" / "faces_from_keypoints.json").read_text("utf-8"))
    drawn = json.loads((folder / "dlib_faces" / "faces.json").read_text("utf-8"))
    empty = []
    for split in ("train2017", "val2017"):
        truth, base = coco(data, split)
        people = {box["image_id"] for box in truth["annotations"] if box["category_id"] == LABELS.index("person") + 1}
        empty += [base / image["file_name"] for image in truth["images"] if image["id"] not in people]
    return {
        "points": _scores(detector, folder / "coco_face_points", points, limit),
        "drawn": _scores(detector, folder / "dlib_faces", drawn, limit),
        "false": [found.score for path in empty[:limit] for found in detection.see(detector, read_picture(path))],
        "pictures without people": [float(len(empty[:limit]))],
    }


def _scores(detector: Detector, folder: Path, truth: Mapping[str, Any], limit: int | None) -> list[float]:
    few = {**truth, "images": truth["images"][:limit]}
    return [score for scores in detection.face_scores(_seen(detector, few, folder), few).values() for score in scores]


def _seen(detector: Detector, truth: Mapping[str, Any], folder: Path) -> dict[int, tuple[Detection, ...]]:
    seen, failures = detection.looks(detector, truth, folder)
    if failures:
        raise InputError(f"{len(failures)} looks failed, the first at {failures[0].item}: {failures[0].error}")
    return seen


def cost(names: Iterable[str], frames: list[Frame]) -> dict[str, list[float]]:
    """Return the quartiles of CPU time of one look, by model, as multiples of the zone model's median.

    The models take turns on every frame, so that whatever else the machine does slows all of them.
    """
    zones = catalogue.load()
    looks: dict[str, Callable[[Frame], object]] = {
        zones.name: lambda frame: zones.look([thumbnail(frame, zones.input_size)], [0.0])
    }
    for name in names:
        detector = catalogue.load_detector(name)
        looks[name] = lambda frame, detector=detector: detection.see(detector, frame)  # type: ignore[misc]
    times = defaultdict(list)
    for frame in frames:
        for name, look in looks.items():
            start = time.process_time()
            look(frame)
            times[name].append(time.process_time() - start)
    unit = statistics.median(times[zones.name])
    return {name: [quartile / unit for quartile in statistics.quantiles(spent)] for name, spent in times.items()}


def measure(data: Path) -> dict[str, Any]:
    """Measure every detector of the catalogue."""
    truth, folder = coco(data)
    faces = face_scores(catalogue.load_detector(FACES, min_score=min(FACE_SCORES)), data)
    scores = {name: np.array(values) for name, values in faces.items()}
    (empty,) = faces["pictures without people"]
    return {
        "objects": {
            name: detection.average_precision(
                truth, objects_found(catalogue.load_detector(name, min_score=MIN_SCORE), truth, folder)
            )
            for name in OBJECTS
        },
        "faces": {
            str(score): {
                "recall": float((scores["points"] >= score).mean()),
                "recall_drawn": float((scores["drawn"] >= score).mean()),
                "false_alarms": int((scores["false"] >= score).sum()),
            }
            for score in FACE_SCORES
        },
        "counts": {"faces": len(scores["points"]), "drawn": len(scores["drawn"]), "without_people": int(empty)},
        "cost": cost((*OBJECTS, FACES), [read_picture(folder / image["file_name"]) for image in truth["images"][:40]]),
    }


def table(result: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    counts, cost_of = result["counts"], result["cost"]
    lines = [
        "| detector | AP person | stated | AP all 80 | stated | CPU time of a look (quartiles) |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in result["objects"].items():
        stated = STATED[name]
        lines.append(
            f"| {name} | {found['person']:.3f} | {stated['person']:.3f} | {found['all']:.3f} "
            f"| {stated.get('all', '-')} | {_times(cost_of[name])} |"
        )
    about = f"{counts['faces']} faces by points, {counts['drawn']} by hand, {counts['without_people']} empty pictures"
    lines += [
        "",
        f"{FACES}: {about}; a look takes {_times(cost_of[FACES])}.",
        "",
        "| score from | recall | stated | recall, drawn by hand | false alarms |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {score} | {row['recall']:.3f} | {STATED[FACES].get(score, '-')} | {row['recall_drawn']:.3f} "
        f"| {row['false_alarms']} |"
        for score, row in result["faces"].items()
    ]
    lines += ["", f"Times are multiples of one look of {catalogue.DEFAULT}, in the same run, on one thread.", ""]
    return "\n".join(lines)


def _times(quartiles: list[float]) -> str:
    low, middle, high = quartiles
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    result = measure(options.data)
    print(table(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(result), "utf-8")


if __name__ == "__main__":
    main()
