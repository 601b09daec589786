"""Who may call what: one table, and the gate that every call goes through."""

import hashlib
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, Protocol, cast

import grpc
import structlog
from google.protobuf.message import DecodeError

from privacy.errors import (
    DatabaseError,
    OverloadError,
    PermissionDeniedError,
    PrivacyError,
    RateError,
    UnauthenticatedError,
)
from privacy.serve.arrivals import Arrivals
from privacy.serve.caller import NOBODY, Caller, called_by
from privacy.serve.status import errors_as_status
from privacy.tokens import Role, Token

log = structlog.get_logger()

READERS = frozenset({Role.OPERATOR, Role.AUDITOR, Role.AUTHORITY})
EVERYBODY = frozenset(Role)
OPEN: frozenset[Role] = frozenset()
"""No token is asked for: what a load balancer probes."""

METHODS: Mapping[str, Mapping[str, frozenset[Role]]] = {
    "privacy.v1.EnforcementService": {
        "EnforceStream": frozenset({Role.STREAM}),
        "ClassifyFrame": frozenset({Role.STREAM, Role.OPERATOR, Role.AUDITOR}),
        "GetCapabilities": EVERYBODY,
    },
    "privacy.v1.CameraService": {
        "CreateSite": frozenset({Role.OPERATOR}),
        "GetSite": READERS,
        "ListSites": READERS,
        "UpdateSite": frozenset({Role.OPERATOR}),
        "DeleteSite": frozenset({Role.OPERATOR}),
        "CreateCamera": frozenset({Role.OPERATOR}),
        "GetCamera": READERS,
        "ListCameras": READERS,
        "UpdateCamera": frozenset({Role.OPERATOR}),
        "DeleteCamera": frozenset({Role.OPERATOR}),
        "ApproveView": frozenset({Role.OPERATOR}),
    },
    "privacy.v1.ReportService": {
        "ListReports": READERS,
        "GetReport": READERS,
        "WatchReports": READERS,
        "ReviewReport": frozenset({Role.OPERATOR, Role.AUTHORITY}),
        "RequestEvidence": frozenset({Role.AUTHORITY}),
        "VerifyLedger": READERS,
    },
    "privacy.v1.AuditService": {
        "StartAudit": frozenset({Role.AUDITOR}),
        "GetAudit": READERS,
        "ListAudits": READERS,
        "CancelAudit": frozenset({Role.AUDITOR}),
        "ListFindings": READERS,
        "SimulatePolicy": frozenset({Role.AUDITOR}),
    },
    "google.longrunning.Operations": {
        "ListOperations": READERS,
        "GetOperation": READERS,
        "DeleteOperation": frozenset({Role.AUDITOR}),
        "CancelOperation": frozenset({Role.AUDITOR}),
        "WaitOperation": READERS,
    },
    "inference.GRPCInferenceService": {
        "ServerLive": OPEN,
        "ServerReady": OPEN,
        "ModelReady": EVERYBODY,
        "ServerMetadata": EVERYBODY,
        "ModelMetadata": EVERYBODY,
        "ModelInfer": frozenset({Role.STREAM, Role.OPERATOR, Role.AUDITOR}),
    },
    "grpc.health.v1.Health": {"Check": OPEN, "List": OPEN, "Watch": OPEN},
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": EVERYBODY},
}
"""Which roles may call each method of each service. `Role.ADMIN` may call all; what is not here, nobody may."""

KNOWN_FOR_S = 5.0
"""How long a token that was good is taken without asking again, and so how long one that is revoked may still begin."""
RECHECK_S = 10.0
"""How often the token of a running stream is asked for again."""

WAITING_CALLS = 64
"""So many calls of all clients may wait for something to happen; each holds a thread, and streams need theirs."""
OPEN_WAITING_CALLS = WAITING_CALLS // 2
"""So many of these may be calls for which no token is asked: those who have one need places, too."""
ARRIVING_CALLS = 64
"""So many calls of one client may be without their message; each holds a thread."""
OPEN_ARRIVING_CALLS = ARRIVING_CALLS // 2
"""So many calls of all clients for which no token is asked may be; for one more, the longest of them is ended."""
ARRIVES_WITHIN_S = 60.0
"""How long the one message of a call may take: a large picture over a poor line takes a while."""
OPEN_ARRIVES_WITHIN_S = 5.0
"""The same where no token is asked for: those messages are small."""
_MAX_KNOWN = 10_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _Lasting(StrEnum):
    """Calls that last, and of which a client may have only so many at the same time."""

    STREAM = "streams"
    WAIT = "calls that wait"
    ARRIVE = "calls without their message"


