"""The whole recipe, from photos to the file that ships.

1. `fold`: train without the held-out photos, and ask the result about them, plain, grey and as a bad camera sees them.
2. Fit calibration and thresholds on those answers.
3. `final`, where there is one: go on from the fold's weights with all training photos.
4. Export with that calibration: fp32 ONNX, safetensors, int8 ONNX.

The final weights have seen the photos the calibration was fitted on, so nothing is fitted on them again: calibration
and thresholds are the fold's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from privacy.measures import auroc, recall_at
from privacy.models import catalogue
from privacy.training import augment, calibrate, detector, export, train
from privacy.training.config import TrainConfig
from privacy.training.data import Balance, Photo, Vocabulary, draw_probabilities, held_out, load, read_corpus
from privacy.training.evaluate import as_grey
from privacy.training.network import ZoneNet, normalise

log = logging.getLogger(__name__)

VERSION = "1.0.0"
WEIGHTS = Path("privacy/models/weights")
PRIOR = 0.3
"""Share of prohibited pictures that the probabilities assume: between the field's (few) and the draws' (half)."""
FINGERPRINT_PHOTOS = 2000
INT8_PHOTOS = 300
MISSES = (0.01, 0.02, 0.05, 0.08, 0.1)
"""Shares of prohibited stills that may come out CLEAR, for each of which thresholds are written beside the weights."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The runs of a shipped model.

    Attributes:
        fold: Run without the held-out photos.
        final: Run that goes on with all of them; None to ship the first.
        name: Name of the files.
        weights: Folder they are written to.
        half: Write weights as float16, and no int8 file.
    """

    fold: TrainConfig
    final: TrainConfig | None
    name: str = "zones-lite0"
    weights: Path = WEIGHTS
    half: bool = False


def recipe(data: Path, out: Path, *, name: str = "zones-lite0", weights: Path = WEIGHTS) -> Recipe:
    """The recipe that made a shipped model.

    Raises:
        KeyError: No recipe has this name.
    """
    return RECIPES[name](data, out, weights)


def _all_photos(fold: TrainConfig) -> TrainConfig:
    """Return the run that goes on from a fold's weights with all photos, in draws of its own and more slowly."""
    start = fold.out / fold.digest / "averaged.pt"
    return replace(fold, fold=False, start=start, seed=2, head_rate=1e-3)


def _lite0(data: Path, out: Path, weights: Path) -> Recipe:
    fold = TrainConfig(data=data, out=out, epochs=6, fold=True)
    final = replace(_all_photos(fold), epochs=3, trunk_rate=3.5e-4, close_up=0.12, elsewhere=0.06)
    return Recipe(fold, final, name="zones-lite0", weights=weights)


def _lite2(data: Path, out: Path, weights: Path) -> Recipe:
    fold = TrainConfig(
        data=data,
        out=out,
        trunk="lite2",
        twin=True,
        size=(224, 288),
        frozen_stages=5,
        frozen_norms=True,
        epochs=4,
        trunk_rate=3e-4,
        no_picture=0.05,
        close_up=0.1,
        elsewhere=0.08,
        fold=True,
    )
    return Recipe(fold, None, name="zones-lite2", weights=weights, half=True)


def _wide(data: Path, out: Path, weights: Path) -> Recipe:
    fold = replace(
        _lite2(data, out, weights).fold,
        size=(320, 416),
        trunk_size=(224, 288),
        detector=True,
        no_place=True,
        as_is=0.3,
        epochs=6,
    )
    final = replace(_all_photos(fold), epochs=2, trunk_rate=2e-4)
    return Recipe(fold, final, name="zones-wide", weights=weights, half=True)


def _distilled(data: Path, out: Path, weights: Path) -> Recipe:
    fold = TrainConfig(
        data=data,
        out=out,
        drawn=(320, 416),
        distils=catalogue.path_of(catalogue.card("zones-wide")),
        distil_share=0.7,
        epochs=6,
        no_picture=0.05,
        no_place=True,
        close_up=0.1,
        as_is=0.3,
        elsewhere=0.08,
        elsewhere_parts=("train2017", "val2017"),
        fold=True,
    )
    final = replace(_all_photos(fold), epochs=2, trunk_rate=3.5e-4, close_up=0.16, elsewhere=0.16)
    return Recipe(fold, final, name="zones-distilled", weights=weights, half=True)


