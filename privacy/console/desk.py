"""What every page draws on, and how it becomes HTML."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from privacy import policy as policies
from privacy.audit.jobs import Jobs
from privacy.cameras.registry import Registry
from privacy.console import queries, words
from privacy.console.sessions import Seal, Sessions
from privacy.console.wall import Wall
from privacy.console.watchers import Watchers
from privacy.console.words import Language, Speech, Theme
from privacy.errors import DatabaseError, FieldError, UnsupportedError
from privacy.policy import Policy
from privacy.reports.report import ReportState
from privacy.reports.store import Store
from privacy.serve.access import may
from privacy.serve.caller import Caller
from privacy.zones import Zone

ROOT = "/console"
REPORTS = "privacy.v1.ReportService/ListReports"
"""Whoever may call this is told how many reports are open."""
_MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, after it was let in.

    Attributes:
        who: Who asks; None before somebody has logged in.
        cookie: The cookie of the session.
        host: Address that it came from.
        secure: True if it came over TLS.
        speech: In the language of whoever asks.
        theme: As chosen.
        path: Below the root of the server.
        parts: What stands in the variable parts of the path.
        query: What stands behind the question mark; of what is there twice, the last.
        form: What was posted; likewise.
        here: Path and query, for a way back.
        htmx: True if a script asks for a part of a page.
    """

    who: Caller | None
    cookie: str
    host: str
    secure: bool
    speech: Speech
    theme: Theme
    path: str
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    here: str = ROOT + "/"
    htmx: bool = False

    def may(self, method: str) -> bool:
        """Say whether whoever asks may call "package.Service/Method"."""
        return self.who is not None and may(self.who.role, method)

    def number(self, name: str) -> int | None:
        """Return a whole number of the query; None if it is not there.

        Raises:
            FieldError: It is none.
        """
        text = self.query.get(name, "")
        if not text:
            return None
        if not text.isascii() or not text.isdecimal() or len(text) > 18:
            raise FieldError(f"`{name}` is a whole number", field=name)
        return int(text)


class Pictures(Protocol):
    """Masked pictures of what the cameras show."""

    def picture(self, camera: str) -> bytes | None:
        """Return the last picture of a camera as JPEG, and ask for a newer one; None if nothing may be shown."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that browsers may keep: styles and scripts."""

    data: bytes
    media_type: str
    mark: str


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("privacy.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Callable[..., str]] = {"moment": words.moment, "hour": words.hour, "machine": words.machine}
    environment.filters.update(filters)
    environment.filters["parsed"] = words.parsed
    return environment


def _assets() -> Mapping[str, Asset]:
    """Read every file that is served, once: no path of a request ever meets the disk."""
    found = {}
    for file in (resources.files("privacy.console") / "static").iterdir():
        media_type = _MEDIA.get(file.name[file.name.rfind(".") :])
        if media_type is not None:
            data = file.read_bytes()
            found[file.name] = Asset(data, media_type, hashlib.sha256(data).hexdigest()[:12])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the pages draw on. What the server does not keep is None, and its pages say so.

    Attributes:
        wall: What the cameras show.
        thumbnails: Masked pictures of it.
        sessions: Who is logged in; None to ask nobody.
        registry: Sites and cameras.
        store: Reports and the ledger.
        jobs: Audits.
        policies: Every pack that a stream may run under, by name.
        policy: Name of the default one.
        model: Name of the model that looks.
        version: Of this software.
        seal: Makes the codes of forms.
        watchers: Counts the pages that keep themselves fresh.
        assets: Styles and scripts, by name.
        environment: Of the templates.
    """

    wall: Wall
    thumbnails: Pictures
    sessions: Sessions | None
    registry: Registry | None
    store: Store | None
    jobs: Jobs | None
    policies: Mapping[str, Policy]
    policy: str
    model: str
    version: str
    seal: Seal = field(default_factory=Seal)
    watchers: Watchers = field(default_factory=Watchers)
    assets: Mapping[str, Asset] = field(default_factory=_assets)
    environment: Environment = field(default_factory=_environment)

    def kept(self) -> Store:
        """Return the store of reports.

        Raises:
            UnsupportedError: This server keeps none.
        """
        if self.store is None:
            raise UnsupportedError("this server keeps no reports: see `privacy serve --reports`", feature="reports")
        return self.store

    def page(self, template: str, asked: Asked, status: int = 200, **facts: Any) -> Response:  # noqa: ANN401 - as Jinja
        """Return a page."""
        return HTMLResponse(self.render(template, asked, status=status, **facts), status)

    def render(self, template: str, asked: Asked, **facts: Any) -> str:  # noqa: ANN401 - as Jinja
        """Return a template, filled in for whoever asks."""
        return self.environment.get_template(template).render(
            t=asked.speech,
            asked=asked,
            desk=self,
            root=ROOT,
            code=self.seal.code(asked.cookie),
            static=self.address_of,
            zone=lambda zone, policy="": self.zone(asked.speech, zone, policy),
            languages=Language,
            themes=Theme,
            **facts,
        )

    def address_of(self, name: str) -> str:
        """Return where browsers find a file of ours; it changes with what is in it."""
        return f"{ROOT}/static/{name}?{self.assets[name].mark}"

    def open_reports(self, asked: Asked) -> int | None:
        """Return how many reports nobody has taken up yet; None if that is not known, or not theirs to know."""
        if self.store is None or not asked.may(REPORTS):
            return None
        with suppress(DatabaseError):  # every page tells it, and the one that says that the database is gone as well
            return queries.counts(self.store)[ReportState.OPEN]
        return None

    def zone(self, speech: Speech, zone: Zone | None, policy: str = "") -> str:
        """Return what a place is called: in Chinese as its policy has it from the law, or as the default one has."""
        if zone is None:
            return "—"
        packs = [self.policies[name] for name in (policy, self.policy, policies.DEFAULT) if name in self.policies]
        said = [pack.rules[zone].zh.removeprefix("等") for pack in packs if zone in pack.rules]
        return speech.either(next(filter(None, said), ""), zone.slug.replace("_", " "))


def back(where: str, fallback: str = ROOT + "/") -> Response:
    """Send the browser to a page of ours; to no other place, whatever was asked for."""
    ours = where.startswith(ROOT + "/") and "\\" not in where and where.isprintable()
    return RedirectResponse(where if ours else fallback, 303)
