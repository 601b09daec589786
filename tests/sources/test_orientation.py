import numpy as np
import pytest

from privacy.sources.orientation import AS_STORED, Orientation, upright

PLANES = tuple(np.arange(n * m, dtype=np.uint8).reshape(n, m) for n, m in ((6, 4), (3, 2), (3, 2)))


@pytest.mark.parametrize(
    ("orientation", "corners"),
    [
        (Orientation(), "abcd"),
        (Orientation(mirrored=True), "badc"),
        (Orientation(flipped=True), "cdab"),
        (Orientation(mirrored=True, flipped=True), "dcba"),
        (Orientation(transposed=True), "acbd"),
        (Orientation(transposed=True, mirrored=True), "cadb"),
        (Orientation(transposed=True, flipped=True), "bdac"),
        (Orientation(transposed=True, mirrored=True, flipped=True), "dbca"),
    ],
)
def test_every_plane_is_turned_alike(orientation: Orientation, corners: str) -> None:
    for stored, shown in zip(PLANES, upright(PLANES, orientation), strict=True):
        before = dict(zip("abcd", (int(stored[row, column]) for row in (0, -1) for column in (0, -1)), strict=True))
        assert [int(shown[row, column]) for row in (0, -1) for column in (0, -1)] == [before[c] for c in corners]
        assert shown.shape == (stored.shape[::-1] if orientation.transposed else stored.shape)


def test_what_is_stored_upright_is_not_copied() -> None:
    assert upright(PLANES, AS_STORED) is PLANES
