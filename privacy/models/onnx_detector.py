"""Detectors on ONNX Runtime."""

from collections.abc import Callable, Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError, FrameError
from privacy.frame import check_size
from privacy.models.detector import Detection
from privacy.models.head import Candidates, Canvas, Floats, Head, Signature
from privacy.models.onnx import open_session, signature_of

MAX_CANDIDATES = 10_000
"""A network that proposes more boxes than this for one picture sees noise."""


class OnnxDetector:
    """Runs one detector; safe to share between threads.

    Args:
        weights: The ONNX file, already verified.
        head: The family it belongs to.
        name: Catalogue name.
        threads: CPU threads that one inference may use.
        min_score: Score from which a detection counts; None for the family's own.

    Raises:
        ModelIntegrityError: The file is no detector of this family.
    """

    def __init__(
        self,
        weights: bytes,
        head: Callable[[Signature], Head],
        *,
        name: str,
        threads: int = 1,
        min_score: float | None = None,
    ) -> None:
        self._session = open_session(weights, name=name, threads=threads)
        signature = signature_of(self._session, name=name)
        self._head = head(signature)
        self._input = self._session.get_inputs()[0].name
        self._outputs = tuple(signature.outputs)
        self._one_by_one = signature.shape[0] is not None
        self._min_score = self._head.min_score if min_score is None else min_score
        self._name = name

    @property
    def name(self) -> str:
        """Catalogue name."""
        return self._name

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that it can give."""
        return self._head.labels

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the `(height, width)` at which it wants to see a picture; see `Detector.size_for`."""
        return self._head.canvas(size).picture

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Return what is in one picture, the surest first; see `Detector.detect`."""
        return self.detect_batch((image,))[0]

    def detect_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Detection, ...]]:
        """Return what is in each picture, in order; pictures of one canvas share a run if the graph allows it."""
        layouts = [self._head.canvas(_size_of(image)) for image in images]
        found: dict[int, tuple[Detection, ...]] = {}
        for size in dict.fromkeys(layout.size for layout in layouts):
            alike = [index for index, layout in enumerate(layouts) if layout.size == size]
            step = 1 if self._one_by_one else len(alike)
            for start in range(0, len(alike), step):
                some = alike[start : start + step]
                candidates = self._run(np.stack([_lay(images[index], layouts[index]) for index in some]))
                for row, index in enumerate(some):
                    found[index] = self._detections(candidates.boxes[row], candidates.scores[row], layouts[index])
        return [found[index] for index in range(len(images))]

    def _run(self, canvases: NDArray[np.uint8]) -> Candidates:
        try:
            answers = self._session.run(self._outputs, {self._input: self._head.tensor(canvases)})
        except Exception as error:  # ONNX Runtime raises its own kinds; the caller has to hide the frame
            raise EvidenceError(f"{self._name} failed: {type(error).__name__}", model=self._name) from error
        candidates = self._head.decode(dict(zip(self._outputs, answers, strict=True)), canvases.shape[1:3])
        if len(candidates.boxes) != len(canvases) or not np.isfinite(candidates.boxes).all():
            raise EvidenceError(f"{self._name} answered with boxes that are no numbers", model=self._name)
        return candidates

    def _detections(self, boxes: Floats, scores: Floats, canvas: Canvas) -> tuple[Detection, ...]:
        rows, columns = np.nonzero(scores >= self._min_score)
        if len(rows) > MAX_CANDIDATES:
            raise EvidenceError(f"{self._name} proposes {len(rows)} boxes in one picture", model=self._name)
        boxes, scores = boxes[rows], scores[rows, columns]
        if self._head.max_overlap < 1:
            kept = resolve(boxes, scores, columns, self._head.max_overlap)
        else:
            kept = np.argsort(-scores, kind="stable")
        corner = np.array(canvas.corner[::-1] * 2, np.float32)
        scale = np.array(canvas.picture[::-1] * 2, np.float32)
        shares = np.clip((boxes[kept] - corner) / scale, 0, 1)
        return tuple(
            Detection(self.labels[column], float(score), (left, top, right, bottom))
            for (left, top, right, bottom), score, column in zip(
                shares.tolist(), scores[kept], columns[kept], strict=True
            )
            if left < right and top < bottom  # not only in the filled border
        )


def resolve(boxes: Floats, scores: Floats, labels: NDArray[np.intp], max_overlap: float) -> NDArray[np.intp]:
    """Return which boxes to keep, the surest first: of two of one label that overlap more, the surer one.

    Args:
        boxes: `(N, 4)` left, top, right, bottom.
        scores: `(N,)`.
        labels: `(N,)`.
        max_overlap: Largest intersection over union of two kept boxes of one label.
    """
    if not len(boxes):
        return np.zeros(0, np.intp)
    corners = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
    kept = cv2.dnn.NMSBoxesBatched(
        cast("Sequence[Sequence[float]]", corners.astype(np.float64)),  # OpenCV takes arrays; its stubs do not say so
        cast("Sequence[float]", scores.astype(np.float32)),
        cast("Sequence[int]", labels.astype(np.int32)),
        0.0,
        max_overlap,
    )
    order = np.asarray(kept, np.intp).reshape(-1)
    return order[np.argsort(-scores[order], kind="stable")]


def _size_of(image: NDArray[np.uint8]) -> tuple[int, int]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise FrameError(f"want (H, W, 3) uint8, got {image.shape} {image.dtype}")
    height, width, _ = image.shape
    check_size(height, width)
    return height, width


def _lay(image: NDArray[np.uint8], canvas: Canvas) -> NDArray[np.uint8]:
    height, width = canvas.picture
    if image.shape[:2] != canvas.picture:
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if canvas.picture == canvas.size:
        return image
    laid = np.full((*canvas.size, 3), canvas.fill, np.uint8)
    top, left = canvas.corner
    laid[top : top + height, left : left + width] = image
    return laid
