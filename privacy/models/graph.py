"""ONNX graphs in which some steps are written as the runtime does them fastest. Pure; no runtime, and no `onnx`.

Exporters spell hard swish (Howard et al., "Searching for MobileNetV3", ICCV 2019), `x * min(max(x + 3, 0), 6) / 6`, as
four steps. ONNX Runtime does each of them for itself, and turns its blocked layout back for them: a third of the time
of PicoDet-S. Written as `x * HardSigmoid(x)` it becomes a part of the convolution before. Rounding apart, the answers
are the same.

The few fields that are looked at are described here as onnx.proto numbers them; protobuf keeps all others as they are.
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_FLOAT = 1  # TensorProto.DataType.FLOAT; AttributeProto.AttributeType.FLOAT
_PACKAGE = "privacy.graph"
_FIELDS = {
    "Model": {"graph": (7, "Graph")},
    "Graph": {"node": (1, "[Node]"), "initializer": (5, "[Tensor]"), "output": (12, "[Value]")},
    "Node": {
        "input": (1, "[string]"),
        "output": (2, "[string]"),
        "name": (3, "string"),
        "op_type": (4, "string"),
        "attribute": (5, "[Attribute]"),
    },
    "Attribute": {"name": (1, "string"), "f": (2, "float"), "t": (5, "Tensor"), "type": (20, "int32")},
    "Tensor": {
        "dims": (1, "[int64]"),
        "data_type": (2, "int32"),
        "float_data": (4, "[float]"),
        "name": (8, "string"),
        "raw_data": (9, "bytes"),
    },
    "Value": {"name": (1, "string")},
}


def with_hard_swish(weights: bytes) -> bytes:
    """Return an ONNX file in which every hard swish is one multiplication; the very same bytes if there is none.

    Args:
        weights: The file.

    Raises:
        google.protobuf.message.DecodeError: It is no protobuf message.
    """
    if b"Clip" not in weights or b"Div" not in weights:
        return weights
    model: Any = _kinds()["Model"].FromString(weights)
    graph = model.graph
    found = {last: (x, inner) for last, x, inner in _hard_swishes(graph)}
    if not found:
        return weights
    dropped = {name for _, names in found.values() for name in names}
    kept: list[bytes] = []
    for node in graph.node:
        if node.output and node.output[0] in found:
            kept += [one.SerializeToString() for one in _rewritten(node, found[node.output[0]][0])]
        elif not dropped.intersection(node.output):
            kept.append(node.SerializeToString())
    del graph.node[:]
    for node in kept:
        graph.node.add().ParseFromString(node)
    return bytes(model.SerializeToString())


def _hard_swishes(graph: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:  # noqa: ANN401 - protobuf makes its classes
    """Yield the names of what the last step gives, of its x, and of what the three steps before it gave."""
    by_output = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input) + Counter(value.name for value in graph.output)
    numbers = _numbers(graph)
    for last in graph.node:
        if last.op_type != "Div" or numbers.get(last.input[1]) != 6:
            continue
        product = by_output.get(last.input[0])
        if product is None or product.op_type != "Mul":
            continue
        for x, clipped in (product.input, reversed(product.input)):
            clip = by_output.get(clipped)
            if clip is None or clip.op_type != "Clip" or [numbers.get(name) for name in clip.input[1:]] != [0, 6]:
                continue
            total = by_output.get(clip.input[0])
            if total is None or total.op_type != "Add" or x not in total.input:
                continue
            inner = (product.output[0], clipped, total.output[0])
            other = total.input[1] if total.input[0] == x else total.input[0]
            if numbers.get(other) == 3 and all(uses[name] == 1 for name in inner):
                yield last.output[0], x, inner


def _rewritten(last: Any, x: str) -> Iterable[Any]:  # noqa: ANN401 - protobuf makes its classes
    node = _kinds()["Node"]
    share = f"{last.output[0]}/hard_sigmoid"
    gate: Any = node(name=share, op_type="HardSigmoid", input=[x], output=[share])
    for name, value in (("alpha", 1 / 6), ("beta", 0.5)):
        gate.attribute.add(name=name, f=value, type=_FLOAT)
    return gate, node(name=last.name, op_type="Mul", input=[x, share], output=last.output)


def _numbers(graph: Any) -> dict[str, float]:  # noqa: ANN401 - protobuf makes its classes
    """Return what is one number and the same in every run, by name."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            tensors |= dict.fromkeys(node.output, next((one.t for one in node.attribute if one.name == "value"), None))
    return {name: value for name, tensor in tensors.items() if tensor and (value := _number(tensor)) is not None}


def _number(tensor: Any) -> float | None:  # noqa: ANN401 - protobuf makes its classes
    if tensor.data_type != _FLOAT or any(side != 1 for side in tensor.dims):
        return None
    if len(tensor.float_data) == 1:
        return float(tensor.float_data[0])
    return float(struct.unpack("<f", tensor.raw_data)[0]) if len(tensor.raw_data) == 4 else None


@cache
def _kinds() -> Mapping[str, type[Message]]:
    """Return a class for each kind of message in `_FIELDS`."""
    file = descriptor_pb2.FileDescriptorProto(name="privacy/graph.proto", package=_PACKAGE, syntax="proto2")
    for kind, fields in _FIELDS.items():
        message = file.message_type.add(name=kind)
        for name, (number, kind_of) in fields.items():
            field = message.field.add(name=name, number=number, label=3 if kind_of.startswith("[") else 1)
            what = kind_of.strip("[]")
            if what in _FIELDS:
                field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{what}"
            else:
                field.type = getattr(field, f"TYPE_{what.upper()}")
                field.options.packed = name == "float_data"  # four bytes a number instead of five
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {kind: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{kind}")) for kind in _FIELDS}
