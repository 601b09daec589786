"""What a zone model says, as evidence."""

import numpy as np
import pytest

from privacy.models.onnx import OnnxZoneClassifier
from tests.models import tiny


@pytest.mark.parametrize(("place", "told"), [("lobby", "lobby"), ("no_place", "")])
def test_a_picture_of_no_place_names_none(place: str, told: str) -> None:
    """So that a covered camera contradicts no declared purpose."""
    model = OnnxZoneClassifier(tiny.zones(place), name="tiny")

    (seen,) = model.look([np.zeros((*tiny.SIZE, 3), np.uint8)], [0.0])

    assert seen.place == told
