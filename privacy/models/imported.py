"""The user's own catalogue: models that `privacy models import` has registered on this machine."""

import fcntl
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privacy.errors import ModelIntegrityError, ModelNotFoundError
from privacy.models.card import ModelCard

FOLDER = "imported"
"""Where the weights lie, under the store; apart from fetched ones, so that no file name can take another's place."""
MAX_BYTES = 4 << 20
"""Largest catalogue that is read."""
_TEXTS = ("name", "task", "family", "file", "sha256", "license", "source")


def catalogue_file(store: Path) -> Path:
    """Return where the user's catalogue lies."""
    return store / "imported.toml"


def cards(store: Path) -> tuple[ModelCard, ...]:
    """Return the cards of the user's catalogue, in order of import.

    Raises:
        ModelIntegrityError: It is not what this module writes.
    """
    path = catalogue_file(store)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ModelIntegrityError(f"{path} has more than {MAX_BYTES} bytes", file=str(path))
        entries = tomllib.loads(text.decode("utf-8"))["model"]
        found = tuple(
            ModelCard(**{key: entry[key] for key in _TEXTS}, imported=True, labels=dict(entry.get("labels", {})))
            for entry in entries
        )
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # TOML and UTF-8 errors are ValueErrors.
        raise ModelIntegrityError(f"{path} is no catalogue of models: {error}", file=str(path)) from error
    if len({card.name for card in found}) < len(found):
        raise ModelIntegrityError(f"{path} names a model twice", file=str(path))
    return found


def write(store: Path, wanted: tuple[ModelCard, ...]) -> None:
    """Replace the user's catalogue in one step. The caller holds the lock.

    Raises:
        ModelNotFoundError: It cannot be written.
    """
    text = "# Written by `privacy models import` and `privacy models remove`.\n" + "".join(map(_entry, wanted))
    try:
        with tempfile.TemporaryDirectory(dir=store, prefix=".incoming-") as folder:
            part = Path(folder) / "imported.toml"
            part.write_text(text, "utf-8")
            part.replace(catalogue_file(store))
    except OSError as error:
        raise ModelNotFoundError(f"{catalogue_file(store)} cannot be written: {error}", file=str(store)) from error


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Let one process at a time change the user's catalogue.

    Raises:
        ModelNotFoundError: The store cannot be written.
    """
    try:
        (store / FOLDER).mkdir(parents=True, exist_ok=True)
        handle = os.open(store / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ModelNotFoundError(f"no model can be kept in {store}: {error}", store=str(store)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # and with it the lock


def _entry(card: ModelCard) -> str:
    lines = ["", "[[model]]", *(f"{key} = {_quoted(str(getattr(card, key)))}" for key in _TEXTS)]
    if card.labels:
        lines += ["[model.labels]", *(f"{_quoted(key)} = {_quoted(str(zone))}" for key, zone in card.labels.items())]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a TOML basic string: JSON's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
