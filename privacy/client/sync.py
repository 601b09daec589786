"""The client for programs with threads."""

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from privacy.client import wire
from privacy.client.book import Answered, Book, BrokenError
from privacy.client.pictures import Classified, Enforced, Shown, StreamOptions
from privacy.errors import OverloadError, PrivacyError
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.keepalive_time_ms", 20_000)]
"""Of the connection."""


class EnforcementClient:
    """A connection to the service; streams may share it.

    Args:
        target: "host:port".
        credentials: Of TLS; None to speak in the clear.
        token: What the service knows this client by; "" for none. It goes over the wire as it is: use TLS.
    """

    def __init__(self, target: str, *, credentials: grpc.ChannelCredentials | None = None, token: str = "") -> None:
        self._metadata = wire.metadata_of(token)
        if credentials is None:
            self._channel = grpc.insecure_channel(target, OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, credentials, OPTIONS)
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
                    health_pb2.HealthCheckRequest(service=wire.SERVICE),
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
            return self._stub.GetCapabilities(pb.GetCapabilitiesRequest(), timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise wire.failure_of(error) from error

    def classify(self, picture: Shown, *, policy: str = "", timeout_s: float = 10.0) -> Classified:
        """Rule on one picture, without any history.

        Raises:
            RefusedError: The picture cannot be decoded, or there is no such policy.
            PrivacyError: The server did not answer. Hide the picture.
        """
        request = wire.still(picture, policy)
        try:
            response = self._stub.ClassifyFrame(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise wire.failure_of(error) from error
        return wire.classified(picture, response)

    def enforce(self, pictures: Iterable[Shown], options: StreamOptions) -> Iterator[Enforced]:
        """Yield what may be shown for each picture, one for one and in order.

        Pictures are taken in the thread that iterates. If the stream breaks, what was not answered comes out hidden
        with `Reason.CONNECTION_LOST`, later pictures too, and a new stream is tried after 0.5 s, then after twice as
        long each time, up to 30 s, or later if the server asks for that. A new stream begins without history, so that
        it stays hidden until the server has seen enough.

        Raises:
            RefusedError: The first stream was refused for a reason that stays, for example a weak effect. After that,
                only what `pictures` raises is raised, when all that it gave before has come out.
        """
        link = _Link(self._stub, options, self._metadata)
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

    def __init__(
        self, stub: pb_grpc.EnforcementServiceStub, opening: pb.EnforceStreamRequest, metadata: wire.Metadata
    ) -> None:
        self._requests: queue.SimpleQueue[pb.EnforceStreamRequest | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answered] = queue.SimpleQueue()
        self._requests.put(opening)
        self._call = stub.EnforceStream(iter(self._requests.get, None), metadata=metadata)
        threading.Thread(target=self._read, name="enforce-answers", daemon=True).start()

    def send(self, request: pb.EnforceStreamRequest) -> None:
        self._requests.put(request)

    def half_close(self) -> None:
        self._requests.put(None)

    def answer(self, timeout_s: float) -> Answered:
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
    """Keeps one camera's stream: opens calls, waits for answers, and does what the book says."""

    def __init__(self, stub: pb_grpc.EnforcementServiceStub, options: StreamOptions, metadata: wire.Metadata) -> None:
        self._stub = stub
        self._options = options
        self._metadata = metadata
        self._book = Book(options)
        self._call: _Call | None = None

    def push(self, picture: Shown) -> Iterator[Enforced]:
        """Send one picture, and yield what has come out meanwhile."""
        anew = self._call is not None and self._book.must_leave(picture)
        if anew:
            yield from self.finish()
        if self._call is None and (anew or self._book.may_open(time.monotonic())):
            self._call = _Call(self._stub, self._book.opening(picture, time.monotonic()), self._metadata)
            if anew or self._book.eager:
                # So the caller learns at once what will never work. After a loss, hidden pictures flow meanwhile.
                self._await_accepted(self._options.open_timeout_s)
        if self._call is not None and not self._book.accepted:
            self._await_accepted(0)
        if self._call is None or not self._book.accepted:
            yield wire.lost(picture)
            return
        self._call.send(self._book.send(picture))
        while self._book.full():
            yield from self._take(self._options.answer_timeout_s)
        while self._book.owed and (taken := list(self._take(0))):
            yield from taken

    def finish(self) -> Iterator[Enforced]:
        """Send nothing more on this call, and yield all that is owed."""
        if self._call is not None:
            self._call.half_close()
        while self._book.owed:
            yield from self._take(self._options.answer_timeout_s)
        self.close()

    def close(self) -> None:
        """End the call."""
        if self._call is not None:
            self._call.cancel()
        self._call = None
        self._book.left()

    def _await_accepted(self, timeout_s: float) -> None:
        assert self._call is not None  # noqa: S101 - whoever waits has opened one
        try:
            self._book.accept(self._call.answer(timeout_s))
        except queue.Empty:
            if self._book.overdue(time.monotonic()):
                self._lose("no answer to the first message")
        except BrokenError as error:
            self._lose(str(error))

    def _take(self, timeout_s: float) -> Iterator[Enforced]:
        """Take one answer, and yield what it settles: one picture, none, or all that were owed if the stream broke."""
        assert self._call is not None  # noqa: S101 - pictures are owed only while there is a call
        try:
            shown = self._book.settle(self._call.answer(timeout_s))
        except queue.Empty:
            if timeout_s > 0:
                yield from self._lose(f"no answer within {timeout_s:g} s")
            return
        except BrokenError as error:
            yield from self._lose(str(error))
            return
        if shown is not None:
            yield shown

    def _lose(self, why: str) -> list[Enforced]:
        if self._call is not None:
            self._call.cancel()
        self._call = None
        return self._book.lose(why, time.monotonic())
