"""Ultralytics models in, ONNX files out. The only file that knows that library; it is imported when asked for.

Ultralytics is AGPL-3.0 and no part of this project. The extra `yolo` installs it, and whoever does accepts its terms,
for models trained with it as well. An exported file runs without it (`yolo.py`, `yolo_classifier.py`).
"""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from privacy.errors import InputError, ModelNotFoundError

EXTRA = "pip install 'privacy-zones[yolo]'"
_QUIET = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
"""No request to any server, no package installed behind the user's back, no banner on stdout."""


class UltralyticsAdapter:
    """Turns `.pt` files into ONNX.

    Args:
        trust: That the files do no harm. A `.pt` is a pickle: to load it is to run whatever code its author, or whoever
            had it in hand since, has put in. There is no safe way to look first.

    Raises:
        InputError: Trust was not given.
        ModelNotFoundError: Ultralytics is not installed.
    """

    def __init__(self, *, trust: bool) -> None:
        if not trust:
            raise InputError(
                "a .pt file can run any code when it is loaded: only import one whose origin you trust, and say so with"
                " --trust; or export it to ONNX in a sandbox and import the .onnx file, which runs nothing"
            )
        with kept_quiet():
            try:
                from ultralytics import YOLO  # noqa: PLC0415 - optional, and importing it has effects
            except ImportError as error:
                raise ModelNotFoundError(
                    f"a .pt file needs Ultralytics, which is AGPL-3.0: {EXTRA} installs it and brings its terms; an"
                    " .onnx file that it has exported elsewhere can be imported without",
                    extra="yolo",
                ) from error
            self._load = YOLO

    def export(self, path: Path, *, task: str | None = None, size: int | None = None) -> bytes:
        """Return the model as ONNX that sees one picture of fixed size a run.

        A free batch would make height and width free as well, and what depends on them could not be folded.

        Args:
            path: The `.pt` file.
            task: "detect" or "classify"; None to take the file's word.
            size: Side of the square it shall see, in pixels; None for the one it was trained at.

        Raises:
            InputError: It is no Ultralytics model, one of another task, or cannot be exported.
        """
        with kept_quiet(), tempfile.TemporaryDirectory(prefix="privacy-import-") as folder:
            copy = Path(folder) / "model.pt"  # the export is written beside the model
            try:
                copy.write_bytes(path.read_bytes())
                model = self._load(str(copy))
                found = str(model.task)
                if task in (None, found):
                    side = {} if size is None else {"imgsz": size}
                    return Path(model.export(format="onnx", simplify=False, device="cpu", **side)).read_bytes()
            except Exception as error:  # a pickle may raise anything
                raise InputError(f"{path.name} cannot be exported: {error}", file=path.name) from error
            raise InputError(f"{path.name} is a model for {found}, not {task}", task=found)


@contextmanager
def kept_quiet() -> Iterator[None]:
    """Keep Ultralytics off the network, off stdout, and out of the user's settings."""
    with tempfile.TemporaryDirectory(prefix="privacy-yolo-") as settings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = _QUIET | {"YOLO_CONFIG_DIR": settings}
        before: Mapping[str, str | None] = {key: os.environ.get(key) for key in wanted}
        os.environ.update(wanted)
        logger = logging.getLogger("ultralytics")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
            for key, value in before.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value
