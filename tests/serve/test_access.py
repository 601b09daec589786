"""Who may call what, and what everybody else is told."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2 as lro
from google.longrunning import operations_pb2_grpc as lro_grpc
from google.protobuf import descriptor_pool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from sqlalchemy import Engine
from structlog.testing import capture_logs

import privacy
from privacy.errors import DatabaseError, PermissionDeniedError, RateError, UnauthenticatedError
from privacy.serve import access, arrivals
from privacy.serve.access import METHODS, OPEN, ClientLimits, Gate, host_of, roles_of
from privacy.serve.caller import NOBODY, caller
from privacy.serve.server import Server, Service
from privacy.tokens import Role, Token, Tokens
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from tests.serve.messages import DARK, clear, config, frame, refusal
from tests.serve.test_observer import Notebook

PACKAGES = tuple(Path(privacy.__file__).parent / name for name in ("v1", "inference"))


@pytest.fixture
def tokens(database: Engine) -> Tokens:
    return Tokens(database)


@pytest.fixture
def open_to(serve: Callable[..., Server]) -> Iterator[Callable[..., Any]]:
    """Start a server behind a gate, and return its stub."""
    channels: list[grpc.Channel] = []

    def start(*arguments: Any, **options: Any) -> pb_grpc.EnforcementServiceStub:
        channels.append(grpc.insecure_channel(serve(gate=Gate(*arguments, **options)).address))
        return pb_grpc.EnforcementServiceStub(channels[-1])

    yield start
    for channel in channels:
        channel.close()


def bearing(secret: str) -> dict[str, Any]:
    return {"metadata": (("authorization", f"Bearer {secret}"),), "timeout": 20}


def capabilities(stub: pb_grpc.EnforcementServiceStub, **options: Any) -> pb.GetCapabilitiesResponse:
    return stub.GetCapabilities(pb.GetCapabilitiesRequest(), **({"timeout": 20} | options))


def state(call: Callable[[], object]) -> str:
    """What is said of the token of a call that is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    info = error_details_pb2.ErrorInfo()
    status: Any = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    assert status.details[0].Unpack(info)
    return str(info.metadata["state"])


def services() -> Mapping[str, Any]:
    """Every service of ours and of the libraries that the server can have."""
    for folder in PACKAGES:
        for module in folder.glob("*_pb2.py"):
            import_module(f"privacy.{folder.name}.{module.stem}")
    import_module("google.longrunning.operations_pb2")
    import_module("grpc_health.v1.health_pb2")
    import_module("grpc_reflection.v1alpha.reflection_pb2")
    pool = descriptor_pool.Default()
    return {name: pool.FindServiceByName(name) for name in METHODS}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_of_every_service_is_in_the_table(name: str) -> None:
    assert set(METHODS[name]) == {method.name for method in services()[name].methods}


def test_every_service_of_the_contract_is_in_the_table() -> None:
    written = {
        service.full_name
        for module in PACKAGES[0].glob("*_pb2.py")
        for service in import_module(f"privacy.v1.{module.stem}").DESCRIPTOR.services_by_name.values()
    }

    assert written <= set(METHODS)


def test_only_probes_are_open() -> None:
    opened = {f"{service}/{method}" for service in METHODS for method, who in METHODS[service].items() if who is OPEN}

    assert {name for name in opened if not name.startswith(("grpc.health.", "inference."))} == set()


def test_what_is_not_in_the_table_nobody_may_call() -> None:
    for method in ("privacy.v1.EnforcementService/Nothing", "other.Service/Call", "", "/"):
        with pytest.raises(PermissionDeniedError):
            roles_of(method)


