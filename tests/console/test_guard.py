"""What stands before every page: rights, forged forms, headers, hostile input."""

import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privacy.console.app import PAGES
from privacy.console.guard import MAX_FIELDS, MAX_FORM, Page
from privacy.database import open_database
from privacy.reports.store import Store
from privacy.serve.access import METHODS, may
from privacy.tokens import Role
from tests.console.conftest import HTML, Browser, World
from tests.reports.stories import CAMERA

PEOPLE = (Role.OPERATOR, Role.AUDITOR, Role.AUTHORITY, Role.ADMIN)
GUARDED = [page for page in PAGES if page.right]
LOADED = [page for page in PAGES if not page.posts and "{" not in page.path and page.path not in ("/", "/events")]


def test_every_page_but_the_door_has_a_right_of_the_wire() -> None:
    free = {page.path for page in PAGES if page.right is None}

    assert free == {"/login", "/logout", "/preferences", "/static/{name}"}
    for page in PAGES:
        service, _, method = (page.right or "").rpartition("/")
        assert page.right is None or method in METHODS[service]


@pytest.mark.parametrize("role", PEOPLE)
def test_a_page_is_for_whom_the_wire_is(world: World, role: Role) -> None:
    """It does not matter what else may be wrong with the request: who may not is told so, and nobody else is."""
    browser, refused = world.browser(role), set()
    for page in GUARDED:
        path = re.sub(r"\{\w+(:\w+)?\}", "0", page.path).replace("/events", "/cameras")
        answer = browser.post(path, {}) if page.posts else browser.get(path)
        refused |= {page.path} if answer.status_code == 403 else set()

    assert refused == {page.path for page in GUARDED if not may(role, page.right or "")}


def test_nobody_sees_anything_before_they_have_logged_in(world: World) -> None:
    browser = world.browser()
    for page in GUARDED:
        path = re.sub(r"\{\w+(:\w+)?\}", "0", page.path)
        answer = browser.post(path, {}) if page.posts else browser.get(path)

        assert answer.status_code == (401 if page.posts else 303)
        assert "Corridor" not in answer.text


def test_an_auditor_reads_reports_and_reviews_none(world: World) -> None:
    report = world.report()
    browser = world.browser(Role.AUDITOR)
    step = {"state": "ACKNOWLEDGED", "reason": "seen"}

    assert browser.get(f"/reports/{report.id}").status_code == 200
    assert browser.post(f"/reports/{report.id}/review", step).status_code == 403
    assert world.store.get(report.id).steps == ()


@pytest.mark.parametrize("page", [page for page in PAGES if page.posts], ids=lambda page: page.path)
@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({"code": ""}, {}, id="no code"),
        pytest.param({"code": "0" * 64}, {}, id="a made-up code"),
        pytest.param({"code": "密"}, {}, id="a code that is none"),
        pytest.param({}, {"origin": "https://evil.example"}, id="from another site"),
        pytest.param({}, {"origin": "null"}, id="from nowhere"),
        pytest.param({}, {"sec-fetch-site": "cross-site"}, id="as the browser says, from another site"),
        pytest.param({}, {"sec-fetch-site": "same-site"}, id="from a neighbour"),
    ],
)
def test_a_forged_form_does_nothing(world: World, page: Page, form: dict[str, str], headers: dict[str, str]) -> None:
    report = world.report()
    browser = world.browser(Role.ADMIN)
    path = page.path.replace("{report}", report.id)
    step = {"state": "ACKNOWLEDGED", "reason": "seen", "token": "x", "theme": "dark"}
    refused = browser.post(path, {**step, **form}, **headers)

    assert refused.status_code == 403
    assert world.store.get(report.id).steps == ()
    assert browser.get("/cameras").status_code == 200


def test_every_form_of_a_page_carries_the_code(world: World) -> None:
    report = world.report()
    browser = world.browser(Role.OPERATOR)
    forms = re.findall(r"<form[^>]*post.*?</form>", browser.get(f"/reports/{report.id}").text, re.DOTALL)

    assert len(forms) == 3
    assert all(f'name="code" value="{browser.code()}"' in form for form in forms)


def test_the_code_of_somebody_else_is_no_code(world: World) -> None:
    report = world.report()
    mine, theirs = world.browser(Role.OPERATOR), world.browser(Role.OPERATOR)
    form = {"state": "ACKNOWLEDGED", "reason": "seen", "code": theirs.code()}

    assert mine.post(f"/reports/{report.id}/review", form).status_code == 403


@pytest.mark.parametrize("page", LOADED, ids=lambda page: page.path)
def test_every_answer_says_what_browsers_may_do_with_it(world: World, page: Page) -> None:
    answer = world.browser(Role.OPERATOR).get(f"{page.path}?name={CAMERA}")

    headers = answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing", "/reports/zz", "/logout"])
def test_errors_say_it_as_well(world: World, path: str) -> None:
    answer = world.browser(Role.OPERATOR).get(path)

    assert answer.status_code in (404, 405)
    assert (answer.headers["cache-control"], answer.headers["x-frame-options"]) == ("no-store", "DENY")


@pytest.mark.parametrize("page", LOADED, ids=lambda page: page.path)
def test_nothing_on_a_page_needs_more_than_the_policy_allows(world: World, page: Page) -> None:
    """No script, style or handler stands in a page, and nothing comes from elsewhere."""
    world.report()
    text = world.browser(Role.OPERATOR).get(f"{page.path}?name={CAMERA}").text

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text) == []
    assert [link for link in re.findall(r'(?:src|href|action)="([^"]*)"', text) if link[0] not in "/#"] == []


def test_files_of_ours_may_be_kept_by_everybody(world: World) -> None:
    browser = world.browser()
    links = re.findall(r'="/console(/static/[^"]+)"', browser.get("/login").text)
    answers = [browser.get(link) for link in links]

    assert len(links) >= 2
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert all("set-cookie" not in answer.headers for answer in answers)


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "%2e%2e/messages.toml", "/etc/passwd", "LICENSES.txt", "console.css%00", ""]
)
def test_no_path_leads_to_other_files(world: World, name: str) -> None:
    assert world.browser().get(f"/static/{name}").status_code == 404


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def test_what_people_write_is_never_markup(world: World) -> None:
    camera = world.registry.camera(CAMERA)
    world.registry.update_camera(CAMERA, {"display_name": HOSTILE, "labels": {}}, actor="li", etag=camera.etag)
    report = world.report()
    browser = world.browser(Role.OPERATOR)
    step = {"state": "ACKNOWLEDGED", "reason": HOSTILE}
    browser.post(f"/reports/{report.id}/review", step)
    pages = [
        browser.get(path).text
        for path in (
            "/cameras",
            f"/camera?name={CAMERA}",
            f"/reports/{report.id}",
            f"/reports/{report.id}/print",
            "/ledger",
        )
    ]
    searched = browser.get("/cameras", q=HOSTILE).text + browser.get(f"/cameras?q={HOSTILE}").text

    assert "&lt;script&gt;alert(1)" in pages[0] + pages[2]
    for text in (*pages, searched):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(\S{0,4})", text)


IMPOSSIBLE = [
    *(f"state={value}" for value in ("' OR 1=1 --", "open", "%00", "OPEN,FILED", "PROHIBITED")),
    *(f"zone={value}" for value in ("permitted", "x'; DELETE FROM reports; --")),
    *(f"since={value}" for value in ("yesterday", "2026-13-01", "0000-00-00", "2026-01-01T00:00")),
    *(f"before={value}" for value in ("-1", "1e3", "%EF%BC%99", "9" * 40, "1;DROP TABLE reports")),
    pytest.param("camera=" + "x" * 5000, id="a query without end"),
]


@pytest.mark.parametrize("query", IMPOSSIBLE)
def test_what_cannot_be_asked_for_is_refused(world: World, query: str) -> None:
    report = world.report()
    answer = world.browser(Role.OPERATOR).get(f"/reports?{query}")

    assert answer.status_code == 400
    assert world.store.get(report.id)


@pytest.mark.parametrize(
    "query", ["camera=' OR '1'='1", "camera=%25", "camera=_", "article=%25", 'article=" OR ""="', "x=1"]
)
def test_a_filter_is_a_value_and_no_question(world: World, query: str) -> None:
    report = world.report()
    text = world.browser(Role.OPERATOR).get(f"/reports?{query}").text

    assert (f"/reports/{report.id}" in text) is (query == "x=1")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"reason=" + b"x" * MAX_FORM, "application/x-www-form-urlencoded", id="huge"),
        pytest.param(
            b"&".join(b"a%d=1" % n for n in range(MAX_FIELDS + 1)), "application/x-www-form-urlencoded", id="many"
        ),
        pytest.param(b"reason=\xff\xfe", "application/x-www-form-urlencoded", id="no UTF-8"),
        pytest.param(b"reason=%ff", "application/x-www-form-urlencoded", id="no UTF-8 within"),
        pytest.param(b"{}", "application/json", id="no form"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"--x\r\n", "multipart/form-data; boundary=x", id="files"),
    ],
)
def test_what_is_no_form_is_refused(world: World, body: bytes, kind: str) -> None:
    browser = world.browser(Role.OPERATOR)
    headers = {**HTML, **({"content-type": kind} if kind else {})}
    answer = browser.client.post("/console/reports/0/review", content=body, headers=headers)

    assert answer.status_code == 400


def test_without_tokens_nobody_logs_in_and_forms_are_still_ours(world: World) -> None:
    report = world.report()
    browser = world.browser(sessions=None)
    step = {"state": "ACKNOWLEDGED", "reason": "seen"}

    assert browser.get("/cameras").status_code == 200
    assert browser.post(f"/reports/{report.id}/review", {**step, "code": ""}).status_code == 403
    assert browser.post(f"/reports/{report.id}/review", step).status_code == 303
    assert world.store.get(report.id).steps[0].actor == "anonymous"


@pytest.mark.parametrize("base", ["http://rebound.example", "http://127.0.0.1.evil.example", "http://10.0.0.7:9090"])
def test_without_tokens_it_answers_to_no_name_but_its_own(world: World, base: str) -> None:
    assert Browser(replace(world.desk, sessions=None), base).get("/cameras").status_code == 403


def test_what_fails_says_nothing_of_what_it_was_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("a secret")

    browser = world.browser(Role.OPERATOR)
    monkeypatch.setattr(world.wall, "sights", fail)
    answer = browser.get("/cameras")

    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_without_a_database_of_reports_a_page_says_so_and_not_where_it_was(world: World) -> None:
    gone = Store(open_database("sqlite:////nowhere/secret/reports.db"), Ed25519PrivateKey.generate())
    browser = world.browser(Role.OPERATOR, store=gone)
    cameras, reports = browser.get("/cameras"), browser.get("/reports")

    assert (cameras.status_code, reports.status_code) == (200, 503)
    assert "DATABASE_UNAVAILABLE" in reports.text
    assert "secret" not in reports.text + browser.get("/reports", **{"hx-request": "true"}).text
