"""Several processes behind one port: the kernel hands each new connection to one of them.

Each has a model, a queue and limits of its own. The parent looks on: it starts them, starts one again that dies, tells
them to drain, and says over HTTP what they count together. What must be known of a camera whichever process it comes
to, the parent alone knows: it reports for all of them, runs their audits, and has the one console.
"""

import itertools
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog
from prometheus_client import multiprocess
from sqlalchemy import Engine as Database
from starlette.routing import BaseRoute

from privacy import policy as policies
from privacy.audit.jobs import Jobs, JobsElsewhere, shared
from privacy.errors import InputError, PrivacyError
from privacy.migrations import migrated
from privacy.reports.store import Store
from privacy.serve.audit_servicer import services_of
from privacy.serve.http import HttpFace, bound
from privacy.serve.metrics import of_processes
from privacy.serve.observer import Observer
from privacy.serve.reporting import Relay, Reporting
from privacy.serve.scheduler import cores
from privacy.serve.server import Service
from privacy.serve.service import EXIT_AFTER_S, Options, serve
from privacy.tokens import Tokens

log = structlog.get_logger()

_AGAIN_AFTER_S = 1.0
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    words: Connection  # its address, why there is none, and then whether it is healthy
    seen: threading.Thread | None
    address: str = ""
    healthy: bool = False

    def hear(self) -> None:
        """Take note of what it has said since.

        Raises:
            PrivacyError: It said that it cannot serve, or nothing.
        """
        while not self.address or self.words.poll():
            try:
                said: str | bool | PrivacyError = self.words.recv()
            except EOFError:
                if self.address:
                    self.healthy = False
                    return
                raise PrivacyError("a process ended before it served") from None
            match said:
                case PrivacyError():
                    raise said
                case bool():
                    self.healthy = said
                case str():
                    self.address, self.healthy = said, True


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What audits may read; can be pickled.

    Attributes:
        audits: Where audits lie.
        roots: Folders of recordings.
        policy: The policy of an audit that names none.
        model: The model of an audit that names none.
    """

    audits: Path
    roots: tuple[Path, ...]
    policy: str
    model: str

    def jobs(self) -> Jobs:
        """Return what runs audits; it runs.

        Raises:
            InputError: A root is no folder.
        """
        return Jobs(self.audits, self.roots, policies.load, workers=cores())

    def services(self, jobs: Jobs | JobsElsewhere) -> tuple[Service, ...]:
        """Return what a server has to add to serve audits."""
        return services_of(jobs, policy=self.policy, model=self.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What one process has for all.

    Attributes:
        tokens: Who may call; None for everybody.
        database: Where cameras are registered; None to keep nothing.
        store: Reports and the ledger; None if none are kept.
        jobs: Audits; None if there are none.
    """

    tokens: Tokens | None = None
    database: Database | None = None
    store: Store | None = None
    jobs: Jobs | None = None


class Post(Protocol):
    """In each process: what tells the parent, from within its block, what the console must know."""

    @property
    def observers(self) -> Sequence[Observer]:
        """Who must hear what the process does."""

    def ask(self, camera: str) -> None:
        """Make pictures of a camera for a while."""

    def __enter__(self) -> object: ...

    def __exit__(self, *failure: object) -> None: ...


P = TypeVar("P", bound="Posts")


class Posts(Protocol):
    """In the parent: what takes it."""

    def join(self, source: int, ask: Callable[[str], None]) -> None:
        """Expect news of another process; `ask` has it make pictures of a camera."""

    def take(self, source: int, news: Any) -> None:  # noqa: ANN401 - between a console and itself
        """Take what a process tells."""

    def gone(self, source: int) -> None:
        """Take note that a process has ended."""


