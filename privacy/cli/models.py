"""`privacy models`: what is in the catalogue, and whether its weights are here and whole."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from privacy.errors import ModelIntegrityError, ModelNotFoundError
from privacy.models import catalogue

EXIT_INCOMPLETE = 3


@click.group()
def models() -> None:
    """List, verify and fetch models."""


@models.command("list")
def list_() -> None:
    """List every model of the catalogue."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "task", "weights", "licence"):
        table.add_column(heading)
    for card in catalogue.cards():
        here = "shipped" if card.shipped else "fetched" if catalogue.path_of(card).is_file() else "not fetched"
        table.add_row(card.name, card.task, here, card.license)
    Console().print(table)


@models.command()
@click.argument("name")
def show(name: str) -> None:
    """Show the card of model NAME."""
    card = catalogue.card(name)
    for key in ("name", "task", "file", "sha256", "license", "source", "url"):
        if value := getattr(card, key):
            click.echo(f"{key + ':':<9}{value}")
    click.echo(f"{'path:':<9}{catalogue.path_of(card)}")


@models.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Check the sha256 of models NAMES, or of all that are on this machine.

    Exits 1 if a file is missing or is not the catalogue's.
    """
    wanted = [catalogue.card(name) for name in names] or [
        card for card in catalogue.cards() if card.shipped or catalogue.path_of(card).is_file()
    ]
    bad = 0
    for card in wanted:
        try:
            catalogue.read(card)
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
        card for card in catalogue.cards() if not card.shipped and any(folder.rglob(card.file))
    ]
    if not wanted:
        raise ModelNotFoundError(f"no model of the catalogue is under {folder}", folder=str(folder))
    for card in wanted:
        click.echo(catalogue.add(card, folder))
