"""The same findings from a cluster as from one machine, though a machine of it is lost in the middle."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from privacy.audit import run
from privacy.audit.archive import Naming
from privacy.audit.book import Progress
from privacy.audit.engines.ray import RayEngine
from privacy.audit.outcome import Ruled
from privacy.models import catalogue
from tests.audit.recordings import TERMS, audit, make_bright, ruled, spans, write_recording

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two machines of one core each, simulated on this one."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    import ray  # noqa: PLC0415 - an extra
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_that_loses_a_machine_finds_what_one_machine_finds(tmp_path: Path, cluster: Any) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in range(24):
        write_recording(archive / f"{number:02}.mp4", [(10 + number / 2, 24 + number / 2)])
    (archive / "broken.mp4").write_bytes(b"no video")
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    lost: list[int] = []

    def watch(at: Progress) -> None:
        if at.done >= 4 and not lost:
            lost.append(at.done)
            cluster.remove_node(second, allow_graceful=False)

    with run.begin(tmp_path / "ray", [str(archive)], TERMS, catalogue.load_policy(), Naming(), resume=False) as book:
        with RayEngine(make_bright, address=cluster.address, workers=2) as engine:
            assert run.scan(book, engine, watch)
        found, digest = ruled(book), book.digest()
    with audit(tmp_path / "local", archive) as local:
        here, expected = ruled(local), local.digest()

    assert lost
    assert digest == expected
    assert _all(found) == _all(here)
    assert sum(len(spans(one)) for one in found.values()) == 24


def _all(found: dict[str, Ruled]) -> dict[str, object]:
    return {name: (spans(one), [fault.why for fault in one.entry.broken]) for name, one in found.items()}
