"""Video files and network cameras, decoded to I420."""

import re
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from privacy.errors import FrameError, SourceError, SourceLostError
from privacy.frame import MAX_PIXELS, Frame, Layout, check_size, plane_shapes
from privacy.sources.avi import Reach
from privacy.sources.lent import I420_FORMATS, lend
from privacy.sources.orientation import orientation_of, upright

TIMED = ("avi", "asf")
"""Containers with one time a packet, FFmpeg's `dts`, by which alone it is found: not where it is said to lie. When its
picture is shown FFmpeg guesses, and takes a frame before a pause for one after it."""
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_BT709, _UNSPECIFIED, _BT2020 = 1, 2, (9, 10)  # AVCOL_SPC_*
_QUERY = re.compile("[?&=]")
PLAYLISTS = frozenset({"concat", "dash", "hls", "imf"})
"""FFmpeg's formats that hold no video but the names of other files."""
_NETWORK = ("rtsp://", "rtsps://", "rtmp://", "tcp://", "udp://", "srt://")


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video is like; a sink that is given it writes one that is alike.

    Attributes:
        size: `(height, width)` of the first frame, as a player shows it.
        rate: Average frames a second; 0 if unknown.
        time_base: Seconds of one tick of the timestamps.
        start: Timestamp of the first frame, in ticks.
        codec: FFmpeg's name of the codec.
        duration: Seconds, 0 if unknown.
        frames: Number of frames as the container has it, 0 if unknown.
        full_range: As `Frame.full_range`.
        matrix: Colour matrix, `AVCOL_SPC_*` of FFmpeg.
        primaries: Colour primaries, `AVCOL_PRI_*`.
        transfer: Transfer characteristic, `AVCOL_TRC_*`.
        aspect: Width of a pixel in terms of its height; 0 if unknown.
        live: True for a camera or another stream without an end.
    """

    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    start: int = 0
    codec: str = ""
    duration: float = 0.0
    frames: int = 0
    full_range: bool = False
    matrix: int = _UNSPECIFIED
    primaries: int = _UNSPECIFIED
    transfer: int = _UNSPECIFIED
    aspect: Fraction = Fraction(0)
    live: bool = False


class VideoSource:
    """The frames of one video, in the order in which they are shown.

    Frames are I420, the way up that a player shows them, and, where the video is stored so, views of the decoder's own
    memory. They can be read once.

    Args:
        address: A file, or a URL such as rtsp://camera/stream.
        audio: Keep the packets of the first audio stream for `take_audio`.
        timeout_s: A network source that sends nothing for this long is lost.

    Raises:
        SourceError: Not there, no video, or a frame would be too large.
        SourceLostError: The camera did not answer in time.
    """

    def __init__(self, address: str | Path, *, audio: bool = False, timeout_s: float = 10.0) -> None:
        self.name = without_password(str(address))
        self._live = isinstance(address, str) and address.lower().startswith(_NETWORK)
        self._packets = 0
        self._frames = 0
        self._offset = 0.0
        self._broken = ""
        self._heal_at_key = False
        self._audio: deque[Packet[AudioStream]] = deque()
        self._container = open_container(str(address), self.name, timeout_s=timeout_s if self._live else None)
        try:
            self._stream = video_stream(self._container, self.name, live=self._live)
            self.audio: AudioStream | None = next(iter(self._container.streams.audio), None) if audio else None
            self._reach = Reach.of(self._container, self._stream)
            self._expected = self._promised()
            self._pictures = self._decode()
            self._first = self._first_picture()
            self.info = self._describe(self._first[0])
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file or camera. Frames that were read stay valid."""
        self._pictures.close()
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame that can be read.

        Raises:
            SourceLostError: After the last frame, if something before or after it could not be read.
        """
        step = float(1 / self.info.rate) if self.info.rate else 0.04
        previous: float | None = None
        for picture, damaged in self._all_pictures():
            if picture.pts is not None:
                self._offset = float((picture.pts - self.info.start) * self.info.time_base)
            elif previous is not None:
                self._offset = previous + step
            previous = self._offset
            _check_size(self.name, picture.height, picture.width)
            frame = frame_of(picture, self._offset, self._frames, damaged=damaged)
            self._frames += 1
            yield frame
        if self._broken:
            raise SourceLostError(f"{self.name}: {self._broken}", frames=self._frames, offset=self._offset)

    def take_audio(self) -> list["Packet[AudioStream]"]:
        """Return the audio packets read since the last call."""
        packets = list(self._audio)
        self._audio.clear()
        return packets

    def _promised(self) -> int:
        """Return how many packets the container says there are, 0 if it does not say."""
        if "mp4" in self._container.format.name:
            return len(self._stream.index_entries)  # counts what an edit list leaves, unlike `frames`
        if self._reach is not None:
            return 0  # counts pauses as well
        return self._stream.frames

    def _first_picture(self) -> tuple[av.VideoFrame, bool]:
        try:
            first = next(self._pictures, None)
        except FrameError as error:
            raise SourceError(f"{self.name}: {error}", source=self.name) from error
        if first is None:
            raise SourceError(f"{self.name}: no frame can be read: {self._broken or 'it is empty'}", source=self.name)
        return first

    def _describe(self, picture: av.VideoFrame) -> VideoInfo:
        stream = self._stream
        time_base = picture.time_base or stream.time_base or Fraction(1, 90_000)
        duration = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        if not duration and self._container.duration:
            duration = self._container.duration / av.time_base
        aspect, turned = stream.sample_aspect_ratio or Fraction(0), orientation_of(picture).transposed
        return VideoInfo(
            size=(picture.width, picture.height) if turned else (picture.height, picture.width),
            rate=stream.average_rate or stream.guessed_rate or Fraction(0),
            time_base=time_base,
            start=picture.pts or 0,
            codec=stream.codec_context.name,
            duration=duration,
            frames=stream.frames,
            full_range=_is_full_range(picture),
            matrix=picture.colorspace,
            primaries=picture.color_primaries,
            transfer=picture.color_trc,
            aspect=1 / aspect if turned and aspect else aspect,
            live=self._live,
        )

    def _all_pictures(self) -> Iterator[tuple[av.VideoFrame, bool]]:
        yield self._first
        del self._first
        yield from self._pictures

    def _decode(self) -> Generator[tuple[av.VideoFrame, bool], None, None]:
        """Yield each picture and whether it is damaged. What is wrong with the source is left in `_broken`."""
        streams = [self._stream] if self.audio is None else [self._stream, self.audio]
        progress = -1
        while progress < self._packets:  # a demuxer may find its way again after an error; once more without is the end
            progress = self._packets
            try:
                for packet in self._container.demux(*streams):
                    if packet.stream is not self._stream:
                        if packet.dts is not None:
                            self._audio.append(cast("Packet[AudioStream]", packet))
                        continue
                    yield from self._decode_packet(cast("Packet[VideoStream]", packet))
                break
            except av.error.FFmpegError as error:
                self._damage(why_of(error))
        yield from self._decode_packet(None)
        self._check_end()

    def _check_end(self) -> None:
        """Compare where it ended with where it says it does."""
        if self._packets < self._expected:
            self._damage(f"{self._expected} frames were promised and only {self._packets} are there")
        if self._live:
            self._damage("the stream ended")
        elif "matroska" in self._container.format.name or (self._reach is not None and self._reach.short):
            try:
                with Path(self.name).open("rb") as file:
                    missing = missing_of(file, self._reach)
            except OSError as error:  # somebody moved it meanwhile
                missing = f"whether it is whole cannot be told: {why_of(error)}"
            if missing:
                self._damage(missing)

    def _decode_packet(self, packet: "Packet[VideoStream] | None") -> Iterator[tuple[av.VideoFrame, bool]]:
        if packet is not None and packet.size:
            self._packets += 1
            if self._reach is not None:
                self._reach.see(packet)
            if packet.is_corrupt:
                self._damage("a packet is not whole")
            if None not in (packet.pts, packet.dts):  # without the first, pictures come in another order than packets
                packet.pts = ticks_of(packet, self._container.format.name)
        try:
            pictures = self._stream.codec_context.decode(packet)
        except av.error.EOFError:  # was flushed before
            return
        except av.error.FFmpegError as error:
            self._damage(why_of(error))
            return
        for picture in pictures:
            if picture.is_corrupt:
                self._damage("a frame could not be decoded whole")
            elif picture.key_frame:
                self._heal_at_key = False
            yield picture, self._heal_at_key

    def _damage(self, what: str) -> None:
        """Remember the first fault. Until a key frame, every frame is predicted from something that is not there."""
        self._heal_at_key = True
        if not self._broken:
            self._broken = f"broke at frame {self._frames}, after {self._offset:.3f} s: {what}"


def open_container(address: str | BinaryIO, name: str, *, timeout_s: float | None = None) -> InputContainer:
    """Open a file, an open file, or a camera, and let nothing that is in it open anything else.

    Args:
        address: A path, an object with `read` and `seek`, or the URL of a camera.
        name: What to call it in an error.
        timeout_s: A camera that sends nothing for this long is lost; None if it is a file.

    Raises:
        SourceError: Not there, or no video.
        SourceLostError: The camera did not answer in time.
    """
    # `file:` and the list of protocols keep a crafted name from making us open anything else. Playlists come later.
    options = {"max_pixels": str(MAX_PIXELS)}
    if timeout_s is not None:
        options |= {"rtsp_transport": "tcp", "protocol_whitelist": "rtsp,rtsps,rtp,rtmp,tcp,udp,tls,srt,crypto"}
    elif isinstance(address, str):
        path = Path(address)
        if not path.is_file():
            raise SourceError(f"{name}: no such file", source=name)
        address = f"file:{path}"
        options |= {"protocol_whitelist": "file,crypto,data"}
    else:
        options |= {"protocol_whitelist": "data"}  # what lies elsewhere may name no file that lies here
    try:
        return av.open(address, "r", options=options, timeout=timeout_s, metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if timeout_s is not None:
            # FFmpeg's error has the address with its password, and a traceback shows what an error came from.
            raise SourceLostError(f"{name}: no answer: {why_of(error)}", source=name) from None
        raise SourceError(f"{name}: not a video: {why_of(error)}", source=name) from error


def video_stream(container: InputContainer, name: str, *, live: bool = False) -> VideoStream:
    """Return the video of an open container, set up to be decoded within our bounds.

    Raises:
        SourceError: It has none, names other files instead, or a frame would be too large.
    """
    if not live and container.format.name in PLAYLISTS:
        raise SourceError(f"{name}: a playlist of other files, not a video", source=name)
    for stream in container.streams.video:
        # The cover picture of an audio file is a video stream by name only.
        if stream.codec_context is not None and not stream.disposition & stream.disposition.attached_pic:
            _check_size(name, stream.codec_context.height, stream.codec_context.width)
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            stream.thread_type = "SLICE" if live else "AUTO"  # frame threads hold frames back
            return stream
    raise SourceError(f"{name}: has no video that can be decoded", source=name)


def ticks_of(packet: "Packet[VideoStream]", container: str) -> int | None:
    """Return when a packet's picture is shown, else when it is decoded; None if the container tells neither."""
    return packet.dts if packet.pts is None or container in TIMED else packet.pts


