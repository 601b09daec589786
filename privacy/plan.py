"""Which parts of a picture must not be seen, and how they are hidden."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy.errors import RegionError
from privacy.frame import MAX_PIXELS
from privacy.policy import Effect, Policy
from privacy.verdict import State, Verdict

MAX_POLYGONS = 256
MAX_CORNERS = 1024


@dataclass(frozen=True, slots=True)
class Polygon:
    """A region of the picture, whatever its size in pixels.

    Attributes:
        points: At least three `(x, y)` corners in [0, 1], origin top-left; closed implicitly. It
            holds whatever its outline winds around, so that an outline drawn twice hides no less (non-zero winding).

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


@dataclass(frozen=True, slots=True, eq=False)
class Bitmap:
    """A region as cells of a grid that spans the picture: a zone map, or the outline that a segmentation found.

    Attributes:
        cells: `(h, w)` bool, True where the picture must not be seen; owned and read-only. It need not have the
            picture's size: every pixel that a True cell touches is hidden.

    Raises:
        RegionError: It is no such array, is empty, or has more cells than any picture has pixels.
    """

    cells: NDArray[np.bool_]

    def __post_init__(self) -> None:
        cells = np.array(self.cells)  # a copy: frozen has to mean frozen
        if cells.ndim != 2 or cells.dtype != np.bool_ or not 0 < cells.size <= MAX_PIXELS:
            raise RegionError(f"a bitmap is (h, w) bool, got {cells.shape} {cells.dtype}")
        cells.flags.writeable = False
        object.__setattr__(self, "cells", cells)

    def rectangles(self) -> tuple[Polygon, ...]:
        """Return the True cells as upright rectangles, for those who know no bitmaps; none if there are no such cells.

        Together they cover exactly the cells; of a bitmap that would take more than `MAX_POLYGONS`, what encloses them.
        """
        boxes = [*_runs(self.cells)]
        if len(boxes) > MAX_POLYGONS:
            (top, left), (bottom, right) = np.argwhere(self.cells).min(axis=0), np.argwhere(self.cells).max(axis=0)
            boxes = [(int(left), int(top), int(right) + 1, int(bottom) + 1)]
        height, width = self.cells.shape
        return tuple(upright(x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in boxes)


Region = Polygon | Bitmap
"""A part of the picture."""


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """What to hide in one frame.

    Attributes:
        regions: What to hide, together; `WHOLE` alone hides everything; empty hides nothing.
        effect: How they look.
    """

    regions: tuple[Region, ...]
    effect: Effect

    @property
    def hides_everything(self) -> bool:
        """True if no pixel of the frame may be seen."""
        return WHOLE in self.regions


def upright(left: float, top: float, right: float, bottom: float) -> Polygon:
    """Return a rectangle along the axes."""
    return Polygon(((left, top), (right, top), (right, bottom), (left, bottom)))


def polygons_of(regions: Iterable[Region]) -> tuple[Polygon, ...]:
    """Return the same regions for those who know polygons only."""
    return tuple(
        polygon for region in regions for polygon in (region.rectangles() if isinstance(region, Bitmap) else (region,))
    )


def rectangles(regions: Iterable[Region], most: int = MAX_POLYGONS) -> tuple[Polygon, ...]:
    """Return upright rectangles that together cover every region: more is hidden, never less.

    For cameras whose own privacy masks are no polygons, or few: ONVIF Media2 calls it `RectangleOnly` and `MaxMasks`.

    Args:
        regions: What has to be hidden.
        most: Of so many rectangles at most, 1 or more: the two that enclose the least beside themselves become one.

    Raises:
        RegionError: `most` is no such number.
    """
    if most < 1:
        raise RegionError(f"nothing can be hidden with {most} rectangles", most=most)
    corners = (np.array(polygon.points) for polygon in polygons_of(regions))
    boxes = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in corners]
    while len(boxes) > most:
        found = np.stack(boxes)
        low = np.minimum(found[:, None, :2], found[None, :, :2])
        high = np.maximum(found[:, None, 2:], found[None, :, 2:])
        areas = np.prod(found[:, 2:] - found[:, :2], axis=1)
        added = np.prod(high - low, axis=2) - areas[:, None] - areas[None, :]
        added[np.tril_indices(len(boxes))] = np.inf
        one, other = (int(at) for at in np.unravel_index(np.argmin(added), added.shape))
        boxes[one] = np.concatenate([low[one, other], high[one, other]])
        del boxes[other]
    return tuple(upright(*box.tolist()) for box in boxes)


