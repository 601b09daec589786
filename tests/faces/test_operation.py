"""`privacy serve` as an operator sets it up: TLS, tokens, a file of options, metrics, processes, one database."""

import contextlib
import json
import os
import signal
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import click
import grpc
import pytest
from click.testing import CliRunner, Result

from privacy.cli import cli
from privacy.cli.config import shown as shown_options
from privacy.migrations import migrated
from privacy.tokens import Role, Tokens
from privacy.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    camera_service_pb2,
    camera_service_pb2_grpc,
    report_service_pb2,
    report_service_pb2_grpc,
)
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from tests.audit.recordings import write_recording
from tests.databases import PostgreSQL
from tests.faces.certificates import DAY, Authority, Pair
from tests.faces.running import Running
from tests.serve.messages import CAMERA, LEFT, clear, config, frame, refusal

Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Running] = []

    def run(*options: str) -> Running:
        running.append(Running(*options))
        return running[-1]

    yield run
    for each in running:
        each.process.kill()
        each.process.communicate()


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'privacy.db'}"


@pytest.fixture
def authority() -> Authority:
    return Authority()


def files(folder: Path, name: str, pair: Pair) -> tuple[str, ...]:
    (folder / f"{name}.key").write_bytes(pair.key)
    (folder / f"{name}.pem").write_bytes(pair.certificate)
    return "--tls-key", str(folder / f"{name}.key"), "--tls-cert", str(folder / f"{name}.pem")


def capabilities(channel: grpc.Channel, **options: Any) -> pb.GetCapabilitiesResponse:
    stub = pb_grpc.EnforcementServiceStub(channel)
    answer: pb.GetCapabilitiesResponse = stub.GetCapabilities(pb.GetCapabilitiesRequest(), timeout=20, **options)
    return answer


def get(url: str, **headers: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:  # noqa: S310 - ours
        return str(answer.read().decode())


def invoked(*options: str) -> Result:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        return CliRunner().invoke(cli, ["serve", *options], prog_name="privacy")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_mutual_tls_and_tokens(start: Start, tmp_path: Path, database: str, authority: Authority) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    server = start(
        *files(tmp_path, "server", authority.pair("server")),
        "--tls-client-ca", str(tmp_path / "ca.pem"), "--tokens", "--database", database,
    )  # fmt: skip
    with migrated(database) as engine:
        _, secret = Tokens(engine).create(Role.STREAM, "gate")
    mine, strange, expired = (
        authority.pair("plugin"), Authority("strange").pair("plugin"), authority.pair("plugin", -DAY),
    )  # fmt: skip
    bearer = (("authorization", f"Bearer {secret}"),)

    with _secure(server, authority, mine) as channel:
        assert capabilities(channel, metadata=bearer).max_streams
        assert refusal(lambda: capabilities(channel))[0] == "UNAUTHENTICATED"
    for other in (strange, expired, None):
        with _secure(server, authority, other) as channel, pytest.raises(grpc.RpcError) as caught:
            capabilities(channel, metadata=bearer)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    log = server.stop()
    assert secret not in log
    assert "UNAUTHENTICATED" in log


def _secure(server: Running, authority: Authority, mine: Pair | None) -> grpc.Channel:
    key, certificate = (mine.key, mine.certificate) if mine else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.certificate, key, certificate)
    return grpc.secure_channel(server.address, credentials)


def test_an_expired_certificate_is_not_served(tmp_path: Path, authority: Authority) -> None:
    refused = invoked("--check-config", *files(tmp_path, "old", authority.pair("server", timedelta(hours=-1))))

    assert refused.exit_code == 1
    assert "expired on" in refused.stderr


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--address", "0.0.0.0:0"], id="every interface"),
        pytest.param(["--address", "[::]:0"], id="every interface, IPv6"),
        pytest.param(["--address", "camera.example:1"], id="a name"),
        pytest.param(["--http", "0.0.0.0:0"], id="HTTP"),
        pytest.param(["--address", "0.0.0.0:0", "--tokens"], id="tokens without TLS, which anybody may overhear"),
        pytest.param(["--tls-client-ca", __file__], id="client certificates without TLS"),
        pytest.param(["--tokens", "--database", "none"], id="tokens without a database"),
    ],
)
def test_what_would_be_open_is_refused(options: list[str]) -> None:
    refused = invoked("--check-config", *options)

    assert refused.exit_code in (1, 2)
    assert "--tls" in refused.stderr or "needs a database" in refused.stderr


