"""What a stream is told of its camera while the register is gone: what was true lately, or nothing."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import Engine

from privacy import policy
from privacy.cameras.camera import Camera, Preset, Site
from privacy.cameras.lookup import LATELY_S, KnownCameras
from privacy.cameras.registry import Registry
from privacy.errors import DatabaseError
from privacy.events import ViewChange
from privacy.plan import upright
from tests.cameras.test_view import HERE

GATE, YARD = "sites/a/cameras/gate", "sites/a/cameras/yard"
ZONE = upright(0, 0, 0.5, 1)


class Clock:
    """Stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Forgetful(Registry):
    """A register whose database goes and comes."""

    gone = False

    def camera(self, name: str) -> Camera:
        self._answer()
        return super().camera(name)

    def etags(self, names: Iterable[str]) -> dict[str, str]:
        self._answer()
        return super().etags(names)

    def _answer(self) -> None:
        if self.gone:
            raise DatabaseError("gone")


@pytest.fixture
def registry(database: Engine) -> Forgetful:
    registry = Forgetful(database, lambda name: policy.load(name or policy.DEFAULT))
    registry.create_site(Site(name="sites/a", display_name="A"))
    for name in (GATE, YARD):
        presets = (Preset(preset_id="door"),)
        registry.create_camera(Camera(name=name, display_name="x", declared_purpose="street", presets=presets))
    return registry


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(registry: Forgetful, clock: Clock) -> KnownCameras:
    known = KnownCameras(registry, clock)
    known.find(GATE)
    return known


def draw(registry: Registry) -> None:
    presets = (Preset(preset_id="door", static_zones=(ZONE,)),)
    registry.update_camera(GATE, {"presets": presets}, actor="me")


def zones(camera: Camera | None) -> Any:
    assert camera is not None
    return camera.static_zones


def test_a_zone_that_came_while_nobody_streamed_is_known_when_the_register_goes(
    known: KnownCameras, registry: Forgetful, clock: Clock
) -> None:
    draw(registry)
    known.etags(())
    clock.now += LATELY_S
    registry.gone = True

    assert zones(known.find(GATE)) == (ZONE,)


def test_what_was_true_just_before_the_register_went_holds_as_long_as_it_is_gone(
    known: KnownCameras, registry: Forgetful, clock: Clock
) -> None:
    clock.now += 600
    known.etags([GATE])
    registry.gone = True
    held = []
    for _ in range(3):
        clock.now += LATELY_S
        held.append(zones(known.find(GATE)))

    assert held == [(), (), ()]


def test_what_nobody_has_confirmed_lately_is_not_known(known: KnownCameras, registry: Forgetful, clock: Clock) -> None:
    clock.now += LATELY_S + 1
    known.find(YARD)  # the register answers, and nobody asks about the gate
    registry.gone = True

    assert zones(known.find(YARD)) == ()
    with pytest.raises(DatabaseError):
        known.find(GATE)


def test_what_was_true_before_it_went_is_not_known_when_it_goes_again(
    known: KnownCameras, registry: Forgetful, clock: Clock
) -> None:
    registry.gone = True
    known.find(GATE)
    clock.now += 600
    registry.gone = False
    known.find(YARD)
    draw(registry)
    registry.gone = True

    with pytest.raises(DatabaseError):
        known.find(GATE)


def test_what_is_known_to_have_changed_is_not_known_until_it_was_read(
    known: KnownCameras, registry: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(registry)

    def gone(_: str) -> Camera:
        raise DatabaseError("gone")

    monkeypatch.setattr(registry, "camera", gone)
    with pytest.raises(DatabaseError):
        known.etags(())
    with pytest.raises(DatabaseError):
        known.find(GATE)


def test_a_view_that_another_process_finds_changed_is_known_to_be(known: KnownCameras, registry: Forgetful) -> None:
    """It does not change the etag of the camera: whoever edits it need not read it again for that."""
    registry.approve_view(GATE, "door", actor="me", reason="seen", fingerprint=HERE)
    known.find(GATE)
    changes = []
    for change in (ViewChange.TURNED, None):
        registry.view_seen(GATE, change)
        known.etags(())
        registry.gone = True
        found = known.find(GATE)
        registry.gone = False
        assert found is not None
        changes.append(found.presets[0].change)

    assert changes == [ViewChange.TURNED, None]


@pytest.mark.parametrize(
    "forget", [lambda known: known.find(GATE), lambda known: known.etags(())], ids=["a stream asks", "it is read again"]
)
def test_a_camera_that_was_removed_is_not_known(
    known: KnownCameras, registry: Forgetful, forget: Callable[[KnownCameras], object]
) -> None:
    registry.delete_camera(GATE, actor="me")
    forget(known)
    registry.gone = True

    with pytest.raises(DatabaseError):
        known.find(GATE)


def test_etags_are_those_that_were_asked_for(known: KnownCameras, registry: Forgetful) -> None:
    assert known.etags([YARD]) == {YARD: registry.camera(YARD).etag}
