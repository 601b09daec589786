"""How many pictures one access unit of H.264 or H.265 holds, by its headers alone.

A decoder gives one picture for what it is handed at once, and may paint slices of a second one over the first without a
word; whoever plays what was sent may see both. So a unit is believed to hold one picture only if every one of its
slices says that it belongs to the same.
"""

from dataclasses import dataclass

from privacy.serve.translate import Codec

_SLICE, _PARTITION, _IDR_SLICE = 1, 2, 5  # nal_unit_type: ITU-T H.264, table 7-1
_SPS, _PPS = 7, 8
_MORE_PICTURES = frozenset({19, 20, 21})  # auxiliary pictures, further views and layers
_BEGINS_ANOTHER = frozenset({6, 7, 8, 9, *range(14, 19)})  # after a picture, they belong to the next: 7.4.1.2.3
_H265_SLICES = 32  # and everything below: ITU-T H.265, table 7-1
_H265_KEYS = range(16, 24)
_H265_BEGINS_ANOTHER = frozenset({32, 33, 34, 35, 39, *range(41, 45), *range(48, 56)})  # 7.4.2.4.4
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_HEADER_BYTES = 64  # no slice header says later than this to which picture it belongs
_MOST_ZEROS = 32


class _UnreadableError(Exception):
    """A header ends early, or uses what is not read here."""


class _Bits:
    """Reads a header bit by bit; ITU-T H.264, 7.2 and 9.1."""

    def __init__(self, unit: bytes) -> None:
        data = unit.replace(b"\0\0\3", b"\0\0")  # what keeps a start code from appearing: 7.4.1
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def number(self, bits: int) -> int:
        """Return an unsigned number of so many bits."""
        if bits > self._left:
            raise _UnreadableError
        self._left -= bits
        return self._value >> self._left & ((1 << bits) - 1)

    def flag(self) -> bool:
        return bool(self.number(1))

    def golomb(self) -> int:
        """Return an unsigned Exp-Golomb number."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise _UnreadableError
        return (1 << zeros) - 1 + self.number(zeros)

    def signed(self) -> int:
        """Return a signed Exp-Golomb number."""
        number = self.golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """What a sequence parameter set says of slice headers; ITU-T H.264, 7.3.2.1.1."""

    planes_apart: bool
    frame_num_bits: int
    order_type: int
    order_bits: int
    order_is_implied: bool
    frames_only: bool


@dataclass(frozen=True, slots=True)
class _Picture:
    """What a picture parameter set says of slice headers; 7.3.2.2."""

    sequence: int
    order_of_bottom: bool


class AccessUnits:
    """Counts the pictures in what comes on one stream. Remembers its parameter sets.

    Args:
        codec: H.264 or H.265.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, _Picture] = {}

    def one_picture(self, data: bytes) -> bool:
        """Say whether an Annex B byte stream holds slices of one picture and no more, as far as headers can say."""
        units = [unit for unit in data.split(b"\0\0\1")[1:] if len(unit) >= 2]
        return self._h264(units) if self._codec is Codec.H264 else self._h265(units)

    def _h264(self, units: list[bytes]) -> bool:
        slices: list[bytes] = []
        over = False
        for unit in units:
            kind = unit[0] & 31
            if kind in _MORE_PICTURES:
                return False
            if kind in (_SLICE, _PARTITION, _IDR_SLICE):
                if over:
                    return False
                slices.append(unit)
            elif kind in _BEGINS_ANOTHER:
                over = bool(slices)
            if kind in (_SPS, _PPS):
                self._remember(kind, unit)
        return len(slices) <= 1 or self._belong_together(slices)

    def _remember(self, kind: int, unit: bytes) -> None:
        try:
            bits = _Bits(unit[1:])
            if kind == _SPS:
                number, sequence = _sequence(bits)
                self._sequences[number] = sequence
            else:
                number, picture = _picture(bits)
                self._pictures[number] = picture
        except _UnreadableError:  # whatever else needs it will fail, too
            (self._sequences if kind == _SPS else self._pictures).clear()

    def _belong_together(self, slices: list[bytes]) -> bool:
        """Say whether slices are of one picture (7.4.1.2.4), each behind the one before."""
        try:
            heads = [self._head(unit) for unit in slices]
        except (_UnreadableError, KeyError):
            return False
        places = [place for place, _ in heads]
        return places[0] == 0 and sorted(set(places)) == places and len({picture for _, picture in heads}) == 1

    def _head(self, unit: bytes) -> tuple[int, tuple[object, ...]]:
        """Return where a slice begins, and everything by which pictures are told apart."""
        reference, key = unit[0] >> 5 & 3 > 0, unit[0] & 31 == _IDR_SLICE
        bits = _Bits(unit[1:_HEADER_BYTES])
        place, _, number = bits.golomb(), bits.golomb(), bits.golomb()
        picture = self._pictures[number]
        sequence = self._sequences[picture.sequence]
        if sequence.planes_apart:
            raise _UnreadableError  # three pictures in one, and no camera sends that
        frame_num = bits.number(sequence.frame_num_bits)
        field = not sequence.frames_only and bits.flag()
        bottom = field and bits.flag()
        key_id = bits.golomb() if key else -1
        order: list[int] = []
        both = picture.order_of_bottom and not field
        if sequence.order_type == 0:
            order = [bits.number(sequence.order_bits), bits.signed() if both else 0]
        elif sequence.order_type == 1 and not sequence.order_is_implied:
            order = [bits.signed(), bits.signed() if both else 0]
        return place, (reference, key, number, frame_num, field, bottom, key_id, *order)

    @staticmethod
    def _h265(units: list[bytes]) -> bool:
        first: tuple[int, int] | None = None
        over = False
        for unit in units:
            kind, layer = unit[0] >> 1 & 63, (unit[0] & 1) << 5 | unit[1] >> 3
            if kind >= _H265_SLICES:
                over = over or (first is not None and kind in _H265_BEGINS_ANOTHER)
                continue
            try:
                bits = _Bits(unit[2:_HEADER_BYTES])
                begins = bits.flag()
                if kind in _H265_KEYS:
                    bits.flag()
                of = kind, bits.golomb()
            except _UnreadableError:
                return False
            if layer > 0 or over or begins is not (first is None) or of != (first or of):
                return False
            first = of
        return True


