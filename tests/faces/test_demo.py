"""`make demo`: a corridor's camera is turned into a washroom; the sample's labels say when."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "datasets" / "rendered" / "sample"
CLIP = "clips/corridor-reaimed.mp4"


pytestmark = pytest.mark.skipif(not (SAMPLE / CLIP).is_file(), reason="the rendered clip is not there")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py"), "--out", str(out)],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return out, done.stdout


def shares() -> list[float]:
    """Return how much of each frame shows the washroom."""
    with (SAMPLE / "clips.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["region_share"]) for row in csv.DictReader(file) if row["file"] == CLIP]


def states(out: Path) -> list[str]:
    return [json.loads(line)["state"] for line in (out / "verdicts.jsonl").read_text("utf-8").splitlines()]


def test_the_corridor_is_shown(demo: tuple[Path, str]) -> None:
    along = [state for state, share in zip(states(demo[0]), shares(), strict=True) if share == 0]
    assert along.count("CLEAR") > len(along) / 2


def test_not_one_frame_of_the_washroom_is_shown(demo: tuple[Path, str]) -> None:
    seen = [state for state, share in zip(states(demo[0]), shares(), strict=True) if share >= 0.25]
    assert len(seen) > 50
    assert "CLEAR" not in seen


def test_the_misuse_is_reported(demo: tuple[Path, str]) -> None:
    assert "report: PROHIBITED_VIEW, Guangdong Decree 132 Art. 7" in demo[1]