_LASTING: Mapping[str, _Lasting] = {
    "privacy.v1.EnforcementService/EnforceStream": _Lasting.STREAM,
    "privacy.v1.ReportService/WatchReports": _Lasting.WAIT,
    "google.longrunning.Operations/WaitOperation": _Lasting.WAIT,
    "grpc.health.v1.Health/Watch": _Lasting.WAIT,
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _Lasting.WAIT,
}


class Bearers(Protocol):
    """Knows tokens; `privacy.tokens.Tokens` does."""

    def bearer(self, secret: str) -> Token:
        """Return the token, if it is good now; raises `UnauthenticatedError` or `DatabaseError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """What one client may ask for. A client is a token, or an address where the service asks for no tokens.

    Attributes:
        streams: Streams at the same time.
        waiting: Calls at the same time that wait for something to happen; of all clients together, `WAITING_CALLS` may.
        arriving: Calls at the same time whose one message has not come.
        requests_per_s: Calls begun in a second, on average; as many may come at once.
    """

    streams: int = 4096
    waiting: int = WAITING_CALLS // 8
    arriving: int = ARRIVING_CALLS
    requests_per_s: float = 1000.0


class Gate(grpc.ServerInterceptor):  # type: ignore[type-arg] # generic in the stubs only
    """Lets a call in, if its caller may make it, and gives it an id for the log.

    Args:
        bearers: Knows the tokens; None to let everybody in, as `NOBODY`.
        limits: What one client may ask for.
        refused: Told the reason of each call that is not let in.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        bearers: Bearers | None,
        limits: ClientLimits | None = None,
        *,
        refused: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bearers = bearers
        self._refused = refused
        self._shares = _Shares(limits or ClientLimits(), clock)
        self._waiting = _Places(WAITING_CALLS)
        self._open_waiting = _Places(OPEN_WAITING_CALLS)
        self._arriving = Arrivals(ARRIVES_WITHIN_S)
        self._open_arriving = Arrivals(OPEN_ARRIVES_WITHIN_S, OPEN_ARRIVING_CALLS)
        self._clock = clock
        self._known: dict[bytes, tuple[Caller, float]] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "grpc.RpcMethodHandler[Any, Any] | None"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Return the handler behind the gate; called by gRPC, in a thread that must not wait.

        To gRPC, all of them take a stream of messages: for a handler of one message, it would have a thread wait for
        that message before the gate is asked, without a token and for ever.
        """
        # The stubs know no attributes of a handler.
        handler = cast("Any", continuation(handler_call_details))
        if handler is None:
            return None  # gRPC answers UNIMPLEMENTED
        takes = "stream" if handler.request_streaming else "unary"
        gives = "stream" if handler.response_streaming else "unary"
        call = _Call(
            handler_call_details.method.removeprefix("/"),
            dict(handler_call_details.invocation_metadata),
            None if handler.request_streaming else handler.request_deserializer,
        )
        guard = self._stream if handler.response_streaming else self._unary
        make = getattr(grpc, f"stream_{gives}_rpc_method_handler")
        return cast(
            "grpc.RpcMethodHandler[Any, Any]",
            make(
                guard(call, getattr(handler, f"{takes}_{gives}")),
                handler.request_deserializer if call.read is None else None,
                handler.response_serializer,
            ),
        )

    def _unary(self, call: "_Call", behaviour: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[..., Any]:
        def guarded(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message
            with self._entered(call, requests, context) as request:
                return behaviour(request, context)

        return guarded

    def _stream(
        self, call: "_Call", behaviour: Callable[[Any, grpc.ServicerContext], Iterator[Any]]
    ) -> Callable[..., Iterator[Any]]:
        def guarded(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            with self._entered(call, requests, context) as request:
                asked = self._clock()
                responses = behaviour(request, context)
                for response in responses:
                    if self._clock() - asked > RECHECK_S:
                        asked = self._clock()
                        try:
                            self._still_welcome(call)
                        except PrivacyError as error:
                            _end(responses, error, context)
                    yield response

        return guarded

    def _entered(
        self, call: "_Call", requests: Iterator[Any], context: grpc.ServicerContext
    ) -> AbstractContextManager[Any, None]:
        # A generator swallows nothing here; a type checker cannot see that.
        return cast("AbstractContextManager[Any, None]", self._inside(call, requests, context))

    @contextmanager
    def _inside(self, call: "_Call", requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Let a call in, and yield what it asks: its one message, or its stream of them."""
        asked: Any
        with ExitStack() as ending:
            request = call.request_id()
            ending.enter_context(structlog.contextvars.bound_contextvars(request=request, method=call.method))
            context.send_initial_metadata((("x-request-id", request),))
            with errors_as_status(context):
                try:
                    who = self._caller(call, context.peer())
                    structlog.contextvars.bind_contextvars(caller=who.name)
                    client = who.name if who is not NOBODY else host_of(context.peer())
                    lasting = _LASTING.get(call.method)
                    ending.enter_context(self._shares.taken(client, lasting))
                    if lasting is _Lasting.WAIT:
                        ending.enter_context(self._waiting.taken())
                        if roles_of(call.method) is OPEN:
                            ending.enter_context(self._open_waiting.taken())
                    asked = requests if call.read is None else self._message(call, client, requests, context)
                except PrivacyError as error:
                    log.warning("call_not_let_in", peer=context.peer(), reason=error.reason)
                    self._refused(error.reason)
                    raise
            if call.read is not None:
                asked = _read(call, asked, context)  # in place of the bytes: a picture is kept once
            ending.enter_context(called_by(who))
            ending.callback(structlog.contextvars.unbind_contextvars, "caller")
            yield asked

    def _message(
        self, call: "_Call", client: str, requests: Iterator[bytes], context: grpc.ServicerContext
    ) -> bytes | None:
        """Wait for the one message of a call, and return it as it came; None if there is none.

        Raises:
            RateError: Too many of this client's have not come.
        """
        if roles_of(call.method) is OPEN:
            # Who asks for no token refuses nobody a probe because others leave theirs unfinished.
            with self._open_arriving.awaited(context):
                return next(requests, None)
        with self._shares.held(client, _Lasting.ARRIVE), self._arriving.awaited(context):
            return next(requests, None)

    def _caller(self, call: "_Call", peer: str = "") -> Caller:
        """Return who calls.

        Args:
            call: The call.
            peer: Pays for asking who an unknown token is; nobody pays for one that was let in before.

        Raises:
            RateError: The peer has asked too often.
            UnauthenticatedError: Nobody knows.
            PermissionDeniedError: The role may not call this.
            DatabaseError: Nobody can say who calls.
        """
        roles = roles_of(call.method)
        if self._bearers is None or roles is OPEN:
            return NOBODY
        who = self._known_as(call.secret(), peer)
        if not may(who.role, call.method):
            raise PermissionDeniedError(f"the role {who.role} may not call this", role=who.role, method=call.method)
        return who

    def _known_as(self, secret: str, peer: str) -> Caller:
        assert self._bearers is not None  # noqa: S101 - whoever has no tokens knows nobody
        digest = hashlib.sha256(secret.encode()).digest()  # the token itself is remembered nowhere
        who, asked = self._known.get(digest, (NOBODY, float("-inf")))
        if self._clock() - asked <= KNOWN_FOR_S:
            return who
        self._known.pop(digest, None)
        if peer:
            # Apart from the share for calls without a token: who floods through a balancer must not stop its probes.
            self._shares.spend(f"unknown at {host_of(peer)}")
        token = self._bearers.bearer(secret)
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        who = Caller(token.name, token.label, token.role)
        self._known[digest] = who, self._clock()
        return who

    def _still_welcome(self, call: "_Call") -> None:
        """End a stream whose token was revoked or has expired since it began; a database that is gone ends none.

        Raises:
            UnauthenticatedError: The token is no longer good.
        """
        try:
            self._caller(call)
        except DatabaseError as error:
            log.warning("token_not_checked", reason=error.reason)


