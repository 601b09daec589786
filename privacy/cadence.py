"""When a frame is worth a look: models are dear, most frames repeat the one before."""

import numpy as np
from numpy.typing import NDArray

from privacy.frame import Frame, Layout
from privacy.policy import Timing


class Cadence:
    """Chooses the frames of one camera that the model sees.

    A frame is due when the last look is `look_every_s` old; when the picture has changed by `scene_change` levels of
    luma since the last look; or, while the feed is not settled, every `look_again_s`. Never oftener than
    `look_again_s`, but for a change of scene, which may not wait: the frame would leave before it is judged.

    Args:
        timing: Of the policy.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._looked: float | None = None
        self._luma: NDArray[np.int16] | None = None

    def due(self, frame: Frame, *, settled: bool) -> bool:
        """Return True if the model should see `frame`, and remember that it does.

        Args:
            frame: The next frame of the camera.
            settled: False while the verdict is open, so that it is settled sooner.
        """
        luma = _coarse_luma(frame)
        if self._wanted(frame.offset, luma, settled=settled):
            self._looked, self._luma = frame.offset, luma
            return True
        return False

    def _wanted(self, offset: float, luma: NDArray[np.int16], *, settled: bool) -> bool:
        if self._looked is None or self._luma is None or offset <= self._looked:
            return True  # a clock that stands still tells nothing of how long ago that was
        wait = self._timing.look_every_s if settled else self._timing.look_again_s
        if offset - self._looked >= wait:
            return True
        if luma.shape != self._luma.shape:
            return True
        return float(np.abs(luma - self._luma).mean()) >= self._timing.scene_change


def _coarse_luma(frame: Frame) -> NDArray[np.int16]:
    """Return about 64x36 samples of luma, int16 so that differences do not wrap; unfiltered, to cost microseconds."""
    plane = frame.planes[0]
    height, width = frame.size
    sample = plane[height // 72 :: max(1, height // 36), width // 128 :: max(1, width // 64)]
    if frame.layout in (Layout.BGR, Layout.RGB):
        sample = sample[..., 1]  # green carries most of luma
    return sample.astype(np.int16)
