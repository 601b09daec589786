"""The client's side of shared memory: it opens what the server has made, and keeps count of the slots."""

import mmap
import os
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from privacy.client.pictures import Shown
from privacy.errors import FrameError, InputError
from privacy.frame import Frame
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import frame_pb2

_FOLDER = Path("/dev/shm")  # noqa: S108 - where POSIX keeps shared memory on Linux
_COMPRESSED_BYTES = 4 * 1024 * 1024


def slot_bytes_for(picture: Shown) -> int:
    """Return how large a slot must be for pictures like this one; larger ones travel in messages."""
    if isinstance(picture, Frame):
        return sum(plane.size for plane in picture.planes)
    return max(_COMPRESSED_BYTES, 2 * len(picture.data))


class Shared:
    """The memory of one stream.

    Args:
        memory: As the server named it.

    Raises:
        InputError: It cannot be opened: the server runs on another machine, or as another user.
    """

    def __init__(self, memory: pb.SharedMemory) -> None:
        if "/" in memory.name or not 1 <= memory.slots <= 4096 or memory.slot_size_bytes < 1:
            raise InputError("no shared memory that could be opened")
        try:
            handle = os.open(_FOLDER / memory.name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                self._memory = mmap.mmap(handle, memory.slots * memory.slot_size_bytes)
                # Nobody else is to open it, and nothing is to stay if this process and the server are both killed.
                (_FOLDER / memory.name).unlink(missing_ok=True)
            finally:
                os.close(handle)
        except (OSError, ValueError) as error:
            raise InputError("the shared memory of the server cannot be opened from here") from error
        self._slot_bytes = memory.slot_size_bytes
        self._free = deque(range(memory.slots))
        self._released: deque[int] = deque()  # the server has not been told yet

    def send(self, picture: Shown, message: frame_pb2.Frame) -> int | None:
        """Put a picture into a free slot, and into its message where it is, and which slots the server has back.

        Returns:
            The slot; None if the picture does not fit or none is free. Then the message needs its bytes.
        """
        # Arrays are copied while other threads run; bytes are not.
        parts = picture.planes if isinstance(picture, Frame) else (np.frombuffer(picture.data, np.uint8),)
        size = sum(part.size for part in parts)
        slot = self._free.popleft() if self._free and 1 <= size <= self._slot_bytes else None
        while self._released:  # after a slot is taken: another thread may just have released that one
            message.released_slots.append(self._released.popleft())
        if slot is None:
            return None
        start = slot * self._slot_bytes
        for part in parts:
            np.frombuffer(self._memory, np.uint8, part.size, start).reshape(part.shape)[...] = part
            start += part.size
        message.shared_memory.slot, message.shared_memory.size_bytes = slot, size
        return slot

    def read(self, where: frame_pb2.SharedMemorySlot) -> NDArray[np.uint8]:
        """Return a copy of what the server has put into a slot, `(n,)` uint8.

        Raises:
            FrameError: There is no such slot.
        """
        start = where.slot * self._slot_bytes
        if where.slot < 0 or not 1 <= where.size_bytes <= self._slot_bytes or start >= len(self._memory):
            raise FrameError("a picture outside the shared memory")
        return np.frombuffer(self._memory, np.uint8, where.size_bytes, start).copy()

    def release(self, slot: int) -> None:
        """Take a slot back into use; the server learns it with the next picture."""
        self._released.append(slot)
        self._free.append(slot)
