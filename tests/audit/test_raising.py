"""What an audit finds becomes a report like any other: once, dated, with masked pictures."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from privacy.audit.raising import raise_reports
from privacy.models import catalogue
from privacy.reports.store import Store
from tests.audit.recordings import TERMS, audit, write_recording

NOON = 1_772_366_400.0  # 2026-03-01, as the name of the recording says
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def store(database: Engine) -> Store:
    return Store(database, KEY, lambda: NOON + 86_400)


def test_every_dated_finding_is_one_report_however_often_it_is_raised(tmp_path: Path, store: Store) -> None:
    (tmp_path / "hall").mkdir()
    dated = write_recording(tmp_path / "hall" / "cam_20260301_120000.mp4", [(10, 24), (40, 55)])
    undated = write_recording(tmp_path / "hall" / "holiday.mp4", [(10, 24)])
    with audit(tmp_path / "out", dated, undated) as book:
        first, again = (
            raise_reports(book, catalogue.load_policy(), store),
            raise_reports(book, catalogue.load_policy(), store),
        )
        kept = book.reports()
    reports = [store.get(name.removeprefix("reports/")) for name in first.reports.values()]

    assert len(reports) == 2
    assert first == again
    assert first.undated == 1
    assert kept == first.reports
    assert {report.rule for report in reports} == {"PROHIBITED_VIEW"}
    assert all(report.end is not None and report.pictures and report.exposure_s > 9 for report in reports)
    assert sorted(report.start - NOON for report in reports) == pytest.approx([10, 40], abs=1)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            ("north/ch01/20260301_120000.mp4", "south/ch01/20260301_120000.mp4"), id="folders that are called the same"
        ),
        pytest.param(
            ("all/ch01_20260301_120000.mp4", "all/ch02_20260301_120000.mp4"), id="cameras that share a folder"
        ),
    ],
)
def test_what_begins_at_the_same_moment_in_two_recordings_is_two_reports(
    tmp_path: Path, store: Store, names: tuple[str, str]
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_recording(tmp_path / name, [(0, 14)], seconds=20)
    with audit(tmp_path / "out", *(tmp_path / name for name in names)) as book:
        raised = raise_reports(book, catalogue.load_policy(), store)

    assert len(set(raised.reports.values())) == 2
    assert len(store.page()[0]) == 2


def test_a_recording_is_told_by_where_it_lies_not_by_how_it_was_named(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named from within, two archives look the same; named from elsewhere, one of them looks like another."""
    named = []
    for hotel in ("north", "south"):
        (tmp_path / hotel / "ch01").mkdir(parents=True)
        path = write_recording(tmp_path / hotel / "ch01" / "20260301_120000.mp4", [(0, 14)], seconds=20)
        monkeypatch.chdir(tmp_path / hotel)
        for number, name in enumerate(("ch01/20260301_120000.mp4", f"../{hotel}/ch01/{path.name}", str(path))):
            with audit(tmp_path / f"out-{hotel}-{number}", name) as book:
                named.append(set(raise_reports(book, catalogue.load_policy(), store).reports.values()))

    assert named[:3] == [named[0]] * 3
    assert named[3:] == [named[3]] * 3
    assert len(named[0] | named[3]) == 2


def test_what_the_rules_do_not_ask_a_report_for_is_counted(tmp_path: Path, store: Store) -> None:
    """An audit may look for sights that are shorter than what the policy reports."""
    path = write_recording(tmp_path / "20260301_120000.mp4", [(10, 13), (30, 44)])
    with audit(tmp_path / "out", path, terms=replace(TERMS, min_event_s=2.0)) as book:
        raised = raise_reports(book, catalogue.load_policy(), store)

    assert (len(raised.reports), raised.short, raised.undated) == (1, 1, 0)
