"""Every model by name: what it is, where its weights lie, and that they are the right ones."""

import hashlib
import os
import shutil
import tempfile
import tomllib
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import BinaryIO

from privacy.errors import ModelIntegrityError, ModelNotFoundError
from privacy.models.classifier import ZoneClassifier
from privacy.models.onnx import OnnxZoneClassifier

DEFAULT = "zones-lite0-probe"
MAX_BYTES = 512 * 1024 * 1024
"""Largest weights file that is read, checked before it is."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One entry of the catalogue.

    Attributes:
        name: How users ask for it.
        task: "zones", "detection" or "faces".
        file: Name of its weights file.
        sha256: Digest of that file, in hexadecimal.
        license: Under which terms the weights come.
        source: Where the long model card or the original repository is.
        url: Where `pull` fetches it; empty for models that ship.
        shipped: True if the weights are part of this package.
    """

    name: str
    task: str
    file: str
    sha256: str
    license: str
    source: str
    url: str = ""
    shipped: bool


@cache
def cards() -> tuple[ModelCard, ...]:
    """Return every card, in the order of the catalogue file."""
    text = (resources.files("privacy.models") / "catalogue.toml").read_text("utf-8")
    return tuple(ModelCard(**entry) for entry in tomllib.loads(text)["model"])


def card(name: str) -> ModelCard:
    """Return the card of this name.

    Raises:
        ModelNotFoundError: The catalogue has none.
    """
    for entry in cards():
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in cards())
    raise ModelNotFoundError(f"no model {name!r}; known: {known}", model=name)


def store() -> Path:
    """Return the folder of fetched weights: `PRIVACY_MODELS`, else the user's data folder (XDG)."""
    if folder := os.environ.get("PRIVACY_MODELS"):
        return Path(folder)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "privacy" / "models"


def path_of(entry: ModelCard) -> Path:
    """Return where the weights of this card lie, or would lie once fetched."""
    if entry.shipped:
        return Path(str(resources.files("privacy.models") / "weights" / entry.file))
    return store() / entry.file


def read(entry: ModelCard) -> bytes:
    """Return the weights, verified: what was hashed is what is returned, so that nothing can change in between.

    Raises:
        ModelNotFoundError: The file is not on this machine.
        ModelIntegrityError: It is too large, or its sha256 is not the card's.
    """
    path = path_of(entry)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = "reinstall the package" if entry.shipped else f"run: privacy models pull {entry.name}"
        raise ModelNotFoundError(f"the weights of {entry.name} are not at {path}; {hint}", model=entry.name) from error
    _verify(entry, hashlib.sha256(data).hexdigest(), len(data))
    return data


def load(name: str = DEFAULT, *, threads: int = 1) -> ZoneClassifier:
    """Load a zone classifier by name.

    Args:
        name: Of a card whose task is "zones".
        threads: CPU threads that one inference may use.

    Raises:
        ModelNotFoundError: No such model, no weights, or it is no zone classifier.
        ModelIntegrityError: The weights are not the catalogue's.
    """
    entry = card(name)
    if entry.task != "zones":
        raise ModelNotFoundError(f"{name} is a {entry.task} model, not a zone classifier", model=name)
    return OnnxZoneClassifier(read(entry), name=name, threads=threads)


def pull(entry: ModelCard, *, progress: Callable[[int], None] = lambda _: None) -> Path:
    """Fetch the weights of a third-party model from its pinned address.

    Raises:
        ModelNotFoundError: It ships with the package, or its address does not answer.
        ModelIntegrityError: What came is not what the catalogue names; nothing is kept.
    """
    if not entry.url.startswith("https://"):
        raise ModelNotFoundError(f"{entry.name} has no address to fetch from", model=entry.name)
    try:
        with closing(urllib.request.urlopen(entry.url, timeout=60)) as answer:  # noqa: S310 - https is checked above
            return _keep(entry, answer, progress)
    except OSError as error:
        raise ModelNotFoundError(f"{entry.name} cannot be fetched: {error}", model=entry.name) from error


def add(entry: ModelCard, folder: Path) -> Path:
    """Take the weights of a third-party model from a folder (searched to any depth) or a file.

    Raises:
        ModelNotFoundError: No file of the right name is there.
        ModelIntegrityError: None of them is what the catalogue names.
    """
    found = [folder] if folder.is_file() else sorted(folder.rglob(entry.file))
    if not found:
        raise ModelNotFoundError(f"no {entry.file} under {folder}", model=entry.name, file=entry.file)
    with found[0].open("rb") as file:
        return _keep(entry, file, lambda _: None)


def _keep(entry: ModelCard, stream: BinaryIO, progress: Callable[[int], None]) -> Path:
    """Copy to the store under the final name only when the digest is right, so that no half file is ever seen."""
    target = store() / entry.file
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".incoming-", delete=False) as part:
        try:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > MAX_BYTES:
                    break
                digest.update(chunk)
                part.write(chunk)
                progress(len(chunk))
            part.flush()
            _verify(entry, digest.hexdigest(), size)
        except BaseException:
            Path(part.name).unlink()
            raise
    shutil.move(part.name, target)
    return target


def _verify(entry: ModelCard, digest: str, size: int) -> None:
    if size > MAX_BYTES:
        raise ModelIntegrityError(f"{entry.file} has more than {MAX_BYTES} bytes", model=entry.name, limit=MAX_BYTES)
    if digest != entry.sha256:
        raise ModelIntegrityError(
            f"{entry.file} has sha256 {digest}, the catalogue says {entry.sha256}", model=entry.name, sha256=digest
        )
