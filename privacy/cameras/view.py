"""What a camera is registered to show, and whether it still shows it: the view fingerprint.

Keypoints and a robust geometry say how the view has moved; a coarse picture of edge directions is the second opinion
where keypoints cannot say (night, fog, a bare wall). Day and night, compression, people and small vibration are no
change; a turned, zoomed or moved camera is.

**What is stored.** At most 400 points with 128 bits each, and edge directions on a grid of 16 by 9 cells: about 11 KiB,
no pixel. Descriptors can be inverted to a rough sketch of a scene (Weinzaepfel, Jegou, Perez, CVPR 2011), so little is
kept: signs of a fixed random projection instead of descriptors. Only an approved view, which shows a permitted place,
is ever stored; the fingerprint of what a camera shows now is compared and forgotten.

Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004; Arandjelovic and Zisserman, "Three things
everyone should know to improve object retrieval", CVPR 2012 (the square root); Charikar, "Similarity estimation
techniques from rounding algorithms", STOC 2002 (the signs); Dalal and Triggs, "Histograms of oriented gradients for
human detection", CVPR 2005 (the grid).
"""

import math
import struct
from collections.abc import Sequence
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
MAX_POINTS = 400
CODE_BITS = 128
GRID = (9, 16)
DIRECTIONS = 8
MIN_MATCHES = 8
MAX_BITS_APART = 38
MAX_ZOOM = 6.0
STAYED = 0.02
"""A point is where it was within so much of the picture's width: vibration, and what compression does."""
REPROJECTION_PX = 3.2
_MAGIC = b"PVF1"
_HEAD = struct.Struct("<4sHf")


@dataclass(frozen=True, slots=True)
class ViewLimits:
    """Where a change begins.

    Attributes:
        shift: The centre went so far, as a share of the picture's width; 0.04 is 3 degrees of a 70 degree lens.
        zoom: Scale changed by so much, above 1.
        roll_deg: The picture turned by so much, in degrees.
        inliers: So many points must agree on how the view moved, else nothing is known of its geometry.
        lasting: So many points must be found again before a view is registered: bare ground gives no hold.
        like: Edge directions at least so alike are the same view where points cannot say.
        unlike: Edge directions less alike than this are another view where points cannot say.
    """

    shift: float = 0.04
    zoom: float = 1.1
    roll_deg: float = 4.0
    inliers: int = 9
    lasting: int = 25
    like: float = 0.6
    unlike: float = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a view.

    Attributes:
        points: `(K, 2)` float32, x and y in shares of the picture's width, origin at its centre; K <= 400.
        codes: `(K, 16)` uint8, 128 bits each.
        edges: `(9, 16, 8)` uint8, strength of each edge direction in each cell, relative to the strongest.
        aspect: Height as a share of width.

    Raises:
        ViewError: Shapes do not fit.
    """

    points: NDArray[np.float32]
    codes: NDArray[np.uint8]
    edges: NDArray[np.uint8]
    aspect: float

    def __post_init__(self) -> None:
        count = len(self.points)
        shapes = (self.points.shape, self.codes.shape, self.edges.shape)
        if shapes != ((count, 2), (count, CODE_BITS // 8), (*GRID, DIRECTIONS)) or count > MAX_POINTS:
            raise ViewError(f"a view has at most {MAX_POINTS} points with {CODE_BITS} bits each, got {shapes}")
        if not (np.isfinite(self.points).all() and 0 < self.aspect < 10):
            raise ViewError("a view has finite points and an aspect in (0, 10)", aspect=self.aspect)

    def to_bytes(self) -> bytes:
        """Write it down; about 11 KiB."""
        head = _HEAD.pack(_MAGIC, len(self.points), self.aspect)
        return head + self.points.astype("<f4").tobytes() + self.codes.tobytes() + self.edges.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Fingerprint":
        """Read what `to_bytes` wrote.

        Raises:
            ViewError: It is anything else.
        """
        try:
            magic, count, aspect = _HEAD.unpack_from(data)
            sizes = (count * 8, count * CODE_BITS // 8, math.prod(GRID) * DIRECTIONS)
            if magic != _MAGIC or len(data) != _HEAD.size + sum(sizes):
                raise ViewError("no fingerprint of a view", bytes=len(data))
        except struct.error as error:
            raise ViewError("no fingerprint of a view", bytes=len(data)) from error
        ends = np.cumsum((_HEAD.size, *sizes))
        points, codes, edges = (data[start:end] for start, end in pairwise(ends))
        return cls(
            np.frombuffer(points, "<f4").reshape(count, 2).astype(np.float32),
            np.frombuffer(codes, np.uint8).reshape(count, CODE_BITS // 8),
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
        likeness: How alike the edge directions are, in [-1, 1].
        known: False if neither points nor edges can say: too dark, covered, or out of focus.
    """

    change: ViewChange | None
    shift: float
    zoom: float
    inliers: int
    likeness: float
    known: bool = True


