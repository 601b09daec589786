"""Coming in and going out: tokens, cookies, rates."""

from datetime import timedelta

import pytest

from privacy.console.sessions import IDLE_S, LASTS_S, MAX_FAILURES, Sessions
from privacy.errors import DatabaseBusyError, DatabaseError, DatabaseFullError
from privacy.serve.access import KNOWN_FOR_S
from privacy.tokens import Role
from tests.console.conftest import Browser, World

NOBODY = "privacy_000000000000_" + "x" * 43


def test_whoever_is_not_logged_in_is_sent_to_the_door_and_back(world: World) -> None:
    browser = world.browser()
    sent = browser.get("/reports?state=OPEN")
    door = browser.get(sent.headers["location"].removeprefix("/console"))
    _, secret = world.tokens.create(Role.AUDITOR, "li")
    entered = browser.post("/login", {"token": secret, "next": "/console/reports?state=OPEN"})

    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/console/login?next=%2Fconsole%2Freports%3Fstate%3DOPEN",
    )
    assert 'value="/console/reports?state=OPEN"' in door.text
    assert (entered.status_code, entered.headers["location"]) == (303, "/console/reports?state=OPEN")


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/",
        "//evil.example/console/",
        "/console\\evil.example",
        "/consolething",
        "javascript:alert(1)",
        "/console/\r\nset-cookie: x=y",
    ],
)
def test_nobody_is_sent_to_other_places(world: World, where: str) -> None:
    _, secret = world.tokens.create(Role.AUDITOR, "li")

    assert world.browser().post("/login", {"token": secret, "next": where}).headers["location"] == "/console/"


def test_a_login_gives_a_new_cookie_that_scripts_and_other_sites_do_not_get(world: World) -> None:
    browser = world.browser()
    browser.get("/login")
    before = browser.client.cookies["privacy"]
    entered = browser.log_in(world.tokens.create(Role.AUDITOR, "li")[1])
    cookie = entered.headers["set-cookie"].lower()

    assert browser.client.cookies["privacy"] != before
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/"))
    assert "secure" not in cookie


def test_with_tls_the_cookie_is_secure_and_of_this_host_only(world: World) -> None:
    browser = Browser(world.desk, "https://console.example")
    answer = browser.get("/login")
    cookie = answer.headers["set-cookie"]

    assert cookie.startswith("__Host-privacy=")
    assert "secure" in cookie.lower()
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_token_is_neither_kept_nor_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    _, secret = world.tokens.create(Role.AUDITOR, "li")
    browser = world.browser()
    entered = browser.log_in(secret)
    wrong = browser.log_in(NOBODY)

    assert secret not in entered.text + str(entered.headers) + repr(vars(world.desk.sessions)) + caplog.text
    assert NOBODY not in wrong.text + caplog.text


@pytest.mark.parametrize("secret", ["", NOBODY, "x" * 200, "privacy_'; DROP TABLE tokens; --_x", "密"])
def test_what_is_no_token_opens_nothing(world: World, secret: str) -> None:
    browser = world.browser()
    refused = browser.log_in(secret)

    assert refused.status_code == 401
    assert 'role="alert"' in refused.text
    assert browser.get("/cameras").status_code == 303


def test_a_token_for_streams_opens_no_console(world: World) -> None:
    browser = world.browser()

    assert browser.log_in(world.tokens.create(Role.STREAM, "gate")[1]).status_code == 403
    assert browser.get("/cameras").status_code == 303


@pytest.mark.parametrize("error", [DatabaseError, DatabaseBusyError, DatabaseFullError])
def test_a_database_that_does_not_answer_is_not_the_fault_of_who_knocks(
    world: World, monkeypatch: pytest.MonkeyPatch, error: type[DatabaseError]
) -> None:
    def fail(*_: object) -> None:
        raise error("no answer")

    browser = world.browser()
    monkeypatch.setattr(Sessions, "log_in", fail)

    assert browser.log_in(NOBODY).status_code == 503


def test_after_ten_wrong_tokens_not_even_a_good_one_is_taken(world: World) -> None:
    browser = world.browser()
    tries = [browser.log_in(NOBODY).status_code for _ in range(MAX_FAILURES + 1)]
    _, secret = world.tokens.create(Role.AUDITOR, "li")
    soon = browser.log_in(secret)
    world.ticks.now += 60

    assert tries == [401] * MAX_FAILURES + [429]
    assert (soon.status_code, soon.headers["retry-after"]) == (429, "30")
    assert browser.log_in(secret).status_code == 303


def test_logging_out_ends_the_session_also_for_who_kept_the_cookie(world: World) -> None:
    browser = world.browser(Role.AUDITOR)
    kept = browser.client.cookies["privacy"]
    browser.post("/logout", {})
    browser.client.cookies.clear()
    browser.client.cookies.set("privacy", kept)

    assert browser.get("/cameras").status_code == 303


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        pytest.param(IDLE_S - 1, 200, id="somebody who was here a moment ago"),
        pytest.param(IDLE_S + 1, 303, id="somebody who has gone to lunch"),
    ],
)
def test_a_session_ends_when_nobody_asks(world: World, seconds: float, status: int) -> None:
    browser = world.browser(Role.AUDITOR)
    world.ticks.now += seconds

    assert browser.get("/cameras").status_code == status


def test_a_session_ends_at_the_end_of_the_day_whoever_asks(world: World) -> None:
    browser = world.browser(Role.AUDITOR)
    for _ in range(int(LASTS_S / IDLE_S) + 1):
        world.ticks.now += IDLE_S - 1
        last = browser.get("/cameras").status_code

    assert last == 303


def test_what_a_page_asks_by_itself_keeps_nobody_logged_in(world: World) -> None:
    browser = world.browser(Role.AUDITOR)
    world.ticks.now += IDLE_S / 2 + 1
    itself = browser.get("/cameras", **{"hx-request": "true"})
    world.ticks.now += IDLE_S / 2 + 1

    assert itself.status_code == 200
    assert browser.get("/cameras").status_code == 303


def test_a_token_that_is_revoked_ends_its_sessions(world: World) -> None:
    token, secret = world.tokens.create(Role.AUDITOR, "li", timedelta(days=1))
    browser = world.browser()
    browser.log_in(secret)
    world.tokens.revoke(token.token)
    world.ticks.now += KNOWN_FOR_S + 1

    assert browser.get("/cameras").status_code == 303


def test_who_is_sent_out_while_a_page_refreshes_itself_is_led_to_the_door(world: World) -> None:
    refused = world.browser().get("/cameras", **{"hx-request": "true"})

    assert (refused.status_code, refused.headers["hx-redirect"]) == (401, "/console/login")


def test_language_and_theme_are_chosen_and_remembered(world: World) -> None:
    browser = world.browser(Role.AUDITOR)
    chosen = browser.post("/preferences", {"language": "zh-CN", "theme": "dark", "next": "/console/reports"})
    page = browser.get("/reports").text

    assert chosen.headers["location"] == "/console/reports"
    assert '<html lang="zh-CN" data-theme="dark">' in page
    assert browser.post("/preferences", {"theme": "pink"}).status_code == 400


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,zh;q=0.5", "en"),
        ("fr, de;q=0.9", "en"),
        ("en;q=0.2, zh-TW;q=0.7", "zh-CN"),
        ("zh;q=NaN, en;q=x, ;;;,", "en"),
        ("", "en"),
    ],
)
def test_a_browser_is_spoken_to_in_its_language(world: World, accepted: str, language: str) -> None:
    page = world.browser().get("/login", **{"accept-language": accepted}).text

    assert f'<html lang="{language}"' in page
