"""What is registered of a camera changes while its stream runs: more is hidden at once, less when the ledger has it."""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Engine as Database

from privacy import policy
from privacy.cameras.camera import Camera, Preset, Site
from privacy.cameras.lookup import KnownCameras
from privacy.cameras.registry import Registry, _less_is_hidden
from privacy.errors import DatabaseError
from privacy.events import ConfigChanged, Event, MaskReduced
from privacy.masking import Masker, masker_for
from privacy.models import catalogue
from privacy.plan import Polygon, upright
from privacy.reports.store import Store
from privacy.serve import terms, translate
from privacy.serve.reporting import Reporting
from privacy.serve.server import Server
from privacy.serve.terms import Register, Standing
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from tests.serve.messages import CAMERA, DARK, LEFT, config, frame, refusal
from tests.serve.test_reporting import until

LEFT_HALF, RIGHT_HALF = upright(0, 0, 0.5, 1), upright(0.5, 0, 1, 1)
CLEAR, UNCERTAIN = verdict_pb2.VERDICT_STATE_CLEAR, verdict_pb2.VERDICT_STATE_UNCERTAIN


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def registry(database: Database, told: list[Event]) -> Registry:
    registry = Registry(database, lambda name: policy.load(name or policy.DEFAULT), told.append)
    registry.create_site(Site(name="sites/hq", display_name="HQ"))
    return registry


def registered(registry: Registry, *zones: Polygon, **fields: Any) -> Camera:
    presets = (Preset(preset_id="door", static_zones=zones),)
    facts: dict[str, Any] = {"declared_purpose": "street", "presets": presets} | fields
    return registry.create_camera(Camera(name=CAMERA, display_name="x", **facts))


def drawn(registry: Registry, *zones: Polygon) -> Camera:
    return registry.update_camera(CAMERA, {"presets": (Preset(preset_id="door", static_zones=zones),)}, actor="me")


def standing_of(camera: Camera | None, **options: Any) -> Standing:
    return Standing(translate.setup(config(**options)), camera, kept=True)


def test_a_zone_that_is_added_holds_at_once(registry: Registry) -> None:
    standing = standing_of(registered(registry, LEFT_HALF))

    standing.take(drawn(registry, LEFT_HALF, RIGHT_HALF))

    assert standing.terms.static() == (LEFT_HALF, RIGHT_HALF)


def test_a_zone_that_is_removed_holds_until_the_ledger_has_it(registry: Registry) -> None:
    standing = standing_of(registered(registry, LEFT_HALF, RIGHT_HALF))

    standing.take(drawn(registry, LEFT_HALF))
    standing.settle(lambda event, _: not isinstance(event, MaskReduced))
    before = standing.terms.static()
    standing.settle(lambda event, _: isinstance(event, MaskReduced))

    assert (before, standing.terms.static()) == ((LEFT_HALF, RIGHT_HALF), (LEFT_HALF,))


def test_a_zone_that_came_and_went_while_the_stream_ran_goes_with_its_entry_only(registry: Registry) -> None:
    standing = standing_of(registered(registry, LEFT_HALF))

    standing.take(drawn(registry, LEFT_HALF, RIGHT_HALF))
    standing.settle(lambda *_: False)
    standing.take(drawn(registry, LEFT_HALF))
    standing.settle(lambda *_: False)

    assert standing.terms.static() == (LEFT_HALF, RIGHT_HALF)


def test_a_zone_that_came_back_unseen_and_went_again_needs_the_entry_of_its_second_going(registry: Registry) -> None:
    standing = standing_of(registered(registry, LEFT_HALF))
    standing.take(drawn(registry))
    drawn(registry, LEFT_HALF)
    again = drawn(registry)
    standing.take(again)
    assert again.update_time is not None
    second = again.update_time.timestamp()

    standing.settle(lambda _, since: since < second)
    before = standing.terms.static()
    standing.settle(lambda _, since: since <= second)

    assert (before, standing.terms.static()) == ((LEFT_HALF,), ())


