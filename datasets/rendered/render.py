"""Renders the set: one command, which goes on where it stopped.

python datasets/rendered/render.py stills --rooms 92 --out datasets/rendered/sample     # the shipped sample
python datasets/rendered/render.py clips --out datasets/rendered/sample
python datasets/rendered/render.py stills --rooms 4600 --share 1/4 --out /data/rendered   # the second of four machines
python datasets/rendered/render.py stills --rooms 180 --split train --seed 8 --height 192 --out OUT   # to train with
python datasets/rendered/render.py develop --out OUT      # the pictures again, from the light that was kept
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from rooms import clips, plan, stills
from rooms.renderer import PYTHON, Blender

SEED = 7
"""Of the shipped sample."""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("stills", "clips", "develop"))
    parser.add_argument("--out", type=Path, required=True, help="Folder for pictures, regions and manifests.")
    parser.add_argument(
        "--rooms", type=int, default=92, help="Rooms in the whole plan; three pictures are taken in each."
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--share", default="0/1", help="`1/4`: the second of four machines.")
    parser.add_argument("--places", default="", help="Only these, by name, with commas between.")
    parser.add_argument("--split", choices=("train", "test"), help="Only rooms of this split.")
    parser.add_argument("--height", type=int, default=0, help="Of stills, in pixels; 0: as planned, 216 to 320.")
    parser.add_argument("--samples", type=int, default=8, help="Light paths a pixel.")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--python", type=Path, default=PYTHON, help="The renderer's Python (`make renderer`).")
    asked = parser.parse_args()
    index, _, machines = asked.share.partition("/")
    wanted = set(filter(None, asked.places.split(",")))
    if asked.what == "develop":
        return develop_all(asked.out)
    with Blender(asked.python, samples=asked.samples, threads=asked.threads) as blender:
        if asked.what == "clips":
            clips.take_all(blender, asked.seed, asked.out, wanted)
            return 0
        for number in plan.numbers(asked.rooms, (int(index), int(machines)), split=asked.split):
            if wanted and plan.place_of(number).name not in wanted:
                continue
            started = time.monotonic()
            rows = stills.take(blender, asked.seed, number, asked.out, height=asked.height)
            sys.stderr.write(f"{number:5d} {rows[0]['place']:16s} {time.monotonic() - started:6.1f} s\n")
    return manifest(asked.out)


def develop_all(out: Path) -> int:
    """Develop every room of a folder again."""
    for path in sorted((out / ".rooms").glob("*.json")):
        seed, _, number = path.stem.partition("-")
        stills.develop(int(seed), int(number), out)
    return manifest(out)


def manifest(out: Path) -> int:
    """Gather what has been rendered so far."""
    rows = [row for path in sorted((out / ".rooms").glob("*.json")) for row in json.loads(path.read_text("utf-8"))]
    stills.write_manifest(out / "manifest.csv", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
