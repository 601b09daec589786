"""A file of JSON lines, on another machine's disk if it is to prove anything: changes, and heads of the ledger."""

import os
from pathlib import Path

from privacy.errors import DeliveryError
from privacy.reports.delivery import payload
from privacy.reports.delivery.place import fitted
from privacy.reports.ledger import Head
from privacy.reports.report import Change


class Lines:
    """Appends to one file; a line is on the disk before it counts as delivered.

    Args:
        path: The file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.name = fitted(f"file:{path}")
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
            with self._path.open("a+b") as file:
                # A full disk, or an end in the middle, may have cut the last line off: it takes no whole one with it.
                file.seek(max(0, file.tell() - 1))
                torn = file.read(1) not in (b"", b"\n")
                file.write((b"\n" if torn else b"") + line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(f"{self.name} cannot be written: {error.strerror}", receiver=self.name) from error
