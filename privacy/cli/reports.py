"""`privacy reports`: what was reported, on the screen and on paper, and what need not be kept any more."""

import base64
import getpass
import json
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privacy.cli.databases import FILE, key_option, reports_option
from privacy.database import open_existing
from privacy.errors import InputError
from privacy.reports import filters, keys, printing
from privacy.reports.ledger import Act
from privacy.reports.report import Picture, Report
from privacy.reports.store import Store

_PAGE = 100
_actor = click.option("--actor", default=lambda: f"users/{getpass.getuser()}", help="Who does it.  [default: you]")


@click.group()
def reports() -> None:
    """List, show and print reports, and delete those that need not be kept any more."""


@reports.command("list")
@reports_option
@click.option("--filter", "text", default="", help='For example "state = OPEN AND severity >= HIGH".')
@click.option("--limit", type=click.IntRange(1), help="No more than so many.")
def list_(database: str, text: str, limit: int | None) -> None:
    """Print one JSON object a line for each report, the newest first."""
    store, wanted, before, left = _read_only(database), filters.parse(text), None, limit
    while left is None or left > 0:
        page, before = store.page(wanted, before=before, limit=min(_PAGE, left or _PAGE))
        for report in page:
            click.echo(json.dumps(_line(report), ensure_ascii=False))
        left = None if left is None else left - len(page)
        if before is None:
            break


@reports.command()
@click.argument("report")
@reports_option
def show(report: str, database: str) -> None:
    """Print everything that is kept of REPORT as JSON; pictures by their digests."""
    found = _read_only(database).get(_id(report))
    click.echo(json.dumps({"name": found.name, **found.to_json()}, ensure_ascii=False, indent=2))


@reports.command("print")
@click.argument("report")
@reports_option
@key_option
@click.option("--format", "form", type=click.Choice(["html", "pdf"]), default="html", show_default=True)
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@click.option("--purpose", required=True, help="What for; the ledger keeps it (Art. 18(3)).")
@_actor
@click.option("--font", type=FILE, help="With Chinese letters, for PDF; the first that is found if not given.")
def print_(
    report: str, *, database: str, key: Path, form: str, out: Path, purpose: str, actor: str, font: Path | None
) -> None:
    """Write REPORT for paper, in Chinese and English, with its masked pictures.

    Who took it out, when, what for and where to is an entry of the ledger before anything is written.
    """
    if not purpose.strip():
        raise click.UsageError("--purpose must say what for")
    store = Store(open_existing(database), keys.signing(key))
    found = store.get(_id(report))

    def bytes_of(picture: Picture) -> bytes:
        return store.picture(found.id, picture.sha256)

    def address_of(picture: Picture) -> str:
        return f"data:{picture.media_type};base64,{base64.b64encode(bytes_of(picture)).decode()}"

    data = printing.pdf(found, bytes_of, font=font) if form == "pdf" else printing.html(found, address_of).encode()
    store.enter(
        Act(
            actor=actor,
            at=store.clock(),
            action="report.print",
            subject=found.name,
            purpose=purpose.strip(),
            destination=out.name,
            details={"format": form},
        )
    )
    try:
        out.write_bytes(data)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}", path=str(out)) from error
    click.echo(f"{out}: {found.name}")


@reports.command()
@reports_option
@key_option
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Reports that last changed before.")
@click.option("--purpose", default="", help="Why; the ledger keeps it. Needed with --delete.")
@click.option("--delete", is_flag=True, help="Delete them. Without it, only say what would be.")
@_actor
def purge(*, database: str, key: Path, before: datetime, purpose: str, delete: bool, actor: str) -> None:
    """Delete reports, pictures and sealed evidence that need not be kept any more; say only what would be, at first.

    Nothing younger than two years goes (Art. 18(5)), neither here nor by SQL. What was neither filed nor dismissed
    stays, and so does what goes on. The ledger stays whole, and says who deleted what.
    """
    store = Store(open_existing(database), keys.signing(key))
    limit = before.replace(tzinfo=UTC).timestamp()
    due = store.purgeable(limit)
    if not delete:
        click.echo(f"would delete {len(due)} reports; nothing was. With --delete --purpose WHY they go.")
        return
    if not purpose.strip():
        raise click.UsageError("--delete needs --purpose: why they are deleted")
    gone = store.purge(limit, actor=actor, purpose=purpose.strip())
    click.echo(f"deleted {gone} reports; the ledger says which")


def _read_only(database: str) -> Store:
    # Nothing is signed: whoever only reads needs no key, and this one is known to nobody.
    return Store(open_existing(database), Ed25519PrivateKey.generate())


def _id(name: str) -> str:
    return name.removeprefix("reports/")


def _line(report: Report) -> dict[str, object]:
    return {
        "report": report.name,
        "rule": report.rule,
        "severity": report.severity.value,
        "state": report.state.value,
        "subject": report.subject,
        "zone": None if report.zone is None else report.zone.slug,
        "start": _moment(report.start),
        "end": None if report.end is None else _moment(report.end),
        "summary": report.summary_en,
    }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
