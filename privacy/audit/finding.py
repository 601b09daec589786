"""From looks to findings: what is seen of one recording, judged as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from privacy.audit.scan import CLOSER, DOUBT, sights_of
from privacy.incident import fold
from privacy.policy import Clause, Policy
from privacy.verdict import State, Verdict, judge_recording
from privacy.zones import Zone


@dataclass(frozen=True, slots=True)
class Looks:
    """All looks at one recording.

    Attributes:
        rows: `(N,)` of `scan.LOOKS`, ordered by offset, each offset once.
        places: What `place` counts in.
        end: Where the recording ends, seconds.
        rate: Pictures a second, 0 if unknown.
    """

    rows: NDArray[np.void]
    places: tuple[str, ...]
    end: float
    rate: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One continuous sight of a prohibited place in a recording.

    Attributes:
        start: Seconds from the start of the recording; the span is `[start, end)`.
        end: Where it ends.
        zone: The zone that was named for most of the time.
        p_prohibited: Highest probability over time within the span.
        clauses: The articles that prohibit the zone.
        start_within: The true start lies within so many seconds of `start`, as far as the looks can tell.
        end_within: The same of the end.
        scan_gap: How far apart looks were here before anything was found, seconds; decides how likely it was found.
        frames: So many pictures show it unmasked, 0 if the recording does not say: its exposure, beside the seconds.
    """

    start: float
    end: float
    zone: Zone
    p_prohibited: float
    clauses: tuple[Clause, ...]
    start_within: float
    end_within: float
    scan_gap: float
    frames: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording's timeline, `[start, end)`, in which one thing was ruled.

    Attributes:
        start: Seconds.
        end: Seconds.
        state: PROHIBITED, CLEAR, UNCERTAIN.
        zone: The zone; None if CLEAR or nothing was seen.
    """

    start: float
    end: float
    state: State
    zone: Zone | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What is ruled about one recording.

    Attributes:
        findings: In order of their start.
        timeline: All of it, in order.
        gaps: `(G,)` float64, lengths in seconds between looks that were made whatever was seen, and to both ends; a
            picture that could not be decoded is none.
    """

    findings: tuple[Finding, ...]
    timeline: tuple[Stretch, ...]
    gaps: NDArray[np.float64]


def judge(looks: Looks, policy: Policy, *, model: str, shortest_s: float) -> Judged:
    """Judge a recording.

    Every look speaks for the time that is nearer to it than to any other, so that a boundary lies halfway between the
    two looks that saw it.

    Args:
        looks: At all of it.
        policy: The rules.
        model: Catalogue name of the model that looked.
        shortest_s: Sights that are shorter are no finding.
    """
    offsets = looks.rows["offset"]
    saw = looks.rows["kind"] % CLOSER != DOUBT  # what could not be decoded, nobody has looked at
    scanned = offsets[saw & (looks.rows["kind"] & CLOSER == 0)]
    end = max(looks.end, float(offsets[-1]) if len(offsets) else 0.0)
    gaps = np.diff(np.concatenate(([0.0], scanned, [end])))
    if not len(offsets):
        unseen = (Stretch(0.0, looks.end, State.UNCERTAIN, None),) if looks.end > 0 else ()
        return Judged((), unseen, gaps)
    verdicts = judge_recording(sights_of(looks.rows, looks.places, model), policy)
    borders = [0.0, *((offsets[1:] + offsets[:-1]) / 2).tolist(), end]
    moved = [replace(verdict, offset=border) for verdict, border in zip(verdicts, borders[:-1], strict=True)]
    closing = Verdict(State.UNCERTAIN, verdicts[-1].reason, end)
    findings = tuple(
        Finding(
            start=incident.start,
            end=incident.end,
            zone=incident.zone,
            p_prohibited=incident.p_prohibited,
            clauses=incident.clauses,
            start_within=_within(offsets[saw], incident.start, end),
            end_within=_within(offsets[saw], incident.end, end),
            scan_gap=_scan_gap(scanned, incident.start, incident.end, end),
            frames=round((incident.end - incident.start) * looks.rate),
        )
        for incident in fold([*moved, closing], shortest=shortest_s)
    )
    return Judged(findings, _timeline(moved, end), gaps)


def joined(parts: Sequence[tuple[NDArray[np.void], tuple[str, ...]]]) -> tuple[NDArray[np.void], tuple[str, ...]]:
    """Join the looks of the parts of a recording; where two parts looked at one picture, the first counts."""
    places = tuple(sorted({place for _, names in parts for place in names}))
    rows = []
    for looks, names in parts:
        renamed = looks.copy()
        if names:
            renamed["place"] = np.array([places.index(name) for name in names], np.uint16)[looks["place"]]
        rows.append(renamed)
    every = np.concatenate(rows)
    _, first = np.unique(np.round(every["offset"], 3), return_index=True)
    return every[first], places


def _within(saw: NDArray[np.float64], border: float, end: float) -> float:
    """Return how far a border may be from the truth: as far as the farther of the looks on both sides of it.

    That is half their distance, unless doubts lie between them: then a border lies near one of the two.
    """
    if border <= 0 or border >= end:
        return 0.0
    after = int(np.searchsorted(saw, border))
    before = saw[after - 1] if after else 0.0
    beyond = saw[after] if after < len(saw) else end
    return round(max(border - float(before), float(beyond) - border), 3)


def _scan_gap(scanned: NDArray[np.float64], start: float, stop: float, end: float) -> float:
    """Return the longest distance of neighbouring scan looks that touch `[start, stop)`."""
    first = max(0, int(np.searchsorted(scanned, start)) - 1)
    last = int(np.searchsorted(scanned, stop)) + 1
    near = scanned[first:last]
    if len(near) < 2:
        return float(end)
    return float(np.diff(near).max())


def _timeline(verdicts: Sequence[Verdict], end: float) -> tuple[Stretch, ...]:
    runs = [
        (group[0].offset, key[0], key[1])
        for key, items in groupby(verdicts, key=lambda one: (one.state, _shown_zone(one)))
        if (group := list(items))
    ]
    ends = [start for start, _, _ in runs[1:]] + [end]
    return tuple(Stretch(start, stop, state, zone) for (start, state, zone), stop in zip(runs, ends, strict=True))


def _shown_zone(verdict: Verdict) -> Zone | None:
    return verdict.zone if verdict.state is State.PROHIBITED else None
