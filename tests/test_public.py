"""The public surface: what README promises can be imported, and nothing else is promised."""

import subprocess
import sys

import pytest

import privacy


def test_the_public_surface_is_pinned() -> None:
    assert privacy.__all__ == ["VideoSink", "VideoSource", "guard", "load_model", "load_policy"]


@pytest.mark.parametrize("name", privacy.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(privacy, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = privacy.nothing


@pytest.mark.parametrize("module", ["torch", "grpc", "av", "sqlalchemy"])
def test_the_core_loads_no_heavy_library(module: str) -> None:
    script = f"import sys, privacy.verdict, privacy.plan, privacy.incident; sys.exit({module!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
