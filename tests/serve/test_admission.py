"""Who may come in, on a clock that the test holds."""

from contextlib import ExitStack

import pytest

from privacy.errors import OverloadError
from privacy.serve.admission import Account, Admission


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
