"""From light to what a recorder keeps: exposure, lens, grain, night, text, a starved encoder."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TypeVar

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.training import augment
from rooms.families import Kit

T = TypeVar("T", bound=np.generic)
FIELD_S = 0.02
"""Seconds between the two fields of an interlaced picture, at 50 fields a second."""
Image = NDArray[np.uint8]
"""`(H, W, 3)` uint8 RGB."""
Light = NDArray[np.float32]
"""`(H, W, 3)` float32, linear, not exposed."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """One camera's electronics, and how hard its pictures are pressed.

    Attributes:
        key: Grey that the mean of the picture is exposed to, linear, about 0.2.
        warmth: Red gain over blue gain; 1 is neutral.
        colour: Saturation; 1 is as rendered.
        edge: Strength of the sharpening halo.
        grain: Standard deviation of the noise in middle grey, in levels.
        vignette: Share of light lost in the corners.
        dirt: Strength of dirt and glare on the lens, or 0.
        text: Strength of the on-screen text, or 0.
        crf: Of H.264; 18 is good, 38 is starved, as at a low rate.
        interlaced: Fields of two moments in one picture; seen where things move.
    """

    key: float = 0.2
    warmth: float = 1.0
    colour: float = 1.0
    edge: float = 0.4
    grain: float = 2.0
    vignette: float = 0.15
    dirt: float = 0.0
    text: float = 0.4
    crf: int = 26
    interlaced: bool = False

    @classmethod
    def drawn(cls, kit: Kit) -> Recorder:
        """Return a recorder as one meets them."""
        return cls(
            key=kit.between(0.2, 0.32),
            warmth=kit.between(0.9, 1.12),
            colour=kit.between(0.65, 1.1),
            edge=kit.between(0.0, 0.9),
            grain=kit.between(0.8, 4.0),
            vignette=kit.between(0.0, 0.35),
            dirt=kit.between(0.1, 0.5) if kit.chance(0.15) else 0.0,
            text=kit.between(0.2, 0.6) if kit.chance(0.7) else 0.0,
            crf=kit.count(20, 38),
            interlaced=kit.chance(0.2),
        )


def expose(light: Light, recorder: Recorder) -> Image:
    """Return light as a picture: exposed by its own mean, rolled off towards white, balanced."""
    grey = light.mean(-1)
    floor = 1e-3 * float(grey.mean()) + 1e-9
    level = float(np.exp(np.log(grey + floor).mean())) * 0.5 + float(np.median(grey)) * 0.5
    scaled = light * np.float32(recorder.key / max(level, floor))
    scaled = scaled * np.array([recorder.warmth**0.5, 1.0, recorder.warmth**-0.5], np.float32)
    rolled = scaled * (1 + scaled / 9) / (1 + scaled)  # Reinhard et al. 2002, white at 3 times middle grey
    flat = rolled.mean(-1, keepdims=True)
    rolled = flat + (rolled - flat) * recorder.colour
    return _levels(255 * np.clip(rolled * 1.1, 0, 1) ** (1 / 2.2))


def develop(light: Light, recorder: Recorder, rng: np.random.Generator, *, night: float = 0.0) -> Image:
    """Return what the sensor hands to the encoder.

    Args:
        light: From the renderer.
        recorder: Whose sensor.
        rng: Of grain, dirt and text.
        night: Strength of the infrared mode in [0, 1]; 0 is by day.
    """
    image = expose(light, recorder)
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shaded = image * (1 - recorder.vignette * np.clip((x * x + y * y) / 2, 0, 1))[..., None]
    if recorder.edge:
        shaded = shaded + recorder.edge * (shaded - cv2.GaussianBlur(shaded, (0, 0), 1.2))
    coarse = cv2.resize(rng.standard_normal((height, width, 3)), None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    grain = cv2.resize(coarse, (width, height)) * recorder.grain * 1.6
    image = _levels(shaded + grain)
    if night:
        image = augment.infrared(image, rng, night)
    if recorder.dirt:
        image = augment.dirt_and_glare(image, rng, recorder.dirt)
    return image


def caption(image: Image, recorder: Recorder, seed: int, *, seconds: float = 0.0) -> Image:
    """Burn in a date above and a channel below, as recorders do; the same for the same seed. They name no place.

    Args:
        image: Not modified.
        recorder: `text` is how large it is; 0 leaves the picture as it is.
        seed: Decides date, channel and corners.
        seconds: Since the clip began, which the clock shows.
    """
    if not recorder.text:
        return image
    rng, out = np.random.default_rng(seed), image.copy()
    height, width = out.shape[:2]
    scale = (0.3 + 0.3 * recorder.text) * height / 240
    clock = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=int(rng.integers(0, 31_000_000)) + int(seconds))
    lines = (
        clock.strftime("%Y-%m-%d %H:%M:%S"),
        str(rng.choice(["CH", "CAM ", "IPC", "Camera "])) + f"{rng.integers(1, 33):02d}",
    )
    for line, base in zip(lines, (0.07, 0.96), strict=True):
        wide = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]
        at = (round(0.02 * width) if rng.random() < 0.5 else round(0.98 * width) - wide, round(base * height))
        for shift, grey in ((1, 0), (0, 240)):  # a shadow keeps it legible on white
            where = (at[0] + shift, at[1] + shift)
            cv2.putText(out, line, where, cv2.FONT_HERSHEY_SIMPLEX, scale, (grey, grey, grey), 1, cv2.LINE_AA)
    return out


def weave(even: NDArray[T], odd: NDArray[T]) -> NDArray[T]:
    """Return even rows of one moment and odd rows of the next, as interlaced video has them; of pictures or labels."""
    out = even.copy()
    out[1::2] = odd[1::2]
    return out


def recorded(image: Image, crf: int) -> Image:
    """Return a still as it comes back from an H.264 recording of this quality."""
    data = encode([image], rate=1, crf=crf)
    with av.open(io.BytesIO(data), "r") as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


def encode(images: list[Image], *, rate: int, crf: int) -> bytes:
    """Return pictures as an MP4 file of H.264, the same bytes for the same pictures and libraries."""
    file = io.BytesIO()
    height, width = images[0].shape[:2]
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1"}
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def _levels(values: NDArray[np.float64] | NDArray[np.float32]) -> Image:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)