def test_two_changes_need_two_entries(registry: Registry) -> None:
    standing = standing_of(registered(registry, LEFT_HALF))
    standing.take(drawn(registry))
    standing.take(registry.update_camera(CAMERA, {"declared_purpose": "park"}, actor="me"))

    standing.settle(lambda event, _: isinstance(event, MaskReduced))
    one = standing.terms
    standing.settle(lambda event, _: isinstance(event, ConfigChanged))

    assert (one.static(), one.purposes) == ((LEFT_HALF,), ("street", "park"))
    assert (standing.terms.static(), standing.terms.purposes) == ((), ("park",))


def test_a_camera_that_is_removed_keeps_its_zones_to_the_end_of_the_stream(registry: Registry) -> None:
    standing = standing_of(registered(registry, LEFT_HALF))
    registry.delete_camera(CAMERA, actor="me")

    standing.take(None)
    standing.settle(lambda *_: True)

    assert not standing.terms.registered
    assert standing.terms.static() == (LEFT_HALF,)


def test_a_camera_that_is_registered_anew_with_less_hides_what_it_hid_until_it_is_changed(
    registry: Registry, told: list[Event]
) -> None:
    standing = standing_of(registered(registry, LEFT_HALF))
    registry.delete_camera(CAMERA, actor="me")
    standing.take(None)
    standing.take(registered(registry, RIGHT_HALF))
    standing.settle(lambda event, since: any(one.at >= since and type(one) is type(event) for one in told))
    before = standing.terms.static()
    standing.take(drawn(registry))
    standing.settle(lambda event, since: any(one.at >= since and type(one) is type(event) for one in told))

    assert before == (LEFT_HALF, RIGHT_HALF)
    assert standing.terms.static() == ()


def test_what_the_client_hides_stays_hidden(registry: Registry) -> None:
    standing = standing_of(registered(registry), static_zones=[LEFT])

    standing.take(drawn(registry, RIGHT_HALF))
    standing.take(drawn(registry))
    standing.settle(lambda *_: True)

    assert standing.terms.static() == (LEFT_HALF,)


def test_at_a_preset_its_own_zones_hold_and_at_one_that_nobody_knows_all_of_them(registry: Registry) -> None:
    both = (Preset(preset_id="a", static_zones=(LEFT_HALF,)), Preset(preset_id="b", static_zones=(RIGHT_HALF,)))
    standing = standing_of(registered(registry, presets=both))

    shown = [standing.terms.static(preset) for preset in ("a", "b", None, "gone")]

    assert shown == [(LEFT_HALF,), (RIGHT_HALF,), (LEFT_HALF, RIGHT_HALF), (LEFT_HALF, RIGHT_HALF)]


def test_the_register_is_read_for_cameras_with_streams_and_only_what_changed(registry: Registry) -> None:
    asked: list[str] = []

    class Asked(KnownCameras):
        def find(self, name: str) -> Camera | None:
            asked.append(name)
            return super().find(name)

    registered(registry, LEFT_HALF)
    register = Register(Asked(registry))
    with register.standing(translate.setup(config())) as standing:
        register.read()
        drawn(registry, LEFT_HALF, RIGHT_HALF)
        register.read()
        register.read()
    drawn(registry)
    register.read()

    assert standing.terms.static() == (LEFT_HALF, RIGHT_HALF)
    assert asked == [CAMERA, CAMERA]


