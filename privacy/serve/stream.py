"""One camera's stream: requests in, results out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import structlog

from privacy import jpeg, pipeline
from privacy.cadence import Cadence
from privacy.errors import FrameError
from privacy.evidence import Reason
from privacy.frame import Frame, Layout
from privacy.models.classifier import ZoneClassifier
from privacy.plan import WHOLE, MaskPlan, plan_for
from privacy.policy import EffectKind, Policy
from privacy.serve import translate
from privacy.serve.exposure import ExposureMeter
from privacy.serve.latest import Latest
from privacy.serve.observer import Answer, Observers, Stages, StreamFacts
from privacy.serve.translate import Arrival, Delivery, Limits, Mode, Setup
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import frame_pb2
from privacy.verdict import State, Verdict, Watch

log = structlog.get_logger()
clock = time.perf_counter
STAGES = tuple(field.name for field in fields(Stages))


@dataclass(slots=True)
class _Work:
    """A frame on its way through, with the seconds that its stages took."""

    came: Arrival
    queue: float = 0.0
    decode: float = 0.0
    infer: float = 0.0
    mask: float = 0.0
    encode: float = 0.0
    ready: float = 0.0  # when it was decoded
    frame: Frame | None = None


class Stream:
    """Rules on the frames of one call.

    Args:
        setup: What the client asked for.
        facts: The same, for those who observe.
        model: What looks.
        policy: What is hidden, when and how; already checked against `setup`.
        limits: What one frame may cost.
        observers: Who hears of every answer.
    """

    def __init__(
        self,
        setup: Setup,
        facts: StreamFacts,
        *,
        model: ZoneClassifier,
        policy: Policy,
        limits: Limits,
        observers: Observers,
    ) -> None:
        self.exposure = ExposureMeter()
        self.frames = 0
        self._setup = setup
        self._facts = facts
        self._model = model
        self._policy = policy
        self._limits = limits
        self._observers = observers
        self._log = log.bind(stream=facts.session, camera=facts.camera)
        self._working: dict[int, _Work] = {}  # by sequence number; the pipeline knows frames, not messages
        self._passed: list[Arrival] = []
        self._last: Frame | None = None  # the last JPEG that could be decoded: a broken one takes its size
        self._effect = policy.checked(setup.effect or policy.effect)

    def results(self, requests: Iterator[pb.EnforceStreamRequest]) -> Iterator[pb.FrameResult]:
        """Yield one result for each frame, in order.

        Raises:
            InputError: A message was wrong; the results before it were yielded.
            MaskingError: A frame could not be masked, and was not sent.
        """
        arrivals = self._arrivals(requests)
        latest = None
        if self._setup.delivery is Delivery.LATEST:
            latest = Latest(arrivals, lambda came: replace(came, data=b""))
            arrivals = self._newest(latest)
        try:
            watch = Watch(self._policy, self._setup.purpose)
            ruled = pipeline.judge(self._frames(arrivals), self._model, watch, Cadence(self._policy.timing))
            for frame, verdict in ruled:
                for came in self._passed:
                    yield self._passed_over(came, verdict)
                self._passed.clear()
                work = self._working.pop(frame.sequence)
                work.infer = clock() - work.ready
                yield self._result(frame, verdict, work)
        finally:
            if latest is not None:
                latest.close()

    def _arrivals(self, requests: Iterator[pb.EnforceStreamRequest]) -> Iterator[Arrival]:
        sequence = -1
        for request in requests:
            came = translate.arrival(request, sequence, clock())
            sequence = came.sequence
            yield came

    def _newest(self, latest: Latest[Arrival]) -> Iterator[Arrival]:
        for passed, newest in latest:
            self._passed = passed
            yield newest

    def _frames(self, arrivals: Iterator[Arrival]) -> Iterator[Frame]:
        for came in arrivals:
            work = _Work(came, queue=clock() - came.received)
            start = clock()
            frame = self._decoded(came)
            work.ready = clock()
            work.decode = work.ready - start
            work.frame = None if frame.damaged else frame
            self._working[came.sequence] = work
            yield frame

    def _decoded(self, came: Arrival) -> Frame:
        """Return the frame; a JPEG comes out small, for the model looks at a thumbnail, and damaged if it is broken."""
        if self._setup.format.layout is not None:
            return translate.raw_frame(came, self._setup.format, self._limits)
        try:
            self._last = jpeg.read(
                came.data,
                came.offset,
                came.sequence,
                at_least=self._model.input_size,
                max_pixels=self._limits.pixels,
            )
        except FrameError as error:
            self._log.warning("decode_failed", sequence=came.sequence, bytes=len(came.data), error=str(error))
            return self._broken(came)
        return self._last

    def _broken(self, came: Arrival) -> Frame:
        last = self._last or Frame((np.zeros((1, 1), np.uint8),), Layout.GRAY, 0.0, full_range=True)
        planes = tuple(np.zeros_like(plane) for plane in last.planes)
        return replace(last, planes=planes, offset=came.offset, sequence=came.sequence, damaged=True)

    def _result(self, frame: Frame, verdict: Verdict, work: _Work) -> pb.FrameResult:
        self.frames += 1
        plan = plan_for(verdict, self._policy, self._setup.static, self._setup.effect)
        result = pb.FrameResult(sequence_number=work.came.sequence, capture_offset=translate.duration(work.came.offset))
        if self._setup.mode is Mode.MASKED_FRAME:
            try:
                plan = self._paint(result, frame, verdict, plan, work)
            except FrameError as error:
                # It could be decoded small, but not whole.
                self._log.warning("decode_failed", sequence=work.came.sequence, error=str(error))
                verdict = Verdict(State.UNCERTAIN, Reason.DECODE_ERROR, work.came.offset)
                plan = MaskPlan((WHOLE,), plan.effect)
                result.withheld = True
        return self._completed(result, verdict, plan, work)

    def _passed_over(self, came: Arrival, ruled: Verdict) -> pb.FrameResult:
        self.frames += 1
        verdict = Verdict(
            State.UNCERTAIN, Reason.OVERLOAD, came.offset, p_prohibited=ruled.p_prohibited, inherited=True
        )
        result = pb.FrameResult(sequence_number=came.sequence, capture_offset=translate.duration(came.offset))
        if self._setup.mode is Mode.MASKED_FRAME:
            result.withheld = True
        plan = MaskPlan((WHOLE,), self._effect)
        return self._completed(result, verdict, plan, _Work(came, queue=clock() - came.received))

    def _completed(self, result: pb.FrameResult, verdict: Verdict, plan: MaskPlan, work: _Work) -> pb.FrameResult:
        result.verdict.CopyFrom(translate.verdict(verdict))
        if self._setup.mode is not Mode.VERDICT:
            result.mask_plan.CopyFrom(translate.mask_plan(plan))
        if verdict.reason is not Reason.OVERLOAD:
            self.exposure.see(verdict)
        stages = Stages(**{stage: getattr(work, stage) for stage in STAGES})
        for stage in STAGES:
            getattr(result.timing, stage).CopyFrom(translate.duration(getattr(stages, stage)))
        result.exposure.frames = self.exposure.frames
        result.exposure.duration.CopyFrom(translate.duration(self.exposure.seconds))
        self._observers.answered(
            self._facts,
            Answer(
                sequence=work.came.sequence,
                verdict=verdict,
                plan=plan,
                stages=stages,
                exposure_frames=self.exposure.frames,
                exposure_s=self.exposure.seconds,
                frame=work.frame,
            ),
        )
        return result

    def _paint(self, result: pb.FrameResult, frame: Frame, verdict: Verdict, plan: MaskPlan, work: _Work) -> MaskPlan:
        """Put the picture into `result`, and return the plan that was really carried out."""
        if not plan.regions and not self._setup.return_unchanged:
            result.unchanged = True
            return plan
        if self._setup.format.layout is not None:
            outcome = self._enforced(frame, verdict, work)
            data = _timed(work, lambda: translate.packed(outcome.frame))
            _put(result, translate.pixel_format(self._setup.format), data, frame.size)
            return outcome.plan
        return self._paint_jpeg(result, frame, verdict, plan, work)

    def _paint_jpeg(
        self, result: pb.FrameResult, frame: Frame, verdict: Verdict, plan: MaskPlan, work: _Work
    ) -> MaskPlan:
        size = frame.source_size
        if size is None:
            result.withheld = True  # nothing was ever decoded, so that nobody knows the size
            return plan
        if frame.damaged or (plan.hides_everything and plan.effect.kind is EffectKind.SOLID):
            data = _timed(work, lambda: jpeg.black(size))
        elif not plan.regions:
            data = work.came.data
        else:
            start = clock()
            header = jpeg.measure(work.came.data, max_pixels=self._limits.pixels)
            whole = jpeg.read(work.came.data, work.came.offset, work.came.sequence, max_pixels=self._limits.pixels)
            work.decode += clock() - start
            outcome = self._enforced(whole, verdict, work)
            plan = outcome.plan
            quality = self._setup.jpeg_quality
            data = _timed(work, lambda: jpeg.write(outcome.frame, quality=quality, subsampling=header.subsampling))
        _put(result, frame_pb2.PIXEL_FORMAT_JPEG, data, size)
        return plan

    def _enforced(self, frame: Frame, verdict: Verdict, work: _Work) -> pipeline.Outcome:
        start = clock()
        outcomes = pipeline.enforce([(frame, verdict)], self._policy, self._setup.static, self._setup.effect)
        outcome = next(outcomes)
        work.mask = clock() - start
        return outcome


def _timed(work: _Work, encode: Callable[[], bytes]) -> bytes:
    start = clock()
    data = encode()
    work.encode = clock() - start
    return data


def _put(
    result: pb.FrameResult, pixel_format: frame_pb2.PixelFormat.ValueType, data: bytes, size: tuple[int, int]
) -> None:
    height, width = size
    result.masked.CopyFrom(frame_pb2.Picture(pixel_format=pixel_format, data=data, width_px=width, height_px=height))
