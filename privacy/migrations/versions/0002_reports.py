"""Reports, their evidence, the ledger and deliveries; and triggers that keep what must be kept."""

import sqlalchemy as sa
from alembic import op

from privacy.database import Utc

revision = "0002"
down_revision = "0001"

KEPT = ("reports", "report_changes", "report_pictures", "sealed_evidence")
FIXED = ("report_changes", "report_pictures", "sealed_evidence", "ledger")
TABLES = ("dead_letters", "deliveries", "ledger", "sealed_evidence", "report_pictures", "report_changes", "reports")


def upgrade() -> None:
    """Make the tables, then the triggers."""
    op.create_table(
        "reports",
        sa.Column("report", sa.String(20), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("camera", sa.String(255), nullable=False),
        sa.Column("zone", sa.String(32), nullable=False),
        sa.Column("gravity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("start_time", Utc(), nullable=False),
        sa.Column("end_time", Utc(), nullable=True),
        sa.Column("update_time", Utc(), nullable=False),
        sa.Column("retain_until", Utc(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("report", name=op.f("pk_reports")),
        sa.UniqueConstraint("number", name=op.f("uq_reports_number")),
    )
    op.create_index(op.f("ix_reports_camera_number"), "reports", ["camera", "number"])
    op.create_index(op.f("ix_reports_state_number"), "reports", ["state", "number"])
    op.create_table(
        "report_changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("report", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("time", Utc(), nullable=False),
        sa.Column("retain_until", Utc(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["reports.report"], name=op.f("fk_report_changes_report_reports")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_report_changes")),
    )
    op.create_index(op.f("ix_report_changes_report"), "report_changes", ["report"])
    op.create_table(
        "report_pictures",
        sa.Column("report", sa.String(20), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("retain_until", Utc(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["reports.report"], name=op.f("fk_report_pictures_report_reports")),
        sa.PrimaryKeyConstraint("report", "sha256", name=op.f("pk_report_pictures")),
    )
    op.create_table(
        "sealed_evidence",
        sa.Column("report", sa.String(20), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("time", Utc(), nullable=False),
        sa.Column("media_type", sa.String(63), nullable=False),
        sa.Column("recipient", sa.String(64), nullable=False),
        sa.Column("retain_until", Utc(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["reports.report"], name=op.f("fk_sealed_evidence_report_reports")),
        sa.PrimaryKeyConstraint("report", "sha256", name=op.f("pk_sealed_evidence")),
    )
    op.create_table(
        "ledger",
        sa.Column("entry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", Utc(), nullable=False),
        sa.Column("action", sa.String(63), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_ledger")),
    )
    op.create_table(
        "deliveries",
        sa.Column("receiver", sa.String(63), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt", Utc(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("held_until", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("receiver", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("receiver", sa.String(63), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", Utc(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["report_changes.number"], name=op.f("fk_dead_letters_number_report_changes")
        ),
        sa.PrimaryKeyConstraint("receiver", "number", name=op.f("pk_dead_letters")),
    )
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    return [
        *(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} WHEN OLD.retain_until > {now} "
            "BEGIN SELECT RAISE(ABORT, 'privacy: must still be kept'); END"
            for table in KEPT
        ),
        (
            "CREATE TRIGGER ledger_kept BEFORE DELETE ON ledger "
            "BEGIN SELECT RAISE(ABORT, 'privacy: the ledger is append-only'); END"
        ),
        *(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'privacy: written once'); END"
            for table in FIXED
        ),
        (
            "CREATE TRIGGER reports_retained BEFORE UPDATE ON reports WHEN NEW.retain_until < OLD.retain_until "
            "BEGIN SELECT RAISE(ABORT, 'privacy: must be kept as long as was said'); END"
        ),
    ]


def _postgresql() -> list[str]:
    return [
        _function("kept", "IF OLD.retain_until > now() THEN RAISE 'privacy: must still be kept'; END IF; RETURN OLD;"),
        _function("fixed", "RAISE 'privacy: written once';"),
        _function(
            "retained",
            "IF NEW.retain_until < OLD.retain_until THEN RAISE 'privacy: must be kept as long as was said'; END IF; "
            "RETURN NEW;",
        ),
        *(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION privacy_kept()"
            for table in KEPT
        ),
        *(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION privacy_fixed()"
            for table in FIXED
        ),
        "CREATE TRIGGER ledger_kept BEFORE DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION privacy_fixed()",
        "CREATE TRIGGER reports_retained BEFORE UPDATE ON reports FOR EACH ROW EXECUTE FUNCTION privacy_retained()",
        *(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} EXECUTE FUNCTION privacy_fixed()"
            for table in (*KEPT, "ledger")
        ),
    ]


def _function(name: str, body: str) -> str:
    return f"CREATE FUNCTION privacy_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def downgrade() -> None:
    """Drop them, unless something in them must still be kept."""
    connection = op.get_bind()
    for table in (*KEPT, "ledger"):
        if connection.execute(sa.text(f"SELECT 1 FROM {table} LIMIT 1")).first() is not None:  # noqa: S608 - our own names
            raise RuntimeError(f"{table} holds what must be kept (Art. 18(5), 19(2))")
    for table in TABLES:
        op.drop_table(table)
    if connection.dialect.name == "postgresql":
        for function in ("privacy_kept", "privacy_fixed", "privacy_retained"):
            op.execute(f"DROP FUNCTION {function}()")
