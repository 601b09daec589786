"""`privacy train`: make the shipped zone model again."""

import logging
from pathlib import Path

import click
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

CHATTY = ("onnxscript", "onnx_ir", "torch.onnx")
"""Libraries that tell their whole life at level INFO."""


@click.command()
@click.option(
    "--data",
    envvar="PRIVACY_DATA",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the pictures; datasets/corpus/CARD.md says how it is laid out.  [env: PRIVACY_DATA]",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Drawn pictures and checkpoints. A run that is found here goes on where it stopped.",
)
@click.option(
    "--weights",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the finished files go: ONNX, safetensors, thresholds.",
)
@click.option(
    "--model",
    default="zones-lite0",
    show_default=True,
    type=click.Choice(["zones-lite0", "zones-lite2", "zones-wide", "zones-distilled"]),
    help="Which recipe; docs/models.md says what each makes, and which ships.",
)
def train(data: Path, out: Path, weights: Path, model: str) -> None:
    """Train, calibrate and export a zone model; prints the sha256 of every file.

    Needs the extra `train` (torch). One to two hours on two CPU cores.
    """
    try:
        from privacy.training import ship  # noqa: PLC0415 - torch is large, and no other command needs it
    except ImportError as error:
        raise click.UsageError(f"{error}; install the extra: pip install 'privacy-zones[train]'") from error
    console = Console(stderr=True)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console)])
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("reading photos", total=None)

        def show(done: int, total: int, line: str) -> None:
            bars.update(task, completed=done, total=total, description=line)

        digests = ship.make(ship.recipe(data, out, name=model, weights=weights), show)
    for name, digest in digests.items():
        click.echo(f"{digest}  {name}")
