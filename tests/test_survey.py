"""What detectors are shown, when, and what becomes of things that several views show."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy import policy
from privacy.errors import EvidenceError
from privacy.frame import Frame, Layout, plane_shapes
from privacy.models.detector import Box, Detection
from privacy.policy import MAX_TILES, Subject, Subjects
from privacy.survey import MAX_SUBJECTS, OVERLAP, WHOLE_VIEW, Survey, View, heads, merged, sharpest, tiles
from tests.toys import detection

RULES = policy.load().subjects
SIZE = (1080, 1920)
sides = st.integers(1, 8192)
sizes = st.tuples(sides, sides)


class Spots:
    """Finds what is white in a black picture, and sees no more than 100 pixels a side."""

    name = "spots.test"
    labels = ("person", "face")

    def __init__(self, label: str = "person", side: int = 100, score: float = 0.9) -> None:
        self.label, self.side, self.score = label, side, score
        self.looks = 0

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        return min(size[0], self.side), min(size[1], self.side)

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        self.looks += 1
        rows, columns = np.nonzero(image[..., 1] > 200)
        if not rows.size:
            return ()
        height, width = image.shape[:2]
        left, right = columns.min() / width, (columns.max() + 1) / width
        return (detection((left, rows.min() / height, right, (rows.max() + 1) / height), self.label, self.score),)

    def detect_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Detection, ...]]:
        return [self.detect(image) for image in images]


class OnlyInTiles(Spots):
    """Sees nothing in the whole picture, which is the first it is shown."""

    def __init__(self) -> None:
        super().__init__("face")

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        found = super().detect(image)
        return () if self.looks == 1 else found


def black(offset: float = 0.0, size: tuple[int, int] = (400, 600), layout: Layout = Layout.I420) -> Frame:
    planes = [np.full(shape, 128, np.uint8) for shape in plane_shapes(layout, *size)]
    if layout is not Layout.NV12:
        planes[0][...] = 0
    planes[0][...] = 0
    return Frame(tuple(planes), layout, offset, full_range=True)


def with_spot(box: Box, offset: float = 0.0, **kinds: object) -> Frame:
    frame = black(offset, **kinds)  # type: ignore[arg-type]
    height, width = frame.size
    rows, columns = (
        slice(round(box[1] * height), round(box[3] * height)),
        slice(round(box[0] * width), round(box[2] * width)),
    )
    frame.planes[0][rows, columns] = 255
    return frame


def covers(outer: Box, inner: Box, slack: float = 0.01) -> bool:
    return (
        outer[0] <= inner[0] + slack
        and outer[1] <= inner[1] + slack
        and inner[2] <= outer[2] + slack
        and inner[3] <= outer[3] + slack
    )


@given(sizes, st.tuples(st.integers(1, 1280), st.integers(1, 1280)), st.integers(0, MAX_TILES))
def test_tiles_cover_the_picture_and_are_no_more_than_asked(
    size: tuple[int, int], least: tuple[int, int], most: int
) -> None:
    views = tiles(size, least, most)
    xs = sorted({at for view in views for at in view.box[::2]})
    ys = sorted({at for view in views for at in view.box[1::2]})
    middles = [((x0 + x1) / 2, (y0 + y1) / 2) for x0, x1 in pairwise(xs) for y0, y1 in pairwise(ys)]

    assert len(views) <= most
    assert not views or (xs[0], xs[-1], ys[0], ys[-1]) == (0, 1, 0, 1)
    assert all(any(v.box[0] < x < v.box[2] and v.box[1] < y < v.box[3] for v in views) for x, y in middles)


def test_the_shipped_tiles_show_1080p_at_more_than_half_its_size_to_a_detector_of_416_pixels() -> None:
    views = tiles(SIZE, (416, 416), RULES.tiles)
    width, height = ((view[2] - view[0], view[3] - view[1]) for view in [views[0].box]).__next__()

    assert len(views) == 6
    assert 416 / (width * SIZE[1]) > 0.5
    assert 416 / (height * SIZE[0]) > 0.5


@pytest.mark.parametrize("size", [(416, 416), (100, 200), (1, 1)])
def test_a_picture_that_the_detector_sees_whole_has_no_tiles(size: tuple[int, int]) -> None:
    assert tiles(size, (416, 416), 6) == ()


@given(
    sizes.filter(lambda size: size[0] * size[1] < 1_000_000),
    st.sampled_from(list(Layout)),
    st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.05, 1), st.floats(0.05, 1)),
)
def test_a_view_is_a_frame_of_the_same_pixels(
    size: tuple[int, int], layout: Layout, at: tuple[float, float, float, float]
) -> None:
    frame = black(size=size, layout=layout)
    view = View((at[0], at[1], min(1, at[0] + at[2]), min(1, at[1] + at[3])))
    part = view.of(frame)

    assert part.planes[0].base is not None
    assert part.size[0] >= (view.box[3] - view.box[1]) * size[0] - 1
    assert part.size[1] >= (view.box[2] - view.box[0]) * size[1] - 1


@given(sizes, st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)))
def test_what_fills_a_view_is_placed_on_it(size: tuple[int, int], corner: tuple[float, float]) -> None:
    view = View((*corner, min(1, corner[0] + 0.3), min(1, corner[1] + 0.3)))
    placed = view.placed(detection((0, 0, 1, 1)), size)

    assert covers(placed.box, view.box, 1e-9)


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize(
    "box",
    [
        pytest.param((0.49, 0.49, 0.51, 0.52), id="across the border of four tiles"),
        pytest.param((0.0, 0.0, 0.02, 0.02), id="in the first corner"),
        pytest.param((0.98, 0.97, 1.0, 1.0), id="in the last corner"),
        pytest.param((0.3, 0.1, 0.33, 0.15), id="anywhere"),
    ],
)
def test_what_is_far_away_is_found_at_the_first_look(box: Box, layout: Layout) -> None:
    """Once, and where it is: at first, every tile has its turn."""
    found = Survey({Subject.PEOPLE: Spots()}, RULES).find(with_spot(box, layout=layout))

    assert len(found) == 1
    assert covers(found[0].box, box)
    assert covers(box, found[0].box)


def scenery(size: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    """Blobs of about six cells."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (size[0] // 24 + 2, size[1] // 24 + 2), np.uint8)
    return np.kron(coarse, np.ones((24, 24), np.uint8))[: size[0], : size[1]]


