"""Every change arrives, in order, under one key, whatever breaks in between."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from xml.etree.ElementTree import fromstring

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import event

from privacy.cli import cli
from privacy.database import open_database
from privacy.errors import DeliveryError, InputError, ResourceNotFoundError
from privacy.migrations import migrate
from privacy.reports import keys
from privacy.reports.delivery import gb28181
from privacy.reports.delivery.address import receiver_of
from privacy.reports.delivery.lines import Lines
from privacy.reports.delivery.mqtt import Mqtt
from privacy.reports.delivery.outbox import Courier, Outbox, Pace
from privacy.reports.delivery.syslog import Syslog, cef
from privacy.reports.delivery.webhook import SIGNATURE, Webhook, verified
from privacy.reports.ledger import Act, Head
from privacy.reports.report import Change, ChangeKind, Report
from privacy.reports.store import Store
from tests.reports.conftest import KEY, Clock
from tests.reports.receivers import Broker, Collector, Hook, mosquitto
from tests.reports.stories import NOON

Make = Callable[..., Report]
SECRET = b"0123456789abcdef"
PACE = Pace(first_s=1.0, most_s=60.0)


@pytest.fixture
def lite(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    engine = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    migrate(engine)
    yield Store(engine, KEY, clock)
    engine.dispose()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    hook.start()
    yield hook
    hook.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


def life(report: Report) -> list[Change]:
    """A report is raised, goes on, and ends."""
    ended = replace(report, end=report.until + 1)
    return [Change(ChangeKind.NEW, report), Change(ChangeKind.UPDATE, report), Change(ChangeKind.END, ended)]


def deliver(courier: Courier, clock: Clock, steps: int = 50) -> None:
    """Let a courier go until nothing is left to do, however long it has to wait."""
    for _ in range(steps):
        if not courier.step():
            clock.now += 61


def test_a_web_hook_gets_every_change_in_order_signed(
    lite: Store, hook: Hook, raise_report: Make, clock: Clock
) -> None:
    stored = lite.apply(life(raise_report()))
    deliver(Courier(lite, Webhook(hook.url, SECRET), PACE), clock, 5)

    assert hook.keys == [change.key for change in stored]
    assert [json.loads(body)["type"] for _, body in hook.taken] == ["new", "update", "end"]
    headers, body = hook.taken[0]
    assert verified(body, headers[SIGNATURE], SECRET, time.time())
    assert not verified(body + b" ", headers[SIGNATURE], SECRET, time.time())
    assert not verified(body, headers[SIGNATURE], SECRET, time.time() + 3600)
    assert not verified(body, headers[SIGNATURE], b"another secret..", time.time())


def test_a_receiver_that_fails_and_comes_back_misses_nothing(
    lite: Store, hook: Hook, raise_report: Make, clock: Clock
) -> None:
    stored = lite.apply(life(raise_report()))
    hook.answers = [503, 429, 500]
    courier = Courier(lite, Webhook(hook.url, SECRET), PACE)
    deliver(courier, clock, 8)
    hook.stop()
    stored += lite.apply(life(raise_report(NOON + 1000)))
    deliver(courier, clock, 6)
    assert Outbox(lite).standings()[0].attempts > 0
    hook.start()
    deliver(courier, clock, 20)

    assert hook.keys == [change.key for change in stored]
    assert Outbox(lite).standings()[0].error == ""


def test_who_does_not_answer_is_asked_ever_more_slowly(lite: Store, raise_report: Make, clock: Clock) -> None:
    lite.apply(life(raise_report()))
    outbox = Outbox(lite, PACE, random.Random(1))
    waits = []
    for _ in range(8):
        assert outbox.take("r") is not None
        outbox.failed("r", DeliveryError("gone"))
        start = clock.now
        while outbox.take("r") is None:
            clock.now += 0.1
        waits.append(clock.now - start)

    assert all(
        0.5 * longest <= wait <= longest + 0.2
        for wait, longest in zip(waits, (1, 2, 4, 8, 16, 32, 60, 60), strict=True)
    )


def test_who_does_not_take_the_head_is_asked_ever_more_slowly_too(
    lite: Store, hook: Hook, raise_report: Make, clock: Clock
) -> None:
    lite.apply(life(raise_report()))
    courier = Courier(lite, Webhook(hook.url, SECRET), PACE)
    deliver(courier, clock, 5)
    told, hook.answers = len(hook.keys), [503] * 200
    refused = 0
    for _ in range(200):
        clock.now += 1
        try:
            courier.send_head()
        except DeliveryError:
            refused += 1
    hook.answers = []
    clock.now += 61
    courier.send_head()

    assert 5 <= refused <= 16
    assert hook.keys[told:] == [f"head-{lite.head().entries}"]


def test_a_clock_that_is_put_right_by_a_day_holds_nothing_up(
    lite: Store, hook: Hook, raise_report: Make, clock: Clock
) -> None:
    """What was to be sent a minute later by a clock that was wrong is not sent a day later."""
    lite.apply(life(raise_report()))
    courier = Courier(lite, Webhook(hook.url, SECRET), PACE)
    hook.answers = [200, 503]
    assert [courier.step(), courier.step()] == [True, True]
    courier.send_head()
    clock.now -= 86_400
    lite.enter(Act(actor="users/li", at=clock.now, action="config.change", subject="s", purpose="a test"))
    told = len(hook.keys)

    assert courier.step()
    courier.send_head()
    assert hook.keys[told + 1 :] == [f"head-{lite.head().entries}"]


def test_a_courier_that_died_while_the_clock_was_ahead_is_not_waited_for(
    lite: Store, raise_report: Make, clock: Clock
) -> None:
    lite.apply(life(raise_report()))
    assert Outbox(lite, PACE).take("r") is not None
    clock.now -= 86_400

    assert Outbox(lite, PACE).take("r") is not None


def test_a_dead_letter_is_shown_and_sent_once_more(
    lite: Store, hook: Hook, raise_report: Make, clock: Clock, tmp_path: Path
) -> None:
    stored = lite.apply(life(raise_report()))
    hook.answers = [400]
    deliver(Courier(lite, Webhook(hook.url, SECRET), PACE), clock, 6)
    keys.write_private(tmp_path / "key", KEY)
    (tmp_path / "secret").write_bytes(SECRET)
    where = ["--database", str(lite.database.url), "--key", str(tmp_path / "key")]
    shown = CliRunner().invoke(cli, ["deliveries", "list", *where])
    sent = CliRunner().invoke(
        cli, ["deliveries", "redeliver", "1", *where, "--to", hook.url, "--secret", str(tmp_path / "secret")]
    )

    assert (shown.exit_code, '"dead_letter": 1' in shown.output) == (1, True)
    assert (sent.exit_code, hook.keys[-1]) == (0, stored[0].key)
    assert CliRunner().invoke(cli, ["deliveries", "list", *where]).exit_code == 0


def test_a_dead_letter_goes_to_nobody_but_whom_it_is_for(
    lite: Store, hook: Hook, raise_report: Make, clock: Clock
) -> None:
    lite.apply(life(raise_report()))
    hook.answers = [400]
    deliver(Courier(lite, Webhook(hook.url, SECRET), PACE), clock, 6)
    before = list(hook.keys)
    with pytest.raises(ResourceNotFoundError, match="no dead letter 1"):
        Outbox(lite).redeliver(Webhook(f"{hook.url}/elsewhere", SECRET), 1)

    assert hook.keys == before
    assert [letter.offset for letter in Outbox(lite).dead_letters()] == [1]


@pytest.mark.parametrize("status", [400, 404, 410])
def test_what_is_refused_is_laid_aside_and_holds_nothing_up(
    lite: Store, hook: Hook, raise_report: Make, clock: Clock, status: int
) -> None:
    stored = lite.apply(life(raise_report()))
    hook.answers = [200, status]
    receiver = Webhook(hook.url, SECRET)
    deliver(Courier(lite, receiver, PACE), clock, 6)
    outbox = Outbox(lite)
    (letter,) = outbox.dead_letters()

    assert (letter.offset, hook.keys) == (2, [stored[0].key, stored[2].key])
    outbox.redeliver(receiver, letter.offset)
    assert (outbox.dead_letters(), hook.keys[-1]) == ([], stored[1].key)


def test_a_redirect_is_not_followed(lite: Store, hook: Hook, raise_report: Make) -> None:
    (change, *_) = lite.apply(life(raise_report()))
    hook.answers = [302]
    with pytest.raises(DeliveryError):
        Webhook(hook.url, SECRET).deliver(change)

    assert hook.asked == 1


def test_two_servers_tell_a_receiver_once(lite: Store, raise_report: Make, clock: Clock) -> None:
    lite.apply(life(raise_report()))
    one, other = Outbox(lite, PACE), Outbox(lite, PACE)

    assert one.take("r") is not None
    assert other.take("r") is None
    clock.now += PACE.lease_s + 1  # the first one died
    assert other.take("r") is not None


def test_a_server_whose_clock_is_a_little_behind_takes_nothing_from_another(
    lite: Store, raise_report: Make, clock: Clock
) -> None:
    lite.apply(life(raise_report()))
    outbox, behind = Outbox(lite, PACE), Outbox(Store(lite.database, KEY, lambda: clock.now - 2), PACE)
    first = outbox.take("r")
    assert first is not None
    outbox.arrived("r", first)
    clock.now += 10

    assert outbox.take("r") is not None
    assert behind.take("r") is None
    clock.now += PACE.lease_s + 3
    assert behind.take("r") is not None


class Notes:
    """Writes what it is told to a file, as somebody in another process would have it."""

    name = "notes"

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, change: Change) -> None:
        with self._path.open("a") as file:
            file.write(f"{change.report.id} {change.key}\n")

    def tell(self, head: Head) -> None:
        pass

    def close(self) -> None:
        pass


def live(url: str, notes: Path, reports: list[Report], deadly: int) -> int:
    """Raise and deliver everything, and die before the database's `deadly`th statement. Return how many there were."""
    engine = open_database(url)
    count = 0

    def count_down(*_: object) -> None:
        nonlocal count
        count += 1
        if count == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", count_down)
    event.listen(engine, "commit", count_down)
    clock = Clock()
    store = Store(engine, KEY, clock)
    for report in reports:
        # Whoever raises does not know what is kept already, and says it again after a restart.
        for change in (life(report)[0], life(report)[-1]):
            store.apply([change])
    deliver(Courier(store, Notes(notes), PACE), clock, 3 * len(reports) + 4)
    engine.dispose()
    return count