RECIPES = {"zones-lite0": _lite0, "zones-lite2": _lite2, "zones-wide": _wide, "zones-distilled": _distilled}
"""By the name of the files."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Logits for held-out photos, every look at a photo beside the others.

    Attributes:
        zones: `(L, K, N, Z)` float32 logits: L looks at N photos by K zone heads.
        places: `(L, J, N, P)` float32 logits of J place heads.
        truth: `(N,)` int64 zone.
        weights: `(N,)` float64, sums to 1: how often a photo of its kind is drawn.
        sources: Source of each photo.
    """

    zones: NDArray[np.float32]
    places: NDArray[np.float32]
    truth: NDArray[np.int64]
    weights: NDArray[np.float64]
    sources: tuple[str, ...]

    def logits(self, vocabulary: Vocabulary, look: int | None = None) -> calibrate.Logits:
        """One look at every photo; without `look`, all looks, one after the other."""
        looks = range(len(self.zones)) if look is None else [look]
        return calibrate.Logits(
            zones=np.concatenate([self.zones[index] for index in looks], 1),
            places=np.concatenate([self.places[index] for index in looks], 1),
            private=private_places(vocabulary),
            no_place=vocabulary.no_place,
        )


LOOKS = ("plain", "grey", "bad camera")
"""How each held-out photo is looked at."""


def ask_held_out(config: TrainConfig, trained: train.Trained) -> Answers:
    """Ask a fold's network about the photos it has not seen."""
    photos = [photo for photo in read_corpus(config.data) if photo.split == "train"]
    chances = draw_probabilities(photos, Balance())
    hidden = np.flatnonzero(held_out(photos))
    session = raw_session(trained.net, config)
    zones, places = [], []
    for look in LOOKS:
        answers = [session.run(None, {"images": images}) for images in _batches(photos, hidden, look, config)]
        zones.append(np.concatenate([answer[0] for answer in answers]).swapaxes(0, 1))
        places.append(np.concatenate([answer[1] for answer in answers]).swapaxes(0, 1))
    return Answers(
        zones=np.stack(zones),
        places=np.stack(places),
        truth=np.array([int(photos[index].meaning.zone) for index in hidden]),
        weights=chances[hidden] / chances[hidden].sum(),
        sources=tuple(photos[index].source for index in hidden),
    )


def _batches(photos: list[Photo], chosen: NDArray[np.intp], look: str, config: TrainConfig) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(config.seed)
    views = []
    for index in chosen:
        view = augment.resize(load(photos[index], short_side=max(256, config.size[0])), config.size)
        if look == "grey":
            view = as_grey(view)
        elif look == "bad camera":
            view = augment.chain(augment.chain(view, augment.PLACEMENT, rng), augment.CAMERA, rng)
        views.append(view)
    return [np.stack(views[at : at + 16]) for at in range(0, len(views), 16)]


