"""What masking costs, beside the obvious ways to do it and beside deface's own masking function, in one run.

    python3 -m venv ../deface && ../deface/bin/pip install deface
    python benchmarks/masking.py --deface ../deface/bin/python --out benchmarks/results/masking

1080p noise, one thread, the same boxes of 192 pixels for everyone, or the full frame. Everyone writes into own memory
that holds the frame already; `mask()` is what this package really does, which copies the frame first, since a decoder
may still need it. Cells are a sixteenth of the shorter side and kernels an eighth, weaker than policies allow, as is
usual elsewhere; deface has its own: a blur of half the box in an ellipse (its default), a mosaic of 20 pixels, a
solid box. Contenders take turns, round by round; medians of rounds.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Frame, Layout, plane_shapes
from privacy.masking import apply, cover_all, effects, halved_planes, mask
from privacy.plan import WHOLE, MaskPlan, Polygon, upright
from privacy.policy import Effect, EffectKind

HEIGHT, WIDTH, SIDE = 1080, 1920, 192
COUNTS = (1, 5, 20, 0)
"""Boxes; 0 is the full frame."""
ROUNDS, TIMES = 15, 5
STRENGTHS = {EffectKind.SOLID: 1.0, EffectKind.PIXELATE: 1 / 16, EffectKind.BLUR: 1 / 8}
Image = NDArray[np.uint8]
Rectangle = tuple[int, int, int, int]

WORKER = """
import json, sys, time
import cv2, numpy as np
from deface.deface import anonymize_frame
cv2.setNumThreads(1)
frame = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8)
for line in sys.stdin:
    job = json.loads(line)
    dets = np.array([[*box, 1.0] for box in job["boxes"]])
    spent = []
    for _ in range(job["times"]):
        start = time.perf_counter()
        anonymize_frame(dets, frame, 1.0, job["how"], job["ellipse"], False, None, 20)
        spent.append(time.perf_counter() - start)
    print(json.dumps(spent), flush=True)
