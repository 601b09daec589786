"""What is written is like what was read: count, size, times, colour; or it is not there at all."""

import resource
import signal
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from privacy.errors import SinkError, SourceLostError
from privacy.frame import Frame, Layout
from privacy.masking import blank, mask
from privacy.plan import MaskPlan, Polygon
from privacy.policy import Effect
from privacy.sinks.lines import LinesSink
from privacy.sinks.video import VideoSink
from privacy.sources.video import VideoInfo, VideoSource
from tests.clips import random_frame, read_all, textured, write_clip

INFO = VideoInfo(size=(48, 64), rate=Fraction(25), time_base=Fraction(1, 12800))


def copy(source: Path, target: Path) -> tuple[list[Frame], list[Frame]]:
    """Decode and encode; return the frames before and after."""
    with VideoSource(source) as video, VideoSink(target, video.info, crf=1) as sink:
        for frame in video:
            sink.write(frame)
    return read_all(source), read_all(target)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def interrupted(path: Path, error: Exception) -> None:
    with VideoSink(path, INFO) as sink:
        sink.write(random_frame(Layout.I420, (48, 64)))
        raise error


def luma(frames: list[Frame]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.stack([frame.planes[0] for frame in frames]).astype(np.float64)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi", ".ts", ".flv"])
def test_every_container_keeps_count_size_rate_and_times(tmp_path: Path, suffix: str) -> None:
    source = write_clip(tmp_path / "in.mp4", rate=20)
    before, after = copy(source, tmp_path / f"out{suffix}")

    assert len(before) == len(after)
    assert [frame.offset for frame in before] == pytest.approx([frame.offset for frame in after], abs=0.001)
    assert np.abs(luma(before) - luma(after)).mean() < 2
    with VideoSource(tmp_path / f"out{suffix}") as written:
        assert (written.info.size, written.info.rate) == ((48, 64), Fraction(20))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (9, 17), (47, 64), (48, 63), (50, 64), (52, 70)])
def test_odd_and_tiny_sizes_are_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    before, after = copy(write_clip(tmp_path / "in.mkv", size=size, codec="ffv1", frames=3), tmp_path / "out.mp4")

    assert [size] * 3 == [frame.size for frame in after]
    assert np.abs(luma(before) - luma(after)).mean() < 3


def test_a_pause_is_kept_where_a_tick_is_a_frame(tmp_path: Path) -> None:
    ticks = [40 * number + (2000 if number >= 5 else 0) for number in range(10)]
    before, after = copy(write_clip(tmp_path / "in.mkv", frames=10, ticks=ticks), tmp_path / "out.avi")
    times = [[frame.offset for frame in found] for found in (before, after)]

    assert times[0] == pytest.approx(times[1], abs=0.001)
    assert len(after) == 10


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_variable_rate_keeps_its_times(tmp_path: Path, suffix: str) -> None:
    ticks = [0, 40, 50, 300, 1000, 1001, 1040]
    before, after = copy(write_clip(tmp_path / "in.mkv", frames=7, ticks=ticks), tmp_path / f"out{suffix}")

    assert [frame.offset for frame in before] == pytest.approx([frame.offset for frame in after], abs=0.0005)


