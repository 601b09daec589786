"""Originals that only the authority can open: sealed as they come, by a server that keeps no key to open them.

A box is a header, a key sealed to the authority's X25519 key (HPKE, RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
ChaCha20-Poly1305, base mode, bound to the header), and the content in chunks of 64 KiB under that key, each with its
number and whether it is the last (STREAM: Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015; the shape of age v1). So it
can be sealed while it comes, and nothing can be altered, cut off, swapped or repeated unnoticed.
"""

import hashlib
import io
import json
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from privacy.errors import SealError

MAGIC = b"privacy-evidence-1\n"
CHUNK = 64 * 1024
MAX_HEADER = 64 * 1024
MAX_CHUNKS = 2**32
KEY_BYTES = 32
_TAG = 16
_SEALED_KEY = 32 + KEY_BYTES + _TAG
_LENGTH = struct.Struct(">I")

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def seal(content: Iterable[bytes], recipient: bytes, header: Mapping[str, str]) -> Iterator[bytes]:
    """Yield a sealed box, piece by piece.

    Args:
        content: What is sealed, in pieces of any size.
        recipient: The authority's X25519 public key, 32 bytes.
        header: What may be read without a key: report, media type, time. Bound to the content.

    Raises:
        SealError: `recipient` is no public key.
    """
    said = json.dumps(dict(header), sort_keys=True, separators=(",", ":")).encode()
    key = os.urandom(KEY_BYTES)
    front = MAGIC + _LENGTH.pack(len(said)) + said
    try:
        yield front + _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(recipient), front)
    except ValueError as error:
        raise SealError("the authority's key is no X25519 public key") from error
    cipher = ChaCha20Poly1305(key)
    number, waiting = 0, b""
    for chunk in _chunks(content):
        if waiting:
            yield cipher.encrypt(_nonce(number, last=False), waiting, None)
            number += 1
        waiting = chunk
    yield cipher.encrypt(_nonce(number, last=True), waiting, None)


def seal_bytes(content: bytes, recipient: bytes, header: Mapping[str, str]) -> bytes:
    """Return the sealed box of something small. See `seal`."""
    return b"".join(seal([content], recipient, header))


def read_header(box: BinaryIO) -> dict[str, str]:
    """Read what can be read of a box without a key. Nothing of it is proved before the box is opened.

    Raises:
        SealError: It is no box.
    """
    return _front(box)[0]


def open_box(box: BinaryIO, key: X25519PrivateKey) -> Iterator[bytes]:
    """Yield what is in a sealed box, piece by piece. What was yielded is good; whether it was all is known at the end.

    Raises:
        SealError: The box is for another key, or was altered, cut off, reordered or added to.
    """
    _, front = _front(box)
    try:
        cipher = ChaCha20Poly1305(_SUITE.decrypt(box.read(_SEALED_KEY), key, front))
    except (InvalidTag, ValueError) as error:
        raise SealError("this key does not open the box, or its header was altered") from error
    size = CHUNK + _TAG
    number, chunk = 0, box.read(size)
    while True:
        following = box.read(size) if len(chunk) == size else b""
        try:
            yield cipher.decrypt(_nonce(number, last=not following), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise SealError(f"chunk {number} was altered, cut off or moved", chunk=number) from error
        if not following:
            return
        number, chunk = number + 1, following


def open_bytes(box: bytes, key: X25519PrivateKey) -> bytes:
    """Return what is in a small box. See `open_box`."""
    return b"".join(open_box(io.BytesIO(box), key))


def new_key() -> X25519PrivateKey:
    """Return a new key of an authority. It belongs to the authority, and nowhere near this server."""
    return X25519PrivateKey.generate()


def fingerprint_of(public: bytes) -> str:
    """Return a short name of a public key, to be compared by telephone."""
    return hashlib.sha256(public).hexdigest()[:16]


def _front(box: BinaryIO) -> tuple[dict[str, str], bytes]:
    front = box.read(len(MAGIC) + _LENGTH.size)
    if len(front) != len(MAGIC) + _LENGTH.size or not front.startswith(MAGIC):
        raise SealError("this is no sealed box")
    (length,) = _LENGTH.unpack(front[len(MAGIC) :])
    if length > MAX_HEADER:
        raise SealError("this is no sealed box", header=length)
    said = box.read(length)
    try:
        header = json.loads(said)
        if not isinstance(header, dict) or len(said) != length:
            raise SealError("the header of the box cannot be read")
    except (ValueError, RecursionError) as error:
        raise SealError("the header of the box cannot be read") from error
    return {str(name): str(value) for name, value in header.items()}, front + said


def _nonce(number: int, *, last: bool) -> bytes:
    if number >= MAX_CHUNKS:
        raise SealError("a box holds no more than 256 TiB", chunk=number)
    return number.to_bytes(11, "big") + bytes([last])


def _chunks(content: Iterable[bytes]) -> Iterator[bytes]:
    gathered = b""
    for piece in content:
        gathered += piece
        while len(gathered) >= CHUNK:
            yield gathered[:CHUNK]
            gathered = gathered[CHUNK:]
    if gathered:
        yield gathered
