"""The Triton kernels, in Triton's interpreter where there is no GPU: the same bytes as every other form."""

import os

import numpy as np
import pytest

from privacy.frame import Layout
from privacy.masking import black_of, cover_all, effects, halved_planes, mask
from privacy.masking.coverage import painted
from privacy.plan import Bitmap, MaskPlan, Polygon, Region
from privacy.policy import Effect, EffectKind
from tests.clips import random_frame
from tests.masking.test_masks import upright

torch = pytest.importorskip("torch")
pytest.importorskip("triton")
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are first imported

from privacy.masking.device import Look, write_fused  # noqa: E402 - the interpreter is chosen above

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
REGIONS: dict[str, tuple[Region, ...]] = {
    "rectangles": (upright(0.1, 0.2, 0.4, 0.9), upright(0.8, 0.85, 1.0, 1.0)),
    "a polygon and a bitmap": (Polygon(((0.5, 0.1), (0.95, 0.3), (0.6, 0.8))), Bitmap(np.eye(5, dtype=np.bool_))),
    "all kinds": (upright(0.0, 0.0, 0.1, 1.0), Polygon(((0.5, 0.1), (0.95, 0.3), (0.6, 0.8)))),
}


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize("kind", list(EffectKind))
@pytest.mark.parametrize(("layout", "size"), [(Layout.RGB, (19, 101)), (Layout.NV12, (37, 150))])
def test_a_kernel_writes_what_the_cpu_does(layout: Layout, size: tuple[int, int], kind: EffectKind, name: str) -> None:
    frames = [random_frame(layout, size, seed) for seed in (1, 2)]
    plan = MaskPlan(REGIONS[name], Effect(kind, 0.9))
    side, grain = effects.side_of(0.9, size), effects.grain_of(0.9, size)
    rectangles = [part for part in cover_all(plan.regions, size) if part.where is None]
    drawn = [part for part in cover_all(plan.regions, size) if part.where is not None]
    expected = [mask(frame, plan).planes for frame in frames]

    for index, (halved, colour) in enumerate(
        zip(halved_planes(layout), black_of(layout, full_range=False), strict=True)
    ):
        scale = 2 if halved else 1
        planes = torch.from_numpy(np.stack([frame.planes[index] for frame in frames])).to(DEVICE)
        parts, curved = (([part.halved() for part in some] if halved else some) for some in (rectangles, drawn))
        boxes = [[p.box[0].start, p.box[0].stop, p.box[1].start, p.box[1].stop] for p in parts] or [[0, 0, 0, 0]]
        bitmap = painted(curved, frames[0].planes[index].shape[:2])
        out = torch.zeros_like(planes)
        write_fused(
            planes,
            out,
            torch.tensor([boxes, boxes], dtype=torch.int32, device=DEVICE),
            torch.from_numpy(np.stack([bitmap, bitmap])).to(DEVICE) if curved else None,
            Look(kind, side // scale, grain // scale, colour),
        )
        for shown, want in zip(out.cpu().numpy(), expected, strict=True):
            assert np.array_equal(want[index], shown)
