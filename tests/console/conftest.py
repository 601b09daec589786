"""A console over real databases, and browsers without a window."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx2 import Response
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from privacy import policy
from privacy.cameras.camera import Camera, Site
from privacy.cameras.registry import Registry
from privacy.console.app import routes
from privacy.console.desk import Desk
from privacy.console.sessions import Sessions
from privacy.console.thumbnails import Thumbnails
from privacy.console.wall import Wall
from privacy.database import open_database
from privacy.migrations import migrate
from privacy.reports.folding import Folder
from privacy.reports.report import Report
from privacy.reports.store import Exhibit, Store
from privacy.tokens import Role, Tokens
from tests.reports.stories import CAMERA, NOON, looks

HTML = {"accept": "text/html"}


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """Everything that a console draws on, and its clocks."""

    desk: Desk
    tokens: Tokens
    store: Store
    registry: Registry
    wall: Wall
    thumbnails: Thumbnails
    clock: Clock
    ticks: Clock

    def browser(self, role: Role | None = None, **changes: Any) -> "Browser":
        """Return a browser, logged in with a token of a role; the desk may be another one."""
        browser = Browser(replace(self.desk, **changes))
        if role is not None:
            browser.log_in(self.tokens.create(role, f"the {role}")[1])
        return browser

    def report(self, start: float = NOON, camera: str = CAMERA, masked: bytes = b"\xff\xd8masked") -> Report:
        """Raise a report of a washroom that was seen from `start` on."""
        folder = Folder(policy.load())
        events = [replace(event, subject=camera) for event in looks("W" * 7, start)]
        changes = [change for event in events for change in folder.see(event)]
        (change,) = self.store.apply(changes, [Exhibit(start, masked)])
        return change.report


class Browser:
    """Follows nothing by itself, keeps cookies, and fills in forms as pages would have it."""

    def __init__(self, desk: Desk, base: str = "http://localhost") -> None:
        self.desk = desk
        self.client = TestClient(Starlette(routes=routes(desk)), base, follow_redirects=False)

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(f"/console{path}", headers={**HTML, **headers})

    def post(self, path: str, form: dict[str, str], **headers: str) -> Response:
        """Post a form, with the code that the pages of this browser carry."""
        sent = {"code": self.code(), **form}
        return self.client.post(f"/console{path}", data=sent, headers={**HTML, **headers})

    def code(self) -> str:
        if "privacy" not in self.client.cookies:
            self.get("/login")
        return self.desk.seal.code(self.client.cookies["privacy"])

    def log_in(self, secret: str) -> Response:
        return self.post("/login", {"token": secret})


@pytest.fixture(scope="session")
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("console") / "empty.db"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def databases(tmp_path: Path, migrated_once: Path) -> Iterator[Callable[[str], Engine]]:
    engines: list[Engine] = []

    def make(name: str) -> Engine:
        shutil.copy(migrated_once, tmp_path / name)
        engines.append(open_database(f"sqlite:///{tmp_path / name}"))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def world(databases: Callable[[str], Engine]) -> World:
    """A hotel with one registered camera, and nothing reported yet."""
    engine = databases("privacy.db")
    tokens, rules = Tokens(engine), policy.load()
    clock, ticks = Clock(NOON + 100), Clock(0.0)
    store = Store(databases("reports.db"), Ed25519PrivateKey.generate(), clock)
    registry = Registry(engine, lambda name: policy.load(name or policy.DEFAULT))
    registry.create_site(Site(name="sites/hotel", display_name="Hotel Pearl", address="越秀区 100 号"))
    registry.create_camera(Camera(name=CAMERA, display_name="Corridor 3F", declared_purpose="corridor"))
    wall, thumbnails = Wall(clock), Thumbnails(ticks)
    desk = Desk(
        wall=wall,
        thumbnails=thumbnails,
        sessions=Sessions(tokens, ticks),
        registry=registry,
        store=store,
        jobs=None,
        policies={rules.name: rules},
        policy=rules.name,
        model="zones-lite0",
        version="0",
    )
    return World(desk, tokens, store, registry, wall, thumbnails, clock, ticks)
