import pytest

from privacy.evidence import Reason
from privacy.incident import fold
from privacy.verdict import State, Verdict
from privacy.zones import Zone


def verdicts(story: str) -> list[Verdict]:
    """`W` a washroom, `D` a dormitory, `.` nothing; a frame a second."""
    zones = {"W": Zone.WASHROOM, "D": Zone.DORMITORY}
    return [
        Verdict(State.PROHIBITED if letter in zones else State.CLEAR, Reason.MODEL, float(second), zones.get(letter))
        for second, letter in enumerate(story)
    ]


@pytest.mark.parametrize(
    ("story", "spans"),
    [
        pytest.param("......", [], id="nothing seen"),
        pytest.param(".WW...", [(1, 3)], id="one span, half open"),
        pytest.param("WW..WW", [(0, 2), (4, 5)], id="the end of the source ends the span"),
        pytest.param("", [], id="no frames"),
    ],
)
def test_spans(story: str, spans: list[tuple[float, float]]) -> None:
    assert [(incident.start, incident.end) for incident in fold(verdicts(story))] == spans


def test_a_span_is_named_by_most_of_its_time() -> None:
    assert [incident.zone for incident in fold(verdicts("WDDW D.".replace(" ", "")))] == [Zone.DORMITORY]


def test_a_glimpse_is_no_incident() -> None:
    assert [incident.start for incident in fold(verdicts("W..WWWWW."), shortest=3)] == [3]
