"""Where what must outlive the process is kept: one SQLite file by default, PostgreSQL for several servers.

Every table is a class below `Base`. Whoever adds one adds a migration to `privacy.migrations`, which says how. A unit
of work is a `with reading(engine)` or `with writing(engine)`: one session, one transaction, one thread.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, create_engine, event, exc, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from privacy.errors import DatabaseBusyError, DatabaseError, DatabaseFullError, InputError

WAIT_S = 5
"""How long a transaction waits for a lock, or for a server to answer, before it is an error."""

_WRITES = "privacy_writes"


class Base(DeclarativeBase):
    """What every table is declared below; the names of its constraints are the same on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Utc(TypeDecorator[datetime]):
    """A moment: aware of its time zone going in, in UTC coming out, on databases that know no time zones as well."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a time of day that could be anybody's."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Say that it is UTC where the database did not."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def default_url() -> str:
    """Return the URL of this user's own database: a file in the folder for state (XDG)."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return f"sqlite:///{state / 'privacy' / 'privacy.db'}"


def open_database(url: str) -> Engine:
    """Return the engine of a database; nothing is connected yet, and nothing is created.

    SQLite runs in WAL mode, checks foreign keys, and has every commit on the disk before it returns. PostgreSQL is
    reached through psycopg (extra `postgres`).

    Args:
        url: "sqlite:///relative/path.db", "sqlite:////absolute/path.db" or "postgresql://user:password@host/name".

    Raises:
        InputError: It is no such URL, or names a database that would be forgotten, or the driver is not installed.
    """
    place = _parsed(url)
    try:
        if place.get_backend_name() == "sqlite":
            return _sqlite(place)
        return create_engine(
            place.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=20,
            pool_timeout=WAIT_S,
            connect_args={
                "connect_timeout": WAIT_S,
                "options": f"-c lock_timeout={WAIT_S}s -c statement_timeout={6 * WAIT_S}s -c timezone=UTC",
            },
        )
    except ImportError as error:
        raise InputError("PostgreSQL needs the extra: pip install 'privacy-zones[postgres]'") from error


def open_existing(url: str) -> Engine:
    """Return the engine of a database that somebody has made: a mistyped name does not make an empty one.

    Args:
        url: As `open_database` takes it.

    Raises:
        InputError: As `open_database`, or there is no such SQLite file.
    """
    engine = open_database(url)
    if engine.url.get_backend_name() == "sqlite" and not Path(engine.url.database or "").is_file():
        raise InputError(f"there is no database {shown(engine)}")
    return engine


def probe(engine: Engine) -> None:
    """Do nothing if a database answers. Nothing is made or changed for it: a SQLite file that is not there stays away.

    Raises:
        DatabaseError: It is gone, locked, or none.
    """
    if engine.url.get_backend_name() == "sqlite" and not Path(engine.url.database or "").exists():
        return
    with reading(engine) as session:
        session.execute(text("SELECT 1"))


def shown(engine: Engine) -> str:
    """Return where the database is, without its password."""
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Yield a session over one consistent state of the database; nothing is kept of what is changed in it.

    Raises:
        DatabaseError: The database is gone, full or locked.
    """
    with _typed(engine), Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Yield a session that is committed when the block ends, and rolled back whole when it raises.

    On SQLite the one write lock is taken at once, so that what was read is still true when it is written.

    Raises:
        DatabaseError: The database is gone, full or locked; nothing was written.
    """
    writer = engine.execution_options(**{_WRITES: True})
    with _typed(engine), Session(writer, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def _typed(engine: Engine) -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError:
        raise  # says something of the data, and whoever knows the tables knows what
    except exc.TimeoutError as error:
        raise DatabaseBusyError("every connection to the database is in use", database=shown(engine)) from error
    except exc.DBAPIError as error:
        raise _error(error, engine) from error


def _error(error: exc.DBAPIError, engine: Engine) -> DatabaseError:
    # The driver's own text may quote the values of a statement; it stays behind.
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or ""
    where = shown(engine)
    if code in ("SQLITE_FULL", "53100"):
        return DatabaseFullError(f"the database {where} is full", database=where, code=code)
    if code in ("55P03", "40001", "40P01") or code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseBusyError(f"the database {where} is locked by somebody else", database=where, code=code)
    return DatabaseError(f"the database {where} does not answer ({code or 'gone'})", database=where, code=code)


def _parsed(url: str) -> URL:
    try:
        place = make_url(url)
    except exc.ArgumentError as error:
        raise InputError("the database is no URL; want sqlite:///PATH or postgresql://...") from error
    if place.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(f"no database of the kind {place.get_backend_name()}; want sqlite or postgresql")
    if place.get_backend_name() == "sqlite" and place.database in (None, "", ":memory:"):
        raise InputError("a database in memory would be forgotten; want sqlite:///PATH")
    if not url.isprintable():
        raise InputError("the database's URL has a character that no path has")
    return place


def _sqlite(place: URL) -> Engine:
    # `timeout` is SQLite's busy_timeout: how long a lock is waited for.
    engine = create_engine(place, pool_size=10, max_overflow=20, pool_timeout=WAIT_S, connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # Python's driver begins transactions when it thinks fit: `_begin_sqlite` does, instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
