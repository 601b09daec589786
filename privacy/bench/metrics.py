"""The metrics of photos, one line each, with intervals, and what a metric of a plugin looks like."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from privacy import measures
from privacy.bench import plugins, protocol
from privacy.bench.scores import Scored
from privacy.measures import Bools, Indices
from privacy.zones import PROHIBITED

HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number about one model on one set of photos.

    Attributes:
        name: As results call it.
        task: Which part of the results it belongs to.
        better: "higher" or "lower".
        of: From a model's answers and `(K,)` indices of photos (with repeats) to a number; NaN where there is none.
    """

    name: str
    task: str
    better: str
    of: Callable[[Scored, Indices], float]


def _recall(
    share: float, among: Callable[[Scored], Bools] = lambda scored: scored.shown
) -> Callable[[Scored, Indices], float]:
    def of(scored: Scored, drawn: Indices) -> float:
        return measures.recall_at(scored.p[drawn], scored.shown[drawn], among(scored)[drawn], share)

    return of


def _on_scores(measure: Callable[[measures.Floats, Bools], float]) -> Callable[[Scored, Indices], float]:
    return lambda scored, drawn: measure(scored.p[drawn], scored.shown[drawn])


def _naming(scored: Scored, drawn: Indices) -> float:
    shown = drawn[scored.shown[drawn]]
    return measures.macro_recall(scored.right[shown], scored.truth[shown])


def _calibration(scores: measures.Floats, shown: Bools) -> float:
    return measures.calibration_error(scores, shown, protocol.BINS)


METRICS = (
    Metric("AUROC", "separation", HIGHER, _on_scores(measures.auroc)),
    Metric("AUPRC", "separation", HIGHER, _on_scores(measures.average_precision)),
    *(
        Metric(f"recall at {name}", "separation", HIGHER, _recall(share))
        for name, share in protocol.FALSE_ALARMS.items()
    ),
    Metric("recall at 1 %, small sources", "separation", HIGHER, _recall(0.01, lambda scored: ~scored.large)),
    Metric("recall at 1 %, large sources", "separation", HIGHER, _recall(0.01, lambda scored: scored.large)),
    Metric("zones named right", "naming", HIGHER, _naming),
    Metric("ECE", "calibration", LOWER, _on_scores(_calibration)),
    Metric("Brier", "calibration", LOWER, _on_scores(measures.brier)),
    Metric("risk area", "abstention", LOWER, _on_scores(measures.risk_area)),
)
TASKS = tuple(dict.fromkeys(metric.task for metric in METRICS))


def metrics() -> tuple[Metric, ...]:
    """Return every metric: ours, then those of plugins.

    Raises:
        PluginError: A plugin offers something else than a metric.
    """
    offered = plugins.offered("metrics", taken=(metric.name for metric in METRICS))
    for name, metric in offered.items():
        if not isinstance(metric, Metric):
            raise plugins.PluginError(f"{name!r} is no metric but {type(metric).__name__}", name=name)
    return (*METRICS, *offered.values())


def measured(values: Sequence[float], value: float, *, better: str) -> dict[str, Any]:
    """Return a number with the interval of its resampled values, as results hold it."""
    low, high = measures.percentiles(values)
    return {"value": number(value), "low": number(low), "high": number(high), "better": better}


def number(value: float) -> float | None:
    """Return a number as results hold it: six digits after the point, None for NaN."""
    return round(float(value), 6) if np.isfinite(value) else None


class Table:
    """Metrics of several models on one set, all by the same draws, so that they can be compared.

    Args:
        scored: One for each model, all of the same photos.
        wanted: Which metrics.
        rounds: Bootstrap resamples.
        seed: Of the resampling.
    """

    def __init__(
        self, scored: Sequence[Scored], wanted: Iterable[Metric], *, rounds: int = protocol.ROUNDS, seed: int = 0
    ) -> None:
        self._scored, self._wanted = scored, tuple(wanted)
        strata = scored[0].scenes.strata
        everything = np.arange(len(scored[0].p))
        draws = measures.resamples(strata, rounds=rounds, seed=seed)
        self._values = {
            (one.model, metric.name): metric.of(one, everything) for one in scored for metric in self._wanted
        }
        self._drawn = {
            (one.model, metric.name): np.array([metric.of(one, drawn) for drawn in draws])
            for one in scored
            for metric in self._wanted
        }

    def of(self, model: str, task: str) -> dict[str, dict[str, Any]]:
        """Return the numbers of one model for one task, by name of the metric."""
        return {
            metric.name: measured(
                self._drawn[model, metric.name].tolist(), self._values[model, metric.name], better=metric.better
            )
            for metric in self._wanted
            if metric.task == task
        }

    def comparisons(self) -> list[dict[str, Any]]:
        """Return every metric of every model against the first: the difference, its interval, and how sure it is."""
        first, *others = self._scored
        return [self._compared(first, other, metric) for other in others for metric in self._wanted]

    def _compared(self, one: Scored, other: Scored, metric: Metric) -> dict[str, Any]:
        gaps = self._drawn[other.model, metric.name] - self._drawn[one.model, metric.name]
        gap = self._values[other.model, metric.name] - self._values[one.model, metric.name]
        return {
            "measure": metric.name,
            "model": other.model,
            "against": one.model,
            **measured(gaps.tolist(), gap, better=metric.better),
            "p": number(measures.two_sided(gaps.tolist())),
            "p_delong": number(measures.delong(other.p, one.p, one.shown)) if metric.name == "AUROC" else None,
        }


