"""The ledger: what was done, by whom, when, what for and where it went (Art. 18(3)), so that nothing can be taken back.

Every entry carries the digest of the one before it; the last digest, the head, is signed with Ed25519 (RFC 8032) and
sent away. Who alters, inserts, drops or swaps entries breaks the chain; who cuts its end off is found by any head that
was sent away before. Verification needs an export and the public key, no server and no database.

An export is text, one JSON object a line: the ledger's own first line, its entries, and the signed head. Each line is
written in one way only (keys sorted, no blanks, ASCII), so that not a bit of the file can change unnoticed.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from privacy.errors import FieldError, LedgerError

FORMAT = "privacy-ledger-1"
GENESIS = "0" * 64
MAX_LINE = 1 << 20
"""Bytes of a line with its line feed. A longer one is neither written nor read."""
MAX_TEXT = 2000
"""Characters of what somebody writes for one field of an entry. ASCII makes up to twelve bytes of each."""
MAX_LISTED = 16
"""How many such texts an entry lists, for example officers."""
_SHOWN = 200  # characters of a text that is too long
_CONTEXT = b"privacy-ledger-head-1\n"  # a signature of this key means a head of a ledger, and nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something done that the register must know (Art. 18(3)).

    Attributes:
        actor: Who did it.
        at: When, in seconds since 1970-01-01 UTC.
        action: What was done, for example "report.review".
        subject: To what.
        purpose: What for.
        destination: Where it went; "" if it went nowhere.
        details: What else; JSON of small values, never pixels or secrets.

    Raises:
        LedgerError: No actor, action or time.
    """

    actor: str
    at: float
    action: str
    subject: str
    purpose: str
    destination: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.actor or not self.action or not math.isfinite(self.at):
            raise LedgerError("an entry of the ledger says who did what, and when", action=self.action)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a ledger, signed.

    Attributes:
        entries: How many entries it closes.
        digest: Of the last of them, 64 hexadecimal digits; zeros if there is none.
        signature: Ed25519, 128 hexadecimal digits.
    """

    entries: int
    digest: str
    signature: str

    def line(self) -> str:
        """Write it as one line of JSON."""
        return canonical({"head": {"digest": self.digest, "entries": self.entries, "signature": self.signature}})

    @classmethod
    def from_line(cls, line: str) -> "Head":
        """Read a line that `line` wrote.

        Raises:
            LedgerError: It is anything else.
        """
        try:
            head = json.loads(line)["head"]
            read = cls(head["entries"], head["digest"], head["signature"])
            if type(read.entries) is not int or read.line() != line:
                raise LedgerError("no head of a ledger")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LedgerError("no head of a ledger") from error
        return read


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of a check.

    Attributes:
        entries: Entries that were checked and are whole.
        broken: Number of the first entry that is not; None if none is. One more than the last if the end is missing.
        finding: What is wrong; "" if nothing is.
        head: The head of the export, if there is one.
        signer: Public key that it was checked with, 64 hexadecimal digits.
        pinned: True if the caller named that key; a key that comes with the export proves nothing by itself.
    """

    entries: int
    broken: int | None = None
    finding: str = ""
    head: Head | None = None
    signer: str = ""
    pinned: bool = False

    @property
    def intact(self) -> bool:
        """True if every entry is whole, and the signed head closes them."""
        return self.broken is None


def canonical(data: Mapping[str, Any]) -> str:
    """Return the one way to write `data` as JSON."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def entry_line(number: int, act: Act, previous: str) -> tuple[str, str]:
    """Return the line of an entry, and its digest.

    Args:
        number: Of the entry, from 1.
        act: What was done.
        previous: Digest of the entry before, or `GENESIS`.

    Raises:
        LedgerError: It would be longer than a line may be.
    """
    body = {
        "action": act.action,
        "actor": act.actor,
        "destination": act.destination,
        "details": dict(act.details),
        "entry": number,
        "previous": previous,
        "purpose": act.purpose,
        "subject": act.subject,
        "time": datetime.fromtimestamp(act.at, UTC).isoformat(timespec="milliseconds"),
    }
    digest = _digest(body)
    line = canonical({**body, "digest": digest})
    if len(line) >= MAX_LINE:  # nobody could verify the ledger again, neither this entry nor any that follows
        raise LedgerError(f"an entry of the ledger has less than {MAX_LINE} bytes", bytes=len(line))
    return line, digest


def checked_text(text: str, field: str) -> str:
    """Return what somebody wrote in a field that the ledger keeps.

    Raises:
        FieldError: It is longer than `MAX_TEXT`.
    """
    if len(text) > MAX_TEXT:
        raise FieldError(f"`{field}` has at most {MAX_TEXT} characters, not {len(text)}", field=field)
    return text


def shortened(act: Act) -> Act:
    """Return an act that an entry has room for, with `short_text` for each text that somebody wrote.

    For what has happened, and has to be written down however long they are. Actor, action and subject are names that
    the service gives, and stay whole.
    """
    details = {name: _short(value) for name, value in act.details.items()}
    return replace(act, purpose=short_text(act.purpose), destination=short_text(act.destination), details=details)


def short_text(text: str) -> str:
    """Return a text; of one that is longer than `MAX_TEXT` its beginning, its length and its digest."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:_SHOWN]}… {len(text)} characters, sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def _short(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    if isinstance(value, str):
        return short_text(value)
    if isinstance(value, list):
        whole = hashlib.sha256(json.dumps(value).encode()).hexdigest()
        more = [f"… {len(value)} in all, sha256 {whole}"] if len(value) > MAX_LISTED else []
        return [*map(_short, value[:MAX_LISTED]), *more]
    return value


