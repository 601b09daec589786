"""The translators on anything that can come over a wire: a domain object or one of our errors, and nothing else."""

import contextlib

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import example, given
from hypothesis import strategies as st

from privacy.errors import InputError
from privacy.evidence import Reason
from privacy.frame import Layout
from privacy.policy import EffectKind
from privacy.serve import translate
from privacy.serve.translate import Arrival, Format, Limits
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import frame_pb2, mask_pb2, verdict_pb2
from privacy.verdict import State, Verdict
from privacy.zones import Zone

ENUM = st.integers(-1, 12)
INT32, INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
DURATIONS = st.builds(Duration, seconds=INT64, nanos=INT32) | st.builds(
    Duration, seconds=st.integers(0, 100), nanos=st.integers(0, 10**9 - 1)
)
SIDES = st.integers(-2, 20) | INT32
POINTS = st.builds(mask_pb2.Point, x=st.floats(), y=st.floats(-0.1, 1.1))
POLYGONS = st.builds(mask_pb2.Polygon, points=st.lists(POINTS, max_size=6))
FRAMES = st.builds(
    frame_pb2.Frame,
    sequence_number=INT64,
    capture_offset=st.none() | DURATIONS,
    data=st.binary(max_size=64),
    width_px=SIDES,
    height_px=SIDES,
)
FORMATS = st.builds(frame_pb2.FrameFormat, pixel_format=ENUM, color_matrix=ENUM, color_range=ENUM)
CONFIGS = st.builds(
    pb.StreamConfig,
    camera=st.text(max_size=80) | st.just("sites/a/cameras/b"),
    format=FORMATS,
    response_mode=ENUM,
    delivery=ENUM,
    latency_budget=st.none() | DURATIONS,
    look_behind=st.none() | DURATIONS,
    static_zones=st.lists(POLYGONS, max_size=3),
    effect=st.none() | st.builds(mask_pb2.Effect, kind=ENUM, strength=st.none() | st.floats()),
    jpeg_quality=st.none() | INT32,
    shared_memory=st.booleans(),
)


@given(CONFIGS)
def test_any_config_is_a_setup_or_an_error_of_ours(config: pb.StreamConfig) -> None:
    with contextlib.suppress(InputError):
        setup = translate.setup(pb.EnforceStreamRequest(config=config))

        assert 1 <= setup.jpeg_quality <= 100
        assert all(0 <= x <= 1 and 0 <= y <= 1 for polygon in setup.static for x, y in polygon.points)


@given(st.binary(max_size=200))
def test_any_bytes_that_parse_are_a_setup_or_an_error_of_ours(data: bytes) -> None:
    request = pb.EnforceStreamRequest()
    with contextlib.suppress(Exception):  # bytes that do not parse never reach us: gRPC refuses them
        request.ParseFromString(data)
    with contextlib.suppress(InputError):
        translate.setup(request)
    with contextlib.suppress(InputError):
        translate.arrival(request, -1, 0.0)


@given(FRAMES, FORMATS)
def test_any_frame_is_a_frame_of_its_size_or_an_error_of_ours(
    message: frame_pb2.Frame, form: frame_pb2.FrameFormat
) -> None:
    with contextlib.suppress(InputError):
        frame = translate.still(pb.ClassifyFrameRequest(format=form, frame=message), Limits(), (8, 8))

        assert frame.size == (message.height_px, message.width_px)
        assert translate.packed(frame) == message.data


@given(FRAMES, INT64)
def test_an_arrival_follows_the_one_before(message: frame_pb2.Frame, previous: int) -> None:
    with contextlib.suppress(InputError):
        came = translate.arrival(pb.EnforceStreamRequest(frame=message), previous, 0.0)

        assert came.sequence > previous
        assert came.offset >= 0


@given(st.sampled_from(Layout), st.integers(1, 9), st.integers(1, 9), st.integers(-3, 3))
@example(Layout.I420, 1, 1, 0)
def test_a_raw_frame_needs_exactly_its_bytes(layout: Layout, height: int, width: int, surplus: int) -> None:
    half = ((height + 1) // 2) * ((width + 1) // 2)
    want = {
        Layout.GRAY: height * width,
        Layout.I420: height * width + 2 * half,
        Layout.NV12: height * width + 2 * half,
    }.get(layout, 3 * height * width)
    came = Arrival(0, 0.0, bytes(max(0, want + surplus)), (height, width), 0.0)

    if max(0, want + surplus) == want:
        assert translate.raw_frame(came, Format(layout), Limits()).size == (height, width)
    else:
        with pytest.raises(InputError):
            translate.raw_frame(came, Format(layout), Limits())


@given(st.floats(0, 1e8))
def test_durations_come_back_to_the_nanosecond(seconds: float) -> None:
    assert translate.seconds(translate.duration(seconds), "x") == pytest.approx(seconds, abs=1e-7)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("reason", Reason)
def test_every_verdict_has_words_in_the_contract(state: State, reason: Reason) -> None:
    message = translate.verdict(Verdict(state, reason, 0.0, Zone.WASHROOM))

    assert verdict_pb2.VerdictState.Name(message.state) == f"VERDICT_STATE_{state}"
    assert verdict_pb2.VerdictReason.Name(message.reason) == f"VERDICT_REASON_{reason}"
    assert message.zone == verdict_pb2.ZONE_WASHROOM


def test_the_tables_leave_nothing_out_but_the_unspecified() -> None:
    for table, enum in (
        (translate.STATES, verdict_pb2.VerdictState),
        (translate.REASONS, verdict_pb2.VerdictReason),
        (translate.ZONES, verdict_pb2.Zone),
        (translate.EFFECTS, mask_pb2.EffectKind),
    ):
        assert {*table.values(), 0} == set(enum.values())
    assert len(EffectKind) == len(translate.EFFECTS)
