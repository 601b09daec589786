"""Who scans: this machine, or many."""

from collections.abc import Callable
from typing import Protocol, Self

from privacy.audit.scan import Scan, Scanner, Task
from privacy.sources.recording import Broken, Fault

ATTEMPTS = 2
"""A part whose worker dies is given to another worker once; a file that kills two is left alone."""
PATIENCE_S = 300.0
"""A worker that gives no sign of life for so long is ended."""

MakeScanner = Callable[[], Scanner]
"""Builds a scanner where it is to run; picklable."""


class Engine(Protocol):
    """Scans parts of recordings somewhere, several at a time, in any order.

    Attributes:
        capacity: So many tasks may be under way at once.
    """

    capacity: int

    def __enter__(self) -> Self:
        """Start the workers."""

    def __exit__(self, *_: object) -> None:
        """Stop them; what is under way is lost."""

    def wait_until_ready(self) -> None:
        """Wait until every worker has loaded its model; `next` does so by itself where it has to.

        Raises:
            PrivacyError: One cannot be started.
        """

    def submit(self, task: Task) -> None:
        """Take a task; never more than `capacity` at once."""

    def next(self) -> Scan:
        """Wait for the next result. A task whose workers die has a result that says so.

        Raises:
            PrivacyError: The workers cannot be started.
        """


def lost(task: Task, why: Fault) -> Scan:
    """Return the result of a task that nobody could do."""
    what = "reading it took too long" if why is Fault.TIMED_OUT else "reading it ended the worker"
    broken = Broken(why, task.start, f"{task.path}: {what}")
    if task.number == 0:
        return Scan(task=task, unreadable=broken)
    return Scan(task=task, broken=(broken,), end=task.start)