def grey(luma: NDArray[np.uint8], offset: float) -> Frame:
    return Frame((np.ascontiguousarray(luma),), Layout.GRAY, offset, full_range=True)


def tile_looks(frames: Sequence[Frame], rules: Subjects) -> list[int]:
    """How often a tile was looked at in each frame; the whole picture is in every one."""
    finder = Spots()
    survey, counts = Survey({Subject.PEOPLE: finder}, rules), []
    for frame in frames:
        before = finder.looks
        survey.find(frame)
        counts.append(finder.looks - before - 1)
    return counts


TURNS = replace(RULES, tiles=6, tiles_every_s=1.0, tiles_rest_s=3.0, carry_s=3.5)


def test_every_tile_has_its_turn_in_time_while_all_changes_and_no_more_than_that() -> None:
    counts = tile_looks([grey(scenery((400, 600), n), n * 0.2) for n in range(51)], TURNS)

    assert counts[0] == 6
    assert all(sum(counts[n : n + 5]) >= 6 for n in range(1, 46))
    assert sum(counts[1:]) <= 6 * 10 + 2
    assert max(counts[1:]) <= 2


def test_what_does_not_change_has_its_turns_seldom() -> None:
    counts = tile_looks([grey(scenery((400, 600)), n * 0.2) for n in range(1 + 150)], TURNS)

    assert sum(counts[1:]) <= 6 * 10 + 2
    assert all(sum(counts[n : n + 15]) >= 6 for n in range(1, 136))


