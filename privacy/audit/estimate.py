"""How much of the time is prohibited, and how sure that is; docs/audit.md has the method and its assumptions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share of time with its interval, all in [0, 1].

    Attributes:
        share: The estimate.
        lower: Lower end.
        upper: Upper end.
        confidence: Of the interval.
    """

    share: float
    lower: float
    upper: float
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Sight:
    """What the estimate needs of one finding.

    Attributes:
        seconds: How long it lasts.
        scan_gap: Distance of the looks that could have missed it, seconds.
        within: By how much its length may be wrong, seconds: half-widths of both ends, added.
    """

    seconds: float
    scan_gap: float
    within: float


def p_missed(gaps: NDArray[np.float64], event_s: float) -> float:
    """Return the probability that an event of this length, anywhere in the recorded time, is not looked at at all.

    Args:
        gaps: Seconds between successive looks, of all recordings.
        event_s: Length of the event.
    """
    total = float(gaps.sum())
    return float(np.clip(gaps - event_s, 0, None).sum() / total) if total > 0 else 0.0


def share_of_time(sights: Sequence[Sight], recorded_s: float, longest_gap_s: float) -> Share:
    """Estimate the share of time that would be ruled prohibited if every second were looked at.

    Horvitz and Thompson (JASA 47, 1952): a sight that looks `g` apart meet with probability `pi = min(1, L / g)` stands
    for `L / pi` seconds. What was certain to be met (`pi = 1`) is known but for its ends; for the rest the interval is
    that of Fay and Feuer for a weighted sum of Poisson counts (Statistics in Medicine 16, 1997), which stays honest
    with few sights, and with none.

    Args:
        sights: All findings.
        recorded_s: Time that was audited, seconds.
        longest_gap_s: Longest time without a look; no event that was missed is longer.
    """
    if recorded_s <= 0:
        return Share(0.0, 0.0, 1.0)
    certain = sum(one.seconds for one in sights if one.seconds >= one.scan_gap)
    lucky = [one.scan_gap for one in sights if one.seconds < one.scan_gap]  # L / (L / g)
    ends = math.sqrt(sum(one.within**2 / 3 for one in sights))  # uniform within the half-width
    lower, upper = _weighted_poisson(lucky, longest_gap_s)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    low = (certain + lower - z * ends) / recorded_s
    high = (certain + upper + z * ends) / recorded_s
    share = (certain + sum(lucky)) / recorded_s
    return Share(min(1.0, share), min(1.0, max(0.0, low)), min(1.0, max(0.0, high)))


def _weighted_poisson(weights: Sequence[float], largest: float) -> tuple[float, float]:
    """Return the interval of Fay and Feuer for the sum of `weights`, each the weight of one counted event."""
    alpha = (1 - CONFIDENCE) / 2
    total, squares = sum(weights), sum(weight**2 for weight in weights)
    lower = squares / (2 * total) * _chi2_quantile(alpha, 2 * total**2 / squares) if total else 0.0
    if not largest:
        return lower, total
    more, wider = total + largest, squares + largest**2  # one event more, of the largest weight there can be
    return lower, wider / (2 * more) * _chi2_quantile(1 - alpha, 2 * more**2 / wider)


def _chi2_quantile(p: float, degrees: float) -> float:
    """Return the quantile of the chi-squared distribution, by bisection of its distribution function."""
    if degrees > 200:  # Wilson and Hilferty, PNAS 17, 1931: four digits from there on
        z = NormalDist().inv_cdf(p)
        return float(degrees * (1 - 2 / (9 * degrees) + z * math.sqrt(2 / (9 * degrees))) ** 3)
    low, high = 0.0, 10.0 + 10 * degrees
    for _ in range(80):
        middle = (low + high) / 2
        if _gamma_p(degrees / 2, middle / 2) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _gamma_p(a: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function (its series: Abramowitz and Stegun, 6.5.29)."""
    if x <= 0:
        return 0.0
    term = total = 1 / a
    n = a
    while term > total * 1e-12:
        n += 1
        term *= x / n
        total += term
    return min(1.0, total * math.exp(a * math.log(x) - x - math.lgamma(a)))
