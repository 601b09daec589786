"""Masked copies of the recordings in which something was found."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from privacy.audit.finding import Finding
from privacy.audit.outcome import Ruled
from privacy.errors import PrivacyError, SourceLostError
from privacy.masking import blank
from privacy.models.classifier import ZoneClassifier
from privacy.pipeline import Outcome, guard
from privacy.plan import WHOLE
from privacy.policy import Policy
from privacy.sinks.video import VideoSink
from privacy.sources.recording import Clock, VideoRecording
from privacy.sources.video import VideoInfo, VideoSource

_REORDERED_S = 0.2
"""Where time leaps, the order in which pictures are decoded and the one in which they are shown differ by less."""


def write_copy(ruled: Ruled, folder: Path, model: ZoneClassifier, rules: Policy) -> tuple[Path, str]:
    """Write a masked copy of one recording: hidden is what the live filter hides, and every finding besides.

    Args:
        ruled: A recording with its findings.
        folder: Where the copy goes, as CAMERA/NAME.mp4; one that is there is replaced.
        model: What looks.
        rules: What is hidden, and how.

    Returns:
        The copy, and what of the recording is missing in it; empty if nothing is.

    Raises:
        PrivacyError: It cannot be read at all, or the copy cannot be written.
    """
    source = Path(ruled.entry.path)
    target = folder / folder_of(ruled.entry.camera) / f"{source.stem}-{ruled.entry.id}.mp4"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PrivacyError(f"{target.parent}: cannot be made: {error.strerror}") from error
    missing = ""
    with VideoSource(source) as video, VideoSink(target, video.info, overwrite=True) as sink:
        clock = _clock(source, video.info)
        try:
            for outcome in _hidden(guard(video, model, rules, look_behind_s=1.0), ruled.judged.findings, clock):
                sink.write(outcome.frame)
        except SourceLostError as error:
            missing = str(error)
    return target, missing


def folder_of(camera: str) -> str:
    """Return the name of a camera's folder; of a recording below ".." it is no way out."""
    return "camera" if camera in ("", ".", "..") else camera.replace("/", "_")


def _clock(source: Path, info: VideoInfo) -> Clock:
    """Return what the audit counted time by, which is not how the frames of a source tell it."""
    with closing(VideoRecording(str(source))) as recording:
        return recording.clock(float(info.start * info.time_base))


def _hidden(outcomes: Iterator[Outcome], findings: Sequence[Finding], clock: Clock) -> Iterator[Outcome]:
    """Hide what was found as well: the audit knows what came after, and the filter does not."""
    for outcome in outcomes:
        at = clock.at(outcome.frame.offset)
        found = any(
            one.start - one.start_within - _REORDERED_S <= at < one.end + one.end_within + _REORDERED_S
            for one in findings
        )
        if found and not outcome.plan.hides_everything:
            yield replace(outcome, frame=blank(outcome.frame), plan=replace(outcome.plan, regions=(WHOLE,)))
        else:
            yield outcome
