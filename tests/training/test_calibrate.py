import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("scipy")
pytest.importorskip("safetensors")

from privacy.measures import calibration_error
from privacy.training import calibrate
from privacy.training.export import Calibration

PRIVATE = np.array([True, False, False])


def overconfident(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits three times too sure of themselves, place logits that say nothing, and the truth."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 2, n)
    truth = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    zones = np.stack([np.zeros(n), odds * 3, np.full(n, -50.0)], 1).astype(np.float32)
    return zones, np.zeros((n, 3), np.float32), truth


def test_calibration_takes_overconfidence_away() -> None:
    zones, places, truth = overconfident(4000, 0)
    fitted = calibrate.fit(zones, places, PRIVATE, truth)
    zones, places, truth = overconfident(4000, 1)
    before = 1 / (1 + np.exp(-zones[:, 1].astype(np.float64)))
    after = 1 - calibrate.apply(fitted, zones, places, PRIVATE)[:, 0]
    assert fitted.scale == pytest.approx(1 / 3, rel=0.1)
    assert calibration_error(before, truth > 0) > 0.08
    assert calibration_error(after, truth > 0) < 0.03


def test_probabilities_sum_to_one() -> None:
    zones, places, _ = overconfident(50, 2)
    probabilities = calibrate.apply(Calibration(places_scale=0.5), zones, places, PRIVATE)
    assert probabilities.sum(1) == pytest.approx(1)


def test_thresholds_meet_their_targets_on_new_pictures() -> None:
    rng = np.random.default_rng(3)

    def scores(n: int) -> tuple[np.ndarray, np.ndarray]:
        shown = rng.random(n) < 0.4
        return 1 / (1 + np.exp(-rng.normal(np.where(shown, 3, -3), 2))), shown

    found = calibrate.thresholds(*scores(4000), miss=0.02, false_alarm=0.03)
    new, shown = scores(100_000)
    assert (new[shown] < found.clear_below).mean() < 0.03
    assert (new[~shown] >= found.prohibited_above).mean() < 0.04
    assert found.clear_below <= 0.4
    assert found.prohibited_above >= 0.6


def test_doubt_stays_even_when_scores_are_perfect() -> None:
    shown = np.arange(400) < 200
    found = calibrate.thresholds(np.where(shown, 0.999, 0.001), shown)
    assert (found.clear_below, found.prohibited_above) == (0.4, 0.6)


def test_too_few_pictures_allow_no_clear_at_all() -> None:
    found = calibrate.thresholds(np.array([0.9, 0.8, 0.1]), np.array([True, True, False]))
    assert found.clear_below == 0.0
    assert found.prohibited_above == 1.0


@pytest.mark.parametrize(("errors", "trials", "bound"), [(0, 100, 0.0295), (5, 100, 0.1023), (3, 3, 1.0), (0, 0, 1.0)])
def test_upper_bound_is_clopper_pearson(errors: int, trials: int, bound: float) -> None:
    assert calibrate.upper_bound(errors, trials) == pytest.approx(bound, abs=1e-3)
