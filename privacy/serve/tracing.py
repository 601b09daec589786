"""Spans for OpenTelemetry (extra `otel`): one for each stream, for each frame that was looked at, and for each stage.

Where they go, how many are kept and what the service is called is said in the variables that every such service reads
(`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`). No span holds anything that was seen.
"""

import time
from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from privacy.errors import InputError, PrivacyError
from privacy.serve.observer import STAGES, Answer, Look, StreamFacts


def open_provider() -> TracerProvider:
    """Return a provider that sends spans over OTLP and HTTP, in a thread of its own; `shutdown` sends the last ones.

    Raises:
        InputError: The exporter is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an optional extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same
    except ImportError as error:
        raise InputError("--otel needs the extra: pip install 'privacy-zones[otel]'") from error
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Traces:
    """Makes spans of what it hears. An `Observer`.

    Args:
        tracer: Makes them.
        clock: Nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, tracer: Tracer, clock: Callable[[], int] = time.time_ns) -> None:
        self._tracer = tracer
        self._clock = clock
        self._streams: dict[str, Span] = {}

    def opened(self, stream: StreamFacts) -> None:
        """Begin the span of a stream."""
        self._streams[stream.session] = self._tracer.start_span(
            "EnforceStream",
            attributes={
                "privacy.stream": stream.session,
                "privacy.camera": stream.camera,
                "privacy.policy": stream.policy,
                "privacy.mode": stream.mode,
                "privacy.pixel_format": stream.pixel_format,
            },
        )

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """Add a frame that was looked at, with its stages one after the other."""
        span = self._streams.get(stream.session)
        if span is None or answer.verdict.inherited or not span.is_recording():
            return
        spent = {stage: round(getattr(answer.stages, stage) * 1e9) for stage in STAGES}
        at = (end := self._clock()) - sum(spent.values())
        frame = self._tracer.start_span(
            "frame",
            set_span_in_context(span),
            start_time=at,
            attributes={"privacy.sequence": answer.sequence, "privacy.state": answer.verdict.state.name},
        )
        for stage, nanoseconds in spent.items():
            if nanoseconds:
                self._tracer.start_span(stage, set_span_in_context(frame), start_time=at).end(at + nanoseconds)
                at += nanoseconds
        frame.end(end)

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:
        """End the span of a stream."""
        span = self._streams.pop(stream.session, None)
        if span is None:
            return
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, error.reason))
        span.end()

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:  # noqa: ARG002 - the observer's signature
        """Make the span of a stream that was not accepted."""
        span = self._tracer.start_span("EnforceStream", attributes={"privacy.camera": camera})
        span.set_status(Status(StatusCode.ERROR, error.reason))
        span.end()

    def looked(self, look: Look) -> None:
        """A run of the model may be for many streams: it is counted, not traced."""
