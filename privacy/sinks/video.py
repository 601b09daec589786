"""Video files, encoded from I420."""

import contextlib
import secrets
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet

from privacy.errors import SinkError, SourceLostError
from privacy.frame import Frame, Layout, Plane
from privacy.sources.lent import lender
from privacy.sources.video import VideoInfo

CONTAINERS = {
    ".avi": "avi",
    ".flv": "flv",
    ".m4v": "mp4",
    ".mkv": "matroska",
    ".mov": "mov",
    ".mp4": "mp4",
    ".ts": "mpegts",
}
"""What can be written, by the ending of the file's name."""

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
"""Of x264, from fast and large to slow and small."""
PRESET = "superfast"
_PRESET_OPTIONS = {"x264-params": "mbtree=1:rc-lookahead=10", "bf": "0"}
"""x264's superfast leaves out the tree of macroblocks; with it, and without frames that are predicted from both sides,
which cost more time than they spare here and blur what is black, files are 15 to 19 % larger than veryfast's, in half
to three fifths of its time (`benchmarks/encoding.py`)."""

_MPEG, _JPEG = 1, 2  # AVCOL_RANGE_*


class VideoSink:
    """Writes frames as H.264, alike to a source in size, timing and colour.

    The file appears under its name only when it is complete; until then it lies beside it under another, hidden one.
    Left with an exception, the context removes it; but if the source broke off, or a camera's recording is interrupted,
    what was written is all there is, and it is completed.

    An odd size cannot be H.264 with halved chroma; it is written with chroma in full (4:4:4), never resized.

    Args:
        path: The file; its ending chooses the container.
        like: What the video is to be like.
        preset: One of `PRESETS`.
        crf: Quality of x264: 0 is best, 51 worst.
        audio: An audio stream whose packets will be given to `write_audio`; they are copied.
        overwrite: Replace an existing file.

    Raises:
        SinkError: The ending is unknown, the file exists or cannot be written, or the encoder refuses.
    """

    def __init__(
        self,
        path: str | Path,
        like: VideoInfo,
        *,
        preset: str = PRESET,
        crf: int = 20,
        audio: AudioStream | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self._like = like
        self._overwrite = overwrite
        self._last: int | None = None  # timestamp of the last frame, in ticks
        self._shift = 0  # ticks that are added because timestamps ran backwards
        self._constant: tuple[tuple[Plane, ...], av.VideoFrame] | None = None
        kind = CONTAINERS.get(self.path.suffix.lower())
        if kind is None:
            raise SinkError(f"{path}: a video's name must end in one of {', '.join(CONTAINERS)}", sink=str(path))
        if self.path.exists() and not overwrite:
            raise SinkError(f"{path}: exists already; overwrite replaces it", sink=str(path))
        self._even = not (like.size[0] % 2 or like.size[1] % 2)
        self._format = ("yuvj" if like.full_range else "yuv") + ("420p" if self._even else "444p")
        rate = like.rate if 0 < like.rate <= 1000 else Fraction(25)
        # AVI has no timestamps: a tick is a frame.
        self._tick = 1 / rate if kind == "avi" else like.time_base
        self._partial = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        try:
            self._container = av.open(f"file:{self._partial}", "w", format=kind)
            options = {"preset": preset, "crf": str(crf)}
            if preset == PRESET:
                options |= _PRESET_OPTIONS
            if kind in ("avi", "flv"):
                options["bf"] = "0"  # their timestamps say when to decode, so that the two orders must be one
            stream = self._container.add_stream("libx264", rate=rate, options=options)
            stream.height, stream.width = like.size
            stream.pix_fmt = self._format
            stream.time_base = stream.codec_context.time_base = self._tick
            stream.color_range = _JPEG if like.full_range else _MPEG
            stream.colorspace, stream.color_primaries, stream.color_trc = like.matrix, like.primaries, like.transfer
            if like.aspect:
                stream.sample_aspect_ratio = like.aspect
            self._stream = stream
            self._audio = None if audio is None else self._container.add_stream_from_template(audio)
            self._container.start_encoding()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self.discard()
            raise self._error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        interrupted = self._like.live and isinstance(error, KeyboardInterrupt)
        if error is None or interrupted or isinstance(error, SourceLostError):
            self.close()
        else:
            self.discard()

    def write(self, frame: Frame) -> None:
        """Encode one frame.

        Raises:
            SinkError: It has another size than the video, or cannot be written.
        """
        if frame.size != self._like.size:
            (height, width), (rows, columns) = self._like.size, frame.size
            raise SinkError(f"{self.path}: a frame of {columns}x{rows} does not fit a video of {width}x{height}")
        picture = self._picture(frame)
        picture.pts = self._timestamp(frame)
        picture.time_base = self._tick
        picture.pict_type = 0  # the source's choice of key frames is not ours
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._error(error) from error

    def write_audio(self, packets: Iterable["Packet[AudioStream]"]) -> None:
        """Copy packets of the audio stream that was named at the start.

        Raises:
            SinkError: They cannot be written.
        """
        try:
            for packet in packets:
                if self._audio is not None:
                    packet.stream = self._audio
                    self._container.mux(packet)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Complete the file and give it its name.

        Raises:
            SinkError: No frame was written, or the rest cannot be.
        """
        if self._last is None:
            self.discard()
            raise SinkError(f"{self.path}: not one frame to write", sink=str(self.path))
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            if self.path.exists() and not self._overwrite:
                raise FileExistsError("exists already")
            self._partial.replace(self.path)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self.discard()
            raise self._error(error) from error

    def discard(self) -> None:
        """Forget what was written."""
        if hasattr(self, "_container"):
            with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
                self._container.close()
        with contextlib.suppress(OSError):
            self._partial.unlink()

    def _timestamp(self, frame: Frame) -> int:
        tick, rate = self._tick, self._like.rate or Fraction(25)
        start = round(self._like.start * self._like.time_base / tick)
        ticks = start + self._shift + round(frame.offset / tick)
        if self._last is not None and ticks <= self._last:
            following = self._last + max(1, round(1 / (rate * tick)))
            self._shift += following - ticks
            ticks = following
        self._last = ticks
        return ticks

    def _picture(self, frame: Frame) -> av.VideoFrame:
        """Return the pixels as the encoder takes them, with as few copies as there can be: none, most of the time."""
        planes = frame.planes
        if self._constant is not None and planes is self._constant[0]:
            return self._constant[1]
        if frame.layout is not Layout.I420:
            return self._converted(frame)
        lent = lender(planes)
        if lent is not None and lent.format.name == self._format:
            return lent
        picture = _adopted(planes, self._format) if self._even else None
        if picture is None:
            picture = av.VideoFrame(frame.size[1], frame.size[0], self._format)
            _fill(picture, planes if self._even else _upsampled(planes, frame.size))
        if not any(plane.flags.writeable for plane in planes):
            self._constant = (planes, picture)
        return picture

    def _converted(self, frame: Frame) -> av.VideoFrame:
        if frame.layout is Layout.GRAY:
            height, width = frame.size
            grey = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
            planes: tuple[Plane, ...] = (frame.planes[0], grey, grey)
        elif frame.layout is Layout.NV12:
            planes = (frame.planes[0], frame.planes[1][..., 0], frame.planes[1][..., 1])
        else:
            source = np.ascontiguousarray(frame.planes[0])
            name = "bgr24" if frame.layout is Layout.BGR else "rgb24"
            return av.VideoFrame.from_ndarray(source, format=name).reformat(format=self._format)
        picture = av.VideoFrame(frame.size[1], frame.size[0], self._format)
        _fill(picture, planes if self._even else _upsampled(planes, frame.size))
        return picture

    def _error(self, error: Exception) -> SinkError:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return SinkError(f"{self.path}: cannot be written: {why}", sink=str(self.path))


def _adopted(planes: tuple[Plane, ...], name: str) -> av.VideoFrame | None:
    """Return a picture that shares the memory of planes which lie behind one another; None if they do not."""
    luma, owner = planes[0], planes[0].base
    height, width = luma.shape
    if not isinstance(owner, np.ndarray) or owner.shape != (luma.size * 3 // 2,) or height % 4:
        return None  # PyAV takes heights in steps of four
    address = owner.ctypes.data
    for plane in planes:
        if plane.ctypes.data != address or not plane.flags.c_contiguous:
            return None
        address += plane.size
    return av.VideoFrame.from_numpy_buffer(owner.reshape(height * 3 // 2, width), format=name)


def _fill(picture: av.VideoFrame, planes: tuple[Plane, ...]) -> None:
    for target, plane in zip(picture.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint8).reshape(target.height, target.line_size)
        rows[:, : target.width] = plane


def _upsampled(planes: tuple[Plane, ...], size: tuple[int, int]) -> tuple[Plane, ...]:
    height, width = size
    return (planes[0], *(plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width] for plane in planes[1:]))


def same_file(first: str | Path, second: str | Path) -> bool:
    """Return True if both name one file: writing the second would destroy the first."""
    try:
        return Path(first).samefile(second)
    except OSError:
        return False
