"""Serves an ONNX zone model with NVIDIA PyTriton, for `kserve.py`; needs `nvidia-pytriton` and `onnxruntime`."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import onnxruntime as ort
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def opened(path: str) -> ort.InferenceSession:
    """Open the model as `privacy` does."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def runner(session: ort.InferenceSession) -> Callable[..., Any]:
    """Return what Triton calls with a batch."""

    def run(rgb: np.ndarray) -> Sequence[np.ndarray]:
        return [session.run(["zones"], {"images": rgb})[0]]

    return cast("Callable[..., Any]", batch(run))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--port", type=int, required=True, help="Of gRPC; the next two are HTTP and metrics.")
    parser.add_argument("--workers", type=int, required=True, help="Runs of the model at the same time.")
    parser.add_argument("--batch", type=int, default=8)
    told = parser.parse_args()
    config = TritonConfig(
        grpc_address="127.0.0.1", grpc_port=told.port, http_address="127.0.0.1", http_port=told.port + 1,
        metrics_port=told.port + 2, log_verbose=0, exit_on_error=True,
    )  # fmt: skip
    side = opened(told.model).get_inputs()[0].shape[1:]
    triton = Triton(config=config)  # not `with`: a server that runs before it is bound gives the model a second to load
    triton.bind(
        model_name="zones",
        infer_func=[runner(opened(told.model)) for _ in range(told.workers)],
        inputs=[Tensor(name="rgb", dtype=np.uint8, shape=tuple(side))],
        outputs=[Tensor(name="zones", dtype=np.float32, shape=(-1,))],
        config=ModelConfig(max_batch_size=told.batch, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
    )
    triton.serve()


if __name__ == "__main__":
    main()
