"""Whatever fails on a stream, no frame leaves clear because of it, and each one is answered."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from privacy import jpeg, pipeline
from privacy.cadence import Cadence
from privacy.errors import FrameError
from privacy.evidence import Evidence
from privacy.frame import Frame
from privacy.models import catalogue
from privacy.serve import pictures, servicer
from privacy.serve import stream as streams
from privacy.serve.live import Live
from privacy.serve.observer import Answer, StreamFacts
from privacy.serve.scheduler import MAX_BATCH
from privacy.serve.server import Server
from privacy.serve.translate import Arrival, Limits
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from privacy.verdict import State, Verdict, Watch
from tests.serve.messages import DARK, LIGHT, clear, config, frame, payload, results
from tests.serve.units import units
from tests.toys import Bright, grey_frame

Stub = pb_grpc.EnforcementServiceStub
CLEAR = verdict_pb2.VERDICT_STATE_CLEAR
MASKED = pb.RESPONSE_MODE_MASKED_FRAME
POLICY = catalogue.load_policy()
WARM_UP = 3 + MAX_BATCH
"""Pictures that the model sees before any camera."""


def reasons(answers: list[pb.FrameResult]) -> list[str]:
    return [verdict_pb2.VerdictReason.Name(a.verdict.reason).removeprefix("VERDICT_REASON_") for a in answers]


def at(sequence: int, seconds: float, level: int = DARK) -> pb.EnforceStreamRequest:
    message = frame(sequence, level)
    message.frame.capture_offset.FromNanoseconds(round(seconds * 1e9))
    return message


def lively(frames: int) -> list[pb.EnforceStreamRequest]:
    """Dark frames in which something moves, so that each second has its look."""
    return [frame(sequence, DARK + 2 * (sequence % 2)) for sequence in range(frames)]


class Faulty(Bright):
    """Works until a test breaks it."""

    def __init__(self) -> None:
        self.fault: Callable[[Sequence[NDArray[np.uint8]], Sequence[float]], Any] | None = None

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        if self.fault is not None:
            return self.fault(images, offsets)  # type: ignore[no-any-return]
        return super().look(images, offsets)


def raises(*_: Any) -> Any:
    raise MemoryError("out of memory")


def not_a_number(images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> Any:
    zones = np.full(8, np.nan, np.float32)
    return [Evidence(offset, zones, "faulty.test") for offset in offsets]


hung = threading.Event()


def hangs(*_: Any) -> Any:
    hung.wait(30)
    raise RuntimeError("too late")


@pytest.fixture
def model() -> Iterator[Faulty]:
    hung.clear()
    yield Faulty()
    hung.set()


@pytest.fixture
def stub(serve: Callable[..., Server], model: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setattr(servicer, "LOOK_WITHIN_S", 0.2)
    with grpc.insecure_channel(serve(model).address) as channel:
        yield Stub(channel)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(raises, "MODEL_ERROR", id="raises"),
        pytest.param(not_a_number, "MODEL_ERROR", id="answers with NaN"),
        pytest.param(lambda images, offsets: [], "MODEL_ERROR", id="answers with nothing"),
        pytest.param(lambda images, offsets: [None] * len(images), "MODEL_ERROR", id="answers with None"),
        pytest.param(lambda images, offsets: None, "MODEL_ERROR", id="answers with no list"),
        pytest.param(hangs, "MODEL_ERROR", id="hangs"),
    ],
)
@pytest.mark.parametrize("mode", [1, 2, 3], ids=["verdict", "geometry", "masked"])
def test_a_model_that_fails_hides_every_frame_that_it_should_have_seen(
    stub: Stub, model: Faulty, fault: Any, reason: str, mode: Any
) -> None:
    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config(response_mode=mode)
        yield from clear()
        assert opened.wait(10)
        model.fault = fault
        yield from (frame(n, LIGHT) for n in range(4, 8))

    opened, answers = threading.Event(), []
    for response in stub.EnforceStream(messages(), timeout=30):
        if response.WhichOneof("message") == "result":
            answers.append(response.result)
            if len(answers) == 4:
                opened.set()

    assert len(answers) == 8
    assert answers[3].verdict.state == CLEAR
    assert CLEAR not in [answer.verdict.state for answer in answers[4:]]
    assert not any(answer.unchanged for answer in answers[4:])
    assert reasons(answers)[4] == reason


def test_a_model_that_hangs_disturbs_a_stream_for_as_long_as_it_hangs(stub: Stub, model: Faulty) -> None:
    model.fault = hangs
    first = results(stub, [config(), frame(0)])
    model.fault = None

    assert reasons(first) == ["MODEL_ERROR"]
    assert results(stub, [config(), *clear()])[-1].verdict.state == CLEAR  # another worker has taken over


@pytest.mark.parametrize("pixel_format", ["JPEG", "H264"])
def test_a_decoder_that_raises_hides(stub: Stub, pixel_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = units("H264", [40] * 4) if pixel_format == "H264" else [None] * 4
    frames = [frame(n, DARK, "JPEG", data=unit) for n, unit in enumerate(data)]
    opened = results(stub, [config(pixel_format), *frames])

    monkeypatch.setattr(jpeg, "read", raises)
    monkeypatch.setattr(pictures.UnitPictures, "_decoded", raises)
    broken = results(stub, [config(pixel_format, response_mode=MASKED), *frames])

    assert opened[-1].verdict.state == CLEAR
    assert reasons(broken) == ["DECODE_ERROR"] * 4
    assert all(answer.withheld for answer in broken)


def test_an_encoder_that_fails_withholds(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise FrameError("no encoder")

    monkeypatch.setattr(pictures._Encoder, "encode", fails)
    frames = [frame(n, data=unit) for n, unit in enumerate(units("H264", [40] * 4))]

    answers = results(stub, [config("H264", response_mode=MASKED, return_unchanged=True), *frames])

    assert all(answer.withheld for answer in answers)
    assert CLEAR not in [answer.verdict.state for answer in answers]


def test_a_camera_that_pans_is_hidden_and_costs_a_few_looks_a_second(serve: Callable[..., Server]) -> None:
    class Counting(Bright):
        looks = 0

        def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
            self.looks += len(images)
            return super().look(images, offsets)

    model = Counting()
    with grpc.insecure_channel(serve(model).address) as channel:
        rest = [at(n, n / 25) for n in range(100)]
        pan = [at(n, n / 25, 10 * (n * 7 % 11) // 2) for n in range(100, 250)]  # six seconds, every frame another
        answers = results(Stub(channel), [config(), *rest])
        before = model.looks
        answers = results(Stub(channel), [config(), *rest, *pan])

    panning = [answer.verdict.state for answer in answers[110:]]
    assert answers[99].verdict.state == CLEAR
    assert CLEAR not in panning
    assert "OVERLOAD" in reasons(answers[100:])
    assert model.looks - 2 * before + WARM_UP <= 6 / 0.25 + 10


def test_a_clock_that_crawls_does_not_put_off_the_looks(stub: Stub) -> None:
    crawling = [at(n + 10, 10 + n * 1e-9, LIGHT // 3 if n < 3 else LIGHT // 3 + 5) for n in range(300)]

    answers = results(stub, [config(), *(frame(n) for n in range(10)), *crawling])

    looked = [n for n, answer in enumerate(answers[10:]) if not answer.verdict.inherited]
    assert max(b - a for a, b in itertools.pairwise([0, *looked, 300])) <= 100


# Waiting for the next look.


def test_with_look_behind_nothing_is_exposed(stub: Stub) -> None:
    calm = [at(n, n / 10) for n in range(40)]
    # The change is too small for the gate, so that without waiting it would leave until the next look.
    washroom = [at(n, n / 10, DARK + 4) for n in range(40, 43)] + [at(n, n / 10, LIGHT) for n in range(43, 70)]

    answers = results(stub, [config(look_behind=Duration(seconds=1)), *calm, *washroom])

    assert [answer.sequence_number for answer in answers] == list(range(70))
    assert [answer.verdict.state for answer in answers].count(CLEAR) > 10
    assert not any(answer.verdict.state == CLEAR for answer in answers[40:])
    assert answers[-1].exposure.frames == 0


def test_without_look_behind_the_same_feed_is_exposed(stub: Stub) -> None:
    calm = [at(n, n / 10) for n in range(40)]
    washroom = [at(n, n / 10, DARK + 4) for n in range(40, 43)] + [at(n, n / 10, LIGHT) for n in range(43, 70)]

    assert results(stub, [config(), *calm, *washroom])[-1].exposure.frames > 0


def test_the_last_frame_is_looked_at_for_those_that_wait(stub: Stub) -> None:
    calm = [at(n, n / 10) for n in range(40)]
    end = [at(n, n / 10, DARK + 5) for n in range(40, 43)] + [at(43, 4.3, 85)]

    answers = results(stub, [config(look_behind=Duration(seconds=2)), *calm, *end])

    assert len(answers) == 44
    assert not answers[-1].verdict.inherited


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.0])
@pytest.mark.parametrize("rate", [1, 25, 1e9], ids=["1 Hz", "25 Hz", "a clock that crawls"])
def test_a_client_that_uses_its_credits_is_never_left_waiting(stub: Stub, seconds: float, rate: float) -> None:
    wait = Duration()
    wait.FromMilliseconds(round(seconds * 1000))
    answered, accepted = threading.Semaphore(0), threading.Event()
    credit: list[int] = []

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config(look_behind=wait)
        assert accepted.wait(10)
        for n in range(400):
            if n >= credit[0]:
                assert answered.acquire(timeout=10)
            yield at(n, n / rate)

    got = 0
    for response in stub.EnforceStream(messages(), timeout=30):
        if response.WhichOneof("message") == "accepted":
            credit.append(response.accepted.max_in_flight)
            assert response.accepted.max_in_flight == streams.credits_for(max(seconds, 0.25))
            accepted.set()
        else:
            got += 1
            answered.release()
    assert got == 400


STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 1e-9, 0.04, 0.3, 1.0, 3.0]), st.sampled_from([DARK, DARK + 4, 90, LIGHT])),
    min_size=1,
    max_size=200,
)


@given(STEPS, st.sampled_from([0.25, 0.5, 1.0, 2.0]), *[st.sampled_from([1, 4, 1000])] * 2)
def test_no_frame_that_waits_leaves_clear_without_a_clear_look_after_it(
    steps: list[tuple[float, int]], seconds: float, paced: int, most: int
) -> None:
    """Nor if there is room for no more than `most` frames, or for the `paced` that they are looked at by."""
    taken = grey_frame(DARK).nbytes
    timing, pace = streams.pace_of(POLICY.timing, seconds, paced * taken)
    watch = Watch(POLICY)
    offsets = itertools.accumulate(step for step, _ in steps)
    frames = [grey_frame(level, at, n) for n, (at, (_, level)) in enumerate(zip(offsets, steps, strict=True))]
    ruled = list(pipeline.judge(frames, Bright(), watch, Cadence(timing, pace)))

    def last(frame: Frame) -> Verdict:
        return watch.see(pipeline.examine(frame, Bright()), frame.offset)

    left = pipeline.wait(iter(ruled), seconds, last, pipeline.Room(most * taken))

    for (shown, verdict), n in zip(left, range(len(frames)), strict=True):
        assert shown.sequence == n
        if verdict.state is State.CLEAR and verdict.inherited:
            following = [later for _, later in ruled[n:] if not later.inherited]
            assert not following or following[0].state is State.CLEAR
            assert following or Bright().look(list(frames[-1].planes), [0.0])[0].p_prohibited < 0.3


NOTE = b"\xff\xfe" + (40_002).to_bytes(2, "big") + bytes(40_000)


@pytest.mark.parametrize(
    ("pixel_format", "picture", "how"),
    [
        pytest.param("GRAY", payload("GRAY", DARK), {"MODEL"}, id="what is unpacked is looked at the sooner"),
        pytest.param(
            "JPEG", b"\xff\xd8" + NOTE + payload("JPEG", DARK)[2:], {"OVERLOAD"}, id="what came is hidden the sooner"
        ),
    ],
)
def test_frames_that_wait_take_no_more_memory_than_they_may(
    serve: Callable[..., Server], pixel_format: str, picture: bytes, how: set[str]
) -> None:
    """Their clock crawls and the view is still, so that 100 of them would wait for a look."""
    server = serve(limits=Limits(waiting_bytes=8 * len(picture)))  # three of them for the next look
    answered = threading.Semaphore(0)

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config(pixel_format, look_behind=Duration(seconds=2))
        for n in range(120):
            one = at(n, min(n, 20) + n * 1e-6)
            one.frame.data = picture
            yield one
            if n >= 8:
                assert answered.acquire(timeout=10)

    answers = []
    with grpc.insecure_channel(server.address) as channel:
        for response in Stub(channel).EnforceStream(messages(), timeout=30):
            if response.WhichOneof("message") == "result":
                answers.append(response.result)
                answered.release()

    assert [answer.sequence_number for answer in answers] == list(range(120))
    assert set(reasons(answers[20:-4])) == how


class Slow(Live):
    """Lets a stream's first result go when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go = threading.Event()

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        super().answered(stream, answer)
        self.may_go.wait(10)


