"""Judgement over time. Every rule about time is in this file; it reads no clock and does no I/O."""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from privacy.evidence import Doubt, Evidence, Reason, Sight
from privacy.policy import Clause, Policy, Timing
from privacy.zones import Zone

_NEVER = 1e-15
"""Floats hardly tell 1 - p from 0 below this: a pack in which a camera never turns would make the filter that sure."""


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
        opening: `(h, w)` bool, cells to hide if the policy follows openings; None to hide the whole frame. Only if
            PROHIBITED.
        objects: Probability in [0, 1] of each kind of object that the model sees in the last frame it looked at.
    """

    state: State
    reason: Reason
    offset: float
    zone: Zone | None = None
    p_prohibited: float = 0.5
    clauses: tuple[Clause, ...] = ()
    place: str = ""
    inherited: bool = False
    opening: NDArray[np.bool_] | None = field(default=None, compare=False)
    objects: Mapping[str, float] = field(default_factory=dict, compare=False)


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
        self._openings: deque[NDArray[np.bool_] | None] = deque(maxlen=policy.timing.opening_looks)
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
        before = self._verdict
        match sight:
            case Evidence():
                self._verdict = self._weigh(sight, offset)
            case Doubt():
                self._close(sight.reason, offset)
            case None if self._seen is not None and offset - self._seen > self._policy.timing.stall_s:
                self._close(Reason.STALL, offset)
        if self._verdict is None:
            return Verdict(State.UNCERTAIN, self._because, offset)
        # By identity: a clock that stands still gives frames that nobody looked at the offset of the look.
        return self._verdict if self._verdict is not before else replace(self._verdict, offset=offset, inherited=True)

    def declare(self, purposes: Iterable[str]) -> None:
        """Take other purposes than those that were declared until now; the one that suspects most counts.

        One that suspects more hides at once, until enough has been seen under it; one that suspects less opens nothing.

        Args:
            purposes: At least one; "" for none declared.
        """
        prior = max(_logit(self._policy.prior_of(purpose)) for purpose in purposes)
        before, self._prior = self._prior, prior
        if self._now is None:
            self._log_odds = prior
        elif prior > before and self._accused:
            self._log_odds = max(self._log_odds, prior)
            self._openings.clear()  # what is accused stays so, hidden whole
            self._verdict = self._verdict and replace(self._verdict, opening=None)
        elif prior > before:
            self._close(Reason.POLICY, self._now)

    def open(self) -> bool:
        """Return True as long as nobody knows what is seen: a look would settle it."""
        return self._verdict is None or self._verdict.state is State.UNCERTAIN

    def _jumped(self, offset: float) -> bool:
        if self._now is None:
            return False
        return not 0 <= offset - self._now <= self._policy.timing.clock_jump_s

    def _close(self, reason: Reason, offset: float) -> None:
        """Hide from now on. What was believed for the better is gone.

        What was believed for the worse fades as it does between looks, and is no surer than one look can be: the next
        look counts in full however soon it comes, so that looks with nothing but doubts between them would add up.
        """
        believed = _predict(self._log_odds, self._seen, offset, self._policy.timing)
        self._log_odds = max(min(believed, _logit(_bounded(1.0))), self._prior)
        self._clear_looks = 0
        self._openings.clear()
        self._hide_until = offset + self._policy.timing.hold_s
        self._because = reason
        self._seen = None
        self._verdict = Verdict(State.UNCERTAIN, reason, offset)

    def _weigh(self, evidence: Evidence, offset: float) -> Verdict:
        limits, timing = self._policy.thresholds, self._policy.timing
        p = evidence.p_prohibited
        predicted = _predict(self._log_odds, self._seen, offset, timing)
        self._log_odds = predicted + _weight(self._seen, offset, timing) * _logit(_bounded(p))
        posterior = _sigmoid(self._log_odds)
        self._seen = offset
        self._openings.append(evidence.opening)

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
        opening = self._opening() if state is State.PROHIBITED else None
        return replace(_verdict(state, reason, evidence, posterior, self._policy), offset=offset, opening=opening)

    def _opening(self) -> NDArray[np.bool_] | None:
        """Return what the last looks hid together, if there were enough and every one of them left the rest clear."""
        seen = [cells for cells in self._openings if cells is not None]
        if len(seen) < self._policy.timing.opening_looks or len({cells.shape for cells in seen}) > 1:
            return None
        return np.asarray(np.logical_or.reduce(seen), np.bool_)


def smooth(looks: Sequence[Evidence], policy: Policy, purpose: str = "") -> NDArray[np.float64]:
    """Weigh every look of a recording by what came before *and* after it.

    The forward-backward recursion over the same hidden Markov model as `Watch`; Rabiner, Proc. IEEE 77(2), 1989,
    eq. 27. For archives: a live camera cannot wait for what comes after.

    Args:
        looks: Evidence in the order of its offsets.
        policy: Transition rates and weights.
        purpose: The camera's declared purpose (Art. 6), for its prior; "" if it declares none.

    Returns:
        `(N,)` float64 in [0, 1], the probability that the view was prohibited at each look.
    """
    timing, forward, weights = policy.timing, [], []
    log_odds, before = _logit(policy.prior_of(purpose)), None
    for look in looks:
        log_odds = _predict(log_odds, before, look.offset, timing)
        weights.append(_weight(before, look.offset, timing) * _logit(_bounded(look.p_prohibited)))
        log_odds += weights[-1]
        forward.append(log_odds)
        before = look.offset
    # Backwards the same chain runs, for it is reversible; `ahead` is the log likelihood ratio of all later looks.
    smoothed, ahead = np.zeros(len(looks)), 0.0
    for index in range(len(looks) - 1, -1, -1):
        smoothed[index] = _sigmoid(forward[index] + ahead)
        if index:
            ahead = _recede(ahead + weights[index], looks[index - 1].offset, looks[index].offset, timing)
    return smoothed


def judge_recording(sights: Sequence[Evidence | Doubt], policy: Policy, purpose: str = "") -> list[Verdict]:
    """Rule on every look of a recording, knowing all of it.

    As `Watch` does, but the probability is that of `smooth`, and hysteresis works in both directions: a run of looks
    above `release_below` is PROHIBITED from its first to its last if it rises above `prohibited_above` anywhere.

    Args:
        sights: Looks in the order of their offsets. A doubt is UNCERTAIN, and ends a run.
        policy: Thresholds, timing and articles.
        purpose: The camera's declared purpose (Art. 6), for its prior; "" if it declares none.
    """
    limits = policy.thresholds
    evidence = [sight for sight in sights if isinstance(sight, Evidence)]
    weighed = zip(evidence, smooth(evidence, policy, purpose).tolist(), strict=True)
    verdicts: list[Verdict] = []
    run: list[tuple[Evidence, float]] = []

    def close() -> None:
        accused = any(p >= limits.prohibited_above for _, p in run)
        state = State.PROHIBITED if accused else State.UNCERTAIN
        verdicts.extend(_verdict(state, Reason.MODEL, look, p, policy) for look, p in run)
        run.clear()

    for sight in sights:
        if isinstance(sight, Doubt):
            close()
            verdicts.append(Verdict(State.UNCERTAIN, sight.reason, sight.offset))
            continue
        look, p = next(weighed)
        if p >= limits.release_below:
            run.append((look, p))
            continue
        close()
        state = State.CLEAR if p <= limits.clear_below else State.UNCERTAIN
        verdicts.append(_verdict(state, Reason.MODEL, look, p, policy))
    close()
    return verdicts


def _stay(before: float, now: float, timing: Timing) -> tuple[float, float]:
    """Return the chain's stationary probability of prohibited, and how much of the state survives to `now`."""
    enter, leave = 1 / timing.dwell_permitted_s, 1 / timing.dwell_prohibited_s
    return enter / (enter + leave), math.exp(-(enter + leave) * max(0.0, now - before))


