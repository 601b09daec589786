"""YuNet: a tiny face detector (Wu et al., "YuNet", Machine Intelligence Research 2023)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from privacy.models.head import Candidates, Canvas, Floats, Signature, checked, fit, grid, planes, probabilities

LONGEST_SIDE = 640
"""Pictures are seen no larger than this unless the caller wants more, and never enlarged."""
_STRIDES = (8, 16, 32)
_COARSEST = max(_STRIDES)


class YuNet:
    """libfacedetection.train's export with free input size.

    Outputs for each stride s: `cls_s` and `obj_s` `(B, n, 1)`, sigmoid applied, and `bbox_s` `(B, n, 4)`: centre offset
    in cells and log size in strides. Landmarks are not used.

    Args:
        signature: Of the graph.
        longest_side: Of what it sees, in pixels. The smallest face that it finds is about 10 pixels of these.
    """

    labels = ("face",)
    min_score = 0.5
    max_overlap = 0.45

    def __init__(self, signature: Signature, *, longest_side: int = LONGEST_SIDE) -> None:
        wanted = {f"{part}_{stride}" for part in ("cls", "obj", "bbox") for stride in _STRIDES}
        if signature.shape[1:] != (3, None, None) or not wanted.issubset(signature.outputs):
            raise signature.misfit("the free input size and the outputs of YuNet")
        self._limit = (longest_side, longest_side)

    def canvas(self, size: tuple[int, int]) -> Canvas:
        """Return a canvas whose sides are multiples of the coarsest stride, the picture in its top left corner."""
        picture = fit(size, self._limit, enlarge=False)
        height, width = (-(-side // _COARSEST) * _COARSEST for side in picture)
        return Canvas((height, width), picture)

    def tensor(self, canvases: NDArray[np.uint8]) -> Floats:
        """Return BGR in [0, 255]."""
        return planes(canvases[..., ::-1])

    def decode(self, outputs: Mapping[str, Floats], size: tuple[int, int]) -> Candidates:
        """Return one candidate a cell; its score is the geometric mean of the two that the network gives."""
        cells, steps = grid(size, _STRIDES)
        cls, obj, box = (
            checked(
                np.concatenate([outputs[f"{part}_{stride}"] for stride in _STRIDES], axis=1),
                (None, len(cells), width),
                what=part,
            )
            for part, width in (("cls", 1), ("obj", 1), ("bbox", 4))
        )
        centres = (cells + box[..., :2]) * steps
        halves = np.exp(box[..., 2:]) * steps / 2
        scores = np.sqrt(probabilities(cls, what="cls") * probabilities(obj, what="obj"))
        return Candidates(np.concatenate((centres - halves, centres + halves), axis=-1), scores)
