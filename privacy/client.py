"""What a plugin author imports: pictures in, what may be shown out.

    from privacy.client import EnforcementClient, StreamOptions
    from privacy.sources.video import VideoSource

    with EnforcementClient("127.0.0.1:50051") as client, VideoSource("lobby.mp4") as video:
        for shown in client.enforce(video, StreamOptions(camera="sites/hq/cameras/lobby")):
            display(shown.picture)

A stream that breaks never raises while frames are flowing: every frame that was not answered comes out hidden, and so
does every later one until a new stream answers.
"""

import contextlib
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import numpy as np
import structlog
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc

from privacy import jpeg
from privacy.errors import FrameError, InputError, OverloadError, PrivacyError
from privacy.evidence import Reason
from privacy.frame import Frame, plane_shapes
from privacy.masking import blank, mask
from privacy.plan import WHOLE, MaskPlan, Polygon
from privacy.policy import Clause, Effect, EffectKind
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, mask_pb2, verdict_pb2
from privacy.verdict import State, Verdict
from privacy.zones import Zone

log = structlog.get_logger()

SERVICE = "privacy.v1.EnforcementService"
_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 30.0
EVERYTHING = MaskPlan((WHOLE,), Effect())
"""Hides the whole picture and leaves nothing behind."""
_UNKNOWN_SIZE = (16, 16)  # of the black picture that stands for a JPEG whose size cannot be read
_HOPELESS = (
    # Asking again with the same words gives the same answer.
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
)
E = TypeVar("E", bound=StrEnum)


class RefusedError(InputError):
    """The server will not take this stream or picture, and would not the next time either."""

    reason = "REFUSED"


class Mode(StrEnum):
    """What the server sends beside the verdict; what comes out of `enforce` is masked in every mode."""

    VERDICT = "VERDICT"
    """Nothing. Least traffic; this client hides whole frames and its static zones."""
    MASK_GEOMETRY = "MASK_GEOMETRY"
    """Polygons, painted by this client."""
    MASKED_FRAME = "MASKED_FRAME"
    """The picture, painted by the server."""


class Delivery(StrEnum):
    """What the server does with frames that come too fast."""

    EVERY_FRAME = "EVERY_FRAME"
    LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class Jpeg:
    """One picture of a camera that sends JPEG.

    Attributes:
        data: The file.
        offset: Capture time in seconds from the start of the source.
    """

    data: bytes = field(repr=False)
    offset: float


