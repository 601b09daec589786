"""Judgement over time. Every rule about time is in this file; it reads no clock and does no I/O."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from privacy.evidence import Doubt, Evidence, Reason, Sight
from privacy.policy import Clause, Policy
from privacy.zones import Zone


class State(StrEnum):
    """What a frame may be treated as. Only `CLEAR` lets a picture out as it is."""

    PROHIBITED = "PROHIBITED"
    CLEAR = "CLEAR"
    UNCERTAIN = "UNCERTAIN"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is ruled about one frame.

    Attributes:
        state: The ruling.
        reason: Why.
        offset: Seconds from the start of the source.
        zone: The zone it is about; None while `state` is CLEAR or nothing was seen.
        p_prohibited: Probability over time that the view is prohibited, in [0, 1].
        clauses: The articles that prohibit `zone`; empty unless PROHIBITED.
        place: What kind of place the model would name; empty if unknown.
        inherited: True if this frame was not looked at itself.
    """

    state: State
    reason: Reason
    offset: float
    zone: Zone | None = None
    p_prohibited: float = 0.5
    clauses: tuple[Clause, ...] = ()
    place: str = ""
    inherited: bool = False


def judge_still(evidence: Evidence, policy: Policy) -> Verdict:
    """Rule on a single picture, without time."""
    p, limits = evidence.p_prohibited, policy.thresholds
    if p >= limits.prohibited_above:
        state = State.PROHIBITED
    elif p <= limits.clear_below:
        state = State.CLEAR
    else:
        state = State.UNCERTAIN
    return _verdict(state, Reason.MODEL, evidence, p, policy)


class Watch:
    """Rules on one camera, one frame at a time: hides at once, accuses slowly, opens slowly.

    A hidden Markov filter with two states (the view is permitted or prohibited) whose transition rates are the
    policy's expected dwell times; Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 77(2), 1989, eq. 19-20.
    Around it stand rules that only ever hide more: a single look that is not clear hides its own frame whatever the
    filter believes, a feed opens after `opening_looks` clear looks and `hold_s` seconds, and anything that is not
    evidence closes it.

    Args:
        policy: Thresholds, timing and articles.
        purpose: The camera's declared purpose (Art. 6), for its prior; "" if it declares none.
    """

    def __init__(self, policy: Policy, purpose: str = "") -> None:
        self._policy = policy
        self._prior = _logit(policy.prior_of(purpose))
        self._log_odds = self._prior
        self._accused = False
        self._clear_looks = 0
        self._hide_until = -math.inf
        self._because = Reason.STARTUP  # why the feed is not open
        self._seen: float | None = None  # offset of the last evidence
        self._now: float | None = None  # offset of the last frame
        self._verdict: Verdict | None = None

    def see(self, sight: Sight, offset: float) -> Verdict:
        """Rule on the frame at `offset`.

        Args:
            sight: Evidence of this frame, a doubt, or None if the frame was not looked at.
            offset: Capture time of the frame in seconds.

        Returns:
            The verdict. CLEAR only on the strength of recent evidence.
        """
        if self._jumped(offset):
            self._close(Reason.CLOCK_JUMP, offset)
        self._now = offset
        match sight:
            case Evidence():
                self._verdict = self._weigh(sight, offset)
            case Doubt():
                self._close(sight.reason, offset)
            case None if self._seen is not None and offset - self._seen > self._policy.timing.stall_s:
                self._close(Reason.STALL, offset)
        if self._verdict is None:
            return Verdict(State.UNCERTAIN, self._because, offset)
        return (
            self._verdict if self._verdict.offset == offset else replace(self._verdict, offset=offset, inherited=True)
        )

    def _jumped(self, offset: float) -> bool:
        if self._now is None:
            return False
        return not 0 <= offset - self._now <= self._policy.timing.clock_jump_s

    def _close(self, reason: Reason, offset: float) -> None:
        """Hide from now on. What was believed for the worse stays; what was believed for the better is gone."""
        self._log_odds = max(self._log_odds, self._prior)
        self._clear_looks = 0
        self._hide_until = offset + self._policy.timing.hold_s
        self._because = reason
        self._seen = None
        self._verdict = Verdict(State.UNCERTAIN, reason, offset)

    def _weigh(self, evidence: Evidence, offset: float) -> Verdict:
        limits, timing = self._policy.thresholds, self._policy.timing
        p = evidence.p_prohibited
        self._log_odds = self._predicted(offset) + self._independence(offset) * _logit(min(max(p, 1e-3), 1 - 1e-3))
        posterior = _sigmoid(self._log_odds)
        self._seen = offset

        self._accused = posterior >= (limits.release_below if self._accused else limits.prohibited_above)
        if max(p, posterior) <= limits.clear_below:
            self._clear_looks += 1
        else:
            self._clear_looks = 0
            self._hide_until = offset + timing.hold_s
            self._because = Reason.MODEL

        if self._accused:
            state = State.PROHIBITED
        elif self._clear_looks >= timing.opening_looks and offset >= self._hide_until:
            state = State.CLEAR
            self._because = Reason.MODEL
        else:
            state = State.UNCERTAIN
        reason = Reason.MODEL if self._accused else self._because
        return replace(_verdict(state, reason, evidence, posterior, self._policy), offset=offset)

    def _predicted(self, offset: float) -> float:
        """Log-odds after the transition since the last evidence; both dwell times are exponential."""
        if self._seen is None:
            return self._log_odds
        timing = self._policy.timing
        enter, leave = 1 / timing.dwell_permitted_s, 1 / timing.dwell_prohibited_s
        stationary = enter / (enter + leave)
        kept = math.exp(-(enter + leave) * max(0.0, offset - self._seen))
        return _logit(stationary + (_sigmoid(self._log_odds) - stationary) * kept)

    def _independence(self, offset: float) -> float:
        """Weight of a look: two looks a tenth of a second apart see one picture and count as little more than one."""
        if self._seen is None:
            return 1.0
        return min(1.0, max(0.0, offset - self._seen) / self._policy.timing.look_every_s)


def _verdict(state: State, reason: Reason, evidence: Evidence, p: float, policy: Policy) -> Verdict:
    zone = None if state is State.CLEAR else evidence.zone
    clauses = policy.rules[zone].clauses if zone is not None and state is State.PROHIBITED else ()
    return Verdict(state, reason, evidence.offset, zone, p, clauses, evidence.place)


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _sigmoid(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
