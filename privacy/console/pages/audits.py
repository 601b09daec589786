"""Audits of archives, and what they found."""

from itertools import islice
from typing import Any

from starlette.responses import Response

from privacy.audit.jobs import Jobs
from privacy.console.desk import Asked, Desk
from privacy.errors import ResourceNotFoundError, UnsupportedError
from privacy.zones import Zone

PAGE = 50
MAX_AUDITS = 200


def index(desk: Desk, asked: Asked) -> Response:
    """Return all audits, the newest first."""
    return desk.page("audits.html", asked, audits=_jobs(desk).jobs()[:MAX_AUDITS])


def audit(desk: Desk, asked: Asked) -> Response:
    """Return one audit, and a page of its findings."""
    jobs, name = _jobs(desk), f"audits/{asked.parts['audit']}"
    after = asked.number("after") or 0
    job = jobs.job(name)
    with jobs.book(name) as book:
        found = list(islice(book.findings(after), PAGE + 1))
        findings = [(number, _finding(desk, jobs, asked, one)) for number, one in found[:PAGE]]
    return desk.page(
        "audit.html",
        asked,
        audit=job,
        findings=findings,
        more=found[PAGE - 1][0] if len(found) > PAGE else None,
        below=jobs.below_root,
    )


def picture(desk: Desk, asked: Asked) -> Response:
    """Return a masked picture of a finding, by the finding's number and its own."""
    jobs, name = _jobs(desk), f"audits/{asked.parts['audit']}"
    number, which = int(asked.parts["finding"]), int(asked.parts["picture"])
    jobs.job(name)
    with jobs.book(name) as book:
        one = next((each for at, each in book.findings(number - 1) if at == number), None)
        pictures = [] if one is None else jobs.thumbnails(name, one["thumbnails"])
    if which >= len(pictures):
        raise ResourceNotFoundError("there is no such picture")
    return Response(pictures[which], media_type="image/jpeg")


def _finding(desk: Desk, jobs: Jobs, asked: Asked, one: dict[str, Any]) -> dict[str, Any]:
    zone = Zone.of(one["zone"])
    return {**one, "path": jobs.below_root(one["path"]), "zone": desk.zone(asked.speech, zone)}


def _jobs(desk: Desk) -> Jobs:
    if desk.jobs is None:
        raise UnsupportedError("this server audits nothing: see `privacy serve --archive`", feature="audits")
    return desk.jobs
