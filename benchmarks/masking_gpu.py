"""What masking costs on a GPU, as a share of the speed at which that GPU copies memory. Skipped where there is none.

    python benchmarks/masking_gpu.py --out benchmarks/results/masking_gpu

1080p batches that lie on the device, 20 boxes of 192 pixels in each frame, effects as in `masking.py`. A copy reads
and writes every byte once, as a mask must: the share is the time of a copy over that of the mask. Frames per second
from and to the memory of the host are measured as well, with transfers both ways.
"""

import argparse
import importlib.util
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from privacy.frame import Frame, Layout, plane_shapes
from privacy.plan import MaskPlan, upright
from privacy.policy import Effect, EffectKind

HEIGHT, WIDTH, SIDE, BOXES, BATCH, ROUNDS = 1080, 1920, 192, 20, 32, 30
STRENGTHS = {EffectKind.SOLID: 1.0, EffectKind.PIXELATE: 1 / 16, EffectKind.BLUR: 1 / 8}
AIMS = {EffectKind.SOLID: 0.6, EffectKind.PIXELATE: 0.6, EffectKind.BLUR: 0.35}


def plan_of(kind: EffectKind) -> MaskPlan:
    """Return the boxes."""
    rng = np.random.default_rng(0)
    corners = zip(rng.uniform(0, 1 - SIDE / WIDTH, BOXES), rng.uniform(0, 1 - SIDE / HEIGHT, BOXES), strict=True)
    regions = tuple(upright(x, y, x + SIDE / WIDTH, y + SIDE / HEIGHT) for x, y in corners)
    return MaskPlan(regions, Effect(kind, STRENGTHS[kind]))


def measure() -> dict[str, Any]:
    """Time every effect on the device, and from and to the host."""
    import torch  # noqa: PLC0415 - an extra

    from privacy.masking.device import DeviceMasker, masked_bytes  # noqa: PLC0415 - needs torch

    def milliseconds(call: Callable[[], object]) -> float:
        spent: list[float] = []
        event: Any = torch.cuda.Event
        for _ in range(ROUNDS):
            start, end = (event(enable_timing=True) for _ in range(2))
            start.record()
            call()
            end.record()
            torch.cuda.synchronize()
            spent.append(start.elapsed_time(end))
        return statistics.median(spent[3:])

    rows = []
    for layout in (Layout.NV12, Layout.RGB):
        planes = tuple(np.zeros(shape, np.uint8) for shape in plane_shapes(layout, HEIGHT, WIDTH))
        like = Frame(planes, layout, 0.0)
        count = sum(plane.size for plane in planes)
        images = torch.randint(0, 255, (BATCH, count), dtype=torch.uint8, device="cuda")
        target = torch.empty_like(images)
        copy = milliseconds(lambda target=target, images=images: target.copy_(images))  # type: ignore[misc]
        for kind in EffectKind:
            plan = plan_of(kind)
            regions = [plan.regions] * BATCH
            took = milliseconds(
                lambda images=images, like=like, regions=regions, plan=plan: masked_bytes(  # type: ignore[misc]
                    images, like, regions, plan.effect
                )
            )
            masker, frames = DeviceMasker("cuda"), [like] * BATCH
            there = milliseconds(
                lambda masker=masker, frames=frames, plan=plan: masker.mask_batch(  # type: ignore[misc]
                    frames, [plan] * BATCH
                )
            )
            rows.append(
                {
                    "layout": layout,
                    "effect": kind,
                    "share_of_copy": copy / took,
                    "aim": AIMS[kind],
                    "frames_per_s_from_host": 1000 * BATCH / there,
                }
            )
    return {"device": torch.cuda.get_device_name(), "rows": rows}


def table(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    lines = [
        f"{result['device']}, batches of {BATCH} frames of 1080p, {BOXES} boxes of {SIDE} pixels in each.",
        "",
        "| layout | effect | share of copy speed | aim | frames/s from and to the host |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        share, aim, rate = row["share_of_copy"], row["aim"], row["frames_per_s_from_host"]
        lines.append(f"| {row['layout']} | {row['effect']} | {share:.0%} | {aim:.0%} | {rate:.0f} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure, print and write; say so where there is nothing to measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("SKIPPED: torch is not installed (extra gpu); nothing was measured")
        return
    import torch  # noqa: PLC0415 - an extra

    if not torch.cuda.is_available():
        print("SKIPPED: torch finds no CUDA device here; nothing was measured")
        return
    result = measure()
    print(table(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(result), "utf-8")


if __name__ == "__main__":
    main()
