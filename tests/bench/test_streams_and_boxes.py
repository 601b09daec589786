"""Clips through the product's own path, and boxes against boxes, where the truth is known."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from privacy import bench
from privacy.bench import datasets, detection, models, streams
from privacy.bench.datasets import Boxes, Clip, Clips
from privacy.bench.models import Detects as Catalogued
from privacy.errors import SourceError
from privacy.models.detector import Detection
from privacy.policy import Policy, load
from privacy.training.data import DataError
from tests.bench.worlds import Sees
from tests.clips import write_clip
from tests.toys import Finds
from tests.toys import detection as found

RATE = 10


def clip(folder: Path, name: str, *levels: int) -> Path:
    """A clip of one second of each level of grey."""
    plane = [np.full((48, 64), level, np.uint8) for level in levels]
    return write_clip(folder / name, rate=RATE, frames=RATE * len(levels), luma=lambda number: plane[number // RATE])


def stream(*clips: Clip, model: Any = None) -> dict[str, Any]:
    results = bench.run([model or Sees()], [Clips("clips", clips)], ["stream"], rounds=20)
    (result,) = results.record["results"]
    return dict(result)


# --------------------------------------------------------------------------------------------------------------- clips


def test_a_clip_that_turns_private_is_detected_and_nothing_of_it_gets_out(tmp_path: Path) -> None:
    path = clip(tmp_path, "a.mp4", *[16] * 6, *[235] * 6)

    (run,) = stream(Clip(path, ((6.0, 12.0),)))["clips"]

    assert (run["seconds"], run["permitted_s"], run["prohibited_frames"]) == (12, 6, 60)
    assert (run["exposed_frames"], run["accusations"], run["unseen"]) == (0, 0, 0)
    assert 0 <= run["detected_s"] < 4
    assert run["hidden_in_vain"] < 1


def test_an_accusation_of_a_permitted_clip_is_a_false_alarm_a_day_has_many_of(tmp_path: Path) -> None:
    path = clip(tmp_path, "a.mp4", *[235] * 6)

    result = stream(Clip(path))

    assert result["clips"][0]["accusations"] == 1
    assert result["measures"]["false alarms per camera-day"]["value"] == pytest.approx(86400 / 6)
    assert result["measures"]["permitted frames hidden in vain"]["value"] == 1
    assert result["measures"]["private clips detected"]["value"] is None


def test_a_model_that_misses_everything_exposes_everything_after_the_first_look(tmp_path: Path) -> None:
    path = clip(tmp_path, "a.mp4", *[16] * 8)

    result = stream(Clip(path, ((0.0, float("inf")),)))

    assert result["clips"][0]["detected_s"] is None
    exposed = result["measures"]["exposed share of prohibited frames"]["value"]
    assert exposed == result["clips"][0]["exposed_frames"] / 80 > 0.5
    assert result["measures"]["exposed ms per private clip"]["value"] == pytest.approx(exposed * 8000)


def test_a_model_that_fails_hides_and_its_failures_are_counted(tmp_path: Path) -> None:
    class Fails(Sees):
        def look(self, image: Any) -> Any:
            raise RuntimeError("out of cheese")

    (run,) = stream(Clip(clip(tmp_path, "a.mp4", 16, 16, 16)), model=Fails())["clips"]

    assert run["hidden_in_vain"] == 1
    assert run["unseen"] > 0


def test_clips_that_cannot_be_read_are_named_and_the_others_are_done(tmp_path: Path) -> None:
    (tmp_path / "b.mp4").write_text("no clip")

    result = stream(Clip(clip(tmp_path, "a.mp4", 16)), Clip(tmp_path / "b.mp4"), Clip(tmp_path / "c.mp4"))

    assert [row["item"] for row in result["failures"]] == ["b.mp4", "c.mp4"]
    assert [run["clip"] for run in result["clips"]] == ["a.mp4"]


def test_a_manifest_says_when_clips_are_prohibited(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,prohibited\nb.mp4,\na.mp4,1.5-3;10-12\n")

    read = datasets.load(f"videos={tmp_path}")

    assert isinstance(read, Clips)
    assert [(one.path.name, one.prohibited) for one in read.clips] == [("a.mp4", ((1.5, 3), (10, 12))), ("b.mp4", ())]
    assert [read.clips[0].shows(offset) for offset in (1.4, 1.5, 2.9, 3.0)] == [False, True, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file\n",
        "file,prohibited\na.mp4,3-1\n",
        "file,prohibited\na.mp4,soon\n",
        "file,prohibited\na.mp4\n",
        "file,tags\na.mp4\n",
    ],
)
def test_a_manifest_that_says_nonsense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.csv").write_text(text)

    with pytest.raises(DataError):
        datasets.load(f"videos={tmp_path}")


# --------------------------------------------------------------------------------------------------------------- boxes


def boxes(folder: Path, names: tuple[str, ...] = ("person",), count: int = 4, **annotation: Any) -> Path:
    """Pictures with one box each: the left half."""
    truth: dict[str, Any] = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 64, "height": 48} for k in range(1, count + 1)],
        "categories": [{"id": 7 + k, "name": name} for k, name in enumerate(names)],
        "annotations": [
            {
                "id": k,
                "image_id": k,
                "category_id": 7,
                "bbox": [0, 0, 32, 48],
                "area": 32 * 48,
                "iscrowd": 0,
                **annotation,
            }
            for k in range(1, count + 1)
        ],
    }
    for image in truth["images"]:
        cv2.imwrite(str(folder / image["file_name"]), np.zeros((48, 64, 3), np.uint8))
    (folder / "boxes.json").write_text(json.dumps(truth))
    return folder / "boxes.json"


class Detects(Catalogued):
    """A detector of the toy world in the place of one of the catalogue."""

    def __init__(self, *seen: Detection) -> None:
        self.name, self.digest, self.about = "finds.test", "0" * 64, {"made of": "a toy"}
        self.detector = Finds(*seen)


def measured(path: Path, *seen: Detection) -> dict[str, Any]:
    results = bench.run([Detects(*seen)], [f"coco={path}"], ["detection"], rounds=10)
    (result,) = results.record["results"]
    return dict(result)


def test_a_detector_that_finds_every_box_has_an_average_precision_of_one(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    result = measured(boxes(tmp_path), found((0, 0, 0.5, 1)))

    assert result["measures"]["AP person"]["value"] == pytest.approx(1)
    assert result["measures"]["AP person"]["low"] == pytest.approx(1)


def test_boxes_that_overlap_by_two_thirds_count_at_four_of_ten_overlaps(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    result = measured(boxes(tmp_path), found((0, 0, 0.5, 2 / 3)))

    assert result["measures"]["AP person"]["value"] == pytest.approx(0.4)  # 0.5, 0.55, 0.6 and 0.65


def test_no_detection_at_all_is_an_average_precision_of_zero(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    assert measured(boxes(tmp_path))["measures"]["AP all"]["value"] == 0


def test_redrawing_every_picture_once_changes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    dataset = datasets.load(f"coco={boxes(tmp_path)}")
    assert isinstance(dataset, Boxes)
    seen, _ = detection.looks(
        Finds(found((0, 0, 0.5, 0.8)), found((0.5, 0, 1, 1), score=0.95)), dataset.truth, tmp_path
    )

    whole = detection.average_precision(dataset.truth, detection.as_coco(seen, dataset.truth))
    drawn = detection.average_precision(*detection.redrawn(seen, dataset.truth, range(4)))

    assert whole == drawn
    assert 0 < whole["person"] < 1


def test_categories_without_a_label_are_named_and_count_as_missed(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    path = boxes(tmp_path, ("person", "unicorn"))
    truth = json.loads(path.read_text())
    truth["annotations"].append({**truth["annotations"][0], "id": 99, "category_id": 8})
    path.write_text(json.dumps(truth))

    result = measured(path, found((0, 0, 0.5, 1)))

    assert result["measures"]["AP all"]["value"] == pytest.approx(0.5)
    assert result["failures"] == [{"item": "category unicorn", "error": "the detector has no such label"}]


def test_categories_are_known_whether_words_are_parted_by_spaces_or_underscores(tmp_path: Path) -> None:
    loaded = datasets.load(f"coco={boxes(tmp_path, ('traffic_light', 'traffic light'))}")

    assert isinstance(loaded, datasets.Boxes)
    assert [one["name"] for one in loaded.truth["categories"]] == ["traffic light", "traffic light"]


def test_pictures_that_are_missing_are_named_and_nothing_is_found_in_them(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    path = boxes(tmp_path)
    (tmp_path / "3.png").unlink()

    result = measured(path, found((0, 0, 0.5, 1)))

    assert [row["item"] for row in result["failures"]] == ["3.png"]
    assert result["measures"]["AP person"]["value"] == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(
    ("seen", "leaked"),
    [
        pytest.param([found((0, 0, 0.5, 1), "face")], 0, id="covered"),
        pytest.param([], 1, id="missed"),
        pytest.param([found((0, 0, 0.5, 1), "face", 0.01)], 1, id="below the policy's score"),
        pytest.param([found((0, 0, 0.3, 1), "face")], 1, id="an eye shows"),
    ],
)
def test_a_face_leaks_unless_one_box_covers_nose_and_eyes(tmp_path: Path, seen: list[Detection], leaked: float) -> None:
    path = boxes(tmp_path, ("face",), keypoints=[16, 24, 2, 12, 20, 2, 20, 20, 2])

    assert measured(path, *seen)["measures"]["leaked-face rate"]["value"] == leaked


@pytest.mark.parametrize(
    ("keypoints", "leaked"),
    [
        pytest.param([16, 24, 2, 0, 0, 0, 20, 20, 2], 0, id="an eye is turned away"),
        pytest.param([0] * 9, 0, id="nobody has marked any: the middle of the box"),
        pytest.param([0, 0, 0, 0, 0, 0, 60, 20, 1], 1, id="the only one that is marked shows"),
    ],
)
def test_what_nobody_has_marked_of_a_face_does_not_leak(tmp_path: Path, keypoints: list[int], leaked: float) -> None:
    path = boxes(tmp_path, ("face",), keypoints=keypoints)
    seen = found((0.1, 0.1, 0.5, 1), "face")

    assert measured(path, seen)["measures"]["leaked-face rate"]["value"] == leaked


@pytest.mark.parametrize(
    ("part", "wrong", "message"),
    [
        pytest.param("annotations", {"image_id": 9}, "is not there", id="a box of no picture"),
        pytest.param("annotations", {"category_id": 9}, "is not there", id="a box of no category"),
        pytest.param("annotations", {"bbox": [1, 2, 3]}, "left, top", id="three numbers"),
        pytest.param("annotations", {"bbox": [1, 2, 3, float("nan")]}, "left, top", id="no number"),
        pytest.param("annotations", {"keypoints": [1, 2, 2]}, "two eyes", id="a nose alone"),
        pytest.param("images", {"id": 2}, "one id", id="two of one id"),
        pytest.param("images", {"width": 0}, "needs a file_name", id="a picture of no width"),
        pytest.param("images", {"file_name": None}, "needs a file_name", id="a picture without a file"),
    ],
)
def test_boxes_that_would_count_as_none_are_refused(
    tmp_path: Path, part: str, wrong: dict[str, Any], message: str
) -> None:
    path = boxes(tmp_path)
    truth = json.loads(path.read_text())
    truth[part][0].update(wrong)
    path.write_text(json.dumps(truth))

    with pytest.raises(DataError, match=message):
        datasets.load(f"coco={path}")


def test_models_and_sets_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = boxes(tmp_path, ("unicorn",))

    results = bench.run([Sees(), Detects()], [f"coco={path}"], ["detection"], rounds=5)

    assert results.record["not_measured"] == [
        {"dataset": "coco-boxes", "model": "sees", "why": "it names places and finds no boxes"},
        {"dataset": "coco-boxes", "model": "finds.test", "why": "it has no label of unicorn"},
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"images": 3, "annotations": [], "categories": []}'])
def test_what_is_not_in_cocos_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "boxes.json").write_text(text)

    with pytest.raises(DataError, match="not COCO's form"):
        datasets.load(f"coco={tmp_path / 'boxes.json'}")


@pytest.mark.parametrize(
    ("entrant", "clear_below"),
    [
        pytest.param("zones-lite0", 0.2962, id="its own"),
        pytest.param("zones-lite0-probe", 0.01, id="those of the run"),
    ],
)
def test_a_model_is_ruled_by_its_own_thresholds_where_it_has_some(
    monkeypatch: pytest.MonkeyPatch, entrant: str, clear_below: float
) -> None:
    ruled: list[Policy] = []

    def watch(_: object, clip: Clip, rules: Policy) -> streams.Run:
        ruled.append(rules)
        raise SourceError(str(clip.path))

    monkeypatch.setattr(streams, "watch", watch)
    loaded = models.load(entrant)
    assert isinstance(loaded, models.Catalogued)
    streams.measure(loaded, Clips("clips", (Clip(Path("a.mp4"), ()),)), load(), rounds=2, seed=0)

    assert [rules.thresholds.clear_below for rules in ruled] == [clear_below]
