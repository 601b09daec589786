"""What is found where, whose camera it is, and from when."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from privacy.audit.archive import Naming, begun_of, find, pictures_in, timed
from privacy.errors import InputError
from privacy.sources.recording import Fault
from tests.audit.recordings import TERMS, audit, ruled, scan, spans, write_recording


def names(*paths: str | Path, naming: Naming = Naming(), ignored: list[str] | None = None) -> list[str]:  # noqa: B008
    skipped = [] if ignored is None else ignored
    return [Path(one.path).name for one in find(map(str, paths), naming, skipped.append)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.mkv", "b/1.mp4", "a/3", "a/notes.txt", "a/.hidden.mp4", "snaps/1.jpg", "snaps/2.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_a_folder_is_searched_to_any_depth_in_a_fixed_order(folder: Path) -> None:
    assert names(folder) == ["3", "1.mp4", "2.mkv", "snaps"]


def test_what_lies_beside_recordings_is_named_as_ignored(folder: Path) -> None:
    ignored: list[str] = []
    names(folder, ignored=ignored)

    assert [Path(path).name for path in ignored] == [".hidden.mp4", "notes.txt"]


def test_globs_and_lists_name_recordings_too_and_each_counts_once(folder: Path) -> None:
    (folder / "list.txt").write_text(f"# a list\n{folder / 'b/2.mkv'}\n\n{folder / 'a'}\n")

    assert names(f"{folder}/b/*.mp4", f"@{folder / 'list.txt'}", folder / "b/1.mp4") == ["1.mp4", "2.mkv", "3"]


@pytest.fixture
def b_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folder b cannot be listed, whoever runs the tests."""
    listed = os.scandir

    def scandir(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)


@pytest.mark.usefixtures("b_refuses")
def test_a_folder_that_cannot_be_listed_is_named_as_refused(folder: Path) -> None:
    found = list(find([str(folder)], Naming(), lambda _: None, within=[folder.resolve()]))

    assert [(Path(one.path).name, one.camera, one.fault) for one in found if one.fault] == [("b", "b", Fault.REFUSED)]
    assert [Path(one.path).name for one in found if not one.fault] == ["3", "snaps"]


@pytest.mark.usefixtures("b_refuses")
@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        pytest.param("*/*", ["3", "1.jpg", "2.jpg"], id="below what a letter stands for"),
        pytest.param("**/*.mp4", [], id="at any depth"),
        pytest.param("b/*.mp4", [], id="and nothing else"),
        pytest.param("a/*", ["3"], id="not where it does not look"),
    ],
)
def test_a_folder_that_a_glob_cannot_list_is_named_as_refused(folder: Path, pattern: str, read: list[str]) -> None:
    found = list(find([f"{folder}/{pattern}"], Naming(), lambda _: None))
    refused = [(Path(one.path).name, one.camera, one.fault) for one in found if one.fault]

    assert refused == ([] if pattern == "a/*" else [("b", "b", Fault.REFUSED)])
    assert {Path(one.path).name for one in found if not one.fault} >= set(read)


def test_pictures_that_are_links_to_nothing_are_named_as_vanished(folder: Path) -> None:
    for number in range(2):
        (folder / "a" / f"{number}.jpg").symlink_to("nowhere")
    found = list(find([str(folder / "a")], Naming(), lambda _: None))

    assert [Path(one.path).name for one in found if one.fault == Fault.VANISHED] == ["0.jpg", "1.jpg"]


@pytest.mark.parametrize("path", ["nowhere", "no*.mp4", "**x", "@nowhere", "sftp://user:secret@host/x"])
def test_a_path_that_names_nothing_is_an_error_without_passwords(path: str) -> None:
    with pytest.raises(InputError) as raised:
        names(path)

    assert "secret" not in str(raised.value)


def test_a_link_that_leads_back_is_not_followed(folder: Path) -> None:
    (folder / "b" / "loop").symlink_to(folder)

    assert names(folder / "b") == ["1.mp4", "2.mkv"]


@pytest.mark.parametrize(("inside", "faults"), [(True, ["", ""]), (False, ["", Fault.REFUSED])])
def test_a_picture_that_is_a_link_must_not_lead_out_of_the_bounds(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, inside: bool, faults: list[str]
) -> None:
    private = (folder if inside else tmp_path_factory.mktemp("elsewhere")) / "private.jpg"
    private.write_bytes(b"x")
    (folder / "snaps" / "3.jpg").symlink_to(private)

    found = find([str(folder / "b/1.mp4"), str(folder / "snaps")], Naming(), lambda _: None, [folder.resolve()])

    assert [one.fault for one in found] == faults