def frame_of(picture: av.VideoFrame, offset: float, sequence: int, *, damaged: bool = False) -> Frame:
    """Return a decoded picture as an I420 frame, turned upright; without a copy where it is one already.

    Raises:
        FrameError: It is too large.
    """
    full_range, bt709 = _is_full_range(picture), _is_bt709(picture)
    layout, name = Layout.I420, picture.format.name
    if name in I420_FORMATS:
        planes = lend(picture, 3)
    elif name == "gray":  # FFmpeg takes grey for full range and would stretch it
        grey = np.full(plane_shapes(layout, picture.height, picture.width)[1], 128, np.uint8)
        grey.flags.writeable = False
        planes = (*lend(picture, 1), grey, grey)
    else:
        if picture.format.is_rgb or name == "pal8":
            full_range, bt709 = False, False  # what FFmpeg makes of RGB
        target = "yuvj420p" if full_range else "yuv420p"
        planes = lend(picture.reformat(format=target), 3)
    planes = upright(planes, orientation_of(picture))
    return Frame(planes, layout, offset, sequence=sequence, full_range=full_range, bt709=bt709, damaged=damaged)


def _check_size(name: str, height: int, width: int) -> None:
    try:
        check_size(height, width)
    except FrameError as error:
        raise SourceError(f"{name}: {error}", source=name) from error


