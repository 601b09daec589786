"""What a JPEG file holds beside its picture."""

import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from privacy import jpeg
from privacy.errors import FrameError

PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
SOI, SOS, EOI = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"


def picture(level: int = 60, *options: int) -> bytes:
    """A picture that is not all one level, without notes beside JFIF."""
    pixels = np.full((48, 64, 3), level, np.uint8)
    pixels[8:40, 8:24] = 200 - level // 2
    return bytes(cv2.imencode(".jpg", pixels, options)[1])


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


LOBBY, WASHROOM = picture(), picture(230)
SECRET = WASHROOM


def pixels(data: bytes) -> bytes:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.tobytes()


def with_note(*notes: bytes) -> bytes:
    return LOBBY[:2] + b"".join(notes) + LOBBY[2:]


def with_scans(count: int) -> bytes:
    """A file with so many scans as a decoder takes, of which all but two draw what was drawn, a little finer."""
    data = picture(60, *PROGRESSIVE)
    coarse, finer = b"\1\1\0\0\0\1", b"\1\2\0\0\xff\1"
    return b"".join(
        [
            data[: data.index(SOS)],
            segment(0xDA, coarse),
            segment(0xDA, finer),
            segment(0xDA, b"\4" + b"\2\0" * 4 + b"\0\xff\x11") * (count - 2),
            EOI,
        ]
    )


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="baseline"),
        pytest.param(PROGRESSIVE, id="progressive"),
        pytest.param((cv2.IMWRITE_JPEG_OPTIMIZE, 1), id="its own tables"),
        pytest.param((cv2.IMWRITE_JPEG_RST_INTERVAL, 2), id="restarts"),
        pytest.param((cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444), id="full chroma"),
    ],
)
def test_a_file_with_nothing_but_its_picture_is_returned_as_it_is(options: tuple[int, ...]) -> None:
    data = picture(60, *options)

    assert jpeg.bare(data) is data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_note(segment(0xE1, b"Exif\0\0" + SECRET)), id="an Exif thumbnail"),
        pytest.param(with_note(segment(0xE2, b"MPF\0" + SECRET)), id="a list of further pictures"),
        pytest.param(with_note(segment(0xE0, b"JFXX\0\x10" + SECRET)), id="a thumbnail in JFXX"),
        pytest.param(with_note(segment(0xFE, SECRET)), id="a comment"),
        pytest.param(with_note(*(segment(0xE0 + n, SECRET) for n in range(1, 16))), id="every kind of note"),
        pytest.param(with_note(segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\x08\x08" + b"\x07" * 192)), id="a JFIF thumbnail"),
        pytest.param(with_note(segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET)), id="what follows Adobe's note"),
        pytest.param(LOBBY[:-2] + b"\xff" + segment(0xFE, SECRET) + EOI, id="a comment after the scan"),
        pytest.param(LOBBY + b"\0" * 64, id="padding after the picture"),
        pytest.param(LOBBY + SECRET[2:], id="a part of a picture after the picture"),
    ],
)
def test_everything_beside_the_picture_is_taken_out(data: bytes) -> None:
    bare = jpeg.bare(data)

    assert pixels(bare) == pixels(LOBBY)
    assert SECRET[2:] not in bare
    assert len(bare) <= len(LOBBY) + 20
    assert jpeg.bare(bare) is bare


def test_how_colours_are_meant_stays() -> None:
    """Without Adobe's note these three components would be taken for luma and chroma."""
    data = SOI + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + LOBBY[20:]
    assert pixels(data) != pixels(LOBBY)

    bare = jpeg.bare(data[:2] + segment(0xE1, b"Exif\0\0" + SECRET) + data[2:])

    assert pixels(bare) == pixels(data)


def twice(data: bytes, marker: bytes) -> bytes:
    """The file with everything from its first `marker` on a second time."""
    return data[:-2] + data[data.index(marker) :]


QUANTISATION = LOBBY[LOBBY.index(b"\xff\xdb") : LOBBY.index(b"\xff\xdb") + 69]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LOBBY + WASHROOM, id="two pictures"),
        pytest.param(LOBBY + b"\0" * 9 + WASHROOM, id="two pictures with something between"),
        pytest.param(LOBBY[:-2] + WASHROOM, id="a picture within a picture"),
        pytest.param(twice(LOBBY, SOS), id="a scan over the scan"),
        pytest.param(twice(picture(60, *PROGRESSIVE), SOS), id="scans over the scans of a progressive picture"),
        pytest.param(twice(LOBBY, b"\xff\xc0"), id="a frame over the frame"),
        pytest.param(LOBBY[:-2] + QUANTISATION + EOI, id="another quantisation after the scan"),
        pytest.param(LOBBY[:-2] + b"\xff\xdc\0\4\0\7" + EOI, id="another number of lines after the scan"),
        pytest.param(SOI + segment(0xDE, b"\x08\0\x30\0\x40\1\1\x11\0") + LOBBY[2:], id="a hierarchy of frames"),
        pytest.param(LOBBY[:-2], id="no end"),
        pytest.param(LOBBY[:40], id="cut off"),
        pytest.param(LOBBY[:2] + b"\0\0" + LOBBY[2:], id="something between segments"),
        pytest.param(LOBBY[:4] + b"\xff\xff" + LOBBY[6:], id="a segment longer than the file"),
        pytest.param(LOBBY[:4] + b"\0\1" + LOBBY[6:], id="a segment shorter than its length"),
        pytest.param(b"", id="nothing"),
        pytest.param(SOI, id="a start"),
    ],
)
def test_what_decoders_may_show_differently_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        jpeg.bare(data)


@pytest.mark.parametrize("how", [jpeg.measure, jpeg.bare])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(with_note(segment(0xFE, b"") * 2_000), "segments", id="a comment of nothing, thousands of times"),
        pytest.param(LOBBY[:-2] + segment(0xFE, b"") * 2_000 + EOI, "segments", id="the same behind the picture"),
        pytest.param(with_scans(101), "100 scans", id="a scan over and over"),
    ],
)
def test_nobody_goes_on_through_a_file_that_takes_too_many_steps(
    how: Callable[[bytes], object], data: bytes, why: str
) -> None:
    """What follows would never be reached: it is no segment, and is not what is found wrong."""
    with pytest.raises(FrameError, match=f"more than .*{why}"):
        how(data[:-2] + b"no segment")


def test_a_file_with_as_many_notes_as_the_longest_profile_and_description_take_is_read() -> None:
    """An ICC profile has at most 255 parts, and a description of 64 MiB (XMP) has 1,024."""
    data = with_note(*(segment(0xE2, b"ICC") for _ in range(255)), *(segment(0xE1, b"XMP") for _ in range(1024)))

    assert pixels(jpeg.bare(data)) == pixels(LOBBY)


@given(some.integers(2, len(LOBBY) - 1), some.binary(max_size=24), some.integers(0, 8))
def test_whatever_is_done_to_a_file_what_leaves_shows_the_same_picture_or_nothing(
    at: int, new: bytes, dropped: int
) -> None:
    data = LOBBY[:at] + new + LOBBY[at + dropped :]
    try:
        seen, bare = jpeg.read(data, 0.0), jpeg.bare(data)
    except FrameError:
        return

    assert (jpeg.read(bare, 0.0).planes[0] == seen.planes[0]).all()
    assert jpeg.bare(bare) is bare


@given(some.binary(max_size=200))
def test_what_is_no_jpeg_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(FrameError):
        jpeg.read(jpeg.bare(SOI + data), 0.0)
