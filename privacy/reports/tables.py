"""How reports, their evidence, the ledger and deliveries are kept. What must be kept is also guarded by triggers."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from privacy.database import Base, Utc


class ReportRow(Base):
    """A report as it is now. `number` is the offset of its first change, and the order in which reports came."""

    __tablename__ = "reports"
    __table_args__ = (
        Index("ix_reports_camera_number", "camera", "number"),
        Index("ix_reports_state_number", "state", "number"),
    )

    report: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    rule: Mapped[str] = mapped_column(String(63))
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(Text)
    camera: Mapped[str] = mapped_column(String(255))
    zone: Mapped[str] = mapped_column(String(32))
    gravity: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    start_time: Mapped[datetime] = mapped_column(Utc)
    end_time: Mapped[datetime | None] = mapped_column(Utc)
    update_time: Mapped[datetime] = mapped_column(Utc)
    retain_until: Mapped[datetime] = mapped_column(Utc)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class ChangeRow(Base):
    """A change of a report, with the report after it: what is delivered, and what `WatchReports` sends."""

    __tablename__ = "report_changes"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    report: Mapped[str] = mapped_column(ForeignKey("reports.report"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    time: Mapped[datetime] = mapped_column(Utc)
    retain_until: Mapped[datetime] = mapped_column(Utc)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class PictureRow(Base):
    """A picture of a report, with the mask painted."""

    __tablename__ = "report_pictures"

    report: Mapped[str] = mapped_column(ForeignKey("reports.report"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    retain_until: Mapped[datetime] = mapped_column(Utc)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class EvidenceRow(Base):
    """An original, sealed to the authority; nobody here can open it."""

    __tablename__ = "sealed_evidence"

    report: Mapped[str] = mapped_column(ForeignKey("reports.report"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    time: Mapped[datetime] = mapped_column(Utc)
    media_type: Mapped[str] = mapped_column(String(63))
    recipient: Mapped[str] = mapped_column(String(64))
    retain_until: Mapped[datetime] = mapped_column(Utc)
    box: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerRow(Base):
    """An entry of the ledger, and the signature of the head that it is."""

    __tablename__ = "ledger"

    entry: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    time: Mapped[datetime] = mapped_column(Utc)
    action: Mapped[str] = mapped_column(String(63))
    line: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(128))


class DeliveryRow(Base):
    """How far a receiver has been told."""

    __tablename__ = "deliveries"

    receiver: Mapped[str] = mapped_column(String(63), primary_key=True)
    next_number: Mapped[int] = mapped_column(BigInteger, default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt: Mapped[datetime] = mapped_column(Utc)
    error: Mapped[str] = mapped_column(Text, default="")
    holder: Mapped[str] = mapped_column(String(32), default="")
    held_until: Mapped[datetime | None] = mapped_column(Utc)


class DeadLetterRow(Base):
    """A change that a receiver will not take. It waits for somebody to look."""

    __tablename__ = "dead_letters"

    receiver: Mapped[str] = mapped_column(String(63), primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey("report_changes.number"), primary_key=True, autoincrement=False)
    time: Mapped[datetime] = mapped_column(Utc)
    error: Mapped[str] = mapped_column(Text)


class CounterRow(Base):
    """The number that a change had last, once it may have been deleted: no number is ever given twice."""

    __tablename__ = "report_counters"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
