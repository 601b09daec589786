"""Torch gives the same bytes as NumPy, on the CPU and on a GPU where there is one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.errors import DeviceError
from privacy.frame import Layout
from privacy.masking import cover_all, mask
from privacy.masking.coverage import painted
from privacy.plan import WHOLE, Bitmap, MaskPlan, Polygon, Region
from privacy.policy import Effect, EffectKind
from tests.clips import random_frame
from tests.masking.test_coverage import polygons as corner_lists
from tests.masking.test_masks import effect_kinds, layouts, regions, sizes, strengths, upright

torch = pytest.importorskip("torch")

from privacy.masking import device as on_device  # noqa: E402 - needs torch
from privacy.masking import tensors  # noqa: E402 - needs torch
from privacy.masking.device import DeviceMasker  # noqa: E402 - needs torch

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")),
]
SHAPES: list[Region] = [
    upright(0.1, 0.2, 0.4, 0.9),
    Polygon(((0.5, 0.1), (0.95, 0.3), (0.6, 0.8))),
    Bitmap(np.eye(5, dtype=np.bool_)),
    upright(0.9, 0.9, 1.0, 1.0),
]


@pytest.mark.parametrize("device", DEVICES)
@given(layouts, sizes, st.lists(st.lists(regions, max_size=3), min_size=1, max_size=4), effect_kinds, strengths)
@settings(max_examples=60)
def test_a_device_masks_bit_for_bit_as_the_cpu_does(  # noqa: PLR0917 - drawn
    device: str, layout: Layout, size: tuple[int, int], many: list[list[Region]], kind: EffectKind, strength: float
) -> None:
    frames = [random_frame(layout, size, seed) for seed in range(len(many))]
    before = [plane.copy() for frame in frames for plane in frame.planes]
    plans = [MaskPlan(tuple(some), Effect(kind, strength)) for some in many]

    for frame, plan, shown in zip(frames, plans, DeviceMasker(device).mask_batch(frames, plans), strict=True):
        assert shown.offset == frame.offset
        assert all(np.array_equal(a, b) for a, b in zip(mask(frame, plan).planes, shown.planes, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, (p for f in frames for p in f.planes), strict=True))


@given(corner_lists, sizes)
def test_polygons_are_drawn_on_the_device_as_on_the_cpu(
    corners: list[tuple[float, float]], size: tuple[int, int]
) -> None:
    polygon = Polygon(tuple(corners))
    drawn = tensors.paint([[polygon]], size, torch.device("cpu"))[0].numpy()

    assert np.array_equal(painted(cover_all([polygon], size), size), drawn)


@pytest.mark.parametrize("device", DEVICES)
def test_more_frames_than_a_chunk_of_several_kinds_come_back_in_order(device: str) -> None:
    kinds = [(Layout.I420, (18, 33)), (Layout.NV12, (18, 33)), (Layout.RGB, (7, 9))]
    frames = [random_frame(*kinds[number % 3], number) for number in range(40)]
    plans = [MaskPlan(tuple(SHAPES[: number % 4]), Effect(list(EffectKind)[number % 3])) for number in range(40)]
    found = DeviceMasker(device).mask_batch(frames, plans)

    for frame, plan, shown in zip(frames, plans, found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mask(frame, plan).planes, shown.planes, strict=True))


def test_what_needs_no_pixels_never_goes_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_device, "staged", lambda *_: pytest.fail("went up"))
    frame = random_frame(Layout.I420, (48, 64))
    plain, black = DeviceMasker("cpu").mask_batch([frame] * 2, [MaskPlan((), Effect()), MaskPlan((WHOLE,), Effect())])

    assert plain is frame
    assert len(np.unique(black.planes[0])) == 1


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "meta"])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    with pytest.raises(DeviceError, match=device):
        DeviceMasker(device)