@pytest.mark.parametrize("turned", [False, True], ids=["to the right", "to the left"])
def test_of_a_pan_only_what_comes_in_is_looked_at_in_time(turned: bool) -> None:
    """Three columns of tiles, of which the last, or the first, shows something new."""
    strip = scenery((400, 600 + 20 * 60))
    frames = [grey(strip[:, 20 * n : 20 * n + 600][:, :: -1 if turned else 1], n * 0.2) for n in range(51)]
    counts = tile_looks(frames, TURNS)

    assert all(sum(counts[n : n + 5]) >= 2 for n in range(1, 46))
    assert sum(counts[1:]) <= 45  # of 60: two tiles each second, the others each three, and what crosses their borders


@pytest.mark.parametrize("speed", [0, 20], ids=["a fixed camera", "a pan"])
@pytest.mark.parametrize("came", range(8, 14))
def test_who_comes_from_behind_something_is_looked_at_large_within_a_second(speed: int, came: int) -> None:
    """As small as two cells, in the middle of the picture, at any moment between two turns."""
    strip = scenery((400, 600 + speed * 30)) // 2
    survey, found = Survey({Subject.PEOPLE: Spots()}, TURNS), []
    for n in range(came + 12):
        luma = strip[:, speed * n : speed * n + 600].copy()
        luma[200:208, 300:306] = 255 if n >= came else 0
        found.append(bool(survey.find(grey(luma, n * 0.2))))

    assert not any(found[:came])
    assert any(found[came : came + 6])


@pytest.mark.parametrize("back", [False, True], ids=["to the right", "to the left"])
@pytest.mark.parametrize("at", range(700, 800, 20))
def test_who_comes_in_with_a_pan_is_looked_at_large_within_a_second(*, back: bool, at: int) -> None:
    strip = scenery((400, 1400)) // 2
    strip[200:208, at : at + 6] = 255
    survey = Survey({Subject.PEOPLE: Spots()}, TURNS)
    found = [
        bool(survey.find(grey(strip[:, 20 * n : 20 * n + 600][:, :: -1 if back else 1], n * 0.2))) for n in range(25)
    ]
    came = next(n for n in range(25) if 20 * n + 600 >= at + 6)

    assert any(found[came : came + 6])


def test_a_jump_of_the_camera_makes_everything_new() -> None:
    frames = [grey(scenery((400, 600), 0 if n < 10 else 1), n * 0.2) for n in range(16)]

    assert sum(tile_looks(frames, TURNS)[10:16]) >= 6


def test_a_look_at_the_whole_picture_only_is_what_no_tiles_ask_for() -> None:
    finder = Spots()
    Survey({Subject.PEOPLE: finder}, replace(RULES, tiles=0)).find(black())

    assert finder.looks == 1


def test_the_work_does_not_grow_with_the_picture() -> None:
    finder = Spots()
    Survey({Subject.PEOPLE: finder}, RULES).find(black(size=(4320, 7680)))

    assert finder.looks == 1 + RULES.tiles


@pytest.mark.parametrize("good", range(7))
def test_tiles_of_a_look_that_failed_are_looked_at_by_the_next_one(good: int) -> None:
    class FailsOnce(Spots):
        def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
            if self.looks == good:
                self.looks += 1
                raise EvidenceError("no answer")
            found = super().detect(image)
            return tuple(one for one in found if one.box[2] - one.box[0] > 0.03)  # nothing smaller

    survey = Survey({Subject.PEOPLE: FailsOnce()}, RULES)
    far_away = (0.49, 0.49, 0.51, 0.52)
    with contextlib.suppress(EvidenceError):
        survey.find(with_spot(far_away))

    assert len(survey.find(with_spot(far_away))) == 1


