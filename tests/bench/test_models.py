"""Other people's models: described by a card, checked before they run, and asked in their own way."""

import hashlib
import io
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pytest

from privacy.bench import models
from privacy.bench.cards import CardError, Preprocess, read_card
from privacy.bench.models import Entrant, Mapped
from privacy.bench.object_rule import ObjectRule
from privacy.errors import EvidenceError, InputError, ModelIntegrityError, ModelNotFoundError
from privacy.frame import Frame, Layout, thumbnail
from privacy.models import catalogue
from privacy.training.data import DataError
from privacy.zones import Zone
from tests.models import tiny
from tests.toys import Finds, detection

LABELS = """
["red room"]
zones = { guest_room = 0.8, dormitory = 0.2 }
place = "bedroom"
["green hall"]
zones = { permitted = 1.0 }
place = "hall"
["blue bath"]
zones = { washroom = 1.0 }
place = "bathroom"
"""
RED, GREEN, BLUE = (np.full((40, 90, 3), colour, np.uint8) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250)))

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a card beside its files; a keyword of None leaves a key out."""

    def write(file: str, weights: bytes, tables: str = "", **keys: Any) -> Path:
        (tmp_path / file).write_bytes(weights)
        (tmp_path / "labels.toml").write_text(LABELS)
        table = {
            "name": "colours",
            "kind": "onnx",
            "file": file,
            "sha256": hashlib.sha256(weights).hexdigest(),
            "labels": "labels.toml",
            "classes": ["red room", "green hall", "blue bath"],
            **keys,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
        (tmp_path / "card.toml").write_text("\n".join(lines) + "\n" + tables)
        return tmp_path / "card.toml"

    return write


INPUT = f"[input]\nresize = [{tiny.SIZE[0]}, {tiny.SIZE[1]}]\n"


def load(path: Path, weights: Path | None = None) -> Entrant:
    entrant = models.load(str(path), weights=weights)
    assert isinstance(entrant, Entrant)
    return entrant


# ---------------------------------------------------------------------------------------------------------- bare ONNX


def test_classes_of_an_onnx_file_become_zones(write: Write) -> None:
    entrant = load(write("colours.onnx", tiny.colours(), INPUT))

    seen = [entrant.look(picture) for picture in (RED, GREEN, BLUE)]

    assert [int(one.zones.argmax()) for one in seen] == [Zone.GUEST_ROOM, Zone.PERMITTED, Zone.WASHROOM]
    assert seen[0].zones[Zone.DORMITORY] == pytest.approx(0.2, abs=1e-3)
    assert seen[2].place == "blue bath"


def test_colours_can_be_turned_around(write: Write) -> None:
    entrant = load(write("colours.onnx", tiny.colours(), INPUT + 'colour = "bgr"\n'))

    assert int(entrant.look(RED).zones.argmax()) == Zone.WASHROOM


def test_weights_are_found_below_the_folder_that_is_named(write: Write, tmp_path: Path) -> None:
    card = write("colours.onnx", tiny.colours(), INPUT)
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "colours.onnx").rename(tmp_path / "far" / "away" / "colours.onnx")

    assert load(card, tmp_path / "far").name == "colours"
    with pytest.raises(ModelNotFoundError, match="--weights"):
        load(card)


def test_the_digest_changes_with_the_card_and_with_the_label_map(write: Write, tmp_path: Path) -> None:
    card = write("colours.onnx", tiny.colours(), INPUT)
    one = load(card).digest
    card.write_text(card.read_text() + "scale = 128.0\n")
    two = load(card).digest
    (tmp_path / "labels.toml").write_text(LABELS.replace("0.8", "0.7").replace("0.2", "0.3"))

    assert len({one, two, load(card).digest}) == 3


@pytest.mark.parametrize(
    ("keys", "tables", "error", "message"),
    [
        pytest.param({"sha256": "0" * 64}, INPUT, ModelIntegrityError, "its card says 000", id="another file"),
        pytest.param({"kind": "caffe"}, INPUT, InputError, "no kind of model 'caffe'", id="unknown kind"),
        pytest.param({"name": None}, INPUT, CardError, "needs name", id="no name"),
        pytest.param({"licence": "x", "lisence": "y"}, INPUT, CardError, "lisence", id="misspelt key"),
        pytest.param({"classes": ["red room", "attic"]}, INPUT, DataError, r"'attic' \(1\)", id="unmapped"),
        pytest.param({"classes": []}, INPUT, CardError, "has no classes", id="no classes"),
        pytest.param({}, "", CardError, "resize", id="no input"),
        pytest.param({}, INPUT + "std = [0, 0, 0]\n", CardError, "no network sees", id="division by zero"),
        pytest.param({}, INPUT + 'blur = "yes"\n', CardError, "blur", id="unknown input"),
        pytest.param({"kind": "timm", "architecture": "dreamnet"}, "", InputError, "dreamnet", id="no architecture"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_refused_by_name(
    write: Write, keys: dict[str, Any], tables: str, error: type[Exception], message: str
) -> None:
    if keys.get("kind") == "timm":
        pytest.importorskip("timm")
    path = write("colours.onnx", tiny.colours(), tables, **keys)
    with pytest.raises(error, match=message):
        load(path).look(RED)


@pytest.mark.parametrize("text", ["", "name = ", "\x00"], ids=["empty", "half", "binary"])
def test_what_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.toml").write_text(text)

    with pytest.raises(CardError):
        models.load(str(tmp_path / "card.toml"))


@pytest.mark.parametrize(
    "answer",
    [[np.nan, 1, 0], [-1, 1, 1], [0, 0, 0], [0.5, 0.5]],
    ids=["NaN", "negative", "nothing", "too few"],
)
def test_answers_that_are_no_probabilities_are_no_evidence(write: Write, answer: list[float]) -> None:
    entrant = Mapped(read_card(write("colours.onnx", tiny.colours(), INPUT)), lambda _: np.array(answer))

    with pytest.raises(EvidenceError):
        entrant.look(RED)


def test_places365_lines_are_read_as_its_labels(write: Write, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("/b/bathroom 45\n/a/apartment_building/outdoor 8\n")
    card = read_card(write("colours.onnx", b"", classes="classes.txt", labels="places365"))

    assert card.classes == ("bathroom", "apartment_building/outdoor")
    assert card.shares[:, [Zone.PERMITTED, Zone.WASHROOM]].tolist() == [[0, 0.97], [1, 0]]


def test_preprocessing_keeps_the_middle_and_normalises() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[:, 75:125] = (255, 51, 0)

    seen = Preprocess(resize=50, crop=(20, 20), mean=(1.0, 0.2, 0.0), std=(0.5, 0.5, 0.5))(picture)

    assert seen.shape == (1, 3, 20, 20)
    assert seen.dtype == np.float32
    assert np.abs(seen).max() < 1e-6


# ------------------------------------------------------------------------------------------------------- object rule


@pytest.mark.parametrize(
    ("found", "zone"),
    [
        ({"toilet": 0.9}, Zone.WASHROOM),
        ({"sink": 0.8}, Zone.WASHROOM),
        ({"sink": 0.8, "refrigerator": 0.9}, Zone.PERMITTED),
        ({"bed": 0.7, "tv": 0.9}, Zone.GUEST_ROOM),
        ({"chair": 0.9}, Zone.PERMITTED),
        ({}, Zone.PERMITTED),
    ],
    ids=str,
)
def test_things_make_places(found: dict[str, float], zone: Zone) -> None:
    box = (0.1, 0.1, 0.5, 0.5)
    rule = ObjectRule(
        Finds(*(detection(box, label, score) for label, score in found.items())), catalogue.card("picodet-s-416")
    )

    assert rule.look(RED).zones.argmax() == zone


# -------------------------------------------------------------------------------------------------- timm, torchvision


@pytest.mark.parametrize(("library", "architecture"), [("timm", "test_vit"), ("torchvision", "squeezenet1_1")])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_checkpoints_answer_as_the_library_would(write: Write, library: str, architecture: str, suffix: str) -> None:
    torch, image = pytest.importorskip("torch"), pytest.importorskip("PIL.Image")
    network, transform = network_of(library, architecture)
    weights = packed(network.state_dict(), suffix)
    picture = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)

    entrant = load(write(f"net{suffix}", weights, kind=library, architecture=architecture))

    with torch.inference_mode():
        expected = network(transform(image.fromarray(picture))[None])[0].softmax(0).numpy()
    zones = entrant.look(picture).zones
    assert zones[Zone.WASHROOM] == pytest.approx(expected[2], abs=1e-5)
    assert zones[Zone.PERMITTED] == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.parametrize(
    ("library", "architecture"),
    [("timm", "hf-hub:somebody/something"), ("torchvision", "fasterrcnn_resnet50_fpn"), ("torchvision", "dreamnet")],
)
def test_no_card_makes_a_library_fetch_anything(
    write: Write, monkeypatch: pytest.MonkeyPatch, library: str, architecture: str
) -> None:
    pytest.importorskip(library)
    asked: list[object] = []

    def refuse(*where: object) -> None:
        asked.append(where)
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    path = write("net.pth", packed({}, ".pth"), kind=library, architecture=architecture)

    with pytest.raises(InputError, match=architecture):
        load(path)
    assert not asked


def test_a_pickle_that_runs_code_is_refused_unrun(write: Write, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    proof = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
            return Path.touch, (proof,)

    buffer = io.BytesIO()
    torch.save({"weights": Hostile()}, buffer)
    path = write("net.pth", buffer.getvalue(), kind="torchvision", architecture="squeezenet1_1")

    with pytest.raises(ModelIntegrityError, match="more than tensors"):
        load(path)
    assert not proof.exists()


@pytest.mark.parametrize("weights", [b"", b"no tensors"], ids=["empty", "text"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_broken_checkpoints_are_refused(write: Write, weights: bytes, suffix: str) -> None:
    pytest.importorskip("torchvision")

    with pytest.raises(ModelIntegrityError):
        load(write(f"net{suffix}", weights, kind="torchvision", architecture="squeezenet1_1"))


def test_weights_of_another_network_are_refused(write: Write) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    weights = packed({"foreign": torch.zeros(1)}, ".safetensors")

    with pytest.raises(ModelIntegrityError, match="do not fit"):
        load(write("net.safetensors", weights, kind="torchvision", architecture="squeezenet1_1"))


def network_of(library: str, architecture: str) -> tuple[Any, Any]:
    """A network with weights drawn at random, and its own preprocessing."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    if library == "timm":
        timm: Any = pytest.importorskip("timm")
        network = timm.create_model(architecture, pretrained=False, num_classes=3).eval()
        return network, timm.data.create_transform(**timm.data.resolve_model_data_config(network))
    torchvision: Any = pytest.importorskip("torchvision")
    network = torchvision.models.get_model(architecture, weights=None, num_classes=3).eval()
    return network, torchvision.models.get_model_weights(architecture).DEFAULT.transforms()


