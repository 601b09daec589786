"""What a detector sees in the training photos: soft object targets, and people to stand in front of a camera.

The teacher is PicoDet-S 416 (Yu et al., "PP-PicoDet", arXiv 2111.00902; Apache-2.0), whose evidence is the best single
sign of a bathroom or a bedroom and costs four times as much as the zone network. It is asked once per photo.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from privacy.models import catalogue
from privacy.training.data import DataError, Photo, load

COCO = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic_light",
    "fire_hydrant",
    "stop_sign",
    "parking_meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports_ball",
    "kite",
    "baseball_bat",
    "baseball_glove",
    "skateboard",
    "surfboard",
    "tennis_racket",
    "bottle",
    "wine_glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot_dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted_plant",
    "bed",
    "dining_table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell_phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy_bear",
    "hair_drier",
    "toothbrush",
]
"""The detector's classes, in its order."""
MODEL = Path("models") / "picodet_s" / "picodet_s_416_coco.onnx"
"""Where the corpus keeps the detector."""
NAME = "picodet-s-416"
"""What the catalogue calls it, which knows its digest."""
SIDE, BINS, STRIDES = 416, 8, (8, 16, 32, 64)
_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_STD = np.array([58.395, 57.12, 57.375], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """The best detection of every class in every photo.

    Attributes:
        scores: `(N, 80)` float32 in [0, 1].
        boxes: `(N, 80, 4)` float32 in [0, 1]: left, top, right, bottom of that detection.
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]

    def common(self, *, at: float = 0.4, photos: int = 40) -> NDArray[np.intp]:
        """Classes that at least `photos` photos show with a score above `at`."""
        return np.flatnonzero((self.scores > at).sum(0) >= photos)


def published(data: Path) -> bytes:
    """Read the detector of the corpus, whose numbers become a part of what ships.

    Args:
        data: Folder of the corpus.

    Raises:
        DataError: It is not there, or is not the file that the catalogue knows by its sha256.
    """
    path = data / MODEL
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"no {path.name} in the corpus", path=path.name) from error
    if hashlib.sha256(content).hexdigest() != catalogue.card(NAME).sha256:
        raise DataError(f"{path.name} is not the {NAME} of the catalogue: its sha256 differs", path=path.name)
    return content


def ask(data: Path, photos: Sequence[Photo], *, progress: Callable[[int, int], None] | None = None) -> Sightings:
    """Run the detector over `photos`; about 50 CPU-ms each.

    Args:
        data: Folder of the corpus.
        photos: What to look at.
        progress: Called with how many are done, and how many there are.

    Raises:
        DataError: As `published` does.
    """
    session, name = open_published(data)
    scores, boxes = np.zeros((len(photos), 80), np.float32), np.zeros((len(photos), 80, 4), np.float32)
    for index, photo in enumerate(photos):
        scores[index], boxes[index] = best(session, name, load(photo))
        if progress:
            progress(index + 1, len(photos))
    return Sightings(scores, boxes)


def open_published(data: Path) -> tuple[ort.InferenceSession, str]:
    """Open the detector as it is published; returns the name of its input, too.

    Its weights are listed as graph inputs, which stops constant folding; they are taken off that list first.
    """
    proto = onnx.load_from_string(published(data))
    weights = {weight.name for weight in proto.graph.initializer}
    asked = [value for value in proto.graph.input if value.name not in weights]
    del proto.graph.input[:]
    proto.graph.input.extend(asked)
    return _session(proto.SerializeToString()), asked[0].name


def read(path: Path) -> Sightings:
    """Read what `write` wrote."""
    with np.load(path) as file:
        return Sightings(file["scores"].astype(np.float32), file["boxes"].astype(np.float32))


def write(sightings: Sightings, path: Path) -> None:
    """Keep the answers: half precision, one file; they are made from the photos and stay beside them."""
    part = path.with_suffix(".part")  # half a file would be taken for all of it by every run that follows
    with part.open("wb") as file:
        np.savez(file, scores=sightings.scores.astype(np.float16), boxes=sightings.boxes.astype(np.float16))
    part.replace(path)


def people(coco: Path, *, at_least: int = 90, tallest: int = 240) -> list[NDArray[np.uint8]]:
    """Cut people out of a small COCO-style set, to stand them in rooms.

    Args:
        coco: Folder with `instances_train2017.json` and `images/train2017`.
        at_least: Smallest height of a person's box, in pixels.
        tallest: Cut-outs are shrunk to this height.

    Returns:
        `(h, w, 4)` uint8 RGBA each; the outline by GrabCut (Rother et al., SIGGRAPH 2004).

    Raises:
        DataError: The annotations cannot be read.
    """
    try:
        truth = json.loads((coco / "instances_train2017.json").read_text("utf-8"))
    except OSError as error:
        raise DataError(f"no instances_train2017.json below {coco.name}", path=coco.name) from error
    files = {image["id"]: image["file_name"] for image in truth["images"]}
    person = next(kind["id"] for kind in truth["categories"] if kind["name"] == "person")
    figures = []
    for note in truth["annotations"]:
        left, top, wide, tall = (int(value) for value in note["bbox"])
        if note["category_id"] != person or tall < at_least or wide < at_least // 3:
            continue
        picture = cv2.imread(str(coco / "images" / "train2017" / Path(files[note["image_id"]]).name))
        if picture is not None:
            figures.append(_cut(np.asarray(picture, np.uint8), (left, top, wide, tall), tallest))
    return [figure for figure in figures if figure is not None]


PRIVATE_THINGS = frozenset({"toilet", "bed", "sink", "hair drier", "toothbrush"})
"""Things whose picture may be one of a private room."""


def no_rooms(coco: Path, part: str, *, shorter: int = 256) -> list[NDArray[np.uint8]]:
    """Read the pictures of a small COCO-style set that hold nothing of a private room.

    Args:
        coco: Folder with `instances_PART.json` and `images/PART`.
        part: "train2017" or "val2017".
        shorter: Pictures are shrunk to this shorter side.

    Returns:
        `(h, w, 3)` uint8 RGB each, in the order of the set.
    """
    listed = json.loads((coco / f"instances_{part}.json").read_text("utf-8"))
    names = {kind["id"]: kind["name"] for kind in listed["categories"]}
    private = {box["image_id"] for box in listed["annotations"] if names[box["category_id"]] in PRIVATE_THINGS}
    pictures = []
    for entry in listed["images"]:
        if entry["id"] in private:
            continue
        picture = cv2.imread(str(coco / "images" / part / Path(entry["file_name"]).name))
        if picture is None:
            continue
        scale = min(1.0, shorter / min(picture.shape[:2]))
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pictures.append(np.ascontiguousarray(small[..., ::-1], np.uint8))
    return pictures


def _cut(picture: NDArray[np.uint8], box: tuple[int, int, int, int], tallest: int) -> NDArray[np.uint8] | None:
    left, top, wide, tall = box
    margin = max(4, tall // 12)
    y0, x0 = max(0, top - margin), max(0, left - margin)
    part = picture[y0 : top + tall + margin, x0 : left + wide + margin]
    scale = min(1.0, tallest / part.shape[0])
    part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    inner = (
        max(1, int((left - x0) * scale)),
        max(1, int((top - y0) * scale)),
        min(int(wide * scale), part.shape[1] - 2),
        min(int(tall * scale), part.shape[0] - 2),
    )
    marks = np.zeros(part.shape[:2], np.uint8)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(part, marks, inner, background, foreground, 3, cv2.GC_INIT_WITH_RECT)
    alpha = np.where((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    if not 0.15 < (alpha > 0).mean() < 0.9:  # an outline that kept nothing, or the whole box
        return None
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), 1.0), np.uint8)
    return np.dstack([part[..., ::-1], alpha]).astype(np.uint8)


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options)


def best(
    session: ort.InferenceSession, name: str, picture: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The best detection of every class in one `(H, W, 3)` uint8 RGB picture: `(80,)` scores and `(80, 4)` boxes."""
    shrinks = min(picture.shape[:2]) > SIDE
    square = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    # The published decoder applies the RGB statistics to BGR pixels and then turns them round; so do we.
    pixels = ((square[..., ::-1].astype(np.float32) - _MEAN) / _STD)[..., ::-1]
    outputs = session.run(None, {name: np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])})
    scores = np.concatenate([output[0] for output in outputs if output.shape[-1] == len(COCO)])
    corners = []
    sides = [output[0] for output in outputs if output.shape[-1] != len(COCO)]
    for output, stride in zip(sides, STRIDES, strict=True):
        cells = -(-SIDE // stride)
        rows, columns = np.mgrid[:cells, :cells]
        centres = (np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) * stride
        bins = output.reshape(-1, 4, BINS)
        share = np.exp(bins - bins.max(-1, keepdims=True))
        reach = (share / share.sum(-1, keepdims=True)) @ np.arange(BINS) * stride
        corners.append(np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], 1) / SIDE)
    boxes = np.concatenate(corners)[scores.argmax(0)]
    return scores.max(0).astype(np.float32), np.clip(boxes, 0, 1).astype(np.float32)
