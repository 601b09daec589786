"""What `privacy audit` says when it is done."""

from pathlib import Path

from click.testing import CliRunner

from privacy.cli import cli


def test_a_file_that_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    result = CliRunner().invoke(cli, ["audit", str(tmp_path / "bad.mp4"), "--out", str(tmp_path / "out")])

    assert result.exit_code == 3
    assert result.stderr.count("bad.mp4") == 1
    assert result.stdout.startswith("1 recording, 0 s: 0 findings, ")
