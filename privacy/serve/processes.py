"""Several processes behind one port: the kernel hands each new connection to one of them.

Each has a model, a queue and limits of its own. The parent looks on: it starts them, starts one again that dies, tells
them to drain, and says over HTTP what they count together. What must be known of a camera whichever process it comes
to, the parent alone knows: it reports for all of them, and runs their audits.
"""

import itertools
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import structlog
from prometheus_client import multiprocess

from privacy import policy as policies
from privacy.audit.jobs import Jobs, JobsElsewhere, shared
from privacy.errors import InputError, PrivacyError
from privacy.migrations import migrated
from privacy.serve.audit_servicer import services_of
from privacy.serve.http import HttpFace, bound
from privacy.serve.metrics import of_processes
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
class Orders:
    """What a process is to do; can be pickled.

    Attributes:
        options: What is asked for.
        database: URL of the database; None to keep nothing.
        prepare: Called first in each process, to set up its log.
        reporting: Makes what reports, given what takes what is seen elsewhere or None; None for no reports.
        archive: What may be audited; None for nothing.
    """

    options: Options
    database: str | None
    prepare: Callable[[], None]
    reporting: Callable[[Relay | None], Reporting] | None = None
    archive: Archive | None = None


class Processes:
    """A server of several processes.

    Args:
        orders: What each is to do; `options.processes` of them.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._workers: list[_Worker] = []
        self._reporting: Reporting | None = None
        self._audits = ""
        self._sources = itertools.count(1)
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
            jobs = self._orders.archive.jobs()
            ending.callback(jobs.stop)
            self._audits = ending.enter_context(shared(jobs))

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
        process = self._spawn.Process(target=_serve, args=(orders, theirs, to_us, self._audits), name="serve")
        process.start()
        theirs.close()
        to_us.close()
        return _Worker(process, ours, self._heard(from_it))

    def _heard(self, seen: Connection) -> threading.Thread | None:
        """Report what a process has seen, until it ends."""
        reporting = self._reporting
        if reporting is None:
            return None

        source = next(self._sources)
        reporting.join(source)

        def hear() -> None:
            with suppress(EOFError, OSError):
                while True:
                    reporting.take(source, seen.recv())
            reporting.gone(source)

        thread = threading.Thread(target=hear, name="seen", daemon=True)
        thread.start()
        return thread

    def _http(self, folder: Path, ending: ExitStack) -> str:
        options, database = self._orders.options, self._orders.database
        if options.http is None:
            return ""
        tokens = None
        if options.tokens and database is not None:
            tokens = Tokens(ending.enter_context(migrated(database)))
        tls = None if options.tls_key is None or options.tls_cert is None else (options.tls_key, options.tls_cert)
        face = HttpFace(options.http, lambda: of_processes(folder), tokens=tokens, tls=tls)
        ending.enter_context(face.serving(self._ready))
        return face.address

    def _ready(self) -> bool:
        """Say whether all are healthy; one that was started again says so when it is."""
        for worker in self._workers:
            if worker.words.poll():
                worker.hear()
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


def _serve(orders: Orders, words: Connection, seen: Connection, audits: str) -> None:
    """Serve in a process of its own; says its address, or why there is none, and then whether it is healthy."""
    orders.prepare()
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    try:
        with ExitStack() as ending:
            engine = None if orders.database is None else ending.enter_context(migrated(orders.database))
            reporting, services = None, list[Service]()
            if orders.reporting is not None:
                reporting = ending.enter_context(orders.reporting(seen.send))
                services.append(reporting.service)
            if orders.archive is not None:
                jobs = JobsElsewhere(orders.archive.audits, orders.archive.roots, audits)
                services += orders.archive.services(jobs)
            serve(
                orders.options,
                engine,
                lambda address, _: words.send(address),
                reporting=reporting,
                services=services,
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
