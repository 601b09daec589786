"""Consecutive verdicts folded to spans: what a report is about."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from privacy.policy import Clause
from privacy.verdict import State, Verdict
from privacy.zones import Zone


@dataclass(frozen=True, slots=True)
class Incident:
    """One continuous sight of a prohibited place.

    Attributes:
        start: Offset in seconds of the first frame ruled PROHIBITED.
        end: Offset of the first frame after it that is not; the span is `[start, end)`.
        zone: The zone that was named for most of the time.
        p_prohibited: Highest probability over time within the span.
        clauses: The articles that prohibit `zone`.
    """

    start: float
    end: float
    zone: Zone
    p_prohibited: float
    clauses: tuple[Clause, ...]


def fold(verdicts: Iterable[Verdict], *, shortest: float = 0.0) -> Iterator[Incident]:
    """Yield an incident for each run of PROHIBITED verdicts that lasts at least `shortest` seconds.

    The last frame of a source that ends in the middle of a run closes it at its own offset.
    """
    run: list[Verdict] = []
    end = 0.0
    for verdict in verdicts:
        end = verdict.offset
        if verdict.state is State.PROHIBITED:
            run.append(verdict)
        elif run:
            yield from _incident(run, end, shortest)
            run = []
    if run:
        yield from _incident(run, end, shortest)


def _incident(run: list[Verdict], end: float, shortest: float) -> Iterator[Incident]:
    start = run[0].offset
    if end - start < shortest:
        return
    named = [verdict for verdict in run if verdict.zone is not None]
    zones = [verdict.zone for verdict in named]
    spokesman = max(named, key=lambda verdict: (zones.count(verdict.zone), verdict.p_prohibited))
    assert spokesman.zone is not None  # noqa: S101 - a PROHIBITED verdict always names its zone
    yield Incident(start, end, spokesman.zone, max(v.p_prohibited for v in run), spokesman.clauses)
