"""What surveillance cameras do to pictures: a fixed set of kinds and severities, the same for every model for ever.

In the manner of ImageNet-C (Hendrycks & Dietterich, ICLR 2019): each kind at severities 1 (common) to 3 (as bad as a
camera in service gets). None of this is code that training uses, so that no model is measured on the very distortions
it was drawn. Chance comes from the name of the picture alone: the same picture is always damaged the same way.
"""

import hashlib
from collections.abc import Callable
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError

Image = NDArray[np.uint8]
"""`(H, W, 3)` uint8 RGB."""
Corruption = Callable[[Image, int, np.random.Generator], Image]
"""From a picture, a severity in 1 to 3 and a source of chance to a picture of the same size."""

SEVERITIES = (1, 2, 3)


def low_light(image: Image, severity: int, rng: np.random.Generator) -> Image:
    """A third, an eighth and a twentieth of the light, with the shot and read noise of a raised gain."""
    gain = (1 / 3, 1 / 8, 1 / 20)[severity - 1]
    electrons = image.astype(np.float32) * np.float32(gain)
    noise = rng.standard_normal(image.shape, np.float32) * np.sqrt(electrons + np.float32(3))
    return _clipped((electrons + noise) * np.float32(gain**-0.5) + 2)  # the gain brings back half, in stops


def infrared(image: Image, severity: int, rng: np.random.Generator) -> Image:
    """Grey under its own lamps: bright in the middle, black at the rim, grainy."""
    height, width = image.shape[:2]
    flat = image.astype(np.float32) @ np.array([0.55, 0.3, 0.15], np.float32)
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    lit = flat * (1.5 * np.exp(-(xs**2 + ys**2) * np.float32((0.5, 1.2, 2.2)[severity - 1])))
    lit += rng.standard_normal(lit.shape, np.float32) * np.float32((4, 8, 14)[severity - 1])
    return _clipped(np.repeat(lit[..., None], 3, 2))


def backlight(image: Image, severity: int, rng: np.random.Generator) -> Image:
    """A window in the picture: one side is blown out, the rest falls into the dark."""
    height, width = image.shape[:2]
    edge, reach = rng.uniform(0, 2 * np.pi), (0.35, 0.5, 0.65)[severity - 1]
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    towards = (xs * np.float32(np.cos(edge)) + ys * np.float32(np.sin(edge)) + 1.42) / 2.84
    lamp = np.clip((towards - (1 - reach)) / reach, 0, 1)[..., None]
    dark = image.astype(np.float32) * np.float32((0.75, 0.55, 0.4)[severity - 1])
    return _clipped(dark + (255 - dark) * lamp**1.5)


def defocus(image: Image, severity: int, _: np.random.Generator) -> Image:
    """Out of focus, by 0.6, 1.2 and 2 % of the short side."""
    sigma = min(image.shape[:2]) * (0.006, 0.012, 0.02)[severity - 1]
    return _uint8(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.1)))


def low_resolution(image: Image, severity: int, _: np.random.Generator) -> Image:
    """The detail of a sub-stream of 144, 96 and 64 rows."""
    height, width = image.shape[:2]
    rows = min(height, (144, 96, 64)[severity - 1])
    small = cv2.resize(image, (max(1, round(width * rows / height)), rows), interpolation=cv2.INTER_AREA)
    return _uint8(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def jpeg(image: Image, severity: int, _: np.random.Generator) -> Image:
    """Motion JPEG at quality 30, 15 and 7."""
    quality = (30, 15, 7)[severity - 1]
    done, code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise InputError(f"OpenCV cannot encode a picture of {image.shape[1]}x{image.shape[0]}")
    return _uint8(cv2.imdecode(code, cv2.IMREAD_COLOR))[..., ::-1]


def h264(image: Image, severity: int, _: np.random.Generator) -> Image:
    """A key frame of H.264 at a quantiser of 34, 41 and 47."""
    height, width = image.shape[:2]
    even = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    quantiser = (34, 41, 47)[severity - 1]
    encoder, decoder = av.CodecContext.create("libx264", "w"), av.CodecContext.create("h264", "r")
    encoder.width, encoder.height, encoder.pix_fmt = even.shape[1], even.shape[0], "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"qp": str(quantiser), "preset": "veryfast", "tune": "zerolatency", "threads": "1"}
    encoder.thread_count = decoder.thread_count = 1
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even, np.uint8), format="rgb24").reformat(format="yuv420p")
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    frames = [seen for packet in (*packets, None) for seen in decoder.decode(packet)]
    return np.asarray(frames[0].to_ndarray(format="rgb24"), np.uint8)[:height, :width]


