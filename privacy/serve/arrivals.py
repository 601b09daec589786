"""Calls whose one message is still on its way: each holds a thread, and none may hold it for ever."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import structlog

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class Arrivals:
    """Ends calls whose message does not come. One thread looks after all of them, and only while there are any.

    Args:
        within_s: How long a message may take.
        most: So many may be on their way; for one more, the call is ended whose message has taken longest. None for
            any number.
        clock: Monotonic seconds.
    """

    def __init__(self, within_s: float, most: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._within_s = within_s
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._coming: dict[int, tuple[float, Callable[[], object]]] = {}  # whoever has waited longest is first
        self._looking = False

    @contextmanager
    def awaited(self, context: grpc.ServicerContext) -> Iterator[None]:
        """Wait for the message of a call for the length of the block; if it takes too long, the call is cancelled."""
        number = next(self._numbers)
        with self._lock:
            if self._most is not None and len(self._coming) >= self._most:
                self._end_first()
            self._coming[number] = self._clock() + self._within_s, context.cancel
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="arrivals", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                ended = self._coming.pop(number, None) is None
            if ended:
                log.warning("message_did_not_come", peer=context.peer())

    def _look(self) -> None:
        while self._any_left():
            time.sleep(LOOK_EVERY_S)

    def _any_left(self) -> bool:
        with self._lock:
            while self._coming and next(iter(self._coming.values()))[0] <= self._clock():
                self._end_first()
            self._looking = bool(self._coming)
            return self._looking

    def _end_first(self) -> None:
        _, cancel = self._coming.pop(next(iter(self._coming)))
        cancel()
