"""`privacy zones`: what a camera's own privacy masks have to cover."""

import json
from pathlib import Path

import click

from privacy import plan


@click.command()
@click.argument("file", metavar="ZONES", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--view", help="A preset of ZONES.  [default: all of them together]")
@click.option(
    "--most",
    type=click.IntRange(1),
    default=plan.MAX_POLYGONS,
    show_default=True,
    help="Rectangles the camera can hold.",
)
@click.option("--onvif", is_flag=True, help="Corners in [-1, 1], y upwards, as ONVIF Media2 wants them.")
def zones(file: Path, *, view: str | None, most: int, onvif: bool) -> None:
    """Turn the polygons of ZONES into rectangles that cover them, for cameras that know nothing else.

    A camera that hides by itself leaks nothing on the wire, but many take only a few upright rectangles. The result
    hides all that the polygons do, and more; it is printed as another ZONES.
    """
    found = plan.rectangles(plan.read_zones(file).at(view), most)
    corners = [[[2 * x - 1, 1 - 2 * y] if onvif else [x, y] for x, y in each.points] for each in found]
    click.echo(json.dumps({"polygons": corners}))
