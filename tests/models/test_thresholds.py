"""Thresholds follow from what a policy asks and what was measured of the model."""

import hashlib
import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from privacy import policy
from privacy.errors import ModelIntegrityError, ModelNotFoundError, PolicyError
from privacy.models import catalogue
from privacy.models.card import ModelCard
from privacy.policy import Policy, Thresholds
from privacy.verdict import State, judge_still
from tests.models import tiny
from tests.toys import evidence

ROWS = [
    {"miss_target": 0.05, "false_alarm_target": 0.01, "clear_below": 0.2, "prohibited_above": 0.8},
    {"miss_target": 0.1, "false_alarm_target": 0.02, "clear_below": 0.3, "prohibited_above": 0.7},
]


def asking(miss: float, false_alarm: float) -> Policy:
    rules = policy.load()
    assert rules.targets is not None
    return replace(rules, targets=replace(rules.targets, miss=miss, false_alarm=false_alarm))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIVACY_MODELS", str(tmp_path))
    return tmp_path


@pytest.fixture
def wide(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The thresholds of a second zone model; returns their file."""
    file = store / "wide.thresholds.json"
    file.write_text(json.dumps(ROWS), "utf-8")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    card = ModelCard(
        name="wide",
        task="zones",
        file="wide.onnx",
        sha256="0" * 64,
        license="MIT",
        source="nowhere",
        thresholds=file.name,
        thresholds_sha256=digest,
    )
    monkeypatch.setattr(catalogue, "_published", lambda: (card,))
    return file


@pytest.mark.parametrize("name", policy.names())
def test_the_default_model_rules_by_the_row_of_the_packs_targets(name: str) -> None:
    """Miss 10 %, false alarm 1 %, on pictures that its calibration had not seen."""
    weights = resources.files("privacy.models") / "weights" / f"{catalogue.DEFAULT}.thresholds.json"
    (row,) = [row for row in json.loads(weights.read_text("utf-8")) if row["miss_target"] == 0.1]

    limits = catalogue.load_policy(name).thresholds

    assert limits == Thresholds(row["clear_below"], row["prohibited_above"], 0.5)
    assert limits == Thresholds(0.2962, 0.8388, 0.5)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(
    ("asked", "clear_below"),
    [
        pytest.param((0.1, 0.02), 0.3, id="met exactly"),
        pytest.param((0.3, 0.05), 0.3, id="the loosest of those that are strict enough"),
        pytest.param((0.1, 0.01), 0.2, id="both targets count"),
        pytest.param((0.07, 0.03), 0.2, id="between two rows, the stricter"),
    ],
)
def test_thresholds_are_the_loosest_that_meet_the_targets(asked: tuple[float, float], clear_below: float) -> None:
    assert catalogue.calibrated(asking(*asked), "wide").thresholds.clear_below == clear_below


@pytest.mark.usefixtures("wide")
def test_targets_that_no_row_meets_are_refused_with_those_that_are() -> None:
    with pytest.raises(PolicyError, match=r"wide is calibrated for 0\.05 and 0\.01, 0\.1 and 0\.02"):
        catalogue.calibrated(asking(0.04, 0.02), "wide")


@pytest.mark.usefixtures("wide")
def test_what_was_calibrated_for_one_model_can_be_for_another() -> None:
    first = policy.calibrated(policy.load(), (), model="unknown")

    assert catalogue.calibrated(first, "wide") == catalogue.calibrated(policy.load(), "wide")
    assert policy.calibrated(catalogue.calibrated(first, "wide"), (), model="unknown") == first


def test_stated_numbers_win_whatever_the_model() -> None:
    stated = policy.with_thresholds(policy.load(), clear_below=0.05, prohibited_above=0.9)

    assert catalogue.calibrated(stated).thresholds == Thresholds(0.05, 0.9, 0.5)


def test_thresholds_that_were_changed_are_not_read(wide: Path) -> None:
    wide.write_text(wide.read_text("utf-8").replace("0.3", "0.4"), "utf-8")

    with pytest.raises(ModelIntegrityError, match=r"wide\.thresholds\.json has sha256"):
        catalogue.load_policy(model="wide")


def test_thresholds_that_are_not_here_are_missed(wide: Path) -> None:
    wide.unlink()

    with pytest.raises(ModelNotFoundError, match=r"wide\.thresholds\.json"):
        catalogue.load_policy(model="wide")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("[1]", id="numbers"),
        pytest.param('{"clear_below": 0.1}', id="no list"),
        pytest.param(json.dumps([ROWS[0] | {"clear_below": None}]), id="no number"),
        pytest.param(json.dumps([{"clear_below": 0.1, "prohibited_above": 0.9}]), id="no targets"),
    ],
)
def test_a_file_of_something_else_is_no_calibration(wide: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    wide.write_text(content, "utf-8")
    digest = hashlib.sha256(content.encode()).hexdigest()
    card = replace(catalogue.card("wide"), thresholds_sha256=digest)
    monkeypatch.setattr(catalogue, "_published", lambda: (card,))

    with pytest.raises(ModelIntegrityError, match="holds no thresholds"):
        catalogue.load_policy(model="wide")


@pytest.mark.parametrize("limits", [(0.0, 0.8), (0.2, 1.0), (0.7, 0.6), (float("nan"), 0.8)])
def test_measured_thresholds_that_cannot_rule_are_refused(limits: tuple[float, float]) -> None:
    """Too few pictures give 0 and 1: then nothing may be CLEAR, or nothing PROHIBITED."""
    with pytest.raises(PolicyError, match="clear_below"):
        policy.calibrated(policy.load(), [policy.Calibration(0.1, 0.01, *limits)], model="few")


def test_an_imported_model_is_cautious_until_numbers_are_stated() -> None:
    catalogue.import_onnx(tiny.colours(), "mine", source="mine.pt", labels=dict(tiny.COLOURS))

    rules = catalogue.load_policy(model="mine")

    assert judge_still(evidence(0.02), rules).state is State.UNCERTAIN
    assert judge_still(evidence(0.98), rules).state is State.UNCERTAIN
    assert judge_still(evidence(0.02), catalogue.load_policy()).state is State.CLEAR


def test_a_policy_that_has_met_no_model_is_as_cautious() -> None:
    assert policy.load() == policy.calibrated(policy.load(), (), model="any")
