"""The client for asyncio programs. The same rules as `EnforcementClient`, kept by the same book."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable, AsyncIterator
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from privacy.client import wire
from privacy.client.book import Answered, Book, BrokenError
from privacy.client.pictures import Classified, Enforced, Shown, StreamOptions
from privacy.client.sync import OPTIONS
from privacy.errors import OverloadError, PrivacyError
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc

Stub = Any
"""What is generated has the types of the other client."""


class AsyncEnforcementClient:
    """A connection to the service; streams may share it. To be made where an event loop runs.

    Args:
        target: "host:port".
        credentials: Of TLS; None to speak in the clear.
        token: What the service knows this client by; "" for none. It goes over the wire as it is: use TLS.
    """

    def __init__(self, target: str, *, credentials: grpc.ChannelCredentials | None = None, token: str = "") -> None:
        self._metadata = wire.metadata_of(token)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(target, OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(target, credentials, OPTIONS)
        self._stub: Stub = pb_grpc.EnforcementServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; streams that are open break."""
        await self._channel.close(None)

    async def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Return once the service is healthy.

        Raises:
            OverloadError: It is not, in that time.
        """
        stub: Any = health_pb2_grpc.HealthStub(self._channel)
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(grpc.RpcError):
                request = health_pb2.HealthCheckRequest(service=wire.SERVICE)
                answer = await stub.Check(request, timeout=max(0.1, left), wait_for_ready=True)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            await asyncio.sleep(0.05)
        raise OverloadError(f"the service was not ready within {timeout_s:g} s")

    async def capabilities(self, timeout_s: float = 10.0) -> pb.GetCapabilitiesResponse:
        """Return what the server takes.

        Raises:
            PrivacyError: It did not answer.
        """
        try:
            answer: pb.GetCapabilitiesResponse = await self._stub.GetCapabilities(
                pb.GetCapabilitiesRequest(), timeout=timeout_s, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise wire.failure_of(error) from error
        return answer

    async def classify(self, picture: Shown, *, policy: str = "", timeout_s: float = 10.0) -> Classified:
        """Rule on one picture, without any history.

        Raises:
            RefusedError: The picture cannot be decoded, or there is no such policy.
            PrivacyError: The server did not answer. Hide the picture.
        """
        try:
            response = await self._stub.ClassifyFrame(
                wire.still(picture, policy), timeout=timeout_s, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise wire.failure_of(error) from error
        return wire.classified(picture, response)

    async def enforce(self, pictures: AsyncIterable[Shown], options: StreamOptions) -> AsyncIterator[Enforced]:
        """Yield what may be shown for each picture, one for one and in order; see `EnforcementClient.enforce`.

        Raises:
            RefusedError: The first stream was refused for a reason that stays.
        """
        link = _Link(self._stub, options, self._metadata)
        try:
            async for picture in pictures:
                async for shown in link.push(picture):
                    yield shown
        except PrivacyError:
            async for shown in link.finish():
                yield shown  # the source broke off; what it gave is still owed
            raise
        else:
            async for shown in link.finish():
                yield shown
        finally:
            link.close()


class _Call:
    """One `EnforceStream` call: tasks write and read, so that waiting for an answer can end."""

    def __init__(self, stub: Stub, opening: pb.EnforceStreamRequest, metadata: wire.Metadata) -> None:
        self._requests: asyncio.Queue[pb.EnforceStreamRequest | None] = asyncio.Queue()
        self._answers: asyncio.Queue[Answered] = asyncio.Queue()
        self._requests.put_nowait(opening)
        self._call = stub.EnforceStream(self._written(), metadata=metadata)
        self._reading = asyncio.create_task(self._read(), name="enforce-answers")

    def send(self, request: pb.EnforceStreamRequest) -> None:
        self._requests.put_nowait(request)

    def half_close(self) -> None:
        self._requests.put_nowait(None)

    async def answer(self, timeout_s: float) -> Answered:
        """Return the next answer, the error that ended the call, or None at its end.

        Raises:
            TimeoutError: Nothing came in time.
        """
        if timeout_s > 0:
            async with asyncio.timeout(timeout_s):
                return await self._answers.get()
        try:
            return self._answers.get_nowait()
        except asyncio.QueueEmpty:
            raise TimeoutError from None

    def cancel(self) -> None:
        self.half_close()
        self._call.cancel()

    async def _written(self) -> AsyncIterator[pb.EnforceStreamRequest]:
        while (request := await self._requests.get()) is not None:
            yield request

    async def _read(self) -> None:
        try:
            async for response in self._call:
                self._answers.put_nowait(response)
            self._answers.put_nowait(None)
        except grpc.RpcError as error:
            self._answers.put_nowait(error)
        except asyncio.CancelledError:  # by ourselves, or with the channel: there is no more to come
            self._answers.put_nowait(None)


class _Link:
    """Keeps one camera's stream: opens calls, waits for answers, and does what the book says."""

    def __init__(self, stub: Stub, options: StreamOptions, metadata: wire.Metadata) -> None:
        self._stub = stub
        self._options = options
        self._metadata = metadata
        self._book = Book(options)
        self._call: _Call | None = None

    async def push(self, picture: Shown) -> AsyncIterator[Enforced]:
        """Send one picture, and yield what has come out meanwhile."""
        anew = self._call is not None and self._book.must_leave(picture)
        if anew:
            async for shown in self.finish():
                yield shown
        if self._call is None and (anew or self._book.may_open(time.monotonic())):
            self._call = _Call(self._stub, self._book.opening(picture, time.monotonic()), self._metadata)
            if anew or self._book.eager:
                await self._await_accepted(self._options.open_timeout_s)
        if not await self._may_send():
            yield wire.lost(picture)
            return
        assert self._call is not None  # noqa: S101 - that is what may_send means
        self._call.send(self._book.send(picture))
        await asyncio.sleep(0)  # an iterator of pictures that never waits must not starve the tasks
        while self._book.full():
            for shown in await self._take(self._options.answer_timeout_s):
                yield shown
        while self._book.owed and (taken := await self._take(0)):
            for shown in taken:
                yield shown

    async def finish(self) -> AsyncIterator[Enforced]:
        """Send nothing more on this call, and yield all that is owed."""
        if self._call is not None:
            self._call.half_close()
        while self._book.owed:
            for shown in await self._take(self._options.answer_timeout_s):
                yield shown
        self.close()

    def close(self) -> None:
        """End the call."""
        if self._call is not None:
            self._call.cancel()
        self._call = None
        self._book.left()

    async def _may_send(self) -> bool:
        if self._call is not None and not self._book.accepted:
            await self._await_accepted(0)
        return self._call is not None and self._book.accepted

    async def _await_accepted(self, timeout_s: float) -> None:
        assert self._call is not None  # noqa: S101 - whoever waits has opened one
        try:
            self._book.accept(await self._call.answer(timeout_s))
        except TimeoutError:
            if self._book.overdue(time.monotonic()):
                self._lose("no answer to the first message")
        except BrokenError as error:
            self._lose(str(error))

    async def _take(self, timeout_s: float) -> list[Enforced]:
        """Take one answer, and return what it settles: one picture, none, or all that were owed if the stream broke."""
        assert self._call is not None  # noqa: S101 - pictures are owed only while there is a call
        try:
            shown = self._book.settle(await self._call.answer(timeout_s))
        except TimeoutError:
            return self._lose(f"no answer within {timeout_s:g} s") if timeout_s > 0 else []
        except BrokenError as error:
            return self._lose(str(error))
        return [] if shown is None else [shown]

    def _lose(self, why: str) -> list[Enforced]:
        if self._call is not None:
            self._call.cancel()
        self._call = None
        return self._book.lose(why, time.monotonic())
