"""What the cameras show now and have shown, and which pictures of it may be seen."""

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from privacy import policy
from privacy.console.thumbnails import EVERY_S, STALE_S, WANTED_S, WIDTH, Thumbnails, painted
from privacy.console.wall import SILENT_S, Shown, Wall
from privacy.errors import PrivacyError
from privacy.evidence import Reason
from privacy.plan import WHOLE, MaskPlan, plan_for, upright
from privacy.policy import Effect
from privacy.serve.observer import Answer, Stages, StreamFacts
from privacy.verdict import State, Verdict
from privacy.zones import Zone
from tests.console.conftest import Clock
from tests.reports.stories import CAMERA, NOON
from tests.toys import grey_frame, stream_facts

STATES = {".": State.CLEAR, "W": State.PROHIBITED, "?": State.UNCERTAIN}


def stream(session: str = "s1", camera: str = CAMERA) -> StreamFacts:
    return replace(stream_facts(camera, session), peer="ipv4:127.0.0.1:1", delivery="LATEST", pixel_format="JPEG")


def answer(letter: str, *, inherited: bool = False, reason: Reason = Reason.MODEL, exposure: int = 0) -> Answer:
    """`.` is clear, `W` a washroom, `?` nobody knows."""
    zone = Zone.WASHROOM if letter == "W" else None
    verdict = Verdict(STATES[letter], reason, 0.0, zone, inherited=inherited)
    return Answer(
        sequence=0,
        verdict=verdict,
        plan=plan_for(verdict, policy.load()),
        stages=Stages(),
        exposure_frames=exposure,
        exposure_s=exposure / 25,
        frame=grey_frame(200, size=(480, 640)),
    )


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def wall(clock: Clock) -> Wall:
    wall = Wall(clock)
    wall.opened(stream())
    return wall


def play(wall: Wall, clock: Clock, story: str) -> None:
    for letter in story:
        clock.now += 1
        wall.answered(stream(), answer(letter))


def shown(wall: Wall) -> Shown:
    sight = wall.sight(CAMERA)
    assert sight is not None
    return sight.now(wall.clock())


@pytest.mark.parametrize(
    ("story", "spans"),
    [
        ("", "?"),
        ("...", "?."),
        ("..WW..", "?.W."),
        ("WW??", "?W?"),
        ("....", "?."),
    ],
)
def test_a_state_is_one_span_however_many_frames_it_lasts(wall: Wall, clock: Clock, story: str, spans: str) -> None:
    play(wall, clock, story)
    letters = {Shown.CLEAR: ".", Shown.PROHIBITED: "W", Shown.UNCERTAIN: "?"}

    assert "".join(letters[span.shown] for span in wall.spans(CAMERA, 0)) == spans


def test_spans_meet_each_other(wall: Wall, clock: Clock) -> None:
    play(wall, clock, "..WW??..")
    spans = wall.spans(CAMERA, 0)

    assert [span.end for span in spans[:-1]] == [span.start for span in spans[1:]]
    assert (spans[0].start, spans[-1].end) == (NOON, clock.now)


def test_a_view_is_masked_since_it_was_not_clear_and_not_since_it_changed_its_name(wall: Wall, clock: Clock) -> None:
    play(wall, clock, "..?WW")
    sight = wall.sight(CAMERA)

    assert sight is not None
    assert (sight.masked_since, sight.since, sight.zone) == (NOON + 3, NOON + 4, Zone.WASHROOM)


def test_frames_that_were_passed_over_say_nothing(wall: Wall, clock: Clock) -> None:
    play(wall, clock, "..")
    wall.answered(stream(), answer("?", inherited=True, reason=Reason.OVERLOAD))

    assert shown(wall) is Shown.CLEAR


def test_a_stream_that_sends_nothing_is_silent(wall: Wall, clock: Clock) -> None:
    play(wall, clock, "..")
    clock.now += SILENT_S + 1

    assert shown(wall) is Shown.SILENT


def test_a_camera_whose_stream_has_ended_is_offline(wall: Wall, clock: Clock) -> None:
    play(wall, clock, "W")
    wall.closed(stream(), None)

    assert shown(wall) is Shown.OFFLINE


def test_the_end_of_an_older_stream_is_not_the_end_of_the_newer(wall: Wall, clock: Clock) -> None:
    wall.opened(stream("s2"))
    wall.answered(stream("s2"), answer("W"))
    wall.answered(stream("s1"), answer("."))
    wall.closed(stream("s1"), PrivacyError("over"))

    assert shown(wall) is Shown.PROHIBITED


