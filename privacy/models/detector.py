"""What masking asks of a model that finds people, faces and things, whichever library runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError

Box = tuple[float, float, float, float]
"""`(left, top, right, bottom)` as shares of the picture's width and height, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing that a model saw, and where.

    Attributes:
        label: What it is, in the model's own words, for example "person".
        score: How sure the model is, in [0, 1]; no calibrated probability.
        box: The part of it that lies in the picture.

    Raises:
        EvidenceError: A value is NaN or out of range, or the box is empty.
    """

    label: str
    score: float
    box: Box

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1 and 0 <= self.score <= 1):
            raise EvidenceError(f"no box in [0, 1] with a score in [0, 1]: {self}", label=self.label)


class Detector(Protocol):
    """Finds things in pictures. Stateless between calls and safe to share between threads."""

    @property
    def name(self) -> str:
        """Catalogue name, for example "picodet-s-416"."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that it can give."""

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the `(height, width)` at which it wants to see the whole of a `(height, width)` picture.

        `thumbnail(frame, detector.size_for(frame.size))` is what it looks at; boxes are shares of the picture, so they
        hold for the frame as they are.
        """

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Return what is in one picture, the surest first.

        Args:
            image: `(H, W, 3)` uint8 RGB, the whole picture at any size.

        Raises:
            FrameError: `image` is no such picture.
            EvidenceError: The model answered with something that is no detection. It is never an empty answer instead.
        """

    def detect_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Detection, ...]]:
        """Return what is in each picture, in order, in as few runs of the network as it allows."""
