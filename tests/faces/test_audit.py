"""`privacy audit` as an auditor meets it: files, exit codes, the page."""

import csv
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner, Result

from privacy import policy
from privacy.audit import outcome
from privacy.audit.book import NAME, Book
from privacy.audit.page import write_page
from privacy.cli import cli
from privacy.errors import SinkError
from privacy.models import catalogue
from privacy.sinks.video import VideoSink
from privacy.sources.recording import Fault
from privacy.sources.synthetic import ENTERS_AT, SyntheticSource
from privacy.sources.video import VideoSource
from privacy.zones import PROHIBITED
from tests.audit.recordings import TERMS, write_recording
from tests.audit.recordings import audit as audit_in_toy_world

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "audit-findings.schema.json").read_text("utf-8"))


def audit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["audit", *map(str, arguments)], prog_name="privacy")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera that goes down a corridor and turns into a washroom."""
    path = tmp_path_factory.mktemp("walk") / "hall" / "cam1_20260301_080000.mp4"
    path.parent.mkdir()
    source = SyntheticSource(seconds=40, rate=1)
    with VideoSink(path, source.info, preset="ultrafast") as sink:
        for frame in source:
            sink.write(frame)
    return path


@pytest.fixture(scope="module")
def done(walk: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("out") / "audit"
    return audit(walk.parent, "-o", out, "--workers", "0"), out


def findings(out: Path) -> dict:  # type: ignore[type-arg]
    found: dict = json.loads((out / "findings.json").read_text("utf-8"))  # type: ignore[type-arg]
    jsonschema.validate(found, SCHEMA, format_checker=jsonschema.FormatChecker())
    return found


def test_a_prohibited_place_ends_with_1_and_is_found_where_it_is(done: tuple[Result, Path]) -> None:
    result, out = done
    (one,) = findings(out)["findings"]

    assert result.exit_code == 1, result.output
    assert one["start_s"] == pytest.approx(40 * ENTERS_AT, abs=6)
    assert one["camera"] == "hall"
    assert one["start_time"].startswith("2026-03-01T08:00:")
    assert one["clauses"] == ["Guangdong Decree 132 Art. 7"]


def test_the_thresholds_that_ruled_are_told(done: tuple[Result, Path]) -> None:
    told = findings(done[1])["audit"]["policy"]["thresholds"]

    assert told == {"clear_below": 0.2962, "prohibited_above": 0.8388, "release_below": 0.5}


def test_json_csv_and_page_say_the_same(done: tuple[Result, Path]) -> None:
    _, out = done
    (one,) = findings(out)["findings"]
    with (out / "findings.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)

    assert {row["id"], row["zone"], row["start_s"]} == {one["id"], one["zone"], str(one["start_s"])}
    assert one["id"] in (out / "index.html").read_text("utf-8")
    assert all((out / name).is_file() for name in one["thumbnails"])


def test_the_schema_knows_every_zone_and_every_reason() -> None:
    assert set(SCHEMA["$defs"]["zone"]["enum"]) == {zone.slug for zone in PROHIBITED}
    reasons = SCHEMA["properties"]["unreadable"]["items"]["properties"]["reason"]["enum"]
    assert set(reasons) == {fault.value for fault in Fault}


def test_nothing_found_ends_with_0(tmp_path: Path) -> None:
    """The toy world again: the book says which looks there were, and nobody scans."""
    audit_in_toy_world(tmp_path / "out", write_recording(tmp_path / "a.mp4", [], seconds=10)).close()
    result = audit("-o", tmp_path / "out", "--resume", "--workers", "0")

    assert (result.exit_code, findings(tmp_path / "out")["findings"]) == (0, [])


def test_what_cannot_be_read_ends_with_3_and_says_where(walk: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").write_bytes(walk.read_bytes()[: walk.stat().st_size // 2])
    (tmp_path / "empty.mkv").touch()
    result = audit(tmp_path, "-o", tmp_path / "out", "--workers", "0")
    named = {Path(one["path"]).name: one["reason"] for one in findings(tmp_path / "out")["unreadable"]}

    assert result.exit_code == 3
    assert set(named) == {"cut.mp4", "empty.mkv"}
    assert named["empty.mkv"] == "EMPTY"
    assert "empty.mkv: EMPTY" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["-o", "out"], 2, id="nothing to audit"),
        pytest.param(["nowhere.mp4", "-o", "out"], 2, id="a path that is not there"),
        pytest.param(["."], 2, id="no folder for the results"),
        pytest.param([".", "-o", "out", "--min-event", "soon"], 2, id="no duration"),
        pytest.param([".", "-o", "out", "--max-decode", "200%"], 2, id="more than everything"),
        pytest.param([".", "-o", "out", "--since", "2026-03-02", "--until", "2026-03-01"], 2, id="no time at all"),
        pytest.param([".", "-o", "out", "--camera-from-path", "("], 2, id="no pattern"),
        pytest.param([".", "-o", "out", "--model", "nowhere"], 4, id="no such model"),
        pytest.param([".", "-o", "out", "--policy", "nowhere"], 2, id="no such policy"),
        pytest.param(
            [".", "-o", "out", "--effect", "blur", "--strength", "0.01"], 2, id="a mask that hides too little"
        ),
    ],
)
def test_wrong_arguments_end_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    result = audit(*arguments)

    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output


def test_an_audit_goes_on_without_being_told_the_paths_again(walk: Path, done: tuple[Result, Path]) -> None:
    _, out = done
    again = audit("-o", out, "--resume", "--workers", "0")

    assert again.exit_code == 1
    assert audit(walk, "-o", out).exit_code == 2


def test_another_policy_is_tried_without_touching_a_recording(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", [(20, 30)], level=205)
    audit_in_toy_world(tmp_path / "out", path).close()
    path.unlink()
    strict = (Path(policy.__file__).parent / "policies" / "guangdong.toml").read_text("utf-8")
    stated = "[thresholds]\nclear_below = 0.2962\nprohibited_above = 0.9999999"
    (tmp_path / "strict.toml").write_text(strict.replace("[thresholds]", stated))

    same = audit("simulate", tmp_path / "out", "--policy", "order799")
    other = audit("simulate", tmp_path / "out", "--policy", tmp_path / "strict.toml", "--format", "json")

    assert same.exit_code == 0, same.output
    assert "0 added, 0 removed, 0 changed" in same.output
    assert other.exit_code == 1
    assert len(json.loads(other.stdout)["removed"]) == 1


class _Page(HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.loads += [value for key, value in attrs if key in ("src", "href", "action") and value]
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named.get("content") or ""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    name = os.fsdecode(b"</script><img src=x onerror=alert(1)>=\xff$csp.mp4".replace(b"/", b"|"))
    (tmp_path / "a").mkdir()
    write_recording(tmp_path / "a" / name, [(20, 40)])
    (tmp_path / "a" / "=cmd()|x.mkv").touch()
    with audit_in_toy_world(tmp_path / "out", tmp_path / "a") as book:
        rules = catalogue.load_policy()
        write_page(outcome.conclude(book, rules, tmp_path / "out"), rules, tmp_path / "out" / "index.html")
    return tmp_path / "out"


def test_the_page_loads_nothing_and_runs_nothing_but_its_own(hostile: Path) -> None:
    text = (hostile / "index.html").read_text("utf-8")
    page = _Page()
    page.feed(text)

    assert page.loads == []
    assert page.policy.startswith("default-src 'none'")
    assert "unsafe" not in page.policy
    assert "<img" not in text


def test_a_hostile_name_is_text_everywhere(hostile: Path) -> None:
    (one,) = findings(hostile)["findings"]
    rows = (hostile / "findings.csv").read_text("utf-8")

    assert "\\xff" in one["path"]
    assert not re.search(r"(^|,)=", rows, re.MULTILINE)


def test_ten_thousand_recordings_make_a_page_that_is_no_larger_than_a_photo_album(tmp_path: Path) -> None:
    with audit_in_toy_world(tmp_path / "out", write_recording(tmp_path / "a.mp4", [(20, 40)])) as book:
        done = outcome.conclude(book, catalogue.load_policy(), tmp_path / "out")
    done["recordings"] = [done["recordings"][0] | {"path": f"/archive/{n % 100}/{n}.mp4"} for n in range(10_000)]
    write_page(done, catalogue.load_policy(), tmp_path / "index.html")

    assert (tmp_path / "index.html").stat().st_size < 8 * 2**20


def test_a_full_disk_is_said_and_what_is_known_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_recording(tmp_path / "a.mp4", [(20, 40)])
    with audit_in_toy_world(tmp_path / "out", path) as book:
        digest = book.digest()

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    result = audit("-o", tmp_path / "out", "--resume", "--workers", "0")
    monkeypatch.undo()

    assert result.exit_code == 4
    assert "No space left" in result.stderr
    with Book(tmp_path / "out" / NAME) as book:
        assert book.digest() == digest


def test_who_mistyped_a_path_begins_anew(walk: Path, tmp_path: Path) -> None:
    mistyped = audit(walk.with_name("nowhere.mp4"), "-o", tmp_path / "out")
    again = audit(walk, "-o", tmp_path / "out", "--workers", "0")

    assert (mistyped.exit_code, again.exit_code) == (2, 1), again.output


def test_a_bug_is_no_finding(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python ends with 1 what it cannot go on with, and to scripts 1 means that a prohibited place was found."""

    def broken(*_: object, **__: object) -> bool:
        raise RuntimeError("out of cheese")

    monkeypatch.setattr("privacy.audit.run.scan", broken)
    result = audit(walk, "-o", tmp_path / "out", "--workers", "0")

    assert result.exit_code == 4
    assert "out of cheese" in result.stderr


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, __: Path) -> Path:
        raise OSError(28, "No space left on device")

    table = tmp_path / "findings.csv"
    table.write_text("the old one")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SinkError, match="No space left"):
        outcome.write_csv(table, [])

    assert table.read_text() == "the old one"