def test_killed_at_every_step_nothing_is_lost_and_nothing_has_two_keys(tmp_path: Path, raise_report: Make) -> None:
    reports = [raise_report(), raise_report(NOON + 1000)]

    def fresh(name: str) -> tuple[str, Path]:
        url = f"sqlite:///{tmp_path / name}.db"
        engine = open_database(url)
        migrate(engine)
        engine.dispose()
        return url, tmp_path / f"{name}.txt"

    steps = live(*fresh("whole"), reports, -1)
    wanted = (tmp_path / "whole.txt").read_text().splitlines()
    assert len(wanted) == 4
    for deadly in range(1, steps + 1, 3):
        url, notes = fresh(f"dead{deadly}")
        child = os.fork()
        if child == 0:
            live(url, notes, reports, deadly)
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        live(url, notes, reports, -1)
        told = notes.read_text().splitlines()

        assert set(told) == set(wanted), f"killed at {deadly}"
        assert list(dict.fromkeys(told)) == wanted, f"killed at {deadly}"  # in order, but for what came twice


def test_mqtt_has_topics_as_frigate_has_them(broker: Broker, lite: Store, raise_report: Make, clock: Clock) -> None:
    lite.apply(life(raise_report()))
    heard: list[tuple[str, bytes, bool]] = []
    done, ready = Event(), Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_subscribe = lambda *_: ready.set()

    def on_message(_: object, __: object, message: mqtt.MQTTMessage) -> None:
        heard.append((message.topic, bytes(message.payload), message.retain))
        if message.payload == b"offline":
            done.set()

    client.on_message = on_message
    client.connect("127.0.0.1", broker.port)
    client.subscribe("privacy/#", qos=1)
    client.loop_start()
    assert ready.wait(5)
    receiver = Mqtt("127.0.0.1", broker.port)
    courier = Courier(lite, receiver, PACE)
    deliver(courier, clock, 4)
    courier.send_head()
    receiver.close()
    assert done.wait(5)
    client.disconnect()
    client.loop_stop()

    topics = [topic for topic, _, _ in heard]
    assert topics == ["privacy/available", *["privacy/reports"] * 3, "privacy/ledger", "privacy/available"]
    assert [json.loads(body)["type"] for topic, body, _ in heard if topic == "privacy/reports"] == [
        "new",
        "update",
        "end",
    ]
    assert Head.from_line(heard[4][1].decode()).entries == lite.head().entries


