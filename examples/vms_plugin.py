"""An example VMS plugin: sends the frames of a video to the service and writes what may be shown.

    privacy serve &
    python examples/vms_plugin.py lobby.mp4 --out out
    python examples/vms_plugin.py rtsp://camera/stream --out out --segments 10
    python examples/vms_plugin.py rtsp://camera/stream --push rtmp://media-server/live/lobby

The first leaves a page to look at: `out` then holds `masked.mp4`, `verdicts.jsonl` with one line for each frame, and
`index.html`. The others run for as long as the camera does, and open it again when it breaks off. A real plugin differs
in where frames come from and go to; the loops in `enforce` and `relay` are all there is to the rest.
"""

import argparse
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from outputs import Camera, Output, Push, Segments
from page import Moment, page, picture

from privacy import jpeg
from privacy.client import Enforced, EnforcementClient, Jpeg, Mode, StreamOptions
from privacy.errors import PrivacyError, SourceLostError
from privacy.frame import Frame, Layout, thumbnail
from privacy.pipeline import Outcome
from privacy.sinks.lines import LinesSink, line_of
from privacy.sinks.video import VideoSink
from privacy.sources.video import VideoInfo, VideoSource
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.verdict import State, Verdict

MAX_MOMENTS = 12
"""Pictures on the page."""


class Source(Protocol):
    """A video: `privacy.sources.video.VideoSource`, or one that is drawn."""

    info: VideoInfo

    def __iter__(self) -> Iterator[Frame]:
        """Yield its frames."""