"""
DEFACE = {
    EffectKind.SOLID: ("solid", False),
    EffectKind.PIXELATE: ("mosaic", False),
    EffectKind.BLUR: ("blur", True),
}


class Deface:
    """deface's masking stage, in the Python that has it installed."""

    def __init__(self, python: Path) -> None:
        self._worker = subprocess.Popen(
            [python, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def spent(self, boxes: Sequence[Rectangle], kind: EffectKind) -> list[float]:
        """Return the seconds of some calls."""
        how, ellipse = DEFACE[kind]
        job = {"boxes": boxes, "how": how, "ellipse": ellipse, "times": TIMES}
        assert self._worker.stdin is not None  # noqa: S101 - piped above
        assert self._worker.stdout is not None  # noqa: S101 - piped above
        self._worker.stdin.write(json.dumps(job) + "\n")
        self._worker.stdin.flush()
        return [float(each) for each in json.loads(self._worker.stdout.readline())]

    def close(self) -> None:
        """End the worker."""
        self._worker.communicate()


def boxes_of(count: int) -> list[Rectangle]:
    """Return left, top, right, bottom of boxes somewhere in the frame; of the full frame if there are none."""
    if count == 0:
        return [(0, 0, WIDTH, HEIGHT)]
    rng = np.random.default_rng(count)
    corners = zip(rng.integers(0, WIDTH - SIDE, count), rng.integers(0, HEIGHT - SIDE, count), strict=True)
    return [(int(x), int(y), int(x) + SIDE, int(y) + SIDE) for x, y in corners]


def regions_of(boxes: Sequence[Rectangle]) -> tuple[Polygon, ...]:
    """Return the same boxes as regions."""
    if boxes == [(0, 0, WIDTH, HEIGHT)]:
        return (WHOLE,)
    return tuple(upright(x0 / WIDTH, y0 / HEIGHT, x1 / WIDTH, y1 / HEIGHT) for x0, y0, x1, y1 in boxes)


def with_opencv(views: Sequence[tuple[Image, int]], kind: EffectKind) -> None:
    """Do it as tutorials do: cut out, shrink and enlarge or box-filter, put back."""
    for view, side in views:
        height, width = view.shape[:2]
        match kind:
            case EffectKind.SOLID:
                view[...] = 16
            case EffectKind.PIXELATE:
                few = max(1, width // side), max(1, height // side)
                small = cv2.resize(view, few, interpolation=cv2.INTER_AREA)
                view[...] = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
            case EffectKind.BLUR:
                view[...] = cv2.blur(view, (side | 1, side | 1))


def with_numpy(views: Sequence[tuple[Image, int]], kind: EffectKind) -> None:
    """Do it in plain NumPy: means of reshaped cells, or differences of running sums."""
    for view, side in views:
        match kind:
            case EffectKind.SOLID:
                view[...] = 16
            case EffectKind.PIXELATE:
                for top in range(0, view.shape[0], side):
                    for left in range(0, view.shape[1], side):
                        cell = view[top : top + side, left : left + side]
                        cell[...] = cell.mean(axis=(0, 1))
            case EffectKind.BLUR:
                reach = side // 2
                pad = [(reach + 1, reach)] * 2 + [(0, 0)] * (view.ndim - 2)
                run = np.pad(view, pad, mode="edge").astype(np.int64).cumsum(0).cumsum(1)
                width = 2 * reach + 1
                sums = run[width:, width:] - run[:-width, width:] - run[width:, :-width] + run[:-width, :-width]
                view[...] = sums // width**2


def views_of(frame: Frame, boxes: Sequence[Rectangle], side: int) -> list[tuple[Image, int]]:
    """Return what each box holds of each plane, and the side of a cell or kernel there."""
    found = []
    for plane, halved in zip(frame.planes, halved_planes(frame.layout), strict=True):
        scale = 2 if halved else 1
        for x0, y0, x1, y1 in boxes:
            found.append((plane[y0 // scale : -(-y1 // scale), x0 // scale : -(-x1 // scale)], side // scale))
    return found


def contenders(layout: Layout, boxes: Sequence[Rectangle], effect: Effect) -> dict[str, Callable[[], object]]:
    """Return everyone who masks these boxes in this process."""
    frame, own = (
        Frame(tuple(np.random.default_rng(0).integers(0, 255, shape, np.uint8) for shape in shapes), layout, 0.0)
        for shapes in [plane_shapes(layout, HEIGHT, WIDTH)] * 2
    )
    regions, side = regions_of(boxes), effects.side_of(effect.strength, frame.size)
    views, plan = views_of(own, boxes, side), MaskPlan(regions, effect)
    return {
        "privacy": lambda: apply(frame, own.planes, cover_all(regions, frame.size), effect),
        "privacy, mask()": lambda: mask(frame, plan),
        "OpenCV": lambda: with_opencv(views, effect.kind),
        "NumPy": lambda: with_numpy(views, effect.kind),
    }


def timed(call: Callable[[], object]) -> list[float]:
    """Return the seconds of some calls."""
    spent = []
    for _ in range(TIMES):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return spent


def measure(python: Path | None) -> list[dict[str, Any]]:
    """Time every case."""
    cv2.setNumThreads(1)
    deface = None if python is None else Deface(python)
    rows = []
    for layout in (Layout.BGR, Layout.I420, Layout.NV12):
        for kind in EffectKind:
            for count in COUNTS:
                boxes, effect = boxes_of(count), Effect(kind, STRENGTHS[kind])
                calls = contenders(layout, boxes, effect)
                spent: dict[str, list[float]] = {name: [] for name in calls}
                for _ in range(ROUNDS):
                    for name, call in calls.items():
                        spent[name].append(statistics.median(timed(call)))
                    if deface is not None and layout is Layout.BGR:
                        spent.setdefault("deface", []).append(statistics.median(deface.spent(boxes, kind)))
                medians = {name: statistics.median(each) * 1000 for name, each in spent.items()}
                spread = {name: (max(each) - min(each)) * 1000 / medians[name] for name, each in spent.items()}
                rows.append({"layout": layout, "effect": kind, "boxes": count, "ms": medians, "spread": spread})
                print(json.dumps(rows[-1]), flush=True)
    if deface is not None:
        deface.close()
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the ratios as Markdown."""
    others = ("privacy, mask()", "OpenCV", "NumPy", "deface")
    about = f"1080p, one thread on a shared 2-core machine; boxes of {SIDE} pixels. Times of the others over ours"
    lines = [
        f"{about}: above 1 we are faster.",
        "",
        "| layout | effect | boxes | " + " | ".join(others) + " |",
        "|---|---|---|" + "---|" * len(others),
    ]
    for row in rows:
        ours = row["ms"]["privacy"]
        cells = [f"{row['ms'][name] / ours:.1f}" if name in row["ms"] else "-" for name in others]
        lines.append(f"| {row['layout']} | {row['effect']} | {row['boxes'] or 'full'} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *aims(rows), ""])


def aims(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say which aims hold."""
    by = {(row["layout"], row["effect"], row["boxes"]): row["ms"] for row in rows}
    solid = {layout: by[layout, "solid", 20]["privacy"] for layout in ("i420", "nv12", "bgr")}
    told = ", ".join(f"{layout} {ms:.2f} ms" for layout, ms in solid.items())
    lines = [f"* Solid, 20 boxes, aim 0.2 ms: {told}: {_held(max(solid.values()) <= 0.2)}."]
    for kind in ("pixelate", "blur"):
        slower = [
            f"{layout} {count or 'full'} ({ms['OpenCV'] / ms['privacy']:.1f})"
            for (layout, effect, count), ms in by.items()
            if effect == kind and ms["OpenCV"] < ms["privacy"]
        ]
        told = f"slower for {', '.join(slower)}" if slower else "never slower"
        lines.append(f"* {kind.capitalize()} no slower than OpenCV's box operations: {_held(not slower)}; {told}.")
    if "deface" in by["bgr", "solid", 20]:
        ratios = [by["bgr", "blur", count]["deface"] / by["bgr", "solid", count]["privacy"] for count in (1, 5, 20)]
        alike = [
            min(by["bgr", kind, count]["deface"] / by["bgr", kind, count]["privacy"] for count in (1, 5, 20))
            for kind in ("solid", "pixelate", "blur")
        ]
        told = f"{min(ratios):.0f} to {max(ratios):.0f} times as fast: {_held(min(ratios) >= 20)}"
        lines.append(f"* Our default (solid) against deface's default (blur in an ellipse), aim 20: {told}.")
        told = f"solid {alike[0]:.1f}, pixelate against mosaic {alike[1]:.1f}, blur {alike[2]:.1f}"
        lines.append(f"* Like for like, at worst: {told}.")
    return lines


def _held(holds: bool) -> str:  # noqa: FBT001 - a verdict
    return "held" if holds else "missed"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deface", type=Path, help="a Python that has deface installed; without it deface is left out")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    rows = measure(options.deface)
    print(table(rows))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(rows), "utf-8")


if __name__ == "__main__":
    main()