PLACES = (LEFT_HALF, RIGHT_HALF, upright(0.25, 0.25, 0.75, 0.75))
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    some.lists(
        some.one_of(some.frozensets(some.sampled_from(PLACES)), some.sampled_from(["written", "read", "gone"])),
        max_size=12,
    )
)
def test_no_zone_goes_before_the_ledger_says_so_whatever_happens_in_whatever_order(
    steps: list[frozenset[Polygon] | str],
) -> None:
    """Changes, entries that come late or never, a reader that skips versions, a camera that is removed."""
    version, camera = 0, camera_of_version(0, frozenset(PLACES))
    standing = standing_of(camera)
    said: list[tuple[float, frozenset[Polygon]]] = []  # when, and which hidden zones were taken away
    written: set[float] = set()

    def entered(event: Event, since: float) -> bool:
        return isinstance(event, MaskReduced) and any(at >= since for at in written)

    for step in steps:
        match step:
            case "written":
                written |= {at for at, _ in said}
            case "read":
                standing.take(camera)
                standing.settle(entered)
            case "gone":
                standing.take(None)
            case frozenset():
                version += 1
                before, camera = frozenset(camera.static_zones), camera_of_version(version, step)
                if not _hides(step, before):
                    # A zone that came and went between two readings was never the stream's to take away.
                    hidden = frozenset(standing.terms.static())
                    taken = frozenset(zone for zone in before - step if _hides(hidden, frozenset({zone})))
                    said.append(((BEGAN + timedelta(seconds=version)).timestamp(), taken))
        owed = frozenset(zone for at, zones in said if at not in written for zone in zones)
        held = frozenset(standing.terms.static())

        assert _hides(held, owed)


def _hides(held: frozenset[Polygon], asked: frozenset[Polygon]) -> bool:
    """Whether some zones hide all that others do."""
    return not _less_is_hidden(
        [Preset(preset_id="a", static_zones=tuple(asked))], [Preset(preset_id="a", static_zones=tuple(held))]
    )


def camera_of_version(version: int, zones: frozenset[Polygon]) -> Camera:
    moment = BEGAN + timedelta(seconds=version)
    presets = (Preset(preset_id="door", static_zones=tuple(sorted(zones, key=PLACES.index))),)
    return Camera(
        name=CAMERA, display_name="x", declared_purpose="street", presets=presets, update_time=moment, etag=str(version)
    )


def test_while_the_register_does_not_answer_what_was_read_last_holds(registry: Registry) -> None:
    class Gone(KnownCameras):
        gone = False

        def etags(self, names: Any) -> Any:
            if self.gone:
                raise DatabaseError("gone")
            return super().etags(names)

    registered(registry, LEFT_HALF)
    cameras = Gone(registry)
    register = Register(cameras)
    with register.standing(translate.setup(config())) as standing:
        cameras.gone = True
        with pytest.raises(DatabaseError):
            register.read()

        assert standing.terms.static() == (LEFT_HALF,)


class Live:
    """A stream whose frames are asked for one at a time."""

    def __init__(self, channel: grpc.Channel, **options: Any) -> None:
        self._sent: queue.Queue[pb.EnforceStreamRequest | None] = queue.Queue()
        self._sent.put(config(**options))
        stub = pb_grpc.EnforcementServiceStub(channel)
        self._answers = iter(stub.EnforceStream(iter(self._sent.get, None), timeout=60))
        assert next(self._answers).HasField("accepted")
        self._next = 0

    def see(self, level: int = DARK) -> pb.FrameResult:
        self._sent.put(frame(self._next, level))
        self._next += 1
        result: pb.FrameResult = next(self._answers).result
        return result

    def until(self, wanted: Callable[[pb.FrameResult], bool]) -> pb.FrameResult:
        def found() -> pb.FrameResult | None:
            result = self.see()
            return result if wanted(result) else None

        result: pb.FrameResult = until(found, 20)
        return result

    def opened(self) -> pb.FrameResult:
        return self.until(lambda result: result.verdict.state == CLEAR)

    def end(self) -> None:
        self._sent.put(None)


@pytest.fixture
def channel_to(
    serve: Callable[..., Server], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., grpc.Channel]]:
    monkeypatch.setattr(terms, "REREAD_S", 0.05)
    channels: list[grpc.Channel] = []

    def open_channel(**options: Any) -> grpc.Channel:
        channels.append(grpc.insecure_channel(serve(cameras=KnownCameras(registry), **options).address))
        return channels[-1]

    yield open_channel
    for channel in channels:
        channel.close()


def test_a_zone_that_is_drawn_hides_in_a_running_stream(
    channel_to: Callable[..., grpc.Channel], registry: Registry
) -> None:
    registered(registry)
    live = Live(channel_to())
    assert not live.opened().mask_plan.regions

    drawn(registry, LEFT_HALF)
    hidden = live.until(lambda result: len(result.mask_plan.regions) == 1)
    live.end()

    assert hidden.verdict.state == CLEAR
    assert list(hidden.mask_plan.regions) == [LEFT]


