"""JPEG pictures: measured before they are decoded, and never decoded larger than is needed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from privacy.errors import FrameError
from privacy.frame import MAX_PIXELS, Frame, Layout

MAX_SCANS = 100
"""A progressive picture has about ten. Each is a pass over all pixels, so thousands of empty ones are an attack."""
MAX_SEGMENTS = 2_000
"""An ICC profile has at most 255, 64 MiB in the longest there are 1,024. Each takes a step, however short it is."""
_START, _START_OF_SCAN, _END = 0xD8, 0xDA, 0xD9  # ITU-T T.81, table B.1
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF0 to SOF15
_SEQUENTIAL = frozenset({0xC0, 0xC1, 0xC9})
_QUANTISATION, _JFIF, _ADOBE = 0xDB, 0xE0, 0xEE
_TABLES = frozenset({0xC4, 0xCC, _QUANTISATION, 0xDD})
_NOTES = frozenset({*range(0xE0, 0xF0), 0xFE})  # APPn and COM: thumbnails, other pictures, places, anything
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
_SCAN_ENDS = re.compile(
    rb"\xff[\x01-\xcf\xd8-\xfe]"
)  # neither a stuffed byte nor a restart; with \xff+ 20 times as slow
_SUBSAMPLINGS = ("444", "422", "420", "440", "411", "Gray")


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says of itself.

    Attributes:
        size: `(height, width)` in pixels.
        gray: True if it has luma only.
        subsampling: "444", "422", "420", "440", "411" or "Gray".
    """

    size: tuple[int, int]
    gray: bool
    subsampling: str


