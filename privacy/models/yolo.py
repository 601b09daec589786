"""Detectors that Ultralytics has exported to ONNX; nothing of that library is needed to run them."""

import ast
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError
from privacy.models.head import Candidates, Canvas, Floats, Signature, checked, fit, planes, probabilities

_FILL = 114
_END_TO_END = 6
"""Columns of an answer without overlaps: left, top, right, bottom, score, label."""


def names_of(signature: Signature) -> tuple[str, ...]:
    """Return the class names that the export carries, by class index.

    Raises:
        ModelIntegrityError: It carries none.
    """
    try:
        names = dict(ast.literal_eval(signature.metadata["names"]))
        # Escapes may stand for halves of characters, which no file and no log takes.
        return tuple(str(names[index]).encode().decode() for index in range(len(names)))
    except (KeyError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise signature.misfit("the class names of an Ultralytics export") from error


class Yolo:
    """A detect head, with or without overlaps resolved in the network.

    One output: `(B, 4 + C, N)`, centre, size and a score for each label (v8, 11), or `(B, N, 6)`, corners, score and
    label index (v10, 26). Both in pixels of the input.
    """

    min_score = 0.25

    def __init__(self, signature: Signature) -> None:
        self._size = signature.size
        self.labels = names_of(signature)
        dense = 4 + len(self.labels)
        match list(signature.outputs.values()):
            case [(_, columns, rows)] if columns == dense:
                self._shape: tuple[int | None, ...] = (None, dense, rows)
                self._resolved = False
            case [(_, rows, columns)] if columns == _END_TO_END:
                self._shape = (None, rows, _END_TO_END)
                self._resolved = True
            case _:
                raise signature.misfit(f"the one output of an Ultralytics detector of {len(self.labels)} labels")
        self.max_overlap = 1.0 if self._resolved else 0.7
        (self._name,) = signature.outputs

    def canvas(self, size: tuple[int, int]) -> Canvas:
        """Return a canvas with the picture in its middle, aspect kept."""
        height, width = fit(size, self._size)
        # Half a pixel is rounded towards the top left, as in training.
        corner = ((self._size[0] - height) // 2, (self._size[1] - width) // 2)
        return Canvas(self._size, (height, width), corner, _FILL)

    def tensor(self, canvases: NDArray[np.uint8]) -> Floats:
        """Return RGB in [0, 1]."""
        return planes(canvases) / np.float32(255)

    def decode(self, outputs: Mapping[str, Floats], size: tuple[int, int]) -> Candidates:  # noqa: ARG002 - fixed
        """Return one candidate an anchor, or one an answer."""
        raw = checked(outputs[self._name], self._shape, what=self._name)
        if self._resolved:
            return self._named(raw)
        raw = raw.transpose(0, 2, 1)
        centres, halves = raw[..., :2], raw[..., 2:4] / np.float32(2)
        boxes = np.concatenate((centres - halves, centres + halves), axis=-1)
        return Candidates(boxes, probabilities(raw[..., 4:], what=self._name))

    def _named(self, raw: Floats) -> Candidates:
        """Spread `(score, label index)` over one column a label."""
        index = raw[..., 5:]
        columns = np.arange(len(self.labels), dtype=np.float32)
        if not np.isin(index, columns).all():
            raise EvidenceError(f"{self._name}: label indices outside 0 to {len(self.labels) - 1}", output=self._name)
        scores = probabilities(raw[..., 4:5], what=self._name)
        return Candidates(raw[..., :4], np.where(index == columns, scores, np.float32(0)))