def _is_full_range(picture: av.VideoFrame) -> bool:
    return picture.color_range == _FULL_RANGE or picture.format.name.startswith("yuvj")


def _is_bt709(picture: av.VideoFrame) -> bool:
    if picture.colorspace == _UNSPECIFIED:  # then players go by the size, and so does the camera that left it out
        return picture.width >= 1280 or picture.height > 576
    return picture.colorspace in (_BT709, *_BT2020)  # whose coefficients are nearer to BT.709 than to BT.601


def missing_of(file: BinaryIO, reach: Reach | None) -> str:
    """Return what is missing at the end of a file of which FFmpeg does not tell, "" if nothing is.

    Args:
        file: Open at its beginning.
        reach: How far an AVI was read; None if it is Matroska.

    Raises:
        OSError: It cannot be read.
    """
    if reach is not None:
        return reach.missing(file)
    return "the file is shorter than its header says" if _is_cut_off(file) else ""


def _is_cut_off(file: BinaryIO) -> bool:
    """Return True if a Matroska file is shorter than its segment (RFC 8794, sections 4 and 5); FFmpeg does not tell.

    Args:
        file: Open at its beginning.
    """
    there = file.seek(0, 2)
    file.seek(0)
    for identifier in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):  # EBML header, Segment
        if file.read(4) != identifier:
            return False
        first = file.read(1)
        length = 9 - first[0].bit_length() if first else 0
        data = first + file.read(max(0, length - 1))
        size = int.from_bytes(data, "big") - (1 << 7 * length)
        if not 1 <= length <= 8 or size == (1 << 7 * length) - 1:  # all ones: unknown, as in a live recording
            return False
        end = file.tell() + size
        if end > there:  # by more, maybe, than a file system lets anybody seek
            return True
        file.seek(end)
    return False


def without_password(address: str) -> str:
    """Return an address that may stand in logs and messages."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    # A password may hold what should have been escaped, "/" for example; and many cameras take it in the path or query.
    return scheme + separator + _QUERY.split(rest.rpartition("@")[2], maxsplit=1)[0]


def why_of(error: Exception) -> str:
    """Return FFmpeg's reason without the address, which may hold a password."""
    return getattr(error, "strerror", None) or type(error).__name__
