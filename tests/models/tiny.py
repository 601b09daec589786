"""ONNX files of a few bytes, made on the spot; needs the package `onnx`."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

SIZE = (32, 64)
"""`(height, width)` that they see."""
DETECT = {"task": "detect", "names": "{0: 'person', 1: 'tv'}", "license": "MIT"}
CLASSIFY = {"task": "classify", "names": "{0: 'red room', 1: 'green hall', 2: 'blue bath'}", "license": "MIT"}
COLOURS = {"red room": "guest_room", "green hall": "permitted", "blue bath": "washroom"}
"""A label map of the classifier of colours."""


def constant(outputs: Mapping[str, NDArray[np.float32]], metadata: Mapping[str, str], batch: int | str = 1) -> bytes:
    """A network that answers the same to every picture."""
    onnx = pytest.importorskip("onnx")
    nodes = [
        onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value, f"value of {name}"))
        for name, value in outputs.items()
    ]
    return _file(nodes, {name: value.shape for name, value in outputs.items()}, metadata, batch)


def yolo(*rows: Sequence[float], metadata: Mapping[str, str] = DETECT, batch: int | str = 1) -> bytes:
    """An exported detector that sees boxes `(centre x, centre y, width, height, person, tv)`, in pixels of `SIZE`."""
    table = np.array(rows or [(0.0,) * 6], np.float32).T[None]
    return constant({"output0": np.ascontiguousarray(table)}, metadata, batch)


def colours(metadata: Mapping[str, str] = CLASSIFY) -> bytes:
    """An exported classifier whose classes are how red, green and blue a picture is."""
    onnx = pytest.importorskip("onnx")
    make = onnx.helper.make_node
    nodes = [
        make("GlobalAveragePool", ["images"], ["means"]),
        make("Constant", [], ["gain"], value=onnx.numpy_helper.from_array(np.array(20, np.float32))),
        make("Mul", ["means", "gain"], ["scaled"]),
        make("Flatten", ["scaled"], ["logits"]),
        make("Softmax", ["logits"], ["output0"]),
    ]
    return _file(nodes, {"output0": (1, 3)}, metadata)


def zones(place: str) -> bytes:
    """A zone model that takes every picture for a permitted one, and names this place."""
    onnx = pytest.importorskip("onnx")
    answers: dict[str, NDArray[np.float32]] = {
        "zones": np.array([[0.9, 0.1]], np.float32),
        "places": np.array([[0.2, 0.8]], np.float32),
        "objects": np.zeros((1, 1), np.float32),
        "zone_map": np.zeros((1, 2, 2), np.float32),
    }
    nodes = [
        onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value, f"value of {name}"))
        for name, value in answers.items()
    ]
    images = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, (1, *SIZE, 3))
    graph = onnx.helper.make_graph(nodes, "tiny", [images], [_tensor(name, a.shape) for name, a in answers.items()])
    names = {"zones": ["permitted", "washroom"], "places": ["corridor", place], "objects": ["bed"]}
    return _serialised(graph, {key: json.dumps(value) for key, value in names.items()})


def weights_as_inputs() -> bytes:
    """A network `images * gain` in a file that lists its weight among the inputs, as PaddlePaddle's exporter does."""
    onnx = pytest.importorskip("onnx")
    gain = onnx.numpy_helper.from_array(np.array(3, np.float32), "gain")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Mul", ["images", "gain"], ["out"])],
        "tiny",
        [_tensor("images", (1, 3, *SIZE)), _tensor("gain", ())],
        [_tensor("out", (1, 3, *SIZE))],
        [gain],
    )
    return _serialised(graph, {})


def borrowing(location: str) -> bytes:
    """An exported classifier of colours whose nine weights lie in another file."""
    onnx = pytest.importorskip("onnx")
    make = onnx.helper.make_node
    gain = onnx.TensorProto(name="gain", data_type=onnx.TensorProto.FLOAT, dims=[3, 3])
    gain.raw_data = b"only to be moved"
    onnx.external_data_helper.set_external_data(gain, location, offset=0, length=36)
    gain.ClearField("raw_data")
    nodes = [
        make("GlobalAveragePool", ["images"], ["means"]),
        make("Flatten", ["means"], ["flat"]),
        make("MatMul", ["flat", "gain"], ["logits"]),
        make("Softmax", ["logits"], ["output0"]),
    ]
    images, answer = _tensor("images", (1, 3, *SIZE)), _tensor("output0", (1, 3))
    return _serialised(onnx.helper.make_graph(nodes, "tiny", [images], [answer], [gain]), CLASSIFY)


def _file(
    nodes: Sequence[object],
    outputs: Mapping[str, Sequence[int]],
    metadata: Mapping[str, str],
    batch: int | str = 1,
) -> bytes:
    onnx = pytest.importorskip("onnx")
    shapes = [_tensor(name, (batch, *shape[1:])) for name, shape in outputs.items()]
    graph = onnx.helper.make_graph(nodes, "tiny", [_tensor("images", (batch, 3, *SIZE))], shapes)
    return _serialised(graph, metadata)


def _tensor(name: str, shape: Sequence[int | str]) -> object:
    onnx = pytest.importorskip("onnx")
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _serialised(graph: object, metadata: Mapping[str, str]) -> bytes:
    onnx = pytest.importorskip("onnx")
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.helper.set_model_props(model, dict(metadata))
    data: bytes = model.SerializeToString()
    return data
