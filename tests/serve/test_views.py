"""A camera that was turned is found, hidden and told of; one that was not, never."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine as Database
from sqlalchemy import text

from privacy import policy
from privacy.cameras.camera import Camera, Preset, Site
from privacy.cameras.registry import Registry
from privacy.database import writing
from privacy.errors import DatabaseBusyError, DatabaseError, ViewUnsettledError
from privacy.events import Event, PtzMoved, ViewChange, ViewChanged, ViewRestored
from privacy.evidence import Reason
from privacy.frame import Frame, Layout
from privacy.plan import MaskPlan
from privacy.policy import Effect
from privacy.reports.scene import MAX_LEAD_S
from privacy.serve.observer import Answer, Ptz, Stages
from privacy.serve.views import Rhythm, Views
from privacy.verdict import State, Verdict
from tests.cameras.test_view import SIZE, WALL, night, scene, seen, taken
from tests.toys import stream_facts

CAMERA = "sites/hq/cameras/lobby"
START = 1_773_288_000.0
CHECK = 10  # frames, one a second: five pictures, one every other second
SUSPECT = 3
HERE = seen(WALL)
TURNED = seen(WALL, right=0.25)
ELSEWHERE = seen(scene(2))
BLACK = np.zeros(SIZE, np.uint8)

Picture = NDArray[np.uint8]


@pytest.fixture
def registry(database: Database) -> Registry:
    registry = Registry(database, lambda name: policy.load(name or policy.DEFAULT))
    registry.create_site(Site(name="sites/hq", display_name="HQ"))
    presets = (Preset(preset_id="door"), Preset(preset_id="gate"))
    registry.create_camera(Camera(name=CAMERA, display_name="Lobby", declared_purpose="lobby", presets=presets[:1]))
    moving = Camera(name=f"{CAMERA}-ptz", display_name="Dome", declared_purpose="lobby", presets=presets)
    registry.create_camera(moving)
    return registry


@pytest.fixture
def watched(registry: Registry) -> Iterator["Watched"]:
    with Watched(registry) as watched:
        yield watched


class Watched(Views):
    """What compares, with a camera before it that sends one frame a second."""

    def __init__(self, registry: Registry, camera: str = CAMERA) -> None:
        self.told: list[Event] = []
        super().__init__(
            registry, lambda event, _: self.told.append(event), rhythm=Rhythm(share=1e9), clock=lambda: START
        )
        self.registry, self.sequence = registry, 0
        self.open(camera)

    def open(self, camera: str = CAMERA, session: str = "one", presets: tuple[Preset, ...] | None = None) -> None:
        """Begin a stream, as the service does, with what the register says or has said of its presets."""
        presets = self.registry.camera(camera).presets if presets is None else presets
        self.facts = replace(stream_facts(camera, session), purpose="lobby", presets=presets)
        self.opened(self.facts)

    def show(
        self,
        picture: Picture,
        frames: int = CHECK,
        state: State = State.CLEAR,
        ptz: Ptz | None = None,
        layout: Layout = Layout.GRAY,
    ) -> list[bool]:
        """Show a picture for so many seconds; return for each whether the camera was hidden by then."""
        hidden = []
        plane = picture if layout is Layout.GRAY else np.repeat(picture[..., None], 3, axis=2)
        for _ in range(frames):
            self.sequence += 1
            offset = float(self.sequence)
            answer = Answer(
                sequence=self.sequence,
                verdict=Verdict(state, Reason.MODEL, offset),
                plan=MaskPlan((), Effect()),
                stages=Stages(),
                exposure_frames=0,
                exposure_s=0.0,
                frame=Frame((plane,), layout, offset, self.sequence, full_range=True),
                ptz=ptz,
            )
            self.answered(self.facts, answer)
            while self._streams[self.facts.session].checking:
                time.sleep(0.001)
            hidden.append(self.hides(self.facts.camera))
        return hidden

    def approve(self, preset: str = "door") -> bool:
        """Approve what is shown now; return whether it is watched."""
        camera = self.facts.camera
        seen = self.take(camera, watched=False)
        self.registry.approve_view(camera, preset, actor="users/li", reason="seen on site", fingerprint=seen)
        self.approved(camera)
        return seen is not None

    def preset(self, name: str = "door") -> Preset:
        """Return what the register says of a view."""
        found = self.registry.camera(self.facts.camera).preset(name)
        assert found is not None
        return found


def changes(watched: Watched) -> list[type[Event]]:
    return [type(event) for event in watched.told]


def approved(watched: Watched, picture: Picture = HERE, preset: str = "door") -> None:
    watched.show(picture)
    assert watched.approve(preset)


def test_a_turned_camera_is_hidden_from_the_third_check_on_and_told_of_once(watched: Watched) -> None:
    approved(watched)
    watched.show(HERE, 2 * CHECK)
    hidden = watched.show(TURNED, 3 * CHECK)

    assert CHECK < hidden.index(True) < CHECK + 2 * SUSPECT + 2
    assert all(hidden[hidden.index(True) :])
    (event,) = watched.told
    assert isinstance(event, ViewChanged)
    assert event.change is ViewChange.TURNED
    assert event.begun < event.at
    assert watched.preset().change is ViewChange.TURNED


@pytest.mark.parametrize(
    "picture", [HERE, night(HERE), seen(WALL, right=0.008)], ids=["nothing", "night falls", "wind"]
)
def test_what_is_no_change_is_never_hidden(watched: Watched, picture: Picture) -> None:
    approved(watched)

    assert not any(watched.show(picture, 6 * CHECK))
    assert watched.told == []


def test_what_lasts_for_two_checks_only_is_no_change(watched: Watched) -> None:
    approved(watched)
    watched.show(TURNED, CHECK + SUSPECT)

    assert not any(watched.show(HERE, 3 * CHECK))
    assert watched.told == []


def test_a_covered_lens_accuses_nobody_and_clears_nobody(watched: Watched) -> None:
    approved(watched)
    covered = watched.show(BLACK, 4 * CHECK)
    watched.show(TURNED, 3 * CHECK)
    covered_again = watched.show(BLACK, 4 * CHECK)

    assert (any(covered), all(covered_again)) == (False, True)
    assert changes(watched) == [ViewChanged]


def test_a_camera_that_is_turned_back_is_shown_again_after_three_checks(watched: Watched) -> None:
    approved(watched)
    watched.show(TURNED, 3 * CHECK)
    hidden = watched.show(HERE, 3 * CHECK)

    assert 2 * SUSPECT < hidden.index(False) < 5 * SUSPECT
    assert changes(watched) == [ViewChanged, ViewRestored]
    assert watched.preset().change is None


def test_what_was_changed_before_a_restart_is_hidden_from_the_first_frame_on(
    watched: Watched, registry: Registry
) -> None:
    approved(watched)
    watched.show(TURNED, 3 * CHECK)
    with Watched(registry) as again:
        hidden = again.show(TURNED, 2 * CHECK)

    assert all(hidden)
    assert changes(again) == [ViewChanged]


def test_a_new_stream_of_the_same_camera_is_hidden_as_well(watched: Watched) -> None:
    approved(watched)
    watched.show(TURNED, 3 * CHECK)
    watched.closed(watched.facts, None)
    watched.open(session="two")

    assert all(watched.show(TURNED, 2))


@pytest.mark.parametrize("picture", [TURNED, BLACK], ids=["turned", "and it is dark"])
def test_what_is_hidden_stays_so_in_a_new_stream_that_begins_with_what_was_read_before(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, picture: Picture
) -> None:
    approved(watched)
    before = watched.registry.camera(CAMERA).presets
    watched.show(TURNED, 3 * CHECK)
    watched.closed(watched.facts, None)

    def gone(*_: object) -> None:
        raise DatabaseError("gone")

    for method in ("camera", "fingerprints", "view_seen"):
        monkeypatch.setattr(watched.registry, method, gone)
    watched.open(session="two", presets=before)

    assert all(watched.show(picture, 2 * CHECK))


@pytest.mark.parametrize("anew", [False, True], ids=["the stream goes on", "a new stream"])
@pytest.mark.parametrize("watch", [False, True], ids=["not watched", "watched"])
def test_a_view_that_was_approved_in_another_process_is_shown_after_the_next_check(
    watched: Watched, registry: Registry, *, watch: bool, anew: bool
) -> None:
    approved(watched)
    watched.show(TURNED, 3 * CHECK)
    now = taken(TURNED) if watch else None
    registry.approve_view(CAMERA, "door", actor="users/li", reason="seen on site", fingerprint=now)
    if anew:
        watched.closed(watched.facts, None)
        watched.open(session="two")
    hidden = watched.show(TURNED, 2 * CHECK)

    assert hidden.index(False) <= SUSPECT
    assert not any(hidden[hidden.index(False) :])


def test_another_process_that_sees_the_approved_view_shows_nobody_another_one(
    watched: Watched, registry: Registry
) -> None:
    """Two streams that call themselves one camera: what is shown is judged where it is shown."""
    approved(watched)
    watched.show(TURNED, 3 * CHECK)
    registry.view_seen(CAMERA, None)

    assert all(watched.show(TURNED, 2 * CHECK))


@pytest.mark.parametrize("restart", [False, True])
def test_a_camera_that_is_removed_and_registered_again_is_hidden_until_somebody_approves_its_view(
    watched: Watched, registry: Registry, *, restart: bool
) -> None:
    approved(watched)
    watched.show(TURNED, 3 * CHECK)
    watched.closed(watched.facts, None)
    registry.delete_camera(CAMERA, actor="users/li")
    presets = (Preset(preset_id="door"),)
    registry.create_camera(Camera(name=CAMERA, display_name="New", declared_purpose="lobby", presets=presets))
    with Watched(registry) as other:
        again = other if restart else watched
        again.open(session="two")
        hidden = again.show(TURNED, 2 * CHECK)
        again.approve()
        shown = again.show(TURNED, 2 * CHECK)

    assert all(hidden)
    assert not any(shown)


def test_who_approves_the_new_view_ends_the_hiding_and_is_watched_with_it(watched: Watched) -> None:
    approved(watched)
    watched.show(TURNED, 4 * CHECK)
    assert watched.approve()

    assert not any(watched.show(TURNED, 3 * CHECK))
    assert any(watched.show(HERE, 3 * CHECK))


def test_a_register_that_does_not_answer_shows_nothing_that_was_hidden(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved(watched)
    watched.show(HERE)

    def gone(*_: object) -> None:
        raise DatabaseBusyError("locked")

    monkeypatch.setattr(watched.registry, "fingerprints", gone)
    monkeypatch.setattr(watched.registry, "view_seen", gone)
    hidden = watched.show(TURNED, 3 * CHECK)
    monkeypatch.undo()
    watched.show(TURNED, CHECK)

    assert hidden[-1]
    assert watched.preset().change is ViewChange.TURNED


@pytest.mark.parametrize("kept", ["'PVF1'", "x'50564631'", "''", "zeroblob(20000)"])
def test_a_fingerprint_that_cannot_be_read_hides_and_accuses_nobody(
    watched: Watched, database: Database, kept: str
) -> None:
    approved(watched)
    with writing(database) as session:
        session.execute(text(f"UPDATE views SET fingerprint = {kept}"))  # noqa: S608 - the test's own

    assert watched.show(HERE, CHECK + 1)[-1]
    assert watched.told == []


@pytest.mark.parametrize("layout", [Layout.GRAY, Layout.BGR])
@pytest.mark.parametrize("rows", [900, 100_000])
def test_a_picture_too_tall_to_be_compared_hides_as_well_and_takes_no_more_room_than_others(
    watched: Watched, rows: int, layout: Layout
) -> None:
    """A few hundred bytes, as wide as those that are kept, would be a hundred MiB."""
    approved(watched)
    hidden = watched.show(np.zeros((rows, 1), np.uint8), CHECK + 1, layout=layout)

    assert hidden[-1]
    assert watched.told == []
    assert max(picture.planes[0].nbytes for picture in watched._streams["one"].samples) < 2**21


def test_a_new_stream_of_a_camera_that_nobody_could_check_is_hidden_as_well(
    watched: Watched, database: Database
) -> None:
    approved(watched)
    with writing(database) as session:
        session.execute(text("UPDATE views SET fingerprint = ''"))
    watched.show(HERE, CHECK + 1)
    watched.closed(watched.facts, None)
    watched.open(session="two")

    assert all(watched.show(HERE, 2))


def test_only_what_is_permitted_lasts_and_stands_still_is_approved(watched: Watched) -> None:
    def refused() -> str:
        with pytest.raises(ViewUnsettledError) as caught:
            watched.take(CAMERA, watched=True)
        return str(caught.value)

    watched.show(HERE, 2)
    assert "too short" in refused()
    watched.show(HERE, state=State.PROHIBITED)
    assert "permitted" in refused()
    watched.show(TURNED, 9)
    assert "moves" in refused()
    watched.closed(watched.facts, None)
    assert "no stream here" in refused()
    assert watched.take(CAMERA, watched=False) is None


def test_a_bare_wall_is_approved_and_not_watched(watched: Watched) -> None:
    watched.show(BLACK + 90)

    assert not watched.approve()
    assert (watched.preset().watched, watched.preset().approver) == (False, "users/li")


def test_a_clock_that_stands_still_hides_no_movement(registry: Registry) -> None:
    now = [START]
    with Watched(registry) as watched:
        watched._clock = lambda: now[0]
        approved(watched)
        hidden = []
        for _ in range(3 * CHECK):
            now[0] += 1
            watched.sequence -= 1  # the next offset is that of the frame before
            hidden += watched.show(TURNED, 1)

    assert hidden[-1]


def test_a_file_that_is_as_far_ahead_as_it_may_be_is_checked_as_often_as_before(watched: Watched) -> None:
    approved(watched)
    watched.show(HERE, round(MAX_LEAD_S) + CHECK)

    assert watched.show(TURNED, 3 * CHECK)[-1]


def test_a_clock_that_is_put_right_by_a_day_puts_off_no_check(registry: Registry) -> None:
    now = [START]
    with Watched(registry) as watched:
        watched._clock = lambda: now[0]
        approved(watched)
        now[0] -= 86_400
        hidden = []
        for _ in range(3 * CHECK):
            now[0] += 1
            hidden += watched.show(TURNED, 1)

        assert hidden[-1]
        assert watched.told[-1].at <= now[0] + MAX_LEAD_S


@pytest.fixture
def dome(registry: Registry) -> Iterator[Watched]:
    """A camera that moves between two presets."""
    with Watched(registry, f"{CAMERA}-ptz") as dome:
        approved(dome)
        dome.show(ELSEWHERE)
        approved(dome, ELSEWHERE, "gate")
        dome.told.clear()
        yield dome


def test_a_tour_of_approved_presets_is_movement_and_no_change(dome: Watched) -> None:
    hidden = [*dome.show(ELSEWHERE), *dome.show(HERE), *dome.show(HERE), *dome.show(ELSEWHERE), *dome.show(ELSEWHERE)]

    assert not any(hidden)
    assert changes(dome) == [PtzMoved, PtzMoved]


@pytest.mark.parametrize(
    ("ptz", "hidden"),
    [
        pytest.param(None, True, id="and does not say so"),
        pytest.param(Ptz(pan_deg=30.0), False, id="and says so"),
    ],
)
def test_a_camera_that_moves_may_look_between_its_presets_if_it(dome: Watched, ptz: Ptz | None, hidden: bool) -> None:
    assert dome.show(seen(scene(3)), 4 * CHECK, ptz=ptz)[-1] is hidden


def test_what_a_fixed_camera_says_of_its_movements_excuses_nothing(watched: Watched) -> None:
    approved(watched)

    assert watched.show(TURNED, 3 * CHECK, ptz=Ptz(pan_deg=30.0))[-1]


@pytest.mark.parametrize("layout", [Layout.RGB, Layout.BGR], ids=["RGB", "BGR"])
def test_a_stream_in_colour_shows_the_same_view(watched: Watched, layout: Layout) -> None:
    approved(watched)

    assert not any(watched.show(HERE, 4 * CHECK, layout=layout))
    assert any(watched.show(TURNED, 4 * CHECK, layout=layout))
