"""Every model by name: what it is, where its weights lie, and that they are the right ones."""

import hashlib
import io
import json
import os
import tempfile
import tomllib
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from http.client import HTTPException
from importlib import resources
from pathlib import Path
from typing import BinaryIO

from privacy import policy
from privacy.errors import InputError, ModelIntegrityError, ModelNotFoundError
from privacy.models import imported
from privacy.models.card import Family, ModelCard
from privacy.models.classifier import ZoneClassifier
from privacy.models.detector import Detector
from privacy.models.head import Head, Signature
from privacy.models.onnx import OnnxZoneClassifier, open_session, signature_of
from privacy.models.onnx_detector import OnnxDetector
from privacy.models.picodet import PicoDet
from privacy.models.yolo import Yolo
from privacy.models.yolo_classifier import YoloZoneClassifier
from privacy.models.yolox import YoloX
from privacy.models.yunet import YuNet
from privacy.policy import Calibration, Policy

DEFAULT = "zones-lite0"
"""For streams, which look again and again."""
DEFAULT_FOR_STILLS = "zones-wide"
"""For single pictures, which are one chance each: more right, and slower."""
MAX_BYTES = 512 * 1024 * 1024
"""Largest weights file that is read, checked before it is."""
HEADS: dict[Family, Callable[[Signature], Head]] = {
    Family.PICODET: PicoDet,
    Family.YOLOX: YoloX,
    Family.YUNET: YuNet,
    Family.YOLO: Yolo,
}
_CHUNK = 1 << 20
_TASKS = {"detect": "detection", "classify": "zones"}
"""What Ultralytics calls a task, and what we do."""


@cache
def _published() -> tuple[ModelCard, ...]:
    text = (resources.files("privacy.models") / "catalogue.toml").read_text("utf-8")
    return tuple(ModelCard(**entry) for entry in tomllib.loads(text)["model"])


def cards() -> tuple[ModelCard, ...]:
    """Return every card: those of the catalogue file, then the user's own.

    Raises:
        ModelIntegrityError: The user's catalogue cannot be read, or names a model that ours names as well.
    """
    ours, own = _published(), imported.cards(store())
    if shadows := {card.name for card in ours} & {card.name for card in own}:
        name = min(shadows)
        raise ModelIntegrityError(
            f"{imported.catalogue_file(store())} names {name}, which is ours; run: privacy models remove {name}",
            model=name,
        )
    return ours + own


def card(name: str) -> ModelCard:
    """Return the card of this name. The user's catalogue is read only for what ours does not name.

    Raises:
        ModelNotFoundError: There is none.
        ModelIntegrityError: The user's catalogue cannot be read.
    """
    for find in (_published, cards):
        for entry in find():
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
    return store() / imported.FOLDER / entry.file if entry.imported else store() / entry.file


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
        if entry.imported:
            hint = f"run: privacy models remove {entry.name}, and import it again"
        else:
            hint = "reinstall the package" if entry.shipped else f"run: privacy models pull {entry.name}"
        raise ModelNotFoundError(f"{entry.file} of {entry.name} is not at {path}; {hint}", model=entry.name) from error
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
    match entry.family:
        case Family.ZONES:
            return OnnxZoneClassifier(read(entry), name=name, threads=threads)
        case Family.YOLO_CLASSIFIER:
            return YoloZoneClassifier(read(entry), entry.labels, name=name, threads=threads)
    raise ModelNotFoundError(f"{name} is a {entry.task} model, not a zone classifier", model=name)


