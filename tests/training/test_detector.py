from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("safetensors")

from onnx import ModelProto, TensorProto, helper, numpy_helper  # noqa: E402
from torch import nn  # noqa: E402

from privacy.training import detector, export, teacher  # noqa: E402
from privacy.training.data import DataError  # noqa: E402
from privacy.training.network import ZoneNet  # noqa: E402

SIZE = (64, 96)
NAMES = export.Names(
    ("permitted", "washroom", "dormitory"), ("bathroom", "corridor", "no_place"), ("bathroom",), ("toilet", "bed")
)


def pictures(n: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *size, 3), np.uint8)


def stand_in() -> ModelProto:
    """A graph with a detector's input and output, and nothing between them but the mean of the picture."""
    ones = numpy_helper.from_array(np.ones((1, detector.EVIDENCE_SIZE), np.float32), "ones")
    axes = numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes")
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["flat"], keepdims=0),
        helper.make_node("Unsqueeze", ["flat", "last"], ["column"]),
        helper.make_node("Mul", ["column", "ones"], [detector.EVIDENCE]),
    ]
    last = numpy_helper.from_array(np.array([1], np.int64), "last")
    graph = helper.make_graph(
        nodes,
        "evidence",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", *SIZE, 3])],
        [helper.make_tensor_value_info(detector.EVIDENCE, TensorProto.FLOAT, ["batch", detector.EVIDENCE_SIZE])],
        [ones, axes, last],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", detector.OPSET)])
    proto.ir_version = 10
    return proto


@pytest.fixture(scope="module")
def net() -> ZoneNet:
    torch.manual_seed(0)
    return ZoneNet(3, 3, 2, twin=True, evidence=detector.EVIDENCE_SIZE, looks_at=(32, 64)).eval()


def test_the_rebuilt_detector_says_what_the_published_one_says(corpus: Path) -> None:
    graph = detector.evidence_graph(corpus, (teacher.SIDE,) * 2)
    session = ort.InferenceSession(graph.SerializeToString())
    images = pictures(2, (teacher.SIDE, teacher.SIDE))
    images[1] = np.linspace(0, 255, teacher.SIDE).astype(np.uint8)[None, :, None]
    row = session.run([detector.EVIDENCE], {"images": images})[0]
    published, name = teacher.open_published(corpus)
    expected = np.stack([teacher.best(published, name, image)[0] for image in images])
    assert row.shape == (2, detector.EVIDENCE_SIZE)
    assert np.abs(row[:, detector.SCORES] - expected).max() < 1e-5


@pytest.mark.parametrize("size", [(320, 416), (192, 256), (160, 224), (416, 320)])
def test_a_smaller_picture_gives_a_row_as_long(corpus: Path, size: tuple[int, int]) -> None:
    session = ort.InferenceSession(detector.evidence_graph(corpus, size).SerializeToString())
    row = session.run(None, {"images": pictures(1, size)})[0]
    assert row.shape == (1, detector.EVIDENCE_SIZE)
    assert np.isfinite(row).all()


@pytest.mark.parametrize("size", [(0, 416), (-32, 416), (100, 416), (320, 400)])
def test_a_size_that_no_stride_divides_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        detector.evidence_graph(Path("never-read"), size)


def test_a_detector_that_the_catalogue_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no picodet_s_416_coco\.onnx"):
        teacher.published(tmp_path)
    path = tmp_path / teacher.MODEL
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another")
    with pytest.raises(DataError, match="sha256 differs"):
        detector.evidence_graph(tmp_path, (320, 416))


def test_every_head_has_an_opinion_of_its_own(net: ZoneNet) -> None:
    scores = net(torch.zeros(2, 3, *SIZE), torch.zeros(2, detector.EVIDENCE_SIZE))
    assert [opinion.shape for opinion in scores.opinions] == [(2, 3)] * 2
    assert [opinion.shape for opinion in scores.place_opinions] == [(2, 3)] * 2
    assert torch.allclose(scores.places, sum(scores.place_opinions) / 2)


def test_a_net_that_reads_a_detector_wants_its_evidence(net: ZoneNet) -> None:
    with pytest.raises(ValueError, match="evidence"):
        net(torch.zeros(1, 3, *SIZE))


def test_a_detector_without_a_twin_is_refused() -> None:
    with pytest.raises(ValueError, match="twin"):
        ZoneNet(3, 2, 2, evidence=10)


def test_one_file_holds_the_detector_and_the_net(net: ZoneNet, tmp_path: Path) -> None:
    projection = (1e6 * np.random.default_rng(1).normal(size=(1280, 8))).astype(np.float32)
    fit = export.Calibration(scales=(0.7, 0.2), place_scales=(0.4, 0.1))
    model = export.Shipped(net, NAMES, fit, projection, np.zeros(1280, np.float32))
    facts = export.metadata_of(NAMES, version="0", training="none", thresholds="{}")
    export.to_onnx(model, tmp_path / "net.onnx", size=SIZE, metadata=facts, detector=stand_in())
    session = ort.InferenceSession(str(tmp_path / "net.onnx"))

    assert [value.name for value in session.get_inputs()] == ["images"]
    for batch in (1, 3):
        images = pictures(batch)
        answers = session.run(list(export.OUTPUTS), {"images": images})
        evidence = torch.from_numpy(images).float().mean((1, 2, 3))[:, None].expand(-1, detector.EVIDENCE_SIZE)
        with torch.no_grad():
            expected = model(torch.from_numpy(images), evidence)
        assert all(np.abs(one - two.numpy()).max() < 1e-3 for one, two in zip(answers, expected, strict=True))
        assert answers[0].sum(1) == pytest.approx(1, abs=1e-5)


def test_no_place_pulls_the_answer_to_doubt(net: ZoneNet) -> None:
    model = export.Shipped(
        net,
        NAMES,
        export.Calibration(scales=(1.0, 1.0), bias=20.0),
        np.ones((1280, 4), np.float32),
        np.zeros(1280, np.float32),
    )
    evidence = torch.zeros(1, detector.EVIDENCE_SIZE)
    sure = nn.Linear(1280, 3)
    with torch.no_grad():
        before = model(torch.from_numpy(pictures(1)), evidence)[0]
        sure.bias.copy_(torch.tensor([0.0, 0.0, 120.0]))
        kept, net.places = net.places, sure
        after = model(torch.from_numpy(pictures(1)), evidence)[0]
        net.places = kept
    assert 1 - before[0, 0] > 0.6
    assert after[0].tolist() == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)