def test_a_broker_that_dies_and_comes_back_misses_nothing(
    tmp_path: Path, lite: Store, raise_report: Make, clock: Clock
) -> None:
    with mosquitto(tmp_path) as broker:
        receiver = Mqtt("127.0.0.1", broker.port, timeout_s=2.0)
        courier = Courier(lite, receiver, PACE)
        lite.apply(life(raise_report()))
        deliver(courier, clock, 4)
        broker.stop()
        lite.apply(life(raise_report(NOON + 1000)))
        deliver(courier, clock, 2)
        standing = Outbox(lite).standings()[0]
        broker.start()
        deliver(courier, clock, 10)
        receiver.close()

    assert (standing.next_offset, standing.attempts > 0) == (4, True)
    assert Outbox(lite).standings()[0].next_offset == 7


def test_syslog_has_one_line_of_cef_for_each_change(lite: Store, raise_report: Make, clock: Clock) -> None:
    collector = Collector()
    lite.apply(life(raise_report()))
    receiver = Syslog("127.0.0.1", collector.port)
    deliver(Courier(lite, receiver, PACE), clock, 4)
    receiver.close()
    for _ in range(100):
        if len(collector.lines) == 3:
            break
        time.sleep(0.02)
    collector.close()

    assert len(collector.lines) == 3
    assert "|PROHIBITED_VIEW|" in collector.lines[0]
    assert collector.lines[0].startswith("<107>1 2026-03-12T04:00:0")


