"""The reports: a list with filters, one in full, its review, and the same on paper."""

import base64
import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import util

import structlog
from starlette.responses import HTMLResponse, Response

from privacy.cameras.camera import Camera, Site, site_name
from privacy.console import guard, queries
from privacy.console.desk import ROOT, Asked, Desk, back
from privacy.console.queries import Entry, Wanted
from privacy.console.timeline import Line, line
from privacy.console.wall import Shown, Span
from privacy.errors import FieldError, PrivacyError, ResourceNotFoundError, ReviewError
from privacy.evidence import Reason
from privacy.reports import printing
from privacy.reports.ledger import MAX_TEXT, Act
from privacy.reports.printing import CHINA
from privacy.reports.report import NEXT, Picture, Report, ReportState, ReviewStep
from privacy.reports.store import Store
from privacy.serve.reporting import UNSAID
from privacy.zones import PROHIBITED, Zone

log = structlog.get_logger()

FILTERS = ("state", "camera", "zone", "article", "since", "until")
REVIEW = "privacy.v1.ReportService/ReviewReport"
_ID = re.compile(r"[0-9a-f]{20}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report's camera stands, as far as that is registered."""

    camera: Camera | None
    site: Site | None


def index(desk: Desk, asked: Asked) -> Response:
    """Return a page of the reports that are asked for."""
    store, wanted = desk.kept(), wanted_of(asked)
    found, more = queries.reports(store, wanted, before=asked.number("before"))
    return desk.page(
        "reports.html",
        asked,
        reports=found,
        more=more,
        counted=queries.counts(store),
        states=list(ReportState),
        zones=PROHIBITED,
        citations=citations(desk),
        query={name: asked.query.get(name, "") for name in FILTERS},
        filters={name: asked.query[name] for name in FILTERS if asked.query.get(name)},
    )


def report(desk: Desk, asked: Asked) -> Response:
    """Return one report."""
    return _shown(desk, asked, desk.kept().get(_id(asked)))


def review(desk: Desk, asked: Asked) -> Response:
    """Take a step of a review, as `ReviewReport` does: the store decides whether it may be, and writes it down."""
    store, name = desk.kept(), _id(asked)
    assert asked.who is not None  # noqa: S101 - the page has a right
    try:
        step = _step(asked.form, asked.who.name, store.clock())
        # Without the revision that was read: a report that goes on has a new one every minute. Two who decide at once
        # still get in each other's way, for no state may follow itself.
        store.review(name, step)
    except (FieldError, ReviewError) as error:
        return _shown(desk, asked, store.get(name), failed=error, reason=asked.form.get("reason", "")[:MAX_TEXT])
    log.info("console_review", report=f"reports/{name}", state=step.state.value, caller=step.actor)
    return back(f"{ROOT}/reports/{name}")


def picture(desk: Desk, asked: Asked) -> Response:
    """Return a picture of a report; masked, as all of them are."""
    name, sha256 = _id(asked), asked.parts["sha256"]
    if not _SHA256.fullmatch(sha256):
        raise ResourceNotFoundError("there is no such picture")
    return Response(desk.kept().picture(name, sha256), media_type="image/jpeg")


def paper(desk: Desk, asked: Asked) -> Response:
    """Return a report for the browser's print. Its styles stand in it, and are let in by their digest."""
    store = desk.kept()
    found = store.get(_id(asked))
    html = printing.html(found, lambda one: _address(found, one))
    _write_down(store, asked, found, "html")
    digests = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in _STYLE.findall(html)]
    styles = " ".join(f"'sha256-{digest}'" for digest in digests)
    policy = guard.POLICY.replace("style-src 'self'", f"style-src {styles}" if styles else "style-src 'none'")
    return HTMLResponse(html, headers={"content-security-policy": policy})


def pdf(desk: Desk, asked: Asked) -> Response:
    """Return a report as a PDF."""
    store = desk.kept()
    found = store.get(_id(asked))
    with _ONE_AT_A_TIME:  # it takes a second of a processor
        data = printing.pdf(found, lambda one: store.picture(found.id, one.sha256))
    _write_down(store, asked, found, "pdf")
    name = f'attachment; filename="report-{found.id}.pdf"'
    return Response(data, media_type="application/pdf", headers={"content-disposition": name})


def _write_down(store: Store, asked: Asked, report: Report, form: str) -> None:
    """Enter into the ledger who takes a report out, and where to, before it goes; as `privacy reports print` does."""
    assert asked.who is not None  # noqa: S101 - the page has a right
    store.enter(
        Act(
            actor=asked.who.name,
            at=store.clock(),
            action="report.print",
            subject=report.name,
            purpose=UNSAID,
            destination=asked.host or "browser",
            details={"format": form},
        )
    )


