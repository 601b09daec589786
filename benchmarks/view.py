"""Which changed views the fingerprint finds, and how often it cries wolf.

    python benchmarks/view.py --data ../shared/corpus --out benchmarks/results/view

From each static clip virtual cameras are made: a frame is taken for a pinhole picture 90 degrees wide, of which the
camera sees 55, so that it can be turned and zoomed as a real one would. The registered view and the view now are each
taken from five frames of different parts of the clip, so people and cars have moved in between. A view that holds too
little to be registered is counted, and takes no further part. Everything drawn is drawn from `--seed`.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 saves half of the time: the matrices are small.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.cameras.view import Comparison, Fingerprint, fingerprint, recognise, registrable
from privacy.frame import Frame, Layout, thumbnail
from privacy.sources.video import VideoSource

CLIPS = (
    "ahsan_cctv.mp4",
    "bottle-detection.mp4",
    "car-detection.mp4",
    "harish_fall.mp4",
    "intel_classroom_preview.mp4",
    "intel_people-detection_preview.mp4",
    "one-by-one-person-detection.mp4",
)
MASTER_DEG, VIEW_DEG = 90.0, 55.0
SIZE = (216, 384)
FRAMES = 60
MEDIAN = 5
CAMERAS = 20

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a virtual camera looks: degrees right, down and rolled, and its zoom."""

    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    zoom: float = 1.0


def look(master: Picture, pose: Pose) -> Picture:
    """Return what a camera of that pose sees in the master picture."""
    height, width = master.shape[:2]
    rows, columns = SIZE
    inner = width / 2 / math.tan(math.radians(MASTER_DEG / 2))
    outer = pose.zoom * columns / 2 / math.tan(math.radians(VIEW_DEG / 2))
    there = np.array([[inner, 0, width / 2], [0, inner, height / 2], [0, 0, 1]])
    here = np.array([[outer, 0, columns / 2], [0, outer, rows / 2], [0, 0, 1]])
    turn = _rotation(math.radians(pose.pan), math.radians(pose.tilt), math.radians(pose.roll))
    mapping = there @ turn @ np.linalg.inv(here)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(master, mapping, (columns, rows), flags=how, borderMode=cv2.BORDER_REFLECT))


