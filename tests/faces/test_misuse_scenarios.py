"""The week of misuse: every rule fires once where it should, and nowhere else, over restarts as well."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "misuse_scenarios.py"


@pytest.fixture(scope="module")
def week() -> ModuleType:
    spec = importlib.util.spec_from_file_location("misuse_scenarios", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2, 132])
def test_every_rule_fires_once_where_it_should_and_nowhere_else(week: ModuleType, tmp_path: Path, seed: int) -> None:
    score = week.run(tmp_path, seed)

    assert (score.precision, score.recall, score.duplicates) == (1.0, 1.0, 0), "\n".join(score.lines)
    assert score.restarts >= 3


def test_every_rule_has_a_scenario(week: ModuleType) -> None:
    fired = {rule for scenario in week.SCENARIOS for rule in scenario.fires}

    assert fired == {rule.name for rule in week.RULES}
