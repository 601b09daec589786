"""Masked copies lie below the folder that was asked for, whatever a camera is called, and hide every finding."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.audit.copies import folder_of, write_copy
from privacy.evidence import Evidence
from privacy.models import catalogue
from privacy.sources.video import VideoSource
from tests.audit.recordings import audit, ruled, write_recording
from tests.toys import Bright, evidence

RATE = 25
"""What FFmpeg takes for granted where nothing tells."""


class Blind(Bright):
    """Sees no place, so that nothing is hidden but what the audit found."""

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        return [evidence(0.0, offset) for offset in offsets]


def recorded(path: Path, **more: Any) -> Path:
    return write_recording(path, [(20, 34)], rate=RATE, gop_s=4, **more)


def cut(path: Path) -> Path:
    """Take away the first key frame, so that those up to the next one, after four seconds, cannot be read."""
    with av.open(str(path)) as container:
        at = [packet.pos for packet in container.demux(video=0) if packet.size][1]
    assert at is not None
    path.write_bytes(path.read_bytes()[at:])
    return path


def whole(folder: Path) -> Path:
    return recorded(folder / "a.mp4")


def cut_stream(folder: Path) -> Path:
    return cut(recorded(folder / "a.ts", container_options={"mpegts_flags": "pat_pmt_at_frames"}))


def cut_without_times(folder: Path) -> Path:
    return cut(recorded(folder / "a.h264"))


def set_clock(folder: Path) -> Path:
    return recorded(
        folder / "a.ts", ticks=[40 * number + 60_000 * (number >= 10 * RATE) for number in range(60 * RATE)]
    )


def pause_at_once(folder: Path) -> Path:
    return recorded(folder / "a.avi", ticks=[40 * number + 9_000 * (number >= 1) for number in range(60 * RATE)])


@pytest.mark.parametrize("recording", [whole, cut_stream, cut_without_times, set_clock, pause_at_once])
def test_a_finding_is_hidden_however_time_is_told(tmp_path: Path, recording: Callable[[Path], Path]) -> None:
    """The audit counts from the first picture of a file, also from one that cannot be read, and leaves out leaps."""
    path = recording(tmp_path)
    with audit(tmp_path / "out", path) as book:
        copy, missing = write_copy(ruled(book)[path.name], tmp_path / "copies", Blind(), catalogue.load_policy())
    with VideoSource(path) as source, VideoSource(copy) as copied:
        pairs = [
            (before.planes[0].mean(), after.planes[0].mean()) for before, after in zip(source, copied, strict=True)
        ]

    assert missing == ""
    assert sum(before > 128 for before, _ in pairs) == 14 * RATE
    assert max(after for _, after in pairs) < 128
    assert sum(after > 17 for _, after in pairs) > 40 * RATE  # what was not found is noise


@pytest.mark.parametrize(
    ("camera", "want"),
    [("gate", "gate"), ("", "camera"), ("..", "camera"), (".", "camera"), ("../../etc", ".._.._etc")],
)
def test_no_camera_leads_out_of_the_folder(camera: str, want: str) -> None:
    assert folder_of(camera) == want
