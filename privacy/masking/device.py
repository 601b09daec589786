"""Masking on a device: frames go up, masked frames come back; several at a time, from however many cameras."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

from privacy.errors import DeviceError
from privacy.frame import Frame, Layout, Plane, plane_shapes
from privacy.masking import black_of, effects, halved_planes, tensors, untouched
from privacy.masking.coverage import Box, Part, cover
from privacy.plan import MaskPlan, Polygon, Region
from privacy.policy import Effect, EffectKind

_CHUNK = 8
"""Frames that are on their way together: enough to fill a device, few enough that the next ones overlap with them."""


class Lanes:
    """The way up to a device, the work there, and the way down: on CUDA three streams, elsewhere one after the other.

    Args:
        device: "cuda", "cuda:1", or "cpu".

    Raises:
        DeviceError: There is no such device here.
    """

    def __init__(self, device: str) -> None:
        try:
            self.device = torch.device(device)
        except RuntimeError as error:
            raise DeviceError(f"no device {device!r}", device=device) from error
        if self.device.type not in ("cpu", "cuda"):
            raise DeviceError(f"masks are made on cpu or cuda, not on {device}", device=device)
        if self.device.type == "cuda" and (self.device.index or 0) >= torch.cuda.device_count():
            raise DeviceError(f"no device {device}: torch sees {torch.cuda.device_count()} GPUs", device=device)
        self.on_gpu = self.device.type == "cuda"
        streams: list[Any] = [_stream(self.device) for _ in range(3)]
        self._up, self._work, self._down = streams

    def raise_(self, staged: Tensor) -> Tensor:
        """Send bytes up; what works on them later waits for them."""
        with self._on(self._up):
            images = staged.to(self.device, non_blocking=True)
        self._after(self._work, self._up, images)
        return images

    def working(self) -> AbstractContextManager[Any]:
        """Let what is called inside run on the stream of the work."""
        return self._on(self._work)

    def lower(self, out: Tensor) -> Tensor:
        """Send bytes down, after the work on them; they are there after the event of `landed`."""
        self._after(self._down, self._work, out)
        if not self.on_gpu:
            return out
        with self._on(self._down):
            landed = torch.empty(out.shape, dtype=torch.uint8, pin_memory=True)
            landed.copy_(out, non_blocking=True)
        return landed

    def landed(self) -> Any:  # noqa: ANN401 - torch has no type for it without CUDA
        """Return the event after which everything that was sent down is there; None if it is."""
        return self._down.record_event() if self.on_gpu else None

    def _on(self, stream: Any) -> AbstractContextManager[Any]:  # noqa: ANN401 - as above
        return torch.cuda.stream(stream) if self.on_gpu else nullcontext()

    def _after(self, later: Any, earlier: Any, used: Tensor) -> None:  # noqa: ANN401 - as above
        """Let a stream wait for another, and keep what both use until the later one is done."""
        if self.on_gpu:
            later.wait_stream(earlier)
            used.record_stream(later)


def _stream(device: torch.device) -> Any:  # noqa: ANN401 - as above
    make: Any = torch.cuda.Stream
    return make(device) if device.type == "cuda" else None


class DeviceMasker:
    """Masks frames on one device, bit for bit as `privacy.masking.mask` does. Not safe to share between threads.

    On CUDA, frames are staged in pinned memory and cross the bus in both directions at once, each on a stream of its
    own, while a third masks what came before.

    Args:
        device: "cuda", "cuda:1", or "cpu", where it does the same without streams.

    Raises:
        DeviceError: There is no such device here.
    """

    def __init__(self, device: str = "cuda") -> None:
        self._lanes = Lanes(device)

    def __call__(self, frame: Frame, plan: MaskPlan, into: Plane | None = None) -> Frame:  # noqa: ARG002 - an offer
        """Return `frame` with the regions of `plan` hidden; see `privacy.masking.mask`. It lies where it came down."""
        return self.mask_batch((frame,), (plan,))[0]

    def mask_batch(self, frames: Sequence[Frame], plans: Sequence[MaskPlan]) -> list[Frame]:
        """Return each frame with the regions of its plan hidden, in order; of one size and layout is fastest."""
        masked = [untouched(frame, plan) for frame, plan in zip(frames, plans, strict=True)]
        work = [(index, frames[index], plans[index]) for index, frame in enumerate(masked) if frame is None]
        for index, frame in self._masked(work):
            masked[index] = frame
        return [frame for frame in masked if frame is not None]

    def _masked(self, work: Sequence[tuple[int, Frame, MaskPlan]]) -> Iterator[tuple[int, Frame]]:
        """Yield each frame; while a chunk is masked the next one goes up, and the one before comes down."""
        flying: deque[tuple[Sequence[tuple[int, Frame, MaskPlan]], Tensor, Any]] = deque()
        for chunk in _chunks(work):
            flying.append((chunk, *self._launch([one[1] for one in chunk], [one[2] for one in chunk])))
            if len(flying) > 2:
                yield from _landed(*flying.popleft())
        while flying:
            yield from _landed(*flying.popleft())

    def _launch(self, frames: Sequence[Frame], plans: Sequence[MaskPlan]) -> tuple[Tensor, Any]:
        """Start a chunk on its way; return where its bytes will lie, and the event after which they do."""
        images = self._lanes.raise_(staged(frames, pinned=self._lanes.on_gpu))
        with self._lanes.working():
            out = masked_bytes(images, frames[0], [plan.regions for plan in plans], plans[0].effect)
        return self._lanes.lower(out), self._lanes.landed()


def masked_bytes(images: Tensor, like: Frame, regions: Sequence[Sequence[Region]], effect: Effect) -> Tensor:
    """Mask frames where they lie, for chains that decode, look and mask on one device.

    Args:
        images: `(B, n)` uint8, each row the planes of a frame behind one another; not modified.
        like: A frame of the same layout, size and range; its pixels are not read.
        regions: What to hide of each.
        effect: How.

    Returns:
        `(B, n)` uint8 on the same device.
    """
    size, out = like.size, torch.empty_like(images)
    side, grain = effects.side_of(effect.strength, size), effects.grain_of(effect.strength, size)
    hidden = _Hidden.of(regions, size, images.device)
    black = black_of(like.layout, full_range=like.full_range)
    planes = zip(planes_of(images, like), planes_of(out, like), black, halved_planes(like.layout), strict=True)
    for source, target, colour, halved in planes:
        scale = 2 if halved else 1
        where = hidden.halved() if halved else hidden
        look = Look(effect.kind, side // scale, grain // scale, colour)
        if source.is_cuda:
            write_fused(source, target, where.boxes, where.bitmap, look)
        else:
            target.copy_(_shown(source, where.whole(), look))
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Hidden:
    """What is hidden of each frame of a batch: rectangles as numbers, everything else drawn on the device.

    Attributes:
        boxes: `(B, N, 4)` int32 top, bottom, left, right; empty ones hide nothing.
        bitmap: `(B, h, w)` bool, or None.
        size: `(h, w)`.
    """

    boxes: Tensor
    bitmap: Tensor | None
    size: tuple[int, int]

    @classmethod
    def of(cls, many: Sequence[Sequence[Region]], size: tuple[int, int], device: torch.device) -> "_Hidden":
        boxes: list[list[Box]] = []
        drawn: list[list[Region]] = []
        for regions in many:
            parts = [(region, _rectangle(region, size)) for region in regions]
            boxes.append([part.box for _, part in parts if part is not None])
            drawn.append([region for region, part in parts if part is None])
        most = max(1, *(len(some) for some in boxes))
        numbers = np.zeros((len(many), most, 4), np.int32)
        for row, some in zip(numbers, boxes, strict=True):
            for at, (down, across) in enumerate(some):
                row[at] = down.start, down.stop, across.start, across.stop
        bitmap = tensors.paint(drawn, size, device) if any(drawn) else None
        return cls(torch.from_numpy(numbers).to(device), bitmap, size)

    def halved(self) -> "_Hidden":
        """Return the same for chroma."""
        boxes = self.boxes.clone()
        boxes[..., 0::2] //= 2
        boxes[..., 1::2] = (boxes[..., 1::2] + 1) // 2
        height, width = self.size
        bitmap = None if self.bitmap is None else tensors.halved(self.bitmap)
        return _Hidden(boxes, bitmap, ((height + 1) // 2, (width + 1) // 2))

    def whole(self) -> Tensor:
        """Return everything as one bitmap."""
        shape = (len(self.boxes), *self.size)
        found = torch.zeros(shape, dtype=torch.bool) if self.bitmap is None else self.bitmap.clone()
        for row, boxes in zip(found, self.boxes.tolist(), strict=True):
            for top, bottom, left, right in boxes:
                row[top:bottom, left:right] = True
        return found


def _shown(source: Tensor, where: Tensor, look: "Look") -> Tensor:
    match look.kind:
        case EffectKind.SOLID:
            return tensors.solid(source, where, look.colour)
        case EffectKind.PIXELATE:
            return tensors.pixelate(source, where, look.side, look.grain)
        case EffectKind.BLUR:
            return tensors.blur(source, where, look.side, look.grain)


@dataclass(frozen=True, slots=True)
class Look:
    """How hidden pixels of one plane look.

    Attributes:
        kind: The effect.
        side: Of a cell or kernel, in pixels of the plane.
        grain: In pixels of the plane.
        colour: Of `SOLID`.
    """

    kind: EffectKind
    side: int
    grain: int
    colour: int


def write_fused(source: Tensor, target: Tensor, boxes: Tensor, bitmap: Tensor | None, look: Look) -> None:
    """Write masked planes with the Triton kernels: every pixel is read once more at most, and written once."""
    from privacy.masking import kernels  # noqa: PLC0415 - Triton comes with torch for CUDA only

    size, flags = (source.shape[1], source.shape[2]), None if bitmap is None else bitmap.view(torch.uint8)
    match look.kind:
        case EffectKind.SOLID:
            kernels.write(source, target, boxes, flags, effect=kernels.SOLID, colour=look.colour)
        case EffectKind.PIXELATE:
            means = tensors.means_of(kernels.grains(source, look.grain), size, look.side, look.grain)
            kernels.write(source, target, boxes, flags, effect=kernels.CELLS, coarse=means, side=look.side)
        case EffectKind.BLUR:
            soft = tensors.averaged(kernels.grains(source, look.grain), look.side, look.grain)
            kernels.write(source, target, boxes, flags, effect=kernels.BETWEEN, coarse=soft, side=look.grain)


def _rectangle(region: Region, size: tuple[int, int]) -> Part | None:
    """Return the pixels of an upright rectangle; None for what has to be drawn."""
    part = cover(region, size) if isinstance(region, Polygon) and len(region.points) == 4 else None
    return part if part is not None and part.where is None else None


def _chunks(work: Sequence[tuple[int, Frame, MaskPlan]]) -> Iterator[Sequence[tuple[int, Frame, MaskPlan]]]:
    """Yield runs of frames that can be masked together."""

    def kind(one: tuple[int, Frame, MaskPlan]) -> tuple[Layout, tuple[int, int], bool, EffectKind, float]:
        _, frame, plan = one
        return frame.layout, frame.size, frame.full_range, plan.effect.kind, plan.effect.strength

    for _, alike in groupby(sorted(work, key=kind), kind):
        run = list(alike)
        yield from (run[start : start + _CHUNK] for start in range(0, len(run), _CHUNK))


def staged(frames: Sequence[Frame], *, pinned: bool) -> Tensor:
    """Return frames of one shape as `(B, n)` uint8, if pinned in memory that a device reads by itself."""
    count = sum(plane.size for plane in frames[0].planes)
    rows = torch.empty((len(frames), count), dtype=torch.uint8, pin_memory=pinned)
    for row, frame in zip(rows.numpy(), frames, strict=True):
        start = 0
        for plane in frame.planes:
            row[start : start + plane.size].reshape(plane.shape)[...] = plane
            start += plane.size
    return rows


def planes_of(images: Tensor, like: Frame) -> list[Tensor]:
    """Return views of the planes of `(B, n)` frames that are like another."""
    planes, start = [], 0
    for shape in plane_shapes(like.layout, *like.size):
        count = int(np.prod(shape))
        planes.append(images[:, start : start + count].view(len(images), *shape))
        start += count
    return planes


def _landed(
    chunk: Sequence[tuple[int, Frame, MaskPlan]],
    landed: Tensor,
    event: Any,  # noqa: ANN401 - torch has no type for it without CUDA
) -> Iterator[tuple[int, Frame]]:
    if event is not None:
        event.synchronize()
    for (index, frame, _), row in zip(chunk, landed, strict=True):
        planes: list[Plane] = [plane[0].numpy() for plane in planes_of(row[None], frame)]
        yield index, frame.with_planes(tuple(planes))
