"""What a model saw in one frame, before anyone judges it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from privacy.errors import EvidenceError
from privacy.zones import PROHIBITED, Zone


class Reason(StrEnum):
    """Why a verdict is what it is. New values may be added; an unknown one hides the frame."""

    MODEL = "MODEL"
    """The models' evidence, over time."""
    STARTUP = "STARTUP"
    """Not enough has been seen yet."""
    STALL = "STALL"
    """The last evidence is too old."""
    OVERLOAD = "OVERLOAD"
    """The service could not look in time."""
    FORMAT_CHANGE = "FORMAT_CHANGE"
    """Size or layout changed in the middle of a stream."""
    VIEW_CHANGED = "VIEW_CHANGED"
    """The registered view is no longer what the camera shows."""
    POLICY = "POLICY"
    """The policy pack hides this camera whatever it shows, or what is registered of it hides more than before."""
    MODEL_ERROR = "MODEL_ERROR"
    """The model failed on this frame."""
    DECODE_ERROR = "DECODE_ERROR"
    """The frame could not be decoded whole."""
    CLOCK_JUMP = "CLOCK_JUMP"
    """Capture time ran backwards or leapt ahead."""
    CONNECTION_LOST = "CONNECTION_LOST"
    """Said by a client of the service for frames that were never answered."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one model saw in one frame. It decides nothing.

    Attributes:
        offset: Seconds from the start of the source.
        zones: `(Z,)` float32 in [0, 1], sums to 1, indexed by `Zone`; owned and read-only.
        model: Catalogue name, for example "zones-lite0".
        zone_map: `(h, w)` float32 in [0, 1], probability that a cell shows a prohibited place, or None.
        place: The kind of place the model would name, for example "corridor"; empty if it names none.
        objects: Probability in [0, 1] that the frame shows each kind of object.
        opening: `(h, w)` bool, cells of the picture through which the prohibited place shows, if without them the frame
            is clear; else None.

    Raises:
        EvidenceError: A value is NaN or outside [0, 1], the length is wrong or the sum is not 1.
    """

    offset: float
    zones: NDArray[np.float32]
    model: str
    zone_map: NDArray[np.float32] | None = None
    place: str = ""
    objects: Mapping[str, float] = field(default_factory=dict)
    opening: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        zones = np.array(self.zones, np.float32)  # a copy: frozen has to mean frozen
        if zones.shape != (len(Zone),) or not ((zones >= 0) & (zones <= 1)).all() or abs(zones.sum() - 1) > 1e-3:
            raise EvidenceError(f"want ({len(Zone)},) in [0, 1] with sum 1, got {zones}", model=self.model)
        if not np.isfinite(self.offset):
            raise EvidenceError(f"offset must be finite, got {self.offset}", model=self.model)
        zones.flags.writeable = False
        object.__setattr__(self, "zones", zones)
        if self.zone_map is not None:
            zone_map = np.array(self.zone_map, np.float32)
            if zone_map.ndim != 2 or not ((zone_map >= 0) & (zone_map <= 1)).all():
                raise EvidenceError(f"zone_map must be (h, w) in [0, 1], got {zone_map.shape}", model=self.model)
            zone_map.flags.writeable = False
            object.__setattr__(self, "zone_map", zone_map)

    @property
    def p_prohibited(self) -> float:
        """Probability that the frame shows a place where no camera may be."""
        return float(np.clip(self.zones[list(PROHIBITED)].sum(), 0, 1))

    @property
    def zone(self) -> Zone:
        """The likeliest prohibited zone, also when a permitted place is likelier still."""
        return Zone(PROHIBITED[int(np.argmax(self.zones[list(PROHIBITED)]))])


@dataclass(frozen=True, slots=True)
class Doubt:
    """A look that gave no evidence. It hides the frame and accuses nobody.

    Attributes:
        offset: Seconds from the start of the source.
        reason: What went wrong.
    """

    offset: float
    reason: Reason


Sight = Evidence | Doubt | None
"""What is known of one frame: evidence, a reason to doubt, or nothing new (the frame inherits)."""
