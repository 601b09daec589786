"""Streams hide the people, faces and screens that their policy hides, in every way that a stream can answer."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray

from privacy import policy
from privacy.models import catalogue
from privacy.models.detector import Detection
from privacy.policy import Subject
from privacy.serve.server import Server, Settings
from privacy.serve.servicer import Engine
from privacy.serve.translate import Limits
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from tests.serve.messages import DARK, FORMATS, LIGHT, WHOLE, clear, config, frame, payload, refusal, results
from tests.toys import Bright, Finds, detection

RULES = catalogue.load_policy()
HIDING = replace(RULES, subjects=replace(RULES.subjects, hidden=frozenset({Subject.PEOPLE}), margin=0.0, growth=0.0))
BOX = (0.25, 0.25, 0.5, 0.75)
CLEAR, UNCERTAIN = verdict_pb2.VERDICT_STATE_CLEAR, verdict_pb2.VERDICT_STATE_UNCERTAIN
Serving = Callable[..., pb_grpc.EnforcementServiceStub]
Ask = Callable[..., list[pb.FrameResult]]


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Serving:
    """Start a server whose policy hides people."""

    def start(finds: Finds, limits: Limits | None = None) -> pb_grpc.EnforcementServiceStub:
        limits = limits or Limits()
        engine = Engine(model=Bright(), digest="", policy=HIDING, subjects={Subject.PEOPLE: finds}, limits=limits)
        server = Server(engine, Settings(address="127.0.0.1:0"))
        request.addfinalizer(lambda: server.stop(0))
        server.start()
        channel = grpc.insecure_channel(server.address)
        request.addfinalizer(channel.close)
        return pb_grpc.EnforcementServiceStub(channel)

    return start


@pytest.fixture
def ask(serving: Serving) -> Ask:
    """Send a whole stream to such a server."""

    def stream(messages: Sequence[pb.EnforceStreamRequest], finds: Finds | None = None) -> list[pb.FrameResult]:
        return results(serving(finds or Finds(detection(BOX))), messages)

    return stream


def corners(result: pb.FrameResult) -> list[tuple[float, float, float, float]]:
    boxes = []
    for region in result.mask_plan.regions:
        xs, ys = [point.x for point in region.points], [point.y for point in region.points]
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    return boxes


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_a_clear_frame_says_where_people_are(ask: Ask, pixel_format: str) -> None:
    answer = ask([config(pixel_format), *clear(pixel_format)])[-1]

    assert answer.verdict.state == CLEAR
    assert corners(answer) == [BOX]


def test_people_are_black_in_the_picture_that_comes_back(ask: Ask) -> None:
    masked = pb.RESPONSE_MODE_MASKED_FRAME
    answer = ask([config("GRAY", response_mode=masked, return_unchanged=True), *clear("GRAY")])[-1]
    shown = np.frombuffer(answer.masked.data, np.uint8).reshape(answer.masked.height_px, answer.masked.width_px)
    want = np.full_like(shown, DARK)
    want[12:36, 16:32] = 0

    assert np.array_equal(want, shown)


def test_a_hidden_frame_is_hidden_whole_and_not_looked_at_for_people(ask: Ask) -> None:
    finds = Finds(detection(BOX))
    answers = ask([config("GRAY"), *(frame(number, LIGHT) for number in range(4))], finds)

    assert all(answer.mask_plan.regions == [WHOLE] for answer in answers)
    assert finds.looks == 0


class Broken(Finds):
    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        raise RuntimeError("gone")


def test_a_detector_that_fails_hides_the_frame(ask: Ask) -> None:
    answers = ask([config("GRAY"), *clear("GRAY", 6)], Broken())

    assert all(answer.mask_plan.regions == [WHOLE] for answer in answers)
    assert {answer.verdict.state for answer in answers} == {UNCERTAIN}


def test_verdicts_alone_are_refused(ask: Ask) -> None:
    """They cannot say where people are, and the client would show them."""
    code, reason, _ = refusal(lambda: ask([config("GRAY", response_mode=pb.RESPONSE_MODE_VERDICT), *clear("GRAY")]))

    assert (code, reason) == ("INVALID_ARGUMENT", "INVALID_POLICY")


class Later(Finds):
    """Finds somebody from its fourth look on."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        self.looks += 1
        return self.found if self.looks > 3 else ()


def test_with_look_behind_people_are_hidden_before_they_are_found(ask: Ask) -> None:
    apart = round(1000 * policy.load().subjects.detect_every_s)  # so that every frame is looked at

    def at(number: int) -> pb.EnforceStreamRequest:
        message = frame(number, DARK)
        message.frame.capture_offset.FromMilliseconds(apart * number)
        return message

    answers = ask(
        [config("GRAY", look_behind=Duration(seconds=1)), *(at(number) for number in range(60))], Later(detection(BOX))
    )
    opened = [answer for answer in answers if answer.verdict.state == CLEAR]
    hidden = [bool(corners(answer)) for answer in opened]

    assert [answer.sequence_number for answer in answers] == list(range(60))
    assert hidden.index(True) < 3
    assert all(hidden[hidden.index(True) :])


def test_a_client_that_waits_for_its_credits_is_answered_though_its_clock_stands_still(serving: Serving) -> None:
    """What waits for who is found later is bounded in frames as well as in seconds."""
    credits_ = threading.Semaphore(0)

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config("GRAY", look_behind=Duration(seconds=1))
        for number in range(300):
            assert credits_.acquire(timeout=10)
            message = frame(number, DARK)
            message.frame.capture_offset.CopyFrom(Duration())
            yield message

    answered = 0
    for response in serving(Finds()).EnforceStream(messages(), timeout=20):
        if response.WhichOneof("message") == "accepted":
            credits_.release(response.accepted.max_in_flight)
        else:
            answered += 1
            credits_.release()

    assert answered == 300


def test_frames_that_wait_for_who_is_found_later_take_no_more_memory_than_they_may(serving: Serving) -> None:
    """Their clock crawls, so that a hundred would; what finds no room is hidden whole."""
    credits_, hidden = threading.Semaphore(12), list[bool]()
    stub = serving(Finds(detection(BOX)), Limits(waiting_bytes=8 * len(payload("GRAY", DARK))))  # 3, and then 4 of them

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config("GRAY", look_behind=Duration(seconds=2))
        for number in range(120):
            assert credits_.acquire(timeout=10)
            message = frame(number)
            message.frame.capture_offset.FromMicroseconds(min(number, 20) * 1_000_000 + number)
            yield message

    for response in stub.EnforceStream(messages(), timeout=30):
        if response.WhichOneof("message") == "result":
            credits_.release()
            ruled, plan = response.result.verdict, response.result.mask_plan
            hidden.append(ruled.reason == verdict_pb2.VERDICT_REASON_OVERLOAD and plan.regions == [WHOLE])

    assert len(hidden) == 120
    assert all(hidden[20:-4])
    assert not any(hidden[-4:])
