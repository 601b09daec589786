"""Frames in, outcomes out: the one path that every face shares."""

import math
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
import structlog
from numpy.typing import NDArray

from privacy.cadence import Cadence, Cue, Pace
from privacy.errors import MaskingError, OverloadError, PolicyError, SourceLostError
from privacy.evidence import Doubt, Evidence, Reason, Sight
from privacy.flow import Flow
from privacy.frame import Frame, Plane, thumbnail
from privacy.masking import Masker, blank, mask
from privacy.models.classifier import ZoneClassifier
from privacy.models.detector import Detector
from privacy.openings import Around
from privacy.plan import WHOLE, MaskPlan, Polygon, plan_for
from privacy.policy import Effect, Policy, Subject, Subjects
from privacy.survey import MAX_SUBJECTS, Survey
from privacy.tracks import Hidden, Tracks, outermost
from privacy.verdict import State, Verdict, Watch, judge_still

log = structlog.get_logger()

MAX_UNSEEN = 30
"""After so many frames that no detector saw one is looked at, whatever their clock says: a clock can crawl."""
_A_TICK = 1e-6
"""Seconds: a frame of a fifth of a second later is one, although 0.6 - 0.4 is less than 0.2."""
MAX_HELD_PER_S = 120
"""No camera is faster: so many frames wait for each second of look-behind, and no more, whatever their clock says."""
_REST = 1.5
"""A part of the picture that shows nothing new waits at most so many times as long as frames do: whom its last look
missed and the next one finds is hidden in hindsight for as long as frames wait, and left unhidden before. Half again as
long is what was measured where they wait two seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What may leave the process for one frame.

    Attributes:
        frame: The picture, masked as planned; same size, layout and offset as it came.
        verdict: What was ruled.
        plan: What was hidden.
        subjects: What of `plan` is hidden as a person, face or screen; empty in a frame that is hidden whole.
    """

    frame: Frame
    verdict: Verdict
    plan: MaskPlan
    subjects: tuple[Hidden, ...] = ()


def guard(
    frames: Iterable[Frame],
    model: ZoneClassifier,
    policy: Policy,
    *,
    purpose: str = "",
    static: Sequence[Polygon] = (),
    effect: Effect | None = None,
    look_behind_s: float = 0.0,
    subjects: Mapping[Subject, Detector] | None = None,
    masker: Masker | None = None,
) -> Iterator[Outcome]:
    """Yield one outcome for each frame, in order.

    Args:
        frames: Of one camera or file.
        model: What looks.
        policy: What is hidden, when and how.
        purpose: The camera's declared purpose (Art. 6); "" if none.
        static: Polygons that are hidden whatever is seen.
        effect: An effect instead of the policy's default.
        look_behind_s: Frames wait this long for the next look before they leave, so that what was not yet recognised
            when it came is still hidden. 0 for the shortest delay.
        subjects: What to hide within permitted views, and what finds it. Such frames wait for `look_behind_s` once
            more, so that people are hidden from before they were first seen.
        masker: What masks, on which device; None for the CPU. See `privacy.masking.masker_for`.

    Raises:
        EffectTooWeakError: `effect` is below the policy's floor; raised before the first frame is read.
        PolicyError: The policy hides a subject that nothing here finds, or knows no such purpose; raised before the
            first frame is read.
        SourceLostError: The source broke off; raised after the outcome of its last good frame.
    """
    policy.checked(effect or policy.effect)
    watch, looks = Watch(policy, policy.declared(purpose)), looking(model, policy)
    # Not where openings are followed: what is hidden of a picture does not move with it.
    waits = look_behind_s >= policy.timing.look_every_s and not policy.openings.follow
    ruled = judge(frames, looks, watch, Cadence(policy.timing, Pace(waits=waits)))
    if look_behind_s > 0:
        ruled = wait(
            ruled,
            look_behind_s,
            lambda frame: watch.see(examine(frame, looks), frame.offset),
            # Of less, frames leave before the next look anyway.
            paused=(lambda frame: rule_still(frame, looks, policy)[0])
            if look_behind_s >= policy.timing.look_every_s
            else None,
        )
    subjects = subjects or {}
    if missing := policy.subjects.hidden - set(subjects):
        raise PolicyError(
            f"policy {policy.name} hides {', '.join(sorted(missing))}, and no detector is given for them",
            policy=policy.name,
        )
    if not subjects:
        return enforce(ruled, policy, static, effect, masker)
    most = max(1, math.ceil(look_behind_s * MAX_HELD_PER_S))
    return _hide(follow(ruled, subjects, policy.subjects, look_behind_s, most), policy, static, effect, masker)


