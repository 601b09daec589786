import math

import pytest

from privacy.errors import EventError
from privacy.events import EffectChanged, StreamOpened
from privacy.policy import Effect, EffectKind


@pytest.mark.parametrize(
    ("subject", "at"),
    [
        pytest.param("", 0.0, id="about nobody"),
        pytest.param("sites/a/cameras/b", math.nan, id="at no time"),
        pytest.param("sites/a/cameras/b", math.inf, id="never"),
    ],
)
def test_an_event_is_about_somebody_at_some_time(subject: str, at: float) -> None:
    with pytest.raises(EventError):
        StreamOpened(subject=subject, at=at)


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [
        pytest.param(Effect(), Effect(EffectKind.BLUR, 1.0), True, id="solid to blur"),
        pytest.param(Effect(EffectKind.BLUR, 0.2), Effect(), False, id="blur to solid"),
        pytest.param(Effect(EffectKind.BLUR, 0.2), Effect(EffectKind.BLUR, 0.3), False, id="more blur"),
        pytest.param(Effect(EffectKind.BLUR, 0.2), Effect(EffectKind.BLUR, 0.1), True, id="less blur"),
        pytest.param(Effect(), Effect(), False, id="no change"),
    ],
)
def test_which_effect_hides_less(before: Effect, after: Effect, weaker: bool) -> None:
    assert EffectChanged(subject="c", at=0.0, before=before, after=after, actor="li").weaker is weaker
