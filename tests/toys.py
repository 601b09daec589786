"""A toy world for tests: a classifier that needs no weights, evidence and frames."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privacy.evidence import Evidence
from privacy.frame import Frame, Layout
from privacy.models.detector import Box, Detection
from privacy.policy import Effect
from privacy.serve.observer import StreamFacts
from privacy.zones import Zone


class Bright:
    """A real classifier of a toy world: the brighter the picture, the likelier a washroom."""

    name = "bright.test"
    input_size = (8, 8)

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        return [evidence(float(image.mean()) / 255, offset) for image, offset in zip(images, offsets, strict=True)]


class Finds:
    """A detector that finds the same in every picture."""

    name = "finds.test"
    labels = ("person", "face", "tv", "dog")

    def __init__(self, *found: Detection) -> None:
        self.found = found
        self.looks = 0

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        return size

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        self.looks += 1
        return self.found

    def detect_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Detection, ...]]:
        return [self.detect(image) for image in images]


def detection(box: Box, label: str = "person", score: float = 0.9) -> Detection:
    """A detection that is sure of itself."""
    return Detection(label, score, box)


def evidence(p: float, offset: float = 0.0, zone: Zone = Zone.WASHROOM) -> Evidence:
    """Evidence that a frame is prohibited with probability `p`."""
    zones = np.zeros(len(Zone), np.float32)
    zones[Zone.PERMITTED], zones[zone] = 1 - p, p
    return Evidence(offset, zones, "bright.test")


def grey_frame(level: int, offset: float = 0.0, sequence: int = 0, size: tuple[int, int] = (48, 64)) -> Frame:
    """A full-range frame of one luma level."""
    return Frame((np.full(size, level, np.uint8),), Layout.GRAY, offset, sequence, full_range=True)


def stream_facts(camera: str, session: str) -> StreamFacts:
    """A stream as the service describes one that asks for verdicts on every raw frame."""
    return StreamFacts(
        session=session,
        camera=camera,
        peer="",
        purpose="",
        policy="guangdong",
        mode="VERDICT",
        delivery="EVERY_FRAME",
        pixel_format="GRAY",
        effect=Effect(),
        static=(),
    )
