"""A prohibited place that shows through an opening in a permitted one: where it is, and whether the rest is clear."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.evidence import Evidence
from privacy.frame import Frame, Layout
from privacy.masking import mask
from privacy.models.classifier import ZoneClassifier
from privacy.plan import Bitmap, MaskPlan
from privacy.policy import Effect, Policy


class Around:
    """A classifier that looks again where a picture is not clear: at what is left when the opening is hidden.

    If that is clear by itself, the evidence says which cells have to be hidden (`Evidence.opening`); in all else it is
    that of the first look. A washroom that fills the picture has no such cells, or the rest of it is no less private.

    Args:
        model: What looks.
        policy: Thresholds, and what counts as an opening.
    """

    def __init__(self, model: ZoneClassifier, policy: Policy) -> None:
        self._model, self._policy = model, policy

    @property
    def name(self) -> str:
        """Catalogue name."""
        return self._model.name

    @property
    def input_size(self) -> tuple[int, int]:
        """`(height, width)` of the pictures it looks at."""
        return self._model.input_size

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return one evidence for each picture, in order; see `ZoneClassifier.look`."""
        seen = self._model.look(images, offsets)
        return [self._around(image, evidence) for image, evidence in zip(images, seen, strict=True)]

    def _around(self, image: NDArray[np.uint8], seen: Evidence) -> Evidence:
        clear_below = self._policy.thresholds.clear_below
        cells = None if seen.p_prohibited <= clear_below else self._cells(seen)
        if cells is None:
            return seen
        frame = Frame((image,), Layout.RGB, seen.offset, full_range=True)
        hidden = mask(frame, MaskPlan((Bitmap(cells),), Effect()))
        (rest,) = self._model.look([hidden.planes[0]], [seen.offset])
        return replace(seen, opening=cells) if rest.p_prohibited <= clear_below else seen

    def _cells(self, seen: Evidence) -> NDArray[np.bool_] | None:
        """Return what the zone map marks, grown; None if that is nothing, or too much for an opening."""
        rules = self._policy.openings
        if seen.zone_map is None:
            return None
        marked = (seen.zone_map >= rules.cell_above).astype(np.uint8)
        around = np.ones((2 * rules.grow + 1,) * 2, np.uint8)
        cells = np.asarray(cv2.dilate(marked, around), np.bool_)
        return cells if 0 < cells.mean() <= rules.most else None
