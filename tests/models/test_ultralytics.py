"""From a `.pt` file to an answer, with models built from a configuration: nothing is downloaded."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from privacy.errors import InputError, ModelNotFoundError
from privacy.models import catalogue
from privacy.models import ultralytics as adapter
from privacy.models.onnx import open_session
from privacy.models.ultralytics import UltralyticsAdapter

SIDE = 64

# Importing it has effects, so that pytest.importorskip would have them, too.
needs_ultralytics = pytest.mark.skipif(find_spec("ultralytics") is None, reason="Ultralytics is not installed")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIVACY_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Untrained models of both tasks, saved as Ultralytics saves them."""
    with adapter.kept_quiet():
        from ultralytics import YOLO  # noqa: PLC0415 - optional

        folder = tmp_path_factory.mktemp("built")
        paths = {}
        for config in ("yolov8n", "yolov10n", "yolo11n", "yolo11n-cls"):
            paths[config] = folder / f"{config}.pt"
            YOLO(f"{config}.yaml").save(paths[config])
        yield paths


def torch_answer(path: Path, tensor: np.ndarray) -> np.ndarray:
    with adapter.kept_quiet():
        from ultralytics import YOLO  # noqa: PLC0415 - optional

        torch = import_module("torch")
        with torch.no_grad():
            answer: Any = YOLO(path).model.float().eval()(torch.from_numpy(tensor))
    while isinstance(answer, (tuple, list)):
        answer = answer[0]
    result: np.ndarray = answer.numpy()
    return result


def test_trust_is_asked_for_before_anything_else() -> None:
    with pytest.raises(InputError, match="--trust"):
        UltralyticsAdapter(trust=False)


def test_without_the_extra_the_error_names_it_and_its_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)

    with pytest.raises(ModelNotFoundError, match=r"AGPL-3\.0.*privacy-zones\[yolo\]"):
        UltralyticsAdapter(trust=True)


@needs_ultralytics
@pytest.mark.slow
@pytest.mark.parametrize("config", ["yolov8n", "yolov10n", "yolo11n", "yolo11n-cls"])
def test_onnx_answers_as_torch_does(built: dict[str, Path], config: str) -> None:
    tensor = np.random.default_rng(0).random((1, 3, SIDE, SIDE), dtype=np.float32)

    data = UltralyticsAdapter(trust=True).export(built[config], size=SIDE)

    (answer,) = open_session(data, name=config, threads=1).run(None, {"images": tensor})
    np.testing.assert_allclose(answer, torch_answer(built[config], tensor), rtol=1e-3, atol=1e-3)


@needs_ultralytics
@pytest.mark.slow
def test_an_imported_detector_finds_what_the_original_finds(built: dict[str, Path]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    data = UltralyticsAdapter(trust=True).export(built["yolo11n"], task="detect", size=SIDE)
    catalogue.import_onnx(data, "mine", source="yolo11n.pt")
    raw = torch_answer(built["yolo11n"], image.transpose(2, 0, 1)[None].astype(np.float32) / 255)[0]
    surest = raw[4:].max(axis=1).argmax()

    detector = catalogue.load_detector("mine", min_score=float(raw[4:].max()) * 0.999)
    best = detector.detect(image)[0]

    centre_x, centre_y, width, height = raw[:4, raw[4 + surest].argmax()] / SIDE
    want = (centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2)
    assert best.score == pytest.approx(raw[4:].max(), rel=1e-3)
    assert best.box == pytest.approx(np.clip(want, 0, 1), abs=1e-3)
    assert "AGPL-3.0" in catalogue.card("mine").license


@needs_ultralytics
@pytest.mark.slow
def test_an_imported_classifier_sums_the_classes_of_a_zone(built: dict[str, Path]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    data = UltralyticsAdapter(trust=True).export(built["yolo11n-cls"], task="classify", size=SIDE)
    labels: dict[str, object] = {str(index): "washroom" if index < 500 else "permitted" for index in range(1000)}
    catalogue.import_onnx(data, "mine", source="yolo11n-cls.pt", labels=labels)

    (seen,) = catalogue.load("mine").look([image], [0.0])

    want = torch_answer(built["yolo11n-cls"], image.transpose(2, 0, 1)[None].astype(np.float32) / 255)[0]
    assert seen.p_prohibited == pytest.approx(float(want[:500].sum()), abs=1e-3)


@needs_ultralytics
@pytest.mark.slow
def test_a_model_of_another_task_is_refused(built: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="for detect, not classify"):
        UltralyticsAdapter(trust=True).export(built["yolo11n"], task="classify")


@needs_ultralytics
@pytest.mark.slow
def test_a_file_that_is_no_model_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"no model")

    with pytest.raises(InputError, match="cannot be exported"):
        UltralyticsAdapter(trust=True).export(tmp_path / "model.pt")


ALONE = """
import socket, sys

def refuse(*_):
    sys.stderr.write("NETWORK\\n")
    raise OSError("no network in this test")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from privacy.cli import main
main()
"""


@needs_ultralytics
@pytest.mark.slow
def test_an_import_stays_off_the_network_and_out_of_the_users_files(
    built: dict[str, Path], store: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    hidden = {key: value for key, value in os.environ.items() if not key.startswith(("YOLO", "XDG"))}

    result = subprocess.run(
        [sys.executable, "-c", ALONE, "models", "import", built["yolo11n"], "--name", "mine", "--trust"],
        env=hidden | {"HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (result.returncode, result.stdout) == (0, f"{store / 'imported' / 'mine.onnx'}\n"), result.stderr
    assert "NETWORK" not in result.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []
