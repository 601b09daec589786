"""What the service counts of itself, for Prometheus. No metric names a camera, a client or anything that was seen."""

import threading
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from privacy.errors import PrivacyError
from privacy.serve.observer import STAGES, Answer, Look, StreamFacts

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SAID = {True: "true", False: "false"}


class Metrics:
    """Counts. An `Observer`; threads may share it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._info = Gauge(
            "privacy_info", "1, with what runs.", ("version", "model", "policy"), multiprocess_mode="max", registry=own
        )
        self._streams = Gauge("privacy_streams", "Streams that are open.", multiprocess_mode="livesum", registry=own)
        self._opened = Counter(
            "privacy_streams_opened", "Streams that were accepted.", ("mode", "delivery"), registry=own
        )
        self._closed = Counter("privacy_streams_closed", "Streams that have ended.", ("reason",), registry=own)
        self._refused = Counter(
            "privacy_refusals", "Streams and calls that were not let in.", ("reason",), registry=own
        )
        self._unregistered = Counter(
            "privacy_streams_unregistered", "Streams of cameras that the register does not know.", registry=own
        )
        self._frames = Counter("privacy_frames", "Frames that were answered.", ("pixel_format",), registry=own)
        self._verdicts = Counter("privacy_verdicts", "Verdicts.", ("state", "reason", "inherited"), registry=own)
        stages = Histogram(
            "privacy_stage_seconds", "Where the time of a frame went.", ("stage",), buckets=_SECONDS, registry=own
        )
        self._stages = [(name, stages.labels(name)) for name in STAGES]
        self._exposed_frames = Counter(
            "privacy_exposed_frames", "Frames that left clear and may have shown a prohibited place.", registry=own
        )
        self._exposed_s = Counter("privacy_exposed_seconds", "The same in seconds of capture time.", registry=own)
        self._waiting = Gauge(
            "privacy_queue_depth", "Pictures that wait for the model.", multiprocess_mode="livesum", registry=own
        )
        self._look_s = Histogram("privacy_look_seconds", "How long the model ran.", buckets=_SECONDS, registry=own)
        self._pictures = Histogram(
            "privacy_look_pictures", "Pictures in one run of the model.", buckets=(1, 2, 4, 8, 16, 32), registry=own
        )
        self._failures = Counter("privacy_look_failures", "Runs of the model that failed.", ("failure",), registry=own)
        self._exposure: dict[str, tuple[int, float]] = {}  # of each open stream, as far as it is counted
        self._children: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
        self._lock = threading.Lock()

    def exposition(self) -> tuple[bytes, str]:
        """Return everything as Prometheus reads it, and the media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def runs(self, version: str, model: str, policy: str) -> None:
        """Say what runs."""
        self._info.labels(version, model, policy).set(1)

    def not_let_in(self, reason: str) -> None:
        """Count a call that the gate refused."""
        self._refused.labels(reason).inc()

    def opened(self, stream: StreamFacts) -> None:
        """Count a stream."""
        self._exposure[stream.session] = 0, 0.0
        self._streams.inc()
        self._opened.labels(stream.mode, stream.delivery).inc()
        if not stream.registered:
            self._unregistered.inc()

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """Count a frame, its verdict, its time and what it exposed."""
        verdict = answer.verdict
        # To look a label up costs more than to count it, and there are few of them.
        self._child(self._frames, stream.pixel_format).inc()
        self._child(self._verdicts, verdict.state.name, verdict.reason.name, _SAID[verdict.inherited]).inc()
        for name, stage in self._stages:
            stage.observe(getattr(answer.stages, name))
        frames, seconds = self._exposure.get(stream.session, (0, 0.0))
        if answer.exposure_frames > frames:
            self._exposed_frames.inc(answer.exposure_frames - frames)
            self._exposed_s.inc(max(0.0, answer.exposure_s - seconds))
            self._exposure[stream.session] = answer.exposure_frames, answer.exposure_s

    def _child(self, counter: Counter, *labels: str) -> Counter:
        key = counter, labels
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = counter.labels(*labels)
        return child

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:
        """Count the end of a stream."""
        self._exposure.pop(stream.session, None)
        self._streams.dec()
        self._closed.labels("" if error is None else error.reason).inc()

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:  # noqa: ARG002 - the observer's signature
        """Count a stream that was not accepted."""
        self._refused.labels(error.reason).inc()

    def looked(self, look: Look) -> None:
        """Count a run of the model."""
        self._waiting.set(look.waiting)
        self._look_s.observe(look.seconds)
        self._pictures.observe(look.pictures)
        if look.failure:
            self._failures.labels(look.failure).inc()


def of_processes(folder: Path) -> tuple[bytes, str]:
    """Return the metrics of all processes together, and the media type.

    Args:
        folder: Where they write them: `PROMETHEUS_MULTIPROC_DIR`.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
