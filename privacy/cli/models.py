"""`privacy models`: what is in the catalogue, and whether its weights are here and whole."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from privacy.errors import ModelIntegrityError, ModelNotFoundError
from privacy.models import catalogue
from privacy.models import labels as label_map
from privacy.models.ultralytics import UltralyticsAdapter


@click.group()
def models() -> None:
    """List, verify, fetch and import models."""


@models.command("list")
def list_() -> None:
    """List every model of the catalogue."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "task", "weights", "licence"):
        table.add_column(heading)
    for card in catalogue.cards():
        kind = "shipped" if card.shipped else "imported" if card.imported else "fetched"
        here = kind if catalogue.path_of(card).is_file() else f"not {kind}" if kind == "fetched" else "missing"
        table.add_row(card.name, card.task, here, card.license)
    Console().print(table)


@models.command()
@click.argument("name")
def show(name: str) -> None:
    """Show the card of model NAME."""
    card = catalogue.card(name)
    for key in ("name", "task", "family", "file", "sha256", "license", "source", "url"):
        if value := getattr(card, key):
            click.echo(f"{key + ':':<9}{value}")
    click.echo(f"{'path:':<9}{catalogue.path_of(card)}")
    for row in catalogue.calibration(name):
        click.echo(
            f"misses at most {row.miss:.0%}, false alarms {row.false_alarm:.0%}: "
            f"CLEAR to {row.clear_below:g}, PROHIBITED from {row.prohibited_above:g}"
        )
        if row.miss_bounds:
            bounds = ", ".join(f"{zone} {bound:.0%}" for zone, bound in row.miss_bounds.items())
            click.echo(f"  with 95 % confidence no more of each zone: {bounds}")
    if card.task == "zones" and not card.thresholds:
        click.echo("uncalibrated: a policy's cautious thresholds, or numbers of its own, rule")
    for name_of_class, zone in card.labels.items():
        click.echo(f"{'label:':<9}{name_of_class} = {zone}")


@models.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Check the sha256 of models NAMES and their thresholds, or of all that are on this machine.

    Exits 1 if a file is missing or is not the catalogue's.
    """
    wanted = [catalogue.card(name) for name in names] or [
        card for card in catalogue.cards() if card.shipped or card.imported or catalogue.path_of(card).is_file()
    ]
    bad = 0
    for card in wanted:
        try:
            catalogue.read(card)
            catalogue.calibration(card.name)
            click.echo(f"{card.name}: ok")
        except (ModelNotFoundError, ModelIntegrityError) as error:
            bad += 1
            click.echo(f"{card.name}: {error}", err=True)
    if bad:
        raise click.exceptions.Exit(1)


@models.command()
@click.argument("names", nargs=-1, required=True)
def pull(names: tuple[str, ...]) -> None:
    """Fetch third-party models NAMES from their pinned addresses."""
    for name in names:
        click.echo(catalogue.pull(catalogue.card(name)))


@models.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("names", nargs=-1)
def add(folder: Path, names: tuple[str, ...]) -> None:
    """Take third-party models NAMES (or all that are there) from FOLDER instead of the network."""
    wanted = [catalogue.card(name) for name in names] or [
        card for card in catalogue.cards() if card.url and any(folder.rglob(card.file))
    ]
    if not wanted:
        raise ModelNotFoundError(f"no model of the catalogue is under {folder}", folder=str(folder))
    for card in wanted:
        click.echo(catalogue.add(card, folder))


@models.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="What to call it; none of the catalogue's names.")
@click.option(
    "--task", type=click.Choice(["detect", "classify"]), help="Refuse a model of another task. Default: the file's own."
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='For a classifier: a TOML file that gives each class its zone, such as "shower room" = "bathhouse", or'
    ' "permitted".',
)
@click.option("--size", type=click.IntRange(32, 4096), help="Side of the picture it shall see. Default: as trained.")
@click.option(
    "--trust",
    is_flag=True,
    help="A .pt file is a pickle: loading it runs any code that is in it, with your rights. Say that you trust where it"
    " comes from. An .onnx file runs nothing and needs no trust.",
)
def import_(file: Path, *, name: str, task: str | None, labels: Path | None, size: int | None, trust: bool) -> None:
    """Register the Ultralytics model FILE: a detector or a classifier, .pt or exported .onnx.

    A .pt file is exported to ONNX once; for that the extra "yolo" must be installed, which is AGPL-3.0. The export is
    kept with its sha256 beside the fetched models, and runs without Ultralytics.
    """
    slugs = None if labels is None else label_map.read(labels)
    data = _exported(file, task=task, size=size, trust=trust)
    card = catalogue.import_onnx(data, name, source=file.name, task=task, labels=slugs)
    click.echo(catalogue.path_of(card))


def _exported(file: Path, *, task: str | None, size: int | None, trust: bool) -> bytes:
    match file.suffix.lower():
        case ".pt":
            return UltralyticsAdapter(trust=trust).export(file, task=task, size=size)
        case ".onnx" if size is None:
            return catalogue.bounded(file)
        case ".onnx":
            raise click.UsageError("the size of an .onnx file is fixed; give --size when it is exported")
    raise click.UsageError(f"{file.name} is neither .pt nor .onnx")


@models.command()
@click.argument("names", nargs=-1, required=True)
def remove(names: tuple[str, ...]) -> None:
    """Forget imported models NAMES, or delete the fetched weights of third-party ones."""
    for name in names:
        catalogue.remove(name)
