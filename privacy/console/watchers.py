"""Who keeps a page fresh: each holds a connection, and there is an end to them."""

import threading

from privacy.errors import OverloadError

MOST = 48
"""Pages that are kept fresh at the same time."""


class Watchers:
    """Counts the pages that are kept fresh."""

    def __init__(self, most: int = MOST) -> None:
        self._lock = threading.Lock()
        self._left = most

    def enter(self) -> None:
        """Take a place.

        Raises:
            OverloadError: There is none.
        """
        with self._lock:
            if self._left == 0:
                raise OverloadError("too many pages are open; this one does not keep itself fresh")
            self._left -= 1

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self._left += 1
