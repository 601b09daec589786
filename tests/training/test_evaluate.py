import numpy as np
import pytest

from privacy.training import evaluate

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
    assert evaluate.auroc(np.array(scores), SHOWN) == expected


def test_recall_is_at_the_score_that_lets_one_percent_through() -> None:
    scores = np.r_[np.linspace(0, 0.99, 100), 0.985, 0.975, 0.5]
    shown = np.arange(103) >= 100
    assert evaluate.score_at(scores, shown) == pytest.approx(0.98)
    assert evaluate.recall_at(scores, shown, shown) == pytest.approx(1 / 3)


def test_a_calibrated_score_has_no_calibration_error() -> None:
    scores = np.repeat([0.25, 0.75], 400)
    shown = np.r_[np.arange(400) < 100, np.arange(400) < 300]
    assert evaluate.calibration_error(scores, shown) == pytest.approx(0)
    assert evaluate.calibration_error(scores, ~shown) == pytest.approx(0.5)


def test_interval_covers_the_mean_and_shrinks_with_data() -> None:
    values = np.random.default_rng(0).normal(5, 1, 400)

    def width(n: int) -> float:
        low, high = evaluate.interval(lambda i: float(values[i].mean()), [np.array([k]) for k in range(n)], rounds=300)
        assert low < 5 < high
        return high - low

    assert width(400) < width(40)


def test_region_scores_count_what_is_hidden_and_what_is_hidden_in_vain() -> None:
    truth = np.array([[[1.0, 1.0], [0.0, 0.0]]], np.float32)
    mask = np.array([[[0.9, 0.2], [0.8, 0.1]]], np.float32)
    assert evaluate.region_scores(mask, truth) == (0.5, 0.5)


@pytest.mark.parametrize("name", evaluate.VARIANTS)
def test_variants_are_repeatable_and_leave_the_picture_alone(name: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    before = picture.copy()
    one, two = evaluate.VARIANTS[name](picture), evaluate.VARIANTS[name](picture)
    assert np.array_equal(one, two)
    assert np.array_equal(before, picture)
    assert not np.array_equal(one, picture)


def test_pictures_of_no_place_are_pictures() -> None:
    assert all(p.shape == (288, 352, 3) and p.dtype == np.uint8 for p in evaluate.no_pictures().values())
