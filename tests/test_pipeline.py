import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy import pipeline
from privacy.cadence import Pace
from privacy.errors import EffectTooWeakError, MaskingError, PolicyError, SourceLostError
from privacy.evidence import Evidence, Reason
from privacy.frame import Frame, Layout, thumbnail
from privacy.models import catalogue
from privacy.models.detector import Detection, Detector
from privacy.plan import Polygon
from privacy.policy import Effect, EffectKind, Policy, Subject
from privacy.verdict import State, Verdict
from tests.toys import Bright, Finds, detection, evidence, grey_frame

RULES = catalogue.load_policy()
DARK, LIGHT = 10, 240


def clip(levels: Sequence[int], rate: float = 4) -> list[Frame]:
    """A noisy clip, so that a frame that leaves as it came can be told from a masked one."""
    rng = np.random.default_rng(0)
    frames = []
    for index, level in enumerate(levels):
        frame = grey_frame(level, index / rate, index)
        noise = rng.integers(-5, 6, frame.size)
        frames.append(frame.with_planes((np.clip(level + noise, 1, 254).astype(np.uint8),)))
    return frames


def left_clear(outcome: pipeline.Outcome) -> bool:
    """True if anything of the picture can still be seen."""
    return len(np.unique(outcome.frame.planes[0])) > 1


class Faulty(Bright):
    """Looks well until it does not."""

    def __init__(self, fault: Callable[[], list[Evidence]], after: int = 0) -> None:
        self._fault, self._left = fault, after

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        self._left -= 1
        return super().look(images, offsets) if self._left >= 0 else self._fault()


def raises() -> list[Evidence]:
    raise RuntimeError("the model is gone")


def no_number() -> list[Evidence]:
    return [Evidence(0.0, np.full(7, np.nan, np.float32), "faulty")]


def nothing() -> list[Evidence]:
    return []


def no_evidence() -> list[Evidence]:
    return [None]  # type: ignore[list-item]


def too_much() -> list[Evidence]:
    return [evidence(0.0), evidence(0.0)]


def test_frames_come_out_in_order_and_whole() -> None:
    frames = clip([DARK] * 20)

    outcomes = list(pipeline.guard(frames, Bright(), RULES))

    assert [outcome.frame.sequence for outcome in outcomes] == list(range(20))
    assert {outcome.frame.size for outcome in outcomes} == {frames[0].size}


def test_a_clear_frame_leaves_exactly_as_it_came() -> None:
    frames = clip([DARK] * 12)

    last = list(pipeline.guard(frames, Bright(), RULES))[-1]

    assert last.verdict.state is State.CLEAR
    assert np.array_equal(last.frame.planes[0], frames[-1].planes[0])


def test_only_clear_frames_leave_clear() -> None:
    frames = clip([DARK] * 12 + [LIGHT] * 12 + [DARK] * 20)

    outcomes = list(pipeline.guard(frames, Bright(), RULES))

    assert [left_clear(outcome) for outcome in outcomes] == [
        outcome.verdict.state is State.CLEAR for outcome in outcomes
    ]


def test_a_washroom_is_hidden_on_its_first_frame() -> None:
    outcomes = list(pipeline.guard(clip([DARK] * 12 + [LIGHT] * 2), Bright(), RULES))

    assert [outcome.verdict.state for outcome in outcomes[11:13]] == [State.CLEAR, State.UNCERTAIN]


@pytest.mark.parametrize("fault", [raises, no_number, nothing, no_evidence, too_much])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_faulty_model_never_lets_a_frame_out(fault: Callable[[], list[Evidence]], after: int) -> None:
    frames = clip([DARK] * 40)
    outcomes = list(pipeline.guard(frames, Faulty(fault, after), RULES))
    failed = next(i for i, outcome in enumerate(outcomes) if outcome.verdict.reason is Reason.MODEL_ERROR)

    assert len(outcomes) == len(frames)
    assert not any(left_clear(outcome) for outcome in outcomes[failed:])


def test_a_mask_that_fails_hides_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(frame: Frame, plan: object) -> Frame:
        raise ValueError

    monkeypatch.setattr(pipeline, "mask", broken)
    frames = clip([DARK] * 12)

    outcomes = list(pipeline.guard(frames, Bright(), RULES))

    assert not any(left_clear(outcome) for outcome in outcomes)
    assert all(outcome.plan.hides_everything for outcome in outcomes)


def test_a_frame_that_cannot_even_be_blanked_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Frame:
        raise ValueError

    monkeypatch.setattr(pipeline, "mask", broken)
    monkeypatch.setattr(pipeline, "blank", broken)

    with pytest.raises(MaskingError):
        next(pipeline.guard(clip([DARK]), Bright(), RULES))


def test_a_changed_size_hides_and_says_so() -> None:
    frames = [*clip([DARK] * 12), grey_frame(DARK, 3.0, 12, size=(24, 32)), grey_frame(DARK, 3.25, 13, size=(24, 32))]

    outcomes = list(pipeline.guard(frames, Bright(), RULES))

    assert [outcome.verdict.reason for outcome in outcomes[11:]] == [
        Reason.MODEL,
        Reason.FORMAT_CHANGE,
        Reason.FORMAT_CHANGE,
    ]
    assert outcomes[-1].frame.size == (24, 32)


def test_static_zones_are_hidden_in_clear_frames() -> None:
    corner = Polygon(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)))
    frames = clip([DARK] * 12)

    seen = list(pipeline.guard(frames, Bright(), RULES, static=[corner]))[-1].frame.planes[0]

    assert len(np.unique(seen[:24, :32])) == 1
    assert np.array_equal(seen[26:], frames[-1].planes[0][26:])


def test_a_weak_effect_is_refused_before_a_frame_is_read() -> None:
    with pytest.raises(EffectTooWeakError):
        pipeline.guard(iter(()), Bright(), RULES, effect=Effect(EffectKind.PIXELATE, 0.001))


def test_a_purpose_that_the_policy_does_not_know_is_refused_before_a_frame_is_read() -> None:
    """Misspelt, it would quietly be the default; the service refuses it as well."""
    with pytest.raises(PolicyError, match="corridor"):
        pipeline.guard(iter(()), Bright(), RULES, purpose="coridor")


def test_look_behind_hides_what_came_before_the_look() -> None:
    """The scene drifts into a washroom between two looks; the frames on the way were ruled by the look before."""
    drift = [DARK] * 12 + [DARK + 4, DARK + 5, DARK + 6, LIGHT]
    hasty = list(pipeline.guard(clip(drift), Bright(), RULES))
    patient = list(pipeline.guard(clip(drift), Bright(), RULES, look_behind_s=1.0))

    assert [outcome.verdict.state for outcome in hasty[12:15]] == [State.CLEAR] * 3
    assert [outcome.verdict.state for outcome in patient[13:15]] == [State.UNCERTAIN] * 2
    assert [outcome.frame.sequence for outcome in patient] == list(range(16))


class Columns:
    """The wider what is bright in a picture, the likelier a washroom: a twentieth of it is enough. Counts its looks."""

    name = "columns.test"
    input_size = (36, 64)

    def __init__(self) -> None:
        self.looks = 0

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        self.looks += len(images)
        bright = [float((image.mean(axis=(0, 2)) > 110).mean()) for image in images]
        return [evidence(min(1.0, 8 * share), offset) for share, offset in zip(bright, offsets, strict=True)]


@pytest.mark.parametrize("speed", [5, 20])
@pytest.mark.parametrize("starts", range(1200, 1300, 30))
def test_of_a_pan_no_frame_leaves_that_a_look_of_its_own_would_have_hidden(speed: int, starts: int) -> None:
    """Washrooms pass, as narrow as a twentieth of the picture, before a camera that turns."""
    rng = np.random.default_rng(starts)
    strip = np.kron(rng.integers(10, 90, (18, 180)), np.ones((20, 20))).astype(np.uint8)
    for number, width in enumerate((32, 64, 200)):
        strip[:, starts + 700 * number : starts + 700 * number + width] += 120
    count = (strip.shape[1] - 640) // speed
    frames = [
        Frame((np.ascontiguousarray(strip[:, speed * n : speed * n + 640]),), Layout.GRAY, n / 25, n, full_range=True)
        for n in range(count)
    ]
    alone, model = Columns(), Columns()
    would = [alone.look([thumbnail(frame, alone.input_size)], [frame.offset])[0] for frame in frames]
    outcomes = list(pipeline.guard(frames, model, RULES, look_behind_s=1.0))

    shown = [n for n, outcome in enumerate(outcomes) if left_clear(outcome)]
    private = [n for n in range(count) if would[n].p_prohibited > RULES.thresholds.clear_below]
    assert shown
    assert private
    assert not set(shown) & set(private)
    assert speed > 6 or model.looks <= count / 3


