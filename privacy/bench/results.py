"""What a run found: written, read again, as JSON, as frames, and against another run."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from privacy.bench import protocol
from privacy.bench.datasets import Scenes
from privacy.bench.metrics import METRICS, Table
from privacy.bench.scores import Answers, Scored
from privacy.errors import InputError
from privacy.training.data import Meaning, Photo
from privacy.zones import Zone

FILE = "results.json"
SCORES = "scores.csv"
_SHARES = tuple(f"p_{zone.slug}" for zone in Zone)


class ResultsError(InputError):
    """A folder holds no results of this bench, or two runs cannot be compared."""

    reason = "INVALID_RESULTS"


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """What a run found.

    Attributes:
        record: What results.json holds; privacy/bench/results.schema.json describes it.
        scores: One row for each photo and model: dataset, model, item, source, label, zones, failed, and a share
            for each zone.
    """

    record: Mapping[str, Any]
    scores: Sequence[Mapping[str, Any]] = ()

    @property
    def complete(self) -> bool:
        """False if anything was left out or failed; `record` names it."""
        excluded = any(dataset["excluded"] for dataset in self.record["datasets"])
        return not excluded and not any(result["failures"] for result in self.record["results"])

    def save(self, folder: Path) -> None:
        """Write results.json and scores.csv."""
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / FILE, to_json(self.record))
        if self.scores:
            text = io.StringIO()
            writer = csv.DictWriter(text, list(self.scores[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.scores)
            _write(folder / SCORES, text.getvalue())

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Read what `save` wrote.

        Raises:
            ResultsError: It is not that, or of another protocol.
        """
        try:
            record = json.loads((folder / FILE).read_text("utf-8"))
            schema, version = record["schema"], record["protocol"]
            scores: list[dict[str, Any]] = []
            if (folder / SCORES).is_file():
                with (folder / SCORES).open(encoding="utf-8", newline="") as file:
                    scores = [dict(row) for row in csv.DictReader(file)]
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise ResultsError(f"{folder} holds no results: {error}", folder=str(folder)) from error
        if (schema, version) != (protocol.SCHEMA, protocol.VERSION):
            raise ResultsError(
                f"{folder} holds {schema} by protocol {version}, not {protocol.SCHEMA} by {protocol.VERSION}",
                folder=str(folder),
            )
        return cls(record, scores)

    def rows(self, what: str) -> list[dict[str, Any]]:
        """Return one table as flat rows.

        Args:
            what: "measures", "comparisons", "sources", "corruptions", "clips", "failures" or "scores".

        Raises:
            ResultsError: There is no such table.
        """
        keyed = [({"dataset": r["dataset"], "model": r["model"], "task": r["task"]}, r) for r in self.record["results"]]
        match what:
            case "measures":
                return [{**key, "measure": name, **value} for key, r in keyed for name, value in r["measures"].items()]
            case "comparisons":
                return [dict(row) for row in self.record["comparisons"]]
            case "sources" | "corruptions" | "clips":
                return [{**key, **row} for key, r in keyed for row in r.get(what, ())]
            case "failures":
                return [{**key, **row} for key, r in keyed for row in r["failures"]]
            case "scores":
                return [dict(row) for row in self.scores]
        raise ResultsError(f"no table {what!r} in results", table=what)

    def frame(self, what: str) -> Any:  # noqa: ANN401 - pandas is an extra
        """Return one table, see `rows`, as a `pandas.DataFrame`; needs the extra "bench"."""
        import pandas as pd  # noqa: PLC0415 - an extra

        return pd.DataFrame(self.rows(what))

    def scored(self, dataset: str, model: str) -> Scored:
        """Return a model's answers about a set, as far as metrics need them.

        Raises:
            ResultsError: They were not kept.
        """
        rows = [row for row in self.scores if row["dataset"] == dataset and row["model"] == model]
        if not rows:
            raise ResultsError(f"no scores of {model} on {dataset}", model=model, dataset=dataset)
        return _scored(model, dataset, rows)


def compare(one: Results, other: Results, *, rounds: int = protocol.ROUNDS, seed: int = 0) -> list[dict[str, Any]]:
    """Compare each model of `other` with that of the same name in `one`, or with the only one there, by the same draws.

    Raises:
        ResultsError: No set was measured in both, or it is not the same set in both.
    """
    digests = [
        {dataset["name"]: dataset["digest"] for dataset in results.record["datasets"]} for results in (one, other)
    ]
    kept = [{(row["dataset"], row["model"]) for row in results.scores} for results in (one, other)]
    found = []
    for dataset, model in sorted(kept[1]):
        if dataset not in digests[0]:
            continue
        if digests[0][dataset] != digests[1][dataset]:
            raise ResultsError(f"{dataset} is not the same set of photos in both", dataset=dataset)
        before = sorted(name for where, name in kept[0] if where == dataset)
        against = model if model in before else before[0] if len(before) == 1 else None
        if against is not None:
            pair = one.scored(dataset, against), other.scored(dataset, model)
            named = [_renamed(pair[0], f"A: {against}"), _renamed(pair[1], f"B: {model}")]
            rows = Table(named, METRICS, rounds=rounds, seed=seed).comparisons()
            found += [{"dataset": dataset, **row} for row in rows]
    if not found:
        raise ResultsError("the two have no set of photos and model in common")
    return found


def score_rows(dataset: str, scored: Scored) -> list[dict[str, Any]]:
    """Return the rows of scores.csv for one model on one set."""
    zones = scored.answers.zones
    return [
        {
            "dataset": dataset,
            "model": scored.model,
            "item": item.encode("utf-8", "backslashreplace").decode("utf-8"),
            "source": photo.source,
            "label": photo.label,
            "zones": ";".join(f"{zone.slug}={share!r}" for zone, share in photo.meaning.zones.items()),
            "failed": int(scored.answers.failed[index]),
            **{name: repr(float(value)) for name, value in zip(_SHARES, zones[index], strict=True)},
        }
        for index, (item, photo) in enumerate(zip(scored.scenes.items, scored.scenes.photos, strict=True))
    ]


def to_json(value: object) -> str:
    """Return JSON as results are written: one space of indent, no NaN."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _scored(model: str, dataset: str, rows: Sequence[Mapping[str, Any]]) -> Scored:
    photos, zones, failed = [], [], []
    try:
        for row in rows:
            shares = dict(pair.split("=") for pair in row["zones"].split(";"))
            meaning = Meaning({Zone.of(slug): float(share) for slug, share in shares.items()}, "")
            photos.append(Photo(Path(row["item"]), row["label"], meaning, row["source"]))
            zones.append([float(row[name]) for name in _SHARES])
            failed.append(row["failed"] not in ("0", 0))
    except (KeyError, ValueError) as error:
        raise ResultsError(f"the scores of {model} on {dataset} cannot be read: {error}", model=model) from error
    answers = Answers(np.array(zones), (), np.array(failed, np.bool_))
    return Scored(model, Scenes(dataset, tuple(photos), Path()), answers)


def _renamed(scored: Scored, name: str) -> Scored:
    return Scored(name, scored.scenes, scored.answers)


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    part.replace(path)
