"""A server that is told to stop hears it, whatever it is doing just then."""

import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from privacy.serve import server
from privacy.serve.server import Settings
from tests.serve.conftest import engine


class Silent:
    """Stands for the server; only whether it is stopped matters."""

    address = "127.0.0.1:1"
    stopped = 0

    def __init__(self, *_: object) -> None:
        type(self).stopped = 0

    def start(self) -> None:
        pass

    def stop(self) -> None:
        type(self).stopped += 1


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    sys.settrace(None)
    for number, handler in before.items():
        signal.signal(number, handler)


def signal_at_step(step: int) -> Callable[[FrameType, str, Any], Any]:
    """Return a trace function that sends SIGTERM before one step of what runs from now on."""
    left = step

    def trace(*_: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGTERM)
        return trace

    return trace


@pytest.mark.timeout(10)
@pytest.mark.parametrize("step", range(1, 25))
@pytest.mark.usefixtures("handlers")
def test_sigterm_is_heard_at_every_step_of_the_wait(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(server, "Server", Silent)
    monkeypatch.setattr("time.sleep", lambda _: None)

    def ready(_: str) -> None:
        trace = signal_at_step(step)
        sys.settrace(trace)
        caller = sys._getframe(1)
        caller.f_trace = trace  # so that the lines of `run` itself are steps, too

    server.run(engine(), Settings(), ready)

    assert Silent.stopped == 1