@pytest.mark.parametrize("look_behind_s", [0.0, 1.0])
def test_a_source_that_breaks_off_loses_no_good_frame(look_behind_s: float) -> None:
    def breaking() -> Iterator[Frame]:
        yield from clip([DARK] * 10)
        raise SourceLostError("gone")

    got: list[int] = []
    outcomes = pipeline.guard(breaking(), Bright(), RULES, look_behind_s=look_behind_s)
    with pytest.raises(SourceLostError):
        got.extend(outcome.frame.sequence for outcome in outcomes)

    assert got == list(range(10))


@given(st.lists(st.integers(0, 255), max_size=24), st.lists(st.floats(0, 2), min_size=24, max_size=24), st.booleans())
def test_whatever_is_shown_nothing_leaves_without_a_clear_verdict(
    levels: list[int], steps: list[float], wait: bool
) -> None:
    now, frames = 0.0, []
    for frame, step in zip(clip(levels), steps, strict=False):
        now += step
        frames.append(Frame(frame.planes, frame.layout, now, frame.sequence, full_range=True))

    outcomes = list(pipeline.guard(frames, Bright(), RULES, look_behind_s=float(wait)))

    assert len(outcomes) == len(frames)
    assert not any(left_clear(outcome) for outcome in outcomes if outcome.verdict.state is not State.CLEAR)


BOX = (0.25, 0.25, 0.5, 0.5)
ROWS, COLUMNS = slice(12, 24), slice(16, 32)
"""Where `BOX` lies in a frame of `clip`."""


class Scripted(Finds):
    """Answers look by look; an exception is raised, and the last answer goes on."""

    def __init__(self, *answers: Sequence[Detection] | Exception) -> None:
        super().__init__()
        self.answers = list(answers)

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        super().detect(image)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return tuple(answer)


