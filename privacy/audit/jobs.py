"""Audits that a service runs for others, one after the other: started, watched, cancelled, gone on with.

Each has a folder of its own with its book; whatever is known of it stands there, so that a service that starts again
knows all of them.
"""

import re
import sqlite3
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import structlog

from privacy.audit import outcome, run
from privacy.audit.archive import Naming
from privacy.audit.book import NAME, Book, Entry, Progress, now
from privacy.audit.engines import MakeScanner
from privacy.audit.engines.local import LocalEngine
from privacy.audit.page import write_page
from privacy.audit.terms import Terms
from privacy.errors import (
    DamagedError,
    DatabaseError,
    FieldError,
    InputError,
    PrivacyError,
    ResourceNotFoundError,
    SinkError,
)
from privacy.models import catalogue
from privacy.policy import Policy

log = structlog.get_logger()

_STOP_S = 10.0
_NAME = re.compile(r"audits/([0-9a-f]{32})")
_DAMAGE = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
"""What SQLite says of a file that is not what it was; `SQLITE_ERROR` is that a table is missing."""
MAX_UNREADABLE = 1000
"""So many unreadable recordings are told with the progress; the book has all."""


class Status(StrEnum):
    """Where an audit stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    INCOMPLETE = "INCOMPLETE"
    """Something could not be read to its end."""
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    """It broke off, or the service did; it can be gone on with."""


OPEN = (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for.

    Attributes:
        paths: Files, folders or globs below the roots of the service.
        terms: How closely to look.
        request_id: A second order with the same one starts nothing.
    """

    paths: tuple[str, ...]
    terms: Terms
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One audit as it stands.

    Attributes:
        name: "audits/{audit}".
        status: Where it stands.
        paths: As they were ordered.
        terms: As they were ordered.
        progress: How far it is.
        unreadable: Recordings of which something could not be read, at most `MAX_UNREADABLE`.
        summary: The totals of findings.json; None before it has ended.
        created: When it was ordered, ISO 8601.
        ended: When it ended; empty while it runs.
        model: Name and sha256.
        policy: Name, version and thresholds, among others.
        failure: Why it broke off.
    """

    name: str
    status: Status
    paths: tuple[str, ...]
    terms: Terms
    progress: Progress
    unreadable: tuple[Entry, ...]
    summary: dict[str, Any] | None
    created: str
    ended: str
    model: dict[str, str]
    policy: dict[str, Any]
    failure: str


class Shelf:
    """Where audits lie; whoever knows the folder may read there, whichever process they run in.

    Args:
        folder: Each audit has a folder of its own in it.
        roots: Nothing outside of these folders is ever read.

    Raises:
        InputError: A root is no folder.
    """

    def __init__(self, folder: Path, roots: Sequence[Path]) -> None:
        self._folder = folder
        self.roots = tuple(root.resolve() for root in roots)
        if missing := [root for root in self.roots if not root.is_dir()]:
            raise InputError(f"{missing[0]}: an archive root must be a folder", field="roots")

    @contextmanager
    def book(self, name: str) -> Iterator[Book]:
        """Lend the book of an audit, to whoever only makes something of what stands in it.

        Raises:
            ResourceNotFoundError: There is none of this name.
            DatabaseError: It cannot be read now.
            DamagedError: What stands in it cannot be read, or is not what was written.
        """
        with self._lent(self._key(name)) as book:
            yield book

    def thumbnails(self, name: str, files: Sequence[str]) -> list[bytes]:
        """Return masked pictures of a finding."""
        folder = self._folder / self._key(name)
        return [(folder / file).read_bytes() for file in files if (folder / file).is_file()]

    def below_root(self, path: str) -> str:
        """Return a recording's path below its archive root."""
        for root in self.roots:
            if Path(path).is_relative_to(root):
                return str(Path(path).relative_to(root))
        return Path(path).name

    def _key(self, name: str) -> str:
        found = _NAME.fullmatch(name)
        if found is None or not (self._folder / found[1] / NAME).is_file():
            raise ResourceNotFoundError("no audit of this name", name=name[:64])
        return found[1]

    @contextmanager
    def _lent(self, key: str) -> Iterator[Book]:
        try:
            with self._book(key) as book:
                yield book
        except (sqlite3.DatabaseError, zlib.error, ValueError, TypeError, LookupError, AttributeError) as error:
            raise self._unread(key, error) from error

    def _book(self, key: str) -> Book:
        try:
            return Book(self._folder / key / NAME)
        except InputError as error:  # whoever asks cannot fix it, and where it lies is for the log
            if isinstance(error.__cause__, sqlite3.DatabaseError):
                raise self._unread(key, error.__cause__) from error
            raise DatabaseError(str(error)) from error

    def _unread(self, key: str, error: Exception) -> DatabaseError:
        """Return why a book could not be read: it is damaged, unless SQLite says that it did not come to read it."""
        path = self._folder / key / NAME
        # An error without a code is of a value that is none of its kind.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # the rest says it more closely
        if isinstance(error, sqlite3.DatabaseError) and code not in _DAMAGE:
            return DatabaseError(f"{path} cannot be read: {error}", path=str(path))
        # What a value is that cannot be read may be anybody's; its kind is enough.
        return DamagedError(f"{path} is no whole book: {type(error).__name__}", path=str(path))


