import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.evidence import Doubt, Evidence, Reason, Sight
from privacy.models import catalogue
from privacy.policy import Policy
from privacy.verdict import State, Verdict, Watch, judge_still, smooth
from privacy.zones import Zone

RULES = catalogue.load_policy()


def evidence(p: float, offset: float = 0.0) -> Evidence:
    zones = np.zeros(len(Zone), np.float32)
    zones[Zone.PERMITTED], zones[Zone.WASHROOM] = 1 - p, p
    return Evidence(offset, zones, "test")


SIGHTS = {"#": 0.99, "~": 0.5, ".": 0.01}
LETTERS = {State.PROHIBITED: "P", State.UNCERTAIN: "U", State.CLEAR: "C"}


def rule(looks: str, *, step: float = 1.0, rules: Policy = RULES) -> list[Verdict]:
    watch = Watch(rules)
    verdicts = []
    for index, letter in enumerate(looks):
        offset = index * step
        sight: Sight = None
        if letter in SIGHTS:
            sight = evidence(SIGHTS[letter], offset)
        elif letter == "!":
            sight = Doubt(offset, Reason.MODEL_ERROR)
        verdicts.append(watch.see(sight, offset))
    return verdicts


@pytest.mark.parametrize(
    ("looks", "states"),
    [
        pytest.param("....", "UCCC", id="a permitted view opens at the second clear look"),
        pytest.param("####", "PPPP", id="a plain washroom is named at the first look"),
        pytest.param("..##", "UCUP", id="one look hides at once, the second accuses"),
        pytest.param("..#....", "UCUUCCC", id="one odd look hides, holds, and accuses nobody"),
        pytest.param("####....", "PPPPUCCC", id="a prohibited view opens after two clear looks and the hold"),
        pytest.param("..~...", "UCUUCC", id="a look that knows nothing hides"),
        pytest.param("-----", "UUUUU", id="no evidence, no picture"),
        pytest.param("..---", "UCCCC", id="a frame without a look inherits"),
        pytest.param("..-------", "UCCCCCCUU", id="evidence older than five seconds is none"),
        pytest.param("...!...", "UCCUUCC", id="a failed model hides, and holds"),
    ],
)
def test_states_over_time(looks: str, states: str) -> None:
    """`#` shows a washroom, `.` does not, `~` could be either, `!` is a failed look, `-` is no look."""
    assert "".join(LETTERS[verdict.state] for verdict in rule(looks)) == states


@pytest.mark.parametrize(
    ("looks", "reasons"),
    [
        pytest.param("-.", [Reason.STARTUP, Reason.STARTUP], id="not enough seen yet"),
        pytest.param(
            "..!-", [Reason.STARTUP, Reason.MODEL, Reason.MODEL_ERROR, Reason.MODEL_ERROR], id="a doubt lasts"
        ),
        pytest.param("..------", [Reason.STARTUP] + [Reason.MODEL] * 6 + [Reason.STALL], id="stale evidence says so"),
    ],
)
def test_every_hidden_frame_has_its_reason(looks: str, reasons: list[Reason]) -> None:
    assert [verdict.reason for verdict in rule(looks)] == reasons


def test_a_prohibited_verdict_cites_the_article() -> None:
    verdict = rule("##")[-1]

    assert (verdict.zone, [clause.citation for clause in verdict.clauses]) == (
        Zone.WASHROOM,
        ["Guangdong Decree 132 Art. 7"],
    )


@pytest.mark.parametrize("jump", [-0.5, 60.0], ids=["backwards", "far ahead"])
def test_a_clock_that_jumps_closes_the_feed(jump: float) -> None:
    watch = Watch(RULES)
    for offset in (0.0, 1.0, 2.0):
        watch.see(evidence(0.01, offset), offset)

    verdict = watch.see(None, 2.0 + jump)

    assert (verdict.state, verdict.reason) == (State.UNCERTAIN, Reason.CLOCK_JUMP)


def test_a_frame_at_the_moment_of_the_look_before_inherits_all_the_same() -> None:
    watch = Watch(RULES)

    assert [watch.see(sight, 0.0).inherited for sight in (evidence(0.01), None)] == [False, True]


def test_looks_in_quick_succession_count_for_little() -> None:
    """Ten looks within a tenth of a second see one picture; ten looks in ten seconds are ten pictures."""
    quick, slow = Watch(RULES), Watch(RULES)
    for index in range(10):
        hasty = quick.see(evidence(0.7), index / 100)
        patient = slow.see(evidence(0.7), index)

    assert (hasty.state, patient.state) == (State.UNCERTAIN, State.PROHIBITED)


def test_a_declared_purpose_moves_the_prior() -> None:
    street, unknown = Watch(RULES, "street"), Watch(RULES)

    assert street.see(evidence(0.5), 0).p_prohibited < unknown.see(evidence(0.5), 0).p_prohibited


SIGHT = st.one_of(
    st.none(),
    st.floats(0, 1).map(evidence),
    st.sampled_from(list(Reason)).map(lambda reason: Doubt(0.0, reason)),
)


