"""When a frame is worth a look: models are dear, most frames repeat the one before."""

import math
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.frame import Frame, Layout
from privacy.pan import Cells, cells, turned
from privacy.policy import Timing

STILL = 1.0
"""Mean change of luma, in 8-bit levels, below which nothing moves; a door that opens changes more."""


MOST_NEW = 0.1
"""Of a picture that may be new before it is looked at again while it only moves: too little to tell a place by."""


class Cue(Enum):
    """What becomes of the next frame."""

    LOOK = "look"
    """The model sees it."""
    REST = "rest"
    """It shows what the last look showed, and inherits."""
    BLIND = "blind"
    """It shows something else, and there is no look left for it: nobody knows what."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What looks may cost. A file has all the time that it takes; cameras share a model.

    Attributes:
        frames: After as many frames without a look, one is due whatever their clock says: a clock can crawl.
        memory: A look is due before those without one, and the one before them, take more bytes than that: where frames
            wait, so much is held. None for as many as there are.
        still_s: A settled view in which nothing moves waits so long, instead of `look_every_s`; None for no longer.
        waits: True if no frame leaves before the next look, which hides it unless that is clear as well. What a pan
            shows between two looks was then in one of them or in both, so that it needs none of its own.
        changes: Changes of scene that are looked at at once. Each `look_again_s` allows for one more; frames beyond
            that are `BLIND`. None for as many as there are.
    """

    frames: int = 100
    memory: int | None = None
    still_s: float | None = None
    waits: bool = False
    changes: int | None = None


class Cadence:
    """Chooses the frames of one camera that the model sees.

    A frame is due when the last look is `look_every_s` old; when the picture has changed by `scene_change` levels of
    luma since the last look; or, while the feed is not settled, every `look_again_s`. Never oftener than
    `look_again_s`, but for a change of scene, which may not wait: the frame would leave before it is judged. Where
    frames wait, a picture of a settled feed that only moved is no change of scene until a tenth of it is new.

    Args:
        timing: Of the policy.
        pace: What looks may cost.
    """

    def __init__(self, timing: Timing, pace: Pace = Pace()) -> None:
        self._timing = timing
        self._pace = pace
        self._looked: float | None = None
        self._luma: NDArray[np.int16] | None = None
        self._cells: Cells | None = None  # of the frame that was looked at, if frames wait
        self._rested = 0  # frames since the last look
        self._taken = 0  # bytes of them, and of the one that was looked at
        self._allowed = float(pace.changes or 0)
        self._now = 0.0

    def cue(self, frame: Frame, *, settled: bool) -> Cue:
        """Return what becomes of `frame`, and remember a look.

        Args:
            frame: The next frame of the camera.
            settled: False while the verdict is open, so that it is settled sooner.
        """
        luma = _coarse_luma(frame)
        self._allow(frame.offset)
        cue = self._cue(frame, luma, settled=settled)
        if cue is Cue.LOOK:
            self._looked, self._luma, self._rested = frame.offset, luma, 0
            self._cells = cells(frame) if self._pace.waits else None
            self._taken = frame.nbytes
            self._allowed = max(0.0, self._allowed - 1)
        else:
            self._rested += 1
            self._taken += frame.nbytes
        return cue

    def _allow(self, offset: float) -> None:
        if self._pace.changes is not None:
            earned = max(0.0, offset - self._now) / self._timing.look_again_s
            self._allowed = min(self._pace.changes, self._allowed + earned)
        self._now = offset

    def _cue(self, frame: Frame, luma: NDArray[np.int16], *, settled: bool) -> Cue:
        offset = frame.offset
        if self._looked is None or self._luma is None or self._rested + 1 >= self._pace.frames:
            return Cue.LOOK
        if self._pace.memory is not None and self._taken + frame.nbytes > self._pace.memory:
            return Cue.LOOK
        same_shape = luma.shape == self._luma.shape
        # As the mean of `np.abs`, which takes five times as long: these are few numbers.
        moved = cv2.norm(luma, self._luma, cv2.NORM_L1) / luma.size if same_shape else math.inf
        if offset - self._looked >= self._wait(moved, settled=settled):
            return Cue.LOOK
        # A clock that stands still tells nothing of how long ago the look was.
        if moved < self._timing.scene_change and offset > self._looked:
            return Cue.REST
        # While nothing is settled every frame is hidden: what changes is looked at, so that the feed opens the sooner.
        if settled and offset > self._looked and self._only_moved(frame):
            return Cue.REST
        return Cue.LOOK if self._pace.changes is None or self._allowed >= 1 else Cue.BLIND

    def _only_moved(self, frame: Frame) -> bool:
        """Say whether the turn of the camera explains what changed since the last look, and brought in little."""
        if self._cells is None:
            return False
        here = cells(frame)
        if here.shape != self._cells.shape:
            return False
        turn = turned(self._cells, here)
        return turn.rest < self._timing.scene_change and turn.new <= MOST_NEW

    def _wait(self, moved: float, *, settled: bool) -> float:
        if not settled:
            return self._timing.look_again_s
        if moved < STILL and self._pace.still_s is not None:
            return self._pace.still_s
        return self._timing.look_every_s


def _coarse_luma(frame: Frame) -> NDArray[np.int16]:
    """Return about 64x36 samples of luma, int16 so that differences do not wrap; unfiltered, to cost microseconds."""
    plane = frame.planes[0]
    height, width = frame.size
    sample = plane[height // 72 :: max(1, height // 36), width // 128 :: max(1, width // 64)]
    if frame.layout in (Layout.BGR, Layout.RGB):
        sample = sample[..., 1]  # green carries most of luma
    return sample.astype(np.int16)


class Stillness:
    """Tells pictures that show what the last look showed, so that its evidence holds for them as well.

    Compared with the last picture that was *looked at*, not with the one before, so that a slow change adds up; by the
    block that changed most, so that a person in a corner counts.

    Args:
        timing: Of the policy; `scene_change` levels of luma in one block are a change.
        longest_s: After so long a new look is due, however still the picture.
    """

    def __init__(self, timing: Timing, longest_s: float = 60.0) -> None:
        self._timing = timing
        self._longest_s = longest_s
        self._looked = 0.0
        self._blocks: NDArray[np.float32] | None = None

    def holds(self, frame: Frame) -> bool:
        """Return True if `frame` need not be looked at. If it must be, it is remembered as what was looked at."""
        blocks = _block_luma(frame)
        if (
            self._blocks is not None
            and 0 <= frame.offset - self._looked < self._longest_s
            and float(np.abs(blocks - self._blocks).max()) < self._timing.scene_change
        ):
            return True
        self._looked, self._blocks = frame.offset, blocks
        return False


def _block_luma(frame: Frame) -> NDArray[np.float32]:
    """Return `(9, 16)` float32, mean luma of the blocks of a picture; sampled, for noise averages out in a block."""
    plane = frame.planes[0]
    height, width = frame.size
    sample = plane[:: max(1, height // 144), :: max(1, width // 256)]
    if frame.layout in (Layout.BGR, Layout.RGB):
        sample = sample[..., 1]
    blocks = cv2.resize(np.ascontiguousarray(sample), (16, 9), interpolation=cv2.INTER_AREA)
    return np.asarray(blocks, np.float32)
