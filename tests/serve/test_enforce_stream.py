"""`EnforceStream` over a real server: every mode and format, and everything that can be wrong with a stream."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from numpy.typing import NDArray

from privacy import jpeg
from privacy.evidence import Evidence
from privacy.serve.server import Server
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, mask_pb2, verdict_pb2
from tests.serve.conftest import MAX_STREAMS
from tests.serve.messages import (
    CAMERA,
    DARK,
    FORMATS,
    LEFT,
    LIGHT,
    SIZE,
    WHOLE,
    clear,
    config,
    frame,
    lively,
    payload,
    refusal,
    results,
)
from tests.toys import Bright

READ = jpeg.read
Stub = pb_grpc.EnforcementServiceStub
VERDICT, GEOMETRY, MASKED = pb.RESPONSE_MODE_VERDICT, pb.RESPONSE_MODE_MASK_GEOMETRY, pb.RESPONSE_MODE_MASKED_FRAME
CLEAR, PROHIBITED, UNCERTAIN = (
    verdict_pb2.VERDICT_STATE_CLEAR,
    verdict_pb2.VERDICT_STATE_PROHIBITED,
    verdict_pb2.VERDICT_STATE_UNCERTAIN,
)


def reason(result: pb.FrameResult) -> str:
    return verdict_pb2.VerdictReason.Name(result.verdict.reason).removeprefix("VERDICT_REASON_")


def pixels(picture: frame_pb2.Picture) -> NDArray[np.uint8]:
    """The luma, or the levels, of a picture that came back."""
    data = np.frombuffer(picture.data, np.uint8)
    if picture.pixel_format == frame_pb2.PIXEL_FORMAT_JPEG:
        decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        assert decoded is not None
        return np.asarray(decoded, np.uint8)
    height, width = picture.height_px, picture.width_px
    if picture.pixel_format in (frame_pb2.PIXEL_FORMAT_BGR, frame_pb2.PIXEL_FORMAT_RGB):
        return data.reshape(height, width, 3)[..., 0]
    return data[: height * width].reshape(height, width)


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("mode", [VERDICT, GEOMETRY, MASKED], ids=pb.ResponseMode.Name)
def test_each_mode_and_format_opens_for_a_lobby_and_hides_a_washroom(stub: Stub, pixel_format: str, mode: Any) -> None:
    frames = [*clear(pixel_format), *(frame(n, LIGHT, pixel_format) for n in range(4, 8))]

    answers = results(stub, [config(pixel_format, response_mode=mode), *frames])

    assert [answer.sequence_number for answer in answers] == list(range(8))
    assert [answer.verdict.state for answer in answers][3:5] == [CLEAR, UNCERTAIN]
    assert answers[-1].verdict.state == PROHIBITED
    assert answers[-1].verdict.zone == verdict_pb2.ZONE_WASHROOM
    assert answers[-1].HasField("mask_plan") is (mode != VERDICT)
    assert answers[-1].WhichOneof("picture") == ("masked" if mode == MASKED else None)
    assert answers[3].WhichOneof("picture") == ("unchanged" if mode == MASKED else None)


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_a_hidden_picture_comes_back_black_in_the_same_codec_and_size(stub: Stub, pixel_format: str) -> None:
    (answer,) = results(stub, [config(pixel_format, response_mode=MASKED), frame(0, LIGHT, pixel_format)])

    assert (answer.masked.height_px, answer.masked.width_px) == SIZE
    assert frame_pb2.PixelFormat.Name(answer.masked.pixel_format) == f"PIXEL_FORMAT_{pixel_format}"
    assert pixels(answer.masked).shape == SIZE
    assert pixels(answer.masked).max() <= 1
    if pixel_format != "JPEG":
        assert len(answer.masked.data) == len(payload(pixel_format, LIGHT))


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_a_static_zone_is_hidden_in_a_clear_picture_and_nothing_else(stub: Stub, pixel_format: str) -> None:
    setup = config(pixel_format, response_mode=MASKED, static_zones=[LEFT])

    answer = results(stub, [setup, *clear(pixel_format)])[-1]

    shown = pixels(answer.masked)
    assert answer.verdict.state == CLEAR
    assert shown[:, :24].max() <= 8  # a JPEG rings near an edge
    assert np.abs(shown[:, 40:].astype(int) - DARK).max() <= 8


THUMBNAIL = payload("JPEG", LIGHT)
NOTE = b"\xff\xe1" + (len(THUMBNAIL) + 8).to_bytes(2, "big") + b"Exif\0\0" + THUMBNAIL


@pytest.mark.parametrize("asked", [False, True], ids=["unchanged", "return_unchanged"])
def test_a_clear_jpeg_leaves_without_the_thumbnail_beside_it(stub: Stub, asked: bool) -> None:
    plain = payload("JPEG", DARK)
    camera = plain[:2] + NOTE + plain[2:] + b"and more"
    setup = config("JPEG", response_mode=MASKED, return_unchanged=asked)

    *_, answer, again = results(stub, [setup, *(frame(n, data=camera) for n in range(4)), frame(4, data=plain)])

    assert answer.verdict.state == CLEAR
    assert answer.masked.data == plain
    assert again.WhichOneof("picture") == ("masked" if asked else "unchanged")


@pytest.mark.parametrize("mode", [VERDICT, GEOMETRY, MASKED], ids=pb.ResponseMode.Name)
def test_two_pictures_in_one_message_are_hidden(stub: Stub, mode: Any) -> None:
    """The first is judged. Whoever is told that it is clear may show the second."""
    both = payload("JPEG", DARK) + payload("JPEG", LIGHT)

    answer = results(stub, [config("JPEG", response_mode=mode), *clear("JPEG"), frame(4, data=both)])[-1]

    assert (answer.verdict.state, reason(answer)) == (UNCERTAIN, "DECODE_ERROR")


def test_a_jpeg_that_is_shown_in_part_is_read_once(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bool] = []

    def reading(*arguments: Any, **options: Any) -> Any:
        read.append(options.get("at_least") is None)
        return READ(*arguments, **options)

    monkeypatch.setattr(jpeg, "read", reading)
    setup = config("JPEG", response_mode=MASKED, static_zones=[LEFT])
    frames = [frame(n, DARK, "JPEG", size=(256, 256)) for n in range(8)]

    answers = results(stub, [setup, *frames])

    opens = [answer.verdict.state for answer in answers].index(CLEAR)
    assert read == [False] * (opens + 1) + [True] * (8 - opens)  # the first that is shown is read again, whole
    assert abs(float(pixels(answers[-1].masked)[:, 160:].mean()) - DARK) <= 2


def test_a_clear_jpeg_can_be_asked_back_and_is_not_encoded_again(stub: Stub) -> None:
    answer = results(stub, [config("JPEG", response_mode=MASKED, return_unchanged=True), *clear("JPEG")])[-1]

    assert answer.masked.data == payload("JPEG", DARK)
    assert answer.timing.encode.nanos < 1_000_000


def test_a_weaker_effect_than_solid_is_painted_if_the_policy_allows_it(stub: Stub) -> None:
    effect = mask_pb2.Effect(kind=mask_pb2.EFFECT_KIND_PIXELATE, strength=1.0)

    (answer,) = results(stub, [config("JPEG", response_mode=MASKED, effect=effect), frame(0, LIGHT, "JPEG")])

    assert answer.mask_plan.effect == effect
    assert pixels(answer.masked).shape == SIZE


def test_an_answer_says_what_was_negotiated(stub: Stub) -> None:
    (response,) = stub.EnforceStream(iter([config("I420", declared_purpose="lobby")]), timeout=20)
    accepted = response.accepted

    assert accepted.format.pixel_format == frame_pb2.PIXEL_FORMAT_I420
    assert (accepted.response_mode, accepted.delivery) == (GEOMETRY, pb.DELIVERY_EVERY_FRAME)
    assert (accepted.model.name, accepted.policy.name) == ("bright.test", "guangdong")
    assert accepted.max_in_flight >= 1
    assert len(accepted.session_id) == 32


def test_a_prohibited_verdict_quotes_the_law(stub: Stub) -> None:
    answer = results(stub, [config(), *(frame(n, LIGHT) for n in range(6))])[-1]
    (clause,) = answer.verdict.legal_basis.clauses

    assert clause.citation == "Guangdong Decree 132 Art. 7"
    assert "卫生间" in clause.text_zh
    assert answer.mask_plan.regions == [WHOLE]


def test_the_stages_take_time_and_the_time_is_told(stub: Stub) -> None:
    timing = results(stub, [config("JPEG", response_mode=MASKED), frame(0, LIGHT, "JPEG")])[0].timing

    assert timing.decode.nanos > 0
    assert timing.infer.nanos > 0


def test_frames_that_inherited_clear_before_a_prohibited_look_are_exposure(stub: Stub) -> None:
    def at(sequence: int, milliseconds: int, level: int) -> pb.EnforceStreamRequest:
        message = frame(sequence, level)
        message.frame.capture_offset.FromMilliseconds(milliseconds)
        return message

    opened = [*lively(5), at(5, 4300, DARK), at(6, 4600, DARK)]
    answers = results(stub, [config(), *opened, *(at(n, n * 1000, LIGHT) for n in range(7, 12))])

    assert answers[6].exposure.frames == 0
    assert answers[-1].verdict.state == PROHIBITED
    assert answers[-1].exposure.frames == 2
    assert answers[-1].exposure.duration.ToMilliseconds() == 2700  # from 4.3 s to the first hidden frame at 7 s


# What cannot be decoded is hidden and says so; the stream lives.


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not a picture", id="garbage"),
        pytest.param(payload("JPEG", DARK)[:-40], id="a picture cut short"),
        pytest.param(b"\xff\xd8\xff\xd9", id="a picture without content"),
    ],
)
def test_a_jpeg_that_cannot_be_decoded_is_answered_hidden(stub: Stub, data: bytes) -> None:
    broken = frame(4, pixel_format="JPEG", data=data)
    after = [frame(n, DARK, "JPEG") for n in range(5, 9)]

    answers = results(stub, [config("JPEG", response_mode=MASKED), *clear("JPEG"), broken, *after])

    assert answers[3].verdict.state == CLEAR
    assert (answers[4].verdict.state, reason(answers[4])) == (UNCERTAIN, "DECODE_ERROR")
    assert (answers[4].masked.height_px, answers[4].masked.width_px) == SIZE
    assert pixels(answers[4].masked).max() <= 1
    assert answers[8].verdict.state == CLEAR


def test_a_first_jpeg_that_cannot_be_decoded_is_withheld(stub: Stub) -> None:
    (answer,) = results(stub, [config("JPEG", response_mode=MASKED), frame(0, pixel_format="JPEG", data=b"x")])

    assert (answer.WhichOneof("picture"), reason(answer)) == ("withheld", "DECODE_ERROR")


def with_header(height: int, width: int) -> bytes:
    """A small JPEG whose header claims another size."""
    data = bytearray(payload("JPEG", DARK))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = height.to_bytes(2) + width.to_bytes(2)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_header(30_000, 30_000), id="30,000 x 30,000 pixels"),
        pytest.param(with_header(65_500, 65_500), id="65,500 x 65,500 pixels"),
        pytest.param(payload("JPEG", DARK)[:-2] + b"\xff\xda" * 5_000, id="5,000 scans"),
    ],
)
def test_a_jpeg_bomb_is_refused_by_its_header(stub: Stub, data: bytes) -> None:
    bomb = frame(4, pixel_format="JPEG", data=data)

    answer = results(stub, [config("JPEG", response_mode=MASKED), *clear("JPEG"), bomb])[-1]

    assert (answer.verdict.state, reason(answer)) == (UNCERTAIN, "DECODE_ERROR")
    assert answer.timing.decode.ToMilliseconds() < 100


# Things that change or fail in the middle.


@pytest.mark.parametrize("pixel_format", ["JPEG", "GRAY"])
def test_another_size_in_the_middle_is_hidden(stub: Stub, pixel_format: str) -> None:
    # Both sizes of the JPEG are decoded to the same small picture: what counts is the size it came in.
    sizes = ((256, 256), (128, 128))
    frames = [frame(n, DARK, pixel_format, size=sizes[0]) for n in range(4)]

    answers = results(stub, [config(pixel_format), *frames, frame(4, DARK, pixel_format, size=sizes[1])])

    assert answers[3].verdict.state == CLEAR
    assert (answers[4].verdict.state, reason(answers[4])) == (UNCERTAIN, "FORMAT_CHANGE")


@pytest.mark.parametrize("seconds", [1, 1000], ids=["back", "ahead"])
def test_capture_time_that_jumps_is_hidden(stub: Stub, seconds: int) -> None:
    jump = frame(4)
    jump.frame.capture_offset.CopyFrom(Duration(seconds=seconds))

    answer = results(stub, [config(), *clear(), jump])[-1]

    assert answer.verdict.state == UNCERTAIN
    assert reason(answer) == "CLOCK_JUMP"


class Moody(Bright):
    """Fails on each look after the four of the warm-up and three more, for a while."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        self.looks += 1
        if 7 < self.looks <= 9:
            raise RuntimeError("out of memory")
        return super().look(images, offsets)