def test_thumbnails_are_masked_as_asked_for_and_never_weaker_than_the_policy_allows(walk: Path, tmp_path: Path) -> None:
    result = audit(walk, "-o", tmp_path / "out", "--workers", "0", "--effect", "pixelate")
    (one,) = findings(tmp_path / "out")["findings"]

    assert result.exit_code == 1
    assert len(one["thumbnails"]) in (1, 2, 3)
    assert audit(walk, "-o", tmp_path / "no", "--effect", "blur", "--strength", "0.01").exit_code == 2


def test_a_masked_copy_hides_every_finding(walk: Path, tmp_path: Path) -> None:
    result = audit(walk, "-o", tmp_path / "out", "--workers", "0", "--mask-out", tmp_path / "masked")
    (one,) = findings(tmp_path / "out")["findings"]
    (copy,) = (tmp_path / "masked").rglob("*.mp4")
    with VideoSource(copy) as video:
        frames = list(video)

    assert result.exit_code == 1
    assert len(frames) == 40
    assert all(frame.planes[0].max() <= 20 for frame in frames if one["start_s"] <= frame.offset < one["end_s"])


def test_a_masked_copy_that_is_not_made_ends_with_3(walk: Path, tmp_path: Path) -> None:
    (tmp_path / "masked").mkdir()
    (tmp_path / "masked" / "hall").write_text("no folder")
    result = audit(walk, "-o", tmp_path / "out", "--workers", "0", "--mask-out", tmp_path / "masked")

    assert result.exit_code == 3
    assert len(findings(tmp_path / "out")["findings"]) == 1


