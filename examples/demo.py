"""Starts the service, sends a clip through it by the example plugin, and stops the service: what `make demo` runs."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import vms_plugin

from privacy.sinks.video import VideoSink
from privacy.sources.synthetic import SyntheticSource
from privacy.v1 import report_service_pb2, report_service_pb2_grpc

STARTS_WITHIN_S = 120
RENDERED = Path(__file__).resolve().parents[1] / "datasets/rendered/sample/clips/corridor-reaimed.mp4"
"""A corridor's camera that is turned and zoomed through a washroom's open door: what Art. 19(1) is about."""
LOOK_BEHIND_S = 1.0
"""The service waits this long for the next look, so that what a look hides is hidden from before it."""


@contextmanager
def service(out: Path) -> Iterator[str]:
    """Run `privacy serve` on a free port, its reports kept below `out`, and yield its address."""
    command = [str(Path(sys.executable).with_name("privacy")), "serve", "--address", "127.0.0.1:0", "--reflection"]
    command += ["--reports", f"sqlite:///{out / 'reports.db'}", "--ledger-key", str(out / "ledger.key")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    try:
        said = (
            server.stdout.readline() if server.stdout else ""
        )  # one line, when the service is healthy; nothing if it could not start
        if not said.startswith("listening on "):
            sys.exit("demo: the service did not start")
        print(f"service: {said.strip()}")
        yield said.split()[2]
    finally:
        server.terminate()
        server.wait(STARTS_WITHIN_S)


def drawn(folder: Path) -> Path:
    """Write the drawn clip, a walk down a corridor into a washroom; nothing in it is a photograph."""
    source = SyntheticSource()
    path = folder / "clip.mp4"
    with VideoSink(path, source.info, overwrite=True) as sink:
        for frame in source:
            sink.write(frame)
    return path


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, help="Your own clip. Default: a rendered one.")
    parser.add_argument("--drawn", action="store_true", help="Show a clip that is drawn on the spot instead.")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="Folder for what is written.")
    asked = parser.parse_args()
    if asked.video is not None and not asked.video.is_file():
        parser.error(f"no such file: {asked.video}")
    asked.out.mkdir(parents=True, exist_ok=True)
    with service(asked.out) as target:
        video = asked.video or (RENDERED if RENDERED.is_file() and not asked.drawn else drawn(asked.out))
        # The page shows before beside after: it is the clip of whoever runs this, and a banner on the page says so.
        done = vms_plugin.main(
            [
                str(video),
                "--out",
                str(asked.out),
                "--target",
                target,
                "--camera",
                f"sites/demo/cameras/{_slug(video)}",
                "--purpose",
                "" if asked.video else "corridor",
                "--look-behind",
                str(LOOK_BEHIND_S),
                "--show-before",
            ]
        )
        if done == 0:
            for line in reported(target):
                print(line)
    if done == 0:
        print(f"open {asked.out / 'index.html'}")
    return done


def reported(target: str) -> list[str]:
    """Return a line for each report that the service raised; a clear view raises none."""
    with grpc.insecure_channel(target) as channel:
        reports = report_service_pb2_grpc.ReportServiceStub(channel)
        found = reports.ListReports(report_service_pb2.ListReportsRequest()).reports
    cited = [", ".join(clause.citation for clause in one.legal_basis.clauses) for one in found]
    return [f"report: {one.rule}, {law}: {one.recommended_action_en}" for one, law in zip(found, cited, strict=True)]


def _slug(video: Path) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in video.stem)[:63] or "clip"


if __name__ == "__main__":
    sys.exit(main())
