"""The ledger: its head, its entries, and whether it is whole."""

import threading

from starlette.responses import Response

from privacy.console import queries
from privacy.console.desk import Asked, Desk
from privacy.errors import RateError
from privacy.reports.ledger import Verified

_CHECKING = threading.Lock()


def index(desk: Desk, asked: Asked) -> Response:
    """Return the head and a page of the entries."""
    return _shown(desk, asked, None)


def verify(desk: Desk, asked: Asked) -> Response:
    """Check the chain from its beginning.

    Raises:
        RateError: Somebody does so already: it reads all of it.
    """
    if not _CHECKING.acquire(blocking=False):
        raise RateError("the ledger is being checked already; wait a moment")
    try:
        return _shown(desk, asked, desk.kept().verify_ledger())
    finally:
        _CHECKING.release()


def _shown(desk: Desk, asked: Asked, verified: Verified | None) -> Response:
    store = desk.kept()
    entries, more = queries.ledger(store, before=asked.number("before"))
    return desk.page(
        "ledger.html",
        asked,
        head=store.head(),
        key=store.public_key.hex(),
        entries=entries,
        more=more,
        verified=verified,
        checked=store.clock(),
    )
