"""Starts the service, sends a clip through it by the example plugin, and stops the service: what `make demo` runs."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import vms_plugin

from privacy.sinks.video import VideoSink
from privacy.sources.synthetic import SyntheticSource

STARTS_WITHIN_S = 120


@contextmanager
def service() -> Iterator[str]:
    """Run `privacy serve` on a free port, and yield its address."""
    command = [str(Path(sys.executable).with_name("privacy")), "serve", "--address", "127.0.0.1:0", "--reflection"]
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


def clip(folder: Path) -> Path:
    """Write the built-in clip, a walk down a corridor into a washroom; nothing in it is a photograph."""
    source = SyntheticSource()
    path = folder / "clip.mp4"
    with VideoSink(path, source.info, overwrite=True) as sink:
        for frame in source:
            sink.write(frame)
    return path


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, help="Your own clip. Default: a small one that is drawn.")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="Folder for what is written.")
    asked = parser.parse_args()
    if asked.video is not None and not asked.video.is_file():
        parser.error(f"no such file: {asked.video}")
    asked.out.mkdir(parents=True, exist_ok=True)
    with service() as target:
        video = asked.video or clip(asked.out)
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
                "--show-before",
            ]
        )
    if done == 0:
        print(f"open {asked.out / 'index.html'}")
    return done


def _slug(video: Path) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in video.stem)[:63] or "clip"


if __name__ == "__main__":
    sys.exit(main())
