"""The register over the wire."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import Engine as Database

from privacy import policy
from privacy.cameras.camera import Camera
from privacy.cameras.lookup import KnownCameras
from privacy.cameras.registry import Registry
from privacy.errors import DatabaseError
from privacy.reports.ledger import MAX_TEXT
from privacy.serve.access import Gate
from privacy.serve.camera_servicer import CameraService
from privacy.serve.live import Live
from privacy.serve.server import Server, Service
from privacy.tokens import Role, Tokens
from privacy.v1 import camera_service_pb2 as pb
from privacy.v1 import camera_service_pb2_grpc as pb_grpc
from privacy.v1 import enforcement_service_pb2_grpc as enforcement_grpc
from privacy.v1 import mask_pb2
from tests.serve.messages import CAMERA, LEFT, clear, config, refusal, results

Stub = pb_grpc.CameraServiceStub


@pytest.fixture
def registry(database: Database) -> Registry:
    return Registry(database, lambda name: policy.load(name or policy.DEFAULT))


@pytest.fixture
def channel(serve: Callable[..., Server], registry: Registry) -> Iterator[grpc.Channel]:
    live = Live()
    service = Service(
        "privacy.v1.CameraService",
        lambda server: pb_grpc.add_CameraServiceServicer_to_server(CameraService(registry, live), server),
    )
    server = serve(services=[service], observers=(live,), cameras=KnownCameras(registry))
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def cameras(channel: grpc.Channel) -> Stub:
    made = Stub(channel)
    made.CreateSite(pb.CreateSiteRequest(site_id="hq", site=pb.Site(display_name="HQ")), timeout=20)
    return made


def lobby(**fields: Any) -> pb.Camera:
    preset = pb.ViewPreset(preset_id="door", static_zones=[LEFT])
    return pb.Camera(**({"display_name": "Lobby", "declared_purpose": "lobby", "presets": [preset]} | fields))


def create(cameras: Stub, camera_id: str = "lobby", **fields: Any) -> pb.Camera:
    request = pb.CreateCameraRequest(parent="sites/hq", camera_id=camera_id, camera=lobby(**fields))
    return cameras.CreateCamera(request, timeout=20).camera


def update(cameras: Stub, sent: pb.Camera, *paths: str, **options: Any) -> pb.Camera:
    request = pb.UpdateCameraRequest(camera=sent, update_mask=FieldMask(paths=paths), **options)
    return cameras.UpdateCamera(request, timeout=20).camera


def test_a_camera_comes_back_as_it_was_sent(cameras: Stub) -> None:
    made = create(cameras, labels={"floor": "2"}, sign_confirmed=True)
    found = cameras.GetCamera(pb.GetCameraRequest(name=CAMERA), timeout=20).camera

    assert found == made
    assert (found.name, found.declared_purpose, found.labels["floor"]) == (CAMERA, "lobby", "2")
    assert found.presets[0].static_zones[0] == LEFT
    assert found.presets[0].state == pb.VIEW_STATE_UNAPPROVED
    assert found.create_time.seconds > 1_700_000_000


@pytest.mark.parametrize(
    ("paths", "changed"),
    [
        pytest.param(["display_name"], ("New", "lobby", True), id="one field"),
        pytest.param([], ("New", "corridor", True), id="no mask: whatever is set"),
        pytest.param(["sign_confirmed"], ("Lobby", "lobby", False), id="a field back to its default"),
        pytest.param(
            ["display_name", "create_time", "etag"], ("New", "lobby", True), id="what the server sets is ignored"
        ),
    ],
)
def test_an_update_changes_what_its_mask_names(cameras: Stub, paths: list[str], changed: tuple[object, ...]) -> None:
    create(cameras, sign_confirmed=True)
    after = update(cameras, pb.Camera(name=CAMERA, display_name="New", declared_purpose="corridor"), *paths)

    assert (after.display_name, after.declared_purpose, after.sign_confirmed) == changed


def test_a_star_changes_everything(cameras: Stub) -> None:
    create(cameras, labels={"floor": "2"})
    after = update(cameras, pb.Camera(name=CAMERA, display_name="New", declared_purpose="shop"), "*")

    assert (dict(after.labels), len(after.presets), after.declared_purpose) == ({}, 0, "shop")


@pytest.mark.parametrize("path", ["nothing", "presets.state", "labels.floor", "displayName", ""])
def test_a_mask_that_names_no_field_is_refused(cameras: Stub, path: str) -> None:
    create(cameras)

    assert refusal(lambda: update(cameras, pb.Camera(name=CAMERA), path))[:2] == ("INVALID_ARGUMENT", "INVALID_FIELD")


def test_what_is_refused_has_its_code(cameras: Stub) -> None:
    made = create(cameras)
    update(cameras, pb.Camera(name=CAMERA, display_name="first"))
    calls: dict[str, tuple[str, Callable[[], object]]] = {
        "there already": ("ALREADY_EXISTS", lambda: create(cameras)),
        "changed since": ("ABORTED", lambda: update(cameras, pb.Camera(name=CAMERA, display_name="x", etag=made.etag))),
        "not there": ("NOT_FOUND", lambda: cameras.GetSite(pb.GetSiteRequest(name="sites/none"), timeout=20)),
        "in use": (
            "FAILED_PRECONDITION",
            lambda: cameras.DeleteSite(pb.DeleteSiteRequest(name="sites/hq"), timeout=20),
        ),
        "no name": ("INVALID_ARGUMENT", lambda: cameras.GetCamera(pb.GetCameraRequest(name="x"), timeout=20)),
        "no purpose": ("INVALID_ARGUMENT", lambda: create(cameras, "c", declared_purpose="washroom")),
        "no policy": ("INVALID_ARGUMENT", lambda: create(cameras, "c", policy="../etc/passwd")),
        "no polygon": (
            "INVALID_ARGUMENT",
            lambda: create(cameras, "c", presets=[pb.ViewPreset(preset_id="a", static_zones=[mask_pb2.Polygon()])]),
        ),
    }

    assert {what: refusal(call)[0] for what, (_, call) in calls.items()} == {
        what: code for what, (code, _) in calls.items()
    }


def test_why_something_changes_is_no_longer_than_the_ledger_has_room_for(cameras: Stub, registry: Registry) -> None:
    create(cameras)
    long, site, camera = "核" * (MAX_TEXT + 1), pb.Site(name="sites/hq"), pb.Camera(name=CAMERA, display_name="New")
    calls: list[Callable[[], object]] = [
        lambda: cameras.CreateSite(pb.CreateSiteRequest(site_id="b", site=site, reason=long)),
        lambda: cameras.UpdateSite(pb.UpdateSiteRequest(site=site, reason=long)),
        lambda: cameras.DeleteSite(pb.DeleteSiteRequest(name="sites/hq", reason=long)),
        lambda: cameras.CreateCamera(
            pb.CreateCameraRequest(parent="sites/hq", camera_id="b", camera=lobby(), reason=long)
        ),
        lambda: update(cameras, camera, reason=long),
        lambda: update(cameras, camera, approval_document=long),
        lambda: cameras.ApproveView(pb.ApproveViewRequest(name=CAMERA, preset_id="door", reason=long)),
        lambda: cameras.DeleteCamera(pb.DeleteCameraRequest(name=CAMERA, reason=long)),
        lambda: cameras.DeleteCamera(pb.DeleteCameraRequest(name=CAMERA, approval_document=long)),
    ]
    before = registry.camera(CAMERA)

    assert {refusal(call)[:2] for call in calls} == {("INVALID_ARGUMENT", "INVALID_FIELD")}
    assert registry.camera(CAMERA) == before
    assert update(cameras, camera, reason=long[1:]).display_name == "New"


def test_lists_have_pages_and_filters(cameras: Stub) -> None:
    for number in range(5):
        create(cameras, f"c{number}", declared_purpose="lobby" if number % 2 else "street")
    page = cameras.ListCameras(pb.ListCamerasRequest(parent="sites/-", page_size=2), timeout=20)
    sites = cameras.ListSites(pb.ListSitesRequest(filter='display_name = "H*"'), timeout=20)
    streets = cameras.ListCameras(
        pb.ListCamerasRequest(parent="sites/hq", filter='declared_purpose = "street"'), timeout=20
    )

    assert [each.name[-1] for each in page.cameras] == ["0", "1"]
    assert page.next_page_token
    assert [each.name[-1] for each in streets.cameras] == ["0", "2", "4"]
    assert [each.name for each in sites.sites] == ["sites/hq"]


def test_sites_are_changed_and_removed(cameras: Stub) -> None:
    sent = pb.Site(name="sites/hq", address="1 Main Road", operator="Ms Li")
    changed = cameras.UpdateSite(pb.UpdateSiteRequest(site=sent), timeout=20).site
    cameras.DeleteSite(pb.DeleteSiteRequest(name="sites/hq", etag=changed.etag), timeout=20)
    cameras.DeleteSite(pb.DeleteSiteRequest(name="sites/hq", allow_missing=True), timeout=20)

    assert (changed.display_name, changed.address, changed.operator) == ("HQ", "1 Main Road", "Ms Li")
    assert refusal(lambda: cameras.GetSite(pb.GetSiteRequest(name="sites/hq"), timeout=20))[0] == "NOT_FOUND"


def test_what_is_missing_is_made_if_asked_for(cameras: Stub) -> None:
    made = update(cameras, lobby(name=CAMERA), allow_missing=True)
    cameras.DeleteCamera(pb.DeleteCameraRequest(name=CAMERA), timeout=20)

    assert made.declared_purpose == "lobby"


def test_an_approval_names_the_bearer_of_the_token(
    serve: Callable[..., Server], registry: Registry, database: Database
) -> None:
    tokens = Tokens(database)
    made, secret = tokens.create(Role.OPERATOR, "desk")
    service = Service(
        "privacy.v1.CameraService",
        lambda server: pb_grpc.add_CameraServiceServicer_to_server(CameraService(registry, Live()), server),
    )
    metadata = (("authorization", f"Bearer {secret}"),)
    with grpc.insecure_channel(serve(services=[service], gate=Gate(tokens)).address) as channel:
        stub = Stub(channel)
        site = pb.CreateSiteRequest(site_id="hq", site=pb.Site(display_name="HQ"))
        stub.CreateSite(site, timeout=20, metadata=metadata)
        stub.CreateCamera(
            pb.CreateCameraRequest(parent="sites/hq", camera_id="lobby", camera=lobby()), timeout=20, metadata=metadata
        )
        approve = pb.ApproveViewRequest(name=CAMERA, preset_id="door", reason="seen on site")
        (preset,) = stub.ApproveView(approve, timeout=20, metadata=metadata).camera.presets

    assert (preset.state, preset.approver) == (pb.VIEW_STATE_APPROVED, made.name)


def test_a_stream_hides_the_zones_that_are_registered_and_shows_its_last_verdict(
    cameras: Stub, channel: grpc.Channel
) -> None:
    create(cameras)
    enforcement = enforcement_grpc.EnforcementServiceStub(channel)
    seen = threading.Event()

    def messages() -> Iterator[Any]:
        yield config()
        yield from clear()
        assert seen.wait(20)

    answers = iter(enforcement.EnforceStream(messages(), timeout=30))
    shown = [next(answers) for _ in range(1 + len(clear()))]
    while_open = cameras.GetCamera(pb.GetCameraRequest(name=CAMERA), timeout=20).camera
    seen.set()
    assert not list(answers)
    after = cameras.GetCamera(pb.GetCameraRequest(name=CAMERA), timeout=20).camera

    assert list(shown[-1].result.mask_plan.regions) == [LEFT]
    assert while_open.HasField("last_verdict")
    assert not after.HasField("last_verdict")


class Forgetful(Registry):
    """A register whose database goes."""

    gone = False

    def camera(self, name: str) -> Camera:
        if self.gone:
            raise DatabaseError("gone")
        return super().camera(name)


def test_without_its_register_a_stream_hides_what_it_knew_or_does_not_begin(
    serve: Callable[..., Server], cameras: Stub, database: Database
) -> None:
    create(cameras)
    create(cameras, "other")
    registry = Forgetful(database, lambda name: policy.load(name or policy.DEFAULT))
    with grpc.insecure_channel(serve(cameras=KnownCameras(registry)).address) as channel:
        stub = enforcement_grpc.EnforcementServiceStub(channel)
        results(stub, [config(), *clear()])
        registry.gone = True

        assert list(results(stub, [config(), *clear()])[-1].mask_plan.regions) == [LEFT]
        unknown = config(camera="sites/hq/cameras/other")
        assert refusal(lambda: list(stub.EnforceStream(iter([unknown]), timeout=20)))[:2] == (
            "UNAVAILABLE",
            "DATABASE_UNAVAILABLE",
        )


def test_a_camera_that_was_removed_is_not_remembered(registry: Registry, cameras: Stub) -> None:
    create(cameras)
    known = KnownCameras(registry)
    assert known.find(CAMERA) is not None
    registry.delete_camera(CAMERA, actor="me")

    assert known.find(CAMERA) is None


def test_every_page_token_is_bound_to_its_question(cameras: Stub) -> None:
    create(cameras, "a")
    create(cameras, "b")
    token = cameras.ListCameras(pb.ListCamerasRequest(parent="sites/-", page_size=1), timeout=20).next_page_token
    other = pb.ListCamerasRequest(parent="sites/hq", page_token=token)

    assert refusal(lambda: cameras.ListCameras(other, timeout=20))[1] == "INVALID_FIELD"
