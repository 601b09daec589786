"""From trained weights to the file that ships: calibration inside the graph, names and thresholds in its metadata.

The graph takes camera pixels and gives probabilities, so that a caller needs a resize and nothing else:

    images  uint8   (B, H, W, 3)  RGB, the whole picture resized to (H, W) regardless of aspect
    zones   float32 (B, Z)        calibrated, sums to 1, [0] is "permitted"
    places  float32 (B, P)        sums to 1
    objects float32 (B, O)        in [0, 1], each on its own
    zone_map  float32 (B, h, w)   in [0, 1], this cell shows a prohibited place
    embedding float32 (B, D)      unit length, the view's fingerprint
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quant_pre_process, quantize_static
from safetensors.torch import save_file
from torch import Tensor, nn

from privacy.training.data import NO_PLACE, unsure
from privacy.training.detector import EVIDENCE, EVIDENCE_SIZE, OPSET, SCORES
from privacy.training.network import TRUNK_CHANNELS, ProbeNet, ZoneNet, normalise
from privacy.training.teacher import COCO

OUTPUTS = ("zones", "places", "objects", "zone_map", "embedding")
"""Names of the outputs, in order."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How logits become probabilities that can be believed.

    The log-odds of "prohibited" are the weighted sum of those that each head gives (log-sum-exp over the private names
    minus that over the permitted ones) and a bias. Which private zone it is follows from a softmax of the private zone
    logits at `temperature` (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).

    Attributes:
        scales: Weight of each zone head's log-odds.
        place_scales: Weight of each place head's log-odds; empty where they do not count.
        bias: Added to the log-odds.
        temperature: Of the choice among private zones, above 0.
        map_scale: Weight of a cell's logit.
        map_bias: Added to a cell's scaled logit.
    """

    scales: tuple[float, ...] = (1.0,)
    place_scales: tuple[float, ...] = ()
    bias: float = 0.0
    temperature: float = 1.0
    map_scale: float = 1.0
    map_bias: float = 0.0


@dataclass(frozen=True, slots=True)
class Names:
    """What the outputs are called, in order.

    Attributes:
        zones: Zone slugs; the first is "permitted".
        places: Kinds of place.
        private_places: Those of `places` that lie in a prohibited zone.
        objects: Kinds of object.
    """

    zones: tuple[str, ...]
    places: tuple[str, ...]
    private_places: tuple[str, ...]
    objects: tuple[str, ...]


class Shipped(nn.Module):
    """A network with its pixels in front and its calibration behind.

    Args:
        net: Trained network.
        names: Names of its outputs.
        calibration: How its logits become probabilities.
        projection: `(1280, D)` float32; takes the centred mean feature to the view fingerprint.
        centre: `(1280,)` float32, mean of the mean features over the training photos.
    """

    private: Tensor
    permitted: Tensor
    unsure: Tensor
    kinds: Tensor
    projection: Tensor
    centre: Tensor

    def __init__(
        self,
        net: ZoneNet | ProbeNet,
        names: Names,
        calibration: Calibration,
        projection: NDArray[np.float32],
        centre: NDArray[np.float32],
    ) -> None:
        super().__init__()
        self.net = net
        self.calibration = calibration
        self.register_buffer("private", torch.tensor([name in names.private_places for name in names.places]))
        real = torch.tensor([name != NO_PLACE for name in names.places])
        self.knows_no_place = not bool(real.all())
        kinds = torch.tensor([SCORES.start + COCO.index(name) for name in names.objects if name in COCO])
        for name, value in (
            ("permitted", real & ~self.private),
            ("unsure", torch.from_numpy(unsure(len(names.zones)))),
            ("kinds", kinds),
        ):
            self.register_buffer(name, value, persistent=False)
        self.register_buffer("projection", torch.from_numpy(projection))
        self.register_buffer("centre", torch.from_numpy(centre))

    def forward(self, images: Tensor, evidence: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """`OUTPUTS` of `(B, H, W, 3)` uint8 RGB pictures and what a detector says of them, `(B, E)` float32."""
        scores = self.net(normalise(images)) if evidence is None else self.net(normalise(images), evidence)
        fit = self.calibration
        odds = torch.full_like(scores.zones[:, 0], fit.bias)
        for scale, zones in zip(fit.scales, scores.opinions or (scores.zones,), strict=True):
            odds = odds + scale * (zones[:, 1:].logsumexp(1) - zones[:, 0])
        if fit.place_scales:
            for scale, places in zip(fit.place_scales, scores.place_opinions or (scores.places,), strict=True):
                private = places.masked_fill(~self.private, -1e9).logsumexp(1)
                permitted = places.masked_fill(~self.permitted, -1e9).logsumexp(1)
                odds = odds + scale * (private - permitted)
        prohibited = odds.sigmoid().unsqueeze(1)
        among = (scores.zones[:, 1:] / fit.temperature).softmax(1)
        places = scores.places.softmax(1)
        doubt = places[:, ~(self.private | self.permitted)].sum(1, keepdim=True)
        sure = torch.cat([1 - prohibited, prohibited * among], 1)
        view = (scores.pooled - self.centre) @ self.projection
        return (
            (1 - doubt) * sure + doubt * self.unsure if self.knows_no_place else sure,
            places,
            scores.objects.sigmoid() if evidence is None else evidence[:, self.kinds],
            (fit.map_scale * scores.zone_map + fit.map_bias).sigmoid(),
            view / view.norm(dim=1, keepdim=True).clamp_min(1e-6),
        )


def fingerprint_projection(
    pooled: NDArray[np.float32], dimensions: int = 96
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Principal axes of mean features, each divided by its spread, for a fingerprint in which views differ most.

    Args:
        pooled: `(N, 1280)` float32, mean features of N > `dimensions` photos.
        dimensions: Length of a fingerprint.

    Returns:
        `(1280, dimensions)` float32 projection and `(1280,)` float32 centre.
    """
    centre = pooled.mean(0)
    _, spread, axes = np.linalg.svd(pooled - centre, full_matrices=False)
    scale = np.sqrt(len(pooled)) / np.maximum(spread[:dimensions], 1e-6)
    return np.ascontiguousarray((axes[:dimensions] * scale[:, None]).T, np.float32), centre.astype(np.float32)