def calibration(name: str) -> tuple[Calibration, ...]:
    """Return the thresholds that were measured of a zone model, verified like its weights; none if none were.

    Raises:
        ModelNotFoundError: No such model, or its thresholds are not on this machine.
        ModelIntegrityError: They are not the catalogue's, or no thresholds.
    """
    entry = card(name)
    if not entry.thresholds:
        return ()
    data = read(replace(entry, file=entry.thresholds, sha256=entry.thresholds_sha256))
    try:
        return tuple(
            Calibration(
                miss=float(row["miss_target"]),
                false_alarm=float(row["false_alarm_target"]),
                clear_below=float(row["clear_below"]),
                prohibited_above=float(row["prohibited_above"]),
                miss_bounds={str(zone): float(bound) for zone, bound in row.get("miss_bounds", {}).items()},
            )
            for row in json.loads(data)
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelIntegrityError(f"{entry.thresholds} holds no thresholds: {error}", model=name) from error


def calibrated(rules: Policy, name: str = DEFAULT) -> Policy:
    """Return a policy with the thresholds by which the model of this name meets its targets; see `policy.calibrated`.

    Raises:
        PolicyError: The model meets no targets as strict as these.
        ModelNotFoundError: No such model, or its thresholds are not on this machine.
        ModelIntegrityError: Its thresholds are not the catalogue's.
    """
    return policy.calibrated(rules, calibration(name), model=name)


def load_policy(pack: str | Path = policy.DEFAULT, model: str = DEFAULT) -> Policy:
    """Read a policy pack for one model of the catalogue; see `policy.load` and `calibrated`.

    Raises:
        PolicyError: The pack is none, or asks for more than the model meets.
        ModelNotFoundError: No such model, or its thresholds are not on this machine.
        ModelIntegrityError: Its thresholds are not the catalogue's.
    """
    return calibrated(policy.load(pack), model)


def load_detector(
    name: str, *, threads: int = 1, min_score: float | None = None, longest_side: int | None = None
) -> Detector:
    """Load a detector by name.

    Args:
        name: Of a card whose task is "detection" or "faces".
        threads: CPU threads that one inference may use.
        min_score: Score from which a detection counts; None for what suits the family.
        longest_side: Of the pictures that a face detector sees, in pixels: more finds smaller faces and takes longer.
            None for its usual one.

    Raises:
        InputError: `longest_side` is given for a model that sees one size only.
        ModelNotFoundError: No such model, no weights, or it is no detector.
        ModelIntegrityError: The weights are not the catalogue's.
    """
    entry = card(name)
    if entry.family not in HEADS:
        raise ModelNotFoundError(f"{name} is a {entry.task} model, not a detector", model=name)
    head = HEADS[entry.family]
    if longest_side is not None:
        if entry.family is not Family.YUNET:
            raise InputError(f"{name} sees pictures of one size only", model=name)
        head = partial(YuNet, longest_side=longest_side)
    return OnnxDetector(read(entry), head, name=name, threads=threads, min_score=min_score)


def pull(
    entry: ModelCard,
    *,
    progress: Callable[[int], None] = lambda _: None,
    fetch: Callable[..., BinaryIO] = urllib.request.urlopen,
) -> Path:
    """Fetch the weights of a third-party model from its pinned address.

    Args:
        entry: Its card.
        progress: Told the size of each piece as it comes.
        fetch: Opens an address; called with it and a `timeout` in seconds.

    Raises:
        ModelNotFoundError: It has no address, the address does not answer, or the store is full.
        ModelIntegrityError: What came is not what the catalogue names; nothing is kept.
    """
    if not entry.url.startswith("https://"):
        raise ModelNotFoundError(f"{entry.name} has no address to fetch from", model=entry.name)
    try:
        with closing(fetch(entry.url, timeout=60)) as answer:
            return _keep(entry, answer, progress)
    except (OSError, HTTPException) as error:
        raise ModelNotFoundError(f"{entry.name} cannot be fetched: {error}", model=entry.name) from error


def add(entry: ModelCard, folder: Path) -> Path:
    """Take the weights of a third-party model from a folder (searched to any depth) or a file.

    Raises:
        ModelNotFoundError: No file of the right name is there, it cannot be read, or the store is full.
        ModelIntegrityError: None of them is what the catalogue names.
    """
    found = [folder] if folder.is_file() else sorted(path for path in folder.rglob(entry.file) if path.is_file())
    if not found:
        raise ModelNotFoundError(f"no {entry.file} under {folder}", model=entry.name, file=entry.file)
    *others, last = found
    for path in others:
        try:
            return _keep_file(entry, path)
        except ModelIntegrityError:
            continue  # the last one's error is raised
    return _keep_file(entry, last)


def import_onnx(
    data: bytes, name: str, *, source: str, task: str | None = None, labels: dict[str, object] | None = None
) -> ModelCard:
    """Register a model that Ultralytics has exported under a name of the user's.

    Args:
        data: The ONNX file.
        name: New; none of the catalogue's.
        source: Where it came from, for the card.
        task: "detect" or "classify", to refuse a model of another task; None for either.
        labels: Zone slug, or "permitted", of each class; needed for a classifier, and only for one.

    Raises:
        ModelIntegrityError: It is no detector or classifier that Ultralytics has exported, or the name cannot be one.
        InputError: The name is taken, or the label map is missing or does not fit.
        ModelNotFoundError: It cannot be kept.
    """
    signature = signature_of(open_session(data, name=name, threads=1), name=name)
    found = signature.metadata.get("task", "")
    if found not in _TASKS or task not in (None, found):
        raise signature.misfit(f"the task {task or 'detect or classify'} but {found or 'none'}")
    if (found == "classify") != (labels is not None):
        raise InputError(
            f"{name} is a classifier: it needs a label map" if labels is None else f"{name} detects: no label map",
            model=name,
        )
    entry = ModelCard(
        name=name,
        task=_TASKS[found],
        family=Family.YOLO if labels is None else Family.YOLO_CLASSIFIER,
        file=f"{name}.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        license=signature.metadata.get("license", "not stated"),
        source=source.encode("utf-8", "replace").decode(),  # the name of a file may be no text
        imported=True,
        labels=labels or {},
    )
    if labels is None:
        Yolo(signature)
    else:
        YoloZoneClassifier(data, labels, name=name)
    with imported.locked(store()):
        own = imported.cards(store())
        if name in {other.name for other in _published() + own}:
            raise InputError(f"there is a model {name} already", model=name)
        _keep(entry, io.BytesIO(data), lambda _: None)
        imported.write(store(), (*own, entry))
    return entry


def bounded(path: Path) -> bytes:
    """Return a file that is to be imported.

    Raises:
        InputError: It cannot be read, or is too large for a model.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}", file=str(path)) from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} has more than {MAX_BYTES} bytes", file=str(path))
    return data


def remove(name: str) -> None:
    """Forget an imported model, or delete the fetched weights of a third-party one.

    Raises:
        InputError: It ships with the package.
        ModelNotFoundError: There is none, or its weights are not here.
    """
    with imported.locked(store()):
        own = imported.cards(store())
        entry = next((other for other in own if other.name == name), None) or card(name)
        if entry.shipped:
            raise InputError(f"{name} is part of the package", model=name)
        if entry.imported:
            imported.write(store(), tuple(other for other in own if other is not entry))
        elif not path_of(entry).is_file():
            raise ModelNotFoundError(f"the weights of {name} are not here", model=name)
        path_of(entry).unlink(missing_ok=True)


def _keep_file(entry: ModelCard, path: Path) -> Path:
    try:
        with path.open("rb") as file:
            return _keep(entry, file, lambda _: None)
    except OSError as error:
        raise ModelNotFoundError(f"{path} cannot be read: {error}", model=entry.name, file=str(path)) from error


def _keep(entry: ModelCard, stream: BinaryIO, progress: Callable[[int], None]) -> Path:
    """Copy to the store under the final name only when the digest is right, so that no half file is ever seen."""
    target = path_of(entry)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".incoming-") as folder:
            part = Path(folder) / entry.file
            with part.open("xb") as out:
                digest, size = _copy(stream, out, progress)
            _verify(entry, digest, size)
            part.replace(target)
    except OSError as error:
        raise ModelNotFoundError(
            f"{entry.name} cannot be kept in {target.parent}: {error}", model=entry.name
        ) from error
    return target


def _copy(stream: BinaryIO, out: BinaryIO, progress: Callable[[int], None]) -> tuple[str, int]:
    """Copy until the end or the limit; return the digest and the size of what was read."""
    digest, size = hashlib.sha256(), 0
    while size <= MAX_BYTES and (chunk := stream.read(_CHUNK)):
        size += len(chunk)
        digest.update(chunk)
        out.write(chunk)
        progress(len(chunk))
    return digest.hexdigest(), size


def _verify(entry: ModelCard, digest: str, size: int) -> None:
    if size > MAX_BYTES:
        raise ModelIntegrityError(f"{entry.file} has more than {MAX_BYTES} bytes", model=entry.name, limit=MAX_BYTES)
    if digest != entry.sha256:
        raise ModelIntegrityError(
            f"{entry.file} has sha256 {digest}, the catalogue says {entry.sha256}", model=entry.name, sha256=digest
        )