def fisheye(image: Image, severity: int, _: np.random.Generator) -> Image:
    """A wide lens in its black ring: r -> r (1 + k r^2) by the half diagonal, k of 0.3, 0.6 and 1."""
    height, width = image.shape[:2]
    bend = (0.3, 0.6, 1.0)[severity - 1]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    half = np.float32(np.hypot(width, height) / 2)
    middle = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
    dx, dy = (xs - middle[0]) / half, (ys - middle[1]) / half
    scale = (1 + np.float32(bend) * (dx * dx + dy * dy)) * half
    return _uint8(cv2.remap(image, middle[0] + dx * scale, middle[1] + dy * scale, cv2.INTER_LINEAR))


def tilt(image: Image, severity: int, rng: np.random.Generator) -> Image:
    """Hung high and askew: the floor narrows by 12, 25 and 40 %, the horizon leans by 5, 12 and 20 degrees."""
    height, width = image.shape[:2]
    narrow, lean = (0.12, 0.25, 0.4)[severity - 1] / 2, np.deg2rad((5, 12, 20)[severity - 1])
    angle = float(lean if rng.random() < 0.5 else -lean)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    leant = square + np.array([[-narrow, 0], [narrow, 0], [-narrow, 0], [narrow, 0]], np.float32)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    size = np.array([width, height], np.float32)
    placed = np.asarray((leant - 0.5) * size @ turn.T + size / 2, np.float32)
    matrix = cv2.getPerspectiveTransform(square * size, placed)
    return _uint8(cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101))


def dirty_dome(image: Image, severity: int, rng: np.random.Generator) -> Image:
    """Haze of a scratched dome, and 4, 9 and 16 blots of dirt on it."""
    height, width = image.shape[:2]
    haze = np.float32((0.2, 0.35, 0.5)[severity - 1])
    blots = np.zeros((height, width), np.float32)
    for _ in range((4, 9, 16)[severity - 1]):
        where = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(blots, where, int(min(height, width) * rng.uniform(0.03, 0.1)), float(rng.uniform(0.5, 0.9)), -1)
    soft = np.asarray(cv2.GaussianBlur(blots, (0, 0), min(height, width) * 0.02), np.float32)[..., None]
    hazy = image.astype(np.float32) * (1 - haze) + 190 * haze
    return _clipped(hazy * (1 - soft) + 60 * soft)


KINDS: dict[str, Corruption] = {
    kind.__name__: kind
    for kind in (
        low_light,
        infrared,
        backlight,
        defocus,
        low_resolution,
        jpeg,
        h264,
        fisheye,
        tilt,
        dirty_dome,
    )
}


def corrupt(image: Image, kind: str, severity: int, *, name: str) -> Image:
    """Return the picture as a worse camera would have sent it.

    Args:
        image: `(H, W, 3)` uint8 RGB; not modified.
        kind: One of `KINDS`.
        severity: 1, 2 or 3.
        name: Of the picture; decides all chance.

    Raises:
        InputError: There is no such kind or severity.
    """
    if kind not in KINDS or severity not in SEVERITIES:
        raise InputError(f"no corruption {kind!r} of severity {severity}; kinds: {', '.join(KINDS)}", kind=kind)
    digest = hashlib.sha256(f"{kind}/{severity}/{name}".encode("utf-8", "surrogateescape")).digest()
    damaged = KINDS[kind](image, severity, np.random.default_rng(int.from_bytes(digest[:8], "big")))
    return np.ascontiguousarray(damaged)


def _clipped(values: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _uint8(values: object) -> Image:  # OpenCV's stubs promise any array of any number
    return np.asarray(values, np.uint8)
