"""From scores to probabilities that can be believed, and from a stated target to thresholds.

Everything here is fitted on pictures that training did not see.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import beta

from privacy.training.data import unsure
from privacy.training.export import Calibration

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What p_prohibited of a still picture must be for each state; between the two lies UNCERTAIN.

    Attributes:
        clear_below: CLEAR at this and below.
        prohibited_above: PROHIBITED at this and above.
        miss_target: Largest share of prohibited pictures that may come out CLEAR.
        false_alarm_target: Largest share of permitted pictures that may come out PROHIBITED.
        miss_bound: Upper 95 % confidence bound (Clopper-Pearson) on the miss rate at `clear_below`.
        false_alarm_bound: The same for false alarms at `prohibited_above`.
        n: Pictures the thresholds were set on.
        n_prohibited: How many of these show a prohibited place.
        miss_bounds: `miss_bound` of the pictures of each zone alone, by its name. The target holds over all of them
            together; of a zone that few pictures show, little is known, and its bound says so.
    """

    clear_below: float
    prohibited_above: float
    miss_target: float
    false_alarm_target: float
    miss_bound: float
    false_alarm_bound: float
    n: int
    n_prohibited: int
    miss_bounds: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """One JSON object, four significant digits."""
        return json.dumps(_rounded(asdict(self)))


def log_odds(logits: NDArray[np.floating], private: NDArray[np.bool_]) -> Floats:
    """Log-odds of "one of the private names" under a softmax of `(N, C)` logits; `private` is `(C,)`."""
    values = logits.astype(np.float64)
    return _log_sum_exp(values[:, private]) - _log_sum_exp(values[:, ~private])


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """What the heads of a network say about N pictures, before calibration.

    Attributes:
        zones: `(K, N, Z)` of K zone heads; zone 0 is permitted.
        places: `(J, N, P)` of J place heads.
        private: `(P,)` bool: places in a prohibited zone.
        no_place: Index of the place that is none, if there is one.
    """

    zones: NDArray[np.floating]
    places: NDArray[np.floating]
    private: NDArray[np.bool_]
    no_place: int | None = None

    @property
    def odds(self) -> Floats:
        """`(K + J, N)` log-odds of "prohibited" by each head."""
        among = np.arange(self.zones.shape[2]) > 0
        real = np.arange(len(self.private)) != (-1 if self.no_place is None else self.no_place)
        by_place = [log_odds(head[:, real], self.private[real]) for head in self.places]
        return np.stack([*(log_odds(head, among) for head in self.zones), *by_place])

    @property
    def doubt(self) -> Floats:
        """`(N,)` probability that a picture shows no place at all; zeros where no head knows."""
        if self.no_place is None:
            return np.zeros(self.zones.shape[1])
        logits = self.places.mean(0).astype(np.float64)
        return np.asarray(np.exp(logits[:, self.no_place] - _log_sum_exp(logits)))


def fit(logits: Logits, truth: NDArray[np.integer], *, weights: Floats | None = None) -> Calibration:
    """Fit the log-odds of "prohibited" by logistic regression and the choice among zones by one temperature.

    Args:
        logits: Of N pictures.
        truth: `(N,)` index of the zone.
        weights: `(N,)` weight of each picture, so that a set can be given its prevalence in the field.

    Platt, "Probabilistic outputs for support vector machines", 1999; every weight stays positive, so that more evidence
    never lowers the probability.
    """
    odds = logits.odds
    evidence = np.concatenate([odds, np.ones((1, len(truth)))]).T
    sign = np.where(truth > 0, 1.0, -1.0)
    each = np.ones(len(truth)) if weights is None else weights / weights.mean()

    def loss(theta: Floats) -> float:
        return float((each * np.logaddexp(0, -sign * (evidence @ theta))).mean() + 1e-4 * (theta[:-1] ** 2).sum())

    bounds = [(0.0, None)] * len(odds) + [(None, None)]
    theta = minimize(loss, np.array([0.5] * len(odds) + [0.0]), bounds=bounds).x
    shown = truth > 0
    private_logits = logits.zones.mean(0)[shown, 1:].astype(np.float64)

    def misnamed(log_temperature: float) -> float:
        scaled = private_logits / np.exp(log_temperature)
        return float((each[shown] * (_log_sum_exp(scaled) - scaled[np.arange(len(scaled)), truth[shown] - 1])).mean())

    temperature = float(np.exp(minimize_scalar(misnamed, bounds=(-2, 2), method="bounded").x)) if shown.any() else 1.0
    return Calibration(
        scales=tuple(map(float, theta[: len(logits.zones)])),
        place_scales=tuple(map(float, theta[len(logits.zones) : -1])),
        bias=float(theta[-1]),
        temperature=temperature,
    )


