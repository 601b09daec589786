"""What tests share: a toy classifier, the default policy, and the optional corpus."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from privacy import policy
from privacy.policy import Policy
from tests.toys import Bright

# A busy machine is no failure; pytest-timeout ends what hangs.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def bright() -> Bright:
    return Bright()


@pytest.fixture
def rules() -> Policy:
    return policy.load()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real pictures; not part of this repository."""
    folder = os.environ.get("PRIVACY_DATA")
    if not folder:
        pytest.skip("PRIVACY_DATA is not set")
    return Path(folder)
