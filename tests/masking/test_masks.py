"""What must hold of every mask: outside unchanged, inside unreadable, input unmodified, edges and odd sizes reached."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy.frame import Frame, Layout
from privacy.masking import blank, effects, halved_planes, mask
from privacy.masking.coverage import Part, cover, painted
from privacy.plan import WHOLE, Bitmap, MaskPlan, Polygon, Region
from privacy.policy import Effect, EffectKind
from tests.clips import random_frame
from tests.masking import slowly

unit = st.floats(0, 1, allow_subnormal=False)
sizes = st.tuples(st.integers(1, 33), st.integers(1, 33))
layouts = st.sampled_from(list(Layout))
effect_kinds = st.sampled_from(list(EffectKind))
strengths = st.floats(0.01, 1)
polygons = st.lists(st.tuples(unit, unit), min_size=3, max_size=6).map(lambda corners: Polygon(tuple(corners)))
rectangles = st.tuples(unit, unit, unit, unit).map(lambda at: upright(*at))
bitmaps = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1)).map(
    lambda drawn: Bitmap(np.random.default_rng(drawn[2]).random(drawn[:2]) < 0.3)
)
regions = st.one_of(polygons, rectangles, bitmaps, st.just(WHOLE))

HALVED = {Layout.I420: (False, True, True), Layout.NV12: (False, True)}


def upright(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return Polygon(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def hidden(frame: Frame, plan: MaskPlan) -> list[NDArray[np.bool_]]:
    """For each plane, which samples the plan hides."""
    parts = [part for part in (cover(region, frame.size) for region in plan.regions) if part is not None]
    return [
        painted([part.halved() for part in parts] if halved else parts, plane.shape[:2])
        for plane, halved in zip(frame.planes, HALVED.get(frame.layout, (False,)), strict=True)
    ]


@given(layouts, sizes, st.lists(regions, max_size=3), effect_kinds, strengths)
def test_outside_is_bit_identical_and_the_input_is_not_touched(
    layout: Layout, size: tuple[int, int], many: list[Region], kind: EffectKind, strength: float
) -> None:
    frame = random_frame(layout, size)
    before = [plane.copy() for plane in frame.planes]
    plan = MaskPlan(tuple(many), Effect(kind, strength))
    masked = mask(frame, plan)

    for plane, shown, was, where in zip(frame.planes, masked.planes, before, hidden(frame, plan), strict=True):
        assert np.array_equal(was, plane)
        assert np.array_equal(was[~where], shown[~where])
        assert shown.shape == was.shape


@given(layouts, sizes, st.lists(regions, max_size=3), st.builds(Effect, effect_kinds, strengths), st.integers(0, 255))
def test_memory_that_is_written_into_holds_the_same_whatever_was_there(
    layout: Layout, size: tuple[int, int], many: list[Region], effect: Effect, before: int
) -> None:
    frame, plan = random_frame(layout, size), MaskPlan(tuple(many), effect)
    into = np.full(sum(plane.size for plane in frame.planes), before, np.uint8)
    masked = mask(frame, plan, into)

    for shown, plane in zip(masked.planes, mask(frame, plan).planes, strict=True):
        assert np.array_equal(shown, plane)
    if any(part.any() for part in hidden(frame, plan)) and not (
        effect.kind is EffectKind.SOLID and plan.hides_everything
    ):
        assert np.array_equal(into, np.concatenate([plane.ravel() for plane in masked.planes]))


def test_memory_of_another_size_is_refused() -> None:
    plan = MaskPlan((Polygon(((0, 0), (1, 0), (1, 0.5))),), Effect())
    with pytest.raises(ValueError, match="takes"):
        mask(random_frame(Layout.GRAY, (4, 4)), plan, np.empty(17, np.uint8))


@given(layouts, sizes, st.lists(regions, min_size=1, max_size=3), st.booleans())
def test_solid_leaves_one_colour_inside(layout: Layout, size: tuple[int, int], many: list[Region], full: bool) -> None:
    frame = random_frame(layout, size, full_range=full)
    plan = MaskPlan(tuple(many), Effect(EffectKind.SOLID))
    black = 0 if full or layout in (Layout.BGR, Layout.RGB) else 16

    for index, (shown, where) in enumerate(zip(mask(frame, plan).planes, hidden(frame, plan), strict=True)):
        assert (shown[where] == (black if index == 0 else 128)).all()


@given(layouts, sizes, st.lists(regions, min_size=1, max_size=3), st.sampled_from(["pixelate", "blur"]), strengths)
def test_a_hidden_part_shows_what_the_whole_frame_would_and_exactly_what_is_stated(
    layout: Layout, size: tuple[int, int], many: list[Region], kind: str, strength: float
) -> None:
    """A region that moves over a still scene must not give a second, different view of the same pixels."""
    frame = random_frame(layout, size)
    plan = MaskPlan(tuple(many), Effect(EffectKind(kind), strength))
    side, grain = effects.side_of(strength, size), effects.grain_of(strength, size)
    slow = {"pixelate": slowly.pixelated, "blur": slowly.blurred}[kind]
    planes = zip(frame.planes, mask(frame, plan).planes, hidden(frame, plan), halved_planes(layout), strict=True)

    for before, after, where, halved in planes:
        scale = 2 if halved else 1
        want = slow(before, side // scale, grain // scale)
        assert np.array_equal(want[where], after[where])


@pytest.mark.parametrize("kind", ["pixelate", "blur"])
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize(
    ("size", "strength"),
    [
        pytest.param((15, 23), 0.5, id="one cell more in chroma than in luma, down and across"),
        pytest.param((15, 32), 0.5, id="one cell more down only"),
        pytest.param((135, 203), 0.5, id="the last grains are there in part"),
        pytest.param((129, 131), 1.0, id="the last grains hold one pixel"),
        pytest.param((128, 256), 1.0, id="every grain is whole"),
        pytest.param((10, 300), 1.0, id="lower than a grain is elsewhere"),
    ],
)
def test_what_lies_at_the_end_of_a_plane_is_in_the_last_grains_and_cells(
    kind: str, layout: Layout, size: tuple[int, int], strength: float
) -> None:
    frame, effect = random_frame(layout, size), Effect(EffectKind(kind), strength)
    side, grain = effects.side_of(strength, size), effects.grain_of(strength, size)
    slow = {"pixelate": slowly.pixelated, "blur": slowly.blurred}[kind]
    full, corner = (mask(frame, MaskPlan((region,), effect)) for region in (WHOLE, upright(0.7, 0.6, 1.0, 1.0)))
    seen = hidden(frame, MaskPlan((upright(0.7, 0.6, 1.0, 1.0),), effect))

    for before, all_of_it, some, where, halved in zip(
        frame.planes, full.planes, corner.planes, seen, halved_planes(layout), strict=True
    ):
        scale = 2 if halved else 1
        want = slow(before, side // scale, grain // scale)
        assert np.array_equal(want, all_of_it)
        assert np.array_equal(want[where], some[where])


@pytest.mark.parametrize("kind", ["pixelate", "blur"])
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("count", [2, 30])
def test_few_parts_of_a_large_frame_show_what_many_would(kind: str, layout: Layout, count: int) -> None:
    """Few are averaged one by one, many together; the grains must be the same."""
    frame, rng = random_frame(layout, (720, 1281)), np.random.default_rng(count)
    corners = rng.uniform(0, 0.95, (count, 2)) if count > 2 else np.array([[0, 0], [0.96, 0.96]])
    boxes = tuple(upright(x, y, x + 0.04, y + 0.04) for x, y in corners.tolist())
    effect = Effect(EffectKind(kind), 0.125)
    plan = MaskPlan(boxes, effect)
    some, full = mask(frame, plan).planes, mask(frame, MaskPlan((WHOLE,), effect)).planes

    for mine, all_of_it, where in zip(some, full, hidden(frame, plan), strict=True):
        assert np.array_equal(all_of_it[where], mine[where])


@given(st.tuples(st.integers(1, 70), st.integers(1, 70)), st.integers(1, 8), st.sampled_from([1, 2, 4]))
def test_no_cell_is_narrower_than_asked(size: tuple[int, int], grains: int, grain: int) -> None:
    """A cell of one row would show the row's means."""
    plane, side = np.random.default_rng(1).integers(0, 255, size, np.uint8), grains * grain
    out = plane.copy()
    effects.pixelate([effects.Layer(plane, out)], [Part((slice(0, size[0]), slice(0, size[1])))], side, grain)

    assert np.array_equal(slowly.pixelated(plane, side, grain), out)
    assert len(np.unique(out)) <= np.prod([max(1, length // side) for length in size])


@pytest.mark.parametrize("kind", list(EffectKind))
@pytest.mark.parametrize("layout", list(Layout))
def test_detail_is_gone(kind: EffectKind, layout: Layout) -> None:
    """Noise of full contrast keeps at most a trace of it under an effect much weaker than policies allow."""
    frame = random_frame(layout, (201, 303))
    shown = mask(frame, MaskPlan((WHOLE,), Effect(kind, 0.125)))

    for before, after in zip(frame.planes, shown.planes, strict=True):
        assert after.std() < 0.12 * before.std()
        steps = np.abs(np.diff(after.astype(int), axis=0)) > 3
        assert steps.mean() < 0.08


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 31), (33, 64)])
def test_a_region_at_the_far_corner_reaches_the_last_row_and_column(layout: Layout, size: tuple[int, int]) -> None:
    frame = random_frame(layout, size)
    corner = Polygon(((0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1)))
    masked = mask(frame, MaskPlan((corner,), Effect(EffectKind.SOLID)))

    for shown, black in zip(masked.planes, blank(frame).planes, strict=True):
        assert np.array_equal(black[-1, -1], shown[-1, -1])