def looking(model: ZoneClassifier, policy: Policy) -> ZoneClassifier:
    """Return what looks as the policy wants: once, or around openings as well."""
    return Around(model, policy) if policy.openings.follow else model


def examine(frame: Frame, model: ZoneClassifier) -> Evidence | Doubt:
    """Let the model look at one frame. A model that fails casts doubt; it never stops the stream."""
    if frame.damaged:
        return Doubt(frame.offset, Reason.DECODE_ERROR)
    try:
        (seen,) = model.look([thumbnail(frame, model.input_size)], [frame.offset])
    except OverloadError:
        return Doubt(frame.offset, Reason.OVERLOAD)
    except Exception as error:  # whatever a model raises, the frame must come out hidden
        log.error("model_failed", model=model.name, sequence=frame.sequence, error=type(error).__name__)
        return Doubt(frame.offset, Reason.MODEL_ERROR)
    # None would read as "not looked at", and let the frame inherit CLEAR.
    return seen if isinstance(seen, Evidence) else Doubt(frame.offset, Reason.MODEL_ERROR)


def judge(
    frames: Iterable[Frame], model: ZoneClassifier, watch: Watch, cadence: Cadence
) -> Iterator[tuple[Frame, Verdict]]:
    """Yield each frame with its verdict, looking only as often as the cadence asks."""
    state, opening = State.UNCERTAIN, False
    shape: object = None
    for frame in frames:
        sight: Sight = None
        here = (frame.layout, frame.source_size or frame.size)
        if shape not in (None, here):
            sight = Doubt(frame.offset, Reason.FORMAT_CHANGE)
        elif frame.damaged:
            sight = examine(frame, model)
        else:
            match cadence.cue(frame, settled=state is not State.UNCERTAIN):
                case Cue.LOOK:
                    sight = examine(frame, model)
                case Cue.BLIND if opening or state is not State.PROHIBITED:  # what is accused stays so, hidden whole
                    sight = Doubt(frame.offset, Reason.OVERLOAD)
        shape = here
        verdict = watch.see(sight, frame.offset)
        state, opening = verdict.state, verdict.opening is not None
        yield frame, verdict


@dataclass(frozen=True, slots=True)
class Room:
    """Memory for frames that wait.

    Attributes:
        most: Bytes. Beyond them, the frame that has waited longest leaves at once, hidden.
        taken: Returns the bytes that a frame takes, the same as long as it waits.
    """

    most: int = sys.maxsize
    taken: Callable[[Frame], int] = lambda frame: frame.nbytes


def wait(
    ruled: Iterable[tuple[Frame, Verdict]],
    seconds: float,
    last: Callable[[Frame], Verdict] | None = None,
    room: Room = Room(),
    *,
    paused: Callable[[Frame], Verdict] | None = None,
) -> Iterator[tuple[Frame, Verdict]]:
    """Hold frames back until the next look, and hide those whose next look is not clear.

    A frame ruled CLEAR by inheritance was not looked at; it leaves clear only if the look after it is clear as well.
    Of one that shows what is around an opening, the cells are hidden that either look marks.

    Args:
        ruled: Frames in order.
        seconds: Nothing waits longer than this.
        last: Looks at the last frame, so that those before it have a look after them, too. If None, what is held at the
            end of the source leaves by its own verdict.
        room: For what is held.
        paused: Rules on the last frame before a pause that is longer than `seconds`, as `last` does on the last of all;
            but what comes after it was ruled on before. If None, the look after the pause counts for those before it.
    """
    held: deque[tuple[Frame, Verdict]] = deque()
    taken = 0
    try:
        for frame, verdict in ruled:
            if paused is not None and held and frame.offset - held[-1][0].offset > seconds and held[-1][1].inherited:
                yield from _settled(held, paused)
                held.clear()
                taken = 0
            if not verdict.inherited:
                while held:
                    yield _settle(held.popleft(), verdict)
                taken = 0
            held.append((frame, verdict))
            taken += room.taken(frame)
            while held and ((over := frame.offset - held[0][0].offset > seconds) or taken > room.most):
                first, ruling = held.popleft()
                taken -= room.taken(first)
                yield first, ruling if over else _crowded_out(ruling)
    except SourceLostError:
        yield from _settled(held, last)  # was read whole, so it is part of the output
        raise
    yield from _settled(held, last)


def _settled(
    held: deque[tuple[Frame, Verdict]], last: Callable[[Frame], Verdict] | None
) -> Iterator[tuple[Frame, Verdict]]:
    if last is not None and held and held[-1][1].inherited:
        frame, _ = held.pop()
        verdict = last(frame)
        while held:
            yield _settle(held.popleft(), verdict)
        held.append((frame, verdict))
    yield from held