def packed(state: Any, suffix: str) -> bytes:
    if suffix == ".safetensors":
        data: bytes = pytest.importorskip("safetensors.torch").save({k: v.contiguous() for k, v in state.items()})
        return data
    buffer = io.BytesIO()
    pytest.importorskip("torch").save(state, buffer)
    return buffer.getvalue()


# ---------------------------------------------------------------------------------------------------- image and text

PROMPTS = 'guest_room = ["red"]\npermitted = ["green"]\nwashroom = ["blue", "azure"]\n'
SENTENCES = ("red", "green", "blue", "azure")
DIRECTIONS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0.1, 1]], np.float32)


@pytest.mark.parametrize("kind", ["strings", "tokens"])
def test_a_picture_is_the_zone_whose_sentence_is_nearest(write: Write, tmp_path: Path, kind: str) -> None:
    entrant = load(towers(write, tmp_path, kind))

    seen = [entrant.look(picture).zones for picture in (RED, GREEN, BLUE)]

    assert [int(zones.argmax()) for zones in seen] == [Zone.GUEST_ROOM, Zone.PERMITTED, Zone.WASHROOM]
    # cos of (0, 0, 1) with the sentences is 0, 0, 1 and 1 / sqrt(1.01); the zone has the last two
    likely = np.exp(2 * np.array([0, 0, 1, 1 / np.sqrt(1.01)]))
    assert seen[2][Zone.WASHROOM] == pytest.approx(likely[2:].sum() / likely.sum(), abs=1e-4)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ('washroom = ["blue"]', "permitted"),
        ('permitted = ["green"]', "prohibited"),
        ('permitted = ["green"]\nattic = ["red"]', "no zone attic"),
        ("permitted", "no prompts"),
        ('permitted = ["green"]\nwashroom = ["violet"]', "without a direction"),
    ],
)
def test_prompts_that_cannot_tell_zones_apart_are_refused(
    write: Write, tmp_path: Path, prompts: str, message: str
) -> None:
    with pytest.raises((CardError, EvidenceError), match=message):
        load(towers(write, tmp_path, "strings", prompts))