def sign(key: Ed25519PrivateKey, entries: int, digest: str) -> Head:
    """Sign the end of a ledger."""
    return Head(entries, digest, key.sign(_signed(entries, digest)).hex())


def export(lines: Iterable[str], head: Head, key: Ed25519PublicKey) -> Iterator[str]:
    """Yield the lines of an export, each without its line feed."""
    yield canonical({"format": FORMAT, "public_key": key.public_bytes_raw().hex()})
    yield from lines
    yield head.line()


def verify(lines: Iterable[bytes], *, key: bytes | None = None, heads: Iterable[Head] = ()) -> Verified:
    """Check an export.

    Args:
        lines: Of the file, each with its line feed, as iterating over a file in binary mode yields them.
        key: The signer's public key, 32 bytes, from wherever it is trusted; None to take the one in the export.
        heads: Heads that were sent away before: the export must contain each.

    Returns:
        What came of it. Never raises for anything that the file holds.
    """
    walk = _Walk()
    try:
        for line in lines:
            walk.take(line)
        return walk.finish(key, list(heads))
    except _BrokenError as error:
        return Verified(walk.count, walk.count + 1, str(error))


class _BrokenError(Exception):
    """The export is broken at the next entry."""


class _Walk:
    """The lines of an export, one after the other."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = GENESIS
        self._digests = {0: GENESIS}
        self._key: str | None = None
        self._head: Head | None = None

    def take(self, line: bytes) -> None:
        if self._head is not None:
            raise _BrokenError("something stands after the head")
        data = _parsed(line)
        if self._key is None:
            if set(data) != {"format", "public_key"} or data["format"] != FORMAT:
                raise _BrokenError("the first line is not that of a ledger")
            self._key = str(data["public_key"])
        elif "head" in data:
            try:
                self._head = Head.from_line(line[:-1].decode("ascii"))
            except LedgerError as error:
                raise _BrokenError("the head cannot be read") from error
        else:
            self._entry(data)

    def _entry(self, data: dict[str, Any]) -> None:
        digest = data.pop("digest", None)
        if data.get("entry") != self.count + 1:
            raise _BrokenError(f"entry {self.count + 1} is missing, doubled or out of order")
        if data.get("previous") != self._digest:
            raise _BrokenError("it does not follow the entry before it")
        if digest != _digest(data):
            raise _BrokenError("its content is not what was written")
        self.count, self._digest = self.count + 1, str(digest)
        self._digests[self.count] = self._digest

    def finish(self, pinned: bytes | None, heads: list[Head]) -> Verified:
        if self._key is None:
            raise _BrokenError("the export is empty")
        if self._head is None:
            raise _BrokenError("the signed head is missing: the end was cut off")
        if pinned is not None and self._key != pinned.hex():
            raise _BrokenError("it was signed with another key")
        head, key = self._head, pinned if pinned is not None else _bytes(self._key)
        if (head.entries, head.digest) != (self.count, self._digest):
            raise _BrokenError(f"the head closes {head.entries} entries: the end was cut off or added to")
        for one in (head, *heads):
            _check_signature(one, key)
            if self._digests.get(one.entries) != one.digest:
                raise _BrokenError(f"a head that was sent away closes {one.entries} entries, and they are not these")
        return Verified(self.count, head=head, signer=key.hex(), pinned=pinned is not None)


def _check_signature(head: Head, key: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(_bytes(head.signature), _signed(head.entries, head.digest))
    except (InvalidSignature, ValueError) as error:
        raise _BrokenError("the signature of a head is not the signer's") from error


def _parsed(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE or not line.endswith(b"\n"):
        raise _BrokenError("a line is cut off")
    try:
        text = line[:-1].decode("ascii")
        data = json.loads(text)
        if not isinstance(data, dict) or canonical(data) != text:
            raise _BrokenError("a line is not written as a ledger writes it")
    except (ValueError, RecursionError) as error:
        raise _BrokenError("a line is not JSON") from error
    return data


def _bytes(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except (ValueError, TypeError) as error:
        raise _BrokenError("a key or signature is no hexadecimal number") from error
    if data.hex() != text:  # capitals and blanks read the same, and are not what was written
        raise _BrokenError("a key or signature is not written as a ledger writes it")
    return data


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body).encode("ascii")).hexdigest()


def _signed(entries: int, digest: str) -> bytes:
    return _CONTEXT + f"{entries}\n{digest}".encode("ascii", "replace")
