"""Whoever scans, however often it is stopped: the same findings, and no part twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from privacy.audit import run
from privacy.audit.archive import Naming
from privacy.audit.book import NAME, Book
from privacy.audit.engines.local import LocalEngine
from privacy.audit.scan import Scan, Scanner, Task
from privacy.errors import InputError, PrivacyError, SinkError
from privacy.models import catalogue
from privacy.sources.recording import Fault
from tests.audit.recordings import TERMS, audit, make_bright, ruled, spans, write_recording
from tests.toys import Bright

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for number in range(6):
        write_recording(folder / f"{number}.mp4", [(10 + number, 22 + number)])
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


def digest(book: Book) -> str:
    with closing(book):
        return book.digest()


def test_one_process_and_several_find_the_same(archive: Path, tmp_path: Path) -> None:
    here, there = audit(tmp_path / "here", archive), audit(tmp_path / "there", archive, workers=2)
    found = [{name: spans(one) for name, one in ruled(book).items()} for book in (here, there)]

    assert found[0] == found[1]
    assert len(found[0]["3.mp4"]) == 1
    assert digest(here) == digest(there)


class Dies(Scanner):
    """A scanner whose process ends at one recording, as a decoder that crashes would end it."""

    def scan(self, task: Task, beat: object = None) -> Scan:
        if task.path.endswith("2.mp4"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().scan(task)


class Hangs(Scanner):
    """A scanner that never comes back from one recording."""

    def scan(self, task: Task, beat: object = None) -> Scan:
        if task.path.endswith("2.mp4"):
            time.sleep(600)
        return super().scan(task)


def make_dying() -> Scanner:
    return Dies(Bright(), catalogue.load_policy(), TERMS)


def make_hanging() -> Scanner:
    return Hangs(Bright(), catalogue.load_policy(), TERMS)


@pytest.mark.parametrize(
    ("make", "why"),
    [pytest.param(make_dying, Fault.WORKER_DIED, id="crash"), pytest.param(make_hanging, Fault.TIMED_OUT, id="hang")],
)
def test_a_file_that_ends_its_worker_is_named_and_the_rest_is_audited(
    archive: Path, tmp_path: Path, make: run.MakeScanner, why: Fault
) -> None:
    with run.begin(tmp_path / "out", [str(archive)], TERMS, catalogue.load_policy(), Naming(), resume=False) as book:
        with LocalEngine(make, 1, patience_s=1.0) as engine:
            assert run.scan(book, engine)
        found = ruled(book)

    assert [fault.why for fault in found["2.mp4"].entry.broken] == [why]
    assert all(len(spans(one)) == 1 for name, one in found.items() if name not in ("2.mp4", "broken.mp4"))


def refuse() -> Scanner:
    raise PrivacyError("no such model")


def test_workers_that_cannot_start_end_the_audit(archive: Path, tmp_path: Path) -> None:
    with (
        run.begin(tmp_path / "out", [str(archive)], TERMS, catalogue.load_policy(), Naming(), resume=False) as book,
        LocalEngine(refuse, 1) as engine,
        pytest.raises(PrivacyError, match="no such model"),
    ):
        run.scan(book, engine)


SCRIPT = """
import sys, time
from pathlib import Path
from privacy.audit import run
from privacy.audit.archive import Naming
from privacy.audit.engines.local import LocalEngine
from privacy.models import catalogue
from tests.audit.recordings import TERMS, make_bright
with run.begin(Path(sys.argv[2]), [sys.argv[1]], TERMS, catalogue.load_policy(), Naming(), resume=True) as book:
    with LocalEngine(make_bright, 0) as engine:
        run.scan(book, engine, lambda at: (print(at.done, flush=True), time.sleep(0.05)))
"""


@pytest.mark.parametrize("after", [1, 4])
def test_killed_anywhere_and_run_again_it_finds_the_same_and_scans_nothing_twice(
    archive: Path, tmp_path: Path, after: int
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(archive), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < after:
            pass
        process.kill()
    with sqlite3.connect(tmp_path / "out" / NAME) as db:
        before = {row[0] for row in db.execute("SELECT recording FROM part")}
    again = list(_scanned(archive, tmp_path / "out"))
    with Book(tmp_path / "out" / NAME) as book:
        found = book.digest()

    assert len(before) >= after
    assert before.isdisjoint(again)
    assert len(before) + len(again) == 7
    assert found == digest(audit(tmp_path / "whole", archive))


def _scanned(archive: Path, out: Path) -> list[int]:
    scanned: list[int] = []

    class Counts(Scanner):
        def scan(self, task: Task, beat: object = None) -> Scan:
            scanned.append(task.recording)
            return super().scan(task)

    with (
        run.begin(out, [str(archive)], TERMS, catalogue.load_policy(), Naming(), resume=True) as book,
        LocalEngine(lambda: Counts(Bright(), catalogue.load_policy(), TERMS), 0) as engine,
    ):
        run.scan(book, engine)
    return scanned


def test_a_recording_that_has_changed_is_scanned_anew(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", [(10, 30)])
    audit(tmp_path / "out", path).close()
    write_recording(path, [(30, 45)])
    book = audit(tmp_path / "out", path, resume=True)
    ((start, _),) = spans(ruled(book)["a.mp4"])
    book.close()

    assert start == pytest.approx(30, abs=1)


def test_an_audit_is_not_overwritten_unless_it_is_to_go_on(archive: Path, tmp_path: Path) -> None:
    audit(tmp_path / "out", archive).close()

    with pytest.raises(InputError, match="--resume"):
        audit(tmp_path / "out", archive)


def test_an_audit_on_other_terms_is_another_audit(archive: Path, tmp_path: Path) -> None:
    audit(tmp_path / "out", archive).close()

    with pytest.raises(InputError, match="another policy"):
        run.begin(tmp_path / "out", [str(archive)], TERMS, catalogue.load_policy("order799"), Naming(), resume=True)


def test_a_folder_that_cannot_be_written_is_said(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SinkError, match="cannot be made"):
        audit(tmp_path / "file" / "out", archive)


def test_what_is_no_book_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("a letter, " * 100)

    with pytest.raises(InputError, match="no audit can be read"):
        Book(tmp_path / NAME)


def test_a_scan_can_be_stopped_and_gone_on_with(archive: Path, tmp_path: Path) -> None:
    with (
        run.begin(tmp_path / "out", [str(archive)], TERMS, catalogue.load_policy(), Naming(), resume=False) as book,
        LocalEngine(make_bright, 0) as engine,
    ):
        assert not run.scan(book, engine, stop=lambda: book.progress().done >= 3)
        assert book.progress().done == 3
        assert run.scan(book, engine)
        assert book.progress().done == 7