class Jobs(Shelf):
    """All audits of one service.

    Args:
        folder: Where they lie, each in a folder of its own.
        roots: Nothing outside of these folders is ever read.
        policies: Returns the policy of a name.
        make: Builds what scans, from a policy and terms.
        workers: Processes of an audit; 0 scans in the service's own.

    Raises:
        InputError: A root is no folder.
    """

    def __init__(
        self,
        folder: Path,
        roots: Sequence[Path],
        policies: Callable[[str], Policy],
        *,
        make: Callable[[Policy, Terms], MakeScanner] = run.MakeScanner,
        workers: int = 1,
    ) -> None:
        super().__init__(folder, roots)
        self._policies = policies
        self._make = make
        self._workers = workers
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._starting = threading.Lock()
        self._entering = ""  # what it is to audit is still being listed
        self._queue: list[str] = []
        self._running = ""
        self._cancelled: set[str] = set()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="audits", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the audit that runs; it can be gone on with."""
        with self._more:
            self._stopped = True
            self._more.notify_all()
        self._thread.join(_STOP_S)  # a part that is under way is lost; it will be scanned again

    def start(self, order: Order) -> Job:
        """Enter an audit, and let it run when its turn comes.

        Raises:
            FieldError: A path leads out of the roots, or names nothing.
        """
        paths = self._confined(order.paths)
        with self._starting:  # one after the other, or an order that is repeated might start twice
            key = self._asked_by(order.request_id)
            if key is None:
                key = self._entering = uuid.uuid4().hex
                try:
                    self._enter(key, paths, order)  # lists the archive, for which no other call should wait
                    with self._more:
                        self._queue.append(key)
                        self._more.notify_all()
                finally:
                    self._entering = ""
        return self.job(f"audits/{key}")

    def resume(self, name: str, request_id: str = "") -> Job:
        """Go on with an audit that was cancelled or broke off.

        Raises:
            ResourceNotFoundError: There is none of this name.
        """
        key = self._key(name)
        with self._more:
            if key not in self._queue and key != self._running:
                with self._lent(key) as book:
                    book.state("request", request_id or book.fact("request", ""))
                    if Status(book.fact("status")) is not Status.SUCCEEDED:
                        book.state("status", Status.QUEUED)
                        self._cancelled.discard(key)
                        self._queue.append(key)
                        self._more.notify_all()
        return self.job(name)

    def cancel(self, name: str) -> Job:
        """Stop an audit. What it found stays.

        Raises:
            ResourceNotFoundError: There is none of this name.
        """
        key = self._key(name)
        with self._more:
            if key in self._queue:
                self._queue.remove(key)
                with self._lent(key) as book:
                    self._end(book, Status.CANCELLED)
            elif key == self._running:
                self._cancelled.add(key)
        return self.job(name)

    def job(self, name: str) -> Job:
        """Return one audit.

        Raises:
            ResourceNotFoundError: There is none of this name.
            DatabaseError: Its book cannot be read now.
            DamagedError: It cannot be read at all.
        """
        return self._read(self._key(name))

    def jobs(self) -> list[Job]:
        """Return all audits, the newest first; of one whose book cannot be read, that it failed."""
        found = []
        for key in self._keys():
            try:
                found.append(self._read(key))
            except DatabaseError as error:
                log.error("audit_unreadable", audit=key, error=str(error))
                found.append(_unreadable(f"audits/{key}"))
        return sorted(found, key=lambda job: (job.created, job.name), reverse=True)

    def _read(self, key: str) -> Job:
        with self._lent(key) as book:
            return self._job(key, book)

    def _asked_by(self, request_id: str) -> str | None:
        """Return the audit that was ordered with this id; None if it has none, or its book cannot be read."""
        for key in self._keys() if request_id else ():
            try:
                with self._lent(key) as book:
                    if book.fact("request") == request_id:
                        return key
            except DatabaseError as error:
                log.error("audit_unreadable", audit=key, error=str(error))
        return None

    def _confined(self, paths: Sequence[str]) -> list[str]:
        if not paths:
            raise FieldError("`spec.paths` must name something to audit", field="spec.paths")
        return [self._confine(path) for path in paths]

    def _confine(self, path: str) -> str:
        refused = FieldError("a path of `spec.paths` is not below an archive root", field="spec.paths")
        if not path or path.startswith("@") or "://" in path or ".." in Path(path).parts or "\0" in path:
            raise refused
        for root in self.roots:
            whole = root / path
            if any(letter in path for letter in "*?["):
                with suppress(ValueError):  # it is no pattern
                    if whole.is_relative_to(root) and any(root.glob(str(whole.relative_to(root)))):
                        return str(whole)
            elif whole.resolve().is_relative_to(root) and whole.exists():
                return str(whole)
        raise refused

    def _enter(self, key: str, paths: list[str], order: Order) -> None:
        folder = self._folder / key
        rules = self._rules(order.terms)
        with closing(run.begin(folder, paths, order.terms, rules, Naming(), resume=False, within=self.roots)) as book:
            book.state("ordered", list(order.paths))
            book.state("request", order.request_id)
            book.state("created", now())
            book.state("status", Status.QUEUED)

    def _rules(self, terms: Terms) -> Policy:
        return catalogue.calibrated(self._policies(terms.policy), terms.model)

    def _keys(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        found = sorted(each.name for each in self._folder.iterdir() if (each / NAME).is_file())
        return [key for key in found if key != self._entering]

    def _job(self, key: str, book: Book) -> Job:
        status = Status(book.fact("status", Status.FAILED))
        if status in OPEN and key != self._running and key not in self._queue:
            status = Status.FAILED  # the service that ran it is gone
        return Job(
            name=f"audits/{key}",
            status=status,
            paths=tuple(book.fact("ordered", [])),
            terms=Terms.from_json(book.fact("terms")),
            progress=book.progress(),
            unreadable=tuple(book.unreadable(MAX_UNREADABLE)),
            summary=book.fact("summary"),
            created=book.fact("created", ""),
            ended="" if status in OPEN else book.fact("over", ""),
            model={**book.fact("model")},
            policy={**book.fact("policy")},
            failure=book.fact("failure", ""),
        )

    def _work(self) -> None:
        while True:
            with self._more:
                while not self._queue and not self._stopped:
                    self._more.wait()
                if self._stopped:
                    return
                self._running = self._queue.pop(0)
                key = self._running
            try:
                with self._book(key) as book:
                    self._audit(key, book)
            except Exception as error:  # one audit that fails must not end the others
                told = isinstance(error, PrivacyError)
                log.error("audit_failed", audit=key, error=type(error).__name__, why=str(error) if told else "")
                self._fail(key, error)
            finally:
                with self._more:
                    self._running = ""
                    self._cancelled.discard(key)

    def _fail(self, key: str, error: Exception) -> None:
        try:
            with self._book(key) as book:
                book.state("failure", _why(error))
                self._end(book, Status.FAILED)
        except Exception as unwritten:  # the disk is full; what nobody runs counts as failed all the same
            log.error("audit_unwritten", audit=key, error=type(unwritten).__name__)

    def _audit(self, key: str, book: Book) -> None:
        terms = Terms.from_json(book.fact("terms"))
        rules = self._rules(terms)
        book.state("status", Status.RUNNING)
        with LocalEngine(self._make(rules, terms), self._workers) as engine:
            whole = run.scan(book, engine, stop=lambda: self._stopped or key in self._cancelled)
        folder = self._folder / key
        done = outcome.conclude(book, rules, folder)
        write_page(done, rules, folder / "index.html")
        if not whole:
            self._end(book, Status.CANCELLED)
        else:
            self._end(book, Status.INCOMPLETE if done["summary"]["unreadable"] else Status.SUCCEEDED)

    def _end(self, book: Book, status: Status) -> None:
        book.state("over", now())
        book.state("status", status)


def _unreadable(name: str) -> Job:
    """Return what is said of an audit of which nothing is known."""
    return Job(
        name=name,
        status=Status.FAILED,
        paths=(),
        terms=Terms(policy="", model=""),
        progress=Progress(0, 0, 0, 0, 0.0, 0),
        unreadable=(),
        summary=None,
        created="",
        ended="",
        model={"name": "", "sha256": ""},
        policy={"name": "", "version": ""},
        failure="its book cannot be read",
    )


def _why(error: Exception) -> str:
    """Return why an audit broke off, for all who may read it: where the server keeps audits is for its log."""
    if isinstance(error, SinkError | DatabaseError):
        return "what it finds cannot be written"
    return str(error) if isinstance(error, PrivacyError) else type(error).__name__


class JobsElsewhere(Shelf):
    """The audits that another process of this service runs; see `shared`.

    Args:
        folder: As in `Jobs`.
        roots: As in `Jobs`.
        address: Where the other process listens.
    """

    def __init__(self, folder: Path, roots: Sequence[Path], address: str) -> None:
        super().__init__(folder, roots)
        manager = _Manager(address)
        manager.connect()
        self._jobs: Jobs = manager.jobs()  # type: ignore[attr-defined]  # a proxy, which is made at run time

    def start(self, order: Order) -> Job:
        """See `Jobs.start`."""
        return self._jobs.start(order)

    def resume(self, name: str, request_id: str = "") -> Job:
        """See `Jobs.resume`."""
        return self._jobs.resume(name, request_id)

    def cancel(self, name: str) -> Job:
        """See `Jobs.cancel`."""
        return self._jobs.cancel(name)

    def job(self, name: str) -> Job:
        """See `Jobs.job`."""
        return self._jobs.job(name)

    def jobs(self) -> list[Job]:
        """See `Jobs.jobs`."""
        return self._jobs.jobs()


class _Manager(BaseManager):
    """Asks another process. Both have the key of the process that started them."""


_Manager.register("jobs")


@contextmanager
def shared(jobs: Jobs) -> Iterator[str]:
    """Let the processes that this one starts order audits here, and yield the address at which they ask."""

    class Manager(BaseManager):
        """Answers for `jobs`."""

    Manager.register("jobs", lambda: jobs, exposed=("start", "resume", "cancel", "job", "jobs"))
    server = Manager().get_server()
    threading.Thread(target=server.serve_forever, name="audits-shared", daemon=True).start()
    try:
        yield str(server.address)
    finally:
        server.stop_event.set()  # type: ignore[attr-defined]  # what a manager does when it is told to shut down
