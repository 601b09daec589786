"""Access units as a camera sends them, made by an encoder on the spot."""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

_ENCODERS = {
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
    "H265": (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": "log-level=none:pools=none:frame-threads=1:repeat-headers=1",
        },
    ),
}


def units(
    codec: str, levels: list[int], *, size: tuple[int, int] = (96, 128), key_every: int = 4, **options: str
) -> list[bytes]:
    """One access unit for each level of grey; a key frame every `key_every`."""
    return list(_units(codec, tuple(levels), size, key_every, tuple(sorted(options.items()))))


@lru_cache(maxsize=64)
def _units(
    codec: str, levels: tuple[int, ...], size: tuple[int, int], key_every: int, options: tuple[tuple[str, str], ...]
) -> tuple[bytes, ...]:
    name, defaults = _ENCODERS[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.height, encoder.width = size
    encoder.pix_fmt, encoder.time_base, encoder.gop_size = "yuv420p", Fraction(1, 25), key_every
    encoder.thread_count = 1
    encoder.options = dict(options) or defaults
    packets = []
    for number, level in enumerate(levels):
        planes = np.full((size[0] * 3 // 2, size[1]), 128, np.uint8)
        planes[: size[0]] = level
        # Something moves, or there would be nothing to predict: a unit that skips every block survives any loss.
        planes[8:24, 8 + 4 * (number % 8) : 24 + 4 * (number % 8)] = 128
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts = number
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    return tuple(bytes(packet) for packet in packets)


class Player:
    """Decodes units one after another, as a client does with what comes back."""

    def __init__(self, codec: str) -> None:
        self._decoder: Any = av.CodecContext.create({"H264": "h264", "H265": "hevc"}[codec], "r")
        self._decoder.thread_count = 1

    def luma(self, unit: bytes) -> NDArray[np.uint8]:
        (picture,) = self._decoder.decode(av.Packet(unit))
        return np.asarray(picture.to_ndarray(format="gray"), np.uint8)
