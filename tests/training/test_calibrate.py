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


def overconfident(n: int, seed: int) -> tuple[calibrate.Logits, np.ndarray]:
    """Zone logits three times too sure of themselves, place logits that say nothing, and the truth."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 2, n)
    truth = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    zones = np.stack([np.zeros(n), odds * 3, np.full(n, -50.0)], 1).astype(np.float32)
    return calibrate.Logits(zones[None], np.zeros((1, n, 3), np.float32), PRIVATE), truth


def test_calibration_takes_overconfidence_away() -> None:
    fitted = calibrate.fit(*overconfident(4000, 0))
    logits, truth = overconfident(4000, 1)
    before = 1 / (1 + np.exp(-logits.zones[0, :, 1].astype(np.float64)))
    after = 1 - calibrate.apply(fitted, logits)[:, 0]
    assert fitted.scales == pytest.approx((1 / 3,), rel=0.1)
    assert calibration_error(before, truth > 0) > 0.08
    assert calibration_error(after, truth > 0) < 0.03


def test_probabilities_sum_to_one() -> None:
    logits, _ = overconfident(50, 2)
    probabilities = calibrate.apply(Calibration(place_scales=(0.5,)), logits)
    assert probabilities.sum(1) == pytest.approx(1)


def test_a_picture_of_no_place_is_in_doubt_however_sure_the_zone_heads_are() -> None:
    zones = np.array([[[0.0, 20, 0]], [[0.0, 20, 0]]], np.float32)
    places = np.array([[[0.0, 0, 30]]], np.float32)
    logits = calibrate.Logits(zones, places, np.array([True, False, False]), no_place=2)
    fitted = Calibration(scales=(1.0, 1.0), place_scales=(1.0,))
    assert calibrate.apply(fitted, logits)[0] == pytest.approx([0.5, 0.25, 0.25], abs=1e-6)


def test_a_head_that_errs_gets_no_weight() -> None:
    logits, truth = overconfident(4000, 0)
    noise = np.random.default_rng(1).normal(0, 5, logits.zones.shape).astype(np.float32)
    fitted = calibrate.fit(calibrate.Logits(np.concatenate([logits.zones, noise]), logits.places, PRIVATE), truth)
    assert fitted.scales[1] < 0.05 * fitted.scales[0]


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


def test_looks_at_one_picture_count_once_in_every_bound() -> None:
    p, shown = np.array([0.0] * 10 + [0.9] * 190 + [0.1] * 200), np.arange(400) < 200
    once = calibrate.thresholds(p, shown, miss=0.05, zones={"dormitory": np.arange(400) < 20})
    thrice = calibrate.thresholds(
        np.tile(p, 3), np.tile(shown, 3), miss=0.05, looks=3, zones={"dormitory": np.tile(np.arange(400) < 20, 3)}
    )
    assert once.clear_below == thrice.clear_below == 0.0
    assert once.miss_bound == thrice.miss_bound == calibrate.upper_bound(10, 200)
    assert (thrice.n, thrice.n_prohibited) == (400, 200)
    assert once.miss_bounds == thrice.miss_bounds == {"dormitory": calibrate.upper_bound(10, 20)}


@pytest.mark.parametrize(("errors", "trials", "bound"), [(0, 100, 0.0295), (5, 100, 0.1023), (3, 3, 1.0), (0, 0, 1.0)])
def test_upper_bound_is_clopper_pearson(errors: int, trials: int, bound: float) -> None:
    assert calibrate.upper_bound(errors, trials) == pytest.approx(bound, abs=1e-3)
