"""Zero-shot models: two towers that put pictures and sentences into one space (Radford et al., 2021).

    kind = "image-text"
    file = "image.onnx"            # (B, 3, H, W) float32 -> (B, D)
    text_file = "text.onnx"        # token ids (B, T) int64, or sentences (B,) of strings -> (B, D)
    tokenizer = "tokenizer.json"   # for a tower that takes token ids; needs the package `tokenizers`
    length = 77                    # T, if the tower wants one length; shorter sentences are filled with zeros
    prompts = "prompts.toml"
    scale = 100.0                  # what similarities are multiplied by before the softmax

The prompts give sentences to zones; a zone's probability is the sum over its sentences:

    washroom = ["a public toilet", "a bathroom"]
    permitted = ["an office", "a street"]
"""

import tomllib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privacy.bench.cards import Card, CardError, softmax
from privacy.errors import EvidenceError
from privacy.evidence import Evidence
from privacy.models.onnx import open_session
from privacy.zones import Zone


class ImageText:
    """Compares pictures with sentences; the sentences are embedded once.

    Args:
        card: What it is.

    Raises:
        CardError: The prompts lack a permitted or a prohibited zone, or the text tower cannot be fed.
        ModelIntegrityError: A tower is not the card's.
    """

    def __init__(self, card: Card) -> None:
        self.name, self.digest, self.about = card.name, card.digest, card.about
        self._preprocess = card.preprocess
        self._session = open_session(card.file("file"), name=card.name, threads=1)
        self._feed = self._session.get_inputs()[0].name
        self._scale = float(card.table.get("scale", 100.0))
        sentences, self._zones = _prompts(card)
        self._sentences = _unit(_embed(card, sentences), name=card.name)

    def look(self, image: NDArray[np.uint8]) -> Evidence:
        """Return its evidence; see `Entrant.look`."""
        (answer, *_) = self._session.run(None, {self._feed: self._preprocess(image)})
        picture = _unit(np.asarray(answer, np.float64), name=self.name)
        if picture.shape != (1, self._sentences.shape[1]):
            raise EvidenceError(f"{self.name}: the towers do not meet: {picture.shape}", model=self.name)
        likely = softmax(self._scale * (picture @ self._sentences.T)[0])
        zones = np.bincount(self._zones, likely, len(Zone)).astype(np.float32)
        return Evidence(0.0, zones, self.name)


def _prompts(card: Card) -> tuple[list[str], NDArray[np.intp]]:
    path = card.find(card.text("prompts"))
    known = {zone.slug: int(zone) for zone in Zone}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"{path.name} holds no prompts: {error}", card=card.path.name) from error
    if unknown := sorted(set(table) - set(known)):
        raise CardError(f"{path.name}: no zone {', '.join(unknown)}", card=card.path.name)
    pairs = [(str(sentence), known[slug]) for slug, sentences in table.items() for sentence in sentences]
    zones = np.array([zone for _, zone in pairs], np.intp)
    if not (zones == Zone.PERMITTED).any() or not (zones != Zone.PERMITTED).any():
        raise CardError(f"{path.name} needs sentences for permitted and for a prohibited zone", card=card.path.name)
    return [sentence for sentence, _ in pairs], zones


def _embed(card: Card, sentences: Sequence[str]) -> NDArray[np.float64]:
    session = open_session(card.file("text_file"), name=card.name, threads=1)
    feed = session.get_inputs()[0]
    tokens = np.array(sentences, object) if "string" in feed.type else _tokens(card, sentences, feed.type)
    try:
        (answer, *_) = session.run(None, {feed.name: tokens})
    except Exception as error:  # ONNX Runtime raises its own kinds
        raise CardError(
            f"{card.name}: the text tower does not take the prompts: {error}", card=card.path.name
        ) from error
    embedded = np.asarray(answer, np.float64)
    if embedded.ndim != 2 or len(embedded) != len(sentences):
        raise CardError(f"{card.name}: the text tower gave {embedded.shape}", card=card.path.name)
    return embedded


def _tokens(card: Card, sentences: Sequence[str], kind: str) -> NDArray[np.integer]:
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - only towers of token ids need it
    except ImportError as error:
        raise CardError(f"{error}; install the extra: pip install 'privacy-zones[checkpoints]'") from error
    path = card.find(card.text("tokenizer"))
    try:
        ids = [Tokenizer.from_str(path.read_text("utf-8")).encode(sentence).ids for sentence in sentences]
    except Exception as error:  # the package raises bare Exception
        raise CardError(f"{path.name} is no tokenizer: {error}", card=card.path.name) from error
    length = int(card.table.get("length", max(map(len, ids))))
    filled = np.zeros((len(ids), length), np.int32 if "int32" in kind else np.int64)
    for row, one in zip(filled, ids, strict=True):
        row[: len(one)] = one[:length]
    return filled


def _unit(rows: NDArray[np.float64], *, name: str) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    if rows.ndim != 2 or not np.isfinite(lengths).all() or (lengths == 0).any():
        raise EvidenceError(f"{name}: an embedding without a direction", model=name)
    return np.asarray(rows / lengths)
