"""What one training step sees: a photo turned into a camera's view, and what may be said about it.

Draws are numbered; draw 4711 of a config is the same picture on every machine, whoever asks for it and in whatever
order. A shard is a run of draws, already through the frozen part of the trunk, kept on disk so that the choosing run
and the final run share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from privacy.training import augment
from privacy.training.config import TrainConfig
from privacy.training.data import Photo, Vocabulary, draw_probabilities, held_out, load, unsure
from privacy.training.teacher import COCO, Sightings
from privacy.zones import Zone

MAP_STRIDE = 16
"""Pixels on a side of one cell of the zone map."""
_CHUNK = 48


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One picture and its targets.

    Attributes:
        image: `(H, W, 3)` uint8 RGB.
        zones: `(Z,)` float32, sums to 1.
        place: Index of the place, or -1 if the picture teaches none.
        objects: `(O,)` float32 in [0, 1], or -1 where the picture teaches nothing about it.
        zone_map: `(H / 16, W / 16)` float32, share of each cell that shows a prohibited place; -1 to teach nothing.
    """

    image: NDArray[np.uint8]
    zones: NDArray[np.float32]
    place: int
    objects: NDArray[np.float32]
    zone_map: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures(Sequence[NDArray[np.uint8]]):
    """Decoded photos in one file, so that processes share them; each is `(h, w, 3)` uint8 RGB, read-only.

    Attributes:
        path: File of pixels, one picture after the other.
        starts: `(N,)` int64, where each begins.
        sizes: `(N, 2)` int64, height and width.
    """

    path: Path
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def decode(cls, photos: Sequence[Photo], path: Path, *, short_side: int = 256) -> Pictures:
        """Decode `photos` into `path`, which must lie outside any repository: photos are not ours to pass on."""
        sizes = []
        with path.open("wb") as file:
            for photo in photos:
                picture = load(photo, short_side=short_side)
                sizes.append(picture.shape[:2])
                file.write(picture.tobytes())
        shapes = np.array(sizes, np.int64)
        return cls(path, np.concatenate([[0], np.cumsum(shapes.prod(1) * 3)[:-1]]), shapes)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # type: ignore[override]  # no slices
        height, width = (int(side) for side in self.sizes[index])
        start = int(self.starts[index])
        return np.asarray(np.memmap(self.path, np.uint8, "r", start, (height, width, 3)))


