"""A PostgreSQL server of the tests' own, on a socket in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

_USER = "postgres"


class PostgreSQL:
    """A server that can be stopped and started; it listens on no port."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._count = 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # No fsync: nothing here has to outlive a power cut. 100 connections: the tests' own.
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-s", "-l", log, "-D", str(self._folder / "data"), "-o", options)

    def stop(self) -> None:
        """End it as a power cut would, but for the files."""
        self._run("pg_ctl", "stop", "-s", "-m", "immediate", "-D", str(self._folder / "data"))

    def create(self) -> None:
        """Make the files of a server."""
        self._run("initdb", "--no-sync", "-A", "trust", "-U", _USER, "-D", str(self._folder / "data"))

    def new_database(self) -> str:
        """Return the URL of a new, empty database."""
        self._count += 1
        name = f"test{self._count}"
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._url(name).render_as_string(hide_password=False).replace("+psycopg", "")

    def _url(self, database: str) -> URL:
        return make_url(f"postgresql+psycopg://{_USER}@/{database}?host={self._folder}")

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        become = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
        command = [*become, str(self._programs / program), *arguments]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, cwd=self._folder)
        assert done.returncode == 0, done.stderr


@contextmanager
def running() -> Iterator[PostgreSQL]:
    """Yield a server that runs; skips the test where there is none to be had."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = str(found[-1]) if found else shutil.which("initdb")
    if program is None:
        pytest.skip("no PostgreSQL server is installed")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        server = PostgreSQL(Path(program).parent, folder)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
