"""A server process of the tests' own."""

import signal
import subprocess
import sys


class Running:
    """A server process and what it said when it was ready."""

    def __init__(self, *options: str) -> None:
        command = [
            sys.executable,
            "-c",
            "from privacy.cli import main; main()",
            "--log-level",
            "info",
            "--log-format",
            "json",
        ]
        self.process = subprocess.Popen(
            [*command, "serve", "--address", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()
        self.address = self.said.removeprefix("listening on ").partition(" ")[0]

    @property
    def http(self) -> str:
        return next(word.removeprefix("http on ") for word in self.said.split("; ") if word.startswith("http on "))

    def stop(self) -> str:
        """End it with SIGTERM, and return its log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=30)
        assert self.process.returncode == 0
        return log