def graph_of(
    module: nn.Module, size: tuple[int, int], outputs: Sequence[str], *, detector: onnx.ModelProto | None = None
) -> onnx.ModelProto:
    """The ONNX graph of a module that takes `images` uint8 `(B, H, W, 3)`, any B, and gives `outputs`.

    Args:
        module: Takes `images`, and after them what `detector` makes of them, if there is one.
        size: `(height, width)` in pixels.
        outputs: Names.
        detector: Graph of `privacy.training.detector.evidence_graph`, which becomes a part of it.
    """
    images = torch.zeros((2, *size, 3), dtype=torch.uint8)
    sample = (images,) if detector is None else (images, torch.zeros((2, EVIDENCE_SIZE)))
    names = ["images", EVIDENCE][: len(sample)]
    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings():  # the exporter warns about its own use of what torch deprecates
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            sample,
            input_names=names,
            output_names=list(outputs),
            dynamic_shapes=tuple({0: batch} for _ in sample),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("the exporter gave no program")
    graph: onnx.ModelProto = program.model_proto
    return graph if detector is None else _behind(detector, graph)


def _behind(detector: onnx.ModelProto, net: onnx.ModelProto) -> onnx.ModelProto:
    """One graph of two: both take the same `images`, and the second what the first makes of them."""
    first = onnx.compose.add_prefix(detector, "detector/")
    second = onnx.ModelProto()
    second.CopyFrom(net)
    first.ir_version = second.ir_version = max(first.ir_version, second.ir_version)
    both = onnx.compose.merge_models(first, second, io_map=[(f"detector/{EVIDENCE}", EVIDENCE)])
    for node in both.graph.node:
        node.input[:] = ["images" if name == "detector/images" else name for name in node.input]
    kept = [value for value in both.graph.input if value.name != "detector/images"]
    del both.graph.input[:]
    both.graph.input.extend(kept)
    return both


