"""What the careful zone model says of pictures of no place."""

import numpy as np
import pytest

from privacy import pipeline
from privacy.frame import Frame, Layout
from privacy.models import catalogue
from privacy.verdict import State


def no_pictures() -> dict[str, np.ndarray]:
    pytest.importorskip("torch")
    pytest.importorskip("scipy")
    from privacy.training.evaluate import no_pictures as made  # noqa: PLC0415

    return made()


def test_the_careful_model_doubts_every_picture_of_no_place() -> None:
    model, rules = catalogue.load("zones-wide"), catalogue.load_policy(model="zones-wide")
    ruled = {}
    for name, picture in no_pictures().items():
        frame = Frame((np.ascontiguousarray(picture),), Layout.RGB, 0.0)
        verdict, _ = pipeline.rule_still(frame, model, rules)
        ruled[name] = verdict.state
    assert set(ruled.values()) == {State.UNCERTAIN}


def test_a_place_that_is_none_is_not_named() -> None:
    model = catalogue.load("zones-wide")
    black = np.zeros((*model.input_size, 3), np.uint8)
    (seen,) = model.look([black], [0.0])
    assert seen.place == ""
    assert seen.p_prohibited == pytest.approx(0.5, abs=0.05)