class _Raw(nn.Module):
    def __init__(self, net: ZoneNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor, evidence: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scores = self.net(normalise(images), evidence)
        by_zone, by_place = torch.stack(scores.opinions, 1), torch.stack(scores.place_opinions, 1)
        return by_zone, by_place, scores.zone_map, scores.pooled


def raw_session(net: ZoneNet, config: TrainConfig) -> ort.InferenceSession:
    """The network as it is, without calibration, in ONNX Runtime: zones and places by each head, zone_map, pooled."""
    names = ["zones", "places", "zone_map", "pooled"]
    graph = export.graph_of(_Raw(net), config.size, names, detector=detector_of(config))
    options = ort.SessionOptions()
    options.intra_op_num_threads = config.threads
    options.log_severity_level = 3
    return ort.InferenceSession(graph.SerializeToString(), options)


def detector_of(config: TrainConfig) -> onnx.ModelProto | None:
    """The detector's graph at the size of a config's pictures, if it has a detector."""
    return detector.evidence_graph(config.data, config.size) if config.detector else None


def fit(answers: Answers, vocabulary: Vocabulary) -> tuple[export.Calibration, tuple[calibrate.Thresholds, ...]]:
    """Calibration and thresholds from held-out answers."""
    looks, logits = len(answers.zones), answers.logits(vocabulary)
    truth, weights = np.tile(answers.truth, looks), np.tile(answers.weights, looks)
    prohibited = truth > 0
    weights = (
        np.where(prohibited, PRIOR / weights[prohibited].sum(), (1 - PRIOR) / weights[~prohibited].sum()) * weights
    )
    fitted = calibrate.fit(logits, truth, weights=weights)
    p_prohibited = 1 - calibrate.apply(fitted, logits)[:, 0]
    zones = {zone.slug: truth == int(zone) for zone in vocabulary.zones if int(zone) in truth[prohibited]}
    return fitted, tuple(
        calibrate.thresholds(p_prohibited, prohibited, miss=miss, looks=looks, zones=zones) for miss in MISSES
    )


def private_places(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """`(P,)` bool: which places lie in a prohibited zone."""
    return np.arange(len(vocabulary.places)) < vocabulary.private


def names_of(trained: train.Trained) -> export.Names:
    """Names of a network's outputs."""
    words = trained.vocabulary
    return export.Names(
        zones=tuple(zone.slug for zone in words.zones),
        places=words.places,
        private_places=words.places[: words.private],
        objects=trained.objects,
    )


def write(
    plan: Recipe, trained: train.Trained, fitted: export.Calibration, thresholds: Sequence[calibrate.Thresholds]
) -> dict[str, str]:
    """Export the final network, with the first of the thresholds inside; returns the sha256 of each file by name."""
    config = plan.final or plan.fold
    photos = [photo for photo in read_corpus(config.data) if photo.split == "train"]
    rng = np.random.default_rng(0)
    some = rng.choice(len(photos), FINGERPRINT_PHOTOS, replace=False)
    session = raw_session(trained.net, config)
    pooled = np.concatenate([session.run(None, {"images": x})[3] for x in _batches(photos, some, "plain", config)])
    projection, centre = export.fingerprint_projection(pooled)
    model = export.Shipped(trained.net, names_of(trained), fitted, projection, centre)
    facts = export.metadata_of(
        names_of(trained),
        version=VERSION,
        training=f"fold {plan.fold.digest}, final {plan.final.digest if plan.final else 'none'}",
        thresholds=thresholds[0].to_json(),
    )
    base = plan.weights / plan.name
    plan.weights.mkdir(parents=True, exist_ok=True)
    written = [base.with_suffix(".onnx"), base.with_suffix(".safetensors")]
    detects = detector_of(config)
    export.to_onnx(model, written[0], size=config.size, metadata=facts, half=plan.half, detector=detects)
    export.to_safetensors(model, written[1], metadata=facts, half=plan.half)
    if not plan.half:
        even = rng.choice(len(photos), INT8_PHOTOS, p=draw_probabilities(photos, Balance()))
        pictures = np.concatenate(_batches(photos, even[: INT8_PHOTOS // 2], "plain", config))
        worse = np.concatenate(_batches(photos, even[INT8_PHOTOS // 2 :], "bad camera", config))
        written.append(plan.weights / f"{plan.name}-int8.onnx")
        export.to_int8(written[0], written[2], np.concatenate([pictures, worse]))
    (plan.weights / f"{plan.name}.thresholds.json").write_text(
        "[\n " + ",\n ".join(row.to_json() for row in thresholds) + "\n]\n", "utf-8"
    )
    return {path.name: export.sha256_of(path) for path in written}


def make(plan: Recipe, progress: train.Progress | None = None) -> dict[str, str]:
    """Run the recipe; about two hours on two cores. Returns the sha256 of each file by name."""
    fold = train.run(plan.fold, progress)
    answers = ask_held_out(plan.fold, fold)
    fitted, thresholds = fit(answers, fold.vocabulary)
    log.info("held-out photos: %s", report(answers, fold.vocabulary))
    last = train.run(plan.final, progress) if plan.final else fold
    return write(plan, last, fitted, thresholds)


def report(answers: Answers, vocabulary: Vocabulary) -> str:
    """One JSON line on how well held-out photos are told apart, for the table of what was tried."""
    small = np.array([not s.startswith(("kaggle", "miniplaces", "places365")) for s in answers.sources])
    shown = answers.truth > 0
    fitted, thresholds = fit(answers, vocabulary)
    lines = {}
    for look, name in enumerate(LOOKS):
        scores = 1 - calibrate.apply(fitted, answers.logits(vocabulary, look))[:, 0]
        lines[name] = {
            "auroc": round(auroc(scores, shown), 4),
            "recall": round(recall_at(scores, shown, shown), 3),
            "recall small": round(recall_at(scores, shown, small), 3),
            "by zone": [
                round(recall_at(scores, shown, answers.truth == z), 3) for z in range(1, answers.zones.shape[-1])
            ],
        }
    return json.dumps({**lines, "thresholds": json.loads(thresholds[0].to_json()), "fit": str(fitted)})
