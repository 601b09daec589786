"""What the service sees of misuse by itself: streams, the register and views, down to the report."""

import json
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import cv2
import grpc
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from privacy import policy
from privacy.cameras.lookup import KnownCameras
from privacy.cameras.registry import Registry
from privacy.database import open_database
from privacy.migrations import migrate
from privacy.models import catalogue
from privacy.policy import Subject
from privacy.reports.evidence import new_key, open_bytes
from privacy.reports.ledger import Act
from privacy.reports.report import Report
from privacy.reports.store import Store
from privacy.serve.camera_servicer import CameraService
from privacy.serve.live import Live
from privacy.serve.reporting import Reporting
from privacy.serve.server import Server, Service, Settings
from privacy.serve.terms import REREAD_S
from privacy.serve.views import Rhythm, Views
from privacy.v1 import camera_service_pb2 as camera_pb
from privacy.v1 import camera_service_pb2_grpc as camera_grpc
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, verdict_pb2
from tests.cameras.test_view import SIZE, WALL, seen
from tests.serve.conftest import engine
from tests.serve.messages import CAMERA, DARK, LEFT, LIGHT, config, frame, refusal
from tests.toys import Finds, detection

AUTHORITY = new_key()
HERE = seen(WALL) // 3  # dark enough for the toy model to find nothing prohibited
TURNED = seen(WALL, right=0.25) // 3

Picture = NDArray[np.uint8]


