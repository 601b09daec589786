"""The table of pages, and the console that a server carries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route

from privacy.audit.jobs import Jobs
from privacy.cameras.registry import Registry
from privacy.console.desk import REPORTS, ROOT, Desk
from privacy.console.guard import Page, SafeHeaders, missing, route
from privacy.console.pages import audits, cameras, door, events, ledger, models, reports
from privacy.console.posts import News, Post, Posts
from privacy.console.sessions import ENTRY, Sessions
from privacy.console.thumbnails import Thumbnails
from privacy.console.wall import Wall
from privacy.errors import PolicyError
from privacy.policy import Policy
from privacy.reports.store import Store
from privacy.serve.observer import Observer
from privacy.serve.processes import Shared
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
        self._wall = Wall()
        self._thumbnails = Thumbnails()
        self._desk = partial(
            Desk, wall=self._wall, thumbnails=self._thumbnails, store=store, jobs=jobs, policies=policies, policy=policy
        )

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
        sessions = None if parts.tokens is None else Sessions(parts.tokens)
        engine = parts.engine
        return routes(
            self._desk(sessions=sessions, registry=parts.registry, model=engine.model.name, version=engine.version)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleOfAll:
    """The console of a server of several processes; can be pickled. See `privacy.serve.processes.Console`.

    Attributes:
        policies: Every pack that a stream may run under, by name.
        policy: Name of the default one.
        model: Name of the model that looks.
        version: Of this software.
    """

    policies: Mapping[str, Policy]
    policy: str
    model: str
    version: str

    def post(self, tell: Callable[[News], None]) -> Post:
        """Return what tells, in each process, what its cameras show."""
        return Post(tell)

    def posts(self) -> Posts:
        """Return what takes it, in the parent."""
        return Posts()

    def pages(self, posts: Posts, parts: Shared) -> Sequence[BaseRoute]:
        """Return its pages, in the parent."""
        return routes(
            Desk(
                wall=posts.wall,
                thumbnails=posts,
                sessions=None if parts.tokens is None else Sessions(parts.tokens),
                registry=None if parts.database is None else Registry(parts.database, self._policy_of),
                store=parts.store,
                jobs=parts.jobs,
                policies=self.policies,
                policy=self.policy,
                model=self.model,
                version=self.version,
            )
        )

    def _policy_of(self, name: str) -> Policy:
        if (name or self.policy) not in self.policies:
            raise PolicyError("no policy of this name", policy=name)
        return self.policies[name or self.policy]


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