@pytest.mark.parametrize(
    ("pattern", "path", "camera"),
    [
        pytest.param(None, "/archive/lobby/1.mp4", "lobby", id="the folder"),
        pytest.param(r"cam(?P<camera>\d+)", "/archive/x/cam12-1.mp4", "12", id="a named group"),
        pytest.param(r"/(\w+)/\d{4}/", "/archive/hall/2026/1.mp4", "hall", id="the first group"),
        pytest.param(r"cam(\d+)", "/archive/hall/1.mp4", "hall", id="the folder where nothing matches"),
    ],
)
def test_a_path_tells_of_its_camera(pattern: str | None, path: str, camera: str) -> None:
    assert Naming(re.compile(pattern) if pattern else None).camera_of(path) == camera


def test_a_pattern_needs_a_group() -> None:
    with pytest.raises(InputError, match="no group"):
        Naming(re.compile("cam"))


@pytest.mark.parametrize(
    ("name", "begun"),
    [
        ("cam1_20260301_235959.mp4", datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)),
        ("2026-03-01T08-05.mkv", datetime(2026, 3, 1, 8, 5, tzinfo=UTC)),
        ("ch01_20260301080500.avi", datetime(2026, 3, 1, 8, 5, tzinfo=UTC)),
        ("NVR_ch1_main_20220501120000_20220501130000.mp4", datetime(2022, 5, 1, 12, tzinfo=UTC)),
        ("ch1_2022-05-01_23-30-00_2022-05-02_00-30-00.mp4", datetime(2022, 5, 1, 23, 30, tzinfo=UTC)),
        ("exported_20260310_090000_ch1_20260301_120000.mp4", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("until_20260310_090000_ch1_20260310_090000.mp4", datetime(2026, 3, 10, 9, tzinfo=UTC)),
        ("installed_20240105_1200_ch1_20260301_120000.mp4", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("20260230_000000.mp4", None),
        ("holiday.mp4", None),
    ],
)
def test_a_name_tells_of_its_time(name: str, begun: datetime | None) -> None:
    assert begun_of(name) == begun


def test_a_picture_is_of_the_last_moment_in_its_name(tmp_path: Path) -> None:
    """Pictures have no end: what stands before is when the recording that they come from began."""
    for second in (5, 2, 9):
        (tmp_path / f"20260301_120000_at_20260301_12000{second}.jpg").write_bytes(b"x")
    (one,) = find([str(tmp_path)], Naming(), lambda _: None)

    assert [offset for offset, _ in timed(pictures_in(tmp_path))] == [0, 3, 7]
    assert one.begun == datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC)


def test_a_remote_recording_is_read_where_it_lies(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    data = write_recording(tmp_path / "a.mp4", [(20, 34)]).read_bytes()
    memory = fsspec.filesystem("memory")
    memory.pipe("/archive/hall/a.mp4", data)
    memory.pipe("/archive/hall/cut.mkv", b"\x1a\x45\xdf\xa3")
    try:
        book = audit(tmp_path / "out", "memory://archive")
        found = ruled(book)
        book.close()
    finally:
        memory.rm("/archive", recursive=True)

    assert found["a.mp4"].entry.camera == "hall"
    assert spans(found["a.mp4"])[0] == pytest.approx((20, 34), abs=1)
    assert [fault.why for fault in found["cut.mkv"].entry.broken] == ["NOT_VIDEO"]


def test_recordings_outside_the_time_asked_for_are_not_scanned(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "cam_20260301_120000.mp4", [])
    begun = begun_of(str(path))
    before = replace(TERMS, until=datetime(2026, 3, 1, 12, tzinfo=UTC))
    after = replace(TERMS, since=datetime(2026, 3, 1, 12, 1, tzinfo=UTC))
    within = replace(TERMS, since=datetime(2026, 3, 1, 12, 0, 59, tzinfo=UTC))

    assert [scan(path, terms, begun=begun).outside for terms in (before, after, within)] == [True, True, False]


@pytest.mark.parametrize(
    ("terms", "outside"),
    [
        pytest.param({"until": "12:30"}, False, id="begins before"),
        pytest.param({"until": "12:00"}, True, id="begins after, whichever moment is its beginning"),
        pytest.param({"since": "12:00:30"}, False, id="ends after"),
        pytest.param({"since": "13:00:30"}, False, id="ends after, if the last moment is its beginning"),
        pytest.param({"since": "13:01"}, True, id="ends before, whichever moment is its beginning"),
    ],
)
def test_a_recording_is_left_out_only_if_it_lies_outside_by_every_moment_in_its_name(
    tmp_path: Path, terms: dict[str, str], outside: bool
) -> None:
    """A minute, named as if it were an hour: whatever the moments mean, better looked at than missed."""
    path = write_recording(tmp_path / "ch1_20260301120000_20260301130000.mp4", [])
    moments = {name: datetime.fromisoformat(f"2026-03-01T{time}+00:00") for name, time in terms.items()}
    asked = replace(TERMS, since=moments.get("since"), until=moments.get("until"))

    assert scan(path, asked, begun=begun_of(str(path))).outside is outside