@pytest.mark.parametrize("steps", [[0.0] * 60, [-0.1] * 10])
def test_tiles_have_their_turns_although_the_clock_does_not_go_on(steps: list[float]) -> None:
    finder = Spots()
    survey = Survey({Subject.PEOPLE: finder}, RULES)
    for offset in np.cumsum([100.0, *steps]).tolist():
        survey.find(black(offset))

    assert finder.looks >= 7 + len(steps) + 5


def test_a_frame_that_changes_its_size_is_looked_at_all_the_same() -> None:
    survey = Survey({Subject.PEOPLE: Spots()}, RULES)
    survey.find(black(0.0, size=(4000, 600)))
    small = [survey.find(with_spot((0.4, 0.4, 0.6, 0.6), 1 + 0.2 * k, size=(60, 80))) for k in range(20)]

    assert all(len(found) == 1 for found in small)


def test_the_head_of_a_person_without_a_face_is_found() -> None:
    faces, people = Spots("face"), Spots("person")
    frame = with_spot((0.4, 0.2, 0.5, 0.8))
    alone = Survey({Subject.HEADS: people}, RULES).find(frame)
    both = Survey({Subject.FACES: faces, Subject.HEADS: people}, RULES).find(frame)

    assert [one.label for one in alone] == ["head"]
    assert [one.label for one in both] == ["face", "head"]  # a face as large as a person is in nobody's head


@pytest.mark.parametrize(
    ("person", "share"),
    [
        pytest.param((0.4, 0.2, 0.5, 0.8), 0.3, id="who stands"),
        pytest.param((0.4, 0.2, 0.6, 0.5), 1.0, id="who is seen from the chest up"),
        pytest.param((0.1, 0.5, 0.9, 0.7), 1.0, id="who lies"),
    ],
)
def test_a_head_is_at_the_top_of_a_person(person: Box, share: float) -> None:
    (head,) = heads([detection(person)], (0.2,) * 3, SIZE)
    height = person[3] - person[1]

    assert (person[0], person[2]) == head.box[::2]
    assert head.box[1] < person[1]
    assert share - 0.06 < (head.box[3] - person[1]) / height <= share + 0.01


def test_a_person_whose_face_was_found_has_no_other_head() -> None:
    person, face = detection((0.4, 0.2, 0.5, 0.8)), detection((0.44, 0.22, 0.46, 0.27), "face")

    assert heads([person, face], (0.2,) * 3, SIZE) == []


@pytest.mark.parametrize(
    ("width", "score", "has_head"),
    [
        pytest.param(0.02, 0.2, True, id="so far away that no face can be told"),
        pytest.param(0.05, 0.2, False, id="nearer, and hardly a person"),
        pytest.param(0.05, 0.4, True, id="nearer, and likely a person"),
        pytest.param(0.2, 0.4, False, id="so near that a face would have been found"),
        pytest.param(0.2, 0.6, True, id="turned away"),
    ],
)
def test_the_wider_a_person_without_a_face_the_surer_it_must_be(width: float, score: float, has_head: bool) -> None:
    found = heads([detection((0.3, 0.2, 0.3 + width, 0.8), score=score)], (0.15, 0.3, 0.5), SIZE)

    assert bool(found) == has_head


def test_a_wide_person_whom_no_face_detector_looks_at_needs_no_more_than_others() -> None:
    frame = with_spot((0.2, 0.2, 0.5, 0.8))

    assert [one.label for one in Survey({Subject.HEADS: Spots(score=0.2)}, RULES).find(frame)] == ["head"]
    assert Survey({Subject.FACES: Spots("face", score=0.0), Subject.HEADS: Spots(score=0.2)}, RULES).find(frame) == []


def test_a_large_face_is_taken_from_the_whole_picture_only() -> None:
    rows = [slice(0.2, 0.7), slice(0.2, 0.25)]
    found = [Survey({Subject.FACES: OnlyInTiles()}, RULES).find(with_spot((0.3, s.start, 0.33, s.stop))) for s in rows]

    assert [len(each) for each in found] == [0, 1]