def _rotation(pan: float, tilt: float, roll: float) -> NDArray[np.float64]:
    (cp, sp), (ct, st), (cr, sr) = ((math.cos(angle), math.sin(angle)) for angle in (pan, tilt, roll))
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_x = np.array([[1, 0, 0], [0, ct, st], [0, -st, ct]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn: NDArray[np.float64] = about_y @ about_x @ about_z
    return turn


def day(picture: Picture, rng: np.random.Generator) -> Picture:
    """Another hour of the day: brightness and contrast within what automatic exposure leaves."""
    gamma, gain = rng.uniform(0.7, 1.4), rng.uniform(0.8, 1.2)
    return np.asarray(np.clip(255 * gain * (picture / 255.0) ** gamma, 0, 255), np.uint8)


def night(picture: Picture, rng: np.random.Generator) -> Picture:
    """Infrared: no colour, a lamp in the middle, dark and noisy."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64)
    rows, columns = SIZE
    y, x = np.mgrid[0:rows, 0:columns]
    lamp = np.exp(-(((x / columns - 0.5) ** 2 + (y / rows - 0.5) ** 2) / rng.uniform(0.15, 0.4)))
    dark = 255 * (grey / 255) ** rng.uniform(1.0, 2.0) * rng.uniform(0.3, 0.7) * lamp + rng.normal(0, 6, grey.shape)
    return np.asarray(np.repeat(np.clip(dark, 0, 255)[..., None], 3, axis=2), np.uint8)


def compressed(picture: Picture, rng: np.random.Generator) -> Picture:
    """A JPEG of quality 10 to 40."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 41))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def as_it_is(picture: Picture, rng: np.random.Generator) -> Picture:  # noqa: ARG001 - as the others
    """Nothing but another moment."""
    return picture


def shaken(pose: Pose, rng: np.random.Generator) -> Pose:
    """Return the pose of a camera in the wind: half a degree."""
    pan, tilt, roll = rng.uniform(-0.5, 0.5, 3)
    return Pose(pose.pan + pan, pose.tilt + tilt, roll)


Disturb = Callable[[Picture, np.random.Generator], Picture]
SAME: dict[str, tuple[Disturb, ...]] = {
    "another moment, half a degree of vibration": (as_it_is,),
    "day: other exposure": (day,),
    "night: infrared, dark, noise": (night,),
    "compression: JPEG quality 10 to 40": (compressed,),
    "all of it: exposure or infrared, then compression": (day, night, compressed),
}
CHANGED: dict[str, Pose] = {
    "re-aim 5 degrees": Pose(pan=5),
    "re-aim 10 degrees": Pose(pan=10),
    "re-aim 30 degrees": Pose(pan=30),
    "zoom 1.2x": Pose(zoom=1.2),
    "zoom 1.5x": Pose(zoom=1.5),
    "zoom 2x": Pose(zoom=2.0),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one kind of check.

    Attributes:
        kind: What was done to the view.
        changed: True if an alarm is right.
        checks: How many.
        alarms: How many said that the view changed.
        unknown: How many could not say.
        cameras: How many cameras were checked, each up to six times.
        hidden: How many of them the service would have hidden and reported.
    """

    kind: str
    changed: bool
    checks: int
    alarms: int
    unknown: int
    cameras: int
    hidden: int


def frames(data: Path, clip: str) -> list[Picture]:
    """Read frames spread over a clip."""
    with VideoSource(data / "videos" / clip) as source:
        everything = [thumbnail(frame, frame.size) for frame in source]
    chosen = np.linspace(0, len(everything) - 1, min(FRAMES, len(everything))).astype(int)
    return [everything[index] for index in chosen]


def taken(pictures: list[Picture]) -> Fingerprint:
    """Take a fingerprint as the service does."""
    return fingerprint([Frame((picture,), Layout.RGB, 0.0) for picture in pictures])


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A virtual camera: what is before it at other times, where it is registered to look, and that view."""

    clip: int
    after: list[Picture]
    pose: Pose
    registered: Fingerprint

    @classmethod
    def drawn(cls, clips: list[list[Picture]], clip: int, pose: Pose, rng: np.random.Generator) -> "Camera | None":
        """Put one up; None if its view cannot be registered."""
        pictures = clips[clip]
        order = rng.permutation(len(pictures))
        before, again, after = (
            [pictures[index] for index in part]
            for part in (order[:MEDIAN], order[MEDIAN : 2 * MEDIAN], order[2 * MEDIAN :])
        )
        one, other = (taken([look(picture, pose) for picture in part]) for part in (before, again))
        return cls(clip, after, pose, one) if registrable(one, other) else None

    def check(self, pose: Pose, disturb: tuple[Disturb, ...], rng: np.random.Generator) -> Comparison:
        """Compare what it sees at that pose, through all of `disturb`, with its registered view."""
        chosen = rng.choice(len(self.after), MEDIAN)
        seen = [look(self.after[index], pose) for index in chosen]
        seed = int(rng.integers(2**32))
        for step in disturb:
            seen = [step(picture, np.random.default_rng(seed)) for picture in seen]
        frames = [Frame((picture,), Layout.RGB, 0.0) for picture in seen]
        return recognise({"": self.registered}, frames)[""]


IN_A_ROW, MOST = 3, 6
"""What the service does: three checks must find a change, none between them the registered view. It goes on checking;
here six times, half a minute at most."""


Checks = list[Comparison]


def same(cameras: list[Camera], kind: str, count: int, rng: np.random.Generator) -> Iterator[Checks]:
    """Check views that have not changed, but for half a degree of vibration: six times each."""
    for _ in range(math.ceil(count / MOST)):
        camera = cameras[int(rng.integers(len(cameras)))]
        disturb = SAME[kind]
        steps = disturb if len(disturb) < 3 else (disturb[int(rng.integers(2))], disturb[2])
        yield [camera.check(shaken(camera.pose, rng), steps, rng) for _ in range(MOST)]


def changed(clips: list[list[Picture]], by: Pose, count: int, rng: np.random.Generator) -> Iterator[Checks]:
    """Check views that have changed, at another exposure and compressed, until the service would act."""
    room = (MASTER_DEG - VIEW_DEG) / 2 - by.pan / 2
    while count:
        side, middle = float(rng.choice([-1, 1])), rng.uniform(-room, room)
        start = Pose(middle - side * by.pan / 2, rng.uniform(-3, 3))
        camera = Camera.drawn(clips, int(rng.integers(len(clips))), start, rng)
        if camera is not None:
            now = Pose(middle + side * by.pan / 2, start.tilt, zoom=by.zoom)
            yield until_hidden(lambda camera=camera, now=now: camera.check(now, (day, compressed), rng))  # type: ignore[misc]
            count -= 1


def moved(cameras: list[Camera], count: int, rng: np.random.Generator) -> Iterator[Checks]:
    """Check views of another place altogether, until the service would act."""
    while count:
        here, there = (cameras[int(index)] for index in rng.integers(len(cameras), size=2))
        if here.clip != there.clip:
            looking = replace(there, registered=here.registered)
            yield until_hidden(lambda looking=looking: looking.check(looking.pose, (compressed,), rng))  # type: ignore[misc]
            count -= 1


def until_hidden(check: Callable[[], Comparison]) -> Checks:
    """Check until the service would hide the camera, six times at most."""
    said: Checks = []
    while len(said) < MOST and not is_hidden(said):
        said.append(check())
    return said


def is_hidden(said: Checks) -> bool:
    """Say whether the service would have hidden the camera by then."""
    away = 0
    for one in said:
        if one.known:
            away = 0 if one.change is None else away + 1
        if away >= IN_A_ROW:
            return True
    return False


def row(kind: str, checks: Iterator[Checks], *, is_changed: bool) -> Row:
    """Count what was said."""
    cameras = list(checks)
    said = [one for camera in cameras for one in camera]
    return Row(
        kind,
        is_changed,
        len(said),
        sum(one.change is not None for one in said),
        sum(not one.known for one in said),
        len(cameras),
        sum(map(is_hidden, cameras)),
    )


def table(rows: list[Row]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| What was done | checks | said: changed | could not say | cameras | hidden and reported |",
        "|---|---|---|---|---|---|",
    ]
    for one in rows:
        share = f"{one.alarms} ({one.alarms / one.checks:.2%})"
        unknown = f"{one.unknown} ({one.unknown / one.checks:.2%})"
        hidden = f"{one.hidden} ({one.hidden / one.cameras:.1%})"
        lines.append(f"| {one.kind} | {one.checks} | {share} | {unknown} | {one.cameras} | {hidden} |")
    return "\n".join(lines)


def main() -> None:
    """Run the checks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="Write OUT.json and OUT.md.")
    parser.add_argument("--checks", type=int, default=10_000, help="Checks of views that have not changed, in all.")
    parser.add_argument("--changes", type=int, default=500, help="Checks of each kind of change.")
    parser.add_argument("--seed", type=int, default=132)
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    clips = [frames(options.data, clip) for clip in CLIPS]
    start = time.process_time()
    tried = [
        Camera.drawn(clips, clip, Pose(rng.uniform(-12, 12), rng.uniform(-3, 3)), rng)
        for clip in range(len(clips))
        for _ in range(CAMERAS)
    ]
    cameras = [camera for camera in tried if camera is not None]
    rows = [row(k, same(cameras, k, options.checks // len(SAME), rng), is_changed=False) for k in SAME]
    rows += [row(k, changed(clips, pose, options.changes, rng), is_changed=True) for k, pose in CHANGED.items()]
    rows.append(row("another place", moved(cameras, options.changes, rng), is_changed=True))
    still = [one for one in rows if not one.changed]
    text = (
        f"{table(rows)}\n\n"
        f"False alarms: {sum(one.alarms for one in still)} in {sum(one.checks for one in still)} single checks; "
        f"{sum(one.hidden for one in still)} of {sum(one.cameras for one in still)} cameras hidden wrongly. "
        f"{len(cameras)} of {len(tried)} views hold enough to be registered: "
        + ", ".join(f"{sum(c.clip == n for c in cameras)} of {clip}" for n, clip in enumerate(CLIPS))
        + f". {(time.process_time() - start) * 1000 / sum(one.checks for one in rows):.0f} CPU-ms a check, drawing "
        "included.\n"
    )
    print(text)
    if options.out is not None:
        options.out.with_suffix(".md").write_text(text, "utf-8")
        options.out.with_suffix(".json").write_text(json.dumps([asdict(one) for one in rows], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
