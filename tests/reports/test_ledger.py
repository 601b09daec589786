"""An export holds: whatever is done to it is found, and where."""

import hashlib
import io
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privacy.errors import LedgerError
from privacy.reports import ledger
from privacy.reports.ledger import GENESIS, MAX_LINE, MAX_LISTED, MAX_TEXT, Act, Head, entry_line, sign, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def act(number: int) -> Act:
    return Act(
        actor="users/wang",
        at=1_773_288_000.0 + number,
        action="evidence.request",
        subject=f"reports/{number}",
        purpose="案件 2026-0312",
        destination="county-level public security organ",
        details={"officers": 2, "granted": True},
    )


def exported(count: int, key: Ed25519PrivateKey = KEY) -> list[bytes]:
    lines, previous = [], GENESIS
    for number in range(1, count + 1):
        line, previous = entry_line(number, act(number), previous)
        lines.append(line)
    head = sign(key, count, previous)
    return [line.encode() + b"\n" for line in ledger.export(lines, head, key.public_key())]


def head_of(count: int) -> Head:
    return Head.from_line(exported(count)[-1].decode().rstrip("\n"))


WHOLE = exported(12)


@pytest.mark.parametrize("count", [0, 1, 12])
def test_what_nobody_touched_is_intact(count: int) -> None:
    result = verify(exported(count), key=PUBLIC, heads=[head_of(count)])

    assert (result.intact, result.entries, result.pinned) == (True, count, True)


@pytest.mark.parametrize(
    ("lines", "broken"),
    [
        pytest.param(WHOLE[:4] + WHOLE[5:], 4, id="an entry is gone"),
        pytest.param([*WHOLE[:4], WHOLE[3], *WHOLE[4:]], 4, id="an entry is doubled"),
        pytest.param([*WHOLE[:4], WHOLE[5], WHOLE[4], *WHOLE[6:]], 4, id="two entries are swapped"),
        pytest.param([*WHOLE[:4], WHOLE[4].replace(b"wang", b"weng"), *WHOLE[5:]], 4, id="a name is another"),
        pytest.param([*WHOLE[:4], WHOLE[4].replace(b":", b": ", 1), *WHOLE[5:]], 4, id="a blank is added"),
        pytest.param(WHOLE[:-1], 13, id="the head is gone"),
        pytest.param(WHOLE[:8] + WHOLE[-1:], 8, id="the end is gone, the head is kept"),
        pytest.param([], 1, id="everything is gone"),
        pytest.param([b"\xff\n"], 1, id="no text"),
        pytest.param([b"[" * 100_000 + b"\n"], 1, id="a parser's nightmare"),
        pytest.param([*WHOLE, WHOLE[3]], 13, id="something follows the head"),
        pytest.param([WHOLE[0], WHOLE[0], *WHOLE[1:]], 1, id="a second first line"),
        pytest.param([*WHOLE[:-1], WHOLE[-1].rstrip(b"\n")], 13, id="the last line feed is gone"),
    ],
)
def test_the_first_broken_entry_is_named(lines: list[bytes], broken: int) -> None:
    result = verify(lines, key=PUBLIC)

    assert (result.intact, result.broken) == (False, broken)


def test_a_ledger_that_was_written_anew_with_another_key_is_found_by_who_knows_the_key() -> None:
    forged = exported(12, Ed25519PrivateKey.generate())

    assert verify(forged).intact
    assert not verify(forged).pinned
    assert verify(forged, key=PUBLIC).finding == "it was signed with another key"


def test_an_older_export_is_found_by_who_has_a_later_head() -> None:
    """Cut off and signed by the signer: only what was sent away shows it."""
    assert verify(exported(8), key=PUBLIC).intact
    assert not verify(exported(8), key=PUBLIC, heads=[head_of(12)]).intact


def test_a_later_export_contains_every_earlier_head() -> None:
    assert verify(WHOLE, key=PUBLIC, heads=[head_of(3), head_of(8)]).intact


def tampered(lines: list[bytes], rng: random.Random) -> list[bytes]:
    """One bit, or one row: dropped, doubled, swapped, moved, cut off."""
    kind, at = rng.choice(["bit", "bit", "drop", "double", "swap", "move", "cut"]), rng.randrange(len(lines))
    changed = list(lines)
    if kind == "bit":
        line = bytearray(changed[at])
        line[rng.randrange(len(line))] ^= 1 << rng.randrange(8)
        # As a reader of the file would split it: a bit may make or break a line feed.
        return list(io.BytesIO(b"".join([*changed[:at], bytes(line), *changed[at + 1 :]])))
    other = (at + rng.randrange(1, len(lines))) % len(lines)
    edits: dict[str, Callable[[], object]] = {
        "drop": lambda: changed.pop(at),
        "double": lambda: changed.insert(other, changed[at]),
        "swap": lambda: changed.__setitem__(slice(None), _swapped(changed, at, other)),
        "move": lambda: changed.insert(other, changed.pop(at)),
        "cut": lambda: changed.__delitem__(slice(at, None)),
    }
    edits[kind]()
    return changed


def _swapped(lines: list[bytes], one: int, other: int) -> list[bytes]:
    lines = list(lines)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def test_ten_thousand_tamperings_are_all_found() -> None:
    rng = random.Random(132)
    missed = [
        changed
        for changed in (tampered(WHOLE, rng) for _ in range(10_000))
        if changed != WHOLE and verify(changed, key=PUBLIC).intact
    ]

    assert missed == []


@pytest.mark.parametrize("more", [0, 1])
def test_what_can_be_written_can_be_verified(more: int) -> None:
    """The longest line that is written is one that is read; a longer one would make all that follows unreadable."""
    least = len(entry_line(1, replace(act(1), purpose=""), GENESIS)[0])
    longest = replace(act(1), purpose="x" * (MAX_LINE - 1 - least + more))
    if more:
        with pytest.raises(LedgerError):
            entry_line(1, longest, GENESIS)
        return
    line, digest = entry_line(1, longest, GENESIS)
    lines = ledger.export([line], sign(KEY, 1, digest), KEY.public_key())

    assert verify(one.encode() + b"\n" for one in lines).intact


def test_what_has_to_be_written_down_is_shortened_and_named_by_its_digest() -> None:
    long = "😀" * 2_000_000  # in ASCII twelve bytes each
    made = replace(act(1), purpose=long, destination=long, details={"because": long, "officers": [long] * 100, "n": 1})
    short = ledger.shortened(made)

    assert len(entry_line(1, short, GENESIS)[0]) < MAX_LINE
    assert hashlib.sha256(long.encode()).hexdigest() in short.purpose
    assert (short.details["n"], len(short.details["officers"])) == (1, MAX_LISTED + 1)


def test_what_is_short_enough_stays_as_it_was_written() -> None:
    made = replace(act(1), purpose="案" * MAX_TEXT, details={"officers": ["李" * MAX_TEXT] * MAX_LISTED})

    assert ledger.shortened(made) == made


@pytest.mark.parametrize("line", ["", "{}", '{"head":1}', '{"head":{"digest":"x","entries":true,"signature":"y"}}'])
def test_what_is_no_head_is_refused(line: str) -> None:
    with pytest.raises(LedgerError):
        Head.from_line(line)


@pytest.mark.parametrize("changes", [{"actor": ""}, {"action": ""}, {"at": float("nan")}])
def test_an_entry_says_who_did_what_and_when(changes: dict[str, object]) -> None:
    values = {"actor": "li", "at": 0.0, "action": "x", "subject": "", "purpose": "", **changes}
    with pytest.raises(LedgerError):
        Act(**values)  # type: ignore[arg-type]