Shown = Frame | Jpeg


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What a stream asks for; see `StreamConfig` in the contract.

    Attributes:
        camera: "sites/{site}/cameras/{camera}".
        mode: What the server sends.
        delivery: What happens to frames that come too fast.
        policy: Name of a policy pack; "" for the server's default.
        model: Name of a model; "" for the server's default.
        purpose: Declared purpose of the camera; "" if none.
        static: Polygons that are hidden whatever is seen.
        effect: An effect instead of the policy's.
        in_flight: Frames that may wait for an answer; 0 for as many as the server allows. A live view wants 1: each
            frame comes out as soon as it is answered, not when the next one is there.
        answer_timeout_s: A server that owes an answer for longer is taken for lost.
        open_timeout_s: The same, for the answer to the first message.
    """

    camera: str
    mode: Mode = Mode.MASK_GEOMETRY
    delivery: Delivery = Delivery.EVERY_FRAME
    policy: str = ""
    model: str = ""
    purpose: str = ""
    static: tuple[Polygon, ...] = ()
    effect: Effect | None = None
    in_flight: int = 0
    answer_timeout_s: float = 5.0
    open_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Enforced:
    """What may be done with one frame.

    Attributes:
        picture: What may be shown, of the kind and size that was given.
        verdict: What was ruled; `Reason.CONNECTION_LOST` if nobody ruled.
        plan: What is hidden in `picture`.
        result: The server's message; None if there was none.
    """

    picture: Shown
    verdict: Verdict
    plan: MaskPlan
    result: pb.FrameResult | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """What the server says of a single picture.

    Attributes:
        verdict: What is ruled.
        zones: Probability of each zone; empty if the model failed.
        response: The server's message.
    """

    verdict: Verdict
    zones: dict[Zone, float]
    response: pb.ClassifyFrameResponse


class EnforcementClient:
    """A connection to the service; streams may share it.

    Args:
        target: "host:port".
        credentials: Of TLS; None to speak in the clear.
    """

    def __init__(self, target: str, *, credentials: grpc.ChannelCredentials | None = None) -> None:
        options = [("grpc.max_receive_message_length", -1), ("grpc.keepalive_time_ms", 20_000)]
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options)
        else:
            self._channel = grpc.secure_channel(target, credentials, options)
        self._stub = pb_grpc.EnforcementServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; streams that are open break."""
        self._channel.close()

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Return once the service is healthy.

        Raises:
            OverloadError: It is not, in that time.
        """
        stub = health_pb2_grpc.HealthStub(self._channel)
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            with contextlib.suppress(grpc.RpcError):
                answer = stub.Check(
                    health_pb2.HealthCheckRequest(service=SERVICE),
                    timeout=max(0.1, until - time.monotonic()),
                    wait_for_ready=True,
                )
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            time.sleep(0.05)
        raise OverloadError(f"the service was not ready within {timeout_s:g} s")

    def capabilities(self, timeout_s: float = 10.0) -> pb.GetCapabilitiesResponse:
        """Return what the server takes.

        Raises:
            PrivacyError: It did not answer.
        """
        try:
            return self._stub.GetCapabilities(pb.GetCapabilitiesRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            raise _failure(error) from error

    def classify(self, picture: Shown, *, policy: str = "", timeout_s: float = 10.0) -> Classified:
        """Rule on one picture, without any history.

        Raises:
            RefusedError: The picture cannot be decoded, or there is no such policy.
            PrivacyError: The server did not answer. Hide the picture.
        """
        request = pb.ClassifyFrameRequest(format=_format(picture), frame=_message(picture, 0), policy=policy)
        try:
            response = self._stub.ClassifyFrame(request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise _failure(error) from error
        zones = {zone: score.probability for score in response.zone_scores if (zone := _zone(score.zone)) is not None}
        return Classified(_verdict(response.verdict, picture.offset), zones, response)

    def enforce(self, pictures: Iterable[Shown], options: StreamOptions) -> Iterator[Enforced]:
        """Yield what may be shown for each picture, one for one and in order.

        Pictures are taken in the thread that iterates. If the stream breaks, what was not answered comes out hidden
        with `Reason.CONNECTION_LOST`, later pictures too, and a new stream is tried after 0.5 s, then after twice as
        long each time, up to 30 s. A new stream begins without history, so that it stays hidden until the server has
        seen enough.

        Raises:
            RefusedError: The first stream was refused for a reason that stays, for example a weak effect. After that,
                only what `pictures` raises is raised, when all that it gave before has come out.
        """
        link = _Link(self._stub, options)
        try:
            for picture in pictures:
                yield from link.push(picture)
        except PrivacyError:
            yield from link.finish()  # the source broke off; what it gave is still owed
            raise
        else:
            yield from link.finish()
        finally:
            link.close()


class _Call:
    """One `EnforceStream` call: a thread reads its answers so that waiting for one can end."""

    def __init__(self, stub: pb_grpc.EnforcementServiceStub, config: pb.StreamConfig) -> None:
        self._requests: queue.SimpleQueue[pb.EnforceStreamRequest | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[pb.EnforceStreamResponse | grpc.RpcError | None] = queue.SimpleQueue()
        self._requests.put(pb.EnforceStreamRequest(config=config))
        self._call = stub.EnforceStream(iter(self._requests.get, None))
        threading.Thread(target=self._read, name="enforce-answers", daemon=True).start()

    def send(self, request: pb.EnforceStreamRequest) -> None:
        self._requests.put(request)

    def half_close(self) -> None:
        self._requests.put(None)

    def answer(self, timeout_s: float) -> pb.EnforceStreamResponse | grpc.RpcError | None:
        """Return the next answer, the error that ended the call, or None at its end.

        Raises:
            queue.Empty: Nothing came in time.
        """
        return self._answers.get(timeout=timeout_s) if timeout_s > 0 else self._answers.get_nowait()

    def cancel(self) -> None:
        self.half_close()
        self._call.cancel()  # type: ignore[no-untyped-call]

    def _read(self) -> None:
        try:
            for response in self._call:
                self._answers.put(response)
            self._answers.put(None)
        except grpc.RpcError as error:
            self._answers.put(error)


class _Link:
    """Keeps one camera's stream: opens it, counts credits, hides what is not answered, and opens it again."""

    def __init__(self, stub: pb_grpc.EnforcementServiceStub, options: StreamOptions) -> None:
        self._stub = stub
        self._options = options
        self._call: _Call | None = None
        self._accepted: pb.StreamAccepted | None = None
        self._format: frame_pb2.FrameFormat | None = None
        self._pending: deque[tuple[int, Shown]] = deque()
        self._sequence = 0
        self._first = True
        self._leaving = False  # the server drains: nothing more is sent on this call
        self._opened = 0.0
        self._retry_at = 0.0
        self._retry_s = _FIRST_RETRY_S

    def push(self, picture: Shown) -> Iterator[Enforced]:
        """Send one picture, and yield what has come out meanwhile."""
        form = _format(picture)
        changed = self._call is not None and form != self._format
        if changed:
            yield from self.finish()  # a stream has one format
            self._retry_at = 0.0
        if self._leaving:
            yield from self.finish()
            self._retry_at = 0.0
        if self._call is None and time.monotonic() >= self._retry_at:
            self._open(form, wait=self._first or changed)
        if not self._is_open():
            yield self._hidden(picture)
            return
        assert self._call is not None and self._accepted is not None  # noqa: S101, PT018 - that is what open means
        self._pending.append((self._sequence, picture))
        self._call.send(pb.EnforceStreamRequest(frame=_message(picture, self._sequence)))
        self._sequence += 1
        credits_ = max(1, self._accepted.max_in_flight)
        wanted = min(self._options.in_flight or credits_, credits_)
        while len(self._pending) >= wanted:
            yield from self._take(self._options.answer_timeout_s)
        while self._pending and (taken := list(self._take(0))):
            yield from taken

    def finish(self) -> Iterator[Enforced]:
        """Send nothing more on this call, and yield all that is owed."""
        if self._call is not None:
            self._call.half_close()
        while self._pending:
            yield from self._take(self._options.answer_timeout_s)
        self.close()

    def close(self) -> None:
        """End the call."""
        if self._call is not None:
            self._call.cancel()
        self._call, self._accepted, self._leaving = None, None, False

    def _open(self, form: frame_pb2.FrameFormat, *, wait: bool) -> None:
        self._format, self._leaving = form, False
        self._call = _Call(self._stub, _config(self._options, form))
        self._opened = time.monotonic()
        if wait:
            # So the caller learns at once what will never work. After a loss, hidden frames flow meanwhile.
            self._await_accepted(self._options.open_timeout_s)
            self._first = False

    def _is_open(self) -> bool:
        if self._call is not None and self._accepted is None:
            self._await_accepted(0)
        return self._accepted is not None

    def _await_accepted(self, timeout_s: float) -> None:
        assert self._call is not None  # noqa: S101 - it was just made
        try:
            answer = self._call.answer(timeout_s)
        except queue.Empty:
            if time.monotonic() - self._opened >= self._options.open_timeout_s:
                self._lost("no answer to the first message")
            return
        if isinstance(answer, pb.EnforceStreamResponse) and answer.WhichOneof("message") == "accepted":
            self._accepted = answer.accepted
            self._retry_s = _FIRST_RETRY_S
            return
        if self._first and isinstance(answer, grpc.RpcError) and answer.code() in _HOPELESS:
            self.close()
            raise _failure(answer) from answer
        self._lost(_why(answer))

    def _take(self, timeout_s: float) -> Iterator[Enforced]:
        """Take one answer, and yield what it settles: one frame, none, or all that were owed if the stream broke."""
        assert self._call is not None  # noqa: S101 - frames are pending only while there is a call
        try:
            answer = self._call.answer(timeout_s)
        except queue.Empty:
            if timeout_s > 0:
                yield from self._break(f"no answer within {timeout_s:g} s")
            return
        if not isinstance(answer, pb.EnforceStreamResponse):
            yield from self._break(_why(answer))
            return
        match answer.WhichOneof("message"):
            case "result" if answer.result.sequence_number == self._pending[0][0]:
                _, picture = self._pending.popleft()
                yield _settled(picture, answer.result, self._options)
            case "result":
                yield from self._break("an answer to another frame than the next")
            case "notice" if answer.notice.kind == pb.NOTICE_KIND_DRAINING:
                self._leaving = True
            case _:
                pass  # news that this client does not know

    def _break(self, why: str) -> Iterator[Enforced]:
        self._lost(why)
        owed = [picture for _, picture in self._pending]
        self._pending.clear()
        for picture in owed:
            yield self._hidden(picture)

    def _lost(self, why: str) -> None:
        log.warning("stream_lost", camera=self._options.camera, why=why, retry_seconds=round(self._retry_s, 1))
        self.close()
        self._first = False
        # Cameras that lost one server must not all come back at the same moment.
        self._retry_at = time.monotonic() + self._retry_s * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)

    def _hidden(self, picture: Shown) -> Enforced:
        verdict = Verdict(State.UNCERTAIN, Reason.CONNECTION_LOST, picture.offset)
        return Enforced(_black(picture), verdict, EVERYTHING)


