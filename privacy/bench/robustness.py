"""How much a model loses when the camera gets worse."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from privacy import measures
from privacy.bench import protocol
from privacy.bench.corruptions import KINDS, SEVERITIES, corrupt
from privacy.bench.datasets import Scenes
from privacy.bench.metrics import HIGHER, LOWER, measured, number
from privacy.bench.models import Entrant
from privacy.bench.scores import Scored, Store, ask

Corrupted = Mapping[tuple[str, int], Scored]
"""One model's answers by kind and severity."""


def chosen(scenes: Scenes, count: int = protocol.CORRUPTED) -> list[int]:
    """Return which photos are damaged: half of them prohibited; small sources first, then by the hash of the name."""
    items, shown, large = scenes.items, scenes.shown, scenes.large

    def order(index: int) -> tuple[bool, bytes]:
        name = items[index].encode("utf-8", "surrogateescape")
        return bool(large[index]), hashlib.sha256(name).digest()

    halves = [sorted(np.flatnonzero(half).tolist(), key=order) for half in (shown, ~shown)]
    return sorted([*halves[0][: count // 2], *halves[1][: count - count // 2]])


def answers(
    scenes: Scenes,
    entrants: Sequence[Entrant],
    store: Store,
    tell: Callable[[str, int, int], None],
    *,
    kinds: Sequence[str] = tuple(KINDS),
) -> Mapping[str, Corrupted]:
    """Return every model's answers about the damaged photos of `scenes`."""
    found: dict[str, dict[tuple[str, int], Scored]] = {entrant.name: {} for entrant in entrants}
    for kind in kinds:
        for severity in SEVERITIES:
            said = ask(
                scenes,
                entrants,
                store,
                key=f"{kind} {severity}",
                change=lambda image, item, kind=kind, severity=severity: corrupt(  # type: ignore[misc]
                    image, kind, severity, name=item
                ),
                tell=lambda done, all_, kind=kind, severity=severity: tell(f"{kind} {severity}", done, all_),  # type: ignore[misc]
            )
            for name, one in said.items():
                found[name][kind, severity] = Scored(name, scenes, one)
    return found


def measure(clean: Scored, corrupted: Corrupted, threshold: float, *, rounds: int, seed: int) -> dict[str, Any]:
    """Return what became of one model.

    Args:
        clean: Its answers about the same photos, undamaged.
        corrupted: Its answers about the damaged ones.
        threshold: The score that lets 1 % of *all* clean permitted photos through: a camera's threshold does not move
            when its dome gets dirty.
        rounds: Bootstrap resamples.
        seed: Of the resampling.
    """
    kinds = tuple(dict.fromkeys(kind for kind, _ in corrupted))

    def auroc(scored: Scored, drawn: measures.Indices) -> float:
        return measures.auroc(scored.p[drawn], scored.shown[drawn])

    def kind_of(kind: str, drawn: measures.Indices) -> float:
        return float(np.mean([auroc(one, drawn) for (name, _), one in corrupted.items() if name == kind]))

    everything = np.arange(len(clean.p))
    draws = measures.resamples(clean.scenes.strata, rounds=rounds, seed=seed)
    values = [[kind_of(kind, drawn) for kind in kinds] for drawn in draws]
    whole = [kind_of(kind, everything) for kind in kinds]
    before = [auroc(clean, drawn) for drawn in draws]
    lost = [first - float(np.mean(row)) for first, row in zip(before, values, strict=True)]

    def flagged(drawn: measures.Indices, *, shown: bool) -> float:
        """Share of the photos of one kind that score above the threshold, over all corruptions."""
        among = drawn[clean.shown[drawn] == shown]
        return float(np.mean([one.p[among] > threshold for one in corrupted.values()])) if len(among) else measures.NAN

    recall = [flagged(drawn, shown=True) for drawn in draws]
    alarms = [flagged(drawn, shown=False) for drawn in draws]
    return {
        "measures": {
            "corrupted AUROC": measured([float(np.mean(row)) for row in values], float(np.mean(whole)), better=HIGHER),
            "AUROC lost": measured(lost, auroc(clean, everything) - float(np.mean(whole)), better=LOWER),
            "worst kind AUROC": measured([min(row) for row in values], min(whole), better=HIGHER),
            "corrupted recall": measured(recall, flagged(everything, shown=True), better=HIGHER),
            "corrupted false alarms": measured(alarms, flagged(everything, shown=False), better=LOWER),
        },
        "clean": {"AUROC": number(auroc(clean, everything)), "photos": len(clean.p)},
        "kinds": [
            {
                "kind": kind,
                "severity": severity,
                "AUROC": number(auroc(one, everything)),
                "recall": number(float((one.p[one.shown] > threshold).mean())),
                "false alarms": number(float((one.p[~one.shown] > threshold).mean())),
                "failed": int(one.answers.failed.sum()),
            }
            for (kind, severity), one in corrupted.items()
        ],
    }