class World:
    """A server with a register, reports and a camera."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.database = open_database(f"sqlite:///{folder / 'world.db'}")
        migrate(self.database)
        packs = {name: policy.load(name) for name in policy.names()}
        packs |= {pack.name: pack for pack in options.pop("packs", ())}
        store = Store(self.database, Ed25519PrivateKey.generate())
        public = AUTHORITY.public_key().public_bytes_raw()
        self.reporting = Reporting(store, packs, model="bright.test", authority=[public])
        registry = Registry(self.database, lambda name: packs[name or policy.DEFAULT], self.reporting.hear)
        self.views = Views(registry, self.reporting.hear, rhythm=Rhythm(share=1e9))
        servicer = CameraService(registry, Live(), self.views)
        service = Service(
            "privacy.v1.CameraService",
            lambda server: camera_grpc.add_CameraServiceServicer_to_server(servicer, server),
        )
        made = engine(
            observers=(self.reporting, self.views),
            cameras=KnownCameras(registry),
            changed=self.views.hides,
            packs=packs,
            **options,
        )
        self._server = Server(made, Settings(address="127.0.0.1:0"), [service, self.reporting.service])

    def __enter__(self) -> Self:
        self.reporting.start()
        self.views.start()
        self._server.start()
        self._channel = grpc.insecure_channel(self._server.address)
        self.enforcement = pb_grpc.EnforcementServiceStub(self._channel)
        self.cameras = camera_grpc.CameraServiceStub(self._channel)
        self.cameras.CreateSite(
            camera_pb.CreateSiteRequest(site_id="hq", site=camera_pb.Site(display_name="HQ"), reason="new building")
        )
        return self

    def __exit__(self, *failure: object) -> None:
        self._channel.close()
        self._server.stop(0)
        self.views.stop()
        self.reporting.stop()
        self.database.dispose()

    def register(self, **fields: Any) -> camera_pb.Camera:
        preset = camera_pb.ViewPreset(preset_id="door", static_zones=[LEFT])
        camera = camera_pb.Camera(
            **({"display_name": "Lobby", "declared_purpose": "lobby", "presets": [preset]} | fields)
        )
        request = camera_pb.CreateCameraRequest(
            parent="sites/hq", camera_id="lobby", camera=camera, reason="installed by contract 7"
        )
        made: camera_pb.Camera = self.cameras.CreateCamera(request).camera
        return made

    def reports(self) -> dict[str, Report]:
        """Return what was reported, by rule."""
        return {report.rule: report for report in self.reporting.store.page()[0]}

    def ledger(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.reporting.store.ledger_lines()]

    def until(self, find: Callable[[], Any]) -> Any:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if found := find():
                return found
            time.sleep(0.02)
        raise AssertionError("it never came")


class Stream:
    """A camera that sends one frame a second, each after the answer to the one before."""

    def __init__(self, world: World, **options: Any) -> None:
        self._world, self._sequence = world, 0
        self._sent: queue.Queue[pb.EnforceStreamRequest | None] = queue.Queue()
        self._sent.put(config(**options))
        self._answers = iter(world.enforcement.EnforceStream(iter(self._sent.get, None), timeout=250))
        assert next(self._answers).WhichOneof("message") == "accepted"

    def show(
        self, picture: Picture | int, frames: int, ptz: frame_pb2.PtzPosition | None = None
    ) -> Sequence[pb.FrameResult]:
        results = []
        for _ in range(frames):
            if isinstance(picture, int):
                message = frame(self._sequence, picture)
            else:
                noisy = picture + np.random.default_rng(self._sequence).integers(0, 3, SIZE, np.uint8)
                message = frame(self._sequence, data=noisy.tobytes(), size=SIZE)
            if ptz is not None:
                message.frame.ptz.CopyFrom(ptz)
            self._sequence += 1
            self._sent.put(message)
            results.append(next(self._answers).result)
            while any(stream.checking for stream in self._world.views._streams.values()):
                time.sleep(0.001)
        return results

    def end(self) -> None:
        self._sent.put(None)
        assert not list(self._answers)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def approve(world: World) -> camera_pb.ViewPreset:
    request = camera_pb.ApproveViewRequest(name=CAMERA, preset_id="door", reason="seen on site")
    (preset,) = world.cameras.ApproveView(request).camera.presets
    return preset


def test_a_camera_that_is_turned_is_hidden_and_reported_with_what_it_shows_now(world: World) -> None:
    stream = Stream(world)
    stream.show(HERE, 2)
    world.register()  # while it runs
    time.sleep(2 * REREAD_S)
    stream.show(HERE, 12)
    approved = approve(world)
    before = stream.show(HERE, 12)[-1]
    after = stream.show(TURNED, 32)[-1]
    report = world.until(lambda: world.reports().get("VIEW_CHANGED"))
    (picture,) = report.pictures
    (sealed,), _ = world.reporting.store.sealed(report.id, _request(report))
    masked = cv2.imdecode(
        np.frombuffer(world.reporting.store.picture(report.id, picture.sha256), np.uint8), cv2.IMREAD_GRAYSCALE
    )
    original = cv2.imdecode(np.frombuffer(open_bytes(sealed.box, AUTHORITY), np.uint8), cv2.IMREAD_GRAYSCALE)

    assert (approved.watched, approved.state) == (True, camera_pb.VIEW_STATE_APPROVED)
    assert before.verdict.state == verdict_pb2.VERDICT_STATE_CLEAR
    assert (after.verdict.state, after.verdict.reason) == (
        verdict_pb2.VERDICT_STATE_UNCERTAIN,
        verdict_pb2.VERDICT_REASON_VIEW_CHANGED,
    )
    assert masked is not None
    assert masked.max() < 40
    assert original is not None
    assert np.abs(original.astype(int) - TURNED).mean() < 8
    (preset,) = world.cameras.GetCamera(camera_pb.GetCameraRequest(name=CAMERA)).camera.presets
    assert preset.state == camera_pb.VIEW_STATE_CHANGED

    approve(world)
    assert stream.show(TURNED, 4)[-1].verdict.state == verdict_pb2.VERDICT_STATE_CLEAR
    stream.end()
    world.until(lambda: world.reports()["VIEW_CHANGED"].end)


def _request(report: Report) -> Act:
    return Act(actor="users/wang", at=time.time(), action="evidence.request", subject=report.name, purpose="test")


def test_what_cannot_be_approved_is_said(world: World) -> None:
    world.register()
    stream = Stream(world)
    stream.show(LIGHT, 12)

    assert refusal(lambda: approve(world))[:2] == ("FAILED_PRECONDITION", "VIEW_UNSETTLED")
    stream.end()


def test_a_camera_that_is_moved_onto_a_washroom_and_stays_is_reported(world: World) -> None:
    world.register()
    stream = Stream(world)
    stream.show(DARK, 5, frame_pb2.PtzPosition(pan_deg=0))
    stream.show(DARK, 2, frame_pb2.PtzPosition(pan_deg=20, zoom=4, actor="users/li"))
    stream.show(LIGHT, 15, frame_pb2.PtzPosition(pan_deg=20.2, zoom=4, actor="users/li"))
    report = world.until(lambda: world.reports().get("PTZ_DWELL"))
    stream.end()

    assert "users/li" in report.summary_en


@pytest.mark.parametrize("pan", [0.0, 0.5], ids=["stands still", "trembles"])
def test_a_camera_that_does_not_move_is_not_said_to(world: World, pan: float) -> None:
    world.register()
    stream = Stream(world)
    stream.show(DARK, 5, frame_pb2.PtzPosition(pan_deg=0))
    stream.show(LIGHT, 15, frame_pb2.PtzPosition(pan_deg=pan))
    stream.end()
    world.until(lambda: "PROHIBITED_VIEW" in world.reports())

    assert "PTZ_DWELL" not in world.reports()


@pytest.mark.parametrize(
    "ptz",
    [
        frame_pb2.PtzPosition(pan_deg=float("nan")),
        frame_pb2.PtzPosition(tilt_deg=1e9),
        frame_pb2.PtzPosition(zoom=-1),
        frame_pb2.PtzPosition(zoom=float("inf")),
        frame_pb2.PtzPosition(actor="x" * 257),
    ],
)
def test_a_position_out_of_bounds_is_refused(world: World, ptz: frame_pb2.PtzPosition) -> None:
    stream = Stream(world)

    assert refusal(lambda: stream.show(DARK, 1, ptz))[:2] == ("INVALID_ARGUMENT", "INVALID_MESSAGE")


@pytest.mark.parametrize(("width", "found"), [(0.9, True), (0.3, False)])
def test_screens_that_fill_the_picture_are_reported(tmp_path: Path, width: float, found: bool) -> None:
    rules = catalogue.load_policy()
    hidden = replace(rules.subjects, hidden=frozenset({Subject.SCREENS}))
    rules = replace(rules, name="screens.test", subjects=hidden)
    finder = Finds(detection((0.05, 0.05, 0.05 + width, 0.85), "tv"))
    with World(tmp_path, subjects={Subject.SCREENS: finder}, packs=[rules]) as world:
        world.register(policy="screens.test")
        stream = Stream(world)
        stream.show(DARK, 30)
        stream.end()
        time.sleep(0.3)

        assert ("SCREENS_DWELT" in world.reports()) is found


def test_a_camera_that_nobody_registered_is_reported_and_one_that_was_in_time_is_not(world: World) -> None:
    stream = Stream(world)
    stream.show(DARK, 40)
    world.register()
    stream.show(DARK, 70)
    world.until(world.reporting._queue.empty)
    assert "CAMERA_UNREGISTERED" not in world.reports()

    world.cameras.DeleteCamera(camera_pb.DeleteCameraRequest(name=CAMERA, reason="taken down"))
    stream.show(DARK, 70)
    stream.end()
    world.until(lambda: "CAMERA_UNREGISTERED" in world.reports())


def test_a_zone_that_is_taken_away_is_reported_until_it_is_back(world: World) -> None:
    made = world.register()
    update = camera_pb.UpdateCameraRequest(camera=camera_pb.Camera(name=CAMERA, presets=[]), reason="repainting")
    update.update_mask.paths.append("presets")
    world.cameras.UpdateCamera(update)
    world.until(lambda: "MASK_REDUCED" in world.reports())
    update.camera.presets.extend(made.presets)
    world.cameras.UpdateCamera(update)

    world.until(lambda: world.reports()["MASK_REDUCED"].end)


def test_every_change_of_the_register_is_in_the_ledger_with_the_five_fields_of_article_18_3(world: World) -> None:
    world.register()
    update = camera_pb.UpdateCameraRequest(camera=camera_pb.Camera(name=CAMERA, declared_purpose="shop"))
    world.cameras.UpdateCamera(update)
    site = camera_pb.UpdateSiteRequest(site=camera_pb.Site(name="sites/hq", operator="Pearl"), reason="sold")
    world.cameras.UpdateSite(site)
    world.cameras.ApproveView(camera_pb.ApproveViewRequest(name=CAMERA, preset_id="door", reason="seen on site"))
    world.cameras.DeleteCamera(camera_pb.DeleteCameraRequest(name=CAMERA, reason="taken down", approval_document="12"))
    world.cameras.DeleteSite(camera_pb.DeleteSiteRequest(name="sites/hq"))
    entries = world.until(lambda: (found := world.ledger()) and len(found) == 8 and found)

    assert [entry["action"] for entry in entries] == [
        "register.add",
        "register.add",
        "config.change",
        "config.change",
        "view.approve",
        "register.remove",
        "mask.reduce",
        "register.remove",
    ]
    assert [entry["purpose"] for entry in entries] == [
        "new building",
        "installed by contract 7",
        "not said",
        "sold",
        "seen on site",
        "taken down",
        "12",
        "not said",
    ]
    for entry in entries:
        assert all(entry[field] for field in ("actor", "time", "purpose", "subject", "destination")), entry
    assert world.reporting.store.verify_ledger().intact