def _settled(picture: Shown, result: pb.FrameResult, options: StreamOptions) -> Enforced:
    """Return what may be shown. A picture leaves as it is only if the verdict is CLEAR by name."""
    verdict = _verdict(result.verdict, picture.offset)
    try:
        plan = _plan_of(verdict, result, options)
        sent = result.WhichOneof("picture") if options.mode is Mode.MASKED_FRAME else None
        if sent == "masked":
            shown = _received(picture, result.masked)
        elif options.mode is not Mode.MASKED_FRAME or (sent == "unchanged" and not plan.regions):
            shown = _painted(picture, plan)
        else:
            plan, shown = EVERYTHING, _black(picture)
    except PrivacyError as error:
        log.warning("answer_unusable", camera=options.camera, error=type(error).__name__)
        plan, shown = EVERYTHING, _black(picture)
    return Enforced(shown, verdict, plan, result)


def _plan_of(verdict: Verdict, result: pb.FrameResult, options: StreamOptions) -> MaskPlan:
    """Return what must be hidden: no regions hide nothing only if the verdict is CLEAR by name."""
    if options.mode is Mode.VERDICT:
        return MaskPlan(options.static, Effect()) if verdict.state is State.CLEAR else EVERYTHING
    if not result.HasField("mask_plan"):
        return EVERYTHING
    plan = _plan(result.mask_plan)
    if verdict.state is State.CLEAR or (verdict.state is State.PROHIBITED and plan.regions):
        return plan
    return MaskPlan((WHOLE,), plan.effect)


