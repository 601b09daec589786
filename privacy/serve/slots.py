"""Pictures that pass through shared memory, for plugins on the server's own machine."""

import contextlib
import mmap
import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from privacy.errors import OverloadError, ProtocolError

FOLDER = Path("/dev/shm")  # noqa: S108 - where POSIX keeps shared memory on Linux; names are random and exclusive
_NAME = re.compile(r"privacy-(\d+)-[0-9a-f]{32}")


class _Owner(Enum):
    """Who may touch a slot."""

    CLIENT = "client"
    SERVER = "server"
    """From a frame until its result."""
    RESULT = "result"
    """From the result until the client gives the slot back."""


class Slots:
    """The shared memory of one stream. The server makes it, names it and takes it away; only its own user may open it.

    The name is needed until the client has opened it, and goes with the first slot that is used: from then on the
    kernel takes the memory back when both have ended, however they end.

    Whoever may open it could also cut it short, and end this process with a fault: that is the same user, who could as
    well kill it.

    Args:
        slots: How many pictures it holds.
        slot_bytes: Size of one.

    Raises:
        OverloadError: The machine has no memory for it.

    Attributes:
        name: Of the POSIX shared memory object.
    """

    def __init__(self, slots: int, slot_bytes: int) -> None:
        self.name = f"privacy-{os.getpid()}-{secrets.token_hex(16)}"
        self.slots = slots
        self.slot_bytes = slot_bytes
        self._owners = [_Owner.CLIENT] * slots
        self._named = True
        size = slots * slot_bytes
        how = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            handle = os.open(FOLDER / self.name, how, 0o600)
        except OSError as error:  # no file handle is free, or no room for a name
            raise OverloadError(f"no {size} bytes of shared memory", bytes=size) from error
        try:
            os.posix_fallocate(handle, 0, size)  # what is promised is there: a full tmpfs would end the process later
            self._map = mmap.mmap(handle, size)
            self._memory = memoryview(self._map)
        except OSError as error:
            self.close()
            raise OverloadError(f"no {size} bytes of shared memory", bytes=size) from error
        finally:
            os.close(handle)

    def close(self) -> None:
        """Take the name away. The memory goes when nobody looks into it any more."""
        self._named = False
        with contextlib.suppress(OSError):
            (FOLDER / self.name).unlink()

    def end(self) -> None:
        """Give the memory back now, or, if a picture is still being looked at, with the last look.

        A stream that ended with an error lives on in its traceback until the garbage collector comes; its memory must
        not.
        """
        self.close()
        self._memory.release()
        with contextlib.suppress(BufferError):
            self._map.close()

    def take(self, slot: int, size: int) -> memoryview:
        """Return a copy of the picture that the client has put into a slot; the slot is the server's until `settle`.

        What is judged has to be what is masked, answered and kept as evidence, and the client may write to its memory
        at any time. So the slot is read this once.

        Raises:
            ProtocolError: There is no such slot, the picture does not fit in, or the client has not given it back.
        """
        if not 0 <= slot < self.slots:
            raise ProtocolError(f"no slot {slot}", field="slot", limit=self.slots)
        if not 1 <= size <= self.slot_bytes:
            raise ProtocolError(f"{size} bytes in a slot of {self.slot_bytes}", field="size_bytes")
        if self._owners[slot] is not _Owner.CLIENT:
            raise ProtocolError(f"slot {slot} was not given back", field="slot")
        self._owners[slot] = _Owner.SERVER
        if self._named:
            self.close()
        return self.room(slot, size).copy().data.toreadonly()  # an array's copy lets other threads run meanwhile

    def room(self, slot: int, size: int) -> NDArray[np.uint8]:
        """Return `(size,)` uint8, the memory of a slot that is the server's, for a result to be written to.

        Args:
            slot: One that was taken and not settled.
            size: Bytes, at most `slot_bytes`.
        """
        start = slot * self.slot_bytes
        return np.frombuffer(self._memory[start : start + size], np.uint8)

    def settle(self, slot: int, picture: bytes | memoryview | None = None) -> bool:
        """Let the client use a slot's result, and put a picture into it if there is one that fits.

        Args:
            slot: One that was taken.
            picture: May have been written to the slot's `room` already.

        Returns:
            Whether `picture` is in the slot.
        """
        fits = picture is not None and 0 < len(picture) <= self.slot_bytes
        if picture is not None and fits:
            room, source = self.room(slot, len(picture)), np.frombuffer(picture, np.uint8)
            if address_of(room) != address_of(source):
                room[:] = source
        self._owners[slot] = _Owner.RESULT
        return fits

    def give_back(self, slots: Iterable[int]) -> None:
        """Take note that the client no longer reads these slots.

        Raises:
            ProtocolError: One of them has no result.
        """
        for slot in slots:
            if not 0 <= slot < self.slots or self._owners[slot] is not _Owner.RESULT:
                raise ProtocolError(f"slot {slot} has no result to give back", field="slots")
            self._owners[slot] = _Owner.CLIENT


def address_of(array: NDArray[np.uint8]) -> int:
    """Return where an array begins; `array.ctypes.data`, in a fifth of the time."""
    return int(array.__array_interface__["data"][0])


class SlotMaker:
    """Makes slots as long as the sum of them is within a budget.

    Args:
        budget: Bytes that all streams may share; 0 for none.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._used = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def make(self, slots: int, slot_bytes: int) -> Iterator[Slots]:
        """Yield slots that are there as long as the context lasts.

        Raises:
            ProtocolError: One stream asks for more than all may have.
            OverloadError: Others have too much of it now.
        """
        size = slots * slot_bytes
        if size > self.budget:
            raise ProtocolError(f"{size} bytes are more than all streams may share", field="slot_size_bytes")
        with self._lock:
            if self._used + size > self.budget:
                raise OverloadError(f"other streams share {self._used} bytes already", limit=self.budget)
            self._used += size
        made = None
        try:
            made = Slots(slots, slot_bytes)
            yield made
        finally:
            if made is not None:
                made.end()
            with self._lock:
                self._used -= size


def sweep() -> int:
    """Take away what servers left that were killed before a client had opened it, and return how much that was."""
    swept = 0
    with contextlib.suppress(OSError):
        for path in FOLDER.glob("privacy-*"):
            match = _NAME.fullmatch(path.name)
            if match is None or Path("/proc", match[1]).exists():
                continue
            with contextlib.suppress(OSError):  # somebody else's
                path.unlink()
                swept += 1
    return swept
