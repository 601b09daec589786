"""JPEG pictures: measured before they are decoded, and never decoded larger than is needed."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from privacy.errors import FrameError
from privacy.frame import MAX_PIXELS, Frame, Layout

MAX_SCANS = 100
"""A progressive picture has about ten. Each is a pass over all pixels, so thousands of empty ones are an attack."""
_START_OF_SCAN = b"\xff\xda"
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
    """Read the header and nothing else.

    Raises:
        FrameError: It is no JPEG, or one that is too large or too costly to decode.
    """
    try:
        height, width, colours, subsampling = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise FrameError("not a JPEG picture") from error
    if height * width > max_pixels:
        raise FrameError(f"a picture of {width}x{height} has more than {max_pixels} pixels", width=width, height=height)
    if data.count(_START_OF_SCAN) > MAX_SCANS:
        raise FrameError(f"a picture with more than {MAX_SCANS} scans", limit=MAX_SCANS)
    return Header((int(height), int(width)), colours == "Gray", subsampling if subsampling in _SUBSAMPLINGS else "420")


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
        at_least: `(height, width)` below which the picture may not be shrunk while it is decoded, which is up to eight
            times cheaper; None to decode it as it is.
        max_pixels: Largest picture that is decoded, whatever `at_least` is.

    Raises:
        FrameError: It is no JPEG, it is too large, or it is not whole.
    """
    header = measure(data, max_pixels=max_pixels)
    rows, columns = at_least or (0, 0)
    scale = {"min_height": rows, "min_width": columns, "min_factor": 1} if at_least else {}
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
