"""How right the rules over time are on sources that nobody trained on, source by source.

    python benchmarks/walks.py --data ../shared/corpus --out benchmarks/results/walks

PlaceAvoider (Templeman et al., "PlaceAvoider: Steering First-Person Cameras away from Sensitive Spaces", NDSS 2014)
reports for each of its five sites how many pictures of a walk it rules rightly, alone and with a hidden Markov model
over the walk. Here a walk goes through the test photos of one source in random order, as a dome does that turns from
preset to preset: it stays at each for some looks a second apart, and no look of a stay is quite the same. Every look is
ruled three times: alone, live (`Watch`: what came before counts), and in an archive (`judge_recording`: what came after
counts as well). Right is a private picture that is hidden, PROHIBITED or UNCERTAIN, and a permitted one that is CLEAR.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from privacy import policy
from privacy.evidence import Evidence
from privacy.models import catalogue
from privacy.models.classifier import ZoneClassifier
from privacy.policy import Policy
from privacy.training import augment
from privacy.training.data import Photo, load, read_corpus
from privacy.verdict import State, Verdict, Watch, judge_recording, judge_still
from privacy.zones import Zone

STAY = 8
"""Looks at one photo."""
CLOSE_UP, LIGHT = 0.9, 0.1
"""The least share of a side that a look shows, and how far its light may be off."""
BATCH = 16


@dataclass(frozen=True, slots=True)
class Ruled:
    """How one way to rule did on one source; shares of looks, None where there is nothing to be right about.

    Attributes:
        right: Of all photos.
        private_hidden: Of private ones.
        permitted_clear: Of permitted ones.
    """

    right: float
    private_hidden: float | None
    permitted_clear: float | None


@dataclass(frozen=True, slots=True)
class Walked:
    """One source.

    Attributes:
        source: Its name.
        photos: How many it has.
        private: How many of these show a prohibited place.
        alone: Every look by itself.
        live: With what came before.
        archive: With what came before and after.
    """

    source: str
    photos: int
    private: int
    alone: Ruled
    live: Ruled
    archive: Ruled


def looks_at(picture: NDArray[np.uint8], rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Yield `STAY` looks at a photo, each a little nearer, to the side, brighter or darker than the others."""
    height, width = picture.shape[:2]
    for _ in range(STAY):
        share = rng.uniform(CLOSE_UP, 1)
        tall, wide = int(height * share), int(width * share)
        top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        lit = picture[top : top + tall, left : left + wide] * rng.uniform(1 - LIGHT, 1 + LIGHT)
        yield lit.clip(0, 255).astype(np.uint8)


def walk(photos: Sequence[Photo], model: ZoneClassifier, rng: np.random.Generator) -> tuple[list[Evidence], list[bool]]:
    """Return what the model sees on one walk, a look a second, and which looks show a prohibited place."""
    sights: list[Evidence] = []
    shown: list[bool] = []
    waiting: list[NDArray[np.uint8]] = []
    for index in rng.permutation(len(photos)):
        for look in looks_at(load(photos[index]), rng):
            waiting.append(augment.resize(look, model.input_size))
            shown.append(photos[index].meaning.zone is not Zone.PERMITTED)
            if len(waiting) == BATCH:
                sights += model.look(waiting, [float(len(sights) + at) for at in range(BATCH)])
                waiting.clear()
    if waiting:
        sights += model.look(waiting, [float(len(sights) + at) for at in range(len(waiting))])
    return sights, shown


def ruled(verdicts: Sequence[Verdict], shown: Sequence[bool]) -> Ruled:
    """Count what was right."""
    clear, private = np.array([verdict.state is State.CLEAR for verdict in verdicts]), np.array(shown)
    return Ruled(
        right=float((clear != private).mean()),
        private_hidden=float((~clear[private]).mean()) if private.any() else None,
        permitted_clear=float(clear[~private].mean()) if (~private).any() else None,
    )


def measure(source: str, photos: Sequence[Photo], model: ZoneClassifier, rules: Policy, seed: int) -> Walked:
    """Walk through one source once."""
    sights, shown = walk(photos, model, np.random.default_rng(seed))
    watch = Watch(rules)
    return Walked(
        source=source,
        photos=len(photos),
        private=sum(photo.meaning.zone is not Zone.PERMITTED for photo in photos),
        alone=ruled([judge_still(sight, rules) for sight in sights], shown),
        live=ruled([watch.see(sight, sight.offset) for sight in sights], shown),
        archive=ruled(judge_recording(sights, rules), shown),
    )


def table(rows: Sequence[Walked]) -> str:
    """Return the results as a Markdown table."""
    ways = "alone, live, archive"
    lines = [
        f"| source | photos | private | right: {ways} | private hidden: {ways} | permitted CLEAR: {ways} |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        three = (row.alone, row.live, row.archive)
        right, hidden, clear = (
            ", ".join("-" if share is None else f"{share:.0%}" for share in shares)
            for shares in zip(*(astuple(way) for way in three), strict=True)
        )
        lines.append(f"| {row.source} | {row.photos} | {row.private} | {right} | {hidden} | {clear} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Walk through every test source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--model", nargs="+", default=[catalogue.DEFAULT, catalogue.DEFAULT_FOR_STILLS])
    parser.add_argument("--policy", default=policy.DEFAULT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    by_source: dict[str, list[Photo]] = {}
    for photo in read_corpus(options.data):
        if photo.split == "test":
            by_source.setdefault(photo.source, []).append(photo)
    found: dict[str, list[Walked]] = {}
    for name in options.model:
        model, rules = catalogue.load(name), catalogue.load_policy(options.policy, name)
        found[name] = [
            measure(source, photos, model, rules, options.seed) for source, photos in sorted(by_source.items())
        ]
    parts = [f"Walks through test sources, {STAY} looks at each photo. `python benchmarks/walks.py --help`\n"]
    parts += [f"\n## {name}\n\n{table(rows)}" for name, rows in found.items()]
    print("".join(parts))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        result = {name: [asdict(row) for row in rows] for name, rows in found.items()}
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text("".join(parts), "utf-8")


if __name__ == "__main__":
    main()
