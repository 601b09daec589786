"""The newest of what waits: `DELIVERY_LATEST`."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from privacy.serve.cpu import Meter

T = TypeVar("T")
MAX_WAITING = 1024


class Latest(Generic[T]):
    """Drains an iterator in a thread and yields the newest item each time, with those that were passed over.

    What the iterator raises is raised to whoever iterates, after the items that came before it.

    Args:
        items: What is drained. The thread ends with it.
        lighten: Takes what is heavy off an item that will not be looked at, so that waiting costs little memory.

    Attributes:
        meter: What the thread costs.
    """

    def __init__(self, items: Iterator[T], lighten: Callable[[T], T]) -> None:
        self.meter = Meter()
        self._items = items
        self._lighten = lighten
        self._waiting: deque[T] = deque()
        self._changed = threading.Condition()
        self._over = False
        self._failure: BaseException | None = None
        threading.Thread(target=self._drain, name="latest", daemon=True).start()

    def __iter__(self) -> Iterator[tuple[list[T], T]]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._over)
                if not self._waiting:
                    if self._failure is not None:
                        raise self._failure
                    return
                *passed, newest = self._waiting
                self._waiting.clear()
                self._changed.notify_all()
            yield passed, newest

    def close(self) -> None:
        """Take nothing more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _drain(self) -> None:
        try:
            for item in self._items:
                self.meter.read()
                with self._changed:
                    # Even what is light adds up: beyond this the sender is slowed down instead.
                    self._changed.wait_for(lambda: len(self._waiting) < MAX_WAITING or self._over)
                    if self._over:
                        return
                    if self._waiting:
                        self._waiting.append(self._lighten(self._waiting.pop()))
                    self._waiting.append(item)
                    self._changed.notify_all()
        except BaseException as error:  # it belongs to the thread that iterates, and is raised there
            self._failure = error
        self.close()
