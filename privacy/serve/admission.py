"""Who may come in: what streams cost is measured, and one that would make the others late is refused."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from privacy.errors import OverloadError

MEASURED_AFTER_S = 3.0
"""Capture time after which a stream is taken to cost what it has cost so far."""
_REMEMBERED_S = 20.0


@dataclass(slots=True, eq=False)
class Account:
    """What one stream has cost, a second of *its* time.

    A video that is played ten times as fast as it was taken would not cost ten times as much if it were live.

    Attributes:
        opened: When it began, on the clock of the server.
        spent: CPU seconds.
        captured: Seconds of capture time.
        now: When it last spent something.
    """

    opened: float
    spent: float = 0.0
    captured: float = 0.0
    now: float = 0.0

    def spend(self, seconds: float, captured: float, now: float) -> None:
        """Count CPU seconds, and the capture time for which they were spent.

        Args:
            seconds: CPU seconds.
            captured: Seconds of capture time; a clock that runs back counts for nothing.
            now: The server's clock.
        """
        self.spent += seconds
        self.captured += max(0.0, captured)
        self.now = now
        if self.span > _REMEMBERED_S:  # what is long ago counts ever less
            self.opened = now - (now - self.opened) / 2
            self.spent /= 2
            self.captured /= 2

    @property
    def span(self) -> float:
        """Seconds that `spent` is for.

        The client's clock is believed only if it is ahead of ours: one that crawls would make the stream look dear, and
        shut others out.
        """
        return max(self.captured, self.now - self.opened)

    @property
    def measured(self) -> bool:
        """Whether it has run long enough to tell."""
        return self.span >= MEASURED_AFTER_S

    @property
    def cost(self) -> float:
        """CPU seconds a second."""
        return self.spent / self.span if self.span > 0 else 0.0


class Admission:
    """Keeps the sum of what streams cost below what the machine has.

    A stream that is not measured yet is taken to cost what the measured ones cost on average, and at least
    `least_cost`. Thread-safe; reads no clock.

    Args:
        max_streams: Most streams, whatever they cost.
        capacity: CPU seconds a second that streams may take.
    """

    def __init__(self, *, max_streams: int, capacity: float) -> None:
        self._max_streams = max_streams
        self._capacity = capacity
        self._accounts: set[Account] = set()
        self._lock = threading.Lock()
        self.least_cost = 0.0

    @property
    def load(self) -> float:
        """What the streams that run are taken to cost, in CPU seconds a second."""
        with self._lock:
            return self._expected()[0]

    @contextmanager
    def stream(self, now: float) -> Iterator[Account]:
        """Let a stream in for as long as the context lasts.

        Raises:
            OverloadError: There are as many as there may be, or it would be one too many for this machine. The first
                stream always comes in.
        """
        account = Account(now, now=now)
        with self._lock:
            if len(self._accounts) >= self._max_streams:
                raise OverloadError(f"this server has its {self._max_streams} streams", limit=self._max_streams)
            load, each = self._expected()
            if self._accounts and load + each > self._capacity:
                raise OverloadError(
                    f"{len(self._accounts)} streams take {load:.2f} of {self._capacity:.2f} processors, and another "
                    f"would take {each:.2f}",
                    load=round(load, 3),
                    capacity=self._capacity,
                )
            self._accounts.add(account)
        try:
            yield account
        finally:
            with self._lock:
                self._accounts.discard(account)

    def _expected(self) -> tuple[float, float]:
        """Return what all streams cost, and what one more would."""
        measured = [account.cost for account in self._accounts if account.measured]
        mean = sum(measured) / len(measured) if measured else 0.0
        each = max(mean, self.least_cost)
        return sum(measured) + each * (len(self._accounts) - len(measured)), each