def test_no_more_is_read_of_a_slow_stream_than_may_wait_in_memory(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, read = Slow(), list[int]()
    plainly = pictures.RawPictures.read

    def counted(self: pictures.RawPictures, came: Arrival) -> Frame:
        read.append(came.sequence)
        return plainly(self, came)

    monkeypatch.setattr(pictures.RawPictures, "read", counted)
    server = serve(observers=(slow,), limits=Limits(waiting_bytes=16 * len(payload("GRAY", DARK))))  # 2 are read ahead
    with grpc.insecure_channel(server.address) as channel:
        call = Stub(channel).EnforceStream(
            iter([config(look_behind=Duration(seconds=1)), *(at(n, n) for n in range(100))]), timeout=30
        )
        end = time.monotonic() + 9
        while len(read) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.3)  # for more of them, if more were read
        before = len(read)
        slow.may_go.set()
        answers = [response.result for response in call if response.WhichOneof("message") == "result"]

    assert 2 < before <= 6
    assert [answer.sequence_number for answer in answers] == list(range(100))


def test_a_camera_that_pauses_has_its_last_frames_answered_hidden_and_goes_on(stub: Stub) -> None:
    paused = threading.Event()

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config(look_behind=Duration(seconds=1))
        yield from (at(n, n / 10) for n in range(40))
        assert paused.wait(10)
        yield from (at(n, n / 10) for n in range(40, 80))

    answers: list[pb.FrameResult] = []
    for response in stub.EnforceStream(messages(), timeout=30):
        if response.WhichOneof("message") == "result":
            answers.append(response.result)
        if len(answers) == 40:  # without another frame
            paused.set()

    assert [answer.sequence_number for answer in answers] == list(range(80))
    assert reasons(answers)[39] == "STALL"
    assert CLEAR not in [answer.verdict.state for answer in answers[35:40]]  # no look came after them
    assert answers[-1].verdict.state == CLEAR


