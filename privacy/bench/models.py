"""Whom the bench asks: every model, whatever it is made of, as something that looks at a picture and gives evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from privacy.bench import plugins
from privacy.bench.cards import Card, read_card
from privacy.bench.image_text import ImageText
from privacy.bench.object_rule import ObjectRule
from privacy.errors import EvidenceError, InputError
from privacy.evidence import Evidence
from privacy.frame import Frame, Layout, thumbnail
from privacy.models import catalogue
from privacy.models.card import Family
from privacy.models.classifier import ZoneClassifier
from privacy.models.detector import Detector
from privacy.models.onnx import open_session

Image = NDArray[np.uint8]
"""`(H, W, 3)` uint8 RGB."""
RULE = "objects:"
"""What stands before the name of a detector that is asked for places."""


@runtime_checkable
class Entrant(Protocol):
    """Says which place a picture shows. What a plugin offers; the same picture always gives the same evidence."""

    @property
    def name(self) -> str:
        """As results call it."""

    @property
    def digest(self) -> str:
        """sha256 of everything that decides its answers."""

    @property
    def about(self) -> Mapping[str, str]:
        """What readers should know: "licence", "made of", whatever else there is to say."""

    def look(self, image: Image) -> Evidence:
        """Return what a picture `(H, W, 3)` uint8 RGB of any size shows; the entrant does its own resizing.

        Raises:
            Exception: Any; the bench names and counts it, and takes the worst possible answer instead.
        """


class Catalogued:
    """A zone model of the catalogue, through the same resize that the product uses."""

    def __init__(self, name: str) -> None:
        card = catalogue.card(name)
        self.classifier: ZoneClassifier = catalogue.load(name)
        self.digest = card.sha256
        self.about = {"made of": f"catalogue, {card.family}", "licence": card.license}

    @property
    def name(self) -> str:
        """Catalogue name."""
        return self.classifier.name

    def look(self, image: Image) -> Evidence:
        """Return its evidence; see `Entrant.look`."""
        (seen,) = self.classifier.look([thumbnail(frame_of(image), self.classifier.input_size)], [0.0])
        return seen


class Detects:
    """A detector of the catalogue, for data sets with boxes."""

    def __init__(self, name: str, *, min_score: float) -> None:
        card = catalogue.card(name)
        self.name = name
        self.detector: Detector = catalogue.load_detector(name, min_score=min_score)
        self.digest = card.sha256
        self.about = {"made of": f"catalogue, {card.family}", "licence": card.license}


class Mapped:
    """A classifier of somebody else's classes, whose labels are mapped to zones.

    Args:
        card: What it is.
        classify: From a picture to `(C,)` class probabilities.
    """

    def __init__(self, card: Card, classify: Callable[[Image], NDArray[np.floating]]) -> None:
        self.name, self.digest, self.about = card.name, card.digest, card.about
        self._classify, self._shares, self._classes = classify, card.shares, card.classes

    def look(self, image: Image) -> Evidence:
        """Return its evidence; see `Entrant.look`."""
        probabilities = np.asarray(self._classify(image), np.float64)
        if probabilities.shape != (len(self._classes),) or not np.isfinite(probabilities).all():
            raise EvidenceError(f"{self.name}: want {len(self._classes)} finite classes", model=self.name)
        total = probabilities.sum()
        if (probabilities < 0).any() or total <= 0:
            raise EvidenceError(f"{self.name}: the classes are no probabilities", model=self.name)
        zones = (probabilities / total) @ self._shares
        return Evidence(0.0, zones.astype(np.float32), self.name, place=self._classes[int(probabilities.argmax())])


@dataclass(frozen=True, slots=True)
class Through:
    """An entrant as the product's streams see a model: pictures come resized to one size.

    Attributes:
        entrant: Whom to ask.
        input_size: `(height, width)` of the pictures.
    """

    entrant: Entrant
    input_size: tuple[int, int]

    @property
    def name(self) -> str:
        """Of the entrant."""
        return self.entrant.name

    def look(self, images: Sequence[Image], offsets: Sequence[float]) -> list[Evidence]:
        """Return one evidence for each picture; see `ZoneClassifier.look`."""
        seen = [self.entrant.look(image) for image in images]
        return [
            Evidence(offset, one.zones, self.name, one.zone_map, one.place)
            for one, offset in zip(seen, offsets, strict=True)
        ]


def load(spec: str, *, weights: Path | None = None) -> Entrant | Detects:
    """Return a model.

    Args:
        spec: A name of the catalogue; "objects:NAME" for a detector that is asked for places by the objects it sees;
            the path of a card (.toml); or a name that a plugin offers.
        weights: Folder that the files of cards are looked for in, besides the card's own.

    Raises:
        ModelNotFoundError: There is no such model, or its file is not here.
        ModelIntegrityError: Its file is not the one that it should be.
        InputError: Its card is wrong.
    """
    if spec.endswith(".toml"):
        return _carded(read_card(Path(spec), weights=weights))
    if spec.startswith(RULE):
        name = spec.removeprefix(RULE)
        return ObjectRule(catalogue.load_detector(name, min_score=ObjectRule.MIN_SCORE), catalogue.card(name))
    if not any(card.name == spec for card in catalogue.cards()):
        offered = plugins.offered("models")
        if spec in offered:
            return _plugged(spec, offered[spec])
    card = catalogue.card(spec)
    if card.family in (Family.ZONES, Family.YOLO_CLASSIFIER):
        return Catalogued(spec)
    return Detects(spec, min_score=0.05)


def _plugged(name: str, make: Callable[[], object]) -> Entrant:
    try:
        made = make()
    except Exception as error:  # somebody else's code
        raise plugins.PluginError(f"the model {name!r} cannot be made: {error}", name=name) from error
    if not isinstance(made, Entrant):
        raise plugins.PluginError(f"the model {name!r} needs name, digest, about and look", name=name)
    return made


def _carded(card: Card) -> Entrant:
    match card.kind:
        case "onnx":
            session = open_session(card.file("file"), name=card.name, threads=1)
            feed = session.get_inputs()[0].name

            def classify(image: Image) -> NDArray[np.floating]:
                (answer,) = session.run([card.output] if card.output else None, {feed: card.preprocess(image)})[:1]
                return card.activate(np.asarray(answer)[0])

            return Mapped(card, classify)
        case "image-text":
            return ImageText(card)
        case "timm" | "torchvision":
            # torch is large, and everything else here does without it
            from privacy.models.checkpoint import Checkpoint  # noqa: PLC0415

            network = Checkpoint(card.kind, card.architecture, card.file("file"), card.suffix, len(card.classes))
            return Mapped(card, network.classify)
    raise InputError(f"{card.name}: no kind of model {card.kind!r}; known: onnx, image-text, timm, torchvision")


def frame_of(image: Image) -> Frame:
    """Return a picture as the product's models and detectors take it."""
    return Frame((np.ascontiguousarray(image),), Layout.RGB, 0.0, full_range=True)
