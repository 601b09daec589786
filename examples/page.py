"""Draws `index.html` for the example client: what was hidden, when, and by which article.

The page opens from disk and fetches nothing but the masked video beside it.
"""

import base64
import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from privacy import jpeg
from privacy.frame import Frame, Layout, thumbnail
from privacy.verdict import State, Verdict

WIDTH = 480


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame that is shown on the page.

    Attributes:
        verdict: On it.
        after: What left the service, as JPEG.
        before: What the camera saw, as JPEG; None unless the page may show it.
    """

    verdict: Verdict
    after: bytes
    before: bytes | None


def picture(frame: Frame) -> bytes:
    """Return a small JPEG of a frame."""
    height, width = frame.size
    columns = min(WIDTH, width)
    rows = max(1, round(height * columns / width))
    return jpeg.write(Frame((thumbnail(frame, (rows, columns)),), Layout.RGB, frame.offset), quality=82)


def page(
    *, title: str, verdicts: Sequence[Verdict], moments: Sequence[Moment], facts: dict[str, str], video: str
) -> str:
    """Return the page.

    Args:
        title: Name of what was watched.
        verdicts: On every frame, in order.
        moments: The frames to show.
        facts: What else the reader should know, by name.
        video: Masked video, relative to the page.
    """
    counts = Counter(verdict.state for verdict in verdicts)
    total = max(1, len(verdicts))
    clauses = {clause.citation: clause for verdict in verdicts for clause in verdict.clauses}
    shows_before = any(moment.before for moment in moments)
    banner = (
        '<p class="banner" role="note"><strong>This page shows unmasked pictures</strong>, because it was asked to '
        "(<code>--show-before</code>). They are here for you to check the masking on your own clip. Do not pass the "
        "page on: what the service lets out is the right-hand side and the video.</p>"
        if shows_before
        else ""
    )
    law = "".join(
        f"<blockquote><cite>{_e(clause.citation)}</cite><p lang='zh'>{_e(clause.zh)}</p>"
        f"<p>{_e(clause.en)}</p></blockquote>"
        for clause in clauses.values()
    )
    tiles = "".join(
        f"<div class='tile {state.lower()}'><b>{100 * counts[state] / total:.1f}&thinsp;%</b>"
        f"<span>{counts[state]} frames {word}</span></div>"
        for state, word in (
            (State.PROHIBITED, "prohibited, hidden"),
            (State.UNCERTAIN, "uncertain, hidden"),
            (State.CLEAR, "clear, shown"),
        )
    )
    rows = "".join(f"<dt>{_e(name)}</dt><dd>{_e(value)}</dd>" for name, value in facts.items())
    template = Template(Path(__file__).with_name("page.html").read_text("utf-8"))
    return template.substitute(
        title=_e(title),
        banner=banner,
        tiles=tiles,
        timeline=_timeline(verdicts),
        cards="".join(_card(moment) for moment in moments),
        video=_e(video),
        law=law or "<p>No frame was ruled prohibited.</p>",
        facts=rows,
    )


def _card(moment: Moment) -> str:
    verdict = moment.verdict
    before = (
        f"<figure>{_image(moment.before, 'before')}<figcaption>before</figcaption></figure>" if moment.before else ""
    )
    after = f"<figure>{_image(moment.after, 'after')}<figcaption>after</figcaption></figure>"
    named = verdict.zone if verdict.state is State.PROHIBITED else None  # nobody is accused on a suspicion
    zone = named.slug.replace("_", " ") if named is not None else ""
    words = [f"{verdict.offset:.2f} s", zone, f"p {verdict.p_prohibited:.2f}", verdict.reason.lower().replace("_", " ")]
    text = " &middot; ".join(_e(word) for word in words if word)
    return (
        f"<article class='{verdict.state.lower()}'><h3>{verdict.state}</h3><p>{text}</p>"
        f"<div class='pair'>{before}{after}</div></article>"
    )


def _timeline(verdicts: Sequence[Verdict]) -> str:
    """Return one bar for each run of equal verdicts, wide as its share of the frames."""
    runs: list[tuple[State, int, float]] = []
    for verdict in verdicts:
        if runs and runs[-1][0] is verdict.state:
            runs[-1] = (verdict.state, runs[-1][1] + 1, runs[-1][2])
        else:
            runs.append((verdict.state, 1, verdict.offset))
    bars = "".join(
        f"<i class='{state.lower()}' style='flex:{count}' title='{state} from {start:.2f} s, {count} frames'></i>"
        for state, count, start in runs
    )
    end = verdicts[-1].offset if verdicts else 0.0
    axis = f"<p class='axis'><span>0 s</span><span>{end:.1f} s</span></p>"
    return f"<div class='line' role='img' aria-label='States over time'>{bars}</div>{axis}"


def _image(data: bytes | None, alt: str) -> str:
    return f"<img alt='{alt}' src='data:image/jpeg;base64,{base64.b64encode(data or b'').decode()}'>"


def _e(text: str) -> str:
    return html.escape(text, quote=True)