def apply(fitted: Calibration, logits: Logits) -> Floats:
    """Calibrated `(N, Z)` probabilities, as the exported graph computes them."""
    odds = np.array([*fitted.scales, *fitted.place_scales]) @ logits.odds + fitted.bias
    prohibited = 1 / (1 + np.exp(-odds.clip(-60, 60)))
    scaled = logits.zones.mean(0)[:, 1:].astype(np.float64) / fitted.temperature
    which = np.exp(scaled - _log_sum_exp(scaled)[:, None])
    sure = np.concatenate([1 - prohibited[:, None], prohibited[:, None] * which], 1)
    doubt = logits.doubt[:, None]
    return np.asarray((1 - doubt) * sure + doubt * unsure(sure.shape[1]))


def thresholds(
    p_prohibited: NDArray[np.floating],
    prohibited: NDArray[np.bool_],
    *,
    miss: float = 0.01,
    false_alarm: float = 0.01,
    doubt: tuple[float, float] = (0.4, 0.6),
    looks: int = 1,
    zones: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Thresholds:
    """The thresholds that meet the targets with the least UNCERTAIN.

    `clear_below` is the split-conformal quantile of the prohibited pictures' scores: of new pictures exchangeable with
    these, at most a share `miss` comes out CLEAR in expectation (Vovk et al., "Algorithmic Learning in a Random World",
    2005; Angelopoulos & Bates, arXiv 2107.07511). `prohibited_above` likewise from the permitted pictures.

    Args:
        p_prohibited: `(N,)` calibrated probabilities of held-out pictures.
        prohibited: `(N,)` bool, what they show.
        miss: Target, in (0, 1).
        false_alarm: Target, in (0, 1).
        doubt: Probabilities between these are UNCERTAIN whatever the targets allow: a picture of no place scores there.
        looks: How many of the N are looks at one picture. Bounds count pictures, an error in one look in three as a
            third of an error: looks at one picture err together.
        zones: `(N,)` bool each, which pictures show a zone that is bounded by itself, by its name.
    """
    shown = np.sort(p_prohibited[prohibited].astype(np.float64))
    other = np.sort(p_prohibited[~prohibited].astype(np.float64))
    low = int(np.floor((len(shown) + 1) * miss))
    high = int(np.floor((len(other) + 1) * false_alarm))
    clear_below = min(float(shown[low - 1]) if low >= 1 else 0.0, doubt[0])
    prohibited_above = max(float(other[-high]) if high >= 1 else 1.0, doubt[1])
    return Thresholds(
        clear_below=clear_below,
        prohibited_above=prohibited_above,
        miss_target=miss,
        false_alarm_target=false_alarm,
        miss_bound=_bound(shown <= clear_below, looks),
        false_alarm_bound=_bound(other >= prohibited_above, looks),
        n=len(p_prohibited) // looks,
        n_prohibited=len(shown) // looks,
        miss_bounds={name: _bound(p_prohibited[among] <= clear_below, looks) for name, among in (zones or {}).items()},
    )


def _bound(wrong: NDArray[np.bool_], looks: int) -> float:
    return upper_bound(math.ceil(int(wrong.sum()) / looks), len(wrong) // looks)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def upper_bound(errors: int, trials: int, *, confidence: float = 0.95) -> float:
    """Clopper-Pearson upper bound on a rate of which `errors` in `trials` were seen; 1 if there were no trials."""
    if errors >= trials:
        return 1.0
    return float(beta.ppf(confidence, errors + 1, trials - errors))


def _log_sum_exp(values: Floats) -> Floats:
    top = values.max(-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(values - top).sum(-1)))