class Console(Protocol[P]):
    """The pages that show what all processes do; can be pickled."""

    def post(self, tell: Callable[[Any], None]) -> Post:
        """Return what tells, in each process, what its cameras show."""

    def posts(self) -> P:
        """Return what takes it, in the parent."""

    def pages(self, posts: P, parts: Shared) -> Sequence[BaseRoute]:
        """Return the pages, in the parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a process is to do; can be pickled.

    Attributes:
        options: What is asked for.
        database: URL of the database; None to keep nothing.
        prepare: Called first in each process, to set up its log.
        reporting: Makes what reports, given what takes what is seen elsewhere or None; None for no reports.
        archive: What may be audited; None for nothing.
        console: What the HTTP side shows beside health and metrics; None for nothing.
    """

    options: Options
    database: str | None
    prepare: Callable[[], None]
    reporting: Callable[[Relay | None], Reporting] | None = None
    archive: Archive | None = None
    console: Console[Any] | None = None


@dataclass(frozen=True, slots=True)
class _Lines:
    """What a process speaks over.

    Attributes:
        words: Its address, or why there is none, and then whether it is healthy.
        seen: What its cameras show, for reports.
        console: What they show, for the console, and which pictures are asked for.
        audits: Where the parent takes orders for audits.
    """

    words: Connection
    seen: Connection
    console: Connection
    audits: str


