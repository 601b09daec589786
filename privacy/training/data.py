"""Photos of known places: reading them, naming them in our words, keeping sources apart, drawing them evenly."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError
from privacy.zones import Zone

DATASETS = Path(__file__).resolve().parents[2] / "datasets"
"""Where the label maps lie, one folder per set."""
TRAINED_ZONES = tuple(zone for zone in Zone if zone is not Zone.OTHER_PRIVATE)
"""Zones that any data exists for; "other private" has none yet."""
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


class DataError(InputError):
    """A data set is not what its card says: a missing file, an unreadable picture, a label nobody mapped."""

    reason = "INVALID_DATA"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label of some data set means to us.

    Attributes:
        zones: Share of each zone, sums to 1; more than one where people disagree.
        place: Kind of place, or "" where it teaches us none.
    """

    zones: Mapping[Zone, float]
    place: str

    def __post_init__(self) -> None:
        shares = self.zones.values()
        if not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
            raise DataError(
                f"zone shares must be in [0, 1] and sum to 1, got {dict(self.zones)}", total=sum(self.zones.values())
            )

    @property
    def zone(self) -> Zone:
        """The zone with the largest share."""
        return max(self.zones, key=lambda zone: self.zones[zone])


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Every label of one data set, and what it means.

    Attributes:
        meanings: By label.
        default: Meaning of labels that are not listed: "permitted" (a permitted place of that name) or "refuse".
        redistributable: Whether the pictures of the set may be shown to others.
    """

    meanings: Mapping[str, Meaning]
    default: str = "refuse"
    redistributable: bool = False

    def __getitem__(self, label: str) -> Meaning:
        """Return the meaning of `label`.

        Raises:
            DataError: The map says nothing about it.
        """
        known = self.meanings.get(label)
        if known is not None:
            return known
        if self.knows(label):
            return Meaning({Zone.PERMITTED: 1.0}, label.removeprefix("permitted:"))
        raise DataError(f"the label map says nothing about {label!r}", label=label)

    def all_of(self, labels: Sequence[str]) -> list[Meaning]:
        """Return the meaning of each label.

        Raises:
            DataError: The map says nothing about some; the message names them all, and how many pictures have them.
        """
        unknown = Counter(label for label in labels if not self.knows(label))
        if unknown:
            named = ", ".join(f"{label!r} ({count})" for label, count in sorted(unknown.items()))
            raise DataError(f"the label map says nothing about {named}", label=min(unknown))
        return [self[label] for label in labels]

    def knows(self, label: str) -> bool:
        """Return whether the map says what `label` means."""
        return label in self.meanings or self.default == "permitted" or label.startswith("permitted:")


def read_labels(path: Path) -> LabelMap:
    """Read a label map: TOML, one table per label with `zones` and `place`.

    Optional at the top: `default`, and `redistributable = true` for a set whose pictures may be shown to others.

    Raises:
        DataError: There is no such file, it names a zone that does not exist, or a label has no table.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # UTF-8 and TOML errors and long numbers are ValueErrors
        raise DataError(f"cannot read label map {path.name}: {error}", path=path.name) from error
    default = str(tables.pop("default", "refuse"))
    redistributable = tables.pop("redistributable", False) is True
    try:
        meanings = {
            label: Meaning({Zone.of(slug): float(share) for slug, share in table["zones"].items()}, table["place"])
            for label, table in tables.items()
        }
    except KeyError as error:
        raise DataError(f"label map {path.name}: no zone or key {error}", path=path.name) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f'label map {path.name}: want for each label [label], zones = {{ washroom = 1.0 }}, place = "..."',
            path=path.name,
        ) from error
    return LabelMap(meanings, default, redistributable)


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture on disk, and what it shows.

    Attributes:
        path: File.
        label: Name in its own data set.
        meaning: The same in our words.
        source: Who made it; two photos of one source share a style.
        group: Finer than source where a source has several sites.
        split: "train" or "test".
    """

    path: Path
    label: str
    meaning: Meaning
    source: str
    group: str = ""
    split: str = "train"


def read_corpus(root: Path, labels: Path = DATASETS / "corpus" / "labels.toml") -> list[Photo]:
    """Read the corpus: `root/scenes/manifest.csv`, in its order.

    Raises:
        DataError: The manifest is missing, or has a label that nobody mapped.
    """
    if not (root / "scenes" / "manifest.csv").is_file():
        raise DataError(f"no corpus at {root.name}: scenes/manifest.csv cannot be read", path=root.name)
    return read_manifest(root / "scenes", labels)


def read_manifest(root: Path, labels: Path) -> list[Photo]:
    """Read the photos that `root/manifest.csv` lists, in its order.

    Its columns: `file` (below `root`), `zone_label`, `source`, `split`, and, if it is there, `group`.

    Raises:
        DataError: The manifest is missing or lacks a column, or has a label that nobody mapped.
    """
    meanings = read_labels(labels)
    try:
        with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{root.name}/manifest.csv cannot be read: {error}", path=root.name) from error
    if not rows or not {"file", "zone_label", "source", "split"} <= set(rows[0]):
        raise DataError(f"{root.name}/manifest.csv needs rows of file, zone_label, source and split", path=root.name)
    _whole(rows, root)
    return [
        Photo(
            path=root / row["file"],
            label=row["zone_label"],
            meaning=meaning,
            source=row["source"],
            group=row.get("group") or "",
            split=row["split"],
        )
        for row, meaning in zip(rows, meanings.all_of([row["zone_label"] for row in rows]), strict=True)
    ]


def _whole(rows: Sequence[Mapping[str, str | None]], root: Path) -> None:
    """Raise `DataError` if a row of a manifest has fewer fields than its head."""
    if short := next((row for row in rows if None in row.values()), None):
        raise DataError(f"{root.name}/manifest.csv: the row of {short.get('file')} has too few fields", path=root.name)


def read_folders(root: Path, labels: Path, *, source: str, split: str = "train") -> list[Photo]:
    """Read a set that keeps one folder per class, nested or not: Places365, MIT Indoor 67, SUN397, ImageFolder.

    The label of a picture is its folder's path below `root`, with "/" between parts and without the single-letter
    folder that Places365 and SUN397 put first ("b/bathroom" is "bathroom").

    Raises:
        DataError: No picture is found, or some that lie in no folder; a label is not in the map and the map has no
            default, or the default would make permitted what reads like a label of the map: another folder was meant.
    """
    meanings = read_labels(labels)
    paths = sorted(file for file in root.rglob("*") if file.suffix.lower() in PICTURES)
    if not paths:
        raise DataError(f"no pictures below {root.name}", path=root.name)
    parts = [path.parent.relative_to(root).parts for path in paths]
    names = ["/".join(part[1:] if len(part) > 1 and len(part[0]) == 1 else part) for part in parts]
    if stray := names.count(""):
        raise DataError(f"{stray} pictures lie in no folder below {root.name}, which would say what they show")
    _no_near_misses(meanings, set(names), root)
    return [
        Photo(path, label, meaning, source, source, split)
        for path, label, meaning in zip(paths, names, meanings.all_of(names), strict=True)
    ]


def _no_near_misses(map_: LabelMap, names: Iterable[str], root: Path) -> None:
    """Raise `DataError` for "train/bathroom" (`root` is too high) and "jacuzzi-indoor" (a copy with other names)."""
    listed = {label.lower(): label for label in map_.meanings}
    for name in sorted(names):
        plain = name.lower().replace("-", "/").split("/")
        meant = next((end for at in range(len(plain)) if (end := "/".join(plain[at:])) in listed), None)
        if meant is not None and name not in map_.meanings and map_.default == "permitted":
            raise DataError(
                f"{root.name} has a folder {name!r}, which would be a permitted place by default, but reads like "
                f"{listed[meant]!r}: name the folder that holds the classes, and call them as the label map does",
                label=name,
            )


def read_ade20k(root: Path, labels: Path, *, split: str = "training") -> list[Photo]:
    """Read ADE20K (SceneParsing release) by its `sceneCategories.txt`: one `<picture> <scene>` a line.

    Args:
        root: Folder of the SceneParsing release.
        labels: Label map.
        split: "training", or "validation", which is our test.

    Raises:
        DataError: The list is missing, or names a scene that nobody mapped.
    """
    meanings = read_labels(labels)
    try:
        lines = (root / "sceneCategories.txt").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"no sceneCategories.txt below {root.name} that can be read", path=root.name) from error
    prefix, part = ("ADE_train_", "train") if split == "training" else ("ADE_val_", "test")
    pairs = [line.split() for line in lines if line.startswith(prefix)]
    if wrong := next((pair for pair in pairs if len(pair) != 2), None):
        raise DataError(f"sceneCategories.txt below {root.name}: want a picture and a scene, got {wrong}")
    return [
        Photo(root / "images" / split / f"{name}.jpg", scene, meaning, "ade20k", "ade20k", part)
        for (name, scene), meaning in zip(pairs, meanings.all_of([scene for _, scene in pairs]), strict=True)
    ]


def read_rendered(
    root: Path,
    labels: Path = DATASETS / "rendered" / "labels.toml",
    *,
    split: str = "train",
    full_view: float = 0.25,
) -> list[Photo]:
    """Read rendered rooms (`datasets/rendered`) by their manifest, in its order.

    A permitted place that shows a private one through a door is as private as the share of the picture that shows it,
    and wholly so from `full_view` on.

    Args:
        root: Folder with `manifest.csv`.
        labels: Label map.
        split: "train", or "test": rooms of other seeds, made of fixtures that no train room has.
        full_view: Share of the picture, in (0, 1].

    Raises:
        DataError: The manifest is missing, or has a place that nobody mapped.
    """
    meanings = read_labels(labels)
    try:
        with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"no renders at {root.name}: manifest.csv cannot be read", path=root.name) from error
    except KeyError as error:
        raise DataError(f"{root.name}/manifest.csv has no column {error}", path=root.name) from error
    _whole(rows, root)
    return [
        Photo(
            path=root / row["file"],
            label=row["place"],
            meaning=_through_a_door(meanings[row["place"]], float(row["region_share"]) / full_view)
            if row["region"]
            else meanings[row["place"]],
            source="rendered",
            group=f"rendered:{row['room']}",
            split=split,
        )
        for row in rows
    ]


def _through_a_door(meaning: Meaning, share: float) -> Meaning:
    seen = min(1.0, share)
    return Meaning({Zone.PERMITTED: 1 - seen, Zone.WASHROOM: seen}, meaning.place)


def load(photo: Photo, *, short_side: int = 256) -> NDArray[np.uint8]:
    """Decode a photo to `(H, W, 3)` uint8 RGB, its short side at most `short_side` pixels.

    Raises:
        DataError: The file is missing or no picture.
    """
    picture = cv2.imread(str(photo.path), cv2.IMREAD_COLOR)
    if picture is None:
        raise DataError(f"cannot decode {photo.path.name}", path=photo.path.name)
    scale = short_side / min(picture.shape[:2])
    if scale < 1:
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


NO_PLACE = "no_place"
"""What a covered, broken or unplugged camera shows, where a model has a name for it."""


def unsure(zones: int) -> NDArray[np.float32]:
    """`(Z,)` what is said of a picture of no place: half "permitted", the other half spread evenly over the rest."""
    return np.array([0.5] + [0.5 / (zones - 1)] * (zones - 1), np.float32)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names of the outputs, in order.

    Attributes:
        zones: The first is `Zone.PERMITTED`.
        places: Kinds of place, private ones first, each group by name.
        private: How many of `places` are private.
    """

    zones: tuple[Zone, ...]
    places: tuple[str, ...]
    private: int

    @classmethod
    def of(cls, photos: Iterable[Photo], *, at_least: int = 8, no_place: bool = False) -> Vocabulary:
        """Every zone we have data for, every place that `at_least` photos show, and last, if asked for, `NO_PLACE`."""
        counts = Counter((photo.meaning.zone is Zone.PERMITTED, photo.meaning.place) for photo in photos)
        named = sorted(key for key, count in counts.items() if count >= at_least and key[1])
        places = (*(place for _, place in named), *([NO_PLACE] if no_place else []))
        return cls(TRAINED_ZONES, places, sum(not permitted for permitted, _ in named))

    @property
    def no_place(self) -> int | None:
        """Index of `NO_PLACE`, if it is one of the places."""
        return self.places.index(NO_PLACE) if NO_PLACE in self.places else None

    def zone_target(self, meaning: Meaning) -> NDArray[np.float32]:
        """`(Z,)` float32 shares that sum to 1."""
        return np.array([meaning.zones.get(zone, 0.0) for zone in self.zones], np.float32)

    def place_index(self, meaning: Meaning) -> int:
        """Index of the place, or -1 where the vocabulary does not have it."""
        return self.places.index(meaning.place) if meaning.place in self.places else -1


