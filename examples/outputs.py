"""Where the example plugin puts what may be shown: one file, segments for a recorder, or a stream for players."""

import contextlib
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import av.error
import numpy as np

from privacy.errors import SinkError, SourceLostError
from privacy.frame import Frame, Layout
from privacy.sinks.video import VideoSink
from privacy.sources.video import VideoInfo, VideoSource

PUSHED = {"rtmp": "flv", "rtmps": "flv", "rtsp": "rtsp", "srt": "mpegts", "tcp": "mpegts", "udp": "mpegts"}
"""Container by scheme of the address that a stream is pushed to."""
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0


class Output(Protocol):
    """Takes masked frames in order."""

    def write(self, frame: Frame) -> None:
        """Take the next frame."""

    def close(self) -> None:
        """Complete what was written."""


class Segments:
    """Writes `masked-00000.ts`, `masked-00001.ts`, ..., and a playlist of those that are complete.

    Args:
        folder: Where they go.
        like: What the video is like.
        seconds: Length of a segment.
    """

    def __init__(self, folder: Path, like: VideoInfo, seconds: float) -> None:
        self._folder, self._like, self._seconds = folder, like, seconds
        self._sink: VideoSink | None = None
        self._began, self._last = 0.0, 0.0
        self._done: list[tuple[str, float]] = []

    def write(self, frame: Frame) -> None:
        """Take the next frame; a segment ends when it is long enough, or when time runs back."""
        if self._sink is not None and not 0 <= frame.offset - self._began < self._seconds:
            self.close()
        if self._sink is None:
            name = f"masked-{len(self._done):05}.ts"
            self._sink = VideoSink(self._folder / name, self._like, preset="ultrafast", overwrite=True)
            self._began = frame.offset
        self._sink.write(frame)
        self._last = frame.offset

    def close(self) -> None:
        """Complete the segment that is being written, and list it."""
        if self._sink is None:
            return
        self._sink.close()
        frame_s = float(1 / self._like.rate) if self._like.rate else 0.04
        self._done.append((self._sink.path.name, self._last - self._began + frame_s))
        self._sink = None
        longest = max(round(length + 0.5) for _, length in self._done)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{longest}"]
        for name, length in self._done:
            lines += ["#EXT-X-DISCONTINUITY", f"#EXTINF:{length:.3f},", name]
        (self._folder / "masked.m3u8").write_text("\n".join(lines) + "\n", "utf-8")


class Push:
    """Sends H.264 to a media server or player: RTMP, RTSP, SRT, or MPEG-TS over TCP and UDP.

    Args:
        address: Where to.
        like: What the video is like.

    Raises:
        SinkError: Nobody listens there, or it breaks off.
    """

    def __init__(self, address: str, like: VideoInfo) -> None:
        scheme = address.partition("://")[0].lower()
        if scheme not in PUSHED:
            raise SinkError(f"cannot push to {scheme}; known: {', '.join(PUSHED)}", scheme=scheme)
        try:
            self._container = av.open(address, "w", format=PUSHED[scheme], timeout=10)
            options = {"preset": "ultrafast", "tune": "zerolatency"}
            self._stream = self._container.add_stream("libx264", rate=like.rate or Fraction(25), options=options)
            self._stream.height, self._stream.width = like.size
            self._stream.pix_fmt = "yuv420p"
            self._stream.time_base = self._stream.codec_context.time_base = Fraction(1, 1000)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(f"cannot push: {type(error).__name__}", scheme=scheme) from None
        self._last = -1

    def write(self, frame: Frame) -> None:
        """Take the next frame."""
        picture = _picture(frame)
        self._last = max(self._last + 1, round(frame.offset * 1000))  # players want time that never stands still
        picture.pts, picture.time_base = self._last, Fraction(1, 1000)
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(f"the stream that is pushed broke off: {type(error).__name__}") from None

    def close(self) -> None:
        """Send the rest."""
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SinkError(f"the stream that is pushed broke off: {type(error).__name__}") from None


def _picture(frame: Frame) -> av.VideoFrame:
    if frame.layout is Layout.I420:
        height, width = frame.size
        picture = av.VideoFrame(width, height, "yuvj420p" if frame.full_range else "yuv420p")
        for target, plane in zip(picture.planes, frame.planes, strict=True):
            rows = np.frombuffer(memoryview(target), np.uint8).reshape(target.height, target.line_size)
            rows[:, : target.width] = plane
        return picture.reformat(format="yuv420p")
    name = {Layout.RGB: "rgb24", Layout.BGR: "bgr24", Layout.GRAY: "gray"}[frame.layout]
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.planes[0]), format=name).reformat(format="yuv420p")


class Camera:
    """Frames of an RTSP camera that is opened again whenever it breaks off, or of a file, once.

    Args:
        address: Of the camera, or a file.

    Raises:
        SourceError: There is nothing to begin with.
        SourceLostError: A camera that does not answer at the very first.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._source = VideoSource(address)
        self.info = self._source.info

    def __iter__(self) -> Iterator[Frame]:
        wait = FIRST_RETRY_S
        while True:
            try:
                with self._source as source:
                    for frame in source:
                        wait = FIRST_RETRY_S
                        yield frame
            except SourceLostError:
                if not self.info.live:
                    raise
            else:
                return
            lost = True
            while lost:
                time.sleep(wait)  # nothing comes from the camera, so that nothing is shown
                wait = min(2 * wait, LAST_RETRY_S)
                with contextlib.suppress(SourceLostError):
                    self._source = VideoSource(self._address)
                    lost = False

    def close(self) -> None:
        """Let go of the camera."""
        self._source.close()
