"""Only what the catalogue names is ever kept or loaded."""

import errno
import hashlib
import io
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import pytest

from privacy.errors import InputError, ModelIntegrityError, ModelNotFoundError
from privacy.models import catalogue
from privacy.models.card import ModelCard

WEIGHTS = bytes(range(256)) * 20
CARD = ModelCard(
    name="toy",
    task="detection",
    file="toy.onnx",
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    license="MIT",
    source="nowhere",
    url="https://models.invalid/toy.onnx",
)
FLIPPED = bytes([WEIGHTS[0] ^ 1]) + WEIGHTS[1:]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIVACY_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


def kept(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.rglob("*") if path.is_file()}


class Fetch:
    """Answers like `urlopen`, with a stream of the test's."""

    def __init__(self, stream: BinaryIO) -> None:
        self.asked: list[str] = []
        self._stream = stream

    def __call__(self, url: str, *, timeout: float) -> BinaryIO:
        assert timeout > 0
        self.asked.append(url)
        return self._stream


def answering(content: bytes) -> Fetch:
    return Fetch(io.BytesIO(content))


class Broken(io.BytesIO):
    """A stream that gives a piece and then fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__(WEIGHTS[:100])
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        if piece := super().read(size):
            return piece
        raise self._error


def test_what_is_pulled_can_be_read(store: Path) -> None:
    fetch, sizes = answering(WEIGHTS), list[int]()

    path = catalogue.pull(CARD, fetch=fetch, progress=sizes.append)

    assert (path, fetch.asked, sum(sizes)) == (store / "toy.onnx", [CARD.url], len(WEIGHTS))
    assert catalogue.read(CARD) == WEIGHTS
    assert kept(store) == {"toy.onnx": WEIGHTS}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(FLIPPED, id="one bit is another"),
        pytest.param(WEIGHTS[:-1], id="cut short"),
        pytest.param(WEIGHTS + b"\0", id="one byte more"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>404</html>", id="a page instead"),
    ],
)
def test_what_is_not_the_catalogues_is_not_kept(store: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "toy.onnx").write_bytes(content)

    with pytest.raises(ModelIntegrityError):
        catalogue.pull(CARD, fetch=answering(content))
    with pytest.raises(ModelIntegrityError):
        catalogue.add(CARD, tmp_path / "toy.onnx")

    assert kept(store) == {}


@pytest.mark.parametrize("content", [FLIPPED, WEIGHTS[:-1], b""], ids=["one bit is another", "cut short", "empty"])
def test_what_has_changed_in_the_store_is_not_loaded(store: Path, content: bytes) -> None:
    catalogue.pull(CARD, fetch=answering(WEIGHTS))
    (store / "toy.onnx").write_bytes(content)

    with pytest.raises(ModelIntegrityError, match="sha256"):
        catalogue.read(CARD)


def test_a_file_that_is_too_large_is_neither_kept_nor_read(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue.pull(CARD, fetch=answering(WEIGHTS))
    monkeypatch.setattr(catalogue, "MAX_BYTES", len(WEIGHTS) - 1)

    with pytest.raises(ModelIntegrityError, match="more than"):
        catalogue.read(CARD)
    (store / "toy.onnx").unlink()
    with pytest.raises(ModelIntegrityError, match="more than"):
        catalogue.pull(CARD, fetch=answering(WEIGHTS))
    assert kept(store) == {}


def test_missing_weights_say_how_to_get_them() -> None:
    with pytest.raises(ModelNotFoundError, match="privacy models pull toy"):
        catalogue.read(CARD)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionResetError("reset"), id="reset"),
        pytest.param(TimeoutError("slow"), id="timeout"),
        pytest.param(IncompleteRead(b"", 5), id="closed early"),
    ],
)
def test_a_connection_that_breaks_leaves_nothing(store: Path, error: Exception) -> None:
    with pytest.raises(ModelNotFoundError):
        catalogue.pull(CARD, fetch=Fetch(Broken(error)))

    assert kept(store) == {}


def test_a_failed_pull_leaves_the_old_file_alone(store: Path) -> None:
    catalogue.pull(CARD, fetch=answering(WEIGHTS))

    with pytest.raises(ModelIntegrityError):
        catalogue.pull(CARD, fetch=answering(FLIPPED))

    assert kept(store) == {"toy.onnx": WEIGHTS}


def test_a_full_disk_is_said_and_leaves_nothing(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> tuple[str, int]:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "toy.onnx").write_bytes(WEIGHTS)
    monkeypatch.setattr(catalogue, "_copy", full)

    with pytest.raises(ModelNotFoundError, match="No space left"):
        catalogue.pull(CARD, fetch=answering(WEIGHTS))
    with pytest.raises(ModelNotFoundError, match="No space left"):
        catalogue.add(CARD, tmp_path)
    assert kept(store) == {}


def test_a_store_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PRIVACY_MODELS", str(tmp_path / "file" / "store"))

    with pytest.raises(ModelNotFoundError, match="cannot be kept"):
        catalogue.pull(CARD, fetch=answering(WEIGHTS))


def test_many_may_pull_at_once(store: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: catalogue.pull(CARD, fetch=answering(WEIGHTS)), range(32)))

    assert set(paths) == {store / "toy.onnx"}
    assert kept(store) == {"toy.onnx": WEIGHTS}


@pytest.mark.parametrize("url", ["", "http://models.invalid/toy.onnx", "file:///etc/passwd"])
def test_only_https_is_fetched(url: str) -> None:
    fetch = answering(WEIGHTS)
    entry = ModelCard(name="toy", task="detection", file="toy.onnx", sha256=CARD.sha256, license="", source="", url=url)

    with pytest.raises(ModelNotFoundError, match="no address"):
        catalogue.pull(entry, fetch=fetch)
    assert fetch.asked == []


def test_add_searches_a_folder_and_skips_what_only_has_the_name(store: Path, tmp_path: Path) -> None:
    for name, content in (("a", FLIPPED), ("b", WEIGHTS), ("c", FLIPPED)):
        (tmp_path / "from" / name).mkdir(parents=True)
        (tmp_path / "from" / name / "toy.onnx").write_bytes(content)

    catalogue.add(CARD, tmp_path / "from")

    assert kept(store) == {"toy.onnx": WEIGHTS}


def test_add_says_what_it_did_not_find(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no toy\.onnx under"):
        catalogue.add(CARD, tmp_path)


@pytest.mark.parametrize("cut", [pytest.param(0, id="whole"), pytest.param(1000, id="closed early")])
def test_over_a_real_connection(store: Path, cut: int) -> None:
    with serving(WEIGHTS, cut) as address:

        def fetch(_url: str, *, timeout: float) -> BinaryIO:
            stream: BinaryIO = urllib.request.urlopen(address, timeout=timeout)  # noqa: S310 - loopback
            return stream

        if not cut:
            catalogue.pull(CARD, fetch=fetch)
        else:
            with pytest.raises((ModelIntegrityError, ModelNotFoundError)):
                catalogue.pull(CARD, fetch=fetch)

    assert kept(store) == ({} if cut else {"toy.onnx": WEIGHTS})


@contextmanager
def serving(content: bytes, cut: int) -> Iterator[str]:
    """Serve `content` on loopback, and hang up `cut` bytes before the announced end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - cut])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/toy.onnx"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("file", "../toy.onnx", id="up"),
        pytest.param("file", "/etc/passwd", id="absolute"),
        pytest.param("file", "a/toy.onnx", id="down"),
        pytest.param("file", "..", id="the folder above"),
        pytest.param("file", ".incoming-1", id="hidden"),
        pytest.param("file", "toy.onnx\n", id="a line break"),
        pytest.param("name", "../toy", id="a name that is a path"),
        pytest.param("name", "", id="no name"),
        pytest.param("name", "-rf", id="a name that is an option"),
        pytest.param("sha256", "", id="no digest"),
        pytest.param("sha256", "A" * 64, id="upper case never compares equal"),
        pytest.param("family", "pickle", id="an unknown family"),
    ],
)
def test_a_card_that_cannot_be_true_is_refused(key: str, value: str) -> None:
    facts = {"name": "toy", "task": "zones", "file": "toy.onnx", "sha256": CARD.sha256, "license": "", "source": ""}

    with pytest.raises(ModelIntegrityError):
        ModelCard(**(facts | {key: value}))  # type: ignore[arg-type]


def test_names_and_files_of_the_catalogue_are_their_own() -> None:
    ours = catalogue.cards()

    assert len({card.name for card in ours}) == len({card.file for card in ours}) == len(ours)


def test_what_ships_is_what_the_catalogue_names() -> None:
    for card in catalogue.cards():
        if card.shipped:
            assert hashlib.sha256(catalogue.read(card)).hexdigest() == card.sha256


@pytest.mark.parametrize("name", ["picodet-s-416", "yunet-n"])
def test_a_detector_is_no_zone_classifier(name: str) -> None:
    with pytest.raises(ModelNotFoundError, match="not a zone classifier"):
        catalogue.load(name)


def test_a_zone_classifier_is_no_detector() -> None:
    with pytest.raises(ModelNotFoundError, match="not a detector"):
        catalogue.load_detector(catalogue.DEFAULT)


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(ModelNotFoundError, match="picodet-s-416"):
        catalogue.load_detector("no-such-model")


def test_only_a_free_input_size_can_be_chosen() -> None:
    with pytest.raises(InputError, match="one size"):
        catalogue.load_detector("picodet-s-416", longest_side=1280)
