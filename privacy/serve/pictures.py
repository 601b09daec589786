"""How the pictures of a stream are read and written: raw, JPEG, or as access units of a video codec."""

from dataclasses import replace
from fractions import Fraction
from typing import Protocol, cast

import av
import av.error
import numpy as np
import simplejpeg
from av.codec.context import Flags

from privacy import jpeg
from privacy.errors import FrameError
from privacy.frame import Frame, Layout, check_size
from privacy.masking import blank
from privacy.serve import translate
from privacy.serve.access_units import AccessUnits
from privacy.serve.translate import HD_ROWS, Arrival, Codec, Format, Limits, Setup
from privacy.sources.lent import I420_FORMATS, lend
from privacy.v1 import frame_pb2

Written = tuple["frame_pb2.PixelFormat.ValueType", bytes | memoryview]
_DECODERS = {Codec.H264: "h264", Codec.H265: "hevc"}
_ENCODERS = {
    Codec.H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"}),
    Codec.H265: (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "crf": "26",
            "x265-params": "log-level=none:pools=none:frame-threads=1:repeat-headers=1",
        },
    ),
}
_FORMATS = {Codec.H264: frame_pb2.PIXEL_FORMAT_H264, Codec.H265: frame_pb2.PIXEL_FORMAT_H265}
_KEY_EVERY = 50  # frames; whoever joins or loses one waits no longer than this
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_BT709 = 1  # AVCOL_SPC_BT709


class Pictures(Protocol):
    """Reads what came on one stream, and writes what goes back. Remembers what its codec has to."""

    def read(self, came: Arrival) -> Frame:
        """Return the frame, perhaps smaller than it came; `damaged` if it could not be read.

        Raises:
            FrameError: The message itself is wrong, and the stream with it.
        """

    def broken(self, came: Arrival) -> Frame:
        """Return a black, damaged frame in the place of one that could not be read."""

    def whole(self, came: Arrival, frame: Frame) -> Frame:
        """Return what `read` returned, in full size.

        Raises:
            FrameError: It could be read small, but not whole.
        """

    def write(self, frame: Frame) -> Written:
        """Return a picture in the codec of the answers."""

    def black(self, frame: Frame) -> Written:
        """Return a black picture of the size in which `frame` came.

        Raises:
            FrameError: Nobody knows the size.
        """

    def alone(self, came: Arrival) -> bool:
        """Say whether what came holds nothing but the picture that was judged, so that it may be shown as it is."""

    def echo(self, came: Arrival, frame: Frame) -> Written:
        """Return the picture as it came, and nothing that came with it."""


class RawPictures:
    """Planes, as the contract arranges them. Frames are views of what came.

    Args:
        form: Of the stream.
        limits: What one frame may cost.
    """

    def __init__(self, form: Format, limits: Limits) -> None:
        self._form = form
        self._limits = limits

    def read(self, came: Arrival) -> Frame:
        """See `Pictures.read`."""
        return translate.raw_frame(came, self._form, self._limits)

    def broken(self, came: Arrival) -> Frame:
        """See `Pictures.broken`."""
        return replace(blank(self.read(came)), damaged=True)

    def whole(self, came: Arrival, frame: Frame) -> Frame:  # noqa: ARG002 - it is whole already
        """See `Pictures.whole`."""
        return frame

    def write(self, frame: Frame) -> Written:
        """See `Pictures.write`."""
        return translate.pixel_format(self._form), translate.packed(frame)

    def black(self, frame: Frame) -> Written:
        """See `Pictures.black`."""
        return self.write(blank(frame))

    def alone(self, came: Arrival) -> bool:  # noqa: ARG002 - their length is that of the picture
        """See `Pictures.alone`."""
        return True

    def echo(self, came: Arrival, frame: Frame) -> Written:  # noqa: ARG002 - the bytes are enough
        """See `Pictures.echo`."""
        return translate.pixel_format(self._form), came.data


