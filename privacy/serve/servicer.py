"""`EnforcementService`: messages outside, the pipeline inside, and the count of who may come in."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

import grpc
import structlog

from privacy import pipeline, policy
from privacy.cameras.lookup import Cameras
from privacy.errors import DrainedError, ModelNotFoundError, PolicyError, PrivacyError, ProtocolError, UnsupportedError
from privacy.evidence import Evidence
from privacy.masking import masker_for
from privacy.models.classifier import ZoneClassifier
from privacy.models.detector import Detector
from privacy.policy import Policy, Subject, Subjects
from privacy.serve import translate
from privacy.serve.admission import Admission
from privacy.serve.observer import Observer, Observers, StreamFacts
from privacy.serve.pictures import pictures_of
from privacy.serve.scheduler import Scheduler, cores
from privacy.serve.slots import SlotMaker, Slots, sweep
from privacy.serve.status import FAILED, errors_as_status
from privacy.serve.stream import Stream, credits_for
from privacy.serve.terms import Entered, Register
from privacy.serve.translate import MAX_SIDE, Limits, Mode, Setup
from privacy.survey import sharpest
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2

log = structlog.get_logger()

LOOK_WITHIN_S = 2.0
"""A frame that is not looked at within this time is hidden, whatever the client's patience."""
CONFIG_WITHIN_S = 10.0
_HEADROOM = 0.8
"""Share of the processors that streams may take; gRPC and the system have the rest."""


