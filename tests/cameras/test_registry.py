"""The register on every database: what is kept, what is refused, and what is told."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from privacy import pages, policy
from privacy.cameras.camera import Camera, Preset, Site
from privacy.cameras.registry import Registry
from privacy.errors import (
    AlreadyExistsError,
    FieldError,
    InUseError,
    PolicyError,
    ResourceNotFoundError,
    StaleError,
    ViewUnsettledError,
)
from privacy.events import ConfigChanged, Event, MaskReduced, MaskRestored, Registered, ViewChange, ViewRestored
from privacy.plan import Polygon
from tests.cameras.test_camera import TRIANGLE, camera
from tests.cameras.test_view import HERE

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SMALL = Polygon(((0.25, 0.0), (0.75, 0.0), (0.5, 0.5)))
WIDE = Polygon(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))


class Clock:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def registry(database: Engine, events: list[Event]) -> Registry:
    made = Registry(database, lambda name: policy.load(name or policy.DEFAULT), events.append, Clock())
    made.create_site(Site(name="sites/a", display_name="A"))
    return made


def test_a_camera_comes_back_as_it_was_registered(registry: Registry) -> None:
    presets = (Preset(preset_id="door", display_name="Door", static_zones=(TRIANGLE,)),)
    sent = camera(presets=presets, sign_confirmed=True, labels={"floor": "2"}, policy="guangdong")
    made = registry.create_camera(sent)

    assert registry.camera(sent.name) == made
    assert replace(made, create_time=None, update_time=None, etag="") == sent


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda registry: registry.site("sites/none"), ResourceNotFoundError),
        (lambda registry: registry.camera("sites/a/cameras/none"), ResourceNotFoundError),
        (lambda registry: registry.cameras("sites/none"), ResourceNotFoundError),
        (lambda registry: registry.create_site(Site(name="sites/a", display_name="again")), AlreadyExistsError),
        (lambda registry: registry.create_site(Site(name="sites/-", display_name="all")), FieldError),
        (lambda registry: registry.create_camera(camera(name="sites/none/cameras/b")), ResourceNotFoundError),
        (lambda registry: registry.create_camera(camera(declared_purpose="washroom")), FieldError),
        (lambda registry: registry.create_camera(camera(policy="atlantis")), PolicyError),
        (lambda registry: registry.update_site("sites/none", {}), ResourceNotFoundError),
        (lambda registry: registry.update_camera("sites/a/cameras/none", {}, actor="me"), ResourceNotFoundError),
        (lambda registry: registry.delete_site("sites/none"), ResourceNotFoundError),
        (lambda registry: registry.delete_camera("sites/a/cameras/none", actor="me"), ResourceNotFoundError),
        (
            lambda registry: registry.approve_view("sites/a/cameras/b", "x", actor="me", reason="r"),
            ResourceNotFoundError,
        ),
        (lambda registry: registry.approve_view("sites/a/cameras/b", "x", actor="me", reason=" "), FieldError),
    ],
)
def test_what_is_refused(registry: Registry, call: Callable[[Registry], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call(registry)


def test_a_camera_is_registered_once(registry: Registry) -> None:
    registry.create_camera(camera())

    with pytest.raises(AlreadyExistsError):
        registry.create_camera(camera(display_name="another"))
    assert registry.camera(camera().name).display_name == "Gate"


def test_an_update_changes_what_it_names_and_the_etag(registry: Registry) -> None:
    before = registry.create_camera(camera())
    after = registry.update_camera(before.name, {"display_name": "New"}, actor="me", etag=before.etag)

    assert (after.display_name, after.declared_purpose, after.create_time) == ("New", "lobby", before.create_time)
    assert after.etag != before.etag
    assert after.update_time is not None
    assert before.update_time is not None
    assert after.update_time > before.update_time


def test_an_old_etag_changes_nothing(registry: Registry) -> None:
    site = registry.site("sites/a")
    made = registry.create_camera(camera())
    registry.update_camera(made.name, {"display_name": "first"}, actor="me")
    registry.update_site(site.name, {"address": "first"})

    with pytest.raises(StaleError):
        registry.update_camera(made.name, {"display_name": "second"}, actor="me", etag=made.etag)
    with pytest.raises(StaleError):
        registry.delete_camera(made.name, made.etag, actor="me")
    with pytest.raises(StaleError):
        registry.update_site(site.name, {"address": "second"}, site.etag)
    with pytest.raises(StaleError):
        registry.delete_site(site.name, site.etag)
    assert (registry.camera(made.name).display_name, registry.site("sites/a").address) == ("first", "first")


def test_of_many_updates_with_one_etag_one_wins(registry: Registry) -> None:
    made = registry.create_camera(camera())
    won: list[Camera] = []

    def update(number: int) -> None:
        try:
            changed = registry.update_camera(made.name, {"display_name": str(number)}, actor="me", etag=made.etag)
        except StaleError:
            return
        won.append(changed)

    threads = [threading.Thread(target=update, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [registry.camera(made.name)] == won


def test_an_update_that_is_wrong_changes_nothing(registry: Registry) -> None:
    made = registry.create_camera(camera())

    for changes in ({"display_name": ""}, {"declared_purpose": "washroom"}, {"policy": "atlantis"}):
        with pytest.raises((FieldError, PolicyError)):
            registry.update_camera(made.name, changes, actor="me")
    assert registry.camera(made.name) == made


def test_what_is_missing_is_made_if_asked_for(registry: Registry) -> None:
    made = registry.update_camera("sites/a/cameras/b", {}, actor="me", missing=camera)
    site = registry.update_site("sites/n", {}, missing=lambda: Site(name="sites/n", display_name="N"))

    assert (made.display_name, site.display_name) == ("Gate", "N")


def test_what_is_missing_is_not_missed_if_asked_for(registry: Registry) -> None:
    registry.delete_site("sites/none", allow_missing=True)
    registry.delete_camera("sites/none/cameras/none", allow_missing=True, actor="me")


def test_a_site_with_cameras_stays(registry: Registry) -> None:
    made = registry.create_camera(camera())

    with pytest.raises(InUseError):
        registry.delete_site("sites/a")
    registry.delete_camera(made.name, actor="me")
    registry.delete_site("sites/a")
    with pytest.raises(ResourceNotFoundError):
        registry.site("sites/a")


def test_pages_show_everything_once_and_in_order(registry: Registry) -> None:
    registry.create_site(Site(name="sites/b", display_name="B"))
    names = [f"sites/{site}/cameras/c{number}" for site in "ab" for number in range(5)]
    for name in reversed(names):
        registry.create_camera(camera(name=name))
    found, token = registry.cameras(size=3)
    pages = [found]
    while token:
        found, token = registry.cameras(size=3, token=token)
        pages.append(found)

    assert [each.name for page in pages for each in page] == names
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert [each.name for each in registry.cameras("sites/b")[0]] == names[5:]
    assert [site.name for site in registry.sites(size=1)[0]] == ["sites/a"]


def test_a_filter_is_held_across_pages(registry: Registry) -> None:
    for number in range(9):
        purpose = "lobby" if number % 2 else "corridor"
        registry.create_camera(camera(name=f"sites/a/cameras/c{number}", declared_purpose=purpose))
    wanted = 'declared_purpose = "lobby"'
    first, token = registry.cameras(size=3, text=wanted)
    second, end = registry.cameras(size=3, token=token, text=wanted)

    assert [each.name[-1] for each in (*first, *second)] == ["1", "3", "5", "7"]
    assert end == ""
    with pytest.raises(FieldError):
        registry.cameras(size=3, token=token, text='declared_purpose = "corridor"')


def test_a_filter_looks_through_more_than_it_reads_at_a_time(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        registry.create_camera(camera(name=f"sites/a/cameras/c{number}", labels={"n": str(number)}))
    monkeypatch.setattr("privacy.cameras.registry._CHUNK", 2)

    assert [each.name[-1] for each in registry.cameras(text='labels.n = "4" OR labels.n = "1"')[0]] == ["1", "4"]


def test_an_approval_names_who_and_stays_when_zones_are_drawn(registry: Registry, events: list[Event]) -> None:
    made = registry.create_camera(camera(presets=(Preset(preset_id="door"),)))
    registry.approve_view(made.name, "door", actor="tokens/1", reason="seen at noon")
    drawn = registry.update_camera(
        made.name, {"presets": (Preset(preset_id="door", static_zones=(TRIANGLE,)),)}, actor="me"
    )
    (preset,) = drawn.presets

    assert (preset.approver, preset.approve_reason) == ("tokens/1", "seen at noon")
    assert preset.approve_time is not None
    assert [type(event) for event in events if not isinstance(event, Registered)] == [ViewRestored, ConfigChanged]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"display_name": "x"}, [ConfigChanged], id="another name"),
        pytest.param(
            {"labels": {"floor": "2"}, "sign_confirmed": True}, [ConfigChanged] * 2, id="labels, and the sign"
        ),
        pytest.param({"declared_purpose": "corridor"}, [ConfigChanged], id="another purpose"),
        pytest.param({"policy": "order799", "declared_purpose": "default"}, [ConfigChanged] * 2, id="another policy"),
        pytest.param({"presets": ()}, [ConfigChanged, MaskReduced], id="a preset with its zones goes"),
        pytest.param(
            {"presets": (Preset(preset_id="p", static_zones=(SMALL,)),)},
            [ConfigChanged, MaskReduced],
            id="a smaller zone",
        ),
        pytest.param({"presets": (Preset(preset_id="p", static_zones=(WIDE,)),)}, [ConfigChanged], id="a larger zone"),
        pytest.param(
            {"presets": (Preset(preset_id="p", static_zones=(TRIANGLE, SMALL)),)}, [ConfigChanged], id="one more"
        ),
    ],
)
def test_what_is_told_of_a_change(
    registry: Registry, events: list[Event], changes: dict[str, object], told: list[type[Event]]
) -> None:
    made = registry.create_camera(camera(presets=(Preset(preset_id="p", static_zones=(TRIANGLE,)),)))
    events.clear()
    registry.update_camera(made.name, changes, actor="tokens/1")

    assert [type(event) for event in events] == told
    assert {(event.subject, getattr(event, "actor", "")) for event in events} <= {(made.name, "tokens/1")}


ZONE = (Preset(preset_id="p", static_zones=(TRIANGLE,)),)
LESS = {"presets": (Preset(preset_id="p", static_zones=(SMALL,)),)}
MORE = {"presets": (Preset(preset_id="p", static_zones=(WIDE,)),)}
BESIDE = {"presets": (Preset(preset_id="p", static_zones=(SMALL, Polygon(((0.8, 0.8), (1.0, 0.8), (0.9, 1.0))))),)}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        pytest.param([(LESS, ""), (MORE, "")], ["reduced", "restored"], id="as much again"),
        pytest.param([(LESS, ""), (BESIDE, "")], ["reduced"], id="other parts are not what was hidden before"),
        pytest.param([(LESS, ""), ({"presets": ()}, ""), (LESS, "")], ["reduced", "reduced"], id="half of it again"),
        pytest.param([(LESS, "document 12")], ["reduced by document 12"], id="with a document"),
        pytest.param([(LESS, ""), ({"display_name": "x"}, "document 12")], ["reduced", "restored"], id="allowed later"),
        pytest.param([(LESS, " "), (MORE, ""), (MORE, "")], ["reduced", "restored"], id="told once"),
    ],
)
def test_less_that_is_hidden_is_owed_until_it_is_hidden_again_or_allowed(
    registry: Registry, events: list[Event], steps: list[tuple[dict[str, object], str]], told: list[str]
) -> None:
    made = registry.create_camera(camera(presets=ZONE))
    for changes, approval in steps:
        registry.update_camera(made.name, changes, actor="tokens/1", approval=approval)
    said = {MaskReduced: "reduced", MaskRestored: "restored"}
    masks = [
        said[type(event)] + (f" by {event.approval}" if isinstance(event, MaskReduced) and event.approval else "")
        for event in events
        if type(event) in said
    ]

    assert masks == told


@pytest.mark.parametrize(("zones", "told"), [((TRIANGLE,), [Registered, MaskReduced]), ((), [Registered])])
def test_a_camera_that_is_removed_hides_no_more(
    registry: Registry, events: list[Event], zones: tuple[Polygon, ...], told: list[type[Event]]
) -> None:
    made = registry.create_camera(camera(presets=(Preset(preset_id="p", static_zones=zones),)))
    events.clear()
    registry.delete_camera(made.name, actor="tokens/1", purpose="taken down")

    assert [type(event) for event in events] == told


def test_a_fingerprint_is_kept_for_as_long_as_its_view_is(registry: Registry) -> None:
    made = registry.create_camera(camera(presets=(Preset(preset_id="door"), Preset(preset_id="gate"))))
    for preset in ("door", "gate", "door"):
        registry.approve_view(made.name, preset, actor="li", reason="seen", fingerprint=HERE)
    assert sorted(registry.fingerprints(made.name)) == ["door", "gate"]

    registry.update_camera(made.name, {"presets": (Preset(preset_id="gate"),)}, actor="li")
    assert [each.watched for each in registry.camera(made.name).presets] == [True]
    assert registry.fingerprints(made.name)["gate"].to_bytes() == HERE.to_bytes()

    registry.approve_view(made.name, "gate", actor="li", reason="nobody sees it")
    assert registry.fingerprints(made.name) == {}
    registry.approve_view(made.name, "gate", actor="li", reason="seen", fingerprint=HERE)
    registry.delete_camera(made.name)
    with pytest.raises(ResourceNotFoundError):
        registry.fingerprints(made.name)


def test_a_view_that_changed_is_known_to_have_until_it_is_seen_or_approved_again(registry: Registry) -> None:
    made = registry.create_camera(camera(presets=(Preset(preset_id="door"),)))
    etag = registry.approve_view(made.name, "door", actor="li", reason="seen", fingerprint=HERE).etag
    registry.view_seen(made.name, ViewChange.TURNED, 1_773_288_000.0)
    turned = registry.camera(made.name)
    registry.view_seen(made.name, None)
    back = registry.camera(made.name)
    registry.view_seen("sites/a/cameras/none", ViewChange.MOVED)

    assert (turned.view_changed, back.view_changed) == (True, False)
    assert turned.presets[0].change_time == datetime.fromtimestamp(1_773_288_000.0, UTC)
    assert {turned.etag, back.etag} == {etag}


def test_a_preset_whose_view_has_changed_goes_only_once_one_is_approved(registry: Registry) -> None:
    """Registered again, it would be one that never changed, and the camera would be shown."""
    made = registry.create_camera(camera(presets=(Preset(preset_id="door"),)))
    registry.approve_view(made.name, "door", actor="li", reason="seen", fingerprint=HERE)
    registry.view_seen(made.name, ViewChange.TURNED, 1_773_288_000.0)
    for presets in ((), (Preset(preset_id="gate"),)):
        with pytest.raises(ViewUnsettledError):
            registry.update_camera(made.name, {"presets": presets}, actor="li")
    kept = registry.camera(made.name)
    registry.update_camera(made.name, {"presets": (Preset(preset_id="door"), Preset(preset_id="gate"))}, actor="li")
    registry.approve_view(made.name, "gate", actor="li", reason="seen", fingerprint=HERE)
    after = registry.update_camera(made.name, {"presets": (Preset(preset_id="gate"),)}, actor="li")

    assert kept.view_changed
    assert [(each.preset_id, each.watched, each.change) for each in after.presets] == [("gate", True, None)]


def turned(registry: Registry, *presets: str) -> Camera:
    """Return a camera whose views were approved, and have changed since."""
    made = registry.create_camera(camera(presets=tuple(Preset(preset_id=each) for each in presets)))
    for each in presets:
        registry.approve_view(made.name, each, actor="li", reason="seen", fingerprint=HERE)
    registry.view_seen(made.name, ViewChange.TURNED, 1_773_288_000.0)
    return registry.camera(made.name)


@pytest.mark.parametrize("site_too", [False, True], ids=["a camera", "a camera and its site"])
def test_a_camera_that_is_removed_and_registered_again_is_still_one_that_was_turned(
    registry: Registry, *, site_too: bool
) -> None:
    """Whoever may edit cameras could else have a changed view shown that nobody approved."""
    before = turned(registry, "door", "gate")
    registry.delete_camera(before.name, actor="li")
    if site_too:
        registry.delete_site("sites/a")
        registry.create_site(Site(name="sites/a", display_name="A again"))
    after = registry.create_camera(camera(presets=(Preset(preset_id="gate"), Preset(preset_id="door"))))

    assert after == registry.camera(before.name)
    assert {each.preset_id: (each.change, each.change_time, each.watched) for each in after.presets} == {
        each.preset_id: (ViewChange.TURNED, each.change_time, True) for each in before.presets
    }
    assert {each.approve_time for each in after.presets} == {None}
    assert {key: one.to_bytes() for key, one in registry.fingerprints(before.name).items()} == {
        "door": HERE.to_bytes(),
        "gate": HERE.to_bytes(),
    }


@pytest.mark.parametrize("presets", [(), ("door",), ("door", "other")])
def test_a_camera_that_was_turned_does_not_come_back_without_its_presets(
    registry: Registry, events: list[Event], presets: tuple[str, ...]
) -> None:
    name = turned(registry, "door", "gate").name
    registry.delete_camera(name, actor="li")
    events.clear()
    again = camera(presets=tuple(Preset(preset_id=each) for each in presets))
    with pytest.raises(ViewUnsettledError, match="gate"):
        registry.create_camera(again)
    with pytest.raises(ViewUnsettledError, match="gate"):
        registry.update_camera(name, {}, actor="li", missing=lambda: again)

    assert events == []
    with pytest.raises(ResourceNotFoundError):
        registry.camera(name)


@pytest.mark.parametrize(
    "settle",
    [
        lambda registry, name: registry.approve_view(name, "door", actor="li", reason="seen"),
        lambda registry, name: registry.view_seen(name, None),
    ],
    ids=["approved", "seen again"],
)
def test_a_view_that_is_settled_is_not_remembered(
    registry: Registry, settle: Callable[[Registry, str], object]
) -> None:
    name = turned(registry, "door").name
    for _ in range(2):
        registry.delete_camera(name, actor="li")
        registry.create_camera(camera(presets=(Preset(preset_id="door"),)))
    still = registry.camera(name).view_changed
    settle(registry, name)
    registry.delete_camera(name, actor="li")

    assert still
    assert registry.create_camera(camera()).presets == ()


@pytest.mark.parametrize("after", ["a/b", "é", "\ud800", "a\0"])
def test_a_page_token_that_somebody_made_up_is_refused(registry: Registry, after: str) -> None:
    """Before the database sees what is in it."""
    with pytest.raises(FieldError, match="page_token"):
        registry.sites(token=pages.token_of(after, "sites", ""))
    with pytest.raises(FieldError, match="page_token"):
        registry.cameras(token=pages.token_of(f"x/{after}", "sites/-", ""))
