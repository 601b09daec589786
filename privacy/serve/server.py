"""Builds the server, runs it, and lets it go in good order."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from privacy.errors import InputError, PrivacyError
from privacy.inference import open_inference_pb2 as inference_pb
from privacy.inference import open_inference_pb2_grpc as inference_grpc
from privacy.serve import memory
from privacy.serve.access import ARRIVING_CALLS, OPEN_ARRIVING_CALLS, WAITING_CALLS, Gate
from privacy.serve.health import Health
from privacy.serve.http import HttpFace
from privacy.serve.inference import InferenceService
from privacy.serve.servicer import EnforcementService, Engine
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc

log = structlog.get_logger()

SERVICE = pb.DESCRIPTOR.services_by_name["EnforcementService"].full_name
INFERENCE = inference_pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
DEFAULT_ADDRESS = "127.0.0.1:50051"
HEALTH_EVERY_S = 1.0
GIVE_BACK_EVERY_S = 30.0
_SPARE_THREADS = 16  # for what is no admitted stream and does not wait: refusals, stills, probes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the server listens and how.

    Attributes:
        address: "host:port"; port 0 is a free one.
        tls: Private key and certificate chain, PEM; None to serve in the clear.
        client_ca: Certificates, PEM, by one of which a client's must be signed; None to ask clients for none.
        gate: Who is let in; None to let in whoever reaches the address.
        reflection: Whether tools may ask for the contract.
        reuse_port: Whether other processes may listen on the port, too. Without it, two servers that are started by
            mistake would share the cameras between them unseen.
        grace_s: How long streams may go on once the server is told to stop.
        keepalive_s: A connection is asked this often whether it is still there; one that has died without a word is
            noticed after a third as long again, and its place is free.
    """

    address: str = DEFAULT_ADDRESS
    tls: tuple[bytes, bytes] | None = field(default=None, repr=False)
    client_ca: bytes | None = field(default=None, repr=False)
    gate: Gate | None = None
    reflection: bool = False
    reuse_port: bool = False
    grace_s: float = 10.0
    keepalive_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """Something else that the server serves.

    Attributes:
        name: "package.Service".
        add: Adds it to a server that is being built.
    """

    name: str
    add: Callable[[grpc.Server], object]


