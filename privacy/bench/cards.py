"""Somebody else's model, described: a small TOML file beside its weights.

name = "squeezenet-places365"
kind = "onnx"                          # or "image-text", "timm", "torchvision"
file = "squeezenet_places365.onnx"     # beside the card, or below the folder that --weights names
sha256 = "a58f605f..."
licence = "unstated: for comparison only"
labels = "places365"                   # a folder of datasets/, or a label map beside the card
classes = "categories_places365.txt"   # one class a line, in order; or a list of names

[input]                                # timm and torchvision bring their own
resize = [256, 256]                    # (height, width), or one number for the short side
crop = [224, 224]                      # (height, width) of the middle that is kept
colour = "bgr"
scale = 1.0                            # what pixels in [0, 255] are divided by
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]

[output]
name = "prob"                          # the first if there is none
activation = "none"                    # or "softmax" of logits
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError, ModelIntegrityError, ModelNotFoundError
from privacy.models.catalogue import bounded
from privacy.training.data import DATASETS, LabelMap, read_labels
from privacy.zones import Zone

KEYS = frozenset(
    {
        "name", "kind", "file", "sha256", "licence", "labels", "classes", "architecture", "input", "output",
        "text_file", "text_sha256", "tokenizer", "prompts", "scale", "length",
    }
)  # fmt: skip


class CardError(InputError):
    """A model card lacks something, or says something that cannot be."""

    reason = "INVALID_CARD"


@dataclass(frozen=True, slots=True)
class Preprocess:
    """From a picture to what a network sees.

    Attributes:
        resize: `(height, width)`, or the length of the short side.
        crop: `(height, width)` of the middle that is kept, or None for all of it.
        colour: "rgb" or "bgr".
        scale: What pixels in [0, 255] are divided by.
        mean: Subtracted after that, by channel.
        std: Divided by in the end, by channel.
    """

    resize: tuple[int, int] | int
    crop: tuple[int, int] | None = None
    colour: str = "rgb"
    scale: float = 255.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        sides = [*(self.resize if isinstance(self.resize, tuple) else (self.resize,)), *(self.crop or ())]
        fits = len(self.mean) == len(self.std) == 3 and all(self.std) and self.scale
        if not fits or self.colour not in ("rgb", "bgr") or not all(0 < side <= 4096 for side in sides):
            raise CardError(f"no network sees pictures like {self}")

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Preprocess":
        """Return what the table `input` of a card says."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        try:
            return cls(**values)
        except TypeError as error:
            raise CardError(f"input: {error}") from error

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return `(1, 3, H, W)` float32 for `(h, w, 3)` uint8 RGB."""
        height, width = image.shape[:2]
        if isinstance(self.resize, tuple):
            rows, columns = self.resize
        else:
            scale = self.resize / min(height, width)
            rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        shrinks = rows < height or columns < width
        kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(image, (columns, rows), interpolation=kind), np.float32)
        if self.crop is not None:
            top, left = (rows - self.crop[0]) // 2, (columns - self.crop[1]) // 2
            if top < 0 or left < 0:
                raise CardError(f"a crop of {self.crop} does not fit into {rows}x{columns}")
            small = small[top : top + self.crop[0], left : left + self.crop[1]]
        pixels = (small[..., ::-1] if self.colour == "bgr" else small) / np.float32(self.scale)
        normal = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """One description of a model, checked.

    Attributes:
        path: Of the card.
        table: What it says.
        folders: Where its files may lie.
    """

    path: Path
    table: Mapping[str, Any]
    folders: tuple[Path, ...]

    @property
    def name(self) -> str:
        """As results call it."""
        return str(self.table["name"])

    @property
    def kind(self) -> str:
        """What it is made of."""
        return str(self.table["kind"])

    @property
    def architecture(self) -> str:
        """What timm or torchvision call it."""
        return self.text("architecture")

    @property
    def suffix(self) -> str:
        """Of its weights file."""
        return Path(self.text("file")).suffix.lower()

    @property
    def output(self) -> str:
        """Name of the output that is read; "" for the first."""
        return str(self._section("output").get("name", ""))

    @property
    def about(self) -> dict[str, str]:
        """What readers should know."""
        return {"made of": self.kind, "licence": str(self.table.get("licence", "not stated"))}

    @property
    def preprocess(self) -> Preprocess:
        """What the network sees of a picture."""
        return Preprocess.of(self._section("input"))

    @property
    def digest(self) -> str:
        """sha256 over the card, its files and the meaning of its labels."""
        named = [
            key
            for key in ("file", "text_file", "tokenizer", "prompts", "classes")
            if isinstance(self.table.get(key), str)
        ]
        parts = [
            repr(sorted(self.table.items(), key=str)).encode(),
            *(self.find(self.text(key)).read_bytes() for key in named),
        ]
        if "labels" in self.table:
            parts.append(self.label_map_path.read_bytes())
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    @property
    def label_map_path(self) -> Path:
        """The label map: of a set of datasets/, or a file beside the card."""
        shared = DATASETS / self.text("labels") / "labels.toml"
        return shared if shared.is_file() else self.find(self.text("labels"))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its classes, in order, without what Places365 writes around them ("/b/bathroom 45")."""
        said = self.table.get("classes")
        names = said if isinstance(said, list) else self.find(self.text("classes")).read_text("utf-8").splitlines()
        found = tuple(_class(str(name)) for name in names if str(name).strip())
        if not found:
            raise CardError(f"{self.name} has no classes", model=self.name)
        return found

    @property
    def shares(self) -> NDArray[np.float64]:
        """`(C, Z)` share of each zone in each class.

        Raises:
            DataError: The label map says nothing about some class; all are named.
        """
        return shares_of(read_labels(self.label_map_path), self.classes)

    def activate(self, answer: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return `(C,)` probabilities for what the network said."""
        match self._section("output").get("activation", "none"):
            case "none":
                return answer
            case "softmax":
                return softmax(answer)
        raise CardError(f"{self.name}: the activation is none or softmax", model=self.name)

    def text(self, key: str) -> str:
        """Return a text that must be there."""
        value = self.table.get(key)
        if not isinstance(value, str) or not value:
            raise CardError(f"{self.path.name} needs {key} = ...", card=self.path.name, key=key)
        return value

    def find(self, name: str) -> Path:
        """Return where a file lies: beside the card, or anywhere below the folder of weights.

        Raises:
            ModelNotFoundError: Nowhere.
        """
        beside, *others = self.folders
        found = [beside / name] if (beside / name).is_file() else []
        found += [path for folder in others for path in sorted(folder.rglob(Path(name).name)) if path.is_file()]
        if not found:
            raise ModelNotFoundError(
                f"{self.name}: there is no {name} beside its card; --weights names more places", model=self.name
            )
        return found[0]

    def file(self, key: str) -> bytes:
        """Return a file of weights, verified against the sha256 beside it.

        Raises:
            ModelNotFoundError: It is not there.
            ModelIntegrityError: It is another file.
        """
        data = bounded(self.find(self.text(key)))
        want = self.text("sha256" if key == "file" else key.replace("file", "sha256"))
        got = hashlib.sha256(data).hexdigest()
        if got != want:
            raise ModelIntegrityError(
                f"{self.name}: {self.text(key)} has sha256 {got}, its card says {want}", model=self.name
            )
        return data

    def _section(self, name: str) -> Mapping[str, Any]:
        value = self.table.get(name, {})
        if not isinstance(value, dict):
            raise CardError(f"{self.path.name}: {name} is a table", card=self.path.name)
        return value


def read_card(path: Path, *, weights: Path | None = None) -> Card:
    """Read a card.

    Raises:
        CardError: It cannot be read, or has a key that nobody knows.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"{path} is no model card: {error}", card=str(path)) from error
    if unknown := sorted(set(table) - KEYS):
        raise CardError(f"{path.name}: nobody knows {', '.join(unknown)}", card=path.name)
    card = Card(path, table, (path.resolve().parent, *([weights] if weights is not None else [])))
    for key in ("name", "kind", "file", "sha256"):
        card.text(key)
    return card


def shares_of(map_: LabelMap, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """Return `(C, Z)` share of each zone in each label.

    Raises:
        DataError: The map says nothing about some; all are named.
    """
    shares = np.zeros((len(labels), len(Zone)))
    for row, meaning in zip(shares, map_.all_of(labels), strict=True):
        for zone, share in meaning.zones.items():
            row[zone] = share
    return shares


def softmax(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return probabilities of logits, over the last axis."""
    powers = np.exp(values.astype(np.float64) - values.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def _class(line: str) -> str:
    """Return "bathroom" of "/b/bathroom 45", and everything else as it is."""
    name = line.strip()
    if name.startswith("/"):
        name = name.rsplit(" ", 1)[0][1:].partition("/")[2]
    return name
