"""The tokens that open the service: shown once, kept as a digest."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from privacy.database import Base, Utc


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
