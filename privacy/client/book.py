"""What a client knows of one stream, without any I/O: what is owed, what an answer settles, when to try again.

Time is an argument. The two clients (`sync`, `aio`) do the sending, the waiting and the threads.
"""

import random
from collections import deque
from dataclasses import dataclass

import grpc
import structlog

from privacy.client import wire
from privacy.client.memory import Shared, slot_bytes_for
from privacy.client.pictures import Enforced, Shown, StreamOptions, Unit
from privacy.errors import InputError, PrivacyError
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import frame_pb2

log = structlog.get_logger()

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0

Answered = pb.EnforceStreamResponse | grpc.RpcError | None
"""A message, the error that ended the call, or None at its end."""


class BrokenError(PrivacyError):
    """The stream broke, or its server does not keep to the contract. Everything that is owed comes out hidden."""

    reason = "STREAM_BROKEN"


@dataclass(slots=True)
class _Sent:
    sequence: int
    picture: Shown
    slot: int | None


class Book:
    """Keeps count of one camera's stream, over all calls that it takes.

    Args:
        options: What the stream asks for.
    """

    def __init__(self, options: StreamOptions) -> None:
        self._options = options
        self._accepted: pb.StreamAccepted | None = None
        self._shared: Shared | None = None
        self._shares = options.shared_memory
        self._form: frame_pb2.FrameFormat | None = None
        self._pending: deque[_Sent] = deque()
        self._sequence = 0
        self._first = True
        self._leaving = False
        self._opened = 0.0
        self._retry_at = 0.0
        self._retry_s = FIRST_RETRY_S

    @property
    def owed(self) -> int:
        """Pictures that were sent and not answered."""
        return len(self._pending)

    @property
    def accepted(self) -> bool:
        """Whether pictures may be sent on the call that is open."""
        return self._accepted is not None

    @property
    def eager(self) -> bool:
        """Whether opening is worth waiting for: at the very first, so that the caller learns what will never work."""
        return self._first

    def full(self) -> bool:
        """Whether an answer must come before another picture is sent."""
        if self._accepted is None:
            return False
        credits_ = max(1, self._accepted.max_in_flight)
        return len(self._pending) >= min(self._options.in_flight or credits_, credits_)

    def must_leave(self, picture: Shown) -> bool:
        """Whether the open call is not for this picture: its format is another, or the server drains."""
        return self._leaving or (self._form is not None and wire.format_of(picture) != self._form)

    def may_open(self, now: float) -> bool:
        """Whether a new call may be tried."""
        return now >= self._retry_at

    def opening(self, picture: Shown, now: float) -> pb.EnforceStreamRequest:
        """Return the first message of a new call."""
        self._form, self._leaving, self._opened = wire.format_of(picture), False, now
        slot_bytes = slot_bytes_for(picture) if self._shares else 0
        return pb.EnforceStreamRequest(config=wire.config_of(self._options, self._form, slot_bytes))

    def overdue(self, now: float) -> bool:
        """Whether the answer to the first message should have come."""
        return now - self._opened >= self._options.open_timeout_s

    def accept(self, answer: Answered) -> None:
        """Take the answer to the first message.

        Raises:
            RefusedError: It is no, for good, and nothing was ever answered.
            BrokenError: It is no for now, or no answer.
        """
        if isinstance(answer, pb.EnforceStreamResponse) and answer.WhichOneof("message") == "accepted":
            if answer.accepted.HasField("shared_memory"):
                try:
                    self._shared = Shared(answer.accepted.shared_memory)
                except InputError as error:
                    self._shares = False  # the next call does without
                    raise BrokenError(str(error)) from error
            self._accepted = answer.accepted
            self._first = False
            self._retry_s = FIRST_RETRY_S
            return
        if isinstance(answer, grpc.RpcError) and answer.code() in wire.HOPELESS:
            if self._shares and answer.code() is grpc.StatusCode.UNIMPLEMENTED:
                self._shares = False
                raise BrokenError("the server shares no memory")
            if self._first:
                raise wire.failure_of(answer) from answer
        self._retry_s = max(self._retry_s, wire.retry_after(answer))
        raise BrokenError(wire.why(answer))

    def send(self, picture: Shown) -> pb.EnforceStreamRequest:
        """Return the message that carries a picture, and put it down as owed."""
        if isinstance(picture, Unit) and picture.after_loss:
            self._sequence += 1  # the gap says that something is missing
        message = wire.message_of(picture, self._sequence, self._shared)
        slot = message.shared_memory.slot if message.WhichOneof("payload") == "shared_memory" else None
        self._pending.append(_Sent(self._sequence, picture, slot))
        self._sequence += 1
        return pb.EnforceStreamRequest(frame=message)

    def settle(self, answer: Answered) -> Enforced | None:
        """Take an answer; return what may be shown because of it, if anything.

        Raises:
            BrokenError: The call has ended, or what came is no answer to the next picture.
        """
        if not isinstance(answer, pb.EnforceStreamResponse):
            raise BrokenError(wire.why(answer))
        match answer.WhichOneof("message"):
            case "result" if self._pending and answer.result.sequence_number == self._pending[0].sequence:
                sent = self._pending.popleft()
                shown = wire.settled(sent.picture, answer.result, self._options, self._shared)
                if sent.slot is not None and self._shared is not None:
                    self._shared.release(sent.slot)
                return shown
            case "result":
                raise BrokenError("an answer to another picture than the next")
            case "notice" if answer.notice.kind == pb.NOTICE_KIND_DRAINING:
                self._leaving = True
        return None  # or news that this client does not know

    def lose(self, why: str, now: float) -> list[Enforced]:
        """Put the call down as lost, and return what is owed, hidden."""
        log.warning("stream_lost", camera=self._options.camera, why=why, retry_seconds=round(self._retry_s, 1))
        self._first = False
        # Cameras that lost one server must not all come back at the same moment.
        self._retry_at = now + self._retry_s * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
        owed = [wire.lost(sent.picture) for sent in self._pending]
        self._pending.clear()
        self.left()
        return owed

    def left(self) -> None:
        """Put the call down as ended; nothing is owed."""
        self._accepted, self._shared, self._form, self._leaving = None, None, None, False
