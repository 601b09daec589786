"""How good scores are: separation, calibration, abstention, naming, regions, and how sure one may be of each number.

Pure functions of arrays. Throughout, `scores` is `(N,)` float64 in [0, 1], the probability that a picture shows a
prohibited place, and `shown` is `(N,)` bool, whether it does. What cannot be computed, for want of one kind of picture,
is NaN.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

NAN = float("nan")


# --------------------------------------------------------------------------------------------------------- separation


def auroc(scores: Floats, shown: Bools) -> float:
    """Area under the ROC curve: the chance that a prohibited picture outranks a permitted one, ties counted half."""
    count = int(shown.sum())
    others = len(scores) - count
    if not count or not others:
        return NAN
    return float((_midranks(scores)[shown].sum() - count * (count + 1) / 2) / (count * others))


def average_precision(scores: Floats, shown: Bools) -> float:
    """Area under the precision-recall curve, as a sum of steps, each as wide as the recall it adds.

    Davis & Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006, on why not by trapezoids.
    """
    if not shown.any():
        return NAN
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(shown[order])
    ends = np.flatnonzero(np.r_[np.diff(scores[order]) < 0, True])  # equal scores are let through together
    precision, recall = hits[ends] / (ends + 1), hits[ends] / hits[-1]
    return float((np.diff(np.r_[0, recall]) * precision).sum())


def score_at(scores: Floats, shown: Bools, false_alarm: float = 0.01) -> float:
    """Score above which at most a share `false_alarm` of the permitted pictures lies."""
    permitted = np.sort(scores[~shown])[::-1]
    return float(permitted[int(np.floor(false_alarm * len(permitted)))]) if len(permitted) else NAN


def recall_at(scores: Floats, shown: Bools, among: Bools, false_alarm: float = 0.01) -> float:
    """Share of the prohibited pictures `among` that score above `score_at` of all permitted ones."""
    chosen = shown & among
    if not chosen.any() or shown.all():
        return NAN
    return float((scores[chosen] > score_at(scores, shown, false_alarm)).mean())


# -------------------------------------------------------------------------------------------------------- calibration


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures with about the same score.

    Attributes:
        count: How many.
        said: Their mean score.
        true: Share of them that is prohibited.
    """

    count: int
    said: float
    true: float


def reliability(scores: Floats, shown: Bools, bins: int = 15) -> list[Bin]:
    """Return the bins of equal width that hold any picture, in order."""
    index = np.minimum((scores * bins).astype(int), bins - 1)
    chosen = [index == number for number in range(bins)]
    return [
        Bin(int(here.sum()), float(scores[here].mean()), float(shown[here].mean())) for here in chosen if here.any()
    ]


def calibration_error(scores: Floats, shown: Bools, bins: int = 15) -> float:
    """Expected calibration error: mean gap of probability and frequency over equal-width bins (Guo et al., 2017)."""
    if not len(scores):
        return NAN
    index = np.minimum((scores * bins).astype(int), bins - 1)
    said, true = (np.bincount(index, values, bins) for values in (scores, shown.astype(np.float64)))
    return float(np.abs(said - true).sum() / len(scores))


def brier(scores: Floats, shown: Bools) -> float:
    """Mean squared error of the probability (Brier, 1950)."""
    return float(((scores - shown) ** 2).mean()) if len(scores) else NAN


# --------------------------------------------------------------------------------------------------------- abstention


def risk_coverage(scores: Floats, shown: Bools) -> tuple[Floats, Floats]:
    """Return the share of pictures ruled on, and the error among them, as the least sure are left out one by one.

    A picture is ruled prohibited from 0.5 on, and is as sure as it is far from 0.5. Equally sure ones share their
    errors, so that the order of the pictures does not matter. El-Yaniv & Wiener, JMLR 11, 2010.

    Returns:
        Two `(N,)` float64 in (0, 1] and [0, 1], coverage rising.
    """
    sure = np.abs(scores - 0.5)
    _, group = np.unique(-sure, return_inverse=True)
    wrong = ((scores >= 0.5) != shown).astype(np.float64)
    shared = (np.bincount(group, wrong) / np.bincount(group))[group] if len(wrong) else wrong
    asked = np.arange(1, len(scores) + 1)
    return asked / max(len(scores), 1), np.cumsum(shared[np.argsort(group, kind="stable")]) / asked


