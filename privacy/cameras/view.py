"""What a camera is registered to show, and whether it still shows it: the view fingerprint.

Two questions are asked of the keypoints. Are they where they were? Each registered point is looked for at its own
place, in its own size and direction, leniently, and what would be found by chance is counted at other places. And have
they moved together? A homography or similarity that most strict matches follow says how. Where neither answers, a view
that stands still, holds enough, and has lost all of its points is another one; edge directions are the second opinion.
Day and night, compression, people and small vibration are no change; a turned, zoomed or moved camera is.

**What is stored.** At most 400 points with place, size, direction and 128 bits each, and edge directions on a grid of
16 by 9 cells: about 11 KiB, no pixel. Descriptors can be inverted to a rough sketch of a scene (Weinzaepfel, Jegou,
Perez, CVPR 2011), so little is kept: signs of a fixed random projection instead of descriptors. Only an approved view,
which shows a permitted place, is ever stored; the fingerprint of what a camera shows now is compared and forgotten.

Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004; Arandjelovic and Zisserman, "Three things
everyone should know to improve object retrieval", CVPR 2012 (the square root); Charikar, "Similarity estimation
techniques from rounding algorithms", STOC 2002 (the signs); Dalal and Triggs, "Histograms of oriented gradients for
human detection", CVPR 2005 (the grid).
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import ViewError
from privacy.events import ViewChange
from privacy.frame import Frame, thumbnail

WIDTH = 384
MAX_ASPECT = 10
"""A picture that is so many times as high as it is wide shows nothing that could be known again."""
MAX_POINTS = 400
CODE_BITS = 128
GRID = (9, 16)
DIRECTIONS = 8
EDGE = 0.12
"""So much of the height is left out at the top and at the bottom, where cameras write over their pictures."""
MIN_MATCHES = 6
MAX_BITS_APART = 44
"""Of two points that may be the same one, if nothing else speaks for it."""
MAX_BITS_AT_PLACE = 46
"""The same of points that are where they should be, in their size and direction."""
MAX_ZOOM = 6.0
STAYED = 0.018
"""A point is where it was within so much of the picture's width: vibration, and what compression does."""
REPROJECTION_PX = 3.2
_OCTAVES, _DEGREES = 0.5, 25.0  # a point that is the same one has this size and direction within so much
_STEPS, _TURN = 16, 360 / 256  # of an octave, and of a turn, in which size and direction are kept
_ELSEWHERE = tuple(
    (radius * math.cos(angle), radius * math.sin(angle))
    for radius in (0.1, 0.2, 0.29)
    for angle in (0.3 + n * math.pi / 4 for n in range(8))
)
"""Where points are looked for that cannot be there, in widths of the picture: what is found is chance."""
_MAGIC = b"PVF2"
_HEAD = struct.Struct("<4sHf")


