"""What masking adds to transcoding: CPU time of the whole path over that of a bare PyAV decode and encode loop.

All variants read the same 1080p clip and encode with the same settings; they run in turn, several times, in one
process. CPU time counts every thread, so that a busy machine blurs the ratios less than it would blur wall time.

    python benchmarks/transcode.py [--frames 200] [--repeats 5] [--preset ultrafast] [--model zones-lite0-probe]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.evidence import Evidence
from privacy.frame import Frame, Layout
from privacy.models import catalogue
from privacy.models.classifier import ZoneClassifier
from privacy.pipeline import guard
from privacy.plan import Polygon
from privacy.sinks.video import VideoSink
from privacy.sources.video import VideoInfo, VideoSource
from privacy.zones import Zone

HEIGHT, WIDTH, RATE = 1080, 1920, 25
CRF = 20
PART = Polygon(((0.05, 0.1), (0.5, 0.05), (0.55, 0.6), (0.1, 0.5)))


class Timed:
    """Asks a real model, but answers as it is told; keeps the model's own CPU time apart."""

    def __init__(self, model: ZoneClassifier, zone: Zone) -> None:
        self.name, self.input_size = model.name, model.input_size
        self.seconds, self.looks = 0.0, 0
        self._model, self._zone = model, zone

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return evidence for the one zone, after as much work as the model has with any other."""
        start = time.process_time()
        self._model.look(images, offsets)
        self.seconds += time.process_time() - start
        self.looks += len(images)
        zones = np.zeros(len(Zone), np.float32)
        zones[self._zone] = 1
        return [Evidence(offset, zones, self.name) for offset in offsets]


def make_clip(path: Path, frames: int) -> None:
    """Write what a fixed camera sees: a textured wall, objects that cross it, and sensor noise."""
    rng = np.random.default_rng(0)
    wall = cv2.GaussianBlur(rng.integers(0, 255, (HEIGHT // 4, WIDTH // 2), np.uint8), (0, 0), 1.5)
    wall = cv2.resize(cv2.convertScaleAbs(wall, alpha=1.5, beta=-60), (WIDTH, HEIGHT))
    noise = rng.integers(-3, 4, (HEIGHT, WIDTH), np.int16)
    tint = [np.asarray(cv2.resize(wall, (WIDTH // 2, HEIGHT // 2)) // 4 + level, np.uint8) for level in (90, 105)]
    info = VideoInfo(size=(HEIGHT, WIDTH), rate=Fraction(RATE), time_base=Fraction(1, 12800))
    with VideoSink(path, info, preset="veryfast", crf=CRF) as sink:
        for number in range(frames):
            luma = wall + np.roll(noise, 7 * number, axis=1)
            for box in range(6):
                x, y = (97 * box + (5 + box) * number) % (WIDTH - 160), 90 + 150 * box
                luma[y : y + 120, x : x + 160] = 60 + 25 * box
            sink.write(Frame((np.clip(luma, 16, 235).astype(np.uint8), *tint), Layout.I420, number / RATE, number))


def bare(source: Path, target: Path, preset: str) -> None:
    """Decode and encode as PyAV's own documentation does."""
    with av.open(source) as reader, av.open(target, "w") as writer:
        video = reader.streams.video[0]
        video.thread_type = "AUTO"
        stream = writer.add_stream("libx264", rate=video.average_rate, options={"preset": preset, "crf": str(CRF)})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        if video.time_base is not None:
            stream.codec_context.time_base = video.time_base
        for picture in reader.decode(video):
            picture.pict_type = 0  # as privacy does; otherwise the encoder copies the source's choice
            writer.mux(stream.encode(picture))
        writer.mux(stream.encode(None))


def ours(source: Path, target: Path, preset: str, model: Timed, static: Sequence[Polygon] = ()) -> None:
    """Do what `privacy mask` does, without its look-behind."""
    with VideoSource(source) as video, VideoSink(target, video.info, preset=preset, crf=CRF, overwrite=True) as sink:
        for outcome in guard(video, model, catalogue.load_policy(), static=static):
            sink.write(outcome.frame)


def measure(run: Callable[[], None], model: Timed) -> tuple[float, float]:
    """Return the CPU seconds of `run` without those of the model, and the model's."""
    model.seconds, model.looks = 0.0, 0
    start = time.process_time()
    run()
    return time.process_time() - start - model.seconds, model.seconds


def main() -> None:
    """Run every variant in turn and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--preset", default="ultrafast")
    parser.add_argument("--model", default=catalogue.DEFAULT)
    parser.add_argument("--json", type=Path, help="Write the figures here as well.")
    options = parser.parse_args()
    model = catalogue.load(options.model)
    permitted, washroom = Timed(model, Zone.PERMITTED), Timed(model, Zone.WASHROOM)
    with tempfile.TemporaryDirectory() as folder:
        clip, target = Path(folder, "clip.mp4"), Path(folder, "out.mp4")
        make_clip(clip, options.frames)
        variants: dict[str, tuple[Callable[[], None], Timed]] = {
            "bare": (lambda: bare(clip, target, options.preset), permitted),
            "clear": (lambda: ours(clip, target, options.preset, permitted), permitted),
            "part masked": (lambda: ours(clip, target, options.preset, permitted, [PART]), permitted),
            "masked": (lambda: ours(clip, target, options.preset, washroom), washroom),
        }
        seconds: dict[str, list[float]] = {name: [] for name in variants}
        looking: dict[str, list[float]] = {name: [] for name in variants}
        for run, timed in variants.values():  # once unmeasured: caches, allocators, lazy imports
            measure(run, timed)
        for _ in range(options.repeats):
            for name, (run, timed) in variants.items():
                own, models = measure(run, timed)
                seconds[name].append(own)
                looking[name].append(models)
    report(options.frames, seconds, looking, options.json)


def report(frames: int, seconds: dict[str, list[float]], looking: dict[str, list[float]], path: Path | None) -> None:
    """Print the ratio of every variant to the bare loop of the same round: median, least and most."""
    figures = {}
    print(f"{'variant':<12} {'ratio':>6} {'least':>6} {'most':>6}  {'model adds':>10}")
    for name, own in seconds.items():
        ratios = [ours / base for ours, base in zip(own, seconds["bare"], strict=True)]
        adds = statistics.median(m / base for m, base in zip(looking[name], seconds["bare"], strict=True))
        figures[name] = {"ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "model": adds}
        print(f"{name:<12} {figures[name]['ratio']:6.3f} {min(ratios):6.3f} {max(ratios):6.3f}  {adds:+10.3f}")
    if path is not None:
        path.write_text(json.dumps({"frames": frames, "rounds": len(seconds["bare"]), "variants": figures}, indent=2))


if __name__ == "__main__":
    main()