@pytest.mark.parametrize("option", ["--address", "--http"])
@pytest.mark.parametrize("address", ["foo", "foo:", "127.0.0.1:70000", "localhost:port"])
def test_what_is_no_address_is_told_what_one_looks_like(option: str, address: str) -> None:
    refused = invoked("--check-config", option, address)

    assert refused.exit_code == 2
    assert f"{address} is no address: that is HOST:PORT" in refused.stderr


def test_what_is_open_on_purpose_is_served(database: str) -> None:
    assert invoked("--check-config", "--insecure", "--address", "0.0.0.0:0", "--database", database).exit_code == 0


def test_a_check_makes_no_database_and_changes_none(tmp_path: Path) -> None:
    """A newer version may be tried beside the one that runs; its tables come when it starts."""
    there, empty, none = (tmp_path / name for name in ("there.db", "empty.db", "none.db"))
    empty.touch()
    none.write_text("no database, but a text that is long enough to be read as one")
    codes = [invoked("--check-config", "--database", f"sqlite:///{path}").exit_code for path in (there, empty, none)]
    with contextlib.closing(sqlite3.connect(empty)) as database:
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()

    assert (codes, there.exists(), tables) == ([0, 0, 1], False, [])


@pytest.mark.parametrize(
    "address",
    ["postgresql://me:s3cret@host/db", "postgresql://me:s3/cret@host/db", "postgresql://me:s3@cret@host/db",
     "postgresql://host/db?user=me&password=s3cret", 'postgresql://me:s3"cret@host/db',
     "postgresql://me:s3 cret@host/db", 'postgresql://host/db?user=me&password=s3"cret'],
)  # fmt: skip
def test_no_password_is_shown_however_it_is_written(address: str) -> None:
    command = click.Command("serve", params=[click.Option(["--database"])])

    (line,) = shown_options(command.make_context("serve", ["--database", address]))

    assert "cret" not in line
    assert "host" in line


def test_a_file_says_what_no_flag_and_no_environment_says(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "serve.toml").write_text(
        f'max_streams = 3\nthreads = 2\ngrace = 1\nreflection = true\ndatabase = "{database}"\n'
    )
    monkeypatch.setenv("PRIVACY_SERVE_THREADS", "4")
    monkeypatch.setenv("PRIVACY_SERVE_GRACE", "5")
    shown = invoked("--config", str(tmp_path / "serve.toml"), "--check-config", "--grace", "7")

    assert shown.exit_code == 0, shown.output
    assert {"max_streams = 3  # file", "threads = 4  # environment", "grace = 7.0  # flag"} <= set(
        shown.stdout.splitlines()
    )
    assert {"reflection = true  # file", "processes = 1  # default"} <= set(shown.stdout.splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("# a comment\nmax_stream = 3", "line 2: there is no option 'max_stream'", id="a misspelt key"),
        pytest.param('max_streams = "3"', "line 1: max_streams must be a whole number", id="a string"),
        pytest.param("max_streams = true", "must be a whole number", id="a flag for a number"),
        pytest.param("max_streams = 0", "line 1: max_streams is refused: 0 is not in the range", id="out of range"),
        pytest.param("tokens = 1", "tokens must be true or false", id="a number for a flag"),
        pytest.param('\n[tls]\ncert = "x"', "line 2: there is no option 'tls'", id="a table"),
        pytest.param('tls_cert = "/nowhere"', "line 1: tls_cert is refused", id="no such file"),
        pytest.param("max_streams = oops", "(at line 1, column 15)", id="no TOML"),
        pytest.param('check_config = "\\ud800"', "cannot be read", id="no text"),
        pytest.param("max_streams = " + "9" * 5000, "cannot be read", id="too long a number"),
        pytest.param("max_streams = " + "[" * 10_000, "cannot be read", id="nested"),
        pytest.param("grace = 1" + 400 * "0", "line 1: grace is refused", id="a number beyond any other"),
        pytest.param('config = "other.toml"', "there is no option 'config'", id="a file in a file"),
    ],
)
def test_what_a_file_may_not_say_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "serve.toml").write_text(text)
    refused = invoked("--config", str(tmp_path / "serve.toml"), "--check-config")

    assert refused.exit_code == 2
    assert said in " ".join(refused.stderr.split())


