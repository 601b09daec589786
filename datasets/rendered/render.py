"""Renders the set: one command, which goes on where it stopped.

python datasets/rendered/render.py stills --rooms 92 --out datasets/rendered/sample     # the shipped sample
python datasets/rendered/render.py clips --out datasets/rendered/sample
python datasets/rendered/render.py stills --rooms 4600 --share 1/4 --out /data/rendered   # the second of four machines
python datasets/rendered/render.py manifest --out datasets/rendered/sample
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
    parser.add_argument("what", choices=("stills", "clips", "manifest"))
    parser.add_argument("--out", type=Path, required=True, help="Folder for pictures, regions and manifests.")
    parser.add_argument(
        "--rooms", type=int, default=92, help="Rooms in the whole plan; three pictures are taken in each."
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--share", default="0/1", help="`1/4`: the second of four machines.")
    parser.add_argument("--places", default="", help="Only these, by name, with commas between.")
    parser.add_argument("--samples", type=int, default=6, help="Light paths a pixel.")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--python", type=Path, default=PYTHON, help="The renderer's Python (`make renderer`).")
    asked = parser.parse_args()
    index, _, machines = asked.share.partition("/")
    wanted = set(filter(None, asked.places.split(",")))
    if asked.what == "manifest":
        return manifest(asked.out)
    with Blender(asked.python, samples=asked.samples, threads=asked.threads) as blender:
        if asked.what == "clips":
            clips.take_all(blender, asked.seed, asked.out, wanted)
            return 0
        for number in plan.numbers(asked.rooms, (int(index), int(machines))):
            if wanted and plan.place_of(number).name not in wanted:
                continue
            started = time.monotonic()
            rows = stills.take(blender, asked.seed, number, asked.out)
            sys.stderr.write(f"{number:5d} {rows[0]['place']:16s} {time.monotonic() - started:6.1f} s\n")
    return manifest(asked.out)


def manifest(out: Path) -> int:
    """Gather what has been rendered so far."""
    rows = [row for path in sorted((out / ".rooms").glob("*.json")) for row in json.loads(path.read_text("utf-8"))]
    stills.write_manifest(out / "manifest.csv", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
