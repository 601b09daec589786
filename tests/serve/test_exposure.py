"""What counts as let through, on a line of verdicts."""

import pytest

from privacy.evidence import Reason
from privacy.serve.exposure import ExposureMeter
from privacy.verdict import State, Verdict

STATES = {".": State.CLEAR, "_": State.CLEAR, "?": State.UNCERTAIN, "#": State.PROHIBITED}


@pytest.mark.parametrize(
    ("line", "frames", "seconds"),
    [
        pytest.param("..___?##", 3, 3, id="unseen frames before a suspicion that came true"),
        pytest.param("..___##", 3, 3, id="unseen frames before a prohibited look"),
        pytest.param("..___?..", 0, 0, id="a suspicion that passed"),
        pytest.param("..##..", 0, 0, id="every frame was seen"),
        pytest.param("__.##", 0, 0, id="a clear look clears the frames before it"),
        pytest.param("._?#.__?#", 3, 3, id="two sights add up"),
        pytest.param("._?.?#", 0, 0, id="a clear look ends the suspicion"),
        pytest.param("???##", 0, 0, id="hidden from the start"),
    ],
)
def test_exposure(line: str, frames: int, seconds: float) -> None:
    """`.` is a clear look, `_` a frame that inherited it, `?` an uncertain and `#` a prohibited one."""
    meter = ExposureMeter()
    for offset, mark in enumerate(line):
        meter.see(Verdict(STATES[mark], Reason.MODEL, float(offset), inherited=mark == "_"))

    assert (meter.frames, meter.seconds) == (frames, seconds)
