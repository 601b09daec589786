"""Pictures of every format are read upright, and never decoded before their size is known."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy.errors import SourceError
from privacy.frame import Layout
from privacy.sources.picture import decode_picture, read_picture

SCENE = np.zeros((40, 60, 3), np.uint8)
SCENE[:20, :30], SCENE[:20, 30:], SCENE[20:, :30] = (250, 10, 10), (10, 250, 10), (10, 10, 250)  # BGR quarters


def encoded(suffix: str, picture: NDArray[np.integer] = SCENE) -> bytes:
    done, data = cv2.imencode(suffix, picture)
    assert done
    return bytes(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".gif"])
def test_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(suffix))
    frame = read_picture(path)

    assert (frame.layout, frame.size, frame.full_range, frame.damaged) == (Layout.BGR, (40, 60), True, False)
    assert np.abs(frame.planes[0][5:15, 5:25].mean(axis=(0, 1)) - (250, 10, 10)).max() < 40


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(SCENE[..., 0], id="grey"),
        pytest.param(SCENE.astype(np.uint16) * 257, id="16 bits"),
        pytest.param(SCENE[..., 0].astype(np.uint16) * 257, id="16-bit grey"),
        pytest.param(np.dstack([SCENE, np.full((40, 60), 90, np.uint8)]), id="transparent"),
    ],
)
def test_every_depth_of_png(picture: NDArray[np.integer]) -> None:
    frame = decode_picture(encoded(".png", picture))

    assert np.array_equal(SCENE[..., 0], frame.planes[0][..., 0])


def exif(orientation: int) -> bytes:
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", 8 + len(tiff)) + b"Exif\0\0" + tiff


@pytest.mark.parametrize(("orientation", "size"), [(1, (40, 60)), (3, (40, 60)), (6, (60, 40)), (8, (60, 40))])
def test_a_photograph_is_turned_upright(orientation: int, size: tuple[int, int]) -> None:
    data = encoded(".jpg")
    frame = decode_picture(data[:2] + exif(orientation) + data[2:])

    assert size == frame.size


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello, world" * 99, id="text"),
        pytest.param(b"\xff\xd8\xff", id="three bytes of JPEG"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="eight bytes of PNG"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8 ", id="the name of WebP"),
        pytest.param(b"BM" + bytes(60), id="a BMP of nothing"),
        pytest.param(b"II*\0" + bytes(60), id="a TIFF of nothing"),
    ],
)
def test_no_picture(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"a\.jpg"):
        read_picture(path)


def bomb() -> bytes:
    """A PNG of a few bytes that claims 60000 x 60000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bomb(), id="PNG"),
        pytest.param(b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(20), id="GIF"),
        pytest.param(b"BM" + bytes(12) + struct.pack("<Iii", 40, 60000, -60000) + bytes(40), id="BMP"),
    ],
)
def test_a_claim_of_too_many_pixels_is_refused_unread(data: bytes) -> None:
    with pytest.raises(SourceError, match="outside"):
        decode_picture(data)


def two_headed_jpeg(size: tuple[int, int]) -> bytes:
    """A JPEG of `size` that claims 8x8 to whoever takes what follows a marker without a length for its length."""
    data = b"\xff\xd8\xff\x01" + encoded(".jpg", np.zeros(size, np.uint8))[2:]
    at = 4 + struct.unpack_from(">H", data, 4)[0]
    data = data.ljust(at + 32, b"\0")
    return data[:at] + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 8, 8) + bytes(11) + data[at + 20 :]


def tiff(*sides: tuple[int, int], kind: int = 4) -> bytes:
    entries = [(tag, kind, 1, side) for tag, side in sides]
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(struct.pack("<HHII", *each) for each in entries)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(two_headed_jpeg((2048, 2048)), id="JPEG"),
        pytest.param(tiff((256, 60000), (256, 8), (257, 60000), (257, 8)), id="TIFF"),
        # Numbers of 64 bits do not fit into their entries: what stands there is where they lie.
        pytest.param(tiff((256, 34), (257, 42), kind=16) + struct.pack("<QQ", 60000, 60000), id="TIFF, elsewhere"),
    ],
)
def test_a_header_that_can_be_read_in_two_ways_is_refused_unread(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(SourceError, match="not a picture"):
        decode_picture(data)


@pytest.mark.parametrize("size", [(40, 61), (80, 60)])
def test_a_picture_of_another_size_than_its_header_has_is_none(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    data = encoded(".png")
    monkeypatch.setattr(cv2, "imdecode", lambda *_: np.zeros((*size, 3), np.uint8))

    with pytest.raises(SourceError, match="not a picture"):
        decode_picture(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_half_a_picture_is_damaged_or_none(suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    data = encoded(suffix, noise)
    try:
        frame = decode_picture(data[: len(data) * 6 // 10])
    except SourceError:
        return

    assert frame.damaged


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read_picture(tmp_path / "a.jpg")


@pytest.mark.timeout(10)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(SourceError, match="not a file"):
        read_picture(tmp_path / "a.jpg")


@given(st.sampled_from([".jpg", ".png", ".webp", ".bmp", ".tiff", ".gif"]), st.data())
def test_broken_bytes_raise_nothing_else(suffix: str, data: st.DataObject) -> None:
    content = bytearray(encoded(suffix))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        frame = decode_picture(bytes(content[: data.draw(st.integers(1, len(content)))]))
    except SourceError:
        return

    assert frame.layout is Layout.BGR
