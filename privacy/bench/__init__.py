"""The bench: any model on any set of known places, boxes or clips, by one frozen protocol (docs/benchmark.md).

from privacy import bench

results = bench.run(["zones-lite0", "my-card.toml"], ["corpus=../shared/corpus"], ["separation"])
results.frame("measures")
"""

from privacy.bench.cards import Card
from privacy.bench.datasets import Boxes, Clip, Clips, Scenes
from privacy.bench.metrics import Metric
from privacy.bench.models import Entrant
from privacy.bench.results import Results, compare
from privacy.bench.run import TASKS, run
from privacy.bench.scores import Scored

__all__ = [
    "TASKS",
    "Boxes",
    "Card",
    "Clip",
    "Clips",
    "Entrant",
    "Metric",
    "Results",
    "Scenes",
    "Scored",
    "compare",
    "run",
]
