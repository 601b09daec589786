"""What must hold of every mask: outside unchanged, inside unreadable, input unmodified, edges and odd sizes reached."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy.frame import Frame, Layout
from privacy.masking import blank, effects, mask
from privacy.masking.coverage import cover
from privacy.plan import WHOLE, MaskPlan, Polygon
from privacy.policy import Effect, EffectKind
from tests.clips import random_frame

unit = st.floats(0, 1, allow_subnormal=False)
polygons = st.lists(st.tuples(unit, unit), min_size=3, max_size=6).map(lambda corners: Polygon(tuple(corners)))
sizes = st.tuples(st.integers(1, 33), st.integers(1, 33))
layouts = st.sampled_from(list(Layout))
effect_kinds = st.sampled_from(list(EffectKind))
strengths = st.floats(0.01, 1)

HALVED = {Layout.I420: (False, True, True), Layout.NV12: (False, True)}


def hidden(frame: Frame, plan: MaskPlan) -> list[NDArray[np.bool_]]:
    """For each plane, which samples the plan hides."""
    covered = cover([region.points for region in plan.regions], frame.size)
    return [covered.chroma if halved else covered.luma for halved in HALVED.get(frame.layout, (False,))]


@given(layouts, sizes, st.lists(polygons, max_size=3), effect_kinds, strengths)
def test_outside_is_bit_identical_and_the_input_is_not_touched(
    layout: Layout, size: tuple[int, int], regions: list[Polygon], kind: EffectKind, strength: float
) -> None:
    frame = random_frame(layout, size)
    before = [plane.copy() for plane in frame.planes]
    plan = MaskPlan(tuple(regions), Effect(kind, strength))
    masked = mask(frame, plan)

    for plane, shown, was, where in zip(frame.planes, masked.planes, before, hidden(frame, plan), strict=True):
        assert np.array_equal(was, plane)
        assert np.array_equal(was[~where], shown[~where])
        assert shown.shape == was.shape


@given(layouts, sizes, st.lists(polygons, min_size=1, max_size=3), st.booleans())
def test_solid_leaves_one_colour_inside(
    layout: Layout, size: tuple[int, int], regions: list[Polygon], full: bool
) -> None:
    frame = random_frame(layout, size, full_range=full)
    plan = MaskPlan(tuple(regions), Effect(EffectKind.SOLID))
    black = 0 if full or layout in (Layout.BGR, Layout.RGB) else 16

    for index, (shown, where) in enumerate(zip(mask(frame, plan).planes, hidden(frame, plan), strict=True)):
        assert (shown[where] == (black if index == 0 else 128)).all()


@given(layouts, sizes, st.lists(polygons, min_size=1, max_size=2), st.sampled_from(["pixelate", "blur"]), strengths)
def test_what_is_shown_of_a_hidden_part_does_not_depend_on_its_shape(
    layout: Layout, size: tuple[int, int], regions: list[Polygon], kind: str, strength: float
) -> None:
    """A region that moves over a still scene must not give a second, different view of the same pixels."""
    frame = random_frame(layout, size)
    effect = Effect(EffectKind(kind), strength)
    part, whole = MaskPlan(tuple(regions), effect), MaskPlan((WHOLE,), effect)
    shown, full = mask(frame, part).planes, mask(frame, whole).planes

    for mine, all_of_it, where in zip(shown, full, hidden(frame, part), strict=True):
        if kind == "pixelate":
            assert np.array_equal(all_of_it[where], mine[where])
        else:  # its box filter starts elsewhere, and rounds
            assert np.abs(all_of_it[where].astype(int) - mine[where]).max(initial=0) <= 1


@given(st.tuples(st.integers(1, 70), st.integers(1, 70)), st.integers(1, 40))
def test_no_cell_is_narrower_than_asked(size: tuple[int, int], side: int) -> None:
    """A cell of one row would show the row's means. Distinct values are counted, and the cells that can hold them."""
    plane = np.random.default_rng(1).integers(0, 255, size, np.uint8)
    out = plane.copy()
    effects.pixelate(plane, out, np.ones(size, np.bool_), (slice(0, size[0]), slice(0, size[1])), side)
    height, width = (max(1, length // side) for length in size)

    assert len(np.unique(out)) <= height * width
    for row in range(height):
        for column in range(width):
            last = slice(row * side, None if row == height - 1 else (row + 1) * side)
            across = slice(column * side, None if column == width - 1 else (column + 1) * side)
            assert int(plane[last, across].mean() + 0.5) == pytest.approx(int(out[last, across].max()), abs=1)
            assert np.ptp(out[last, across]) == 0


@pytest.mark.parametrize("kind", list(EffectKind))
@pytest.mark.parametrize("layout", list(Layout))
def test_detail_is_gone(kind: EffectKind, layout: Layout) -> None:
    """Noise of full contrast keeps at most a trace of it under the weakest effect that the policy allows."""
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


@given(sizes, strengths)
@settings(max_examples=30)
def test_luma_and_chroma_cells_coincide(size: tuple[int, int], strength: float) -> None:
    assert effects.side_of(strength, size) % 2 == 0
    assert effects.side_of(strength, size) >= strength * min(size)
