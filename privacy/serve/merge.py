"""What several processes say, in the order in which it happened: what came late is not taken for later. Pure."""

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class Merge(Generic[T]):
    """Holds back what one source says until every other has said how far it is.

    Each source speaks in order of time, and says now and then that nothing older is to come. One that has said nothing
    for too long is not waited for: what it says later comes out late, and nothing is lost.

    Args:
        patience_s: How long a source is waited for.
        most: Of so many items that are held, the oldest is let go.
    """

    def __init__(self, patience_s: float, most: int) -> None:
        self._patience_s = patience_s
        self._most = most
        self._held: list[tuple[float, int, T]] = []
        self._number = 0  # of two items of one moment, the one that came first
        self._said: dict[int, tuple[float, float]] = {}  # how far each source is, and when it said so

    def join(self, source: int, now: float) -> None:
        """Wait for a source from now on."""
        self._said[source] = now, now

    def leave(self, source: int) -> None:
        """Wait for it no more: it has said everything."""
        self._said.pop(source, None)

    def take(self, source: int, at: float, item: T, now: float) -> None:
        """Take what a source says.

        Args:
            source: Which.
            at: When it happened, on the clock of `now`.
            item: What.
            now: Seconds, on a clock that all sources share and nobody sets.
        """
        self._number += 1
        heapq.heappush(self._held, (at, self._number, item))
        self.until(source, at, now)

    def until(self, source: int, at: float, now: float) -> None:
        """Take note that a source has said everything that happened before `at`."""
        if source in self._said:
            self._said[source] = max(at, self._said[source][0]), now

    def __len__(self) -> int:
        """Return how many items are held."""
        return len(self._held)

    def ready(self, now: float) -> list[T]:
        """Return what is held back no longer, the oldest first."""
        awaited = [at for at, said in self._said.values() if now - said <= self._patience_s]
        settled = min(awaited, default=float("inf"))
        found = []
        while self._held and (self._held[0][0] <= settled or len(self._held) > self._most):
            found.append(heapq.heappop(self._held)[2])
        return found
