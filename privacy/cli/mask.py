"""`privacy mask`: a video in, the same video out with prohibited views hidden."""

import contextlib
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from privacy import plan
from privacy.cli.detectors import detectors
from privacy.errors import EffectTooWeakError, SourceLostError
from privacy.masking import DEVICES, masker_for
from privacy.models import catalogue
from privacy.pipeline import Outcome, guard
from privacy.policy import DEFAULT as DEFAULT_POLICY
from privacy.policy import MAX_TILES, Effect, EffectKind, Subject
from privacy.sinks.lines import LinesSink, line_of
from privacy.sinks.video import PRESET, PRESETS, VideoSink, same_file
from privacy.sources.video import VideoInfo, VideoSource

EXIT_INCOMPLETE = 3
LOOK_BEHIND_S = 2.0
"""How long the frames of a file wait, if nobody says otherwise: the longer, the fewer looks at far faces will do. 50
frames of 1080p are 160 MB."""


@click.command()
@click.argument("source", metavar="IN")
@click.option(
    "-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The masked video; its ending "
    "(.mp4, .mkv, .mov, .avi, .ts, .flv) chooses the container."
)  # fmt: skip
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write one JSON object a frame here.")
@click.option(
    "--effect", type=click.Choice([kind.value for kind in EffectKind]), help="How hidden parts look.  [default: the "
    "policy's]"
)  # fmt: skip
@click.option(
    "--strength", type=float, help="Side of a cell or kernel as a share of the shorter side, above 0 and at most 1."
)
@click.option(
    "--policy", "pack", default=DEFAULT_POLICY, show_default=True, help="A policy pack, or a path to a .toml."
)
@click.option(
    "--zones", type=click.Path(dir_okay=False, path_type=Path), help="Polygons to hide whatever is seen: a JSON file "
    '{"polygons": [[[x, y], ...], ...], "presets": {"NAME": [...]}}, corners in [0, 1].'
)  # fmt: skip
@click.option("--view", help="The preset of --zones at which the camera stands.  [default: hide those of all presets]")
@click.option("--people", is_flag=True, help="Hide people in permitted views as well (needs picodet-s-416).")
@click.option(
    "--faces", is_flag=True, help="Hide faces in permitted views as well, and the heads of people whose face is not "
    "found (needs yunet-n and picodet-s-416)."
)  # fmt: skip
@click.option("--no-heads", is_flag=True, help="Hide the faces that are found, and nothing of other people.")
@click.option(
    "--tiles", type=click.IntRange(0, MAX_TILES), help="Parts of the picture that are looked at large for what is far "
    "away, by turns; 0 is cheaper.  [default: the policy's]"
)  # fmt: skip
@click.option("--screens", is_flag=True, help="Hide displays, telephones and books as well (needs picodet-s-416).")
@click.option(
    "--device", default="cpu", show_default=True, type=click.Choice(DEVICES), help="Where pixels are masked; auto "
    "takes CUDA where torch finds it (extra gpu)."
)  # fmt: skip
@click.option("--purpose", default="", help="What the camera is declared for, for example corridor.")
@click.option(
    "--look-behind", type=click.FloatRange(0, 60), help="Seconds that frames wait for the next verdict, so that what "
    "came just before a prohibited view is hidden too, and who is found late from the moment they came; in memory.  "
    "[default: 2 for files, 0 for cameras]"
)  # fmt: skip
@click.option("--model", default=catalogue.DEFAULT, show_default=True, help="A zone model of the catalogue.")
@click.option("--audio", is_flag=True, help="Copy the sound. Without this it is left out: voices are personal, too.")
@click.option(
    "--preset", default=PRESET, show_default=True, type=click.Choice(PRESETS), help="x264: slower is smaller."
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
def mask(
    source: str,
    *,
    out: Path,
    report: Path | None,
    effect: str | None,
    strength: float | None,
    pack: str,
    zones: Path | None,
    view: str | None,
    people: bool,
    faces: bool,
    no_heads: bool,
    tiles: int | None,
    screens: bool,
    device: str,
    purpose: str,
    look_behind: float | None,
    model: str,
    audio: bool,
    preset: str,
    overwrite: bool,
) -> None:
    """Hide what must not be seen in the video IN, a file or the address of an RTSP camera.

    The result has the same size, frame rate, timestamps and number of frames. No frame is clear unless the verdict on
    it is. OUT appears when it is complete; a camera is recorded until the end of its stream, or until Ctrl-C.

    Detectors for people, faces and screens are not part of the package: privacy models pull NAME fetches one.

    Exits 3 if IN broke off or holds damaged frames: what could be read is masked and written, damaged frames hidden.
    """
    if same_file(source, out) or (
        report is not None and (same_file(source, report) or report.resolve() == out.resolve())
    ):
        raise click.UsageError("the output would overwrite the input")
    rules = catalogue.load_policy(pack, model)
    wanted = _effect(effect, strength, rules.effect)
    rules.checked(wanted)
    if view is not None and zones is None:
        raise click.UsageError("--view names a preset of --zones")
    static = plan.read_zones(zones).at(view) if zones is not None else ()
    masker = masker_for(device)
    classifier = catalogue.load(model)
    if tiles is not None:
        rules = replace(rules, subjects=replace(rules.subjects, tiles=tiles))
    asked = {
        Subject.PEOPLE: people,
        Subject.FACES: faces,
        Subject.HEADS: faces and not no_heads,
        Subject.SCREENS: screens,
    }
    subjects = detectors(rules.subjects.hidden | {subject for subject, wanted in asked.items() if wanted}, rules)
    counts: Counter[str] = Counter()
    broken: SourceLostError | None = None
    with contextlib.ExitStack() as open_files:
        video = open_files.enter_context(VideoSource(source, audio=audio))
        sink = open_files.enter_context(
            VideoSink(out, video.info, preset=preset, audio=video.audio, overwrite=overwrite)
        )
        lines = open_files.enter_context(LinesSink(report, overwrite=overwrite)) if report is not None else None
        seconds = (0.0 if video.info.live else LOOK_BEHIND_S) if look_behind is None else look_behind
        outcomes = guard(
            video,
            classifier,
            rules,
            purpose=purpose,
            static=static,
            effect=wanted,
            look_behind_s=seconds,
            subjects=subjects,
            masker=masker,
        )
        try:
            for outcome in _shown(_interruptible(outcomes, live=video.info.live), video.info):
                _check_size(outcome, video)
                sink.write(outcome.frame)
                sink.write_audio(video.take_audio())
                line = line_of(outcome)
                counts[line["masked"]] += 1
                if lines is not None:
                    lines.write(line)
            sink.write_audio(video.take_audio())
        except SourceLostError as error:
            broken = error
    total = counts.total()
    click.echo(
        f"{out}: {total} frames, {counts['whole']} hidden, {counts['part']} in part, {counts['none']} clear", err=True
    )
    if broken is not None:
        click.echo(f"privacy: {broken}", err=True)
        raise click.exceptions.Exit(EXIT_INCOMPLETE)


def _effect(kind: str | None, strength: float | None, default: Effect) -> Effect:
    if kind is None and strength is None:
        return default
    try:
        return Effect(EffectKind(kind or default.kind), 1.0 if strength is None else strength)
    except EffectTooWeakError as error:
        raise click.UsageError(str(error)) from error


def _check_size(outcome: Outcome, video: VideoSource) -> None:
    if outcome.frame.size != video.info.size:
        (height, width), (rows, columns) = video.info.size, outcome.frame.size
        raise SourceLostError(
            f"{video.name}: broke at frame {outcome.frame.sequence}, after {outcome.frame.offset:.3f} s: "
            f"its size changes from {width}x{height} to {columns}x{rows}, and a video file has one",
            frame=outcome.frame.sequence,
        )


def _interruptible(outcomes: Iterator[Outcome], *, live: bool) -> Iterator[Outcome]:
    """Treat a request to terminate like Ctrl-C, and Ctrl-C as the end of a camera's recording."""
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield from outcomes
    except KeyboardInterrupt:
        if not live:
            raise
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _shown(outcomes: Iterator[Outcome], info: VideoInfo) -> Iterator[Outcome]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield from outcomes
        return
    columns = (
        TextColumn("masking"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("masking", total=info.frames or round(info.duration * info.rate) or None)
        for outcome in outcomes:
            progress.advance(task)
            yield outcome
