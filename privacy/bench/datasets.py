"""What models are measured on: photos of known places, pictures with known boxes, clips with known times."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from privacy.bench import plugins, protocol
from privacy.measures import Bools, Indices
from privacy.training.data import (
    DATASETS,
    DataError,
    Photo,
    read_ade20k,
    read_corpus,
    read_folders,
    read_labels,
    read_manifest,
    read_rendered,
)
from privacy.zones import Zone

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Photos of known places.

    Attributes:
        name: As results call it.
        photos: Of one split, in a fixed order.
        root: What the names of items start from.
        redistributable: Whether its pictures may be shown to others.
    """

    name: str
    photos: tuple[Photo, ...]
    root: Path
    redistributable: bool = False

    @property
    def digest(self) -> str:
        """sha256 over every picture, its name, its label and what that means."""
        facts = [
            f"{item} {photo.label} {photo.source} {sorted((z.slug, s) for z, s in photo.meaning.zones.items())}"
            for item, photo in zip(self.items, self.photos, strict=True)
        ]
        return _digest(facts, (photo.path for photo in self.photos))

    @property
    def items(self) -> tuple[str, ...]:
        """Name of each photo: its path below the root."""
        return tuple(item_of(photo.path, self.root) for photo in self.photos)

    def only(self, kept: Sequence[int]) -> "Scenes":
        """Return these photos, in this order."""
        return Scenes(self.name, tuple(self.photos[index] for index in kept), self.root, self.redistributable)

    @property
    def shown(self) -> Bools:
        """`(N,)` bool, whether each photo shows a prohibited place."""
        return np.array([photo.meaning.zone is not Zone.PERMITTED for photo in self.photos], np.bool_)

    @property
    def sources(self) -> tuple[str, ...]:
        """Source of each photo."""
        return tuple(photo.source for photo in self.photos)

    @property
    def large(self) -> Bools:
        """`(N,)` bool, whether each photo is of a source of more than `LARGE_SOURCE` photos."""
        names, index, counts = np.unique(np.array(self.sources), return_inverse=True, return_counts=True)
        return np.asarray((counts > protocol.LARGE_SOURCE)[index] if len(names) else np.zeros(0, np.bool_))

    @property
    def strata(self) -> list[Indices]:
        """What the bootstrap draws: small sources as a whole, photos of large ones alone."""
        names, large = np.array(self.sources), self.large
        small = [np.flatnonzero(names == name) for name in sorted(set(names[~large]))]
        return [*small, *(np.array([index]) for index in np.flatnonzero(large))]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Pictures with boxes of known things, in COCO's form.

    Attributes:
        name: As results call it.
        truth: COCO's `images`, `annotations` and `categories`.
        root: What file names start from.
    """

    name: str
    truth: Mapping[str, Any]
    root: Path

    @property
    def digest(self) -> str:
        """sha256 over the boxes and every picture."""
        return _digest(
            [json.dumps(self.truth, sort_keys=True)], (self.root / i["file_name"] for i in self.truth["images"])
        )

    @property
    def of_faces(self) -> bool:
        """True if its only category is "face"."""
        return [category["name"] for category in self.truth["categories"]] == ["face"]


@dataclass(frozen=True, slots=True)
class Clip:
    """One video, and when it shows a prohibited place.

    Attributes:
        path: File.
        prohibited: Spans `[start, end)` in seconds; empty if all of it is permitted.
    """

    path: Path
    prohibited: tuple[tuple[float, float], ...] = ()

    def shows(self, offset: float) -> bool:
        """Return whether the frame at `offset` is prohibited."""
        return any(start <= offset < end for start, end in self.prohibited)


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Videos with known times.

    Attributes:
        name: As results call it.
        clips: In the order of their file names.
    """

    name: str
    clips: tuple[Clip, ...]

    @property
    def digest(self) -> str:
        """sha256 over every clip and its spans."""
        return _digest([f"{clip.path.name} {clip.prohibited}" for clip in self.clips], (c.path for c in self.clips))


Dataset = Scenes | Boxes | Clips
Reader = Callable[[Path, str, Path | None], Dataset]
"""From a path, a split and a label map (None for the usual one) to a set. What a plugin offers."""


def load(spec: str, *, split: str = "test", labels: Path | None = None) -> Dataset:
    """Read a set.

    Args:
        spec: "KIND=PATH"; KIND is one of `kinds()`. A bare path is a folder with a manifest.csv.
        split: "test" or "train"; sets without splits have only the one.
        labels: Label map instead of the usual one.

    Raises:
        InputError: There is no such kind, a file is missing, or a label is not mapped.
    """
    kind, separator, path = spec.partition("=")
    if not separator:
        kind, path = "manifest", spec
    readers = kinds()
    if kind not in readers:
        raise DataError(f"no kind of data set {kind!r}; known: {', '.join(readers)}", kind=kind)
    root = Path(path)
    if not root.exists():
        raise DataError(f"{spec}: there is no {path}", path=path)
    return readers[kind](root, split, labels)


def kinds() -> dict[str, Reader]:
    """Return every kind of data set by name: ours, then those of plugins."""
    return {**_READERS, **plugins.offered("datasets", taken=_READERS)}


