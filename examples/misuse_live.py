"""The same misuse as the service itself sees it: rendered clips are sent to it, and its register is changed.

    python examples/misuse_live.py

A real server with register, reports and approved views; every event is its own. Streams are rendered clips
(datasets/rendered/sample), one frame a second by the camera's clock: a camera in a corridor that is turned to an open
door, one that is swept across a lobby and stops in a bathhouse. What a frame shows is said by the clips' labels instead
of a model, so that this measures the chain and not the model. Only the clock that silence is measured by is set.
"""

import argparse
import csv
import math
import queue
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray

from privacy import policy
from privacy.cameras.lookup import KnownCameras
from privacy.cameras.registry import Registry
from privacy.database import open_database
from privacy.evidence import Evidence
from privacy.frame import thumbnail
from privacy.migrations import migrate
from privacy.reports.rules import RULES
from privacy.reports.store import Store
from privacy.serve.camera_servicer import CameraService
from privacy.serve.live import Live
from privacy.serve.observer import Answer, StreamFacts
from privacy.serve.reporting import Reporting
from privacy.serve.server import Server, Service, Settings
from privacy.serve.servicer import Engine
from privacy.serve.views import Rhythm, Views
from privacy.sources.video import VideoSource
from privacy.v1 import camera_service_pb2 as camera_pb
from privacy.v1 import camera_service_pb2_grpc as camera_grpc
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, mask_pb2, report_service_pb2, report_service_pb2_grpc
from privacy.zones import Zone

