"""What the service costs, as ratios to floors that are measured in the same run.

    python benchmarks/serve.py cameras     # how many verdict-only cameras at one look a second, JPEG 640x360
    python benchmarks/serve.py masked      # 1080p frames a second that come back masked, over a bare loop of the stages
    python benchmarks/serve.py transport   # round trips without the stages, over a server that only echoes
    python benchmarks/serve.py soak        # memory of the server over time: --minutes 30

The server is a process of its own, and so is each load; they share the processors of the machine, which is part of what
is measured. The server runs the shipped model, and rules "permitted" whatever it sees: what is measured is work, and a
frame that is hidden whole would be less of it.
"""

import argparse
import gc
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import grpc
import numpy as np
from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray

from privacy import jpeg
from privacy.client import Jpeg
from privacy.client.memory import Shared
from privacy.evidence import Evidence
from privacy.frame import Frame, Layout, thumbnail
from privacy.masking import mask
from privacy.models import catalogue
from privacy.models.classifier import ZoneClassifier
from privacy.plan import MaskPlan, Polygon
from privacy.policy import Effect
from privacy.serve import memory
from privacy.serve.live import Live
from privacy.serve.metrics import Metrics
from privacy.serve.server import Settings, run
from privacy.serve.servicer import Engine
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, mask_pb2, verdict_pb2
from privacy.zones import Zone

PART = ((0.05, 0.1), (0.5, 0.05), (0.55, 0.6), (0.1, 0.5))
P99_MS = 250.0
QUALITY = 90
Form: TypeAlias = "frame_pb2.PixelFormat.ValueType"
Size = tuple[int, int]


class Permitting:
    """Works as hard as a real model, and rules that every picture shows a permitted place."""

    def __init__(self, model: ZoneClassifier) -> None:
        self.name, self.input_size = model.name, model.input_size
        self._model = model

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return evidence for one zone, after as much work as for any other."""
        self._model.look(images, offsets)
        zones = np.zeros(len(Zone), np.float32)
        zones[Zone.PERMITTED] = 1
        return [Evidence(offset, zones, self.name) for offset in offsets]


class Echo(pb_grpc.EnforcementServiceServicer):
    """Sends every picture back: what gRPC itself costs.

    Args:
        works: Decode JPEG as the service does before it answers, and say how long that took. A server that does nothing
            between two messages finds its threads awake and its caches warm, which none is that does anything.
    """

    def __init__(self, *, works: bool = False) -> None:
        self._at_least = catalogue.load(catalogue.DEFAULT).input_size if works else None

    def EnforceStream(  # noqa: N802 - gRPC's name
        self,
        request_iterator: Iterator[pb.EnforceStreamRequest],
        context: grpc.ServicerContext,  # noqa: ARG002 - gRPC's signature
    ) -> Iterator[pb.EnforceStreamResponse]:
        """Answer each frame with itself."""
        next(request_iterator)
        yield pb.EnforceStreamResponse(accepted=pb.StreamAccepted(max_in_flight=8))
        for request in request_iterator:
            sent = request.frame
            picture = frame_pb2.Picture(data=sent.data, width_px=sent.width_px, height_px=sent.height_px)
            result = pb.FrameResult(sequence_number=sent.sequence_number, masked=picture)
            if self._at_least is not None and sent.data[:2] == b"\xff\xd8":
                start = time.perf_counter()
                jpeg.read(sent.data, 0.0, at_least=self._at_least)
                result.timing.decode.FromNanoseconds(round((time.perf_counter() - start) * 1e9))
            yield pb.EnforceStreamResponse(result=result)


def serve_echo(*, works: bool) -> None:
    """Run the echo server until it is killed."""
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", -1)])
    pb_grpc.add_EnforcementServiceServicer_to_server(Echo(works=works), server)  # type: ignore[abstract]  # one method is enough
    print("listening on", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", flush=True)
    server.start()
    server.wait_for_termination()


def serve_privacy() -> None:
    """Run the service as `privacy serve` does, over the model that permits."""
    model = Permitting(catalogue.load(catalogue.DEFAULT))
    engine = Engine(
        model=model,
        digest="",
        policy=catalogue.load_policy(),
        max_streams=512,
        shared_memory_bytes=2**30,
        observers=(Metrics(), Live()),
    )
    signal.signal(signal.SIGUSR1, lambda *_: rest())
    run(engine, Settings(address="127.0.0.1:0"), lambda bound: print("listening on", bound, flush=True))


def rest() -> None:
    """Let go of what nobody uses, and say how many pieces of memory Python has; for whoever asks with SIGUSR1."""
    gc.collect()
    memory.give_back()
    print("blocks", sys.getallocatedblocks(), flush=True)


@contextmanager
def started(what: str, said: deque[str] | None = None) -> Iterator[tuple[str, int]]:
    """Start a server process; yield its address and process id. What it says from then on is put into `said`."""
    command = [sys.executable, __file__, what]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = iter(process.stdout or ())
        bound = next((line for line in lines if line.startswith("listening on ")), "")
        if not bound:
            raise RuntimeError("the server did not start")
        heard = deque[str](maxlen=0) if said is None else said  # its log
        threading.Thread(target=lambda: heard.extend(lines), daemon=True).start()
        yield bound.split()[-1], process.pid
    finally:
        process.kill()
        process.wait()


def picture(height: int, width: int, number: int) -> NDArray[np.uint8]:
    """Return a textured RGB picture in which something moves."""
    rng = np.random.default_rng(7)
    wall = cv2.resize(rng.integers(40, 200, (height // 8, width // 8, 3), np.uint8), (width, height))
    shift = (13 * number) % (width // 2)
    wall[height // 4 : height // 2, shift : shift + width // 6] = (30 + 20 * number) % 255
    return np.asarray(cv2.add(wall, np.full_like(wall, 3 * (number % 2))), np.uint8)


def as_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Return it as a camera sends it."""
    return jpeg.write(Frame((pixels,), Layout.RGB, 0.0), quality=QUALITY)