class Server:
    """A server that is built but does not listen yet.

    Args:
        engine: What it runs on.
        settings: Where it listens.
        services: What it serves beside the enforcement of masks.
        tell: Hears whether it is healthy, each time that changes while it runs.

    Raises:
        InputError: The address cannot be bound, or the key and certificate do not belong together.

    Attributes:
        address: "host:port" with the real port.
        ready: True from when it is healthy until it drains, except while the model hangs or fails.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        services: Sequence[Service] = (),
        tell: Callable[[bool], None] = lambda _: None,
    ) -> None:
        threads = engine.max_streams + WAITING_CALLS + ARRIVING_CALLS + OPEN_ARRIVING_CALLS + _SPARE_THREADS
        options = [
            ("grpc.keepalive_time_ms", round(settings.keepalive_s * 1000)),
            ("grpc.keepalive_timeout_ms", round(settings.keepalive_s * 1000 / 3)),
            ("grpc.http2.ping_timeout_ms", round(settings.keepalive_s * 1000 / 3)),  # or it is a minute all the same
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.so_reuseport", int(settings.reuse_port)),
            # Pictures are compressed already, and what unpacks to a thousand times its size is refused unread.
            ("grpc.compression_enabled_algorithms_bitset", 1),
            ("grpc.max_receive_message_length", engine.limits.message_bytes),
            ("grpc.max_send_message_length", -1),
        ]
        self.ready = False
        self._draining = threading.Event()
        self._tell = tell
        self._engine = engine
        self._grace_s = settings.grace_s
        self._service = EnforcementService(engine)
        pool = futures.ThreadPoolExecutor(threads, thread_name_prefix="serve")
        gate: list[grpc.ServerInterceptor[Any, Any]] = [] if settings.gate is None else [settings.gate]
        self._server = grpc.server(pool, interceptors=gate, options=options, maximum_concurrent_rpcs=threads)
        pb_grpc.add_EnforcementServiceServicer_to_server(self._service, self._server)
        inference = InferenceService(self._service.scheduler, engine, lambda: self.ready)
        inference_grpc.add_GRPCInferenceServiceServicer_to_server(inference, self._server)
        for service in services:
            service.add(self._server)
        self._names = (SERVICE, INFERENCE, *(service.name for service in services))
        self._health = Health(("", *self._names))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._report(health_pb2.HealthCheckResponse.NOT_SERVING)
        if settings.reflection:
            names = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        self.address = self._bind(settings)

    def start(self) -> None:
        """Listen, look at one picture, and only then call itself healthy.

        Raises:
            PrivacyError: The model cannot even look at a black picture.
        """
        self._server.start()
        try:
            self._service.warm_up()
        except PrivacyError:
            self._service.stop()
            self._server.stop(None)
            raise
        self._say(ready=True)
        threading.Thread(target=self._watch, name="health", daemon=True).start()
        log.info("serving", address=self.address, model=self._engine.model.name, policy=self._engine.policy.name)

    def stop(self, grace_s: float | None = None) -> None:
        """Call itself unhealthy, take no new call, tell the streams, and end them after the grace."""
        log.info("draining", grace_seconds=self._grace_s if grace_s is None else grace_s)
        self._draining.set()
        self.ready = False
        self._health.enter_graceful_shutdown()
        self._service.drain()
        self._server.stop(self._grace_s if grace_s is None else grace_s).wait()
        self._service.stop()
        log.info("stopped")

    def _watch(self) -> None:
        """Call itself unhealthy while the model is; streams that run are answered hidden meanwhile."""
        given = time.monotonic()
        while not self._draining.wait(HEALTH_EVERY_S):
            if time.monotonic() - given >= GIVE_BACK_EVERY_S:
                memory.give_back()
                given = time.monotonic()
            healthy = self._service.scheduler.check()
            if healthy is not self.ready:
                log.log(logging.INFO if healthy else logging.ERROR, "health", ready=healthy)
                self._say(ready=healthy)
                self._tell(healthy)

    def _say(self, *, ready: bool) -> None:
        serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        self._report(serving if ready else not_serving)
        self.ready = ready and not self._draining.is_set()

    def _bind(self, settings: Settings) -> str:
        host = settings.address.rpartition(":")[0]
        try:
            if settings.tls is None:
                port = self._server.add_insecure_port(settings.address)
            else:
                ca = settings.client_ca
                credentials = grpc.ssl_server_credentials([settings.tls], ca, require_client_auth=ca is not None)
                port = self._server.add_secure_port(settings.address, credentials)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{settings.address} cannot be bound: {error}", address=settings.address) from error
        return f"{host}:{port}"

    def _report(self, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType) -> None:
        for name in ("", *self._names):
            self._health.set(name, status)


def run(
    engine: Engine,
    settings: Settings,
    ready: Callable[[str], None] = lambda _: None,
    *,
    services: Sequence[Service] = (),
    http: HttpFace | None = None,
    tell: Callable[[bool], None] = lambda _: None,
    exit_after_s: float | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        engine: What the server runs on.
        settings: Where it listens.
        ready: Called with the address once the server is healthy.
        services: What it serves beside the enforcement of masks.
        http: What it says of itself over HTTP.
        tell: See `Server`.
        exit_after_s: The process is ended this long after the grace if something in it never returns; None to leave
            that to the caller.

    Raises:
        InputError: The address cannot be bound.
        PrivacyError: The model does not work.
    """
    memory.share_arenas()
    # A plain list: an event has a lock, and a handler that interrupts its waiter while that is held never returns.
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: told.append(number))
    server = Server(engine, settings, services, tell)
    with ExitStack() as ending:
        if http is not None:
            ending.enter_context(http.serving(lambda: server.ready))
        server.start()
        ready(server.address)
        while not told:
            time.sleep(0.2)  # a signal that another thread was handed reaches Python only when this one wakes
        _drain(server, settings, exit_after_s)


def _drain(server: Server, settings: Settings, exit_after_s: float | None) -> None:
    if exit_after_s is not None:
        # Python waits for every thread of the pool, and one may sit in a library for ever. Nothing is owed any more.
        last = threading.Timer(settings.grace_s + exit_after_s, os._exit, [1])
        last.daemon = True
        last.start()
    server.stop()
