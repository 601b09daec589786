"""A finished run on disk: results.json, scores.csv, results.md and results.html."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2

from privacy.bench import page
from privacy.bench.datasets import Dataset, Scenes
from privacy.bench.results import FILE, SCORES, Results
from privacy.training.data import load

SCHEMA = Path(__file__).with_name("results.schema.json")
"""What results.json looks like (JSON Schema 2020-12)."""
THUMBNAIL = 144
"""Short side of the pictures on the page."""


def write(results: Results, datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    """Write everything that can be written; without matplotlib there is no page with plots.

    Pictures are shown only of sets whose label map says `redistributable = true`.
    """
    results.save(folder)
    files = [folder / FILE, *([folder / SCORES] if results.scores else [])]
    (folder / "results.md").write_text(page.markdown(results.record), "utf-8")
    files.append(folder / "results.md")
    if importlib.util.find_spec("matplotlib") is not None:
        shown = pictures(results, datasets)
        (folder / "results.html").write_text(page.html(results.record, shown), "utf-8")
        files.append(folder / "results.html")
    return files


def pictures(results: Results, datasets: Sequence[Dataset]) -> Mapping[tuple[str, str], bytes]:
    """Return the worst photos as JPEG, by data set and item, of redistributable sets."""
    found = {}
    for dataset in datasets:
        if not isinstance(dataset, Scenes) or not dataset.redistributable:
            continue
        photos = dict(zip(dataset.items, dataset.photos, strict=True))
        wanted = {
            photo["item"]
            for result in results.record["results"]
            if result["dataset"] == dataset.name
            for kind in result.get("worst", {}).values()
            for photo in kind
        }
        for item in sorted(wanted):
            done, code = cv2.imencode(".jpg", load(photos[item], short_side=THUMBNAIL)[..., ::-1])
            if done:
                found[dataset.name, item] = code.tobytes()
    return found
