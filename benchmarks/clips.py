"""What the state machine makes of whole clips: how much is hidden, how soon a permitted view opens, how often it flaps.

    python benchmarks/clips.py --data ../shared/corpus --out benchmarks/results/clips

Reads `videos/manifest.csv`; a clip tagged "prohibited:..." shows a private room in every frame, any other in none.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from privacy import pipeline, policy
from privacy.cadence import Cadence
from privacy.models import catalogue
from privacy.models.classifier import ZoneClassifier
from privacy.policy import Policy
from privacy.sources.video import VideoSource
from privacy.verdict import State, Verdict, Watch


@dataclass(frozen=True, slots=True)
class Measured:
    """One clip under one model.

    Attributes:
        clip: File name.
        private: True if every frame shows a private room.
        frames: Frames read.
        hidden: Share of frames that left hidden.
        prohibited: Share of frames ruled PROHIBITED.
        clear_after_1s: Share of the frames after the first second that left clear.
        flaps_per_minute: Changes between hidden and clear, a minute of clip, after the first opening.
        zone: The zone named most often, or "".
    """

    clip: str
    private: bool
    frames: int
    hidden: float
    prohibited: float
    clear_after_1s: float
    flaps_per_minute: float
    zone: str


def verdicts(path: Path, model: ZoneClassifier, rules: Policy) -> Iterator[Verdict]:
    """Yield the verdict on every frame, as `privacy mask` would rule with the same look-behind."""
    with VideoSource(path) as source:
        judged = pipeline.judge(source, model, Watch(rules), Cadence(rules.timing))
        for _, verdict in pipeline.wait(judged, 1.0):
            yield verdict


def measure(path: Path, model: ZoneClassifier, rules: Policy, *, private: bool) -> Measured:
    """Run one clip."""
    ruled = list(verdicts(path, model, rules))
    clear = [verdict.state is State.CLEAR for verdict in ruled]
    late = [is_clear for verdict, is_clear in zip(ruled, clear, strict=True) if verdict.offset >= 1]
    flaps = sum(here != there for here, there in pairwise(clear[clear.index(True) :])) if any(clear) else 0
    minutes = max(ruled[-1].offset, 1.0) / 60
    zones = [verdict.zone.slug for verdict in ruled if verdict.zone is not None and verdict.state is State.PROHIBITED]
    return Measured(
        clip=path.name,
        private=private,
        frames=len(ruled),
        hidden=round(1 - sum(clear) / len(clear), 4),
        prohibited=round(sum(v.state is State.PROHIBITED for v in ruled) / len(ruled), 4),
        clear_after_1s=round(sum(late) / len(late), 4) if late else 0.0,
        flaps_per_minute=round(flaps / minutes, 2),
        zone=max(set(zones), key=zones.count, default=""),
    )


def table(rows: list[Measured]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| clip | shows | frames | hidden | PROHIBITED | CLEAR after 1 s | flaps / min | zone named |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.clip} | {'private' if row.private else 'permitted'} | {row.frames} | {row.hidden:.1%} "
        f"| {row.prohibited:.1%} | {row.clear_after_1s:.1%} | {row.flaps_per_minute} | {row.zone} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every clip of the corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--model", default=catalogue.DEFAULT)
    parser.add_argument("--policy", default=policy.DEFAULT)
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    model, rules = catalogue.load(options.model), catalogue.load_policy(options.policy, options.model)
    with (options.data / "videos" / "manifest.csv").open(newline="") as file:
        clips = {row["file"]: "prohibited:" in row["tags"] for row in csv.DictReader(file)}
    videos = options.data / "videos"
    rows = [measure(videos / clip, model, rules, private=private) for clip, private in clips.items()]
    rows.sort(key=lambda row: (not row.private, row.clip))
    print(table(rows))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        result = {"model": options.model, "policy": f"{rules.name} {rules.version}", "clips": [asdict(r) for r in rows]}
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(rows), "utf-8")


if __name__ == "__main__":
    main()