class JpegPictures:
    """One JPEG a frame. It is read small, for a model looks at a thumbnail; whole if a part of it is to be shown.

    Whether it is, is known only when it was judged. The frame before is a good guess: if that was needed whole, this
    one is read whole at once, and not twice.

    A file in which several pictures may be found, or in which decoders may find different ones, counts as broken (see
    `jpeg.measure`): the client, or whoever it gives the file to, may see another than the one that was judged.

    Args:
        at_least: `(height, width)` below which a picture is not shrunk.
        limits: What one frame may cost.
        quality: Of what is written.
    """

    def __init__(self, at_least: tuple[int, int], limits: Limits, quality: int) -> None:
        self._at_least = at_least
        self._limits = limits
        self._quality = quality
        self._subsampling = "420"
        self._wanted_whole = False
        self._last: Frame | None = None  # the last one that could be read: a broken one takes its size

    def read(self, came: Arrival) -> Frame:
        """See `Pictures.read`."""
        at_least = None if self._wanted_whole else self._at_least
        self._wanted_whole = False
        data = bytes(came.data)
        try:
            self._last = jpeg.read(data, came.offset, came.sequence, at_least=at_least, max_pixels=self._limits.pixels)
        except FrameError:
            return self.broken(came)
        return self._last

    def broken(self, came: Arrival) -> Frame:
        """See `Pictures.broken`."""
        return _broken(self._last, came)

    def whole(self, came: Arrival, frame: Frame) -> Frame:
        """See `Pictures.whole`."""
        self._wanted_whole = True
        data = bytes(came.data)
        self._subsampling = jpeg.measure(data, max_pixels=self._limits.pixels).subsampling
        if frame.size == frame.source_size:
            return frame
        return jpeg.read(data, came.offset, came.sequence, max_pixels=self._limits.pixels)

    def write(self, frame: Frame) -> Written:
        """See `Pictures.write`."""
        data = jpeg.write(frame, quality=self._quality, subsampling=self._subsampling)
        return frame_pb2.PIXEL_FORMAT_JPEG, data

    def black(self, frame: Frame) -> Written:
        """See `Pictures.black`."""
        if frame.source_size is None:
            raise FrameError("nothing was ever read, so that nobody knows the size")
        return frame_pb2.PIXEL_FORMAT_JPEG, jpeg.black(frame.source_size)

    def alone(self, came: Arrival) -> bool:
        """See `Pictures.alone`."""
        data = bytes(came.data)
        return jpeg.bare(data) is data

    def echo(self, came: Arrival, frame: Frame) -> Written:  # noqa: ARG002 - the bytes are enough
        """See `Pictures.echo`."""
        return frame_pb2.PIXEL_FORMAT_JPEG, jpeg.bare(bytes(came.data))


class UnitPictures:
    """One access unit of H.264 or H.265 a frame, decoded to I420.

    Until a key frame, and after anything that was lost, pictures are predicted from something that is not there: they
    are damaged, whatever the decoder makes of them. A gap in the sequence numbers is a loss; FFmpeg itself conceals the
    loss of an H.264 unit without a word. A unit whose picture is not out at once (B frames) is damaged, too, and so is
    a message with more than one picture: a decoder gives one of them, and whoever plays what was sent sees all.

    Args:
        codec: H.264 or H.265.
        limits: What one frame may cost.
        quality: Of JPEG answers.
        as_jpeg: Answer in JPEG instead of the stream's own codec.
    """

    def __init__(self, codec: Codec, limits: Limits, quality: int, *, as_jpeg: bool) -> None:
        self._codec = codec
        self._limits = limits
        self._quality = quality
        self._as_jpeg = as_jpeg
        self._units = AccessUnits(codec)
        self._decoder = self._opened()
        self._next: int | None = None
        self._whole = False  # whether everything since the last key frame is there
        self._last: Frame | None = None
        self._encoder: _Encoder | None = None

    def read(self, came: Arrival) -> Frame:
        """See `Pictures.read`."""
        if came.sequence != self._next:
            self._whole = False
        self._next = came.sequence + 1
        picture = self._decoded(came)
        if picture is None:
            return self.broken(came)
        try:
            self._last = self._frame(picture, came)
        except FrameError:
            return self.broken(came)
        return self._last if self._whole else replace(self._last, damaged=True)

    def broken(self, came: Arrival) -> Frame:
        """See `Pictures.broken`."""
        self._whole = False
        return _broken(self._last, came)

    def whole(self, came: Arrival, frame: Frame) -> Frame:  # noqa: ARG002 - it is whole already
        """See `Pictures.whole`."""
        return frame

    def write(self, frame: Frame) -> Written:
        """See `Pictures.write`."""
        height, width = frame.size
        if self._as_jpeg or height % 2 or width % 2:  # half a chroma sample cannot be encoded
            return frame_pb2.PIXEL_FORMAT_JPEG, _as_jpeg(frame, self._quality)
        if self._encoder is None or self._encoder.like != _like(frame):
            self._encoder = _Encoder(self._codec, frame)
        return _FORMATS[self._codec], self._encoder.encode(frame)

    def black(self, frame: Frame) -> Written:
        """See `Pictures.black`."""
        if frame.layout is not Layout.I420:  # see `_broken`; of `_last`, whoever reads ahead may know more by now
            raise FrameError("nothing was read until then, so that nobody knows the size")
        if self._as_jpeg:
            return frame_pb2.PIXEL_FORMAT_JPEG, jpeg.black(frame.size)
        return self.write(blank(frame))

    def alone(self, came: Arrival) -> bool:  # noqa: ARG002 - the unit was counted when it was read
        """See `Pictures.alone`."""
        return True

    def echo(self, came: Arrival, frame: Frame) -> Written:  # noqa: ARG002 - units between masked ones would not decode
        """See `Pictures.echo`."""
        return self.write(frame)

    def _opened(self) -> "av.VideoCodecContext":
        decoder = cast("av.VideoCodecContext", av.CodecContext.create(_DECODERS[self._codec], "r"))
        decoder.thread_count = 1
        decoder.thread_type = "SLICE"  # frame threads hold pictures back
        decoder.options = {"max_pixels": str(self._limits.pixels)}
        decoder.flags |= Flags.low_delay
        return decoder

    def _decoded(self, came: Arrival) -> "av.VideoFrame | None":
        """Return the picture of this unit; None if there is none, or not just that one."""
        data = bytes(came.data)
        if not self._units.one_picture(data):
            return None
        packet = av.Packet(data)
        packet.pts = came.sequence
        try:
            pictures = self._decoder.decode(packet) if packet.size else []
        except (av.error.FFmpegError, ValueError):
            # What the decoder remembers is worth nothing now, and may be what makes it fail.
            self._decoder = self._opened()
            return None
        if len(pictures) != 1 or pictures[0].pts != came.sequence:
            return None
        if pictures[0].is_corrupt:
            self._whole = False
        elif pictures[0].key_frame:
            self._whole = True
        return pictures[0]

    def _frame(self, picture: "av.VideoFrame", came: Arrival) -> Frame:
        check_size(picture.height, picture.width)
        if picture.height * picture.width > self._limits.pixels:
            raise FrameError(f"a picture of {picture.width}x{picture.height}", limit=self._limits.pixels)
        full_range = picture.color_range == _FULL_RANGE or picture.format.name.startswith("yuvj")
        if picture.format.name not in I420_FORMATS:
            picture = picture.reformat(format="yuvj420p" if full_range else "yuv420p")
        return Frame(
            lend(picture, 3),
            Layout.I420,
            came.offset,
            came.sequence,
            full_range=full_range,
            bt709=picture.colorspace == _BT709 or (picture.colorspace == 2 and picture.height > HD_ROWS),
        )


