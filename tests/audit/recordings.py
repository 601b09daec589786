"""Recordings for tests, in the toy world of `Bright`: bright pictures are a washroom."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy import policy
from privacy.audit import outcome, run
from privacy.audit.archive import Naming
from privacy.audit.book import Book
from privacy.audit.engines.local import LocalEngine
from privacy.audit.outcome import Ruled
from privacy.audit.scan import Scan, Scanner, Task
from privacy.audit.terms import Terms
from privacy.models import catalogue
from tests.clips import write_clip
from tests.toys import Bright

RATE = 5
SIZE = (48, 64)
TERMS = Terms(policy=policy.DEFAULT, model="zones-lite0")


def write_recording(
    path: Path,
    bright: Sequence[tuple[float, float]],
    *,
    seconds: float = 60,
    gop_s: float = 2,
    rate: int = RATE,
    level: int = 240,
    **more: Any,
) -> Path:
    """A recording that is bright in the spans `[start, end)` and dark elsewhere; noisy, so that it has to be coded."""
    noise = np.random.default_rng(3).integers(0, 8, (8, *SIZE), np.uint8)

    def luma(number: int) -> NDArray[np.uint8]:
        lit = any(start <= number / rate < end for start, end in bright)
        return np.asarray(noise[number % 8] + (level if lit else 16), np.uint8)

    options = {"g": str(round(gop_s * rate)), "sc_threshold": "0", "bf": "0", "preset": "ultrafast"}
    if more.get("codec", "libx264") != "libx264":
        options = {"g": str(round(gop_s * rate))}
    return write_clip(path, size=SIZE, frames=round(seconds * rate), rate=rate, luma=luma, options=options, **more)


def make_bright(terms: Terms = TERMS) -> Scanner:
    """What a worker builds."""
    return Scanner(Bright(), catalogue.load_policy(), terms)


def scan(path: Path, terms: Terms = TERMS, **task: Any) -> Scan:
    """Scan a recording, or one part of it, in this process."""
    return Scanner(Bright(), catalogue.load_policy(), terms).scan(Task(recording=1, path=str(path), **task))


def audit(folder: Path, *paths: Path | str, workers: int = 0, resume: bool = False, terms: Terms = TERMS) -> Book:
    """Audit in the toy world; returns the book, open."""
    book = run.begin(folder, map(str, paths), terms, catalogue.load_policy(), Naming(), resume=resume)
    with LocalEngine(partial(make_bright, terms), workers) as engine:
        assert run.scan(book, engine)
    return book


def ruled(book: Book) -> dict[str, Ruled]:
    """What the book comes to, by file name."""
    return {Path(one.entry.path).name: one for one in outcome.rule(book, catalogue.load_policy())}


def spans(one: Ruled) -> list[tuple[float, float]]:
    """Start and end of every finding."""
    return [(finding.start, finding.end) for finding in one.judged.findings]
