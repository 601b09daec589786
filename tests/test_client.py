"""The client against servers that behave, misbehave and die: no frame leaves clear without a CLEAR verdict."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest

from privacy import jpeg
from privacy.client import (
    Codec,
    Delivery,
    Enforced,
    EnforcementClient,
    Jpeg,
    Mode,
    RefusedError,
    Shown,
    StreamOptions,
    Unit,
)
from privacy.errors import OverloadError, SourceLostError
from privacy.evidence import Reason
from privacy.frame import Frame, Layout
from privacy.plan import Polygon
from privacy.policy import Effect, EffectKind
from privacy.serve.server import Server
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, mask_pb2, verdict_pb2
from privacy.verdict import State
from privacy.zones import Zone
from tests.serve.conftest import serve, server  # noqa: F401 - fixtures
from tests.serve.units import units
from tests.toys import grey_frame

DARK, LIGHT = 20, 250
OPTIONS = StreamOptions(camera="sites/hq/cameras/lobby", answer_timeout_s=2)
LEFT = Polygon(((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
Start = Callable[..., Server]


@pytest.fixture
def client(server: Server) -> Iterator[EnforcementClient]:  # noqa: F811 - the fixture
    with EnforcementClient(server.address) as client:
        yield client


def grey(frame: Frame) -> Frame:
    return frame


def as_jpeg(frame: Frame) -> Jpeg:
    return Jpeg(jpeg.write(frame), frame.offset)


def as_i420(frame: Frame) -> Frame:
    height, width = frame.size
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    return Frame((frame.planes[0], chroma, chroma), Layout.I420, frame.offset, frame.sequence, full_range=True)


def luma(picture: Shown) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return (picture if isinstance(picture, Frame) else jpeg.read(picture.data, 0.0)).planes[0]


def dark(count: int = 6) -> list[Frame]:
    return [grey_frame(DARK, float(n), n) for n in range(count)]


def hidden(answer: Enforced) -> bool:
    return int(luma(answer.picture).max()) <= 1


@pytest.mark.parametrize("mode", Mode)
def test_a_clear_jpeg_comes_out_without_what_lies_beside_its_picture(client: EnforcementClient, mode: Mode) -> None:
    plain = [as_jpeg(frame) for frame in dark()]
    given = [Jpeg(one.data[:2] + b"\xff\xfe\0\6note" + one.data[2:] + b"more", one.offset) for one in plain]

    answers = list(client.enforce(given, StreamOptions(camera=OPTIONS.camera, mode=mode)))

    assert answers[-1].verdict.state is State.CLEAR
    assert answers[-1].picture == plain[-1]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("make", [grey, as_i420, as_jpeg])
def test_what_may_be_shown_is_of_the_kind_that_was_given(
    client: EnforcementClient, make: Callable[[Frame], Shown], mode: Mode
) -> None:
    frames = [*dark(), *(grey_frame(LIGHT, float(n), n) for n in range(6, 12))]
    given = [make(frame) for frame in frames]

    answers = list(client.enforce(given, StreamOptions(camera=OPTIONS.camera, mode=mode)))

    assert [answer.verdict.offset for answer in answers] == [frame.offset for frame in frames]
    assert [type(answer.picture) for answer in answers] == [type(picture) for picture in given]
    assert [hidden(answer) for answer in answers] == [answer.verdict.state is not State.CLEAR for answer in answers]
    assert answers[5].picture is given[5]
    assert answers[-1].verdict.state is State.PROHIBITED
    assert answers[-1].verdict.zone is Zone.WASHROOM
    assert answers[-1].verdict.clauses[0].citation == "Guangdong Decree 132 Art. 7"


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("make", [grey, as_i420, as_jpeg])
def test_static_zones_are_hidden_in_every_mode(
    client: EnforcementClient, make: Callable[[Frame], Shown], mode: Mode
) -> None:
    options = StreamOptions(camera=OPTIONS.camera, mode=mode, static=(LEFT,))

    shown = luma(list(client.enforce(map(make, dark()), options))[-1].picture)

    assert shown[:, :24].max() <= 8
    assert abs(int(shown[:, 48:].mean()) - DARK) <= 3


def test_a_mask_that_fails_hides_the_frame_and_ends_nothing(
    client: EnforcementClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Frame:
        raise RuntimeError("no such pixels")

    monkeypatch.setattr("privacy.client.wire.mask", broken)
    options = replace(OPTIONS, static=(LEFT,))
    shown = list(client.enforce((grey_frame(DARK, offset=float(n), sequence=n) for n in range(6)), options))

    assert [one.verdict.state for one in shown].count(State.CLEAR) > 0
    assert all(isinstance(one.picture, Frame) and one.picture.planes[0].max() < DARK for one in shown)


def test_one_frame_in_flight_comes_out_before_the_next_is_taken(client: EnforcementClient) -> None:
    taken: list[float] = []

    def live() -> Iterator[Frame]:
        for frame in dark():
            taken.append(frame.offset)
            yield frame

    for answer in client.enforce(live(), StreamOptions(camera=OPTIONS.camera, in_flight=1)):
        assert taken[-1] == answer.verdict.offset


def test_frames_of_another_layout_get_a_stream_of_their_own(client: EnforcementClient) -> None:
    answers = list(client.enforce([*dark(), *map(as_i420, dark())], OPTIONS))

    assert [answer.verdict.reason for answer in answers][6] is Reason.STARTUP
    assert not any(answer.verdict.reason is Reason.CONNECTION_LOST for answer in answers)


def test_latest_answers_every_frame(client: EnforcementClient) -> None:
    answers = list(client.enforce(dark(40), StreamOptions(camera=OPTIONS.camera, delivery=Delivery.LATEST)))

    assert [answer.verdict.offset for answer in answers] == [float(n) for n in range(40)]


def test_a_still(client: EnforcementClient) -> None:
    answer = client.classify(grey_frame(LIGHT))

    assert answer.verdict.state is State.PROHIBITED
    assert answer.zones[Zone.WASHROOM] == pytest.approx(LIGHT / 255, abs=0.01)
    with pytest.raises(RefusedError):
        client.classify(Jpeg(b"garbage", 0.0))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(StreamOptions(camera="lobby"), id="a bad name"),
        pytest.param(StreamOptions(camera=OPTIONS.camera, policy="atlantis"), id="an unknown policy"),
        pytest.param(StreamOptions(camera=OPTIONS.camera, effect=Effect(EffectKind.BLUR, 0.01)), id="a weak effect"),
    ],
)
def test_a_stream_that_will_never_be_accepted_is_refused_at_once(
    client: EnforcementClient, options: StreamOptions
) -> None:
    with pytest.raises(RefusedError):
        next(client.enforce(dark(), options))


def test_a_source_that_breaks_off_is_raised_after_all_it_gave(client: EnforcementClient) -> None:
    def breaking() -> Iterator[Frame]:
        yield from dark(5)
        raise SourceLostError("gone")

    answers = client.enforce(breaking(), OPTIONS)

    assert [next(answers).verdict.offset for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(SourceLostError):
        next(answers)


# Servers that go away.


def test_without_a_server_every_frame_is_hidden() -> None:
    with EnforcementClient("127.0.0.1:1") as client:
        answers = list(client.enforce(dark(), OPTIONS))
        with pytest.raises(OverloadError):
            client.wait_ready(0.2)

    assert all(hidden(answer) and answer.verdict.reason is Reason.CONNECTION_LOST for answer in answers)
    assert len(answers) == 6


@pytest.mark.parametrize("make", [grey, as_i420, as_jpeg])
def test_a_server_killed_in_the_middle_hides_the_rest(serve: Start, make: Callable[[Frame], Shown]) -> None:  # noqa: F811
    running = serve()
    options = StreamOptions(camera=OPTIONS.camera, in_flight=1, answer_timeout_s=2)
    answers = []
    with EnforcementClient(running.address) as client:
        for number, answer in enumerate(client.enforce(map(make, dark(12)), options)):
            answers.append(answer)
            if number == 5:
                running.stop(0)

    assert [answer.verdict.state for answer in answers[3:6]] == [State.CLEAR] * 3
    assert all(hidden(answer) and answer.verdict.reason is Reason.CONNECTION_LOST for answer in answers[6:])
    assert len(answers) == 12


def test_a_server_that_comes_back_is_found(serve: Start) -> None:  # noqa: F811
    first = serve()
    options = StreamOptions(camera=OPTIONS.camera, in_flight=1, answer_timeout_s=2)

    def live() -> Iterator[Frame]:
        for n in range(200):
            if n > 8:
                time.sleep(0.02)
            yield grey_frame(DARK, float(n), n)

    states = []
    with EnforcementClient(first.address) as client:
        for number, answer in enumerate(client.enforce(live(), options)):
            states.append((answer.verdict.state, answer.verdict.reason))
            if number == 5:
                first.stop(0)
                serve(address=first.address)
            if number > 8 and answer.verdict.state is State.CLEAR:
                break

    lost = states.index((State.UNCERTAIN, Reason.CONNECTION_LOST))
    assert (State.UNCERTAIN, Reason.STARTUP) in states[lost:]
    assert states[-1][0] is State.CLEAR


def test_a_server_that_drains_is_left_at_once_and_owes_nothing(serve: Start) -> None:  # noqa: F811
    running = serve()
    stopped = threading.Thread(target=running.stop, args=(20,))
    options = StreamOptions(camera=OPTIONS.camera, in_flight=1, answer_timeout_s=2)
    reasons = []
    started = time.monotonic()
    with EnforcementClient(running.address) as client:
        for number, answer in enumerate(client.enforce(dark(20), options)):
            reasons.append(answer.verdict.reason)
            if number == 5:
                stopped.start()
                time.sleep(0.2)
    stopped.join(10)

    assert Reason.CONNECTION_LOST not in reasons[:7]  # the frame that brought the news was answered
    assert set(reasons[7:]) == {Reason.CONNECTION_LOST}
    assert time.monotonic() - started < 10


# A server that says what it likes.


class Liar(pb_grpc.EnforcementServiceServicer):
    """Accepts every stream, and answers each frame with what the test gives it."""

    def __init__(self, answers: Callable[[frame_pb2.Frame], Sequence[pb.EnforceStreamResponse]]) -> None:
        self._answers = answers

    def EnforceStream(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterator[pb.EnforceStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.EnforceStreamResponse]:
        next(request_iterator)
        yield pb.EnforceStreamResponse(accepted=pb.StreamAccepted(max_in_flight=1))
        for request in request_iterator:
            yield from self._answers(request.frame)


Lie = Callable[[Callable[[frame_pb2.Frame], Sequence[pb.EnforceStreamResponse]], Mode], Enforced]


@pytest.fixture
def lie() -> Iterator[Lie]:
    servers = []

    def tell(answers: Callable[[frame_pb2.Frame], Sequence[pb.EnforceStreamResponse]], mode: Mode) -> Enforced:
        pool = futures.ThreadPoolExecutor(2)
        server = grpc.server(pool)  # noqa: F811 - another one
        servers.append(server)
        liar = Liar(answers)  # type: ignore[abstract]  # it serves streams only
        pb_grpc.add_EnforcementServiceServicer_to_server(liar, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        options = StreamOptions(camera=OPTIONS.camera, mode=mode, answer_timeout_s=0.3)
        with EnforcementClient(f"127.0.0.1:{port}") as client:
            (answer,) = client.enforce([grey_frame(LIGHT)], options)
        return answer

    yield tell
    for each in servers:
        each.stop(None)


def result(**fields: Any) -> pb.EnforceStreamResponse:
    return pb.EnforceStreamResponse(result=pb.FrameResult(**fields))


def ruled(state: int) -> verdict_pb2.Verdict:
    return verdict_pb2.Verdict(state=state)  # type: ignore[arg-type]


CLEAR = ruled(verdict_pb2.VERDICT_STATE_CLEAR)
NOTHING = mask_pb2.MaskPlan()
SHORT = frame_pb2.Picture(data=b"abc", width_px=64, height_px=48)
BAD = mask_pb2.MaskPlan(regions=[mask_pb2.Polygon(points=[mask_pb2.Point(x=7)])])


@pytest.mark.parametrize(
    ("mode", "answers"),
    [
        pytest.param(Mode.VERDICT, [result()], id="no verdict"),
        pytest.param(Mode.VERDICT, [result(verdict=ruled(0))], id="an unspecified state"),
        pytest.param(Mode.VERDICT, [result(verdict=ruled(99))], id="a state of a later version"),
        pytest.param(Mode.MASK_GEOMETRY, [result(verdict=ruled(99), mask_plan=NOTHING)], id="that, and no regions"),
        pytest.param(Mode.MASK_GEOMETRY, [result(verdict=ruled(1), mask_plan=NOTHING)], id="prohibited, no regions"),
        pytest.param(Mode.MASK_GEOMETRY, [result(verdict=CLEAR)], id="clear, but no plan"),
        pytest.param(Mode.MASK_GEOMETRY, [result(verdict=CLEAR, mask_plan=BAD)], id="clear, with a broken polygon"),
        pytest.param(Mode.MASKED_FRAME, [result(verdict=CLEAR, mask_plan=NOTHING)], id="clear, but no picture"),
        pytest.param(Mode.MASKED_FRAME, [result(verdict=ruled(3), unchanged=True)], id="uncertain, but unchanged"),
        pytest.param(Mode.MASKED_FRAME, [result(verdict=CLEAR, unchanged=True)], id="unchanged, but no plan"),
        pytest.param(Mode.MASKED_FRAME, [result(verdict=CLEAR, mask_plan=NOTHING, masked=SHORT)], id="a short picture"),
        pytest.param(Mode.VERDICT, [result(verdict=CLEAR, sequence_number=7)], id="an answer to another frame"),
        pytest.param(Mode.VERDICT, [pb.EnforceStreamResponse()], id="news of a later version, and no answer"),
        pytest.param(Mode.VERDICT, [], id="silence"),
    ],
)
def test_an_answer_that_does_not_say_clear_hides(
    lie: Lie, mode: Mode, answers: Sequence[pb.EnforceStreamResponse]
) -> None:
    assert hidden(lie(lambda _: answers, mode))


def test_news_of_a_later_version_before_an_answer_is_passed_over(lie: Lie) -> None:
    answer = lie(lambda _: [pb.EnforceStreamResponse(), result(verdict=CLEAR)], Mode.VERDICT)

    assert not hidden(answer)


def test_a_part_of_a_prohibited_view_may_be_hidden(lie: Lie) -> None:
    points = [mask_pb2.Point(x=x, y=y) for x, y in LEFT.points]
    plan = mask_pb2.MaskPlan(regions=[mask_pb2.Polygon(points=points)])

    shown = luma(lie(lambda _: [result(verdict=ruled(1), mask_plan=plan)], Mode.MASK_GEOMETRY).picture)

    assert shown[:, :32].max() == 0
    assert shown[:, 32:].min() == LIGHT


def test_a_refusal_for_now_says_when_to_come_back(serve: Start) -> None:  # noqa: F811 - the fixture
    running = serve()
    held = threading.Event()

    def until() -> Iterator[Frame]:
        yield grey_frame(DARK)
        held.wait(20)

    with EnforcementClient(running.address) as client:
        others = [client.enforce(until(), StreamOptions(camera=OPTIONS.camera, in_flight=1)) for _ in range(4)]
        for other in others:
            next(other)
        started = time.monotonic()
        answers = client.enforce((grey_frame(DARK, n / 20, n) for n in range(10_000)), OPTIONS)
        first = next(answers)
        held.set()
        for other in others:
            list(other)
        for answer in answers:
            if answer.verdict.reason is not Reason.CONNECTION_LOST:
                break
            time.sleep(0.02)

    assert first.verdict.reason is Reason.CONNECTION_LOST
    assert time.monotonic() - started > 0.8 * 2  # as `RetryInfo` asks, less the spread


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("codec", Codec)
def test_units_of_video_come_out_as_they_are_or_as_masked_pictures(
    client: EnforcementClient, codec: Codec, mode: Mode
) -> None:
    data = units(codec.name, [40] * 6 + [230] * 4)
    given = [Unit(unit, float(n), codec) for n, unit in enumerate(data)]

    answers = list(client.enforce(given, StreamOptions(camera=OPTIONS.camera, mode=mode)))

    for answer, unit in zip(answers, given, strict=True):
        assert (answer.picture is unit) is (answer.verdict.state is State.CLEAR)
        assert isinstance(answer.picture, Unit) or luma(answer.picture).max() <= 1
    assert answers[5].picture is given[5]
    if mode is Mode.MASKED_FRAME:
        assert luma(answers[9].picture).shape[:2] == (96, 128)


def test_a_static_zone_cannot_be_painted_into_a_unit_and_hides_it(client: EnforcementClient) -> None:
    given = [Unit(unit, float(n)) for n, unit in enumerate(units("H264", [40] * 6))]

    answers = list(client.enforce(given, StreamOptions(camera=OPTIONS.camera, static=(LEFT,))))

    assert answers[-1].verdict.state is State.CLEAR
    assert hidden(answers[-1])


def test_a_unit_after_a_loss_is_hidden_until_a_key_frame(client: EnforcementClient) -> None:
    data = units("H264", [40] * 16, key_every=8)
    given = [Unit(unit, float(n), after_loss=n == 6) for n, unit in enumerate(data) if n != 5]

    answers = list(client.enforce(given, OPTIONS))

    why = {answer.verdict.offset: answer.verdict.reason for answer in answers}
    assert [why[at] for at in (6.0, 7.0)] == [Reason.DECODE_ERROR] * 2
    assert answers[-1].verdict.state is State.CLEAR
