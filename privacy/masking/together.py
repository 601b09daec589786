"""Masks of many cameras on one device: whoever comes while it is busy is masked with all others who wait."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from privacy.errors import MaskingError
from privacy.frame import Frame, Plane
from privacy.masking import untouched
from privacy.plan import MaskPlan

MOST = 32
"""Frames of one batch: more would keep the first of them waiting, and fill no device better."""

Batch = Callable[[Sequence[Frame], Sequence[MaskPlan]], Sequence[Frame]]
"""Masks frames, each by its plan, in order."""


@dataclass(slots=True, eq=False)
class _Waiting:
    frame: Frame
    plan: MaskPlan
    masked: Frame | None = None
    error: Exception | None = None

    @property
    def is_done(self) -> bool:
        return self.masked is not None or self.error is not None


class Together:
    """Masks frames as `privacy.masking.mask` does, many at a time; safe to share between threads.

    It has no thread of its own: of those that wait, one masks for all. A batch that fails is masked again one by one,
    so that a camera answers for its own frames only.

    Args:
        batch: What masks; called by one thread at a time.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._waiting: deque[_Waiting] = deque()
        self._entry, self._device = threading.Lock(), threading.Lock()

    def __call__(self, frame: Frame, plan: MaskPlan, into: Plane | None = None) -> Frame:  # noqa: ARG002 - an offer
        """Return `frame` with the regions of `plan` hidden; see `privacy.masking.mask`. It lies where it came down.

        Raises:
            MaskingError: The device gave nothing back for it. Whatever it raises for this frame goes on as well.
        """
        if (ready := untouched(frame, plan)) is not None:
            return ready
        mine = _Waiting(frame, plan)
        with self._entry:
            self._waiting.append(mine)
        while not mine.is_done:
            with self._device:
                if not mine.is_done:  # else somebody has masked it while this thread waited for the device
                    some = self._next()
                    try:
                        self._mask(some)
                    finally:  # a thread that is told to end takes nobody's frame with it but its own
                        self._leave([one for one in some if one is not mine and not one.is_done])
        if mine.error is not None:
            raise mine.error
        if mine.masked is None:
            raise MaskingError("a frame came back without its mask", sequence=frame.sequence)
        return mine.masked

    def _next(self) -> list[_Waiting]:
        with self._entry:
            return [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]

    def _leave(self, some: Sequence[_Waiting]) -> None:
        with self._entry:
            self._waiting.extendleft(reversed(some))

    def _mask(self, some: Sequence[_Waiting]) -> None:
        try:
            masked = list(self._batch([one.frame for one in some], [one.plan for one in some]))
        except Exception as error:  # whatever it raises: each frame's own failure, or none
            if len(some) == 1:
                some[0].error = error
                return
            masked = []
        if len(masked) == len(some):
            for one, frame in zip(some, masked, strict=True):
                one.masked = frame
        elif len(some) == 1:
            some[0].error = MaskingError("a frame came back without its mask", sequence=some[0].frame.sequence)
        else:
            for one in some:
                self._mask((one,))