def item_of(path: Path, root: Path) -> str:
    """Return how results name a file: without the folders above its set."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


# ------------------------------------------------------------------------------------------------------------- readers


def _corpus(root: Path, split: str, labels: Path | None) -> Scenes:
    map_ = labels or DATASETS / "corpus" / "labels.toml"
    return _scenes("corpus", read_corpus(root, map_), split, root / "scenes", map_)


def _manifest(root: Path, split: str, labels: Path | None) -> Scenes:
    map_ = labels or root / "labels.toml"
    return _scenes(root.resolve().name, read_manifest(root, map_), split, root, map_)


def _ade20k(root: Path, split: str, labels: Path | None) -> Scenes:
    map_ = labels or DATASETS / "ade20k" / "labels.toml"
    photos = read_ade20k(root, map_, split="validation" if split == "test" else "training")
    return _scenes("ade20k", photos, split, root, map_)


def _rendered(root: Path, split: str, labels: Path | None) -> Scenes:
    map_ = labels or DATASETS / "rendered" / "labels.toml"
    photos = [replace(photo, source=photo.group) for photo in read_rendered(root, map_, split=split)]  # rooms are drawn
    return _scenes("rendered", photos, split, root, map_)


def _folders(kind: str) -> Reader:
    def read(root: Path, split: str, labels: Path | None) -> Scenes:
        map_ = labels or DATASETS / kind / "labels.toml"
        return _scenes(kind, read_folders(root, map_, source=kind, split=split), split, root, map_)

    return read


def _scenes(name: str, photos: Iterable[Photo], split: str, root: Path, labels: Path) -> Scenes:
    chosen = tuple(photo for photo in photos if photo.split == split)
    if not chosen:
        raise DataError(f"{name} has no photo of the split {split!r}", dataset=name, split=split)
    return Scenes(name, chosen, root, read_labels(labels).redistributable)


def _coco(path: Path, _split: str, _labels: Path | None) -> Boxes:
    try:
        truth = json.loads(path.read_text("utf-8"))
        if not all(isinstance(truth[key], list) for key in ("images", "annotations", "categories")):
            raise DataError(f"{path.name} is not COCO's form: images, annotations and categories are lists")
        # Some copies write "traffic_light" for COCO's own "traffic light".
        categories = [{**one, "name": one["name"].replace("_", " ")} for one in truth["categories"]]
        _whole(truth)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path.name} is not COCO's form: {error}", path=path.name) from error
    truth = {**truth, "categories": categories}
    return Boxes(f"coco-{path.stem}", truth, path.parent)


def _whole(truth: Mapping[str, Any]) -> None:
    """Raise if a box is of no picture that is there, or a picture or a box lacks something: it would count as none."""
    images, categories = ({one["id"] for one in truth[key]} for key in ("images", "categories"))
    if len(images) < len(truth["images"]):
        raise ValueError("two images have one id")
    for image in truth["images"]:
        if not isinstance(image["file_name"], str) or not (image["width"] > 0 and image["height"] > 0):
            raise ValueError(f"the image {image['id']!r} needs a file_name, a width and a height")
    for box in truth["annotations"]:
        if box["image_id"] not in images or box["category_id"] not in categories:
            raise ValueError(f"the box {box.get('id')!r} is of an image or a category that is not there")
        if len(box["bbox"]) != 4 or not np.isfinite(np.array(box["bbox"], np.float64)).all():
            raise ValueError(f"the box {box.get('id')!r} is not left, top, width and height")
        if 0 < len(box.get("keypoints") or ()) < 9:
            raise ValueError(f"the box {box.get('id')!r} has keypoints, but not a nose and two eyes")


def _videos(root: Path, _split: str, _labels: Path | None) -> Clips:
    """Read `manifest.csv`: `file`, and either `prohibited` ("12-40.5;60-75", in seconds) or `tags`.

    A clip with a tag "prohibited:..." shows a prohibited place from beginning to end.
    """
    try:
        with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        clips = [Clip(root / row["file"], _spans(row)) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:  # None ends a short row
        raise DataError(f"{root.name}/manifest.csv lists no clips: {error!r}", path=root.name) from error
    if not clips:
        raise DataError(f"{root.name}/manifest.csv lists no clips", path=root.name)
    return Clips(root.resolve().name, tuple(sorted(clips, key=lambda clip: clip.path.name)))


def _spans(row: Mapping[str, str]) -> tuple[tuple[float, float], ...]:
    if "prohibited" in row:
        pairs = [part.split("-") for part in row["prohibited"].split(";") if part.strip()]
        spans = tuple((float(start), float(end)) for start, end in pairs)
        if any(not 0 <= start < end for start, end in spans):
            raise ValueError(f"spans must be start-end in seconds, got {row['prohibited']!r}")
        return spans
    return ((0.0, float("inf")),) if "prohibited:" in row["tags"] else ()


_READERS: dict[str, Reader] = {
    "corpus": _corpus,
    "manifest": _manifest,
    "ade20k": _ade20k,
    "rendered": _rendered,
    **{kind: _folders(kind) for kind in ("places365", "mit67", "sun397", "imagefolder")},
    "coco": _coco,
    "videos": _videos,
}


def _digest(facts: Sequence[str], files: Iterable[Path]) -> str:
    digest = hashlib.sha256("\n".join(facts).encode("utf-8", "surrogateescape"))
    for path in files:
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except OSError:
            digest.update(b"missing")
    return digest.hexdigest()