@dataclass(frozen=True, slots=True)
class ViewLimits:
    """Where a change begins.

    Attributes:
        shift: The centre went so far, as a share of the picture's width; 0.04 is 3 degrees of a 70 degree lens.
        zoom: Scale changed by so much, above 1.
        roll_deg: The picture turned by so much, in degrees.
        inliers: So many points must agree on how the view moved, else nothing is known of its geometry.
        held: So many points must be found at their places, and more than anywhere else, to know the view again.
        doubt: Points at their places that are so many times as many as those that agree on a movement contradict it.
        lasting: So many points must be found at their places before a view is registered: bare ground gives no hold.
        steady: So many points of what is shown now must stay, before it is called another view for what it lacks.
        unlike: Edge directions less alike than this are another view, if none of its points is there ...
        less_like: ... or hardly one.
    """

    shift: float = 0.04
    zoom: float = 1.1
    roll_deg: float = 4.0
    inliers: int = 7
    held: int = 8
    doubt: float = 2.5
    lasting: int = 40
    steady: int = 25
    unlike: float = 0.6
    less_like: float = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a view.

    Attributes:
        points: `(K, 2)` float32, x and y in shares of the picture's width, origin at its centre; K <= 400.
        codes: `(K, 16)` uint8, 128 bits each.
        forms: `(K, 2)` uint8, size in sixteenths of an octave and direction in 256ths of a turn.
        edges: `(9, 16, 8)` uint8, strength of each edge direction in each cell, relative to the strongest.
        aspect: Height as a share of width.

    Raises:
        ViewError: Shapes do not fit.
    """

    points: NDArray[np.float32]
    codes: NDArray[np.uint8]
    forms: NDArray[np.uint8]
    edges: NDArray[np.uint8]
    aspect: float

    def __post_init__(self) -> None:
        count = len(self.points)
        shapes = (self.points.shape, self.codes.shape, self.forms.shape, self.edges.shape)
        if shapes != ((count, 2), (count, CODE_BITS // 8), (count, 2), (*GRID, DIRECTIONS)) or count > MAX_POINTS:
            raise ViewError(f"a view has at most {MAX_POINTS} points with {CODE_BITS} bits each, got {shapes}")
        if not (np.isfinite(self.points).all() and 0 < self.aspect < MAX_ASPECT):
            raise ViewError(f"a view has finite points and an aspect in (0, {MAX_ASPECT})", aspect=self.aspect)

    def to_bytes(self) -> bytes:
        """Write it down; about 11 KiB."""
        head = _HEAD.pack(_MAGIC, len(self.points), self.aspect)
        parts = (self.points.astype("<f4"), self.codes, self.forms, self.edges)
        return head + b"".join(part.tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Fingerprint":
        """Read what `to_bytes` wrote.

        Raises:
            ViewError: It is anything else.
        """
        try:
            magic, count, aspect = _HEAD.unpack_from(data)
            sizes = (count * 8, count * CODE_BITS // 8, count * 2, math.prod(GRID) * DIRECTIONS)
            if magic != _MAGIC or len(data) != _HEAD.size + sum(sizes):
                raise ViewError("no fingerprint of a view", bytes=len(data))
        except struct.error as error:
            raise ViewError("no fingerprint of a view", bytes=len(data)) from error
        ends = np.cumsum((_HEAD.size, *sizes))
        points, codes, forms, edges = (data[start:end] for start, end in pairwise(ends))
        return cls(
            np.frombuffer(points, "<f4").reshape(count, 2).astype(np.float32),
            np.frombuffer(codes, np.uint8).reshape(count, CODE_BITS // 8),
            np.frombuffer(forms, np.uint8).reshape(count, 2),
            np.frombuffer(edges, np.uint8).reshape(*GRID, DIRECTIONS),
            aspect,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a view relates to the registered one.

    Attributes:
        change: What became of the view; None if it is the same, or if nobody knows.
        shift: How far the centre went, as a share of the picture's width; infinite if no geometry was found.
        zoom: Scale against the registered view; 1 if no geometry was found.
        inliers: Points that agree on the geometry.
        held: Points that are at their places.
        likeness: How alike the edge directions are, in [-1, 1].
        known: False if neither points nor edges can say: too dark, covered, or out of focus.
    """

    change: ViewChange | None
    shift: float
    zoom: float
    inliers: int
    likeness: float
    held: int = 0
    known: bool = True