def test_what_waits_before_dropped_frames_is_answered_hidden_as_before_a_pause(stub: Stub) -> None:
    """The look after them is too late for it: whatever was seen by then may be gone."""
    sent = [at(n, n / 10 + 3 * (n >= 40)) for n in range(80)]

    answers = results(stub, [config(look_behind=Duration(seconds=1)), *sent])

    assert [answer.sequence_number for answer in answers] == list(range(80))
    assert reasons(answers)[39] == "STALL"
    assert CLEAR not in [answer.verdict.state for answer in answers[35:40]]
    assert answers[29].verdict.state == CLEAR
    assert answers[45].verdict.state == CLEAR


def test_with_look_behind_results_before_an_error_are_delivered(stub: Stub) -> None:
    wrong = [config(look_behind=Duration(seconds=1)), *(at(n, n / 10) for n in range(20)), at(3, 3.0)]
    answers: list[pb.EnforceStreamResponse] = []

    with pytest.raises(grpc.RpcError) as caught:
        answers.extend(stub.EnforceStream(iter(wrong), timeout=30))

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(answers) == 1 + 20


def test_a_server_that_is_overloaded_answers_every_frame_in_time_and_hidden(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Bright):
        def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
            if images[0].any():  # the warm-up is black, and quick
                time.sleep(0.15 * len(images))
            return super().look(images, offsets)

    monkeypatch.setattr(servicer, "LOOK_WITHIN_S", 0.1)
    with grpc.insecure_channel(serve(Slow(), workers=1).address) as channel, ThreadPoolExecutor(4) as pool:
        started = time.monotonic()
        streams_ = [pool.submit(results, Stub(channel), [config(), *lively(20)]) for _ in range(4)]
        answers = [answer for each in streams_ for answer in each.result(30)]

    assert len(answers) == 4 * 20
    assert "OVERLOAD" in reasons(answers)
    assert set(reasons(answers)) <= {"OVERLOAD", "MODEL_ERROR"}
    assert CLEAR not in [answer.verdict.state for answer in answers]
    assert time.monotonic() - started < 20 * 0.15  # not each frame waits as long as the first


def test_a_client_in_a_hurry_is_answered_hidden_within_its_budget(stub: Stub, model: Faulty) -> None:
    model.fault = hangs
    budget = Duration()
    budget.FromMilliseconds(50)
    started = time.monotonic()

    call = iter(stub.EnforceStream(iter([config(latency_budget=budget), frame(0)]), timeout=20))

    assert next(call).accepted.latency_budget == budget
    assert next(call).result.verdict.state != CLEAR
    assert time.monotonic() - started < 0.2 + 0.5