def to_onnx(
    model: Shipped,
    path: Path,
    *,
    size: tuple[int, int],
    metadata: dict[str, str],
    half: bool = False,
    detector: onnx.ModelProto | None = None,
) -> None:
    """Write `model` as one ONNX file.

    Args:
        model: Network with its calibration.
        path: File to write.
        size: `(height, width)` in pixels, multiples of 32, fixed in the graph.
        metadata: Written to the file's `metadata_props`.
        half: Keep the weights as float16 in the file, which halves it. Arithmetic stays float32: ONNX Runtime widens
            them once, when it opens the file.
        detector: Graph whose evidence the network reads.
    """
    proto = graph_of(model, size, OUTPUTS, detector=detector)
    del proto.metadata_props[:]
    for node in proto.graph.node:  # the exporter notes source lines and paths of the machine it ran on
        del node.metadata_props[:]
        node.doc_string = ""
    graph = proto.graph
    values: list[Any] = [*graph.value_info, *graph.input, *graph.output, *graph.initializer]
    for value in values:
        del value.metadata_props[:]
        value.doc_string = ""
    del proto.graph.metadata_props[:]
    proto.graph.doc_string = proto.doc_string = ""
    del proto.functions[:]
    proto.graph.name = "zones"
    proto.producer_name, proto.producer_version = "privacy", ""
    if half:
        _halve(proto)
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString())


_SMALL = 4096
"""Weights with fewer numbers stay float32: they cost nothing, and biases and norms are the ones to be exact about."""


def _halve(proto: onnx.ModelProto) -> None:
    graph, widened = proto.graph, []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= _SMALL:
            name = weight.name
            weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            widened.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*widened, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def to_safetensors(model: Shipped, path: Path, *, metadata: dict[str, str], half: bool = False) -> None:
    """Write the same weights for Torch; calibration is in the metadata under `calibration`."""
    state = {name: value.detach().contiguous().clone() for name, value in model.state_dict().items()}
    if half:
        state = {name: v.half() if v.is_floating_point() and v.numel() >= _SMALL else v for name, v in state.items()}
    save_file(state, path, metadata={**metadata, "calibration": json.dumps(asdict(model.calibration))})


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self._left = iter(pictures)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        picture = next(self._left, None)
        return None if picture is None else {"images": picture[None]}


def to_int8(source: Path, path: Path, pictures: NDArray[np.uint8]) -> None:
    """Quantise the convolutions of an exported file to 8 bits, activations by what `pictures` show.

    Args:
        source: An fp32 file of `to_onnx`.
        path: File to write.
        pictures: `(N, H, W, 3)` uint8 RGB, a few hundred training pictures of every zone.
    """
    prepared = path.with_suffix(".prepared.onnx")
    try:
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            _Pictures(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        proto = onnx.load(path)
        onnx.helper.set_model_props(proto, {prop.key: prop.value for prop in onnx.load(source).metadata_props})
        path.write_bytes(proto.SerializeToString())
    finally:
        prepared.unlink(missing_ok=True)


def metadata_of(names: Names, *, version: str, training: str, thresholds: str) -> dict[str, str]:
    """What the file says about itself.

    Args:
        names: Names of the outputs.
        version: Of the weights.
        training: One line on what they were trained with.
        thresholds: JSON object of `privacy.training.calibrate.Thresholds`.
    """
    return {
        "zones": json.dumps(names.zones),
        "places": json.dumps(names.places),
        "private_places": json.dumps(names.private_places),
        "objects": json.dumps(names.objects),
        "version": version,
        "training": training,
        "thresholds": thresholds,
        "ood": "pictures of no place are trained to p_prohibited near 0.5: uncertain by the same thresholds",
        "license": "Apache-2.0",
    }


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


__all__ = [
    "OUTPUTS",
    "TRUNK_CHANNELS",
    "Calibration",
    "Names",
    "Shipped",
    "fingerprint_projection",
    "metadata_of",
    "sha256_of",
    "to_int8",
    "to_onnx",
    "to_safetensors",
]
