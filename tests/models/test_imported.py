"""The user's own catalogue: what gets in, what is refused, what comes out again."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.errors import InputError, ModelIntegrityError, ModelNotFoundError
from privacy.models import catalogue, imported
from privacy.models.card import Family, ModelCard
from privacy.zones import Zone
from tests.models import tiny

DIGEST = "0" * 64
ENTRY = f"""
[[model]]
name = "mine"
task = "detection"
family = "yolo"
file = "mine.onnx"
sha256 = "{DIGEST}"
license = "MIT"
source = "mine.pt"
"""


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIVACY_MODELS", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def write(store: Path, text: str) -> None:
    imported.catalogue_file(store).write_text(text, "utf-8")


def test_without_a_file_there_is_nothing() -> None:
    assert not [card for card in catalogue.cards() if card.imported]


def test_an_entry_stands_beside_ours(store: Path) -> None:
    write(store, ENTRY)

    card = catalogue.card("mine")

    assert (card.imported, card.shipped, card.family) == (True, False, Family.YOLO)
    assert catalogue.path_of(card) == store / "imported" / "mine.onnx"
    assert catalogue.cards()[-1] == card


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a = " + "[" * 5000, id="nested without end"),
        pytest.param(ENTRY.replace("mine.onnx", "../../mine.onnx"), id="a file above the store"),
        pytest.param(ENTRY.replace("mine.onnx", "/etc/passwd"), id="a file anywhere"),
        pytest.param(ENTRY.replace('"mine"', '"../mine"'), id="a name that is a path"),
        pytest.param(ENTRY.replace(DIGEST, ""), id="no digest"),
        pytest.param(ENTRY.replace('"yolo"', '"pickle"'), id="an unknown family"),
        pytest.param(ENTRY.replace('license = "MIT"', ""), id="a key is missing"),
        pytest.param(ENTRY.replace('"mine"', "7"), id="a name that is a number"),
        pytest.param(ENTRY + 'labels = "washroom"\n', id="labels that are no table"),
        pytest.param(ENTRY + ENTRY, id="a name twice"),
        pytest.param(ENTRY.replace('"mine"', '"picodet-s-416"'), id="a name of ours"),
        pytest.param("model = 3", id="models that are a number"),
        pytest.param("model = [3]", id="a model that is a number"),
        pytest.param("", id="empty"),
        pytest.param("[[model", id="no TOML"),
        pytest.param("\x00", id="no text"),
        pytest.param("#" * (imported.MAX_BYTES + 1), id="too large"),
    ],
)
def test_a_catalogue_that_was_tampered_with_is_refused_and_ours_still_loads(store: Path, text: str) -> None:
    write(store, text)

    with pytest.raises(ModelIntegrityError):
        catalogue.cards()
    with pytest.raises(ModelIntegrityError):
        catalogue.card("mine")
    assert catalogue.load().name == catalogue.DEFAULT


def test_an_entry_cannot_say_that_it_ships(store: Path) -> None:
    write(store, ENTRY + 'shipped = true\nurl = "https://elsewhere.invalid"\n')

    assert (catalogue.card("mine").shipped, catalogue.card("mine").url) == (False, "")


@given(
    source=st.text(),
    labels=st.dictionaries(st.text(), st.sampled_from([zone.slug for zone in Zone]), max_size=5),
)
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, source: str, labels: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    card = ModelCard(
        name="mine",
        task="zones",
        family=Family.YOLO_CLASSIFIER,
        file="mine.onnx",
        sha256=DIGEST,
        license="MIT",
        source=source,
        imported=True,
        labels=labels,
    )

    imported.write(folder, (card,))

    assert imported.cards(folder) == (card,)


def test_an_imported_detector_detects() -> None:
    catalogue.import_onnx(tiny.yolo((32, 16, 16, 16, 0.9, 0)), "mine", source="mine.pt")

    (found,) = catalogue.load_detector("mine").detect(np.zeros((*tiny.SIZE, 3), np.uint8))

    assert (found.label, found.box) == ("person", (0.375, 0.25, 0.625, 0.75))
    assert catalogue.card("mine").license == "MIT"


def test_an_imported_classifier_names_zones() -> None:
    catalogue.import_onnx(tiny.colours(), "mine", source="mine.pt", labels=dict(tiny.COLOURS))
    model = catalogue.load("mine")
    pictures = [np.broadcast_to(np.uint8(255) * np.eye(3, dtype=np.uint8)[i], (*model.input_size, 3)) for i in range(3)]

    seen = model.look(pictures, [0.0, 1.0, 2.0])

    assert [Zone(int(one.zones.argmax())) for one in seen] == [Zone.GUEST_ROOM, Zone.PERMITTED, Zone.WASHROOM]
    assert [one.place for one in seen] == ["red room", "green hall", "blue bath"]
    assert [one.offset for one in seen] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("data", "labels", "error"),
    [
        pytest.param(lambda: b"no model", None, ModelIntegrityError, id="no ONNX"),
        pytest.param(lambda: tiny.yolo(metadata={}), None, ModelIntegrityError, id="exported by something else"),
        pytest.param(
            lambda: tiny.yolo(metadata=tiny.DETECT | {"task": "pose"}), None, ModelIntegrityError, id="another task"
        ),
        pytest.param(
            lambda: tiny.yolo(metadata=tiny.DETECT | {"names": "{0: 'a'}"}), None, ModelIntegrityError, id="few names"
        ),
        pytest.param(tiny.yolo, {"person": "permitted"}, InputError, id="a detector with a label map"),
        pytest.param(tiny.colours, None, InputError, id="a classifier without one"),
        pytest.param(tiny.colours, {"red room": "guest_room"}, InputError, id="a class is not mapped"),
        pytest.param(tiny.weights_as_inputs, None, ModelIntegrityError, id="without metadata"),
        pytest.param(
            lambda: tiny.yolo(metadata=tiny.DETECT | {"license": "MIT or so"}).replace(b"MIT or so", b"\xff" * 9),
            None,
            ModelIntegrityError,
            id="a note that is no text",
        ),
        pytest.param(
            lambda: tiny.yolo(metadata=tiny.DETECT | {"names": r"{0: 'person', 1: '\ud800'}"}),
            None,
            ModelIntegrityError,
            id="half a character in a name",
        ),
    ],
)
def test_what_cannot_be_used_is_not_registered(
    store: Path, data: Callable[[], bytes], labels: dict[str, object] | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        catalogue.import_onnx(data(), "mine", source="", labels=labels)

    assert not list(store.rglob("*.onnx"))
    assert not imported.catalogue_file(store).exists()


def test_weights_that_lie_in_another_file_are_not_taken(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has verified them, and they would be another's wherever the service is started next."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.bin").write_bytes(np.eye(3, dtype=np.float32).tobytes())

    with pytest.raises(ModelIntegrityError):
        catalogue.import_onnx(tiny.borrowing("more.bin"), "mine", source="", labels=dict(tiny.COLOURS))

    assert not list(store.rglob("*.onnx"))


def test_a_file_whose_name_is_no_text_is_imported_all_the_same() -> None:
    catalogue.import_onnx(tiny.yolo(), "mine", source=os.fsdecode(b"caf\xe9.onnx"))

    assert catalogue.card("mine").source == "caf?.onnx"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("picodet-s-416", InputError, id="ours"),
        pytest.param("mine", InputError, id="taken"),
        pytest.param("../mine", ModelIntegrityError, id="a path"),
        pytest.param("Mine", ModelIntegrityError, id="upper case"),
    ],
)
def test_a_name_is_new_and_plain(store: Path, name: str, error: type[Exception]) -> None:
    catalogue.import_onnx(tiny.yolo(), "mine", source="first")
    before = imported.catalogue_file(store).read_bytes()

    with pytest.raises(error):
        catalogue.import_onnx(tiny.yolo((1, 2, 3, 4, 0, 0)), name, source="second")

    assert imported.catalogue_file(store).read_bytes() == before
    assert catalogue.read(catalogue.card("mine")) == tiny.yolo()


def test_the_digest_is_checked_on_load(store: Path) -> None:
    path = catalogue.path_of(catalogue.import_onnx(tiny.yolo(), "mine", source=""))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(ModelIntegrityError, match="sha256"):
        catalogue.load_detector("mine")
    assert store in path.parents


def test_many_may_import_at_once() -> None:
    names = [f"mine-{index}" for index in range(12)]
    data = tiny.yolo()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: catalogue.import_onnx(data, name, source=""), names))

    assert sorted(card.name for card in catalogue.cards() if card.imported) == sorted(names)


def test_of_two_that_want_one_name_one_gets_it() -> None:
    def attempt(data: bytes) -> bool:
        try:
            catalogue.import_onnx(data, "mine", source="")
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(attempt, [tiny.yolo(), tiny.yolo((1, 2, 3, 4, 0, 0))]))

    assert sorted(won) == [False, True]
    catalogue.load_detector("mine")


def test_what_is_removed_is_gone(store: Path) -> None:
    catalogue.import_onnx(tiny.yolo(), "mine", source="")
    catalogue.import_onnx(tiny.yolo(), "other", source="")

    catalogue.remove("mine")

    assert [card.name for card in catalogue.cards() if card.imported] == ["other"]
    assert [path.name for path in store.rglob("*.onnx")] == ["other.onnx"]


def test_a_shadow_of_ours_can_be_removed(store: Path) -> None:
    write(store, ENTRY.replace('"mine"', '"picodet-s-416"'))

    catalogue.remove("picodet-s-416")

    assert catalogue.card("picodet-s-416").url


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param(catalogue.DEFAULT, InputError, id="part of the package"),
        pytest.param("picodet-s-416", ModelNotFoundError, id="never fetched"),
        pytest.param("nothing", ModelNotFoundError, id="unknown"),
    ],
)
def test_what_is_not_there_to_remove_is_said(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        catalogue.remove(name)