@pytest.mark.parametrize(
    "text", ['deliver = "hunter2"', 'device = "hunter2"', 'tls_key = "hunter2"', 'threads = "hunter2"']
)
def test_no_value_in_the_wrong_place_is_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "serve.toml").write_text(text)
    refused = invoked("--config", str(tmp_path / "serve.toml"), "--check-config")

    assert refused.exit_code == 2
    assert text.partition(" ")[0] in refused.stderr
    assert "hunter2" not in refused.output


def test_no_password_is_shown(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database().replace("postgres@", "postgres:hunter2@")
    told = "mqtt://me:hunter2@broker/site"
    shown = invoked("--check-config", "--database", url, "--reports", url, "--deliver", told)

    assert shown.exit_code == 0, shown.output
    assert "hunter2" not in shown.output
    assert 'deliver = ["mqtt://broker#' in shown.output


@pytest.mark.parametrize(
    "address",
    ["https://hooks.example/services/s3cret", "https://hooks.example?key=s3cret", "https://s3cret@hooks.example/x",
     "gb28181+https://me:s3cret@hooks.example", "mqtts://s3cret@hooks.example", "HTTPS://hooks.example/s3cret",
     "https://hooks.example:port/s3cret"],
)  # fmt: skip
def test_no_path_of_a_web_hook_is_shown(address: str) -> None:
    command = click.Command("serve", params=[click.Option(["--deliver"], multiple=True)])

    (line,) = shown_options(command.make_context("serve", ["--deliver", address]))

    assert "s3cret" not in line
    assert "://" in line


def test_http_says_what_is_counted_and_whether_it_is_ready(start: Start) -> None:
    server = start("--http", "127.0.0.1:0", "--database", "none")
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.EnforcementServiceStub(channel)
        list(stub.EnforceStream(iter([config(), *clear()]), timeout=20))
        refusal(lambda: list(stub.EnforceStream(iter([config(policy="none")]), timeout=20)))
    said = get(f"http://{server.http}/metrics")

    assert (get(f"http://{server.http}/healthz"), get(f"http://{server.http}/readyz")) == ("alive\n", "ready\n")
    assert 'privacy_frames_total{pixel_format="GRAY"} 4.0' in said
    assert 'privacy_refusals_total{reason="INVALID_POLICY"} 1.0' in said
    assert 'privacy_stage_seconds_count{stage="infer"} 4.0' in said
    assert "privacy_streams 0.0" in said
    assert "sites/" not in said
    log = [json.loads(line) for line in server.stop().splitlines()]
    opened = next(line for line in log if line["event"] == "stream_opened")
    assert {"stream", "request", "camera", "caller", "timestamp"} <= set(opened)


def test_metrics_are_read_by_bearers_of_tokens_only(start: Start, database: str) -> None:
    server = start("--http", "127.0.0.1:0", "--tokens", "--database", database)
    with migrated(database) as engine:
        _, secret = Tokens(engine).create(Role.AUDITOR, "prometheus")

    assert "privacy_info" in get(f"http://{server.http}/metrics", Authorization=f"Bearer {secret}")
    assert get(f"http://{server.http}/readyz") == "ready\n"
    with pytest.raises(HTTPError, match="401"):
        get(f"http://{server.http}/metrics")


def test_several_processes_share_a_port_and_a_place_is_filled_again(start: Start) -> None:
    server = start("--processes", "2", "--http", "127.0.0.1:0", "--database", "none")
    children = _children(server.process.pid)
    for _ in range(8):
        with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = pb_grpc.EnforcementServiceStub(channel)
            list(stub.EnforceStream(iter([config(), *clear()]), timeout=20))

    assert len(children) == 2
    assert 'privacy_frames_total{pixel_format="GRAY"} 32.0' in get(f"http://{server.http}/metrics")
    os.kill(children[0], signal.SIGKILL)
    _wait(lambda: len(set(_children(server.process.pid)) - set(children)) == 1)
    _wait(lambda: _status(f"http://{server.http}/readyz") == 200)
    with grpc.insecure_channel(server.address) as channel:
        assert capabilities(channel).max_streams
    server.stop()
    assert not any(Path(f"/proc/{child}").exists() for child in children)


@pytest.mark.slow
def test_several_processes_report_and_audit_as_one(start: Start, database: str, tmp_path: Path) -> None:
    """Whichever of them a call comes to: one report of what was done in all, one ledger, one audit."""
    recordings = tmp_path / "archive"
    recordings.mkdir()
    write_recording(recordings / "hall.mp4", [], seconds=4)
    server = start(
        *("--processes", "2", "--database", database, "--reports", f"sqlite:///{tmp_path / 'reports.db'}"),
        *("--ledger-key", str(tmp_path / "ledger.key"), "--archive", str(recordings)),
        *("--audits", str(tmp_path / "audits")),
    )

    def call(ask: Callable[[grpc.Channel], Any]) -> Any:
        with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            return ask(channel)

    def draw(zones: list[Any]) -> Any:
        preset = camera_service_pb2.ViewPreset(preset_id="door", static_zones=zones)
        camera = camera_service_pb2.Camera(name=CAMERA, declared_purpose="lobby", display_name="x", presets=[preset])
        request = camera_service_pb2.UpdateCameraRequest(camera=camera, allow_missing=True)
        return call(
            lambda channel: camera_service_pb2_grpc.CameraServiceStub(channel).UpdateCamera(request, timeout=20)
        )

    site = camera_service_pb2.CreateSiteRequest(site_id="hq", site=camera_service_pb2.Site(display_name="HQ"))
    call(lambda channel: camera_service_pb2_grpc.CameraServiceStub(channel).CreateSite(site, timeout=20))
    spec = audit_service_pb2.AuditSpec(paths=["hall.mp4"])
    begin = audit_service_pb2.StartAuditRequest(spec=spec)
    call(lambda channel: audit_service_pb2_grpc.AuditServiceStub(channel).StartAudit(begin, timeout=20))
    for number in range(16):
        draw([LEFT] if number % 2 == 0 else [])

    def verified() -> Any:
        verify = report_service_pb2.VerifyLedgerRequest()
        return call(lambda channel: report_service_pb2_grpc.ReportServiceStub(channel).VerifyLedger(verify, timeout=20))

    def audited() -> Any:
        listing = audit_service_pb2.ListAuditsRequest()
        (audit,) = call(
            lambda channel: audit_service_pb2_grpc.AuditServiceStub(channel).ListAudits(listing, timeout=20)
        ).audits
        assert audit.state != audit_service_pb2.AUDIT_STATE_FAILED
        return audit

    _wait(lambda: verified().entries_checked >= 8)
    assert verified().intact
    listed = report_service_pb2.ListReportsRequest()
    reports = call(lambda channel: report_service_pb2_grpc.ReportServiceStub(channel).ListReports(listed, timeout=20))
    assert {report.rule for report in reports.reports} == {"MASK_REDUCED"}
    assert len(reports.reports) <= 8  # once for each time that the zone was taken away, whoever heard of it
    _wait(lambda: audited().state == audit_service_pb2.AUDIT_STATE_SUCCEEDED)
    assert "report_failed" not in server.stop()


STILLS = Path(__file__).resolve().parents[2] / "datasets" / "rendered" / "sample" / "stills"
CORRIDOR, BATHROOM = STILLS / "corridor-7-00033-2.jpg", STILLS / "bathroom-7-00047-1.jpg"


class Cameras:
    """Cameras that each show one picture, over a connection of their own, until they are told to stop."""

    def __init__(self, address: str, pictures: Mapping[str, Path]) -> None:
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(address, camera, picture.read_bytes()))
            for camera, picture in pictures.items()
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, address: str, camera: str, data: bytes) -> None:
        while not self._over.is_set():  # a process that dies takes its streams with it
            own = grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
            with own as channel, contextlib.suppress(grpc.RpcError):
                for _ in pb_grpc.EnforcementServiceStub(channel).EnforceStream(self._messages(camera, data)):
                    pass

    def _messages(self, camera: str, data: bytes) -> Iterator[pb.EnforceStreamRequest]:
        yield config("JPEG", camera=camera, declared_purpose="corridor")
        start, number = time.monotonic(), 0
        while not self._over.wait(0.2):
            message = frame(number, data=data)
            message.frame.capture_offset.FromNanoseconds(int((time.monotonic() - start) * 1e9))
            yield message
            number += 1


def _connections(pid: int, port: str) -> int:
    """Count the connections that a process has accepted on a port."""
    tables = (Path("/proc/net") / name for name in ("tcp", "tcp6"))
    lines = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    accepted = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{int(port):04X}") and line[3] == "01"}
    return sum(os.readlink(file) in accepted for file in Path(f"/proc/{pid}/fd").iterdir())  # noqa: PTH115 - no path


def test_several_processes_have_one_console(start: Start, database: str, tmp_path: Path) -> None:
    """Whichever process a camera comes to: on one wall, with its masked picture if it is clear, and its report."""
    server = start(
        *("--processes", "2", "--http", "127.0.0.1:0", "--database", database),
        *("--reports", f"sqlite:///{tmp_path / 'reports.db'}", "--ledger-key", str(tmp_path / "ledger.key")),
    )
    console = f"http://{server.http}/console"
    names = {f"sites/hq/cameras/corridor{n}": CORRIDOR for n in range(6)} | {"sites/hq/cameras/bath": BATHROOM}
    cameras = Cameras(server.address, names)

    def shown(state: str) -> set[str]:
        page = get(f"{console}/cameras?state={state}", Accept="text/html")
        return {name for name in names if f"name={name}" in page or f"name={quote(name, safe='')}" in page}

    def picture(name: str) -> int:
        return _status(f"{console}/camera/thumbnail?name={name}")

    try:
        clear = {name for name, still in names.items() if still is CORRIDOR}
        _wait(lambda: shown("CLEAR") == clear and shown("PROHIBITED") == {"sites/hq/cameras/bath"})
        _wait(lambda: all(picture(name) == 200 for name in sorted(clear)))
        assert picture("sites/hq/cameras/bath") == 404
        _wait(lambda: "sites/hq/cameras/bath" in get(f"{console}/reports", Accept="text/html"))
        port = server.address.rpartition(":")[2]
        busy = [child for child in _children(server.process.pid) if _connections(child, port)]
        assert len(busy) == 2, "all connections came to one process: nothing was tried"
        os.kill(busy[0], signal.SIGKILL)
        _wait(lambda: shown("CLEAR") != clear)  # those of the process that died have to be seen anew
        _wait(lambda: shown("CLEAR") == clear)
    finally:
        cameras.stop()
    _wait(lambda: shown("OFFLINE") == set(names))
    assert not any(picture(name) == 200 for name in names)
    log = server.stop()
    assert "Traceback" not in log


