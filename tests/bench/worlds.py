"""A toy world for the bench: washrooms are bright, all else is dark; and models that see it, or fail to."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.evidence import Evidence
from privacy.zones import Zone

LABELS = """
[wash]
zones = { washroom = 1.0 }
place = "bathroom"
[bed]
zones = { guest_room = 0.85, dormitory = 0.15 }
place = "bedroom"
["permitted:office"]
zones = { permitted = 1.0 }
place = "office"
"""


def write_world(folder: Path, *, redistributable: bool = False, extra: str = "") -> Path:
    """Write 24 photos of four sources with a manifest; a photo's level of grey is 10 times its number."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["file,zone_label,source,split"]
    for number in range(24):
        label = "permitted:office" if number < 12 else "wash" if number % 2 else "bed"
        picture = np.full((48, 64, 3), number * 10, np.uint8)
        picture[:, ::8] = 255 - picture[:, ::8]  # not flat: corruptions have something to damage
        cv2.imwrite(str(folder / f"{number:02}.png"), picture)
        rows.append(f"{number:02}.png,{label},source {number % 4},test")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n" + extra)
    (folder / "labels.toml").write_text(("redistributable = true\n" if redistributable else "") + LABELS)
    return folder


class Sees:
    """The brighter, the likelier a washroom: right about every photo of the toy world.

    `fails` maps levels of grey to what is raised, or returned, instead.
    """

    about: Mapping[str, str] = {"made of": "a toy", "licence": "none"}

    def __init__(self, name: str = "sees", fails: Mapping[int, object] | None = None, *, mapped: bool = False) -> None:
        self.name = name
        self.digest = hashlib.sha256(name.encode()).hexdigest()
        self.fails = fails or {}
        self.mapped = mapped
        self.looks = 0

    def look(self, image: NDArray[np.uint8]) -> Evidence:
        self.looks += 1
        level = int(np.median(image))
        instead = self.fails.get(level)
        if isinstance(instead, Exception):
            raise instead
        p = float("nan") if instead == "nan" else level / 255
        zones = np.zeros(len(Zone), np.float32)
        zones[Zone.PERMITTED], zones[Zone.WASHROOM] = 1 - p, p
        zone_map = np.asarray(cv2.resize(image[..., 0], (16, 12), interpolation=cv2.INTER_AREA) / 255, np.float32)
        return Evidence(0.0, zones, self.name, zone_map if self.mapped else None)


class Backwards(Sees):
    """The darker, the likelier a washroom."""

    def look(self, image: NDArray[np.uint8]) -> Evidence:
        seen = super().look(255 - image)
        return Evidence(0.0, seen.zones, self.name)
