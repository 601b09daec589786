"""A service as it is put together from its options."""

import pytest

from privacy.policy import Thresholds
from privacy.serve.service import Options, assemble


@pytest.mark.parametrize(
    ("model", "limits"),
    [
        pytest.param("zones-lite0", Thresholds(0.2962, 0.8388, 0.5), id="calibrated"),
        pytest.param("zones-lite0-probe", Thresholds(0.01, 0.99, 0.5), id="uncalibrated"),
    ],
)
def test_every_pack_rules_by_the_thresholds_of_the_model_that_is_served(model: str, limits: Thresholds) -> None:
    engine = assemble(Options(model=model), None).engine

    assert {name: pack.thresholds for name, pack in engine.packs.items()} == dict.fromkeys(engine.packs, limits)
    assert engine.policy.thresholds == limits
