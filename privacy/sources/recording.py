"""Recordings in an archive: a few of their pictures, found without decoding the others."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Protocol

import av
import av.error
from av.packet import Packet
from av.video.stream import VideoStream

from privacy.errors import FrameError, RecordingError, SourceError
from privacy.evidence import Doubt, Reason
from privacy.frame import Frame, check_size
from privacy.sources.avi import Reach
from privacy.sources.picture import read_picture
from privacy.sources.video import (
    PLAYLISTS,
    TIMED,
    frame_of,
    missing_of,
    open_container,
    ticks_of,
    video_stream,
    why_of,
)

MIN_SIDE = 16
"""Pictures with a shorter side than this show no place that anybody could tell."""
MAX_DURATION_S = 31 * 86400.0
"""A recording that claims to be longer than this has a broken or hostile header."""
CLOCK_JUMP_S = 10.0
"""Timestamps that leap by more than this, either way, are a clock that was set and not time that passed."""
_SEEKABLE = ("mp4", "matroska")
"""Containers whose index says which picture is where, so that reading may begin anywhere."""
_PICTURE_FORMATS = re.compile(r"_pipe$|^image2$|^gif$|^ico$")
_ENCRYPTED_TAGS = ("encv", "enca")
_TOLERANCE_S = 0.02  # timestamps are rounded to the ticks of their container
_EARLY_S = 2.0  # containers round their duration, and sound may outlast the pictures
_TS_PACKET, _STAMP = 188, 4  # ISO 13818-1; on Blu-ray and of camcorders each follows a time
_TS_SYNC = b"G"
_SAME_S = 1e-4  # no two pictures are nearer to one another
_PENDING = 1024  # no decoder holds back so many pictures


class Fault(StrEnum):
    """Why a recording, or a part of it, cannot be read. Scripts depend on these: never renamed."""

    EMPTY = "EMPTY"
    VANISHED = "VANISHED"
    """It was there when the archive was listed."""
    REFUSED = "REFUSED"
    """The operating system or the remote store does not let us read it."""
    NOT_VIDEO = "NOT_VIDEO"
    """No format that holds video, whatever its name says."""
    PLAYLIST = "PLAYLIST"
    """It names other files instead of holding video; those are not opened."""
    ENCRYPTED = "ENCRYPTED"
    TOO_LARGE = "TOO_LARGE"
    """Its header claims pictures that nobody should allocate memory for."""
    TOO_SMALL = "TOO_SMALL"
    """Its pictures are too small to show a place."""
    TOO_LONG = "TOO_LONG"
    """Its header claims a duration that no recording has."""
    TRUNCATED = "TRUNCATED"
    """It ends before its own header says."""
    DAMAGED = "DAMAGED"
    """Pictures in it cannot be decoded."""
    TIMED_OUT = "TIMED_OUT"
    """Reading it took so long that it was given up."""
    WORKER_DIED = "WORKER_DIED"
    """Reading it ended the process that did, twice."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A place in a recording that could not be read.

    Attributes:
        why: What is wrong.
        offset: Seconds from its start; 0.0 if it is wrong from there.
        message: For people.
    """

    why: Fault
    offset: float
    message: str


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What a recording says of itself.

    Attributes:
        size: `(height, width)`; (0, 0) if it does not say before it is decoded.
        rate: Pictures a second, 0 if unknown.
        duration: Seconds, 0 if unknown.
        codec: FFmpeg's name.
        container: FFmpeg's name of the format.
        seekable: Whether reading may begin anywhere.
        created: When it says it was begun, UTC; None if it does not say.
    """

    size: tuple[int, int]
    rate: float
    duration: float
    codec: str
    container: str
    seekable: bool
    created: datetime | None = None


