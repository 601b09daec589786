#!/usr/bin/env python
"""Checks the contract: style (buf lint) and that no released message changed its meaning (buf breaking).

Both run over images that protoc builds from installed packages, so nothing is fetched. Breaking changes are measured
against the last tag, else against `main`; where git knows neither, or neither has a contract, that half is skipped.
"""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from generate import HERE, PACKAGE, image

ROOT = HERE.parent
BUF = Path(sysconfig.get_path("scripts")) / "buf"


def git(*arguments: str) -> bytes:
    """Return what git says, or nothing if it refuses."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError):
        return b""


def buf(*arguments: str) -> int:
    """Run buf on our own files and return its exit code; what it finds goes to the terminal."""
    return subprocess.run([BUF, *arguments, "--config", ROOT / "buf.yaml"], check=False).returncode  # noqa: S603


def last_promise() -> str:
    """Return the git reference whose contract must hold, or "" if there is none."""
    tag = git("describe", "--tags", "--abbrev=0").decode().strip()
    candidates = [tag] if tag else ["main", "origin/main"]
    return next((ref for ref in candidates if git("ls-tree", ref, "--", f"proto/{PACKAGE}/")), "")


def main() -> None:
    """Run the command line."""
    with tempfile.TemporaryDirectory() as folder:
        now, then = Path(folder) / "now.binpb", Path(folder) / "then.binpb"
        image(now)
        failed = buf("lint", str(now), "--path", PACKAGE)
        if reference := last_promise():
            old = Path(folder) / "old"
            for name in git("ls-tree", "-r", "--name-only", reference, "--", "proto/").decode().splitlines():
                (old / name).parent.mkdir(parents=True, exist_ok=True)
                (old / name).write_bytes(git("show", f"{reference}:{name}"))
            image(then, old / "proto")
            failed = buf("breaking", str(now), "--against", str(then), "--exclude-imports") or failed
        else:
            print("buf breaking: skipped, git knows no earlier contract", file=sys.stderr)  # noqa: T201
    sys.exit(failed)


if __name__ == "__main__":
    main()
