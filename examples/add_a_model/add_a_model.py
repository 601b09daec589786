"""Adds a model and a metric to `privacy bench`.

    pip install ./examples/add_a_model
    privacy bench corpus=../shared/corpus --model zones-lite0 --model by-brightness -o out

A model is anything with a name, a digest, something to say about itself, and `look`. This one is no good: it takes
bright pictures for washrooms. It needs no weights, so that the example shows nothing but the seam.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from privacy.bench import Metric, Scored
from privacy.evidence import Evidence
from privacy.measures import Indices
from privacy.zones import Zone


class ByBrightness:
    """The brighter the picture, the likelier a washroom."""

    name = "by-brightness"
    digest = hashlib.sha256(b"brightness, version 1").hexdigest()
    """Change it whenever answers change: kept answers are found again by it."""
    about = {"made of": "one line of NumPy", "licence": "Apache-2.0"}  # noqa: RUF012 - a constant

    def look(self, image: NDArray[np.uint8]) -> Evidence:
        """Return what a picture `(H, W, 3)` uint8 RGB of any size shows."""
        zones = np.zeros(len(Zone), np.float32)
        zones[Zone.WASHROOM] = image.mean() / 255
        zones[Zone.PERMITTED] = 1 - zones[Zone.WASHROOM]
        return Evidence(offset=0.0, zones=zones, model=self.name)


def half_right(scored: Scored, drawn: Indices) -> float:
    """Return the share of photos that a threshold of one half rules right."""
    return float(((scored.p[drawn] >= 0.5) == scored.shown[drawn]).mean())


HALF_RIGHT = Metric("half right", task="separation", better="higher", of=half_right)
