"""What masking costs, beside the obvious ways to do it and beside deface's own masking function, in one run.

    python3 -m venv ../deface && ../deface/bin/pip install deface
    python benchmarks/masking.py --deface ../deface/bin/python --out benchmarks/results/masking

1080p blots and noise, one thread, the same boxes of 192 pixels for everyone, or the full frame. Everyone begins with
boxes, finds their pixels in every plane, and writes into own memory that holds the frame already; `mask()` is what this
package really does, which copies the frame first, since a decoder may still need it. Cells are a sixteenth of the
shorter side and kernels an eighth, weaker than policies allow, as is usual elsewhere.

OpenCV comes twice. *In the box* is what tutorials do: one pass of a box filter, or cells that begin at the box's own
corner, over the box's own pixels alone, in place. It shows more than we do: half the blur, and another view of the same
pixels whenever the box moves. *Alike* makes our picture: two passes, which reach the pixels around the box too, or
cells that never move, read from the frame and written elsewhere, as we do; how far the two pictures are apart is
measured and told. NumPy works in the box as well. deface has its own strengths: a blur of half the box in an ellipse
(its default), a mosaic of 20 pixels, a solid box.

Contenders take turns, round by round; medians of rounds, and quartiles where we are slower than OpenCV.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
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
OURS, IN_THE_BOX, ALIKE = "privacy", "OpenCV, in the box", "OpenCV, alike"
STRENGTHS = {EffectKind.SOLID: 1.0, EffectKind.PIXELATE: 1 / 16, EffectKind.BLUR: 1 / 8}
Image = NDArray[np.uint8]
Rectangle = tuple[int, int, int, int]
Span = tuple[int, int]

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


def in_the_box(views: Sequence[tuple[Image, int]], kind: EffectKind) -> None:
    """Do it in OpenCV as tutorials do: cut out, shrink and enlarge or box-filter, put back."""
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


def alike(frame: Frame, own: Frame, boxes: Sequence[Rectangle], side: int, kind: EffectKind) -> None:
    """Make our picture in OpenCV."""
    for source, out, halved in zip(frame.planes, own.planes, halved_planes(frame.layout), strict=True):
        scale = 2 if halved else 1
        for x0, y0, x1, y1 in boxes:
            down, across = (y0 // scale, -(-y1 // scale)), (x0 // scale, -(-x1 // scale))
            shown = _softened if kind is EffectKind.BLUR else _cells
            out[slice(*down), slice(*across)] = shown(source, down, across, side // scale)


def _cells(source: Image, down: Span, across: Span, side: int) -> Image:
    """Return what cells of the whole plane show of a box; the last ones of a plane take in what is left over."""
    rows, columns = (_runs(*at, side) for at in zip((down, across), source.shape, strict=False))
    top, left = rows[0][0], columns[0][0]
    shown = np.empty((rows[-1][1] - top, columns[-1][1] - left, *source.shape[2:]), np.uint8)
    for y0, y1, high in rows:
        for x0, x1, wide in columns:
            small = cv2.resize(source[y0:y1, x0:x1], (wide, high), interpolation=cv2.INTER_AREA)
            large = cv2.resize(small, (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
            shown[y0 - top : y1 - top, x0 - left : x1 - left] = large
    return shown[down[0] - top : down[1] - top, across[0] - left : across[1] - left]


def _runs(span: Span, length: int, side: int) -> list[tuple[int, int, int]]:
    """Return start, stop and number of the cells of one size that a span touches, of all and of the last one."""
    last = length // side - 1
    first, end = min(span[0] // side, last), min((span[1] - 1) // side, last)
    if end < last or length % side == 0:
        return [(first * side, (end + 1) * side, end + 1 - first)]
    return [*([(first * side, last * side, last - first)] if first < last else []), (last * side, length, 1)]


def _softened(source: Image, down: Span, across: Span, side: int) -> Image:
    """Return what a box filter over the whole plane shows of a box if it runs twice."""
    kernel, shown = side | 1, source
    top, left = 0, 0
    for reach in (2 * (kernel // 2), kernel // 2):
        rows = max(0, down[0] - reach - top), down[1] + reach - top
        columns = max(0, across[0] - reach - left), across[1] + reach - left
        shown = np.asarray(
            cv2.blur(shown[slice(*rows), slice(*columns)], (kernel, kernel), borderType=cv2.BORDER_REPLICATE), np.uint8
        )
        top, left = top + rows[0], left + columns[0]
    return shown[down[0] - top : down[1] - top, across[0] - left : across[1] - left]


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


def picture(layout: Layout) -> Frame:
    """Return blots as large as a cell and a half, with noise."""
    rng = np.random.default_rng(0)
    planes = []
    for shape in plane_shapes(layout, HEIGHT, WIDTH):
        blots = rng.integers(30, 226, (9, 16, *shape[2:]), np.uint8)
        large = np.asarray(cv2.resize(blots, shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        planes.append(large + rng.integers(0, 30, shape, np.uint8))
    return Frame(tuple(planes), layout, 0.0)


def contenders(
    layout: Layout, boxes: Sequence[Rectangle], effect: Effect
) -> tuple[dict[str, Callable[[], object]], Frame]:
    """Return everyone who masks these boxes in this process, and the frame that all but `mask()` write."""
    frame, own = picture(layout), picture(layout)
    regions, side = regions_of(boxes), effects.side_of(effect.strength, frame.size)
    plan = MaskPlan(regions, effect)
    calls: dict[str, Callable[[], object]] = {
        OURS: lambda: apply(frame, own.planes, cover_all(regions, frame.size), effect),
        "privacy, mask()": lambda: mask(frame, plan),
        IN_THE_BOX: lambda: in_the_box(views_of(own, boxes, side), effect.kind),
        "NumPy": lambda: with_numpy(views_of(own, boxes, side), effect.kind),
    }
    if effect.kind is not EffectKind.SOLID:
        calls[ALIKE] = lambda: alike(frame, own, boxes, side, effect.kind)
    return calls, own


def apart(calls: Mapping[str, Callable[[], object]], own: Frame, boxes: Sequence[Rectangle]) -> float | None:
    """Return how far our picture and OpenCV's alike are apart in the boxes: 99 of 100 samples are no farther."""
    if ALIKE not in calls:
        return None
    shown = []
    for name in (OURS, ALIKE):
        calls[name]()
        shown.append(np.concatenate([view.ravel() for view, _ in views_of(own, boxes, 1)]).astype(np.int16))
    return float(np.quantile(np.abs(shown[0] - shown[1]), 0.99))


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
                calls, own = contenders(layout, boxes, effect)
                difference = apart(calls, own, boxes)
                spent: dict[str, list[float]] = {name: [] for name in calls}
                for _ in range(ROUNDS):
                    for name, call in calls.items():
                        spent[name].append(statistics.median(timed(call)))
                    if deface is not None and layout is Layout.BGR:
                        spent.setdefault("deface", []).append(statistics.median(deface.spent(boxes, kind)))
                medians = {name: statistics.median(each) * 1000 for name, each in spent.items()}
                spread = {name: (max(each) - min(each)) * 1000 / medians[name] for name, each in spent.items()}
                ratios = {  # round by round: how fast the machine is changes while it runs
                    name: np.quantile(np.array(each) / spent[OURS], (0.25, 0.5, 0.75)).tolist()
                    for name, each in spent.items()
                }
                row = {"layout": layout, "effect": kind, "boxes": count, "ms": medians, "spread": spread}
                rows.append(row | {"ratio": ratios, "apart": difference})
                print(json.dumps(rows[-1]), flush=True)
    if deface is not None:
        deface.close()
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the ratios as Markdown."""
    others = ("privacy, mask()", IN_THE_BOX, ALIKE, "NumPy", "deface")
    about = f"1080p, one thread on a shared 2-core machine; boxes of {SIDE} pixels. Times of the others over ours"
    lines = [
        f"{about}: medians of {ROUNDS} rounds; above 1 we are faster.",
        "",
        "| layout | effect | boxes | " + " | ".join(others) + " |",
        "|---|---|---|" + "---|" * len(others),
    ]
    for row in rows:
        cells = [f"{row['ratio'][name][1]:.2f}" if name in row["ratio"] else "-" for name in others]
        lines.append(f"| {row['layout']} | {row['effect']} | {row['boxes'] or 'full'} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *aims(rows), ""])


def aims(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say which aims hold."""
    by = {(row["layout"], row["effect"], row["boxes"]): row["ms"] for row in rows}
    solid = {layout: by[layout, "solid", 20][OURS] for layout in ("i420", "nv12", "bgr")}
    told = ", ".join(f"{layout} {ms:.2f} ms" for layout, ms in solid.items())
    lines = [f"* Solid, 20 boxes, aim 0.2 ms: {told}: {_held(max(solid.values()) <= 0.2)}."]
    lines += _beside_opencv(rows)
    if "deface" in by["bgr", "solid", 20]:
        ratios = [by["bgr", "blur", count]["deface"] / by["bgr", "solid", count][OURS] for count in (1, 5, 20)]
        worst = [
            min(by["bgr", kind, count]["deface"] / by["bgr", kind, count][OURS] for count in (1, 5, 20))
            for kind in ("solid", "pixelate", "blur")
        ]
        told = f"{min(ratios):.0f} to {max(ratios):.0f} times as fast: {_held(min(ratios) >= 20)}"
        lines.append(f"* Our default (solid) against deface's default (blur in an ellipse), aim 20: {told}.")
        told = f"solid {worst[0]:.1f}, pixelate against mosaic {worst[1]:.1f}, blur {worst[2]:.1f}"
        lines.append(f"* The same effect as deface's, at worst: {told}.")
    return lines


