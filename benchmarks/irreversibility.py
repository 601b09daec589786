"""What pixelation and blur leave of faces and rooms, at every strength: where the floors of the policy packs come from.

    python benchmarks/irreversibility.py --data ../shared/corpus --out benchmarks/results/irreversibility

The worst case: what is hidden fills the frame, as it does before a camera at a door. Each picture is a square of 160
pixels and is hidden whole. Four things are measured:

* PSNR and SSIM (scikit-image) between the picture and what is shown of it.
* Re-identification: someone who knows the effect and has all the originals hides them in the same way, each in six
  slightly different views, and takes the nearest (normalised correlation of colours). The one to be found was taken
  differently: shifted, turned, scaled and lit anew at random. Chance is one over the number of pictures.
* Restoration: a ridge regression, trained on masked and original pictures of others, draws what it believes was
  there; then the nearest original is taken. Its SSIM is given beside that of the mean picture, which knows nothing.
* Kind of room: a ridge classifier, trained on masked photos of other sources, says private or permitted; AUROC.

The floor is the weakest strength from which on restoration names no more than `MAX_NAMED` of the faces, that is one in
twenty, whatever share of the frame they fill. The other attack needs nearly the same picture unmasked, taken a moment
before or after: whoever has it needs no mask to be lifted. Rooms are told as well; no floor follows, for the verdict
itself tells as much.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import metrics

from privacy.frame import Frame, Layout, thumbnail
from privacy.masking import mask
from privacy.plan import WHOLE, MaskPlan
from privacy.policy import Effect, EffectKind
from privacy.sources.picture import read_picture

SIDE = 160
SMALL = 48
"""Pictures are compared and restored at this size: more than the weakest effect leaves."""
STRENGTHS = (1 / 32, 1 / 16, 1 / 10, 1 / 8, 1 / 6, 1 / 5, 1 / 4, 1 / 3, 1 / 2, 1.0)
KINDS = (EffectKind.PIXELATE, EffectKind.BLUR)
MAX_NAMED = 0.05
VIEWS, PROBES = 6, 3
LEAST_FACE = 24
"""Pixels: a narrower face has been masked by distance already."""
Image = NDArray[np.uint8]
Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Squares of `SIDE` pixels, RGB.

    Attributes:
        images: As they were taken.
        photos: Which of them come from one photo.
        views: `VIEWS` others of each: what the attacker has.
        probes: `PROBES` others of each: what is to be found.
    """

    images: tuple[Image, ...]
    photos: tuple[str, ...]
    views: tuple[Image, ...]
    probes: tuple[Image, ...]

    @classmethod
    def of(cls, images: Sequence[Image], photos: Sequence[str], *, attacked: bool = True) -> "Pictures":
        """Draw the views and probes, the same in every run."""
        rng = np.random.default_rng(1)
        counts = (VIEWS, PROBES) if attacked else (0, 0)
        drawn = [tuple(another_view(one, rng) for one in images for _ in range(count)) for count in counts]
        return cls(tuple(images), tuple(photos), *drawn)


Labelled = tuple[Pictures, NDArray[np.bool_]]


def faces(data: Path) -> Pictures:
    """Return the faces of both annotated sets, each with a margin of a quarter."""
    found, photos = [], []
    for folder, file in (("dlib_faces", "faces.json"), ("coco_face_points", "faces_from_keypoints.json")):
        told = json.loads((data / "detection" / folder / file).read_text("utf-8"))
        names = {image["id"]: image["file_name"] for image in told["images"]}
        root = data / "detection" / ("dlib_faces" if folder == "dlib_faces" else "coco128_lightly")
        for face in told["annotations"]:
            x, y, width, height = face["bbox"]
            if width < LEAST_FACE:
                continue
            frame = read_picture(root / names[face["image_id"]])
            picture = thumbnail(frame, frame.size)
            side = 1.5 * max(width, height)
            found.append(_square(picture, x + width / 2, y + height / 2, side))
            photos.append(names[face["image_id"]])
    return Pictures.of(found, photos)


