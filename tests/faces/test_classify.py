"""`privacy classify` as a script sees it: keys, states, exit codes."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from privacy.cli import cli
from privacy.zones import Zone

KEYS = ["file", "state", "zone", "p_prohibited", "zones", "place", "clauses", "reason"]


def classify(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["classify", *map(str, arguments)], prog_name="privacy")


def records(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    file = tmp_path / "noise.png"
    cv2.imwrite(str(file), np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8))
    return file


def test_the_keys_are_a_contract(noise: Path) -> None:
    result = classify(noise, "--json")

    assert result.exit_code == 0, result.output
    (record,) = records(result)
    assert list(record) == KEYS
    assert record["file"] == str(noise)


def test_zones_are_probabilities_that_agree_with_p_prohibited(noise: Path) -> None:
    (record,) = records(classify(noise, "--json"))
    zones = record["zones"]
    assert isinstance(zones, dict)

    assert set(zones) == {zone.slug for zone in Zone}
    assert sum(zones.values()) == pytest.approx(1, abs=1e-4)
    assert record["p_prohibited"] == pytest.approx(1 - zones["permitted"], abs=1e-4)


def test_a_file_that_is_no_picture_is_named_and_the_others_are_done(noise: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")

    result = classify(text, noise, tmp_path / "nowhere.png", "--json")

    assert result.exit_code == 3
    assert [record["file"] for record in records(result)] == [str(noise)]
    assert "text.jpg" in result.stderr
    assert "nowhere.png" in result.stderr


def test_folders_are_searched_to_any_depth_in_order(tmp_path: Path, noise: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one.PNG").write_bytes(noise.read_bytes())
    (tmp_path / "list.csv").write_text("not a picture, and not asked for")

    assert [record["file"] for record in records(classify(tmp_path, "--json"))] == [
        str(deep / "one.PNG"),
        str(noise),
    ]


def test_a_picture_cut_short_is_not_clear(tmp_path: Path) -> None:
    whole = cv2.imencode(".jpg", np.full((240, 320, 3), 128, np.uint8))[1].tobytes()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole[: len(whole) * 2 // 3])

    result = classify(cut, "--json")

    assert result.exit_code in (0, 3)
    assert all((record["state"], record["reason"]) == ("UNCERTAIN", "DECODE_ERROR") for record in records(result))


@pytest.mark.parametrize("name", [b"a\nb.png", b"\x1b[31mred.png", b"\xff\xfe.png"], ids=repr)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_hostile_file_name_is_one_line_of_text(tmp_path: Path, noise: Path, name: bytes, options: list[str]) -> None:
    file = tmp_path / os.fsdecode(name)
    file.write_bytes(noise.read_bytes())

    result = classify(file, *options)

    assert result.exit_code == 0, result.output
    assert len(result.stdout_bytes.decode("utf-8").splitlines()) == 1
    assert "\x1b" not in result.stdout


def test_without_json_a_line_for_a_reader(noise: Path) -> None:
    assert str(noise) in classify(noise).stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param([], 2, id="no pictures named"),
        pytest.param(["x.png", "--model", "nowhere"], 1, id="unknown model"),
        pytest.param(["x.png", "--policy", "nowhere"], 1, id="unknown policy"),
        pytest.param(["x.png", "--model", "yunet-n"], 1, id="not a zone model"),
    ],
)
def test_wrong_arguments_end_in_one_line(arguments: list[str], code: int) -> None:
    result = classify(*arguments)

    assert result.exit_code == code
    assert "Traceback" not in result.output


@pytest.mark.parametrize("zone", [("washroom", "PROHIBITED"), ("permitted", "CLEAR")], ids=["washroom", "permitted"])
def test_most_training_photos_are_ruled_right(corpus: Path, zone: tuple[str, str]) -> None:
    """No measure of quality (the model has seen them): a model wired wrong would not get these."""
    label, state = zone
    lines = (corpus / "scenes" / "manifest.csv").read_text("utf-8").splitlines()[1:]
    files = [line.split(",")[0] for line in lines if line.split(",")[1].startswith(label) and ",train," in line]

    ruled = records(classify(*(corpus / "scenes" / file for file in files[:: len(files) // 20]), "--json"))

    assert sum(record["state"] == state for record in ruled) >= 0.7 * len(ruled)
