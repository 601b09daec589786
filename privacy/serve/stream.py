"""One camera's stream: requests in, results out."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import structlog

from privacy import pipeline
from privacy.cadence import Cadence, Pace
from privacy.errors import FrameError, SettingsChangedError
from privacy.evidence import Reason
from privacy.frame import Frame, Plane
from privacy.masking import Masker
from privacy.models.detector import Detector
from privacy.plan import WHOLE, MaskPlan, plan_for
from privacy.policy import EffectKind, Policy, Subject, Timing
from privacy.serve import translate
from privacy.serve.admission import Account
from privacy.serve.ahead import Ahead
from privacy.serve.cpu import Meter
from privacy.serve.exposure import ExposureMeter
from privacy.serve.latest import Latest
from privacy.serve.observer import Answer, Observers, Stages, StreamFacts
from privacy.serve.pictures import Pictures, Written
from privacy.serve.scheduler import Seat
from privacy.serve.slots import Slots
from privacy.serve.terms import Standing, Terms
from privacy.serve.translate import Arrival, Delivery, Mode, Setup
from privacy.serve.whereabouts import Whereabouts
from privacy.tracks import Hidden
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import mask_pb2
from privacy.verdict import State, Verdict, Watch

log = structlog.get_logger()
clock = time.perf_counter

CREDITS = 8
_FASTEST = 60
"""Frames a second for which there are credits while frames wait for the next look."""
_CHANGES = 4
_AHEAD, _WAIT, _FOLLOW = 0.125, 0.375, 0.5
"""Shares of the memory for what waits: until somebody takes it, for the next look, and for who is found later."""
_PAUSE_S = 0.5


@dataclass(slots=True)
class _Work:
    """A frame on its way through, with the seconds that its stages took."""

    came: Arrival
    passed: list[Arrival] = field(default_factory=list)  # those that were passed over just before it
    queue: float = 0.0
    decode: float = 0.0
    infer: float = 0.0
    mask: float = 0.0
    encode: float = 0.0
    ready: float = 0.0  # when it was decoded
    frame: Frame | None = None


def credits_for(look_behind_s: float) -> int:
    """Return how many frames a client may have without a result."""
    return CREDITS + math.ceil(2 * look_behind_s * _FASTEST)


def pace_of(timing: Timing, look_behind_s: float, memory: int) -> tuple[Timing, Pace]:
    """Return when a stream's frames are looked at.

    Those that wait for the next look must not wait longer than they may: neither by their own clock nor, since a client
    that has used all its credits sends nothing more, in frames, nor in bytes of `memory`.
    """
    if look_behind_s > 0:
        every = min(timing.look_every_s, look_behind_s)
        paced = replace(timing, look_every_s=every, look_again_s=min(timing.look_again_s, every))
        return paced, Pace(frames=credits_for(look_behind_s) // 2, memory=memory, changes=_CHANGES)
    return timing, Pace(still_s=min(2 * timing.look_every_s, timing.stall_s / 2), changes=_CHANGES)


class Stream:
    """Rules on the frames of one call.

    Args:
        setup: What the client asked for.
        facts: The same, for those who observe.
        standing: What holds for it, while that may change.
        terms: What held when `facts` and `policy` were made of it.
        seat: What looks.
        policy: What is hidden, when and how; already checked against `setup`.
        pictures: Reads and writes the frames.
        subjects: What finds the people, faces and screens that the policy hides.
        masker: What masks pixels.
        observers: Who hears of every answer.
        account: What the stream costs is counted here.
        waiting_bytes: What its frames may take while they wait.
        changed: Says whether the camera shows none of its approved views.
        slots: Shared memory of the stream, if there is any.
    """

    def __init__(
        self,
        setup: Setup,
        facts: StreamFacts,
        *,
        standing: Standing,
        terms: Terms,
        seat: Seat,
        policy: Policy,
        pictures: Pictures,
        subjects: Mapping[Subject, Detector],
        masker: Masker,
        observers: Observers,
        account: Account,
        waiting_bytes: int,
        changed: Callable[[], bool] = lambda: False,
        slots: Slots | None = None,
    ) -> None:
        self.exposure = ExposureMeter()
        self.frames = 0
        self._setup = setup
        self._facts = facts
        self._standing = standing
        self._named = terms.policy  # of which `policy` is the pack
        self._told = terms  # the terms that `facts` tell
        self._seat = seat
        self._looks = pipeline.looking(seat, policy)
        self._policy = policy
        self._pictures = pictures
        self._subjects = subjects
        self._masker = masker
        self._observers = observers
        self._account = account
        self._waiting_bytes = waiting_bytes
        self._changed = changed
        self._slots = slots
        self._log = log.bind(stream=facts.session, camera=facts.camera)
        self._whereabouts = Whereabouts()
        self._working: dict[int, _Work] = {}  # by sequence number; the pipeline knows frames, not messages
        self._passed: list[Arrival] = []
        self._offset: float | None = None
        self._meter = Meter()
        self._meters = [self._meter]  # of every thread that works for the stream
        self._counted = 0.0
        self._written: tuple[MaskPlan, mask_pb2.MaskPlan] | None = None
        self._untold: tuple[StreamFacts, Answer] | None = None

    def responses(self, requests: Iterator[pb.EnforceStreamRequest]) -> Iterator[pb.EnforceStreamResponse]:
        """Yield one result for each frame, in order.

        A result is written into the message that carries it: to put one message into another copies its picture.
        Observers hear of each when it was taken, and so do not keep a client waiting.

        Raises:
            InputError: A message was wrong; the results before it were yielded.
            MaskingError: A frame could not be masked, and was not sent.
        """
        for response in self._responses(requests):
            yield response
            self.tell()

    def tell(self) -> None:
        """Tell observers of the last answer, if they have not heard of it; to be called once more at the end."""
        if self._untold is not None:
            (facts, answer), self._untold = self._untold, None
            self._observers.answered(facts, answer)

    def _responses(self, requests: Iterator[pb.EnforceStreamRequest]) -> Iterator[pb.EnforceStreamResponse]:
        arrivals = self._arrivals(requests)
        with ExitStack() as ending:
            if self._setup.delivery is Delivery.LATEST:
                latest = Latest(arrivals, lambda came: replace(came, data=b""))
                ending.callback(latest.close)
                self._meters.append(latest.meter)
                arrivals = self._newest(latest)
            for frame, verdict, hidden in self._ruled(arrivals, ending):
                work = self._working.pop(frame.sequence)
                for came in work.passed:
                    self._whereabouts.see(came.ptz, came.offset)
                    yield self._passed_over(came, verdict)
                work.infer = clock() - work.ready
                yield self._response(frame, self._unchanged(verdict), hidden, work)
                self._count(frame.offset)

    def _ruled(
        self, arrivals: Iterator[Arrival], ending: ExitStack
    ) -> Iterator[tuple[Frame, Verdict, tuple[Hidden, ...]]]:
        terms = self._told  # if others hold by now, the first frame finds that out
        watch = Watch(self._policy)
        watch.declare(terms.purposes)
        timing, pace = pace_of(self._policy.timing, self._facts.look_behind_s, self._share(_WAIT).most)
        self._seat.urgent = watch.open
        frames = self._frames(self._under_terms(arrivals, watch, terms))
        ruled = pipeline.judge(frames, self._looks, watch, Cadence(timing, pace))
        if self._facts.look_behind_s == 0:
            return self._followed(ruled)
        ahead = Ahead(
            ruled,
            credits_for(self._facts.look_behind_s),
            most=self._share(_AHEAD).most,
            taken=lambda one: self._taken(one[0]),
        )
        ending.callback(ahead.close)
        self._meters.append(ahead.meter)
        return self._waited(ahead, watch)

    def _waited(
        self, ahead: Ahead[tuple[Frame, Verdict]], watch: Watch
    ) -> Iterator[tuple[Frame, Verdict, tuple[Hidden, ...]]]:
        """Hold frames back until the next look. A camera that pauses gets its last frames back hidden, not never."""

        def last(frame: Frame) -> Verdict:
            return watch.see(pipeline.examine(frame, self._looks), frame.offset) if ahead.over else paused(frame)

        def paused(frame: Frame) -> Verdict:
            return Verdict(State.UNCERTAIN, Reason.STALL, frame.offset, inherited=True)

        seconds = self._facts.look_behind_s
        while not ahead.over:
            coming = ahead.until_pause(seconds + _PAUSE_S)
            yield from self._followed(pipeline.wait(coming, seconds, last, self._share(_WAIT), paused=paused))
            ahead.wait()
        ahead.check()

    def _followed(self, ruled: Iterator[tuple[Frame, Verdict]]) -> Iterator[tuple[Frame, Verdict, tuple[Hidden, ...]]]:
        if not self._subjects:
            return ((frame, verdict, ()) for frame, verdict in ruled)
        # Frames wait once more here. A client that has used half its credits for that must not wait for its results.
        seconds = self._facts.look_behind_s
        most = max(1, credits_for(seconds) // 2 - CREDITS)
        return pipeline.follow(
            ruled, self._subjects, self._policy.subjects, seconds, most=most, room=self._share(_FOLLOW)
        )

    def _share(self, share: float) -> pipeline.Room:
        return pipeline.Room(int(share * self._waiting_bytes), self._taken)

    def _taken(self, frame: Frame) -> int:
        """Return what a frame keeps in memory: its planes, and what they were unpacked from."""
        came = self._working[frame.sequence].came
        if self._setup.format.layout is None:
            return len(came.data) + frame.nbytes
        return 0 if came.slot is not None else len(came.data)  # the planes are what came; slots have room of their own

    def _unchanged(self, verdict: Verdict) -> Verdict:
        """Return the verdict; nothing is clear, and nothing but the whole is hidden, in a view that nobody approved."""
        if not self._changed():
            return verdict
        if verdict.state is State.CLEAR:
            return replace(verdict, state=State.UNCERTAIN, reason=Reason.VIEW_CHANGED)
        return verdict if verdict.opening is None else replace(verdict, opening=None)

    def _count(self, offset: float) -> None:
        """Put down what frames have cost, now and then."""
        if (wall := self._meter.read()) is None:
            return
        # What reads ahead is as far ahead when it is counted next, so that this is what the frames between have cost.
        spent = sum(meter.seconds for meter in self._meters) + self._seat.spent
        if self._offset is not None:
            self._account.spend(spent - self._counted, offset - self._offset, wall)
        self._counted, self._offset = spent, offset

    def _arrivals(self, requests: Iterator[pb.EnforceStreamRequest]) -> Iterator[Arrival]:
        sequence = -1
        for request in requests:
            if self._slots is not None and request.WhichOneof("message") == "release":
                self._slots.give_back(request.release.slots)
                continue
            came = translate.arrival(request, sequence, clock(), self._slots)
            if came.slot is not None and self._setup.format.layout is None:
                came = replace(came, data=bytes(came.data))  # what decoders want
            sequence = came.sequence
            yield came

    def _newest(self, latest: Latest[Arrival]) -> Iterator[Arrival]:
        for passed, newest in latest:
            self._passed = passed
            yield newest

    def _under_terms(self, arrivals: Iterator[Arrival], watch: Watch, terms: Terms) -> Iterator[Arrival]:
        """Let the watch know what its camera is for, before each frame.

        Raises:
            SettingsChangedError: Another policy rules the camera now, and the client was told of the old one.
        """
        for came in arrivals:
            if (newest := self._standing.terms) is not terms:
                if newest.policy != self._named:
                    raise SettingsChangedError("another policy is registered for this camera: begin anew")
                if newest.purposes != terms.purposes:
                    watch.declare(newest.purposes)
                terms = newest
            yield came

    def _frames(self, arrivals: Iterator[Arrival]) -> Iterator[Frame]:
        for came in arrivals:
            start = clock()
            work = _Work(came, self._passed, queue=start - came.received)
            self._passed = []
            try:
                frame = self._pictures.read(came)
            except FrameError:
                raise
            except Exception as error:  # whatever a decoder raises, the frame must come out hidden
                self._log.error("decoder_failed", sequence=came.sequence, error=type(error).__name__)
                frame = self._pictures.broken(came)
            if frame.damaged:
                self._log.warning("decode_failed", sequence=came.sequence, bytes=len(came.data))
            else:
                work.frame = frame
            work.ready = clock()
            work.decode = work.ready - start
            self._working[came.sequence] = work
            yield frame

    def _response(
        self, frame: Frame, verdict: Verdict, hidden: Sequence[Hidden], work: _Work
    ) -> pb.EnforceStreamResponse:
        self.frames += 1
        terms = self._terms()
        if self._setup.mode is Mode.VERDICT and verdict.state is State.CLEAR and any(terms.zones.presets.values()):
            # The client hides its own zones. Of these it knows nothing, and a verdict cannot say where they are.
            verdict = Verdict(State.UNCERTAIN, Reason.POLICY, work.came.offset, inherited=verdict.inherited)
        preset = self._whereabouts.see(work.came.ptz, work.came.offset)
        regions = (*terms.static(preset), *(one.region for one in hidden))
        plan = plan_for(verdict, self._policy, regions, self._setup.effect)
        response, result = _begun(work.came)
        if self._setup.mode is Mode.MASKED_FRAME:
            try:
                plan = self._paint(result, frame, verdict, plan, work)
            except FrameError as error:
                # It could be read small, but not whole; or not be written.
                self._log.warning("picture_withheld", sequence=work.came.sequence, error=str(error))
                if verdict.state is State.CLEAR:
                    verdict = Verdict(State.UNCERTAIN, Reason.DECODE_ERROR, work.came.offset)
                plan = MaskPlan((WHOLE,), plan.effect)
                result.withheld = True
        # What waits for the next look leaves clear only if that is clear, too: `pace_of` leaves nothing to inheritance.
        waited = self._facts.look_behind_s > 0
        self.exposure.see(replace(verdict, inherited=False) if waited else verdict)
        self._complete(result, verdict, plan, work, hidden)
        return response

    def _terms(self) -> Terms:
        """Return what holds now, and have those who observe know it."""
        terms = self._standing.terms
        if terms is not self._told:
            self._told = terms
            self._facts = replace(
                self._facts,
                purpose=terms.purpose,
                static=terms.static(),
                registered=terms.registered,
                presets=() if terms.camera is None else terms.camera.presets,
            )
        return terms

    def _passed_over(self, came: Arrival, ruled: Verdict) -> pb.EnforceStreamResponse:
        self.frames += 1
        verdict = Verdict(
            State.UNCERTAIN, Reason.OVERLOAD, came.offset, p_prohibited=ruled.p_prohibited, inherited=True
        )
        response, result = _begun(came)
        if self._setup.mode is Mode.MASKED_FRAME:
            result.withheld = True
        plan = MaskPlan((WHOLE,), self._facts.effect)
        self._complete(result, verdict, plan, _Work(came, queue=clock() - came.received))
        return response

    def _complete(
        self, result: pb.FrameResult, verdict: Verdict, plan: MaskPlan, work: _Work, hidden: Sequence[Hidden] = ()
    ) -> None:
        result.verdict.CopyFrom(translate.verdict(verdict))
        if self._setup.mode is not Mode.VERDICT:
            result.mask_plan.CopyFrom(self._plan_message(plan))
        if self._slots is not None and work.came.slot is not None and not result.masked.HasField("shared_memory"):
            self._slots.settle(work.came.slot)
        stages = Stages(queue=work.queue, decode=work.decode, infer=work.infer, mask=work.mask, encode=work.encode)
        translate.put_timing(stages, result.timing)
        result.exposure.frames = self.exposure.frames
        translate.put_duration(self.exposure.seconds, result.exposure.duration)
        answer = Answer(
            sequence=work.came.sequence,
            verdict=verdict,
            plan=plan,
            stages=stages,
            exposure_frames=self.exposure.frames,
            exposure_s=self.exposure.seconds,
            frame=work.frame,
            subjects=tuple(hidden),
            ptz=work.came.ptz,
        )
        self._untold = self._facts, answer

    def _plan_message(self, plan: MaskPlan) -> mask_pb2.MaskPlan:
        """Return the plan as it is sent; most frames have that of the frame before."""
        if self._written is None or self._written[0] != plan:
            self._written = plan, translate.mask_plan(plan)
        return self._written[1]

    def _paint(self, result: pb.FrameResult, frame: Frame, verdict: Verdict, plan: MaskPlan, work: _Work) -> MaskPlan:
        """Put the picture into `result`, and return the plan that was really carried out.

        Raises:
            FrameError: There is no picture to put.
        """
        came, size = work.came, frame.source_size or frame.size
        if not plan.regions and not self._setup.return_unchanged and self._pictures.alone(came):
            result.unchanged = True
            return plan
        if not plan.regions:
            written = _timed(work, lambda: self._pictures.echo(came, frame))
        elif frame.damaged or (plan.hides_everything and plan.effect.kind is EffectKind.SOLID):
            written = _timed(work, lambda: self._pictures.black(frame))
        else:
            start = clock()
            whole = self._pictures.whole(came, frame)
            masking = clock()
            outcome = pipeline.enforced(whole, verdict, plan, self._masker, self._room(came))
            work.decode += masking - start
            work.mask = clock() - masking
            plan = outcome.plan
            written = _timed(work, lambda: self._pictures.write(outcome.frame))
        self._put(result, came, written, size)
        return plan

    def _room(self, came: Arrival) -> Plane | None:
        """Return where the masked planes of a raw picture may be written: over those that came, if they were shared."""
        if self._slots is None or came.slot is None or self._setup.format.layout is None:
            return None
        return self._slots.room(came.slot, len(came.data))

    def _put(self, result: pb.FrameResult, came: Arrival, written: Written, size: tuple[int, int]) -> None:
        pixel_format, data = written
        height, width = size
        picture = result.masked
        picture.pixel_format, picture.width_px, picture.height_px = pixel_format, width, height
        if self._slots is not None and came.slot is not None and self._slots.settle(came.slot, data):
            picture.shared_memory.slot = came.slot
            picture.shared_memory.size_bytes = len(data)
        else:
            picture.data = bytes(data)


def _begun(came: Arrival) -> tuple[pb.EnforceStreamResponse, pb.FrameResult]:
    response = pb.EnforceStreamResponse()
    result = response.result
    result.sequence_number = came.sequence
    translate.put_duration(came.offset, result.capture_offset)
    return response, result


def _timed(work: _Work, encode: Callable[[], Written]) -> Written:
    start = clock()
    written = encode()
    work.encode = clock() - start
    return written
