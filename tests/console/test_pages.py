"""The pages themselves: what stands on them, and what a review does."""

import json
import re
from pathlib import Path

import pytest

from privacy import jpeg
from privacy.console import queries
from privacy.console.pages.events import Feed
from privacy.console.timeline import WIDTH, line
from privacy.console.wall import Shown, Span
from privacy.console.words import Language, Speech, catalogue
from privacy.evidence import Reason
from privacy.reports.ledger import Act
from privacy.reports.report import ReportState
from privacy.reports.rules import RULES
from privacy.tokens import Role
from tests.console.asking import asked
from tests.console.conftest import World
from tests.console.test_wall import answer, stream
from tests.reports.stories import CAMERA, NOON

CONSOLE = Path(queries.__file__).parent


def words_of(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


# Cameras


def test_a_camera_with_a_stream_is_shown_whether_or_not_it_is_registered(world: World) -> None:
    world.wall.opened(stream(camera="sites/hotel/cameras/strange"))
    text = words_of(world.browser(Role.AUDITOR).get("/cameras").text)

    assert "Corridor 3F" in text
    assert "strange hotel · not registered" in text


def test_the_gravest_come_first(world: World) -> None:
    for camera, letter in (("a", "."), ("b", "W"), ("c", "?")):
        world.wall.answered(stream(camera, f"sites/hotel/cameras/{camera}"), answer(letter))
    text = world.browser(Role.AUDITOR).get("/cameras").text
    order = [text.index(f"cameras/{camera}") for camera in "bca"]

    assert order == sorted(order)


def test_a_hidden_camera_shows_a_solid_mask_and_has_no_picture(world: World) -> None:
    browser = world.browser(Role.AUDITOR)
    world.wall.answered(stream(), answer("W", exposure=2))
    text = browser.get(f"/camera?name={CAMERA}").text

    assert "Masked: prohibited place" in text
    assert "data-live" not in text
    assert "2 frames" in words_of(text)
    assert browser.get(f"/camera/thumbnail?name={CAMERA}").status_code == 404


@pytest.mark.parametrize("name", ["", "lobby", "sites/hotel/cameras/none", "../../etc", "sites/a/cameras/b/c", "%00"])
def test_a_camera_that_there_is_not(world: World, name: str) -> None:
    browser = world.browser(Role.AUDITOR)

    assert browser.get(f"/camera?name={name}").status_code in (400, 404)
    assert browser.get(f"/camera/thumbnail?name={name}").status_code in (400, 404)


def test_a_wall_of_many_cameras_has_pages(world: World) -> None:
    for number in range(130):
        world.wall.opened(stream(str(number), f"sites/hotel/cameras/n{number:03}"))
    browser = world.browser(Role.AUDITOR)
    pages = [set(re.findall(r"cameras/(n\d{3})", browser.get(f"/cameras?page={page}").text)) for page in (1, 2, 3)]

    assert [len(page) for page in pages] == [60, 60, 10]
    assert len(set().union(*pages)) == 130


# Reports


def test_a_report_says_the_law_in_both_languages(world: World) -> None:
    report = world.report()
    text = world.browser(Role.AUDITOR).get(f"/reports/{report.id}").text

    for clause in (*report.clauses, *report.consequences):
        assert clause.zh in text
        assert clause.en in text
    assert "越秀区 100 号" in text


def test_pictures_of_a_report_are_the_masked_ones(world: World) -> None:
    report = world.report(masked=b"\xff\xd8 masked")
    browser = world.browser(Role.AUDITOR)
    (link,) = re.findall(r'src="/console(/reports/[^"]+)"', browser.get(f"/reports/{report.id}").text)
    picture = browser.get(link)

    assert (picture.content, picture.headers["content-type"]) == (b"\xff\xd8 masked", "image/jpeg")
    assert browser.get(link[:-1] + "x").status_code == 404


def test_a_review_goes_its_way_and_every_step_is_in_the_ledger(world: World) -> None:
    report = world.report()
    browser, page = world.browser(Role.OPERATOR), f"/reports/{report.id}"
    for state, reason in (("ACKNOWLEDGED", "看到了"), ("CONFIRMED", "seen on site"), ("FILED", "case 12")):
        assert browser.post(f"{page}/review", {"state": state, "reason": reason}).status_code == 303
    steps = world.store.get(report.id).steps
    acts = [json.loads(line) for line in world.store.ledger_lines()]

    assert [(step.state, step.reason) for step in steps] == [
        (ReportState.ACKNOWLEDGED, "看到了"),
        (ReportState.CONFIRMED, "seen on site"),
        (ReportState.FILED, "case 12"),
    ]
    assert {step.actor for step in steps} == {world.tokens.all()[0].name}
    assert [act["purpose"] for act in acts if act["action"] == "report.review"] == ["看到了", "seen on site", "case 12"]
    assert world.store.verify_ledger().intact
    assert "case 12" in browser.get(page).text


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        pytest.param("CONFIRMED", "seen", 409, id="a step over the first one"),
        pytest.param("OPEN", "seen", 409, id="back"),
        pytest.param("ACKNOWLEDGED", "   ", 400, id="without a reason"),
        pytest.param("ACKNOWLEDGED", "x" * 2001, 400, id="with a novel for a reason"),
        pytest.param("DONE", "seen", 400, id="to no state"),
    ],
)
def test_a_step_that_may_not_be_taken_is_not_and_what_was_written_is_kept(
    world: World, state: str, reason: str, status: int
) -> None:
    report = world.report()
    browser, page = world.browser(Role.OPERATOR), f"/reports/{report.id}"
    refused = browser.post(f"{page}/review", {"state": state, "reason": reason})

    assert refused.status_code == status
    assert 'role="alert"' in refused.text
    assert reason.strip()[:2000] in refused.text
    assert world.store.get(report.id).steps == ()


