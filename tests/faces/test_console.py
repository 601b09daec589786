"""The console in a real browser, before a real server: a duty officer at work, and whether everybody can use it."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from privacy import policy
from privacy.cameras.camera import Camera, Preset, Site
from privacy.cameras.registry import Registry
from privacy.client import EnforcementClient, Jpeg, StreamOptions
from privacy.database import open_existing
from privacy.migrations import migrated
from privacy.plan import upright
from privacy.reports import keys
from privacy.reports.store import Store
from privacy.tokens import Role, Tokens
from tests.faces.running import Running

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).resolve().parents[2]
STILLS = ROOT / "datasets" / "rendered" / "sample" / "stills"
CHROMIUM = Path("/usr/bin/chromium")
AXE = ROOT / "tests" / "faces" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CORRIDOR, GYM = "sites/hotel/cameras/corridor-3f", "sites/hotel/cameras/gym"
CLEAR, PROHIBITED = STILLS / "corridor-7-00033-2.jpg", STILLS / "bathroom-7-00047-1.jpg"
PDFTOTEXT = shutil.which("pdftotext") or "pdftotext"
SOON_MS = 60_000  # on a busy machine

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium is not installed")


class Feed:
    """A camera that shows one picture, until it is turned to another one."""

    def __init__(self, address: str, token: str, camera: str) -> None:
        self.picture = CLEAR
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(address, token, camera))
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _pictures(self) -> Iterator[Jpeg]:
        start = time.monotonic()
        while not self._over.wait(0.2):
            yield Jpeg(self.picture.read_bytes(), time.monotonic() - start)

    def _run(self, address: str, token: str, camera: str) -> None:
        with EnforcementClient(address, token=token) as client:
            for _ in client.enforce(self._pictures(), StreamOptions(camera=camera, purpose="corridor")):
                pass


class Hotel:
    """A server with two cameras, and tokens for who works there."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'privacy.db'}"
        with migrated(url) as engine:
            tokens = Tokens(engine)
            self.officer = tokens.create(Role.OPERATOR, "duty officer")[1]
            stream = tokens.create(Role.STREAM, "gate")[1]
            registry = Registry(engine, lambda name: policy.load(name or policy.DEFAULT))
            registry.create_site(Site(name="sites/hotel", display_name="珠江宾馆", address="越秀区 100 号"))
            zone = Preset(preset_id="gate", static_zones=(upright(0.0, 0.0, 0.2, 0.3),))
            registry.create_camera(
                Camera(name=CORRIDOR, display_name="三楼走廊", declared_purpose="corridor", presets=(zone,))
            )
        self.reports, self.key = f"sqlite:///{folder / 'reports.db'}", folder / "ledger.key"
        self.running = Running(
            "--tokens", "--database", url, "--reports", self.reports, "--ledger-key", str(self.key),
            "--archive", str(STILLS.parent / "clips"), "--audits", str(folder / "audits"), "--http", "127.0.0.1:0",
        )  # fmt: skip
        self.console = f"http://{self.running.http}/console"
        self.corridor = Feed(self.running.address, stream, CORRIDOR)
        self.gym = Feed(self.running.address, stream, GYM)

    def stop(self) -> str:
        self.corridor.stop()
        self.gym.stop()
        return self.running.stop()


@pytest.fixture(scope="module")
def hotel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotel]:
    hotel = Hotel(tmp_path_factory.mktemp("console"))
    try:
        yield hotel
    finally:
        hotel.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


Open = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Any, hotel: Hotel) -> Iterator[Open]:
    """Open a page in a window of its own; whatever its scripts complain of is kept in `complaints`."""
    contexts: list[Any] = []

    def make(language: str = "en", theme: str = "light", width: int = 1280) -> Any:
        locale = {"en": "en-US", "zh": "zh-CN"}[language]
        context = chromium.new_context(locale=locale, color_scheme=theme, viewport={"width": width, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SOON_MS)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda said: page.complaints.append(said.text) if "Policy" in said.text else None)
        return page

    yield make
    for context in contexts:
        context.close()


def log_in(page: Any, hotel: Hotel) -> None:
    page.goto(f"{hotel.console}/login")
    page.fill("#token", hotel.officer)
    page.click("main button")
    page.wait_for_url("**/cameras")


def card(page: Any, title: str) -> Any:
    return page.locator(".card", has_text=title)


def reported(hotel: Hotel) -> Store:
    return Store(open_existing(hotel.reports), keys.signing(hotel.key))


