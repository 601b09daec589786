"""What one family of detectors wants its pixels to be, and how it writes its answers. Pure; no runtime."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError, ModelIntegrityError

Floats = NDArray[np.float32]

TOLERANCE = 1e-3
"""How far rounding may carry a score out of [0, 1]."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a graph says about itself before it is run.

    Attributes:
        model: Catalogue name, for messages.
        shape: Of its one input, `(batch, 3, height, width)`; None where it is free.
        outputs: Shape of each output by name, in the order of the graph; None where it is free.
        metadata: What the exporter wrote into the file.
    """

    model: str
    shape: tuple[int | None, ...]
    outputs: Mapping[str, tuple[int | None, ...]]
    metadata: Mapping[str, str]

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` of a graph that sees one size only.

        Raises:
            ModelIntegrityError: It does not.
        """
        match self.shape:
            case (_, 3, int(height), int(width)):
                return height, width
        raise self.misfit("one input (batch, 3, height, width) of fixed size")

    def misfit(self, want: str) -> ModelIntegrityError:
        """Return the error of a file that is not what its card says."""
        return ModelIntegrityError(f"{self.model} does not have {want}", model=self.model)


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where the whole picture lies on what the network sees; the rest is filled.

    Attributes:
        size: `(height, width)` of what the network sees.
        picture: `(height, width)` of the resized picture on it.
        corner: `(top, left)` of the picture.
        fill: Grey level around it.
    """

    size: tuple[int, int]
    picture: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    fill: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What the network proposes, before overlaps are resolved.

    Attributes:
        boxes: `(B, N, 4)` float32, left, top, right, bottom in pixels of the canvas.
        scores: `(B, N, C)` float32 in [0, 1], one column a label.
    """

    boxes: Floats
    scores: Floats


class Head(Protocol):
    """One family of detectors. Built from a `Signature`; raises ModelIntegrityError if that is of another family."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What the columns of the scores are called."""

    @property
    def min_score(self) -> float:
        """Score from which a candidate counts, if the caller names none."""

    @property
    def max_overlap(self) -> float:
        """Intersection over union from which the less sure of two boxes of one label is dropped; 1 keeps all."""

    def canvas(self, size: tuple[int, int]) -> Canvas:
        """Return how a `(height, width)` picture is laid out."""

    def tensor(self, canvases: NDArray[np.uint8]) -> Floats:
        """Return the network's input `(B, 3, H, W)` for `(B, H, W, 3)` uint8 RGB."""

    def decode(self, outputs: Mapping[str, Floats], size: tuple[int, int]) -> Candidates:
        """Return what the outputs say of canvases of `(height, width)`.

        Raises:
            EvidenceError: They have other shapes than this family gives.
        """


def planes(pixels: NDArray[np.generic]) -> Floats:
    """Return `(B, H, W, 3)` as contiguous float32 `(B, 3, H, W)`."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32)


def fit(size: tuple[int, int], limit: tuple[int, int], *, enlarge: bool = True) -> tuple[int, int]:
    """Return the largest `(height, width)` inside `limit` that has the aspect of `size`."""
    scale = min(limit[0] / size[0], limit[1] / size[1])
    if not enlarge:
        scale = min(scale, 1.0)
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def grid(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return `(N, 2)` cell indices (column, row) and `(N, 1)` strides, row by row, finest level first."""
    cells, steps = [], []
    for stride in strides:
        rows, columns = (-(-side // stride) for side in size)
        row, column = np.mgrid[:rows, :columns]
        cells.append(np.stack((column, row), axis=-1).reshape(-1, 2))
        steps.append(np.full((rows * columns, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(steps).astype(np.float32)


def checked(values: Floats, shape: tuple[int | None, ...], *, what: str) -> Floats:
    """Return `values` if they have this shape (None fits any length) and are finite.

    Raises:
        EvidenceError: They have another shape, or hold NaN or infinity.
    """
    fits = values.ndim == len(shape) and all(want in (None, got) for got, want in zip(values.shape, shape, strict=True))
    if not fits or not np.isfinite(values).all():
        raise EvidenceError(f"{what}: want finite {shape}, got {values.shape}", output=what)
    return values


def probabilities(values: Floats, *, what: str) -> Floats:
    """Return `values` clipped to [0, 1] if only rounding has carried them out of it.

    Raises:
        EvidenceError: They are no probabilities.
    """
    if not ((values >= -TOLERANCE) & (values <= 1 + TOLERANCE)).all():
        raise EvidenceError(f"{what}: scores outside [0, 1]", output=what)
    return np.clip(values, 0, 1)
