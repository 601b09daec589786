"""One queue before the model for all streams: batches, priorities, deadlines, and a model that may hang."""

import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field

import numpy as np
import structlog
from numpy.typing import NDArray

from privacy.errors import OverloadError, PrivacyError
from privacy.evidence import Evidence
from privacy.models.classifier import ZoneClassifier
from privacy.serve.observer import Look, Observers

log = structlog.get_logger()

MAX_BATCH = 4
"""Pictures that the model sees together. On a CPU a batch costs what its pictures cost, and memory for good, for the
runtime keeps what its largest batch took; on other devices it saves time."""
MAX_WAITING = 4096
"""Pictures in the queue; each stream has one at most, so that only still pictures can fill it."""
MAX_HUNG = 4
"""Threads that are given up on before nobody looks any more. They hold memory for as long as the model hangs."""
HANG_S = 5.0
_IMPATIENCE = 8
_WARM_UP_S = 120.0
_WARM_UPS = 3

Image = NDArray[np.uint8]


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(order=True, slots=True)
class _Ticket:
    """One picture that waits to be looked at. The least is looked at first."""

    rank: tuple[bool, float, int]  # calm after urgent; then by deadline; then by arrival
    image: Image = field(compare=False)
    offset: float = field(compare=False)
    answer: "Future[tuple[Evidence, float]]" = field(compare=False)
    began: float = field(compare=False, default=0.0)


class Scheduler:
    """Runs one model for all who ask.

    What waits when a worker is free is looked at together, up to `max_batch`; nobody waits for company. A look that is
    not begun in time is called off, and one that does not come back in time is not waited for. A worker that has been
    in the model for `hang_s` is taken to hang, and another one takes its place.

    Args:
        model: What looks; safe to share between threads.
        workers: Runs of the model at the same time.
        max_batch: Most pictures of one run.
        hang_s: A run of the model that takes longer than this hangs; None for `HANG_S`.
        observers: Who hears of every run.
    """

    def __init__(
        self,
        model: ZoneClassifier,
        *,
        workers: int = 1,
        max_batch: int = MAX_BATCH,
        hang_s: float | None = None,
        observers: Observers | None = None,
    ) -> None:
        self.model = model
        self._max_batch = max_batch
        self._hang_s = HANG_S if hang_s is None else hang_s
        self._observers = observers or Observers()
        self._wanted = workers
        self._workers: list[_Worker] = []
        self._hung = 0
        self._waiting: list[_Ticket] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._warm = False
        self._stopped = False
        self._in_doubt = False  # the last look failed or hung
        self._hung_since = 0  # workers that hung since the last look that came back
        self._probe: Future[tuple[Evidence, float]] | None = None
        self._probe_failed = False
        self.look_s = 0.0

    @property
    def alive(self) -> bool:
        """Whether anybody is left who looks."""
        return bool(self._workers) and not self._stopped

    def check(self) -> bool:
        """Say whether whoever asks may hope for an answer; to be asked now and then, also when nobody looks.

        It is not so if nobody is left who looks, if all have hung since a look last came back, or if the model cannot
        even look at a black picture. After a look that failed or hung it is shown one, until it can.
        """
        with self._changed:
            self._replace_hung()
            if self._probe is not None and self._probe.done():
                self._probe_failed = self._probe.cancelled() or self._probe.exception() is not None
                self._probe = None
            if self._probe is None and self.alive and (self._in_doubt or self._probe_failed or self._hung_since):
                self._probe = Future()
                heapq.heappush(self._waiting, self._black(self._probe))
                self._changed.notify()
            return self.alive and self._hung_since < self._wanted and not self._probe_failed

    def start(self) -> None:
        """Start the workers, look at a few black pictures, and measure what a look costs (`look_s`).

        Raises:
            PrivacyError: The model cannot even do that.
        """
        with self._changed:
            while len(self._workers) < self._wanted:
                self._hire()
        try:
            times = [self._rehearse(1) for _ in range(_WARM_UPS)]
            self._rehearse(self._max_batch)  # so that memory is what it will be
        except Exception as error:
            raise PrivacyError(f"the model {self.model.name} does not work: {error}") from error
        self._warm = True
        self.look_s = min(times)  # the first ones also make what is made on first use

    def _rehearse(self, pictures: int) -> float:
        """Look at so many black pictures at once; return the seconds that one took."""
        tickets = [self._black(Future()) for _ in range(pictures)]
        with self._changed:
            for ticket in tickets:
                heapq.heappush(self._waiting, ticket)
            self._changed.notify()
        return max(ticket.answer.result(_WARM_UP_S)[1] for ticket in tickets)

    def _black(self, answer: "Future[tuple[Evidence, float]]") -> _Ticket:
        black = np.zeros((*self.model.input_size, 3), np.uint8)
        return _Ticket((False, 0.0, next(self._numbers)), black, 0.0, answer)

    def stop(self) -> None:
        """Look at nothing more. Workers that hang are left to the end of the process."""
        with self._changed:
            self._stopped = True
            left, self._waiting = self._waiting, []
            self._changed.notify_all()
        for ticket in left:
            ticket.answer.cancel()

    def seat(self, *, deadline_s: float) -> "Seat":
        """Return the model as one stream sees it.

        Args:
            deadline_s: How long one look may take, waiting included.
        """
        return Seat(self, deadline_s=deadline_s)

    def ask(self, image: Image, offset: float, *, deadline_s: float, urgent: bool) -> tuple[Evidence, float]:
        """Return what the model sees, and the seconds that it worked on it.

        Raises:
            OverloadError: It was not begun in time, or there is no room to wait.
            TimeoutError: It was begun, and does not come back.
        """
        answer: Future[tuple[Evidence, float]] = Future()
        with self._changed:
            self._replace_hung()
            if not self.alive:
                raise TimeoutError("nobody looks any more")
            if len(self._waiting) >= MAX_WAITING:
                raise OverloadError(f"{MAX_WAITING} pictures wait already", limit=MAX_WAITING)
            due = time.monotonic() + deadline_s
            ticket = _Ticket((not urgent, due, next(self._numbers)), image, offset, answer)
            heapq.heappush(self._waiting, ticket)
            self._changed.notify()
        try:
            return answer.result(deadline_s)
        except CancelledError:
            raise OverloadError("the server stops") from None
        except TimeoutError:
            if not answer.cancel():
                if answer.done():  # it came while this thread woke up, or the model itself raised this
                    return answer.result()
                if due - ticket.began > deadline_s / 2:
                    raise TimeoutError(f"no answer within {deadline_s:g} s") from None
            raise OverloadError(f"not looked at within {deadline_s:g} s", deadline=deadline_s) from None

    def run(self, worker: "_Worker") -> None:
        """Work until there is nothing to do for `worker` any more; in a thread of its own."""
        while (batch := self._take(worker)) is not None:
            self._look(batch)
            worker.began = None

    def _hire(self) -> None:
        worker = _Worker(self)
        self._workers.append(worker)
        worker.start()

    def _take(self, worker: "_Worker") -> list[_Ticket] | None:
        with self._changed:
            while True:
                if self._stopped:
                    return None
                if worker not in self._workers:  # it hung, was replaced, and has come back
                    self._hung -= 1
                    if len(self._workers) < self._wanted:
                        self._workers.append(worker)
                        continue
                    return None
                batch: list[_Ticket] = []
                while self._waiting and len(batch) < self._max_batch:
                    ticket = heapq.heappop(self._waiting)
                    if ticket.answer.set_running_or_notify_cancel():
                        batch.append(ticket)
                if batch:
                    worker.began = time.monotonic()
                    for ticket in batch:
                        ticket.began = worker.began
                    return batch
                self._changed.wait()

    def _look(self, batch: list[_Ticket]) -> None:
        waiting, started, failure = len(self._waiting), time.perf_counter(), ""
        try:
            seen = self.model.look([ticket.image for ticket in batch], [ticket.offset for ticket in batch])
            if len(seen) != len(batch):
                raise PrivacyError(f"{len(seen)} answers for {len(batch)} pictures")  # noqa: TRY301 - as if it raised
        except Exception as error:  # it belongs to whoever asked
            failure = type(error).__name__
            self._in_doubt = True
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
            else:  # one picture may be the cause, and the others are not to suffer for it
                for ticket in batch:
                    self._look([ticket])
                return
        else:
            self._in_doubt, self._hung_since = False, 0
            share = (time.perf_counter() - started) / len(batch)
            for ticket, evidence in zip(batch, seen, strict=True):
                ticket.answer.set_result((evidence, share))
        seconds = time.perf_counter() - started
        self._observers.looked(Look(pictures=len(batch), waiting=waiting, seconds=seconds, failure=failure))

    def _replace_hung(self) -> None:
        """Give up on workers that hang. Done when somebody asks: as long as nobody does, none is missed."""
        now = time.monotonic()
        for worker in [each for each in self._workers if each.began is not None and now - each.began > self._hang_s]:
            if not self._warm:
                return  # what is made on first use takes its time
            self._workers.remove(worker)
            self._hung += 1
            self._hung_since += 1
            if self._hung < MAX_HUNG:
                self._hire()
            log.error("model_hangs", model=self.model.name, hung=self._hung, workers=len(self._workers))
            look = Look(pictures=1, waiting=len(self._waiting), seconds=now - (worker.began or now), failure="hung")
            self._observers.looked(look)


