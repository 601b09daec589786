"""Scans on this machine: one process for each core, for a file that crashes a decoder must not take the audit along."""

import multiprocessing
import signal
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Self

import structlog

from privacy.audit.engines import ATTEMPTS, PATIENCE_S, MakeScanner, lost
from privacy.audit.scan import Scan, Scanner, Task
from privacy.errors import PrivacyError
from privacy.sources.recording import Fault

log = structlog.get_logger()

_BEAT_S = 1.0
# Not forked: a copy of a process with threads (a model's, a server's) may hang on a lock that nobody holds.
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    task: Task | None = None
    ready: bool = False
    heard: float = 0.0


class LocalEngine:
    """Scans in processes of this machine.

    Args:
        make: Builds a scanner in each of them.
        workers: How many; 0 scans in the calling process.
        patience_s: A worker that gives no sign of life for so long is ended.
    """

    def __init__(self, make: MakeScanner, workers: int, *, patience_s: float = PATIENCE_S) -> None:
        self.capacity = max(1, workers + 1)  # one waits, so that no worker does
        self._make = make
        self._count = workers
        self._patience_s = patience_s
        self._workers: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._attempts: dict[tuple[int, int], int] = {}
        self._scanner: Scanner | None = None

    def __enter__(self) -> Self:
        """Start the workers."""
        self._workers = [self._hire() for _ in range(self._count)]
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers = []

    def wait_until_ready(self) -> None:
        """Wait until every worker has loaded its model; see `Engine.wait_until_ready`."""
        while waiting := [worker for worker in self._workers if not worker.ready]:
            for worker in waiting:
                if worker.pipe.poll(1.0):
                    self._hear(worker)

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._waiting.append(task)
        self._assign()

    def next(self) -> Scan:
        """Wait for the next result; see `Engine.next`."""
        if not self._count:
            self._scanner = self._scanner or self._make()
            return self._scanner.scan(self._waiting.popleft())
        while True:
            pipes = {worker.pipe: worker for worker in self._workers}
            for pipe in wait(list(pipes), timeout=1.0):
                scan = self._hear(pipes[pipe])  # type: ignore[index]
                if scan is not None:
                    self._assign()
                    return scan
            for worker in list(self._workers):
                patience = self._patience_s if worker.ready else max(self._patience_s, PATIENCE_S)
                if (worker.task or not worker.ready) and time.monotonic() - worker.heard > patience:
                    scan = self._bury(worker, Fault.TIMED_OUT)
                    if scan is not None:
                        return scan

    def _hear(self, worker: _Worker) -> Scan | None:
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            return self._bury(worker, Fault.WORKER_DIED)
        worker.heard = time.monotonic()
        if isinstance(said, PrivacyError):
            raise said
        if not isinstance(said, Scan):  # a sign of life
            worker.ready = True
            self._assign()
            return None
        worker.task = None
        self._attempts.pop((said.task.recording, said.task.number), None)
        return said

    def _bury(self, worker: _Worker, why: Fault) -> Scan | None:
        """Replace a worker; return the result of its task if that is not to be tried again."""
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if not worker.ready:
            raise PrivacyError(f"a worker could not be started: it ended with code {worker.process.exitcode}")
        task = worker.task
        log.warning("worker_lost", why=why, path=task.path if task else "")
        self._workers.append(self._hire())
        result = None
        if task is not None:
            key = (task.recording, task.number)
            self._attempts[key] = self._attempts.get(key, 0) + 1
            if self._attempts[key] < ATTEMPTS:
                self._waiting.appendleft(task)
            else:
                result = lost(task, why)
        self._assign()
        return result

    def _assign(self) -> None:
        for worker in self._workers:
            if self._waiting and worker.ready and worker.task is None:
                task = self._waiting[0]
                try:
                    worker.pipe.send(task)
                except OSError:  # it has just died, and is buried when it is next listened to
                    continue
                worker.task, worker.heard = self._waiting.popleft(), time.monotonic()

    def _hire(self) -> _Worker:
        here, there = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_work, args=(self._make, there), name="audit-worker", daemon=True)
        process.start()
        there.close()  # so that its end is noticed here
        return _Worker(process, here, heard=time.monotonic())


def _work(make: MakeScanner, pipe: Connection) -> None:
    """Scan until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; who started us decides
    try:
        scanner = make()
    except PrivacyError as error:
        pipe.send(PrivacyError(str(error)))
        return
    last = 0.0

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last > _BEAT_S:
            last = time.monotonic()
            pipe.send("alive")

    try:
        pipe.send("ready")
        while True:
            pipe.send(scanner.scan(pipe.recv(), beat))
    except (EOFError, OSError):
        return
