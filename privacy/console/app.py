"""The table of pages, and the console that a server carries."""

from collections.abc import Mapping, Sequence
from typing import Self

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route

from privacy.audit.jobs import Jobs
from privacy.console.desk import REPORTS, ROOT, Desk
from privacy.console.guard import Page, SafeHeaders, missing, route
from privacy.console.pages import audits, cameras, door, events, ledger, models, reports
from privacy.console.sessions import ENTRY, Sessions
from privacy.console.thumbnails import Thumbnails
from privacy.console.wall import Wall
from privacy.policy import Policy
from privacy.reports.store import Store
from privacy.serve.observer import Observer
from privacy.serve.service import Assembly

_GET_REPORT = "privacy.v1.ReportService/GetReport"
_GET_AUDIT = "privacy.v1.AuditService/GetAudit"
_FINDINGS = "privacy.v1.AuditService/ListFindings"
_LEDGER = "privacy.v1.ReportService/VerifyLedger"

PAGES: Sequence[Page] = (
    Page("/login", door.ask, None),
    Page("/login", door.enter, None, posts=True),
    Page("/logout", door.leave, None, posts=True),
    Page("/preferences", door.choose, None, posts=True),
    Page("/static/{name}", door.static, None, quiet=True),
    Page("/", door.home, ENTRY),
    Page("/cameras", cameras.wall, ENTRY),
    Page("/camera", cameras.camera, "privacy.v1.CameraService/GetCamera"),
    Page("/camera/thumbnail", cameras.thumbnail, "privacy.v1.CameraService/GetCamera", quiet=True),
    Page("/events", events.events, ENTRY, quiet=True),
    Page("/reports", reports.index, REPORTS),
    Page("/reports/{report}", reports.report, _GET_REPORT),
    Page("/reports/{report}/review", reports.review, reports.REVIEW, posts=True),
    Page("/reports/{report}/pictures/{sha256}", reports.picture, _GET_REPORT),
    Page("/reports/{report}/print", reports.paper, _GET_REPORT),
    Page("/reports/{report}/pdf", reports.pdf, _GET_REPORT),
    Page("/audits", audits.index, "privacy.v1.AuditService/ListAudits"),
    Page("/audits/{audit}", audits.audit, _GET_AUDIT),
    Page("/audits/{audit}/findings/{finding:int}/{picture:int}", audits.picture, _FINDINGS),
    Page("/models", models.index, "privacy.v1.EnforcementService/GetCapabilities"),
    Page("/ledger", ledger.index, _LEDGER),
    Page("/ledger/verify", ledger.verify, _LEDGER, posts=True),
)
"""Every page, and the method of the wire whose callers may have it."""


class Console:
    """The console of one server; within its block it makes thumbnails.

    Args:
        policies: Every pack that a stream may run under, by name.
        policy: Name of the default one.
        store: Reports and the ledger; None if none are kept.
        jobs: Audits; None if the server makes none.
    """

    def __init__(
        self, policies: Mapping[str, Policy], policy: str, *, store: Store | None = None, jobs: Jobs | None = None
    ) -> None:
        self._policies = policies
        self._policy = policy
        self._store = store
        self._jobs = jobs
        self._wall = Wall()
        self._thumbnails = Thumbnails()

    def __enter__(self) -> Self:
        self._thumbnails.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._thumbnails.stop()

    @property
    def observers(self) -> Sequence[Observer]:
        """Who must hear what the service does."""
        return self._wall, self._thumbnails

    def pages(self, parts: Assembly) -> Sequence[BaseRoute]:
        """Return its pages, for a server of these parts."""
        return routes(
            Desk(
                wall=self._wall,
                thumbnails=self._thumbnails,
                sessions=None if parts.tokens is None else Sessions(parts.tokens),
                registry=parts.registry,
                store=self._store,
                jobs=self._jobs,
                policies=self._policies,
                policy=self._policy,
                model=parts.engine.model.name,
                version=parts.engine.version,
            )
        )


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """Return the console as routes of a server.

    Args:
        desk: What its pages draw on.
    """
    inside = Starlette(
        routes=[route(desk, page) for page in PAGES],
        middleware=[Middleware(SafeHeaders)],
        exception_handlers={404: missing(desk)},
    )
    return [Route("/", _home), Mount(ROOT, app=inside)]


def _home(_: Request) -> RedirectResponse:
    return RedirectResponse(f"{ROOT}/", 303)