# -------------------------------------------------------------------------------------------------- tables and curves


def by_source(scored: Scored) -> list[dict[str, Any]]:
    """How each source fares where 1 % of all permitted photos are let through: a mean hides the site that fails."""
    threshold = measures.score_at(scored.p, scored.shown)
    flagged = scored.p > threshold
    sources = np.array(scored.scenes.sources)
    rows = []
    for source in sorted(set(sources)):
        here = sources == source
        private, permitted = here & scored.shown, here & ~scored.shown
        rows.append(
            {
                "source": str(source),
                "photos": int(here.sum()),
                "prohibited": int(private.sum()),
                "missed": int((~flagged & private).sum()),
                "false alarms": int((flagged & permitted).sum()),
                "misnamed": int((~scored.right & private).sum()),
                "right": number(float((flagged == scored.shown)[here].mean())),
            }
        )
    return rows


def confusion(scored: Scored) -> dict[str, Any]:
    """Which zone was named for which: rows are what the prohibited photos show; the last column counts failures."""
    names = [zone.slug for zone in PROHIBITED]
    counts = np.zeros((len(names), len(names) + 1), int)
    for index in np.flatnonzero(scored.shown):
        column = len(names) if scored.answers.failed[index] else int(scored.named[index]) - 1
        counts[int(scored.truth[index]) - 1, column] += 1
    return {"shown": names, "named": [*names, "failed"], "counts": counts.tolist()}


def curves(scored: Scored) -> dict[str, Any]:
    """ROC, reliability and risk-coverage, thinned to what a plot can show."""
    coverage, risk = measures.risk_coverage(scored.p, scored.shown)
    kept = np.unique(np.linspace(0, len(risk) - 1, 100).astype(int)) if len(risk) else np.zeros(0, int)
    return {
        "roc": _roc(scored),
        "reliability": [
            {"count": one.count, "said": number(one.said), "true": number(one.true)}
            for one in measures.reliability(scored.p, scored.shown, protocol.BINS)
        ],
        "risk_coverage": [[number(coverage[k]), number(risk[k])] for k in kept],
    }


def _roc(scored: Scored) -> list[list[float | None]]:
    """Points `[false alarms, recall]`; recall at every rate of false alarms that makes a difference to it."""
    if not scored.shown.any() or scored.shown.all():
        return []
    order = np.argsort(-scored.p, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(scored.p[order]) < 0, True])
    hits, alarms = np.cumsum(scored.shown[order])[ends], np.cumsum(~scored.shown[order])[ends]
    corners = np.r_[True, np.diff(hits) > 0, True][: len(ends)] if len(ends) else np.zeros(0, np.bool_)
    corners[-1] = True
    points = np.stack([alarms / alarms[-1], hits / hits[-1]], 1)[corners]
    return [[0.0, 0.0], *([number(x), number(y)] for x, y in points)]


def worst_photos(scored: Scored, count: int = 8) -> dict[str, list[dict[str, Any]]]:
    """Name the prohibited photos with the lowest scores, and the permitted ones with the highest."""
    items = scored.scenes.items
    found = {}
    for name, among, sign in (("missed", scored.shown, 1), ("false alarms", ~scored.shown, -1)):
        index = np.flatnonzero(among)
        chosen = index[np.argsort(sign * scored.p[index], kind="stable")][:count]
        found[name] = [
            {"item": items[k], "label": scored.scenes.photos[k].label, "p": number(scored.p[k])}
            for k in chosen
            if (scored.p[k] < 0.5) == (sign > 0)
        ]
    return found