def towers(write: Write, folder: Path, kind: str, prompts: str = PROMPTS) -> Path:
    """A picture's mean colour, and a table of directions by sentence or by token."""
    onnx: Any = pytest.importorskip("onnx")
    make, numpy_helper, types = onnx.helper.make_node, onnx.numpy_helper, onnx.TensorProto
    image = model(
        onnx,
        [make("GlobalAveragePool", ["images"], ["means"]), make("Flatten", ["means"], ["out"])],
        onnx.helper.make_tensor_value_info("images", types.FLOAT, ("B", 3, 8, 8)),
        (),
    )
    table = numpy_helper.from_array(np.vstack([DIRECTIONS, np.zeros((1, 3), np.float32)]), "table")
    if kind == "strings":
        encode = make(
            "LabelEncoder", ["text"], ["ids"], domain="ai.onnx.ml",
            keys_strings=list(SENTENCES), values_int64s=[0, 1, 2, 3], default_int64=4,
        )  # fmt: skip
        nodes = [encode, make("Gather", ["table", "ids"], ["out"])]
        feed = onnx.helper.make_tensor_value_info("text", types.STRING, ("B",))
    else:
        tokenizers: Any = pytest.importorskip("tokenizers")
        words = tokenizers.Tokenizer(
            tokenizers.models.WordLevel({w: k for k, w in enumerate(SENTENCES)}, unk_token="red")  # noqa: S106
        )
        words.save(str(folder / "tokenizer.json"))
        zero = numpy_helper.from_array(np.array(0), "zero")
        nodes = [make("Gather", ["text", "zero"], ["ids"], axis=1), make("Gather", ["table", "ids"], ["out"])]
        feed = onnx.helper.make_tensor_value_info("text", types.INT64, ("B", "T"))
    text = model(onnx, nodes, feed, (table, zero) if kind == "tokens" else (table,))
    (folder / "text.onnx").write_bytes(text)
    (folder / "prompts.toml").write_text(prompts)
    return write(
        "image.onnx", image, "[input]\nresize = [8, 8]\n", kind="image-text", labels=None, classes=None, scale=2.0,
        text_file="text.onnx", text_sha256=hashlib.sha256(text).hexdigest(), prompts="prompts.toml",
        **({"tokenizer": "tokenizer.json"} if kind == "tokens" else {}),
    )  # fmt: skip


def model(onnx: Any, nodes: list[Any], feed: Any, initial: tuple[Any, ...]) -> bytes:
    out = onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, ("B", 3))
    graph = onnx.helper.make_graph(nodes, "tower", [feed], [out], list(initial))
    opsets = [onnx.helper.make_opsetid("", 13), onnx.helper.make_opsetid("ai.onnx.ml", 2)]
    data: bytes = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return data


# ---------------------------------------------------------------------------------------------------------- catalogue


def test_the_shipped_model_is_asked_as_the_product_asks_it() -> None:
    entrant, classifier = models.load("zones-lite0"), catalogue.load("zones-lite0")
    picture = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)

    assert isinstance(entrant, Entrant)
    frame = Frame((picture,), Layout.RGB, 0.0, full_range=True)
    (expected,) = classifier.look([thumbnail(frame, classifier.input_size)], [0.0])
    assert np.array_equal(entrant.look(picture).zones, expected.zones)


def test_the_bench_does_without_torch() -> None:
    code = "import sys, privacy.bench, privacy.cli.bench; sys.exit('torch' in sys.modules)"

    assert run([sys.executable, "-c", code], check=False).returncode == 0
