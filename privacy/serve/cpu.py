"""What the threads of a stream cost: each says so itself, for nobody can ask for another one's CPU time everywhere."""

import time

COUNT_EVERY_S = 1.0
"""So often a thread asks for its CPU time: that may cost more than a frame."""


class Meter:
    """The CPU time of one thread. That thread reads it; any other may look at what it read.

    Attributes:
        seconds: CPU seconds of the thread, since it began, when it was last asked for.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._due = 0.0

    def read(self) -> float | None:
        """Read it, if it is time to; to be called by the thread itself.

        Returns:
            The moment, in seconds of `time.monotonic`; None if it was not time.
        """
        now = time.monotonic()
        if now < self._due:
            return None
        self.seconds, self._due = time.thread_time(), now + COUNT_EVERY_S
        return now