@pytest.mark.slow
def test_a_duty_officer_sees_a_camera_turn_opens_its_report_confirms_it_and_prints_it(
    hotel: Hotel, open_page: Open, tmp_path: Path
) -> None:
    page = open_page()
    log_in(page, hotel)
    corridor, gym = card(page, "三楼走廊"), card(page, "gym")
    for each in (corridor, gym):
        each.locator("img[data-live]:visible").wait_for()
    shown = decoded(page.request.get(f"{hotel.console}/camera/thumbnail?name={CORRIDOR}").body())

    hotel.corridor.picture = PROHIBITED
    corridor.locator(".view-PROHIBITED").wait_for()
    page.locator(".voice", has_text="shows a prohibited place: washroom").wait_for()

    assert shown[: shown.shape[0] // 4, : shown.shape[1] // 6].max() < 16  # its static zone
    assert shown.max() > 100
    assert corridor.locator("img").count() == 0
    assert page.request.get(f"{hotel.console}/camera/thumbnail?name={CORRIDOR}").status == 404
    assert gym.locator("img[data-live]:visible").count() == 1

    page.locator(".badge").wait_for()
    page.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="Camera looks into a prohibited place").first.click()
    for state, button in (("Acknowledged", "Acknowledge"), ("Confirmed", "Confirm")):
        page.get_by_label("Reason").fill(f"{button.lower()}ed at the desk, 已核实")
        page.get_by_role("button", name=button).click()
        page.locator(".badges .chip", has_text=state).wait_for()
    trail = page.locator(".entries").inner_text()
    picture = decoded(page.request.get(page.locator(".picture img").evaluate("image => image.src")).body())

    assert picture.max() < 16
    assert trail.count("report.review") == 2
    assert "confirmed at the desk, 已核实" in trail

    with page.expect_popup() as printed:
        page.get_by_role("link", name="Print").click()
    paper = printed.value
    paper.wait_for_load_state()
    (tmp_path / "report.pdf").write_bytes(paper.pdf())
    assert (
        paper.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") != "32px"
    )  # its own styles are let in
    said = subprocess.run([PDFTOTEXT, tmp_path / "report.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert "禁止在旅馆客房" in re.sub(r"\s", "", said)
    assert "CONFIRMED" in said

    store = reported(hotel)
    acts = [json.loads(line) for line in store.ledger_lines()]
    reviews = [act["details"]["after"] for act in acts if act["action"] == "report.review"]
    assert reviews == ["ACKNOWLEDGED", "CONFIRMED"]
    assert store.verify_ledger().intact
    store.database.dispose()

    assert page.complaints == []
    kept = page.evaluate("Object.entries(localStorage).concat(Object.entries(sessionStorage))")
    assert [(key, value) for key, value in kept if key != "htmx-current-path-for-history"] == []


def decoded(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def test_it_is_used_by_the_keyboard(hotel: Hotel, open_page: Open) -> None:
    page = open_page()
    page.goto(f"{hotel.console}/login")
    page.locator("#token:focus").wait_for()
    page.keyboard.type(hotel.officer)
    page.keyboard.press("Enter")
    page.wait_for_url("**/cameras")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    second = page.evaluate("document.activeElement.id")
    outlined = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    assert (first, second, outlined) == ("skip", "q", "solid")


def test_a_page_that_is_left_open_is_led_to_the_door(hotel: Hotel, open_page: Open) -> None:
    page = open_page()
    log_in(page, hotel)
    other = page.context.new_page()
    other.goto(f"{hotel.console}/models")
    other.get_by_role("button", name="Log out").click()

    page.wait_for_url("**/login")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_keeps_anybody_out(hotel: Hotel, open_page: Open, language: str, theme: str) -> None:
    """axe-core finds nothing serious or critical, and no page is wider than a telephone."""
    if not AXE.exists():
        pytest.skip("run `npm ci` in tests/faces/axe")
    hotel.corridor.picture = PROHIBITED
    page = open_page(language, theme)
    page.goto(f"{hotel.console}/login")
    found = serious(page)
    log_in(page, hotel)
    page.locator(".badge").wait_for()
    page.goto(f"{hotel.console}/reports")
    report = page.locator(".reports a").first.get_attribute("href").rpartition("/")[2]
    paths = (
        "cameras",
        f"camera?name={CORRIDOR}",
        "reports",
        f"reports/{report}",
        "ledger",
        "models",
        "audits",
        "nothing",
    )
    for path in paths:
        page.goto(f"{hotel.console}/{path}")
        found += serious(page)
        page.set_viewport_size({"width": 390, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            found.append(f"{path} is wider than a telephone")
        page.set_viewport_size({"width": 1280, "height": 800})

    assert found == []
    assert page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]


def serious(page: Any) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document)")["violations"]
    return [
        f"{page.url}: {each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
