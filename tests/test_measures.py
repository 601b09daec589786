import numpy as np
import pytest

from privacy import measures

SHOWN = np.array([False, False, True, True])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.1, 0.2, 0.8, 0.9], 1.0),
        ([0.9, 0.8, 0.2, 0.1], 0.0),
        ([0.5, 0.5, 0.5, 0.5], 0.5),
        ([0.1, 0.6, 0.5, 0.9], 0.75),
    ],
)
def test_auroc(scores: list[float], expected: float) -> None:
    assert measures.auroc(np.array(scores), SHOWN) == expected


def test_recall_is_at_the_score_that_lets_one_percent_through() -> None:
    scores = np.r_[np.linspace(0, 0.99, 100), 0.985, 0.975, 0.5]
    shown = np.arange(103) >= 100
    assert measures.score_at(scores, shown) == pytest.approx(0.98)
    assert measures.recall_at(scores, shown, shown) == pytest.approx(1 / 3)


def test_a_calibrated_score_has_no_calibration_error() -> None:
    scores = np.repeat([0.25, 0.75], 400)
    shown = np.r_[np.arange(400) < 100, np.arange(400) < 300]
    assert measures.calibration_error(scores, shown) == pytest.approx(0)
    assert measures.calibration_error(scores, ~shown) == pytest.approx(0.5)


def test_interval_covers_the_mean_and_shrinks_with_data() -> None:
    values = np.random.default_rng(0).normal(5, 1, 400)

    def width(n: int) -> float:
        low, high = measures.interval(lambda i: float(values[i].mean()), [np.array([k]) for k in range(n)], rounds=300)
        assert low < 5 < high
        return high - low

    assert width(400) < width(40)


def test_region_scores_count_what_is_hidden_and_what_is_hidden_in_vain() -> None:
    truth = np.array([[[1.0, 1.0], [0.0, 0.0]]], np.float32)
    mask = np.array([[[0.9, 0.2], [0.8, 0.1]]], np.float32)
    assert measures.region_scores(mask, truth) == (0.5, 0.5)


# ---------------------------------------------------------------------------------- against others, on random numbers


@pytest.fixture(params=["smooth", "tied"])
def planted(request: pytest.FixtureRequest) -> tuple[measures.Floats, measures.Bools]:
    rng = np.random.default_rng(3)
    shown = rng.random(500) < 0.3
    scores = np.clip(rng.normal(0.35 + 0.3 * shown, 0.2), 0, 1)
    return (np.round(scores, 1) if request.param == "tied" else scores), shown


def test_separation_agrees_with_scikit_learn(planted: tuple[measures.Floats, measures.Bools]) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    scores, shown = planted

    assert measures.auroc(scores, shown) == pytest.approx(sklearn.roc_auc_score(shown, scores), abs=1e-12)
    expected = sklearn.average_precision_score(shown, scores)
    assert measures.average_precision(scores, shown) == pytest.approx(expected, abs=1e-12)
    assert measures.brier(scores, shown) == pytest.approx(sklearn.brier_score_loss(shown, scores), abs=1e-12)


def test_recall_at_a_false_alarm_rate_is_a_point_of_the_roc_curve(
    planted: tuple[measures.Floats, measures.Bools],
) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    scores, shown = planted
    alarms, recalls, _ = sklearn.roc_curve(shown, scores, drop_intermediate=False)

    for rate in (0.001, 0.01, 0.05, 0.2):
        assert measures.recall_at(scores, shown, shown, rate) == pytest.approx(recalls[alarms <= rate].max())


def test_macro_recall_agrees_with_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    truth, named = rng.integers(1, 6, 300), rng.integers(1, 6, 300)

    expected = sklearn.balanced_accuracy_score(truth, named)
    assert measures.macro_recall(named == truth, truth) == pytest.approx(expected)


# ------------------------------------------------------------------------------------------------------ in closed form


def test_average_precision_of_a_perfect_a_constant_and_the_worst_order() -> None:
    assert measures.average_precision(np.array([0.1, 0.2, 0.8, 0.9]), SHOWN) == 1
    assert measures.average_precision(np.full(4, 0.5), SHOWN) == 0.5
    assert measures.average_precision(np.array([0.9, 0.8, 0.2, 0.1]), SHOWN) == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_brier_of_a_coin() -> None:
    assert measures.brier(np.full(4, 0.5), SHOWN) == 0.25


def test_reliability_holds_every_picture_once() -> None:
    bins = measures.reliability(np.array([0.0, 0.01, 0.99, 1.0]), SHOWN)

    assert [(one.count, one.true) for one in bins] == [(2, 0.0), (2, 1.0)]


def test_the_risk_falls_to_zero_when_the_only_error_is_the_least_sure() -> None:
    coverage, risk = measures.risk_coverage(np.array([0.1, 0.6, 0.8, 0.9]), SHOWN)

    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == [0, 0, 0, 0.25]
    assert measures.risk_area(np.array([0.1, 0.6, 0.8, 0.9]), SHOWN) == 1 / 16


def test_the_order_of_equally_sure_pictures_does_not_matter() -> None:
    scores, shown = np.array([0.75, 0.75, 0.25, 0.25]), np.array([True, False, True, False])

    assert measures.risk_area(scores, shown) == measures.risk_area(scores[::-1], shown[::-1]) == 0.5


def test_delong_of_a_model_with_itself_and_with_its_reverse(planted: tuple[measures.Floats, measures.Bools]) -> None:
    scores, shown = planted

    assert measures.delong(scores, scores, shown) == 1
    assert measures.delong(scores, 1 - scores, shown) < 1e-9


def test_delong_and_the_paired_bootstrap_agree() -> None:
    rng = np.random.default_rng(11)
    shown = rng.random(600) < 0.4
    better, worse = (rng.normal(gap * shown, 1) for gap in (1.5, 1.3))
    draws = measures.resamples([np.array([index]) for index in range(600)], rounds=800)
    gaps = [measures.auroc(better[i], shown[i]) - measures.auroc(worse[i], shown[i]) for i in draws]

    assert measures.two_sided(gaps) == pytest.approx(measures.delong(better, worse, shown), abs=0.05)


def test_delong_keeps_its_level_when_there_is_no_difference() -> None:
    rng = np.random.default_rng(13)
    shown = np.arange(200) < 80
    found = [measures.delong(rng.normal(shown, 1), rng.normal(shown, 1), shown) for _ in range(400)]

    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("shown", [np.ones(4, bool), np.zeros(4, bool)], ids=["all prohibited", "all permitted"])
def test_what_cannot_be_computed_is_nan(shown: measures.Bools) -> None:
    scores = np.array([0.1, 0.2, 0.8, 0.9])

    assert np.isnan(measures.auroc(scores, shown))
    assert np.isnan(measures.recall_at(scores, shown, shown))
    assert np.isnan(measures.delong(scores, scores, shown))


def test_the_same_seed_draws_the_same_samples() -> None:
    strata = [np.arange(3), np.arange(3, 10), np.array([10])]
    one, two = measures.resamples(strata, rounds=20, seed=4), measures.resamples(strata, rounds=20, seed=4)

    assert all(np.array_equal(first, second) for first, second in zip(one, two, strict=True))
    assert {len(drawn) for drawn in one} > {3}  # whole strata: sizes vary
