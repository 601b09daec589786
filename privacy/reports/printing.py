"""A report on paper: HTML for a browser's print, PDF for the file. Both say the same, in Chinese and English."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from importlib import resources, util
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from privacy import policy
from privacy.errors import PrintError
from privacy.policy import Clause
from privacy.reports.report import Picture, Report

CHINA = timezone(timedelta(hours=8))
FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
)
"""Where systems keep a font with Chinese letters; the extra `print` brings one along."""
_FONT_KINDS = (b"OTTO", b"\0\1\0\0", b"true", b"ttcf")  # how such a file begins


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table on a report's first page."""

    zh: str
    en: str
    value: str


def rows_of(report: Report) -> list[Row]:
    """Return what a report says, line by line."""
    end = "持续中 / goes on" if report.end is None else when(report.end)
    exposure = f"{report.exposure_frames} 帧 / frames, {report.exposure_s:.1f} s"
    return [
        Row("报告编号", "Report", report.name),
        Row("规则", "Rule", report.rule),
        Row("状态", "State", report.state.value),
        Row("严重程度", "Severity", f"{report.severity.value} ({report.confidence:.0%})"),
        Row("对象", "Subject", report.subject),
        Row("摄像机", "Camera", report.camera or "—"),
        Row("起止时间", "Span", f"{when(report.start)} — {end}"),
        Row("场所", "Zone", _zone_of(report)),
        Row("画面内容", "Seen", ", ".join(map(_readable, filter(None, (report.place, *report.objects)))) or "—"),
        Row("已遮挡自", "Masked since", "—" if report.masked_since is None else when(report.masked_since)),
        Row("暴露", "Exposure", exposure),
        Row("报送机关", "Addressee", " / ".join(filter(None, (report.addressee_zh, report.addressee_en)))),
        Row("规则包", "Policy", " ".join(report.policy)),
        Row("模型", "Model", report.model or "—"),
        Row("保存期至", "Kept until", when(report.retain_until)),
    ]


def _zone_of(report: Report) -> str:
    if report.zone is None:
        return "—"
    pack = report.policy[0]
    rule = policy.load(pack).rules.get(report.zone) if pack in policy.names() else None
    return " / ".join(filter(None, (rule.zh.removeprefix("等") if rule else "", _readable(report.zone.slug))))


def uncited(report: Report) -> str:
    """Return why a report cites no article; "" if it does."""
    pack = report.policy[0]
    if report.clauses or pack not in policy.names():
        return "" if report.clauses else "未引用条款。 / No article is cited."
    said = policy.load(pack).reporting.rules.get(report.rule)
    return "未引用条款。 / " + (said.uncited if said is not None and said.uncited else "No article is cited.")


def _readable(slug: str) -> str:
    return slug.replace("_", " ")


def when(at: float) -> str:
    """Write a moment in China Standard Time."""
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S UTC+8")


