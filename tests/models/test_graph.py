"""What is written anew in a third party's graph, and that its answers stay."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from privacy.errors import ModelIntegrityError, ModelNotFoundError
from privacy.models import catalogue
from privacy.models.graph import with_hard_swish
from privacy.models.onnx import open_session

onnx = pytest.importorskip("onnx")
make = onnx.helper.make_node
SHAPE = (1, 3, 4, 4)
NUMBERS = {"three": 3.0, "zero": 0.0, "six": 6.0}


def graph(
    nodes: list[Any],
    numbers: Mapping[str, float] = NUMBERS,
    outputs: tuple[str, ...] = ("y",),
    *,
    constants: bool = False,
) -> bytes:
    """A file of these steps from `x` to the outputs, with numbers among its weights or as constants."""
    tensors = [onnx.numpy_helper.from_array(np.array(one, np.float32), name) for name, one in numbers.items()]
    if constants:
        nodes = [*(make("Constant", [], [one.name], value=one) for one in tensors), *nodes]
    info = onnx.helper.make_tensor_value_info
    made = onnx.helper.make_graph(
        nodes,
        "swish",
        [info("x", onnx.TensorProto.FLOAT, SHAPE)],
        [info(name, onnx.TensorProto.FLOAT, SHAPE) for name in outputs],
        [] if constants else tensors,
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=7)
    model.metadata_props.add(key="names", value="kept")
    return bytes(model.SerializeToString())


def four_steps(*, turned: bool = False) -> list[Any]:
    """The steps of a hard swish, factors and terms in one order or the other."""
    order = reversed if turned else list
    return [
        make("Add", list(order(["x", "three"])), ["moved"]),
        make("Clip", ["moved", "zero", "six"], ["clipped"]),
        make("Mul", list(order(["x", "clipped"])), ["product"]),
        make("Div", ["product", "six"], ["y"]),
    ]


def steps(file: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(file).graph.node)


def answers(file: bytes, x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    return list(session.run(None, {session.get_inputs()[0].name: x}))


@pytest.mark.parametrize("constants", [False, True], ids=["weights", "constants"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_hard_swish_is_one_multiplication_and_answers_the_same(*, turned: bool, constants: bool) -> None:
    file = graph(four_steps(turned=turned), constants=constants)
    x = np.linspace(-5, 5, num=int(np.prod(SHAPE)), dtype=np.float32).reshape(SHAPE)

    faster = with_hard_swish(file)

    onnx.checker.check_model(onnx.load_from_string(faster))
    assert steps(faster) - Counter(Constant=3) == Counter(HardSigmoid=1, Mul=1)
    np.testing.assert_allclose(answers(faster, x)[0], answers(file, x)[0], atol=1e-5)
    assert onnx.load_from_string(faster).metadata_props[0].value == "kept"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (graph(four_steps(), {**NUMBERS, "three": 2.0}), "another number"),
        (graph(four_steps(), {**NUMBERS, "zero": -1.0}), "other bounds"),
        (graph(four_steps(), outputs=("y", "clipped")), "a step between is an answer itself"),
        (graph([*four_steps(), make("Relu", ["moved"], ["z"])], outputs=("y", "z")), "it is needed elsewhere"),
        (graph([make("Relu", ["x"], ["moved"]), *four_steps()[1:]]), "no sum"),
        (graph([make("Relu", ["x"], ["y"])]), "nothing alike"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_stays_as_it_is(file: bytes, why: str) -> None:
    assert with_hard_swish(file) == file, why


def test_a_file_that_only_looks_like_a_graph_is_refused() -> None:
    with pytest.raises(ModelIntegrityError, match="broken"):
        open_session(b"\xff\xffClip and Div", name="broken", threads=1)


def test_picodet_answers_as_its_file_does() -> None:
    try:
        file = catalogue.read(catalogue.card("picodet-s-416"))
    except ModelNotFoundError as error:
        pytest.skip(str(error))
    x = np.random.default_rng(0).normal(size=(1, 3, 416, 416)).astype(np.float32)

    faster = with_hard_swish(file)

    assert steps(faster)["HardSigmoid"] == steps(file)["HardSigmoid"] + steps(file)["Div"] > 80
    for ours, theirs in zip(answers(faster, x), answers(file, x), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