def test_two_who_decide_at_once_do_not_both_win(world: World) -> None:
    report = world.report()
    one, other, page = world.browser(Role.OPERATOR), world.browser(Role.AUTHORITY), f"/reports/{report.id}"
    step = {"state": "ACKNOWLEDGED", "reason": "mine"}

    assert one.post(f"{page}/review", step).status_code == 303
    assert other.post(f"{page}/review", step).status_code == 409


def test_filters_find_what_they_name(world: World) -> None:
    here, there = world.report(), world.report(NOON + 86_400 * 3, "sites/school/cameras/c9")
    browser = world.browser(Role.AUDITOR)

    def found(query: str) -> set[str]:
        return set(re.findall(r'id="r([0-9a-f]{20})"', browser.get(f"/reports?{query}").text))

    assert found("") == {here.id, there.id}
    assert found("camera=school") == {there.id}
    assert found("zone=washroom&state=OPEN") == {here.id, there.id}
    assert found("zone=dormitory") == set()
    assert found("article=Guangdong Decree 132 Art. 7") == {here.id, there.id}
    assert found("article=Guangdong Decree 132 Art. 19(1)") == set()
    assert found("until=2026-03-13") == {here.id}
    assert found("state=FILED") == set()


def test_many_reports_have_pages_and_each_stands_on_one(world: World) -> None:
    raised = {world.report(NOON + 3600 * number).id for number in range(queries.PAGE + 5)}
    browser = world.browser(Role.AUDITOR)
    first = browser.get("/reports?camera=hotel").text
    (older,) = re.findall(r'href="/console(/reports\?[^"]*before=\d+)"', first)
    second = browser.get(older.replace("&amp;", "&")).text
    pages = [set(re.findall(r'id="r([0-9a-f]{20})"', text)) for text in (first, second)]

    assert [len(page) for page in pages] == [queries.PAGE, 5]
    assert pages[0] | pages[1] == raised


def test_the_trail_of_a_report_is_its_own(world: World) -> None:
    mine, other = world.report(), world.report(NOON + 3600)
    world.store.enter(Act(actor="li", at=NOON, action="note", subject="x", purpose=f'"subject":"reports/{mine.id}"'))

    assert [entry.action for entry in queries.trail(world.store, mine.id)] == ["report.new"]
    assert [entry.subject for entry in queries.trail(world.store, other.id)] == [other.name]


@pytest.mark.parametrize("form", ["print", "pdf"])
def test_who_takes_a_report_out_is_in_the_ledger(world: World, form: str) -> None:
    report = world.report(masked=jpeg.black((24, 32)))
    browser = world.browser(Role.AUDITOR)
    seen = browser.get(f"/reports/{report.id}/{form}")
    entry = json.loads(list(world.store.ledger_lines())[-1])

    assert seen.status_code == 200
    assert (entry["action"], entry["subject"]) == ("report.print", report.name)
    assert entry["actor"].startswith("tokens/")
    assert entry["destination"] == "testclient"
    assert "report.print" in browser.get(f"/reports/{report.id}").text


def test_the_paper_may_have_its_own_styles_and_nothing_else(world: World) -> None:
    report = world.report()
    answer = world.browser(Role.AUDITOR).get(f"/reports/{report.id}/print")
    policy = answer.headers["content-security-policy"]

    assert "公共安全视频图像信息系统" in answer.text
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]+';", policy)
    assert "unsafe" not in policy


# What is not kept here


@pytest.mark.parametrize("path", ["/reports", "/ledger"])
def test_a_server_without_reports_says_so(world: World, path: str) -> None:
    answer = world.browser(Role.AUDITOR, store=None).get(path)

    assert answer.status_code == 501
    assert "--reports" in answer.text


def test_a_server_without_an_archive_says_so(world: World) -> None:
    assert world.browser(Role.AUDITOR).get("/audits").status_code == 501