class Gallery:
    """Keeps one small picture of each run of equal verdicts; originals only if the page may show them."""

    def __init__(self, *, before: bool) -> None:
        self._before = before
        self._originals: deque[Frame] = deque()
        self._moments: dict[int, Moment] = {}  # by the first frame of the run
        self._lengths: dict[int, int] = {}
        self._start = 0
        self.verdicts: list[Verdict] = []

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass frames on, and hold each until it is answered."""
        for frame in frames:
            if self._before:
                self._originals.append(frame)
            yield frame

    def add(self, shown: Frame, verdict: Verdict) -> None:
        """Take the answer to the next frame."""
        original = self._originals.popleft() if self._before else None
        number = len(self.verdicts)
        if not self.verdicts or self.verdicts[-1].state is not verdict.state:
            self._start = number
        self.verdicts.append(verdict)
        length = self._lengths[self._start] = number - self._start + 1
        if length & (length - 1) == 0:  # the 1st, 2nd, 4th, 8th ... of the run: the last one kept is well inside it
            before = None if original is None else picture(original)
            self._moments[self._start] = Moment(verdict, picture(shown), before)
        if len(self._lengths) > 2 * MAX_MOMENTS:
            for start in sorted(self._lengths, key=self._lengths.__getitem__)[:MAX_MOMENTS]:
                if start != self._start:
                    del self._lengths[start], self._moments[start]

    def moments(self) -> list[Moment]:
        """Return pictures of the longest runs, in order of time."""
        longest = sorted(self._lengths, key=self._lengths.__getitem__)[-MAX_MOMENTS:]
        return [self._moments[start] for start in sorted(longest)]


def enforce(
    client: EnforcementClient, source: Source, out: Path, options: StreamOptions, *, as_jpeg: bool, before: bool
) -> None:
    """Send every frame of `source`, and write what comes back to `out`.

    Raises:
        SourceLostError: The source broke off; what it gave is written.
    """
    gallery, last, broken = Gallery(before=before), None, None
    out.mkdir(parents=True, exist_ok=True)
    with (
        VideoSink(out / "masked.mp4", source.info, overwrite=True) as video,
        LinesSink(out / "verdicts.jsonl", overwrite=True) as lines,
    ):
        frames = gallery.watch(source)
        pictures = map(to_jpeg, frames) if as_jpeg else frames
        try:
            for number, answer in enumerate(client.enforce(pictures, options)):
                shown = to_frame(answer, number)
                video.write(shown)
                lines.write(line_of(Outcome(shown, answer.verdict, answer.plan)))
                gallery.add(shown, answer.verdict)
                last = answer.result or last
        except SourceLostError as error:
            broken = error
    write_page(client, gallery, out, options, last)
    if broken is not None:
        raise broken


def relay(client: EnforcementClient, camera: Camera, output: Output, options: StreamOptions, *, as_jpeg: bool) -> None:
    """Pass on what may be shown, for as long as the camera gives something.

    Raises:
        SinkError: The output broke off.
    """
    pictures = map(to_jpeg, camera) if as_jpeg else camera
    try:
        for number, answer in enumerate(client.enforce(pictures, options)):
            output.write(to_frame(answer, number))
    except KeyboardInterrupt:
        pass  # what was written is all there is
    finally:
        output.close()
        camera.close()


def to_jpeg(frame: Frame) -> Jpeg:
    """Return a frame as a camera that sends JPEG would."""
    pixels = thumbnail(frame, frame.size)
    return Jpeg(jpeg.write(Frame((pixels,), Layout.RGB, frame.offset), subsampling="420"), frame.offset)


def to_frame(answer: Enforced, number: int) -> Frame:
    """Return what may be shown as a frame."""
    if isinstance(answer.picture, Frame):
        return answer.picture
    return jpeg.read(answer.picture.data, answer.picture.offset, number)


def write_page(
    client: EnforcementClient, gallery: Gallery, out: Path, options: StreamOptions, last: pb.FrameResult | None
) -> None:
    """Write `index.html`."""
    offered = client.capabilities()
    hidden = sum(verdict.state is not State.CLEAR for verdict in gallery.verdicts)
    facts = {
        "Camera": options.camera,
        "Frames": f"{len(gallery.verdicts)}, of which {hidden} hidden",
        "Model": f"{offered.models[0].name} (sha256 {offered.models[0].sha256_digest or 'none'})",
        "Policy": f"{offered.policies[0].policy.name} {offered.policies[0].policy.version}",
        "Answers": options.mode.lower().replace("_", " "),
        "Service": offered.server_version,
    }
    if last is not None:
        shown = last.exposure
        facts["Exposure"] = f"at most {shown.frames} frames, {shown.duration.ToMilliseconds() / 1000:g} s"
    text = page(
        title=options.camera.rpartition("/")[2],
        verdicts=gallery.verdicts,
        moments=gallery.moments(),
        facts=facts,
        video="masked.mp4",
    )
    (out / "index.html").write_text(text, "utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Mask a video through the privacy service.")
    parser.add_argument("video", help="A file, or the address of an RTSP camera.")
    parser.add_argument("--out", type=Path, help="Folder for the masked video, the verdicts and the page.")
    parser.add_argument(
        "--segments", type=float, metavar="SECONDS", help="Write segments of this length to the folder."
    )
    parser.add_argument("--push", metavar="ADDRESS", help="Send the masked video on: rtmp://, rtsp://, srt://, tcp://.")
    parser.add_argument("--target", default="127.0.0.1:50051", help="HOST:PORT of the service.")
    parser.add_argument("--camera", default="sites/demo/cameras/demo", help="Resource name of the camera.")
    parser.add_argument("--purpose", default="", help="What the camera is declared for, for example corridor.")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.MASKED_FRAME.value)
    parser.add_argument("--token", default="", help="What the service knows this plugin by.")
    parser.add_argument("--look-behind", type=float, default=0.0, metavar="SECONDS", help="Wait for the next look.")
    parser.add_argument("--jpeg", action="store_true", help="Send JPEG instead of I420.")
    parser.add_argument(
        "--show-before",
        action="store_true",
        help="Put unmasked pictures on the page, also of what was hidden. Only for clips that you may look at.",
    )
    asked = parser.parse_args(arguments)
    if asked.out is None and (asked.push is None or asked.segments is not None):
        parser.error("name a folder with --out, or an address with --push")
    options = StreamOptions(
        camera=asked.camera, purpose=asked.purpose, mode=Mode(asked.mode), look_behind_s=asked.look_behind
    )
    try:
        with EnforcementClient(asked.target, token=asked.token) as client:
            client.wait_ready()
            if asked.push is not None or asked.segments is not None:
                camera = Camera(asked.video)
                relay(client, camera, output_of(asked, camera), options, as_jpeg=asked.jpeg)
                return 0
            with VideoSource(asked.video) as source:
                enforce(client, source, asked.out, options, as_jpeg=asked.jpeg, before=asked.show_before)
    except SourceLostError as error:
        print(f"vms_plugin: {error}; what came before is masked and written", file=sys.stderr)
        return 3
    except PrivacyError as error:
        print(f"vms_plugin: {error}", file=sys.stderr)
        return 1
    print(asked.out / "index.html")
    return 0


def output_of(asked: argparse.Namespace, camera: Camera) -> Output:
    """Return where the masked video goes."""
    if asked.push is not None:
        return Push(asked.push, camera.info)
    asked.out.mkdir(parents=True, exist_ok=True)
    return Segments(asked.out, camera.info, asked.segments)


if __name__ == "__main__":
    sys.exit(main())
