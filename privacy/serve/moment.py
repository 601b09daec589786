"""When a frame was taken, by the server's clock. Pure."""

from privacy.reports.scene import MAX_LEAD_S

MAX_STEP_S = 60.0
"""Two frames of a stream that are farther apart by their camera's clock than this tell nothing of the time between."""


def moment(at: float, before: float | None, offset: float, now: float) -> tuple[float, float]:
    """Return when a frame was taken, in seconds since 1970-01-01 UTC, and how many seconds that lacks.

    By the camera's clock or by ours, whichever went farther: one that stands still hides no dwelling and no movement.
    But never farther ahead of ours than `MAX_LEAD_S`: what a client claims of the future must not stand for what is to
    come.

    Args:
        at: When the frame before was taken, or the stream began.
        before: Offset of that frame, in seconds; None if there is none.
        offset: Of this one.
        now: What our clock says.
    """
    if before is not None and 0 < offset - before < MAX_STEP_S:
        at += offset - before
    at = max(at, now)
    held = max(0.0, at - now - MAX_LEAD_S)
    return at - held, held
