"""Measure the zone models on the corpus: every number of their cards, with intervals, as JSON, Markdown and pictures.

    PRIVACY_DATA=../shared/corpus python benchmarks/accuracy.py

Test sources only. Recall is at the score that lets through 1 % of all permitted test photos. Intervals are 95 %
bootstrap intervals: over sources where there are several, over photos where there is one. With `--again`, only the
named models are measured anew, beside what the result file says of the others; costs and curves are of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.measures import auroc, calibration_error, interval, recall_at, region_scores, score_at
from privacy.training import augment
from privacy.training.data import Photo, load, read_corpus
from privacy.training.evaluate import VARIANTS, Answers, Model, no_pictures
from privacy.zones import Zone

HERE = Path(__file__).resolve().parent
WEIGHTS = HERE.parent / "privacy" / "models" / "weights"
PICTURES = HERE.parent / "docs" / "models"
GREY = "scene15_gray"
PRIVATE_CLIPS = ("fairbnb_bathroom.mp4", "interior_bathroom.mp4", "interior_kids.mp4")
MODELS = ("zones-lite0-probe", "zones-lite0", "zones-wide")
"""The baseline first: costs are ratios to it; the pictures show the confusion of the last."""
ROUNDS = 1000
SECONDS_BETWEEN_FRAMES = 0.2
COMPOSITES = 300

Number = dict[str, Any]
"""One row of a table, by column; a number with an interval has the keys `value` and `interval`."""


@dataclass(frozen=True, slots=True, eq=False)
class TestSet:
    """The test photos.

    Attributes:
        photos: What they show.
        pictures: Their pixels.
        shown: `(N,)` bool, a prohibited place.
        hotels: `(N,)` bool, of hostels, inns and spas.
        truth: `(N,)` zone.
    """

    photos: Sequence[Photo]
    pictures: Sequence[NDArray[np.uint8]]
    shown: NDArray[np.bool_]
    hotels: NDArray[np.bool_]
    truth: NDArray[np.int64]

    @classmethod
    def read(cls, data: Path) -> TestSet:
        """Decode them."""
        photos = [photo for photo in read_corpus(data) if photo.split == "test"]
        truth = np.array([int(photo.meaning.zone) for photo in photos])
        return cls(
            photos=photos,
            pictures=[load(photo, short_side=320) for photo in photos],
            shown=truth > 0,
            hotels=np.array([photo.source != GREY for photo in photos]),
            truth=truth,
        )

    @property
    def sources(self) -> list[NDArray[np.intp]]:
        """Indices by source; the one large source is cut into photos, so that it can vary too."""
        names = np.array([photo.source for photo in self.photos])
        small = [np.flatnonzero(names == name) for name in sorted(set(names) - {GREY})]
        return [*small, *self.each(names == GREY)]

    @staticmethod
    def each(among: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
        """Every marked photo on its own."""
        return [np.array([index]) for index in np.flatnonzero(among)]


def measured(metric: Callable[[NDArray[np.intp]], float], strata: Sequence[NDArray[np.intp]], units: str) -> Number:
    """A number over everything in `strata`, with its interval."""
    low, high = interval(metric, strata, rounds=ROUNDS)
    return {
        "value": round(metric(np.concatenate(strata)), 4),
        "interval": [round(low, 4), round(high, 4)],
        "over": units,
    }


def separation(test: TestSet, scores: NDArray[np.float64]) -> dict[str, Number]:
    """AUROC, recall at 1 % and calibration."""
    threshold = score_at(scores, test.shown)
    hotels = [part for part in test.sources if test.hotels[part[0]] and test.shown[part].any()]
    hotels = [part[test.shown[part]] for part in hotels]
    grey = test.each(~test.hotels & test.shown)

    def recall(index: NDArray[np.intp]) -> float:
        return float((scores[index] > threshold).mean())

    return {
        "AUROC": measured(lambda i: auroc(scores[i], test.shown[i]), test.sources, "sources and photos"),
        "recall at 1 %, hostels, inns, spas": measured(recall, hotels, f"{len(hotels)} sources"),
        "recall at 1 %, grey bedrooms": measured(recall, grey, f"{len(grey)} photos"),
        "recall at 1 %, all": measured(recall, [*hotels, *grey], "sources and photos"),
        "ECE of p_prohibited": measured(
            lambda i: calibration_error(scores[i], test.shown[i]), test.sources, "sources and photos"
        ),
    }


def variants(model: Model, test: TestSet) -> dict[str, Number]:
    """The same photos as worse cameras send them: recall at 1 % of all permitted photos of the same variant."""
    found: dict[str, Number] = {}
    for name, change in VARIANTS.items():
        scores = model.ask([change(picture) for picture in test.pictures]).p_prohibited
        found[name] = {
            "AUROC": round(auroc(scores, test.shown), 4),
            "all": round(recall_at(scores, test.shown, test.shown), 4),
            "hostels, inns, spas": round(recall_at(scores, test.shown, test.hotels), 4),
            "grey bedrooms": round(recall_at(scores, test.shown, ~test.hotels), 4),
        }
    return found


def naming(model: Model, test: TestSet, answers: Answers) -> tuple[Number, NDArray[np.int64]]:
    """Zone named right among the private photos, home bedrooms right as guest room or dormitory; and the confusion."""
    named = np.array([int(Zone.of(model.zones[1 + int(k)])) for k in answers.zones[:, 1:].argmax(1)])
    home = np.array([photo.label == "bedroom_home" for photo in test.photos])
    right = (named == test.truth) | (home & (named == Zone.DORMITORY))
    parts = [part[test.shown[part]] for part in test.sources if test.shown[part].any()]
    matrix = np.zeros((len(model.zones), len(model.zones)), np.int64)
    np.add.at(matrix, (test.truth[test.shown], named[test.shown]), 1)
    return measured(lambda i: float(right[i].mean()), parts, "sources and photos"), matrix


def states(model: Model, scores: NDArray[np.float64], shown: NDArray[np.bool_]) -> Number:
    """How the stated thresholds rule on stills."""
    low, high = model.thresholds["clear_below"], model.thresholds["prohibited_above"]
    return {
        "prohibited, CLEAR (miss)": round(float((scores[shown] < low).mean()), 4),
        "prohibited, PROHIBITED": round(float((scores[shown] >= high).mean()), 4),
        "permitted, CLEAR": round(float((scores[~shown] < low).mean()), 4),
        "permitted, PROHIBITED (false alarm)": round(float((scores[~shown] >= high).mean()), 4),
    }


def by_source(test: TestSet, scores: NDArray[np.float64]) -> dict[str, Number]:
    """Accuracy per source at the 1 % score, as PlaceAvoider (NDSS 2014) reports it per site."""
    threshold = score_at(scores, test.shown)
    right = (scores > threshold) == test.shown
    names = np.array([photo.source for photo in test.photos])
    return {
        name: {
            "photos": int((names == name).sum()),
            "prohibited": int((test.shown & (names == name)).sum()),
            "right": round(float(right[names == name].mean()), 4),
        }
        for name in sorted(set(names))
    }


def unseen_pictures(model: Model) -> dict[str, Number]:
    """Pictures of no place must come out uncertain."""
    made = no_pictures()
    scores = model.ask(list(made.values())).p_prohibited
    low, high = model.thresholds["clear_below"], model.thresholds["prohibited_above"]
    states_ = ["CLEAR" if p < low else "PROHIBITED" if p >= high else "UNCERTAIN" for p in scores]
    return {name: {"p": round(float(p), 3), "state": s} for name, p, s in zip(made, scores, states_, strict=True)}


def localisation(model: Model, test: TestSet) -> Number:
    """Private test photos shown through an opening in permitted test photos: is the opening masked, and only it?"""
    rng = np.random.default_rng(11)
    rooms = {
        "kitchen_home",
        "living_room",
        "office",
        "store",
        "lobby",
        "corridor",
        "entrance_hall",
        "shop",
        "restaurant",
    }
    hosts = [i for i, photo in enumerate(test.photos) if not test.shown[i] and photo.meaning.place in rooms]
    colour = [i for i in hosts if test.hotels[i]]
    insides = np.flatnonzero(test.shown)
    views, truths = [], []
    for number in range(COMPOSITES):
        host = int(rng.choice(colour if number % 3 == 0 else hosts))
        same = insides[test.hotels[insides] == test.hotels[host]]
        behind = test.pictures[int(rng.choice(same))]
        view, cover = augment.open_door(augment.resize(test.pictures[host], (288, 384)), behind, rng, 0.7)
        views.append(view)
        truths.append(cover)
    answers = model.ask(views)
    cells = answers.zone_map.shape[1:]
    size = (int(cells[1]), int(cells[0]))
    truth = np.stack([np.asarray(cv2.resize(t, size, interpolation=cv2.INTER_AREA), np.float32) for t in truths])
    recall, over = region_scores(answers.zone_map, truth)
    hidden = answers.p_prohibited >= model.thresholds["clear_below"]
    each = [region_scores(m[None], t[None]) for m, t in zip(answers.zone_map, truth, strict=True)]
    values = np.array(each)
    low, high = interval(lambda i: float(values[i, 0].mean()), [np.array([i]) for i in range(len(values))])
    return {
        "pictures": COMPOSITES,
        "cells": f"{cells[0]} x {cells[1]}",
        "area of openings masked": round(recall, 4),
        "mean over openings": round(float(values[:, 0].mean()), 4),
        "interval": [round(low, 4), round(high, 4)],
        "permitted area masked too": round(over, 4),
        "picture not CLEAR": round(float(hidden.mean()), 4),
    }


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Frames of a clip, every `SECONDS_BETWEEN_FRAMES`."""
    clip = cv2.VideoCapture(str(path))
    rate = clip.get(cv2.CAP_PROP_FPS) or 25.0
    step = max(1, round(rate * SECONDS_BETWEEN_FRAMES))
    number = 0
    while clip.grab():
        if number % step == 0:
            good, frame = clip.retrieve()
            if good:
                yield np.ascontiguousarray(frame[..., ::-1], np.uint8)
        number += 1
    clip.release()


