"""Which device masks."""

import ctypes
import sys

import pytest

from privacy import masking
from privacy.errors import DeviceError
from privacy.masking import mask, masker_for


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)


def test_the_cpu_needs_nothing() -> None:
    assert masker_for("cpu") is mask


@pytest.mark.usefixtures("no_driver")
def test_auto_takes_the_cpu_where_there_is_no_driver() -> None:
    assert masker_for("auto") is mask


def test_auto_takes_the_cpu_where_there_is_a_driver_and_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_has_driver", lambda: True)
    monkeypatch.setitem(sys.modules, "privacy.masking.device", None)

    assert masker_for("auto") is mask


def test_cuda_without_torch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "privacy.masking.device", None)

    with pytest.raises(DeviceError, match="extra gpu"):
        masker_for("cuda")


def test_cuda_without_a_gpu_is_refused_and_does_not_fall_back() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")

    with pytest.raises(DeviceError, match="0 GPUs"):
        masker_for("cuda")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="tpu"):
        masker_for("tpu")
