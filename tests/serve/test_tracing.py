"""Spans of streams, frames and stages."""

from collections.abc import Callable

import grpc
import pytest

from privacy.serve.server import Server
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from tests.serve.messages import CAMERA, clear, config, refusal, results

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from privacy.serve.tracing import Traces


@pytest.fixture
def spans(serve: Callable[..., Server]) -> tuple[ReadableSpan, ...]:
    """The spans of a stream of four frames, and of one that is refused."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    server = serve(observers=(Traces(provider.get_tracer("test")),))
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.EnforcementServiceStub(channel)
        results(stub, [config(), *clear()])
        refusal(lambda: list(stub.EnforceStream(iter([config(policy="none")]), timeout=20)))
    server.stop(0)
    return exporter.get_finished_spans()


def test_a_stream_has_its_frames_and_a_frame_its_stages(spans: tuple[ReadableSpan, ...]) -> None:
    stream = next(span for span in spans if span.name == "EnforceStream" and span.status.is_unset)
    frames = [span for span in spans if span.name == "frame"]
    stages = [span for span in spans if span.name == "infer"]

    assert {span.parent.span_id for span in frames if span.parent} == {stream.context.span_id}
    assert {span.parent.span_id for span in stages if span.parent} <= {span.context.span_id for span in frames}
    assert 1 <= len(stages) <= len(frames) <= 4
    assert dict(stream.attributes or {})["privacy.camera"] == CAMERA


def test_a_stream_that_is_refused_says_why(spans: tuple[ReadableSpan, ...]) -> None:
    assert [span.status.description for span in spans if not span.status.is_unset] == ["INVALID_POLICY"]
