"""ONNX files that stand in for nets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def constant(
    path: Path,
    size: tuple[int, int],
    outputs: Mapping[str, tuple[int, ...]],
    facts: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """An ONNX file that takes pictures of one size only, answers the same of all, and says `facts` of itself."""
    answers = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(_even(shape)))
        for name, shape in outputs.items()
    ]
    graph = helper.make_graph(
        answers,
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", *size, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    proto.ir_version = 10
    helper.set_model_props(proto, {name: json.dumps(list(values)) for name, values in (facts or {}).items()})
    onnx.save(proto, path)
    return path


def _even(shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, 1 / max(1, shape[-1]), np.float32)
