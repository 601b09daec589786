"""Asking a shipped file: its answers, and the pictures that worse cameras would have sent it.

Everything works on an ONNX file through the same resize that the product uses, so that what is measured is what runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from privacy.training import augment

Floats = NDArray[np.float64]
BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a file says about N pictures.

    Attributes:
        zones: `(N, Z)` float32, sums to 1.
        places: `(N, P)` float32.
        zone_map: `(N, h, w)` float32 in [0, 1].
        embedding: `(N, D)` float32, unit length.
    """

    zones: NDArray[np.float32]
    places: NDArray[np.float32]
    zone_map: NDArray[np.float32]
    embedding: NDArray[np.float32]

    @property
    def p_prohibited(self) -> Floats:
        """`(N,)` float64 in [0, 1]."""
        return np.asarray(1 - self.zones[:, 0], np.float64)


class Model:
    """A shipped ONNX file on one core.

    Attributes:
        size: `(height, width)` that it wants.
        zones: Names of its zones.
        places: Names of its places.
        thresholds: Of its metadata.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.size: tuple[int, int] = tuple(self.session.get_inputs()[0].shape[1:3])
        facts = self.session.get_modelmeta().custom_metadata_map
        self.zones: list[str] = json.loads(facts["zones"])
        self.places: list[str] = json.loads(facts["places"])
        self.thresholds: dict[str, float] = json.loads(facts["thresholds"])

    def ask(self, pictures: Sequence[NDArray[np.uint8]]) -> Answers:
        """Answers about pictures of any size, each `(h, w, 3)` uint8 RGB."""
        names = ["zones", "places", "zone_map", "embedding"]
        parts = []
        for at in range(0, len(pictures), BATCH):
            images = np.stack([augment.resize(picture, self.size) for picture in pictures[at : at + BATCH]])
            parts.append(self.session.run(names, {"images": images}))
        return Answers(*(np.concatenate(column) for column in zip(*parts, strict=True)))


# ---------------------------------------------------------------------------------------------------------- variants


def as_grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without colour."""
    flat = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.repeat(np.asarray(flat, np.uint8)[..., None], 3, 2)


def at_176(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At QCIF, 176 x 144, whatever it was."""
    return augment.resize(picture, (144, 176))


def in_low_light(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At a sixth of the light, with shot noise."""
    dark = picture.astype(np.float32) / 6
    noise = np.random.default_rng(0).normal(0, 1, picture.shape).astype(np.float32)
    return np.clip(dark + noise * np.sqrt(dark + 4) + 4, 0, 255).astype(np.uint8)


def through_fisheye(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bent by a radial factor of 0.5, with the black ring."""
    height, width = picture.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    half = np.hypot(width, height) / 2
    dx, dy = (xs - (width - 1) / 2) / half, (ys - (height - 1) / 2) / half
    factor = 1 + 0.5 * (dx * dx + dy * dy)
    bent = cv2.remap(
        picture,
        ((width - 1) / 2 + dx * factor * half).astype(np.float32),
        ((height - 1) / 2 + dy * factor * half).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(bent, np.uint8)


def at_quality_30(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Through JPEG at quality 30."""
    _, code = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 30])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


VARIANTS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "grey": as_grey,
    "176 px": at_176,
    "low light": in_low_light,
    "fisheye": through_fisheye,
    "JPEG q30": at_quality_30,
}
"""The same test pictures, as worse cameras would have sent them."""


def no_pictures(size: tuple[int, int] = (288, 352)) -> dict[str, NDArray[np.uint8]]:
    """Pictures that show no place, by name: what a covered, broken or unplugged camera sends.

    They are made differently from those that training makes, except for the plain black and grey ones.
    """
    height, width = size
    rng = np.random.default_rng(7)
    bars = np.array(
        [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191]], np.uint8
    )
    ramp = np.tile(np.linspace(0, 255, width).astype(np.uint8)[None, :, None], (height, 1, 3))
    cover = np.clip(rng.normal(18, 3, (height, width, 3)) * np.array([1.6, 0.7, 0.5]), 0, 255).astype(np.uint8)
    checks = ((np.indices(size).sum(0) // 32) % 2 * 255).astype(np.uint8)
    static = rng.integers(0, 256, (height, width, 1), np.uint8).repeat(3, 2)
    flat = np.ones((height, width, 3), np.uint8)
    return {
        "black": flat * 0,
        "nearly black, noisy": rng.integers(0, 9, (height, width, 3)).astype(np.uint8),
        "grey": flat * 128,
        "white": flat * 255,
        "blue (no signal)": (flat * np.array([20, 40, 200])).astype(np.uint8),
        "colour bars": augment.resize(bars[None].repeat(2, 0), size),
        "bars, sharp": np.asarray(cv2.resize(bars[None], (width, height), interpolation=cv2.INTER_NEAREST), np.uint8),
        "ramp": ramp,
        "checkerboard": np.repeat(checks[..., None], 3, 2),
        "static": static,
        "colour static": rng.integers(0, 256, (height, width, 3), np.uint8),
        "lens covered by a hand": np.asarray(cv2.GaussianBlur(cover, (0, 0), 9), np.uint8),
    }
