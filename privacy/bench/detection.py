"""Boxes against boxes: COCO's average precision, and the faces that a detector would let out."""

import contextlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from privacy import measures
from privacy.bench.datasets import Boxes
from privacy.bench.metrics import HIGHER, LOWER, measured, number
from privacy.bench.scores import Failure, told
from privacy.frame import Frame, thumbnail
from privacy.models.detector import Box, Detection, Detector
from privacy.policy import Policy, Subject
from privacy.sources.picture import read_picture

Truth = Mapping[str, Any]
"""COCO's `images`, `annotations` and `categories`."""
ROUNDS = 100
"""Bootstrap resamples of average precision, each of which evaluates the whole set anew."""


def see(detector: Detector, frame: Frame) -> tuple[Detection, ...]:
    """Let a detector look at a frame as masking does."""
    return detector.detect(thumbnail(frame, detector.size_for(frame.size)))


def looks(detector: Detector, truth: Truth, root: Path) -> tuple[dict[int, tuple[Detection, ...]], list[Failure]]:
    """Return what a detector sees in every picture, by its id; where it fails, nothing, and the failure is named."""
    seen: dict[int, tuple[Detection, ...]] = {}
    failures = []
    for image in truth["images"]:
        try:
            seen[image["id"]] = see(detector, read_picture(root / image["file_name"]))
        except Exception as error:  # a missing file or a model that throws: both are named, and found nothing
            seen[image["id"]] = ()
            failures.append(Failure(str(image["file_name"]), told(error)))
    return seen, failures


def as_coco(seen: Mapping[int, Sequence[Detection]], truth: Truth) -> list[dict[str, Any]]:
    """Return detections in COCO's result format; a label that is no category of the truth is left out, as COCO does."""
    categories = {category["name"]: category["id"] for category in truth["categories"]}
    return [
        {
            "image_id": image["id"],
            "category_id": categories[found.label],
            "bbox": _corner_and_size(found.box, image["width"], image["height"]),
            "score": found.score,
        }
        for image in truth["images"]
        for found in seen[image["id"]]
        if found.label in categories
    ]


