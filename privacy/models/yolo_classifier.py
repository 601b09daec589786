"""Classifiers that Ultralytics has exported to ONNX, read as zone classifiers through a label map."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError
from privacy.evidence import Evidence
from privacy.models.head import Signature, planes
from privacy.models.labels import LabelMap
from privacy.models.onnx import open_session, signature_of
from privacy.models.yolo import names_of


class YoloZoneClassifier:
    """Runs one classifier; safe to share between threads.

    It sees the whole picture, like every zone model, where Ultralytics cuts out the middle: what the law protects may
    lie at the border. Its probabilities are taken as they are; nobody has calibrated them for zones.

    Args:
        weights: The ONNX file, already verified.
        slugs: Zone slug, or "permitted", of each class by name.
        name: Catalogue name.
        threads: CPU threads that one inference may use.

    Raises:
        ModelIntegrityError: The file is no such classifier.
        InputError: The label map does not fit its classes.
    """

    def __init__(self, weights: bytes, slugs: Mapping[str, object], *, name: str, threads: int = 1) -> None:
        self._session = open_session(weights, name=name, threads=threads)
        signature = signature_of(self._session, name=name)
        self._size = signature.size
        self._classes = classes_of(signature)
        self._labels = LabelMap.of(slugs, self._classes)
        self._input = self._session.get_inputs()[0].name
        self._one_by_one = signature.shape[0] is not None
        self._name = name

    @property
    def name(self) -> str:
        """Catalogue name."""
        return self._name

    @property
    def input_size(self) -> tuple[int, int]:
        """`(height, width)` of the pictures it looks at."""
        return self._size

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return one evidence for each picture, in order; see `ZoneClassifier.look`."""
        if len(images) != len(offsets):
            raise EvidenceError(f"{len(offsets)} offsets for {len(images)} pictures", model=self._name)
        step = 1 if self._one_by_one else max(1, len(images))
        seen: list[Evidence] = []
        for start in range(0, len(images), step):
            pixels = planes(np.stack(images[start : start + step])) / np.float32(255)
            (probabilities,) = self._session.run(None, {self._input: pixels})
            if probabilities.shape != (len(pixels), len(self._classes)):
                raise EvidenceError(f"{self._name} answered {probabilities.shape}", model=self._name)
            seen += [
                Evidence(offset, zones, self._name, place=self._classes[int(np.argmax(row))])
                for offset, zones, row in zip(
                    offsets[start:], self._labels.scores(probabilities), probabilities, strict=False
                )
            ]
        return seen


def classes_of(signature: Signature) -> tuple[str, ...]:
    """Return the classes of an exported classifier.

    Raises:
        ModelIntegrityError: It is none.
    """
    classes = names_of(signature)
    if [shape[1:] for shape in signature.outputs.values()] != [(len(classes),)]:
        raise signature.misfit(f"the one output of an Ultralytics classifier of {len(classes)} classes")
    return classes
