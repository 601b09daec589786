"""Whose copy a picture is: a line that everybody sees, and a pattern that nobody does.

The hidden mark adds a pseudo-random sign, drawn from a secret and the recipient, to middle frequencies of each 8x8
block of the luma (spread spectrum: Cox, Kilian, Leighton, Shamoon, IEEE Trans. Image Processing 6(12), 1997). Who has
the secret and a list of recipients (the ledger has it) finds whose copy leaked, after JPEG compression of quality 75 as
well; it does not survive turning, cropping to other blocks or scaling.
"""

import hashlib
import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import FrameError

Picture = NDArray[np.uint8]
STRENGTH = 6.0
"""Added to each chosen frequency, in 8-bit levels; about two levels a pixel."""
FOUND = 6.0
"""Standard deviations from which a mark counts: one picture in a thousand million has it by chance."""
_FREQUENCIES = ((1, 2), (2, 1), (2, 2), (0, 3), (3, 0), (1, 3))
_BLOCK = 8


def mark(picture: Picture, recipient: str, secret: bytes) -> Picture:
    """Return a copy that is marked, visibly and hidden.

    Args:
        picture: `(H, W, 3)` uint8, at least 16 pixels each way; not modified.
        recipient: Who gets it, as the ledger writes it.
        secret: The server's own; whoever knows it can find and wash off hidden marks.
    """
    return hide(_visible(picture, recipient), recipient, secret)


def hide(picture: Picture, recipient: str, secret: bytes) -> Picture:
    """Return a copy with the hidden mark alone. See `mark`."""
    luma, chroma = _luma(picture)
    blocks = _blocks(luma)
    signs = _signs(len(blocks), recipient, secret)
    for index, block in enumerate(blocks):
        frequencies = cv2.dct(block)
        for column, (down, right) in enumerate(_FREQUENCIES):
            frequencies[down, right] += STRENGTH * signs[index, column]
        block[...] = cv2.idct(frequencies)
    chroma[..., 0] = np.clip(np.rint(luma), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(chroma, cv2.COLOR_YCrCb2RGB), np.uint8)


def whose(picture: Picture, recipients: Iterable[str], secret: bytes) -> dict[str, float]:
    """Return how strongly the mark of each recipient is found, in standard deviations; see `FOUND`."""
    luma, _ = _luma(picture)
    blocks = _blocks(luma)
    values = np.array([[cv2.dct(block)[place] for place in _FREQUENCIES] for block in blocks])
    # Each frequency by its own spread, and no block may speak for all.
    values = np.clip(values / (np.median(np.abs(values), axis=0) / 0.6745 + 1.0), -3, 3)
    spread = math.sqrt(float((values**2).sum())) or 1.0
    return {one: float((values * _signs(len(blocks), one, secret)).sum()) / spread for one in recipients}


def _visible(picture: Picture, recipient: str) -> Picture:
    # OpenCV draws ASCII only: what it cannot draw stands as the digest, which the ledger resolves.
    digest = hashlib.sha256(recipient.encode()).hexdigest()[:8]
    ascii_part = "".join(letter for letter in recipient if " " <= letter <= "~")
    text = f"{ascii_part} #{digest}".strip()
    marked = picture.copy()
    height, width = picture.shape[:2]
    scale = max(0.3, min(width / 640, 1.0) * 0.6)
    (_, tall), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    strip = min(height, tall + below + 6)
    marked[height - strip :] = 32
    cv2.putText(marked, text, (4, height - below - 2), cv2.FONT_HERSHEY_SIMPLEX, scale, (230, 230, 230), 1, cv2.LINE_AA)
    return marked


def _luma(picture: Picture) -> tuple[NDArray[np.float32], Picture]:
    if picture.ndim != 3 or min(picture.shape[:2]) < 2 * _BLOCK:
        raise FrameError(f"a mark needs (H, W, 3) of at least 16 pixels each way, got {picture.shape}")
    chroma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb), np.uint8)
    return chroma[..., 0].astype(np.float32), chroma


def _blocks(luma: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return views into `luma`."""
    rows, columns = (size // _BLOCK * _BLOCK for size in luma.shape)
    return [
        luma[top : top + _BLOCK, left : left + _BLOCK]
        for top in range(0, rows, _BLOCK)
        for left in range(0, columns, _BLOCK)
    ]


def _signs(blocks: int, recipient: str, secret: bytes) -> NDArray[np.float64]:
    seed = hashlib.blake2b(recipient.encode(), key=secret[:64], digest_size=32).digest()
    drawn = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big"))).integers(
        0, 2, (blocks, len(_FREQUENCIES))
    )
    return drawn.astype(np.float64) * 2 - 1
