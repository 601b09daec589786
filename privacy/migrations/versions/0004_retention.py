"""Nothing younger than two years is deleted, whatever `retain_until` says; numbers of deleted changes stay taken."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_DAYS = 731  # Art. 18(5), as `privacy.policy.MIN_RETAIN_DAYS`
_CHANGED = {"reports": "update_time", "report_changes": "time", "sealed_evidence": "time"}
"""When what is kept in each table last changed. Pictures go with their report."""


def upgrade() -> None:
    """Make the table and the triggers."""
    op.create_table(
        "report_counters",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_report_counters")),
    )
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    then = f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{_DAYS} days')"
    return [
        *(
            f"CREATE TRIGGER {table}_aged BEFORE DELETE ON {table} WHEN OLD.{column} > {then} "
            "BEGIN SELECT RAISE(ABORT, 'privacy: younger than two years'); END"
            for table, column in _CHANGED.items()
        ),
        (
            "CREATE TRIGGER reports_dated BEFORE INSERT ON reports "
            f"WHEN julianday(NEW.retain_until) < julianday(NEW.update_time) + {_DAYS} - 0.001 "
            "BEGIN SELECT RAISE(ABORT, 'privacy: must be kept for two years'); END"
        ),
        (
            "CREATE TRIGGER report_counters_up BEFORE UPDATE ON report_counters WHEN NEW.number < OLD.number "
            "BEGIN SELECT RAISE(ABORT, 'privacy: numbers only grow'); END"
        ),
    ]


def _postgresql() -> list[str]:
    young = f"now() - interval '{_DAYS} days'"
    return [
        *(
            _function(f"aged_{table}", f"IF OLD.{column} > {young} THEN RAISE 'privacy: younger than two years'; ")
            for table, column in _CHANGED.items()
        ),
        *(
            f"CREATE TRIGGER {table}_aged BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION privacy_aged_{table}()"
            for table in _CHANGED
        ),
        _function(
            "dated",
            f"IF NEW.retain_until < NEW.update_time + interval '{_DAYS} days' - interval '1 minute' "
            "THEN RAISE 'privacy: must be kept for two years'; ",
            back="NEW",
        ),
        "CREATE TRIGGER reports_dated BEFORE INSERT ON reports FOR EACH ROW EXECUTE FUNCTION privacy_dated()",
        _function("up", "IF NEW.number < OLD.number THEN RAISE 'privacy: numbers only grow'; ", back="NEW"),
        "CREATE TRIGGER report_counters_up BEFORE UPDATE ON report_counters FOR EACH ROW EXECUTE FUNCTION privacy_up()",
    ]


def _function(name: str, check: str, back: str = "OLD") -> str:
    body = f"{check}END IF; RETURN {back};"
    return f"CREATE FUNCTION privacy_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def downgrade() -> None:
    """Drop them."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    names = {f"{table}_aged": table for table in _CHANGED} | {"reports_dated": "reports"}
    for trigger, table in names.items():
        op.execute(f"DROP TRIGGER {trigger}{f' ON {table}' if postgresql else ''}")
    op.drop_table("report_counters")
    for function in (*(f"aged_{table}" for table in _CHANGED), "dated", "up") if postgresql else ():
        op.execute(f"DROP FUNCTION privacy_{function}()")
