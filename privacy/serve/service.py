"""Puts a server together from what an operator asks for: one typed set of options, one process."""

import ipaddress
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from cryptography import x509
from sqlalchemy import Engine as Database
from starlette.routing import BaseRoute

from privacy import policy as policies
from privacy.cameras.lookup import KnownCameras
from privacy.cameras.registry import Registry
from privacy.errors import InputError
from privacy.events import Event
from privacy.models import catalogue
from privacy.models.detector import Detector
from privacy.policy import Policy, Subject
from privacy.serve.access import ClientLimits, Gate
from privacy.serve.camera_servicer import CameraService
from privacy.serve.http import HttpFace
from privacy.serve.live import Live
from privacy.serve.metrics import Metrics
from privacy.serve.observer import Observer
from privacy.serve.reporting import Reporting
from privacy.serve.scheduler import cores
from privacy.serve.server import DEFAULT_ADDRESS, Service, Settings, run
from privacy.serve.servicer import Engine, shipped
from privacy.serve.translate import Limits
from privacy.serve.views import Views
from privacy.tokens import Tokens
from privacy.v1 import camera_service_pb2, camera_service_pb2_grpc

EXIT_AFTER_S = 5.0
_SOCKETS = ("unix:", "unix-abstract:")
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `privacy serve` is told; its help says what each means.

    Raises:
        InputError: They do not go together, or would open the service to whoever reaches it.
    """

    address: str = DEFAULT_ADDRESS
    model: str = catalogue.DEFAULT
    threads: int = 1
    policy: str = policies.DEFAULT
    device: str = "cpu"
    detectors: Callable[[Collection[Subject], Policy], Mapping[Subject, Detector]] = lambda _, __: {}
    max_streams: int = 256
    max_client_streams: int = 4096
    max_client_requests: float = 1000.0
    shared_memory_bytes: int = 0
    limits: Limits = field(default_factory=Limits)
    grace_s: float = 10.0
    reflection: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    tokens: bool = False
    insecure: bool = False
    http: str | None = None
    otel: bool = False
    processes: int = 1

    def __post_init__(self) -> None:
        if (self.tls_cert is None) is not (self.tls_key is None):
            raise InputError("--tls-cert and --tls-key go together")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise InputError("--tls-client-ca needs --tls-cert and --tls-key")
        for address in filter(None, (self.address, self.http)):
            if not _is_address(address):
                raise InputError(
                    f"{address} is no address: that is HOST:PORT, for example 127.0.0.1:0", address=address
                )
        if self.insecure:
            return
        for address in filter(None, (self.address, self.http)):
            if not is_loopback(address) and not (self.tls_cert and self.tokens):
                raise InputError(
                    f"{address} can be reached from other machines: that needs --tls-cert, --tls-key and --tokens, "
                    "or --insecure if something else protects it",
                    address=address,
                )


def _is_address(address: str) -> bool:
    port = address.rpartition(":")[2] if ":" in address else ""
    return address.startswith(_SOCKETS) or (port.isdecimal() and int(port) <= _LAST_PORT)


def is_loopback(address: str) -> bool:
    """Say whether an address "host:port" can be reached from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith(_SOCKETS) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_certificate(pem: bytes, now: datetime) -> None:
    """Do nothing if every certificate of a chain is good now.

    Raises:
        InputError: It is no certificate, has expired, or is not valid yet.
    """
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InputError(f"the TLS certificate cannot be read: {error}") from error
    for certificate in chain:
        name = certificate.subject.rfc4514_string()
        if certificate.not_valid_after_utc <= now:
            raise InputError(f"the TLS certificate {name} expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
        if certificate.not_valid_before_utc > now:
            raise InputError(f"the TLS certificate {name} is not valid before {certificate.not_valid_before_utc:%F}")


@dataclass(frozen=True, slots=True)
class Assembly:
    """A server's parts, made but not bound.

    Attributes:
        engine: What it runs on.
        settings: Where it listens.
        services: What it serves beside the enforcement of masks.
        metrics: What it counts.
        tokens: Who may call; None for everybody.
        views: Compares cameras with their approved views once it is started; None without a register.
        registry: Where sites and cameras are; None if nothing is kept.
    """

    engine: Engine
    settings: Settings
    services: tuple[Service, ...]
    metrics: Metrics
    tokens: Tokens | None
    views: Views | None = None
    registry: Registry | None = None


def assemble(
    options: Options,
    database: Database | None,
    *,
    reporting: Reporting | None = None,
    services: Sequence[Service] = (),
    observers: Sequence[Observer] = (),
) -> Assembly:
    """Make the parts of a server: everything that can be wrong with the options is wrong here.

    Args:
        options: What is asked for.
        database: Where cameras and tokens are kept, with the newest tables; None to keep nothing.
        reporting: Hears what streams show, and changes of the register; None for no reports.
        services: What is served beside streams, the register and inference.
        observers: Who else hears what happens.

    Raises:
        InputError: A file cannot be read or is not what it should be, or tokens are asked for without a database.
        ModelNotFoundError: There is no such model.
        PolicyError: There is no such policy, or a pack asks for more than the model meets.
    """
    if options.tokens and database is None:
        raise InputError("--tokens needs a database")
    metrics, live = Metrics(), Live()
    tokens = Tokens(database) if options.tokens and database is not None else None
    rules = catalogue.load_policy(options.policy, options.model)
    packs = {name: catalogue.calibrated(pack, options.model) for name, pack in shipped().items()}

    def policy_of(name: str) -> Policy:
        return engine.policy_of(name)

    def hear(event: Event, policy: str = "") -> None:
        if reporting is not None:
            reporting.hear(event, policy)

    registry = None if database is None else Registry(database, policy_of, hear)
    views = None if registry is None else Views(registry, hear)
    engine = Engine(
        model=catalogue.load(options.model, threads=options.threads),
        digest=catalogue.card(options.model).sha256,
        policy=rules,
        packs=packs,
        device=options.device,
        subjects=options.detectors(rules.subjects.hidden, rules),
        limits=options.limits,
        max_streams=options.max_streams,
        workers=max(1, cores() // options.threads // options.processes),
        shared_memory_bytes=options.shared_memory_bytes,
        version=metadata.version("privacy-zones"),
        observers=(
            metrics,
            live,
            *_traces(options),
            *(() if reporting is None else (reporting,)),
            *(() if views is None else (views,)),
            *observers,
        ),
        cameras=None if registry is None else KnownCameras(registry),
        entered=None if reporting is None else reporting.entered,
        changed=(lambda _: False) if views is None else views.hides,
    )
    metrics.runs(engine.version, engine.model.name, f"{rules.name} {rules.version}")
    cameras = [] if registry is None else [_camera_service(registry, live, views)]
    settings = _settings(options, tokens, metrics)
    return Assembly(engine, settings, (*cameras, *services), metrics, tokens, views, registry)


def serve(
    options: Options,
    database: Database | None,
    ready: Callable[[str, str], None],
    *,
    reporting: Reporting | None = None,
    services: Sequence[Service] = (),
    observers: Sequence[Observer] = (),
    pages: Callable[[Assembly], Sequence[BaseRoute]] = lambda _: (),
    tell: Callable[[bool], None] = lambda _: None,
) -> None:
    """Serve in this process until SIGTERM or SIGINT, then drain.

    Args:
        options: What is asked for.
        database: Where cameras and tokens are kept; None to keep nothing.
        ready: Called with the address, and that of the HTTP side or "", once the server is healthy.
        reporting: See `assemble`; it is running.
        services: See `assemble`.
        observers: See `assemble`.
        pages: Returns what the HTTP side shows beside health and metrics.
        tell: Hears whether it is healthy, each time that changes while it runs.

    Raises:
        PrivacyError: It cannot be served; see `assemble`, `Server` and `HttpFace`.
    """
    parts = assemble(options, database, reporting=reporting, services=services, observers=observers)
    face = None
    if options.http is not None:
        tls = None if options.tls_key is None or options.tls_cert is None else (options.tls_key, options.tls_cert)
        face = HttpFace(options.http, parts.metrics.exposition, tokens=parts.tokens, tls=tls, routes=pages(parts))
    with parts.views or nullcontext():
        run(
            parts.engine,
            parts.settings,
            lambda address: ready(address, face.address if face else ""),
            services=parts.services,
            http=face,
            tell=tell,
            exit_after_s=EXIT_AFTER_S,
        )


def _traces(options: Options) -> tuple[Observer, ...]:
    if not options.otel:
        return ()
    try:
        from privacy.serve.tracing import Traces, open_provider  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise InputError("--otel needs the extra: pip install 'privacy-zones[otel]'") from error
    return (Traces(open_provider().get_tracer("privacy")),)


def _camera_service(registry: Registry, live: Live, views: Views | None) -> Service:
    servicer = CameraService(registry, live, views)
    name = camera_service_pb2.DESCRIPTOR.services_by_name["CameraService"].full_name
    return Service(name, lambda server: camera_service_pb2_grpc.add_CameraServiceServicer_to_server(servicer, server))


def _settings(options: Options, tokens: Tokens | None, metrics: Metrics) -> Settings:
    tls = None
    if options.tls_key is not None and options.tls_cert is not None:
        tls = _read(options.tls_key), _read(options.tls_cert)
        check_certificate(tls[1], datetime.now(UTC))
    limits = ClientLimits(streams=options.max_client_streams, requests_per_s=options.max_client_requests)
    return Settings(
        address=options.address,
        tls=tls,
        client_ca=None if options.tls_client_ca is None else _read(options.tls_client_ca),
        gate=Gate(tokens, limits, refused=metrics.not_let_in),
        reflection=options.reflection,
        reuse_port=options.processes > 1,
        grace_s=options.grace_s,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