def html(report: Report, picture: Callable[[Picture], str]) -> str:
    """Return a page that stands alone.

    Args:
        report: What is printed.
        picture: Gives the address of a picture of the report; a data: URL, if the page has to stand alone.
    """
    environment = Environment(
        loader=PackageLoader("privacy.reports"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    template = environment.get_template("report.html")
    return template.render(report=report, rows=rows_of(report), uncited=uncited(report), when=when, picture=picture)


def pdf(report: Report, picture: Callable[[Picture], bytes], *, font: Path | None = None) -> bytes:
    """Return the same as a PDF, with its font embedded.

    Args:
        report: What is printed.
        picture: Gives the bytes of a picture of the report; masked, as all of them are.
        font: With Chinese letters; None to take the first that is found.

    Raises:
        PrintError: The extra `print` is not installed, or no such font is to be had.
    """
    if util.find_spec("fpdf") is None:
        raise PrintError("a PDF needs the extra: pip install 'privacy-zones[print]'")
    return _Sheet(font or chinese_font()).written(report, picture)


def chinese_font() -> Path:
    """Return a font with Chinese letters.

    Raises:
        PrintError: There is none.
    """
    for place in FONTS:
        if Path(place).exists():
            return Path(place)
    if util.find_spec("cvttf_NotoSansCJK_Regular") is not None:
        for file in resources.files("cvttf_NotoSansCJK_Regular").iterdir():
            if file.name.endswith((".otf", ".ttf")):
                return Path(str(file))
    raise PrintError("no font with Chinese letters; install fonts-noto-cjk, or the extra `print`, or name one")


_LEFT_MM = 52
_PICTURE_MM = (110, 200)
"""Most width and height of a picture; the height leaves room for heading and caption on the same page."""
_HEADING_MM = 10
_CAPTION_MM = 8


class _Sheet:
    """The pages of one report."""

    def __init__(self, font: Path) -> None:
        from fpdf import FPDF  # noqa: PLC0415 - an extra

        if not font.is_file() or font.read_bytes()[:4] not in _FONT_KINDS:
            raise PrintError(f"{font.name} is no font that can be embedded", font=font.name)

        self._pdf: Any = FPDF(format="A4")
        self._pdf.set_auto_page_break(auto=True, margin=18)
        self._pdf.set_margins(18, 16)
        try:
            self._pdf.add_font("zh", fname=font)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise PrintError(f"{font.name} is no font that can be embedded", font=font.name) from error

    def written(self, report: Report, picture: Callable[[Picture], bytes]) -> bytes:
        """Write everything."""
        self._pdf.set_title(report.name)
        self._pdf.add_page()
        self._text(16, "公共安全视频图像信息系统 — 报告")
        self._text(10, "Public security video image information system: report")
        self._gap(3)
        self._text(11, report.summary_zh)
        self._text(10, report.summary_en)
        self._gap(2)
        for row in rows_of(report):
            self._pair(f"{row.zh} / {row.en}", row.value)
        self._clauses("违反条款 / Legal basis", report.clauses)
        if not report.clauses:
            self._text(10, uncited(report))
        if report.consequences:
            self._clauses("法律后果 / Consequence", report.consequences)
        self._heading("建议措施 / Recommended action")
        self._text(10, report.action_zh)
        self._text(9, report.action_en)
        if report.steps:
            self._heading("处理记录 / Review")
            for step in report.steps:
                self._pair(when(step.at), f"{step.state.value} · {step.actor}: {step.reason}")
        for number, each in enumerate(report.pictures):
            heading = "" if number else "遮挡后的图片 / Masked pictures"
            self._picture(heading, picture(each), f"{when(each.at)}  sha256 {each.sha256}")
        return bytes(self._pdf.output())

    def _picture(self, heading: str, data: bytes, caption: str) -> None:
        """Keep a picture, its caption and the heading above it on one page."""
        from PIL import Image  # noqa: PLC0415 - comes with fpdf

        with Image.open(BytesIO(data)) as image:
            ratio = image.height / image.width
        width = min(_PICTURE_MM[0], _PICTURE_MM[1] / ratio)
        if self._pdf.will_page_break(width * ratio + _CAPTION_MM + (_HEADING_MM if heading else 0)):
            self._pdf.add_page()
        if heading:
            self._heading(heading)
        self._pdf.image(BytesIO(data), w=width)
        self._text(7, caption)

    def _heading(self, text: str) -> None:
        self._gap(3)
        self._text(12, text)

    def _clauses(self, title: str, clauses: Sequence[Clause]) -> None:
        self._heading(title)
        for clause in clauses:
            self._text(10, clause.citation)
            if clause.zh:
                self._text(10, clause.zh)
            self._text(8, clause.en)

    def _pair(self, left: str, right: str) -> None:
        self._pdf.set_font("zh", size=9)
        self._pdf.set_text_color(90)
        self._pdf.cell(_LEFT_MM, 5.5, left)
        self._pdf.set_text_color(0)
        self._pdf.multi_cell(0, 5.5, right, align="L", new_x="LMARGIN", new_y="NEXT")

    def _text(self, size: float, text: str) -> None:
        self._pdf.set_font("zh", size=size)
        self._pdf.multi_cell(0, size * 0.55, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def _gap(self, millimetres: float) -> None:
        self._pdf.ln(millimetres)
