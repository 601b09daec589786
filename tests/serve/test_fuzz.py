"""Whatever comes over the wire is taken or refused with a typed error; nothing else happens."""

import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.errors import InputError
from privacy.serve import translate
from privacy.serve.pictures import pictures_of
from privacy.serve.servicer import EnforcementService
from privacy.serve.translate import Limits
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import verdict_pb2
from tests.serve.conftest import engine
from tests.serve.fuzz import scramble
from tests.serve.messages import FORMATS, config, frame, payload
from tests.serve.units import units

LIMITS = Limits(message_bytes=2**20, pixels=2**18)
MESSAGES = 60  # of one seed

UNITS = {codec: units(codec, [40])[0] for codec in ("H264", "H265")}
SEEDS = st.integers(0, 2**32)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_any_first_message_is_read_or_refused(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(MESSAGES):
        request = config(rng.choice(FORMATS)) if rng.random() < 0.7 else pb.EnforceStreamRequest()
        scramble(request if rng.random() < 0.1 else request.config, rng, share=rng.choice((0.05, 0.2, 0.6)))
        try:
            setup = translate.setup(request)
        except InputError:
            continue
        assert setup.look_behind_s <= translate.MAX_LOOK_BEHIND_S
        assert 1 <= setup.jpeg_quality <= 100


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.sampled_from([*FORMATS, "H264", "H265"]))
def test_any_frame_is_read_or_refused(seed: int, pixel_format: str) -> None:
    rng = random.Random(seed)
    setup = translate.setup(config(pixel_format))
    pictures, sequence = pictures_of(setup, (8, 8), LIMITS), -1
    for number in range(MESSAGES):
        request = frame(number, pixel_format=pixel_format if pixel_format in FORMATS else "GRAY")
        scramble(request if rng.random() < 0.1 else request.frame, rng, share=rng.choice((0.05, 0.2, 0.6)))
        try:
            came = translate.arrival(request, sequence, 0.0)
            sequence = came.sequence
            read = pictures.read(came)
        except InputError:
            continue
        assert read.damaged or read.size[0] * read.size[1] <= LIMITS.pixels


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(["JPEG", "H264", "H265"]))
def test_a_picture_with_flipped_bytes_is_read_or_damaged(seed: int, pixel_format: str) -> None:
    rng = random.Random(seed)
    pictures = pictures_of(translate.setup(config(pixel_format)), (8, 8), LIMITS)
    good = payload("JPEG", 100) if pixel_format == "JPEG" else UNITS[pixel_format]
    for number in range(20):
        data = bytearray(good)
        for _ in range(rng.choice((1, 3, 30))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        read = pictures.read(
            translate.arrival(frame(number, data=bytes(data[: rng.randrange(len(data) + 1)])), -1, 0.0)
        )
        assert read.damaged or read.size[0] * read.size[1] <= LIMITS.pixels


class Refused(Exception):  # noqa: N818 - it is no error of ours
    """Ends a call, as gRPC does."""


class Context:
    """What the service needs of a call."""

    status: Any = None

    def peer(self) -> str:
        return "test"

    def abort_with_status(self, status: Any) -> None:
        self.status = status
        raise Refused

    def abort(self, code: Any, details: str) -> None:
        self.status = code
        raise Refused

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: ()


@pytest.fixture(scope="module")
def service() -> Iterator[EnforcementService]:
    service = EnforcementService(engine(limits=LIMITS, shared_memory_bytes=2**20))
    service.warm_up()
    yield service
    service.stop()


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_any_conversation_has_one_answer_a_frame_and_ends_with_a_typed_error(
    service: EnforcementService, seed: int
) -> None:
    rng = random.Random(seed)
    pixel_format = rng.choice(FORMATS)
    requests = [config(pixel_format), *(frame(n, rng.choice((20, 250)), pixel_format) for n in range(8))]
    scramble(requests[0].config, rng, share=0.05)
    for request in rng.sample(requests[1:], 2):
        scramble(request if rng.random() < 0.2 else request.frame, rng, share=0.2)
    context: Any = Context()
    answers: list[pb.EnforceStreamResponse] = []
    try:
        answers.extend(service.EnforceStream(iter(requests), context))
    except Refused:
        assert context.status.code is not grpc.StatusCode.INTERNAL
    for answer in answers[1:]:
        ruled = answer.result.verdict
        assert ruled.state in (1, 2, 3)
        if answer.result.unchanged:
            assert ruled.state == verdict_pb2.VERDICT_STATE_CLEAR
    numbers = [answer.result.sequence_number for answer in answers[1:]]
    assert numbers == sorted(set(numbers))


def test_the_fuzz_is_large_enough() -> None:
    assert 100 * MESSAGES + 100 * MESSAGES + 40 * 20 + 100 * 9 > 10_000
