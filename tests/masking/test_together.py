"""Frames of many cameras are masked on one device as each would be alone."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from privacy.errors import MaskingError
from privacy.frame import Frame, Layout
from privacy.masking import mask
from privacy.masking.together import MOST, Together
from privacy.plan import WHOLE, MaskPlan
from privacy.policy import Effect, EffectKind
from tests.clips import random_frame
from tests.masking.test_masks import upright

PART = MaskPlan((upright(0.2, 0.2, 0.7, 0.6),), Effect(EffectKind.PIXELATE))


def same(one: Frame, other: Frame) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True))


class Device:
    """Masks on the CPU; the first batch takes until it is let go."""

    def __init__(self, *, fails_on: int | None = None) -> None:
        self.sizes: list[int] = []
        self.busy, self.go = threading.Event(), threading.Event()
        self._fails_on = fails_on

    def __call__(self, frames: Sequence[Frame], plans: Sequence[MaskPlan]) -> list[Frame]:
        self.sizes.append(len(frames))
        self.busy.set()
        self.go.wait(10)
        if any(frame.sequence == self._fails_on for frame in frames):
            raise OSError("gone")
        return [mask(frame, plan) for frame, plan in zip(frames, plans, strict=True)]


def frame_of(number: int) -> Frame:
    return replace(random_frame(Layout.NV12, (48, 64), number), sequence=number)


def crowd(device: Device, frames: Sequence[Frame]) -> list[Frame | BaseException]:
    """Mask the first frame, and all others while the device is busy with it."""
    together = Together(device)
    with ThreadPoolExecutor(len(frames)) as threads:
        calls = [threads.submit(together, frames[0], PART)]
        assert device.busy.wait(10)
        calls += [threads.submit(together, frame, PART) for frame in frames[1:]]
        while len(together._waiting) < len(frames) - 1:
            threading.Event().wait(0.005)
        device.go.set()
    return [call.exception() or call.result() for call in calls]


def test_who_comes_while_the_device_is_busy_is_masked_in_one_batch() -> None:
    device, frames = Device(), [frame_of(number) for number in range(7)]
    found = crowd(device, frames)

    assert device.sizes == [1, 6]
    assert all(isinstance(got, Frame) and same(got, mask(one, PART)) for got, one in zip(found, frames, strict=True))


def test_a_batch_has_an_end() -> None:
    device = Device()
    crowd(device, [frame_of(number) for number in range(MOST + 4)])

    assert device.sizes == [1, MOST, 3]


def test_a_frame_that_fails_takes_no_other_with_it() -> None:
    frames = [frame_of(number) for number in range(5)]
    found = crowd(Device(fails_on=3), frames)

    assert [isinstance(got, OSError) for got in found] == [False, False, False, True, False]
    assert all(same(got, mask(one, PART)) for got, one in zip(found, frames, strict=True) if isinstance(got, Frame))


def test_a_thread_that_is_told_to_end_leaves_the_frames_of_the_others_to_them() -> None:
    class EndedError(BaseException):
        """What ends a thread, as `SystemExit` does; no failure of a frame."""

    class Ends(Device):
        def __call__(self, frames: Sequence[Frame], plans: Sequence[MaskPlan]) -> list[Frame]:
            if len(self.sizes) == 1 or not frames:  # the second batch, and whoever would ask for nothing for ever
                self.sizes.append(len(frames))
                raise EndedError
            return super().__call__(frames, plans)

    device, frames = Ends(), [frame_of(number) for number in range(5)]
    found = crowd(device, frames)

    assert device.sizes == [1, 4, 3]
    assert [type(got) for got in found].count(EndedError) == 1
    assert all(same(got, mask(one, PART)) for got, one in zip(found, frames, strict=True) if isinstance(got, Frame))


def test_a_device_that_gives_back_too_little_shows_nobody() -> None:
    together = Together(lambda frames, _plans: frames[:-1])

    with pytest.raises(MaskingError):
        together(frame_of(0), PART)


def test_what_needs_no_pixel_read_does_not_wait() -> None:
    device, frame = Device(), frame_of(0)
    together = Together(device)

    assert together(frame, MaskPlan((), Effect())) is frame
    assert same(together(frame, MaskPlan((WHOLE,), Effect())), mask(frame, MaskPlan((WHOLE,), Effect())))
    assert device.sizes == []