@pytest.mark.parametrize("role", Role)
def test_a_role_may_call_what_the_table_says(open_to: Callable[..., Any], tokens: Tokens, role: Role) -> None:
    stub = open_to(tokens)
    _, secret = tokens.create(role, "x")

    def stream() -> object:
        return list(stub.EnforceStream(iter([config(), *clear()]), **bearing(secret)))

    assert capabilities(stub, **bearing(secret)).max_streams
    if role in (Role.STREAM, Role.ADMIN):
        stream()
    else:
        assert refusal(stream)[:2] == ("PERMISSION_DENIED", "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        pytest.param((), "missing", id="no token"),
        pytest.param((("authorization", ""),), "missing", id="an empty one"),
        pytest.param((("authorization", "Basic eDp5"),), "missing", id="another scheme"),
        pytest.param((("authorization", "Bearer"),), "missing", id="a scheme alone"),
        pytest.param((("authorization", "Bearer nonsense"),), "unknown", id="nonsense"),
        pytest.param((("authorization", "Bearer privacy_000000000000_x"),), "unknown", id="an unknown one"),
    ],
)
def test_without_a_good_token_nothing_is_answered(
    open_to: Callable[..., Any], tokens: Tokens, metadata: Any, why: str
) -> None:
    stub = open_to(tokens)

    assert refusal(lambda: capabilities(stub, metadata=metadata))[:2] == ("UNAUTHENTICATED", "UNAUTHENTICATED")
    assert state(lambda: capabilities(stub, metadata=metadata)) == why
    assert (
        refusal(lambda: list(stub.EnforceStream(iter([config()]), metadata=metadata, timeout=20)))[0]
        == "UNAUTHENTICATED"
    )


