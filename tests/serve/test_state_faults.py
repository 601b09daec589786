"""A database that is gone, full or locked: typed errors, streams that go on hiding, and nothing that is lost."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from sqlalchemy import Engine, event

from privacy import policy
from privacy.cameras.lookup import KnownCameras
from privacy.cameras.registry import Registry
from privacy.database import open_database
from privacy.migrations import migrate
from privacy.serve.camera_servicer import CameraService
from privacy.serve.live import Live
from privacy.serve.server import Server, Service
from privacy.v1 import camera_service_pb2 as pb
from privacy.v1 import camera_service_pb2_grpc as pb_grpc
from privacy.v1 import enforcement_service_pb2 as enforcement_pb
from privacy.v1 import enforcement_service_pb2_grpc as enforcement_grpc
from tests import databases
from tests.serve.messages import DARK, LEFT, config, frame, refusal, results


@pytest.fixture
def on(serve: Callable[..., Server]) -> Iterator[Callable[[Engine], grpc.Channel]]:
    """Start a server that keeps its register in a database, and return a channel to it."""
    opened: list[tuple[grpc.Channel, Engine]] = []

    def start(engine: Engine) -> grpc.Channel:
        migrate(engine)
        registry = Registry(engine, lambda name: policy.load(name or policy.DEFAULT))
        service = Service(
            "privacy.v1.CameraService",
            lambda server: pb_grpc.add_CameraServiceServicer_to_server(CameraService(registry, Live()), server),
        )
        channel = grpc.insecure_channel(serve(services=[service], cameras=KnownCameras(registry)).address)
        opened.append((channel, engine))
        return channel

    yield start
    for channel, engine in opened:
        channel.close()
        engine.dispose()


class Cameras:
    """The register of a server."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = pb_grpc.CameraServiceStub(channel)

    def create(self, camera_id: str, label: str = "") -> pb.Camera:
        preset = pb.ViewPreset(preset_id="door", static_zones=[LEFT])
        camera = pb.Camera(display_name="x", declared_purpose="lobby", presets=[preset], labels={"note": label})
        request = pb.CreateCameraRequest(parent="sites/hq", camera_id=camera_id, camera=camera)
        return self._stub.CreateCamera(request, timeout=30).camera

    def begin(self) -> None:
        self._stub.CreateSite(pb.CreateSiteRequest(site_id="hq", site=pb.Site(display_name="HQ")), timeout=30)
        self.create("lobby")

    def names(self) -> list[str]:
        found = self._stub.ListCameras(pb.ListCamerasRequest(parent="sites/hq"), timeout=30).cameras
        return [camera.name.rpartition("/")[2] for camera in found]


@contextmanager
def going_on(channel: grpc.Channel) -> Iterator[None]:
    """Run a stream around the block; every one of its frames is answered, and none without the registered zone."""
    begun, done = threading.Event(), threading.Event()

    def messages() -> Iterator[enforcement_pb.EnforceStreamRequest]:
        yield config()
        sequence = 0
        while not done.wait(0.05):
            yield frame(sequence, DARK)
            sequence += 1
            begun.set()
        for last in range(4):
            yield frame(sequence + last, DARK)

    stub = enforcement_grpc.EnforcementServiceStub(channel)
    answers: list[enforcement_pb.FrameResult] = []
    thread = threading.Thread(target=lambda: answers.extend(results(stub, messages())))
    thread.start()
    try:
        assert begun.wait(30)  # or a quick block would be over before the stream has begun
        yield
    finally:
        done.set()
        thread.join(30)
    assert [answer.sequence_number for answer in answers] == list(range(len(answers)))
    assert len(answers) > 4
    assert all(answer.mask_plan.regions for answer in answers)
    assert list(answers[-1].mask_plan.regions) == [LEFT]


def _begin(channel: grpc.Channel) -> None:
    """Begin a stream, and see that the registered zone is hidden in it."""
    messages = [config(), *(frame(sequence, DARK) for sequence in range(4))]
    found = results(enforcement_grpc.EnforcementServiceStub(channel), messages)
    assert list(found[-1].mask_plan.regions) == [LEFT]


def test_a_database_that_goes_and_comes_back(on: Callable[[Engine], grpc.Channel]) -> None:
    with databases.running() as postgresql:
        channel = on(open_database(postgresql.new_database()))
        cameras = Cameras(channel)
        cameras.begin()
        with going_on(channel):
            _begin(channel)
            postgresql.stop()
            assert refusal(lambda: cameras.create("second"))[:2] == ("UNAVAILABLE", "DATABASE_UNAVAILABLE")
            assert refusal(cameras.names)[:2] == ("UNAVAILABLE", "DATABASE_UNAVAILABLE")
            _begin(channel)  # of a camera that this server knows
        postgresql.start()

        assert cameras.names() == ["lobby"]
        cameras.create("second")
        assert cameras.names() == ["lobby", "second"]


def test_a_disk_that_takes_nothing_more(on: Callable[[Engine], grpc.Channel], tmp_path: Path) -> None:
    pages = [2**30]
    engine = open_database(f"sqlite:///{tmp_path / 'privacy.db'}")
    event.listen(engine, "checkout", lambda connection, *_: connection.execute(f"PRAGMA max_page_count = {pages[0]}"))
    channel = on(engine)
    cameras = Cameras(channel)
    cameras.begin()
    with going_on(channel):
        pages[0] = 1  # SQLite takes it for what is in use
        full = [f"c{number}" for number in range(20)]
        code, reason, _ = refusal(lambda: [cameras.create(each, "x" * 1000) for each in full])
        assert (code, reason) == ("UNAVAILABLE", "DATABASE_FULL")
        kept = cameras.names()
        _begin(channel)
    pages[0] = 2**30

    assert "lobby" in kept
    assert cameras.names() == kept
    cameras.create("second")
    assert cameras.names() == sorted([*kept, "second"])


def test_a_database_that_somebody_holds(
    on: Callable[[Engine], grpc.Channel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.database.WAIT_S", 0.2)
    channel = on(open_database(f"sqlite:///{tmp_path / 'privacy.db'}"))
    cameras = Cameras(channel)
    cameras.begin()
    holder = sqlite3.connect(tmp_path / "privacy.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with going_on(channel):
        assert refusal(lambda: cameras.create("second"))[:2] == ("UNAVAILABLE", "DATABASE_BUSY")
        _begin(channel)
    holder.close()

    cameras.create("second")
    assert cameras.names() == ["lobby", "second"]
