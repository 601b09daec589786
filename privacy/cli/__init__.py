"""The command line: thin faces over the package, one file for each command."""

import logging
import sys
from importlib import import_module, metadata

import click
import structlog

from privacy.errors import PrivacyError

# Imported only when asked for: `privacy classify` should not wait for gRPC, nor `--help` for OpenCV.
COMMANDS = {
    "audit": "privacy.cli.audit",
    "classify": "privacy.cli.classify",
    "mask": "privacy.cli.mask",
    "serve": "privacy.cli.serve",
    "reports": "privacy.cli.reports",
    "ledger": "privacy.cli.ledger",
    "evidence": "privacy.cli.evidence",
    "deliveries": "privacy.cli.deliveries",
    "models": "privacy.cli.models",
    "tokens": "privacy.cli.tokens",
    "train": "privacy.cli.train",
    "zones": "privacy.cli.zones",
    "bench": "privacy.cli.bench",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PrivacyError as error:
            click.echo(f"privacy: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Lazy)
@click.version_option(metadata.version("privacy-zones"), prog_name="privacy")
@click.option(
    "--log-level", default="warning", type=click.Choice(["debug", "info", "warning", "error"]), show_default=True
)
@click.option(
    "--log-format", default="text", type=click.Choice(["text", "json"]), show_default=True, help="One line an event."
)
def cli(log_level: str, log_format: str) -> None:
    """Find and mask camera views of places where no camera may be.

    Exit codes: 0 done, 1 could not be done, 2 wrong usage, 3 done in part (an input could not be read to its end).
    """
    configure_log(log_level, log_format)


def configure_log(level: str, form: str) -> None:
    """Let the log go to stderr, from a level on: "text" for people, "json" for programs, one line an event."""
    as_json = (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    )
    structlog.configure(
        processors=as_json if form == "json" else None,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def printable(text: str) -> str:
    """Return text without line breaks and escape codes: a file name may forge no line, and reaches no terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def main() -> None:
    """Run the command line."""
    cli(prog_name="privacy")
