"""A real server on loopback, over the toy classifier."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import grpc
import pytest
from sqlalchemy import Engine as Database

from privacy.database import open_database
from privacy.migrations import migrate
from privacy.models import catalogue
from privacy.serve.access import Gate
from privacy.serve.server import Server, Service, Settings
from privacy.serve.servicer import Engine
from privacy.serve.translate import Limits
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from tests.toys import Bright

MAX_STREAMS = 4


def engine(model: object | None = None, **options: object) -> Engine:
    rules = catalogue.load_policy()
    return Engine(model=model or Bright(), digest="", policy=rules, max_streams=MAX_STREAMS, **options)  # type: ignore[arg-type]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database of this test's own."""
    engine = open_database(f"sqlite:///{tmp_path / 'privacy.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers, and stop them at the end."""
    servers: list[Server] = []

    def start(
        model: object | None = None,
        *,
        reflection: bool = False,
        address: str = "127.0.0.1:0",
        gate: Gate | None = None,
        services: Sequence[Service] = (),
        **options: object,
    ) -> Server:
        settings = Settings(address=address, reflection=reflection, gate=gate)
        server = Server(engine(model, **options), settings, services)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop(0)


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve(reflection=True, limits=Limits(message_bytes=8 * 1024 * 1024, pixels=1920 * 1080))


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.Channel) -> pb_grpc.EnforcementServiceStub:
    return pb_grpc.EnforcementServiceStub(channel)
