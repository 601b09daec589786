"""What a look costs."""

import numpy as np

from privacy.bench import cost
from privacy.models import catalogue


def test_peak_memory_is_that_of_the_model_and_not_of_whoever_asked() -> None:
    ballast = np.ones(150_000_000)  # 1.2 GB, more than any model of ours takes

    peak = cost.peak_memory_mb(catalogue.DEFAULT, None)

    assert peak is not None
    assert 20 < peak < ballast.nbytes / 2**20
