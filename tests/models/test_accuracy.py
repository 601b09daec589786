"""The third-party detectors on a few pictures with known truth: a wrong colour order or a shifted box would show."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from privacy.models import catalogue
from privacy.models.coco import LABELS

detectors = import_module("benchmarks.detectors")  # a script, no package: mypy would see it under two names


@pytest.fixture(autouse=True)
def store(tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVACY_MODELS", str(tmp_path))
    for name in (*detectors.OBJECTS, detectors.FACES):
        catalogue.add(catalogue.card(name), corpus / "models")


@pytest.mark.parametrize("name", detectors.OBJECTS)
def test_most_large_people_are_found_where_they_are(name: str, corpus: Path) -> None:
    truth, folder = detectors.coco(corpus)
    truth["images"] = truth["images"][:24]
    found = detectors.objects_found(catalogue.load_detector(name), truth, folder)
    person = LABELS.index("person") + 1
    seen = [
        max((overlap(true["bbox"], one["bbox"]) for one in found if same(one, true, person)), default=0.0)
        for true in truth["annotations"]
        if true["category_id"] == person
        and true["area"] > 96**2
        and true["image_id"] in {image["id"] for image in truth["images"]}
    ]

    assert len(seen) >= 10
    assert np.mean(np.array(seen) > 0.7) >= 0.7


def test_the_truth_calls_things_as_the_detectors_do(corpus: Path) -> None:
    truth, _ = detectors.coco(corpus)
    assert [category["name"] for category in truth["categories"]] == list(LABELS)


def test_faces_are_found_and_empty_pictures_stay_empty(corpus: Path) -> None:
    scores = detectors.face_scores(catalogue.load_detector(detectors.FACES, min_score=0.6), corpus, limit=16)

    assert np.mean(np.array(scores["points"]) > 0) >= 0.8
    assert np.mean(np.array(scores["drawn"]) > 0) >= 0.95
    assert len(scores["false"]) <= 4


def same(one: dict[str, object], other: dict[str, object], label: int) -> bool:
    return one["image_id"] == other["image_id"] and one["category_id"] == other["category_id"] == label


def overlap(one: list[float], other: list[float]) -> float:
    a, b = np.array(one), np.array(other)
    shared = np.clip(np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(shared / (a[2:].prod() + b[2:].prod() - shared))
