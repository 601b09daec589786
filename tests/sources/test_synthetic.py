"""The generated clip: always the same, and two places that differ."""

import numpy as np

from privacy.sources.synthetic import ENTERS_AT, SyntheticSource


def test_the_same_arguments_give_the_same_clip() -> None:
    one, other = (list(SyntheticSource(seconds=0.4, size=(90, 160))) for _ in range(2))

    assert len(one) == 6
    for mine, yours in zip(one, other, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine.planes, yours.planes, strict=True))


def test_it_is_what_it_says() -> None:
    source = SyntheticSource(seconds=1, rate=5, size=(90, 160))
    frames = list(source)

    assert [frame.offset for frame in frames] == [0, 0.2, 0.4, 0.6, 0.8]
    assert source.info.frames == len(frames)
    assert all(source.info.size == frame.size for frame in frames)


def test_the_washroom_is_bluer_than_the_corridor() -> None:
    frames = list(SyntheticSource(seconds=2, rate=5, size=(90, 160)))
    blue = [float(frame.planes[1].mean()) for frame in frames]
    enters = round(ENTERS_AT * len(frames))

    assert min(blue[enters:]) > max(blue[: enters - 2])
