"""Connections to the HTTP side: one on which nothing is asked is closed, and makes room for those who ask."""

import asyncio
from typing import Any

import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

log = structlog.get_logger()

REQUEST_WITHIN_S = 10.0
"""A connection has a whole request within this time, from its start or from the last answer, or is closed."""
READ_WITHIN_S = 60.0
"""A client that is slow to read the end of its last answer has this time instead."""


class Connection(H11Protocol):
    """One connection. uvicorn alone lets one that asks nothing, or half of something, stay for ever.

    Of all connections, the server takes as many as `limit_concurrency`, and half as many of one address. One more, and
    the one that has asked nothing for longest is closed: who probes asks at once, and is never in that place.

    Attributes:
        since: The loop's time from when it asks nothing.
        left: Whether it was closed for that.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*arguments, **options)
        self.since = self.loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.left = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begin, in place of another one if there are too many."""
        super().connection_made(transport)
        self._wait()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        super().data_received(data)
        if self.owes():
            self._stop_timer()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.owes():
            self._wait()

    def owes(self) -> bool:
        """Say whether there is a whole request without its whole answer."""
        return self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete

    def _wait(self) -> None:
        self.since = self.loop.time()
        self._stop_timer()
        self._timer = self.loop.call_later(REQUEST_WITHIN_S, self._overdue)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _overdue(self) -> None:
        if self.transport.get_write_buffer_size() and self.loop.time() - self.since < READ_WITHIN_S:
            self._timer = self.loop.call_later(REQUEST_WITHIN_S, self._overdue)
        else:
            self.leave()

    def _make_room(self) -> None:
        most = self.limit_concurrency
        if most is None:
            return
        there = [other for other in self.connections if isinstance(other, Connection) and not other.left]
        mine = [other for other in there if other.host() == self.host()]
        if len(mine) <= most // 2 and len(there) < most:
            return
        crowd = mine if len(mine) > most // 2 else there
        first = min((other for other in crowd if not other.owes()), key=lambda other: other.since)
        log.warning("connection_made_room", peer=first.host(), connections=len(there))
        first.leave()

    def host(self) -> str:
        """Return the address of the client; "" if it has none."""
        return "" if self.client is None else self.client[0]

    def leave(self) -> None:
        """Close at once: a client that does not read would hold up an orderly end."""
        self.left = True
        self._stop_timer()
        self.transport.abort()
