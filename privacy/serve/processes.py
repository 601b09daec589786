"""Several processes behind one port: the kernel hands each new connection to one of them.

Each has a model, a queue and limits of its own. The parent looks on: it starts them, starts one again that dies, tells
them to drain, and says over HTTP what they count together.
"""

import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import structlog
from prometheus_client import multiprocess

from privacy.errors import InputError, PrivacyError
from privacy.migrations import migrated
from privacy.serve.http import HttpFace, bound
from privacy.serve.metrics import of_processes
from privacy.serve.service import EXIT_AFTER_S, Options, serve
from privacy.tokens import Tokens

log = structlog.get_logger()

_AGAIN_AFTER_S = 1.0
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    words: Connection
    address: str = ""


class Processes:
    """A server of several processes.

    Args:
        options: What is asked for; `processes` of them.
        database: URL of the database; None to keep nothing.
        prepare: Called first in each process, to set up its log; it can be pickled.
    """

    def __init__(self, options: Options, database: str | None, prepare: Callable[[], None]) -> None:
        self._prepare = prepare
        self._options = options
        self._database = database
        self._workers: list[_Worker] = []
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
            port = ending.enter_context(_reserved(self._options.address))
            options = replace(self._options, address=port, http=None)
            folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="privacy-metrics-")))
            os.environ[_FOLDER] = str(folder)  # read by the library in each process that is started from now on
            face = self._http(folder, ending)
            ending.callback(self._end)
            self._workers = [self._started(options) for _ in range(self._options.processes)]
            for worker in self._workers:
                worker.address = _first_word(worker)
            ready(port, face)
            while not told:
                self._look(options, folder)

    def _look(self, options: Options, folder: Path) -> None:
        """Wait a moment; start again whoever has died."""
        dead = wait([worker.process.sentinel for worker in self._workers], timeout=0.2)
        for at, worker in enumerate(self._workers):
            if worker.process.sentinel in dead:
                log.error("process_died", pid=worker.process.pid, code=worker.process.exitcode)
                multiprocess.mark_process_dead(worker.process.pid, str(folder))  # type: ignore[no-untyped-call]
                time.sleep(_AGAIN_AFTER_S)
                self._workers[at] = self._started(options)

    def _started(self, options: Options) -> _Worker:
        ours, theirs = self._spawn.Pipe(duplex=False)
        process = self._spawn.Process(
            target=_serve, args=(self._prepare, options, self._database, theirs), name="serve"
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _http(self, folder: Path, ending: ExitStack) -> str:
        options = self._options
        if options.http is None:
            return ""
        tokens = None
        if options.tokens and self._database is not None:
            tokens = Tokens(ending.enter_context(migrated(self._database)))
        tls = None if options.tls_key is None or options.tls_cert is None else (options.tls_key, options.tls_cert)
        face = HttpFace(options.http, lambda: of_processes(folder), tokens=tokens, tls=tls)
        ending.enter_context(face.serving(self._ready))
        return face.address

    def _ready(self) -> bool:
        """Say whether all are healthy; one that was started again says so when it is."""
        for worker in self._workers:
            if not worker.address and worker.words.poll():
                worker.address = _first_word(worker)
        return all(worker.address and worker.process.is_alive() for worker in self._workers)

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        last = time.monotonic() + self._options.grace_s + EXIT_AFTER_S + 1
        for worker in self._workers:
            worker.process.join(max(0.0, last - time.monotonic()))
            if worker.process.exitcode is None:
                worker.process.kill()


def _serve(prepare: Callable[[], None], options: Options, database: str | None, words: Connection) -> None:
    """Serve in a process of its own; says its address, or why there is none."""
    prepare()
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    try:
        with ExitStack() as ending:
            engine = None if database is None else ending.enter_context(migrated(database))
            serve(options, engine, lambda address, _: words.send(address))
    except PrivacyError as error:
        words.send(error)


def _follow_parent() -> None:
    """Drain when the parent has gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _first_word(worker: _Worker) -> str:
    try:
        said: str | PrivacyError = worker.words.recv()
    except EOFError:
        raise PrivacyError("a process ended before it served") from None
    if isinstance(said, PrivacyError):
        raise said
    return said


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