def _sequence(bits: _Bits) -> tuple[int, _Sequence]:
    profile = bits.number(8)
    bits.number(16)
    number = bits.golomb()
    planes_apart = False
    if profile in _HIGH_PROFILES:
        chroma = bits.golomb()
        planes_apart = chroma == 3 and bits.flag()
        bits.golomb()
        bits.golomb()
        bits.flag()
        if bits.flag():
            for each in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _skip_scaling(bits, 16 if each < 6 else 64)
    frame_num_bits = bits.golomb() + 4
    order_type, order_bits, order_is_implied = bits.golomb(), 0, False
    if order_type == 0:
        order_bits = bits.golomb() + 4
    elif order_type == 1:
        order_is_implied = bits.flag()
        bits.signed()
        bits.signed()
        for _ in range(bits.golomb()):
            bits.signed()
    if frame_num_bits > 16 or order_bits > 16:
        raise _UnreadableError
    bits.golomb()
    bits.flag()
    bits.golomb()
    bits.golomb()
    return number, _Sequence(planes_apart, frame_num_bits, order_type, order_bits, order_is_implied, bits.flag())


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _picture(bits: _Bits) -> tuple[int, _Picture]:
    number, sequence = bits.golomb(), bits.golomb()
    bits.flag()
    order_of_bottom = bits.flag()
    if bits.golomb():
        raise _UnreadableError  # slice groups: slices that do not follow one another
    bits.golomb()
    bits.golomb()
    bits.number(3)
    for _ in range(3):
        bits.signed()
    bits.number(2)
    if bits.flag():
        raise _UnreadableError  # redundant pictures: a second one, for where the first is lost
    return number, _Picture(sequence, order_of_bottom)