def test_a_server_without_a_register_shows_what_streams(world: World) -> None:
    world.wall.opened(stream())

    assert "c1" in world.browser(Role.AUDITOR, registry=None, store=None).get("/cameras").text


# The ledger


def test_the_ledger_is_checked_when_asked(world: World) -> None:
    world.report()
    browser = world.browser(Role.AUDITOR)
    page = browser.get("/ledger").text
    checked = browser.post("/ledger/verify", {}).text

    assert world.store.head().digest in page
    assert "Intact: 1 entries were checked." in checked


# What changes


def feed_of(world: World, **query: str) -> Feed:
    return Feed(world.desk, asked(query=query))


def test_a_page_hears_of_every_camera_once_and_then_of_what_changes(world: World) -> None:
    world.wall.answered(stream(), answer("."))
    feed = feed_of(world, cameras="")
    first, again = feed._news(), feed._news()
    world.wall.answered(stream(), answer("W"))
    then = feed._news()

    assert [each.split("\n")[0][:12] for each in first] == ["event: state", "event: pendi"]
    assert again == []
    assert [each.split("\n")[0].partition("-")[0] for each in then] == ["event: state", "event: say"]
    assert "shows a prohibited place: washroom" in then[1]


def test_a_page_hears_of_a_camera_that_is_new_and_of_reports(world: World) -> None:
    feed = feed_of(world, cameras="")
    feed._news()
    world.wall.opened(stream(camera="sites/hotel/cameras/new"))
    report = world.report()
    names = [each.split("\n")[0].removeprefix("event: ") for each in feed._news()]

    assert names[1:] == ["roster", f"report-{report.id}", "reports", "pending"]


def test_what_a_page_hears_is_no_markup_of_others(world: World) -> None:
    camera = "sites/hotel/cameras/x"
    feed = feed_of(world, cameras="")
    feed._news()
    world.wall.answered(stream(camera=camera), answer("W"))
    told = "".join(feed._news())

    assert "\n\n\n" not in told
    assert all(line.startswith(("event: ", "data: ", "retry: ")) or not line for line in told.split("\n"))


# Drawings and words


def test_a_line_cuts_off_what_is_outside_and_draws_the_gravest_last() -> None:
    spans = [
        Span(0, 100, Shown.PROHIBITED, None, Reason.MODEL),
        Span(100, 300, Shown.CLEAR, None, Reason.MODEL),
        Span(400, 500, Shown.OFFLINE, None, Reason.MODEL),
    ]
    drawn = line(50, 250, spans, [(100, "raised"), (900, "ended")])

    assert [(bar.span.shown, bar.x, bar.width) for bar in drawn.bars] == [
        (Shown.CLEAR, 250.0, 750.0),
        (Shown.PROHIBITED, 0.0, 250.0),
    ]
    assert [(mark.x, mark.name) for mark in drawn.marks] == [(250.0, "raised")]


def test_the_shortest_sight_of_a_prohibited_place_can_be_seen() -> None:
    drawn = line(0, 86_400, [Span(86_399.9, 86_400, Shown.PROHIBITED, None, Reason.MODEL)])

    assert (drawn.bars[0].x, drawn.bars[0].width) == (WIDTH - 1, 1.0)


@pytest.mark.parametrize("language", Language)
def test_every_message_is_said_in_every_language(language: Language) -> None:
    assert all(Speech(language)(key).strip() for key in catalogue())
    assert all(set(said) == {"en", "zh"} for said in catalogue().values())


def test_both_languages_name_the_same_facts() -> None:
    facts = {key: [set(re.findall(r"{(\w+)}", said[of])) for of in ("en", "zh")] for key, said in catalogue().items()}

    assert [key for key, (en, zh) in facts.items() if en != zh] == []


def test_every_message_is_used_and_every_one_that_is_used_is_there() -> None:
    text = "".join(path.read_text("utf-8") for path in CONSOLE.rglob("*") if path.suffix in (".html", ".py"))
    used = set(re.findall(r"[\"'(]([a-z_]+\.[A-Za-z_0-9]+)[\"']", text))
    families = {key.partition(".")[0] for key in re.findall(r"[\"']([a-z]+\.)[\"'] ~", text)}
    families |= {"failed", "shown", "status", "error"}
    unused = {key for key in catalogue() if key not in used and key.partition(".")[0] not in families}

    assert unused == set()


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_every_rule_has_a_name(rule: str) -> None:
    assert Speech(Language.ZH).knows(f"rule.{rule}")


def test_every_state_and_reason_has_a_name() -> None:
    said = Speech(Language.EN)

    assert all(said.knows(f"shown.{each}") for each in Shown)
    assert all(said.knows(f"mask.{each}") for each in Shown if each is not Shown.CLEAR)
    assert all(said.knows(f"reason.{each}") for each in Reason)
    assert all(said.knows(f"status.{each}") for each in ReportState)
