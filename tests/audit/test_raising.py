"""What an audit finds becomes a report like any other: once, dated, with masked pictures."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from privacy.audit.raising import raise_reports
from privacy.models import catalogue
from privacy.reports.store import Store
from tests.audit.recordings import audit, write_recording

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