def rooms(data: Path, split: str, count: int) -> tuple[Pictures, NDArray[np.bool_]]:
    """Return photos of rooms of a split, and which of them are private."""
    with (data / "scenes" / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == split]
    private = [row for row in rows if not row["zone_label"].startswith("permitted")]
    permitted = [row for row in rows if row["zone_label"].startswith("permitted")]
    rng = np.random.default_rng(0)
    chosen = [one[at] for one in (private, permitted) for at in rng.permutation(len(one))[: count // 2]]
    images = []
    for row in chosen:
        frame = read_picture(data / "scenes" / row["file"])
        height, width = frame.size
        images.append(_square(thumbnail(frame, frame.size), width / 2, height / 2, min(height, width)))
    labels = np.array([not row["zone_label"].startswith("permitted") for row in chosen])
    return Pictures.of(images, [row["file"] for row in chosen], attacked=split == "test"), labels


def _square(picture: Image, x: float, y: float, side: float) -> Image:
    matrix = np.array([[SIDE / side, 0, SIDE / 2 - x * SIDE / side], [0, SIDE / side, SIDE / 2 - y * SIDE / side]])
    return _warped(picture, matrix)


def _warped(picture: Image, matrix: NDArray[np.float64]) -> Image:
    return np.asarray(
        cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def another_view(picture: Image, rng: np.random.Generator) -> Image:
    """Return the same as another camera might have seen it a moment later."""
    middle = (SIDE / 2, SIDE / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, float(rng.normal(0, 4)), float(rng.normal(1, 0.04))), np.float64)
    turn[:, 2] += rng.normal(0, 0.03 * SIDE, 2)
    seen = _warped(picture, turn).astype(np.float32)
    lit = (seen - 128) * rng.normal(1, 0.1) + 128 + rng.normal(0, 10)
    lit += 4 * rng.standard_normal(seen.shape, np.float32)
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def masked(picture: Image, effect: Effect) -> Image:
    """Return what is shown of a picture."""
    frame = Frame((picture,), Layout.RGB, 0.0, full_range=True)
    return np.asarray(mask(frame, MaskPlan((WHOLE,), effect)).planes[0], np.uint8)


def small(pictures: Sequence[Image]) -> Rows:
    """Return `(N, SMALL * SMALL * 3)` float32."""
    shrunk = [cv2.resize(one, (SMALL, SMALL), interpolation=cv2.INTER_AREA).ravel() for one in pictures]
    return np.stack(shrunk).astype(np.float32)


def normalised(rows: Rows) -> Rows:
    """Return rows of mean 0 and length 1; light and contrast are no identity."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def named(probes: Rows, owners: NDArray[np.intp], gallery: Rows, holders: NDArray[np.intp]) -> float:
    """Return the share of probes whose nearest picture of the gallery is of the same one."""
    nearest = holders[np.argmax(normalised(probes) @ normalised(gallery).T, axis=1)]
    return float((nearest == owners).mean())


def ridge(inputs: Rows, outputs: Rows, asked: Rows) -> Rows:
    """Fit a linear map from inputs to outputs, and return what it says of what is asked.

    In its dual form, for there are fewer pictures than pixels. The penalty is a hundredth of the mean squared length.
    """
    mean_in, mean_out = inputs.mean(axis=0), outputs.mean(axis=0)
    centred = inputs - mean_in
    kernel = centred @ centred.T
    kernel[np.diag_indices_from(kernel)] += 0.01 * float(np.trace(kernel)) / len(kernel) + 1e-3
    return np.asarray(
        (asked - mean_in) @ centred.T @ np.linalg.solve(kernel, outputs - mean_out) + mean_out, np.float32
    )


def restored(pictures: Pictures, effect: Effect) -> tuple[float, float, float]:
    """Return the share named after restoration, and the SSIM of what was restored and of the mean picture."""
    folds = np.array([hash_of(photo) % 2 for photo in pictures.photos])
    originals, every = small(pictures.images), np.arange(len(folds))
    views, shown_views = (small(images) for images in (pictures.views, all_masked(pictures.views, effect)))
    probes, shown_probes = (small(images) for images in (pictures.probes, all_masked(pictures.probes, effect)))
    hits, similar, mean_similar = 0.0, [], []
    for fold in (0, 1):
        train, test = np.repeat(folds != fold, VIEWS), np.repeat(folds == fold, PROBES)
        drawn = ridge(shown_views[train], views[train], shown_probes[test])
        mean_view = views[train].mean(axis=0)
        owners = np.repeat(every, PROBES)[test]
        hits += named(drawn, owners, originals, every) * len(owners)
        for one, truth in zip(drawn[::PROBES], probes[test][::PROBES], strict=True):
            similar.append(_similarity(one, truth))
            mean_similar.append(_similarity(mean_view, truth))
    return hits / len(pictures.probes), float(np.mean(similar)), float(np.mean(mean_similar))


def all_masked(pictures: Sequence[Image], effect: Effect) -> list[Image]:
    """Return what is shown of each."""
    return [masked(one, effect) for one in pictures]


def hash_of(name: str) -> int:
    """Return a number that is the same in every run."""
    return sum(name.encode()) + 31 * len(name)


def _similarity(one: Rows, other: Rows) -> float:
    shape = (SMALL, SMALL, 3)
    drawn, truth = (np.clip(each, 0, 255).reshape(shape).astype(np.uint8) for each in (one, other))
    return similarity(truth, drawn)


def measure_one(pictures: Pictures, effect: Effect) -> dict[str, float]:
    """Attack one effect."""
    every = np.arange(len(pictures.images))
    gallery, probes = (small(all_masked(images, effect)) for images in (pictures.views, pictures.probes))
    pairs = list(zip(pictures.images, all_masked(pictures.images, effect), strict=True))
    named_restored, ssim_restored, ssim_mean = restored(pictures, effect)
    return {
        "psnr": float(np.mean([noise_ratio(one, other) for one, other in pairs])),
        "ssim": float(np.mean([similarity(one, other) for one, other in pairs])),
        "named": named(probes, np.repeat(every, PROBES), gallery, np.repeat(every, VIEWS)),
        "named_restored": named_restored,
        "ssim_restored": ssim_restored,
        "ssim_mean": ssim_mean,
    }


def similarity(one: Image, other: Image) -> float:
    """Return SSIM."""
    measured: Any = metrics.structural_similarity
    return float(measured(one, other, channel_axis=2))


def noise_ratio(one: Image, other: Image) -> float:
    """Return PSNR in dB."""
    measured: Any = metrics.peak_signal_noise_ratio
    return float(measured(one, other))


def named_unmasked(pictures: Pictures) -> float:
    """Return what the same attack names if nothing is hidden."""
    every = np.arange(len(pictures.images))
    return named(small(pictures.probes), np.repeat(every, PROBES), small(pictures.views), np.repeat(every, VIEWS))


def told_apart(
    train: tuple[Pictures, NDArray[np.bool_]], test: tuple[Pictures, NDArray[np.bool_]], effect: Effect
) -> float:
    """Return the AUROC of private against permitted rooms from what is shown of them."""
    inputs = [small([masked(one, effect) for one in pictures.images]) for pictures, _ in (train, test)]
    scores = ridge(inputs[0], train[1].astype(np.float32)[:, None], inputs[1]).ravel()
    private, permitted = scores[test[1]], scores[~test[1]]
    return float((private[:, None] > permitted[None, :]).mean() + (private[:, None] == permitted[None, :]).mean() / 2)


def measure(data: Path, photos: int) -> dict[str, Any]:
    """Attack every effect at every strength."""
    people, train, test = faces(data), rooms(data, "train", 3 * photos), rooms(data, "test", photos)
    rows = []
    for kind in KINDS:
        for strength in STRENGTHS:
            effect = Effect(kind, strength)
            rows.append(
                {
                    "effect": kind,
                    "strength": round(strength, 4),
                    "faces": measure_one(people, effect),
                    "rooms": measure_one(test[0], effect),
                    "rooms_auroc": told_apart(train, test, effect),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    floors = {kind: floor([row for row in rows if row["effect"] == kind]) for kind in KINDS}
    clear = {"faces": named_unmasked(people), "rooms": named_unmasked(test[0])}
    return {
        "faces": len(people.images),
        "rooms": len(test[0].images),
        "max_named": MAX_NAMED,
        "clear": clear,
        "rows": rows,
        "floors": floors,
    }


def floor(rows: Sequence[dict[str, Any]]) -> float | None:
    """Return the weakest strength from which on restoration names few faces enough; None if there is none."""
    found = None
    for row in sorted(rows, key=lambda row: -row["strength"]):
        if row["faces"]["named_restored"] > MAX_NAMED:
            break
        found = row["strength"]
    return found


def table(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    clear, faces_, rooms_ = result["clear"], result["faces"], result["rooms"]
    about = (
        f"{faces_} faces and {rooms_} photos of rooms, each filling the frame. Chance names {1 / faces_:.1%} of the "
        f"faces and {1 / rooms_:.1%} of the rooms; unmasked, the same attack names {clear['faces']:.0%} and "
        f"{clear['rooms']:.0%}."
    )
    heads = (
        *("effect", "strength", "faces: PSNR", "SSIM", "named", "named after restoration", "SSIM restored / mean face"),
        *("rooms: SSIM", "named", "named after restoration", "private or permitted, AUROC"),
    )
    lines = [
        f"{about} Strength: side of a cell or kernel over the frame's shorter side.",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
    ]
    for row in result["rows"]:
        face, room = row["faces"], row["rooms"]
        cells = (
            *(row["effect"], f"{row['strength']:.4g}", f"{face['psnr']:.1f} dB", f"{face['ssim']:.2f}"),
            *(f"{face['named']:.1%}", f"{face['named_restored']:.1%}"),
            f"{face['ssim_restored']:.2f} / {face['ssim_mean']:.2f}",
            *(
                f"{room['ssim']:.2f}",
                f"{room['named']:.1%}",
                f"{room['named_restored']:.1%}",
                f"{row['rooms_auroc']:.2f}",
            ),
        )
        lines.append(f"| {' | '.join(cells)} |")
    floors = ", ".join(f"{kind} {value if value is not None else 'none'}" for kind, value in result["floors"].items())
    rule = f"the weakest strength from which on restoration names at most {result['max_named']:.0%} of the faces"
    return "\n".join([*lines, "", f"Floors, {rule}: {floors}. Solid shows nothing: there is nothing to measure.", ""])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that PRIVACY_DATA names")
    parser.add_argument("--photos", type=int, default=100, help="photos of rooms that are attacked")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options = parser.parse_args()

    result = measure(options.data, options.photos)
    print(table(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        options.out.with_suffix(".md").write_text(table(result), "utf-8")


if __name__ == "__main__":
    main()
