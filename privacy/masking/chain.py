"""Frames that stay on a device from upload to download: looked at and masked there, however many cameras sent them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from privacy.errors import MaskingError
from privacy.frame import Frame
from privacy.masking import untouched
from privacy.masking.device import Lanes, masked_bytes, planes_of, staged
from privacy.masking.thumbnails import thumbnails
from privacy.plan import MaskPlan

Views = Mapping[tuple[int, int], Tensor]
"""Small pictures of a batch by size, `(B, height, width, 3)` uint8 RGB on the device, in the order of its frames."""
Planner = Callable[[Sequence[Frame], Views], Sequence[MaskPlan]]
"""Looks, and says what to hide of each frame of a batch. Only what is small should leave the device for that."""

_AHEAD = 1
"""Batches that go up while one is looked at: two in pinned memory each way."""


@dataclass(eq=False)
class _Group:
    """Frames of a batch that have one shape, and their bytes on the device."""

    frames: list[Frame]
    places: list[int]
    images: Tensor


@dataclass(eq=False)
class _Flight:
    """A batch on its way."""

    frames: Sequence[Frame]
    groups: list[_Group]
    masked: list[Frame | None] = field(default_factory=list)
    landing: list[tuple[_Group, Sequence[int], Tensor]] = field(default_factory=list)
    event: Any = None


class Chain:
    """Takes batches of frames through one device. Not safe to share between threads.

    While one batch is looked at and masked, the next goes up and the one before comes down; on CUDA each on a stream of
    its own, from and to pinned memory.

    Args:
        device: "cuda", "cuda:1", or "cpu", where it does the same one after the other.
        sizes: `(height, width)` of the pictures that the planner looks at.

    Raises:
        DeviceError: There is no such device here.
    """

    def __init__(self, device: str, sizes: Sequence[tuple[int, int]]) -> None:
        self._lanes = Lanes(device)
        self._sizes = tuple(sizes)

    def run(self, batches: Iterable[Sequence[Frame]], planner: Planner) -> Iterator[list[Frame]]:
        """Yield each batch masked, frames and batches in order; masks are those of `privacy.masking.mask`.

        Raises:
            MaskingError: The planner does not say of each frame what to hide. Whatever it raises goes on as well, and
                none of the frames of its batch, or of a later one, leaves.
        """
        rising: deque[_Flight] = deque()
        falling: deque[_Flight] = deque()
        for frames in batches:
            rising.append(self._rise(frames))
            if len(rising) > _AHEAD:
                falling.append(self._pass(rising.popleft(), planner))
            if len(falling) > _AHEAD:
                yield _landed(falling.popleft())
        while rising:
            falling.append(self._pass(rising.popleft(), planner))
        while falling:
            yield _landed(falling.popleft())

    def _rise(self, frames: Sequence[Frame]) -> _Flight:
        alike: dict[object, list[int]] = {}
        for place, frame in enumerate(frames):
            alike.setdefault((frame.layout, frame.size, frame.full_range, frame.bt709), []).append(place)
        groups = []
        for places in alike.values():
            some = [frames[place] for place in places]
            groups.append(_Group(some, places, self._lanes.raise_(staged(some, pinned=self._lanes.on_gpu))))
        return _Flight(frames, groups, [None] * len(frames))

    def _pass(self, flight: _Flight, planner: Planner) -> _Flight:
        with self._lanes.working():  # what the planner reads or runs is in order with it
            plans = planner(flight.frames, self._views(flight))
        if len(plans) != len(flight.frames):
            raise MaskingError(f"{len(plans)} plans for {len(flight.frames)} frames", frames=len(flight.frames))
        for group in flight.groups:
            self._mask(flight, group, [plans[place] for place in group.places])
        flight.event = self._lanes.landed()
        return flight

    def _views(self, flight: _Flight) -> dict[tuple[int, int], Tensor]:
        found = {}
        for size in self._sizes:
            pictures = torch.empty((len(flight.frames), *size, 3), dtype=torch.uint8, device=self._lanes.device)
            for group in flight.groups:
                pictures[group.places] = thumbnails(planes_of(group.images, group.frames[0]), group.frames[0], size)
            found[size] = pictures
        return found

    def _mask(self, flight: _Flight, group: _Group, plans: Sequence[MaskPlan]) -> None:
        by_effect: dict[object, list[int]] = {}
        for row, (frame, plan) in enumerate(zip(group.frames, plans, strict=True)):
            flight.masked[group.places[row]] = ready = untouched(frame, plan)
            if ready is None:
                by_effect.setdefault((plan.effect.kind, plan.effect.strength), []).append(row)
        for rows in by_effect.values():
            with self._lanes.working():
                images = group.images if len(rows) == len(group.frames) else group.images[rows]
                regions = [plans[row].regions for row in rows]
                out = masked_bytes(images, group.frames[0], regions, plans[rows[0]].effect)
            flight.landing.append((group, rows, self._lanes.lower(out)))


def _landed(flight: _Flight) -> list[Frame]:
    if flight.event is not None:
        flight.event.synchronize()
    for group, rows, landed in flight.landing:
        for row, image in zip(rows, landed, strict=True):
            frame = group.frames[row]
            planes = tuple(plane[0].numpy() for plane in planes_of(image[None], frame))
            flight.masked[group.places[row]] = frame.with_planes(planes)
    return [frame for frame in flight.masked if frame is not None]