def _end(responses: Iterator[Any], error: PrivacyError, context: grpc.ServicerContext) -> NoReturn:
    """End a call by an error that is raised where it makes its responses, so that it is heard to end by that."""
    if isinstance(responses, Generator):
        with suppress(type(error), StopIteration):  # it may know nothing of our errors
            responses.throw(error)
    with errors_as_status(context):
        raise error


def roles_of(method: str) -> frozenset[Role]:
    """Return who may call "package.Service/Method".

    Raises:
        PermissionDeniedError: The method is not in the table.
    """
    service, _, name = method.rpartition("/")
    try:
        return METHODS[service][name]
    except KeyError:
        raise PermissionDeniedError("nobody may call this method", method=method) from None


def may(role: Role, method: str) -> bool:
    """Say whether a role may call "package.Service/Method".

    Raises:
        PermissionDeniedError: The method is not in the table.
    """
    roles = roles_of(method)
    return roles is OPEN or role is Role.ADMIN or role in roles


def host_of(peer: str) -> str:
    """Return the address in a peer's name as gRPC writes it, without its port."""
    return peer.rpartition(":")[0] if peer.startswith(("ipv4:", "ipv6:")) else peer


def _read(call: "_Call", data: bytes | None, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message
    """Return the one message of a call; without one that can be read, the call ends as gRPC would end it."""
    assert call.read is not None  # noqa: S101 - only calls of one message are read
    if data is None:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f'"/{call.method}" requires exactly one request message.')
    try:
        return call.read(data)
    except DecodeError:
        context.abort(grpc.StatusCode.INTERNAL, "Exception deserializing request!")


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    metadata: Mapping[str, str | bytes]
    read: Callable[[bytes], Any] | None  # reads its one message; None for a stream of messages

    def secret(self) -> str:
        """Return what stands in "authorization: Bearer ...".

        Raises:
            UnauthenticatedError: Nothing does.
        """
        scheme, _, secret = str(self.metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise UnauthenticatedError("this service asks for a token: `authorization: Bearer ...`", state="missing")
        return secret

    def request_id(self) -> str:
        """Return the id that the client gave the call, if it may stand in a log, else a new one."""
        given = str(self.metadata.get("x-request-id", ""))
        return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


class _Places:
    """Places for calls that wait, of all clients."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._free = threading.BoundedSemaphore(places)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a place for the length of the block.

        Raises:
            OverloadError: There is none.
        """
        if not self._free.acquire(blocking=False):
            raise OverloadError(f"{self._places} calls wait already", limit=self._places)
        try:
            yield
        finally:
            self._free.release()


class _Shares:
    """Counts what each client has."""

    def __init__(self, limits: ClientLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._most = {
            _Lasting.STREAM: limits.streams,
            _Lasting.WAIT: limits.waiting,
            _Lasting.ARRIVE: limits.arriving,
        }
        self._held: Counter[tuple[str, _Lasting]] = Counter()
        self._spent: dict[str, tuple[float, float]] = {}  # requests not paid back yet, and when that was counted

    @contextmanager
    def taken(self, client: str, lasting: _Lasting | None) -> Iterator[None]:
        """Take a call, and one of those that last if it is one, for the length of the block.

        Raises:
            RateError: The client has its share.
        """
        self.spend(client)
        if lasting is None:
            yield
            return
        with self.held(client, lasting):
            yield

    @contextmanager
    def held(self, client: str, lasting: _Lasting) -> Iterator[None]:
        """Take one of the calls that last, for the length of the block.

        Raises:
            RateError: The client has its share.
        """
        mine, most = (client, lasting), self._most[lasting]
        with self._lock:
            if self._held[mine] >= most:
                raise RateError(f"this client has its {most} {lasting}", limit=most)
            self._held[mine] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[mine] -= 1
                if not self._held[mine]:
                    del self._held[mine]

    def spend(self, client: str) -> None:
        """Take a call.

        Raises:
            RateError: The client has its share.
        """
        with self._lock:
            self._spend(client)

    def _spend(self, client: str) -> None:
        now, rate = self._clock(), self._limits.requests_per_s
        spent, since = self._spent.get(client, (0.0, now))
        spent = max(0.0, spent - (now - since) * rate)
        if spent + 1 > max(1.0, rate):
            raise RateError(f"this client makes more than {rate:g} calls a second", limit=rate)
        self._spent.pop(client, None)  # whoever called last stands last
        while len(self._spent) >= _MAX_KNOWN:  # whoever called longest ago has had the longest time to pay back
            del self._spent[next(iter(self._spent))]
        self._spent[client] = spent + 1, now
