"""What a look costs: CPU time against the shipped model in the same run, and peak memory of a process of its own."""

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from privacy.bench import models
from privacy.bench.models import Detects, Entrant, frame_of
from privacy.frame import thumbnail
from privacy.models import catalogue

LOOKS = 40
SIZE = (480, 640)
_MEMORY = """
import sys
from pathlib import Path
from privacy.bench import cost, models
entrant = models.load(sys.argv[1], weights=Path(sys.argv[2]) if sys.argv[2] else None)
for picture in cost.pictures(3):
    cost.look_of(entrant)(picture)
status = Path("/proc/self/status").read_text()
sys.stdout.write(status.split("VmHWM:")[1].split()[0])
"""
"""Its own high-water mark: `getrusage` gives that of the process that started it, where that was larger."""


def pictures(count: int = LOOKS) -> list[models.Image]:
    """Return noise: what is in a picture costs nothing, its size does."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*SIZE, 3), np.uint8) for _ in range(count)]


def look_of(entrant: Entrant | Detects) -> Callable[[models.Image], object]:
    """Return one look of a model, resizing included."""
    if isinstance(entrant, Detects):
        detector = entrant.detector
        return lambda image: detector.detect(thumbnail(frame_of(image), detector.size_for(image.shape[:2])))
    return entrant.look


def measure(entrants: Mapping[str, Entrant | Detects], *, looks: int = LOOKS) -> dict[str, dict[str, Any]]:
    """Return CPU time of a look by model, as multiples of the shipped model's median in the same run.

    The models take turns on every picture, so that whatever else the machine does slows all of them. CPU time is that
    of all threads of the process.
    """
    reference = catalogue.DEFAULT
    everyone: dict[str, Callable[[models.Image], object]] = {
        reference: look_of(models.load(reference)),
        **{name: look_of(entrant) for name, entrant in entrants.items()},
    }
    times = defaultdict(list)
    for index, picture in enumerate(pictures(looks + 3)):
        for name, look in everyone.items():
            began = time.process_time()
            with suppress(Exception):  # failures are named where answers count; here only whole looks do
                look(picture)
                if index >= 3:
                    times[name].append(time.process_time() - began)
    unit = statistics.median(times[reference])
    return {
        name: {
            "reference": reference,
            "ratio": round(statistics.median(spent) / unit, 3) if (spent := times[name]) else None,
            "spread": [round(value / unit, 3) for value in np.percentile(spent, [25, 75])] if spent else None,
            "looks": len(spent),
        }
        for name in entrants
    }


def peak_memory_mb(spec: str, weights: Path | None) -> float | None:
    """Return the peak resident memory in MB of a fresh process that makes three looks; None if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, on a script of ours
            [sys.executable, "-c", _MEMORY, spec, str(weights or "")],
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        return round(int(json.loads(done.stdout)) / 1024, 1)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