class Brighter(Finds):
    """A detector that finds something as soon as the picture is not quite dark."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        return super().detect(image) if image.mean() > DARK + 1 else ()


def with_subjects(**changes: float) -> Policy:
    return replace(RULES, subjects=replace(RULES.subjects, **changes))  # type: ignore[arg-type]


def people(
    frames: Sequence[Frame], detector: Detector, rules: Policy = RULES, look_behind_s: float = 0.0
) -> list[pipeline.Outcome]:
    return list(
        pipeline.guard(frames, Bright(), rules, look_behind_s=look_behind_s, subjects={Subject.PEOPLE: detector})
    )


def shows_subject(outcome: pipeline.Outcome) -> bool:
    return len(np.unique(outcome.frame.planes[0][ROWS, COLUMNS])) > 1


@pytest.mark.parametrize("look_behind_s", [0.0, 1.0])
def test_people_are_hidden_in_clear_frames_and_nothing_else_is(look_behind_s: float) -> None:
    frames = clip([DARK] * 20, rate=20)

    outcomes = people(frames, Finds(detection(BOX)), look_behind_s=look_behind_s)
    clear = [outcome for outcome in outcomes if outcome.verdict.state is State.CLEAR]

    assert [outcome.frame.sequence for outcome in outcomes] == list(range(20))
    assert len(clear) > 5
    assert not any(shows_subject(outcome) for outcome in clear)
    assert all(np.array_equal(o.frame.planes[0][32:], frames[o.frame.sequence].planes[0][32:]) for o in clear)
    assert [[one.subject for one in outcome.subjects] for outcome in clear] == [[Subject.PEOPLE]] * len(clear)


@pytest.mark.parametrize("look_behind_s", [0.0, 1.0])
def test_a_prohibited_view_stays_hidden_whole_and_nobody_looks_for_people(look_behind_s: float) -> None:
    finder = Finds(detection(BOX))

    outcomes = people(clip([LIGHT] * 20), finder, look_behind_s=look_behind_s)

    assert not any(left_clear(outcome) for outcome in outcomes)
    assert {outcome.subjects for outcome in outcomes} == {()}
    assert finder.looks == 0


def test_what_nobody_asked_for_or_is_unsure_of_is_shown() -> None:
    found = Finds(
        detection(BOX, "tv"), detection(BOX, "dog"), detection(BOX, score=RULES.subjects.scores[Subject.PEOPLE] / 2)
    )

    assert people(clip([DARK] * 12), found)[-1].plan.regions == ()


@pytest.mark.parametrize("look_behind_s", [0.0, 1.0])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(RuntimeError("gone"), id="raises"),
        pytest.param([None], id="no detection"),
        pytest.param([detection((n / 600, 0, (n + 1) / 600, 1)) for n in range(600)], id="too many"),
    ],
)
def test_a_detector_that_fails_hides_the_frame_whole(
    answer: Sequence[Detection] | Exception, look_behind_s: float
) -> None:
    outcomes = people(clip([DARK] * 20), Scripted([], answer), look_behind_s=look_behind_s)
    failed = [outcome for outcome in outcomes if outcome.verdict.reason is Reason.MODEL_ERROR]

    assert len(failed) > 5
    assert len([outcome for outcome in outcomes if left_clear(outcome)]) == 1
    assert all(outcome.verdict.state is State.UNCERTAIN and outcome.plan.hides_everything for outcome in failed)


def test_a_detection_that_is_no_number_hides_the_frame_whole() -> None:
    broken = detection(BOX)
    object.__setattr__(broken, "box", (float("nan"), 0.0, 0.5, 0.5))

    assert not any(left_clear(outcome) for outcome in people(clip([DARK] * 12), Finds(broken)))


def test_a_detector_that_recovers_lets_frames_out_again() -> None:
    frames = clip([DARK] * 20)
    outcomes = people(frames, Scripted([], RuntimeError("once"), []))

    assert [outcome.verdict.reason is Reason.MODEL_ERROR for outcome in outcomes].count(True) == 1
    assert np.array_equal(outcomes[-1].frame.planes[0], frames[-1].planes[0])


def test_skipped_frames_hide_what_is_predicted() -> None:
    finder = Finds(detection(BOX))
    outcomes = people(clip([DARK] * 60, rate=20), finder, with_subjects(detect_every_s=0.2), look_behind_s=1.0)
    clear = [outcome for outcome in outcomes if outcome.verdict.state is State.CLEAR]

    assert not any(shows_subject(outcome) for outcome in clear)
    assert finder.looks <= len(clear) / 4 + 2  # the first and the last frame are looked at in any case


def test_where_frames_do_not_wait_every_one_is_looked_at() -> None:
    """Who comes in between two looks could not be hidden in hindsight."""
    finder = Finds()
    outcomes = people(clip([DARK] * 60, rate=20), finder, with_subjects(detect_every_s=0.2))

    assert finder.looks == sum(outcome.verdict.state is State.CLEAR for outcome in outcomes)


def test_held_frames_that_waited_for_a_look_that_failed_are_hidden() -> None:
    """One look in four: after the last good one, nobody knows who has come in."""
    rules = with_subjects(detect_every_s=0.2)
    outcomes = people(clip([DARK] * 60, rate=20), Scripted([], [], RuntimeError("gone")), rules, look_behind_s=1.0)
    shown = [outcome.frame.sequence for outcome in outcomes if left_clear(outcome)]

    assert shown == list(range(shown[0], shown[0] + 5))  # the first look, its three predicted frames, the second look


def test_who_comes_in_is_hidden_before_the_first_sight() -> None:
    frames = clip([DARK] * 60, rate=20)
    blind: list[Sequence[Detection]] = [[]] * 20
    hasty = people(frames, Scripted(*blind, [detection(BOX)]))
    every = with_subjects(detect_every_s=0.0)
    patient = people(frames, Scripted(*blind, [detection(BOX)]), every, look_behind_s=1.0)
    before = sum(bool(outcome.subjects) for outcome in hasty)

    assert before > 5
    assert sum(bool(outcome.subjects) for outcome in patient) == before + round(RULES.subjects.hold_s * 20)


def test_a_slow_camera_forgets_nobody_while_its_frames_wait() -> None:
    """A frame may wait for longer than subjects are held: until the next one comes."""
    outcomes = people(clip([DARK] * 20, rate=0.5), Finds(detection(BOX)), look_behind_s=1.0)
    clear = [outcome for outcome in outcomes if outcome.verdict.state is State.CLEAR]

    assert len(clear) > 5
    assert not any(shows_subject(outcome) for outcome in clear)


def test_who_comes_in_is_hidden_although_the_clock_crawls() -> None:
    """By such a clock the last look is always fresh."""

    frames = clip([DARK] * 100 + [DARK + 3] * 100, rate=20)
    crawling = [replace(one, offset=min(one.offset, 4.0) + one.sequence * 1e-6) for one in frames]
    outcomes = people(crawling, Brighter(detection(BOX)), look_behind_s=1.0)

    assert outcomes[-1].verdict.state is State.CLEAR
    assert not any(shows_subject(outcome) for outcome in outcomes[100 + pipeline.MAX_UNSEEN :])


def test_no_more_frames_wait_than_a_fast_camera_sends_although_the_clock_crawls() -> None:
    came = 0

    def crawling() -> Iterator[Frame]:
        nonlocal came
        for came in range(1, 601):
            yield grey_frame(DARK, 4.0 + came * 1e-6, came)

    most = 0
    outcomes = pipeline.guard(
        crawling(), Bright(), RULES, look_behind_s=1.0, subjects={Subject.PEOPLE: Finds(detection(BOX))}
    )
    for left, _ in enumerate(outcomes, 1):
        most = max(most, came - left)

    assert left == 600
    assert most <= pipeline.MAX_HELD_PER_S + Pace().frames


Waits = Callable[[Iterator[tuple[Frame, Verdict]], pipeline.Room], Iterator[tuple[Frame, Verdict]]]


def held_for_a_look(ruled: Iterator[tuple[Frame, Verdict]], room: pipeline.Room) -> Iterator[tuple[Frame, Verdict]]:
    return pipeline.wait(ruled, 1.0, room=room)


def held_for_subjects(ruled: Iterator[tuple[Frame, Verdict]], room: pipeline.Room) -> Iterator[tuple[Frame, Verdict]]:
    left = pipeline.follow(ruled, {Subject.PEOPLE: Finds(detection(BOX))}, RULES.subjects, 1.0, room=room)
    return ((frame, verdict) for frame, verdict, _ in left)


@pytest.mark.parametrize("waits", [held_for_a_look, held_for_subjects])
@pytest.mark.parametrize(
    ("state", "opening"),
    [(State.CLEAR, None), (State.PROHIBITED, np.ones((2, 2), np.bool_))],
    ids=["a permitted view", "what is around an opening"],
)
def test_what_finds_no_room_to_wait_leaves_hidden(
    waits: Waits, state: State, opening: NDArray[np.bool_] | None
) -> None:
    came = 0

    def ruled() -> Iterator[tuple[Frame, Verdict]]:
        nonlocal came
        for came in range(1, 51):
            frame = grey_frame(DARK, came * 1e-6, came)
            yield frame, Verdict(state, Reason.MODEL, frame.offset, inherited=True, opening=opening)

    room, left, most = pipeline.Room(5 * grey_frame(DARK).nbytes), list[Verdict](), 0
    for frame, verdict in waits(ruled(), room):
        left.append(verdict)
        most = max(most, came - frame.sequence)

    assert most == 5
    assert len(left) == 50
    assert not any(verdict.state is State.CLEAR or verdict.opening is not None for verdict in left[:45])
    assert {verdict.reason for verdict in left[:45]} == {Reason.OVERLOAD if state is State.CLEAR else Reason.MODEL}
    assert all(verdict.state is state for verdict in left[45:])


@pytest.mark.parametrize("waits", [held_for_a_look, held_for_subjects])
def test_a_frame_larger_than_all_the_room_leaves_hidden_at_once(waits: Waits) -> None:
    frames = [grey_frame(DARK, n / 10, n) for n in range(5)]
    ruled = ((frame, Verdict(State.CLEAR, Reason.MODEL, frame.offset)) for frame in frames)

    left = list(waits(ruled, pipeline.Room(frames[0].nbytes - 1)))

    assert [frame.sequence for frame, _ in left] == list(range(5))
    assert {verdict.reason for _, verdict in left} == {Reason.OVERLOAD}


@pytest.mark.parametrize("lost", [False, True])
def test_what_waits_at_the_end_is_hidden_if_its_last_frame_is_private(lost: bool) -> None:
    """It changes too slowly for a look of its own, and no next one comes."""

    def source() -> Iterator[Frame]:
        yield from clip([DARK] * 90 + [LIGHT] * 9, rate=20)
        if lost:
            raise SourceLostError("gone")

    rules = replace(RULES, timing=replace(RULES.timing, scene_change=255.0))
    outcomes: list[pipeline.Outcome] = []
    with contextlib.suppress(SourceLostError):
        outcomes.extend(pipeline.guard(source(), Bright(), rules, look_behind_s=1.0))

    assert any(left_clear(outcome) for outcome in outcomes[:80])
    assert not any(left_clear(outcome) for outcome in outcomes[90:])


@pytest.mark.parametrize("pause_s", [2.5, 4.0, 60.0])
def test_what_waits_before_a_pause_is_hidden_if_its_last_frame_is_private(pause_s: float) -> None:
    """It changes too slowly for a look of its own, and when the next one comes it is gone."""
    rules = replace(RULES, timing=replace(RULES.timing, scene_change=255.0))
    sent = clip([DARK] * 90 + [LIGHT] * 9 + [DARK] * 100, rate=20)
    paused = [replace(one, offset=one.offset + pause_s * (one.sequence >= 99)) for one in sent]

    outcomes = list(pipeline.guard(paused, Bright(), rules, look_behind_s=2.0))

    assert [outcome.frame.offset for outcome in outcomes] == [frame.offset for frame in paused]
    assert any(left_clear(outcome) for outcome in outcomes[:80])
    assert not any(left_clear(outcome) for outcome in outcomes[90:99])
    assert left_clear(outcomes[-1])


def test_what_waits_before_a_pause_leaves_clear_if_its_last_frame_is() -> None:
    paused = [replace(one, offset=one.offset + 60 * (one.sequence >= 97)) for one in clip([DARK] * 200, rate=20)]
    outcomes = list(pipeline.guard(paused, Bright(), RULES, look_behind_s=2.0))

    assert all(left_clear(outcome) for outcome in outcomes[80:97])


def test_who_comes_in_at_the_end_is_hidden() -> None:
    """Between two looks of the detector, and no next one comes."""

    frames = clip([DARK] * 100 + [DARK + 3] * 3, rate=20)
    outcomes = people(frames, Brighter(detection(BOX)), with_subjects(detect_every_s=1.0), look_behind_s=1.0)

    assert len(outcomes) == 103
    assert not any(shows_subject(outcome) for outcome in outcomes[100:])


@pytest.mark.parametrize("frames", range(100, 108))
def test_who_comes_in_before_a_view_is_no_longer_clear_is_hidden(frames: int) -> None:
    """Between two looks of the detector, however lately the view itself was looked at."""

    sent = clip([DARK] * frames + [DARK + 3] * 3, rate=20)
    sent.append(grey_frame(DARK, (frames + 3) / 20, frames + 3, (24, 32)))  # another format: nobody knows what it shows
    outcomes = people(sent, Brighter(detection(BOX)), with_subjects(detect_every_s=1.0), look_behind_s=1.0)

    assert not any(shows_subject(outcome) for outcome in outcomes[frames : frames + 3])


@pytest.mark.parametrize(
    ("pause_s", "after"),
    [
        pytest.param(0.45, DARK + 3, id="the next look reaches back to some of them only"),
        pytest.param(0.6, DARK, id="gone after dropped frames"),
        pytest.param(4.0, DARK, id="gone when a recorder that waits for movement goes on"),
    ],
)
@pytest.mark.parametrize("frames", range(100, 108))
def test_who_comes_in_before_a_pause_is_hidden(frames: int, pause_s: float, after: int) -> None:
    """Between two looks of the detector, and the next one comes too late to hide anybody in hindsight."""

    sent = clip([DARK] * frames + [DARK + 3] * 5 + [after] * 20, rate=25)
    paused = [replace(one, offset=one.offset + pause_s * (one.sequence >= frames + 5)) for one in sent]
    outcomes = people(paused, Brighter(detection(BOX)), look_behind_s=2.0)

    assert outcomes[-1].verdict.state is State.CLEAR
    assert not any(shows_subject(outcome) for outcome in outcomes[frames : frames + 5])


def test_a_policy_that_hides_people_is_not_obeyed_without_a_detector() -> None:
    strict = replace(RULES, subjects=replace(RULES.subjects, hidden=frozenset({Subject.PEOPLE})))

    with pytest.raises(PolicyError, match="people"):
        pipeline.guard(iter(()), Bright(), strict)


@pytest.mark.parametrize("look_behind_s", [0.0, 1.0])
def test_a_source_that_breaks_off_loses_no_frame_with_people(look_behind_s: float) -> None:
    def breaking() -> Iterator[Frame]:
        yield from clip([DARK] * 10)
        raise SourceLostError("gone")

    got: list[int] = []
    outcomes = pipeline.guard(
        breaking(), Bright(), RULES, look_behind_s=look_behind_s, subjects={Subject.PEOPLE: Finds(detection(BOX))}
    )
    with pytest.raises(SourceLostError):
        got.extend(outcome.frame.sequence for outcome in outcomes)

    assert got == list(range(10))


@given(st.lists(st.integers(0, 255), max_size=24), st.lists(st.floats(-1, 2), min_size=24, max_size=24), st.booleans())
def test_whatever_the_clock_does_no_subject_leaves(levels: list[int], steps: list[float], wait: bool) -> None:
    now, frames = 0.0, []
    for frame, step in zip(clip(levels), steps, strict=False):
        now += step
        frames.append(Frame(frame.planes, frame.layout, now, frame.sequence, full_range=True))

    outcomes = people(frames, Finds(detection(BOX)), look_behind_s=float(wait))

    assert [outcome.frame.sequence for outcome in outcomes] == [frame.sequence for frame in frames]
    assert not any(shows_subject(outcome) for outcome in outcomes)


class SeesTwoParts(Finds):
    """Sees half a picture as large as it is."""

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        return size[0], size[1] // 2


def large_looks(scenes: Sequence[NDArray[np.uint8]], look_behind_s: float) -> int:
    """Count the looks at parts of the picture, five frames a second."""
    finder = SeesTwoParts()
    frames = [Frame((scene,), Layout.GRAY, n / 5, n, full_range=True) for n, scene in enumerate(scenes)]
    rules = replace(RULES.subjects, tiles=2, tiles_every_s=1.0, tiles_rest_s=3.0, detect_every_s=0.0)
    ruled = ((frame, Verdict(State.CLEAR, Reason.MODEL, frame.offset)) for frame in frames)
    assert len(list(pipeline.follow(ruled, {Subject.PEOPLE: finder}, rules, look_behind_s))) == len(frames)
    return finder.looks - len(frames)


def blocks(rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.kron(rng.integers(10, 90, (9, 16)), np.ones((8, 8))).astype(np.uint8)


@pytest.mark.parametrize(("look_behind_s", "every_s"), [(0.5, 1.0), (1.0, 1.0), (2.0, 2.0), (30.0, 3.0)])
def test_parts_of_a_picture_have_their_turns_within_the_time_that_frames_wait(
    look_behind_s: float, every_s: float
) -> None:
    """But no sooner than the policy asks, and no later than where nothing is new."""
    rng = np.random.default_rng(0)

    looks = large_looks([blocks(rng) for _ in range(300)], look_behind_s)

    assert looks == pytest.approx(2 * 60 / every_s, rel=0.1)


@pytest.mark.parametrize(("look_behind_s", "rest_s"), [(0.0, 1.0), (0.5, 1.0), (1.0, 1.5), (2.0, 3.0), (30.0, 3.0)])
def test_parts_that_show_nothing_new_wait_at_most_half_again_as_long_as_frames(
    look_behind_s: float, rest_s: float
) -> None:
    """But no less than those that do, and no longer than the policy says."""
    looks = large_looks([blocks(np.random.default_rng(0))] * 300, look_behind_s)

    assert looks == pytest.approx(2 * 60 / rest_s, rel=0.1)