def wanted_of(asked: Asked) -> Wanted:
    """Read which reports are asked for.

    Raises:
        FieldError: What is asked for cannot be.
    """
    query = asked.query
    state, zone = query.get("state", ""), query.get("zone", "")
    if state and state not in set(ReportState):
        raise FieldError("`state` is no state of a report", field="state")
    if zone and zone not in {each.slug for each in PROHIBITED}:
        raise FieldError("`zone` is no prohibited place", field="zone")
    until = _day(query.get("until", ""), "until")
    since = _day(query.get("since", ""), "since")
    return Wanted(
        state=ReportState(state) if state else None,
        camera=query.get("camera", "").strip(),
        zone=Zone.of(zone) if zone else None,
        citation=query.get("article", ""),
        since=None if since is None else since.timestamp(),
        until=None if until is None else (until + timedelta(days=1)).timestamp(),
    )


def citations(desk: Desk) -> list[str]:
    """Return every article that a report of this server may cite."""
    found: set[str] = set()
    for pack in desk.policies.values():
        cited = [pack.misuse, pack.misuse_consequences]
        cited += [some for rule in pack.rules.values() for some in (rule.clauses, rule.consequences)]
        cited += [some for rule in pack.reporting.rules.values() for some in (rule.clauses, rule.consequences)]
        found |= {clause.citation for some in cited for clause in some}
    return sorted(found, key=_numbered)


def _step(form: Mapping[str, str], actor: str, at: float) -> ReviewStep:
    state, reason = form.get("state", ""), form.get("reason", "").strip()
    if state not in set(ReportState):
        raise FieldError("`state` is no state of a report", field="state")
    if not 1 <= len(reason) <= MAX_TEXT:
        raise FieldError(f"a reason has 1 to {MAX_TEXT} characters", field="reason")
    return ReviewStep(ReportState(state), actor, at, reason)


def _numbered(citation: str) -> tuple[str, ...]:
    return tuple(part.zfill(6) if part.isdecimal() else part for part in re.split(r"(\d+)", citation))


def _day(text: str, field: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CHINA)
    except ValueError:
        raise FieldError(f"`{field}` is a day, for example 2026-03-12", field=field) from None


def _id(asked: Asked) -> str:
    report = asked.parts["report"]
    if not _ID.fullmatch(report):
        raise ResourceNotFoundError("there is no such report")
    return report


def _address(report: Report, picture: Picture) -> str:
    return f"{ROOT}/reports/{report.id}/pictures/{picture.sha256}"


def _shown(
    desk: Desk, asked: Asked, report: Report, *, failed: PrivacyError | None = None, reason: str = ""
) -> Response:
    status = 200 if failed is None else guard.status_of(failed)
    trail: Sequence[Entry] = queries.trail(desk.kept(), report.id)
    return desk.page(
        "report.html",
        asked,
        status,
        report=report,
        pictures=[(one, _address(report, one)) for one in report.pictures],
        place=_place(desk, report),
        line=_line(report, desk.kept().clock()),
        trail=trail,
        steps=[state for state in ReportState if state in NEXT[report.state]],
        reviewed={step.state: step for step in report.steps},
        may_review=asked.may(REVIEW),
        failed=failed,
        reason=reason,
        max_reason=MAX_TEXT,
        printable=util.find_spec("fpdf") is not None,
        now=desk.kept().clock(),
    )


def _place(desk: Desk, report: Report) -> Place:
    if desk.registry is None or not report.camera:
        return Place(None, None)
    camera = site = None
    try:
        site = desk.registry.site(site_name(report.camera.split("/")[1]))
        camera = desk.registry.camera(report.camera)
    except (ResourceNotFoundError, FieldError):
        pass  # it is not registered, which a report may be about
    return Place(camera, site)


def _line(report: Report, now: float) -> Line:
    """Draw what happened, from a little before it began until it ended, or until now."""
    last = max(report.start + 1, report.until, report.updated, *(step.at for step in report.steps))
    end = last if report.end is not None else max(last, now)
    room = (end - report.start) * 0.04
    spans = [Span(report.start, report.end or now, Shown.PROHIBITED, report.zone, Reason.MODEL)]
    marks = [(report.start, "began"), (report.created, "raised")]
    if report.masked_since is not None:
        marks.append((report.masked_since, "masked"))
    if report.end is not None:
        marks.append((report.end, "ended"))
    marks += [(step.at, step.state.value) for step in report.steps]
    return line(report.start - room, end + room, spans, marks)
