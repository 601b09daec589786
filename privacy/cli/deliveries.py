"""`privacy deliveries`: who has been told of reports, and what nobody would take."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from privacy.cli.databases import FILE, key_option, reports_option
from privacy.database import open_existing
from privacy.reports import keys
from privacy.reports.delivery.address import receiver_of
from privacy.reports.delivery.outbox import Outbox
from privacy.reports.store import Store


@click.group()
def deliveries() -> None:
    """Show who has been told of reports, and send once more what a receiver would not take."""


@deliveries.command("list")
@reports_option
@key_option
def list_(database: str, key: Path) -> None:
    """Print one JSON object a line: for each receiver how far it has been told, then each dead letter.

    Exits 0 if there is no dead letter, 1 if there is one.
    """
    store = Store(open_existing(database), keys.signing(key))
    outbox = Outbox(store)
    last = store.next_offset()
    for one in outbox.standings():
        behind = max(0, last - max(1, one.next_offset))
        line = {"receiver": one.receiver, "behind": behind, "attempts": one.attempts, "error": one.error}
        click.echo(json.dumps(line, ensure_ascii=False))
    letters = outbox.dead_letters()
    for letter in letters:
        at = datetime.fromtimestamp(letter.at, UTC).isoformat(timespec="seconds")
        dead = {"receiver": letter.receiver, "dead_letter": letter.offset, "time": at, "error": letter.error}
        click.echo(json.dumps(dead, ensure_ascii=False))
    if letters:
        click.get_current_context().exit(1)


@deliveries.command()
@click.argument("offset", type=click.IntRange(1))
@reports_option
@key_option
@click.option("--to", "url", required=True, help="The receiver, as --deliver of `privacy serve` has it.")
@click.option("--secret", type=FILE, help="As --deliver-secret of `privacy serve`.")
def redeliver(offset: int, database: str, key: Path, url: str, secret: Path | None) -> None:
    """Send the dead letter OFFSET once more, and bury it if it arrives."""
    receiver = receiver_of(url, b"" if secret is None else secret.read_bytes().strip())
    outbox = Outbox(Store(open_existing(database), keys.signing(key)))
    try:
        outbox.redeliver(receiver, offset)
    finally:
        receiver.close()
    click.echo(f"{receiver.name} has change {offset}")
