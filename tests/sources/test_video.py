"""Videos of every kind are read frame by frame; what cannot be read is said, not guessed."""

import socket
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy import frame as frames
from privacy.cadence import Cadence
from privacy.errors import SourceError, SourceLostError
from privacy.evidence import Reason
from privacy.frame import Frame
from privacy.pipeline import guard, judge
from privacy.policy import Policy
from privacy.sources.lent import lender
from privacy.sources.video import VideoSource
from privacy.verdict import State, Watch
from tests.clips import claiming, read_all, textured, with_pauses, write_clip
from tests.toys import Bright


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="module")
def faststart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the index in front, so that a truncated file can still be opened."""
    return write_clip(
        tmp_path_factory.mktemp("clips") / "clip.mp4", frames=60, container_options={"movflags": "faststart"}
    )


def read_what_can_be(path: Path) -> tuple[list[Frame], SourceLostError | None]:
    found: list[Frame] = []
    try:
        with VideoSource(path) as source:
            for frame in source:
                found.append(frame)  # noqa: PERF402 - a comprehension would lose them to the exception
    except SourceLostError as error:
        return found, error
    return found, None


def test_frames_come_in_order_with_their_times(clip: Path) -> None:
    found = read_all(clip)

    assert list(range(25)) == [frame.sequence for frame in found]
    assert [number / 25 for number in range(25)] == pytest.approx([frame.offset for frame in found])
    assert not any(frame.damaged for frame in found)


def test_a_source_says_what_it_is_like(clip: Path) -> None:
    with VideoSource(clip) as source:
        info = source.info

    assert (info.size, info.rate, info.codec) == ((48, 64), Fraction(25), "h264")
    assert (info.frames, info.duration) == (25, 1.0)
    assert not info.live


def test_planes_are_the_decoders_own_and_read_only(clip: Path) -> None:
    with VideoSource(clip) as source:
        frame = next(iter(source))

    assert lender(frame.planes) is not None
    with pytest.raises(ValueError, match="read-only"):
        frame.planes[0][0, 0] = 0


def test_frames_outlive_their_source(clip: Path) -> None:
    again = read_all(clip)
    kept = read_all(clip)
    copies = [frame.planes[0].copy() for frame in again]
    del again

    assert all(np.array_equal(copy, frame.planes[0]) for copy, frame in zip(copies, kept, strict=True))


def test_planes_that_are_cut_or_mixed_are_not_the_decoders_own(clip: Path) -> None:
    one, other = read_all(clip)[:2]

    assert lender((one.planes[0], other.planes[1], one.planes[2])) is None
    assert lender((one.planes[0], one.planes[2], one.planes[1])) is None
    assert lender((one.planes[0][:40], one.planes[1][:20], one.planes[2][:20])) is None
    assert lender(tuple(plane.copy() for plane in one.planes)) is None


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "tolerance"),
    [
        pytest.param("a.mp4", "libx264", "yuv420p", 6, id="8-bit 4:2:0"),
        pytest.param("a.mp4", "libx264", "yuv420p10le", 6, id="10 bits"),
        pytest.param("a.mp4", "libx264", "yuv422p", 6, id="4:2:2"),
        pytest.param("a.mp4", "libx264", "yuv444p", 6, id="4:4:4"),
        pytest.param("a.mp4", "libx264", "gray", 6, id="grey"),
        pytest.param("a.mkv", "ffv1", "gray", 0, id="grey, lossless"),
        pytest.param("a.mkv", "ffv1", "gray10le", 1, id="10-bit grey"),
        pytest.param("a.mkv", "ffv1", "yuv420p", 0, id="lossless"),
        pytest.param("a.mkv", "ffv1", "yuva420p", 0, id="with transparency"),
        pytest.param("a.mkv", "ffv1", "bgr0", 2, id="RGB"),
        pytest.param("a.avi", "mjpeg", "yuvj420p", 12, id="motion JPEG"),
        pytest.param("a.ts", "mpeg2video", "yuv420p", 25, id="MPEG-2"),
    ],
)
def test_every_kind_of_picture_becomes_i420(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, tolerance: float
) -> None:
    def smooth(number: int) -> NDArray[np.uint8]:
        return np.sort(textured((48, 64))(number), axis=1)  # noise would only test the codec

    quality = {"crf": "10"} if codec == "libx264" else {"qmax": "3"} if codec in ("mjpeg", "mpeg2video") else {}
    path = write_clip(tmp_path / name, codec=codec, pix_fmt=pix_fmt, luma=smooth, frames=5, options=quality)
    found = read_all(path)

    assert len(found) == 5
    for frame in found:
        error = np.abs(frame.planes[0].astype(int) - smooth(frame.sequence))
        assert np.median(error) <= tolerance
        assert all(abs(float(plane.mean()) - 128) <= 2 for plane in frame.planes[1:])


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (9, 17), (47, 63), (49, 130)])
def test_odd_and_tiny_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_clip(tmp_path / "a.mkv", size=size, codec="ffv1", frames=3)
    found = read_all(path)

    assert [size] * 3 == [frame.size for frame in found]
    assert np.array_equal(textured(size)(2), found[2].planes[0])


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    ticks = [0, 40, 50, 300, 1000, 1001]
    found = read_all(write_clip(tmp_path / "a.mkv", frames=6, ticks=ticks))

    assert [tick / 1000 for tick in ticks] == pytest.approx([frame.offset for frame in found])


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(("mirrored", "flipped"), [(False, False), (True, False), (False, True), (True, True)])
def test_frames_are_the_way_up_that_a_player_shows(
    tmp_path: Path, rotation: int, *, mirrored: bool, flipped: bool
) -> None:
    exact = {"qp": "0"}
    stored = write_clip(tmp_path / "stored.mkv", frames=2, options=exact)
    turned = write_clip(
        tmp_path / "turned.mp4", frames=2, options=exact, rotation=rotation, mirrored=mirrored, flipped=flipped
    )
    for before, after in zip(read_all(stored), read_all(turned), strict=True):
        shown = np.rot90(before.planes[0], rotation // 90)
        shown = shown[:, ::-1] if mirrored else shown
        shown = shown[::-1] if flipped else shown
        assert np.array_equal(shown, after.planes[0])
        assert after.planes[1].shape == after.planes[2].shape == (after.size[0] // 2, after.size[1] // 2)
    with VideoSource(turned) as source:
        assert source.info.size == after.size


def test_a_pixel_on_its_side_is_as_wide_as_it_was_high(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", rotation=90, options={"x264-params": "sar=4/3"})
    with VideoSource(clip) as source:
        assert source.info.aspect == Fraction(3, 4)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.mp4", b"", id="empty"),
        pytest.param("a.mp4", b"Dear sir or madam,\n" * 400, id="a letter"),
        pytest.param("a.mp4", bytes(range(256)) * 64, id="noise"),
        pytest.param("a.mkv", b"\x1a\x45\xdf\xa3", id="the beginning of Matroska"),
    ],
)
def test_no_video(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=name):
        VideoSource(path)


def test_no_file_no_folder_no_audio(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.mp4", tmp_path):
        with pytest.raises(SourceError, match="no such file"):
            VideoSource(path)


def test_a_name_that_looks_like_a_protocol_is_a_name(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("concat:a.mp4").write_bytes(clip.read_bytes())

    assert len(read_all(Path("concat:a.mp4"))) == 25


def test_a_playlist_may_not_fetch(tmp_path: Path) -> None:
    """Or a file that someone uploads could make this machine call another."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        port = server.getsockname()[1]
        path = tmp_path / "a.m3u8"
        path.write_text(f"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n")
        with pytest.raises(SourceError):
            VideoSource(path)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_frame_that_is_too_large_is_refused(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_PIXELS", 1000)
    with pytest.raises(SourceError, match="64x48"):
        VideoSource(clip)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.flv"])
def test_a_truncated_file_gives_what_is_there_and_says_where_it_broke(tmp_path: Path, name: str) -> None:
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = write_clip(tmp_path / name, frames=60, container_options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    found, lost = read_what_can_be(path)

    assert 12 < len(found) < 45
    assert lost is not None
    assert "broke at frame" in str(lost)
    assert str(path) in str(lost)
    assert sum(not frame.damaged for frame in found) > 10


@pytest.mark.parametrize("sound", [False, True], ids=["silent", "sound"])
@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.mp4"])
def test_a_pause_is_no_loss(tmp_path: Path, name: str, sound: bool) -> None:
    found, lost = read_what_can_be(with_pauses(tmp_path / name, sound=sound))

    assert lost is None
    assert len(found) == 60
    times = [0.025 * number + 2 * (number >= 20) + 12 * (number >= 40) for number in range(60)]
    assert [frame.offset for frame in found] == pytest.approx(times, abs=0.07)  # sound begins before


@pytest.mark.parametrize("chunks", [1, 10, 24, 25, 1000, 13_000])
def test_wherever_a_file_with_pauses_is_cut_off_it_says_so(tmp_path: Path, chunks: int) -> None:
    """Each of the last 24 chunks is a pause of 1 ms, the one before them is a frame."""
    path = with_pauses(tmp_path / "a.avi")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"idx1") - 8 * chunks])
    found, lost = read_what_can_be(path)

    assert len(found) >= 40
    assert lost is not None