def clips(model: Model, data: Path) -> dict[str, Number]:
    """Single frames of the clips, without any memory of earlier frames."""
    low, high = model.thresholds["clear_below"], model.thresholds["prohibited_above"]
    found: dict[str, Number] = {}
    for path in sorted((data / "videos").glob("*.mp4")):
        scores = model.ask(list(frames(path))).p_prohibited
        found[path.name] = {
            "shows": "prohibited" if path.name in PRIVATE_CLIPS else "permitted",
            "frames": len(scores),
            "median p": round(float(np.median(scores)), 3),
            "hidden": round(float((scores >= low).mean()), 4),
            "PROHIBITED": round(float((scores >= high).mean()), 4),
            "CLEAR": round(float((scores < low).mean()), 4),
        }
    return found


def costs(models: Mapping[str, Model], rounds: int = 60) -> dict[str, Number]:
    """CPU time of one verdict on one core, resize included, all models in turn in one run."""
    frame = np.random.default_rng(0).integers(0, 256, (270, 480, 3), np.uint8)
    spent: dict[str, list[float]] = {name: [] for name in models}
    for number in range(rounds + 5):
        for name, model in models.items():
            began = time.thread_time()
            model.ask([frame])
            if number >= 5:
                spent[name].append((time.thread_time() - began) * 1000)
    base = float(np.median(spent[next(iter(spent))]))
    return {
        name: {
            "CPU-ms": round(float(np.median(values)), 2),
            "spread": [round(float(v), 2) for v in np.percentile(values, [25, 75])],
            "ratio to Lite0 at 224": round(float(np.median(values)) / base, 3),
        }
        for name, values in spent.items()
    }


