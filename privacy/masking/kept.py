"""A memory of what was made before, bounded by bytes: sixteen of something is little or much."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

_OVERHEAD = 1024
"""Bytes that an entry counts for beside what it holds, so that empty ones have an end, too."""


class Kept(Generic[T]):
    """Keeps what was used last; safe to share between threads.

    Args:
        limit: Bytes. What is larger is made each time and not kept.
        size: Bytes that a value holds.
    """

    def __init__(self, limit: int, size: Callable[[T], int]) -> None:
        self._limit, self._size = limit, size
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of `key`; two threads may make it at the same time, and one of theirs is kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        cost = self._size(value) + _OVERHEAD
        with self._lock:
            if key in self._values or cost > self._limit:
                return self._values.get(key, value)
            self._values[key] = value
            self.nbytes += cost
            while self.nbytes > self._limit:
                _, dropped = self._values.popitem(last=False)
                self.nbytes -= self._size(dropped) + _OVERHEAD
        return value
