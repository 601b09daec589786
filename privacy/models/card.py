"""What the catalogue knows of one model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from privacy.errors import ModelIntegrityError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Family(StrEnum):
    """How a weights file is fed and read."""

    ZONES = "zones"
    """The contract of `OnnxZoneClassifier`."""
    PICODET = "picodet"
    YOLOX = "yolox"
    YUNET = "yunet"
    YOLO = "yolo"
    """A detector that Ultralytics has exported."""
    YOLO_CLASSIFIER = "yolo-classifier"
    """A classifier that Ultralytics has exported; its card carries a label map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One entry of the catalogue.

    Attributes:
        name: How users ask for it: lower-case letters, digits, ".", "_" and "-".
        task: "zones", "detection" or "faces".
        family: How it is fed and read.
        file: Name of its weights file, without any folder.
        sha256: Digest of that file, in hexadecimal.
        license: Under which terms the weights come.
        source: Where the long model card or the original repository is.
        url: Where `pull` fetches it; empty for models that ship and for imported ones.
        shipped: True if the weights are part of this package.
        imported: True if it stands in the user's own catalogue.
        thresholds: Name of the file of its calibrated thresholds, beside the weights; empty if nobody has measured any.
        thresholds_sha256: Digest of that file; empty without one.
        labels: Zone slug, or "permitted", of each class of a `YOLO_CLASSIFIER`.

    Raises:
        ModelIntegrityError: A value could not be what it stands for; a file name that leaves its folder, for example.
    """

    name: str
    task: str
    family: Family = Family.ZONES
    file: str
    sha256: str
    license: str
    source: str
    url: str = ""
    shipped: bool = False
    imported: bool = False
    thresholds: str = ""
    thresholds_sha256: str = ""
    labels: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wanted = [(self.name, _NAME), (self.file, _FILE), (self.sha256, _SHA256)]
        if self.thresholds or self.thresholds_sha256:
            wanted += [(self.thresholds, _FILE), (self.thresholds_sha256, _SHA256)]
        for value, pattern in wanted:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise ModelIntegrityError(f"{value!r} does not fit {pattern.pattern}", value=str(value))
        try:
            object.__setattr__(self, "family", Family(self.family))
        except ValueError as error:
            raise ModelIntegrityError(f"{self.name}: {error}", model=self.name) from error
