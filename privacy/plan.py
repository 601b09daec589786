"""Which parts of a picture must not be seen, and how they are hidden."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privacy.errors import RegionError
from privacy.policy import Effect, Policy
from privacy.verdict import State, Verdict

MAX_POLYGONS = 256
MAX_CORNERS = 1024


@dataclass(frozen=True, slots=True)
class Polygon:
    """A region of the picture, whatever its size in pixels.

    Attributes:
        points: At least three `(x, y)` corners in [0, 1], origin top-left; closed implicitly, even-odd filled.

    Raises:
        RegionError: Too few or too many corners, or one outside [0, 1] or not a number.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not 3 <= len(self.points) <= MAX_CORNERS:
            raise RegionError(f"a polygon has 3 to {MAX_CORNERS} corners, got {len(self.points)}")
        for x, y in self.points:
            if not (0 <= x <= 1 and 0 <= y <= 1):  # also refuses NaN
                raise RegionError(f"corner ({x}, {y}) is outside [0, 1]", x=x, y=y)


WHOLE = Polygon(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
"""The whole picture."""


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """What to hide in one frame.

    Attributes:
        regions: Polygons to hide; `WHOLE` alone hides everything; empty hides nothing.
        effect: How they look.
    """

    regions: tuple[Polygon, ...]
    effect: Effect

    @property
    def hides_everything(self) -> bool:
        """True if no pixel of the frame may be seen."""
        return WHOLE in self.regions


def plan_for(
    verdict: Verdict, policy: Policy, static: Sequence[Polygon] = (), effect: Effect | None = None
) -> MaskPlan:
    """Plan the mask of one frame. This is the one place that lets a clear picture out, and it asks for CLEAR by name.

    Args:
        verdict: The ruling on the frame.
        policy: Gives the default effect, and the floor below which no other is allowed.
        static: The camera's own privacy polygons, hidden whatever the verdict.
        effect: An effect instead of the policy's.

    Raises:
        EffectTooWeakError: `effect` is below the policy's floor.
    """
    chosen = policy.checked(effect or policy.effect)
    if verdict.state is State.CLEAR:
        return MaskPlan(tuple(static), chosen)
    return MaskPlan((WHOLE,), chosen)


def read_zones(path: Path) -> tuple[Polygon, ...]:
    """Read static privacy polygons from a JSON file.

    The file holds `{"polygons": [[[x, y], ...], ...]}` with corners in [0, 1], origin top-left.

    Raises:
        RegionError: The file cannot be read, or holds anything else.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RegionError(f"{path}: no zones can be read: {error}", path=str(path)) from error
    if not isinstance(data, dict) or set(data) != {"polygons"} or not isinstance(data["polygons"], list):
        raise RegionError(f'{path}: want {{"polygons": [[[x, y], ...], ...]}}', path=str(path))
    return polygons(data["polygons"])


def polygons(corners: Iterable[Iterable[Any]]) -> tuple[Polygon, ...]:
    """Build polygons from nested sequences of numbers.

    Raises:
        RegionError: Too many polygons, or one is malformed.
    """
    found: list[Polygon] = []
    for polygon in corners:
        if len(found) == MAX_POLYGONS:
            raise RegionError(f"at most {MAX_POLYGONS} polygons")
        try:
            found.append(Polygon(tuple((float(x), float(y)) for x, y in polygon)))
        except (TypeError, ValueError) as error:
            raise RegionError(f"a polygon is a list of [x, y] pairs: {error}") from error
    return tuple(found)
