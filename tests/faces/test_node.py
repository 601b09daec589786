"""The Node example speaks to the service, made from the .proto files alone."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from privacy.serve.server import Server
from tests.serve.conftest import serve, server  # noqa: F401 - fixtures
from tests.serve.messages import DARK, LIGHT, payload

NODE = Path(__file__).resolve().parents[2] / "examples" / "node"
Start = Callable[..., Server]

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (NODE / "node_modules").is_dir(), reason="run `npm ci` in examples/node"),
]


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Six of a lobby, six of a washroom."""
    paths = []
    for number, level in enumerate([DARK] * 6 + [LIGHT] * 6):
        path = tmp_path / f"{number:02}.jpg"
        path.write_bytes(payload("JPEG", level))
        paths.append(str(path))
    return paths


def node(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["node", str(NODE / "enforce.mjs"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def lines(done: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_shows_what_is_clear_and_nothing_else(server: Server, pictures: list[str], tmp_path: Path) -> None:  # noqa: F811 - the fixture
    done = node("--target", server.address, "--masked", str(tmp_path / "out"), *pictures)

    answers = lines(done)
    assert done.returncode == 0, done.stderr
    assert [answer["asSent"] for answer in answers] == [a["state"] == "VERDICT_STATE_CLEAR" for a in answers]
    assert answers[5]["asSent"]
    assert answers[-1]["clauses"] == ["Guangdong Decree 132 Art. 7"]
    for path, answer in zip(pictures, answers, strict=True):
        shown = np.frombuffer((tmp_path / "out" / Path(path).name).read_bytes(), np.uint8)
        assert answer["asSent"] or np.asarray(cv2.imdecode(shown, cv2.IMREAD_GRAYSCALE)).max() <= 1


def test_without_a_server_it_shows_nothing(pictures: list[str]) -> None:
    done = node("--target", "127.0.0.1:1", *pictures[:2])

    assert done.returncode == 3
    assert [(answer["state"], answer["asSent"]) for answer in lines(done)] == [("NO_ANSWER", False)] * 2


def test_it_does_not_ask_again_what_is_refused_for_good(server: Server, pictures: list[str]) -> None:  # noqa: F811 - the fixture
    done = node("--target", server.address, "--camera", "lobby", *pictures)

    assert done.returncode == 3
    assert done.stderr.count("INVALID_ARGUMENT") == 1


@pytest.mark.parametrize(
    ("result", "shows"),
    [
        pytest.param("null", "null", id="no answer"),
        pytest.param("{}", "null", id="no verdict"),
        pytest.param('{verdict:{state:99},picture:"unchanged"}', "null", id="a state of a later version"),
        pytest.param('{verdict:{state:"VERDICT_STATE_UNCERTAIN"},picture:"unchanged"}', "null", id="uncertain"),
        pytest.param('{verdict:{state:"VERDICT_STATE_CLEAR"}}', "null", id="clear, but no picture"),
        pytest.param('{verdict:{state:"VERDICT_STATE_CLEAR"},picture:"withheld"}', "null", id="withheld"),
        pytest.param('{verdict:{state:"VERDICT_STATE_CLEAR"},picture:"unchanged"}', "own", id="clear"),
        pytest.param('{verdict:{state:99},picture:"masked",masked:{data:"painted"}}', "painted", id="painted"),
    ],
)
def test_a_picture_is_shown_only_if_its_answer_says_clear_by_name(result: str, shows: str) -> None:
    done = run(f"import {{ shown }} from '{NODE}/enforce.mjs'; console.log(String(shown('own', {result})))")

    assert done.stdout.strip() == shows, done.stderr


@pytest.mark.parametrize(
    ("numbers", "answered"),
    [
        pytest.param([0], 0, id="before the stream is accepted"),
        pytest.param([None, 0, 1], 1, id="beyond what may be in flight"),
        pytest.param([None, 1], 0, id="to another picture"),
        pytest.param([None, 0], 1, id="to the one that was sent"),
    ],
)
def test_an_answer_to_a_picture_that_was_not_sent_is_none(numbers: list[int | None], answered: int) -> None:
    """`None` stands for the news that the stream is accepted, with one picture in flight."""
    done = run(
        f"""
        import {{ EventEmitter }} from 'node:events';
        import {{ enforce }} from '{NODE}/enforce.mjs';
        const call = new EventEmitter();
        const sent = [];
        call.write = (message) => sent.push(message);
        call.end = () => 0;
        call.cancel = () => call.emit('error', {{ code: 1 }});
        const verdict = {{ state: 'VERDICT_STATE_CLEAR' }};
        const done = enforce({{ EnforceStream: () => call }}, null, 'lobby', ['a']);
        for (const number of {json.dumps(numbers)}) {{
          call.emit('data', number === null
            ? {{ message: 'accepted', accepted: {{ maxInFlight: 1 }} }}
            : {{ message: 'result', result: {{ sequenceNumber: number, verdict, picture: 'unchanged' }} }});
        }}
        call.emit('end');
        console.log((await done).answered);
        """
    )

    assert done.stdout.strip() == str(answered), done.stderr


def run(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [shutil.which("node") or "node", "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
