"""What ships of the set agrees with its manifests, and stays small."""

import csv
import hashlib
from pathlib import Path

import av
import pytest

from privacy.training.data import DATASETS
from rooms.places import BY_NAME

SAMPLE = DATASETS / "rendered" / "sample"
MOST_BYTES = 25_000_000


def rows(name: str) -> list[dict[str, str]]:
    path = SAMPLE / name
    if not path.is_file():
        pytest.skip(f"the sample has no {name}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_sample_stays_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < MOST_BYTES


def test_every_still_is_the_one_in_the_manifest() -> None:
    for row in rows("manifest.csv"):
        assert hashlib.sha256((SAMPLE / row["file"]).read_bytes()).hexdigest() == row["sha256"], row["file"]
        assert BY_NAME[row["place"]].zone == row["zone"]


def test_no_still_lies_outside_the_manifest() -> None:
    listed = {row["file"] for row in rows("manifest.csv")}
    assert {str(path.relative_to(SAMPLE)) for path in (SAMPLE / "stills").glob("*")} == listed


def frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_every_frame_of_every_clip_has_its_line() -> None:
    lines: dict[str, int] = {}
    for row in rows("clips.csv"):
        lines[row["file"]] = lines.get(row["file"], 0) + 1
    assert {f"clips/{path.name}": frames(path) for path in (SAMPLE / "clips").glob("*.mp4")} == lines