def test_a_model_that_fails_hides_and_the_stream_lives(serve: Callable[..., Server]) -> None:
    with grpc.insecure_channel(serve(Moody()).address) as channel:
        answers = results(Stub(channel), [config(), *lively(10)])

    assert [reason(answer) for answer in answers[3:5]] == ["MODEL_ERROR", "MODEL_ERROR"]
    assert [answer.verdict.state for answer in answers[2:5]] == [CLEAR, UNCERTAIN, UNCERTAIN]
    assert answers[-1].verdict.state == CLEAR


class Gated(Bright):
    """Looks only when it is let; before a test holds it, it is free."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.gate.set()

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        self.entered.set()
        assert self.gate.wait(10)
        return super().look(images, offsets)


def test_latest_passes_frames_over_and_answers_each_hidden(serve: Callable[..., Server]) -> None:
    model = Gated()
    with grpc.insecure_channel(serve(model).address) as channel:
        model.gate.clear()
        model.entered.clear()
        sent = threading.Event()

        def messages() -> Iterator[pb.EnforceStreamRequest]:
            yield config(delivery=pb.DELIVERY_LATEST, response_mode=MASKED)
            yield frame(0)
            assert model.entered.wait(10)
            for n in range(1, 8):
                yield frame(n)
            sent.set()

        answers = Stub(channel).EnforceStream(messages(), timeout=20)
        assert sent.wait(10)
        threading.Timer(0.3, model.gate.set).start()  # what was sent has arrived by then
        got = [answer.result for answer in answers if answer.WhichOneof("message") == "result"]

    assert [answer.sequence_number for answer in got] == list(range(8))
    passed = [answer for answer in got if reason(answer) == "OVERLOAD"]
    assert passed
    assert all(a.verdict.state == UNCERTAIN and a.verdict.inherited for a in passed)
    assert all(a.WhichOneof("picture") == "withheld" for a in passed)
    assert reason(got[0]) != "OVERLOAD"
    assert reason(got[7]) != "OVERLOAD"


# Typed errors.


def second(message: pb.EnforceStreamRequest) -> list[pb.EnforceStreamRequest]:
    return [config(), message]


def without_offset() -> pb.EnforceStreamRequest:
    message = frame(0)
    message.frame.ClearField("capture_offset")
    return message


def slot() -> pb.EnforceStreamRequest:
    message = frame(0)
    message.frame.shared_memory.slot = 1
    return message


def effect(kind: Any, strength: float) -> mask_pb2.Effect:
    return mask_pb2.Effect(kind=kind, strength=strength)


OUTSIDE = mask_pb2.Polygon(points=[mask_pb2.Point(x=x, y=0) for x in (0, 1, 2)])


@pytest.mark.parametrize(
    ("messages", "code", "why"),
    [
        pytest.param([], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="no message at all"),
        pytest.param([frame(0)], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="a frame before the config"),
        pytest.param(second(config()), "INVALID_ARGUMENT", "INVALID_MESSAGE", id="a second config"),
        pytest.param(second(pb.EnforceStreamRequest()), "INVALID_ARGUMENT", "INVALID_MESSAGE", id="an empty message"),
        pytest.param([config(camera="lobby")], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="no resource name"),
        pytest.param([config("UNSPECIFIED")], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="no format"),
        pytest.param([config(response_mode=99)], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="an unknown mode"),
        pytest.param([config(delivery=99)], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="an unknown delivery"),
        pytest.param([config(jpeg_quality=0)], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="a quality of 0"),
        pytest.param([config(masked_format=1)], "UNIMPLEMENTED", "UNSUPPORTED", id="raw frames answered in JPEG"),
        pytest.param([config(shared_memory=True)], "UNIMPLEMENTED", "UNSUPPORTED", id="shared memory"),
        pytest.param(second(slot()), "UNIMPLEMENTED", "UNSUPPORTED", id="a slot of shared memory"),
        pytest.param([config(look_behind=Duration(seconds=3))], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="far behind"),
        pytest.param(
            [config(latency_budget=Duration(seconds=61))], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="a minute"
        ),
        pytest.param([config(model="other")], "NOT_FOUND", "MODEL_NOT_FOUND", id="another model"),
        pytest.param([config(policy="atlantis")], "INVALID_ARGUMENT", "INVALID_POLICY", id="an unknown policy"),
        pytest.param([config(policy="/etc/x.toml")], "INVALID_ARGUMENT", "INVALID_POLICY", id="a path as policy"),
        pytest.param([config(declared_purpose="loby")], "INVALID_ARGUMENT", "INVALID_POLICY", id="a misspelt purpose"),
        pytest.param([config(effect=effect(2, 0.01))], "INVALID_ARGUMENT", "EFFECT_TOO_WEAK", id="a weak effect"),
        pytest.param([config(effect=effect(2, 7))], "INVALID_ARGUMENT", "EFFECT_TOO_WEAK", id="a strength of 7"),
        pytest.param([config(effect=effect(0, 1))], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="an effect of no kind"),
        pytest.param([config(static_zones=[OUTSIDE])], "INVALID_ARGUMENT", "INVALID_REGION", id="a corner outside"),
        pytest.param([config(static_zones=[LEFT] * 257)], "INVALID_ARGUMENT", "INVALID_REGION", id="257 polygons"),
        pytest.param(second(without_offset()), "INVALID_ARGUMENT", "INVALID_MESSAGE", id="no capture time"),
        pytest.param(second(frame(-1)), "INVALID_ARGUMENT", "INVALID_MESSAGE", id="a negative number"),
        pytest.param([config(), frame(1), frame(1)], "INVALID_ARGUMENT", "INVALID_MESSAGE", id="the same frame twice"),
        pytest.param(second(frame(0, data=b"abc")), "INVALID_ARGUMENT", "INVALID_FRAME", id="too few bytes"),
        pytest.param(
            second(frame(0, size=(48, 63), data=bytes(48 * 64))),
            "INVALID_ARGUMENT",
            "INVALID_FRAME",
            id="too many bytes",
        ),
        pytest.param(second(frame(0, data=b"", size=(0, 0))), "INVALID_ARGUMENT", "INVALID_FRAME", id="no pixels"),
        pytest.param(
            second(frame(0, data=b"", size=(16384, 16384))), "INVALID_ARGUMENT", "INVALID_FRAME", id="too many pixels"
        ),
    ],
)
def test_what_is_wrong_is_a_typed_error(stub: Stub, messages: list[Any], code: str, why: str) -> None:
    assert refusal(lambda: list(stub.EnforceStream(iter(messages), timeout=20)))[:2] == (code, why)


def test_results_before_an_error_are_delivered(stub: Stub) -> None:
    call = iter(stub.EnforceStream(iter([config(), frame(0), frame(0)]), timeout=20))

    assert [next(call).WhichOneof("message") for _ in range(2)] == ["accepted", "result"]
    assert refusal(lambda: next(call))[0] == "INVALID_ARGUMENT"


def test_a_long_name_does_not_turn_the_error_into_another(stub: Stub) -> None:
    endless = config(camera="x" * 100_000)

    assert refusal(lambda: list(stub.EnforceStream(iter([endless]), timeout=20)))[1] == "INVALID_MESSAGE"


def test_a_message_beyond_the_limit_is_refused_and_the_server_lives(stub: Stub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.EnforceStream(iter([config("JPEG"), frame(0, data=bytes(9 * 1024 * 1024))]), timeout=20))

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert results(stub, [config(), frame(0)])


def test_one_stream_too_many_is_told_when_to_come_back(stub: Stub) -> None:
    ends = [threading.Event() for _ in range(MAX_STREAMS)]

    def until(end: threading.Event) -> Iterator[pb.EnforceStreamRequest]:
        yield config()
        end.wait(20)

    calls = [iter(stub.EnforceStream(until(end), timeout=20)) for end in ends]
    for call in calls:
        assert next(call).WhichOneof("message") == "accepted"

    code, why, (retry,) = refusal(lambda: list(stub.EnforceStream(iter([config()]), timeout=20)))
    info = error_details_pb2.RetryInfo()
    assert (code, why) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert retry.Unpack(info)
    assert info.retry_delay.seconds > 0

    ends[0].set()
    list(calls[0])
    assert results(stub, [config(), frame(0)])  # its place is free again
    for end in ends:
        end.set()


def test_streams_do_not_disturb_each_other(stub: Stub) -> None:
    calm = stub.EnforceStream(itertools.chain([config(camera=CAMERA)], clear()), timeout=20)
    refusal(lambda: list(stub.EnforceStream(iter(second(frame(0, data=b"abc"))), timeout=20)))

    assert [answer.result.verdict.state for answer in calm][-1] == CLEAR