def test_nothing_in_a_report_breaks_out_of_its_line(raise_report: Make) -> None:
    hostile = replace(raise_report(), camera="a=b\n<0>1 forged", summary_en="x|y\\z", rule="R|S")
    line = cef(Change(ChangeKind.NEW, hostile, 1))

    assert "\n" not in line
    assert "R\\|S" in line
    assert "a\\=b" in line


def test_an_alarm_of_gb28181_names_the_clause(raise_report: Make) -> None:
    report = raise_report()
    xml = gb28181.alarm(Change(ChangeKind.NEW, report, 7), {report.camera: "44010000001320000001"})
    notify = fromstring(xml.decode("gb18030").replace("GB18030", "UTF-8").encode())  # noqa: S314 - our own

    assert xml.startswith(b"<?xml version='1.0' encoding='GB18030'?>")
    assert {each.tag: each.text for each in notify if each.tag != "AlarmDescription"} == {
        "CmdType": "Alarm",
        "SN": "7",
        "DeviceID": "44010000001320000001",
        "AlarmPriority": "2",
        "AlarmMethod": "5",
        "AlarmTime": "2026-03-12T12:00:00",
        "Info": None,
    }
    assert notify.findtext("Info/AlarmType") == "11"
    assert "Guangdong Decree 132 Art. 7" in (notify.findtext("AlarmDescription") or "")


