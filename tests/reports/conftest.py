"""What tests of reports share: a store on each database, and a report to keep."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from privacy import policy
from privacy.reports.folding import Folder
from privacy.reports.report import Report
from privacy.reports.store import Store
from tests.reports.stories import NOON, looks

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: float = NOON + 100) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Engine, clock: Clock) -> Store:
    return Store(database, KEY, clock)


@pytest.fixture
def raise_report() -> Callable[..., Report]:
    """Make the report of a washroom that was seen from `start` on."""

    def make(start: float = NOON) -> Report:
        folder = Folder(policy.load())
        (change,) = [change for event in looks("W" * 7, start) for change in folder.see(event)]
        return change.report

    return make
