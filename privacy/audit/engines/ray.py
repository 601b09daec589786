"""Scans on the machines of a Ray cluster: one actor a core, each with its own model.

Files have to lie where every machine finds them under the same path (a network file system, or a URL). Only scores and
masked thumbnails travel.
"""

import os
import time
from collections import deque
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import structlog

from privacy.audit.engines import PATIENCE_S, MakeScanner, lost
from privacy.audit.scan import Scan, Scanner, Task
from privacy.errors import PrivacyError, UnsupportedError
from privacy.sources.recording import Fault

log = structlog.get_logger()

_ATTEMPTS = 3  # machines come and go, and that is no fault of a file
_STARTS = 8
"""So many actors in a row may die before they can work; then something else is wrong."""


class _Actor:
    """What runs in a worker process of Ray."""

    def __init__(self, make: MakeScanner) -> None:
        self._make = make
        self._scanner: Scanner | None = None
        self._heard = time.monotonic()

    def ready(self) -> None:
        """Load the model."""
        self._scanner = self._make()

    def scan(self, task: Task) -> Scan:
        """Scan one part."""
        self._heard = time.monotonic()
        assert self._scanner is not None  # noqa: S101 - `ready` comes first
        return self._scanner.scan(task, self._beat)

    def silent_s(self) -> float:
        """Return for how long the scan has given no sign of life; answered in a thread of its own."""
        return time.monotonic() - self._heard

    def _beat(self) -> None:
        self._heard = time.monotonic()


@dataclass(slots=True, eq=False)
class _Worker:
    handle: Any
    awaited: Any  # what it was asked for last: to be ready, or to scan
    task: Task | None = None
    ready: bool = False
    asked: float = 0.0


class RayEngine:
    """Scans in actors of a Ray cluster.

    Args:
        make: Builds a scanner in each of them; picklable.
        address: Of the cluster, "auto" for the one that runs here, "" to start one on this machine.
        workers: How many actors; None for one on each core that the cluster has now. More than that, and an autoscaler
            adds machines.
        patience_s: An actor that gives no sign of life for so long is ended.

    Raises:
        UnsupportedError: Ray is not installed.
    """

    def __init__(
        self, make: MakeScanner, *, address: str = "", workers: int | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        self._ray = _import_ray()
        self.capacity = 1
        self._make = make
        self._address = address
        self._count = workers
        self._patience_s = patience_s
        self._workers: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._attempts: dict[tuple[int, int], int] = {}
        self._failed_starts = 0
        self._ours = False

    def __enter__(self) -> Self:
        """Connect, and start the actors.

        Raises:
            PrivacyError: The cluster does not answer.
        """
        if not self._ray.is_initialized():
            try:
                self._ray.init(
                    address=self._address or None,
                    include_dashboard=False if not self._address else None,
                    log_to_driver=False,
                    configure_logging=False,
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise PrivacyError(f"no Ray cluster at {self._address or 'this machine'}: {error}") from error
            self._ours = True
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        count = max(1, cores if self._count is None else self._count)
        self._workers = [self._hire() for _ in range(count)]
        self.capacity = count + 1  # one waits, so that no actor does
        return self

    def __exit__(self, *_: object) -> None:
        """End the actors, and the cluster if it is ours."""
        for worker in self._workers:
            self._ray.kill(worker.handle)
        self._workers = []
        if self._ours:
            self._ray.shutdown()
            self._ours = False

    def wait_until_ready(self) -> None:
        """Wait until every actor has loaded its model; see `Engine.wait_until_ready`."""
        while waiting := {worker.awaited: worker for worker in self._workers if not worker.ready}:
            ready, _ = self._ray.wait(list(waiting), num_returns=1, timeout=1.0)
            for reference in ready:
                self._hear(waiting[reference])

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._waiting.append(task)
        self._assign()

    def next(self) -> Scan:
        """Wait for the next result; see `Engine.next`."""
        while True:
            awaited = {worker.awaited: worker for worker in self._workers if worker.awaited is not None}
            ready, _ = self._ray.wait(list(awaited), num_returns=1, timeout=1.0)
            for reference in ready:
                scan = self._hear(awaited[reference])
                if scan is not None:
                    return scan
            for worker in list(self._workers):
                if worker.task is not None and self._is_silent(worker):
                    scan = self._bury(worker, Fault.TIMED_OUT)
                    if scan is not None:
                        return scan

    def _hear(self, worker: _Worker) -> Scan | None:
        errors = self._ray.exceptions
        try:
            said = self._ray.get(worker.awaited)
        except errors.RayTaskError as error:
            raise PrivacyError(f"a worker failed: {error.cause}") from error
        except errors.RayError:  # the process, or its machine, is gone
            return self._bury(worker, Fault.WORKER_DIED)
        worker.awaited, worker.ready, self._failed_starts = None, True, 0
        task, worker.task = worker.task, None
        self._assign()
        if task is None:
            return None
        self._attempts.pop((task.recording, task.number), None)
        assert isinstance(said, Scan)  # noqa: S101 - what `_Actor.scan` returns
        return said

    def _bury(self, worker: _Worker, why: Fault) -> Scan | None:
        """Replace a worker; return the result of its task if that is not to be tried again."""
        self._ray.kill(worker.handle)
        self._workers.remove(worker)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise PrivacyError("no worker can be started on the cluster")
        task = worker.task
        log.warning("worker_lost", why=why, path=task.path if task else "")
        self._workers.append(self._hire())
        result = None
        if task is not None:
            key = (task.recording, task.number)
            self._attempts[key] = self._attempts.get(key, 0) + 1
            if self._attempts[key] < _ATTEMPTS:
                self._waiting.appendleft(task)
            else:
                result = lost(task, why)
        self._assign()
        return result

    def _is_silent(self, worker: _Worker) -> bool:
        if time.monotonic() - worker.asked < self._patience_s:
            return False
        worker.asked = time.monotonic()  # asked again only after as long
        try:
            silent_s = float(self._ray.get(worker.handle.silent_s.remote(), timeout=10))
        except self._ray.exceptions.RayError:
            return True
        return silent_s > self._patience_s

    def _assign(self) -> None:
        for worker in self._workers:
            # Only to actors that have said that they are there: one may wait for a machine for ever.
            if self._waiting and worker.ready and worker.task is None:
                worker.task, worker.asked = self._waiting.popleft(), time.monotonic()
                worker.awaited = worker.handle.scan.remote(worker.task)

    def _hire(self) -> _Worker:
        actor = self._ray.remote(num_cpus=1, max_concurrency=2)(_Actor)
        handle = actor.remote(self._make)
        return _Worker(handle, handle.ready.remote(), asked=time.monotonic())


def _import_ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import ray  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise UnsupportedError("--engine ray needs: pip install 'privacy-zones[ray]'") from error
    module: ModuleType = ray
    return module
