"""The tokens that open the service: shown once, kept as a digest.

A token carries 256 random bits, so that nobody finds it by trying: one SHA-256 keeps it as well as a slow hash would,
and costs a stream's start nothing. Slow hashes are for passwords, which people choose.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from privacy.database import Base, Utc, reading, writing
from privacy.errors import FieldError, ResourceNotFoundError, UnauthenticatedError

PREFIX = "privacy_"
"""What every token begins with, so that scanners of leaked secrets know one."""

_MAX_LABEL = 200


class Role(StrEnum):
    """What a caller may do; which role may call which method stands in `privacy.serve.access`."""

    STREAM = "stream"
    """A VMS plugin: sends frames, gets verdicts and masks."""
    OPERATOR = "operator"
    """Keeps the register of cameras and reviews reports."""
    AUDITOR = "auditor"
    """Reads everything, audits archives, and changes nothing."""
    AUTHORITY = "authority"
    """Supervises: reads reports, asks for evidence, confirms and files."""
    ADMIN = "admin"
    """May call everything."""


class TokenRow(Base):
    """A token, as far as it is kept."""

    __tablename__ = "tokens"

    token: Mapped[str] = mapped_column(String(16), primary_key=True)
    label: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    create_time: Mapped[datetime] = mapped_column(Utc)
    expire_time: Mapped[datetime | None] = mapped_column(Utc)
    revoke_time: Mapped[datetime | None] = mapped_column(Utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token; not the token itself.

    Attributes:
        token: Its id, which is no secret: it stands in logs and ledgers.
        label: What it is for.
        role: What it allows.
        create_time: When it was made.
        expire_time: From when on it opens nothing; None for never.
        revoke_time: When it was revoked; None if it was not.
    """

    token: str
    label: str
    role: Role
    create_time: datetime
    expire_time: datetime | None = None
    revoke_time: datetime | None = None

    @property
    def name(self) -> str:
        """Return the name that stands for its bearer."""
        return f"tokens/{self.token}"

    def check(self, at: datetime) -> None:
        """Do nothing if the token opens the service at this moment.

        Raises:
            UnauthenticatedError: It has expired or was revoked.
        """
        if self.revoke_time is not None and self.revoke_time <= at:
            raise UnauthenticatedError("this token was revoked", token=self.token, state="revoked")
        if self.expire_time is not None and self.expire_time <= at:
            raise UnauthenticatedError("this token has expired", token=self.token, state="expired")


def _now() -> datetime:
    return datetime.now(UTC)


class Tokens:
    """Makes, knows and revokes tokens. Threads may share it.

    Args:
        engine: Of a database that is migrated.
        now: The clock.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime] = _now) -> None:
        self._engine = engine
        self._now = now

    def create(self, role: Role, label: str, lasts: timedelta | None = None) -> tuple[Token, str]:
        """Make a token. The second value opens the service; it is kept nowhere, and nobody can ask for it again.

        Raises:
            FieldError: The label is missing or too long, or the token would never be good.
        """
        if not 1 <= len(label.strip()) <= _MAX_LABEL or not label.isprintable():
            raise FieldError(f"a label has 1 to {_MAX_LABEL} printable characters", field="label")
        if lasts is not None and not timedelta(0) < lasts <= timedelta(days=36500):
            raise FieldError("a token lasts longer than nothing, and not for ever", field="expires")
        made = self._now()
        token = Token(
            token=secrets.token_hex(6),
            label=label.strip(),
            role=role,
            create_time=made,
            expire_time=None if lasts is None else made + lasts,
        )
        secret = f"{PREFIX}{token.token}_{secrets.token_urlsafe(32)}"
        with writing(self._engine) as session:
            session.add(
                TokenRow(
                    token=token.token,
                    label=token.label,
                    role=token.role.value,
                    digest=_digest(secret),
                    create_time=token.create_time,
                    expire_time=token.expire_time,
                )
            )
        return token, secret

    def all(self) -> Sequence[Token]:
        """Return every token, the newest last."""
        with reading(self._engine) as session:
            rows = session.scalars(select(TokenRow).order_by(TokenRow.create_time, TokenRow.token)).all()
            return [_token(row) for row in rows]

    def revoke(self, token: str) -> Token:
        """Take what it opens from a token; once revoked it stays so, and the first moment counts.

        Raises:
            ResourceNotFoundError: There is no token of this id.
        """
        with writing(self._engine) as session:
            row = session.get(TokenRow, token, with_for_update=True)
            if row is None:
                raise ResourceNotFoundError("there is no token of this id", field="token")
            row.revoke_time = row.revoke_time or self._now()
            return _token(row)

    def good(self, token: str) -> Token:
        """Return the token of this id, if it is good now: for whoever has seen the token itself before.

        Raises:
            UnauthenticatedError: There is no such token, or it has expired or was revoked.
            DatabaseError: Nobody can say.
        """
        with reading(self._engine) as session:
            row = session.get(TokenRow, token)
            if row is None:
                raise UnauthenticatedError("no such token", state="unknown")
            found = _token(row)
        found.check(self._now())
        return found

    def bearer(self, secret: str) -> Token:
        """Return the token that somebody bears, if it is good now.

        Raises:
            UnauthenticatedError: There is no such token, or it has expired or was revoked.
            DatabaseError: Nobody can say.
        """
        part = secret.removeprefix(PREFIX).partition("_")[0]
        with reading(self._engine) as session:
            row = session.get(TokenRow, part) if len(part) <= 16 and part.isalnum() else None
            if row is None or not hmac.compare_digest(row.digest, _digest(secret)):
                raise UnauthenticatedError("no such token", state="unknown")
            token = _token(row)
        token.check(self._now())
        return token


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: TokenRow) -> Token:
    return Token(
        token=row.token,
        label=row.label,
        role=Role(row.role),
        create_time=row.create_time,
        expire_time=row.expire_time,
        revoke_time=row.revoke_time,
    )
