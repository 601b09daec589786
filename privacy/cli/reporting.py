"""What `privacy serve` is told about reports."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from privacy import policy as policies
from privacy.cli.databases import FILE
from privacy.database import open_database
from privacy.migrations import migrate
from privacy.reports import keys
from privacy.reports.delivery.address import KINDS, receiver_of
from privacy.reports.store import Store
from privacy.serve.reporting import Relay, Reporting
from privacy.serve.servicer import shipped

_OPTIONS = (
    click.option("--reports", metavar="URL", help="Report, and keep reports in this database."),
    click.option(
        "--ledger-key",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("ledger.key"),
        show_default=True,
        help="Signs the ledger; made if it is not there.",
    ),
    click.option("--authority-key", type=FILE, multiple=True, help="Public key that evidence is sealed to, PEM."),
    click.option("--deliver", metavar="URL", multiple=True, help=f"Who is told of reports: {KINDS}."),
    click.option("--deliver-secret", type=FILE, help="Signs what web hooks are told; 16 bytes or more."),
)

NAMES = ("reports", "ledger_key", "authority_key", "deliver", "deliver_secret")
"""What the options are called when they come to the command; `reporting_of` takes them."""


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of reports to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reporting_of(
    *,
    model: str,
    policy: str,
    reports: str | None,
    ledger_key: Path,
    authority_key: Sequence[Path],
    deliver: Sequence[str],
    deliver_secret: Path | None,
) -> Callable[[Relay | None], Reporting] | None:
    """Return what makes what reports, in this process or another; None if nobody asks for reports.

    What it returns raises `InputError` if a key, an address or the database is none, and `DatabaseError` if there is no
    answer from that.
    """
    if reports is None:
        if deliver or authority_key:
            raise click.UsageError("--deliver and --authority-key need --reports")
        return None
    return partial(
        _reporting,
        model=model,
        policy=policy,
        reports=reports,
        ledger_key=ledger_key,
        authority_key=tuple(authority_key),
        deliver=tuple(deliver),
        deliver_secret=deliver_secret,
    )


def _reporting(
    relay: Relay | None,
    *,
    model: str,
    policy: str,
    reports: str,
    ledger_key: Path,
    authority_key: Sequence[Path],
    deliver: Sequence[str],
    deliver_secret: Path | None,
) -> Reporting:
    rules = policies.load(policy)
    said = b"" if deliver_secret is None else deliver_secret.read_bytes().strip()
    receivers = [receiver_of(url, said) for url in deliver]
    sealed_to = [keys.authority(path) for path in authority_key]
    engine = open_database(reports)
    migrate(engine)
    store = Store(engine, keys.signing_or_new(ledger_key))
    packs = {**shipped(), rules.name: rules}
    return Reporting(store, packs, model=model, authority=sealed_to, receivers=receivers, relay=relay)
