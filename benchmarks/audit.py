"""How fast an audit is, and how right.

speed: writes 1080p30 recordings of the generated scene (`privacy.sources.synthetic`), of a camera that moves all the
time and of one that hangs still, then takes turns between a bare loop (PyAV, `skip_frame=NONKEY`, nothing done with the
pictures) and audits. Ratios are of medians.

score: audits an archive that `make_archive.py` has built, and compares the findings with its truth, which shows what
the model misses; and with an audit that looks at every second, which shows what looking seldom misses.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from privacy import policy
from privacy.audit import outcome, run
from privacy.audit.archive import Naming
from privacy.audit.book import NAME, Book
from privacy.audit.engines import Engine
from privacy.audit.engines.local import LocalEngine
from privacy.audit.engines.ray import RayEngine
from privacy.audit.finding import Finding
from privacy.audit.terms import Terms
from privacy.frame import Frame
from privacy.models import catalogue
from privacy.sources.synthetic import SyntheticSource

RULES = catalogue.load_policy()
SEED_S = 8
SHORTEST_S = 10.0
TERMS = Terms(policy=policy.DEFAULT, model=catalogue.DEFAULT)


def write_recordings(folder: Path, *, count: int, minutes: float, gop_s: float, still: bool) -> list[Path]:
    """Write 1080p30 recordings: a few encoded seconds, copied packet by packet until they are long enough."""
    seed = folder / f"seed-{still}.mp4"
    # The first part of a long walk: the corridor. Drawn small and enlarged, for drawing is dear.
    walk = SyntheticSource(seconds=3 * SEED_S, size=(360, 640), rate=15)
    noise = np.random.default_rng(0).integers(0, 4, (4, 1080, 1920), np.uint8)
    frames = itertools.islice(walk, 1 if still else 15 * SEED_S)
    with av.open(str(seed), "w") as writer:
        options = {"g": str(round(30 * gop_s)), "sc_threshold": "0", "preset": "veryfast"}
        stream = writer.add_stream("libx264", rate=30, options=options)
        assert isinstance(stream, VideoStream)  # noqa: S101 - x264 is video
        stream.height, stream.width, stream.pix_fmt = 1080, 1920, "yuv420p"
        shown = itertools.cycle(list(frames)) if still else (frame for frame in frames for _ in range(2))
        for number, frame in enumerate(itertools.islice(shown, 30 * SEED_S)):
            writer.mux(stream.encode(_picture(frame, number, noise[number % 4])))
        writer.mux(stream.encode(None))
    return [_repeated(seed, folder / f"{still}-{number}.mp4", minutes * 60) for number in range(count)]


def _picture(frame: Frame, number: int, noise: NDArray[np.uint8]) -> av.VideoFrame:
    planes = [
        cv2.resize(plane, (1920 >> (index > 0), 1080 >> (index > 0)), interpolation=cv2.INTER_LINEAR)
        for index, plane in enumerate(frame.planes)
    ]
    planes[0] = cv2.add(planes[0], noise)  # a sensor's: no two pictures alike
    picture = av.VideoFrame(1920, 1080, "yuv420p")
    for target, plane in zip(picture.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint8).reshape(target.height, target.line_size)
        rows[:, : target.width] = plane
    picture.pts = number
    return picture


def _repeated(seed: Path, path: Path, seconds: float) -> Path:
    with av.open(str(seed)) as reader, av.open(str(path), "w") as writer:
        source = reader.streams.video[0]
        stream = writer.add_stream_from_template(source)
        packets = [packet for packet in reader.demux(source) if packet.size]
        base = packets[0].time_base
        length = round(SEED_S / base)
        for turn in range(round(seconds / SEED_S)):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts = (packet.pts or 0) + turn * length, (packet.dts or 0) + turn * length
                copy.time_base, copy.is_keyframe, copy.stream = base, packet.is_keyframe, stream
                writer.mux(copy)
    return path


def bare(paths: Sequence[Path]) -> int:
    """Decode every key frame and do nothing with it."""
    count = 0
    for path in paths:
        with av.open(str(path)) as reader:
            stream = reader.streams.video[0]
            stream.codec_context.skip_frame = "NONKEY"
            stream.codec_context.thread_count = 1
            count += sum(1 for _ in reader.decode(stream))
    return count


def audit(paths: Sequence[Path], engine: Callable[[], Engine]) -> tuple[float, dict[str, Any], dict[str, float]]:
    """Audit, and return the time that the scan took, the summary, and the time of each stage."""
    with (
        tempfile.TemporaryDirectory() as folder,
        run.begin(Path(folder), map(str, paths), TERMS, RULES, Naming(), resume=False) as book,
    ):
        with engine() as started:
            warm_up(started)
            began = time.perf_counter()
            run.scan(book, started)
            took = time.perf_counter() - began
        done = outcome.conclude(book, RULES, Path(folder))
        return took, done["summary"], book.seconds()


def warm_up(engine: Engine) -> None:
    """Wait until the workers have loaded the model: an archive is longer than that."""
    engine.wait_until_ready()


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """Measure multiples of real time, shares, memory and scaling."""
    return {
        "recorded_s": 2 * options.minutes * 60,
        "gop_s": options.gop,
        "cores": len(os.sched_getaffinity(0)),
        "turns": options.turns,
        "camera that moves": _speed(options, still=False),
        "camera that hangs still": _speed(options, still=True),
        "peak_mib": round(max(resource.getrusage(who).ru_maxrss for who in _BOTH) / 1024),
    }


_BOTH = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _speed(options: argparse.Namespace, *, still: bool) -> dict[str, Any]:
    make = run.MakeScanner(RULES, TERMS)
    engines: dict[str, Callable[[], Engine]] = {
        "local, 1 worker": lambda: LocalEngine(make, 1),
        "local, 2 workers": lambda: LocalEngine(make, 2),
    }
    if options.ray and still:
        engines |= {
            "ray, 1 worker": lambda: RayEngine(make, workers=1),
            "ray, 2 workers": lambda: RayEngine(make, workers=2),
        }
    times: dict[str, list[float]] = {"bare key-frame loop": []}
    stages: dict[str, float] = {}
    summary: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        paths = write_recordings(Path(name), count=2, minutes=options.minutes, gop_s=options.gop, still=still)
        bare(paths[:1])
        for _ in range(options.turns):
            began = time.perf_counter()
            keys = bare(paths)
            times["bare key-frame loop"].append(time.perf_counter() - began)
            for each, engine in engines.items():
                took, summary, spent = audit(paths, engine)
                times.setdefault(each, []).append(took)
                if each == "local, 1 worker":
                    stages = {stage: stages.get(stage, 0.0) + seconds for stage, seconds in spent.items()}
    medians = {each: statistics.median(took) for each, took in times.items()}
    return {
        "key_frames": keys,
        "decoded": summary["guarantee"]["decoded"],
        "looked_at": summary["guarantee"]["looked_at"],
        "findings": summary["findings"],
        "rows": {
            each: {
                "times_real_time": round(2 * options.minutes * 60 / median, 1),
                "ratio_to_bare": round(median / medians["bare key-frame loop"], 2),
                "spread": round((max(times[each]) - min(times[each])) / median, 2),
            }
            for each, median in medians.items()
        },
        "stage_shares": {stage: round(seconds / sum(stages.values()), 3) for stage, seconds in stages.items()},
    }


Found = dict[str, tuple[Finding, ...]]
Span = tuple[float, float, str]


def score(options: argparse.Namespace) -> dict[str, Any]:
    """Compare the findings with the truth of an archive, and with those of an audit that looks at every second."""
    truths = {one["path"]: one for one in _truths(options.archive)}
    paths = [str(options.archive / path) for path in sorted(truths)]
    found, took, total = _found(options.out, paths, options.archive, TERMS, options.workers)
    closely = options.out.with_name(f"{options.out.name}-every")
    every = replace(TERMS, min_event_s=1.0)
    exhaustive, _, all_of_it = _found(closely, paths, options.archive, every, options.workers)
    hours = sum(one["duration_s"] for one in truths.values()) / 3600
    each_h = hours / len(truths)
    long = {
        path: [event for event in truth["events"] if event["end_s"] - event["start_s"] >= SHORTEST_S]
        for path, truth in truths.items()
    }
    wanted = {path: [(e["start_s"], e["end_s"], e["zone"]) for e in events] for path, events in long.items()}
    sights = {
        path: [(one.start, one.end, one.zone.slug) for one in judged if one.seconds >= SHORTEST_S]
        for path, judged in exhaustive.items()
    }
    return {
        "recordings": len(found),
        "hours": round(hours, 2),
        "decoded_share": total["guarantee"]["decoded_share"],
        "decoded_share_every_second": all_of_it["guarantee"]["decoded_share"],
        "p_not_looked_at": total["guarantee"]["p_not_looked_at"],
        "took_s": round(took, 1),
        "against the truth": compared(found, wanted, each_h),
        "every second, against the truth": compared(exhaustive, wanted, each_h),
        "against every second": compared(found, sights, each_h),
        "missed": [
            f"{e['source']} ({e['zone']}, {e['end_s'] - e['start_s']:g} s)"
            for path, events in long.items()
            for e in events
            if path in found and not _hits(found[path], (e["start_s"], e["end_s"], ""))
        ],
    }


def compared(found: Found, wanted: dict[str, list[Span]], each_h: float) -> dict[str, Any]:
    """Return how many of the wanted spans were found, how exactly, and how much else was."""
    both = found.keys() & wanted.keys()
    pairs = [(span, _hits(found[path], span)) for path in sorted(both) for span in wanted[path]]
    met = [(span, hits) for span, hits in pairs if hits]
    errors = sorted(
        error for span, hits in met for error in (abs(hits[0].start - span[0]), abs(hits[-1].end - span[1]))
    )
    named = sum(hits[0].zone.slug == span[2] for span, hits in met)
    false = sum(
        not any(one.start < end and one.end > start for start, end, _ in wanted[path])
        for path in both
        for one in found[path]
    )
    return {
        "recordings": len(both),
        "events": len(pairs),
        "recall": round(len(met) / len(pairs), 4) if pairs else None,
        "zone_named_right": round(named / len(met), 4) if met else None,
        "boundary_error_median_s": round(statistics.median(errors), 3) if errors else None,
        "boundary_error_p90_s": round(errors[int(0.9 * len(errors))], 3) if errors else None,
        "others_per_hour": round(false / (each_h * len(both)), 3) if both else None,
    }


def _hits(found: Sequence[Finding], span: Span) -> list[Finding]:
    return [one for one in found if one.start < span[1] and one.end > span[0]]


def _found(
    out: Path, paths: list[str], archive: Path, terms: Terms, workers: int
) -> tuple[Found, float, dict[str, Any]]:
    """Audit with so many workers; with none, judge what an earlier run has in its book."""
    took = 0.0
    if workers:
        with (
            run.begin(out, paths, terms, RULES, Naming(), resume=True) as book,
            LocalEngine(run.MakeScanner(RULES, terms), workers) as engine,
        ):
            began = time.perf_counter()
            run.scan(book, engine)
            took = time.perf_counter() - began
    with Book(out / NAME) as book:
        judged = [one for one in outcome.rule(book, RULES) if one.entry.parts]  # only what was scanned
    totals = outcome.Totals()
    for one in judged:
        totals.add(one, terms.min_event_s)
    found = {str(Path(one.entry.path).relative_to(archive)): one.judged.findings for one in judged}
    return found, took, outcome.summary_json(totals, terms)


def _truths(archive: Path) -> list[dict[str, Any]]:
    # One file a recording, so that an archive which is not finished yet can be scored as well.
    return [json.loads(path.read_text("utf-8")) for path in sorted(archive.rglob("cam_*.json"))]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fast = commands.add_parser("speed")
    fast.add_argument("--minutes", type=float, default=10.0, help="of each of the two recordings")
    fast.add_argument("--gop", type=float, default=2.0, help="seconds between key frames")
    fast.add_argument("--turns", type=int, default=3)
    fast.add_argument("--ray", action="store_true", help="measure Ray as well")
    right = commands.add_parser("score")
    right.add_argument("--archive", type=Path, required=True)
    right.add_argument("--out", type=Path, required=True, help="folder of the audit; resumed if it is there")
    right.add_argument("--workers", type=int, default=2, help="0 scores what an earlier run has done so far")
    for each in (fast, right):
        each.add_argument("--json", type=Path, help="write the result here as well")
    options = parser.parse_args()
    result = speed(options) if options.command == "speed" else score(options)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    sys.stdout.write(text + "\n")
    if options.json:
        options.json.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
