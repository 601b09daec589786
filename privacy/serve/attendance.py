"""Which streams every camera has, whichever process serves them: a camera ends with the last of them. Pure.

Streams of one camera overlap: a client that lost its connection is back before the server has noticed. So the end of a
stream says nothing of its camera while another goes on; and while one shows a prohibited place, another that does not
is no proof that the camera shows it no more.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, replace

from privacy.events import Event, Looked, StreamClosed, StreamOpened
from privacy.reports.scene import LONG_BACK_S
from privacy.verdict import State

MAX_CAMERAS = 65_536
"""Of so many it is remembered when they ended."""


@dataclass(slots=True)
class Attending:
    """One stream that goes on.

    Attributes:
        source: The process that serves it.
        policy: The pack that it runs under.
        ahead: Seconds to be added to its times: another stream of its camera, whose clock ran fast, has ended later
            than this one began.
        prohibited: Whether its last look showed a prohibited place.
        held: Seconds that the time of its last look lacks, since nothing may be later than `latest`.
    """

    source: int
    policy: str
    ahead: float = 0.0
    prohibited: bool = False
    held: float = 0.0


class Attendance:
    """Follows the streams of all cameras."""

    def __init__(self) -> None:
        self._streams: dict[str, dict[str, Attending]] = {}  # by camera and session
        self._ended: OrderedDict[str, float] = OrderedDict()

    def admit(
        self, event: Event, session: str, policy: str = "", source: int = 0, latest: float = math.inf
    ) -> Event | None:
        """Return what an event says of its camera: at a time that is not before what came from it; None for nothing.

        Args:
            event: What happened.
            session: The stream that it happened in; "" if in none.
            policy: The pack that the stream runs under.
            source: The process that serves it.
            latest: No time may be later than this, whatever came before.
        """
        streams = self._streams.get(event.subject, {})
        if isinstance(event, StreamOpened):
            ahead = max(0.0, self._ended.get(event.subject, event.at) - event.at)
            if ahead > LONG_BACK_S:
                ahead = 0.0
            self._streams.setdefault(event.subject, streams)[session] = Attending(source, policy, ahead)
        stream = streams.get(session)
        at = event.at + (0.0 if stream is None else stream.ahead)
        event, held = replace(event, at=min(at, latest)), max(0.0, at - latest)
        if stream is None:
            return event
        others = [other for name, other in streams.items() if name != session]
        match event:
            case StreamClosed():
                del streams[session]
                self._remember(event)
                if others:
                    return None
                del self._streams[event.subject]
            case StreamOpened():
                stream.held = held
            case Looked():
                event = replace(event, held_s=event.held_s + max(0.0, held - stream.held))
                stream.held = held
                stream.prohibited = event.verdict.state is State.PROHIBITED
                if event.verdict.state is State.CLEAR and any(other.prohibited for other in others):
                    return None
        return event

    def of(self, source: int) -> list[tuple[str, str, str]]:
        """Return camera, session and policy of every stream that a process serves."""
        return [
            (camera, session, stream.policy)
            for camera, streams in self._streams.items()
            for session, stream in streams.items()
            if stream.source == source
        ]

    def _remember(self, closed: Event) -> None:
        before = self._ended.pop(closed.subject, closed.at)
        self._ended[closed.subject] = closed.at if before - closed.at > LONG_BACK_S else max(closed.at, before)
        if len(self._ended) > MAX_CAMERAS:
            self._ended.popitem(last=False)
