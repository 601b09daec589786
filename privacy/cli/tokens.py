"""`privacy tokens`: who may call the service."""

import json
from datetime import datetime, timedelta

import click

from privacy.cli.databases import database_option
from privacy.migrations import migrated
from privacy.tokens import Role, Token, Tokens


@click.group()
def tokens() -> None:
    """Make, list and revoke the tokens that `privacy serve --tokens` asks for."""


@tokens.command()
@database_option
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What it allows.")
@click.option("--label", required=True, help="What it is for, for whoever reads the list.")
@click.option(
    "--days", default=365, show_default=True, type=click.IntRange(0, 36500), help="How long it is good; 0 for ever."
)
def create(database: str, role: str, label: str, days: int) -> None:
    """Make a token and show it, once: it is kept as a digest, and nobody can show it again.

    The token alone goes to stdout, for scripts; its id, by which it is revoked, to stderr.
    """
    lasts = timedelta(days=days) if days else None
    with migrated(database) as engine:
        token, secret = Tokens(engine).create(Role(role), label, lasts)
    until = f"until {token.expire_time:%Y-%m-%d}" if token.expire_time else "for ever"
    click.echo(f"token {token.token}, role {token.role}, good {until}; it is not shown again:", err=True)
    click.echo(secret)


@tokens.command("list")
@database_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(database: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """List the tokens, the newest last; never the tokens themselves."""
    with migrated(database) as engine:
        found = Tokens(engine).all()
    for token in found:
        facts = _facts(token)
        click.echo(json.dumps(facts) if as_json else "  ".join(f"{value or '-':<12}" for value in facts.values()))


@tokens.command()
@database_option
@click.argument("token")
def revoke(database: str, token: str) -> None:
    """Revoke the TOKEN of this id. Calls that it began end within seconds; streams are asked again every ten."""
    with migrated(database) as engine:
        Tokens(engine).revoke(token)
    click.echo(f"revoked {token}", err=True)


def _facts(token: Token) -> dict[str, str | None]:
    return {
        "token": token.token,
        "role": token.role.value,
        "created": _moment(token.create_time),
        "expires": _moment(token.expire_time),
        "revoked": _moment(token.revoke_time),
        "label": token.label,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