class _Encoder:
    """One run of pictures of the same kind. What it writes can be decoded by itself, apart from what came."""

    def __init__(self, codec: Codec, frame: Frame) -> None:
        name, options = _ENCODERS[codec]
        self.like = _like(frame)
        self._encoder = cast("av.VideoCodecContext", av.CodecContext.create(name, "w"))
        self._encoder.height, self._encoder.width = frame.size
        self._encoder.pix_fmt = "yuvj420p" if frame.full_range else "yuv420p"
        self._encoder.time_base = Fraction(1, 25)
        self._encoder.thread_count = 1
        self._encoder.gop_size = _KEY_EVERY
        self._encoder.max_b_frames = 0
        self._encoder.options = options
        self._count = 0

    def encode(self, frame: Frame) -> bytes:
        picture = _picture(frame)
        picture.pts = self._count
        self._count += 1
        try:
            data = b"".join(bytes(packet) for packet in self._encoder.encode(picture))
        except av.error.FFmpegError as error:
            raise FrameError("the masked picture could not be encoded") from error
        if not data:
            raise FrameError("the encoder holds the masked picture back")
        return data


def _like(frame: Frame) -> tuple[tuple[int, int], bool]:
    return frame.size, frame.full_range


def _picture(frame: Frame) -> "av.VideoFrame":
    height, width = frame.size
    picture = av.VideoFrame(width, height, "yuvj420p" if frame.full_range else "yuv420p")
    for target, plane in zip(picture.planes, frame.planes, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint8).reshape(target.height, target.line_size)
        rows[:, : target.width] = plane
    return picture


def _as_jpeg(frame: Frame, quality: int) -> bytes:
    """Return an I420 frame as JPEG; chroma is not resampled."""
    if not frame.full_range:
        frame = replace(frame, planes=lend(_picture(frame).reformat(format="yuvj420p"), 3), full_range=True)
    planes = [np.ascontiguousarray(plane) for plane in frame.planes]
    return bytes(simplejpeg.encode_jpeg_yuv_planes(*planes, quality))


def _broken(last: Frame | None, came: Arrival) -> Frame:
    """Return a black frame in the place of one that could not be read."""
    if last is None:
        last = Frame((np.zeros((1, 1), np.uint8),), Layout.GRAY, 0.0, full_range=True)
    return replace(blank(last), offset=came.offset, sequence=came.sequence, damaged=True)


def pictures_of(setup: Setup, at_least: tuple[int, int], limits: Limits) -> Pictures:
    """Return what reads and writes the pictures of a stream.

    Args:
        setup: Of the stream.
        at_least: `(height, width)` below which a picture is not shrunk while it is read.
        limits: What one frame may cost.
    """
    form = setup.format
    if form.layout is not None:
        return RawPictures(form, limits)
    if form.codec is Codec.JPEG:
        return JpegPictures(at_least, limits, setup.jpeg_quality)
    return UnitPictures(form.codec, limits, setup.jpeg_quality, as_jpeg=setup.masked_as_jpeg)