def test_a_frame_that_is_lost_among_pauses_is_missed(tmp_path: Path) -> None:
    path = with_pauses(tmp_path / "a.avi")
    data = path.read_bytes()
    with av.open(path) as container:
        lost_one = [packet for packet in container.demux(video=0) if packet.size][30]
    assert lost_one.pos is not None
    path.write_bytes(data[: lost_one.pos - 8] + bytes(8 + lost_one.size) + data[lost_one.pos + lost_one.size :])
    found, lost = read_what_can_be(path)

    assert len(found) < 60
    assert lost is not None


@pytest.mark.parametrize("size", [2**20, 2**40, 2**56 - 2], ids=["some", "much", "more than a file system knows"])
def test_a_header_that_claims_more_than_there_is_says_that_the_end_is_missing(tmp_path: Path, size: int) -> None:
    path = claiming(write_clip(tmp_path / "a.mkv"), size)
    found, lost = read_what_can_be(path)

    assert len(found) == 25
    assert lost is not None
    assert "shorter than its header says" in str(lost)


def test_where_nobody_can_see_whether_a_file_is_whole_that_is_said(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv")
    with VideoSource(path) as source:
        path.unlink()
        with pytest.raises(SourceLostError, match="whether it is whole cannot be told") as raised:
            list(source)

    assert raised.value.facts["frames"] == 25


@given(share=st.floats(0.2, 0.999))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_wherever_a_file_is_cut_nothing_else_is_raised(faststart: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(faststart.read_bytes()[: int(faststart.stat().st_size * share)])
    try:
        found, lost = read_what_can_be(path)
    except SourceError:
        return

    assert lost is not None
    assert len(found) < 60 or found[-1].damaged


@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=40))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_flipped_bits_never_raise_anything_else(
    faststart: Path, tmp_path: Path, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(faststart.read_bytes())
    for where, bit in flips:
        data[int(where * len(data))] ^= 1 << bit
    path = tmp_path / "flipped.mp4"
    path.write_bytes(data)
    try:
        found, _ = read_what_can_be(path)
    except (SourceError, SourceLostError):
        return

    assert [frame.sequence for frame in found] == list(range(len(found)))
    assert all(np.isfinite(frame.offset) for frame in found)


def test_damage_lasts_until_a_key_frame(tmp_path: Path) -> None:
    """Every frame in between is predicted from something that is not there."""
    path = write_clip(tmp_path / "a.ts", frames=60, options={"g": "20", "sc_threshold": "0", "bf": "0"})
    data = path.read_bytes()
    middle = len(data) // 2 // 188 * 188
    path.write_bytes(data[:middle] + data[middle + 3 * 188 :])
    found, lost = read_what_can_be(path)
    damaged = [frame.sequence for frame in found if frame.damaged]

    assert lost is not None
    assert damaged
    assert damaged == list(range(damaged[0], damaged[-1] + 1))
    assert len(found) - 1 > damaged[-1]
    assert not damaged[0] < 20


def test_a_damaged_frame_is_hidden_whatever_the_model_says(rules: Policy, bright: Bright) -> None:
    dark = [Frame((np.zeros((48, 64), np.uint8),), frames.Layout.GRAY, n / 25, n, damaged=n == 99) for n in range(120)]
    verdicts = [verdict for _, verdict in judge(dark, bright, Watch(rules), Cadence(rules.timing))]

    assert verdicts[98].state is State.CLEAR
    assert (verdicts[99].state, verdicts[99].reason) == (State.UNCERTAIN, Reason.DECODE_ERROR)
    assert verdicts[100].state is State.UNCERTAIN


def test_a_picture_that_is_damaged_is_never_shown(rules: Policy, bright: Bright) -> None:
    frame = Frame((np.zeros((48, 64), np.uint8),), frames.Layout.GRAY, 0.0, damaged=True)
    (outcome,) = guard([frame], bright, rules)

    assert outcome.plan.hides_everything


def test_sound_is_kept_only_when_asked_for(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", tone=True)
    with VideoSource(path) as silent:
        assert silent.audio is None
        assert len(list(silent)) == 25
        assert silent.take_audio() == []
    with VideoSource(path, audio=True) as source:
        assert len(list(source)) == 25
        assert len(source.take_audio()) > 10


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[str]:
    """Sends half a second of video, then holds its tongue."""
    data = write_clip(tmp_path / "a.ts", frames=50, rate=25, options={"g": "10", "bf": "0"}).read_bytes()
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(data)
            done.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        done.set()
        thread.join()


def test_a_camera_that_stalls_is_lost(camera: str) -> None:
    with VideoSource(camera, timeout_s=1) as source:
        assert source.info.live
        frames_of = iter(source)
        seen = [next(frames_of) for _ in range(40)]
        with pytest.raises(SourceLostError):
            list(frames_of)

    assert list(range(40)) == [frame.sequence for frame in seen]


def test_a_camera_that_does_not_answer_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SourceLostError, match="no answer"):
            VideoSource(f"rtsp://user:secret@127.0.0.1:{port}/stream", timeout_s=0.5)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("rtsp://user:secret@127.0.0.1:9/stream", id="before the host"),
        pytest.param("rtsp://user:a/secret@127.0.0.1:9/stream", id="with a slash that is not escaped"),
        pytest.param("rtsp://127.0.0.1:9/stream?user=admin&password=secret", id="in the query"),
        pytest.param("rtsp://127.0.0.1:9/user=admin&password=secret&channel=1", id="in the path"),
        pytest.param("rtsp://user:a?b=secret@127.0.0.1:9/stream", id="like a query"),
    ],
)
def test_no_password_stands_in_a_message(address: str) -> None:
    with pytest.raises(SourceLostError) as raised:
        VideoSource(address, timeout_s=0.5)
    said = f"{raised.value} {raised.value.facts}"

    assert "127.0.0.1:9" in said
    assert "secret" not in said
    assert raised.value.__cause__ is None  # a traceback would show FFmpeg's own words


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n", id="HLS"),
        pytest.param("list.mp4", "ffconcat version 1.0\nfile a.ts\n", id="FFmpeg's own, under another name"),
    ],
)
def test_a_playlist_does_not_open_other_files(tmp_path: Path, name: str, text: str) -> None:
    write_clip(tmp_path / "a.ts", frames=25, rate=25)
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match="a playlist of other files"):
        VideoSource(tmp_path / name)
