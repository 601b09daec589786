"""H.264 and H.265 access units: decoded with state, hidden after any loss, answered in the same codec or as JPEG."""

from typing import Any

import cv2
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration

from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, verdict_pb2
from tests.serve.messages import LEFT, config, frame, results
from tests.serve.test_access_units import nal_units, sliced, slices, stream
from tests.serve.units import Player, units

Stub = pb_grpc.EnforcementServiceStub
MASKED = pb.RESPONSE_MODE_MASKED_FRAME
CLEAR = verdict_pb2.VERDICT_STATE_CLEAR
CODECS = ("H264", "H265")


def full_range(level: int) -> float:
    """What a level of limited range is on a screen."""
    return (level - 16) * 255 / 219


def sent(data: list[bytes], numbers: list[int] | None = None) -> list[pb.EnforceStreamRequest]:
    return [frame(n, data=unit) for n, unit in zip(numbers or range(len(data)), data, strict=True)]


def reasons(answers: list[pb.FrameResult]) -> list[str]:
    return [verdict_pb2.VerdictReason.Name(a.verdict.reason).removeprefix("VERDICT_REASON_") for a in answers]


def states(answers: list[pb.FrameResult]) -> str:
    """`C` for CLEAR, `P` for PROHIBITED, `-` for UNCERTAIN."""
    return "".join("-PC-"[answer.verdict.state] for answer in answers)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("mode", [1, 2, 3], ids=["verdict", "geometry", "masked"])
def test_units_open_for_a_lobby_and_hide_a_washroom(stub: Stub, codec: str, mode: Any) -> None:
    data = units(codec, [40] * 6 + [230] * 4)

    answers = results(stub, [config(codec, response_mode=mode), *sent(data)])

    assert states(answers) == "-CCCCC--PP"
    assert answers[3].WhichOneof("picture") == ("unchanged" if mode == MASKED else None)
    assert answers[9].WhichOneof("picture") == ("masked" if mode == MASKED else None)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_masked_comes_back_as_units_that_can_be_played_by_themselves(stub: Stub, codec: str) -> None:
    data = units(codec, [40] * 8)
    setup = config(codec, response_mode=MASKED, return_unchanged=True, static_zones=[LEFT])

    answers = results(stub, [setup, *sent(data)])

    player = Player(codec)
    shown = [player.luma(answer.masked.data) for answer in answers]
    assert {frame_pb2.PixelFormat.Name(answer.masked.pixel_format) for answer in answers} == {f"PIXEL_FORMAT_{codec}"}
    assert [picture.shape for picture in shown] == [(96, 128)] * 8
    assert shown[0].max() <= 8
    assert shown[7][40:, :56].max() <= 8
    assert abs(float(shown[7][40:, 72:].mean()) - full_range(40)) <= 4