def draw(test: TestSet, scores: Mapping[str, NDArray[np.float64]], matrix: NDArray[np.int64], zones: list[str]) -> None:
    """ROC, reliability and confusion of the shipped model into docs/models/."""
    import matplotlib as mpl  # noqa: PLC0415  # only drawing needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    PICTURES.mkdir(parents=True, exist_ok=True)
    figure, axis = plt.subplots(figsize=(5, 4))
    for name, values in scores.items():
        order = np.argsort(-values)
        hits, alarms = np.cumsum(test.shown[order]), np.cumsum(~test.shown[order])
        axis.plot(np.maximum(alarms / alarms[-1], 5e-4), hits / hits[-1], label=name)
    axis.set(xscale="log", xlim=(5e-4, 1), ylim=(0, 1.01), xlabel="permitted photos let through", ylabel="recall")
    axis.axvline(0.01, color="grey", linewidth=0.8, linestyle=":")
    axis.legend(loc="lower right")
    figure.savefig(PICTURES / "roc.png", dpi=110, bbox_inches="tight")
    figure, axis = plt.subplots(figsize=(4.5, 4))
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    for name, values in scores.items():
        index = np.minimum((values * 15).astype(int), 14)
        full = [k for k in range(15) if (index == k).sum() >= 5]
        axis.plot(
            [values[index == k].mean() for k in full], [test.shown[index == k].mean() for k in full], "o-", label=name
        )
    axis.set(xlabel="p_prohibited", ylabel="share that is prohibited")
    axis.legend()
    figure.savefig(PICTURES / "reliability.png", dpi=110, bbox_inches="tight")
    figure, axis = plt.subplots(figsize=(5, 4.4))
    axis.imshow(matrix[1:, 1:], cmap="Blues", norm="log" if matrix.max() > 1 else None)
    for row, column in np.ndindex(*matrix[1:, 1:].shape):
        axis.text(column, row, str(matrix[1 + row, 1 + column]), ha="center", va="center")
    names = [name.replace("_", "\n") for name in zones[1:]]
    axis.set(xlabel="named", ylabel="shown")
    axis.set_xticks(range(len(names)), names, fontsize=7)
    axis.set_yticks(range(len(names)), names, fontsize=7)
    figure.savefig(PICTURES / "confusion.png", dpi=110, bbox_inches="tight")
    plt.close("all")