def fingerprint(frames: Sequence[Frame]) -> Fingerprint:
    """Take the fingerprint of what a camera shows.

    Args:
        frames: At least one; five spread over half a minute are better, for who walks through is in none of most of
            them, and only what stays is taken.

    Raises:
        ViewError: No frame, or frames of different shapes.
    """
    if len({frame.size for frame in frames}) != 1:
        raise ViewError(f"want frames of one size, got {len(frames)}", frames=len(frames))
    height, width = frames[0].size
    size = (max(16, round(WIDTH * height / width)), WIDTH)
    greys = [cv2.cvtColor(thumbnail(frame, size), cv2.COLOR_RGB2GRAY) for frame in frames]
    grey = np.asarray(np.median(greys, axis=0), np.uint8) if len(greys) > 1 else np.asarray(greys[0], np.uint8)
    # Local contrast, so that a lamp, dusk and infrared change what is bright, but little of what stands out.
    even = np.asarray(cv2.createCLAHE(2.0, (8, 8)).apply(grey), np.uint8)
    points, codes = _points(even)
    return Fingerprint(points, codes, _edges(even), height / width)


def compare(registered: Fingerprint, now: Fingerprint, limits: ViewLimits | None = None) -> Comparison:
    """Say whether a camera still shows its registered view."""
    limits = limits or ViewLimits()
    likeness = _likeness(registered.edges, now.edges)
    found = _geometry(registered, now)
    inliers = 0 if found is None else found.inliers
    if found is None or inliers < limits.inliers:
        if likeness >= limits.like:
            return Comparison(None, math.inf, 1.0, inliers, likeness)
        if likeness < limits.unlike and min(len(registered.points), len(now.points)) >= 4 * limits.inliers:
            return Comparison(ViewChange.MOVED, math.inf, 1.0, inliers, likeness)
        return Comparison(None, math.inf, 1.0, inliers, likeness, known=False)
    change = None
    if found.stayed >= limits.inliers / 2 and found.stayed >= inliers / 2:
        pass  # half of what is found again is where it was: something in the picture moved, not the camera
    elif max(found.zoom, 1 / found.zoom) >= limits.zoom:
        change = ViewChange.ZOOMED
    elif found.shift >= limits.shift or abs(found.roll_deg) >= limits.roll_deg:
        change = ViewChange.TURNED
    return Comparison(change, found.shift, found.zoom, inliers, likeness)


def registrable(one: Fingerprint, other: Fingerprint, limits: ViewLimits | None = None) -> bool:
    """Say whether a view can be registered, from two fingerprints of it that share no frame."""
    limits = limits or ViewLimits()
    comparison = compare(one, other, limits)
    return comparison.change is None and comparison.inliers >= limits.lasting


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


def _points(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    height, width = grey.shape
    keypoints, descriptors = cv2.SIFT.create(nfeatures=MAX_POINTS, contrastThreshold=0.02).detectAndCompute(grey, None)
    if descriptors is None or not len(keypoints):
        return np.zeros((0, 2), np.float32), np.zeros((0, CODE_BITS // 8), np.uint8)
    keypoints, descriptors = keypoints[:MAX_POINTS], descriptors[:MAX_POINTS]
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    centred = root - root.mean(axis=1, keepdims=True)
    codes = np.packbits(centred @ _projection() > 0, axis=1)
    centre = np.array([width, height], np.float32) / 2
    points = (np.array([point.pt for point in keypoints], np.float32) - centre) / width
    return points.astype(np.float32), codes


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


def _geometry(registered: Fingerprint, now: Fingerprint) -> _Geometry | None:
    """Return the movement that most matched points follow; None if no camera could have made it."""
    if min(len(registered.points), len(now.points)) < MIN_MATCHES:
        return None
    distances = _hamming(registered.codes, now.codes)
    nearest = distances.argmin(axis=1)
    mutual = distances.argmin(axis=0)[nearest] == np.arange(len(nearest))
    kept = np.flatnonzero(mutual & (distances[np.arange(len(nearest)), nearest] <= MAX_BITS_APART))
    if len(kept) < MIN_MATCHES:
        return None
    source, target = registered.points[kept], now.points[nearest[kept]]
    stayed = int((np.linalg.norm(target - source, axis=1) < STAYED).sum())
    # A camera that turns or zooms about itself moves every point by one homography, whatever the scene's depth. Where
    # too few points are found for its eight numbers, the four of a similarity may still be.
    source_px, target_px = source * WIDTH, target * WIDTH
    model, inside = cv2.findHomography(source_px, target_px, cv2.RANSAC, REPROJECTION_PX, maxIters=2000)
    simple, inside_simple = cv2.estimateAffinePartial2D(
        source_px, target_px, method=cv2.RANSAC, ransacReprojThreshold=REPROJECTION_PX, maxIters=2000
    )
    # The stubs say that there always is a model; OpenCV says so only where it finds one.
    tries = [(model, inside), (None if simple is None else np.vstack([simple, [0, 0, 1]]), inside_simple)]
    found = [(matrix, int(inliers.sum())) for matrix, inliers in tries if matrix is not None]
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


def _hamming(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int32]:
    apart: NDArray[np.int32] = np.bitwise_count(one[:, None] ^ other[None]).sum(axis=2, dtype=np.int32)
    return apart