def test_findings_are_raised_as_reports(walk: Path, tmp_path: Path) -> None:
    options: list[str | Path] = [
        "--report",
        f"sqlite:///{tmp_path / 'reports.db'}",
        "--ledger-key",
        tmp_path / "ledger.key",
    ]
    result = audit(walk, "-o", tmp_path / "out", "--workers", "0", *options)
    (one,) = findings(tmp_path / "out")["findings"]

    assert result.exit_code == 1, result.output
    assert one["report"].startswith("reports/")


def test_findings_without_a_report_are_said_and_why(tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    dated = write_recording(tmp_path / "hall" / "20260301_120000.mp4", [(10, 13), (30, 44)])
    undated = write_recording(tmp_path / "hall" / "holiday.mp4", [(10, 24)])
    audit_in_toy_world(tmp_path / "out", dated, undated, terms=replace(TERMS, min_event_s=2.0)).close()
    options: list[str | Path] = [
        "--report",
        f"sqlite:///{tmp_path / 'reports.db'}",
        "--ledger-key",
        tmp_path / "ledger.key",
    ]
    result = audit("--resume", "-o", tmp_path / "out", "--workers", "0", "--min-event", "2s", *options)
    raised = [one["report"] is not None for one in findings(tmp_path / "out")["findings"]]

    assert (
        "1 reports; 1 findings have no date, and no report; 1 findings are shorter than the policy's 5 s, and have no "
        "report" in result.stderr
    )
    assert raised == [False, True, False]


@pytest.mark.slow
def test_real_clips_are_audited(corpus: Path, tmp_path: Path) -> None:
    audit(corpus / "videos", "-o", tmp_path / "out")
    found = {Path(one["path"]).name for one in findings(tmp_path / "out")["findings"]}

    assert {"fairbnb_bathroom.mp4", "interior_bathroom.mp4"} & found
    assert np.isfinite(findings(tmp_path / "out")["summary"]["audited_s"])
