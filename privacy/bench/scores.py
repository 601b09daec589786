"""Asking models about photos: every answer kept, every failure named."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from privacy.bench import protocol
from privacy.bench.datasets import Scenes
from privacy.bench.models import Entrant, Image
from privacy.errors import EvidenceError
from privacy.evidence import Evidence
from privacy.measures import Bools, Floats
from privacy.training.data import DataError, load
from privacy.zones import Zone

Change = Callable[[Image, str], Image]
"""From a picture and the name of its item to what the models see instead."""
LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be done.

    Attributes:
        item: Which picture or clip.
        error: What went wrong.
    """

    item: str
    error: str


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one model said of every photo of a set, in its order.

    Attributes:
        zones: `(N, Z)` float64, sums to 1. Where the model failed, the worst it could have said: permitted of a
            prohibited place, prohibited of a permitted one.
        failures: What it failed on.
        failed: `(N,)` bool.
    """

    zones: Floats
    failures: tuple[Failure, ...]
    failed: Bools

    def only(self, kept: Sequence[int]) -> "Answers":
        """Return what it said of these photos, in this order; failures stay with the whole."""
        return Answers(self.zones[kept], (), self.failed[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The answers of one model beside the truth: what metrics are computed from.

    Attributes:
        model: Name of the model.
        scenes: The photos.
        answers: What it said of them.
    """

    model: str
    scenes: Scenes
    answers: Answers
    p: Floats = field(init=False)
    shown: Bools = field(init=False)
    truth: NDArray[np.intp] = field(init=False)
    named: NDArray[np.intp] = field(init=False)
    right: Bools = field(init=False)
    large: Bools = field(init=False)

    def __post_init__(self) -> None:
        zones, photos = self.answers.zones, self.scenes.photos
        named = 1 + zones[:, 1:].argmax(1) if len(zones) else np.zeros(0, np.intp)
        shares = [photo.meaning.zones.get(Zone(int(n)), 0.0) for photo, n in zip(photos, named, strict=True)]
        values = {
            "p": np.clip(1 - zones[:, Zone.PERMITTED], 0, 1),
            "shown": self.scenes.shown,
            "truth": np.array([int(photo.meaning.zone) for photo in photos], np.intp),
            "named": named,
            "right": (np.array(shares) > protocol.RIGHT_FROM) & ~self.answers.failed,
            "large": self.scenes.large,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)


class Store:
    """Answers on disk, so that a run that was killed goes on where it stopped.

    They are found again only for the same pictures, the same model and the same protocol.

    Args:
        folder: Where they lie; None to keep none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str, items: Sequence[str]) -> Answers | None:
        """Return what was kept under `key`, or None if there is nothing that can be read."""
        if self._folder is None:
            return None
        with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile):
            with np.load(io.BytesIO(self._path(key).read_bytes()), allow_pickle=False) as kept:
                zones, failed, errors = kept["zones"], kept["failed"], kept["errors"]
            if zones.shape == (len(items), len(Zone)) and np.isfinite(zones).all() and failed.shape == (len(items),):
                where = np.flatnonzero(failed).tolist()
                failures = tuple(Failure(items[i], str(error)) for i, error in zip(where, errors, strict=True))
                return Answers(zones, failures, failed)
        return None

    def put(self, key: str, answers: Answers) -> None:
        """Keep answers; either all of them or nothing."""
        if self._folder is None:
            return
        buffer = io.BytesIO()
        errors = np.array([failure.error for failure in answers.failures], np.str_)
        np.savez(buffer, zones=answers.zones, failed=answers.failed, errors=errors)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._path(key).with_suffix(".part")
        part.write_bytes(buffer.getvalue())
        part.replace(self._path(key))

    def _path(self, key: str) -> Path:
        assert self._folder is not None  # noqa: S101 - told apart by the callers
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


def sort_out(scenes: Scenes) -> tuple[Scenes, list[Failure]]:
    """Return the photos that can be read, and name those that cannot: they are left out for all models alike."""
    kept, unread = [], []
    for index, (item, photo) in enumerate(zip(scenes.items, scenes.photos, strict=True)):
        try:
            load(photo, short_side=8)
            kept.append(index)
        except DataError as error:
            unread.append(Failure(item, str(error) if photo.path.is_file() else "there is no such file"))
    return scenes.only(kept), unread


def ask(
    scenes: Scenes,
    entrants: Sequence[Entrant],
    store: Store,
    *,
    key: str = "clean",
    change: Change | None = None,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> dict[str, Answers]:
    """Return the answers of every entrant, by name. Each picture is made once and shown to all.

    Args:
        scenes: Photos that can be read.
        entrants: Whom to ask.
        store: Where answers are kept.
        key: Name of `change`.
        change: What is done to each picture first.
        tell: Told how many photos of how many are done.
    """
    about = f"{protocol.VERSION} {scenes.digest} {key}"
    found = {entrant.name: store.get(f"{about} {entrant.name} {entrant.digest}", scenes.items) for entrant in entrants}
    asked = [entrant for entrant in entrants if found[entrant.name] is None]
    rows: dict[str, list[NDArray[np.float64]]] = {entrant.name: [] for entrant in asked}
    errors: dict[str, dict[int, str]] = {entrant.name: {} for entrant in asked}
    if asked:
        for index, (item, picture) in enumerate(pictures(scenes)):
            image = picture if change is None else change(picture, item)
            image.flags.writeable = False  # no model may change what the next one sees
            for entrant in asked:
                try:
                    zones = checked(entrant.look(image), entrant.name).astype(np.float64)
                except Exception as error:  # whatever it raises is a failure of this model on this picture
                    errors[entrant.name][index] = told(error)
                    zones = worst(shown=bool(scenes.shown[index]))
                rows[entrant.name].append(zones)
            tell(index + 1, len(scenes.photos))
    for entrant in asked:
        wrong = errors[entrant.name]
        failed = np.array([index in wrong for index in range(len(scenes.photos))], np.bool_)
        failures = tuple(Failure(scenes.items[index], error) for index, error in wrong.items())
        answers = Answers(np.array(rows[entrant.name]).reshape(-1, len(Zone)), failures, failed)
        store.put(f"{about} {entrant.name} {entrant.digest}", answers)
        found[entrant.name] = answers
    return {name: answers for name, answers in found.items() if answers is not None}


def pictures(scenes: Scenes) -> Iterator[tuple[str, Image]]:
    """Yield every photo, with its name, as models see it."""
    for item, photo in zip(scenes.items, scenes.photos, strict=True):
        yield item, load(photo, short_side=protocol.SHORT_SIDE)


def checked(seen: object, model: str) -> NDArray[np.float32]:
    """Return the zones of evidence, and of nothing else.

    Raises:
        EvidenceError: The model gave something else.
    """
    if not isinstance(seen, Evidence):
        raise EvidenceError(f"{model} gave {type(seen).__name__} instead of evidence", model=model)
    return seen.zones


def worst(*, shown: bool) -> NDArray[np.float64]:
    """Return the worst that could have been said of a picture."""
    zones = np.zeros(len(Zone))
    zones[Zone.PERMITTED if shown else Zone.WASHROOM] = 1
    return zones


def told(error: Exception) -> str:
    """Return what went wrong, on one short line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 3] + "..."
