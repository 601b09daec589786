"""The book of an audit: one SQLite file that holds everything it knows, so that it may be killed at any time.

Written by one process. A part of a recording is one transaction: either all of its looks are in the book, or none.
Plain `sqlite3`, not the service's database: a book belongs to one run, is read by whoever gets the folder, and never
migrates; an audit of another version is made anew.
"""

import json
import math
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from privacy.audit.archive import Recording
from privacy.audit.finding import Looks, joined
from privacy.audit.scan import LOOKS, Scan, Task
from privacy.audit.terms import SEGMENT_S
from privacy.errors import InputError, SinkError
from privacy.sources.recording import Broken, Fault

VERSION = 1
NAME = "audit.db"
_SCHEMA = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE recording (
    id INTEGER PRIMARY KEY, raw BLOB NOT NULL UNIQUE, path TEXT NOT NULL, camera TEXT NOT NULL, begun TEXT,
    bytes INTEGER NOT NULL, mark TEXT NOT NULL, parts INTEGER, outside INTEGER NOT NULL DEFAULT 0,
    duration REAL NOT NULL DEFAULT 0, rate REAL NOT NULL DEFAULT 0,
    size TEXT NOT NULL DEFAULT '', codec TEXT NOT NULL DEFAULT '',
    why TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT ''
);
CREATE TABLE part (
    recording INTEGER NOT NULL REFERENCES recording ON DELETE CASCADE, number INTEGER NOT NULL, looks BLOB NOT NULL,
    places TEXT NOT NULL, reached REAL NOT NULL, decoded INTEGER NOT NULL, fresh INTEGER NOT NULL,
    broken TEXT NOT NULL, seconds TEXT NOT NULL, PRIMARY KEY (recording, number)
) WITHOUT ROWID;
CREATE TABLE thumbnail (
    recording INTEGER NOT NULL REFERENCES recording ON DELETE CASCADE, offset REAL NOT NULL, jpeg BLOB NOT NULL,
    PRIMARY KEY (recording, offset)
) WITHOUT ROWID;
CREATE TABLE finding (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, recording INTEGER NOT NULL, value TEXT NOT NULL
);
CREATE TABLE ignored (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE review (
    recording INTEGER NOT NULL REFERENCES recording ON DELETE CASCADE, start REAL NOT NULL, "end" REAL NOT NULL,
    zone TEXT NOT NULL, ruling TEXT NOT NULL, PRIMARY KEY (recording, start, ruling)
) WITHOUT ROWID;
CREATE TABLE report (finding TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A recording as the book has it.

    Attributes:
        id: Its number.
        path: Where it lies.
        camera: Which camera made it.
        begun: When, UTC; None if neither its name nor its header says.
        bytes: Its size, -1 if unknown.
        parts: Into how many parts it is scanned; None while that is not known.
        outside: Whether it lies outside the time that was asked for.
        duration: Seconds that were read, or that it claims if that is longer.
        rate: Pictures a second, 0 if unknown.
        size: "WIDTHxHEIGHT", empty if unknown.
        codec: FFmpeg's name.
        decoded: Pictures that were decoded.
        fresh: Pictures that the model looked at.
        broken: What of it could not be read.
    """

    id: int
    path: str
    camera: str
    begun: datetime | None
    bytes: int
    parts: int | None
    outside: bool
    duration: float
    rate: float
    size: str
    codec: str
    decoded: int
    fresh: int
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an audit is.

    Attributes:
        done: Recordings that are done.
        total: Recordings that are known.
        bytes_done: Of recordings and parts that are done.
        bytes_total: Of all that are known.
        seconds_done: Recorded time that was read.
        unreadable: Recordings of which something could not be read.
    """

    done: int
    total: int
    bytes_done: int
    bytes_total: int
    seconds_done: float
    unreadable: int


class Book:
    """An open book.

    Args:
        path: The file.
        create: Whether there must be none yet (True) or must be one (False).

    Raises:
        InputError: There is one already, none, or one that is not ours.
        SinkError: It cannot be written.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if create and path.exists():
            raise InputError(f"{path}: holds an audit already; --resume goes on with it", path=str(path))
        if not create and not path.is_file():
            raise InputError(f"{path}: no audit is there", path=str(path))
        try:
            # Threads take turns: whoever reads while the audit runs opens a book of their own.
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                # In one transaction: killed in between, there is no book rather than half of one.
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
            elif version != VERSION:
                raise InputError(f"{path}: made by another version (book {version}, this one writes {VERSION})")
        except sqlite3.DatabaseError as error:
            raise InputError(f"{path}: no audit can be read from it: {error}", path=str(path)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:  # disk full, read-only, locked
            raise SinkError(f"{self.path}: cannot be written: {error}", sink=str(self.path)) from error

    def state(self, name: str, value: object) -> None:
        """Write down one fact of the audit as a whole; JSON."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, json.dumps(value)))

    def fact(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - whatever JSON held
        """Return a fact."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def enter(self, recordings: list[Recording], ignored: list[str]) -> None:
        """Enter recordings. One that has changed since it was entered is scanned anew."""
        with self._writing() as db:
            for one in recordings:
                known = db.execute("SELECT id, mark FROM recording WHERE raw = ?", (os.fsencode(one.path),)).fetchone()
                if known is not None and known["mark"] == one.mark:
                    continue
                if known is not None:
                    db.execute("DELETE FROM recording WHERE id = ?", (known["id"],))
                db.execute(
                    "INSERT INTO recording (raw, path, camera, begun, bytes, mark, why, message, parts) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (os.fsencode(one.path),
                        _text(one.path), _text(one.camera), one.begun.isoformat() if one.begun else None, one.bytes,
                     one.mark, one.fault, _text(f"{one.path}: cannot be read") if one.fault else "",
                     0 if one.fault else None),
                )  # fmt: skip
            db.executemany("INSERT OR IGNORE INTO ignored VALUES (?)", [(_text(path),) for path in ignored])

    def tasks(self) -> Iterator[Task]:
        """Yield what is still to be scanned, in the order in which recordings were entered."""
        last = 0
        # Read in pages: while an engine works on them, the book is written.
        while rows := self._db.execute(
            "SELECT id FROM recording WHERE id > ? AND (parts IS NULL OR parts > "
            "(SELECT count(*) FROM part WHERE recording = id)) ORDER BY id LIMIT 256", (last,),
        ).fetchall():  # fmt: skip
            for (number,) in rows:
                last = number
                yield from self.rest_of(number)

    def rest_of(self, recording: int) -> Iterator[Task]:
        """Yield the parts of one recording that are not scanned."""
        row = self._db.execute("SELECT raw, begun, parts FROM recording WHERE id = ?", (recording,)).fetchone()
        begun = datetime.fromisoformat(row["begun"]) if row["begun"] else None
        path = os.fsdecode(row["raw"])
        if row["parts"] is None:
            yield Task(recording=recording, path=path, begun=begun)
            return
        done = {n for (n,) in self._db.execute("SELECT number FROM part WHERE recording = ?", (recording,))}
        for number in range(row["parts"]):
            if number not in done:
                yield Task(
                    recording=recording, path=path, number=number, start=number * SEGMENT_S,
                    stop=math.inf if number == row["parts"] - 1 else (number + 1) * SEGMENT_S, begun=begun,
                )  # fmt: skip

    def write(self, scan: Scan) -> None:
        """Enter what was seen in one part."""
        task, info = scan.task, scan.info
        with self._writing() as db:
            if task.number == 0:
                begun = task.begun or (info.created if info else None)
                size = f"{info.size[1]}x{info.size[0]}" if info and all(info.size) else ""
                unreadable, outside = scan.unreadable, scan.outside
                db.execute(
                    "UPDATE recording SET parts = ?, outside = ?, duration = ?, rate = ?, size = ?, codec = ?, "
                    "begun = ?, why = ?, message = ? WHERE id = ?",
                    (0 if outside else scan.parts, outside, info.duration if info else 0.0, info.rate if info else 0.0,
                     size, info.codec if info else "", begun.isoformat() if begun else None,
                     unreadable.why if unreadable else "", _text(unreadable.message) if unreadable else "",
                     task.recording),
                )  # fmt: skip
            if scan.outside:
                return
            db.execute(
                "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (task.recording, task.number, zlib.compress(scan.looks.tobytes()), json.dumps(scan.places), scan.end,
                 scan.decoded, scan.fresh,
                 json.dumps([(one.why, one.offset, _text(one.message)) for one in scan.broken]),
                 json.dumps(scan.seconds)),
            )  # fmt: skip
            db.executemany(
                "INSERT OR REPLACE INTO thumbnail VALUES (?, ?, ?)",
                [(task.recording, round(offset, 3), picture) for offset, picture in scan.thumbnails],
            )

    def progress(self) -> Progress:
        """Return how far the audit is."""
        row = self._db.execute(
            """WITH done AS (SELECT recording, count(*) AS parts, sum(broken != '[]') AS broken FROM part GROUP BY 1)
            SELECT count(*) AS total, coalesce(sum(r.parts <= coalesce(d.parts, 0)), 0) AS finished,
                coalesce(sum(max(bytes, 0)), 0) AS bytes_total, coalesce(sum(CASE WHEN r.parts = 0 THEN max(bytes, 0)
                    WHEN r.parts > 0 THEN max(bytes, 0) * coalesce(d.parts, 0) / r.parts ELSE 0 END), 0) AS bytes_done,
                coalesce(sum(CASE WHEN r.parts > 0 THEN duration * coalesce(d.parts, 0) / r.parts ELSE 0 END), 0)
                    AS seconds_done, coalesce(sum(why != '' OR coalesce(d.broken, 0) > 0), 0) AS unreadable
            FROM recording r LEFT JOIN done d ON d.recording = r.id"""
        ).fetchone()
        return Progress(
            done=row["finished"],
            total=row["total"],
            bytes_done=row["bytes_done"],
            bytes_total=row["bytes_total"],
            seconds_done=row["seconds_done"],
            unreadable=row["unreadable"],
        )

    def entries(self) -> Iterator[Entry]:
        """Yield every recording, by camera and path."""
        keys = self._db.execute("SELECT id FROM recording ORDER BY camera, path").fetchall()
        for (key,) in keys:
            yield self.entry(key)

    def entry(self, recording: int) -> Entry:
        """Return one recording."""
        row = self._db.execute("SELECT * FROM recording WHERE id = ?", (recording,)).fetchone()
        parts = self._db.execute(
            "SELECT reached, decoded, fresh, broken FROM part WHERE recording = ? ORDER BY number", (recording,)
        ).fetchall()
        broken = [Broken(Fault(row["why"]), 0.0, row["message"])] if row["why"] else []
        for part in parts if not row["why"] else []:
            for why, offset, message in json.loads(part["broken"]):
                if why not in {one.why for one in broken}:
                    broken.append(Broken(Fault(why), offset, message))
        reached = max((part["reached"] for part in parts), default=0.0)
        return Entry(
            id=row["id"],
            path=row["path"],
            camera=row["camera"],
            begun=datetime.fromisoformat(row["begun"]) if row["begun"] else None,
            bytes=row["bytes"],
            parts=row["parts"],
            outside=bool(row["outside"]),
            duration=reached,
            rate=row["rate"],
            size=row["size"],
            codec=row["codec"],
            decoded=sum(part["decoded"] for part in parts),
            fresh=sum(part["fresh"] for part in parts),
            broken=tuple(broken),
        )

    def unreadable(self, limit: int) -> Iterator[Entry]:
        """Yield recordings of which something could not be read, by path."""
        keys = self._db.execute(
            "SELECT id FROM recording WHERE why != '' OR id IN (SELECT recording FROM part WHERE broken != '[]') "
            "ORDER BY path LIMIT ?",
            (limit,),
        ).fetchall()
        for (key,) in keys:
            yield self.entry(key)

    def write_findings(self, findings: list[tuple[int, dict[str, Any]]]) -> None:
        """Replace the findings: the number of the recording, and what findings.json says of each."""
        with self._writing() as db:
            db.execute("DELETE FROM finding")
            db.executemany(
                "INSERT INTO finding (id, recording, value) VALUES (?, ?, ?)",
                [(one["id"], recording, json.dumps(one)) for recording, one in findings],
            )

    def findings(self, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the findings as they were last written, with their place in the list."""
        while rows := self._db.execute(
            "SELECT number, value FROM finding WHERE number > ? ORDER BY number LIMIT 500", (after,)
        ).fetchall():
            for row in rows:
                after = row["number"]
                yield after, json.loads(row["value"])

    def looks(self, entry: Entry) -> Looks:
        """Return every look at one recording."""
        rows = self._db.execute("SELECT looks, places FROM part WHERE recording = ? ORDER BY number", (entry.id,))
        parts = [
            (np.frombuffer(zlib.decompress(row["looks"]), LOOKS), tuple(json.loads(row["places"]))) for row in rows
        ]
        if not parts:
            return Looks(np.empty(0, LOOKS), (), 0.0, entry.rate)
        looks, places = joined(parts)
        return Looks(looks, places, entry.duration, entry.rate)

    def thumbnails(self, recording: int, start: float, end: float) -> list[tuple[float, bytes]]:
        """Return the masked pictures of a span, by offset."""
        rows = self._db.execute(
            "SELECT offset, jpeg FROM thumbnail WHERE recording = ? AND offset >= ? AND offset < ? ORDER BY offset",
            (recording, start, end),
        )
        return [(row["offset"], row["jpeg"]) for row in rows]

    def seconds(self) -> dict[str, float]:
        """Return the wall time of every stage, added over all parts."""
        spent: dict[str, float] = {}
        for (text,) in self._db.execute("SELECT seconds FROM part"):
            for stage, seconds in json.loads(text).items():
                spent[stage] = spent.get(stage, 0.0) + seconds
        return spent

    def ignored(self) -> tuple[int, list[str]]:
        """Return how many files were not opened, and the first hundred of them."""
        (count,) = self._db.execute("SELECT count(*) FROM ignored").fetchone()
        return count, [path for (path,) in self._db.execute("SELECT path FROM ignored ORDER BY path LIMIT 100")]

    def write_reviews(self, reviews: list[tuple[int, float, float, str, str]]) -> None:
        """Replace what people said of the findings: `(recording, start, end, zone, ruling)`."""
        with self._writing() as db:
            db.execute("DELETE FROM review")
            db.executemany("INSERT OR REPLACE INTO review VALUES (?, ?, ?, ?, ?)", reviews)

    def reviews(self) -> list[tuple[int, float, float, str, str]]:
        """Return what people said of the findings."""
        rows = self._db.execute('SELECT recording, start, "end", zone, ruling FROM review ORDER BY recording, start')
        return [tuple(row) for row in rows]

    def write_report(self, finding: str, name: str) -> None:
        """Remember that a report was raised for a finding."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO report VALUES (?, ?)", (finding, name))

    def reports(self) -> dict[str, str]:
        """Return the report of each finding that has one."""
        return dict(map(tuple, self._db.execute("SELECT finding, name FROM report")))

    def digest(self) -> str:
        """Return a digest of all looks: two audits that saw the same have the same."""
        crc = 0
        with closing(self._db.execute("SELECT path, number, looks FROM part JOIN recording ON id = recording "
                                      "ORDER BY path, number")) as rows:  # fmt: skip
            for path, number, looks in rows:
                crc = zlib.crc32(f"{path}#{number}".encode() + zlib.decompress(looks), crc)
        return f"{crc:08x}"


def now() -> str:
    """Return the present moment, UTC, as it is written into books."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _text(name: str) -> str:
    r"""Return a file name as text that SQLite and JSON can hold: bytes that are no UTF-8 become `\xNN`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
