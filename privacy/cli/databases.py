"""The option that says where the database is."""

import click

from privacy.database import default_url

database_option = click.option(
    "--database",
    envvar="PRIVACY_DATABASE",
    default=default_url,
    show_default="a file in ~/.local/state/privacy",
    help="Where cameras and tokens are kept: sqlite:///PATH or postgresql://...",
)
