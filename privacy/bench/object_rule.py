"""The plain rule that a zone model has to beat: which room is it, by the things that stand in it?

A toilet makes a washroom, and so does a sink that stands without oven, refrigerator or microwave; a bed makes a guest
room. Scores of the detector are taken as they are; nobody has calibrated them for zones.
"""

import hashlib
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError
from privacy.evidence import Evidence
from privacy.frame import Frame, Layout, thumbnail
from privacy.models.card import ModelCard
from privacy.models.detector import Detector
from privacy.zones import Zone

KITCHEN = ("oven", "refrigerator", "microwave")


class ObjectRule:
    """Asks a detector of COCO's 80 things for places.

    Args:
        detector: What looks.
        card: Its card.
    """

    MIN_SCORE: ClassVar[float] = 0.05
    """Things below are not seen at all; with less, a detector proposes more boxes than a picture can hold."""

    def __init__(self, detector: Detector, card: ModelCard) -> None:
        self._detector = detector
        self.name = f"objects:{card.name}"
        self.digest = hashlib.sha256(f"{card.sha256} {self.MIN_SCORE} {KITCHEN}".encode()).hexdigest()
        self.about = {"made of": "a rule on detected things", "licence": card.license}

    def look(self, image: NDArray[np.uint8]) -> Evidence:
        """Return its evidence; see `Entrant.look`."""
        frame = Frame((np.ascontiguousarray(image),), Layout.RGB, 0.0, full_range=True)
        best: dict[str, float] = {}
        for found in self._detector.detect(thumbnail(frame, self._detector.size_for(frame.size))):
            best[found.label] = max(best.get(found.label, 0.0), found.score)
        zones = np.zeros(len(Zone), np.float32)
        kitchen = max(best.get(thing, 0.0) for thing in KITCHEN)
        washroom = max(best.get("toilet", 0.0), best.get("sink", 0.0) * (1 - kitchen))
        bed = best.get("bed", 0.0)
        if not np.isfinite([washroom, bed]).all():
            raise EvidenceError(f"{self.name}: scores that are no numbers", model=self.name)
        surest = max(washroom, bed)
        zones[Zone.PERMITTED] = 1 - surest
        if surest > 0:
            zones[Zone.WASHROOM] = surest * washroom / (washroom + bed)
            zones[Zone.GUEST_ROOM] = surest * bed / (washroom + bed)
        return Evidence(0.0, zones, self.name)