def shipped() -> Mapping[str, Policy]:
    """Return the packs that ship with the package."""
    return {name: policy.load(name) for name in policy.names()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Engine:
    """What the service runs on; shared by all streams.

    Attributes:
        model: What looks.
        digest: SHA-256 of its weights in hexadecimal; empty if it has none.
        policy: What rules unless a client names another.
        packs: Policies that a client may name, as far as `subjects` can keep them. Never read from a path that came
            over the wire.
        subjects: What finds people, faces and screens.
        device: Where pixels are masked; see `privacy.masking.masker_for`.
        limits: What one message may cost, and what waits of one stream.
        max_streams: Streams at the same time, if the machine is strong enough for them.
        workers: Runs of the model at the same time.
        shared_memory_bytes: What all streams together may share with their clients; 0 for nothing.
        version: Of the server.
        observers: Who hears what happens.
        cameras: What is registered of cameras; None if the server keeps no register.
        entered: What the ledger says of changes in the register; None if the server keeps no ledger.
        changed: Says whether a camera shows none of its approved views.

    Raises:
        DeviceError: There is no such device.
        PolicyError: The policy hides people, faces or screens that nothing in `subjects` finds: better no service than
            one that shows what its policy hides.
    """

    model: ZoneClassifier
    digest: str
    policy: Policy
    packs: Mapping[str, Policy] = field(default_factory=shipped)
    subjects: Mapping[Subject, Detector] = field(default_factory=dict)
    device: str = "cpu"
    limits: Limits = field(default_factory=Limits)
    max_streams: int = 256
    workers: int = field(default_factory=cores)
    shared_memory_bytes: int = 0
    version: str = ""
    observers: tuple[Observer, ...] = ()
    cameras: Cameras | None = None
    entered: Entered | None = None
    changed: Callable[[str], bool] = lambda _: False

    def __post_init__(self) -> None:
        masker_for(self.device)
        if missing := self.policy.subjects.hidden - set(self.subjects):
            raise PolicyError(
                f"policy {self.policy.name} hides {', '.join(sorted(missing))}, and no detector is given for them",
                policy=self.policy.name,
            )
        kept = {name: pack for name, pack in self.packs.items() if pack.subjects.hidden <= set(self.subjects)}
        object.__setattr__(self, "packs", kept)

    def policy_of(self, name: str) -> Policy:
        """Return the policy that a client named, "" for the default.

        Raises:
            PolicyError: There is no such policy.
        """
        if name in ("", self.policy.name):
            return self.policy
        if name not in self.packs:
            raise PolicyError("no policy of this name; GetCapabilities lists them", field="policy")
        return self.packs[name]

    def check_model(self, name: str) -> None:
        """Refuse any model but the one that is loaded.

        Raises:
            ModelNotFoundError: The client named another.
        """
        if name not in ("", self.model.name):
            raise ModelNotFoundError("this server does not run a model of this name", field="model")


def _first(
    requests: Iterator[pb.EnforceStreamRequest], context: grpc.ServicerContext
) -> pb.EnforceStreamRequest | None:
    """Return the first message, None if there is none; a client that says nothing does not keep its place."""
    patience = threading.Timer(CONFIG_WITHIN_S, context.cancel)
    patience.daemon = True
    patience.start()
    try:
        return next(requests, None)
    finally:
        patience.cancel()


def _wanted(found: Mapping[Subject, Detector], pack: Policy, setup: Setup) -> dict[Subject, Detector]:
    """Return what finds the subjects that a stream's policy hides.

    Raises:
        PolicyError: The stream asks for verdicts only, and could not say where they are.
    """
    hidden = pack.subjects.hidden
    if hidden and setup.mode is Mode.VERDICT:
        raise PolicyError(
            f"policy {pack.name} hides {', '.join(sorted(hidden))}, which a verdict alone cannot: ask for mask "
            "geometry or masked frames",
            field="response_mode",
            policy=pack.name,
        )
    return {subject: found[subject] for subject in sorted(hidden)}


def _enough(model: ZoneClassifier, subjects: Mapping[Subject, Detector], rules: Subjects) -> tuple[int, int]:
    """Return the `(height, width)` below which no picture may be shrunk while it is read."""
    sizes = [model.input_size, *(sharpest(detector, rules, MAX_SIDE) for detector in subjects.values())]
    return max(height for height, _ in sizes), max(width for _, width in sizes)


class EnforcementService(pb_grpc.EnforcementServiceServicer):
    """Serves the contract.

    Args:
        engine: What it runs on.

    Attributes:
        scheduler: The queue before the model.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._observers = Observers(engine.observers)
        self.scheduler = Scheduler(engine.model, workers=engine.workers, observers=self._observers)
        self._admission = Admission(max_streams=engine.max_streams, capacity=_HEADROOM * cores())
        self._register = Register(engine.cameras, engine.entered)
        self._memory = SlotMaker(engine.shared_memory_bytes)
        self._draining = threading.Event()

    def warm_up(self) -> None:
        """Look at a few pictures, so that the first camera does not wait for what is made on first use.

        Raises:
            PrivacyError: The model cannot even look at a black picture.
        """
        if (swept := sweep()) > 0:
            log.info("shared_memory_swept", segments=swept)
        self.scheduler.start()
        self._register.start()
        self._admission.least_cost = self.scheduler.look_s / self._engine.policy.timing.look_every_s

    def stop(self) -> None:
        """Look at nothing more; whoever waits for a look gets none."""
        self.scheduler.stop()
        self._register.stop()

    def drain(self) -> None:
        """Tell every stream, with its next result, that the server is about to stop."""
        self._draining.set()

    def EnforceStream(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterator[pb.EnforceStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.EnforceStreamResponse]:
        """Rule on one camera for as long as the call lasts."""
        with errors_as_status(context), ExitStack() as ending:
            stream, accepted = self._open(request_iterator, context, ending)
            yield pb.EnforceStreamResponse(accepted=accepted)
            told = False
            for response in stream.responses(request_iterator):
                if self._draining.is_set() and not told:
                    told = True
                    yield pb.EnforceStreamResponse(notice=pb.StreamNotice(kind=pb.NOTICE_KIND_DRAINING))
                yield response

    def ClassifyFrame(  # noqa: N802 - gRPC's name
        self, request: pb.ClassifyFrameRequest, context: grpc.ServicerContext
    ) -> pb.ClassifyFrameResponse:
        """Rule on one picture."""
        with errors_as_status(context):
            engine = self._engine
            engine.check_model(request.model)
            pack = engine.policy_of(request.policy)
            start = time.perf_counter()
            frame = translate.still(request, engine.limits, engine.model.input_size)
            decoded = time.perf_counter()
            verdict, sight = pipeline.rule_still(frame, self.scheduler.seat(deadline_s=LOOK_WITHIN_S), pack)
            ruled = time.perf_counter()
            response = pb.ClassifyFrameResponse(
                verdict=translate.verdict(verdict), model=self._model_ref(), policy=translate.policy_ref(pack)
            )
            if isinstance(sight, Evidence):
                response.zone_scores.extend(translate.zone_scores(sight))
                response.object_scores.extend(translate.object_scores(sight))
                if (zone_map := translate.zone_map(sight)) is not None:
                    response.zone_map.CopyFrom(zone_map)
            response.timing.decode.CopyFrom(translate.duration(decoded - start))
            response.timing.infer.CopyFrom(translate.duration(ruled - decoded))
            return response
        raise AssertionError("unreachable: an error ends the call")

    def GetCapabilities(  # noqa: N802 - gRPC's name
        self,
        request: pb.GetCapabilitiesRequest,  # noqa: ARG002 - gRPC's signature
        context: grpc.ServicerContext,  # noqa: ARG002 - gRPC's signature
    ) -> pb.GetCapabilitiesResponse:
        """Say what this server takes."""
        engine = self._engine
        others = [pack for name, pack in engine.packs.items() if name != engine.policy.name]
        return pb.GetCapabilitiesResponse(
            server_version=engine.version,
            pixel_formats=[*translate.CODECS.values(), *translate.LAYOUTS.values()],
            response_modes=translate.MODES.values(),
            deliveries=translate.DELIVERIES.values(),
            models=[self._model_ref()],
            policies=[translate.policy_info(pack) for pack in (engine.policy, *others)],
            max_streams=engine.max_streams,
            max_message_size_bytes=engine.limits.message_bytes,
            max_pixels=engine.limits.pixels,
            max_look_behind=translate.duration(translate.MAX_LOOK_BEHIND_S),
            shared_memory=engine.shared_memory_bytes > 0,
        )

    def _open(
        self, requests: Iterator[pb.EnforceStreamRequest], context: grpc.ServicerContext, ending: ExitStack
    ) -> tuple[Stream, pb.StreamAccepted]:
        """Return the stream that the first message asks for; `ending` lets go of it."""
        engine, camera, peer = self._engine, "", context.peer()
        try:
            account = ending.enter_context(self._admission.stream(time.monotonic()))
            setup = translate.setup(_first(requests, context))
            camera = setup.camera
            standing = ending.enter_context(self._register.standing(setup))
            terms = standing.terms
            engine.check_model(setup.model)
            pack = engine.policy_of(terms.policy)
            pack.declared(terms.purpose)
            effect = pack.checked(setup.effect or pack.effect)
            subjects = _wanted(engine.subjects, pack, setup)
            look_behind_s = max(setup.look_behind_s, pack.timing.look_again_s) if setup.look_behind_s else 0.0
            credits_ = credits_for(look_behind_s)
            slots = ending.enter_context(self._slots(setup, credits_))
        except PrivacyError as error:
            self._observers.refused(camera, peer, error)
            raise
        facts = StreamFacts(
            session=uuid.uuid4().hex,
            camera=setup.camera,
            peer=peer,
            purpose=terms.purpose,
            policy=pack.name,
            mode=setup.mode,
            delivery=setup.delivery,
            pixel_format=translate.format_name(setup.format),
            effect=effect,
            static=terms.static(),
            look_behind_s=look_behind_s,
            registered=terms.registered,
            presets=() if terms.camera is None else terms.camera.presets,
        )
        patience = min(LOOK_WITHIN_S, setup.latency_budget_s or LOOK_WITHIN_S)
        stream = Stream(
            setup,
            facts,
            standing=standing,
            terms=terms,
            seat=self.scheduler.seat(deadline_s=patience),
            policy=pack,
            pictures=pictures_of(setup, _enough(engine.model, subjects, pack.subjects), engine.limits),
            subjects=subjects,
            masker=masker_for(engine.device),
            observers=self._observers,
            account=account,
            waiting_bytes=engine.limits.waiting_bytes,
            changed=lambda: engine.changed(facts.camera),
            slots=slots,
        )
        ending.enter_context(self._told(stream, facts))
        accepted = pb.StreamAccepted(
            session_id=facts.session,
            format=translate.frame_format(setup.format),
            response_mode=translate.MODES[setup.mode],
            delivery=translate.DELIVERIES[setup.delivery],
            max_in_flight=credits_,
            model=self._model_ref(),
            policy=translate.policy_ref(pack),
            effect=translate.effect(effect),
            latency_budget=translate.duration(patience),
            look_behind=translate.duration(look_behind_s),
            max_message_size_bytes=engine.limits.message_bytes,
            max_pixels=engine.limits.pixels,
        )
        if slots is not None:
            shared = pb.SharedMemory(name=slots.name, slots=slots.slots, slot_size_bytes=slots.slot_bytes)
            accepted.shared_memory.CopyFrom(shared)
        return stream, accepted

    def _slots(self, setup: Setup, credits_: int) -> AbstractContextManager[Slots | None]:
        """Return the shared memory that the client asks for: a slot for each credit.

        Raises:
            UnsupportedError: This server shares none.
            ProtocolError: A slot would be larger than any message.
        """
        if setup.slot_bytes is None:
            return nullcontext()
        if self._memory.budget == 0:
            raise UnsupportedError("this server does not share memory", feature="shared_memory")
        if not 1 <= setup.slot_bytes <= self._engine.limits.message_bytes:
            raise ProtocolError("`slot_size_bytes` must be in [1, max_message_size_bytes]", field="slot_size_bytes")
        return self._memory.make(credits_, setup.slot_bytes)

    @contextmanager
    def _told(self, stream: Stream, facts: StreamFacts) -> Iterator[None]:
        """Tell the log and the observers when a stream begins and how it ends."""
        logger = log.bind(stream=facts.session, camera=facts.camera)
        logger.info("stream_opened", mode=facts.mode, delivery=facts.delivery, policy=facts.policy)
        self._observers.opened(facts)
        started = time.monotonic()
        failure: PrivacyError | None = None
        try:
            yield
        except PrivacyError as error:
            failure = error
            raise
        except grpc.RpcError:
            raise  # the client has gone
        except Exception:
            failure = PrivacyError(FAILED)  # a bug; its client did not end it
            raise
        finally:
            stream.tell()
            if failure is None and self._draining.is_set():  # nobody went silent by themselves
                failure = DrainedError("the server stops")
            self._observers.closed(facts, failure)
            logger.info(
                "stream_closed",
                frames=stream.frames,
                seconds=round(time.monotonic() - started, 3),
                exposure_frames=stream.exposure.frames,
                exposure_seconds=round(stream.exposure.seconds, 3),
            )

    def _model_ref(self) -> verdict_pb2.ModelRef:
        return verdict_pb2.ModelRef(name=self._engine.model.name, sha256_digest=self._engine.digest)
