"""How far an AVI reaches. Its clock counts chunks: one that holds nothing is a pause, and FFmpeg tells of none."""

from typing import BinaryIO

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

_LISTS = (b"RIFF", b"LIST")


class Reach:
    """How far one has read in an AVI.

    Args:
        stream: Its video.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._stream = stream
        self._ticks = 0  # of which each is the time of one chunk, with a picture or without
        self._after = 0  # the byte after the last picture

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream) -> "Reach | None":
        """Return that of an AVI; None if it is something else."""
        return cls(stream) if container.format.name == "avi" else None

    def see(self, packet: "Packet[VideoStream]") -> None:
        """Take note of a packet that holds something; before its times are changed."""
        self._ticks = self._ticks + 1 if packet.dts is None else max(self._ticks, packet.dts + 1)
        if packet.pos is not None:
            self._after = max(self._after, packet.pos + packet.size)

    @property
    def short(self) -> bool:
        """True if the header promises more than was seen: there is a pause at the end, or something is missing."""
        return self._ticks < self._stream.frames

    def missing(self, file: BinaryIO) -> str:
        """Return what is missing at the end, "" if nothing is.

        Args:
            file: The same file.

        Raises:
            OSError: It cannot be read.
        """
        frames = self._stream.frames
        there = self._ticks + self._pause(file, frames - self._ticks)
        return f"{frames} frames were promised and only {there} are there" if there < frames else ""

    def _pause(self, file: BinaryIO, most: int) -> int:
        """Return how many chunks without a picture follow the last one with; chunks of sound may lie between them."""
        ours, count = f"{self._stream.index:02}".encode(), 0
        file.seek(self._after + self._after % 2)
        # Where the rest was never written zeros may lie.
        while count < most and len(head := file.read(8)) == 8 and head[:4].isalnum():
            size = int.from_bytes(head[4:], "little")
            if head[:4] in _LISTS:
                file.seek(4, 1)
            elif size:
                file.seek(size + size % 2, 1)
            elif head[:2] == ours:
                count += 1
        return count
