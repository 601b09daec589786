"""What the pipeline asks of a model, whichever library runs it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from privacy.evidence import Evidence


class ZoneClassifier(Protocol):
    """Says which place pictures show. Stateless between calls and safe to share between threads."""

    @property
    def name(self) -> str:
        """Catalogue name, for example "zones-lite0"."""

    @property
    def input_size(self) -> tuple[int, int]:
        """`(height, width)` of the pictures it looks at."""

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return one evidence for each picture, in order.

        Args:
            images: Each `(H, W, 3)` uint8 RGB with `(H, W) == input_size`: the whole picture, resized.
            offsets: Seconds from the start of the source, one for each picture.

        Raises:
            EvidenceError: The model answered with something that is no probability.
        """
