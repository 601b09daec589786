"""Short stories of cameras and readers, as events."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from privacy import policy
from privacy.events import Event, EvidenceRead, Looked, StreamClosed, StreamOpened
from privacy.evidence import Reason
from privacy.reports.scene import Scene
from privacy.verdict import State, Verdict
from privacy.zones import Zone

CAMERA = "sites/hotel/cameras/c1"
NOON = 1_773_288_000.0  # 2026-03-12 12:00 in Guangdong

SETTLE_S = policy.load().reporting.settle_s


def looks(story: str, start: float = NOON, *, screens: float = 0.0) -> list[Looked]:
    """One look a second: `W` a washroom, `D` a dormitory, `?` nobody knows, `.` nothing prohibited."""
    zones = {"W": Zone.WASHROOM, "D": Zone.DORMITORY}
    states = {".": State.CLEAR, "?": State.UNCERTAIN}
    return [
        Looked(
            subject=CAMERA,
            at=start + second,
            verdict=Verdict(
                states.get(letter, State.PROHIBITED), Reason.MODEL, float(second), zones.get(letter), 0.95, (), "toilet"
            ),
            screens=screens,
            masked=letter != ".",
        )
        for second, letter in enumerate(story)
    ]


def opened(at: float = NOON - 1, *, purpose: str = "", registered: bool = True) -> StreamOpened:
    return StreamOpened(subject=CAMERA, at=at, purpose=purpose, registered=registered)


def closed(at: float, *, orderly: bool = False) -> StreamClosed:
    return StreamClosed(subject=CAMERA, at=at, orderly=orderly)


def reads(count: int, *, every_s: float = 60.0, at: float = NOON, purpose: str = "case 2026-0312") -> list[Event]:
    return [
        EvidenceRead(subject="users/wang", at=at + n * every_s, report=f"reports/{n}", camera=CAMERA, purpose=purpose)
        for n in range(count)
    ]


def scenes(events: Iterable[Event]) -> Iterator[Scene]:
    """What is known after each event."""
    events = list(events)
    yield from list(accumulate(events, Scene.after, initial=Scene(events[0].subject, SETTLE_S)))[1:]
