"""A token opens the service until it expires or is revoked, and is kept nowhere."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from privacy.cli import cli
from privacy.database import reading
from privacy.errors import FieldError, ResourceNotFoundError, UnauthenticatedError
from privacy.tokens import PREFIX, Role, Tokens

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(database: Engine, clock: Clock) -> Tokens:
    return Tokens(database, clock)


def test_a_token_is_known_by_its_bearer(tokens: Tokens) -> None:
    made, secret = tokens.create(Role.STREAM, "gate 4")

    assert tokens.bearer(secret) == made
    assert (made.role, made.label, made.expire_time) == (Role.STREAM, "gate 4", None)


def test_the_token_itself_is_kept_nowhere(tokens: Tokens, database: Engine) -> None:
    _, secret = tokens.create(Role.ADMIN, "me")
    with reading(database) as session:
        kept = str(session.execute(text("SELECT * FROM tokens")).all())

    assert secret.rpartition("_")[2] not in kept
    assert secret.startswith(PREFIX)


def test_no_two_tokens_are_the_same(tokens: Tokens) -> None:
    assert len({tokens.create(Role.STREAM, "x")[1] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.swapcase(), lambda _: "", lambda _: "\0"]
)
def test_what_is_nearly_a_token_opens_nothing(tokens: Tokens, change: object) -> None:
    _, secret = tokens.create(Role.STREAM, "x")

    with pytest.raises(UnauthenticatedError) as caught:
        tokens.bearer(change(secret))  # type: ignore[operator]
    assert caught.value.facts == {"state": "unknown"}


def test_a_token_expires(tokens: Tokens, clock: Clock) -> None:
    _, secret = tokens.create(Role.STREAM, "x", timedelta(days=1))
    clock.now += timedelta(hours=23)
    tokens.bearer(secret)
    clock.now += timedelta(hours=1)

    with pytest.raises(UnauthenticatedError, match="expired"):
        tokens.bearer(secret)


def test_a_token_that_was_revoked_stays_so_from_the_first_time_on(tokens: Tokens, clock: Clock) -> None:
    made, secret = tokens.create(Role.STREAM, "x")
    tokens.revoke(made.token)
    clock.now += timedelta(days=1)

    assert tokens.revoke(made.token).revoke_time == NOON
    with pytest.raises(UnauthenticatedError, match="revoked"):
        tokens.bearer(secret)
    assert [token.revoke_time for token in tokens.all()] == [NOON]


def test_what_cannot_be_made_or_revoked(tokens: Tokens) -> None:
    for label in ("", " ", "x" * 201, "a\nb"):
        with pytest.raises(FieldError):
            tokens.create(Role.STREAM, label)
    with pytest.raises(FieldError):
        tokens.create(Role.STREAM, "x", timedelta(0))
    with pytest.raises(ResourceNotFoundError):
        tokens.revoke("none")


def test_the_commands_show_a_token_once(tmp_path: Path) -> None:
    where = ["--database", f"sqlite:///{tmp_path / 'new' / 'privacy.db'}"]
    made = CliRunner().invoke(cli, ["tokens", "create", *where, "--role", "operator", "--label", "desk"])
    secret = made.stdout.strip()
    number = secret.split("_")[1]
    listed = CliRunner().invoke(cli, ["tokens", "list", *where, "--json"])
    revoked = CliRunner().invoke(cli, ["tokens", "revoke", *where, number])
    after = CliRunner().invoke(cli, ["tokens", "list", *where])
    again = CliRunner().invoke(cli, ["tokens", "revoke", *where, "none"], prog_name="privacy")

    assert [made.exit_code, listed.exit_code, revoked.exit_code, after.exit_code, again.exit_code] == [0, 0, 0, 0, 1]
    assert f'"token": "{number}", "role": "operator"' in listed.stdout
    assert secret not in listed.output + revoked.output + after.output
    assert secret not in made.stderr
    assert again.stderr == "privacy: there is no token of this id\n"