@dataclass(frozen=True, slots=True, eq=False)
class Painter:
    """Makes draws.

    Attributes:
        config: How often what happens.
        photos: Training photos.
        pictures: Their pixels.
        vocabulary: Names of the outputs.
        sightings: What the detector saw in each photo.
        kinds: Which of the detector's classes are outputs.
        figures: Cut-out people, `(h, w, 4)` uint8 RGBA.
        chances: `(N,)` probability of drawing each photo.
        others: Pictures of no room, `(h, w, 3)` uint8 RGB.
    """

    config: TrainConfig
    photos: Sequence[Photo]
    pictures: Pictures
    vocabulary: Vocabulary
    sightings: Sightings
    kinds: NDArray[np.intp]
    figures: Sequence[NDArray[np.uint8]]
    chances: NDArray[np.float64]
    others: Sequence[NDArray[np.uint8]] = ()

    def draw(self, number: int) -> Draw:
        """Draw `number`, the same every time."""
        rng = np.random.default_rng((self.config.seed, number))
        first, second = (int(index) for index in rng.choice(len(self.photos), 2, p=self.chances))
        fate = rng.random()
        if fate < self.config.no_picture:
            return self._nothing(first, rng)
        if fate < self.config.no_picture + self.config.open_door:
            return self._opening(first, second, rng)
        fate -= self.config.no_picture + self.config.open_door
        if fate < self.config.close_up:
            return self._close_up(first, rng)
        fate -= self.config.close_up
        if fate < self.config.elsewhere and self.others:
            return self._elsewhere(rng)
        if fate < self.config.elsewhere + self.config.as_is:
            return self._as_is(first, rng)
        return self._plain(first, rng)

    def _as_is(self, index: int, rng: np.random.Generator) -> Draw:
        """What a good camera sends, and an auditor's archive of photos holds."""
        view = augment.resize(self.pictures[index], self.config.canvas)
        meaning = self.photos[index].meaning
        return Draw(
            image=np.ascontiguousarray(view[:, ::-1]) if rng.random() < 0.5 else view,
            zones=self.vocabulary.zone_target(meaning),
            place=self.vocabulary.place_index(meaning),
            objects=self.sightings.scores[index, self.kinds].astype(np.float32),
            zone_map=np.full(self._cells, float(meaning.zone is not Zone.PERMITTED), np.float32),
        )

    def _close_up(self, index: int, rng: np.random.Generator) -> Draw:
        """A wall, a floor, a table top. Of a private place it says little; a permitted one it must not call private."""
        picture, meaning = self.pictures[index], self.photos[index].meaning
        height, width = picture.shape[:2]
        share = np.sqrt(rng.uniform(0.02, 0.16))
        tall, wide = max(16, int(height * share)), max(16, int(width * share))
        top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        view = augment.resize(picture[top : top + tall, left : left + wide], self.config.canvas)
        private = meaning.zone is not Zone.PERMITTED
        zones = self.vocabulary.zone_target(meaning)
        if private:
            return self._placeless(view, 0.5 * zones + 0.5 * self._permitted, -1.0, rng)
        return self._placeless(view, zones, 0.0, rng)

    def _elsewhere(self, rng: np.random.Generator) -> Draw:
        """Things, animals, people in the street: views that are of no room, and permitted."""
        picture = self.others[int(rng.integers(len(self.others)))]
        rows, columns = augment.crop_window(picture.shape[:2], rng, rng.uniform(0, 1))
        view = augment.chain(augment.resize(picture[rows, columns], self.config.canvas), augment.PLACEMENT, rng)
        return self._placeless(view, self._permitted, 0.0, rng)

    def _placeless(
        self, view: NDArray[np.uint8], zones: NDArray[np.float32], cells: float, rng: np.random.Generator
    ) -> Draw:
        return Draw(
            image=augment.chain(view, augment.CAMERA, rng),
            zones=zones.astype(np.float32),
            place=-1,
            objects=np.full(len(self.kinds), -1, np.float32),
            zone_map=np.full(self._cells, cells, np.float32),
        )

    @property
    def _permitted(self) -> NDArray[np.float32]:
        return np.eye(len(self.vocabulary.zones), dtype=np.float32)[0]

    def _plain(self, index: int, rng: np.random.Generator) -> Draw:
        view, objects = self._view(index, rng)
        if self.figures and rng.random() < self.config.person:
            view, objects = self._with_people(view, objects, rng)
        meaning = self.photos[index].meaning
        private = float(meaning.zone is not Zone.PERMITTED)
        return Draw(
            image=augment.chain(view, augment.CAMERA, rng),
            zones=self.vocabulary.zone_target(meaning),
            place=self.vocabulary.place_index(meaning),
            objects=objects,
            zone_map=np.full(self._cells, private, np.float32),
        )

    def _opening(self, first: int, second: int, rng: np.random.Generator) -> Draw:
        """Another place behind a door. A private place behind it counts by how much of the picture it fills."""
        one, two = self.photos[first].meaning, self.photos[second].meaning
        if one.zone is not Zone.PERMITTED and two.zone is Zone.PERMITTED and rng.random() < 0.8:
            first, second, one, two = second, first, two, one
        host, _ = self._view(first, rng)
        behind, _ = self._view(second, rng)
        view, cover = augment.open_door(host, behind, rng, rng.uniform(0.3, 1))
        objects = np.full(len(self.kinds), -1, np.float32)
        if self.figures and rng.random() < self.config.person:
            view, _ = self._with_people(view, objects, rng)
        here, there = (float(meaning.zone is not Zone.PERMITTED) for meaning in (one, two))
        private = here * (1 - cover) + there * cover
        zones = self.vocabulary.zone_target(one)
        if there and not here:
            share = min(1.0, float(cover.mean()) / self.config.full_view)
            zones = (1 - share) * zones + share * self.vocabulary.zone_target(two)
        cells = cv2.resize(private, self._cells[::-1], interpolation=cv2.INTER_AREA)
        return Draw(
            image=augment.chain(view, augment.CAMERA, rng),
            zones=zones.astype(np.float32),
            place=self.vocabulary.place_index(one) if here or not there else -1,
            objects=objects,
            zone_map=np.asarray(cells, np.float32),
        )

    def _nothing(self, index: int, rng: np.random.Generator) -> Draw:
        """No place at all."""
        view = augment.no_picture(augment.resize(self.pictures[index], self.config.canvas), rng, 1.0)
        return Draw(
            image=augment.on_screen_text(view, rng, 1.0) if rng.random() < 0.2 else view,
            zones=unsure(len(self.vocabulary.zones)),
            place=-1 if self.vocabulary.no_place is None else self.vocabulary.no_place,
            objects=np.zeros(len(self.kinds), np.float32),
            zone_map=np.full(self._cells, -1, np.float32),
        )

    def _view(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """A crop of a photo from a camera's place, and what of its objects is still in it."""
        picture = self.pictures[index]
        height, width = picture.shape[:2]
        rows, columns = augment.crop_window((height, width), rng, rng.uniform(0, 1))
        window = np.array(
            [columns.start / width, rows.start / height, columns.stop / width, rows.stop / height], np.float32
        )
        boxes = self.sightings.boxes[index, self.kinds]
        seen = np.minimum(boxes[:, 2:], window[2:]) - np.maximum(boxes[:, :2], window[:2])
        whole = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
        left = (np.clip(seen, 0, None) / whole).prod(1).clip(0, 1)
        view = augment.resize(picture[rows, columns], self.config.canvas)
        objects = self.sightings.scores[index, self.kinds] * np.minimum(1, left * 1.5)
        return augment.chain(view, augment.PLACEMENT, rng), objects.astype(np.float32)

    def _with_people(
        self, view: NDArray[np.uint8], objects: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        for _ in range(int(rng.integers(1, 4))):
            figure = self.figures[int(rng.integers(len(self.figures)))]
            view = augment.paste_cutout(view, figure, rng, rng.uniform(0.2, 1))
        objects = objects.copy()
        objects[self.kinds == COCO.index("person")] = 0.9
        return view, objects

    @property
    def _cells(self) -> tuple[int, int]:
        height, width = self.config.looks_at
        return height // MAP_STRIDE, width // MAP_STRIDE


def painter(
    config: TrainConfig,
    photos: Sequence[Photo],
    vocabulary: Vocabulary,
    sightings: Sightings,
    *,
    figures: Sequence[NDArray[np.uint8]],
    others: Sequence[NDArray[np.uint8]] = (),
) -> Painter:
    """Decode the photos and make ready to draw; in a fold run the held-out photos are never drawn."""
    hidden = held_out(photos) if config.fold else np.zeros(len(photos), np.bool_)
    chances = np.zeros(len(photos))
    chances[~hidden] = draw_probabilities(
        [photo for photo, h in zip(photos, hidden, strict=True) if not h], config.balance
    )
    return Painter(
        config=config,
        photos=photos,
        pictures=Pictures.decode(photos, config.out / "pictures.bin", short_side=max(256, config.canvas[0])),
        vocabulary=vocabulary,
        sightings=sightings,
        kinds=sightings.common(),
        figures=figures,
        chances=chances,
        others=others,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """A run of draws behind the frozen part of the trunk; arrays are memory-mapped.

    Attributes:
        features: `(N, C, h, w)` float16.
        still: `(N, 1280)` float16, the mean feature of the twin; `(N, 0)` without one.
        evidence: `(N, E)` float16, what the detector knows; `(N, 0)` without one.
        told_zones: `(N, Z)` float32, what the model says that is distilled; `(N, 0)` without one.
        told_places: `(N, P)` float32, the same.
        zones: `(N, Z)` float32.
        places: `(N,)` int64.
        objects: `(N, O)` float32.
        zone_map: `(N, H / 16, W / 16)` float16.
    """

    features: NDArray[np.float16]
    still: NDArray[np.float16]
    evidence: NDArray[np.float16]
    told_zones: NDArray[np.float32]
    told_places: NDArray[np.float32]
    zones: NDArray[np.float32]
    places: NDArray[np.int64]
    objects: NDArray[np.float32]
    zone_map: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Frozen:
    """ONNX files of what does not learn.

    Attributes:
        prefix: uint8 pictures to `features` and `still`.
        detector: uint8 pictures to `evidence` (`privacy.training.detector`), or None.
        distilled: A shipped zone model, or None.
    """

    prefix: Path
    detector: Path | None = None
    distilled: Path | None = None


_NAMES = ("features", "still", "evidence", "told_zones", "told_places", "zones", "places", "objects", "zone_map")


def read_shard(folder: Path) -> Shard:
    """Open a finished shard."""
    return Shard(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _NAMES})


def write_shard(maker: Painter, frozen: Frozen, folder: Path, number: int) -> None:
    """Draw shard `number` with `config.workers` processes, unless it is there already.

    Args:
        maker: Makes the draws.
        frozen: What does not learn.
        folder: Appears only when the shard is complete.
        number: Shard 0 has draws 0 to `config.draws` - 1, and so on.
    """
    if folder.exists():
        return
    half = folder.with_suffix(".part")
    half.mkdir(parents=True, exist_ok=True)
    start = number * maker.config.draws
    chunks = [
        range(at, min(at + _CHUNK, start + maker.config.draws))
        for at in range(start, start + maker.config.draws, _CHUNK)
    ]
    columns: dict[str, list[NDArray[np.generic]]] = {name: [] for name in _NAMES}
    for made in _each_chunk(maker, frozen, chunks):
        for name, values in zip(_NAMES, made, strict=True):
            columns[name].append(values)
    for name, parts in columns.items():
        np.save(half / f"{name}.npy", np.concatenate(parts))
    half.rename(folder)


def _each_chunk(maker: Painter, frozen: Frozen, chunks: Sequence[range]) -> Iterator[tuple[NDArray[np.generic], ...]]:
    if maker.config.workers <= 1:
        hand = _Hand(maker, frozen)
        yield from map(hand, chunks)
        return
    context = get_context("spawn")  # a forked child inherits the locks of OpenCV's and Torch's threads, and hangs
    with ProcessPoolExecutor(maker.config.workers, context, _ready, (maker, frozen)) as pool:
        yield from pool.map(_make, chunks)


class _Hand:
    """One process's way from numbers to arrays."""

    def __init__(self, maker: Painter, frozen: Frozen) -> None:
        cv2.setNumThreads(1)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._maker = maker
        self._prefix = ort.InferenceSession(str(frozen.prefix), options)
        self._detector, self._distilled = (
            path and ort.InferenceSession(str(path), options) for path in (frozen.detector, frozen.distilled)
        )

    def __call__(self, numbers: range) -> tuple[NDArray[np.generic], ...]:
        draws = [self._maker.draw(number) for number in numbers]
        images = np.stack([augment.resize(draw.image, self._maker.config.size) for draw in draws])
        features, still = self._prefix.run(None, {"images": images})
        nothing = np.empty((len(images), 0), np.float32)
        evidence = self._detector.run(None, {"images": images})[0] if self._detector else nothing
        told = [nothing, nothing]
        if self._distilled:
            told = self._distilled.run(["zones", "places"], {"images": np.stack([draw.image for draw in draws])})
        return (
            features.astype(np.float16),
            still.astype(np.float16),
            evidence.astype(np.float16),
            *told,
            np.stack([draw.zones for draw in draws]),
            np.array([draw.place for draw in draws], np.int64),
            np.stack([draw.objects for draw in draws]),
            np.stack([draw.zone_map for draw in draws]).astype(np.float16),
        )


_hands: list[_Hand] = []  # one per worker process; `ProcessPoolExecutor` has no other place for a process's state


def _ready(maker: Painter, frozen: Frozen) -> None:
    _hands.append(_Hand(maker, frozen))


def _make(numbers: range) -> tuple[NDArray[np.generic], ...]:
    return _hands[0](numbers)
