"""`GRPCInferenceService` beside NVIDIA PyTriton: the same ONNX file, processors, pictures and client, turn by turn.

    python benchmarks/kserve.py --pytriton PYTHON   # of an environment with nvidia-pytriton and onnxruntime

Decoded pictures of the size that the model takes, so that neither side decodes or scales; a client keeps so many
requests in flight and sends the next when one is answered. PyTriton runs the session as `privacy` opens it, in as many
workers. Ratios are above 1 where `privacy` is faster or keeps them waiting less. The floor is the bare session in one
process.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np

from privacy.inference import open_inference_pb2 as pb
from privacy.inference import open_inference_pb2_grpc as pb_grpc
from privacy.models import catalogue
from privacy.models.onnx import open_session

HERE = Path(__file__).resolve().parent
STARTS_WITHIN_S = 90.0


def request_for(model: str, side: tuple[int, int]) -> pb.ModelInferRequest:
    """Return a request with one picture of noise."""
    picture = np.random.default_rng(0).integers(0, 256, (1, *side, 3), dtype=np.uint8)
    request = pb.ModelInferRequest(model_name=model, raw_input_contents=[picture.tobytes()])
    request.inputs.add(name="rgb", datatype="UINT8", shape=picture.shape)
    request.outputs.add(name="zones")
    return request


def free_port() -> int:
    """Return a port that is free now, and so, most likely, are the next two."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@contextlib.contextmanager
def process(*command: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server, and end it."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as running:
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()


def wait_ready(address: str, model: str, side: tuple[int, int]) -> None:
    """Return when the model answers.

    Raises:
        SystemExit: It does not.
    """
    end = time.monotonic() + STARTS_WITHIN_S
    with grpc.insecure_channel(address) as channel:
        while True:
            try:
                pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request_for(model, side), timeout=10)
            except grpc.RpcError as error:
                if time.monotonic() > end:
                    sys.exit(f"{model} at {address} does not answer: {error}")
                time.sleep(0.5)
            else:
                return


def load(address: str, request: pb.ModelInferRequest, in_flight: int, seconds: float) -> tuple[float, float, float]:
    """Return answers a second, and the median and 99th percentile of their latency in milliseconds."""
    times: list[float] = []
    end = time.monotonic() + seconds

    def ask(stub: pb_grpc.GRPCInferenceServiceStub) -> None:
        while time.monotonic() < end:
            start = time.perf_counter()
            stub.ModelInfer(request, timeout=60)
            times.append(time.perf_counter() - start)

    with grpc.insecure_channel(address) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        threads = [threading.Thread(target=ask, args=(stub,)) for _ in range(in_flight)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    p50, p99 = np.percentile(np.array(times) * 1000, (50, 99))
    return len(times) / (time.monotonic() - start), float(p50), float(p99)


def floor(workers: int, side: tuple[int, int], seconds: float) -> float:
    """Return runs a second of the bare session, in as many threads as there are workers."""
    session = open_session(catalogue.read(catalogue.card(catalogue.DEFAULT)), name="floor", threads=1)
    picture = np.zeros((1, *side, 3), np.uint8)
    counts = [0] * workers
    end = time.monotonic() + seconds

    def run(worker: int) -> None:
        while time.monotonic() < end:
            session.run(["zones"], {"images": picture})
            counts[worker] += 1

    threads = [threading.Thread(target=run, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytriton", required=True, help="Python of an environment with nvidia-pytriton.")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=6.0, help="Of one turn.")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--logs", type=Path, default=Path("/tmp"), help="Where the servers' words go.")  # noqa: S108
    told = parser.parse_args()
    workers = len(os.sched_getaffinity(0))
    model = catalogue.load(catalogue.DEFAULT)
    side, port = model.input_size, free_port()
    weights = str(catalogue.path_of(catalogue.card(catalogue.DEFAULT)))
    ours = (sys.executable, "-c", "from privacy.cli import main; main()", "serve", "--database", "none")
    theirs = (told.pytriton, str(HERE / "kserve_pytriton.py"), weights, "--workers", str(workers))
    sides = {"privacy": (f"127.0.0.1:{port + 10}", model.name), "pytriton": (f"127.0.0.1:{port}", "zones")}
    with contextlib.ExitStack() as ending:
        # Triton gives its workers a second to say that they live: it starts alone.
        ending.enter_context(process(*theirs, "--port", str(port), log=told.logs / "kserve-pytriton.log"))
        wait_ready(*sides["pytriton"], side)
        ending.enter_context(process(*ours, "--address", sides["privacy"][0], log=told.logs / "kserve-privacy.log"))
        wait_ready(*sides["privacy"], side)
        base = floor(workers, side, told.seconds)
        print(json.dumps({"workers": workers, "picture": [*side, 3], "bare_session_per_s": round(base, 1)}))
        for in_flight in told.in_flight:
            found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in sides}
            for _ in range(told.turns):
                for name, (address, served) in sides.items():
                    found[name].append(load(address, request_for(served, side), in_flight, told.seconds))
            rates, p50, p99 = (
                {name: statistics.median(turn[at] for turn in turns) for name, turns in found.items()}
                for at in range(3)
            )
            print(
                json.dumps(
                    {
                        "in_flight": in_flight,
                        "per_s": {name: round(rate, 1) for name, rate in rates.items()},
                        "p50_ms": {name: round(value, 1) for name, value in p50.items()},
                        "p99_ms": {name: round(value, 1) for name, value in p99.items()},
                        "throughput_ratio": round(rates["privacy"] / rates["pytriton"], 2),
                        "p99_ratio": round(p99["pytriton"] / p99["privacy"], 2),
                        "share_of_bare_session": {name: round(rate / base, 2) for name, rate in rates.items()},
                    }
                )
            )


if __name__ == "__main__":
    main()
