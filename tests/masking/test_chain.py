"""Frames that stay on a device are looked at and masked as they are on the CPU, batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.errors import MaskingError
from privacy.frame import Frame, Layout, thumbnail
from privacy.masking import mask
from privacy.plan import WHOLE, MaskPlan
from privacy.policy import Effect, EffectKind
from tests.clips import random_frame
from tests.masking.test_masks import upright

torch = pytest.importorskip("torch")

from privacy.masking.chain import Chain, Views  # noqa: E402 - needs torch
from privacy.masking.device import planes_of, staged  # noqa: E402 - needs torch
from privacy.masking.thumbnails import thumbnails  # noqa: E402 - needs torch
from tests.masking.test_tensors import DEVICES, SHAPES  # noqa: E402 - needs torch

SIZES = [(24, 32), (41, 41)]
KINDS = [(Layout.I420, (48, 64)), (Layout.NV12, (48, 64)), (Layout.BGR, (45, 63)), (Layout.GRAY, (90, 33))]
Plan = Callable[[int], MaskPlan]


def batches(count: int, each: int) -> list[list[Frame]]:
    """Cameras of several kinds, mixed."""
    numbers = range(count * each)
    frames = [random_frame(*KINDS[number % len(KINDS)], number) for number in numbers]
    return [frames[start : start + each] for start in range(0, len(frames), each)]


def plan_of(seed: int) -> MaskPlan:
    """Nothing, something in any effect, or everything."""
    regions = (WHOLE,) if seed % 5 == 4 else tuple(SHAPES[: seed % 5])
    return MaskPlan(regions, Effect(list(EffectKind)[seed % 3]))


def same(one: Frame, other: Frame) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True))


@pytest.mark.parametrize("device", DEVICES)
@given(
    st.sampled_from(list(Layout)),
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.booleans(),
)
@settings(max_examples=60)
def test_models_see_what_they_see_on_the_cpu(
    device: str, layout: Layout, size: tuple[int, int], wanted: tuple[int, int], full: bool
) -> None:
    frames = [random_frame(layout, size, seed, full_range=full) for seed in range(2)]
    images = staged(frames, pinned=False).to(device)
    small = thumbnails(planes_of(images, frames[0]), frames[0], wanted).cpu().numpy()
    want = np.stack([thumbnail(frame, wanted) for frame in frames])
    within = 1 if size[0] >= wanted[0] and size[1] >= wanted[1] else 2
    steps = 3 if layout in (Layout.I420, Layout.NV12, Layout.GRAY) else 1  # a colour adds up three roundings

    assert small.dtype == np.uint8
    assert np.abs(small.astype(int) - want).max() <= within * steps


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("count", "each"), [(0, 1), (1, 1), (1, 12), (2, 5), (7, 3)])
def test_every_batch_comes_back_masked_and_in_order(device: str, count: int, each: int) -> None:
    sent = batches(count, each)
    plans = iter(plan_of(seed) for seed in range(count * each))
    told: list[MaskPlan] = []

    def planner(frames: Sequence[Frame], _views: Views) -> list[MaskPlan]:
        told.extend(some := [next(plans) for _ in frames])
        return some

    found = list(Chain(device, SIZES).run(sent, planner))

    assert [len(batch) for batch in found] == [each] * count
    for frame, plan, shown in zip(chain(*sent), told, chain(*found), strict=True):
        assert (shown.offset, shown.sequence, shown.layout) == (frame.offset, frame.sequence, frame.layout)
        assert same(mask(frame, plan), shown)


@pytest.mark.parametrize("device", DEVICES)
def test_the_planner_sees_each_frame_of_a_mixed_batch_in_its_place(device: str) -> None:
    (sent,) = batches(1, 8)
    seen: list[Views] = []

    def planner(frames: Sequence[Frame], views: Views) -> list[MaskPlan]:
        seen.append({size: pictures.cpu() for size, pictures in views.items()})
        return [plan_of(0)] * len(frames)

    list(Chain(device, SIZES).run([sent], planner))

    assert [set(views) for views in seen] == [set(SIZES)]
    for size, pictures in seen[0].items():
        want = np.stack([thumbnail(frame, size) for frame in sent]).astype(int)
        assert pictures.shape == want.shape
        assert np.abs(pictures.numpy() - want).mean() < 1


def test_the_next_batch_goes_up_before_one_is_looked_at() -> None:
    order: list[str] = []

    def sending() -> Iterator[list[Frame]]:
        for number, batch in enumerate(batches(3, 2)):
            order.append(f"up {number}")
            yield batch

    def planner(frames: Sequence[Frame], _views: Views) -> list[MaskPlan]:
        order.append("look")
        return [plan_of(1)] * len(frames)

    list(Chain("cpu", SIZES).run(sending(), planner))

    assert order == ["up 0", "up 1", "look", "up 2", "look", "look"]


def test_a_planner_that_fails_lets_nothing_of_its_batch_out() -> None:
    sent = batches(5, 2)
    left: list[list[Frame]] = []

    def planner(frames: Sequence[Frame], _views: Views) -> list[MaskPlan]:
        if frames[0].planes[0] is sent[2][0].planes[0]:
            raise OSError("gone")
        return [MaskPlan((upright(0, 0, 1, 1),), Effect())] * len(frames)

    with pytest.raises(OSError, match="gone"):
        left.extend(iter(Chain("cpu", SIZES).run(sent, planner)))

    assert len(left) <= 2


def test_a_frame_without_a_plan_does_not_leave() -> None:
    with pytest.raises(MaskingError):
        list(Chain("cpu", SIZES).run(batches(1, 3), lambda _frames, _views: [plan_of(1)] * 2))
