"""Findings for the eyes of people, in formats that review tools read, and what they said read back.

FiftyOne reads temporal detections of videos (`FiftyOneTemporalDetectionDataset`): the `labels` file maps a recording to
spans in seconds. CVAT reads Datumaro: one item a finding, its masked thumbnail as the picture, with a label to keep,
change or delete.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from privacy.audit.book import Book
from privacy.errors import InputError
from privacy.zones import PROHIBITED, Zone

MAX_BYTES = 256 * 2**20
_SAME_S = 0.5  # spans that differ by less are the same: tools round to frames


class Tool(StrEnum):
    """Who reads the file."""

    FIFTYONE = "fiftyone"
    CVAT = "cvat"


class Ruling(StrEnum):
    """What people said of a finding."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Span:
    """One reviewed sight.

    Attributes:
        start: Seconds.
        end: Seconds.
        zone: Its zone.
    """

    start: float
    end: float
    zone: Zone


def export(book: Book, tool: Tool) -> dict[str, Any]:
    """Return the findings of an audit that has ended, as `tool` reads them.

    FiftyOne: `{"classes", "labels": {key: [{"label", "timestamps": [start, end]}]}, "paths": {key: path}}`; "paths" is
    what goes into its `data.json`. CVAT: a Datumaro annotation file, to be imported with the folder of thumbnails.
    """
    findings = [one for _, one in book.findings()]
    return _fiftyone(findings) if tool is Tool.FIFTYONE else _datumaro(findings)


def read_back(book: Book, path: Path) -> dict[Ruling, int]:
    """Read a reviewed file, compare it with the findings, and write into the book what people said.

    Every finding that the file does not have any more was dismissed.

    Returns:
        How many findings were ruled on in each way.

    Raises:
        InputError: The file is none of ours, or names a zone or recording that the audit does not know.
    """
    data = _load(path)
    findings = list(book.findings())
    rows: list[tuple[int, float, float, str, str]] = []
    numbers = {entry.path: entry.id for entry in book.entries()}
    reviewed = _from_fiftyone(data) if "labels" in data else _from_datumaro(data, [one for _, one in findings])
    if unknown := set(reviewed) - set(numbers):
        raise InputError(f"{path}: reviews a recording that this audit does not have: {min(unknown)}", file=str(path))
    for recording, number in numbers.items():
        ours = [one for _, one in findings if one["path"] == recording]
        left = list(reviewed.get(recording, []))
        for one in ours:
            match = max(left, key=lambda span: _overlap(span, one), default=None)
            if match is None or _overlap(match, one) <= 0:
                rows.append((number, one["start_s"], one["end_s"], one["zone"], Ruling.DISMISSED))
                continue
            left.remove(match)
            same = (
                abs(match.start - one["start_s"]) <= _SAME_S
                and abs(match.end - one["end_s"]) <= _SAME_S
                and match.zone.slug == one["zone"]
            )
            rows.append(
                (number, one["start_s"], one["end_s"], one["zone"], Ruling.CONFIRMED)
                if same
                else (number, one["start_s"], match.end, match.zone.slug, Ruling.CHANGED)
            )
        rows += [(number, span.start, span.end, span.zone.slug, Ruling.ADDED) for span in left]
    book.write_reviews(rows)
    return {ruling: sum(row[4] == ruling for row in rows) for ruling in Ruling}


def _fiftyone(findings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    paths: dict[str, str] = {}
    labels: dict[str, list[dict[str, Any]]] = {}
    keys: dict[str, str] = {}
    for one in findings:
        key = keys.setdefault(one["path"], f"{len(keys):06}")
        paths[key] = one["path"]
        labels.setdefault(key, []).append(
            {
                "label": one["zone"],
                "timestamps": [one["start_s"], one["end_s"]],
                "confidence": one["p_prohibited"],
                "attributes": {"id": one["id"], "clauses": "; ".join(one["clauses"])},
            }
        )
    return {"classes": [zone.slug for zone in PROHIBITED], "labels": labels, "paths": paths}


def _datumaro(findings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    names = [zone.slug for zone in PROHIBITED]
    items = [
        {
            "id": one["id"],
            "annotations": [
                {
                    "id": 0,
                    "type": "label",
                    "group": 0,
                    "label_id": names.index(one["zone"]),
                    "attributes": {
                        "path": one["path"],
                        "start_s": one["start_s"],
                        "end_s": one["end_s"],
                        "p_prohibited": one["p_prohibited"],
                    },
                }
            ],
            "attr": {},
            "image": {"path": one["thumbnails"][0] if one["thumbnails"] else "", "size": [180, 320]},
        }
        for one in findings
    ]
    labels = [{"name": name, "parent": "", "attributes": []} for name in names]
    return {"info": {}, "categories": {"label": {"labels": labels, "attributes": []}}, "items": items}


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES} bytes", file=str(path))
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: no review can be read: {error}", file=str(path)) from error
    if not isinstance(data, dict) or not ({"labels", "items"} & set(data)):
        raise InputError(f"{path}: neither a FiftyOne nor a Datumaro file", file=str(path))
    return data


def _from_fiftyone(data: Mapping[str, Any]) -> dict[str, list[Span]]:
    try:
        return {
            data["paths"][key]: [_span(one["timestamps"][0], one["timestamps"][1], one["label"]) for one in spans or []]
            for key, spans in data["labels"].items()
        }
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError(f"a review that does not say what was seen when: {error!r}") from error


def _from_datumaro(data: Mapping[str, Any], findings: list[dict[str, Any]]) -> dict[str, list[Span]]:
    known = {one["id"]: one for one in findings}
    spans: dict[str, list[Span]] = {}
    try:
        names = [label["name"] for label in data["categories"]["label"]["labels"]]
        for item in data["items"]:
            was = known[item["id"]]
            for one in item["annotations"]:
                said = {**was, **one.get("attributes", {})}
                span = _span(said["start_s"], said["end_s"], names[one["label_id"]])
                spans.setdefault(was["path"], []).append(span)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, AttributeError) as error:
        raise InputError(f"a review that does not say what was seen when: {error!r}") from error
    return spans


def _span(start: Any, end: Any, zone: str) -> Span:  # noqa: ANN401 - whatever JSON held
    span = Span(float(start), float(end), Zone.of(zone))
    if not 0 <= span.start < span.end < float("inf") or span.zone is Zone.PERMITTED:
        raise ValueError(f"no sight: {start} to {end}, {zone}")
    return span


def _overlap(span: Span, one: Mapping[str, Any]) -> float:
    return float(min(span.end, one["end_s"]) - max(span.start, one["start_s"]))
