"""Tables and steps say the same, on every database."""

import threading
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

import privacy.migrations
from privacy.database import Base, open_database, writing
from privacy.errors import DatabaseError
from privacy.migrations import TABLES, migrate

REVISIONS = sorted(path.stem for path in Path(privacy.migrations.__file__).parent.glob("versions/0*.py"))


def test_the_steps_make_exactly_the_tables_that_are_declared(database: Engine) -> None:
    for module in TABLES:
        import_module(module)
    with database.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(found, Base.metadata) == []


def test_constraints_have_the_names_that_are_declared(database: Engine) -> None:
    for module in TABLES:
        import_module(module)
    inspector = inspect(database)
    for table in Base.metadata.tables.values():
        found = {inspector.get_pk_constraint(table.name)["name"]}
        found |= {each["name"] for each in inspector.get_unique_constraints(table.name)}
        found |= {each["name"] for each in inspector.get_foreign_keys(table.name)}
        found |= {each["name"] for each in inspector.get_check_constraints(table.name)}
        declared = {str(each.name) for each in table.constraints if each.name is not None}
        assert found == declared, table.name


def test_migrating_again_changes_nothing(database: Engine) -> None:
    before = inspect(database).get_table_names()
    migrate(database)

    assert inspect(database).get_table_names() == before


def test_servers_that_start_together_take_the_steps_once(database_url: str) -> None:
    failed: list[Exception] = []

    def start() -> None:
        engine = open_database(database_url)
        try:
            migrate(engine)
        except DatabaseError as error:
            failed.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


def test_a_database_from_the_future_is_refused(database: Engine) -> None:
    with writing(database) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(DatabaseError, match="not known"):
        migrate(database)


def test_revisions_are_numbered_in_one_line() -> None:
    steps = [import_module(f"privacy.migrations.versions.{name}") for name in REVISIONS]
    numbers = [f"{number:04}" for number in range(1, len(steps) + 1)]

    assert [name[:4] for name in REVISIONS] == numbers
    assert [step.revision for step in steps] == numbers
    assert [step.down_revision for step in steps] == [None, *numbers[:-1]]
