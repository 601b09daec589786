"""Still pictures from files."""

import struct
from pathlib import Path

import cv2
import numpy as np

from privacy.errors import FrameError, SourceError
from privacy.frame import Frame, Layout, check_size

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings of the names of files in which a walk through a folder looks for pictures."""

MAX_BYTES = 256 * 2**20
"""Largest file that is read."""

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # ITU-T T.81, table B.1
_WITHOUT_LENGTH = frozenset(
    {0x00, 0x01, *range(0xD0, 0xDA)}
)  # the same: TEM, RST, SOI, EOI; none belongs into a header


def read_picture(path: str | Path) -> Frame:
    """Read a picture: JPEG, PNG, WebP, BMP, TIFF, or the first picture of a GIF.

    It is turned upright as EXIF says. Grey is widened to colour, 16 bits are cut to 8, transparency is ignored.

    Returns:
        A BGR frame at offset 0; `damaged` if the file ends too early.

    Raises:
        SourceError: No such file, no picture, or one that is too large.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # a pipe may keep us waiting, a device never ends
            raise SourceError(f"{path}: not a file", source=str(path))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SourceError(f"{path}: larger than {MAX_BYTES} bytes", source=str(path))
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", source=str(path)) from error
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str = "picture") -> Frame:
    """Decode a picture from memory; see `read_picture`.

    Args:
        data: The content of the file.
        name: What to call it in an error.

    Raises:
        SourceError: No picture, or one that is too large.
    """
    try:
        height, width = _size(data)
        check_size(height, width)  # before anything is allocated for it: a few bytes can claim a billion pixels
    except FrameError as error:
        raise SourceError(f"{name}: {error}", source=name) from error
    except (struct.error, IndexError, ValueError) as error:
        raise SourceError(f"{name}: not a picture", source=name) from error
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise SourceError(f"{name}: not a picture that can be decoded", source=name) from error
    if pixels is None or pixels.shape[:2] not in ((height, width), (width, height)):
        raise SourceError(f"{name}: not a picture that can be decoded", source=name)
    return Frame((np.asarray(pixels, np.uint8),), Layout.BGR, 0.0, full_range=True, damaged=_ends_early(data))


def _size(data: bytes) -> tuple[int, int]:
    """Return `(height, width)` as the header has it.

    Raises:
        ValueError: It is the header of none of the formats. `struct.error` and `IndexError` if it is cut off.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _size_of_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        width, height = struct.unpack_from(">II", data, 16)
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack_from("<HH", data, 6)
    elif data[:2] == b"BM":
        width, height = struct.unpack_from("<HH" if data[14] == 12 else "<ii", data, 18)
        height = abs(height)  # negative if the rows run from the top
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _size_of_webp(data)
    elif data[:4] in (b"II*\0", b"MM\0*"):
        return _size_of_tiff(data)
    else:
        raise ValueError("unknown format")
    return height, width


def _size_of_jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:  # fill byte
            at += 1
        elif kind in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return height, width
        elif kind in _WITHOUT_LENGTH:  # a decoder steps over it; to take its neighbours for a length is to lose the way
            raise ValueError("a JPEG with a marker out of place")
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise ValueError("a JPEG without a frame")


def _size_of_webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        case b"VP8L":
            bits = struct.unpack_from("<I", data, 21)[0]
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        case _:
            raise ValueError("a WebP without a picture")
    return height, width


def _size_of_tiff(data: bytes) -> tuple[int, int]:
    order = "<" if data[:1] == b"I" else ">"
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    sides: dict[int, int] = {}
    for entry in range(struct.unpack_from(f"{order}H", data, at)[0]):
        tag, kind = struct.unpack_from(f"{order}HH", data, at + 2 + 12 * entry)
        if tag in (256, 257):  # ImageWidth, ImageLength: SHORT or LONG
            if kind not in (3, 4):  # a decoder takes more; of one that does not fit in here it follows the address
                raise ValueError("a TIFF whose size is no whole number of 16 or 32 bits")
            side = struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", data, at + 10 + 12 * entry)[0]
            if sides.setdefault(tag, side) != side:  # a decoder takes one of them
                raise ValueError("a TIFF of two sizes")
    return sides.get(257, 0), sides.get(256, 0)


def _ends_early(data: bytes) -> bool:
    """Return True if the end of a JPEG or PNG is missing: decoders fill it with something and say nothing."""
    if data[:2] == b"\xff\xd8":
        # Neither marker can occur in compressed data; the end of an embedded thumbnail comes before the last scan.
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data[:4] == b"\x89PNG":
        return b"IEND" not in data[-1024:]
    return False