SAMPLE = Path(__file__).resolve().parents[1] / "datasets" / "rendered" / "sample"
NOON = 1_773_288_000.0  # 2026-03-12 12:00 in Guangdong
THROUGH_A_DOOR = 0.3  # so much of a picture shows what is behind an open door: the labels call it prohibited then
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame of a clip and what its labels say."""

    picture: Picture
    zone: Zone
    pan: float


class Labels:
    """A classifier that is told what it sees."""

    name = "labels"
    input_size = (8, 8)

    def __init__(self) -> None:
        self.zone = Zone.PERMITTED

    def look(self, images: Sequence[Picture], offsets: Sequence[float]) -> list[Evidence]:
        """Say what was told."""
        zones = np.full(len(Zone), 0.001, np.float32)
        zones[self.zone] = 1 - 0.001 * (len(Zone) - 1)
        return [Evidence(offset, zones, self.name) for _, offset in zip(images, offsets, strict=True)]


def clip(name: str) -> list[Shot]:
    """Read a clip and its labels."""
    with (SAMPLE / "clips.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"] == f"clips/{name}.mp4"]
    with VideoSource(SAMPLE / "clips" / f"{name}.mp4") as source:
        pictures = [thumbnail(frame, frame.size) for frame in source]
    return [
        Shot(
            picture,
            Zone.WASHROOM if float(row["region_share"]) > THROUGH_A_DOOR and row["zone"] == "permitted" else
            Zone.of(row["zone"]),
            float(row["pan"]),
        )
        for picture, row in zip(pictures, rows, strict=True)
    ]  # fmt: skip


class CountingViews(Views):
    """Counts the frames that it has heard of: observers hear of a frame once its client has the answer.

    Attributes:
        heard: How many there were.
    """

    heard = 0

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """See `Observer.answered`."""
        super().answered(stream, answer)
        self.heard += 1


class World:
    """The service, with everything that hears and reports."""

    def __init__(self, folder: Path) -> None:
        self.database = open_database(f"sqlite:///{folder / 'live.db'}")
        migrate(self.database)
        self.now, self.labels, rules = [NOON], Labels(), policy.load()
        store = Store(self.database, Ed25519PrivateKey.generate(), lambda: self.now[0])
        self.reporting = Reporting(store, {rules.name: rules}, model=self.labels.name)
        clock = lambda: datetime.fromtimestamp(self.now[0], UTC)  # noqa: E731 - one line says it
        registry = Registry(self.database, lambda _: rules, self.reporting.hear, clock)
        unlimited = Rhythm(share=math.inf)  # a second of a camera's clock takes milliseconds here, a check does too
        self.views = CountingViews(registry, self.reporting.hear, rhythm=unlimited, clock=lambda: self.now[0])
        servicer = CameraService(registry, Live(), self.views)
        register = Service(
            "privacy.v1.CameraService",
            lambda server: camera_grpc.add_CameraServiceServicer_to_server(servicer, server),
        )
        engine = Engine(
            model=self.labels,
            digest="",
            policy=rules,
            observers=(self.reporting, self.views),
            cameras=KnownCameras(registry),
            entered=self.reporting.entered,
            changed=self.views.hides,
        )
        self._server = Server(engine, Settings(address="127.0.0.1:0"), [register, self.reporting.service])

    @contextmanager
    def running(self) -> Iterator["World"]:
        """Serve until the block ends."""
        with self.reporting, self.views:
            self._server.start()
            with grpc.insecure_channel(self._server.address) as channel:
                self.streams = pb_grpc.EnforcementServiceStub(channel)
                self.register = camera_grpc.CameraServiceStub(channel)
                self.reports = report_service_pb2_grpc.ReportServiceStub(channel)
                site = camera_pb.Site(display_name="Live")
                self.register.CreateSite(camera_pb.CreateSiteRequest(site_id="live", site=site, reason="example"))
                yield self
            self._server.stop(0)
        self.database.dispose()


class Camera:
    """One camera: what it sends, and what is registered of it."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.id = world, str(number)
        self.name = f"sites/live/cameras/{number}"
        self._sequence, self._noise = 0, np.random.default_rng(number)
        self._sent: queue.Queue[pb.EnforceStreamRequest | None] | None = None

    def registered(self, purpose: str = "corridor", zones: int = 1) -> "Camera":
        """Put it into the register, with one view."""
        corner = [mask_pb2.Point(x=x, y=y) for x, y in ((0.0, 0.0), (0.1, 0.0), (0.0, 0.1))]
        preset = camera_pb.ViewPreset(preset_id="view", static_zones=[mask_pb2.Polygon(points=corner)] * zones)
        camera = camera_pb.Camera(display_name=self.name, declared_purpose=purpose, presets=[preset])
        self.world.register.CreateCamera(
            camera_pb.CreateCameraRequest(parent="sites/live", camera_id=self.id, camera=camera, reason="example")
        )
        return self

    def approved(self) -> None:
        """Approve what it shows now."""
        asked = camera_pb.ApproveViewRequest(name=self.name, preset_id="view", reason="seen on site")
        (preset,) = self.world.register.ApproveView(asked).camera.presets
        assert preset.watched, self.name  # noqa: S101 - the clips hold enough

    def zones(self, count: int, document: str = "") -> None:
        """Draw so many of its zones again."""
        camera = self.world.register.GetCamera(camera_pb.GetCameraRequest(name=self.name)).camera
        del camera.presets[0].static_zones[count:]
        asked = camera_pb.UpdateCameraRequest(camera=camera, reason="example", approval_document=document)
        asked.update_mask.paths.append("presets")
        self.world.register.UpdateCamera(asked)

    def show(self, shots: Sequence[Shot], *, ptz: bool = False, noise: bool = True, skip: int = 0) -> None:
        """Send frames, one a second, each after the answer to the one before; `skip` numbers are left out first."""
        if self._sent is None:
            self._begin()
        assert self._sent is not None  # noqa: S101 - just begun
        self._sequence += skip
        for shot in shots:
            self.world.labels.zone = shot.zone
            picture = shot.picture
            if noise:  # of the sensor: the clips are played more than once
                picture = np.clip(picture + self._noise.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
            height, width = picture.shape[:2]
            frame = frame_pb2.Frame(
                sequence_number=self._sequence,
                capture_offset=Duration(seconds=self._sequence),
                data=picture.tobytes(),
                width_px=width,
                height_px=height,
            )
            if ptz:
                frame.ptz.CopyFrom(frame_pb2.PtzPosition(pan_deg=shot.pan, actor="users/li"))
            self._sequence += 1
            heard = self.world.views.heard
            self._sent.put(pb.EnforceStreamRequest(frame=frame))
            next(self._answers)
            while self.world.views.heard == heard or self.world.views.busy:
                time.sleep(0.001)

    def end(self) -> None:
        """End the stream."""
        if self._sent is not None:
            self._sent.put(None)
            list(self._answers)
            self._sent = None

    def _begin(self) -> None:
        form = frame_pb2.FrameFormat(pixel_format=frame_pb2.PIXEL_FORMAT_RGB)
        self._sent, self._sequence = queue.Queue(), 0
        self._sent.put(pb.EnforceStreamRequest(config=pb.StreamConfig(camera=self.name, format=form)))
        self._answers: Any = iter(self.world.streams.EnforceStream(iter(self._sent.get, None), timeout=600))
        next(self._answers)


CORRIDOR, DOOR = clip("corridor-reaimed"), clip("corridor-door")
LOBBY, OFFICE = clip("lobby-sweep"), clip("office-sweep")
DORMITORY, BATHHOUSE = clip("dormitory-sweep"), clip("bathhouse-sweep")
AIMED, TURNED = CORRIDOR[:40], CORRIDOR[56:]
STILL = OFFICE[:1] * 70
"""The office's camera sweeps; a fixed one shows its first frame."""


def turned(camera: Camera, then: Sequence[Shot]) -> None:
    """A camera in a corridor whose view is approved, and what it shows then."""
    camera.registered().show(AIMED)
    camera.approved()
    camera.show(AIMED[:12])
    camera.show(then)


def swept(camera: Camera, then: Sequence[Shot]) -> None:
    """A dome that looks across a lobby, and what it is turned to then."""
    camera.registered("lobby").show(LOBBY[:8], ptz=True)
    camera.show(then, ptz=True)


def silent(camera: Camera, seconds: float) -> None:
    """A dormitory, silence, and a view that is permitted."""
    camera.registered("lobby")
    camera.show(OFFICE[:5] + DORMITORY[:4])
    camera.end()
    camera.world.now[0] += seconds + 10
    camera.show(OFFICE[:12])


def late(camera: Camera, after: int) -> None:
    """A camera that streams for so many seconds before it is registered."""
    camera.show(STILL[:after])
    camera.registered()
    camera.show(STILL)


def left_out(camera: Camera, each: int) -> None:
    """Frames that are left out three times."""
    camera.registered().show(STILL[:5])
    for _ in range(3):
        camera.show(STILL[:3], skip=each)


def played_again(camera: Camera, seconds: int) -> None:
    """The same frames once more."""
    camera.registered().show(AIMED[:20], noise=False)
    camera.show(AIMED[:seconds], noise=False)
    camera.show(AIMED[20:30], noise=False)


def redrawn(camera: Camera, document: str) -> None:
    """A zone that is drawn no more."""
    camera.registered(zones=2).show(STILL[:5])
    camera.zones(0, document)
    camera.show(STILL[:5])


def read(camera: Camera, purpose: str, hour: float = 12.0) -> None:
    """Evidence that somebody asks for."""
    found = camera.world.reports.ListReports(report_service_pb2.ListReportsRequest(page_size=1)).reports
    camera.world.now[0] += (hour - 12.0) * 3600
    record = report_service_pb2.RetrievalRecord(retrieved_by=camera.id, purpose=purpose)
    asked = report_service_pb2.RequestEvidenceRequest(name=found[0].name, retrieval_record=record)
    try:
        camera.world.reports.RequestEvidence(asked)
    except grpc.RpcError:
        return  # refused, which is as it should be: no officers, no document
    finally:
        camera.world.now[0] -= (hour - 12.0) * 3600


SIGHT = frozenset({"PROHIBITED_VIEW", "PURPOSE_CONTRADICTED"})
Story = Callable[[Camera], None]
SCENARIOS: tuple[tuple[str, Story, frozenset[str]], ...] = (
    (
        "turned to an open door",
        lambda camera: turned(camera, TURNED),
        SIGHT | {"VIEW_CHANGED", "VIEW_CHANGED_TO_PRIVATE"},
    ),
    ("turned to an office", lambda camera: turned(camera, STILL), frozenset({"VIEW_CHANGED"})),
    ("a door opens before it", lambda camera: turned(camera, AIMED * 2), frozenset()),
    ("turned for five seconds", lambda camera: turned(camera, STILL[:5] + AIMED), frozenset()),
    ("swept to a bathhouse, where it stays", lambda camera: swept(camera, BATHHOUSE[:45]), SIGHT | {"PTZ_DWELL"}),
    ("swept past it", lambda camera: swept(camera, BATHHOUSE[:3] + LOBBY[8:30]), frozenset()),
    ("nobody registered it", lambda camera: camera.show(STILL), frozenset({"CAMERA_UNREGISTERED"})),
    ("registered within half a minute", lambda camera: late(camera, 30), frozenset()),
    ("a zone is drawn no more", lambda camera: redrawn(camera, ""), frozenset({"MASK_REDUCED"})),
    ("the same with a document", lambda camera: redrawn(camera, "粤公批〔2026〕12号"), frozenset()),
    ("silent for a minute, then clear", lambda camera: silent(camera, 60), frozenset({"SILENT_WHILE_PROHIBITED"})),
    ("silent for three days", lambda camera: silent(camera, 3 * 86400), frozenset()),
    ("frames left out", lambda camera: left_out(camera, 20), frozenset({"FRAMES_WITHHELD"})),
    ("a lossy line", lambda camera: left_out(camera, 3), frozenset()),
    ("frames played again", lambda camera: played_again(camera, 15), frozenset({"FRAMES_REPLAYED"})),
    ("a stutter", lambda camera: played_again(camera, 3), frozenset()),
    ("evidence asked for without a purpose", lambda camera: read(camera, ""), frozenset({"EVIDENCE_PURPOSELESS"})),
    ("evidence asked for with one", lambda camera: read(camera, "case 2026-0312"), frozenset()),
)


@dataclass(frozen=True, slots=True)
class Score:
    """How well the rules did, over pairs of scenario and rule."""

    right: int
    wrong: int
    missed: int
    reports: int
    duplicates: int
    rules: int
    lines: tuple[str, ...]


def run(folder: Path) -> Score:
    """Play every scenario, and compare what was reported with what should have been."""
    right = wrong = missed = duplicates = reports = 0
    lines: list[str] = []
    seen: set[str] = set()
    with World(folder).running() as world:
        for number, (name, story, wanted) in enumerate(SCENARIOS):
            camera, before = Camera(world, number), {report.id for report in world.reporting.store.page(limit=1000)[0]}
            story(camera)
            camera.end()
            while world.reporting.busy:
                time.sleep(0.01)
            new = [report for report in world.reporting.store.page(limit=1000)[0] if report.id not in before]
            fired = {report.rule for report in new}
            right, wrong, missed = (
                right + len(fired & wanted),
                wrong + len(fired - wanted),
                missed + len(wanted - fired),
            )
            reports, duplicates, seen = reports + len(new), duplicates + len(new) - len(fired), seen | fired
            as_it_should = "as it should" if fired == wanted else f"SHOULD BE {', '.join(sorted(wanted)) or 'silent'}"
            lines.append(f"{name:40} {', '.join(sorted(fired)) or 'silent':80} {as_it_should}")
            world.now[0] += 7200
    return Score(right, wrong, missed, reports, duplicates, len(seen), tuple(lines))


def main() -> None:
    """Play them, and print what came of it."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        score = run(Path(folder))
    print("\n".join(score.lines))
    print(
        f"\n{score.rules} of {len(RULES)} rules fired in {len(SCENARIOS)} scenarios: {score.right} rightly, "
        f"{score.wrong} wrongly, {score.missed} missed, {score.duplicates} duplicates"
    )


if __name__ == "__main__":
    main()
