"""Who may come in, on a clock that the test holds."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from google.protobuf.duration_pb2 import Duration

from privacy.errors import OverloadError
from privacy.frame import Frame
from privacy.serve import cpu
from privacy.serve.admission import Account, Admission
from privacy.serve.pictures import RawPictures
from privacy.serve.translate import Arrival
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from tests.serve.messages import DARK, config, frame


def enter(admission: Admission, stack: ExitStack, count: int, now: float = 0.0) -> list[Account]:
    return [stack.enter_context(admission.stream(now)) for _ in range(count)]


def test_no_more_streams_than_were_allowed() -> None:
    admission = Admission(max_streams=2, capacity=100)
    with ExitStack() as stack:
        enter(admission, stack, 2)
        with pytest.raises(OverloadError, match="2 streams"):
            enter(admission, stack, 1)
    with ExitStack() as stack:
        enter(admission, stack, 2)  # their places are free again


def test_a_new_stream_is_taken_to_cost_at_least_its_looks() -> None:
    admission = Admission(max_streams=100, capacity=1.0)
    admission.least_cost = 0.25
    with ExitStack() as stack:
        enter(admission, stack, 4)
        with pytest.raises(OverloadError, match="processors"):
            enter(admission, stack, 1)


def test_what_streams_really_cost_is_what_counts() -> None:
    admission = Admission(max_streams=100, capacity=1.0)
    with ExitStack() as stack:
        for account in enter(admission, stack, 2):
            account.spend(3.0, captured=10.0, now=10.0)  # 0.3 of a processor each

        assert admission.load == pytest.approx(0.6)
        enter(admission, stack, 1)
        with pytest.raises(OverloadError):
            enter(admission, stack, 1)


def test_a_video_that_is_played_fast_costs_what_it_would_cost_live() -> None:
    account = Account(opened=0.0)
    account.spend(1.0, captured=10.0, now=1.0)

    assert account.cost == pytest.approx(0.1)


def test_a_clock_that_crawls_does_not_make_a_stream_look_dear() -> None:
    account = Account(opened=0.0)
    account.spend(1.0, captured=1e-9, now=10.0)

    assert account.cost == pytest.approx(0.1)


def test_a_clock_that_runs_back_counts_for_nothing() -> None:
    account = Account(opened=0.0)
    account.spend(1.0, captured=-1000.0, now=10.0)

    assert account.cost == pytest.approx(0.1)


def test_what_is_long_ago_counts_less() -> None:
    account = Account(opened=0.0)
    account.spend(20.0, captured=20.0, now=20.0)
    for second in range(21, 200):
        account.spend(0.0, captured=1.0, now=float(second))

    assert account.cost < 0.05


def test_the_first_stream_always_comes_in() -> None:
    admission = Admission(max_streams=2, capacity=0.1)
    admission.least_cost = 5.0
    with ExitStack() as stack:
        enter(admission, stack, 1)
        with pytest.raises(OverloadError):
            enter(admission, stack, 1)


FRAMES, AHEAD, EACH_S = 160, 30, 0.004


@pytest.mark.parametrize("look_behind", [0, 1])
def test_what_reading_costs_counts_in_whichever_thread_it_is_done(
    stub: pb_grpc.EnforcementServiceStub, monkeypatch: pytest.MonkeyPatch, look_behind: int
) -> None:
    """With look-behind, a thread reads and judges ahead of the one that answers."""
    spent: list[float] = []
    read = RawPictures.read

    def slowly(pictures: RawPictures, came: Arrival) -> Frame:
        until = time.thread_time() + EACH_S
        while time.thread_time() < until:
            pass
        return read(pictures, came)

    def counted(account: Account, seconds: float, captured: float, now: float) -> None:
        spent.append(seconds)

    monkeypatch.setattr(RawPictures, "read", slowly)
    monkeypatch.setattr(Account, "spend", counted)
    monkeypatch.setattr(cpu, "COUNT_EVERY_S", 0.0)
    answered = threading.Semaphore(AHEAD)

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config(look_behind=Duration(seconds=look_behind))
        for number in range(FRAMES):
            assert answered.acquire(timeout=20)
            message = frame(number, DARK)
            message.frame.capture_offset.FromMilliseconds(100 * number)
            yield message

    for response in stub.EnforceStream(messages(), timeout=60):
        if response.WhichOneof("message") == "result":
            answered.release()

    least = (FRAMES - AHEAD) * EACH_S  # of those before the first answer, nobody knows for how long they were
    assert least <= sum(spent) <= 3 * least
