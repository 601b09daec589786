"""What the service sees of misuse by itself: every scenario fires what it should, once, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_every_live_scenario_is_as_it_should_be() -> None:
    command = [sys.executable, str(ROOT / "examples" / "misuse_live.py")]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=False)

    assert "14 rightly, 0 wrongly, 0 missed, 0 duplicates" in done.stdout, done.stdout + done.stderr