class _Worker(threading.Thread):
    """A thread that runs the model; a daemon, so that one that hangs does not keep the process alive."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(name="look", daemon=True)
        self._scheduler = scheduler
        self.began: float | None = None  # when it went into the model; None while it is out of it

    def run(self) -> None:
        self._scheduler.run(self)


class Seat:
    """The scheduler as the pipeline sees it: a `ZoneClassifier`, for one stream.

    Args:
        scheduler: Whose model it is.
        deadline_s: How long one look may take, waiting included; an eighth of that after one that did not come.

    Attributes:
        urgent: Says whether this stream goes before others now.
        spent: Seconds that the model has worked for this stream.
    """

    def __init__(self, scheduler: Scheduler, *, deadline_s: float) -> None:
        self._scheduler = scheduler
        self._deadline_s = deadline_s
        self._patience_s = deadline_s
        self.urgent: Callable[[], bool] = lambda: True
        self.spent = 0.0

    @property
    def name(self) -> str:
        """Catalogue name."""
        return self._scheduler.model.name

    @property
    def input_size(self) -> tuple[int, int]:
        """`(height, width)` of the pictures it looks at."""
        return self._scheduler.model.input_size

    def look(self, images: Sequence[Image], offsets: Sequence[float]) -> list[Evidence]:
        """Return one evidence for each picture, in order; see `ZoneClassifier.look`.

        Raises:
            OverloadError: It was not begun in time.
            TimeoutError: It was begun, and does not come back.
        """
        return [self._look(image, offset) for image, offset in zip(images, offsets, strict=True)]

    def _look(self, image: Image, offset: float) -> Evidence:
        try:
            seen, seconds = self._scheduler.ask(image, offset, deadline_s=self._patience_s, urgent=self.urgent())
        except (OverloadError, TimeoutError):
            # Frames that come meanwhile must not each wait as long again: they would come out ever later.
            self._patience_s = self._deadline_s / _IMPATIENCE
            raise
        self._patience_s = self._deadline_s
        self.spent += seconds
        return seen