def test_a_late_start_is_kept(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.ts")
    copy(source, tmp_path / "out.ts")
    with VideoSource(source) as video, VideoSource(tmp_path / "out.ts") as written:
        assert video.info.start == written.info.start > 0


def test_what_lay_on_its_side_is_written_upright(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", rotation=90)
    before, after = copy(source, tmp_path / "out.mp4")
    assert before[0].size == after[0].size == (64, 48)
    assert np.abs(before[0].planes[0].astype(int) - after[0].planes[0]).mean() < 8
    with av.open(tmp_path / "out.mp4") as written:
        assert next(written.decode(video=0)).rotation == 0


def test_colour_is_kept(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", options={"colorprim": "bt709"})
    copy(source, tmp_path / "out.mp4")
    with VideoSource(source) as video, VideoSource(tmp_path / "out.mp4") as written:
        assert video.info.matrix == written.info.matrix
        assert video.info.full_range is written.info.full_range is False


def test_full_range_stays_full_range(tmp_path: Path) -> None:
    bright = write_clip(
        tmp_path / "in.avi", codec="mjpeg", pix_fmt="yuvj420p", luma=lambda _: np.full((48, 64), 250, np.uint8)
    )
    before, after = copy(bright, tmp_path / "out.mp4")

    assert all(frame.full_range for frame in (*before, *after))
    assert np.abs(luma(before) - luma(after)).mean() < 2


def test_masked_and_clear_frames_in_turn(tmp_path: Path) -> None:
    """Shared, adopted and lent planes must not run into one another."""
    source = write_clip(tmp_path / "in.mp4", frames=24)
    plan = MaskPlan((Polygon(((0, 0), (0.5, 0), (0.5, 1), (0, 1))),), Effect())
    with VideoSource(source) as video, VideoSink(tmp_path / "out.mp4", video.info, crf=1) as sink:
        for frame in video:
            sink.write((frame, blank(frame), mask(frame, plan))[frame.sequence % 3])
    before, after = read_all(source), read_all(tmp_path / "out.mp4")

    for old, new in zip(before, after, strict=True):
        left, right = new.planes[0][:, :32].astype(int), new.planes[0][:, 32:].astype(int)
        kind = old.sequence % 3
        assert (np.abs(left - 16).mean() < 1) == (kind != 0)
        assert (np.abs(right - 16).mean() < 1) == (kind == 1)
        assert (np.abs(right - old.planes[0][:, 32:]).mean() < 6) == (kind != 1)


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_every_layout_can_be_written(tmp_path: Path, layout: Layout, size: tuple[int, int]) -> None:
    info = VideoInfo(size=size, rate=Fraction(25), time_base=Fraction(1, 12800))
    frame = random_frame(layout, size)
    flat = frame.with_planes(tuple(np.full_like(plane, 128) for plane in frame.planes))
    with VideoSink(tmp_path / "out.mp4", info) as sink:
        sink.write(flat)
    (written,) = read_all(tmp_path / "out.mp4")

    expected = 126 if layout in (Layout.BGR, Layout.RGB) else 128  # 16 + 128 * 219 / 255
    assert [expected, 128, 128] == pytest.approx([float(plane.mean()) for plane in written.planes], abs=1.5)


def test_timestamps_that_run_backwards_go_on(tmp_path: Path) -> None:
    """A joined recording starts its clock anew; the frames are kept, in their order."""
    with VideoSink(tmp_path / "out.mp4", INFO) as sink:
        for number, offset in enumerate([0, 0.04, 0.08, 0, 0.04, 0.04]):
            sink.write(Frame(random_frame(Layout.I420, (48, 64)).planes, Layout.I420, offset, number))
    offsets = [frame.offset for frame in read_all(tmp_path / "out.mp4")]

    assert pytest.approx(offsets) == [0, 0.04, 0.08, 0.12, 0.16, 0.2]


def test_a_frame_of_another_size_is_refused_not_resized(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "out.mp4", INFO)
    with pytest.raises(SinkError, match="32x24 does not fit a video of 64x48"):
        sink.write(random_frame(Layout.I420, (24, 32)))
    sink.discard()


def test_nothing_is_there_until_all_of_it_is(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "out.mp4", INFO) as sink:
        sink.write(random_frame(Layout.I420, (48, 64)))
        assert not (tmp_path / "out.mp4").exists()

    assert names(tmp_path) == ["out.mp4"]


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        interrupted(tmp_path / "out.mp4", RuntimeError())

    assert names(tmp_path) == []


def test_a_lost_source_leaves_what_there_was(tmp_path: Path) -> None:
    with pytest.raises(SourceLostError):
        interrupted(tmp_path / "out.mp4", SourceLostError("gone"))

    assert len(read_all(tmp_path / "out.mp4")) == 1


def test_no_frame_no_file(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="not one frame"), VideoSink(tmp_path / "out.mp4", INFO):
        pass

    assert names(tmp_path) == []


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_text("mine")
    with pytest.raises(SinkError, match="exists"):
        VideoSink(tmp_path / "out.mp4", INFO)
    assert (tmp_path / "out.mp4").read_text() == "mine"

    with VideoSink(tmp_path / "out.mp4", INFO, overwrite=True) as sink:
        sink.write(random_frame(Layout.I420, (48, 64)))
    assert len(read_all(tmp_path / "out.mp4")) == 1


@pytest.mark.parametrize("name", ["out.txt", "out", "missing/out.mp4"])
def test_a_place_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match="out"):
        VideoSink(tmp_path / name, INFO)


WRITER = """
    import signal, sys, numpy as np
    from fractions import Fraction
    from privacy.errors import SinkError
    from privacy.frame import Frame, Layout
    from privacy.sinks.video import VideoSink
    from privacy.sources.video import VideoInfo

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    info = VideoInfo(size=(480, 640), rate=Fraction(25), time_base=Fraction(1, 12800))
    rng = np.random.default_rng(0)
    try:
        with VideoSink(sys.argv[1], info, preset="ultrafast") as sink:
            for number in range(int(sys.argv[2])):
                planes = tuple(rng.integers(0, 255, (480 // n, 640 // n), np.uint8) for n in (1, 2, 2))
                sink.write(Frame(planes, Layout.I420, number / 25, number))
                print(number, flush=True)
    except SinkError as error:
        print(error)
        sys.exit(7)
"""


def test_a_killed_process_leaves_no_file_under_the_name(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "out.mp4"), "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 5:
                process.send_signal(signal.SIGKILL)
                break

    assert not (tmp_path / "out.mp4").exists()


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "out.mp4"), "40"]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )

    assert done.returncode == 7
    assert "cannot be written" in done.stdout
    assert names(tmp_path) == []


def test_sound_is_copied(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", tone=True)
    with (
        VideoSource(source, audio=True) as video,
        VideoSink(tmp_path / "out.mkv", video.info, audio=video.audio) as sink,
    ):
        for frame in video:
            sink.write(frame)
            sink.write_audio(video.take_audio())
    with av.open(tmp_path / "out.mkv") as written, av.open(source) as read:
        wrote, had = ([bytes(packet) for packet in one.demux(audio=0) if packet.size] for one in (written, read))

    assert had == wrote


def test_metadata_of_the_source_is_left_behind(tmp_path: Path) -> None:
    """It may name the place, the person or the camera."""
    source = write_clip(tmp_path / "in.mkv", container_options={})
    copy(source, tmp_path / "out.mkv")
    with av.open(tmp_path / "out.mkv") as written:
        assert set(written.metadata) <= {"ENCODER", "encoder"}


def test_lines_are_json_objects(tmp_path: Path) -> None:
    with LinesSink(tmp_path / "a.jsonl") as sink:
        sink.write({"zone": "卫生间"})
        sink.write({"offset": 0.5})

    assert (tmp_path / "a.jsonl").read_text("utf-8") == '{"zone": "卫生间"}\n{"offset": 0.5}\n'


def test_a_report_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("mine")
    with pytest.raises(SinkError, match="exists"):
        LinesSink(tmp_path / "a.jsonl")
    LinesSink(tmp_path / "a.jsonl", overwrite=True).close()

    assert (tmp_path / "a.jsonl").read_text() == ""


def test_the_texture_of_these_tests_is_not_black() -> None:
    assert textured((48, 64))(0).min() > 30
