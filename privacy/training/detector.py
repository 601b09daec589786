"""A detector as a second trunk: what PicoDet-S knows about a picture, as one row of numbers.

PicoDet-S (Yu et al., "PP-PicoDet", arXiv 2111.00902; Apache-2.0) was taught to find things, and a toilet or a bunk bed
says more about a place than its walls do. Its graph is taken as it is published, with three changes that alter no
number by more than rounding: hard swish is written as the runtime does it fastest, the size of a batch and of the
picture become free, and what its last layers see is pooled into one row beside the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from privacy.models.graph import with_hard_swish
from privacy.training.teacher import COCO, SIDE, published

OPSET = 20
"""Of every graph that training writes."""
EVIDENCE = "evidence"
"""Name of the row: `(B, EVIDENCE_SIZE)` float32."""
_TAPS = {
    "reshape2_19.tmp_0": 384,  # last stage of the backbone, stride 32
    "reshape2_15.tmp_0": 192,  # the one before, stride 16
    "hardswish_38.tmp_0": 96,  # what the scores at strides 8, 16, 32 and 64 are read from
    "hardswish_42.tmp_0": 96,
    "hardswish_46.tmp_0": 96,
    "hardswish_50.tmp_0": 96,
}
EVIDENCE_SIZE = 2 * sum(_TAPS.values()) + 3 * len(COCO)
"""Mean and maximum of each tapped channel; of each class the best score, its log-odds, and those of its mean."""
SCORES = slice(2 * sum(_TAPS.values()), 2 * sum(_TAPS.values()) + len(COCO))
"""Where in the row the best score of each class stands, in [0, 1]."""
_MEAN = (103.53, 116.28, 123.675)  # the published decoder lays the RGB statistics on BGR pixels; so do we, on RGB
_STD = (57.375, 57.12, 58.395)
_FLOOR = 1e-3


def evidence_graph(data: Path, size: tuple[int, int]) -> onnx.ModelProto:
    """Build the graph from `images` uint8 `(B, height, width, 3)` RGB to `EVIDENCE`.

    Args:
        data: Folder of the corpus.
        size: `(height, width)` of the pictures, multiples of 32.

    Raises:
        ValueError: A side is no multiple of 32.
        DataError: The detector is not in the corpus, or is another file than the catalogue knows.
    """
    if any(side <= 0 or side % 32 for side in size):
        raise ValueError(f"height and width must be multiples of 32, got {size[0]} x {size[1]}")
    graph = onnx.load_from_string(with_hard_swish(published(data))).graph
    weights = {weight.name: weight for weight in graph.initializer}
    constants = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    picture = next(value.name for value in graph.input if value.name not in weights)
    scores = [value.name for value in graph.output[: len(graph.output) // 2]]
    body = _without_sizes(graph.node, weights, constants, width=size[1])
    before, made = _pixels_to(picture)
    after, more = _pooled(scores)
    whole = helper.make_graph(
        [*before, *body, *after],
        "evidence",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", *size, 3])],
        [helper.make_tensor_value_info(EVIDENCE, TensorProto.FLOAT, ["batch", EVIDENCE_SIZE])],
        [*weights.values(), *made, *more],
    )
    proto = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="privacy")
    proto.ir_version = 10
    onnx.checker.check_model(proto)
    return proto


def _without_sizes(
    nodes: Sequence[NodeProto], weights: dict[str, TensorProto], constants: dict[str, TensorProto], *, width: int
) -> list[NodeProto]:
    """Free the batch (0 copies it) and the height (-1 infers it) of every reshape; sizes of splits become inputs.

    The published graph is for `SIDE` pixels; the width of a reshape is the picture's at that stride.
    """
    freed = []
    for index, node in enumerate(nodes):
        if node.op_type == "Constant" and node.output[0] in constants:
            weights[node.output[0]] = _named(constants[node.output[0]], node.output[0])
            continue
        if node.op_type == "Reshape":
            shape = numpy_helper.to_array(constants.get(node.input[1]) or weights[node.input[1]]).copy()
            shape[0] = 0
            if shape[-1] != -1:
                shape[-2:] = -1, width * shape[-1] // SIDE
            name = f"shape_{index}"
            weights[name] = numpy_helper.from_array(shape, name)
            node.input[1] = name
        elif node.op_type == "Split":
            name = f"sizes_{index}"
            sizes = next(attribute for attribute in node.attribute if attribute.name == "split")
            weights[name] = numpy_helper.from_array(np.array(sizes.ints, np.int64), name)
            node.attribute.remove(sizes)
            node.input.append(name)
        freed.append(node)
    return freed


def _named(tensor: TensorProto, name: str) -> TensorProto:
    copy = TensorProto()
    copy.CopyFrom(tensor)
    copy.name = name
    return copy


def _pixels_to(picture: str) -> tuple[list[NodeProto], list[TensorProto]]:
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["planes", "detector_mean"], ["centred"]),
        helper.make_node("Div", ["centred", "detector_std"], [picture]),
    ]
    return nodes, [_column("detector_mean", _MEAN), _column("detector_std", _STD)]


def _column(name: str, values: Sequence[float]) -> TensorProto:
    array: NDArray[np.float32] = np.array(values, np.float32).reshape(1, 3, 1, 1)
    return numpy_helper.from_array(array, name)


def _pooled(scores: Sequence[str]) -> tuple[list[NodeProto], list[TensorProto]]:
    nodes, rows = [], []
    for number, tap in enumerate(_TAPS):
        for how in ("Mean", "Max"):
            row = f"tap_{number}_{how.lower()}"
            nodes.append(helper.make_node(f"Reduce{how}", [tap, "cells"], [row], keepdims=0))
            rows.append(row)
    nodes += [
        helper.make_node("Concat", list(scores), ["every_score"], axis=1),
        helper.make_node("ReduceMax", ["every_score", "anchors"], ["best_score"], keepdims=0),
        helper.make_node("ReduceMean", ["every_score", "anchors"], ["mean_score"], keepdims=0),
    ]
    for name, source in (("best", "best_score"), ("mean", "mean_score")):
        nodes += [
            helper.make_node("Add", [source, "floor"], [f"{name}_yes"]),
            helper.make_node("Sub", ["ceiling", source], [f"{name}_no"]),
            helper.make_node("Div", [f"{name}_yes", f"{name}_no"], [f"{name}_ratio"]),
            helper.make_node("Log", [f"{name}_ratio"], [f"{name}_odds"]),
        ]
    nodes.append(helper.make_node("Concat", [*rows, "best_score", "best_odds", "mean_odds"], [EVIDENCE], axis=1))
    return nodes, [
        numpy_helper.from_array(np.array([2, 3], np.int64), "cells"),
        numpy_helper.from_array(np.array([1], np.int64), "anchors"),
        numpy_helper.from_array(np.array(_FLOOR, np.float32), "floor"),
        numpy_helper.from_array(np.array(1 + _FLOOR, np.float32), "ceiling"),
    ]
