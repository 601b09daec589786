"""Do renders help on real pictures? A linear probe on frozen features, trained with and without them.

    python benchmarks/renders_probe.py --data ../shared/corpus --renders FOLDER --out benchmarks/results/renders_probe

`FOLDER` is what `datasets/rendered/render.py stills --split train --seed 8` wrote. Features are the mean of
EfficientNet-Lite0 (ImageNet, frozen) at 224 pixels; the probe is multinomial logistic regression over the zones that
real data exists for. Judged on real photos of sources that training never sees (`privacy.training.data.held_out`, the
fold that choices are made on; the corpus's test split is not touched), and on the shipped sample's test rooms: other
seeds, and fixtures of families that no rendered training room has. Recall is taken at the score that 1 % of the
permitted pictures of the same kind exceed. Intervals are 95 %, from 2,000 resamples of photos, or of rendered rooms;
those of a gain resample both probes alike. The share of renders among all draws was set before anything was measured.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from privacy.training import data
from privacy.training.data import Photo
from privacy.training.network import Trunk
from privacy.training.train import imagenet_weights
from privacy.zones import Zone

SAMPLE = data.DATASETS / "rendered" / "sample"
SIDE = 224
RENDERED_SHARE = 0.2
"""Of all draws, where renders are used."""
DECAY = 1e-3
RESAMPLES = 2000
Floats = NDArray[np.float64]
Measure = Callable[[Floats, NDArray[np.bool_]], float]
"""Of scores and of what is prohibited."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Pictures to judge on.

    Attributes:
        private: `(N,)` bool: what they show is prohibited.
        clusters: `(N,)` int: what is resampled together.
        labels: `(N,)` names, for recall by label.
    """

    private: NDArray[np.bool_]
    clusters: NDArray[np.int64]
    labels: NDArray[np.str_]

    @classmethod
    def of(cls, photos: Sequence[Photo], clusters: Sequence[str]) -> "Judged":
        """Judge on these photos, resampled by cluster."""
        return cls(
            np.array([photo.meaning.zone is not Zone.PERMITTED for photo in photos]),
            np.unique(clusters, return_inverse=True)[1],
            np.array([photo.label for photo in photos]),
        )


def features(photos: Sequence[Photo], cache: Path) -> NDArray[np.float32]:
    """Return `(N, 1280)` float32, from `cache` if these photos were asked for before."""
    digest = hashlib.sha256("\n".join(str(photo.path) for photo in photos).encode()).hexdigest()[:16]
    kept = cache / f"lite0-{SIDE}-{digest}.npy"
    if kept.is_file():
        return np.asarray(np.load(kept), np.float32)
    trunk = Trunk()
    trunk.load_state_dict(imagenet_weights("lite0"))
    trunk.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(photos), 32):
            batch = [data.load(photo) for photo in photos[start : start + 32]]
            small = np.stack([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in batch])
            planes = (torch.from_numpy(small).permute(0, 3, 1, 2).float() - 127.0) / 128.0
            found.append(trunk(planes)[1].mean((2, 3)).numpy())
    cache.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.concatenate(found))
    return np.asarray(np.concatenate(found), np.float32)


def learn(seen: NDArray[np.float32], targets: NDArray[np.float32], weights: Floats) -> Callable[..., Floats]:
    """Fit the probe; return what gives p(prohibited) of features."""
    mean, spread = seen.mean(0), seen.std(0) + 1e-3
    x, y = torch.from_numpy((seen - mean) / spread), torch.from_numpy(targets)
    share = torch.from_numpy((weights / weights.sum()).astype(np.float32))
    matrix = torch.zeros(targets.shape[1], seen.shape[1] + 1, requires_grad=True)
    solver = torch.optim.LBFGS([matrix], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        scores = functional.linear(x, matrix[:, :-1], matrix[:, -1])
        cost: torch.Tensor = -(share * (y * scores.log_softmax(1)).sum(1)).sum() + DECAY * matrix[:, :-1].square().sum()
        cost.backward()  # type: ignore[no-untyped-call] # torch has no types here
        return cost

    solver.step(loss)  # type: ignore[no-untyped-call] # nor here
    weight = matrix.detach().numpy()

    def private(pictures: NDArray[np.float32]) -> Floats:
        scores = (pictures - mean) / spread @ weight[:, :-1].T + weight[:, -1]
        odds = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(1 - odds[:, 0] / odds.sum(1), np.float64)

    return private


def auroc(scores: Floats, private: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve, by ranks; ties count half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    values, index = np.unique(scores, return_inverse=True)
    ranks = (np.bincount(index, ranks) / np.bincount(index))[index] if len(values) < len(scores) else ranks
    count, rest = int(private.sum()), int((~private).sum())
    return float((ranks[private].sum() - count * (count + 1) / 2) / (count * rest))


def recall(scores: Floats, private: NDArray[np.bool_]) -> float:
    """Return the share of private pictures above the score that 1 % of the permitted ones exceed."""
    return float((scores[private] > np.quantile(scores[~private], 0.99)).mean())


def interval(judged: Judged, of: Measure, *scores: Floats) -> list[float]:
    """Return the 95 % bootstrap interval of a measure of some scores, or of its gain from the first to the second."""
    rng, groups = np.random.default_rng(0), int(judged.clusters.max()) + 1
    members = [np.flatnonzero(judged.clusters == group) for group in range(groups)]
    found: list[float] = []
    while len(found) < RESAMPLES:
        index = np.concatenate([members[group] for group in rng.integers(groups, size=groups)])
        private = judged.private[index]
        if 0 < private.sum() < len(index):
            values = [of(one[index], private) for one in scores]
            found.append(values[-1] - (values[0] if len(values) > 1 else 0.0))
    return [round(float(value), 3) for value in np.quantile(found, (0.025, 0.975))]


def compare(judged: Judged, without: Floats, renders: Floats) -> dict[str, object]:
    """Return each measure of both probes, and the gain, with intervals."""
    result: dict[str, object] = {"pictures": len(judged.private), "private": int(judged.private.sum())}
    for name, of in (("auroc", auroc), ("recall_at_1_percent", recall)):
        before, after = of(without, judged.private), of(renders, judged.private)
        result[name] = {
            "without": [round(before, 3), *interval(judged, of, without)],
            "with": [round(after, 3), *interval(judged, of, renders)],
            "gain": [round(after - before, 3), *interval(judged, of, without, renders)],
        }
    limits = [float(np.quantile(scores[~judged.private], 0.99)) for scores in (without, renders)]
    result["labels"] = {
        str(label): {
            "pictures": int((judged.labels == label).sum()),
            "without": round(float((without[judged.labels == label] > limits[0]).mean()), 3),
            "with": round(float((renders[judged.labels == label] > limits[1]).mean()), 3),
        }
        for label in np.unique(judged.labels[judged.private])
    }
    return result


def measure(root: Path, renders: Path, cache: Path) -> dict[str, object]:
    """Train both probes and judge them."""
    real = [photo for photo in data.read_corpus(root) if photo.split == "train"]
    out = data.held_out(real)
    learned = [photo for photo, kept in zip(real, out, strict=True) if not kept]
    choosing = [photo for photo, kept in zip(real, out, strict=True) if kept]
    made = [photo for photo in data.read_rendered(renders) if photo.meaning.zone is not Zone.OTHER_PRIVATE]
    strange = [
        photo for photo in data.read_rendered(SAMPLE, split="test") if photo.meaning.zone is not Zone.OTHER_PRIVATE
    ]
    words = data.Vocabulary.of(learned)
    target = {
        name: np.stack([words.zone_target(photo.meaning) for photo in photos])
        for name, photos in (("real", learned), ("made", made))
    }
    seen = {
        name: features(photos, cache)
        for name, photos in (("real", learned), ("made", made), ("choosing", choosing), ("strange", strange))
    }
    draws = data.draw_probabilities(learned, data.Balance())
    zones = np.array([photo.meaning.zone.slug for photo in made])
    even = np.array(
        [
            1 / (2 * (zones == "permitted").sum()) if zone == "permitted" else 1 / (2 * (zones != "permitted").sum())
            for zone in zones
        ]
    )
    plain = learn(seen["real"], target["real"], draws)
    both = learn(
        np.concatenate([seen["real"], seen["made"]]),
        np.concatenate([target["real"], target["made"]]),
        np.concatenate([(1 - RENDERED_SHARE) * draws, RENDERED_SHARE * even]),
    )
    judged = {
        "real photos of other sources": ("choosing", Judged.of(choosing, [str(photo.path) for photo in choosing])),
        "renders of other seeds and families": ("strange", Judged.of(strange, [photo.group for photo in strange])),
    }
    return {
        "real_trained_on": len(learned),
        "renders_trained_on": len(made),
        "share_of_renders": RENDERED_SHARE,
        **{name: compare(one, plain(seen[key]), both(seen[key])) for name, (key, one) in judged.items()},
    }


def table(result: dict[str, object]) -> str:
    """Return the result as Markdown."""
    trained = f"{result['real_trained_on']} real photos; {result['renders_trained_on']} renders, which are"
    lines = [
        "# A linear probe trained with and without renders",
        "",
        "`python benchmarks/renders_probe.py --help` says what is measured.",
        "",
        f"{trained} {result['share_of_renders']:.0%} of the draws where they are used.",
    ]
    for name, found in result.items():
        if not isinstance(found, dict):
            continue
        lines += [
            "",
            f"## {name.capitalize()}",
            "",
            f"{found['pictures']} pictures, {found['private']} of them prohibited.",
        ]
        lines += ["", "| | Without | With | Gain |", "|---|---|---|---|"]
        for key in ("auroc", "recall_at_1_percent"):
            cells = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in found[key].values()]
            lines.append(f"| {key.replace('_', ' ')} | " + " | ".join(cells) + " |")
        lines += ["", "| Recall of | Pictures | Without | With |", "|---|---|---|---|"]
        lines += [
            f"| {label} | {row['pictures']} | {row['without']} | {row['with']} |"
            for label, row in found["labels"].items()
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="The corpus.")
    parser.add_argument("--renders", type=Path, required=True, help="To train with.")
    parser.add_argument("--cache", type=Path, default=Path("probe-cache"), help="Where features are kept.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="Written as .json and .md.")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    result = measure(asked.data, asked.renders, asked.cache)
    asked.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    asked.out.with_suffix(".md").write_text(table(result), "utf-8")
    print(table(result))


if __name__ == "__main__":
    main()
