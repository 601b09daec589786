"""The options that say where things are kept, of every command that has them."""

from pathlib import Path

import click

from privacy.database import default_url

database_option = click.option(
    "--database",
    envvar="PRIVACY_DATABASE",
    default=default_url,
    show_default="a file in ~/.local/state/privacy",
    help="Where cameras and tokens are kept: sqlite:///PATH or postgresql://...",
)

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is there."""

reports_option = click.option(
    "--database", required=True, help="Where the reports are, as `privacy serve --reports` is told."
)

key_option = click.option("--key", "key", type=FILE, required=True, help="The signing key that `privacy serve` uses.")
