"""What comes next, taken by a thread of its own, so that whoever waits for it can notice that nothing comes."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from privacy.serve.cpu import Meter

T = TypeVar("T")


class Ahead(Generic[T]):
    """Drains an iterator in a thread.

    What the iterator raises is kept for `check`.

    Args:
        items: What is drained. The thread ends with it.
        room: Items that may wait; beyond them the iterator is slowed down.
        most: The same in bytes; one item may wait whatever it takes.
        taken: Returns the bytes that an item takes.

    Attributes:
        meter: What the thread costs.
    """

    def __init__(
        self, items: Iterator[T], room: int, most: int = sys.maxsize, taken: Callable[[T], int] = lambda _: 0
    ) -> None:
        self.meter = Meter()
        self._items = items
        self._room = room
        self._most = most
        self._taken = taken
        self._waiting: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._ended = False
        self._failure: BaseException | None = None
        threading.Thread(target=self._drain, name="ahead", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether everything was taken that there is."""
        with self._changed:
            return self._ended and not self._waiting

    def until_pause(self, seconds: float) -> Iterator[T]:
        """Yield items until there are no more, or nothing has come for `seconds`."""
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._waiting or self._ended, seconds):
                    return
                if not self._waiting:
                    return
                item, taken = self._waiting.popleft()
                self._bytes -= taken
                self._changed.notify_all()
            yield item

    def wait(self) -> None:
        """Return when there is something to take, or nothing more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)

    def check(self) -> None:
        """Raise what the iterator has raised."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Take nothing more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _has_room(self, taken: int) -> bool:
        return not self._waiting or (len(self._waiting) < self._room and self._bytes + taken <= self._most)

    def _drain(self) -> None:
        try:
            for item in self._items:
                self.meter.read()
                taken = self._taken(item)
                with self._changed:
                    while not (self._has_room(taken) or self._ended):
                        self._changed.wait()
                    if self._ended:
                        return
                    self._waiting.append((item, taken))
                    self._bytes += taken
                    self._changed.notify_all()
        except BaseException as error:  # it belongs to the thread that iterates
            self._failure = error
        self.close()