EMPTY_PLACES = frozenset(
    {
        "corridor",
        "dining_room",
        "entrance_hall",
        "hospital_room",
        "kitchen_home",
        "laundromat",
        "living_room",
        "lobby",
        "office",
        "staircase",
    }
)
"""Permitted rooms that are often empty: drawn more often, so that "nobody there" is no sign of a private place."""
SHOP_PLACES = frozenset({"clothing_store", "bookstore", "supermarket", "conference_room", "classroom", "shed"})
"""Permitted rooms with shelves, rails or benches: easily taken for changing rooms and dormitories."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How often each label is drawn, as shares of all draws; what is left goes to the permitted places.

    Attributes:
        shares: By label of the corpus.
        empty: Weight of a photo of an empty permitted room against one of another permitted place.
        shop: Weight of a photo of a shop-like room.
        rare_source: Weight of a photo whose source has fewer than 100 photos.
    """

    shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "washroom": 0.055,
            "bathroom_home": 0.115,
            "bathhouse": 0.05,
            "changing_room": 0.055,
            "dormitory": 0.05,
            "guest_room": 0.055,
            "bedroom_home": 0.10,
        }
    )
    empty: float = 2.0
    shop: float = 1.5
    rare_source: float = 4.0


def draw_probabilities(photos: Sequence[Photo], balance: Balance) -> NDArray[np.float64]:
    """Probability of drawing each photo, so that zones, then places, then sources are even enough.

    Within a permitted place the draw is by the square root of its size: a place with 450 photos is drawn about three
    times as often as one with 60, not seven times.

    Returns:
        `(N,)` float64, sums to 1.
    """
    labels = Counter(photo.label for photo in photos)
    sources = Counter(photo.source for photo in photos)
    weights = np.zeros(len(photos))
    for index, photo in enumerate(photos):
        weight = balance.rare_source if sources[photo.source] < 100 else 1.0
        if photo.label not in balance.shares:
            weight /= labels[photo.label] ** 0.5
            place = photo.meaning.place
            weight *= balance.empty if place in EMPTY_PLACES else balance.shop if place in SHOP_PLACES else 1.0
        weights[index] = weight
    names = np.array([photo.label if photo.label in balance.shares else "" for photo in photos])
    present = {name: balance.shares[name] for name in balance.shares if (names == name).any()}
    for name, share in {**present, "": 1 - sum(present.values())}.items():
        chosen = names == name
        if chosen.any():
            weights[chosen] *= share / weights[chosen].sum()
    return np.asarray(weights / weights.sum(), np.float64)


def held_out(photos: Sequence[Photo], *, every: int = 7) -> NDArray[np.bool_]:
    """Mark the photos of the choosing fold: whole sources that training does not see, and a sample of the large sets.

    Held out are `kaggle_house_rooms` (the only large source of its own style), about half of the small hotels, hostels
    and spas by group, and every `every`-th photo of the Places-like sets, which stand for permitted places at large.

    Returns:
        `(N,)` bool.
    """
    whole = {"kaggle_house_rooms", "fairyknowe_hostel", "shubham_hostel", "ishii_kadan"}
    large = {"miniplaces_rathull", "places365_silviubr24"}
    marks = np.zeros(len(photos), np.bool_)
    seen = 0
    for index, photo in enumerate(photos):
        if photo.source in large:
            seen += 1
            marks[index] = seen % every == 0
        elif photo.source == "rakuten_hotels":
            marks[index] = int(photo.group.rpartition(":")[2] or 0) % 4 == 1
        else:
            marks[index] = photo.source in whole
    return marks