def _painted(picture: Shown, plan: MaskPlan) -> Shown:
    if not plan.regions:
        return picture
    if isinstance(picture, Frame):
        return mask(picture, plan)
    if plan.hides_everything and plan.effect.kind is EffectKind.SOLID:
        return _black(picture)
    header = jpeg.measure(picture.data)
    masked = mask(jpeg.read(picture.data, picture.offset), plan)
    return Jpeg(jpeg.write(masked, subsampling=header.subsampling), picture.offset)


def _received(picture: Shown, sent: frame_pb2.Picture) -> Shown:
    if isinstance(picture, Jpeg):
        return Jpeg(sent.data, picture.offset)
    height, width = picture.size
    shapes = plane_shapes(picture.layout, height, width)
    buffer = np.frombuffer(sent.data, np.uint8)
    sizes = [int(np.prod(shape)) for shape in shapes]
    if buffer.size != sum(sizes):
        raise FrameError(f"{picture.layout} of {width}x{height} has {sum(sizes)} bytes, got {buffer.size}")
    parts = np.split(buffer, np.cumsum(sizes)[:-1])
    return picture.with_planes(tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))


def _black(picture: Shown) -> Shown:
    if isinstance(picture, Frame):
        return blank(picture)
    try:
        size = jpeg.measure(picture.data).size
    except FrameError:
        size = _UNKNOWN_SIZE
    return Jpeg(jpeg.black(size), picture.offset)