def measure(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Header:
    """Read the header, and go through what follows without decoding it.

    Raises:
        FrameError: It is no JPEG, or one that is too large or too costly to decode; it holds more than one picture, or
            is put together so that two decoders might show two: a second frame or scan over the first, tables that
            change under it, segments that do not belong there.
    """
    try:
        height, width, colours, subsampling = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise FrameError("not a JPEG picture") from error
    if height * width > max_pixels:
        raise FrameError(f"a picture of {width}x{height} has more than {max_pixels} pixels", width=width, height=height)
    _check(data, _segments(data))
    return Header((int(height), int(width)), colours == "Gray", subsampling if subsampling in _SUBSAMPLINGS else "420")


def bare(data: bytes) -> bytes:
    """Return a file with nothing in it but its one picture; `data` itself if there is nothing else in it.

    Thumbnails, further pictures, comments and every other note (APPn, COM), and whatever follows the picture are taken
    out; nothing is decoded or encoded again. Of JFIF's and Adobe's notes, what says how colours are meant is kept.
    What turns the picture (Exif) goes, too: it is shown as it was judged.

    Raises:
        FrameError: See `measure`.
    """
    segments = list(_segments(data))
    end = _check(data, segments)
    notes = [
        (start, stop, _colour_note(marker, data[start:stop])) for marker, start, stop in segments if marker in _NOTES
    ]
    if end == len(data) and all(data[start:stop] == kept for start, stop, kept in notes):
        return data
    parts, at = [], 0
    for start, stop, kept in notes:
        parts += [data[at:start], kept]
        at = stop
    return b"".join([*parts, data[at:end]])


def _check(data: bytes, segments: Iterable[tuple[int, int, int]]) -> int:
    """Return where the picture ends.

    Raises:
        FrameError: There is another one behind it.
    """
    end = 0
    for _, _, end in segments:  # noqa: B007 - the last one is what is asked for
        pass
    if data.find(b"\xff\xd8\xff", end) >= 0:
        raise FrameError("more than one picture in a file")
    return end


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker of every segment from the start of the picture to its end, and where the segment lies.

    A scan's segment goes to the end of the scan. ITU-T T.81, annex B.

    Raises:
        FrameError: See `measure`.
    """
    if data[:2] != b"\xff\xd8":
        raise FrameError("not a JPEG picture")
    at, frame, scanned, scans = 2, 0, dict[tuple[int, int], int](), 0
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.match(data, at)
        if found is None:
            raise FrameError("a JPEG picture whose segments do not follow one another")
        marker, body = found[1][0], found.end()
        if marker == _END:
            yield marker, at, body
            return
        length = int.from_bytes(data[body : body + 2], "big")
        stop = body + length
        if length < 2 or stop > len(data):
            raise FrameError("a JPEG picture with a segment that does not fit in")
        if marker in _FRAMES and not frame:
            frame = marker
        elif marker == _START_OF_SCAN and frame:
            scans += 1
            if scans > MAX_SCANS:
                raise FrameError(f"a picture with more than {MAX_SCANS} scans", limit=MAX_SCANS)
            _scan(data[body + 2 : stop], scanned, sequential=frame in _SEQUENTIAL)
            following = _SCAN_ENDS.search(data, stop)
            stop = len(data) if following is None else following.start()
        elif marker not in _TABLES | _NOTES or (marker == _QUANTISATION and scanned):
            raise FrameError(f"a JPEG picture with a segment {marker:#x} where decoders do not agree", marker=marker)
        yield marker, at, stop
        at = stop
    raise FrameError(f"a JPEG picture with more than {MAX_SEGMENTS} segments", limit=MAX_SEGMENTS)


def _scan(header: bytes, scanned: dict[tuple[int, int], int], *, sequential: bool) -> None:
    """Take note of what a scan draws: for each component and coefficient, down to which bit.

    Raises:
        FrameError: It draws what was drawn before. Only who has waited for the last scan would see what was judged.
    """
    count = header[0] if header else 0
    if len(header) != 2 * count + 4 or not 1 <= count <= 4:
        raise FrameError("a JPEG picture with a scan that is none")
    first, last, bits = header[-3:] if not sequential else b"\0\0\0"
    above, down_to = divmod(bits, 16)
    for component in header[1:-3:2]:
        for coefficient in range(first, last + 1):
            drawn = scanned.get((component, coefficient))
            if drawn != (above or None):
                raise FrameError("a JPEG picture with one scan over another")
            scanned[component, coefficient] = down_to


def _colour_note(marker: int, segment: bytes) -> bytes:
    """Return what of an APPn or COM segment says how colours are meant; nothing of the others."""
    body = segment.lstrip(b"\xff")[3:]
    if marker == _JFIF and body.startswith(b"JFIF\0") and len(body) >= 14:
        return b"\xff\xe0\0\x10" + body[:12] + b"\0\0"  # without the thumbnail
    if marker == _ADOBE and body.startswith(b"Adobe") and len(body) >= 12:
        return b"\xff\xee\0\x0e" + body[:12]
    return b""


def read(
    data: bytes,
    offset: float,
    sequence: int = 0,
    *,
    at_least: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Frame:
    """Decode a picture.

    Args:
        data: The file.
        offset: Capture time in seconds from the start of the source.
        sequence: Position in the source.
        at_least: `(height, width)` below which the picture may not be shrunk while it is decoded, to a half, a quarter
            or an eighth: cheaper by a third or more, while scales between are dearer. None to decode it as it is.
        max_pixels: Largest picture that is decoded, whatever `at_least` is.

    Raises:
        FrameError: It is no JPEG, it is too large, or it is not whole.
    """
    header = measure(data, max_pixels=max_pixels)
    scale = {} if at_least is None else _scale(header.size, at_least)
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "GRAY" if header.gray else "RGB", **scale)
    except ValueError as error:
        raise FrameError("a JPEG picture that cannot be decoded whole") from error
    return Frame(
        (pixels[..., 0] if header.gray else pixels,),
        Layout.GRAY if header.gray else Layout.RGB,
        offset,
        sequence,
        full_range=True,
        source_size=header.size,
    )


def _scale(size: tuple[int, int], at_least: tuple[int, int]) -> dict[str, int]:
    """Return what makes the decoder shrink by the largest power of two: it has vector code for no other scale."""
    for factor in (8, 4, 2):
        height, width = (-(-side // factor) for side in size)
        if height >= at_least[0] and width >= at_least[1]:
            return {"min_height": height, "min_width": width, "min_factor": 1}
    return {}


def write(frame: Frame, *, quality: int = 90, subsampling: str = "420") -> bytes:
    """Encode a frame.

    Args:
        frame: BGR, RGB or GRAY.
        quality: In [1, 100].
        subsampling: As in `Header`.

    Raises:
        FrameError: Another layout.
    """
    pixels = np.ascontiguousarray(frame.planes[0])
    match frame.layout:
        case Layout.GRAY:
            data = simplejpeg.encode_jpeg(pixels[..., None], quality, "GRAY", "Gray")
        case Layout.RGB | Layout.BGR:
            data = simplejpeg.encode_jpeg(pixels, quality, frame.layout.name, subsampling)
        case _:
            raise FrameError(f"{frame.layout} is not encoded as JPEG", layout=frame.layout)
    return bytes(data)


@lru_cache(maxsize=16)
def black(size: tuple[int, int]) -> bytes:
    """Return a black picture of `(height, width)`."""
    return write(Frame((np.zeros(size, np.uint8),), Layout.GRAY, 0.0, full_range=True), quality=50)
