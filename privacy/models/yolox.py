"""YOLOX: anchor-free boxes from offsets and log sizes (Ge et al., "YOLOX", arXiv 2107.08430)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from privacy.models.coco import LABELS
from privacy.models.head import Candidates, Canvas, Floats, Signature, checked, fit, grid, planes, probabilities

_STRIDES = (8, 16, 32)
_FILL = 114


class YoloX:
    """Megvii's export without `decode_in_inference`.

    One output `(B, N, 85)`: centre offset in cells, log size in strides, objectness and 80 label scores, sigmoid
    applied to the scores.
    """

    labels = LABELS
    min_score = 0.3
    max_overlap = 0.65

    def __init__(self, signature: Signature) -> None:
        self._size = signature.size
        self._cells, self._steps = grid(self._size, _STRIDES)
        want = (len(self._cells), 5 + len(LABELS))
        if [shape[1:] for shape in signature.outputs.values()] != [want]:
            raise signature.misfit(f"the one output {want} of YOLOX")
        (self._name,) = signature.outputs

    def canvas(self, size: tuple[int, int]) -> Canvas:
        """Return a canvas with the picture in its top left corner, aspect kept."""
        return Canvas(self._size, fit(size, self._size), fill=_FILL)

    def tensor(self, canvases: NDArray[np.uint8]) -> Floats:
        """Return BGR in [0, 255]."""
        return planes(canvases[..., ::-1])

    def decode(self, outputs: Mapping[str, Floats], size: tuple[int, int]) -> Candidates:  # noqa: ARG002 - fixed
        """Return one candidate a cell."""
        raw = checked(outputs[self._name], (None, len(self._cells), 5 + len(LABELS)), what="output")
        centres = (raw[..., :2] + self._cells) * self._steps
        halves = np.exp(raw[..., 2:4]) * self._steps / 2
        scores = probabilities(raw[..., 4:], what="scores")
        return Candidates(
            np.concatenate((centres - halves, centres + halves), axis=-1), scores[..., :1] * scores[..., 1:]
        )