def test_a_chest_that_a_tile_shows_has_no_head() -> None:
    """Whoever fills the picture is seen whole at one look, and at others in tiles, from the chest or the knees down."""
    survey, box = Survey({Subject.HEADS: Spots()}, RULES), (0.3, 0.1, 0.7, 1.0)
    found = [one for n in range(20) for one in survey.find(with_spot(box, n * RULES.tiles_every_s / 10))]

    assert found
    assert all(one.box[1] < box[1] for one in found)


def test_a_person_of_whom_a_tile_shows_the_legs_is_one_person() -> None:
    lower = View((0.0, 0.5, 1.0, 1.0))
    whole, legs = detection((0.4, 0.2, 0.5, 0.8), score=0.5), detection((0.4, 0.5, 0.5, 0.8), score=0.9)

    assert merged([(WHOLE_VIEW, [whole]), (lower, [legs])]) == [whole]


def test_what_the_border_of_a_tile_cuts_is_not_dropped_if_nothing_else_shows_it() -> None:
    cut = detection((0.1, 0.5, 0.9, 0.8))

    assert merged([(View((0.0, 0.5, 1.0, 1.0)), [cut])]) == [cut]


def test_two_who_stand_side_by_side_stay_two() -> None:
    two = [detection((0.1, 0.1, 0.3, 0.9)), detection((0.25, 0.1, 0.45, 0.9))]

    assert len(merged([(WHOLE_VIEW, [one]) for one in two])) == 2


CLOSE = [detection((0.1, 0.1, 0.3, 0.9), score=0.8), detection((0.15, 0.1, 0.35, 0.9), score=0.6)]


def test_two_whom_one_view_tells_apart_stay_two_however_close() -> None:
    assert merged([(WHOLE_VIEW, CLOSE)]) == CLOSE


def test_one_of_them_whom_a_tile_shows_as_well_does_not_stand_for_both() -> None:
    tile = View((0.0, 0.0, 0.6, 1.0))
    surer = detection((0.1, 0.1, 0.3, 0.9), score=0.9)

    assert merged([(WHOLE_VIEW, CLOSE), (tile, [surer])]) == [surer, CLOSE[1]]


def test_a_child_whom_a_tile_shows_as_well_does_not_stand_for_the_adult_behind() -> None:
    adult, child = detection((0.1, 0.1, 0.4, 0.9), score=0.8), detection((0.12, 0.3, 0.38, 0.88), score=0.7)
    surer = detection((0.12, 0.29, 0.39, 0.89), score=0.9)

    assert merged([(WHOLE_VIEW, [adult, child]), (View((0.0, 0.0, 0.6, 1.0)), [surer])]) == [surer, adult]


def test_what_a_neighbour_shows_whole_is_taken_from_there() -> None:
    """What is cut has its head in the wrong place."""
    view = View((0.0, 0.5, 0.5, 1.0))
    share = (view.box[3] - view.box[1]) * OVERLAP

    assert view.shows_elsewhere((0.1, 0.5, 0.2, 0.5 + 0.5 * share))
    assert not view.shows_elsewhere((0.1, 0.5, 0.2, 0.5 + 2 * share))
    assert not view.shows_elsewhere((0.1, 0.95, 0.2, 1.0))  # the picture ends there


class Noise(Spots):
    """Sees things everywhere."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        return tuple(detection((k / 1000, 0.0, k / 1000 + 1e-4, 0.1)) for k in range(MAX_SUBJECTS + 1))


def test_more_than_any_picture_shows_is_no_evidence() -> None:
    with pytest.raises(EvidenceError):
        Survey({Subject.PEOPLE: Noise()}, RULES).find(black())


def test_pictures_are_read_large_enough_for_the_tiles() -> None:
    assert sharpest(Spots(), replace(RULES, tiles=0), 4096) == (100, 100)
    assert min(sharpest(Spots(), replace(RULES, tiles=6), 4096)) > 150
