"""What is read before it is wanted has its bounds."""

import time
from collections.abc import Iterator

import pytest

from privacy.serve.ahead import Ahead


@pytest.mark.parametrize(
    ("room", "most", "waiting"),
    [
        pytest.param(3, 100, 3, id="in number"),
        pytest.param(50, 10, 2, id="in bytes"),
        pytest.param(50, 1, 1, id="but one may wait, whatever it takes"),
    ],
)
def test_no_more_is_read_than_may_wait(room: int, most: int, waiting: int) -> None:
    read = 0

    def items() -> Iterator[bytes]:
        nonlocal read
        while read < 20:
            read += 1
            yield bytes(4)

    ahead = Ahead(items(), room, most, len)
    coming = ahead.until_pause(5.0)
    for taken in range(1, 20 - waiting):
        next(coming)
        until = time.monotonic() + 5
        while read < taken + waiting + 1 and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.002)

        assert read == taken + waiting + 1  # the one that finds no room was read as well
    assert len(list(coming)) == waiting + 1
    ahead.check()
