"""Small videos for tests, written by PyAV itself so that they do not depend on what is tested."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from privacy.frame import Frame, Layout, plane_shapes
from privacy.sources.video import VideoSource

Luma = Callable[[int], NDArray[np.uint8]]


def textured(size: tuple[int, int]) -> Luma:
    """A noisy texture that moves: every frame differs, and a masked part cannot be mistaken for it."""
    height, width = size
    texture = np.random.default_rng(7).integers(40, 220, (height + 64, width + 64), np.uint8)
    return lambda number: texture[number % 64 : number % 64 + height, number % 64 : number % 64 + width]


def write_clip(
    path: Path,
    *,
    size: tuple[int, int] = (48, 64),
    frames: int = 25,
    rate: int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    ticks: Sequence[int] | None = None,
    luma: Luma | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    flipped: bool = False,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    tone: bool = False,
) -> Path:
    """Write a clip; `ticks` are timestamps in thousandths of a second instead of a fixed rate."""
    height, width = size
    luma = luma or textured(size)
    with av.open(path, "w", options=container_options or {}) as writer:
        stream = writer.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        base = Fraction(1, rate) if ticks is None else Fraction(1, 1000)
        stream.codec_context.time_base = base
        if rotation or mirrored or flipped:
            stream.set_display_rotation(rotation, mirrored, flipped)
        sound = writer.add_stream("aac", rate=16000) if tone else None
        for number in range(frames):
            picture = _picture(luma(number), pix_fmt)
            picture.pts, picture.time_base = number if ticks is None else ticks[number], base
            writer.mux(stream.encode(picture))
            if sound is not None:
                hum = av.AudioFrame.from_ndarray(np.zeros((1, 640), np.float32), format="fltp", layout="mono")
                hum.sample_rate, hum.pts = 16000, 640 * number
                writer.mux(sound.encode(hum))
        writer.mux(stream.encode(None))
        if sound is not None:
            writer.mux(sound.encode(None))
    return path


def with_pauses(path: Path, *, sound: bool = False) -> Path:
    """Write 60 frames, each followed by a pause: a tick is 1 ms, and AVI fills what lies between with empty chunks.

    FFmpeg does so after the last one too, for as long as it is to be seen.
    """
    ticks = [25 * number + 2000 * (number >= 20) + 12_000 * (number >= 40) for number in range(60)]
    return write_clip(path, frames=60, rate=40, ticks=ticks, options={"bf": "0"}, tone=sound)


def claiming(path: Path, size: int) -> Path:
    """Let the header of a Matroska file claim a segment of `size` bytes, below 2**56."""
    data = bytearray(path.read_bytes())
    at = data.index(b"\x18\x53\x80\x67") + 4
    assert data[at] == 1, "the size takes eight bytes"
    data[at : at + 8] = (size + (1 << 56)).to_bytes(8, "big")
    path.write_bytes(data)
    return path


def _picture(luma: NDArray[np.uint8], pix_fmt: str) -> av.VideoFrame:
    """Colourless; exact where the format holds luma as it is."""
    direct = pix_fmt if pix_fmt in ("yuv420p", "yuvj420p", "gray") else "yuv420p"
    picture = av.VideoFrame(luma.shape[1], luma.shape[0], direct)
    for index, plane in enumerate(picture.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : plane.width] = 128 if index else luma
    return picture if direct == pix_fmt else picture.reformat(format=pix_fmt)


def read_all(path: Path) -> list[Frame]:
    """Every frame of a whole file."""
    with VideoSource(path) as source:
        return list(source)


def random_frame(layout: Layout, size: tuple[int, int], seed: int = 0, *, full_range: bool = False) -> Frame:
    """A frame of noise: no two neighbours alike."""
    rng = np.random.default_rng(seed)
    planes = tuple(rng.integers(1, 255, shape, np.uint8) for shape in plane_shapes(layout, *size))
    return Frame(planes, layout, 0.0, full_range=full_range)
