"""Frames in, outcomes out: the one path that every face shares."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import structlog

from privacy.cadence import Cadence
from privacy.errors import MaskingError, SourceLostError
from privacy.evidence import Doubt, Evidence, Reason, Sight
from privacy.frame import Frame, thumbnail
from privacy.masking import blank, mask
from privacy.models.classifier import ZoneClassifier
from privacy.plan import WHOLE, MaskPlan, Polygon, plan_for
from privacy.policy import Effect, Policy
from privacy.verdict import State, Verdict, Watch, judge_still

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What may leave the process for one frame.

    Attributes:
        frame: The picture, masked as planned; same size, layout and offset as it came.
        verdict: What was ruled.
        plan: What was hidden.
    """

    frame: Frame
    verdict: Verdict
    plan: MaskPlan


def guard(
    frames: Iterable[Frame],
    model: ZoneClassifier,
    policy: Policy,
    *,
    purpose: str = "",
    static: Sequence[Polygon] = (),
    effect: Effect | None = None,
    look_behind_s: float = 0.0,
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

    Raises:
        EffectTooWeakError: `effect` is below the policy's floor; raised before the first frame is read.
        SourceLostError: The source broke off; raised after the outcome of its last good frame.
    """
    policy.checked(effect or policy.effect)
    ruled = judge(frames, model, Watch(policy, purpose), Cadence(policy.timing))
    if look_behind_s > 0:
        ruled = wait(ruled, look_behind_s)
    return enforce(ruled, policy, static, effect)


def examine(frame: Frame, model: ZoneClassifier) -> Evidence | Doubt:
    """Let the model look at one frame. A model that fails casts doubt; it never stops the stream."""
    if frame.damaged:
        return Doubt(frame.offset, Reason.DECODE_ERROR)
    try:
        return model.look([thumbnail(frame, model.input_size)], [frame.offset])[0]
    except Exception as error:  # whatever a model raises, the frame must come out hidden
        log.error("model_failed", model=model.name, sequence=frame.sequence, error=type(error).__name__)
        return Doubt(frame.offset, Reason.MODEL_ERROR)


def judge(
    frames: Iterable[Frame], model: ZoneClassifier, watch: Watch, cadence: Cadence
) -> Iterator[tuple[Frame, Verdict]]:
    """Yield each frame with its verdict, looking only as often as the cadence asks."""
    settled = False
    shape: object = None
    for frame in frames:
        sight: Sight = None
        here = (frame.layout, frame.source_size or frame.size)
        if shape not in (None, here):
            sight = Doubt(frame.offset, Reason.FORMAT_CHANGE)
        elif frame.damaged or cadence.due(frame, settled=settled):
            sight = examine(frame, model)
        shape = here
        verdict = watch.see(sight, frame.offset)
        settled = verdict.state is not State.UNCERTAIN
        yield frame, verdict


def wait(ruled: Iterable[tuple[Frame, Verdict]], seconds: float) -> Iterator[tuple[Frame, Verdict]]:
    """Hold frames back until the next look, and hide those whose next look is not clear.

    A frame ruled CLEAR by inheritance was not looked at; it leaves clear only if the look after it is clear as well. At
    the end of the source there is no such look, and what was held leaves by its own verdict.
    """
    held: deque[tuple[Frame, Verdict]] = deque()
    try:
        for frame, verdict in ruled:
            if not verdict.inherited:
                while held:
                    yield _settle(held.popleft(), verdict)
            held.append((frame, verdict))
            while frame.offset - held[0][0].offset > seconds:
                yield held.popleft()
    except SourceLostError:
        yield from held  # was read whole, so it is part of the output
        raise
    yield from held


def _settle(earlier: tuple[Frame, Verdict], look: Verdict) -> tuple[Frame, Verdict]:
    frame, verdict = earlier
    if verdict.state is not State.CLEAR or look.state is State.CLEAR:
        return earlier
    return frame, replace(look, offset=verdict.offset, inherited=True)


def enforce(
    ruled: Iterable[tuple[Frame, Verdict]],
    policy: Policy,
    static: Sequence[Polygon] = (),
    effect: Effect | None = None,
) -> Iterator[Outcome]:
    """Mask each frame as its verdict demands.

    Raises:
        MaskingError: Not even a blank frame could be made.
    """
    for frame, verdict in ruled:
        plan = plan_for(verdict, policy, static, effect)
        yield _enforced(frame, verdict, plan)


def _enforced(frame: Frame, verdict: Verdict, plan: MaskPlan) -> Outcome:
    try:
        return Outcome(mask(frame, plan), verdict, plan)
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
