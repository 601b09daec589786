"""At which preset a camera that moves stands, by what its frames say. Pure; nobody knows until it has settled."""

from privacy.serve.observer import Ptz

SETTLE_S = 1.0
"""A camera's word may be as old as its client's last question. Only one that has held for so long is taken."""
_SAME_DEG = 0.5
_SAME_ZOOM = 0.02


class Whereabouts:
    """Follows one camera.

    A preset counts once every frame of the last `SETTLE_S` has named it, and nothing moved meanwhile. Before that, on
    the way, and of a camera that says nothing, nobody knows; then the zones of all presets hold.
    """

    def __init__(self) -> None:
        self._stood: Ptz | None = None
        self._since = self._last = 0.0

    def see(self, ptz: Ptz | None, offset: float) -> str | None:
        """Take in what a frame says, and return the preset it shows; None if nobody knows.

        Args:
            ptz: None if the frame says nothing.
            offset: Of the frame, in seconds. A clock that runs back, or leaps, has it settle anew.
        """
        goes_on = self._stood is not None and ptz is not None and _same(self._stood, ptz)
        if not goes_on or not 0 <= offset - self._last <= SETTLE_S:
            self._stood, self._since = ptz, offset
        self._last = offset
        if ptz is None or not ptz.preset or offset - self._since < SETTLE_S:
            return None
        return ptz.preset


def _same(one: Ptz, other: Ptz) -> bool:
    return (
        one.preset == other.preset
        and abs(one.pan_deg - other.pan_deg) <= _SAME_DEG
        and abs(one.tilt_deg - other.tilt_deg) <= _SAME_DEG
        and abs(one.zoom - other.zoom) <= _SAME_ZOOM * one.zoom
    )