def fingerprint(frames: Sequence[Frame]) -> Fingerprint:
    """Take the fingerprint of what a camera shows.

    Args:
        frames: At least one; five spread over half a minute are better, for who walks through is in none of most of
            them, and only what stays is taken.

    Raises:
        ViewError: No frame, frames of different shapes, or too high for their width.
    """
    if len({frame.size for frame in frames}) != 1:
        raise ViewError(f"want frames of one size, got {len(frames)}", frames=len(frames))
    height, width = frames[0].size
    if height >= MAX_ASPECT * width:  # before anything of that height is made
        raise ViewError(f"a view has an aspect below {MAX_ASPECT}", aspect=height / width)
    size = (max(16, round(WIDTH * height / width)), WIDTH)
    greys = [cv2.cvtColor(thumbnail(frame, size), cv2.COLOR_RGB2GRAY) for frame in frames]
    grey = np.asarray(np.median(greys, axis=0), np.uint8) if len(greys) > 1 else np.asarray(greys[0], np.uint8)
    # Local contrast, so that a lamp, dusk and infrared change what is bright, but little of what stands out.
    even = np.asarray(cv2.createCLAHE(2.0, (8, 8)).apply(grey), np.uint8)
    points, codes, forms = _points(even)
    return Fingerprint(points, codes, forms, _edges(even), height / width)


def recognise(
    registered: Mapping[str, Fingerprint], frames: Sequence[Frame], limits: ViewLimits | None = None
) -> dict[str, Comparison]:
    """Say of each registered view whether a camera shows it.

    Args:
        registered: By preset.
        frames: What it shows: at least one, of one size; from two on it is known whether that stands still.
        limits: Where a change begins.

    Raises:
        ViewError: No frame, or frames of different shapes.
    """
    limits = limits or ViewLimits()
    now = fingerprint(frames)

    @cache
    def steady() -> bool:
        half = (len(frames) + 1) // 2
        if len(frames) < 2:
            return False
        early, late = fingerprint(frames[:half]), fingerprint(frames[half:])
        return _held(early, late, _apart(early, late)).count >= limits.steady

    return {preset: compare(one, now, limits, steady) for preset, one in registered.items()}


