import numpy as np
import pytest

from privacy.training import evaluate


@pytest.mark.parametrize("name", evaluate.VARIANTS)
def test_variants_are_repeatable_and_leave_the_picture_alone(name: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    before = picture.copy()
    one, two = evaluate.VARIANTS[name](picture), evaluate.VARIANTS[name](picture)
    assert np.array_equal(one, two)
    assert np.array_equal(before, picture)
    assert not np.array_equal(one, picture)


def test_pictures_of_no_place_are_pictures() -> None:
    assert all(p.shape == (288, 352, 3) and p.dtype == np.uint8 for p in evaluate.no_pictures().values())