def test_a_zone_that_is_taken_away_goes_from_a_running_stream_when_the_ledger_has_it(
    channel_to: Callable[..., grpc.Channel], database: Database, registry: Registry
) -> None:
    rules = catalogue.load_policy()
    reporting = Reporting(Store(database, Ed25519PrivateKey.generate()), {rules.name: rules})
    registry = Registry(database, lambda _: rules, reporting.hear)
    registered(registry, LEFT_HALF)
    live = Live(channel_to(entered=reporting.entered))
    live.opened()

    drawn(registry)
    unsaid = [live.see() for _ in range(20)]
    with reporting:
        said = live.until(lambda result: not result.mask_plan.regions)
    live.end()

    assert all(result.mask_plan.regions for result in unsaid)
    assert said.verdict.state == CLEAR
    assert [act["details"] for act in reporting.store.acts("mask.reduce", 0)] == [{"change": "REGION_REMOVED"}]


def test_a_purpose_that_suspects_more_hides_until_enough_was_seen(
    channel_to: Callable[..., grpc.Channel], registry: Registry
) -> None:
    by_prior = sorted(catalogue.load_policy().prior, key=catalogue.load_policy().prior_of)
    registered(registry, declared_purpose=by_prior[0])
    live = Live(channel_to())
    live.opened()

    registry.update_camera(CAMERA, {"declared_purpose": by_prior[-1]}, actor="me")
    hidden = live.until(lambda result: result.verdict.state == UNCERTAIN)
    live.opened()
    live.end()

    assert hidden.verdict.reason == verdict_pb2.VERDICT_REASON_POLICY


def test_another_policy_ends_the_stream(channel_to: Callable[..., grpc.Channel], registry: Registry) -> None:
    registered(registry)
    live = Live(channel_to())
    live.opened()

    registry.update_camera(CAMERA, {"policy": "order799", "declared_purpose": "default"}, actor="me")

    assert refusal(lambda: live.until(lambda _: False))[:2] == ("UNAVAILABLE", "SETTINGS_CHANGED")


def test_another_policy_that_comes_while_the_stream_is_opened_ends_it_as_well(
    channel_to: Callable[..., grpc.Channel], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what the register said at first and the first frame it may be read again."""
    registered(registry)
    channel = channel_to()

    def slowly(device: str) -> Masker:
        registry.update_camera(CAMERA, {"policy": "order799", "declared_purpose": "default"}, actor="me")
        time.sleep(0.5)
        return masker_for(device)

    monkeypatch.setattr("privacy.serve.servicer.masker_for", slowly)

    assert refusal(lambda: Live(channel).see())[:2] == ("UNAVAILABLE", "SETTINGS_CHANGED")


def test_a_client_that_is_told_verdicts_only_cannot_hide_what_is_registered_and_is_shown_nothing(
    channel_to: Callable[..., grpc.Channel], registry: Registry
) -> None:
    registered(registry)
    live = Live(channel_to(), response_mode=pb.RESPONSE_MODE_VERDICT)
    live.opened()

    drawn(registry, LEFT_HALF)
    hidden = live.until(lambda result: result.verdict.state != CLEAR)
    live.end()

    assert (hidden.verdict.state, hidden.verdict.reason) == (UNCERTAIN, verdict_pb2.VERDICT_REASON_POLICY)


def test_every_change_of_a_camera_that_a_stream_keeps_is_seen_in_its_terms(registry: Registry) -> None:
    """Whoever adds a field that hides something has to say here what becomes of it in a running stream."""
    camera = registered(registry, LEFT_HALF)
    changes: dict[str, Any] = {"declared_purpose": "park", "policy": "order799", "presets": ()}

    seen = set()
    for name, value in changes.items():
        standing = standing_of(camera)
        before = replace(standing.terms, camera=None)
        standing.take(replace(camera, **{name: value}, etag="other"))
        standing.settle(lambda *_: True)
        if replace(standing.terms, camera=None) != before:
            seen.add(name)

    assert seen == set(changes)
