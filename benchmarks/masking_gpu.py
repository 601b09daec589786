"""What masking costs on a GPU, as a share of the speed at which that GPU copies memory. Skipped where there is none.

    python benchmarks/masking_gpu.py --out benchmarks/results/masking_gpu

1080p batches that lie on the device, 20 boxes of 192 pixels in each frame, effects as in `masking.py`. A copy reads
and writes every byte once, as a mask must: the share is the time of a copy over that of the mask. Frames per second
from and to the memory of the host are measured as well, with transfers both ways.

The chain: cameras of 25 frames a second, one frame of each in a batch, go up, are made small there for the models, are
looked at as often as the policy asks (zones every `look_every_s`, people every `detect_every_s`), masked, and come
down. The frames are noise in which nobody is: verdicts are overruled, and the boxes above are hidden in each, so that
every frame is masked. Models run on ONNX Runtime as in the service, on the CPU of the machine; frames stay on the
device. `--chain-on-cpu` shows that the chain runs where there is no GPU, and measures nothing worth keeping.
"""

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from privacy.cli.detectors import detectors
from privacy.frame import Frame, Layout, plane_shapes
from privacy.models import catalogue
from privacy.plan import MaskPlan, upright
from privacy.policy import Effect, EffectKind, Subject
from privacy.tracks import Tracks
from privacy.verdict import Watch

HEIGHT, WIDTH, SIDE, BOXES, BATCH, ROUNDS = 1080, 1920, 192, 20, 32, 30
STRENGTHS = {EffectKind.SOLID: 1.0, EffectKind.PIXELATE: 1 / 16, EffectKind.BLUR: 1 / 8}
AIMS = {EffectKind.SOLID: 0.6, EffectKind.PIXELATE: 0.6, EffectKind.BLUR: 0.35}
RATE, CHAIN_AIM = 25, 2000


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
    return {"device": torch.cuda.get_device_name(), "rows": rows, "chain": chain_rate("cuda", 100, BATCH)}


class Planner:
    """Rules on cameras and finds people in them, from what the device made small.

    Args:
        cameras: Each batch has one frame of each, in order.
    """

    def __init__(self, cameras: int) -> None:
        self._rules = catalogue.load_policy()
        self._model = catalogue.load()
        self._detector = detectors({Subject.PEOPLE}, self._rules)[Subject.PEOPLE]
        self._watches = [Watch(self._rules) for _ in range(cameras)]
        self._tracks = [Tracks(self._rules.subjects) for _ in range(cameras)]
        self._boxes = plan_of(EffectKind.SOLID)
        self._batch = 0
        self.sizes = (self._model.input_size, self._detector.size_for((HEIGHT, WIDTH)))
        self.looks = {"zones": 0, "people": 0}

    def __call__(self, frames: Sequence[Frame], views: Any) -> list[MaskPlan]:  # noqa: ANN401 - tensors, if torch is here
        """Return the plan of each frame of a batch."""
        timing = self._rules.timing.look_every_s, self._rules.subjects.detect_every_s
        zones, people = (
            [
                camera
                for camera in range(len(frames))
                if (self._batch + camera) % round(every * RATE) == 0 or not self._batch
            ]
            for every in timing
        )
        self._batch += 1
        self.looks["zones"] += len(zones)
        self.looks["people"] += len(people)
        sights = dict(zip(zones, self._judged(frames, zones, views), strict=True))
        found = self._detector.detect_batch(list(views[self.sizes[1]][people].cpu().numpy()))
        for camera, seen in zip(people, found, strict=True):
            self._tracks[camera].see(seen, frames[camera].offset)
        plans = []
        for camera, frame in enumerate(frames):
            self._watches[camera].see(sights.get(camera), frame.offset)
            hidden = [one.region for one in self._tracks[camera].hidden(frame.offset)]
            plans.append(MaskPlan((*hidden, *self._boxes.regions), self._boxes.effect))
        return plans

    def _judged(self, frames: Sequence[Frame], cameras: Sequence[int], views: Any) -> list[Any]:  # noqa: ANN401 - as above
        pictures = list(views[self.sizes[0]][cameras].cpu().numpy())
        return list(self._model.look(pictures, [frames[camera].offset for camera in cameras])) if cameras else []


def chain_rate(device: str, batches: int, cameras: int) -> dict[str, Any]:
    """Return frames a second of the chain, from and to the memory of the host."""
    from privacy.masking.chain import Chain  # noqa: PLC0415 - needs torch

    rng = np.random.default_rng(0)
    shapes = plane_shapes(Layout.NV12, HEIGHT, WIDTH)
    some = [
        Frame(tuple(rng.integers(16, 235, shape, np.uint8) for shape in shapes), Layout.NV12, 0.0) for _ in range(4)
    ]

    def sent(start: int, count: int) -> Iterator[list[Frame]]:
        for number in range(start, start + count):
            yield [replace(some[camera % 4], offset=number / RATE, sequence=number) for camera in range(cameras)]

    planner = Planner(cameras)
    chain = Chain(device, planner.sizes)
    for _ in chain.run(sent(0, 3), planner):  # the first looks of all cameras, and what is made on first use
        pass
    planner.looks = dict.fromkeys(planner.looks, 0)
    start = time.perf_counter()
    frames = sum(len(batch) for batch in chain.run(sent(3, batches), planner))
    seconds = time.perf_counter() - start
    return {"frames_per_s": frames / seconds, "frames": frames, "cameras": cameras, "looks": planner.looks}


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
    lines += ["", chain_told(result["chain"])]
    return "\n".join([*lines, ""])


def chain_told(chain: dict[str, Any]) -> str:
    """Return what the chain did, in words."""
    looks = " and ".join(f"{count} looks for {what}" for what, count in chain["looks"].items())
    rate = chain["frames_per_s"]
    return (
        f"Verdict, people and mask of {chain['cameras']} cameras, 1080p NV12, {looks} in {chain['frames']} frames: "
        f"{rate:.0f} frames/s, aim {CHAIN_AIM}: {'held' if rate >= CHAIN_AIM else 'missed'}."
    )


def main() -> None:
    """Measure, print and write; say so where there is nothing to measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    parser.add_argument("--chain-on-cpu", action="store_true", help="run the chain without a GPU, to see that it runs")
    options = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("SKIPPED: torch is not installed (extra gpu); nothing was measured")
        return
    if options.chain_on_cpu:
        print(chain_told(chain_rate("cpu", 2, 2)))
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
