"""A product for privacy reports to nobody."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_runtime_leaves_no_identifier_behind(tmp_path: Path) -> None:
    program = "from privacy.models import catalogue; catalogue.load()"
    loud = {key: value for key, value in os.environ.items() if key != "CI" and not key.startswith(("ORT_", "XDG_"))}

    subprocess.run([sys.executable, "-c", program], env=loud | {"HOME": str(tmp_path)}, check=True, timeout=60)

    assert list(tmp_path.rglob("*")) == []


def test_who_wants_the_reports_can_have_them() -> None:
    program = "import os, privacy.models.onnx; print(os.environ['ORT_DISABLE_TELEMETRY'])"

    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"ORT_DISABLE_TELEMETRY": "0"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert answer.stdout == "0\n"
