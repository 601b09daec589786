"""What an archive holds: which recordings, of which camera, from when."""

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, cast

from privacy.errors import InputError, RecordingError, UnsupportedError
from privacy.sources.picture import SUFFIXES as PICTURES
from privacy.sources.recording import Fault, PictureRecording, Recorded, VideoRecording

SIDECARS = frozenset(
    {
        ".bak",
        ".cfg",
        ".csv",
        ".db",
        ".db-shm",
        ".db-wal",
        ".doc",
        ".docx",
        ".htm",
        ".html",
        ".idx",
        ".ini",
        ".json",
        ".jsonl",
        ".log",
        ".md",
        ".md5",
        ".pdf",
        ".sha1",
        ".sha256",
        ".sqlite",
        ".srt",
        ".ssa",
        ".sub",
        ".toml",
        ".txt",
        ".vtt",
        ".xls",
        ".xlsx",
        ".xml",
        ".yaml",
        ".yml",
        ".wav",
        ".mp3",
        ".aac",
    }
)
"""Endings of what lies beside recordings. Such files are listed as ignored; every other file is opened."""
MIN_SEQUENCE = 2
"""So many pictures in one folder are a recording."""
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_STAMP = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])"
    r"[-_.T ]{0,3}([01]\d|2[0-3])[-_.:hH]?([0-5]\d)(?:[-_.:mM]?([0-5]\d))?(?!\d)"
)
_LONGEST = timedelta(days=1)
"""No recorder fills one file for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording as it is listed, before anything of it is read.

    Attributes:
        path: Where it lies, as it was named: a file, a folder of pictures or a URL.
        camera: Which camera made it.
        begun: When it begins, if its name says; UTC.
        bytes: Size of the file, or of all pictures; -1 if it cannot be told.
        mark: Changes when the recording does.
        fault: Why it cannot be read at all, if that is known already; empty otherwise.
    """

    path: str
    camera: str
    begun: datetime | None
    bytes: int
    mark: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Naming:
    """How paths tell of cameras.

    Attributes:
        pattern: Searched in the path; its group `camera` (or the first one) names the camera. None takes the folder.

    Raises:
        InputError: The pattern has no group.
    """

    pattern: re.Pattern[str] | None = None

    def __post_init__(self) -> None:
        if self.pattern is not None and not self.pattern.groups:
            raise InputError(
                f"{self.pattern.pattern!r} has no group that could name a camera", field="camera_from_path"
            )

    def camera_of(self, path: str) -> str:
        """Return the camera's name; the folder's where the pattern does not match."""
        if self.pattern is not None and (found := self.pattern.search(path)):
            names = found.groupdict()
            return names["camera"] or "" if "camera" in names else found.group(1) or ""
        return Path(path).parent.name


