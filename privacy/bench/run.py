"""One run: every model on every set it can be asked about, every number with its interval, every failure named."""

import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from privacy import measures
from privacy.bench import cost, datasets, detection, doors, models, protocol, robustness, streams
from privacy.bench.datasets import Boxes, Clips, Dataset, Scenes
from privacy.bench.metrics import Metric, Table, by_source, confusion, curves, metrics, worst_photos
from privacy.bench.models import Detects, Entrant
from privacy.bench.results import Results, score_rows
from privacy.bench.scores import Failure, Scored, Store, ask, sort_out
from privacy.errors import InputError
from privacy.models import catalogue
from privacy.policy import Policy

TASKS = (
    "separation",
    "naming",
    "calibration",
    "abstention",
    "robustness",
    "localisation",
    "stream",
    "detection",
    "cost",
)
"""What can be measured, in the order of the results; metrics of plugins may add to it."""
PHOTO_TASKS = ("separation", "naming", "calibration", "abstention")
LIBRARIES = ("numpy", "opencv-python-headless", "onnxruntime", "av")
Tell = Callable[[str, int, int], None]
"""Told what is being done, and how many photos of how many are."""


def run(
    models_: Sequence[str | Entrant | Detects],
    datasets_: Sequence[str | Dataset],
    tasks: Sequence[str] | None = None,
    *,
    split: str = "test",
    labels: Path | None = None,
    weights: Path | None = None,
    rules: Policy | None = None,
    keep: Path | None = None,
    rounds: int = protocol.ROUNDS,
    seed: int = 0,
    tell: Tell = lambda _what, _done, _all: None,
) -> Results:
    """Measure models on sets.

    Args:
        models_: What `privacy.bench.models.load` takes, or models. Others are compared with the first.
        datasets_: What `privacy.bench.datasets.load` takes, or sets themselves.
        tasks: Of `TASKS`; None for all.
        split: Of the sets.
        labels: Label map instead of the usual ones.
        weights: Where the files of model cards are looked for.
        rules: Policy for streams and faces; None for the default. Models that are calibrated have their own thresholds.
        keep: Folder in which answers are kept, so that a run that was killed goes on where it stopped.
        rounds: Bootstrap resamples.
        seed: Of the resampling.
        tell: Told how far the run is.

    Raises:
        InputError: A model, a set or a task is not what it should be; before anything is measured.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    wanted = metrics()
    known = tuple(dict.fromkeys((*TASKS, *(metric.task for metric in wanted))))
    asked = tuple(tasks) if tasks is not None else known
    if unknown := sorted(set(asked) - set(known)):
        raise InputError(f"no task {', '.join(unknown)}; known: {', '.join(known)}", task=unknown[0])
    entrants = [models.load(one, weights=weights) if isinstance(one, str) else one for one in models_]
    sets = [datasets.load(one, split=split, labels=labels) if isinstance(one, str) else one for one in datasets_]
    if not entrants or not sets:
        raise InputError("a run needs a model and a data set")
    _distinct("model", [entrant.name for entrant in entrants])
    _distinct("data set", [dataset.name for dataset in sets])
    session = _Session(
        entrants=entrants,
        store=Store(keep),
        rules=rules or catalogue.load_policy(),
        tasks=asked,
        wanted=wanted,
        rounds=rounds,
        seed=seed,
        tell=tell,
    )
    for dataset in sets:
        session.measure(dataset, split)
    timing: dict[str, Any] = {}
    if "cost" in asked:
        tell("cost", 0, 1)
        timing = cost.measure({entrant.name: entrant for entrant in entrants})
        for spec, entrant in zip(models_, entrants, strict=True):
            timing[entrant.name]["peak memory MB"] = (
                cost.peak_memory_mb(spec, weights) if isinstance(spec, str) else None
            )
    record = {
        "schema": protocol.SCHEMA,
        "protocol": protocol.VERSION,
        "seed": seed,
        "rounds": rounds,
        "policy": f"{session.rules.name} {session.rules.version}",
        "tasks": list(asked),
        "models": [{"name": one.name, "digest": one.digest, **dict(one.about)} for one in entrants],
        "datasets": session.sets,
        "results": session.results,
        "comparisons": session.comparisons,
        "not_measured": session.skipped,
        "cost": timing,
        "run": {
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 1),
            "environment": environment(),
        },
    }
    return Results(record, session.scores)


class _Session:
    """What a run has found so far."""

    def __init__(
        self,
        *,
        entrants: Sequence[Entrant | Detects],
        store: Store,
        rules: Policy,
        tasks: Sequence[str],
        wanted: Sequence[Metric],
        rounds: int,
        seed: int,
        tell: Tell,
    ) -> None:
        self.rules = rules
        self.sets: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []
        self.comparisons: list[dict[str, Any]] = []
        self.skipped: list[dict[str, str]] = []
        self.scores: list[dict[str, Any]] = []
        self._entrants, self._store, self._tasks, self._tell = entrants, store, tasks, tell
        self._wanted = [metric for metric in wanted if metric.task in tasks]
        self._draws: dict[str, int] = {"rounds": rounds, "seed": seed}

    def measure(self, dataset: Dataset, split: str) -> None:
        """Measure every model that can be asked about this set."""
        match dataset:
            case Scenes():
                self._scenes(dataset, split)
            case Boxes():
                self._boxes(dataset)
            case Clips():
                self._clips(dataset)

    def _scenes(self, dataset: Scenes, split: str) -> None:
        scenes, unread = sort_out(dataset)
        self.sets.append(
            {
                "name": dataset.name,
                "kind": "scenes",
                "digest": dataset.digest,
                "split": split,
                "items": len(scenes.photos),
                "prohibited": int(scenes.shown.sum()),
                "sources": len(set(scenes.sources)),
                "redistributable": dataset.redistributable,
                "excluded": _named(unread),
            }
        )
        entrants = self._those(dataset.name, Detects, wanted=False, why="it finds boxes and names no places")
        if not scenes.photos or not entrants:
            self._skip(dataset.name, entrants, "no photo of the set can be read")
            return
        if not {*PHOTO_TASKS, *(metric.task for metric in self._wanted), "robustness", "localisation"} & set(
            self._tasks
        ):
            return
        said = ask(scenes, entrants, self._store, tell=lambda done, all_: self._tell(dataset.name, done, all_))
        scored = [Scored(entrant.name, scenes, said[entrant.name]) for entrant in entrants]
        self._photos(scenes, scored)
        if "robustness" in self._tasks:
            self._robustness(scenes, entrants, scored)
        if "localisation" in self._tasks:
            self._localisation(scenes, entrants)

    def _photos(self, scenes: Scenes, scored: Sequence[Scored]) -> None:
        self._tell("intervals", 0, 1)
        table = Table(scored, self._wanted, **self._draws)
        self.comparisons += [{"dataset": scenes.name, **row} for row in table.comparisons()]
        tables: Mapping[str, Callable[[Scored], dict[str, Any]]] = {
            "separation": lambda one: {"sources": by_source(one), "worst": worst_photos(one), "curves": curves(one)},
            "naming": lambda one: {"confusion": confusion(one)},
        }
        for one in scored:
            self.scores += score_rows(scenes.name, one)
            for task in dict.fromkeys(metric.task for metric in self._wanted):
                self._add(
                    scenes.name,
                    one.model,
                    task,
                    {
                        "measures": table.of(one.model, task),
                        "failures": _named(one.answers.failures) if task == self._wanted[0].task else [],
                        **(tables[task](one) if task in tables else {}),
                    },
                )

    def _robustness(self, scenes: Scenes, entrants: Sequence[Entrant], scored: Sequence[Scored]) -> None:
        chosen = robustness.chosen(scenes)
        few = scenes.only(chosen)
        if few.shown.all() or not few.shown.any():
            self._skip(scenes.name, entrants, "robustness needs prohibited and permitted photos")
            return
        damaged = robustness.answers(few, entrants, self._store, self._tell)
        for one in scored:
            threshold = measures.score_at(one.p, one.shown)
            clean = Scored(one.model, few, one.answers.only(chosen))
            found = robustness.measure(clean, damaged[one.model], threshold, **self._draws)
            failures = [
                {"item": f"{failure.item} ({kind} {severity})", "error": failure.error}
                for (kind, severity), answers in damaged[one.model].items()
                for failure in answers.answers.failures
            ]
            self._add(scenes.name, one.model, "robustness", {**found, "failures": failures})

    def _localisation(self, scenes: Scenes, entrants: Sequence[Entrant]) -> None:
        composed = doors.compose(scenes)
        if not composed:
            self._skip(scenes.name, entrants, "localisation needs rooms with doors, and private places")
        for number, entrant in enumerate(entrants if composed else ()):
            self._tell("open doors", number, len(entrants))
            found = doors.measure(entrant, composed, **self._draws)
            if found is None:
                self._skip(scenes.name, [entrant], "localisation: it does not say where in the picture")
            else:
                self._add(scenes.name, entrant.name, "localisation", found)

    def _clips(self, dataset: Clips) -> None:
        self._about(dataset, "clips", len(dataset.clips))
        if "stream" not in self._tasks:
            return
        for number, entrant in enumerate(
            self._those(dataset.name, Detects, wanted=False, why="it finds boxes and names no places")
        ):
            self._tell(f"{dataset.name}: {entrant.name}", number, len(self._entrants))
            self._add(
                dataset.name, entrant.name, "stream", streams.measure(entrant, dataset, self.rules, **self._draws)
            )

    def _boxes(self, dataset: Boxes) -> None:
        self._about(dataset, "boxes", len(dataset.truth["images"]))
        if "detection" not in self._tasks:
            return
        for number, entrant in enumerate(
            self._those(dataset.name, Detects, wanted=True, why="it names places and finds no boxes")
        ):
            labels = {category["name"] for category in dataset.truth["categories"]}
            if not labels & set(entrant.detector.labels):
                self._skip(dataset.name, [entrant], f"it has no label of {', '.join(sorted(labels)[:5])}")
                continue
            self._tell(f"{dataset.name}: {entrant.name}", number, len(self._entrants))
            found = detection.measure(entrant.detector, dataset, self.rules, **self._draws)
            self._add(dataset.name, entrant.name, "detection", found)

    def _about(self, dataset: Boxes | Clips, kind: str, items: int) -> None:
        self.sets.append({"name": dataset.name, "kind": kind, "digest": dataset.digest, "items": items, "excluded": []})

    def _those(self, dataset: str, kind: type, *, wanted: bool, why: str) -> list[Any]:
        """Return the models that can be asked about a set; the others are named as not measured."""
        self._skip(dataset, [one for one in self._entrants if isinstance(one, kind) is not wanted], why)
        return [one for one in self._entrants if isinstance(one, kind) is wanted]

    def _skip(self, dataset: str, entrants: Sequence[Entrant | Detects], why: str) -> None:
        self.skipped += [{"dataset": dataset, "model": entrant.name, "why": why} for entrant in entrants]

    def _add(self, dataset: str, model: str, task: str, found: Mapping[str, Any]) -> None:
        self.results.append({"dataset": dataset, "model": model, "task": task, **found})


def environment() -> dict[str, str]:
    """Return what else decides the numbers, or how long they take."""
    return {
        "privacy-zones": metadata.version("privacy-zones"),
        "commit": _commit(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _commit() -> str:
    """Return the commit of this checkout, with a "+" if something was changed since; "" outside of one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        head, changed = (
            subprocess.run(  # noqa: S603 - two fixed commands
                ["git", "-C", str(root), *asked],  # noqa: S607 - whichever git the user has
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            ).stdout.strip()
            for asked in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("+" if changed else "")


def _named(failures: Sequence[Failure]) -> list[dict[str, str]]:
    return [{"item": failure.item, "error": failure.error} for failure in failures]


def _distinct(what: str, names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two {what}s are called {', '.join(twice)}", name=twice[0])
