"""The tables, step by step from nothing to now. `migrate` takes the steps that a database has not taken yet.

To add a table: declare it below `privacy.database.Base`, write the next revision (`versions/0002_reports.py` with
`revision = "0002"`, `down_revision = "0001"`, `upgrade()` and `downgrade()`; constraints are named as `Base` names
them), and add the module that declares the table to `TABLES`. `tests/test_migrations.py` fails until tables and steps
agree, on SQLite and on PostgreSQL. A revision that was released is never edited: what changes is a new one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, text

from privacy.database import open_database, shown, writing
from privacy.errors import DatabaseError

TABLES = ("privacy.cameras.tables", "privacy.reports.tables", "privacy.tokens")
"""The modules that declare tables."""

_LOCK = 7_318_132  # of PostgreSQL: servers that start together take the steps one after the other


def migrate(engine: Engine) -> None:
    """Bring a database to the newest schema, in one transaction: whole or not at all.

    Raises:
        DatabaseError: The database is gone, full, locked, or was made by a newer version of this software.
    """
    with writing(engine) as session:
        if engine.dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.attributes["connection"] = session.connection()
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseError(
                f"the schema of {shown(engine)} is not known to this version: {error}", database=shown(engine)
            ) from error


@contextmanager
def migrated(url: str) -> Iterator[Engine]:
    """Yield the engine of a database with the newest tables; a SQLite file and its folder are made if need be.

    Raises:
        DatabaseError: It is gone, full, locked, or newer than this software.
        InputError: The URL is none.
    """
    engine = open_database(url)
    try:
        if engine.dialect.name == "sqlite" and engine.url.database:
            _make_folder(Path(engine.url.database).parent)
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"the folder {folder} cannot be made: {error.strerror}", path=str(folder)) from error
