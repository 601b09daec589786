"""Nothing takes the place of what must be kept, and numbers of deleted changes cannot be forgotten.

SQLite's REPLACE removes the rows that are in its way, and fires no trigger for them: not those of revisions 0002 and
0004. So rows are refused that would be in the way of others.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_UNIQUE = {
    "reports": (("report",), ("number",)),
    "report_changes": (("number",),),
    "report_pictures": (("report", "sha256"),),
    "sealed_evidence": (("report", "sha256"),),
    "ledger": (("entry",),),
    "report_counters": (("name",),),
}
"""The columns that no two rows of a table share."""
_UPDATED = {"reports": ("report", "number"), "report_counters": ("name",)}
"""Of these, the tables whose rows may change; the others are written once (0002)."""


def upgrade() -> None:
    """Make the triggers."""
    for statement in _sqlite() if _is_sqlite() else _postgresql():
        op.execute(statement)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _sqlite() -> list[str]:
    return [
        *(
            f"CREATE TRIGGER {table}_placed BEFORE INSERT ON {table} WHEN {_in_the_way(table, unique)} "
            "BEGIN SELECT RAISE(ABORT, 'privacy: nothing takes the place of what is kept'); END"
            for table, unique in _UNIQUE.items()
        ),
        *(
            f"CREATE TRIGGER {table}_named BEFORE UPDATE ON {table} "
            f"WHEN {' OR '.join(f'NEW.{column} IS NOT OLD.{column}' for column in ('rowid', *columns))} "
            "BEGIN SELECT RAISE(ABORT, 'privacy: keeps its name'); END"
            for table, columns in _UPDATED.items()
        ),
        (
            "CREATE TRIGGER report_counters_kept BEFORE DELETE ON report_counters "
            "BEGIN SELECT RAISE(ABORT, 'privacy: numbers only grow'); END"
        ),
    ]


def _in_the_way(table: str, unique: tuple[tuple[str, ...], ...]) -> str:
    """Return the condition that a new row would meet another: by the row's own number, if it is given one, as well."""
    same = [" AND ".join(f"{column} = NEW.{column}" for column in columns) for columns in unique]
    same.append("rowid = NEW.rowid AND NEW.rowid > 0")  # a row that is given none has -1 here; SQLite's begin with 1
    return " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {one})" for one in same)  # noqa: S608 - our own names


def _postgresql() -> list[str]:
    # It knows no REPLACE, and an upsert is an update that its triggers hear of.
    body = "BEGIN IF NEW.name <> OLD.name THEN RAISE 'privacy: keeps its name'; END IF; RETURN NEW; END"
    on = "ON report_counters FOR EACH ROW EXECUTE FUNCTION"
    return [
        f"CREATE FUNCTION privacy_named() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER report_counters_named BEFORE UPDATE {on} privacy_named()",
        f"CREATE TRIGGER report_counters_kept BEFORE DELETE {on} privacy_fixed()",
        "CREATE TRIGGER report_counters_whole BEFORE TRUNCATE ON report_counters EXECUTE FUNCTION privacy_fixed()",
    ]


def downgrade() -> None:
    """Drop them."""
    if _is_sqlite():
        triggers = [f"{table}_placed" for table in _UNIQUE] + [f"{table}_named" for table in _UPDATED]
        for trigger in (*triggers, "report_counters_kept"):
            op.execute(f"DROP TRIGGER {trigger}")
        return
    for what in ("named", "kept", "whole"):
        op.execute(f"DROP TRIGGER report_counters_{what} ON report_counters")
    op.execute("DROP FUNCTION privacy_named()")
