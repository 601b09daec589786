"""What an audit was asked for. Two audits on the same terms find the same."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from privacy.errors import InputError
from privacy.policy import Effect, EffectKind

SEGMENT_S = 600.0
"""Recordings are scanned in parts of this length, so that many workers may share one, and a restart loses little."""
CLOSEST_S = 1.0
"""Nowhere are two looks nearer than this; the ends of what is found are known as well as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How closely an audit looks, and by which rules.

    Attributes:
        policy: Name of a pack, or a path.
        model: Name of a zone model.
        min_event_s: The shortest sight that must be looked at, at least 1 s.
        max_decode: Largest share of pictures that may be decoded, in (0, 1]; None for what `min_event_s` needs.
        refine: Whether the ends of what is found are looked at more closely.
        since: Only recordings that end after this; None for all.
        until: Only recordings that begin before this; None for all.
        camera_from_path: Regular expression; see `archive.Naming`.
        effect: How thumbnails are masked.

    Raises:
        InputError: A value out of range.
    """

    policy: str
    model: str
    min_event_s: float = 10.0
    max_decode: float | None = None
    refine: bool = True
    since: datetime | None = None
    until: datetime | None = None
    camera_from_path: str = ""
    effect: Effect = field(default_factory=Effect)

    def __post_init__(self) -> None:
        if not CLOSEST_S <= self.min_event_s <= SEGMENT_S:
            raise InputError(
                f"the shortest event must be between {CLOSEST_S:g} s and {SEGMENT_S:g} s", field="min_event"
            )
        if self.max_decode is not None and not 0 < self.max_decode <= 1:
            raise InputError("the share of pictures to decode must be above 0 and at most 100 %", field="max_decode")
        if self.since and self.until and self.since >= self.until:
            raise InputError("`since` must be before `until`", field="since")

    @property
    def look_every_s(self) -> float:
        """How far apart looks should be where it costs nothing: five in the shortest event."""
        return max(CLOSEST_S, self.min_event_s / 5)

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON; what is equal there is the same audit."""
        values = asdict(self)
        values["since"], values["until"] = (when.isoformat() if when else None for when in (self.since, self.until))
        values["effect"] = {"kind": self.effect.kind.value, "strength": self.effect.strength}
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Terms":
        """Return the terms that `to_json` wrote."""
        since, until = (datetime.fromisoformat(values[key]) if values[key] else None for key in ("since", "until"))
        effect = Effect(EffectKind(values["effect"]["kind"]), values["effect"]["strength"])
        return cls(**{**values, "since": since, "until": until, "effect": effect})
