"""What a stream let through before it knew better."""

from privacy.verdict import State, Verdict


class ExposureMeter:
    """Counts the frames that left clear and may have shown a prohibited place; `Exposure` in the contract defines it.

    Attributes:
        frames: Frames so far.
        seconds: Capture time so far.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.seconds = 0.0
        self._inherited = 0  # frames that left clear unseen, since the last clear look
        self._since = 0.0  # offset of the first of them
        self._suspected: tuple[int, float] | None = None  # frames and seconds, until the verdict is prohibited or clear

    def see(self, verdict: Verdict) -> None:
        """Take the verdict of the next frame."""
        if verdict.state is State.CLEAR:
            self._suspected = None
            if not verdict.inherited:
                self._inherited = 0
                return
            if self._inherited == 0:
                self._since = verdict.offset
            self._inherited += 1
            return
        if self._inherited:
            self._suspected = (self._inherited, max(0.0, verdict.offset - self._since))
            self._inherited = 0
        if verdict.state is State.PROHIBITED and self._suspected is not None:
            frames, seconds = self._suspected
            self.frames += frames
            self.seconds += seconds
            self._suspected = None