def test_a_file_has_a_line_for_each_change_and_head(
    lite: Store, raise_report: Make, clock: Clock, tmp_path: Path
) -> None:
    courier = Courier(lite, Lines(tmp_path / "away.jsonl"), PACE)
    lite.apply(life(raise_report()))
    deliver(courier, clock, 4)
    courier.send_head()
    lines = (tmp_path / "away.jsonl").read_text().splitlines()

    assert [json.loads(line).get("type") for line in lines] == ["new", "update", "end", None]
    assert Head.from_line(lines[-1]) == lite.head()


def test_a_line_that_a_full_disk_cut_off_spoils_no_other(
    lite: Store, raise_report: Make, clock: Clock, tmp_path: Path
) -> None:
    away = tmp_path / "away.jsonl"
    courier = Courier(lite, Lines(away), PACE)
    lite.apply(life(raise_report())[:1])
    deliver(courier, clock, 2)
    with away.open("ab") as file:
        file.write(b'{"idempotency_k')
    courier.send_head()
    lines = away.read_text().splitlines()

    assert len(lines) == 3
    assert Head.from_line(lines[-1]) == lite.head()


@pytest.mark.parametrize("kind", ["file:///{}/{}/log", "mqtt://broker/{}/{}", "syslog+tcp://{}.{}.example"])
def test_receivers_with_long_addresses_stay_apart(kind: str) -> None:
    """Two of one name would be taken for one, and each would miss what the other was told."""
    long = "site-" + "1234567890" * 6
    names = {receiver_of(kind.format(*places)).name for places in ((long, "a"), (long, "b"), ("a", long), ("b", long))}

    assert len(names) == 4
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/privacy",
        "gb28181+https://gateway.example/alarm",
        "mqtt://user:pass@broker.example/site-1",
        "mqtts://broker.example",
        "syslog+tcp://siem.example:6514",
        "syslog+udp://siem.example",
        "file:///mnt/away/reports.jsonl",
    ],
)
def test_an_address_is_shown_without_its_password(url: str) -> None:
    assert "pass" not in receiver_of(url, SECRET).name


def test_of_a_web_hook_only_the_host_is_shown_and_places_stay_apart() -> None:
    host = "hooks.example" + ".long" * 20
    urls = [
        f"{kind}https://{host}{rest}"
        for kind in ("", "gb28181+")
        for rest in ("/s3cret/1", "/s3cret/2", "/?key=s3cret", ":8443/s3cret/1")
    ]
    names = [receiver_of(url, SECRET).name for url in urls]

    assert len(set(names)) == len(urls)
    assert all("s3cret" not in name and "hooks.example" in name and len(name) <= 63 for name in names)
    assert names == [receiver_of(url.replace("://", "://me:pass@"), SECRET).name for url in urls]


@pytest.mark.parametrize("url", ["", "ftp://x", "mqtt://", "http:///x", "https://host:99999", "file:", "mqtt://x/a+b"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        receiver_of(url, SECRET)


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(InputError):
        Webhook("https://x.example", b"short")


def test_a_courier_in_its_thread_tells_everything_and_comes_home(lite: Store, hook: Hook, raise_report: Make) -> None:
    courier = Courier(lite, Webhook(hook.url, SECRET), Pace(idle_s=0.01))
    courier.start()
    stored = lite.apply(life(raise_report()))
    for _ in range(300):
        if stored[-1].key in hook.keys:
            break
        time.sleep(0.02)
    courier.stop()

    assert [key for key in hook.keys if not key.startswith("head-")] == [change.key for change in stored]


def test_a_mistyped_database_is_named_and_not_made(tmp_path: Path) -> None:
    keys.signing_or_new(tmp_path / "ledger.key")

    asked = CliRunner().invoke(
        cli,
        ["deliveries", "list", "--database", f"sqlite:///{tmp_path}/typo.db", "--key", str(tmp_path / "ledger.key")],
    )

    assert asked.exit_code == 1
    assert f"there is no database sqlite:///{tmp_path}/typo.db" in asked.output
    assert not (tmp_path / "typo.db").exists()