def _config(options: StreamOptions, form: frame_pb2.FrameFormat) -> pb.StreamConfig:
    effect = options.effect
    return pb.StreamConfig(
        camera=options.camera,
        policy=options.policy,
        model=options.model,
        format=form,
        response_mode=pb.ResponseMode.Value(f"RESPONSE_MODE_{options.mode.name}"),
        delivery=pb.Delivery.Value(f"DELIVERY_{options.delivery.name}"),
        declared_purpose=options.purpose,
        static_zones=[
            mask_pb2.Polygon(points=[mask_pb2.Point(x=x, y=y) for x, y in polygon.points]) for polygon in options.static
        ],
        effect=None
        if effect is None
        else mask_pb2.Effect(
            kind=mask_pb2.EffectKind.Value(f"EFFECT_KIND_{effect.kind.name}"), strength=effect.strength
        ),
    )


def _format(picture: Shown) -> frame_pb2.FrameFormat:
    if isinstance(picture, Jpeg):
        return frame_pb2.FrameFormat(pixel_format=frame_pb2.PIXEL_FORMAT_JPEG)
    return frame_pb2.FrameFormat(
        pixel_format=frame_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{picture.layout.name}"),
        color_matrix=frame_pb2.COLOR_MATRIX_BT709 if picture.bt709 else frame_pb2.COLOR_MATRIX_BT601,
        color_range=frame_pb2.COLOR_RANGE_FULL if picture.full_range else frame_pb2.COLOR_RANGE_LIMITED,
    )


def _message(picture: Shown, sequence: int) -> frame_pb2.Frame:
    nanos = max(0, round(picture.offset * 1e9))
    message = frame_pb2.Frame(
        sequence_number=sequence,
        capture_offset=Duration(seconds=nanos // 1_000_000_000, nanos=nanos % 1_000_000_000),
    )
    if isinstance(picture, Jpeg):
        message.data = picture.data
    else:
        message.data = b"".join(plane.tobytes() for plane in picture.planes)
        message.height_px, message.width_px = picture.size
    return message


def _verdict(message: verdict_pb2.Verdict, offset: float) -> Verdict:
    """Read a verdict; whatever is missing or unknown hides."""
    state = _member(State, verdict_pb2.VerdictState.Name, message.state, "VERDICT_STATE_") or State.UNCERTAIN
    reason = _member(Reason, verdict_pb2.VerdictReason.Name, message.reason, "VERDICT_REASON_") or Reason.MODEL
    clauses = tuple(Clause(each.citation, each.text_zh, each.text_en) for each in message.legal_basis.clauses)
    return Verdict(
        state, reason, offset, _zone(message.zone), message.p_prohibited, clauses, message.place, message.inherited
    )


def _zone(value: verdict_pb2.Zone.ValueType) -> Zone | None:
    if value == verdict_pb2.ZONE_UNSPECIFIED:
        return None
    name = verdict_pb2.Zone.Name(value).removeprefix("ZONE_") if value in verdict_pb2.Zone.values() else ""
    return Zone.__members__.get(name, Zone.OTHER_PRIVATE)


def _plan(message: mask_pb2.MaskPlan) -> MaskPlan:
    """Read a plan; an effect that is unknown is solid."""
    regions = tuple(Polygon(tuple((point.x, point.y) for point in each.points)) for each in message.regions)
    kind = _member(EffectKind, mask_pb2.EffectKind.Name, message.effect.kind, "EFFECT_KIND_") or EffectKind.SOLID
    return MaskPlan(regions, Effect(kind, message.effect.strength if message.effect.HasField("strength") else 1.0))


def _member(kind: type[E], name_of: Callable[[Any], str], value: int, prefix: str) -> E | None:
    try:
        return kind[name_of(value).removeprefix(prefix)]
    except (KeyError, ValueError):
        return None


def _why(answer: pb.EnforceStreamResponse | grpc.RpcError | None) -> str:
    if isinstance(answer, grpc.RpcError):
        return f"{answer.code().name}: {answer.details()}"
    return "the server ended the stream" if answer is None else "an answer before the stream was accepted"


def _failure(error: grpc.RpcError) -> PrivacyError:
    kind: Callable[..., PrivacyError] = RefusedError if error.code() in _HOPELESS else OverloadError
    return kind(f"{error.code().name}: {error.details()}", code=error.code().name)
