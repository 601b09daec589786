"""Fill in the published table of `privacy bench`: our models and the baselines, on every set of the corpus.

    PRIVACY_DATA=../shared/corpus make bench-accuracy

Writes benchmarks/results/bench.json and bench.md, without the answers about single photos, and the whole run with its
page under --work. Answers about photos are kept there, so that a run that was stopped goes on.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from privacy import bench
from privacy.bench import datasets, page, report
from privacy.bench.results import Results, to_json
from privacy.models import catalogue

HERE = Path(__file__).resolve().parent
MODELS = (
    "zones-wide",
    "zones-lite0",
    "zones-lite0-probe",
    "objects:picodet-s-416",
    str(HERE / "models" / "squeezenet-places365.toml"),
    "picodet-s-416",
    "yunet-n",
)
FETCHED = ("picodet-s-416", "yunet-n")
SETS = {
    "photos": "corpus={}",
    "clips": "videos={}/videos",
    "objects": "coco={}/detection/coco128_lightly/instances_val2017.json",
    "faces": "coco={}/detection/coco_face_points/faces_from_keypoints.json",
    "drawn-faces": "coco={}/detection/dlib_faces/faces.json",
}
PRIVATE = ("worst", "curves")
"""Of the whole run only: names of photos, and points of plots."""


def published(results: Results) -> dict[str, Any]:
    """Return what is worth keeping for years."""
    found = [{k: v for k, v in result.items() if k not in PRIVATE} for result in results.record["results"]]
    return {**results.record, "results": found}


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("PRIVACY_DATA"))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "bench")
    parser.add_argument("--work", type=Path, default=HERE.parent / "build" / "bench")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--tasks", nargs="+", choices=bench.TASKS, default=None, help="all, if none is named")
    asked = parser.parse_args()
    if asked.data is None:
        print("set PRIVACY_DATA to the corpus, or give --data", file=sys.stderr)
        return 2
    os.environ["PRIVACY_MODELS"] = str(asked.work / "models")
    for name in FETCHED:
        catalogue.add(catalogue.card(name), asked.data / "models")
    sets = [datasets.load(SETS[name].format(asked.data)) for name in asked.sets]
    results = bench.run(
        MODELS, sets, asked.tasks, weights=asked.data / "models", keep=asked.work / "answers", tell=tell
    )
    report.write(results, sets, asked.work)
    record = published(results)
    asked.out.with_suffix(".json").write_text(to_json(record), "utf-8")
    asked.out.with_suffix(".md").write_text(page.markdown(record), "utf-8")
    print(asked.out.with_suffix(".md"))
    return 0


def tell(what: str, done: int, total: int) -> None:
    """Say how far the run is, now and then."""
    if done in (0, total) or not done % 100:
        print(f"{what} {done}/{total}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