def average_precision(truth: Truth, found: list[dict[str, Any]]) -> dict[str, float]:
    """Return the average precision over overlaps of 0.5 to 0.95: of "person" and of "all" categories; NaN for none."""
    from pycocotools.coco import COCO  # noqa: PLC0415 - an extra
    from pycocotools.cocoeval import COCOeval  # noqa: PLC0415

    with contextlib.redirect_stdout(io.StringIO()):  # it reports on its progress
        reference = COCO()
        reference.dataset = {"info": {}, **truth}
        reference.createIndex()
        if not found:
            return {"person": 0.0, "all": 0.0}
        evaluation = COCOeval(reference, reference.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # (overlaps, recalls, labels); any area, 100 detections
    ids = {category["name"]: category["id"] for category in truth["categories"]}
    person = precision[:, :, evaluation.params.catIds.index(ids["person"])] if "person" in ids else precision[:, :, :0]
    return {"person": _mean(person), "all": _mean(precision)}


def face_marks(face: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return what of a face must be covered, in pixels: nose and eyes if they are known, else the middle of its box."""
    if points := face.get("keypoints"):
        known = [(points[index], points[index + 1]) for index in (0, 3, 6) if points[index + 2] > 0]
        if known:  # COCO puts those that nobody has marked into the corner of the picture
            return known
    left, top, width, height = face["bbox"]
    return [(left + width / 2, top + height / 2)]


def face_scores(
    seen: Mapping[int, Sequence[Detection]],
    truth: Truth,
    marks: Callable[[Mapping[str, Any]], list[tuple[float, float]]] = face_marks,
) -> dict[int, list[float]]:
    """Return the score of the surest box that covers each face, 0 for none, by picture."""
    faces = defaultdict(list)
    for face in truth["annotations"]:
        faces[face["image_id"]].append(face)
    scores = {}
    for image in truth["images"]:
        shares = [[(x / image["width"], y / image["height"]) for x, y in marks(face)] for face in faces[image["id"]]]
        found = seen[image["id"]]
        scores[image["id"]] = [
            max((one.score for one in found if _holds(one.box, face)), default=0.0) for face in shares
        ]
    return scores


def measure(detector: Detector, boxes: Boxes, rules: Policy, *, rounds: int, seed: int) -> dict[str, Any]:
    """Return how one detector fares on one set."""
    truth = boxes.truth
    seen, failures = looks(detector, truth, boxes.root)
    named = [{"item": failure.item, "error": failure.error} for failure in failures]
    if boxes.of_faces:
        found = {"measures": _leaks(seen, truth, rules, rounds=rounds, seed=seed)}
    else:
        found = {"measures": _precision(seen, truth, rounds=min(rounds, ROUNDS), seed=seed)}
        unknown = sorted({str(one["name"]) for one in truth["categories"]} - set(detector.labels))
        named += [{"item": f"category {name}", "error": "the detector has no such label"} for name in unknown]
    return {**found, "pictures": len(truth["images"]), "failures": named}


def _leaks(
    seen: Mapping[int, Sequence[Detection]], truth: Truth, rules: Policy, *, rounds: int, seed: int
) -> dict[str, Any]:
    limit = rules.subjects.scores[Subject.FACES]
    leaked = [[score < limit for score in scores] for scores in face_scores(seen, truth).values() if scores]

    def rate(drawn: Iterable[int]) -> float:
        chosen = [one for index in drawn for one in leaked[index]]
        return float(np.mean(chosen)) if chosen else measures.NAN

    draws = measures.resamples([np.array([k]) for k in range(len(leaked))], rounds=rounds, seed=seed) if leaked else []
    return {"leaked-face rate": measured([rate(drawn) for drawn in draws], rate(range(len(leaked))), better=LOWER)}


def _precision(seen: Mapping[int, Sequence[Detection]], truth: Truth, *, rounds: int, seed: int) -> dict[str, Any]:
    whole = average_precision(truth, as_coco(seen, truth))
    images = truth["images"]
    draws = measures.resamples([np.array([k]) for k in range(len(images))], rounds=rounds, seed=seed) if images else []
    drawn = [average_precision(*redrawn(seen, truth, picked.tolist())) for picked in draws]
    return {
        f"AP {name}": measured([row[name] for row in drawn], value, better=HIGHER)
        for name, value in whole.items()
        if number(value) is not None
    }


def redrawn(
    seen: Mapping[int, Sequence[Detection]], truth: Truth, picked: Sequence[int]
) -> tuple[Truth, list[dict[str, Any]]]:
    """Return truth and detections of pictures drawn with repeats, each draw a picture of its own."""
    by_image = defaultdict(list)
    for one in truth["annotations"]:
        by_image[one["image_id"]].append(one)
    images = [
        {**truth["images"][k], "id": number, "was": truth["images"][k]["id"]} for number, k in enumerate(picked, 1)
    ]
    annotations = [{**one, "image_id": image["id"]} for image in images for one in by_image[image["was"]]]
    renumbered = [{**one, "id": number} for number, one in enumerate(annotations, 1)]
    drawn = {**truth, "images": images, "annotations": renumbered}
    return drawn, as_coco({image["id"]: seen[image["was"]] for image in images}, drawn)


def _mean(precision: Any) -> float:  # noqa: ANN401 - COCOeval's array, -1 where there is no truth
    known = precision[precision > -1]
    return float(known.mean()) if known.size else measures.NAN


def _holds(box: Box, points: Iterable[tuple[float, float]]) -> bool:
    left, top, right, bottom = box
    return all(left <= x <= right and top <= y <= bottom for x, y in points)


def _corner_and_size(box: Box, width: int, height: int) -> list[float]:
    left, top, right, bottom = box
    return [left * width, top * height, (right - left) * width, (bottom - top) * height]
