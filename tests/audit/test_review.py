"""What people said of the findings comes back as they said it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from privacy.audit import outcome
from privacy.audit.book import NAME, Book
from privacy.audit.review import Tool, export, read_back
from privacy.cli import cli
from privacy.errors import InputError
from privacy.models import catalogue
from tests.audit.recordings import audit, write_recording


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three findings in two recordings."""
    (tmp_path / "a").mkdir()
    first = write_recording(tmp_path / "a" / "1.mp4", [(8, 20), (36, 50)])
    second = write_recording(tmp_path / "a" / "2.mp4", [(20, 40)])
    with audit(tmp_path / "out", first, second) as book:
        outcome.conclude(book, catalogue.load_policy(), tmp_path / "out")
    return tmp_path / "out"


def exported(folder: Path, tool: str) -> dict[str, Any]:
    out = folder / "review.json"
    result = CliRunner().invoke(cli, ["audit", "export", str(folder), "--to", tool, "-o", str(out)])
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(out.read_text())
    return data


def reviewed(folder: Path, data: dict[str, Any]) -> list[str]:
    (folder / "review.json").write_text(json.dumps(data))
    result = CliRunner().invoke(cli, ["audit", "review", str(folder), str(folder / "review.json")])
    assert result.exit_code == 0, result.output
    return [one["review"] for one in json.loads((folder / "findings.json").read_text())["findings"]]


@pytest.mark.parametrize("tool", ["fiftyone", "cvat"])
def test_what_is_left_as_it_was_is_confirmed(folder: Path, tool: str) -> None:
    assert reviewed(folder, exported(folder, tool)) == ["confirmed"] * 3


def test_what_is_deleted_is_dismissed_and_what_is_moved_is_changed(folder: Path) -> None:
    data = exported(folder, "fiftyone")
    spans = data["labels"]["000000"]
    del spans[0]
    spans[0]["timestamps"][1] += 3
    data["labels"]["000001"].append({"label": "dormitory", "timestamps": [50, 58]})

    assert reviewed(folder, data) == ["dismissed", "changed", "confirmed"]
    with Book(folder / NAME) as book:
        assert [row[4] for row in book.reviews()].count("added") == 1


def test_another_zone_is_a_change(folder: Path) -> None:
    data = exported(folder, "cvat")
    data["items"][0]["annotations"][0]["label_id"] = 4
    data["items"][1]["annotations"] = []

    assert reviewed(folder, data) == ["changed", "dismissed", "confirmed"]


def test_the_file_names_no_more_than_masked_thumbnails(folder: Path) -> None:
    with Book(folder / NAME) as book:
        items = export(book, Tool.CVAT)["items"]

    assert all(item["image"]["path"].startswith("thumbnails/") for item in items)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("no JSON", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param("{}", id="none of ours"),
        pytest.param('{"labels": {"x": [{"label": "washroom", "timestamps": [1, 2]}]}, "paths": {}}', id="no such key"),
        pytest.param(
            '{"labels": {"x": [{"label": "kitchen", "timestamps": [1, 2]}]}, "paths": {"x": "y"}}', id="no such zone"
        ),
        pytest.param(
            '{"labels": {"x": [{"label": "washroom", "timestamps": [2, 1]}]}, "paths": {"x": "y"}}', id="backwards"
        ),
        pytest.param(
            '{"labels": {"x": [{"label": "washroom", "timestamps": [1, 1%s]}]}, "paths": {"x": "y"}}' % ("0" * 400),
            id="a time beyond any number",
        ),
        pytest.param('{"labels": {"x": []}, "paths": {"x": "/etc/passwd"}}', id="no such recording"),
        pytest.param(
            '{"items": [{"id": "x", "annotations": []}], "categories": {"label": {"labels": []}}}', id="no such finding"
        ),
    ],
)
def test_a_file_that_is_no_review_changes_nothing(folder: Path, content: str) -> None:
    (folder / "review.json").write_text(content)
    with Book(folder / NAME) as book:
        with pytest.raises(InputError):
            read_back(book, folder / "review.json")
        assert book.reviews() == []
