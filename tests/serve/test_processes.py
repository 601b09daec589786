"""What the parent of several processes hears of them; that they serve is shown in `tests/faces/test_operation.py`."""

import queue
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest

from privacy.errors import DatabaseError, PrivacyError
from privacy.serve.processes import Orders, Processes, _Worker


class Words:
    """The parent's end of what a process says."""

    def __init__(self, *said: str | bool | PrivacyError) -> None:
        self._said: queue.Queue[str | bool | PrivacyError] = queue.Queue()
        for one in said:
            self._said.put(one)

    def poll(self) -> bool:
        there = not self._said.empty()
        time.sleep(0.05)
        return there

    def recv(self) -> str | bool | PrivacyError:
        return self._said.get(timeout=2)


def parent_of(*said: str | bool | PrivacyError, address: str = "") -> Processes:
    processes = Processes(Mock(Orders))
    process = Mock(is_alive=lambda: True, pid=1)
    processes._workers = [_Worker(process, Words(*said), None, address)]  # type: ignore[arg-type]
    return processes


def test_two_who_ask_at_once_are_both_answered() -> None:
    processes = parent_of(True, address="127.0.0.1:1")
    with ThreadPoolExecutor(2) as probes:
        answers = [probes.submit(processes._ready) for _ in range(2)]

    assert [answer.result() for answer in answers] == [True, True]


@pytest.mark.parametrize("said", [(DatabaseError("gone"),), ("127.0.0.1:1", False)])
def test_a_process_that_cannot_serve_is_not_ready(said: tuple[str | bool | PrivacyError, ...]) -> None:
    assert not parent_of(*said)._ready()
