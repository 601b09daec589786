"""`privacy models` as a user sees it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from privacy.cli import cli
from privacy.models import catalogue
from tests.models import tiny


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIVACY_MODELS", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "store"


def privacy(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)], prog_name="privacy")


def models(*arguments: str | Path) -> Result:
    return privacy("models", *arguments)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    (tmp_path / "exported.onnx").write_bytes(tiny.yolo((32, 16, 16, 16, 0.9, 0)))
    return tmp_path / "exported.onnx"


@pytest.fixture
def colours(tmp_path: Path) -> tuple[Path, Path]:
    model, label_map = tmp_path / "colours.onnx", tmp_path / "map.toml"
    model.write_bytes(tiny.colours())
    label_map.write_text("".join(f'"{name}" = "{zone}"\n' for name, zone in tiny.COLOURS.items()), "utf-8")
    return model, label_map


def test_list_says_what_is_here() -> None:
    result = models("list")

    assert result.exit_code == 0
    rows = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "shipped" in rows[catalogue.DEFAULT]
    assert "not fetched" in rows["picodet-s-416"]


def test_show_names_the_digest_and_the_licence() -> None:
    shown = models("show", "yunet-n").stdout

    assert catalogue.card("yunet-n").sha256 in shown
    assert "MIT" in shown


@pytest.mark.parametrize("command", ["show", "verify", "pull", "remove"])
def test_an_unknown_name_is_one_line_on_stderr(command: str) -> None:
    result = models(command, "nothing")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("privacy: no model 'nothing'")


SHIPPED_OK = "".join(f"{card.name}: ok\n" for card in catalogue.cards() if card.shipped)


def test_verify_checks_what_ships() -> None:
    result = models("verify")

    assert (result.exit_code, result.stdout) == (0, SHIPPED_OK)


def test_verify_tells_what_has_changed(store: Path, exported: Path) -> None:
    models("import", exported, "--name", "mine")
    (store / "imported" / "mine.onnx").write_bytes(b"changed")

    result = models("verify")

    assert (result.exit_code, result.stdout) == (1, SHIPPED_OK)
    assert result.stderr.startswith("mine: mine.onnx has sha256")


def test_add_finds_nothing_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert models("add", tmp_path / "empty").exit_code == 1


def test_add_refuses_what_only_has_the_name(store: Path, tmp_path: Path) -> None:
    (tmp_path / catalogue.card("yunet-n").file).write_bytes(b"something else")

    result = models("add", tmp_path, "yunet-n")

    assert result.exit_code == 1
    assert "the catalogue says" in result.stderr
    assert not list(store.rglob("*.onnx"))


def test_a_model_comes_and_goes(store: Path, exported: Path) -> None:
    result = models("import", exported, "--name", "mine")

    assert (result.exit_code, result.stdout) == (0, f"{store / 'imported' / 'mine.onnx'}\n")
    assert "imported" in models("list").stdout
    assert "family:  yolo" in models("show", "mine").stdout
    assert "mine: ok" in models("verify", "mine").stdout
    assert models("remove", "mine").exit_code == 0
    assert "mine" not in models("list").stdout


def test_an_imported_classifier_classifies(tmp_path: Path, colours: tuple[Path, Path]) -> None:
    model, label_map = colours
    cv2.imwrite(str(tmp_path / "blue.png"), np.full((60, 80, 3), (255, 0, 0), np.uint8))

    imported = models("import", model, "--name", "mine", "--task", "classify", "--labels", label_map)
    result = privacy("classify", "--json", "--model", "mine", tmp_path / "blue.png")

    assert imported.exit_code == 0, imported.output
    record = json.loads(result.stdout)
    assert (record["zone"], record["place"]) == ("washroom", "blue bath")
    assert record["p_prohibited"] > 0.99


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "needs a label map", id="no label map"),
        pytest.param(["--task", "detect"], "the task detect", id="another task"),
        pytest.param(["--size", "640"], "the size of an .onnx file is fixed", id="a size"),
    ],
)
def test_what_a_classifier_lacks_is_said(colours: tuple[Path, Path], arguments: list[str], says: str) -> None:
    result = models("import", colours[0], "--name", "mine", *arguments)

    assert result.exit_code != 0
    assert says in result.stderr


def test_a_pickle_is_not_touched_without_trust(tmp_path: Path) -> None:
    harmful = tmp_path / "model.pt"
    harmful.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")

    result = models("import", harmful, "--name", "mine")

    assert result.exit_code == 1
    assert "can run any code" in result.stderr
    assert "--trust" in result.stderr
    assert not (tmp_path / "ran").exists()


def test_the_help_says_why_trust_is_needed() -> None:
    text = " ".join(models("import", "--help").stdout.split())

    assert "loading it runs any code that is in it" in text
    assert "AGPL-3.0" in text


def test_another_kind_of_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "model.pth").touch()

    assert models("import", tmp_path / "model.pth", "--name", "mine").exit_code == 2
