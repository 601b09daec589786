"""The example plugin as a recorder and as a relay: what leaves is masked, and can be played."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.serve.server import Server
from privacy.sinks.video import VideoSink
from privacy.sources.synthetic import SyntheticSource
from tests.serve.conftest import serve, server  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., Server]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a drawn walk."""
    path = tmp_path_factory.mktemp("clip") / "in.mp4"
    source = SyntheticSource(seconds=3)
    with VideoSink(path, source.info) as sink:
        for frame in source:
            sink.write(frame)
    return path


def plugin(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "examples" / "vms_plugin.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ)


def lumas(path: str) -> list[NDArray[np.uint8]]:
    with av.open(path) as container:
        return [np.asarray(picture.to_ndarray(format="gray"), np.uint8) for picture in container.decode(video=0)]


def test_a_recorder_gets_segments_that_can_be_played(server: Server, clip: Path, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    out = tmp_path / "out"
    done = plugin(str(clip), "--target", server.address, "--out", str(out), "--segments", "1")

    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in out.iterdir())
    assert names == ["masked-00000.ts", "masked-00001.ts", "masked-00002.ts", "masked.m3u8"]
    frames = [luma for name in names[:3] for luma in lumas(str(out / name))]
    assert len(frames) == len(lumas(str(clip)))
    assert frames[0].max() <= 8  # the first is hidden, as in every stream
    assert (out / "masked.m3u8").read_text().count("#EXTINF") == 3


def test_a_relay_sends_a_stream_that_can_be_played(server: Server, clip: Path, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    received = tmp_path / "received.ts"
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def receive() -> None:
            connection, _ = listener.accept()
            with closing(connection), received.open("wb") as file:
                while data := connection.recv(65536):
                    file.write(data)

        receiver = threading.Thread(target=receive)
        receiver.start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        done = plugin(str(clip), "--target", server.address, "--push", address, "--jpeg")
        receiver.join(20)

    assert done.returncode == 0, done.stderr
    frames = lumas(str(received))
    assert len(frames) == len(lumas(str(clip)))
    assert frames[0].max() <= 8


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--push", "tcp://127.0.0.1:1"], id="nobody listens"),
        pytest.param(["--push", "gopher://host/"], id="a protocol of another kind"),
    ],
)
def test_a_stream_that_nobody_takes_is_an_error_without_a_traceback(
    server: Server,  # noqa: F811 - the fixture
    clip: Path,
    arguments: list[str],
) -> None:
    done = plugin(str(clip), "--target", server.address, *arguments)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