def table(rows: Mapping[str, Mapping[str, object]], first: str) -> list[str]:
    """A Markdown table: one line per row, one column per key."""
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    lines = ["| " + " | ".join([first, *columns]) + " |", "|" + "---|" * (len(columns) + 1)]
    lines += [
        "| " + " | ".join([name, *(str(row.get(key, "")) for key in columns)]) + " |" for name, row in rows.items()
    ]
    return [*lines, ""]


def text(value: object) -> object:
    """A measured number with its interval on one line."""
    if isinstance(value, dict) and "value" in value:
        low, high = value["interval"]
        return f"{value['value']:.3f} [{low:.3f}, {high:.3f}]"
    return value


def markdown(found: Mapping[str, Any]) -> str:
    """The whole result as one page."""
    lines = ["# Accuracy of the zone models", "", "Made by `python benchmarks/accuracy.py`; see its docstring.", ""]
    everything = {
        model: {key: text(v) for key, v in parts["separation"].items()} for model, parts in found["models"].items()
    }
    flipped = {key: {model: row[key] for model, row in everything.items()} for key in next(iter(everything.values()))}
    flipped["zone named right"] = {model: text(parts["naming"]) for model, parts in found["models"].items()}
    lines += ["## On test sources", "", *table(flipped, "Measure")]
    for model, parts in found["models"].items():
        lines += [f"## {model}", ""]
        pages = {
            "As worse cameras see them": (parts.get("variants"), "Variant"),
            "States of stills": ({"share": parts["states"]}, ""),
            "Open doors": ({"share": parts["localisation"]} if "localisation" in parts else None, ""),
            "Pictures of no place": (parts["no place"], "Picture"),
            "Single frames of the clips": (parts.get("clips"), "Clip"),
            "By source": (parts["by source"], "Source"),
        }
        for title, (rows, first) in pages.items():
            if rows:
                lines += [f"### {title}", "", *table(rows, first)]
    return "\n".join([*lines, "## Cost of one verdict", "", *table(found["cost"], "Model")]).rstrip() + "\n"


def main() -> int:
    """Measure, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("PRIVACY_DATA"))
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--again", nargs="+", metavar="MODEL", help="measure only these anew")
    parser.add_argument("--quick", action="store_true", help="leave out bad cameras, open doors and clips")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "accuracy")
    asked = parser.parse_args()
    if asked.data is None:
        print("set PRIVACY_DATA to the corpus, or give --data", file=sys.stderr)
        return 2
    test = TestSet.read(asked.data)
    models = {name: Model(WEIGHTS / f"{name}.onnx") for name in asked.models if (WEIGHTS / f"{name}.onnx").exists()}
    found: dict[str, dict[str, Any]] = {"models": {}, "cost": {}}
    before = json.loads(asked.out.with_suffix(".json").read_text("utf-8"))["models"] if asked.again else {}
    curves: dict[str, NDArray[np.float64]] = {}
    matrix, zones = np.zeros((6, 6), np.int64), ["permitted"] * 6
    for name, model in models.items():
        answers = model.ask(test.pictures)
        scores = curves[name] = answers.p_prohibited
        named, confusion = naming(model, test, answers)
        matrix, zones = confusion, model.zones
        if asked.again and name not in asked.again and name in before:
            found["models"][name] = before[name]
            continue
        found["models"][name] = {
            "separation": separation(test, scores),
            "naming": named,
            "states": states(model, scores, test.shown),
            "no place": unseen_pictures(model),
            "by source": by_source(test, scores),
            "thresholds": model.thresholds,
        }
        if not asked.quick:
            found["models"][name] |= {
                "variants": variants(model, test),
                "localisation": localisation(model, test),
                "clips": clips(model, asked.data),
            }
    found["cost"] = dict(costs(models))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    asked.out.with_suffix(".md").write_text(markdown(found), "utf-8")
    draw(test, curves, matrix, zones)
    print(asked.out.with_suffix(".md"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
