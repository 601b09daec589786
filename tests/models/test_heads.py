"""Each family: how a picture is laid out, what a network's answer means, and that nonsense is no answer."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy.errors import EvidenceError, ModelIntegrityError
from privacy.models.head import Head, Signature, grid
from privacy.models.picodet import PicoDet
from privacy.models.yolo import Yolo
from privacy.models.yolox import YoloX
from privacy.models.yunet import YuNet

Outputs = dict[str, NDArray[np.float32]]
FACE_LEVELS = {8: 64, 16: 16, 32: 4}  # cells of each stride on 64 x 64


def signature(
    shape: tuple[int | None, ...], outputs: Mapping[str, tuple[int | None, ...]], names: str = "{0: 'person', 1: 'tv'}"
) -> Signature:
    return Signature("test", shape, outputs, {"names": names})


def picodet() -> tuple[Head, Outputs]:
    levels = (64, 16, 4, 1)
    shapes = {f"s{n}": (1, n, 80) for n in levels} | {f"d{n}": (1, n, 32) for n in levels}
    head = PicoDet(signature((1, 3, 64, 64), shapes))
    return head, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def yolox() -> tuple[Head, Outputs]:
    head = YoloX(signature((1, 3, 64, 64), {"output": (1, 84, 85)}))
    return head, {"output": np.zeros((1, 84, 85), np.float32)}


def yunet() -> tuple[Head, Outputs]:
    parts = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    names = [
        (f"{part}_{stride}", count, width) for part, width in parts.items() for stride, count in FACE_LEVELS.items()
    ]
    head = YuNet(signature((None, 3, None, None), {name: (None, None, width) for name, _, width in names}))
    return head, {name: np.zeros((1, count, width), np.float32) for name, count, width in names}


def dense() -> tuple[Head, Outputs]:
    head = Yolo(signature((1, 3, 64, 64), {"output0": (1, 6, 84)}))
    return head, {"output0": np.zeros((1, 6, 84), np.float32)}


def resolved() -> tuple[Head, Outputs]:
    head = Yolo(signature((1, 3, 64, 64), {"output0": (1, 300, 6)}, "{0: 'person', 1: 'tv', 2: 'book'}"))
    return head, {"output0": np.zeros((1, 300, 6), np.float32)}


FAMILIES = [picodet, yolox, yunet, dense, resolved]
every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)


def test_picodet_reads_the_expected_distance_to_each_side() -> None:
    head, outputs = picodet()
    outputs["s16"][0, 5, 62] = 0.9  # row 1, column 1 of stride 16: its centre lies at (24, 24)
    for side, bin_ in enumerate((1, 0, 1, 2)):
        outputs["d16"][0, 5, side * 8 + bin_] = 50

    seen = head.decode(outputs, (64, 64))

    row, column = np.argwhere(seen.scores[0] > 0.5)[0]
    assert (head.labels[column], seen.boxes[0, row].round(3).tolist()) == ("tv", [8, 24, 40, 56])


def test_yolox_reads_a_centre_and_a_log_size_and_weighs_labels_by_objectness() -> None:
    head, outputs = yolox()
    outputs["output"][0, 64 + 5, :6] = (0.5, 0.5, 0, np.log(2), 0.8, 0.5)

    seen = head.decode(outputs, (64, 64))

    assert seen.boxes[0, 64 + 5].round(3).tolist() == [16, 8, 32, 40]
    assert seen.scores[0, 64 + 5, 0] == pytest.approx(0.4)


def test_yunet_scores_by_the_geometric_mean() -> None:
    head, outputs = yunet()
    outputs["cls_16"][0, 5], outputs["obj_16"][0, 5], outputs["bbox_16"][0, 5] = 0.9, 0.4, (0.5, 0.5, 0, np.log(2))

    seen = head.decode(outputs, (64, 64))

    assert seen.boxes[0, 64 + 5].round(3).tolist() == [16, 8, 32, 40]
    assert seen.scores[0, 64 + 5, 0] == pytest.approx(0.6)


def test_an_exported_dense_head_gives_centres_and_sizes() -> None:
    head, outputs = dense()
    outputs["output0"][0, :, 7] = (24, 24, 16, 32, 0.1, 0.7)

    seen = head.decode(outputs, (64, 64))

    assert seen.boxes[0, 7].tolist() == [16, 8, 32, 40]
    assert seen.scores[0, 7].tolist() == pytest.approx([0.1, 0.7])


def test_an_exported_resolved_head_gives_corners_and_one_label() -> None:
    head, outputs = resolved()
    outputs["output0"][0, 7] = (16, 8, 32, 40, 0.7, 2)

    seen = head.decode(outputs, (64, 64))

    assert seen.boxes[0, 7].tolist() == [16, 8, 32, 40]
    assert seen.scores[0, 7].tolist() == pytest.approx([0, 0, 0.7])
    assert head.max_overlap == 1


@every_family
@pytest.mark.parametrize("poison", [np.nan, np.inf, 7.0], ids=["NaN", "infinity", "a score of seven"])
def test_an_answer_that_is_no_score_is_an_error(family: Callable[[], tuple[Head, Outputs]], poison: float) -> None:
    head, outputs = family()
    for name, values in outputs.items():
        if not name.startswith(("d", "bbox", "kps")):
            values[..., 4 if values.shape[-1] == 6 else -1] = poison
            if family is dense:
                values[:, 4] = poison

    with pytest.raises(EvidenceError):
        head.decode(outputs, (64, 64))


@every_family
def test_an_answer_of_another_shape_is_an_error(family: Callable[[], tuple[Head, Outputs]]) -> None:
    head, outputs = family()

    with pytest.raises(EvidenceError):
        head.decode({name: values[:, :-1] for name, values in outputs.items()}, (64, 64))


def test_a_label_that_the_file_does_not_name_is_an_error() -> None:
    head, outputs = resolved()
    outputs["output0"][0, 0] = (16, 8, 32, 40, 0.7, 3)

    with pytest.raises(EvidenceError, match="label indices"):
        head.decode(outputs, (64, 64))


@pytest.mark.parametrize(
    ("head", "other"),
    [
        pytest.param(PicoDet, signature((1, 3, 64, 64), {"output": (1, 84, 85)}), id="PicoDet is given YOLOX"),
        pytest.param(YoloX, signature((1, 3, 96, 96), {"output": (1, 84, 85)}), id="YOLOX is given another size"),
        pytest.param(YuNet, signature((1, 3, 64, 64), {"output": (1, 84, 85)}), id="YuNet is given YOLOX"),
        pytest.param(Yolo, signature((1, 3, 64, 64), {"output0": (1, 7, 84)}), id="more labels than names"),
        pytest.param(Yolo, signature((1, 3, None, None), {"output0": (1, 6, 84)}), id="a free size"),
        pytest.param(Yolo, signature((1, 1, 64, 64), {"output0": (1, 6, 84)}), id="grey pictures"),
        pytest.param(Yolo, signature((1, 3, 64, 64), {"output0": (1, 6, 84)}, "exit()"), id="names that are code"),
        pytest.param(Yolo, signature((1, 3, 64, 64), {"output0": (1, 6, 84)}, "{0: 'a', 2: 'b'}"), id="a name missing"),
    ],
)
def test_a_file_of_another_family_is_refused(head: Callable[[Signature], Head], other: Signature) -> None:
    with pytest.raises(ModelIntegrityError):
        head(other)


@every_family
@given(size=st.tuples(st.integers(1, 4000), st.integers(1, 4000)))
def test_the_whole_picture_lies_on_the_canvas(
    family: Callable[[], tuple[Head, Outputs]], size: tuple[int, int]
) -> None:
    canvas = family()[0].canvas(size)

    for axis in (0, 1):
        assert 0 <= canvas.corner[axis] < canvas.corner[axis] + canvas.picture[axis] <= canvas.size[axis]


@every_family
def test_pixels_become_channels_first(family: Callable[[], tuple[Head, Outputs]]) -> None:
    red = np.zeros((2, 64, 32, 3), np.uint8)
    red[..., 0] = 255

    tensor = family()[0].tensor(red)

    assert (tensor.shape, tensor.dtype.name, tensor.flags.c_contiguous) == ((2, 3, 64, 32), "float32", True)
    reddest = 2 if family in (yolox, yunet) else 0  # those two want BGR
    assert tensor[0].mean(axis=(1, 2)).argmax() == reddest


def test_cells_run_by_row_and_finest_level_first() -> None:
    cells, steps = grid((16, 24), (8, 16))

    assert cells.tolist() == [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1], [0, 0], [1, 0]]
    assert steps[:, 0].tolist() == [8] * 6 + [16] * 2
