"""One queue before the model: who goes first, who shares a run, and what becomes of a model that hangs."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.errors import OverloadError, PrivacyError
from privacy.evidence import Evidence
from privacy.serve.observer import Look, Observers
from privacy.serve.scheduler import MAX_HUNG, Scheduler, Seat
from tests.serve.test_observer import Notebook
from tests.toys import Bright

Make = Callable[..., Scheduler]


class Gated(Bright):
    """Writes down which pictures it sees together, and waits at a gate that a test may close."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.runs: list[list[float]] = []

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        self.runs.append(list(offsets))
        assert self.gate.wait(20)
        if any(offset < 0 for offset in offsets):
            raise ValueError("a picture that breaks the model")
        return super().look(images, offsets)


@pytest.fixture
def model() -> Iterator[Gated]:
    model = Gated()
    yield model
    model.gate.set()


@pytest.fixture
def make(model: Gated) -> Iterator[Make]:
    made: list[Scheduler] = []

    def start(**options: Any) -> Scheduler:
        scheduler = Scheduler(model, **options)
        made.append(scheduler)
        scheduler.start()
        model.runs.clear()
        return scheduler

    yield start
    for scheduler in made:
        scheduler.stop()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def ask(scheduler: Scheduler, offset: float, *, urgent: bool = True, deadline_s: float = 10) -> Evidence:
    image = np.full((*Bright.input_size, 3), 100, np.uint8)
    return scheduler.ask(image, offset, deadline_s=deadline_s, urgent=urgent)[0]


def wait_until(true: Callable[[], object]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come to that")


def queue(scheduler: Scheduler, pool: ThreadPoolExecutor, *asked: tuple[float, bool]) -> list["Future[Evidence]"]:
    """Let one picture hold the only worker at the gate, and others wait behind it in this order."""
    futures = [pool.submit(ask, scheduler, 1000.0)]
    wait_until(lambda: scheduler.model.runs)  # type: ignore[attr-defined]
    for count, (offset, urgent) in enumerate(asked, start=1):
        futures.append(pool.submit(ask, scheduler, offset, urgent=urgent))
        wait_until(lambda count=count: len(scheduler._waiting) == count)  # type: ignore[misc]
    return futures


def test_what_waits_is_looked_at_together(make: Make, model: Gated, pool: ThreadPoolExecutor) -> None:
    scheduler = make(max_batch=3)
    model.gate.clear()
    futures = queue(scheduler, pool, *((float(n), True) for n in range(5)))
    model.gate.set()

    assert [future.result(10).offset for future in futures] == [1000, 0, 1, 2, 3, 4]
    assert model.runs == [[1000], [0, 1, 2], [3, 4]]


def test_who_is_uncertain_goes_first(make: Make, model: Gated, pool: ThreadPoolExecutor) -> None:
    scheduler = make(max_batch=1)
    model.gate.clear()
    futures = queue(scheduler, pool, (1, False), (2, False), (3, True), (4, True))
    model.gate.set()
    for future in futures:
        future.result(10)

    assert model.runs == [[1000], [3], [4], [1], [2]]


def test_a_picture_that_breaks_the_model_breaks_nobody_else(make: Make, model: Gated, pool: ThreadPoolExecutor) -> None:
    scheduler = make(max_batch=4)
    model.gate.clear()
    first, good, bad, other = queue(scheduler, pool, (1, True), (-1, True), (2, True))
    model.gate.set()

    assert [future.result(10).offset for future in (first, good, other)] == [1000, 1, 2]
    with pytest.raises(ValueError, match="breaks the model"):
        bad.result(10)


def test_a_look_that_is_not_begun_in_time_is_called_off(make: Make, model: Gated, pool: ThreadPoolExecutor) -> None:
    scheduler = make()
    model.gate.clear()
    queue(scheduler, pool)

    with pytest.raises(OverloadError):
        ask(scheduler, 1.0, deadline_s=0.05)
    model.gate.set()
    wait_until(lambda: not scheduler._waiting)
    assert [1.0] not in model.runs


def test_a_model_that_hangs_is_not_waited_for_and_is_replaced(make: Make, model: Gated) -> None:
    heard = Notebook()
    scheduler = make(hang_s=0.1, observers=Observers([heard]))
    model.gate.clear()

    with pytest.raises(TimeoutError):
        ask(scheduler, 1.0, deadline_s=0.2)
    model.gate = threading.Event()  # the old worker hangs at the old gate for ever
    model.gate.set()

    assert ask(scheduler, 2.0).offset == 2.0
    assert [look.failure for look in heard.looks if look.failure] == ["hung"]


def test_a_worker_that_comes_back_is_not_one_too_many(make: Make, model: Gated) -> None:
    scheduler = make(hang_s=0.05)
    model.gate.clear()
    with pytest.raises(TimeoutError):
        ask(scheduler, 1.0, deadline_s=0.1)
    with pytest.raises((TimeoutError, OverloadError)):
        ask(scheduler, 2.0, deadline_s=0.1)
    model.gate.set()
    wait_until(lambda: scheduler._hung == 0)

    assert ask(scheduler, 3.0).offset == 3.0
    assert len(scheduler._workers) == 1


def test_threads_are_not_given_up_without_end(make: Make, model: Gated) -> None:
    scheduler = make(hang_s=0.01)
    before = threading.active_count()
    model.gate.clear()
    for _ in range(3 * MAX_HUNG):
        with pytest.raises((TimeoutError, OverloadError)):
            ask(scheduler, 1.0, deadline_s=0.05)

    assert not scheduler.alive
    assert threading.active_count() <= before + MAX_HUNG
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(scheduler, 1.0, deadline_s=10)
    assert time.monotonic() - started < 1  # nobody waits for nobody


def test_who_waits_when_the_server_stops_is_told_so(make: Make, model: Gated, pool: ThreadPoolExecutor) -> None:
    scheduler = make()
    model.gate.clear()
    _, waiting = queue(scheduler, pool, (1, True))
    scheduler.stop()

    with pytest.raises(OverloadError):
        waiting.result(5)
    model.gate.set()


def test_a_model_that_answers_with_too_little_has_failed(make: Make, model: Gated) -> None:
    heard = Notebook()
    scheduler = make(observers=Observers([heard]))
    model.look = lambda images, offsets: []  # type: ignore[method-assign]

    with pytest.raises(PrivacyError, match="0 answers"):
        ask(scheduler, 1.0)
    wait_until(lambda: heard.looks[-1].failure)
    assert heard.looks[-1] == Look(pictures=1, waiting=0, seconds=heard.looks[-1].seconds, failure="PrivacyError")


def test_after_a_look_that_did_not_come_the_next_is_not_waited_for_as_long(make: Make, model: Gated) -> None:
    seat = make().seat(deadline_s=0.8)
    image = np.zeros((*Bright.input_size, 3), np.uint8)
    model.gate.clear()
    times = []
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises((TimeoutError, OverloadError)):
            seat.look([image], [0.0])
        times.append(time.monotonic() - started)

    assert times[0] >= 0.8
    assert max(times[1:]) < 0.5
    model.gate.set()
    wait_until(lambda: _looks(seat, image))


def _looks(seat: Seat, image: NDArray[np.uint8]) -> bool:
    with suppress(TimeoutError, OverloadError):
        return len(seat.look([image], [0.0])) == 1
    return False
