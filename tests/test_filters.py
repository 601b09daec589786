"""The part of AIP-160 that is served, and what is said of the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.errors import FieldError
from privacy.filters import Field, Fields, Kind, parse


@dataclass
class Thing:
    display_name: str = "Harbour Gate"
    confirmed: bool = True
    create_time: datetime = datetime(2026, 5, 1, 12, tzinfo=UTC)
    name: str = "sites/hq"
    state: str = "OPEN"
    severity: str = "HIGH"
    labels: Mapping[str, str] = field(default_factory=lambda: {"floor": "2", "wing": "east"})


FIELDS: Fields[Thing] = {
    "display_name": Field(Kind.TEXT, lambda each: each.display_name),
    "confirmed": Field(Kind.FLAG, lambda each: each.confirmed),
    "create_time": Field(Kind.TIME, lambda each: each.create_time),
    "labels": Field(Kind.LABELS, lambda each: each.labels),
    "path": Field(Kind.NAME, lambda each: each.name),
    "state": Field(Kind.WORD, lambda each: each.state, ("OPEN", "CLOSED")),
    "severity": Field(Kind.RANK, lambda each: each.severity, ("LOW", "HIGH", "CRITICAL")),
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("  ", True),
        ('display_name = "Harbour Gate"', True),
        ("display_name = 'Harbour Gate'", True),
        ('display_name="Harbour"', False),
        ('display_name = "Harbour*"', True),
        ('display_name = "*Gate"', True),
        ('display_name = "*bour*"', True),
        ('display_name = "*"', True),
        ('display_name = "Gate*"', False),
        ("display_name : gate", True),
        ('display_name != "Pier"', True),
        ("confirmed = true", True),
        ("confirmed != true", False),
        ("confirmed = false", False),
        ('create_time > "2026-04-30T00:00:00Z"', True),
        ('create_time <= "2026-05-01T20:00:00+08:00"', True),
        ('create_time < "2026-05-01T20:00:00+08:00"', False),
        ("create_time >= 2026-05-02", False),
        ('labels.floor = "2"', True),
        ('labels.floor = "3"', False),
        ('labels.door = "3"', False),
        ('labels.door != "3"', True),
        ("labels:wing", True),
        ("labels:door", False),
        ("NOT confirmed = true", False),
        ("-confirmed = true", False),
        ("confirmed = false OR labels:wing", True),
        ("confirmed = true AND labels:door", False),
        pytest.param("confirmed = false AND labels:door OR labels:wing", False, id="OR binds closer than AND"),
        ("(confirmed = false AND labels:door) OR labels:wing", True),
        (r'display_name = "a\"b"', False),
        ("path = sites/hq", True),
        ('path = "sites/*"', True),
        ("path : hq", True),
        ("path : HQ", False),
        ("state = open", True),
        ("state != OPEN", False),
        ("state : CLOSED", False),
        ("severity > LOW AND severity < CRITICAL", True),
        ("severity >= critical", False),
        ("severity != LOW", True),
    ],
)
def test_what_passes(text: str, passes: bool) -> None:
    assert parse(text, FIELDS)(Thing()) is passes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("display_name", "at its end: want one of ="),
        ("display_name =", "at its end: want a value"),
        ('name = "x"', "at character 1: no field 'name'; there are confirmed, create_time, display_name, labels, path"),
        ("confirmed = yes", "at character 13: confirmed is true or false, got 'yes'"),
        ("create_time > noon", "want a time such as 2026-01-31T12:00:00Z, got 'noon'"),
        ("display_name < b", "display_name is text, which has no order"),
        ("labels = x", "want labels.KEY = VALUE, or labels:KEY"),
        ("display_name.x = y", "display_name is text, and has no 'x'"),
        ("(confirmed = true", "at character 1: a parenthesis is not closed"),
        ("confirmed = true confirmed = true", "at character 18: want AND, OR or the end"),
        ('display_name = "open', "at character 15: what is this"),
        ("(" * 50, "more than 16 parentheses"),
        ("x" * 3000, "at most 2048 characters"),
        ("state = GONE", "at character 9: state is one of OPEN, CLOSED, got 'GONE'"),
        ("state > OPEN", "state is a word, which has no order"),
        ("severity >= 3", "severity is one of LOW, HIGH, CRITICAL, got '3'"),
        ("path > a", "path is a name, which has no order"),
        ('path = "a\0b"', "at character 10: what is this"),
    ],
)
def test_what_is_no_filter_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse(text, FIELDS)

    assert said in str(caught.value)


@given(st.text() | st.text('()"=<>-. ANDORT:confirmedlabels*\\', max_size=60))
def test_any_text_is_a_filter_or_a_typed_error(text: str) -> None:
    try:
        test = parse(text, FIELDS)
    except FieldError:
        return
    assert test(Thing()) in (True, False)
