"""`privacy ledger` and `privacy evidence`, as an authority runs them: with files, and without any server."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from privacy.cli import cli
from privacy.database import open_database
from privacy.migrations import migrate
from privacy.reports import keys
from privacy.reports.evidence import seal_bytes
from privacy.reports.ledger import Act
from privacy.reports.marks import FOUND, whose
from privacy.reports.store import Store


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with a ledger of five entries, signed with `ledger.key`."""
    url = f"sqlite:///{tmp_path / 'reports.db'}"
    engine = open_database(url)
    migrate(engine)
    store = Store(engine, keys.signing_or_new(tmp_path / "ledger.key"))
    for number in range(5):
        store.enter(Act(actor="li", at=float(number), action="config", subject="camera", purpose="test"))
    engine.dispose()
    return url


def exported(url: str, folder: Path) -> Path:
    out = folder / "ledger.jsonl"
    assert run("ledger", "export", "--database", url, "--key", folder / "ledger.key", "--out", out).exit_code == 0
    return out


def test_an_export_is_verified_without_server_and_database(url: str, tmp_path: Path) -> None:
    out = exported(url, tmp_path)
    public = run("ledger", "public-key", "--key", tmp_path / "ledger.key").output.strip()
    (tmp_path / "reports.db").unlink()
    done = run("ledger", "verify", out, "--key", public)

    assert (done.exit_code, done.output.split(",")[0]) == (0, "intact: 5 entries")


def test_the_first_broken_entry_is_named(url: str, tmp_path: Path) -> None:
    out = exported(url, tmp_path)
    out.write_bytes(out.read_bytes().replace(b'"entry":3', b'"entry":4'))
    done = run("ledger", "verify", out)

    assert done.exit_code == 1
    assert "entry 3:" in done.output


def test_a_head_that_was_sent_away_shows_what_was_cut_off(url: str, tmp_path: Path) -> None:
    early = exported(url, tmp_path).read_bytes()
    store = Store(open_database(url), keys.signing(tmp_path / "ledger.key"))
    store.enter(Act(actor="li", at=9.0, action="mask", subject="camera", purpose="test"))
    (tmp_path / "heads").write_text(run("ledger", "head", "--database", url, "--key", tmp_path / "ledger.key").output)
    (tmp_path / "early").write_bytes(early)
    store.database.dispose()

    assert run("ledger", "verify", tmp_path / "early").exit_code == 0
    assert run("ledger", "verify", tmp_path / "early", "--heads", tmp_path / "heads").exit_code == 1


def test_a_file_of_heads_that_holds_none_proves_nothing(url: str, tmp_path: Path) -> None:
    (tmp_path / "heads").write_text('torn off{"head":{}}\n')
    done = run("ledger", "verify", exported(url, tmp_path), "--heads", tmp_path / "heads")

    assert (done.exit_code, "holds no head" in done.output) == (1, True)


def test_an_export_that_does_not_fit_on_the_disk_says_so(url: str, tmp_path: Path) -> None:
    done = run("ledger", "export", "--database", url, "--key", tmp_path / "ledger.key", "--out", "/dev/full")

    assert (done.exit_code, "No space left" in done.output) == (1, True)


def test_a_key_for_which_there_is_no_room_leaves_nothing_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file would be read as a key for ever after, and be none."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        assert run("evidence", "keygen", tmp_path / "authority").exit_code == 1

    assert run("evidence", "keygen", tmp_path / "authority").exit_code == 0


def test_what_somebody_else_is_opening_stays(tmp_path: Path) -> None:
    run("evidence", "keygen", tmp_path / "authority")
    (tmp_path / "box").write_bytes(seal_bytes(b"x", keys.authority(tmp_path / "authority.pub"), {}))
    (tmp_path / "out.part").write_bytes(b"half")
    done = run("evidence", "open", tmp_path / "box", "--key", tmp_path / "authority", "-o", tmp_path / "out")

    assert (done.exit_code, (tmp_path / "out.part").read_bytes()) == (1, b"half")


def test_the_authority_opens_what_was_sealed_to_it_marked_as_its_copy(tmp_path: Path) -> None:
    assert run("evidence", "keygen", tmp_path / "authority").exit_code == 0
    picture = bytes(cv2.imencode(".jpg", np.full((240, 320, 3), 120, np.uint8))[1])
    public = keys.authority(tmp_path / "authority.pub")
    (tmp_path / "box").write_bytes(seal_bytes(picture, public, {"media_type": "image/jpeg"}))
    (tmp_path / "secret").write_bytes(b"s" * 32)
    opened, marked = tmp_path / "opened.jpg", tmp_path / "marked.jpg"
    key = ("--key", tmp_path / "authority")
    assert run("evidence", "open", tmp_path / "box", *key, "-o", opened).exit_code == 0
    marks = ("--recipient", "officer 440101", "--mark-secret", tmp_path / "secret")
    assert run("evidence", "open", tmp_path / "box", *key, "-o", marked, *marks).exit_code == 0
    shown = np.asarray(cv2.imread(str(marked)), np.uint8)[..., ::-1]

    assert opened.read_bytes() == picture
    assert whose(shown, ["officer 440101"], b"s" * 32)["officer 440101"] > FOUND
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "authority", opened, marked))


def test_an_altered_box_leaves_nothing_behind(tmp_path: Path) -> None:
    run("evidence", "keygen", tmp_path / "authority")
    box = seal_bytes(b"x" * 200_000, keys.authority(tmp_path / "authority.pub"), {})
    (tmp_path / "box").write_bytes(box[:-1])
    done = run("evidence", "open", tmp_path / "box", "--key", tmp_path / "authority", "-o", tmp_path / "out")

    assert (done.exit_code, sorted(path.name for path in tmp_path.iterdir())) == (
        1,
        ["authority", "authority.pub", "box"],
    )


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    run("evidence", "keygen", tmp_path / "authority")
    before = (tmp_path / "authority").read_bytes()

    assert run("evidence", "keygen", tmp_path / "authority").exit_code == 1
    assert (tmp_path / "authority").read_bytes() == before
