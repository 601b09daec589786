"""How sites and cameras are kept."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from privacy.database import Base, Utc


def new_etag(_: object = None) -> str:
    """Return an etag that no resource has had: one that was deleted and made again is another one."""
    return uuid.uuid4().hex


class SiteRow(Base):
    """A place that has cameras. Every update changes the etag, and fails if somebody else's came first."""

    __tablename__ = "sites"

    site: Mapped[str] = mapped_column(String(63), primary_key=True)
    display_name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text, default="")
    operator: Mapped[str] = mapped_column(Text, default="")
    create_time: Mapped[datetime] = mapped_column(Utc)
    update_time: Mapped[datetime] = mapped_column(Utc)
    etag: Mapped[str] = mapped_column(String(32))

    __mapper_args__ = {"version_id_col": etag, "version_id_generator": new_etag}  # noqa: RUF012 - SQLAlchemy's type


class CameraRow(Base):
    """A camera. Presets and labels are read and written whole, under the camera's etag.

    `owed` are the presets as they were before less was hidden of them than somebody had allowed.
    """

    __tablename__ = "cameras"

    site: Mapped[str] = mapped_column(ForeignKey("sites.site"), primary_key=True)
    camera: Mapped[str] = mapped_column(String(63), primary_key=True)
    display_name: Mapped[str] = mapped_column(Text)
    declared_purpose: Mapped[str] = mapped_column(String(63))
    policy: Mapped[str] = mapped_column(String(63), default="")
    presets: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    sign_confirmed: Mapped[bool] = mapped_column(default=False)
    labels: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    owed: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    create_time: Mapped[datetime] = mapped_column(Utc)
    update_time: Mapped[datetime] = mapped_column(Utc)
    etag: Mapped[str] = mapped_column(String(32))

    __mapper_args__ = {"version_id_col": etag, "version_id_generator": new_etag}  # noqa: RUF012 - SQLAlchemy's type

    views: Mapped[list["ViewRow"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", passive_deletes=True, order_by="ViewRow.preset"
    )


class ViewRow(Base):
    """The fingerprint of an approved view, and whether the camera still shows it; no pixel."""

    __tablename__ = "views"
    __table_args__ = (ForeignKeyConstraint(["site", "camera"], ["cameras.site", "cameras.camera"], ondelete="CASCADE"),)

    site: Mapped[str] = mapped_column(String(63), primary_key=True)
    camera: Mapped[str] = mapped_column(String(63), primary_key=True)
    preset: Mapped[str] = mapped_column(String(63), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    change: Mapped[str] = mapped_column(String(16), default="")
    change_time: Mapped[datetime | None] = mapped_column(Utc)


class UnsettledRow(Base):
    """A view that had changed when its camera was removed, and that nobody has approved since.

    It waits for a camera of the same name, and so belongs neither to a camera nor to a site.
    """

    __tablename__ = "unsettled_views"

    site: Mapped[str] = mapped_column(String(63), primary_key=True)
    camera: Mapped[str] = mapped_column(String(63), primary_key=True)
    preset: Mapped[str] = mapped_column(String(63), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    change: Mapped[str] = mapped_column(String(16))
    change_time: Mapped[datetime | None] = mapped_column(Utc)
