"""From a picture to detections."""

import numpy as np
import onnxruntime as ort
import pytest

from privacy.errors import EvidenceError, FrameError, ModelIntegrityError
from privacy.models import onnx_detector
from privacy.models.detector import Box, Detection
from privacy.models.onnx import open_session
from privacy.models.onnx_detector import OnnxDetector, resolve
from privacy.models.yolo import Yolo
from tests.models import tiny

SQUARE = np.zeros((100, 100, 3), np.uint8)  # on 32 x 64: 32 x 32 pixels from column 16 on
PERSON = (32, 16, 16, 16, 0.9, 0.0)  # the middle half of it


def detector(*rows: tuple[float, ...], **options: float) -> OnnxDetector:
    return OnnxDetector(tiny.yolo(*rows), Yolo, name="tiny", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("box", "score"),
    [
        pytest.param((0.5, 0, 0.5, 1), 0.5, id="no width"),
        pytest.param((0.6, 0, 0.5, 1), 0.5, id="left of its left side"),
        pytest.param((-0.1, 0, 1, 1), 0.5, id="outside"),
        pytest.param((0, 0, float("nan"), 1), 0.5, id="NaN"),
        pytest.param((0, 0, 1, 1), float("nan"), id="a score of NaN"),
        pytest.param((0, 0, 1, 1), 1.5, id="a score above one"),
    ],
)
def test_a_detection_is_a_box_in_the_picture(box: Box, score: float) -> None:
    with pytest.raises(EvidenceError):
        Detection("person", score, box)


def test_boxes_are_shares_of_the_picture_without_its_border() -> None:
    (found,) = detector(PERSON).detect(SQUARE)

    assert (found.label, round(found.score, 3), found.box) == ("person", 0.9, (0.25, 0.25, 0.75, 0.75))


def test_a_picture_of_the_size_asked_for_gives_the_same_boxes() -> None:
    one = detector(PERSON)
    height, width = one.size_for((100, 100))

    assert one.detect(SQUARE[:height, :width]) == one.detect(SQUARE)


def test_what_reaches_out_of_the_picture_is_cut_and_what_lies_outside_is_dropped() -> None:
    found = detector((16, 16, 32, 32, 0.9, 0), (4, 16, 4, 4, 0.8, 0)).detect(SQUARE)

    assert [one.box for one in found] == [(0, 0, 0.5, 1)]


def test_the_surer_of_two_overlapping_boxes_of_one_label_stays() -> None:
    found = detector((32, 16, 16, 16, 0.6, 0), (33, 16, 16, 16, 0.9, 0), (32, 16, 16, 16, 0, 0.7)).detect(SQUARE)

    assert [(one.label, round(one.score, 3)) for one in found] == [("person", 0.9), ("tv", 0.7)]


def test_scores_below_the_threshold_are_left_out() -> None:
    assert len(detector(PERSON, min_score=0.95).detect(SQUARE)) == 0
    assert len(detector(PERSON, min_score=0.85).detect(SQUARE)) == 1


@pytest.mark.parametrize("batch", [pytest.param(1, id="one by one"), pytest.param("batch", id="in one run")])
def test_a_batch_gives_what_its_pictures_give(batch: int | str) -> None:
    pytest.importorskip("onnx")
    model = OnnxDetector(_brightness(batch), Yolo, name="tiny")
    grey = [np.full((40, 40 + n, 3), 60 * n, np.uint8) for n in range(1, 5)]

    assert model.detect_batch(grey) == [model.detect(image) for image in grey]
    assert [round(found[0].score, 1) for found in model.detect_batch(grey)] != [0.0] * 4


def test_no_pictures_give_no_answers() -> None:
    assert detector(PERSON).detect_batch([]) == []


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((8, 8), np.uint8), id="grey"),
        pytest.param(np.zeros((8, 8, 4), np.uint8), id="four channels"),
        pytest.param(np.zeros((8, 8, 3), np.float32), id="float"),
        pytest.param(np.zeros((0, 8, 3), np.uint8), id="empty"),
    ],
)
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(FrameError):
        detector(PERSON).detect(image)


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), 2.0], ids=["NaN", "infinity", "two"])
def test_nonsense_is_never_an_empty_answer(poison: float) -> None:
    with pytest.raises(EvidenceError):
        detector((32, 16, 16, 16, poison, 0)).detect(SQUARE)


def test_a_network_that_sees_boxes_everywhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_detector, "MAX_CANDIDATES", 2)

    with pytest.raises(EvidenceError, match="3 boxes"):
        detector(PERSON, PERSON, PERSON).detect(SQUARE)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ModelIntegrityError):
        OnnxDetector(b"no model", Yolo, name="tiny")


def test_weights_among_the_inputs_become_constants_and_change_nothing() -> None:
    data = tiny.weights_as_inputs()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    picture = np.random.default_rng(0).random((1, 3, *tiny.SIZE), dtype=np.float32)
    before = ort.InferenceSession(data, options)

    after = open_session(data, name="tiny", threads=1)

    assert len(before.get_overridable_initializers()) == 1
    assert len(after.get_overridable_initializers()) == 0
    assert (after.run(None, {"images": picture})[0] == before.run(None, {"images": picture})[0]).all()


def test_nothing_resolves_to_nothing() -> None:
    empty = np.zeros((0, 4), np.float32)

    assert resolve(empty, empty[:, 0], np.zeros(0, np.intp), 0.5).tolist() == []


def _brightness(batch: int | str) -> bytes:
    """A detector whose one box is as sure as the picture is bright."""
    import onnx  # noqa: PLC0415 - optional

    make = onnx.helper.make_node
    weights = np.zeros((6, 3, 1, 1), np.float32)
    weights[4] = 1 / 3
    constants = {
        "weights": weights,
        "box": np.array([32, 16, 16, 16, 0, 0], np.float32).reshape(1, 6, 1),
        "shape": np.array([0, 6, 1]),
    }
    nodes = [
        make("GlobalAveragePool", ["images"], ["means"]),
        make("Conv", ["means", "weights"], ["score"]),
        make("Reshape", ["score", "shape"], ["row"]),
        make("Add", ["row", "box"], ["output0"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "tiny",
        [onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, (batch, 3, *tiny.SIZE))],
        [onnx.helper.make_tensor_value_info("output0", onnx.TensorProto.FLOAT, (batch, 6, 1))],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.helper.set_model_props(model, tiny.DETECT)
    data: bytes = model.SerializeToString()
    return data
