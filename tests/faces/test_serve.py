"""`privacy serve` as an operator runs it: a process, a port, signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest
from click.testing import CliRunner

from privacy import jpeg
from privacy.cli import cli
from privacy.client import EnforcementClient, Jpeg, StreamOptions
from privacy.frame import Frame, Layout
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from tests.serve.faulty_server import EXIT_AFTER_S, GRACE_S
from tests.serve.messages import DARK, config, frame

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `privacy serve` with options; returns the process and its address."""
    running: list[subprocess.Popen[str]] = []

    def run(*options: str) -> tuple["subprocess.Popen[str]", str]:
        command = [sys.executable, "-c", "from privacy.cli import main; main()", "serve", "--address", "127.0.0.1:0"]
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("listening on "), said
        return process, said.split()[2]

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_sigterm_ends_an_idle_server_with_0(start: Start) -> None:
    process, _ = start()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)

    assert (process.returncode, said) == (0, "")


def test_sigterm_tells_a_running_stream_and_answers_what_it_still_sends(start: Start) -> None:
    process, address = start("--grace", "20")
    told = threading.Event()

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config("JPEG")
        yield frame(0, DARK, "JPEG")
        assert told.wait(20)
        yield frame(1, DARK, "JPEG")

    with grpc.insecure_channel(address) as channel:
        stub = pb_grpc.EnforcementServiceStub(channel)
        answers = iter(stub.EnforceStream(messages(), timeout=30))
        assert [next(answers).WhichOneof("message") for _ in range(2)] == ["accepted", "result"]
        process.send_signal(signal.SIGTERM)
        _wait_until_refused(address)
        told.set()

        notice, result = list(answers)

    assert notice.notice.kind == pb.NOTICE_KIND_DRAINING
    assert result.result.sequence_number == 1
    assert process.wait(20) == 0


def _wait_until_refused(address: str) -> None:
    """Return when the server takes no new call: it is draining."""
    for _ in range(200):
        with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            try:
                pb_grpc.EnforcementServiceStub(channel).GetCapabilities(pb.GetCapabilitiesRequest(), timeout=5)
            except grpc.RpcError:
                return
        time.sleep(0.05)
    raise AssertionError("the server still takes calls")


def test_a_stream_that_does_not_end_is_ended_after_the_grace(start: Start) -> None:
    process, address = start("--grace", "0.3")
    held = threading.Event()

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config()
        held.wait(20)

    with grpc.insecure_channel(address) as channel:
        answers = iter(pb_grpc.EnforcementServiceStub(channel).EnforceStream(messages(), timeout=30))
        assert next(answers).WhichOneof("message") == "accepted"
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 0
        with pytest.raises(grpc.RpcError):
            next(answers)
        held.set()


def test_the_shipped_model_rules_and_names_its_digest(start: Start) -> None:
    _, address = start()
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    still = Jpeg(jpeg.write(Frame((noise,), Layout.RGB, 0.0)), 0.0)
    with EnforcementClient(address) as client:
        client.wait_ready(10)
        answer = client.classify(still)
        (stream,) = client.enforce([still], StreamOptions(camera="sites/a/cameras/b"))

    assert sum(answer.zones.values()) == pytest.approx(1, abs=1e-3)
    assert len(answer.response.model.sha256_digest) == 64
    assert stream.verdict.state != "CLEAR"  # the first frame never is


def test_tls(start: Start, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", *words.split(), "-keyout", str(key), "-out", str(certificate)]
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")
    _, address = start("--tls-key", str(key), "--tls-cert", str(certificate))

    with EnforcementClient(address, credentials=grpc.ssl_channel_credentials(certificate.read_bytes())) as client:
        assert client.capabilities(10).max_streams == 256


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(["--address", "nowhere.invalid:1", "--insecure"], 1, id="an address that cannot be bound"),
        pytest.param(["--model", "other"], 1, id="an unknown model"),
        pytest.param(["--policy", "atlantis"], 1, id="an unknown policy"),
        pytest.param(["--tls-key", __file__], 2, id="a key without a certificate"),
        pytest.param(["--tls-key", __file__, "--tls-cert", __file__], 1, id="a key that is none"),
    ],
)
def test_what_cannot_be_served_says_why(options: list[str], code: int) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        result = CliRunner().invoke(cli, ["serve", *options], prog_name="privacy")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])

    assert result.exit_code == code
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_the_example_plugin_masks_a_clip(start: Start, tmp_path: Path) -> None:
    _, address = start()
    writer = cv2.VideoWriter(str(tmp_path / "in.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for level in range(30):
        writer.write(np.full((48, 64, 3), level * 8, np.uint8))
    writer.release()
    plugin = ROOT / "examples" / "vms_plugin.py"
    command = [sys.executable, str(plugin), str(tmp_path / "in.mp4"), "--target", address]
    for options in ([], ["--jpeg", "--mode", "MASK_GEOMETRY"]):
        done = subprocess.run(
            [*command, "--out", str(tmp_path / "out"), *options],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        assert done.returncode == 0, done.stderr
        assert len((tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()) == 30
        shown = (tmp_path / "out" / "index.html").read_text()
        assert "before" not in shown
        assert "after" in shown


@pytest.mark.parametrize(
    ("what", "code"),
    [
        pytest.param("model", 0, id="a model that hangs keeps nobody"),
        pytest.param("decoder", 1, id="a decoder that hangs is left behind"),
    ],
)
def test_sigterm_ends_a_server_in_which_something_hangs(what: str, code: int) -> None:
    command = [sys.executable, "-m", "tests.serve.faulty_server", what]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = next(line for line in process.stdout if line.startswith("listening on "))
        address = said.split()[-1]
        held = threading.Event()

        def messages() -> Iterator[pb.EnforceStreamRequest]:
            yield config("JPEG")
            yield frame(0, DARK, "JPEG")
            held.wait(30)

        with grpc.insecure_channel(address) as channel:
            answers = iter(pb_grpc.EnforcementServiceStub(channel).EnforceStream(messages(), timeout=30))
            assert next(answers).WhichOneof("message") == "accepted"
            if what == "model":
                assert next(answers).result.verdict.state == verdict_pb2.VERDICT_STATE_UNCERTAIN
            process.send_signal(signal.SIGTERM)

            assert process.wait(GRACE_S + EXIT_AFTER_S + 5) == code
            held.set()
    finally:
        process.kill()
        process.communicate()
