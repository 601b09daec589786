"""`privacy bench` as a script sees it: files, exit codes, and what other packages add."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from privacy.cli import cli
from tests.bench.worlds import write_world

ROOT = Path(__file__).parents[2]


def bench(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(cli, ["bench", *map(str, arguments)], prog_name="privacy")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return write_world(tmp_path / "world")


def test_a_run_writes_results_scores_and_pages(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = bench(world, "--model", "zones-lite0", "-o", tmp_path / "out", "--task", "separation", "--rounds", 5)

    assert result.exit_code == 0, result.output
    names = ["results.json", "scores.csv", "results.md", "results.html"]
    assert result.stdout.split() == [str(tmp_path / "out" / name) for name in names]
    record = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert [one["name"] for one in record["models"]] == ["zones-lite0"]
    assert record["run"]["environment"]["onnxruntime"]


def test_a_file_that_cannot_be_read_is_an_exit_code(world: Path, tmp_path: Path) -> None:
    (world / "00.png").unlink()

    result = bench(world, "--model", "zones-lite0", "-o", tmp_path / "out", "--task", "calibration", "--rounds", 5)

    assert result.exit_code == 3
    assert "could not be read" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param([], 2, id="nothing"),
        pytest.param(["run"], 2, id="no data set"),
        pytest.param(["WORLD", "-o", "OUT"], 2, id="no model"),
        pytest.param(["nowhere", "--model", "zones-lite0", "-o", "OUT"], 1, id="no such set"),
        pytest.param(["WORLD", "--model", "nowhere", "-o", "OUT"], 1, id="no such model"),
        pytest.param(["WORLD", "--model", "nowhere.toml", "-o", "OUT"], 1, id="no such card"),
        pytest.param(["WORLD", "--model", "zones-lite0", "--task", "guess", "-o", "OUT"], 1, id="no such task"),
        pytest.param(["compare", "WORLD", "WORLD"], 1, id="no results"),
    ],
)
def test_wrong_arguments_end_in_one_line(world: Path, tmp_path: Path, arguments: list[str], code: int) -> None:
    paths = {"WORLD": str(world), "OUT": str(tmp_path / "out")}

    result = bench(*(paths.get(argument, argument) for argument in arguments))

    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output


def test_a_run_compared_with_itself_shows_no_difference(world: Path, tmp_path: Path) -> None:
    for out in ("a", "b"):
        bench(world, "--model", "zones-lite0", "-o", tmp_path / out, "--task", "separation", "--rounds", 5)

    rows = json.loads(bench("compare", tmp_path / "a", tmp_path / "b", "--json").stdout)
    table = bench("compare", tmp_path / "a", tmp_path / "b").stdout

    assert {row["value"] for row in rows} <= {0, None}
    assert "no difference shown" in table
    assert "better" not in table


@pytest.mark.slow
def test_another_package_adds_a_model_and_a_metric(world: Path, tmp_path: Path) -> None:
    """The example is installed as users install it, without the network, and run by the command."""
    pytest.importorskip("hatchling")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    target = tmp_path / "site"
    subprocess.run([*pip, "--target", target, ROOT / "examples" / "add_a_model"], check=True, cwd=tmp_path)

    python = [sys.executable, "-c", "from privacy.cli import main; main()"]
    done = subprocess.run(
        [*python, "bench", str(world), "--model", "by-brightness", "-o", str(tmp_path / "out"), "--task", "separation"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (result,) = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))["results"]
    assert result["measures"]["AUROC"]["value"] == 1
    assert result["measures"]["half right"]["value"] == pytest.approx(23 / 24)
