"""`privacy audit`: every look into a prohibited place, in recordings that nobody watches."""

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from privacy.audit import outcome, run
from privacy.audit.archive import Naming
from privacy.audit.book import NAME, Book
from privacy.audit.book import Progress as Reached
from privacy.audit.copies import write_copy
from privacy.audit.engines import Engine
from privacy.audit.engines.local import LocalEngine
from privacy.audit.engines.ray import RayEngine
from privacy.audit.page import write_page
from privacy.audit.review import Tool, export, read_back
from privacy.audit.terms import Terms
from privacy.cli import printable
from privacy.errors import InputError, PrivacyError
from privacy.models import catalogue
from privacy.policy import DEFAULT as DEFAULT_POLICY
from privacy.policy import Effect, EffectKind, Policy

EXIT_FOUND, EXIT_INCOMPLETE, EXIT_FAILED = 1, 3, 4


class _Default(click.Group):
    """`privacy audit PATHS` is `privacy audit run PATHS`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise click.UsageError(str(error)) from error
        except PrivacyError as error:  # 1 means that something was found
            click.echo(f"privacy: {error}", err=True)
            ctx.exit(EXIT_FAILED)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception:  # nor may a bug, which Python ends with 1, be taken for a finding
            click.echo(traceback.format_exc(), err=True, nl=False)
            ctx.exit(EXIT_FAILED)


class _Seconds(click.ParamType):  # type: ignore[type-arg]
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h)?", str(value))
        if found is None:
            self.fail(f"{value!r} is no duration such as 10s or 2m", param, ctx)
        return float(found[1]) * {"m": 60, "min": 60, "h": 3600}.get(found[2] or "s", 1)


class _Share(click.ParamType):  # type: ignore[type-arg]
    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", str(value))
        if found is None:
            self.fail(f"{value!r} is no share such as 5% or 0.05", param, ctx)
        return float(found[1]) / (100 if found[2] else 1)


class _Moment(click.ParamType):  # type: ignore[type-arg]
    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no moment such as 2026-03-01 or 2026-03-01T08:00", param, ctx)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@click.group(cls=_Default)
def audit() -> None:
    """Find every look into a prohibited place in archived recordings."""


@audit.command(name="run")
@click.argument("paths", nargs=-1, metavar="PATHS...")
@click.option(
    "-o", "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the audit."
)
@click.option("--resume", is_flag=True, help="Go on with the audit in DIR; PATHS may be left out.")
@click.option("--since", type=_Moment(), help="Only recordings that end after this (UTC unless it says otherwise).")
@click.option("--until", type=_Moment(), help="Only recordings that begin before this.")
@click.option(
    "--policy", "pack", default=DEFAULT_POLICY, show_default=True, help="A policy pack, or a path to a .toml."
)
@click.option("--model", default=catalogue.DEFAULT, show_default=True, help="A zone model of the catalogue.")
@click.option("--min-event", type=_Seconds(), default="10s", show_default=True, help="Shortest sight to look for.")
@click.option("--max-decode", type=_Share(), help="Decode no more than this share of all pictures, for example 5%.")
@click.option(
    "--refine/--no-refine", default=True, show_default=True, help="Look closer at the ends of what is found, to 1 s."
)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who scans.")
@click.option("--address", default="", help="Of the Ray cluster.  [default: a new one on this machine]")
@click.option("--workers", type=click.IntRange(0, 4096), help="So many at once.  [default: one for each core]")
@click.option("--camera-from-path", default="", help="Regular expression; its group `camera` names the camera.")
@click.option(
    "--effect",
    type=click.Choice([kind.value for kind in EffectKind]),
    help="How thumbnails are masked.  [default: the policy's]",
)
@click.option("--strength", type=float, help="Of another effect than solid.  [default: the weakest that is allowed]")
@click.option(
    "--mask-out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write masked copies of the recordings with findings here.",
)
@click.option(
    "--report", metavar="URL", help="Raise a report for every dated finding that is long enough for one, here."
)
@click.option(
    "--ledger-key",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("ledger.key"),
    show_default=True,
    help="Signs the ledger of reports; made if it is not there.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Of the summary on stdout.")
def run_audit(
    paths: tuple[str, ...],
    *,
    out: Path,
    resume: bool,
    since: datetime | None,
    until: datetime | None,
    pack: str,
    model: str,
    min_event: float,
    max_decode: float | None,
    refine: bool,
    engine: str,
    address: str,
    workers: int | None,
    camera_from_path: str,
    effect: str | None,
    strength: float | None,
    mask_out: Path | None,
    report: str | None,
    ledger_key: Path,
    form: str,
) -> None:
    """Find every look into a prohibited place in the recordings PATHS: files, folders, globs, @LIST, fsspec URLs.

    Writes index.html (look at it), findings.json, findings.csv, and audit.db, with which --resume goes on after
    whatever stopped the audit. Thumbnails are masked. Every file is opened, whatever its name, but for kinds that
    lie beside recordings (.txt, .json ...), which are listed as ignored.

    Exits 0 if nothing was found, 1 if anything was, 3 if something could not be read to its end (it is listed, with the
    reason; findings are listed all the same) or a masked copy not written whole, 2 for wrong usage, 4 if the audit
    itself failed.

    Also: privacy audit simulate, export, review (each with --help).
    """
    rules = catalogue.load_policy(pack, model)
    terms = Terms(
        policy=pack,
        model=model,
        min_event_s=min_event,
        max_decode=max_decode,
        refine=refine,
        since=since,
        until=until,
        camera_from_path=camera_from_path,
        effect=_effect(effect, strength, rules),
    )
    make = run.MakeScanner(rules, terms)
    with run.begin(out, paths, terms, rules, _naming(camera_from_path), resume=resume) as book:
        with _engine(engine, make, address, workers) as scanners, _shown() as watch:
            run.scan(book, scanners, watch)
        if report is not None:
            _report(book, rules, report, ledger_key)
        done = outcome.conclude(book, rules, out)
        write_page(done, rules, out / "index.html")
        copied = mask_out is None or _mask(book, rules, model, mask_out)
    _say(done, out, form)
    total = done["summary"]
    if code := EXIT_INCOMPLETE if total["unreadable"] or not copied else EXIT_FOUND if total["findings"] else 0:
        raise click.exceptions.Exit(code)


def _mask(book: Book, rules: Policy, model: str, folder: Path) -> bool:
    """Write masked copies, and return whether every one is whole."""
    classifier, whole = catalogue.load(model), True
    for ruled in outcome.rule(book, rules):
        if not ruled.judged.findings:
            continue
        try:
            copy, missing = write_copy(ruled, folder, classifier, rules)
        except PrivacyError as error:
            click.echo(f"privacy: no masked copy of {printable(ruled.entry.path)}: {printable(str(error))}", err=True)
            whole = False
            continue
        whole = whole and not missing
        click.echo(f"{copy}{': in part, ' + printable(missing) if missing else ''}", err=True)
    return whole


def _report(book: Book, rules: Policy, url: str, key: Path) -> None:
    # Imported here: a database is nothing that other audits should wait for.
    from privacy.audit.raising import raise_reports  # noqa: PLC0415
    from privacy.database import open_database  # noqa: PLC0415
    from privacy.migrations import migrate  # noqa: PLC0415
    from privacy.reports import keys  # noqa: PLC0415
    from privacy.reports.store import Store  # noqa: PLC0415

    database = open_database(url)
    try:
        migrate(database)
        raised = raise_reports(book, rules, Store(database, keys.signing_or_new(key)))
    finally:
        database.dispose()
    undated = f"; {raised.undated} findings have no date, and no report" if raised.undated else ""
    least = rules.timing.report_after_s
    short = f"; {raised.short} findings are shorter than the policy's {least:g} s, and have no report"
    click.echo(f"{len(set(raised.reports.values()))} reports{undated}{short if raised.short else ''}", err=True)


def _effect(kind: str | None, strength: float | None, rules: Policy) -> Effect:
    if kind is None and strength is None:
        return rules.effect
    chosen = EffectKind(kind or rules.effect.kind)
    return rules.checked(Effect(chosen, rules.floors.get(chosen, 1.0) if strength is None else strength))


def _naming(pattern: str) -> Naming:
    try:
        return Naming(re.compile(pattern) if pattern else None)
    except re.error as error:
        raise click.UsageError(f"--camera-from-path: {error}") from error


def _engine(name: str, make: run.MakeScanner, address: str, workers: int | None) -> Engine:
    if name == "ray":
        return RayEngine(make, address=address, workers=workers)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return LocalEngine(make, cores if workers is None else workers)


@contextmanager
def _shown() -> Iterator[Callable[[Reached], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (
        TextColumn("auditing"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[recordings]} recordings, {task.fields[unreadable]} unreadable"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("auditing", total=None, recordings="", unreadable=0)
        yield lambda at: progress.update(
            task,
            completed=at.bytes_done,
            total=at.bytes_total or None,
            recordings=f"{at.done} of {at.total}",
            unreadable=at.unreadable,
        )


_HOURS_FROM_S = 360
"""Shorter audits are told in seconds: 0.00 h would read as nothing."""


def _say(done: dict[str, Any], out: Path, form: str) -> None:
    if form == "json":
        click.echo(json.dumps({key: value for key, value in done.items() if key != "recordings"}, ensure_ascii=False))
        return
    total = done["summary"]
    share = total["prohibited_share"]
    audited_s = total["audited_s"]
    length = f"{audited_s / 3600:.2f} h" if audited_s >= _HOURS_FROM_S else f"{audited_s:.0f} s"
    click.echo(
        f"{_counted(total['recordings'], 'recording')}, {length}: {_counted(total['findings'], 'finding')}, "
        f"{total['prohibited_s']:.0f} s, {share['share']:.2%} of the time "
        f"({share['confidence']:.0%} interval {share['lower']:.2%} to {share['upper']:.2%}); "
        f"{total['unreadable']} not read to their end"
    )
    for one in done["unreadable"]:
        message = one["message"].removeprefix(f"{one['path']}: ").removeprefix(f"{one['path']}/")  # said once
        click.echo(f"privacy: {printable(one['path'])}: {one['reason']}: {printable(message)}", err=True)
    click.echo(str(out / "index.html"))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@audit.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--policy", "pack", required=True, help="A policy pack, or a path to a .toml.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def simulate(folder: Path, *, pack: str, form: str) -> None:
    """Say what another policy would change in the audit in FOLDER. No recording is opened.

    Exits 0 if nothing would change, 1 if anything would.
    """
    with Book(folder / NAME) as book:
        other = catalogue.load_policy(pack, book.fact("model")["name"])
        change = outcome.simulate(book, run.own_rules(book), other)
    kinds = {"added": change.added, "removed": change.removed, "changed": change.changed}
    if form == "json":
        rows = {
            kind: [outcome.finding_json(ruled, name, one, []) for ruled, name, one in found]
            for kind, found in kinds.items()
        }
        click.echo(json.dumps({"policy": other.name, "share": change.share.share, **rows}, ensure_ascii=False))
    else:
        for kind, found in kinds.items():
            for ruled, _, one in found:
                path = printable(ruled.entry.path)
                click.echo(f"{kind:<8} {one.start:10.1f} {one.end:10.1f}  {one.zone.slug:<14} {path}")
        click.echo(
            f"{len(change.added)} added, {len(change.removed)} removed, {len(change.changed)} changed; share of time "
            f"{change.own.share:.2%} to {change.share.share:.2%}"
        )
    if any(kinds.values()):
        raise click.exceptions.Exit(EXIT_FOUND)


@audit.command(name="export")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--to", "tool", required=True, type=click.Choice([tool.value for tool in Tool]), help="Who reads the file."
)
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def export_findings(folder: Path, *, tool: str, out: Path) -> None:
    """Write the findings in FOLDER for review in FiftyOne or CVAT; `review` reads the reviewed file back."""
    with Book(folder / NAME) as book:
        outcome.write(out, json.dumps(export(book, Tool(tool)), ensure_ascii=False, indent=1) + "\n")


@audit.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("reviewed", type=click.Path(dir_okay=False, path_type=Path))
def review(folder: Path, reviewed: Path) -> None:
    """Read REVIEWED, an exported file that people have gone over, into the audit in FOLDER.

    A finding that was deleted in it is dismissed, one with another span or zone changed, a new one added, and every
    other one confirmed. The outputs are written again.
    """
    with Book(folder / NAME) as book:
        rules = run.own_rules(book)
        counts = read_back(book, reviewed)
        done = outcome.conclude(book, rules, folder)
        write_page(done, rules, folder / "index.html")
    click.echo(", ".join(f"{count} {ruling}" for ruling, count in counts.items()))
