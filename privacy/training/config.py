"""Everything that decides what a training run gives, in one frozen value."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from privacy.training.data import Balance


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run. Two runs with equal configs on the same data and machine give the same weights.

    Attributes:
        data: Folder of the corpus.
        out: Folder for shards, checkpoints and logs; a run found there is resumed.
        size: `(height, width)` of the model's input, multiples of 32.
        trunk_size: `(height, width)` that the trunk sees of it, multiples of 32; None: all of `size`.
        drawn: `(height, width)` at which pictures are drawn, before they are shrunk to `size`; None: at `size`.
        trunk: Name of the trunk, "lite0" or "lite2" (`privacy.training.network.TRUNKS`).
        twin: Keep the late stages of ImageNet beside the fine-tuned ones, with a zone head of their own.
        detector: Keep PicoDet-S beside the trunk, and let a head read it and the twin (`privacy.training.detector`).
        frozen_stages: Stages of the trunk, from the stem, that keep their ImageNet weights (1 to 5).
        frozen_norms: Keep the statistics of the batch norms as ImageNet left them.
        epochs: Passes, each over one shard of drawn pictures.
        repeats: Passes over a shard before the next is drawn.
        draws: Pictures in a shard.
        batch: Pictures in a step.
        trunk_rate: Learning rate of the trunk's last stage; earlier ones learn slower by `rate_decay` each.
        rate_decay: In (0, 1].
        head_rate: Learning rate of the heads.
        weight_decay: Of AdamW, on weights only.
        averaging: Decay of the exponential moving average that is shipped.
        warmup: Share of all steps in which the rate rises.
        smoothing: Label smoothing of the places.
        mixup: Alpha of the Beta distribution of the shares in which two pictures are mixed behind the frozen stages,
            with their targets (Verma et al., "Manifold Mixup", ICML 2019); 0 for none.
        no_picture: Share of draws that show no place at all and are taught "uncertain".
        no_place: Teach them as a place of their own, too, which pulls the answer to doubt.
        open_door: Share of draws that show another place through an opening.
        close_up: Share of draws that show a small part of a photo: a wall, a floor, a table top.
        as_is: Share of draws that show a photo as it was taken, mirrored or not.
        elsewhere: Share of draws that show a picture of no room, from a set of things and people.
        elsewhere_parts: Which parts of that set (`privacy.training.teacher.no_rooms`).
        person: Probability of standing a cut-out person in the picture.
        full_view: Share of the picture that a private place behind an opening must fill to count as the whole answer.
        balance: How often each label is drawn.
        zone_weight: Of the cross-entropy over zones in the loss.
        place_weight: Of the cross-entropy over places.
        object_weight: Of the binary cross-entropy over objects.
        map_weight: Of the binary cross-entropy over the cells of the zone map.
        distils: ONNX file of a zone model with the same zones and places, which is asked about every drawn picture, at
            `drawn`; what it says is taught beside the labels (Hinton et al., "Distilling the Knowledge in a Neural
            Network", arXiv 1503.02531). None for labels alone.
        distil_share: Of what that model says in the targets of zones and places, in [0, 1].
        seed: Of every draw and of the initial heads.
        threads: Torch threads.
        workers: Processes that draw.
        fold: Train without the held-out photos (`privacy.training.data.held_out`), for choosing and for calibration.
        start: Weights to go on from (`averaged.pt` of another run) instead of ImageNet's.
    """

    data: Path
    out: Path
    size: tuple[int, int] = (192, 256)
    trunk_size: tuple[int, int] | None = None
    drawn: tuple[int, int] | None = None
    trunk: str = "lite0"
    twin: bool = False
    detector: bool = False
    frozen_stages: int = 4
    frozen_norms: bool = False
    epochs: int = 10
    repeats: int = 2
    draws: int = 6000
    batch: int = 32
    trunk_rate: float = 5e-4
    rate_decay: float = 0.8
    head_rate: float = 2e-3
    weight_decay: float = 0.03
    averaging: float = 0.995
    warmup: float = 0.05
    smoothing: float = 0.1
    mixup: float = 0.0
    no_picture: float = 0.04
    no_place: bool = False
    open_door: float = 0.14
    close_up: float = 0.0
    as_is: float = 0.0
    elsewhere: float = 0.0
    elsewhere_parts: tuple[str, ...] = ("train2017",)
    person: float = 0.22
    full_view: float = 0.25
    balance: Balance = field(default_factory=Balance)
    zone_weight: float = 1.0
    place_weight: float = 0.4
    object_weight: float = 1.5
    map_weight: float = 0.5
    distils: Path | None = None
    distil_share: float = 0.5
    seed: int = 0
    threads: int = 2
    workers: int = 2
    fold: bool = False
    start: Path | None = None

    @property
    def looks_at(self) -> tuple[int, int]:
        """`(height, width)` of what the trunk sees."""
        return self.trunk_size or self.size

    @property
    def canvas(self) -> tuple[int, int]:
        """`(height, width)` at which pictures are drawn."""
        return self.drawn or self.size

    @property
    def shards(self) -> str:
        """Digest of what decides the drawn pictures; shards are shared between runs that agree on it."""
        drawn = (
            "size",
            "trunk_size",
            "drawn",
            "distils",
            "trunk",
            "twin",
            "detector",
            "frozen_stages",
            "draws",
            "no_picture",
            "no_place",
            "open_door",
            "close_up",
            "as_is",
            "elsewhere",
            "elsewhere_parts",
            "person",
            "full_view",
            "balance",
            "seed",
            "fold",
        )
        return _digest({name: value for name, value in self._plain().items() if name in drawn})

    @property
    def digest(self) -> str:
        """Digest of everything but where things lie and how many hands help."""
        aside = ("data", "out", "threads", "workers")
        plain = {**self._plain(), "start": self.start and self.start.parent.name}
        return _digest({name: value for name, value in plain.items() if name not in aside})

    def _plain(self) -> dict[str, object]:
        return {**asdict(self), "distils": self.distils and self.distils.name}


def _digest(values: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:12]