def test_expired_and_revoked_tokens_are_told_apart(
    open_to: Callable[..., Any], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KNOWN_FOR_S", 0.0)
    stub = open_to(tokens)
    made, secret = tokens.create(Role.STREAM, "x")
    capabilities(stub, **bearing(secret))
    tokens.revoke(made.token)
    _, brief = tokens.create(Role.STREAM, "x", timedelta(microseconds=1))

    assert state(lambda: capabilities(stub, **bearing(secret))) == "revoked"
    assert state(lambda: capabilities(stub, **bearing(brief))) == "expired"


def test_a_stream_ends_when_its_token_is_revoked(
    open_to: Callable[..., Any], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KNOWN_FOR_S", 0.0)
    monkeypatch.setattr(access, "RECHECK_S", 0.0)
    stub = open_to(tokens)
    made, secret = tokens.create(Role.STREAM, "x")

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config()
        yield frame(0, DARK)
        tokens.revoke(made.token)
        yield frame(1, DARK)
        yield frame(2, DARK)

    assert state(lambda: list(stub.EnforceStream(messages(), **bearing(secret)))) == "revoked"


def test_a_stream_whose_token_is_revoked_was_not_ended_by_its_client(
    serve: Callable[..., Server], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KNOWN_FOR_S", 0.0)
    monkeypatch.setattr(access, "RECHECK_S", 0.0)
    made, secret = tokens.create(Role.STREAM, "x")
    notebook, sent = Notebook(), SimpleQueue[Any]()
    sent.put(config())
    with grpc.insecure_channel(serve(gate=Gate(tokens), observers=(notebook,)).address) as channel:
        answers = iter(pb_grpc.EnforcementServiceStub(channel).EnforceStream(iter(sent.get, None), **bearing(secret)))
        assert next(answers).HasField("accepted")
        tokens.revoke(made.token)
        sent.put(frame(0, DARK))

        assert state(lambda: list(answers)) == "revoked"
        sent.put(None)
    name, error = notebook.heard[-1]
    assert (name, type(error)) == ("closed", UnauthenticatedError)


def test_a_call_that_knows_nothing_of_tokens_ends_as_well_when_its_token_is_revoked(
    serve: Callable[..., Server], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KNOWN_FOR_S", 0.0)
    monkeypatch.setattr(access, "RECHECK_S", 0.0)
    made, secret = tokens.create(Role.STREAM, "x")
    question, sent = reflection_pb2.ServerReflectionRequest(list_services=""), SimpleQueue[Any]()
    sent.put(question)
    with grpc.insecure_channel(serve(gate=Gate(tokens), reflection=True).address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        answers = stub.ServerReflectionInfo(iter(sent.get, None), **bearing(secret))
        assert next(answers).HasField("list_services_response")
        tokens.revoke(made.token)
        sent.put(question)

        assert state(lambda: list(answers)) == "revoked"
        sent.put(None)


class Fickle:
    """Knows one token, until its database has gone."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self.gone = False

    def bearer(self, secret: str) -> Token:
        if self.gone:
            raise DatabaseError("gone")
        return self.token


def test_a_database_that_goes_ends_no_stream_and_lets_nobody_in(
    open_to: Callable[..., Any], tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "KNOWN_FOR_S", 0.0)
    monkeypatch.setattr(access, "RECHECK_S", 0.0)
    fickle = Fickle(tokens.create(Role.STREAM, "x")[0])
    stub = open_to(fickle)
    accepted = threading.Event()

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config()
        assert accepted.wait(20)
        yield from (frame(number, DARK) for number in range(4))

    answers = iter(stub.EnforceStream(messages(), **bearing("x")))
    next(answers)
    fickle.gone = True
    accepted.set()

    assert len(list(answers)) == 4
    assert refusal(lambda: capabilities(stub, **bearing("x")))[:2] == ("UNAVAILABLE", "DATABASE_UNAVAILABLE")


def test_probes_need_no_token(serve: Callable[..., Server], tokens: Tokens) -> None:
    with grpc.insecure_channel(serve(gate=Gate(tokens)).address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_no_token_is_ever_logged(open_to: Callable[..., Any], tokens: Tokens) -> None:
    stub = open_to(tokens)
    _, secret = tokens.create(Role.OPERATOR, "x")
    with capture_logs() as lines:
        capabilities(stub, **bearing(secret))
        refusal(lambda: list(stub.EnforceStream(iter([config()]), **bearing(secret))))
        refusal(lambda: capabilities(stub, **bearing(secret + "x")))

    assert [line["event"] for line in lines].count("call_not_let_in") == 2
    assert secret not in str(lines)


def test_a_client_has_its_share_of_streams(open_to: Callable[..., Any], tokens: Tokens) -> None:
    stub = open_to(tokens, ClientLimits(streams=1))
    mine, other = (tokens.create(Role.STREAM, "x")[1] for _ in range(2))
    first = iter(stub.EnforceStream(_endless(), **bearing(mine)))
    next(first)

    code, reason, (retry,) = refusal(lambda: list(stub.EnforceStream(iter([config()]), **bearing(mine))))
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
    assert retry.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    assert list(stub.EnforceStream(iter([config()]), **bearing(other)))
    first.cancel()


def _endless() -> Iterator[pb.EnforceStreamRequest]:
    yield config()
    sequence = 0
    while True:
        yield frame(sequence, DARK)
        sequence += 1


def test_a_client_that_asks_too_often_is_told_to_wait(open_to: Callable[..., Any]) -> None:
    now = [0.0]
    stub = open_to(None, ClientLimits(requests_per_s=3), clock=lambda: now[0])
    for _ in range(3):
        capabilities(stub)

    assert refusal(lambda: capabilities(stub))[:2] == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
    now[0] += 0.5
    capabilities(stub)


def test_many_other_clients_give_nobody_their_share_back(
    open_to: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(access, "_MAX_KNOWN", 3)
    shares = access._Shares(ClientLimits(requests_per_s=2), lambda: now[0])
    for client in ("others 1", "a", "a", "others 2", "others 3"):
        now[0] += 0.001
        shares.spend(client)

    with pytest.raises(RateError):
        shares.spend("a")
    assert len(shares._spent) == 3


class Patient(lro_grpc.OperationsServicer):  # type: ignore[misc]
    """Waits for what does not happen."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def WaitOperation(self, request: lro.WaitOperationRequest, context: grpc.ServicerContext) -> lro.Operation:  # noqa: N802
        self.over.wait(20)
        return lro.Operation()


@pytest.fixture
def patient() -> Iterator[Patient]:
    made = Patient()
    yield made
    made.over.set()


def operations(patient: Patient) -> Service:
    return Service("google.longrunning.Operations", partial(lro_grpc.add_OperationsServicer_to_server, patient))


def test_those_who_wait_leave_streams_their_threads(serve: Callable[..., Server], patient: Patient) -> None:
    gate = Gate(None, ClientLimits(waiting=access.WAITING_CALLS + 1))
    server = serve(gate=gate, services=(operations(patient),))
    with grpc.insecure_channel(server.address) as channel:
        wait = lro_grpc.OperationsStub(channel).WaitOperation
        calls = [wait.future(lro.WaitOperationRequest(), timeout=20) for _ in range(access.WAITING_CALLS + 1)]
        try:
            while not any(call.done() for call in calls):
                time.sleep(0.01)
            answers = list(
                pb_grpc.EnforcementServiceStub(channel).EnforceStream(iter([config(), *clear()]), timeout=20)
            )
            refused = [call for call in calls if call.done()]
        finally:
            patient.over.set()
        codes = [call.code() for call in refused]

    assert codes == [grpc.StatusCode.RESOURCE_EXHAUSTED]
    assert len(answers) == 1 + len(clear())


def test_who_waits_leaves_others_their_places(serve: Callable[..., Server], tokens: Tokens, patient: Patient) -> None:
    """One caller gets its share of the places and no more, and gives them back."""
    server = serve(gate=Gate(tokens), services=(operations(patient),))
    mine, other = (tokens.create(Role.OPERATOR, "x")[1] for _ in range(2))
    with grpc.insecure_channel(server.address) as channel:
        wait = lro_grpc.OperationsStub(channel).WaitOperation
        calls = [wait.future(lro.WaitOperationRequest(), **bearing(mine)) for _ in range(access.WAITING_CALLS + 1)]
        over = time.monotonic() + 20
        while sum(call.done() for call in calls) <= access.WAITING_CALLS - ClientLimits().waiting:
            assert time.monotonic() < over
            time.sleep(0.01)
        refused = refusal(lambda: wait(lro.WaitOperationRequest(), **bearing(mine)))
        theirs = wait.future(lro.WaitOperationRequest(), **bearing(other))
        time.sleep(0.1)
        waits = not theirs.done()
        patient.over.set()
        answered = [call for call in (*calls, theirs) if call.code() is grpc.StatusCode.OK]
        again = wait(lro.WaitOperationRequest(), **bearing(mine))

    assert refused[:2] == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
    assert waits
    assert len(answered) == ClientLimits().waiting + 1
    assert again == lro.Operation()


class Counting:
    """Knows nobody, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def bearer(self, secret: str) -> Token:
        self.asked += 1
        raise UnauthenticatedError("unknown", state="unknown")


def test_who_watches_health_has_a_share_as_others_who_wait(serve: Callable[..., Server]) -> None:
    """No token is asked for, and each holds a thread."""
    server = serve(gate=Gate(Counting()))
    with grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(), timeout=20) for _ in range(ClientLimits().waiting)]
        first = [next(watch).status for watch in watches]
        refused = refusal(lambda: list(stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)))
        probed = stub.Check(health_pb2.HealthCheckRequest(), timeout=20).status
        for watch in watches:
            watch.cancel()

    assert refused[:2] == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
    assert {*first, probed} == {health_pb2.HealthCheckResponse.SERVING}


def test_a_crowd_without_tokens_leaves_half_the_places_to_those_with_one(
    serve: Callable[..., Server], tokens: Tokens, patient: Patient
) -> None:
    gate = Gate(tokens, ClientLimits(waiting=access.WAITING_CALLS))
    server = serve(gate=gate, services=(operations(patient),))
    _, secret = tokens.create(Role.OPERATOR, "x")
    with grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(), timeout=20) for _ in range(access.OPEN_WAITING_CALLS)]
        for watch in watches:
            next(watch)
        refused = refusal(lambda: list(stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)))
        patient.over.set()
        waited = lro_grpc.OperationsStub(channel).WaitOperation(lro.WaitOperationRequest(), **bearing(secret))
        for watch in watches:
            watch.cancel()

    assert refused[:2] == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert access.OPEN_WAITING_CALLS < access.WAITING_CALLS
    assert waited == lro.Operation()


def test_who_reads_the_contract_has_a_share_as_others_who_wait(serve: Callable[..., Server]) -> None:
    server = serve(gate=Gate(None, ClientLimits(waiting=1)), reflection=True)
    over = threading.Event()

    def questions() -> Iterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        over.wait(20)

    with grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        first = stub.ServerReflectionInfo(questions(), timeout=20)
        next(first)
        refused = refusal(lambda: list(stub.ServerReflectionInfo(questions(), timeout=20)))
        over.set()

    assert refused[:2] == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")


def test_a_flood_of_unknown_tokens_does_not_reach_the_database(open_to: Callable[..., Any]) -> None:
    bearers = Counting()
    stub = open_to(bearers, ClientLimits(requests_per_s=3), clock=lambda: 0.0)

    codes = [refusal(lambda: capabilities(stub, **bearing(f"guess{number}")))[0] for number in range(5)]  # noqa: B023

    assert codes == ["UNAUTHENTICATED"] * 3 + ["RESOURCE_EXHAUSTED"] * 2
    assert bearers.asked == 3


@pytest.mark.parametrize(
    ("sent", "same"), [("camera-7.retry_2", True), ("", False), ("x" * 65, False), ("a b", False), ('{"a"}', False)]
)
def test_a_call_has_an_id_that_may_stand_in_a_log(open_to: Callable[..., Any], sent: str, same: bool) -> None:
    _, call = open_to(None).GetCapabilities.with_call(
        pb.GetCapabilitiesRequest(), timeout=20, metadata=(("x-request-id", sent),)
    )
    (given,) = (value for key, value in call.initial_metadata() if key == "x-request-id")

    assert (given == sent) is same
    assert len(given) == 32 or same


def test_outside_of_a_call_nobody_calls() -> None:
    assert caller() is NOBODY


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:10.0.0.7:5000", "ipv4:10.0.0.7"),
        ("ipv6:%5B::1%5D:5000", "ipv6:%5B::1%5D"),
        ("unix:/run/a:b", "unix:/run/a:b"),
    ],
)
def test_a_client_without_a_token_is_an_address(peer: str, host: str) -> None:
    assert host_of(peer) == host


def test_a_message_that_unpacks_to_much_is_refused_unread(channel: grpc.Channel) -> None:
    stub = pb_grpc.EnforcementServiceStub(channel)
    bomb = pb.ClassifyFrameRequest(policy="x" * (64 * 1024 * 1024))
    with pytest.raises(grpc.RpcError) as caught:
        stub.ClassifyFrame(bomb, timeout=20, compression=grpc.Compression.Gzip)

    assert caught.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.RESOURCE_EXHAUSTED)


HEALTH, CAPABILITIES = "/grpc.health.v1.Health/Check", "/privacy.v1.EnforcementService/GetCapabilities"


class Unfinished:
    """Calls of one message that send their headers and nothing else."""

    def __init__(self, channel: grpc.Channel, method: str, calls: int, **options: Any) -> None:
        self._over = threading.Event()
        ask = channel.stream_unary(method, request_serializer=bytes, response_deserializer=bytes)
        self.calls: list[Any] = [ask.future(self._nothing(), **options) for _ in range(calls)]

    def _nothing(self) -> Iterator[bytes]:
        self._over.wait(30)
        yield from ()

    def ended(self, calls: int) -> list[str]:
        """Wait until so many have ended, and return how."""
        end = time.monotonic() + 20
        while sum(call.done() for call in self.calls) < calls:
            assert time.monotonic() < end
            time.sleep(0.01)
        return [call.code().name for call in self.calls if call.done()]

    def close(self) -> None:
        self._over.set()
        for call in self.calls:
            call.cancel()


@pytest.fixture
def unfinished() -> Iterator[Callable[..., Unfinished]]:
    made: list[Unfinished] = []

    def start(*arguments: Any, **options: Any) -> Unfinished:
        made.append(Unfinished(*arguments, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_without_a_token_nothing_waits_for_a_message(
    serve: Callable[..., Server], unfinished: Callable[..., Unfinished]
) -> None:
    server = serve(gate=Gate(Counting()))
    with grpc.insecure_channel(server.address) as channel:
        calls = unfinished(channel, CAPABILITIES, 300)
        assert {*calls.ended(300)} == {"UNAUTHENTICATED"}
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        calls.close()


def test_probes_without_their_message_stop_no_probe(
    serve: Callable[..., Server], unfinished: Callable[..., Unfinished]
) -> None:
    """Not even those of the same address: all may come through one balancer."""
    server = serve(gate=Gate(None))
    with grpc.insecure_channel(server.address) as channel:
        calls = unfinished(channel, HEALTH, 300)
        ended = calls.ended(300 - access.OPEN_ARRIVING_CALLS)
        for _ in range(100):
            assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        calls.close()

    assert {*ended} == {"CANCELLED"}


def test_a_client_has_its_share_of_calls_without_their_message(
    serve: Callable[..., Server], tokens: Tokens, unfinished: Callable[..., Unfinished]
) -> None:
    server = serve(gate=Gate(tokens))
    mine, other = (tokens.create(Role.STREAM, "x")[1] for _ in range(2))
    with grpc.insecure_channel(server.address) as channel:
        calls = unfinished(channel, CAPABILITIES, 300, **bearing(mine))
        ended = calls.ended(300 - access.ARRIVING_CALLS)
        stub = pb_grpc.EnforcementServiceStub(channel)
        code, reason, (retry,) = refusal(lambda: capabilities(stub, **bearing(mine)))
        theirs = capabilities(stub, **bearing(other))
        calls.close()

    assert {*ended} == {"RESOURCE_EXHAUSTED"}
    assert len(ended) == 300 - access.ARRIVING_CALLS
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
    assert retry.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    assert theirs.max_streams


@pytest.mark.parametrize(
    ("method", "within"),
    [
        pytest.param(HEALTH, "OPEN_ARRIVES_WITHIN_S", id="probe"),
        pytest.param(CAPABILITIES, "ARRIVES_WITHIN_S", id="call"),
    ],
)
def test_a_call_whose_message_does_not_come_ends(
    serve: Callable[..., Server],
    unfinished: Callable[..., Unfinished],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    within: str,
) -> None:
    monkeypatch.setattr(access, within, 0.2)
    monkeypatch.setattr(arrivals, "LOOK_EVERY_S", 0.05)
    server = serve(gate=Gate(None))
    with grpc.insecure_channel(server.address) as channel, capture_logs() as lines:
        for _ in range(2):  # whoever looks after them comes back
            calls = unfinished(channel, method, 3)
            assert calls.ended(3) == ["CANCELLED"] * 3
            calls.close()
        _until(lambda: [line["event"] for line in lines].count("message_did_not_come") == 6)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("messages", "code", "says"),
    [
        pytest.param([], "UNIMPLEMENTED", "requires exactly one request message", id="none"),
        pytest.param([b"\xff"], "INTERNAL", "Exception deserializing request!", id="no message"),
        pytest.param([b""], "OK", "", id="an empty one"),
        pytest.param([b"", b"\xff"], "OK", "", id="a second one is not read"),
    ],
)
@pytest.mark.parametrize("gate", [Gate(None), None], ids=["gate", "gRPC alone"])
def test_a_call_of_one_message_is_answered_as_grpc_answers_it(
    serve: Callable[..., Server], gate: Gate | None, messages: list[bytes], code: str, says: str
) -> None:
    server = serve(gate=gate)
    with grpc.insecure_channel(server.address) as channel:
        ask = channel.stream_unary(CAPABILITIES, request_serializer=bytes, response_deserializer=bytes)
        call = ask.future(iter(messages), timeout=20)

        assert call.code().name == code
        assert says in call.details()


def test_a_call_that_is_given_up_before_its_message_comes_is_forgotten(
    serve: Callable[..., Server], unfinished: Callable[..., Unfinished]
) -> None:
    gate = Gate(None)
    server = serve(gate=gate)
    with grpc.insecure_channel(server.address) as channel:
        calls = unfinished(channel, CAPABILITIES, 3, timeout=0.5)
        assert calls.ended(3) == ["DEADLINE_EXCEEDED"] * 3
        _until(lambda: not gate._arriving._coming and not gate._shares._held)