def compare(
    registered: Fingerprint,
    now: Fingerprint,
    limits: ViewLimits | None = None,
    steady: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Say whether a camera still shows its registered view.

    Args:
        registered: The view that was approved.
        now: What is shown.
        limits: Where a change begins.
        steady: Says whether what is shown stands still and holds enough; asked only if that decides.
    """
    limits = limits or ViewLimits()
    likeness = _likeness(registered.edges, now.edges)
    apart = _apart(registered, now)
    held, moved = _held(registered, now, apart), _geometry(registered, now, apart)
    if moved is not None and moved.inliers >= limits.inliers:
        change = _change(moved, limits)
        if moved.inliers < limits.inliers + 3 and _plainly_another(now, held, likeness):
            return Comparison(ViewChange.MOVED, math.inf, 1.0, moved.inliers, likeness, held.count)
        contradicted = held.count >= limits.doubt * moved.inliers and held.count > held.elsewhere
        if change is None or not contradicted:
            return Comparison(change, moved.shift, moved.zoom, moved.inliers, likeness, held.count)
        return Comparison(None, math.inf, 1.0, moved.inliers, likeness, held.count, known=False)
    inliers = 0 if moved is None else moved.inliers
    if held.count >= limits.held and held.count > held.elsewhere and held.count >= 2 * held.chance + 4:
        return Comparison(None, 0.0, 1.0, inliers, likeness, held.count)
    lost = (held.count <= 1 and likeness < limits.unlike) or (held.count <= 3 and likeness < limits.less_like)
    if lost and (_plainly_another(now, held, likeness) or steady()):
        return Comparison(ViewChange.MOVED, math.inf, 1.0, inliers, likeness, held.count)
    return Comparison(None, math.inf, 1.0, inliers, likeness, held.count, known=False)


def registrable(one: Fingerprint, other: Fingerprint, limits: ViewLimits | None = None) -> bool:
    """Say whether a view can be registered, from two fingerprints of it that share no frame."""
    limits = limits or ViewLimits()
    return compare(one, other, limits).change is None and _held(one, other, _apart(one, other)).count >= limits.lasting


def _change(moved: "_Geometry", limits: ViewLimits) -> ViewChange | None:
    if moved.stayed >= moved.inliers:
        return None  # as many are where they were: something in the picture moved, not the camera
    if max(moved.zoom, 1 / moved.zoom) >= limits.zoom:
        return ViewChange.ZOOMED
    if moved.shift >= limits.shift or abs(moved.roll_deg) >= limits.roll_deg:
        return ViewChange.TURNED
    return None


def _plainly_another(now: Fingerprint, held: "_Held", likeness: float) -> bool:
    return held.count <= 1 and likeness < 0.25 and len(now.points) >= 36


@dataclass(frozen=True, slots=True)
class _Held:
    """How many points are at their places, and how many at others: on average, and at most."""

    count: int
    chance: float
    elsewhere: int


@dataclass(frozen=True, slots=True)
class _Geometry:
    """How the points have moved: at the centre of the picture, and how many say so."""

    shift: float
    zoom: float
    roll_deg: float
    inliers: int
    stayed: int


@cache
def _projection() -> NDArray[np.float32]:
    # Written into every stored fingerprint by its effect: never change the seed.
    return np.random.default_rng(132).standard_normal((128, CODE_BITS)).astype(np.float32)


def _points(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    height, width = grey.shape
    # Cameras write the time and their name along the edges, and that stays where it is wherever they look.
    within = np.zeros_like(grey)
    within[round(height * EDGE) : round(height * (1 - EDGE))] = 255
    sift = cv2.SIFT.create(nfeatures=MAX_POINTS, contrastThreshold=0.02)
    keypoints, descriptors = sift.detectAndCompute(grey, within)
    if descriptors is None or not len(keypoints):
        return np.zeros((0, 2), np.float32), np.zeros((0, CODE_BITS // 8), np.uint8), np.zeros((0, 2), np.uint8)
    keypoints, descriptors = keypoints[:MAX_POINTS], descriptors[:MAX_POINTS]
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    centred = root - root.mean(axis=1, keepdims=True)
    codes = np.packbits(centred @ _projection() > 0, axis=1)
    centre = np.array([width, height], np.float32) / 2
    points = (np.array([point.pt for point in keypoints], np.float32) - centre) / width
    sizes = np.log2([max(point.size, 1e-3) for point in keypoints]) * _STEPS
    turns = np.array([point.angle for point in keypoints]) / _TURN
    forms = np.stack([np.clip(np.rint(sizes), 0, 255), np.rint(turns) % 256], axis=1).astype(np.uint8)
    return points.astype(np.float32), codes, forms


def _edges(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    smooth = cv2.GaussianBlur(grey, (0, 0), 2.0).astype(np.float32)
    dx, dy = np.gradient(smooth, axis=1), np.gradient(smooth, axis=0)
    strength, direction = np.hypot(dx, dy), np.arctan2(dy, dx) % math.pi
    which = np.minimum((direction / math.pi * DIRECTIONS).astype(int), DIRECTIONS - 1)
    rows, columns = GRID
    layers = [
        cv2.resize(np.where(which == n, strength, 0).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        for n in range(DIRECTIONS)
    ]
    cells = np.sqrt(np.stack(layers, axis=-1))
    return np.asarray(np.rint(255 * cells / max(float(cells.max()), 1e-6)), np.uint8)


def _likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    a, b = (edges.astype(np.float64) - edges.mean(axis=(0, 1)) for edges in (one, other))
    norm = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _apart(registered: Fingerprint, now: Fingerprint) -> NDArray[np.int32]:
    """Return `(K, L)`, the bits by which each registered point differs from each of now."""
    apart: NDArray[np.int32] = np.bitwise_count(registered.codes[:, None] ^ now.codes[None]).sum(axis=2, dtype=np.int32)
    return apart


def _forms_apart(
    registered: Fingerprint, now: Fingerprint, here: NDArray[np.intp], there: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by how many octaves and degrees points have grown and turned."""
    before, after = registered.forms[here].astype(np.float64), now.forms[there].astype(np.float64)
    turned = (after[:, 1] - before[:, 1]) * _TURN
    return (after[:, 0] - before[:, 0]) / _STEPS, (turned + 180) % 360 - 180


def _held(registered: Fingerprint, now: Fingerprint, apart: NDArray[np.int32]) -> _Held:
    """Count the points that are found at their places, and at others."""
    here, there = np.nonzero(apart <= MAX_BITS_AT_PLACE)
    grown, turned = _forms_apart(registered, now, here, there)
    alike = (np.abs(grown) < _OCTAVES) & (np.abs(turned) < _DEGREES)
    here, there = here[alike], there[alike]
    went = now.points[there] - registered.points[here]

    def count(by: tuple[float, float]) -> int:
        return len(np.unique(here[np.hypot(*(went - by).T) < STAYED]))

    others = [count(by) for by in _ELSEWHERE]
    return _Held(count((0.0, 0.0)), float(np.mean(others)), max(others))


def _geometry(registered: Fingerprint, now: Fingerprint, apart: NDArray[np.int32]) -> _Geometry | None:
    """Return the movement that most matched points follow; None if no camera could have made it."""
    if min(apart.shape) < MIN_MATCHES:
        return None
    nearest = apart.argmin(axis=1)
    mutual = apart.argmin(axis=0)[nearest] == np.arange(len(nearest))
    kept = np.flatnonzero(mutual & (apart[np.arange(len(nearest)), nearest] <= MAX_BITS_APART))
    grown, turned = _forms_apart(registered, now, kept, nearest[kept])
    went = np.linalg.norm(now.points[nearest[kept]] - registered.points[kept], axis=1)
    stayed = int(((went < STAYED) & (np.abs(grown) < _OCTAVES / 2) & (np.abs(turned) < _DEGREES)).sum())
    # Whatever the camera did, all points grew and turned alike: the largest such group is asked where it went.
    alike = (np.abs(grown[:, None] - grown) < 0.9 * _OCTAVES) & (
        np.abs((turned[:, None] - turned + 180) % 360 - 180) < 0.8 * _DEGREES
    )
    group = alike[alike.sum(axis=1).argmax()] if len(kept) else np.zeros(0, np.bool_)
    kept = kept[group]
    if len(kept) < MIN_MATCHES - 1:
        return None
    # A camera that turns or zooms about itself moves every point by one homography, whatever the scene's depth. Where
    # too few points are found for its eight numbers, the four of a similarity may still be.
    source_px, target_px = registered.points[kept] * WIDTH, now.points[nearest[kept]] * WIDTH
    found: list[tuple[NDArray[np.float64], int]] = []
    simple, inside = cv2.estimateAffinePartial2D(
        source_px, target_px, method=cv2.RANSAC, ransacReprojThreshold=1.5 * REPROJECTION_PX, maxIters=2000
    )
    if simple is not None:  # the stubs say that there always is one; OpenCV says so only where it finds one
        found.append((np.vstack([simple, [0, 0, 1]]), int(inside.sum())))
    if len(kept) >= 8:
        model, inside = cv2.findHomography(source_px, target_px, cv2.RANSAC, REPROJECTION_PX, maxIters=2000)
        if model is not None:
            found.append((np.asarray(model, np.float64), int(inside.sum())))
    if not found:
        return None
    matrix, inliers = max(found, key=lambda each: each[1])
    step = WIDTH / 20
    at = cv2.perspectiveTransform(np.array([[[0, 0], [step, 0], [0, step]]], np.float64), matrix)[0]
    right, down = (at[1] - at[0]) / step, (at[2] - at[0]) / step
    area = float(right[0] * down[1] - right[1] * down[0])
    if not 1 / MAX_ZOOM**2 < area < MAX_ZOOM**2 or not np.isfinite(at).all():
        return None  # mirrored or collapsed: no camera does that
    return _Geometry(
        shift=float(np.hypot(*at[0])) / WIDTH,
        zoom=math.sqrt(area),
        roll_deg=math.degrees(math.atan2(right[1], right[0])),
        inliers=inliers,
        stayed=stayed,
    )