def as_i420(pixels: NDArray[np.uint8]) -> bytes:
    """Return its planes, one behind the other."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420).tobytes()


def config(form: Form, camera: str, **options: object) -> pb.EnforceStreamRequest:
    """Return the first message of a stream."""
    fields: dict[str, Any] = {
        "camera": f"sites/bench/cameras/{camera}",
        "format": frame_pb2.FrameFormat(pixel_format=form),
        **options,
    }
    return pb.EnforceStreamRequest(config=pb.StreamConfig(**fields))


def message(number: int, offset: float, data: bytes, size: Size) -> pb.EnforceStreamRequest:
    """Return the message of one frame."""
    nanos = round(offset * 1e9)
    frame = frame_pb2.Frame(
        sequence_number=number,
        capture_offset=Duration(seconds=nanos // 10**9, nanos=nanos % 10**9),
        data=data,
        height_px=size[0],
        width_px=size[1],
    )
    return pb.EnforceStreamRequest(frame=frame)


def stub_of(address: str) -> tuple[grpc.Channel, pb_grpc.EnforcementServiceStub]:
    """Return a connection without limits."""
    channel = grpc.insecure_channel(
        address, [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    )
    return channel, pb_grpc.EnforcementServiceStub(channel)


def cpu_seconds(process: int) -> float:
    """Return the CPU time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(process: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# (a) cameras


@dataclass
class Tally:
    """What a load has seen."""

    latencies: list[float]
    late: int  # answered hidden for want of time
    refused: int


def camera(
    stub: pb_grpc.EnforcementServiceStub, name: str, pictures: list[bytes], span: tuple[float, float], tally: Tally
) -> None:
    """Send one JPEG a second, and put down how long each answer took."""
    start, until = span
    sent: dict[int, float] = {}

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield config(frame_pb2.PIXEL_FORMAT_JPEG, name, response_mode=pb.RESPONSE_MODE_VERDICT)
        number = 0
        while (at := start + number) < until:
            time.sleep(max(0.0, at - time.monotonic()))
            request = message(number, float(number), pictures[number % 2], (360, 640))
            sent[number] = time.monotonic()
            yield request
            number += 1

    try:
        for response in stub.EnforceStream(messages()):
            now = time.monotonic()
            if response.WhichOneof("message") == "result":
                result = response.result
                if result.sequence_number >= 3:  # opening has looks of its own
                    tally.latencies.append(now - sent[result.sequence_number])
                    tally.late += result.verdict.reason == verdict_pb2.VERDICT_REASON_OVERLOAD
    except grpc.RpcError as error:
        tally.refused += error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def load(address: str, cameras: int, seconds: float, out: "multiprocessing.Queue[Tally]") -> None:
    """Be so many cameras, spread over the second."""
    channel, stub = stub_of(address)
    tally = Tally([], 0, 0)
    pictures = [as_jpeg(picture(360, 640, number)) for number in range(2)]
    start = time.monotonic() + 0.5
    threads = [
        threading.Thread(target=camera, args=(stub, f"c{n}", pictures, (start + n / cameras, start + seconds), tally))
        for n in range(cameras)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    channel.close()
    out.put(tally)


def look_floor(seconds: float = 3.0) -> float:
    """Return the CPU milliseconds of one verdict without any service: decode small, shrink, look."""
    model = catalogue.load(catalogue.DEFAULT)
    data = as_jpeg(picture(360, 640, 0))
    model.look([np.zeros((*model.input_size, 3), np.uint8)], [0.0])
    start, count, until = time.process_time(), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        model.look([thumbnail(jpeg.read(data, 0.0, at_least=model.input_size), model.input_size)], [0.0])
        count += 1
    return (time.process_time() - start) / count * 1000


def measure_cameras(counts: Sequence[int], seconds: float) -> dict[str, Any]:
    """Return latencies for each number of cameras."""
    floor, rows = look_floor(), []
    print(f"floor: {floor:.2f} CPU-ms a verdict, {os.cpu_count()} processors")
    names = ("cameras", "p50 ms", "p99 ms", "late", "refused", "server CPU-ms", "over floor")
    print("".join(f"{name:>14}" for name in names))
    for count in counts:
        with started("_server") as (address, process):
            out: multiprocessing.Queue[Tally] = multiprocessing.Queue()
            worker = multiprocessing.Process(target=load, args=(address, count, seconds, out))
            before = cpu_seconds(process)
            worker.start()
            tally = out.get()
            worker.join()
            spent = (cpu_seconds(process) - before) * 1000 / max(1, len(tally.latencies) + 3 * count)
        p50, p99 = (float(np.percentile(tally.latencies, q)) * 1000 for q in (50, 99))
        row = {"cameras": count, "p50_ms": p50, "p99_ms": p99, "late": tally.late, "refused": tally.refused}
        rows.append(row | {"server_cpu_ms": spent, "over_floor": spent / floor})
        print(f"{count:8d} {p50:8.1f} {p99:8.1f} {tally.late:6d} {tally.refused:8d} {spent:14.2f} {spent / floor:6.2f}")
    served = [row["cameras"] for row in rows if row["p99_ms"] < P99_MS and not row["late"] and not row["refused"]]
    print(f"cameras served with p99 < {P99_MS:g} ms: {max(served, default=0)}")
    return {"floor_cpu_ms": floor, "rows": rows, "served": max(served, default=0)}


# (b) masked frames

HOT, DISTINCT = 4, 32
"""Pictures that stay in the cache, and so many that they do not (100 MB in I420): no frame of a camera comes twice."""


class Ours:
    """The client's side of shared memory, if the stream has any."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self._shared: Shared | None = None
        self._slots: dict[int, int | None] = {}

    def take(self, response: pb.EnforceStreamResponse) -> None:
        """Open what the server has made, and read what it has put there."""
        if response.WhichOneof("message") == "accepted":
            if response.accepted.HasField("shared_memory"):
                self._shared = Shared(response.accepted.shared_memory)
            self.open.set()
        elif self._shared is not None and response.WhichOneof("message") == "result":
            if response.result.masked.HasField("shared_memory"):
                self._shared.read(response.result.masked.shared_memory)
            if (slot := self._slots.pop(response.result.sequence_number)) is not None:
                self._shared.release(slot)

    def put(self, request: pb.EnforceStreamRequest, picture: bytes) -> pb.EnforceStreamRequest:
        """Put the picture of a frame there; into its message if there is no room."""
        if self._shared is not None:
            slot = self._shared.send(Jpeg(picture, 0.0), request.frame)
            self._slots[request.frame.sequence_number] = slot
            if slot is None:
                request.frame.data = picture
        return request


def stream_rate(
    address: str, form: Form, data: Sequence[bytes], size: Size, frames: int, *, share: bool = False
) -> tuple[float, float]:
    """Return frames a second of one stream that uses all its credits, and the seconds of a frame that are looks.

    Args:
        address: Of the server.
        form: Of the pictures.
        data: The pictures, over and over.
        size: `(height, width)` of each.
        frames: How many.
        share: Let them pass through shared memory. What comes back is read out of it, as it is out of a message.
    """
    channel, stub = stub_of(address)
    points = [mask_pb2.Point(x=x, y=y) for x, y in PART]
    setup = config(
        form,
        "masked",
        response_mode=pb.RESPONSE_MODE_MASKED_FRAME,
        static_zones=[mask_pb2.Polygon(points=points)],
        jpeg_quality=QUALITY,
        shared_memory=share,
        slot_size_bytes=len(data[0]) if share else 0,
    )
    credit, first, count, looks = threading.Semaphore(8), 0.0, 0, 0.0
    ours = Ours()

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        yield setup
        ours.open.wait()
        for number in range(frames):
            credit.acquire()
            picture = data[number % len(data)]
            yield ours.put(message(number, number / 25, b"" if share else picture, size), picture)

    for response in stub.EnforceStream(messages()):
        ours.take(response)
        if response.WhichOneof("message") == "result":
            credit.release()
            count += 1
            if count == frames // 4:  # warm, and open
                first, looks = time.perf_counter(), 0.0
            looks += response.result.timing.infer.ToNanoseconds() * 1e-9
            if count > frames // 4 and response.result.verdict.state != verdict_pb2.VERDICT_STATE_CLEAR:
                raise RuntimeError("hidden whole: that is not the work to be measured")
    took, counted = time.perf_counter() - first, frames - frames // 4
    channel.close()
    return counted / took, looks / counted


def bare_rate(form: Form, data: Sequence[bytes], size: Size, frames: int, *, view: bool = False) -> float:
    """Return frames a second of the stages alone, in one thread of one process.

    Args:
        form: Of the pictures.
        data: The pictures, over and over.
        size: `(height, width)` of each.
        frames: How many.
        view: Mask raw pictures where they lie, instead of bringing each into memory of the loop's own first, as whoever
            reads them from a pipe, a socket or a decoder does.
    """
    plan = MaskPlan((Polygon(PART),), Effect())
    height, width = size

    def once(number: int) -> bytes:
        raw = data[number % len(data)]
        if form == frame_pb2.PIXEL_FORMAT_JPEG:
            return jpeg.write(mask(jpeg.read(raw, 0.0), plan), quality=QUALITY)
        planes, buffer = [], np.frombuffer(raw, np.uint8)
        buffer = buffer if view else buffer.copy()
        for start, shape in ((0, (height, width)), (4, (height // 2, width // 2)), (5, (height // 2, width // 2))):
            begin = start * height * width // 4
            planes.append(buffer[begin : begin + shape[0] * shape[1]].reshape(shape))
        masked = mask(Frame(tuple(planes), Layout.I420, 0.0, bt709=True), plan)
        return b"".join(plane.tobytes() for plane in masked.planes)

    for number in range(frames // 4):
        once(number)
    start = time.perf_counter()
    for number in range(frames):
        once(number)
    return frames / (time.perf_counter() - start)


def measure_masked(frames: int, rounds: int) -> dict[str, Any]:
    """Return the ratio of served to bare frames a second, for JPEG and I420 in 1080p."""
    size = (1080, 1920)
    pictures = [picture(*size, number) for number in range(HOT)]
    raw = [as_i420(pictures[number % HOT]) for number in range(DISTINCT)]
    jpegs = [as_jpeg(each) for each in pictures]
    kinds: dict[str, tuple[Form, list[bytes], bool]] = {
        "JPEG": (frame_pb2.PIXEL_FORMAT_JPEG, jpegs, False),
        "I420": (frame_pb2.PIXEL_FORMAT_I420, raw, False),
        "I420, shared memory": (frame_pb2.PIXEL_FORMAT_I420, raw, True),
    }
    figures = {}
    print(
        f"{'1080p':<20} {'bare f/s':>9} {'served f/s':>11} {'ratio':>6} {'least':>6} {'most':>6} "
        f"{'hot bare f/s':>13} {'ratio':>6} {'looks ms':>9}"
    )
    with started("_server") as (address, _):
        for name, (form, data, share) in kinds.items():
            bare, hot, served, looks = [], [], [], []
            for _ in range(rounds):
                bare.append(bare_rate(form, data, size, frames))
                hot.append(bare_rate(form, data[:HOT], size, frames, view=True))
                rate, look = stream_rate(address, form, data, size, frames, share=share)
                served.append(rate)
                looks.append(look * 1000)
            ratios = [s / b for s, b in zip(served, bare, strict=True)]
            over_hot = [s / b for s, b in zip(served, hot, strict=True)]
            figures[name] = {"bare": bare, "hot": hot, "served": served, "ratios": ratios, "looks_ms": looks}
            print(
                f"{name:<20} {statistics.median(bare):9.1f} {statistics.median(served):11.1f} "
                f"{statistics.median(ratios):6.2f} {min(ratios):6.2f} {max(ratios):6.2f} "
                f"{statistics.median(hot):13.1f} {statistics.median(over_hot):6.2f} {statistics.median(looks):9.2f}"
            )
    return figures


# (c) transport


def round_trips(address: str, form: Form, data: Sequence[bytes], size: Size, frames: int) -> tuple[float, float]:
    """Return the median round trip with one frame in flight, and without what the server says its stages took."""
    channel, stub = stub_of(address)
    setup = config(form, "echo", response_mode=pb.RESPONSE_MODE_MASKED_FRAME, return_unchanged=True)
    turn, whole, bare, sent = threading.Semaphore(1), [], [], 0.0

    def messages() -> Iterator[pb.EnforceStreamRequest]:
        nonlocal sent
        yield setup
        for number in range(frames):
            request = message(number, number / 25, data[number % len(data)], size)
            turn.acquire()
            sent = time.perf_counter()
            yield request

    for response in stub.EnforceStream(messages()):
        if response.WhichOneof("message") == "result":
            took, timing = time.perf_counter() - sent, response.result.timing
            stages = sum(each.ToNanoseconds() for each in (timing.decode, timing.infer, timing.mask, timing.encode))
            if response.result.sequence_number >= frames // 4:
                whole.append(took)
                bare.append(took - stages * 1e-9)
            turn.release()
    channel.close()
    return statistics.median(whole) * 1000, statistics.median(bare) * 1000


def measure_transport(frames: int, rounds: int) -> dict[str, Any]:
    """Return what the service adds to its own stages, over what an echo of the same payload takes."""
    small, large = (360, 640), (1080, 1920)
    noisy = picture(*large, 0)
    noisy = np.asarray(cv2.add(noisy, np.random.default_rng(0).integers(0, 24, noisy.shape, np.uint8)), np.uint8)
    kinds: dict[str, tuple[Form, list[bytes], tuple[int, int]]] = {
        "JPEG 360p": (frame_pb2.PIXEL_FORMAT_JPEG, [as_jpeg(picture(*small, n)) for n in range(2)], small),
        "JPEG 1080p": (frame_pb2.PIXEL_FORMAT_JPEG, [as_jpeg(noisy)], large),
        "I420 1080p": (frame_pb2.PIXEL_FORMAT_I420, [as_i420(picture(*large, n)) for n in range(2)], large),
    }
    figures = {}
    print(
        f"{'payload':<11} {'KB':>6} {'echo ms':>8} {'service ms':>11} {'its transport':>14} {'over echo':>10} "
        f"{'least':>6} {'most':>6} {'working echo':>13} {'over it':>8}"
    )
    with started("_server") as (service, _), started("_echo") as (echo, _), started("_working") as (working, _):
        for name, (form, data, size) in kinds.items():
            rows = [
                (
                    round_trips(echo, form, data, size, frames)[0],
                    round_trips(working, form, data, size, frames)[1],
                    *round_trips(service, form, data, size, frames),
                )
                for _ in range(rounds)
            ]
            ratios = [transport / floor for floor, _, _, transport in rows]
            over_work = statistics.median(transport / work for _, work, _, transport in rows)
            floor, work, whole, transport = (statistics.median(column) for column in zip(*rows, strict=True))
            kilobytes, ratio = len(data[0]) / 1000, statistics.median(ratios)
            figures[name] = {
                "kb": kilobytes,
                "echo_ms": floor,
                "working_echo_ms": work,
                "service_ms": whole,
                "transport_ms": transport,
                "ratios": ratios,
                "ratio_over_working_echo": over_work,
            }
            print(
                f"{name:<11} {kilobytes:6.0f} {floor:8.2f} {whole:11.2f} {transport:14.2f} {ratio:10.2f} "
                f"{min(ratios):6.2f} {max(ratios):6.2f} {work:13.2f} {over_work:8.2f}"
            )
    return figures


# (d) soak

BUSY_S, REST_S, PATIENCE_S = 55.0, 2.0, 30.0


def measure_soak(minutes: float, guests: int, rate: float) -> dict[str, Any]:
    """Return how the server's memory grows while cameras come, stay, go and break off.

    Once a minute all have gone. What the server holds then, with everything given back that is free, is what it keeps:
    memory beside that depends on who is there at the moment, and its slope on little else.
    """
    samples: list[tuple[float, float, int, int]] = []
    rests: list[tuple[float, float, int]] = []
    said: deque[str] = deque()
    with started("_server", said) as (address, process):
        start, idle = time.monotonic(), files_of(process)
        while (began := time.monotonic()) < start + 60 * minutes:
            threads = [
                threading.Thread(target=guest, args=(address, number, began + BUSY_S, rate), daemon=True)
                for number in range(guests)
            ]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                tasks = len(os.listdir(f"/proc/{process}/task"))  # noqa: PTH208 - a number is enough
                samples.append((time.monotonic() - start, rss_mib(process), files_of(process), tasks))
                time.sleep(1)
            left = time.monotonic()
            while files_of(process) > idle and time.monotonic() < left + PATIENCE_S:
                time.sleep(0.1)  # connections that were broken off
            time.sleep(REST_S)
            said.clear()
            os.kill(process, signal.SIGUSR1)
            while (blocks := blocks_of(said)) is None:
                time.sleep(0.1)
            rests.append((time.monotonic() - start, own_mib(process), blocks))
            print(
                f"at rest: {rests[-1][0]:6.0f} s {rests[-1][1]:8.2f} MiB {blocks} blocks "
                f"{files_of(process) - idle} files more than idle",
                flush=True,
            )
    for at, mib, files, tasks in samples[:: max(1, len(samples) // 10)]:
        print(f"{at:6.0f} s {mib:8.1f} MiB {files:4d} files {tasks:4d} threads", flush=True)
    late = [(at, mib) for at, mib, _, _ in samples if at > 60 * minutes * 0.4]
    slope, low, high = slope_of(np.array(late))
    kept_late = np.array([each for each in rests if each[0] > 60 * minutes * 0.4])
    kept, kept_low, kept_high = median_slope_of(kept_late[:, :2])
    blocks_slope = median_slope_of(kept_late[:, ::2])
    figures: dict[str, Any] = {
        "minutes": minutes,
        "guests": guests,
        "rate": rate,
        "rss_mib": [samples[0][1], late[0][1], samples[-1][1]],
        "highest_mib": max(mib for _, mib, _, _ in samples),
        "slope_mib_per_hour": slope,
        "slope_95": [low, high],
        "at_rest_mib": [each[1] for each in rests],
        "at_rest_slope_mib_per_hour": kept,
        "at_rest_slope_95": [kept_low, kept_high],
        "at_rest_blocks": [each[2] for each in rests],
        "at_rest_blocks_per_hour": blocks_slope,
        "fds": [samples[0][2], max(s[2] for s in samples), samples[-1][2]],
        "threads": [samples[0][3], max(s[3] for s in samples), samples[-1][3]],
    }
    print(json.dumps(figures, indent=2), flush=True)
    return figures | {"samples": samples}


def files_of(process: int) -> int:
    """Return how many files and connections a process has open."""
    return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208 - a number is enough


def blocks_of(said: deque[str]) -> int | None:
    """Return what a server has answered to SIGUSR1; None if it has not yet."""
    return next((int(line.split()[1]) for line in list(said) if line.startswith("blocks ")), None)


def own_mib(process: int) -> float:
    """Return the memory that a process alone has and has written to.

    Not what it has only read of files: libraries are shared as long as another process has them open as well, and tens
    of MiB come and go with it.
    """
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


def slope_of(samples: NDArray[np.float64], block: int = 120, draws: int = 1000) -> tuple[float, float, float]:
    """Return the slope an hour of what was sampled as (seconds, value), and its 95 % interval.

    Memory of one second is that of the second before, so that what the line leaves is drawn anew in blocks (a moving
    block bootstrap; Kuensch, Annals of Statistics 17(3), 1989).
    """
    at, mib = samples.T
    line = np.polyfit(at, mib, 1)
    rest, size = mib - np.polyval(line, at), max(1, min(block, len(at) // 4))
    rng, slopes = np.random.default_rng(0), []
    for _ in range(draws):
        starts = rng.integers(0, len(at) - size + 1, -(-len(at) // size))
        drawn = np.concatenate([rest[start : start + size] for start in starts])[: len(at)]
        slopes.append(np.polyfit(at, np.polyval(line, at) + drawn, 1)[0])
    low, high = np.quantile(slopes, [0.025, 0.975])
    return float(line[0]) * 3600, float(low) * 3600, float(high) * 3600


def median_slope_of(samples: NDArray[np.float64], draws: int = 1000) -> tuple[float, float, float]:
    """Return the slope an hour of what was sampled as (seconds, value), and its 95 % interval by drawing anew.

    The median of the slopes between any two samples (Sen, JASA 63(324), 1968): a stream that has not quite ended when a
    minute is over lifts one sample by tens of MiB, and moves no median.
    """
    rng = np.random.default_rng(0)

    def slope(drawn: NDArray[np.float64]) -> float:
        one, other = np.triu_indices(len(drawn), 1)
        apart = drawn[other] - drawn[one]
        apart = apart[apart[:, 0] != 0]
        return float(np.median(apart[:, 1] / apart[:, 0])) * 3600

    drawn = [slope(samples[rng.integers(0, len(samples), len(samples))]) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return slope(samples), float(low), float(high)


def guest(address: str, number: int, until: float, rate: float) -> None:
    """Be a camera that stays for a few seconds, in one format or another, and every other time breaks off.

    Raw pictures pass through shared memory every other time.
    """
    stays = 0
    pictures = [picture(360, 640, each) for each in range(2)]
    jpegs, raws = [as_jpeg(each) for each in pictures], [as_i420(each) for each in pictures]
    while time.monotonic() < until:
        stays += 1
        use_jpeg = (stays + number) % 2 == 0
        form = frame_pb2.PIXEL_FORMAT_JPEG if use_jpeg else frame_pb2.PIXEL_FORMAT_I420
        data = jpegs if use_jpeg else raws
        share = not use_jpeg and stays % 4 < 2
        leave = min(until, time.monotonic() + 3 + number % 5)
        ours = Ours()

        def messages(
            form: Form = form,
            data: list[bytes] = data,
            leave: float = leave,
            ours: Ours = ours,
            share: bool = share,  # noqa: FBT001 - bound to this round
        ) -> Iterator[pb.EnforceStreamRequest]:
            slot_bytes = len(data[0]) if share else 0
            yield config(
                form, f"g{number}", response_mode=1 + number % 3, shared_memory=share, slot_size_bytes=slot_bytes
            )
            ours.open.wait(10)
            for count in range(10_000):
                if time.monotonic() > leave:
                    return
                picture = data[count % 2]
                yield ours.put(message(count, count / rate, b"" if share else picture, (360, 640)), picture)
                time.sleep(1 / rate)

        channel, stub = stub_of(address)
        call = stub.EnforceStream(messages())
        try:
            for response in call:
                ours.take(response)
                if stays % 2 and time.monotonic() > leave - 1 and response.WhichOneof("message") == "result":
                    call.cancel()  # type: ignore[no-untyped-call]
        except grpc.RpcError:
            pass
        channel.close()


SERVERS: dict[str, Callable[[], None]] = {
    "_server": serve_privacy,
    "_echo": lambda: serve_echo(works=False),
    "_working": lambda: serve_echo(works=True),
}
"""What runs in a process of its own."""


def main() -> None:
    """Run one part and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["cameras", "masked", "transport", "soak", *SERVERS])
    parser.add_argument("--cameras", type=int, nargs="+", default=[60, 80, 100, 120, 140])
    parser.add_argument("--seconds", type=float, default=30.0, help="Of each number of cameras.")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=30.0, help="Of the soak.")
    parser.add_argument("--guests", type=int, default=16, help="Cameras of the soak at the same time.")
    parser.add_argument("--rate", type=float, default=10.0, help="Frames a second that each of them sends.")
    parser.add_argument("--json", type=Path, help="Write the figures here as well.")
    options = parser.parse_args()
    parts: dict[str, Callable[[], Any]] = {
        "cameras": lambda: measure_cameras(options.cameras, options.seconds),
        "masked": lambda: measure_masked(options.frames, options.rounds),
        "transport": lambda: measure_transport(options.frames, options.rounds),
        "soak": lambda: measure_soak(options.minutes, options.guests, options.rate),
        **SERVERS,
    }
    figures = parts[options.part]()
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