def test_two_servers_of_several_processes_do_not_share_a_port(start: Start) -> None:
    server = start("--processes", "2", "--database", "none")
    refused = invoked("--processes", "2", "--database", "none", "--address", server.address)

    assert refused.exit_code == 1
    assert "cannot be bound" in refused.stderr


def test_processes_end_with_a_parent_that_is_killed(start: Start) -> None:
    server = start("--processes", "2", "--database", "none")
    children = _children(server.process.pid)
    server.process.kill()

    _wait(lambda: not any(_alive(child) for child in children))


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - ours
            return int(answer.status)
    except HTTPError as error:
        return error.code


def _wait(until: Callable[[], bool]) -> None:
    for _ in range(300):
        if until():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def test_a_camera_that_one_replica_registers_the_other_knows(start: Start, postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    one, other = start("--database", url), start("--database", url)
    site = camera_service_pb2.CreateSiteRequest(site_id="hq", site=camera_service_pb2.Site(display_name="HQ"))
    camera = camera_service_pb2.CreateCameraRequest(
        parent="sites/hq",
        camera_id="lobby",
        camera=camera_service_pb2.Camera(display_name="Lobby", declared_purpose="lobby"),
    )
    with grpc.insecure_channel(one.address) as first, grpc.insecure_channel(other.address) as second:
        camera_service_pb2_grpc.CameraServiceStub(first).CreateSite(site, timeout=20)
        made = camera_service_pb2_grpc.CameraServiceStub(first).CreateCamera(camera, timeout=20).camera
        name = camera_service_pb2.GetCameraRequest(name=made.name)

        assert camera_service_pb2_grpc.CameraServiceStub(second).GetCamera(name, timeout=20).camera == made


def test_a_database_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = invoked("--database", f"sqlite:///{tmp_path / 'file' / 'privacy.db'}")

    assert refused.exit_code == 1
    assert "cannot be made" in refused.stderr


def test_the_state_of_a_user_is_kept_from_others(start: Start, tmp_path: Path) -> None:
    start("--database", f"sqlite:///{tmp_path / 'state' / 'privacy.db'}")

    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