def _predict(log_odds: float, before: float | None, now: float, timing: Timing) -> float:
    """Log-odds of prohibited at `now`, from those at the look before; both dwell times are exponential."""
    if before is None:
        return log_odds
    stationary, kept = _stay(before, now, timing)
    return _logit(stationary + (_sigmoid(log_odds) - stationary) * kept)


def _recede(ratio: float, before: float, now: float, timing: Timing) -> float:
    """Log likelihood ratio at `before` of what was seen from `now` on, from that ratio at `now`."""
    stationary, kept = _stay(before, now, timing)
    prohibited, permitted = _sigmoid(ratio), _sigmoid(-ratio)
    mean = stationary * prohibited + (1 - stationary) * permitted
    prohibited, permitted = kept * prohibited + (1 - kept) * mean, kept * permitted + (1 - kept) * mean
    return _logit(prohibited / (prohibited + permitted))


def _weight(before: float | None, now: float, timing: Timing) -> float:
    """Weight of a look: two looks a tenth of a second apart see one picture and count as little more than one."""
    if before is None:
        return 1.0
    return min(1.0, max(0.0, now - before) / timing.look_every_s)


def _bounded(p: float) -> float:
    # No single look may be so sure that no other can contradict it.
    return min(max(p, 1e-3), 1 - 1e-3)


def _verdict(state: State, reason: Reason, evidence: Evidence, p: float, policy: Policy) -> Verdict:
    zone = None if state is State.CLEAR else evidence.zone
    clauses = policy.rules[zone].clauses if zone is not None and state is State.PROHIBITED else ()
    return Verdict(state, reason, evidence.offset, zone, p, clauses, evidence.place, objects=evidence.objects)


def _logit(p: float) -> float:
    p = min(max(p, _NEVER), 1 - _NEVER)
    return math.log(p / (1 - p))


def _sigmoid(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