def _runs(cells: NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
    """Yield left, top, right, bottom of runs of True cells in a row, equal runs of neighbouring rows as one."""
    open_: dict[tuple[int, int], int] = {}
    for row, line in enumerate([*cells, np.zeros(cells.shape[1], np.bool_)]):
        edges = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
        here = {(left, right) for left, right in edges.tolist()}
        for left, right in [run for run in open_ if run not in here]:
            yield left, open_.pop((left, right)), right, row
        for run in here:
            open_.setdefault(run, row)


@dataclass(frozen=True, slots=True)
class Zones:
    """A camera's static privacy polygons: what is hidden whatever is seen.

    Attributes:
        always: Hidden wherever the camera looks.
        presets: Hidden as well while it stands at a preset, by the preset's name.
    """

    always: tuple[Polygon, ...] = ()
    presets: Mapping[str, tuple[Polygon, ...]] = field(default_factory=dict)

    def at(self, preset: str | None = None) -> tuple[Polygon, ...]:
        """Return what to hide at a preset; None if nobody knows where the camera looks, and all of it is hidden.

        Raises:
            RegionError: There is no such preset.
        """
        if preset is None:
            return (*self.always, *(polygon for some in self.presets.values() for polygon in some))
        if preset not in self.presets:
            known = ", ".join(sorted(self.presets)) or "none"
            raise RegionError(f"no zones for preset {preset!r}; known: {known}", preset=preset)
        return (*self.always, *self.presets[preset])

    def joined(self, other: "Zones") -> "Zones":
        """Return what hides all that either of them hides, at every preset that either of them knows."""
        names = dict.fromkeys((*self.presets, *other.presets))
        return Zones(
            _once(self.always, other.always),
            {name: _once(self.presets.get(name, ()), other.presets.get(name, ())) for name in names},
        )


def _once(some: Iterable[Polygon], more: Iterable[Polygon]) -> tuple[Polygon, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def plan_for(verdict: Verdict, policy: Policy, static: Sequence[Region] = (), effect: Effect | None = None) -> MaskPlan:
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
    if policy.openings.follow and verdict.state is State.PROHIBITED and verdict.opening is not None:
        return MaskPlan((Bitmap(verdict.opening), *static), chosen)  # the policy wants the opening hidden, and no more
    return MaskPlan((WHOLE,), chosen)


def read_zones(path: Path) -> Zones:
    """Read static privacy polygons from a JSON file.

    The file holds `{"polygons": [[[x, y], ...], ...]}` with corners in [0, 1], origin top-left, and for a camera that
    moves `"presets": {"NAME": [[[x, y], ...], ...]}` beside it or instead.

    Raises:
        RegionError: The file cannot be read, or holds anything else, or the same thing twice.
    """
    try:
        data = json.loads(path.read_text("utf-8"), object_pairs_hook=_each_once)
    except (OSError, ValueError, RecursionError) as error:
        raise RegionError(f"{path}: no zones can be read: {error}", path=str(path)) from error
    if not isinstance(data, dict) or not data or not set(data) <= {"polygons", "presets"}:
        raise RegionError(f'{path}: want {{"polygons": [[[x, y], ...], ...]}}, "presets" or both', path=str(path))
    always, presets = data.get("polygons", []), data.get("presets", {})
    if not isinstance(always, list) or not isinstance(presets, dict):
        raise RegionError(f"{path}: polygons are a list, presets an object of such lists", path=str(path))
    if not all(isinstance(some, list) for some in presets.values()):
        raise RegionError(f"{path}: a preset has a list of polygons", path=str(path))
    return Zones(polygons(always), {name: polygons(some) for name, some in presets.items()})


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; of a name that stands there twice the first value would else be dropped in silence."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} is there twice")
        found[name] = value
    return found


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
        except (TypeError, ValueError, OverflowError) as error:
            raise RegionError(f"a polygon is a list of [x, y] pairs: {error}") from error
    return tuple(found)