class Recorded(Protocol):
    """Something with pictures in time, of which only a few are wanted."""

    info: RecordingInfo
    broken: list[Broken]
    decoded: int
    """Pictures that were decoded so far."""
    end: float
    """Offset up to which it was read so far."""

    def key_frames(self, start: float, stop: float, every_s: float) -> Iterator[Frame | Doubt]:
        """Yield pictures that cost nothing but themselves: in `[start, stop)`, and the first one after.

        Args:
            start: Seconds from the start of the recording.
            stop: Where the part ends.
            every_s: Pictures nearer to the one before than this are left out.
        """

    def frames(self, start: float, stop: float, every_s: float) -> Iterator[Frame | Doubt]:
        """Yield pictures in `(start, stop)` at least `every_s` apart, at the cost of decoding what they need."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(slots=True)
class Clock:
    """Counts the time of pictures: a leap back is a clock that was set, and takes one step.

    Attributes:
        step: Seconds from one picture to the next.
        leaps: True if a leap ahead is one, too, and no time that passed.
        shift: Seconds that are added because of leaps.
        now: Offset of the last picture.
    """

    step: float
    leaps: bool
    shift: float = 0.0
    now: float = 0.0

    def at(self, told: float) -> float:
        """Return the offset of the next picture, of which the file says that it is `told` seconds from its start."""
        offset = told + self.shift
        if offset < self.now - CLOCK_JUMP_S or (self.leaps and offset > self.now + CLOCK_JUMP_S):
            self.shift += self.now + self.step - offset
            offset = self.now + self.step
        self.now = offset
        return offset


class VideoRecording:
    """A video file, local or remote.

    Args:
        name: What to call it; a path if `opener` is not given.
        opener: Opens it for reading, for what lies elsewhere.

    Raises:
        RecordingError: Nothing can be read, and why.
    """

    def __init__(self, name: str, opener: Callable[[], BinaryIO] | None = None) -> None:
        self.name = name
        self.broken: list[Broken] = []
        self.decoded = 0
        self.end = 0.0
        self._opener = opener
        self._remote = None if opener is None else opener()
        self._size = _size_of(name, self._remote)
        try:
            self._container = open_container(name if self._remote is None else self._remote, name)
        except SourceError as error:
            raise RecordingError(str(error), why=_why_not_open(name, self._remote), source=name) from error
        try:
            self._stream = self._checked_stream()
            self._reach = Reach.of(self._container, self._stream)
            self.info = self._describe()
        except BaseException:
            self.close()
            raise
        self._keys = _Keys()
        self._offsets: dict[int, float] = {}
        self._ordinal, self._untimed, self._leaps = 0, False, not self._indexed
        self._clock = self._new_clock()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()
        if self._remote is not None:
            self._remote.close()

    def key_frames(self, start: float, stop: float, every_s: float) -> Iterator[Frame | Doubt]:
        """Yield key frames in `[start, stop)`, and the first one after; see `Recorded`."""
        if start > 0:
            self._seek(start)
        self._stream.codec_context.skip_frame = "NONKEY"
        last = -every_s
        wanted: set[float] = set()
        for packet, offset in self._packets():
            if not packet.is_keyframe:
                continue
            self._keys.add(offset, packet.pos if packet.pos is not None else -1, self._ordinal - 1, self._clock.shift)
            if offset < start - _TOLERANCE_S or (offset < stop and offset - last < every_s - _TOLERANCE_S):
                continue
            last = offset
            if packet.has_sidedata("encryption_info"):
                raise self._unreadable(Fault.ENCRYPTED, "its pictures are encrypted")
            wanted.add(offset)
            for sight in self._decode(packet, offset):
                wanted.discard(sight.offset)
                yield sight
            if offset >= stop:
                break
        else:
            self._check_end()
        for sight in self._decode(None, self.end):
            wanted.discard(sight.offset)
            yield sight
        for offset in sorted(wanted):  # the decoder took it, and said nothing
            self._break(Fault.DAMAGED, offset, "a picture could not be decoded")
            yield Doubt(offset, Reason.DECODE_ERROR)

    def frames(self, start: float, stop: float, every_s: float) -> Iterator[Frame | Doubt]:
        """Yield frames in `(start, stop)` that are at least `every_s` apart; see `Recorded`."""
        self._seek(start)
        # What no other picture is predicted from need not be decoded either.
        self._stream.codec_context.skip_frame = "NONREF"
        last, began = start, False
        for packet, offset in self._packets():
            began = began or packet.is_keyframe
            if not began:
                continue
            if offset > stop + 1:  # pictures come in the order in which they are decoded
                break
            for sight in self._decode(packet, offset):
                if start + _TOLERANCE_S < sight.offset < stop - _TOLERANCE_S and (
                    sight.offset - last >= every_s - _TOLERANCE_S
                ):
                    last = sight.offset
                    yield sight
        for sight in self._decode(None, self.end):
            if start + _TOLERANCE_S < sight.offset < stop - _TOLERANCE_S and sight.offset - last >= every_s:
                last = sight.offset
                yield sight

    def clock(self, first_s: float) -> Clock:
        """Return what tells when a picture is shown in this recording, from how long after the first readable one.

        What was cut out of a longer recording begins with pictures that cannot be read. To be called before others.

        Args:
            first_s: When that first one is shown, by the timestamps of the file; 0 if it has none.
        """
        start: float | None = None
        for packet, offset in self._packets():
            shown = float((ticks_of(packet, self.info.container) or 0) * packet.time_base)
            if not self._untimed and abs(shown - first_s) < _SAME_S:
                start = offset
                break
            if start is None and packet.is_keyframe:
                start = offset  # if none is shown then, since nothing tells when
                if self._untimed:
                    break
        start = start or 0.0
        return Clock(self._clock.step, self._leaps, start, start)

    def _checked_stream(self) -> VideoStream:
        form = self._container.format.name
        if form in PLAYLISTS:
            raise self._unreadable(Fault.PLAYLIST, "a playlist of other files, not a video")
        if _PICTURE_FORMATS.search(form):
            raise self._unreadable(Fault.NOT_VIDEO, "a picture, not a video")
        try:
            stream = video_stream(self._container, self.name)
        except SourceError as error:
            too_large = isinstance(error.__cause__, FrameError)
            raise RecordingError(
                str(error), why=Fault.TOO_LARGE if too_large else Fault.NOT_VIDEO, source=self.name
            ) from error
        if stream.codec_context.codec_tag in _ENCRYPTED_TAGS:
            raise self._unreadable(Fault.ENCRYPTED, "its pictures are encrypted")
        context = stream.codec_context
        if 0 < min(context.height, context.width) < MIN_SIDE:
            raise self._unreadable(Fault.TOO_SMALL, f"pictures of {context.width}x{context.height} show no place")
        context.thread_count = 1  # every core has a recording of its own
        return stream

    def _describe(self) -> RecordingInfo:
        stream, form = self._stream, self._container.format.name
        duration = 0.0
        if stream.duration and stream.time_base:
            duration = float(stream.duration * stream.time_base)
        elif self._container.duration:
            duration = self._container.duration / av.time_base
        if duration > MAX_DURATION_S:
            raise self._unreadable(Fault.TOO_LONG, f"its header claims {duration / 86400:.0f} days")
        parts = any(name in form for name in _SEEKABLE)
        self._indexed = stream.start_time is not None and (parts or form in TIMED)
        rate = stream.average_rate or stream.guessed_rate
        return RecordingInfo(
            size=(stream.codec_context.height, stream.codec_context.width),
            rate=float(rate) if rate else 0.0,
            duration=max(0.0, duration),
            codec=stream.codec_context.name,
            container=form,
            seekable=self._indexed and parts and duration > 0,
            created=_created(self._container.metadata),
        )

    def _packets(self) -> Iterator[tuple["Packet[VideoStream]", float]]:
        """Yield packets with the offset of their picture. What is wrong is left in `broken`."""
        progress = -1
        while progress < self._ordinal:  # a demuxer may find its way again; once more without is the end
            progress = self._ordinal
            try:
                for packet in self._container.demux(self._stream):
                    if not packet.size:
                        continue
                    if self._reach is not None:
                        self._reach.see(packet)
                    offset = self._timed(packet)
                    self._ordinal += 1
                    self.end = max(self.end, offset + self._clock.step)
                    if packet.is_corrupt:
                        self._break(Fault.DAMAGED, offset, "a packet is not whole")
                    yield packet, offset
                break
            except av.error.FFmpegError as error:
                self._break(Fault.DAMAGED, self._clock.now, why_of(error))
            except OSError as error:  # a remote file
                self._break(Fault.REFUSED, self._clock.now, why_of(error))

    def _timed(self, packet: "Packet[VideoStream]") -> float:
        base = packet.time_base
        ticks = ticks_of(packet, self.info.container)  # where no index tells key frames, a guess seeks past one
        self._untimed = ticks is None
        if ticks is None:  # a stream without a container has no clock
            told = self._ordinal * self._clock.step
            packet.pts = packet.dts = round(told / base)
        else:
            told = float((ticks - (self._stream.start_time or 0)) * base)
        shift, offset = self._clock.shift, self._clock.at(told)
        self._indexed = self._indexed and self._clock.shift == shift  # else a moment is in it twice
        return offset

    def _decode(self, packet: "Packet[VideoStream] | None", offset: float) -> Iterator[Frame | Doubt]:
        """Yield what the decoder lets go of; a doubt for what it cannot read."""
        self._remember(packet, offset)
        try:
            pictures = self._stream.codec_context.decode(packet)
        except av.error.EOFError:  # was flushed before
            return
        except av.error.FFmpegError as error:
            self._break(Fault.DAMAGED, offset, why_of(error))
            yield Doubt(offset, Reason.DECODE_ERROR)
            return
        for picture in pictures:
            self.decoded += 1
            at = self._offsets.pop(picture.pts, offset) if picture.pts is not None else offset
            try:
                check_size(picture.height, picture.width)
                frame = frame_of(picture, at, self.decoded, damaged=picture.is_corrupt)
            except FrameError as error:
                self._break(Fault.TOO_LARGE, at, str(error))
                yield Doubt(at, Reason.DECODE_ERROR)
                continue
            if min(frame.size) < MIN_SIDE:
                self._break(Fault.TOO_SMALL, at, f"pictures of {picture.width}x{picture.height} show no place")
                yield Doubt(at, Reason.DECODE_ERROR)
            elif frame.damaged:
                self._break(Fault.DAMAGED, at, "a picture could not be decoded whole")
                yield Doubt(at, Reason.DECODE_ERROR)
            else:
                yield frame
        if packet is None:
            self._offsets.clear()

    def _remember(self, packet: "Packet[VideoStream] | None", offset: float) -> None:
        """Know the offset of the picture in a packet when the decoder lets go of it."""
        ticks = None if packet is None else packet.dts if packet.pts is None else packet.pts
        if ticks is not None:
            self._offsets[ticks] = offset
        if len(self._offsets) > _PENDING:  # pictures that were left out never come
            del self._offsets[next(iter(self._offsets))]

    def _seek(self, offset: float) -> None:
        """Go to the last key frame at or before `offset`."""
        self._stream.codec_context.flush_buffers()
        self._offsets.clear()
        key = self._keys.before(offset)
        try:
            if self._indexed:
                target = (key.offset if key is not None else offset) + _TOLERANCE_S / 2
                ticks = int(target / (self._stream.time_base or 1)) + (self._stream.start_time or 0)
                self._container.seek(ticks, stream=self._stream)
                self._clock.now = 0.0  # however far back that was, it is no leap
                return
            # Without an index the only sure way back is the byte where the packet was.
            self._ordinal, self._clock = 0, self._new_clock()
            if key is None or key.pos < 0 or not self._leaps or self.info.container in TIMED:
                self._reopen()
                return
            self._clock.shift, self._clock.now, self._ordinal = key.shift, key.offset, key.ordinal
            self._container.seek(key.pos, unsupported_byte_offset=True)
        except av.error.FFmpegError:
            self._reopen()

    def _reopen(self) -> None:
        self._container.close()
        if self._remote is not None:
            self._remote.seek(0)
        try:
            self._container = open_container(self.name if self._remote is None else self._remote, self.name)
        except SourceError as error:
            raise RecordingError(str(error), why=_why_not_open(self.name, self._remote), source=self.name) from error
        self._stream = self._checked_stream()
        self._reach = Reach.of(self._container, self._stream)
        self._ordinal, self._clock = 0, self._new_clock()

    def _new_clock(self) -> Clock:
        return Clock(1 / self.info.rate if self.info.rate else 0.04, self._leaps)

    def _check_end(self) -> None:
        """Compare where it ended with where it says it does."""
        form = self.info.container
        missing = ""
        if "mp4" in form:
            missing = self._missing_samples()
        elif "matroska" in form or (self._reach is not None and self._reach.short):
            missing = self._told_by(partial(missing_of, reach=self._reach))
        elif form == "mpegts" and self._size % _TS_PACKET:
            missing = self._told_by(self._cut_packet)
        counted = self._reach is not None and self._stream.frames > 0  # pauses too, of which `end` does not tell
        if not missing and not counted and 0 < self.end < self.info.duration - max(_EARLY_S, 0.02 * self.info.duration):
            missing = f"it claims {self.info.duration:.3f} s"
        if not missing and not self.end:
            missing = "it holds no picture"
        if missing:
            self._break(Fault.TRUNCATED, self.end, missing)

    def _missing_samples(self) -> str:
        index = self._stream.index_entries
        if not len(index):
            return ""
        last = index[-1]
        if last.pos + last.size <= self._size:
            return ""
        return f"its index reaches to byte {last.pos + last.size} and the file has {self._size}"

    def _cut_packet(self, file: BinaryIO) -> str:
        """Return what is missing of a transport stream that is no row of bare packets."""
        step = _STAMP + _TS_PACKET
        stamped = file.read(3 * step)[_STAMP::step] == 3 * _TS_SYNC
        return "" if stamped and not self._size % step else "its last packet is not whole"

    def _told_by(self, look: Callable[[BinaryIO], str]) -> str:
        """Return what a look into the file tells is missing, "" if nobody can look; that is left in `broken`."""
        try:
            with closing(Path(self.name).open("rb") if self._opener is None else self._opener()) as file:
                return look(file)
        except RecordingError as error:
            why, said = Fault(error.why), str(error)
        except OSError as error:
            why, said = Fault.VANISHED if isinstance(error, FileNotFoundError) else Fault.REFUSED, why_of(error)
        self._break(why, self.end, f"whether it is whole cannot be told: {said}")
        return ""

    def _break(self, why: Fault, offset: float, message: str) -> None:
        """Remember the first fault of each kind, and how it went on."""
        if not any(fault.why is why for fault in self.broken):
            self.broken.append(Broken(why, round(offset, 3), message))

    def _unreadable(self, why: Fault, message: str) -> RecordingError:
        return RecordingError(f"{self.name}: {message}", why=why, source=self.name)


@dataclass(frozen=True, slots=True)
class _Key:
    offset: float
    pos: int
    ordinal: int
    shift: float


class _Keys:
    """Where the key frames are, in arrays: a day of MJPEG has two million."""

    def __init__(self) -> None:
        self._offsets, self._shifts = array("d"), array("d")
        self._positions, self._ordinals = array("q"), array("q")

    def add(self, offset: float, pos: int, ordinal: int, shift: float) -> None:
        """Remember one; those that come a second time, or out of order, are known already."""
        if not self._offsets or offset > self._offsets[-1]:
            self._offsets.append(offset)
            self._positions.append(pos)
            self._ordinals.append(ordinal)
            self._shifts.append(shift)

    def before(self, offset: float) -> _Key | None:
        """Return the last one at or before `offset`."""
        at = bisect_right(self._offsets, offset + _TOLERANCE_S) - 1
        if at < 0:
            return None
        return _Key(self._offsets[at], self._positions[at], self._ordinals[at], self._shifts[at])


class PictureRecording:
    """A folder of pictures that a camera took one after the other.

    Args:
        name: The folder.
        files: `(offset in seconds, path)` of every picture, in order.
    """

    def __init__(self, name: str, files: list[tuple[float, Path]]) -> None:
        self.name = name
        self.broken: list[Broken] = []
        self.decoded = 0
        self._files = files
        self.end = 0.0
        steps = sorted(after[0] - before[0] for before, after in pairwise(files))
        step = steps[len(steps) // 2] if steps else 1.0
        duration = files[-1][0] + step if files else 0.0
        self.info = RecordingInfo((0, 0), 1 / step if step else 0.0, duration, "pictures", "folder", seekable=True)
        self._step = step

    def close(self) -> None:
        """Nothing is held open."""

    def key_frames(self, start: float, stop: float, every_s: float) -> Iterator[Frame | Doubt]:
        """Yield pictures in `[start, stop)`, and the first one after; see `Recorded`."""
        last = -every_s
        for offset, path in self._files:
            if offset < start or (offset < stop and offset - last < every_s - _TOLERANCE_S):
                self.end = max(self.end, offset + self._step if offset >= start else 0.0)
                continue
            sight = self._read(offset, path)
            if isinstance(sight, Frame):  # for one that cannot be read, the next stands in
                last = offset
            yield sight
            if offset >= stop:
                return

    def frames(self, start: float, stop: float, every_s: float) -> Iterator[Frame | Doubt]:
        """Yield pictures in `(start, stop)`; see `Recorded`."""
        last = start
        for offset, path in self._files:
            if start < offset < stop and offset - last >= every_s - _TOLERANCE_S:
                sight = self._read(offset, path)
                if isinstance(sight, Frame):
                    last = offset
                yield sight

    def _read(self, offset: float, path: Path) -> Frame | Doubt:
        self.end = max(self.end, offset + self._step)
        try:
            frame = read_picture(path)
        except SourceError as error:
            why = Fault.NOT_VIDEO if path.exists() else Fault.VANISHED
            self._break(why, offset, str(error))
            return Doubt(offset, Reason.DECODE_ERROR)
        self.decoded += 1
        if frame.damaged or min(frame.size) < MIN_SIDE:
            self._break(Fault.DAMAGED if frame.damaged else Fault.TOO_SMALL, offset, f"{path}: cannot be read whole")
            return Doubt(offset, Reason.DECODE_ERROR)
        return replace(frame, offset=offset, sequence=self.decoded)

    def _break(self, why: Fault, offset: float, message: str) -> None:
        if not any(fault.why is why for fault in self.broken):
            self.broken.append(Broken(why, round(offset, 3), message))


def _size_of(name: str, remote: BinaryIO | None) -> int:
    if remote is not None:
        size = remote.seek(0, 2)
        remote.seek(0)
    else:
        try:
            status = Path(name).stat()
        except FileNotFoundError as error:
            raise RecordingError(f"{name}: it is not there any more", why=Fault.VANISHED, source=name) from error
        except OSError as error:
            raise RecordingError(f"{name}: {error.strerror}", why=Fault.REFUSED, source=name) from error
        if not Path(name).is_file():
            raise RecordingError(f"{name}: not a file", why=Fault.NOT_VIDEO, source=name)
        size = status.st_size
    if not size:
        raise RecordingError(f"{name}: it is empty", why=Fault.EMPTY, source=name)
    return size


def _why_not_open(name: str, remote: BinaryIO | None) -> Fault:
    if remote is not None:
        return Fault.NOT_VIDEO
    try:
        with Path(name).open("rb"):
            return Fault.NOT_VIDEO
    except FileNotFoundError:
        return Fault.VANISHED
    except OSError:
        return Fault.REFUSED


def _created(metadata: dict[str, str]) -> datetime | None:
    try:
        created = datetime.fromisoformat(metadata["creation_time"])
    except (KeyError, ValueError):
        return None
    if created.year <= 1970:  # the clock of a camera that was never set
        return None
    return created if created.tzinfo is not None else created.replace(tzinfo=UTC)
