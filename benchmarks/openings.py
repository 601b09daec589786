"""What would be shown if only the opening to a prohibited place were hidden, and not the whole view (`[openings]`).

    python benchmarks/openings.py --data ../shared/corpus --out benchmarks/results/openings

Two kinds of pictures, of the test split, which no training saw. *Rooms* show a private place and nothing else: whatever
is shown of them is a leak. *Doors* show one through an opening, drawn into photos of permitted places as in
`accuracy.py`. For several settings: how many are ruled PROHIBITED in one look and then hidden in part, and of the doors
among them, how much of the opening stays visible. Views that are ruled CLEAR, or UNCERTAIN, are not concerned.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Frame, Layout, thumbnail
from privacy.models import catalogue
from privacy.models.classifier import ZoneClassifier
from privacy.openings import Around
from privacy.policy import Openings
from privacy.sources.picture import read_picture
from privacy.training import augment

HOSTS = ("living_room", "office", "store", "lobby", "corridor", "entrance_hall", "shop", "restaurant")
DOORS = 250
VISIBLE = 0.2
SETTINGS = (
    Openings(follow=True, cell_above=0.5, grow=0, most=0.9),
    Openings(follow=True, cell_above=0.5),
    Openings(follow=True, cell_above=0.3),
    Openings(follow=True, cell_above=0.2),
    Openings(follow=True, cell_above=0.2, most=0.4),
)
Image = NDArray[np.uint8]


def pictures(data: Path) -> tuple[list[Image], list[tuple[Image, NDArray[np.float32]]]]:
    """Return rooms, and doors with the share of each pixel that the opening takes."""
    with (data / "scenes" / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == "test"]

    def load(row: Mapping[str, str]) -> Image:
        frame = read_picture(data / "scenes" / row["file"])
        return thumbnail(frame, frame.size)

    private = [row for row in rows if not row["zone_label"].startswith("permitted")]
    hosts = [row for row in rows if row["zone_label"].removeprefix("permitted:") in HOSTS]
    rng, doors = np.random.default_rng(11), []
    for _ in range(DOORS):
        host = augment.resize(load(hosts[rng.integers(len(hosts))]), (288, 384))
        view, cover = augment.open_door(host, load(private[rng.integers(len(private))]), rng, 0.7)
        doors.append((np.asarray(view, np.uint8), np.asarray(cover, np.float32)))
    return [load(row) for row in private], doors


def opening(image: Image, model: ZoneClassifier, above: float) -> NDArray[np.bool_] | None:
    """Return the cells that would be hidden instead of the whole picture; None if all of it would be, or none."""
    frame = Frame((np.ascontiguousarray(image),), Layout.RGB, 0.0, full_range=True)
    (seen,) = model.look([thumbnail(frame, model.input_size)], [0.0])
    return seen.opening if seen.p_prohibited >= above else None


def measure(data: Path) -> dict[str, Any]:
    """Try every setting."""
    rules, model = catalogue.load_policy(), catalogue.load()
    rooms, doors = pictures(data)
    rows = []
    for openings in SETTINGS:
        around = Around(model, replace(rules, openings=openings))
        above = rules.thresholds.prohibited_above
        shown = sum(opening(room, around, above) is not None for room in rooms)
        left = []
        for view, cover in doors:
            cells = opening(view, around, above)
            if cells is not None:
                height, width = cells.shape
                truth = np.asarray(cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA), np.float32)
                left.append(1 - float((truth * cells).sum() / max(1e-6, truth.sum())))
        rows.append(
            {
                "cell_above": openings.cell_above,
                "grow": openings.grow,
                "most": openings.most,
                "rooms_shown": shown / len(rooms),
                "doors_hidden_alone": len(left) / len(doors),
                "visible": float(np.mean(left)) if left else 0.0,
                "much_visible": float(np.mean(np.array(left) > VISIBLE)) if left else 0.0,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return {"rooms": len(rooms), "doors": len(doors), "rows": rows}


def table(result: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    rows: Sequence[Mapping[str, float]] = result["rows"]
    about = f"{result['rooms']} photos of private rooms and {result['doors']} doors to them, one look each"
    lines = [
        f"{about}. Much: more than {VISIBLE:.0%} of an opening.",
        "",
        "| cells from | grown by | at most | rooms shown in part | doors hidden alone | visible of openings | much |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['cell_above']} | {row['grow']:.0f} | {row['most']} | {row['rooms_shown']:.1%} | "
        f"{row['doors_hidden_alone']:.1%} | {row['visible']:.1%} | {row['much_visible']:.1%} |"
        for row in rows
    ]
    harmless = [row["doors_hidden_alone"] for row in rows if row["rooms_shown"] == 0 and row["visible"] == 0]
    told = f"settings that show nothing private hide {max(harmless, default=0):.1%} of the doors alone"
    return "\n".join([*lines, "", f"Policies that ship hide the whole view (`follow = false`): {told}.", ""])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    result = measure(options.data)
    print(table(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(result), "utf-8")


if __name__ == "__main__":
    main()
