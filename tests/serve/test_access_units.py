"""Units that hold more than one picture, however they hide it: crafted slices, parameter sets, layers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from privacy.serve.access_units import AccessUnits
from privacy.serve.translate import Codec
from tests.serve.units import units

CODECS = ("H264", "H265")
SLICES = "slices=4:sliced-threads=0"


def nal_units(data: bytes) -> list[bytes]:
    return [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:]]


def stream(parts: list[bytes]) -> bytes:
    return b"".join(b"\0\0\0\1" + part for part in parts)


def is_slice(codec: str, unit: bytes) -> bool:
    return unit[0] & 31 in (1, 5) if codec == "H264" else unit[0] >> 1 & 63 < 32


def slices(codec: str, data: bytes) -> list[bytes]:
    return [unit for unit in nal_units(data) if is_slice(codec, unit)]


def sliced(codec: str, levels: list[int], **options: Any) -> list[bytes]:
    """Pictures of several slices. No encoder of H.265 here makes them: the second one is the first, and says so."""
    if codec == "H264":
        chosen = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": SLICES} | options
        return units(codec, levels, size=(256, 256), **chosen)
    return [stream([*nal_units(unit), later(slices(codec, unit)[0])]) for unit in units(codec, levels, **options)]


def later(unit: bytes) -> bytes:
    """A slice of H.265 that does not begin a picture."""
    return unit[:2] + bytes([unit[2] & 127]) + unit[3:]


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_of_several_slices_is_one(codec: str) -> None:
    reader = AccessUnits(Codec(codec))
    data = sliced(codec, [40] * 8)

    assert len(slices(codec, data[0])) > 1
    assert [reader.one_picture(unit) for unit in data] == [True] * 8


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"profile": "high", "preset": "medium"}, id="high"),
        pytest.param({"profile": "baseline"}, id="baseline"),
        pytest.param({"x264-params": f"{SLICES}:interlaced=1"}, id="interlaced frames"),
        pytest.param({"x264-params": f"{SLICES}:cqm=jvt", "preset": "medium"}, id="scaling lists"),
        pytest.param({"x264-params": f"{SLICES}:bframes=2", "preset": "medium"}, id="order of pictures"),
    ],
)
def test_several_slices_are_one_picture_in_every_profile(options: dict[str, Any]) -> None:
    reader = AccessUnits(Codec.H264)
    data = sliced("H264", [40] * 6, **options)

    assert len(slices("H264", data[0])) > 1
    assert [reader.one_picture(unit) for unit in data] == [True] * 6


def test_slices_of_two_pictures_are_two_also_if_the_second_does_not_begin_one() -> None:
    """The last slices of the next picture behind a whole one: FFmpeg paints them over it, a player shows both."""
    reader = AccessUnits(Codec.H264)
    data = sliced("H264", [40] * 8)
    crafted = stream([*nal_units(data[1]), *slices("H264", data[2])[1:]])

    assert reader.one_picture(data[0])
    assert not reader.one_picture(crafted)


@pytest.mark.parametrize("codec", CODECS)
def test_a_slice_of_a_key_frame_behind_a_picture_is_another(codec: str) -> None:
    reader = AccessUnits(Codec(codec))
    data = sliced(codec, [40] * 8, key_every=4)
    assert reader.one_picture(data[0])

    assert not reader.one_picture(stream([*nal_units(data[1]), *slices(codec, data[4])[1:]]))
    assert not reader.one_picture(stream([*slices(codec, data[4])[:1], *slices(codec, data[1])[1:]]))


@pytest.mark.parametrize("codec", CODECS)
def test_slices_that_are_there_twice_or_in_another_order_are_not_one_picture(codec: str) -> None:
    reader = AccessUnits(Codec(codec))
    data = sliced(codec, [40] * 4)
    assert reader.one_picture(data[0])
    parts = slices(codec, data[1])

    assert not reader.one_picture(stream([parts[0], *parts]))
    if codec == "H264":
        assert not reader.one_picture(stream([*parts, parts[-1]]))
        assert not reader.one_picture(stream(parts[::-1]))
        assert not reader.one_picture(stream(parts[1:]))


@pytest.mark.parametrize("codec", CODECS)
def test_what_begins_the_next_unit_ends_this_one(codec: str) -> None:
    reader = AccessUnits(Codec(codec))
    data = sliced(codec, [40] * 4)
    assert reader.one_picture(data[0])
    delimiter = b"\x09\xf0" if codec == "H264" else b"\x46\x01\x50"
    first, *more = slices(codec, data[1])

    assert reader.one_picture(stream([delimiter, first, *more, delimiter]))
    assert not reader.one_picture(stream([first, delimiter, *more]))


def test_further_views_layers_and_auxiliary_pictures_are_pictures() -> None:
    lobby = units("H264", [40])[0]
    for kind in (19, 20, 21):
        assert not AccessUnits(Codec.H264).one_picture(lobby + b"\0\0\1" + bytes([0x60 | kind]) + b"\x40\x80\x80")
    lobby = units("H265", [40])[0]
    assert not AccessUnits(Codec.H265).one_picture(lobby + b"\0\0\1\x02\x09\x80\x80")


def test_several_slices_without_their_parameter_sets_are_not_believed() -> None:
    assert not AccessUnits(Codec.H264).one_picture(sliced("H264", [40] * 4)[1])


def test_slice_groups_redundant_pictures_and_planes_apart_are_not_read() -> None:
    """Each of them lets two decoders show two pictures; a single slice needs none of it."""
    data = sliced("H264", [40] * 2)
    for broken in (b"\x68\xc0", b"\x68" + b"\xff" * 8, b"\x68"):
        reader = AccessUnits(Codec.H264)
        assert reader.one_picture(data[0])
        assert not reader.one_picture(stream([broken, *slices("H264", data[1])]))


@given(some.sampled_from(CODECS), some.data())
def test_no_bytes_make_it_fail(codec: str, draw: some.DataObject) -> None:
    reader = AccessUnits(Codec(codec))
    for unit in sliced(codec, [40] * 4):
        at = draw.draw(some.integers(0, len(unit)))
        changed = unit[:at] + draw.draw(some.binary(max_size=12)) + unit[at + draw.draw(some.integers(0, 8)) :]

        assert reader.one_picture(changed) in (True, False)
