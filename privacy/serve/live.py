"""What the cameras show now: the last verdict of every stream that runs on this server."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from privacy.errors import PrivacyError
from privacy.serve.observer import Answer, Look, StreamFacts
from privacy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera showed last.

    Attributes:
        session: The stream.
        verdict: The last ruling.
        at: When its frame was answered.
    """

    session: str
    verdict: Verdict
    at: datetime


class Live:
    """Remembers the last verdict of each camera for as long as it has a stream. An `Observer`."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._lock = threading.Lock()

    def last(self, camera: str) -> Seen | None:
        """Return what the camera showed last; None if it has no stream here."""
        return self._seen.get(camera)

    def opened(self, stream: StreamFacts) -> None:
        """Nothing is seen yet."""

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """Remember it."""
        self._seen[stream.camera] = Seen(stream.session, answer.verdict, datetime.now(UTC))

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:  # noqa: ARG002 - the observer's signature
        """Forget it, unless the camera has another stream by now."""
        with self._lock:
            seen = self._seen.get(stream.camera)
            if seen is not None and seen.session == stream.session:
                del self._seen[stream.camera]

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:
        """Nothing was seen."""

    def looked(self, look: Look) -> None:
        """A look is no verdict."""