def risk_area(scores: Floats, shown: Bools) -> float:
    """Mean risk over all coverages (AURC); 0 is best. Geifman, Uziel & El-Yaniv, ICLR 2019."""
    return float(risk_coverage(scores, shown)[1].mean()) if len(scores) else NAN


# ------------------------------------------------------------------------------------------------------------- naming


def macro_recall(right: Bools, truth: NDArray[np.integer]) -> float:
    """Mean over the classes that occur in `truth` `(N,)` of the share of their pictures that is `right` `(N,)`."""
    _, group = np.unique(truth, return_inverse=True)
    return float((np.bincount(group, right) / np.bincount(group)).mean()) if len(truth) else NAN


def region_scores(zone_map: NDArray[np.float32], truth: NDArray[np.float32], at: float = 0.5) -> tuple[float, float]:
    """How well a zone map finds a region, over a set of pictures.

    Args:
        zone_map: `(N, h, w)` float32 in [0, 1].
        truth: `(N, h, w)` float32, share of each cell that shows the prohibited place.
        at: Cells at this probability and above are masked.

    Returns:
        Share of the prohibited area that is masked, and share of the permitted area that is masked too.
    """
    masked = zone_map >= at
    recall = float((masked * truth).sum() / max(float(truth.sum()), 1e-9))
    return recall, float((masked * (1 - truth)).sum() / max(float((1 - truth).sum()), 1e-9))


# ------------------------------------------------------------------------------------------------ how sure one may be


def resamples(strata: Sequence[Indices], *, rounds: int = 1000, seed: int = 0) -> list[Indices]:
    """Draw whole strata with replacement; two models judged by the same draws can be compared.

    Args:
        strata: Units that are drawn: one array of indices per source where there are several sources, or one index per
            array to draw pictures.
        rounds: Number of resamples.
        seed: Of the resampling.
    """
    rng = np.random.default_rng(seed)
    picks = (rng.integers(len(strata), size=len(strata)) for _ in range(rounds))
    return [np.concatenate([strata[number] for number in picked]) for picked in picks]


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the middle 95 % (Efron & Tibshirani, 1993, percentile); NaN values are left out, and NaN if all are."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return NAN, NAN
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def interval(
    metric: Callable[[Indices], float],
    strata: Sequence[Indices],
    *,
    rounds: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % bootstrap interval.

    Args:
        metric: From indices (with repeats) to a number; NaN rounds are left out.
        strata: Units that are drawn; see `resamples`.
        rounds: Number of resamples.
        seed: Of the resampling.
    """
    return percentiles([metric(drawn) for drawn in resamples(strata, rounds=rounds, seed=seed)])


def two_sided(differences: Sequence[float]) -> float:
    """Return the p-value of "there is no difference" from bootstrapped differences; never below 1 / (rounds + 1)."""
    known = np.asarray(differences, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return NAN
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(known) + 1))


def delong(one: Floats, other: Floats, shown: Bools) -> float:
    """Return the two-sided p-value of "both models have the same AUROC" on the same pictures, drawn one by one.

    DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988, by midranks as in Sun & Xu, IEEE SPL 21(11), 2014.
    """
    count, others = int(shown.sum()), int((~shown).sum())
    if min(count, others) < 2:
        return NAN
    gaps = _placements(one, shown), _placements(other, shown)
    private, permitted = (first - second for first, second in zip(*gaps, strict=True))
    variance = float(private.var(ddof=1) / count + permitted.var(ddof=1) / others)
    difference = float(private.mean())
    if variance <= 0:
        return 1.0 if difference == 0 else 0.0
    return math.erfc(abs(difference) / math.sqrt(2 * variance))


def _placements(scores: Floats, shown: Bools) -> tuple[Floats, Floats]:
    """Share of permitted pictures below each prohibited one, and of prohibited ones above each permitted one."""
    together = _midranks(scores)
    private = (together[shown] - _midranks(scores[shown])) / (~shown).sum()
    return private, 1 - (together[~shown] - _midranks(scores[~shown])) / shown.sum()


def _midranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[group], np.float64)