@given(st.lists(st.tuples(SIGHT, st.floats(-5, 30)), max_size=60))
def test_clear_only_on_recent_clear_evidence(script: list[tuple[Sight, float]]) -> None:
    """Whatever comes in whatever order: CLEAR means that the last look was clear and is not stale."""
    watch, now = Watch(RULES), 0.0
    last: tuple[float, float] | None = None  # offset and probability of the last look, None after a doubt
    for sight, step in script:
        jumped = not 0 <= step <= RULES.timing.clock_jump_s
        now += step
        if isinstance(sight, Evidence):
            last = (now, sight.p_prohibited)
        elif isinstance(sight, Doubt) or jumped:
            last = None
        verdict = watch.see(sight, now)
        if verdict.state is State.CLEAR:
            assert last is not None
            assert last[1] <= RULES.thresholds.clear_below
            assert now - last[0] <= RULES.timing.stall_s


@given(st.lists(st.floats(0, 1), max_size=200))
def test_the_filter_never_leaves_the_unit_interval(looks: list[float]) -> None:
    watch = Watch(RULES)
    for index, p in enumerate(looks):
        posterior = watch.see(evidence(p, index), index).p_prohibited
        assert 0 <= posterior <= 1
        assert math.isfinite(posterior)


@pytest.mark.parametrize("step", [9.0, 11.0, 60.0], ids=["no gap", "each picture after a gap", "a picture a minute"])
def test_however_long_a_prohibited_view_was_seen_the_first_clear_picture_ends_it(step: float) -> None:
    """A camera that sends so seldom that every picture is a jump of its clock is judged as any other."""
    states = [verdict.state for verdict in rule("#" * 40 + "..", step=step)]

    assert states[:40] == [State.PROHIBITED] * 40
    assert State.PROHIBITED not in states[40:]


@pytest.mark.parametrize("times", [1, 2, 400])
def test_looks_between_doubts_do_not_add_up(times: int) -> None:
    states = [LETTERS[verdict.state] for verdict in rule("#!" * times + "....")]

    assert "".join(states[-6:]) == "PUUCCC"


def test_looks_of_a_clock_that_runs_back_do_not_add_up() -> None:
    watch = Watch(RULES)
    states = [LETTERS[watch.see(evidence(1.0 if at < 40 else 0.01), -at).state] for at in range(44)]

    assert "".join(states) == "P" * 40 + "PUUU"


def test_whatever_was_seen_before_another_look_at_the_same_moment_can_be_weighed() -> None:
    watch = Watch(RULES)
    for index in range(40):
        watch.see(Doubt(index, Reason.DECODE_ERROR), index)
        watch.see(evidence(1.0), index)
        verdict = watch.see(evidence(1.0), index)

    assert verdict.p_prohibited < 1


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_pack_may_expect_a_camera_to_stay_for_ever(p: float) -> None:
    for_ever = replace(RULES, timing=replace(RULES.timing, dwell_permitted_s=1e18, dwell_prohibited_s=1e18))
    looks, watch = [evidence(p, index) for index in range(300)], Watch(for_ever)

    assert watch.see(looks[0], 0.0).p_prohibited == pytest.approx(p, abs=0.01)
    assert [watch.see(look, look.offset).p_prohibited for look in looks] == pytest.approx([p] * 300, abs=0.01)
    assert smooth(looks, for_ever) == pytest.approx([p] * 300, abs=0.01)


@pytest.mark.parametrize(
    ("p", "state"),
    [(0.0, State.CLEAR), (0.5, State.UNCERTAIN), (1.0, State.PROHIBITED)],
)
def test_a_still_is_ruled_by_the_thresholds_alone(p: float, state: State) -> None:
    assert judge_still(evidence(p), RULES).state is state


def brute_force(looks: list[tuple[float, float]]) -> list[float]:
    """The same posterior by summing over every sequence of hidden states."""
    timing = RULES.timing
    enter, leave = 1 / timing.dwell_permitted_s, 1 / timing.dwell_prohibited_s
    stationary = enter / (enter + leave)
    mass = np.zeros((len(looks), 2))
    for states in itertools.product((0, 1), repeat=len(looks)):
        p = RULES.prior_of("") if states[0] else 1 - RULES.prior_of("")
        for index, ((p_look, offset), state) in enumerate(zip(looks, states, strict=True)):
            weight = 1.0
            if index:
                gap = offset - looks[index - 1][1]
                kept = math.exp(-(enter + leave) * gap)
                here = stationary if state else 1 - stationary
                p *= here + ((states[index - 1] == state) - here) * kept
                weight = min(1.0, gap / timing.look_every_s)
            p_look = min(max(p_look, 1e-3), 1 - 1e-3)  # noqa: PLW2901 - the same bound as the filter's
            p *= (p_look if state else 1 - p_look) ** weight
        mass[np.arange(len(looks)), states] += p
    return list(mass[:, 1] / mass.sum(axis=1))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 20)), min_size=1, max_size=7))
def test_smoothing_is_the_exact_posterior(steps: list[tuple[float, float]]) -> None:
    looks = [(p, sum(gap for _, gap in steps[: i + 1])) for i, (p, _) in enumerate(steps)]

    smoothed = smooth([evidence(p, offset) for p, offset in looks], RULES)

    assert smoothed == pytest.approx(brute_force(looks), abs=1e-5)


def test_smoothing_sees_what_the_filter_cannot_yet() -> None:
    """A look that knows nothing, just before the washroom, is already part of it."""
    story = [evidence(p, i) for i, p in enumerate([0.01, 0.01, 0.5, 0.99, 0.99])]
    watch = Watch(RULES)
    online = [watch.see(look, look.offset).p_prohibited for look in story]

    assert online[2] < smooth(story, RULES)[2] / 3


def test_nothing_smooths_to_nothing() -> None:
    assert smooth([], RULES).shape == (0,)