class Processes:
    """A server of several processes.

    Args:
        orders: What each is to do; `options.processes` of them.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._workers: list[_Worker] = []
        self._reporting: Reporting | None = None
        self._posts: Posts | None = None
        self._jobs: Jobs | None = None
        self._audits = ""
        self._sources = itertools.count(1)
        self._hearing = threading.Lock()
        self._spawn = multiprocessing.get_context("spawn")

    def run(self, ready: Callable[[str, str], None]) -> None:
        """Serve until SIGTERM or SIGINT, then drain.

        Args:
            ready: Called with the address, and that of the HTTP side or "", once every process is healthy.

        Raises:
            PrivacyError: It cannot be served.
        """
        told: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: told.append(number))
        with ExitStack() as ending:
            self._begin(ending)
            asked = self._orders.options
            port = ending.enter_context(_reserved(asked.address))
            folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="privacy-metrics-")))
            os.environ[_FOLDER] = str(folder)  # read by the library in each process that is started from now on
            face = self._http(folder, ending)
            ending.callback(self._end)
            orders = replace(self._orders, options=replace(asked, address=port, http=None))
            self._workers = [self._started(orders) for _ in range(asked.processes)]
            for worker in self._workers:
                worker.hear()
            ready(port, face)
            while not told:
                self._look(orders, folder)

    def _begin(self, ending: ExitStack) -> None:
        """Begin what one process does for all."""
        if self._orders.reporting is not None:
            self._reporting = ending.enter_context(self._orders.reporting(None))
        if self._orders.archive is not None:
            self._jobs = self._orders.archive.jobs()
            ending.callback(self._jobs.stop)
            self._audits = ending.enter_context(shared(self._jobs))
        if self._orders.console is not None:
            self._posts = self._orders.console.posts()

    def _look(self, orders: Orders, folder: Path) -> None:
        """Wait a moment; start again whoever has died."""
        dead = wait([worker.process.sentinel for worker in self._workers], timeout=0.2)
        for at, worker in enumerate(self._workers):
            if worker.process.sentinel in dead:
                log.error("process_died", pid=worker.process.pid, code=worker.process.exitcode)
                multiprocess.mark_process_dead(worker.process.pid, str(folder))  # type: ignore[no-untyped-call]
                time.sleep(_AGAIN_AFTER_S)
                self._workers[at] = self._started(orders)

    def _started(self, orders: Orders) -> _Worker:
        ours, theirs = self._spawn.Pipe(duplex=False)
        from_it, to_us = self._spawn.Pipe(duplex=False)
        shown, showing = self._spawn.Pipe()
        lines = _Lines(theirs, to_us, showing, self._audits)
        process = self._spawn.Process(target=_serve, args=(orders, lines), name="serve")
        process.start()
        for end in (theirs, to_us, showing):
            end.close()
        source = next(self._sources)
        if self._posts is not None:
            self._posts.join(source, _asking(shown))
            _listen(shown, partial(self._posts.take, source), partial(self._posts.gone, source))
        if self._reporting is None:
            return _Worker(process, ours, None)
        self._reporting.join(source)
        reports = _listen(from_it, partial(self._reporting.take, source), partial(self._reporting.gone, source))
        return _Worker(process, ours, reports)

    def _http(self, folder: Path, ending: ExitStack) -> str:
        options, database = self._orders.options, self._orders.database
        if options.http is None:
            return ""
        engine = None if database is None else ending.enter_context(migrated(database))
        tokens = Tokens(engine) if options.tokens and engine is not None else None
        pages: Sequence[BaseRoute] = ()
        if self._orders.console is not None and self._posts is not None:
            store = None if self._reporting is None else self._reporting.store
            parts = Shared(tokens=tokens, database=engine, store=store, jobs=self._jobs)
            pages = self._orders.console.pages(self._posts, parts)
        tls = None if options.tls_key is None or options.tls_cert is None else (options.tls_key, options.tls_cert)
        face = HttpFace(options.http, lambda: of_processes(folder), tokens=tokens, tls=tls, routes=pages)
        ending.enter_context(face.serving(self._ready))
        return face.address

    def _ready(self) -> bool:
        """Say whether all are healthy; one that was started again says so when it is."""
        with self._hearing:  # probes come at the same time, and one would wait for what another has heard
            for worker in self._workers:
                try:
                    if worker.words.poll():
                        worker.hear()
                except PrivacyError as error:  # it is started again
                    log.error("process_failed", pid=worker.process.pid, reason=error.reason)
                    worker.healthy = False
        return all(worker.healthy and worker.process.is_alive() for worker in self._workers)

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        last = time.monotonic() + self._orders.options.grace_s + EXIT_AFTER_S + 1
        for worker in self._workers:
            worker.process.join(max(0.0, last - time.monotonic()))
            if worker.process.exitcode is None:
                worker.process.kill()
            if worker.seen is not None:
                worker.seen.join(1)  # what it saw last is reported as well


def _listen(line: Connection, take: Callable[[Any], None], gone: Callable[[], None]) -> threading.Thread:
    """Take everything that a process says, until it ends."""

    def listen() -> None:
        with suppress(EOFError, OSError):
            while True:
                take(line.recv())
        gone()

    thread = threading.Thread(target=listen, name="listen", daemon=True)
    thread.start()
    return thread


def _asking(line: Connection) -> Callable[[str], None]:
    """Return what asks for pictures over a line, whichever thread does."""
    lock = threading.Lock()

    def ask(camera: str) -> None:
        with lock:
            line.send(camera)

    return ask


def _serve(orders: Orders, lines: _Lines) -> None:
    """Serve in a process of its own."""
    orders.prepare()
    words = lines.words
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    try:
        with ExitStack() as ending:
            engine = None if orders.database is None else ending.enter_context(migrated(orders.database))
            reporting, services = None, list[Service]()
            observers: Sequence[Observer] = ()
            if orders.console is not None:
                post = orders.console.post(lines.console.send)
                ending.enter_context(post)
                _listen(lines.console, post.ask, lambda: None)
                observers = post.observers
            if orders.reporting is not None:
                reporting = ending.enter_context(orders.reporting(lines.seen.send))
                services.append(reporting.service)
            if orders.archive is not None:
                jobs = JobsElsewhere(orders.archive.audits, orders.archive.roots, lines.audits)
                services += orders.archive.services(jobs)
            serve(
                orders.options,
                engine,
                lambda address, _: words.send(address),
                reporting=reporting,
                services=services,
                observers=observers,
                tell=words.send,
            )
    except PrivacyError as error:
        words.send(error)


def _follow_parent() -> None:
    """Drain when the parent has gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _reserved(address: str) -> Iterator[str]:
    """Hold a port for processes that share it, and yield "host:port" with the real port.

    Raises:
        InputError: It cannot be bound, or somebody has it: even one who would share it is another server.
    """
    bound(address).close()
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise InputError(f"{address} cannot be bound: {error}", address=address) from error
        yield f"{host}:{held.getsockname()[1]}"