def _settle(earlier: tuple[Frame, Verdict], look: Verdict) -> tuple[Frame, Verdict]:
    frame, verdict = earlier
    if look.state is not State.CLEAR and verdict.opening is not None:
        verdict = replace(verdict, opening=_joined(verdict.opening, look.opening))
    if verdict.state is not State.CLEAR or look.state is State.CLEAR:
        return frame, verdict
    return frame, replace(look, offset=verdict.offset, inherited=True, opening=None)


def _joined(opening: NDArray[np.bool_], later: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Return the cells of both; None, for the whole frame, if the later look found no opening or counts other cells."""
    if later is None or later.shape != opening.shape:
        return None  # the rest was taken for clear, and is no longer
    return np.asarray(opening | later, np.bool_)


def _crowded_out(verdict: Verdict) -> Verdict:
    """Return what is ruled of a frame that could not wait for the look that it was to wait for."""
    if verdict.state is State.CLEAR:
        return replace(verdict, state=State.UNCERTAIN, reason=Reason.OVERLOAD)
    return replace(verdict, opening=None)


@dataclass(slots=True, eq=False)
class _Held:
    """A frame on its way out; `seen` if the detectors looked at it themselves."""

    frame: Frame
    verdict: Verdict
    seen: bool


def follow(
    ruled: Iterable[tuple[Frame, Verdict]],
    subjects: Mapping[Subject, Detector],
    rules: Subjects,
    look_behind_s: float = 0.0,
    most: int | None = None,
    *,
    room: Room = Room(),
) -> Iterator[tuple[Frame, Verdict, tuple[Hidden, ...]]]:
    """Yield each frame with the subjects to hide in it; a frame whose look failed is no longer CLEAR.

    Only frames ruled CLEAR are looked at, for nothing is seen of the others; the first and the last of a run always,
    and the last before a pause so long that the next look would not reach back to all that came before it.

    Args:
        ruled: Frames in order.
        subjects: What to hide, and what finds it.
        rules: The policy's, for times, scores and margins.
        look_behind_s: Frames wait this long, so that who is found later is hidden in them as well.
        most: But no more than so many frames wait, whatever their offsets say; None for as many as there are.
        room: For those that wait.
    """
    every = rules.detect_every_s if look_behind_s >= rules.detect_every_s else 0.0
    # Who comes in is hidden in hindsight as long as frames wait: so long their part of the picture may wait, too.
    patient = replace(
        rules,
        tiles_every_s=max(rules.tiles_every_s, min(rules.tiles_rest_s, look_behind_s)),
        tiles_rest_s=max(rules.tiles_every_s, min(rules.tiles_rest_s, _REST * look_behind_s)),
    )
    tracks, looks = Tracks(rules), _Looks(subjects, patient, every, min(most or MAX_UNSEEN, MAX_UNSEEN))
    held: deque[_Held] = deque()
    taken = 0
    try:
        for frame, verdict in ruled:
            ran_back = bool(held) and frame.offset < held[-1].frame.offset  # the tracks start anew
            if ran_back or verdict.state is not State.CLEAR or _unsought_for(held, frame.offset) > rules.hold_s:
                looks.at_last(held, tracks, due=True)
            if ran_back:
                yield from _released(held, tracks)
                taken = 0
            held.append(_Held(frame, verdict, seen=False))
            taken += room.taken(frame)
            looks.at_last(held, tracks)
            while held:
                over = frame.offset - held[0].frame.offset >= look_behind_s or len(held) > (most or len(held))
                if not over and taken <= room.most:
                    break
                first = held.popleft()
                taken -= room.taken(first.frame)
                first.verdict = first.verdict if over else _crowded_out(first.verdict)
                yield _left(first, tracks)
    except SourceLostError:
        looks.at_last(held, tracks, due=True)
        yield from _released(held, tracks)
        raise
    looks.at_last(held, tracks, due=True)
    yield from _released(held, tracks)


class _Looks:
    """When the detectors look, and what follows if they fail."""

    def __init__(self, subjects: Mapping[Subject, Detector], rules: Subjects, every: float, most: int) -> None:
        self._survey, self._flow, self._every, self._most = Survey(subjects, rules), Flow(), every, most
        self._looked: float | None = None  # the offset of the last good look; None if a look is overdue
        self._unseen = 0  # frames since then

    def at_last(self, held: deque[_Held], tracks: Tracks, *, due: bool = False) -> None:
        """Look at the newest of the held frames, if it is time, or `due` since no other will come after it."""
        if not held or held[-1].seen:
            return
        now = held[-1]
        if now.verdict.state is not State.CLEAR:
            self._looked = None
            return
        self._unseen += 1
        is_due = (
            due
            or self._looked is None
            or not 0 <= now.frame.offset - self._looked < self._every - _A_TICK
            or self._unseen >= self._most
        )
        try:
            if self._flow.add(now.frame, at_once=is_due):
                tracks.carry(now.frame.offset, self._flow)
                self._flow.forget(held[0].frame.offset)
            if not is_due:
                return
            self._unseen = 0
            found = self._survey.find(now.frame)
            tracks.see(found, now.frame.offset, since=held[0].frame.offset, carrier=self._flow)
        except Exception as error:  # whatever a detector raises, nobody may be seen because of it
            log.error("detector_failed", sequence=now.frame.sequence, error=type(error).__name__)
            self._looked = None
            for entry in takewhile(lambda entry: not entry.seen, reversed(held)):
                entry.verdict = _unseen(entry.verdict)  # predicted for the time until this look
        else:
            self._looked, now.seen = now.frame.offset, True


def _unsought_for(held: Sequence[_Held], offset: float) -> float:
    """Return how long before an offset the first frame came of those that wait for a look of a detector; 0 if none."""
    since = takewhile(lambda entry: entry.verdict.state is State.CLEAR and not entry.seen, reversed(held))
    return max((offset - entry.frame.offset for entry in since), default=0.0)


def _released(held: deque[_Held], tracks: Tracks) -> Iterator[tuple[Frame, Verdict, tuple[Hidden, ...]]]:
    while held:
        yield _left(held.popleft(), tracks)


def _unseen(verdict: Verdict) -> Verdict:
    if verdict.state is not State.CLEAR:
        return verdict
    return replace(verdict, state=State.UNCERTAIN, reason=Reason.MODEL_ERROR)


def _left(entry: _Held, tracks: Tracks) -> tuple[Frame, Verdict, tuple[Hidden, ...]]:
    if entry.verdict.state is not State.CLEAR:
        # Nobody was looked for around an opening, so that all of it is hidden.
        return entry.frame, replace(entry.verdict, opening=None), ()
    hidden = tracks.hidden(entry.frame.offset)
    if len(hidden) > MAX_SUBJECTS:
        return entry.frame, _unseen(entry.verdict), ()
    return entry.frame, entry.verdict, hidden


def _hide(
    followed: Iterable[tuple[Frame, Verdict, tuple[Hidden, ...]]],
    policy: Policy,
    static: Sequence[Polygon],
    effect: Effect | None,
    masker: Masker | None = None,
) -> Iterator[Outcome]:
    """Mask each frame as its verdict demands, and the subjects in those that are permitted."""
    for frame, verdict, hidden in followed:
        plan = plan_for(verdict, policy, (*static, *(one.region for one in outermost(hidden))), effect)
        outcome = enforced(frame, verdict, plan, masker)
        yield outcome if outcome.plan.hides_everything else replace(outcome, subjects=hidden)


def enforce(
    ruled: Iterable[tuple[Frame, Verdict]],
    policy: Policy,
    static: Sequence[Polygon] = (),
    effect: Effect | None = None,
    masker: Masker | None = None,
) -> Iterator[Outcome]:
    """Mask each frame as its verdict demands.

    Raises:
        MaskingError: Not even a blank frame could be made.
    """
    for frame, verdict in ruled:
        plan = plan_for(verdict, policy, static, effect)
        yield enforced(frame, verdict, plan, masker)


def enforced(
    frame: Frame, verdict: Verdict, plan: MaskPlan, masker: Masker | None = None, into: Plane | None = None
) -> Outcome:
    """Mask one frame as planned, or hide it whole if that fails.

    Args:
        frame: What was judged.
        verdict: What was ruled.
        plan: What to hide.
        masker: What masks; None for the CPU.
        into: Where the masked planes may be written; see `privacy.masking.mask`.

    Raises:
        MaskingError: Not even a blank frame could be made.
    """
    try:
        return Outcome((masker or mask)(frame, plan, into), verdict, plan)
    except Exception as error:  # whatever went wrong, a frame that should have been masked may not leave as it is
        log.error("mask_failed", sequence=frame.sequence, error=type(error).__name__)
    try:
        return Outcome(blank(frame), verdict, replace(plan, regions=(WHOLE,)))
    except Exception as error:
        raise MaskingError("the frame could not be masked", sequence=frame.sequence) from error


def rule_still(frame: Frame, model: ZoneClassifier, policy: Policy) -> tuple[Verdict, Evidence | Doubt]:
    """Rule on one picture without any history."""
    sight = examine(frame, model)
    if isinstance(sight, Doubt):
        return Verdict(State.UNCERTAIN, sight.reason, frame.offset), sight
    return judge_still(sight, policy), sight
