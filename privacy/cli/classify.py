"""`privacy classify`: which place do these pictures show?"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from privacy import pipeline
from privacy.cli import printable
from privacy.errors import InputError
from privacy.evidence import Doubt, Evidence
from privacy.models import catalogue
from privacy.policy import DEFAULT as DEFAULT_POLICY
from privacy.sources.picture import SUFFIXES, read_picture
from privacy.verdict import Verdict
from privacy.zones import Zone

EXIT_INCOMPLETE = 3


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text.")
@click.option("--model", default=catalogue.DEFAULT_FOR_STILLS, show_default=True, help="A zone model of the catalogue.")
@click.option(
    "--policy", "pack", default=DEFAULT_POLICY, show_default=True, help="A policy pack, or a path to a .toml."
)
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1, 64), help="CPU threads of the model.")
def classify(paths: tuple[Path, ...], *, as_json: bool, model: str, pack: str, threads: int) -> None:
    """Say which place the pictures PATHS show; folders are searched to any depth for pictures.

    With --json, one object a line: file, state (PROHIBITED, CLEAR or UNCERTAIN), zone (null if CLEAR), p_prohibited,
    zones (a probability for each zone and for "permitted"; they sum to 1), place, clauses, reason.

    Exits 3 if a file was no picture; the others are still done.
    """
    rules, classifier = catalogue.load_policy(pack, model), catalogue.load(model, threads=threads)
    unread = 0
    for path in _files(paths):
        try:
            frame = read_picture(path)
        except InputError as error:
            unread += 1
            click.echo(f"privacy: {error}", err=True)
            continue
        verdict, sight = pipeline.rule_still(frame, classifier, rules)
        record = describe(path, verdict, sight)
        click.echo(json.dumps(record, ensure_ascii=False) if as_json else _line(record))
    if unread:
        raise click.exceptions.Exit(EXIT_INCOMPLETE)


def describe(path: Path, verdict: Verdict, sight: Evidence | Doubt) -> dict[str, Any]:
    """Return the JSON object of one picture. Scripts depend on its keys."""
    zones = {} if isinstance(sight, Doubt) else {zone.slug: round(float(sight.zones[zone]), 6) for zone in Zone}
    return {
        "file": os.fsencode(path).decode("utf-8", "backslashreplace"),
        "state": verdict.state.value,
        "zone": verdict.zone.slug if verdict.zone is not None else None,
        "p_prohibited": round(verdict.p_prohibited, 6),
        "zones": zones,
        "place": verdict.place,
        "clauses": [clause.citation for clause in verdict.clauses],
        "reason": verdict.reason.value,
    }


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        else:
            yield path


def _line(record: dict[str, Any]) -> str:
    about = " ".join(part for part in (record["zone"], *record["clauses"]) if part) or record["place"]
    return f"{record['state']:<10}  {record['p_prohibited']:.3f}  {printable(record['file'])}  {about}".rstrip()
