"""What a surveillance camera does to a picture, and what a camera may see that a photographer leaves out.

Photos of rooms are taken at eye height, in colour, in good light, with nobody in them. A fixed camera hangs in a
corner, sees wide, turns grey at night, and its pictures have been through a cheap encoder. Every function here is one
such difference, pure and usable alone:

    `op(image, rng, strength) -> image`

with `image` `(H, W, 3)` uint8 RGB (never modified), `rng` the only source of chance, and `strength` in [0, 1], where 0
returns the picture as it came and 1 is as bad as a camera still in service gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""`(H, W, 3)` uint8 RGB."""
Mask = NDArray[np.float32]
"""`(H, W)` float32 in [0, 1]."""
Op = Callable[[Image, np.random.Generator, float], Image]


# ---------------------------------------------------------------------------------------------------- where it hangs


def corner_view(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """See the room from a high corner: the far side shrinks, the picture leans, and the camera is rolled.

    The four corners are pulled by up to 28 % of a side and the picture is rolled by up to 15 degrees; what lies outside
    the photo is its mirror image, so that no black wedge gives the view away.
    """
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    size = np.array([width, height], np.float32)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    pulled = square.copy()
    top, side = rng.uniform(0, 0.28 * strength), rng.uniform(-0.18, 0.18) * strength
    pulled[0] += [-top, -abs(side) if side < 0 else 0]  # the floor end shrinks, as seen from the ceiling
    pulled[1] += [top, -side if side > 0 else 0]
    pulled += rng.uniform(-0.05, 0.05, (4, 2)).astype(np.float32) * strength
    pulled -= (pulled.mean(0) - 0.5).astype(np.float32)
    angle = np.deg2rad(rng.normal(0, 6) * strength).clip(-0.26, 0.26)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    placed = np.asarray(((pulled - 0.5) @ turn.T + 0.5) * size, np.float32)
    matrix = cv2.getPerspectiveTransform(square * size, placed)
    return _image(
        cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def wide_lens(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Bend straight lines as a wide or fisheye lens does; a strong one shows its black ring.

    Radial model r -> r (1 + k r^2) with k up to 0.6, on both axes by the half diagonal.
    """
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    bend = rng.uniform(0.25, 1) * 0.6 * strength
    ringed = rng.random() < 0.35 * strength
    zoom = 1.0 if ringed else 1 / (1 + bend * 0.55)  # zoomed in, the picture still fills the frame nearly
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    half = np.hypot(width, height) / 2
    dx, dy = (xs - centre_x) / half, (ys - centre_y) / half
    scale = ((1 + bend * (dx * dx + dy * dy)) * zoom).astype(np.float32)
    border = cv2.BORDER_CONSTANT if ringed else cv2.BORDER_REFLECT_101
    return _image(
        cv2.remap(
            image,
            (centre_x + dx * scale * half).astype(np.float32),
            (centre_y + dy * scale * half).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=border,
        )
    )


def crop(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Show a part of the picture: at strength 1 between 40 and 100 % of its area, at aspect 3:4 to 4:3 of its own."""
    if strength <= 0:
        return image.copy()
    rows, columns = crop_window(image.shape[:2], rng, strength)
    return image[rows, columns].copy()


def crop_window(size: tuple[int, ...], rng: np.random.Generator, strength: float) -> tuple[slice, slice]:
    """Rows and columns that `crop` keeps of a picture of `(height, width)`, for whoever must crop boxes as well."""
    height, width = size
    area = rng.uniform(1 - 0.6 * strength, 1)
    aspect = np.exp(rng.uniform(-0.29, 0.29) * strength)
    tall = int(np.clip(round(height * np.sqrt(area / aspect)), min(8, height), height))
    wide = int(np.clip(round(width * np.sqrt(area * aspect)), min(8, width), width))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    return slice(top, top + tall), slice(left, left + wide)


def flip(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Mirror left and right, with probability `strength` / 2."""
    return np.ascontiguousarray(image[:, ::-1]) if rng.random() < strength / 2 else image.copy()


# ------------------------------------------------------------------------------------------------------- its sensor


def grey(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Take the colour away, by a random mix of channels; below strength 1 some of it stays."""
    if strength <= 0:
        return image.copy()
    mix = rng.dirichlet((3.0, 6.0, 2.0)).astype(np.float32)
    flat = image.astype(np.float32) @ mix
    return _clip(image + (flat[..., None] - image) * np.float32(min(1.0, strength)))


def infrared(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Look as at night under infrared lamps: grey, bright in the middle, blooming, dark at the rim, grainy."""
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    flat = image.astype(np.float32) @ rng.dirichlet((6.0, 3.0, 2.0)).astype(np.float32)  # sensors see red best
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    centre = rng.uniform(0.3, 0.7, 2)
    far = np.hypot((xs / width - centre[0]) * 1.2, ys / height - centre[1])
    lit = flat * (1.25 - strength * rng.uniform(0.6, 1.3) * far).clip(0.1, 1.5)
    bloom = cv2.GaussianBlur(np.clip(lit - 200, 0, 80), (0, 0), max(height, width) / 40)
    noisy = lit + 2.0 * strength * bloom + rng.standard_normal(lit.shape, np.float32) * np.float32(9 * strength)
    out = 128 + (noisy - 128) * (1 - 0.3 * strength * rng.random())
    share = np.float32(min(1.0, strength * 4))
    return _clip(image + (np.repeat(out[..., None], 3, 2) - image) * share)


def low_light(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Darken by up to 12 times, with the grain that a sensor's gain brings up, and a lift of the black."""
    if strength <= 0:
        return image.copy()
    gain = np.exp(-rng.uniform(0.3, 2.2) * strength)
    dark = image.astype(np.float32) * np.float32(gain)
    shot = rng.standard_normal(image.shape, np.float32) * np.sqrt(dark + 4) * np.float32(1.1 * strength)
    return _clip(dark + shot + rng.uniform(0, 10) * strength)


def exposure(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Change brightness, contrast, gamma, saturation and white balance, each a little."""
    if strength <= 0:
        return image.copy()
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    ramp = ramp ** np.float32(np.exp(rng.uniform(-0.5, 0.5) * strength))
    ramp = (ramp - 0.5) * np.float32(1 + rng.uniform(-0.4, 0.4) * strength) + 0.5
    ramp = ramp + np.float32(rng.uniform(-0.18, 0.18) * strength)
    balance = 1 + rng.uniform(-0.18, 0.18, 3) * strength
    table = np.clip(255 * ramp[:, None] * balance[None], 0, 255).astype(np.uint8).reshape(1, 256, 3)
    toned = cv2.LUT(image, table)
    pale = cv2.cvtColor(cv2.cvtColor(toned, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    kept = 1 + rng.uniform(-0.6, 0.4) * strength
    return _image(cv2.addWeighted(toned, kept, pale, 1 - kept, 0))


def blur(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Out of focus, or smeared along a line by movement, by up to 2 % of the longer side."""
    if strength <= 0:
        return image.copy()
    reach = max(image.shape[:2]) * 0.02 * strength * rng.uniform(0.2, 1)
    if rng.random() < 0.6:
        return _image(cv2.GaussianBlur(image, (0, 0), max(reach / 2, 0.1)))
    side = 2 * int(np.ceil(reach)) + 1
    kernel = np.zeros((side, side), np.float32)
    angle = rng.uniform(0, np.pi)
    step = np.array([np.cos(angle), np.sin(angle)]) * reach
    middle = np.array([side // 2, side // 2])
    start, end = (middle - step).round().astype(int), (middle + step).round().astype(int)
    cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0)
    return _image(cv2.filter2D(image, -1, kernel / kernel.sum()))


# ------------------------------------------------------------------------------------------------- its encoder, its OSD


def low_resolution(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Lose detail as a small sensor or sub-stream does: down to a short side of 64 px at strength 1, and up again."""
    short = min(image.shape[:2])
    if strength <= 0 or short <= 64:
        return image.copy()
    target = short * (64 / short) ** (strength * rng.uniform(0.2, 1))
    return resize(_scaled(image, target / short), image.shape[:2])


def jpeg(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Encode as JPEG and back, at quality 90 (weak) to 12 (strong)."""
    if strength <= 0:
        return image.copy()
    quality = int(90 - 78 * strength * rng.uniform(0.3, 1))
    return _encoded(image, quality)


def video_blocks(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Look like H.264 at a starved bit rate: coarse 8 x 8 blocks, washed-out colour, smoothed block edges.

    A coarsely quantised JPEG stands in for the intra blocks, a small median for the in-loop deblocking filter.
    """
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    coarse = _encoded(_scaled(image, 1 - 0.4 * strength * rng.random()), int(34 - 26 * strength * rng.uniform(0.3, 1)))
    coarse = resize(coarse, (height, width))
    return _image(cv2.medianBlur(coarse, 3)) if rng.random() < 0.6 else coarse


def on_screen_text(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Burn in a date, a camera name or a channel number, with up to three lines of text at the rim."""
    if strength <= 0:
        return image.copy()
    out = image.copy()
    height, width = image.shape[:2]
    names = ("CAM", "Camera 01", "CH", "IPC", "Hall", "2F-EAST", "NVR", "Lobby", "Door 3")  # zones stay unnamed
    for _ in range(int(rng.integers(1, 2 + round(2 * strength)))):
        digits = rng.integers(0, 10, 14)
        date = "{}{}{}{}-{}{}-{}{} {}{}:{}{}:{}{}".format(*digits)
        text = date if rng.random() < 0.6 else f"{names[int(rng.integers(len(names)))]} {digits[0]}{digits[1]}"
        scale = float(rng.uniform(0.25, 0.3 + 0.5 * strength)) * min(height, width) / 224
        left = int(rng.uniform(0.01, 0.6) * width)
        base = int(height * (rng.uniform(0.05, 0.12) if rng.random() < 0.5 else rng.uniform(0.9, 0.98)))
        colour = (255, 255, 255) if rng.random() < 0.8 else tuple(int(v) for v in rng.integers(0, 256, 3))
        if rng.random() < 0.5:
            cv2.putText(out, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(out, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
    return out


def letterbox(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Shrink the picture between two bars of one colour, above and below or left and right, up to 30 % together."""
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    kept = 1 - rng.uniform(0.08, 0.3) * strength
    shade = 0 if rng.random() < 0.7 else int(rng.integers(0, 160))
    out = np.full_like(image, shade)
    if rng.random() < 0.5:
        tall = max(1, round(height * kept))
        top = (height - tall) // 2
        out[top : top + tall] = resize(image, (tall, width))
    else:
        wide = max(1, round(width * kept))
        left = (width - wide) // 2
        out[:, left : left + wide] = resize(image, (height, wide))
    return out


def masked_parts(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Hide up to three rectangles, solid or pixelated, as an operator's privacy masks do."""
    if strength <= 0:
        return image.copy()
    out = image.copy()
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 2 + round(2 * strength)))):
        tall = max(2, int(height * rng.uniform(0.05, 0.05 + 0.3 * strength)))
        wide = max(2, int(width * rng.uniform(0.05, 0.05 + 0.3 * strength)))
        top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        part = out[top : top + tall, left : left + wide]
        if rng.random() < 0.6:
            part[:] = 0 if rng.random() < 0.6 else rng.integers(0, 256, 3)
        else:
            few = cv2.resize(part, (max(1, wide // 12), max(1, tall // 12)), interpolation=cv2.INTER_AREA)
            part[:] = cv2.resize(few, (wide, tall), interpolation=cv2.INTER_NEAREST)
    return out


def dirt_and_glare(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Soft dark spots of dirt, drops, a spider's thread, and the haze of a lamp that shines into the lens."""
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    small = np.zeros((36, 48), np.float32)
    for _ in range(int(rng.integers(1, 3 + round(4 * strength)))):
        where = (int(rng.integers(48)), int(rng.integers(36)))
        cv2.circle(small, where, int(rng.integers(1, 6)), float(rng.uniform(-0.8, 0.8) * strength), -1)
    soft = cv2.resize(cv2.GaussianBlur(small, (0, 0), 2.0), (width, height), interpolation=cv2.INTER_LINEAR)
    lifted = image.astype(np.float32) * (1 + np.minimum(soft, 0))[..., None]
    lifted += (255 - lifted) * np.maximum(soft, 0)[..., None]
    if rng.random() < 0.3:
        cv2.line(
            lifted,
            (int(rng.integers(width)), 0),
            (int(rng.integers(width)), height),
            (200.0, 200.0, 200.0),
            1,
            cv2.LINE_AA,
        )
    return _clip(lifted)


# -------------------------------------------------------------------------------------------- what stands before it


def paste_cutout(image: Image, cutout: NDArray[np.uint8], rng: np.random.Generator, strength: float) -> Image:
    """Stand a cut-out person (or thing) in the picture, on the floor half, lit a little differently.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        cutout: `(h, w, 4)` uint8 RGBA.
        rng: Source of chance.
        strength: In [0, 1]; at 1 the cut-out is up to 80 % as tall as the picture.
    """
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    tall = height * rng.uniform(0.15, 0.2 + 0.6 * strength)
    scale = min(tall / cutout.shape[0], 0.6 * width / cutout.shape[1])
    figure = _scaled(cutout, scale)
    if rng.random() < 0.5:
        figure = np.ascontiguousarray(figure[:, ::-1])
    h, w = figure.shape[:2]
    left = int(rng.integers(-w // 4, width - w + w // 4 + 1))
    top = int(np.clip(rng.uniform(0.55, 1.1) * height, h * 0.7, height + h * 0.3)) - h
    return _overlay(image, figure, top, left, gain=float(rng.uniform(0.6, 1.2)))


def open_door(host: Image, behind: Image, rng: np.random.Generator, strength: float) -> tuple[Image, Mask]:
    """Show another place through a door, window or pass in the picture.

    Args:
        host: `(H, W, 3)` uint8 RGB, the place where the camera hangs.
        behind: `(h, w, 3)` uint8 RGB, the place that is seen through the opening.
        rng: Source of chance.
        strength: In [0, 1]; at 1 the opening takes up to about half of the picture.

    Returns:
        The picture, and `(H, W)` float32 in [0, 1]: how much of each pixel shows `behind`.
    """
    height, width = host.shape[:2]
    if strength <= 0:
        return host.copy(), np.zeros((height, width), np.float32)
    tall = rng.uniform(0.3, 0.4 + 0.6 * strength) * height
    wide = min(tall * rng.uniform(0.35, 1.0), 0.75 * width)
    left, top = rng.uniform(-0.05, 1.05) * (width - wide), rng.uniform(0, 1) ** 0.7 * (height - tall)
    lean = rng.uniform(-0.2, 0.2, 2) * tall
    corners = np.array(
        [
            [left, top + max(0.0, float(lean[0]))],
            [left + wide, top + max(0.0, float(-lean[0]))],
            [left + wide, top + tall - max(0.0, float(-lean[1]))],
            [left, top + tall - max(0.0, float(lean[1]))],
        ],
        np.float32,
    )
    view = crop(behind, rng, 0.8)
    if rng.random() < 0.7:  # a door is narrow: show an upright part instead of squeezing the whole room
        narrow = max(8, min(view.shape[1], round(view.shape[0] * wide / tall)))
        start = int(rng.integers(view.shape[1] - narrow + 1))
        view = np.ascontiguousarray(view[:, start : start + narrow])
    h, w = view.shape[:2]
    matrix = cv2.getPerspectiveTransform(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32), corners)
    seen = cv2.warpPerspective(view, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    hard = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(hard, corners.round().astype(np.int32), 255, cv2.LINE_AA)
    cover = hard.astype(np.float32) / 255
    gain = rng.uniform(0.6, 1.2)
    out = host.astype(np.float32) * (1 - cover[..., None]) + seen.astype(np.float32) * (gain * cover[..., None])
    if rng.random() < 0.6:  # the door frame
        shade = tuple(float(v) for v in rng.integers(20, 235, 3))
        cv2.polylines(
            out,
            [corners.round().astype(np.int32)],
            isClosed=True,
            color=shade,
            thickness=int(rng.integers(1, 5)),
            lineType=cv2.LINE_AA,
        )
    return _clip(out), np.asarray(cover, np.float32)


# ----------------------------------------------------------------------------------- pictures that show no place at all


def no_picture(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Replace the picture by one of the things a broken, covered or unplugged camera sends.

    Black, one flat colour, a slow gradient, colour bars, static, a hand before the lens, a test chart of squares or
    stripes, or blur beyond recognition.
    """
    if strength <= 0:
        return image.copy()
    height, width = image.shape[:2]
    kind = int(rng.integers(8))
    flat: NDArray[np.floating[Any]]
    if kind == 0:
        flat = np.full(image.shape, rng.uniform(0, 14), np.float32)
    elif kind == 1:
        shade = rng.uniform(0, 255, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(0, 255))
        flat = np.broadcast_to(shade.astype(np.float32), image.shape).copy()
    elif kind == 2:
        ends = rng.uniform(0, 255, (2, 2, 3)).astype(np.float32)
        if rng.random() < 0.5:
            ends = np.repeat(ends.mean(2, keepdims=True), 3, 2)
        flat = np.asarray(cv2.resize(ends, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    elif kind == 3:
        flat = _bars(height, width, rng)
    elif kind == 4:
        cell = int(rng.integers(1, 5))
        channels = 1 if rng.random() < 0.6 else 3
        few = rng.normal(rng.uniform(60, 190), rng.uniform(20, 90), (height // cell + 1, width // cell + 1, channels))
        many = np.repeat(few, 3 // channels, 2).astype(np.float32)
        flat = np.asarray(cv2.resize(many, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)
    elif kind == 5:
        tint = np.array([rng.uniform(10, 120), rng.uniform(0, 60), rng.uniform(0, 50)], np.float32)
        far = cv2.resize(rng.uniform(0.2, 1, (3, 4)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        flat = tint * far[..., None]
    elif kind == 6:
        flat = _chart(height, width, rng)
    else:
        left = _image(cv2.resize(image, rng.integers(2, 6, 2).tolist(), interpolation=cv2.INTER_AREA))
        flat = np.asarray(cv2.resize(left, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    flat = flat + rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0, 5))
    return _clip(image + (flat - image) * np.float32(min(1.0, strength)))


# ------------------------------------------------------------------------------------------------------------ resizing


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Resize to `(height, width)` regardless of aspect: by area when shrinking, as the shipped model expects."""
    shrinks = size[0] < image.shape[0] or size[1] < image.shape[1]
    return _image(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


OPS: dict[str, Op] = {
    op.__name__: op
    for op in (
        corner_view,
        wide_lens,
        crop,
        flip,
        grey,
        infrared,
        low_light,
        exposure,
        blur,
        low_resolution,
        jpeg,
        video_blocks,
        on_screen_text,
        letterbox,
        masked_parts,
        dirt_and_glare,
        no_picture,
    )
}
"""Every operation that needs nothing but the picture, by name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation in a chain.

    Attributes:
        op: What to do.
        probability: How often, in [0, 1].
        weakest: Smallest strength.
        strongest: Largest strength.
    """

    op: Op
    probability: float
    weakest: float = 0.2
    strongest: float = 1.0


def chain(image: Image, steps: Sequence[Step], rng: np.random.Generator) -> Image:
    """Apply each step in turn with its probability, at a strength drawn evenly from its range."""
    for step in steps:
        if rng.random() < step.probability:
            image = step.op(image, rng, rng.uniform(step.weakest, step.strongest))
    return image


PLACEMENT = (Step(flip, 1.0, 1.0), Step(corner_view, 0.35), Step(wide_lens, 0.3))
"""Where the camera hangs."""
CAMERA = (
    Step(exposure, 0.6),
    Step(grey, 0.26, 0.9),
    Step(infrared, 0.12),
    Step(low_light, 0.2),
    Step(dirt_and_glare, 0.1),
    Step(masked_parts, 0.08),
    Step(blur, 0.2),
    Step(low_resolution, 0.55, 0.1),
    Step(letterbox, 0.06),
    Step(on_screen_text, 0.25),
    Step(jpeg, 0.35),
    Step(video_blocks, 0.2),
)
"""What the camera does to what it sees, in the order in which it happens."""


def _bars(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    colours = np.array(
        [[235, 235, 235], [235, 235, 16], [16, 235, 235], [16, 235, 16], [235, 16, 235], [235, 16, 16], [16, 16, 235]],
        np.float32,
    )
    if rng.random() < 0.3:
        colours = np.linspace(0, 255, int(rng.integers(4, 12)), dtype=np.float32)[:, None].repeat(3, 1)
    bars = cv2.resize(colours[None], (width, height), interpolation=cv2.INTER_NEAREST)
    if rng.random() < 0.5:
        tall = int(height * rng.uniform(0.15, 0.4))
        bars[height - tall :] = cv2.resize(colours[None, ::-1], (width, tall), interpolation=cv2.INTER_NEAREST) * 0.5
    if rng.random() < 0.4:
        cv2.circle(bars, (width // 2, height // 2), int(min(height, width) * rng.uniform(0.2, 0.48)), (230.0,) * 3, 2)
    return np.asarray(bars, np.float32)


def _chart(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Squares or stripes in two colours, turned by any angle."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = float(rng.choice([0.0, np.pi / 4, rng.uniform(0, np.pi)]))
    cell = np.exp(rng.uniform(np.log(4), np.log(80), 2))
    across = np.floor((xs * np.cos(angle) + ys * np.sin(angle)) / cell[0])
    along = np.floor((ys * np.cos(angle) - xs * np.sin(angle)) / cell[0 if rng.random() < 0.7 else 1])
    odd = (across + (along if rng.random() < 0.7 else 0)) % 2 > 0
    colours = rng.uniform(0, 255, (2, 3)) if rng.random() < 0.4 else np.array([[0.0] * 3, [255.0] * 3])
    return np.where(odd[..., None], colours[0], colours[1]).astype(np.float32)


def _overlay(image: Image, figure: NDArray[np.uint8], top: int, left: int, *, gain: float) -> Image:
    height, width = image.shape[:2]
    rows = slice(max(0, top), min(height, top + figure.shape[0]))
    columns = slice(max(0, left), min(width, left + figure.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return image.copy()
    part = figure[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left].astype(np.float32)
    alpha = part[..., 3:] / 255
    out = image.copy()
    under = out[rows, columns].astype(np.float32)
    out[rows, columns] = _clip(under * (1 - alpha) + part[..., :3] * gain * alpha)
    return out


def _scaled(image: NDArray[np.uint8], scale: float) -> Image:
    return resize(image, (max(2, round(image.shape[0] * scale)), max(2, round(image.shape[1] * scale))))


def _encoded(image: Image, quality: int) -> Image:
    _, code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(_image(cv2.imdecode(code, cv2.IMREAD_COLOR))[..., ::-1])


def _clip(values: NDArray[np.floating[Any]]) -> Image:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _image(values: NDArray[Any] | None) -> Image:  # OpenCV's stubs promise any array of any number
    return np.asarray(values, np.uint8)
