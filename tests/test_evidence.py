import numpy as np
import pytest

from privacy.errors import EvidenceError
from privacy.evidence import Evidence
from privacy.zones import Zone
from tests.toys import evidence

EVEN = np.full(len(Zone), 1 / len(Zone), np.float32)


@pytest.mark.parametrize(
    "zones",
    [
        pytest.param(np.full(len(Zone), np.nan), id="NaN"),
        pytest.param(EVEN[:-1], id="a zone is missing"),
        pytest.param(EVEN * 2, id="sums to two"),
        pytest.param(np.eye(len(Zone))[0] * 3 - np.eye(len(Zone))[1] * 2, id="outside [0, 1]"),
        pytest.param(EVEN[None], id="a batch"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(zones: np.ndarray) -> None:
    with pytest.raises(EvidenceError):
        Evidence(0.0, zones.astype(np.float32), "test")


@pytest.mark.parametrize("offset", [float("nan"), float("inf")])
def test_a_moment_is_finite(offset: float) -> None:
    with pytest.raises(EvidenceError):
        Evidence(offset, EVEN, "test")


def test_a_zone_map_is_a_map_of_probabilities() -> None:
    with pytest.raises(EvidenceError):
        Evidence(0.0, EVEN, "test", zone_map=np.full((7, 7), 2, np.float32))


def test_frozen_means_frozen() -> None:
    zones = EVEN.copy()
    seen = Evidence(0.0, zones, "test")
    zones[0] = 0

    assert seen.zones[0] == EVEN[0]
    with pytest.raises(ValueError, match="read-only"):
        seen.zones[0] = 1


def test_the_zone_is_the_likeliest_prohibited_one() -> None:
    seen = evidence(0.1, zone=Zone.DORMITORY)

    assert (seen.zone, round(seen.p_prohibited, 4)) == (Zone.DORMITORY, 0.1)
