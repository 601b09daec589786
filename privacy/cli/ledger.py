"""`privacy ledger`: the register of what was done, checked by whoever has an export, wherever he is."""

from pathlib import Path

import click

from privacy.cli.databases import FILE, key_option, reports_option
from privacy.database import open_existing
from privacy.errors import LedgerError, PrivacyError, SinkError
from privacy.reports import keys
from privacy.reports.ledger import Head, Verified
from privacy.reports.ledger import verify as check
from privacy.reports.store import Store


@click.group()
def ledger() -> None:
    """Keep the register honest: export it, send its head away, and check an export without any server."""


@ledger.command()
@reports_option
@key_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    help="The file; standard output if none is named.",
)
def export(database: str, key: Path, out: str) -> None:
    """Write the whole ledger, one JSON object a line, and its signed head."""
    store = _store(database, key)
    try:
        with click.open_file(out, "wb") as file:
            file.writelines(line.encode() + b"\n" for line in store.export_ledger())
            file.flush()
    except OSError as error:
        raise SinkError(f"{out} cannot be written whole: {error.strerror}", sink=out) from error


@ledger.command()
@reports_option
@key_option
def head(database: str, key: Path) -> None:
    """Print the signed head: send it where nobody here can reach it."""
    click.echo(_store(database, key).head().line())


@ledger.command()
@click.argument("export_file", metavar="EXPORT", type=FILE)
@click.option("--key", "key", help="The signer's public key, 64 hexadecimal digits, from wherever you trust it.")
@click.option("--heads", type=FILE, help="A file of heads that were sent away, one a line: the export must hold each.")
def verify(export_file: Path, key: str | None, heads: Path | None) -> None:
    """Check an EXPORT. Needs no server and no database.

    Exits 0 if every entry is whole, 1 if one is not; the first that is broken is named.
    """
    known = [] if heads is None else [Head.from_line(line) for line in _head_lines(heads)]
    with export_file.open("rb") as lines:
        result = check(lines, key=None if key is None else _public(key), heads=known)
    click.echo(_said(result))
    if not result.intact:
        raise PrivacyError(f"entry {result.broken}: {result.finding}")


@ledger.command("public-key")
@key_option
def public_key(key: Path) -> None:
    """Print the public key of a signing key."""
    click.echo(keys.signing(key).public_key().public_bytes_raw().hex())


def _store(database: str, key: Path) -> Store:
    return Store(open_existing(database), keys.signing(key))


def _head_lines(path: Path) -> list[str]:
    lines = path.read_text("ascii", "replace").splitlines()
    found = [line for line in lines if line.startswith('{"head":')]
    if not found:
        raise LedgerError(f"{path} holds no head: nothing would be compared with it", file=str(path))
    return found


def _public(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise LedgerError("a public key is 64 hexadecimal digits") from error


def _said(result: Verified) -> str:
    if not result.intact:
        return f"BROKEN after {result.entries} whole entries"
    pinned = "the key that you named" if result.pinned else "the key in the export, which proves nothing by itself"
    return f"intact: {result.entries} entries, signed with {pinned} ({result.signer})"
