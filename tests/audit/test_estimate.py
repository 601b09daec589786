"""The share of time and its interval: how often the interval holds the truth is tried, not believed."""

import numpy as np
import pytest

from privacy.audit.estimate import Share, Sight, p_missed, share_of_time


def archive(rng: np.random.Generator, *, gap: float, mean: float, events: float, total: float) -> tuple[float, Share]:
    """Draw events, look every `gap` seconds from a random phase, and estimate from the events that were met."""
    starts = rng.uniform(0, total, rng.poisson(events))
    lengths = rng.exponential(mean, len(starts)) + 1
    phase = rng.uniform(0, gap, len(starts))  # of the recording that the event is in
    first = np.ceil((starts - phase) / gap) * gap + phase
    met = first < starts + lengths
    sights = [Sight(float(length), gap, 0.0) for length in lengths[met]]
    return float(lengths.sum()) / total, share_of_time(sights, total, gap)


@pytest.mark.parametrize(
    ("gap", "mean", "events"),
    [
        pytest.param(60, 20, 30, id="most events are missed"),
        pytest.param(30, 30, 8, id="few events"),
        pytest.param(20, 60, 40, id="most events are met"),
        pytest.param(120, 10, 100, id="short events, many"),
        pytest.param(60, 20, 0.5, id="hardly any"),
    ],
)
def test_the_interval_holds_the_truth_at_least_as_often_as_it_says(gap: float, mean: float, events: float) -> None:
    rng = np.random.default_rng(0)
    drawn = [archive(rng, gap=gap, mean=mean, events=events, total=360_000) for _ in range(600)]
    held = np.mean([share.lower <= truth <= share.upper for truth, share in drawn])

    assert held >= 0.95 - 2 * (0.95 * 0.05 / 600) ** 0.5


def test_the_estimate_is_right_on_average() -> None:
    rng = np.random.default_rng(1)
    drawn = [archive(rng, gap=60, mean=20, events=50, total=360_000) for _ in range(400)]

    assert np.mean([share.share for _, share in drawn]) == pytest.approx(
        np.mean([truth for truth, _ in drawn]), rel=0.03
    )


def test_what_was_certain_to_be_met_is_known_but_for_its_ends() -> None:
    share = share_of_time([Sight(60, 10, 0.0)], 6000, 0.0)

    assert (share.share, share.lower, share.upper) == pytest.approx((0.01, 0.01, 0.01))
    assert share_of_time([Sight(60, 10, 1.0)], 6000, 0.0).upper > 0.01


def test_nothing_found_is_not_nothing_there() -> None:
    share = share_of_time([], 6000, 60)

    assert (share.share, share.lower) == (0, 0)
    assert share.upper == pytest.approx(3.69 * 60 / 6000, rel=0.01)  # the rule of three, two-sided


def test_nothing_audited_says_nothing() -> None:
    assert share_of_time([], 0, 0) == Share(0, 0, 1)


def test_thousands_of_sights_do_not_overflow() -> None:
    share = share_of_time([Sight(5, 10, 0.5)] * 5000, 1e6, 10)

    assert share.lower < 0.05 < share.upper


@pytest.mark.parametrize(
    ("gaps", "event", "missed"),
    [
        pytest.param([10.0] * 6, 10, 0, id="looks as close as the event is long"),
        pytest.param([60.0], 10, 5 / 6, id="one long gap"),
        pytest.param([5.0] * 6 + [30.0], 10, 1 / 3, id="a gap among looks"),
        pytest.param([], 10, 0, id="nothing recorded"),
    ],
)
def test_the_chance_that_an_event_falls_between_two_looks(gaps: list[float], event: float, missed: float) -> None:
    assert p_missed(np.array(gaps), event) == pytest.approx(missed)
