"""What becomes of whole clips: the product's own path over time, with any model in it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from privacy import measures, pipeline
from privacy.bench import protocol
from privacy.bench.datasets import Clip, Clips
from privacy.bench.metrics import HIGHER, LOWER, measured, number
from privacy.bench.models import Catalogued, Entrant, Through
from privacy.bench.scores import Failure, told
from privacy.cadence import Cadence
from privacy.errors import PrivacyError
from privacy.models import catalogue
from privacy.models.classifier import ZoneClassifier
from privacy.policy import Policy, calibrated
from privacy.sources.video import VideoSource
from privacy.verdict import State, Verdict, Watch


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one clip.

    Attributes:
        clip: File name.
        seconds: How long it is.
        permitted_s: How much of it is permitted.
        prohibited_frames: Frames that show a prohibited place.
        exposed_frames: How many of these left clear.
        exposed_ms: For how long.
        accusations: Spans ruled PROHIBITED that hold no prohibited frame.
        hidden_in_vain: Share of the permitted frames that left hidden.
        detected_s: From the first prohibited frame to the first one ruled PROHIBITED; None if that never came.
        flaps: Changes between hidden and clear after the first opening.
        unseen: Frames that the model failed on.
    """

    clip: str
    seconds: float
    permitted_s: float
    prohibited_frames: int
    exposed_frames: int
    exposed_ms: float
    accusations: int
    hidden_in_vain: float | None
    detected_s: float | None
    flaps: int
    unseen: int


def measure(entrant: Entrant, clips: Clips, rules: Policy, *, rounds: int, seed: int) -> dict[str, Any]:
    """Run every clip, and return what became of them; a clip that cannot be read is named.

    A model whose thresholds were measured is ruled by its own, every other by those of `rules`.
    """
    if isinstance(entrant, Catalogued) and (rows := catalogue.calibration(entrant.name)):
        rules = calibrated(rules, rows, model=entrant.name)
    runs, failures = [], []
    for clip in clips.clips:
        try:
            runs.append(watch(entrant, clip, rules))
        except PrivacyError as error:
            failures.append(Failure(clip.path.name, told(error)))
    return {
        "measures": _summed(runs, rounds=rounds, seed=seed) if runs else {},
        "clips": [asdict(run) for run in runs],
        "failures": [{"item": failure.item, "error": failure.error} for failure in failures],
    }


def watch(entrant: Entrant, clip: Clip, rules: Policy) -> Run:
    """Run one clip as `privacy mask` would.

    Raises:
        SourceError: It cannot be read.
        SourceLostError: It breaks off.
    """
    ruled = list(verdicts(entrant, clip, rules))
    offsets = np.array([verdict.offset for verdict in ruled])
    shown = np.array([clip.shows(offset) for offset in offsets], np.bool_)
    clear = np.array([verdict.state is State.CLEAR for verdict in ruled], np.bool_)
    accused = np.array([verdict.state is State.PROHIBITED for verdict in ruled], np.bool_)
    lasts = np.diff(offsets, append=offsets[-1] + (np.median(np.diff(offsets)) if len(offsets) > 1 else 0.0))
    lasts = np.maximum(lasts, 0)
    edges = np.flatnonzero(np.diff(np.r_[False, accused, False].astype(int)))
    spans = zip(edges[::2], edges[1::2], strict=True)
    detected = np.flatnonzero(accused & shown)
    opened = clear[int(clear.argmax()) :] if clear.any() else clear[:0]
    return Run(
        clip=clip.path.name,
        seconds=round(float(lasts.sum()), 3),
        permitted_s=round(float(lasts[~shown].sum()), 3),
        prohibited_frames=int(shown.sum()),
        exposed_frames=int((shown & clear).sum()),
        exposed_ms=round(float(lasts[shown & clear].sum()) * 1000, 1),
        accusations=sum(not shown[start:end].any() for start, end in spans),
        hidden_in_vain=number(float((~clear)[~shown].mean())) if (~shown).any() else None,
        detected_s=number(float(offsets[detected[0]] - offsets[shown.argmax()])) if len(detected) else None,
        flaps=sum(bool(here != there) for here, there in pairwise(opened)),
        unseen=sum(verdict.reason.value == "MODEL_ERROR" and not verdict.inherited for verdict in ruled),
    )


def verdicts(entrant: Entrant, clip: Clip, rules: Policy) -> Iterator[Verdict]:
    """Yield the verdict on every frame, with the look-behind of the protocol."""
    with VideoSource(clip.path) as source:
        model: ZoneClassifier = (
            entrant.classifier if isinstance(entrant, Catalogued) else Through(entrant, _small(source.info.size))
        )
        judged = pipeline.judge(source, model, Watch(rules), Cadence(rules.timing))
        for _, verdict in pipeline.wait(judged, protocol.LOOK_BEHIND_S):
            yield verdict


def _small(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, protocol.SHORT_SIDE / min(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _summed(runs: Sequence[Run], *, rounds: int, seed: int) -> dict[str, Any]:
    """Sum over clips; the bootstrap draws clips."""

    def over(chosen: Sequence[Run]) -> dict[str, float]:
        permitted = sum(run.permitted_s for run in chosen)
        private = [run for run in chosen if run.prohibited_frames]
        frames = sum(run.prohibited_frames for run in private)
        times = [run.detected_s for run in private if run.detected_s is not None]
        vain = [run.hidden_in_vain for run in chosen if run.hidden_in_vain is not None]
        seconds = sum(run.seconds for run in chosen)
        return {
            "false alarms per camera-day": _ratio(sum(r.accusations for r in chosen) * protocol.DAY_S, permitted),
            "private clips detected": _ratio(len(times), len(private)),
            "median seconds to detection": float(np.median(times)) if times else measures.NAN,
            "exposed share of prohibited frames": _ratio(sum(r.exposed_frames for r in private), frames),
            "exposed ms per private clip": _ratio(sum(run.exposed_ms for run in private), len(private)),
            "permitted frames hidden in vain": float(np.mean(vain)) if vain else measures.NAN,
            "flaps per minute": _ratio(sum(run.flaps for run in chosen) * 60, seconds),
        }

    draws = measures.resamples([np.array([k]) for k in range(len(runs))], rounds=rounds, seed=seed)
    drawn = [over([runs[k] for k in picked]) for picked in draws]
    return {
        name: measured([row[name] for row in drawn], value, better=HIGHER if name.endswith("detected") else LOWER)
        for name, value in over(runs).items()
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else measures.NAN
