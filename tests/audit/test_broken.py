"""Thirty files that nobody would want in an archive: each is named with its reason, and the rest is audited."""

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from privacy.audit.book import Book
from privacy.sources.recording import Fault
from tests.audit.recordings import audit, ruled, scan, spans, write_recording
from tests.clips import write_clip

Breaks = Callable[[bytes], bytes]


def cut(share: float) -> Breaks:
    return lambda data: data[: int(len(data) * share)]


def flipped(seed: int, share: float) -> Breaks:
    def flip(data: bytes) -> bytes:
        rng = np.random.default_rng(seed)
        broken = np.frombuffer(data, np.uint8).copy()
        where = rng.integers(len(broken) // 20, len(broken), round(share * len(broken)))
        broken[where] ^= (1 << rng.integers(0, 8, len(where))).astype(np.uint8)
        return broken.tobytes()

    return flip


def without(atom: bytes) -> Breaks:
    return lambda data: data.replace(atom, b"\0\0\0\0")


def claiming(side: int) -> Breaks:
    """Write another size into the BITMAPINFOHEADER of an AVI."""

    def claim(data: bytes) -> bytes:
        at = data.index(b"strf") + 12
        return data[:at] + struct.pack("<ii", side, side) + data[at + 8 :]

    return claim


# name, how its content comes from that of a good file of the same ending, and the reasons that may be given
BROKEN: list[tuple[str, Breaks, set[Fault]]] = [
    *((f"cut-{share}.mp4", cut(share), {Fault.TRUNCATED, Fault.NOT_VIDEO, Fault.DAMAGED}) for share in (0.1, 0.5, 0.9)),
    *((f"cut-{share}.fast.mp4", cut(share), {Fault.TRUNCATED, Fault.DAMAGED}) for share in (0.3, 0.6, 0.95)),
    *((f"cut-{share}.mkv", cut(share), {Fault.TRUNCATED, Fault.DAMAGED}) for share in (0.2, 0.7)),
    *((f"cut-{share}.avi", cut(share), {Fault.TRUNCATED, Fault.DAMAGED}) for share in (0.4, 0.8)),
    ("cut-0.5.flv", cut(0.5), {Fault.TRUNCATED, Fault.DAMAGED}),
    ("cut-0.507.ts", lambda data: data[: len(data) // 376 * 188 + 100], {Fault.TRUNCATED, Fault.DAMAGED}),
    *((f"flips-{seed}.mp4", flipped(seed, 0.01), set(Fault)) for seed in range(3)),
    *((f"flips-{seed}.mkv", flipped(seed, 0.01), set(Fault)) for seed in range(3)),
    ("flips.ts", flipped(7, 0.01), set(Fault)),
    ("empty.mp4", lambda _: b"", {Fault.EMPTY}),
    ("empty.mkv", lambda _: b"", {Fault.EMPTY}),
    ("no-moov.mp4", without(b"moov"), {Fault.NOT_VIDEO, Fault.TRUNCATED}),
    ("letter.mp4", lambda _: b"Dear sir or madam,\n" * 500, {Fault.NOT_VIDEO}),
    ("noise.mkv", lambda _: np.random.default_rng(5).bytes(40_000), {Fault.NOT_VIDEO}),
    ("playlist.mp4", lambda _: b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1,\ngood.ts\n#EXT-X-ENDLIST\n",
     {Fault.PLAYLIST, Fault.NOT_VIDEO}),
    ("picture.avi", lambda _: cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes(), {Fault.NOT_VIDEO}),
    ("16k.raw.avi", claiming(16384), {Fault.TOO_LARGE}),
    ("sealed.mp4", without(b"avc1"), {Fault.NOT_VIDEO, Fault.DAMAGED, Fault.ENCRYPTED, Fault.TRUNCATED}),
    ("archive.flv", lambda _: b"PK\x03\x04" + bytes(2000), {Fault.NOT_VIDEO}),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The broken files, a 1x1 video, a link to nothing, and three good recordings among them."""
    tmp = tmp_path_factory.mktemp("broken")
    archive = tmp / "archive"
    archive.mkdir()
    good = {
        "mp4": write_recording(archive / "good.mp4", [(20, 34)]),
        "mkv": write_recording(archive / "good.mkv", [(20, 34)]),
        "avi": write_recording(tmp / "good.avi", [(20, 34)]),
        "flv": write_recording(tmp / "good.flv", [(20, 34)]),
        "ts": write_recording(archive / "good.ts", [(20, 34)]),
        "raw": write_clip(tmp / "raw.avi", frames=3, codec="rawvideo"),
        "fast": write_recording(tmp / "fast.mp4", [(20, 34)], container_options={"movflags": "faststart"}),
    }
    for name, breaks, _ in BROKEN:
        kind = next((kind for kind in ("fast", "raw") if f".{kind}." in name), name.rpartition(".")[2])
        (archive / name).write_bytes(breaks(good[kind].read_bytes()))
    sealed = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 32, "encryption_kid": "1" * 32}
    write_recording(archive / "encrypted.mp4", [], container_options=sealed)
    write_clip(archive / "1x1.avi", size=(1, 1), codec="ffv1", pix_fmt="gray")
    (archive / "gone.mp4").symlink_to(archive / "nowhere.mp4")
    (archive / "notes.txt").write_text("not opened, and said so")
    return archive


@pytest.fixture(scope="module")
def book(folder: Path) -> Book:
    return audit(folder.parent / "out", folder)


def test_there_are_thirty(folder: Path) -> None:
    assert len(list(folder.iterdir())) - len({"good.mp4", "good.mkv", "good.ts", "notes.txt"}) >= 30


@pytest.mark.parametrize(("name", "reasons"), [pytest.param(name, why, id=name) for name, _, why in BROKEN])
def test_every_broken_file_is_named_with_its_reason(book: Book, name: str, reasons: set[Fault]) -> None:
    broken = ruled(book)[name].entry.broken

    assert broken
    assert {fault.why for fault in broken} <= reasons
    assert all(name in fault.message or fault.offset >= 0 for fault in broken)


def test_a_picture_of_one_pixel_shows_no_place(book: Book) -> None:
    assert [fault.why for fault in ruled(book)["1x1.avi"].entry.broken] == [Fault.TOO_SMALL]


def test_encrypted_pictures_are_not_guessed_at(book: Book) -> None:
    assert [fault.why for fault in ruled(book)["encrypted.mp4"].entry.broken] == [Fault.ENCRYPTED]


def test_a_link_to_nothing_has_vanished(book: Book) -> None:
    assert [fault.why for fault in ruled(book)["gone.mp4"].entry.broken] == [Fault.VANISHED]


@pytest.mark.parametrize("name", ["good.mp4", "good.mkv", "good.ts"])
def test_the_rest_is_audited(book: Book, name: str) -> None:
    one = ruled(book)[name]

    assert not one.entry.broken
    assert np.allclose(spans(one), [(20, 34)], atol=1)


def test_what_comes_before_the_break_is_audited_too(book: Book) -> None:
    one = ruled(book)["cut-0.95.fast.mp4"]

    assert np.allclose(spans(one), [(20, 34)], atol=1)
    assert one.entry.broken[0].offset > 50


def test_what_is_not_opened_is_listed(book: Book) -> None:
    count, first = book.ignored()

    assert count == 1
    assert Path(first[0]).name == "notes.txt"


def test_a_file_that_is_deleted_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first part was read; when the second is opened it is gone."""
    path = write_recording(tmp_path / "a.mp4", [], seconds=200)
    monkeypatch.setattr("privacy.audit.scan.SEGMENT_S", 60.0)
    first = scan(path)
    path.unlink()
    second = scan(path, number=1, start=60.0, stop=120.0)

    assert first.parts == 3
    assert second.unreadable is not None
    assert second.unreadable.why is Fault.VANISHED