def moments_of(path: str) -> list[datetime]:
    """Return the moments that a name holds, in its order, as UTC: "cam1_2026-03-01_235959.mp4" and the like."""
    moments = []
    for found in _STAMP.finditer(Path(path).name):
        year, month, day, hour, minute, second = map(int, found.groups(default="0"))
        with suppress(ValueError):  # no such day
            moments.append(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    return moments


def begun_of(path: str) -> datetime | None:
    """Return when a recording began, as its name says: at its last moment, or the one before if that one is its end.

    Exports are named by both ("ch1_20260301120000_20260301130000.mp4"); what lies more than a day before the last
    moment, or after it, is when the camera was installed or the file written.
    """
    moments = moments_of(path)
    if len(moments) > 1 and timedelta() < moments[-1] - moments[-2] <= _LONGEST:
        return moments[-2]
    return moments[-1] if moments else None


def find(
    paths: Iterable[str], naming: Naming, ignored: Callable[[str], None], within: Sequence[Path] = ()
) -> Iterator[Recording]:
    """Yield every recording below `paths`, each once, in a fixed order.

    Args:
        paths: Files, folders, globs, `@FILE` for a list with one of these a line, or URLs that fsspec knows.
        naming: How a path names its camera.
        ignored: Told the path of every file that is not opened.
        within: A recording that lies outside of these folders, wherever a link leads, is refused, and so is a folder
            with a picture that does; none for no bounds.

    Raises:
        InputError: A path names nothing; a list cannot be read; a URL holds a password.
        UnsupportedError: What reads the URL is not installed.
    """
    seen: set[str] = set()
    for recording in _found(_listed(paths), naming, ignored):
        if recording.path not in seen:
            seen.add(recording.path)
            allowed = recording.fault or _inside(Path(recording.path), within)
            yield recording if allowed else replace(recording, fault=Fault.REFUSED)


def _inside(path: Path, within: Sequence[Path]) -> bool:
    if not within:
        return True
    files = [path, *pictures_in(path)] if path.is_dir() else [path]
    return all(any(file.resolve().is_relative_to(root) for root in within) for file in files)


def open_recording(path: str) -> Recorded:
    """Open a recording for reading.

    Raises:
        RecordingError: Nothing of it can be read, and why.
    """
    if is_url(path):
        return VideoRecording(path, partial(_open_url, path))
    if Path(path).is_dir():
        return PictureRecording(path, timed(pictures_in(Path(path))))
    return VideoRecording(path)


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures that lie in a folder itself, by name."""
    return sorted(path for path in folder.iterdir() if _is_picture(path))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and path.is_file()


def timed(pictures: Sequence[Path]) -> list[tuple[float, Path]]:
    """Return the offset of each picture: from the times in their names if all have one, else one a second."""
    stamps = [_taken(path) for path in pictures]
    known = [stamp for stamp in stamps if stamp is not None]
    if len(known) == len(pictures) and len(set(known)) == len(known):
        pairs = sorted(zip(known, pictures, strict=True))
        return [((stamp - pairs[0][0]).total_seconds(), path) for stamp, path in pairs]
    return [(float(number), path) for number, path in enumerate(pictures)]


def _taken(picture: Path) -> datetime | None:
    # A picture has no end: what stands before its moment is when the recording that it comes from began.
    return next(reversed(moments_of(str(picture))), None)


def _listed(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if not path.startswith("@"):
            yield path
            continue
        try:
            lines = Path(path[1:]).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path[1:]}: no list of recordings can be read: {error}", file=path[1:]) from error
        yield from (line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _found(paths: Iterable[str], naming: Naming, ignored: Callable[[str], None]) -> Iterator[Recording]:
    for path in paths:
        if is_url(path):
            yield from _remote(path, naming, ignored)
        elif Path(path).is_dir():
            yield from _below(Path(path), naming, ignored)
        elif Path(path).exists() or Path(path).is_symlink():
            yield _recording(Path(path), naming)
        elif any(letter in path for letter in "*?["):
            yield from _matched(path, naming, ignored)
        else:
            raise InputError(f"{path}: no such file or folder", path=path)


def _matched(path: str, naming: Naming, ignored: Callable[[str], None]) -> Iterator[Recording]:
    anchor = Path(path).anchor
    base, pattern = Path(anchor or "."), path.removeprefix(anchor)
    try:
        found = sorted(base.glob(pattern))
    except ValueError as error:
        raise InputError(f"{path}: {error}", path=path) from error
    unread = _unlisted(base, Path(pattern).parts)
    if not found and not unread:
        raise InputError(f"{path}: matches nothing", path=path)
    for one in found:
        yield from _below(one, naming, ignored) if one.is_dir() else (_recording(one, naming),)
    for refusal in unread:
        yield _unread_folder(refusal, naming)


def _unlisted(base: Path, parts: Sequence[str]) -> list[OSError]:
    """Return why folders cannot be listed in which a pattern has to look; `Path.glob` passes over them in silence."""
    unread: list[OSError] = []
    for number, part in enumerate(parts):
        if not any(letter in part for letter in "*?["):
            continue
        for folder in base.glob(str(Path(*parts[:number]))) if number else [base]:
            if part == "**":
                deque(os.walk(folder, onerror=unread.append), maxlen=0)
            elif folder.is_dir():
                try:
                    os.scandir(folder).close()
                except OSError as error:
                    unread.append(error)
    return unread


def _below(folder: Path, naming: Naming, ignored: Callable[[str], None]) -> Iterator[Recording]:
    # Links are not followed: one that leads back up has no end, and one that leads out was not asked for.
    unread: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=unread.append):
        folders.sort()
        pictures = [name for name in files if _is_picture(Path(here) / name)]
        sequence = len(pictures) >= MIN_SEQUENCE
        if sequence:
            yield _sequence(Path(here), naming)
        for name in sorted(files):
            path = Path(here) / name
            if sequence and name in pictures:
                continue
            if path.suffix.lower() in SIDECARS or name.startswith("."):
                ignored(str(path))
            else:
                yield _recording(path, naming)
    for error in unread:
        yield _unread_folder(error, naming)


def _unread_folder(error: OSError, naming: Naming) -> Recording:
    # What lies in such a folder is nothing that was audited.
    path = Path(error.filename)
    return _unread(path, naming.camera_of(str(path / "recording")), error)


def _recording(path: Path, naming: Naming) -> Recording:
    name, camera = str(path), naming.camera_of(str(path))
    try:
        status = path.stat()
    except OSError as error:
        return _unread(path, camera, error)
    mark = f"{status.st_size}-{status.st_mtime_ns}"
    return Recording(path=name, camera=camera, begun=begun_of(name), bytes=status.st_size, mark=mark)


def _sequence(folder: Path, naming: Naming) -> Recording:
    camera = naming.camera_of(str(folder / "pictures"))
    try:
        files = pictures_in(folder)
        states = [path.stat() for path in files]
    except OSError as error:
        return _unread(folder, camera, error)
    begun = min((stamp for path in files if (stamp := _taken(path))), default=None)
    total, newest = sum(each.st_size for each in states), max((each.st_mtime_ns for each in states), default=0)
    return Recording(path=str(folder), camera=camera, begun=begun, bytes=total, mark=f"{len(files)}-{total}-{newest}")


def _unread(path: Path, camera: str, error: OSError) -> Recording:
    """Return what cannot even be listed, with the reason."""
    why = Fault.VANISHED if isinstance(error, FileNotFoundError) else Fault.REFUSED
    return Recording(path=str(path), camera=camera, begun=begun_of(str(path)), bytes=-1, mark="", fault=why)


def is_url(path: str) -> bool:
    """Return whether a path is one that fsspec reads."""
    return bool(_URL.match(path))


def _fsspec() -> ModuleType:
    try:
        import fsspec  # noqa: PLC0415 - an extra, and only for those who ask for it
    except ImportError as error:
        raise UnsupportedError("reading remote archives needs: pip install 'privacy-zones[remote]'") from error
    return cast("ModuleType", fsspec)


def _remote(url: str, naming: Naming, ignored: Callable[[str], None]) -> Iterator[Recording]:
    host = url.partition("://")[2].partition("/")[0]
    if ":" in host.rpartition("@")[0]:
        raise InputError("a URL with a password would stand in every output; put it into fsspec's configuration")
    try:
        files, root = _fsspec().core.url_to_fs(url)
        found = files.glob(root) if any(letter in root for letter in "*?[") else [root]
        names = sorted(name for one in found for name in (files.find(one) if files.isdir(one) else [one]))
        if not names:
            raise InputError(f"{url}: nothing is there", path=url)
        for name in names:
            where = files.unstrip_protocol(name)
            if Path(name).suffix.lower() in SIDECARS:
                ignored(where)
                continue
            about = files.info(name)
            mark = f"{about.get('size')}-{about.get('mtime') or about.get('LastModified') or about.get('created')}"
            yield Recording(
                path=where, camera=naming.camera_of(where), begun=begun_of(where),
                bytes=int(about.get("size") or 0), mark=mark,
            )  # fmt: skip
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{url}: cannot be listed: {error}", path=url) from error


def _open_url(url: str) -> BinaryIO:
    try:
        return cast("BinaryIO", _fsspec().open(url, "rb").open())
    except FileNotFoundError as error:
        raise RecordingError(f"{url}: it is not there any more", why=Fault.VANISHED, source=url) from error
    except (OSError, ValueError) as error:
        raise RecordingError(f"{url}: {type(error).__name__}", why=Fault.REFUSED, source=url) from error
