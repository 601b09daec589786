"""What comes next, taken by a thread of its own, so that whoever waits for it can notice that nothing comes."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from privacy.serve.cpu import Meter

T = TypeVar("T")


class Ahead(Generic[T]):
    """Drains an iterator in a thread.

    What the iterator raises is kept for `check`.

    Args:
        items: What is drained. The thread ends with it.
        room: Items that may wait; beyond them the iterator is slowed down.

    Attributes:
        meter: What the thread costs.
    """

    def __init__(self, items: Iterator[T], room: int) -> None:
        self.meter = Meter()
        self._items = items
        self._room = room
        self._waiting: deque[T] = deque()
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
                item = self._waiting.popleft()
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

    def _drain(self) -> None:
        try:
            for item in self._items:
                self.meter.read()
                with self._changed:
                    self._changed.wait_for(lambda: len(self._waiting) < self._room or self._ended)
                    if self._ended:
                        return
                    self._waiting.append(item)
                    self._changed.notify_all()
        except BaseException as error:  # it belongs to the thread that iterates
            self._failure = error
        self.close()
