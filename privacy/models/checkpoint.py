"""Classifiers of timm and torchvision, from a file of weights, seeing pictures as they were trained to.

Weights are read as tensors and nothing else: safetensors, or a PyTorch file with `weights_only`, which runs no code.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError, ModelIntegrityError, ModelNotFoundError


class Checkpoint:
    """A network that was built here and filled from a file.

    Args:
        library: "timm" or "torchvision".
        architecture: What the library calls it, for example "resnet18".
        weights: The file, verified.
        suffix: ".safetensors", or what PyTorch files are called: ".pt", ".pth", ".bin".
        classes: How many it tells apart.

    Raises:
        InputError: The library has no such architecture; nothing is fetched to look for one.
        ModelIntegrityError: The weights do not fit it.
        ModelNotFoundError: The library is not installed.
    """

    def __init__(self, library: str, architecture: str, weights: bytes, suffix: str, classes: int) -> None:
        self._name = f"{library} {architecture}"
        try:
            self._network, self._transform = {"timm": _timm, "torchvision": _torchvision}[library](
                architecture, classes
            )
        except ImportError as error:
            raise ModelNotFoundError(
                f"{error}; install the extra: pip install 'privacy-zones[checkpoints]'", model=self._name
            ) from error
        state = _tensors(weights, suffix, name=self._name)
        try:
            self._network.load_state_dict(state)
        except (RuntimeError, TypeError) as error:
            raise ModelIntegrityError(f"the weights do not fit {self._name}: {error}", model=self._name) from error
        self._network.eval()

    def classify(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return `(C,)` float32 class probabilities of `(H, W, 3)` uint8 RGB."""
        import torch  # noqa: PLC0415 - an extra
        from PIL import Image  # noqa: PLC0415

        with torch.inference_mode():
            logits = self._network(self._transform(Image.fromarray(image))[None])
            return np.asarray(logits[0].softmax(0).numpy(), np.float32)


def _timm(architecture: str, classes: int) -> tuple[Any, Callable[[Any], Any]]:
    import timm  # noqa: PLC0415 - an extra

    if not timm.is_model(architecture):  # "hf-hub:..." would be fetched
        raise InputError(f"timm has no {architecture!r}", model=architecture)
    network = timm.create_model(architecture, pretrained=False, num_classes=classes)
    data: Any = timm.data  # its functions are typed in part only
    return network, data.create_transform(**data.resolve_model_data_config(network), is_training=False)


def _torchvision(architecture: str, classes: int) -> tuple[Any, Callable[[Any], Any]]:
    from torchvision import models  # noqa: PLC0415 - an extra

    if architecture not in models.list_models(module=models):  # detectors fetch weights for what is below their heads
        raise InputError(f"torchvision has no classifier {architecture!r}", model=architecture)
    network = models.get_model(architecture, weights=None, num_classes=classes)
    return network, models.get_model_weights(architecture).DEFAULT.transforms()


def _tensors(weights: bytes, suffix: str, *, name: str) -> dict[str, Any]:
    if suffix == ".safetensors":
        from safetensors.torch import load  # noqa: PLC0415 - an extra

        try:
            return dict(load(weights))
        except Exception as error:  # safetensors raises a bare Exception of its own
            raise ModelIntegrityError(f"the weights of {name} are no safetensors: {error}", model=name) from error
    import torch  # noqa: PLC0415 - an extra

    try:
        state = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile file may provoke any
        raise ModelIntegrityError(
            f"the weights of {name} hold more than tensors, or are no PyTorch file: {error}", model=name
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise ModelIntegrityError(f"the weights of {name} are no table of tensors", model=name)
    return {str(key).removeprefix("module."): value for key, value in state.items()}
