"""Opened with the key, refused without, refused when altered, cut off, swapped or added to."""

import io
import random

import pytest

from privacy.errors import SealError
from privacy.reports.evidence import CHUNK, new_key, open_box, open_bytes, read_header, seal, seal_bytes

KEY = new_key()
PUBLIC = KEY.public_key().public_bytes_raw()
HEADER = {"report": "reports/1", "media_type": "image/jpeg"}
TAG = 16


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_what_was_sealed_is_opened_with_the_key(size: int) -> None:
    content = random.Random(size).randbytes(size)

    assert open_bytes(seal_bytes(content, PUBLIC, HEADER), KEY) == content


def test_a_clip_is_sealed_while_it_comes() -> None:
    pieces = [bytes([n]) * 10_000 for n in range(40)]

    assert b"".join(open_box(io.BytesIO(b"".join(seal(pieces, PUBLIC, HEADER))), KEY)) == b"".join(pieces)


def test_the_header_is_read_without_a_key() -> None:
    assert read_header(io.BytesIO(seal_bytes(b"x", PUBLIC, HEADER))) == HEADER


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealError):
        open_bytes(seal_bytes(b"private", PUBLIC, HEADER), new_key())


def test_the_content_is_nowhere_in_the_box() -> None:
    assert b"private" not in seal_bytes(b"private" * 100, PUBLIC, HEADER)


BOX = seal_bytes(bytes(range(256)) * (3 * CHUNK // 256), PUBLIC, HEADER)
FRONT = len(BOX) - 3 * (CHUNK + TAG)
FIRST, SECOND, LAST = (BOX[FRONT + n * (CHUNK + TAG) : FRONT + (n + 1) * (CHUNK + TAG)] for n in range(3))


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(BOX[:10], id="half a name"),
        pytest.param(BOX[:FRONT], id="no content"),
        pytest.param(BOX[:-1], id="a byte is missing"),
        pytest.param(BOX[:FRONT] + FIRST + SECOND, id="the last chunk is missing"),
        pytest.param(BOX[:FRONT] + FIRST, id="two chunks are missing"),
        pytest.param(BOX[:FRONT] + SECOND + FIRST + LAST, id="two chunks are swapped"),
        pytest.param(BOX[:FRONT] + FIRST + FIRST + LAST, id="a chunk is doubled"),
        pytest.param(BOX + b"\0", id="a byte is added"),
        pytest.param(BOX + LAST, id="a chunk is added"),
        pytest.param(BOX.replace(b"reports/1", b"reports/2"), id="it is said to be of another report"),
        pytest.param(b"privacy-evidence-1\n\xff\xff\xff\xff" + BOX, id="a header of four gigabytes"),
    ],
)
def test_what_was_altered_is_refused(box: bytes) -> None:
    with pytest.raises(SealError):
        open_bytes(box, KEY)


def test_no_bit_can_be_changed() -> None:
    box = seal_bytes(b"a private picture", PUBLIC, HEADER)
    for position in range(len(box)):
        altered = bytearray(box)
        altered[position] ^= 1 << position % 8
        with pytest.raises(SealError):
            open_bytes(bytes(altered), KEY)


def test_what_is_no_key_seals_nothing() -> None:
    with pytest.raises(SealError):
        seal_bytes(b"x", b"short", HEADER)