def _beside_opencv(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for kind in ("pixelate", "blur"):
        for theirs, what in ((ALIKE, "that make the same picture"), (IN_THE_BOX, "in the box")):
            cases = {f"{row['layout']} {row['boxes'] or 'full'}": row for row in rows if row["effect"] == kind}
            ratios = {case: row["ratio"][theirs] for case, row in cases.items()}
            slower = [
                f"{case} ({mid:.2f}, {low:.2f} to {high:.2f})" for case, (low, mid, high) in ratios.items() if mid < 1
            ]
            least = min(mid for _, mid, _ in ratios.values())
            told = f"slower for {', '.join(slower)}" if slower else f"{least:.2f} times as fast at least"
            aim = f"* {kind.capitalize()} no slower than OpenCV's box operations {what}"
            lines.append(f"{aim}: {_held(not slower)}; {told}.")
    far = max(row["apart"] for row in rows if row["apart"] is not None)
    kernel = effects.side_of(STRENGTHS[EffectKind.BLUR], (HEIGHT, WIDTH))
    more = (SIDE + 2 * kernel) ** 2 / SIDE**2
    told = f"twice over what two passes reach, {more:.1f} times the pixels of a box"
    lines.append(f"* In the box, OpenCV blurs once what is in it; ours, and OpenCV's alike, blur {told}.")
    lines.append(f"* Our picture and OpenCV's alike are at most {far:.0f} of 255 apart in 99 of 100 samples.")
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
