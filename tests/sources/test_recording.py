"""Recordings are read by their key frames; that one ends too early is said, and of a sound one it is not."""

import struct
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import pytest

from privacy.errors import RecordingError
from privacy.frame import Frame
from privacy.sources.recording import Broken, Fault, VideoRecording
from tests.clips import claiming, with_pauses, write_clip


def read_through(recording: VideoRecording) -> tuple[int, list[Broken]]:
    """Return how many key frames it has, and what is broken."""
    found = [sight for sight in recording.key_frames(0.0, recording.info.duration + 1, 0.0) if isinstance(sight, Frame)]
    recording.close()
    return len(found), recording.broken


@pytest.mark.parametrize("size", [2**20, 2**56 - 2], ids=["some", "more than a file system knows"])
def test_a_header_that_claims_more_than_there_is_says_that_the_end_is_missing(tmp_path: Path, size: int) -> None:
    pictures, broken = read_through(VideoRecording(str(claiming(write_clip(tmp_path / "a.mkv"), size))))

    assert pictures > 0
    assert [one.why for one in broken] == [Fault.TRUNCATED]


def test_of_a_file_that_is_taken_away_nobody_says_that_it_is_whole(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv")
    recording = VideoRecording(str(path))
    path.unlink()

    assert [one.why for one in read_through(recording)[1]] == [Fault.VANISHED]


@pytest.mark.parametrize(
    "refusal",
    [PermissionError(13, "shut"), RecordingError("shut", why=Fault.REFUSED)],
    ids=["by the system", "by the archive"],
)
def test_of_what_a_store_opens_only_once_nobody_says_that_it_is_whole(tmp_path: Path, refusal: Exception) -> None:
    data = write_clip(tmp_path / "a.mkv").read_bytes()
    doors: list[BinaryIO] = [BytesIO(data)]

    def open_() -> BinaryIO:
        if not doors:
            raise refusal
        return doors.pop()

    pictures, broken = read_through(VideoRecording("store://a.mkv", open_))

    assert pictures > 0
    assert [one.why for one in broken] == [Fault.REFUSED]


@pytest.mark.parametrize("sound", [False, True], ids=["silent", "sound"])
@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.mp4"])
def test_a_pause_is_no_loss(tmp_path: Path, name: str, sound: bool) -> None:
    recording = VideoRecording(str(with_pauses(tmp_path / name, sound=sound)))
    pictures, broken = read_through(recording)

    assert pictures > 0
    assert broken == []
    assert recording.end == pytest.approx(15.475, abs=0.3)  # and the time of one picture more, on average


@pytest.mark.parametrize("chunks", [1, 10, 24, 25, 1000, 13_000])
def test_wherever_a_file_with_pauses_is_cut_off_it_says_so(tmp_path: Path, chunks: int) -> None:
    path = with_pauses(tmp_path / "a.avi")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"idx1") - 8 * chunks])

    assert Fault.TRUNCATED in [one.why for one in read_through(VideoRecording(str(path)))[1]]


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "unfinished.avi", "a.ts", "a.asf"])
def test_between_any_two_key_frames_it_can_be_looked_closer(tmp_path: Path, name: str, codec: str) -> None:
    """As an audit does after its first look, forwards and backwards. A frame says by its brightness which it is."""
    no_cuts = {"sc_threshold": "0"} if codec == "libx264" else {"sc_threshold": "1000000000", "b": "9000000"}
    path = write_clip(
        tmp_path / name,
        frames=100,
        rate=5,
        codec=codec,
        options={"g": "20", "bf": "0", **no_cuts},
        luma=lambda n: np.full((48, 64), 2 * n, np.uint8),
    )
    if name == "unfinished.avi":  # its recorder lost power before it wrote the index
        path.write_bytes(path.read_bytes()[: path.read_bytes().rindex(b"idx1")])
    recording = VideoRecording(str(path))
    keys = [sight.offset for sight in recording.key_frames(0.0, recording.info.duration + 1, 0.0)]
    gaps = [(start, stop) for start, stop in pairwise(keys) if stop - start > 1]
    for start, stop in (*gaps, *reversed(gaps)):
        found = [sight for sight in recording.frames(start, stop, 0.5) if isinstance(sight, Frame)]
        shown = [round(float(frame.planes[0].mean()) / 2) / 5 for frame in found]

        assert len(found) == 6
        assert shown == pytest.approx([frame.offset for frame in found], abs=0.01)
    recording.close()

    assert len(gaps) >= 4
    assert recording.broken == []


def set_back(path: Path, at_ms: int, by_ms: int) -> Path:
    """Set back the clock of a Windows Media file: each packet's time follows its size, and counts from -3.1 s."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(packet.size, packet.dts) for packet in container.demux(video=0) if packet.size]
    for size, ticks in packets:
        if ticks is not None and ticks >= at_ms:
            told = data.index(struct.pack("<II", size, ticks + 3100)) + 4
            data[told : told + 4] = struct.pack("<I", ticks + 3100 - by_ms)
    path.write_bytes(data)
    return path


def test_what_follows_a_clock_that_was_set_back_is_looked_at(tmp_path: Path) -> None:
    clip = write_clip(
        tmp_path / "a.asf",
        frames=120,
        rate=2,
        codec="mpeg4",
        options={"g": "10", "sc_threshold": "1000000000", "b": "9000000"},
        luma=lambda n: np.full((48, 64), 2 * n, np.uint8),
    )
    recording = VideoRecording(str(set_back(clip, 40_000, 35_000)))
    keys = [sight.offset for sight in recording.key_frames(0.0, 60.0, 2.0)]
    closer = [sight for sight in recording.frames(keys[-2], keys[-1], 0.5) if isinstance(sight, Frame)]
    recording.close()

    assert max(stop - start for start, stop in pairwise(keys)) < 6
    assert keys[-1] > 50
    assert len(closer) > 3
    assert [round(float(frame.planes[0].mean()) / 2) / 2 for frame in closer] == [frame.offset for frame in closer]


@pytest.mark.parametrize("name", ["a.ts", "a.m2ts"])
@pytest.mark.parametrize("cut", [0, 1, 100, 187])
def test_a_transport_stream_is_whole_if_its_last_packet_is(tmp_path: Path, name: str, cut: int) -> None:
    """Camcorders write each packet behind four bytes that say when it came."""
    path = write_clip(tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut])

    assert (Fault.TRUNCATED in [one.why for one in read_through(VideoRecording(str(path)))[1]]) == (cut > 0)
