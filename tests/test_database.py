"""What is written stays, what fails is typed and leaves nothing, and no password is said."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from privacy.cameras.tables import CameraRow, SiteRow
from privacy.database import open_database, reading, shown, writing
from privacy.errors import DatabaseBusyError, DatabaseError, DatabaseFullError, InputError
from privacy.migrations import migrate
from tests import databases

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def site(name: str, moment: datetime = NOON, display_name: str = "HQ") -> SiteRow:
    return SiteRow(site=name, display_name=display_name, create_time=moment, update_time=moment)


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


def count(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(SiteRow)) or 0


def test_what_was_written_is_read_by_another_engine(database: Engine, database_url: str) -> None:
    with writing(database) as session:
        session.add(site("hq"))
    other = open_database(database_url)

    assert count(other) == 1
    other.dispose()


def test_a_block_that_raises_leaves_nothing(database: Engine) -> None:
    def fail() -> None:
        with writing(database) as session:
            session.add(site("hq"))
            session.flush()
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()

    assert count(database) == 0


def test_a_moment_comes_back_in_utc(database: Engine) -> None:
    china = timezone(timedelta(hours=8))
    with writing(database) as session:
        session.add(site("hq", datetime(2026, 1, 2, 20, tzinfo=china)))
    with reading(database) as session:
        row = session.get_one(SiteRow, "hq")

    assert (row.create_time, row.create_time.tzinfo) == (NOON, UTC)


def test_a_moment_without_a_time_zone_is_refused(database: Engine) -> None:
    with pytest.raises(StatementError, match="time zone"), writing(database) as session:
        session.add(site("hq", NOON.replace(tzinfo=None)))


def test_references_are_checked(database: Engine) -> None:
    with pytest.raises(IntegrityError), writing(database) as session:
        session.add(
            CameraRow(
                site="none", camera="c", display_name="c", declared_purpose="lobby", create_time=NOON, update_time=NOON
            )
        )


def test_many_threads_lose_nothing(database: Engine) -> None:
    def add(thread: int) -> None:
        for number in range(10):
            with writing(database) as session:
                session.add(site(f"{thread}-{number}"))

    threads = [threading.Thread(target=add, args=(each,)) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert count(database) == 80


def test_sqlite_keeps_a_commit_through_a_power_cut(lite: Engine) -> None:
    with reading(lite) as session:
        kept = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert kept == ["wal", 2, 1]  # 2 is FULL


def test_a_killed_writer_leaves_what_it_had_committed_and_no_lock(lite: Engine) -> None:
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN IMMEDIATE'); c.execute(\"INSERT INTO sites VALUES ('a','','','','2026','2026','e')\"); "
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(lite.url.database)], check=False)
    with writing(lite) as session:
        session.add(site("hq"))

    assert count(lite) == 1


def test_a_locked_database_is_busy(lite: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privacy.database.WAIT_S", 0.1)
    impatient = open_database(str(lite.url))
    holder = sqlite3.connect(str(lite.url.database), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseBusyError), writing(impatient) as session:
            session.add(site("hq"))
        assert count(impatient) == 0  # who only reads is not kept waiting
    finally:
        holder.close()
        impatient.dispose()


def test_a_full_database_is_full_and_what_was_there_stays(lite: Engine) -> None:
    with writing(lite) as session:
        session.add(site("hq"))

    def fill() -> None:
        with writing(lite) as session:
            session.execute(text("PRAGMA max_page_count = 1"))  # the smallest it may be is what is in use
            session.add_all(site(f"s{number}", display_name="x" * 4096) for number in range(20))

    with pytest.raises(DatabaseFullError):
        fill()
    assert count(lite) == 1


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_file_without_our_tables_is_a_typed_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.db").write_bytes(content)
    engine = open_database(f"sqlite:///{tmp_path / 'other.db'}")

    with pytest.raises(DatabaseError):
        count(engine)
    engine.dispose()


def test_a_folder_that_is_not_there_is_a_typed_error(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'missing' / 'test.db'}")

    with pytest.raises(DatabaseError):
        migrate(engine)


def test_a_server_that_is_gone_is_a_typed_error_until_it_is_back() -> None:
    with databases.running() as server:
        engine = open_database(server.new_database())
        migrate(engine)
        with writing(engine) as session:
            session.add(site("hq"))
        server.stop()
        with pytest.raises(DatabaseError):
            count(engine)
        server.start()

        assert count(engine) == 1
        engine.dispose()


def test_the_password_is_never_said() -> None:
    engine = open_database("postgresql://watch:hunter2@127.0.0.1:1/none")

    assert "hunter2" not in shown(engine) + repr(engine)
    with pytest.raises(DatabaseError) as caught:
        count(engine)
    assert "hunter2" not in f"{caught.value} {caught.value.facts}"


@pytest.mark.parametrize(
    "url", ["", "nothing", "mysql://a/b", "sqlite://", "sqlite:///:memory:", "sqlite:///a\0b", "postgresql:/a b"]
)
def test_what_is_no_database_is_an_input_error(url: str) -> None:
    with pytest.raises(InputError):
        open_database(url)