def test_nothing_to_hide_gives_the_frame_itself() -> None:
    frame = random_frame(Layout.I420, (48, 64))

    assert frame is mask(frame, MaskPlan((), Effect()))


def test_a_hidden_frame_costs_no_memory_and_cannot_be_scribbled_on() -> None:
    one, other = (blank(random_frame(Layout.I420, (48, 64), seed)) for seed in (1, 2))

    assert all(mine is yours for mine, yours in zip(one.planes, other.planes, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        one.planes[0][0, 0] = 1


def test_strided_and_read_only_planes_are_masked_like_any_other() -> None:
    """Decoders pad their rows."""
    wide = np.random.default_rng(3).integers(0, 255, (48, 128), np.uint8)
    chroma = np.random.default_rng(4).integers(0, 255, (2, 24, 64), np.uint8)
    planes = (wide[:, :66], chroma[0][:, :33], chroma[1][:, :33])
    packed = tuple(plane.copy() for plane in planes)
    for plane in planes:
        plane.flags.writeable = False
    region = Polygon(((0.1, 0.2), (0.9, 0.3), (0.4, 0.95)))
    for kind in EffectKind:
        plan = MaskPlan((region,), Effect(kind, 0.2))
        views, copies = (mask(Frame(given_, Layout.I420, 0.0), plan) for given_ in (planes, packed))
        assert all(np.array_equal(a, b) for a, b in zip(views.planes, copies.planes, strict=True))


@given(st.tuples(st.integers(1, 16384), st.integers(1, 16384)), st.floats(0, 1, exclude_min=True))
def test_luma_and_chroma_cells_coincide_and_are_as_large_as_asked(size: tuple[int, int], strength: float) -> None:
    side, grain = effects.side_of(strength, size), effects.grain_of(strength, size)

    assert side >= strength * min(size)
    assert side % grain == 0
    assert grain in {2, 4, 8, 16, 32, effects.MAX_GRAIN}