def test_a_change_has_a_number_and_its_repetition_has_none(wall: Wall, clock: Clock) -> None:
    numbers = []
    for letter, exposure in ((".", 0), (".", 0), ("W", 2), ("W", 2), ("W", 3)):
        wall.answered(stream(), answer(letter, exposure=exposure))
        sight = wall.sight(CAMERA)
        numbers.append(0 if sight is None else sight.number)

    assert numbers == [2, 2, 3, 3, 4]


# Pictures


class Gallery:
    """Thumbnails with a clock, and somebody who looks."""

    def __init__(self) -> None:
        self.clock = Clock(100.0)
        self.thumbnails = Thumbnails(self.clock)
        self.thumbnails.start()
        self.thumbnails.opened(stream())
        self.look()

    def look(self) -> bytes | None:
        return self.thumbnails.picture(CAMERA)

    def show(self, letter: str, **facts: bool) -> bytes | None:
        """Answer a frame, and wait until whoever paints has had the time to."""
        self.thumbnails.answered(stream(), answer(letter, **facts))  # type: ignore[arg-type]
        end = time.monotonic() + 5
        while not self.thumbnails._queue.empty() and time.monotonic() < end:
            time.sleep(0.001)
        time.sleep(0.05)
        return self.look()


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


def test_a_clear_camera_has_a_small_picture(gallery: Gallery) -> None:
    data = gallery.show(".")
    assert data is not None
    picture = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE))

    assert picture.shape == (WIDTH * 3 // 4, WIDTH)
    assert picture.mean() == pytest.approx(200, abs=3)


@pytest.mark.parametrize("letter", "W?")
def test_a_camera_in_any_other_state_has_none_and_the_last_one_is_forgotten(gallery: Gallery, letter: str) -> None:
    assert gallery.show(".") is not None
    assert gallery.show(letter) is None


def test_a_frame_that_was_not_looked_at_itself_is_not_shown(gallery: Gallery) -> None:
    assert gallery.show(".", inherited=True) is None


def test_a_picture_that_was_ordered_before_the_camera_was_hidden_is_not_shown(gallery: Gallery) -> None:
    thumbnails = Thumbnails(gallery.clock)  # nobody paints yet
    thumbnails.opened(stream())
    thumbnails.picture(CAMERA)
    thumbnails.answered(stream(), answer("."))
    thumbnails.answered(stream(), answer("W"))
    thumbnails.start()
    thumbnails.stop()

    assert thumbnails.picture(CAMERA) is None


def test_nothing_is_shown_of_a_stream_that_has_ended(gallery: Gallery) -> None:
    gallery.show(".")
    gallery.thumbnails.closed(stream(), None)

    assert gallery.look() is None


def test_an_old_picture_does_not_pass_for_a_new_one(gallery: Gallery) -> None:
    gallery.show(".")
    gallery.clock.now += STALE_S + 1

    assert gallery.look() is None


def test_none_is_made_while_nobody_looks(gallery: Gallery) -> None:
    gallery.clock.now += WANTED_S + 1
    gallery.thumbnails.answered(stream(), answer("."))

    assert gallery.thumbnails._queue.empty()
    assert gallery.thumbnails._pictures == {}


def test_one_a_second_is_enough(gallery: Gallery) -> None:
    first = gallery.thumbnails._taken.copy(), gallery.show(".")
    taken = dict(gallery.thumbnails._taken)
    gallery.clock.now += EVERY_S / 2
    gallery.show(".")

    assert first[0] == {}
    assert gallery.thumbnails._taken == taken


def test_what_the_plan_hides_is_hidden_before_the_picture_is_made_small() -> None:
    frame = grey_frame(200, size=(480, 640))
    data = painted(frame, MaskPlan((upright(0.0, 0.0, 0.5, 1.0),), Effect()))
    picture = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE))

    assert picture[:, : WIDTH // 2 - 8].max() < 12
    assert picture[:, WIDTH // 2 + 8 :].min() > 180


def test_a_clear_verdict_with_a_whole_mask_is_hidden(gallery: Gallery) -> None:
    gallery.show(".")
    seen = answer(".")
    hidden = Answer(
        sequence=1,
        verdict=seen.verdict,
        plan=MaskPlan((WHOLE,), Effect()),
        stages=Stages(),
        exposure_frames=0,
        exposure_s=0.0,
        frame=seen.frame,
    )
    gallery.thumbnails.answered(stream(), hidden)

    assert gallery.look() is None
