from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import pytest

from privacy import policy
from privacy.errors import PolicyError
from privacy.events import (
    Anomaly,
    EffectChanged,
    Event,
    FramesAnomalous,
    MaskChange,
    MaskReduced,
    MaskRestored,
    PtzMoved,
    Registered,
    ViewChange,
    ViewChanged,
    ViewRestored,
)
from privacy.policy import Effect, EffectKind
from privacy.reports.rules import RULES, Rulebook
from tests.reports.stories import CAMERA, NOON, closed, looks, opened, reads, scenes


def found(events: Sequence[Event]) -> set[str]:
    """Every rule that found something at any time of the story."""
    book = Rulebook(policy.load())
    return {rule.name for scene in scenes(events) for rule, _, _ in book.findings(scene)}


def view(at: float = NOON, *, approved: bool = False) -> ViewChanged:
    return ViewChanged(subject=CAMERA, at=at, change=ViewChange.TURNED, shift=0.3, approved=approved)


def ptz(at: float) -> PtzMoved:
    return PtzMoved(subject=CAMERA, at=at, actor="users/li", zoom=4.0)


def lifted(*, approval: str = "") -> MaskReduced:
    return MaskReduced(subject=CAMERA, at=NOON, change=MaskChange.LIFTED, actor="users/li", approval=approval)


def effect(before: Effect, after: Effect) -> EffectChanged:
    return EffectChanged(subject=CAMERA, at=NOON, before=before, after=after, actor="users/li")


def gap(at: float, frames: int) -> FramesAnomalous:
    return FramesAnomalous(subject=CAMERA, at=at, anomaly=Anomaly.SEQUENCE_GAP, frames=frames)


def again(at: float, seconds: float) -> FramesAnomalous:
    return FramesAnomalous(subject=CAMERA, at=at, anomaly=Anomaly.DUPLICATE, frames=9, seconds=seconds)


def leap(at: float, seconds: float) -> FramesAnomalous:
    return FramesAnomalous(subject=CAMERA, at=at, anomaly=Anomaly.TIME_GAP, seconds=seconds)


SOLID, COARSE, FINE = Effect(), Effect(EffectKind.PIXELATE, 0.2), Effect(EffectKind.PIXELATE, 0.1)
PAIRS: dict[str, tuple[Sequence[Event], Sequence[Event]]] = {
    "PROHIBITED_VIEW": (looks("." + "W" * 7), looks("." + "W" * 4 + "." * 9 + "W" * 4)),
    "PURPOSE_CONTRADICTED": (
        [opened(purpose="corridor"), *looks("W" * 32)],
        [opened(purpose=""), *looks("W" * 32)],
    ),
    "VIEW_CHANGED": (
        [view(), *looks("." * 12)],
        [view(), *looks("." * 5), ViewRestored(subject=CAMERA, at=NOON + 6), *looks("." * 9, NOON + 7)],
    ),
    "VIEW_CHANGED_TO_PRIVATE": (
        [*looks("..."), view(NOON + 3), *looks("W" * 7, NOON + 4)],
        [*looks("WWWWWWW..."), view(NOON + 10), *looks("." * 9, NOON + 11)],
    ),
    "PTZ_DWELL": (
        [*looks("..."), ptz(NOON + 3), *looks(".." + "W" * 12, NOON + 4)],
        [*looks("..."), ptz(NOON + 3), *looks(".." + "W" * 6 + "...", NOON + 4)],
    ),
    "MASK_REDUCED": ([lifted()], [lifted(approval="粤公批〔2026〕12号")]),
    "SILENT_WHILE_PROHIBITED": (
        [opened(), *looks("WWW"), closed(NOON + 3), opened(NOON + 40), *looks("??..", NOON + 41)],
        [opened(), *looks("WWW"), closed(NOON + 3), opened(NOON + 6), *looks("??..", NOON + 7)],
    ),
    "FRAMES_WITHHELD": (
        [gap(NOON + n * 60, 20) for n in range(3)],
        [gap(NOON + n * 400, 20) for n in range(3)],
    ),
    "FRAMES_REPLAYED": ([again(NOON, 6), again(NOON + 60, 6)], [again(NOON, 6), again(NOON + 600, 6)]),
    "CAMERA_UNREGISTERED": (
        [opened(registered=False), *looks("." * 62)],
        [opened(registered=False), *looks("." * 30), opened(NOON + 31, registered=True), *looks("." * 62, NOON + 32)],
    ),
    "EVIDENCE_BULK": (reads(20), reads(19)),
    "EVIDENCE_OFF_HOURS": (reads(1, at=NOON + 11 * 3600), reads(1, at=NOON + 8 * 3600)),
    "EVIDENCE_PURPOSELESS": (reads(1, purpose="  - "), reads(1, purpose="case")),
    "SCREENS_DWELT": (looks("." * 22, screens=0.4), looks("." * 22, screens=0.3)),
}
"""For each rule a story that it is made for, and the nearest one that it must stay silent in."""


def test_every_rule_has_its_pair() -> None:
    assert list(PAIRS) == [rule.name for rule in RULES]


@pytest.mark.parametrize("rule", PAIRS)
def test_a_rule_finds_what_it_is_made_for(rule: str) -> None:
    assert rule in found(PAIRS[rule][0])


@pytest.mark.parametrize("rule", PAIRS)
def test_a_rule_stays_silent_in_the_near_miss(rule: str) -> None:
    assert rule not in found(PAIRS[rule][1])


