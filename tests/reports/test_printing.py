"""Paper says what the report says, in Chinese and English, and runs nothing that somebody wrote into it."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from privacy.errors import PrintError
from privacy.reports import printing
from privacy.reports.report import Picture, Report, ReportState, ReviewStep
from privacy.zones import Zone
from tests.reports.stories import NOON

Make = Callable[..., Report]
PICTURE = Picture("ab" * 32, NOON, "image/jpeg")


def drawn(_: Picture) -> bytes:
    return bytes(cv2.imencode(".jpg", np.zeros((90, 160, 3), np.uint8))[1])


@pytest.fixture
def report(raise_report: Make) -> Report:
    step = ReviewStep(ReportState.ACKNOWLEDGED, "users/wang", NOON + 60, "现场核实 / seen on site")
    return replace(raise_report(), pictures=(PICTURE,), steps=(step,), state=ReportState.ACKNOWLEDGED)


def test_a_page_says_it_in_both_languages(report: Report) -> None:
    page = printing.html(report, lambda _: "data:image/jpeg;base64,AA==")

    for said in (report.summary_zh, report.summary_en, "Guangdong Decree 132 Art. 7", "责令限期拆除", "users/wang"):
        assert said in page


def test_what_a_report_quotes_is_text_and_no_markup(report: Report) -> None:
    page = printing.html(replace(report, subject="<script>alert(1)</script>"), lambda _: "")

    assert "<script" not in page


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        pytest.param("guangdong", "更衣室 / changing room", id="as the law calls it"),
        pytest.param("house-rules", "changing room", id="a pack that does not ship"),
    ],
)
def test_zone_and_place_are_words_and_no_slugs(report: Report, pack: str, said: str) -> None:
    shown = replace(
        report, zone=Zone.CHANGING_ROOM, place="locker_room", objects=("fitting_booth",), policy=(pack, "1")
    )
    rows = {row.en: row.value for row in printing.rows_of(shown)}

    assert (rows["Zone"], rows["Seen"]) == (said, "locker room, fitting booth")


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
@pytest.mark.parametrize("steps", [0, 3, 6, 12])
def test_the_heading_of_the_pictures_stands_on_the_page_of_the_first(
    report: Report, tmp_path: Path, steps: int
) -> None:
    sheet = printing.pdf(replace(report, steps=report.steps * steps), drawn)
    (tmp_path / "report.pdf").write_bytes(sheet)
    command = [shutil.which("pdftotext") or "", "report.pdf", "-"]
    pages = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split("\f")

    (page,) = [page for page in pages if "Masked pictures" in page]
    assert PICTURE.sha256 in page.replace("\n", "")


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_a_pdf_says_it_in_both_languages(report: Report, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(printing.pdf(report, drawn))
    command = [shutil.which("pdftotext") or "", "report.pdf", "-"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    text = done.stdout.replace("\n", "")

    for said in (report.summary_zh, "Guangdong Decree 132 Art. 27", "县级以上人民政府公安机关", "users/wang"):
        assert said.replace(" ", "") in text.replace(" ", "")


def test_a_font_that_is_none_is_named(report: Report, tmp_path: Path) -> None:
    (tmp_path / "font.otf").write_bytes(b"no font")

    with pytest.raises(PrintError, match=r"font\.otf"):
        printing.pdf(report, drawn, font=tmp_path / "font.otf")
