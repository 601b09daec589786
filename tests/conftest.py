"""What tests share: a toy classifier, the default policy, databases, and the optional corpus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine

from privacy.database import open_database
from privacy.migrations import migrate
from privacy.models import catalogue
from privacy.policy import Policy
from tests import databases
from tests.databases import PostgreSQL
from tests.toys import Bright

# A busy machine is no failure; pytest-timeout ends what hangs.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Commands keep their state with the tests, not with whoever runs them."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture
def bright() -> Bright:
    return Bright()


@pytest.fixture
def rules() -> Policy:
    return catalogue.load_policy()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real pictures; not part of this repository."""
    folder = os.environ.get("PRIVACY_DATA")
    if not folder:
        pytest.skip("PRIVACY_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server, where one is installed."""
    with databases.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind that is served."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """A database of each kind, with the newest tables."""
    engine = open_database(database_url)
    migrate(engine)
    yield engine
    engine.dispose()
