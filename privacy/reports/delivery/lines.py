"""A file of JSON lines, on another machine's disk if it is to prove anything: changes, and heads of the ledger."""

import os
from pathlib import Path

from privacy.errors import DeliveryError
from privacy.reports.delivery import payload
from privacy.reports.ledger import Head
from privacy.reports.report import Change


class Lines:
    """Appends to one file; a line is on the disk before it counts as delivered.

    Args:
        path: The file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"file:{path}"[-63:]
        self._path = path

    def deliver(self, change: Change) -> None:
        """See `Receiver.deliver`."""
        self._append(payload.body(change))

    def tell(self, head: Head) -> None:
        """See `Receiver.tell`."""
        self._append(head.line().encode())

    def close(self) -> None:
        """See `Receiver.close`."""

    def _append(self, line: bytes) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(f"{self.name} cannot be written: {error.strerror}", receiver=self.name) from error
