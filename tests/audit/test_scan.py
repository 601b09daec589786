"""One recording: what is found, how exactly, and at what cost."""

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.audit.finding import Looks, judge
from privacy.audit.outcome import Totals
from privacy.audit.scan import CLOSER, DOUBT, INHERITED, LOOKED, LOOKS, Scan
from privacy.audit.terms import Terms
from privacy.models import catalogue
from privacy.zones import Zone
from tests.audit.recordings import RATE, TERMS, audit, ruled, scan, spans, write_recording
from tests.clips import write_clip

FORMATS = [
    pytest.param("a.mp4", {}, id="MP4"),
    pytest.param("a.mkv", {}, id="Matroska"),
    pytest.param("a.avi", {}, id="AVI"),
    pytest.param("a.ts", {}, id="MPEG-TS"),
    pytest.param("a.flv", {}, id="FLV"),
    pytest.param("a.h264", {}, id="raw H.264"),
    pytest.param("a.mkv", {"codec": "libx265"}, id="HEVC"),
    pytest.param("a.hevc", {"codec": "libx265"}, id="raw H.265"),
    pytest.param("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}, id="MJPEG"),
    pytest.param("a.mp4", {"codec": "mpeg4"}, id="MPEG-4 part 2"),
]


def found(seen: Scan, shortest_s: float = 5.0) -> list[tuple[float, float]]:
    looks = Looks(seen.looks, seen.places, seen.end, seen.info.rate if seen.info else 0.0)
    judged = judge(looks, catalogue.load_policy(), model="bright.test", shortest_s=shortest_s)
    return [(finding.start, finding.end) for finding in judged.findings]


@pytest.mark.parametrize(("name", "options"), FORMATS)
def test_a_sight_is_found_in_every_format_with_ends_known_to_a_second(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    """Raw streams have no clock: FFmpeg takes them for 25 pictures a second, and so is the clip."""
    rate = 25 if name in ("a.h264", "a.hevc") else RATE
    path = write_recording(tmp_path / name, [(20, 34)], rate=rate, **options)
    ((start, end),) = found(scan(path))

    assert start == pytest.approx(20, abs=1)
    assert end == pytest.approx(34, abs=1)


def test_a_folder_of_pictures_is_a_recording_timed_by_the_names(tmp_path: Path) -> None:
    for second in range(0, 60, 2):
        level = 240 if 20 <= second < 40 else 10
        name = f"cam_20260301_1200{second:02}.jpg"
        cv2.imwrite(str(tmp_path / name), np.full((48, 64, 3), level, np.uint8))
    ((start, end),) = found(scan(tmp_path))

    assert start == pytest.approx(20, abs=1)
    assert end == pytest.approx(40, abs=1)


def test_a_broken_picture_costs_no_more_than_itself(tmp_path: Path) -> None:
    """The next picture stands in for it; it is named, once."""
    whole = cv2.imencode(".jpg", np.full((48, 64, 3), 10, np.uint8))[1].tobytes()
    for number in range(8):
        (tmp_path / f"{number}.jpg").write_bytes(whole if number else whole[:100])
    seen = scan(tmp_path)

    assert seen.unreadable is None
    assert seen.decoded > 1
    assert [fault.message for fault in seen.broken] == [f"{tmp_path / '0.jpg'}: not a picture"]


def test_only_key_frames_are_decoded_where_nothing_happens(tmp_path: Path) -> None:
    seen = scan(write_recording(tmp_path / "a.mp4", []))

    assert seen.decoded == 60 / 2
    assert seen.end == pytest.approx(60, abs=0.5)


def test_of_key_frames_that_follow_closely_most_are_not_even_decoded(tmp_path: Path) -> None:
    """At most one look in `look_every_s`; MJPEG is all key frames."""
    seen = scan(write_recording(tmp_path / "a.avi", [], codec="mjpeg", pix_fmt="yuvj420p"))

    assert seen.decoded <= 60 / TERMS.look_every_s + 1


def test_a_still_picture_is_looked_at_once_and_its_evidence_holds(tmp_path: Path) -> None:
    seen = scan(write_recording(tmp_path / "a.mp4", [], seconds=50))

    assert seen.fresh == 1
    assert np.count_nonzero(seen.looks["kind"] == INHERITED) == len(seen.looks) - 1


def test_a_change_in_one_corner_is_worth_a_look(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", [(10, 20), (40, 50)])

    assert scan(path).fresh > 4


def test_looks_are_nowhere_nearer_than_a_second(tmp_path: Path) -> None:
    seen = scan(write_recording(tmp_path / "a.mp4", [(11.3, 25.1), (31, 33)], gop_s=1))

    assert np.diff(seen.looks["offset"]).min() >= 0.97


def test_key_frames_that_are_too_far_apart_hide_no_event(tmp_path: Path) -> None:
    """One key frame a minute: what lies between has to be decoded."""
    path = write_recording(tmp_path / "a.mp4", [(21, 33)], gop_s=60)
    seen = scan(path)

    assert np.diff(seen.looks["offset"]).max() <= TERMS.min_event_s
    assert np.allclose(found(seen), [(21, 33)], atol=1)


def test_what_lies_after_the_last_key_frame_is_looked_at(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", [(80, 100)], seconds=100, gop_s=60)

    assert np.allclose(found(scan(path)), [(80, 100)], atol=1)


def test_a_budget_is_kept_and_what_it_leaves_unseen_is_told(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", [], seconds=300, gop_s=60, rate=10)
    terms = Terms(policy="guangdong", model="zones-lite0", max_decode=0.05)
    seen = scan(path, terms)
    looks = Looks(seen.looks, seen.places, seen.end)

    assert seen.decoded <= 0.05 * 3000
    assert judge(looks, catalogue.load_policy(), model="b", shortest_s=5).gaps.max() > terms.min_event_s


def test_without_refining_ends_are_as_good_as_key_frames(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", [(21, 41)], gop_s=4)
    terms = Terms(policy="guangdong", model="zones-lite0", refine=False)
    seen = scan(path, terms)

    assert not np.any(seen.looks["kind"] & CLOSER)
    assert np.allclose(found(seen), [(21, 41)], atol=2)


def test_the_parts_of_a_long_recording_see_what_one_scan_of_it_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recording(tmp_path / "a.mp4", [(58, 75), (130, 150)], seconds=200)
    whole = found(scan(path))
    monkeypatch.setattr("privacy.audit.scan.SEGMENT_S", 60.0)
    monkeypatch.setattr("privacy.audit.book.SEGMENT_S", 60.0)
    book = audit(tmp_path / "out", path)
    one = ruled(book)["a.mp4"]
    book.close()

    assert one.entry.parts == 3
    assert spans(one) == whole
    assert len(whole) == 2


def damage(path: Path, first: int, last: int) -> None:
    """Overwrite the key frames from `first` up to `last`, but for their headers."""
    with av.open(str(path)) as container:
        keys = [packet for packet in container.demux(video=0) if packet.is_keyframe][first:last]
    data = bytearray(path.read_bytes())
    for key in keys:
        assert key.pos is not None
        data[key.pos + 100 : key.pos + key.size] = bytes(key.size - 100)
    path.write_bytes(data)


def test_a_damaged_key_frame_is_a_doubt_and_named(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", [])
    damage(path, 10, 11)
    seen = scan(path)

    assert seen.looks["offset"][seen.looks["kind"] % CLOSER == DOUBT].tolist() == [20.0]
    assert [(fault.why, fault.offset) for fault in seen.broken] == [("DAMAGED", 20.0)]


@pytest.mark.parametrize(
    ("last", "missed_s", "longest_s"),
    [
        pytest.param(10, 0, 2, id="none"),
        pytest.param(13, 0, 8, id="three, in which no event of ten seconds hides"),
        pytest.param(20, 12, 22, id="ten, in which one does"),
    ],
)
def test_what_cannot_be_decoded_was_not_looked_at(tmp_path: Path, last: int, missed_s: float, longest_s: float) -> None:
    path = write_recording(tmp_path / "a.mp4", [])
    damage(path, 10, last)
    totals = Totals()
    with audit(tmp_path / "out", path) as book:
        totals.add(ruled(book)["a.mp4"], TERMS.min_event_s)

    assert totals.longest_gap_s == pytest.approx(longest_s)
    assert totals.p_not_looked_at == pytest.approx(missed_s / totals.audited_s)


def test_ends_are_known_as_well_as_the_looks_beside_them_that_saw_anything() -> None:
    """Bright up to 24 s, nothing to be seen from 26 to 44 s, dark from 46 s on: the end lies anywhere in between."""
    looks = np.zeros(31, LOOKS)
    for row, offset in zip(looks, range(0, 62, 2), strict=True):
        row["offset"], row["kind"] = offset, DOUBT if 26 <= offset <= 44 else LOOKED
        row["zones"][Zone.WASHROOM if 10 <= offset < 26 else Zone.PERMITTED] = 65535
    (one,) = judge(Looks(looks, ("",), 60.0), catalogue.load_policy(), model="b", shortest_s=5).findings

    assert (one.start, one.start_within) == (9, 1)
    assert (one.end, one.end_within) == (25, 21)
    assert one.scan_gap == 22


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.flv"])
def test_a_long_recording_that_is_whole_is_not_called_damaged(tmp_path: Path, name: str) -> None:
    """Of thousands of packets between looks most are never decoded; what is remembered of them has an end."""
    seen = scan(write_recording(tmp_path / name, [(200, 230)], seconds=300, rate=20))

    assert seen.broken == ()
    assert not np.any(seen.looks["kind"] % CLOSER == DOUBT)
    assert np.allclose(found(seen), [(200, 230)], atol=1)


def test_thumbnails_show_nothing_of_what_was_seen(tmp_path: Path) -> None:
    """Two recordings that differ in every pixel and show the model the same give the same thumbnails."""
    one = write_recording(tmp_path / "a.mp4", [(20, 40)])
    noise = np.random.default_rng(9).integers(200, 256, (8, 48, 64), np.uint8)

    def luma(number: int) -> NDArray[np.uint8]:
        return noise[number % 8] if 20 <= number / RATE < 40 else np.asarray(noise[number % 8] // 16, np.uint8)

    other = write_clip(tmp_path / "b.mp4", frames=300, rate=RATE, luma=luma, options={"g": "10", "bf": "0"})
    pictures = [[jpeg for _, jpeg in scan(path).thumbnails] for path in (one, other)]

    assert pictures[0]
    assert {*pictures[0]} == {*pictures[1]}


def test_a_scan_is_the_same_every_time(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.ts", [(20, 34)])

    assert scan(path).looks.tobytes() == scan(path).looks.tobytes()