@pytest.mark.parametrize("codec", CODECS)
def test_masked_units_may_be_asked_for_as_jpeg(stub: Stub, codec: str) -> None:
    setup = config(codec, response_mode=MASKED, masked_format=frame_pb2.PIXEL_FORMAT_JPEG, static_zones=[LEFT])

    answer = results(stub, [setup, *sent(units(codec, [60] * 4))])[-1]

    assert answer.masked.pixel_format == frame_pb2.PIXEL_FORMAT_JPEG
    picture = cv2.imdecode(np.frombuffer(answer.masked.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture[40:, :56].max() <= 8
    assert abs(float(picture[40:, 72:].mean()) - full_range(60)) <= 4


@pytest.mark.parametrize("codec", CODECS)
def test_a_lost_unit_hides_until_the_next_key_frame(stub: Stub, codec: str) -> None:
    data = units(codec, [40] * 16, key_every=8)
    numbers = [n for n in range(16) if n != 5]

    answers = results(stub, [config(codec), *sent([data[n] for n in numbers], numbers)])

    why = dict(zip(numbers, reasons(answers), strict=True))
    assert why[4] == "MODEL"
    assert [why[6], why[7]] == ["DECODE_ERROR"] * 2
    assert answers[-1].verdict.state == CLEAR


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_that_begins_between_key_frames_is_hidden_until_one(stub: Stub, codec: str) -> None:
    data = units(codec, [40] * 12, key_every=4)

    answers = results(stub, [config(codec, response_mode=MASKED), *sent(data[2:])])

    assert reasons(answers)[:2] == ["DECODE_ERROR"] * 2
    assert answers[0].WhichOneof("picture") == "withheld"  # nobody knows the size
    assert answers[-1].verdict.state == CLEAR


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("masked_format", ["UNSPECIFIED", "JPEG"])
def test_the_size_that_is_known_now_was_not_known_of_frames_that_waited(
    stub: Stub, codec: str, masked_format: str
) -> None:
    """With look-behind, the key frame is read before the frames ahead of it are answered."""
    data = units(codec, [40] * 12, key_every=4)
    setup = config(
        codec,
        response_mode=MASKED,
        masked_format=frame_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{masked_format}"),
        look_behind=Duration(seconds=2),
    )

    answers = results(stub, [setup, *sent(data[2:])])

    assert [answer.WhichOneof("picture") for answer in answers[:3]] == ["withheld", "withheld", "masked"]
    assert (answers[2].masked.height_px, answers[2].masked.width_px) == (96, 128)
    assert answers[-1].verdict.state == CLEAR


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda unit: b"", id="nothing"),
        pytest.param(lambda unit: bytes(range(256)) * 4, id="garbage"),
        pytest.param(lambda unit: unit[: len(unit) // 3], id="a unit cut short"),
    ],
)
def test_a_unit_that_is_no_unit_hides_and_the_stream_lives(stub: Stub, codec: str, broken: Any) -> None:
    data = units(codec, [40] * 16, key_every=4)
    data[5] = broken(data[5])

    answers = results(stub, [config(codec), *sent(data)])

    assert len(answers) == 16
    assert states(answers)[5:8] == "---"
    assert states(answers)[-1] == "C"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("first", [True, False])
def test_a_message_with_two_pictures_is_hidden(stub: Stub, codec: str, first: bool) -> None:
    """The decoder gives one of them; whoever plays what he sent, since it was called clear, would see both."""
    lobby, washroom = units(codec, [40] * 8, key_every=1), units(codec, [240] * 8, key_every=1)
    both = [b + a if first else a + b for a, b in zip(lobby, washroom, strict=True)]

    answers = results(stub, [config(codec), *sent([*lobby, *both, *lobby])])

    assert states(answers)[7] == states(answers)[-1] == "C"
    assert reasons(answers)[8:16] == ["DECODE_ERROR"] * 8


def test_slices_of_another_picture_within_a_unit_are_hidden(stub: Stub) -> None:
    """They do not begin a picture, so that FFmpeg paints them over the one before; a player may show both."""
    data = sliced("H264", [40] * 16, key_every=4)
    data[9] = stream([*nal_units(data[9]), *slices("H264", data[10])[1:]])

    answers = results(stub, [config("H264"), *sent(data)])

    assert states(answers)[8] == states(answers)[-1] == "C"
    assert reasons(answers)[9:12] == ["DECODE_ERROR"] * 3


@pytest.mark.parametrize("codec", CODECS)
def test_another_resolution_in_the_middle_is_hidden_and_opens_again(stub: Stub, codec: str) -> None:
    data = units(codec, [40] * 4) + units(codec, [40] * 6, size=(144, 160))

    answers = results(stub, [config(codec, response_mode=MASKED), *sent(data)])

    assert reasons(answers)[4] == "FORMAT_CHANGE"
    assert (answers[4].masked.height_px, answers[4].masked.width_px) == (144, 160)
    assert states(answers)[-1] == "C"


def test_reordered_pictures_are_hidden(stub: Stub) -> None:
    data = units("H264", [40] * 12, key_every=12, preset="medium", bf="3")

    answers = results(stub, [config("H264"), *sent(data)])

    assert "C" not in states(answers)


def test_a_picture_beyond_the_limit_is_not_decoded(stub: Stub) -> None:
    (unit,) = units("H264", [40], size=(1100, 1920))

    (answer,) = results(stub, [config("H264"), *sent([unit])])

    assert reasons([answer]) == ["DECODE_ERROR"]