@pytest.mark.parametrize(
    ("rule", "events"),
    [
        pytest.param("PROHIBITED_VIEW", looks("W" + "?" * 20 + "W"), id="doubt between two looks is no time seen"),
        pytest.param("VIEW_CHANGED", [view(approved=True), *looks("." * 12)], id="an approved change"),
        pytest.param("MASK_REDUCED", [effect(FINE, COARSE)], id="a stronger effect"),
        pytest.param("MASK_REDUCED", [effect(FINE, SOLID)], id="solid again"),
        pytest.param(
            "SILENT_WHILE_PROHIBITED",
            [opened(), *looks("WWW"), closed(NOON + 3, orderly=True), opened(NOON + 40), *looks("..", NOON + 41)],
            id="the server itself ended the stream",
        ),
        pytest.param(
            "SILENT_WHILE_PROHIBITED",
            [opened(), *looks("WWW"), closed(NOON + 3), opened(NOON + 40), *looks("WW", NOON + 41)],
            id="it came back as it went",
        ),
        pytest.param("SCREENS_DWELT", [*looks("." * 15, screens=0.4), *looks("." * 15, NOON + 15)], id="screens left"),
        pytest.param(
            "CAMERA_UNREGISTERED",
            [
                event
                for start in (NOON, NOON + 100, NOON + 200)
                for event in (opened(start, registered=False), *looks("." * 20, start), closed(start + 20))
            ],
            id="a camera that stays away longer than a finding goes on",
        ),
        pytest.param(
            "CAMERA_UNREGISTERED",
            [
                *(opened(NOON, registered=False), closed(NOON + 20)),
                Registered(subject=CAMERA, at=NOON + 30, known=True, actor="users/li"),
                Registered(subject=CAMERA, at=NOON + 40, known=False, actor="users/li"),
                *(opened(NOON + 50, registered=False), *looks("." * 50, NOON + 51)),
            ],
            id="a camera that was registered in between",
        ),
        pytest.param(
            "PROHIBITED_VIEW",
            [
                event
                for start in (NOON, NOON + 20, NOON + 40)
                for event in (opened(start), *looks(".WWW", start), closed(start + 4))
            ],
            id="sights that were seen to have ended between streams",
        ),
        pytest.param(
            "PROHIBITED_VIEW",
            [
                event
                for start in (NOON, NOON + 80, NOON + 160)
                for event in (opened(start), *looks("WWW", start), closed(start + 3))
            ],
            id="sights between which the camera was away longer than a finding goes on",
        ),
    ],
)
def test_silence(rule: str, events: Sequence[Event]) -> None:
    assert rule not in found(events)


@pytest.mark.parametrize(
    ("rule", "events"),
    [
        pytest.param("MASK_REDUCED", [effect(SOLID, COARSE)], id="an effect that can be seen through"),
        pytest.param("MASK_REDUCED", [effect(COARSE, FINE)], id="smaller cells"),
        pytest.param(
            "SILENT_WHILE_PROHIBITED",
            [opened(), *looks("WWW"), leap(NOON + 40, 37), *looks("..", NOON + 40)],
            id="a gap in capture time is a silence too",
        ),
        pytest.param(
            "SCREENS_DWELT",
            [*looks("." * 15, screens=0.9), *looks("." * 15, NOON + 15, screens=0.4)],
            id="screens that fill less and still enough",
        ),
        pytest.param("EVIDENCE_PURPOSELESS", reads(1, purpose=""), id="no purpose at all"),
        pytest.param(
            "CAMERA_UNREGISTERED",
            [
                event
                for start in (NOON, NOON + 40, NOON + 80)
                for event in (opened(start, registered=False), *looks("." * 20, start), closed(start + 20))
            ],
            id="a camera that breaks off before the minute is over",
        ),
        pytest.param(
            "PROHIBITED_VIEW",
            [
                event
                for start in (NOON, NOON + 20, NOON + 40)
                for event in (opened(start), *looks("WWW?", start), closed(start + 4))
            ],
            id="a stream that breaks off before the sight is long enough",
        ),
    ],
)
def test_finds(rule: str, events: Sequence[Event]) -> None:
    assert rule in found(events)


def test_a_restored_mask_is_no_finding_any_more() -> None:
    (*_, last) = scenes([lifted(), MaskRestored(subject=CAMERA, at=NOON + 9)])

    assert list(Rulebook(policy.load()).findings(last)) == []


def test_a_sight_is_named_by_most_of_its_looks() -> None:
    (*_, last) = scenes(looks("WDDDDDDD"))

    assert last.sight is not None
    assert last.sight.zone is not None
    assert last.sight.zone.slug == "dormitory"


@pytest.mark.parametrize("name", policy.names())
def test_every_shipped_pack_speaks_of_every_rule(name: str) -> None:
    assert len(Rulebook(policy.load(name)).rules) == len(RULES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("after_s = 30.0            # a prohibited", "afters = 30.0 # a prohibited", id="misspelt number"),
        pytest.param("[misuse.MASK_REDUCED]", "[misuse.MASK_REDUCE]", id="misspelt rule"),
    ],
)
def test_a_pack_that_does_not_fit_the_rules_is_refused(old: str, new: str, tmp_path: Path) -> None:
    text = (resources.files("privacy.policies") / "guangdong.toml").read_text("utf-8")
    path = tmp_path / "bad.toml"
    path.write_text(text.replace(old, new), "utf-8")

    assert old in text
    with pytest.raises(PolicyError, match="rule"):
        Rulebook(policy.load(path))
