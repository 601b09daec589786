"""What each preset of the video sink costs and gives: CPU time and size of files that look alike.

    python benchmarks/encoding.py --data ../shared/corpus --out benchmarks/results/encoding

Clips of the corpus, decoded beforehand, are written with each preset at three qualities (CRF). Size is read off at the
fidelity that `veryfast` reaches at the sink's own quality (PSNR of luma, interpolated in its logarithm): a file is not
small that looks worse. CPU time counts all threads of the encoder, at the sink's own quality.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from privacy.frame import Frame
from privacy.sinks.video import VideoSink
from privacy.sources.video import VideoInfo, VideoSource

CLIPS = ("egoblur_test_video", "one-by-one-person-detection")
PRESETS = ("ultrafast", "superfast", "veryfast")
QUALITIES = (18, 20, 23)
OURS, BASE = 20, "veryfast"
FRAMES = 75


def written(path: Path, info: VideoInfo, frames: Sequence[Frame], preset: str, crf: int) -> dict[str, float]:
    """Write frames; return CPU seconds, bytes and PSNR."""
    start = time.process_time()
    with VideoSink(path, info, preset=preset, crf=crf, overwrite=True) as sink:
        for frame in frames:
            sink.write(frame)
    seconds = time.process_time() - start
    with VideoSource(path) as video:
        errors = [
            float(np.square(was.planes[0].astype(np.float32) - now.planes[0]).mean())
            for was, now in zip(frames, video, strict=True)
        ]
    psnr = 10 * float(np.log10(255**2 / statistics.fmean(errors)))
    return {"seconds": seconds, "bytes": float(path.stat().st_size), "psnr": psnr}


def measure(data: Path) -> list[dict[str, Any]]:
    """Return of each clip and preset what it costs, over `BASE`."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for clip in CLIPS:
            with VideoSource(data / "videos" / f"{clip}.mp4") as video:
                info, frames = video.info, [_copied(frame) for frame in islice(video, FRAMES)]
            found = {
                preset: [written(Path(folder, "out.mp4"), info, frames, preset, crf) for crf in QUALITIES]
                for preset in PRESETS
            }
            at = QUALITIES.index(OURS)
            base = found[BASE][at]
            for preset, each in found.items():
                psnr = [one["psnr"] for one in reversed(each)]
                size = np.interp(base["psnr"], psnr, [np.log(one["bytes"]) for one in reversed(each)])
                rows.append(
                    {
                        "clip": clip,
                        "preset": preset,
                        "cpu": each[at]["seconds"] / base["seconds"],
                        "size": float(np.exp(size)) / base["bytes"],
                        "reaches": psnr[0] <= base["psnr"] <= psnr[-1],
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    return rows


def _copied(frame: Frame) -> Frame:
    return frame.with_planes(tuple(plane.copy() for plane in frame.planes))  # the decoder's memory is lent


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the ratios as Markdown."""
    about = (
        f"{FRAMES} frames of each clip on a shared 2-core machine. CPU time and size over those of `{BASE}`, size at "
        "the same PSNR; ~ where the qualities tried do not reach it."
    )
    lines = [
        about,
        "",
        "| preset | " + " | ".join(f"{clip}: CPU | size" for clip in CLIPS) + " |",
        "|---|" + "---|" * (2 * len(CLIPS)),
    ]
    for preset in PRESETS:
        some = {row["clip"]: row for row in rows if row["preset"] == preset}
        cells = [
            f"{some[clip]['cpu']:.2f} | {'' if some[clip]['reaches'] else '~'}{some[clip]['size']:.2f}"
            for clip in CLIPS
        ]
        lines.append(f"| {preset} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    rows = measure(options.data)
    print(table(rows))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(rows), "utf-8")


if __name__ == "__main__":
    main()
