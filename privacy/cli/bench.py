"""`privacy bench`: compare models on sets of known places, boxes or clips."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EXIT_INCOMPLETE = 3
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class _Bench(click.Group):
    """Takes what is no command for a data set: `privacy bench corpus=...` is `privacy bench run corpus=...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Bench)
def bench() -> None:
    """Compare models on photos, boxes and clips of known places.

    `privacy bench DATASET... --model NAME... -o DIR` is short for `privacy bench run`; see `privacy bench run --help`.
    docs/benchmark.md explains the protocol and every number.
    """


@bench.command("run")
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@click.option(
    "--model", "models", multiple=True, required=True, help="A model; repeat it. Others are compared with the first."
)
@click.option("-o", "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where results go.")
@click.option("--task", "tasks", multiple=True, help="Only these tasks; repeat it. Default: all that the data allow.")
@click.option("--split", default="test", show_default=True, type=click.Choice(["test", "train"]))
@click.option(
    "--labels", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Label map instead of the usual."
)
@click.option("--weights", type=_FOLDER, help="Where to look for the files that model cards name.")
@click.option("--rounds", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="Bootstrap resamples.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the resampling.")
def run(
    datasets: tuple[str, ...],
    *,
    models: tuple[str, ...],
    out: Path,
    tasks: tuple[str, ...],
    split: str,
    labels: Path | None,
    weights: Path | None,
    rounds: int,
    seed: int,
) -> None:
    """Measure models on DATASETs and write results.json, scores.csv, results.md and results.html.

    A DATASET is KIND=PATH: corpus, manifest, imagefolder, places365, mit67, sun397, ade20k, rendered (photos), coco
    (the JSON file of boxes), videos (a folder with a manifest.csv), or what a plugin adds. A bare path is a folder of
    photos with a manifest.csv.

    A model is a name of `privacy models list`, the path of a model card (.toml), objects:DETECTOR for the plain rule on
    detected things, or what a plugin adds. The pages need the extra "bench".

    Answers about photos that are found in DIR are not asked for again, so that a run that was stopped goes on. Exits 3
    if a picture could not be read or a model failed on one: the results name each.
    """
    from privacy import bench as the_bench  # noqa: PLC0415 - NumPy and OpenCV are slow to load
    from privacy.bench import datasets as sets  # noqa: PLC0415
    from privacy.bench.report import write  # noqa: PLC0415

    read = [sets.load(spec, split=split, labels=labels) for spec in datasets]
    with _bars() as bars:
        task = bars.add_task("reading", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total)

        results = the_bench.run(
            models,
            read,
            tasks or None,
            split=split,
            weights=weights,
            keep=out / "answers",
            rounds=rounds,
            seed=seed,
            tell=tell,
        )
    for path in write(results, read, out):
        click.echo(path)
    if not results.complete:
        click.echo("privacy: something could not be read or a model failed; the results name it", err=True)
        raise click.exceptions.Exit(EXIT_INCOMPLETE)


@bench.command()
@click.argument("one", type=_FOLDER, metavar="A")
@click.argument("other", type=_FOLDER, metavar="B")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def compare(one: Path, other: Path, *, as_json: bool) -> None:
    """Compare the results in B with those in A, photo by photo: differences, intervals, p-values.

    Models of the same name are compared; where A holds only one, every model of B is compared with it.
    """
    from privacy.bench import page  # noqa: PLC0415 - slow to load
    from privacy.bench.results import Results, to_json  # noqa: PLC0415
    from privacy.bench.results import compare as compared  # noqa: PLC0415

    rows: list[dict[str, Any]] = compared(Results.read(one), Results.read(other))
    click.echo(to_json(rows) if as_json else page.comparison(rows), nl=False)


def _bars() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True))
