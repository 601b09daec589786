"""What an audit comes to: findings, totals, and what could not be read; as JSON, as CSV, and under another policy."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from privacy.audit.book import Book, Entry
from privacy.audit.estimate import Share, Sight, p_missed, share_of_time
from privacy.audit.finding import Finding, Judged, judge
from privacy.audit.terms import Terms
from privacy.errors import SinkError
from privacy.policy import Policy
from privacy.verdict import State

SCHEMA = "https://raw.githubusercontent.com/privacy-zones/privacy/main/docs/audit-findings.schema.json"
VERSION = 1
THUMBNAILS = "thumbnails"


@dataclass(frozen=True, slots=True)
class Ruled:
    """One recording and what is ruled about it."""

    entry: Entry
    judged: Judged

    def identified(self) -> Iterator[tuple[str, Finding]]:
        """Yield the findings with their names: the same in every audit that finds the same."""
        for one in self.judged.findings:
            about = f"{self.entry.path}|{one.start:.3f}|{one.zone.slug}"
            yield hashlib.sha256(about.encode()).hexdigest()[:16], one


@dataclass(slots=True)
class Totals:
    """What adds up over all recordings.

    Attributes:
        recordings: That are in the archive.
        outside: Of these, outside the time that was asked for.
        unreadable: Of these, not read to their end.
        audited_s: Recorded time that was audited.
        uncertain_s: Of it, ruled UNCERTAIN.
        pictures: In that time, as far as the recordings say.
        decoded: Of these, decoded.
        fresh: Of these, looked at by the model.
        zones: Findings and seconds of each zone.
        sights: Of all findings, for the estimate.
        longest_gap_s: Longest time without a look.
        missed_s: Recorded time, times the probability that an event that begins there is not looked at.
    """

    recordings: int = 0
    outside: int = 0
    unreadable: int = 0
    audited_s: float = 0.0
    uncertain_s: float = 0.0
    pictures: float = 0.0
    decoded: int = 0
    fresh: int = 0
    zones: dict[str, list[float]] = field(default_factory=dict)
    sights: list[Sight] = field(default_factory=list)
    longest_gap_s: float = 0.0
    missed_s: float = 0.0

    @property
    def findings(self) -> int:
        """How many."""
        return len(self.sights)

    @property
    def prohibited_s(self) -> float:
        """How long all findings last together."""
        return sum(one.seconds for one in self.sights)

    def add(self, ruled: Ruled, min_event_s: float) -> None:
        """Count one recording in."""
        entry, judged = ruled.entry, ruled.judged
        self.recordings += 1
        self.outside += entry.outside
        self.unreadable += bool(entry.broken)
        self.audited_s += entry.duration
        self.pictures += entry.duration * entry.rate
        self.decoded += entry.decoded
        self.fresh += entry.fresh
        self.uncertain_s += sum(one.end - one.start for one in judged.timeline if one.state is State.UNCERTAIN)
        for one in judged.findings:
            count = self.zones.setdefault(one.zone.slug, [0, 0.0])
            count[0] += 1
            count[1] += one.seconds
            self.sights.append(Sight(one.seconds, one.scan_gap, one.start_within + one.end_within))
        if len(judged.gaps):
            self.longest_gap_s = max(self.longest_gap_s, float(judged.gaps.max()))
            self.missed_s += p_missed(judged.gaps, min_event_s) * float(judged.gaps.sum())

    @property
    def p_not_looked_at(self) -> float:
        """Probability that an event of the shortest length, anywhere in the audited time, is not looked at at all."""
        return self.missed_s / self.audited_s if self.audited_s else 0.0

    def share(self) -> Share:
        """Estimate the share of the audited time that shows a prohibited place."""
        return share_of_time(self.sights, self.audited_s, self.longest_gap_s)


def rule(book: Book, rules: Policy) -> Iterator[Ruled]:
    """Judge every recording of a book, by camera and path. No picture is touched: only what the model said counts."""
    terms = Terms.from_json(book.fact("terms"))
    shortest = min(rules.timing.report_after_s, terms.min_event_s)
    for entry in book.entries():
        yield Ruled(entry, judge(book.looks(entry), rules, model=terms.model, shortest_s=shortest))


def finding_json(ruled: Ruled, name: str, one: Finding, thumbnails: list[str]) -> dict[str, Any]:
    """Return one finding as it stands in findings.json; docs/audit-findings.schema.json describes each key."""
    begun = ruled.entry.begun
    return {
        "id": name,
        "path": ruled.entry.path,
        "camera": ruled.entry.camera,
        "start_s": round(one.start, 3),
        "end_s": round(one.end, 3),
        "start_time": (begun + timedelta(seconds=one.start)).isoformat(timespec="milliseconds") if begun else None,
        "zone": one.zone.slug,
        "p_prohibited": round(one.p_prohibited, 4),
        "clauses": [clause.citation for clause in one.clauses],
        "start_within_s": one.start_within,
        "end_within_s": one.end_within,
        "exposure": {"seconds": round(one.seconds, 3), "frames": one.frames},
        "thumbnails": thumbnails,
        "review": None,
        "report": None,
    }


def summary_json(totals: Totals, terms: Terms) -> dict[str, Any]:
    """Return the totals as they stand in findings.json."""
    share = totals.share()
    return {
        "recordings": totals.recordings,
        "outside": totals.outside,
        "unreadable": totals.unreadable,
        "audited_s": round(totals.audited_s, 3),
        "uncertain_s": round(totals.uncertain_s, 3),
        "findings": totals.findings,
        "prohibited_s": round(totals.prohibited_s, 3),
        "zones": {
            zone: {"findings": int(count), "seconds": round(seconds, 3)}
            for zone, (count, seconds) in sorted(totals.zones.items())
        },
        "prohibited_share": {
            "share": round(share.share, 6),
            "lower": round(share.lower, 6),
            "upper": round(share.upper, 6),
            "confidence": share.confidence,
        },
        "guarantee": {
            "min_event_s": terms.min_event_s,
            "p_not_looked_at": round(totals.p_not_looked_at, 6),
            "longest_gap_s": round(totals.longest_gap_s, 3),
            "decoded": totals.decoded,
            "decoded_share": round(totals.decoded / totals.pictures, 6) if totals.pictures else 0.0,
            "looked_at": totals.fresh,
        },
    }


def conclude(book: Book, rules: Policy, folder: Path) -> dict[str, Any]:
    """Judge a book and write findings.json, findings.csv and the masked thumbnails into a folder.

    Returns:
        The content of findings.json, and under "recordings" what the page shows of each.

    Raises:
        SinkError: They cannot be written.
    """
    terms, totals = Terms.from_json(book.fact("terms")), Totals()
    findings: list[dict[str, Any]] = []
    numbered: list[tuple[int, dict[str, Any]]] = []
    recordings: list[dict[str, Any]] = []
    unreadable: list[dict[str, Any]] = []
    reviews = {(recording, start): ruling for recording, start, _, _, ruling in book.reviews()}
    reports = book.reports()
    try:
        (folder / THUMBNAILS).mkdir(parents=True, exist_ok=True)
        for old in (folder / THUMBNAILS).glob("*.jpg"):  # of an earlier run that found something else
            old.unlink()
        for ruled in rule(book, rules):
            totals.add(ruled, terms.min_event_s)
            entry = ruled.entry
            for name, one in ruled.identified():
                pictures = _thumbnails(book, ruled, name, one, folder)
                findings.append(finding_json(ruled, name, one, pictures))
                findings[-1]["review"] = reviews.get((entry.id, round(one.start, 3)))
                findings[-1]["report"] = reports.get(name)
                numbered.append((entry.id, findings[-1]))
            unreadable += [
                {
                    "path": entry.path,
                    "reason": fault.why.value,
                    "broke_at_s": fault.offset if entry.duration else None,
                    "message": fault.message,
                }
                for fault in entry.broken
            ]
            recordings.append(_recording_json(ruled))
    except OSError as error:
        raise SinkError(f"{folder}: cannot be written: {error.strerror}", sink=str(folder)) from error
    book.write_findings(numbered)
    book.state("summary", summary_json(totals, terms))
    count, first = book.ignored()
    done = {
        "$schema": SCHEMA,
        "version": VERSION,
        "audit": {
            "started": book.fact("started"),
            "ended": book.fact("ended"),
            "tool": f"privacy {book.fact('tool')}",
            "model": book.fact("model"),
            "policy": book.fact("policy"),
            "terms": terms.to_json(),
        },
        "summary": summary_json(totals, terms),
        "findings": findings,
        "unreadable": unreadable,
        "ignored": {"files": count, "first": first},
    }
    write(folder / "findings.json", json.dumps(done, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    write_csv(folder / "findings.csv", findings)
    return {**done, "recordings": recordings}


def _thumbnails(book: Book, ruled: Ruled, name: str, one: Finding, folder: Path) -> list[str]:
    found = book.thumbnails(ruled.entry.id, one.start, one.end)
    if len(found) > 3:
        found = [found[0], found[len(found) // 2], found[-1]]
    names = []
    for number, (_, picture) in enumerate(found):
        names.append(f"{THUMBNAILS}/{name}-{number}.jpg")
        (folder / names[-1]).write_bytes(picture)
    return names


def _recording_json(ruled: Ruled) -> dict[str, Any]:
    entry = ruled.entry
    return {
        "path": entry.path,
        "camera": entry.camera,
        "begun": entry.begun.isoformat(timespec="seconds") if entry.begun else None,
        "duration_s": round(entry.duration, 3),
        "size": entry.size,
        "codec": entry.codec,
        "outside": entry.outside,
        "broken": [[fault.why.value, fault.offset, fault.message] for fault in entry.broken],
        "timeline": [
            [round(one.start, 2), round(one.end, 2), one.state.value[0], one.zone.slug if one.zone else ""]
            for one in ruled.judged.timeline
        ],
    }


CSV = (
    "id", "path", "camera", "start_s", "end_s", "start_time", "zone", "p_prohibited", "clauses", "start_within_s",
    "end_within_s", "exposure_s", "exposure_frames", "review", "report",
)  # fmt: skip
"""The columns of findings.csv."""


def write_csv(path: Path, findings: Iterable[dict[str, Any]]) -> None:
    """Write one line a finding. What a spreadsheet would take for a formula is written as text.

    Raises:
        SinkError: It cannot be written.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(CSV)
    for one in findings:
        flat = one | {
            "clauses": "; ".join(one["clauses"]),
            "exposure_s": one["exposure"]["seconds"],
            "exposure_frames": one["exposure"]["frames"],
        }
        rows.writerow([_cell(flat[column]) for column in CSV])
    write(path, text.getvalue())


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def write(path: Path, text: str) -> None:
    """Write a file that is either the old one or the new one, never half of it.

    Raises:
        SinkError: It cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise SinkError(f"{path}: cannot be written: {error.strerror}", sink=str(path)) from error


@dataclass(frozen=True, slots=True)
class Change:
    """What another policy would change.

    Attributes:
        added: Findings that only the other policy has, with their recordings and names.
        removed: Findings that only the audit's own policy has.
        changed: Findings whose span or zone differs, as the other policy has them.
        share: The share of time under the other policy.
        own: The share under the audit's own.
    """

    added: tuple[tuple[Ruled, str, Finding], ...]
    removed: tuple[tuple[Ruled, str, Finding], ...]
    changed: tuple[tuple[Ruled, str, Finding], ...]
    share: Share
    own: Share


def simulate(book: Book, own: Policy, other: Policy) -> Change:
    """Judge the stored scores under another policy, and compare. No recording is opened."""
    terms = Terms.from_json(book.fact("terms"))
    added: list[tuple[Ruled, str, Finding]] = []
    removed: list[tuple[Ruled, str, Finding]] = []
    changed: list[tuple[Ruled, str, Finding]] = []
    totals, theirs = Totals(), Totals()
    for before, after in zip(rule(book, own), rule(book, other), strict=True):
        totals.add(before, terms.min_event_s)
        theirs.add(after, terms.min_event_s)
        old, new = list(before.identified()), list(after.identified())
        matched: set[str] = set()
        for name, one in new:
            same = [other_name for other_name, was in old if _overlap(one, was)]
            matched.update(same)
            if not same:
                added.append((after, name, one))
            elif not any(_alike(one, was) for other_name, was in old if other_name in same) or len(same) > 1:
                changed.append((after, name, one))
        removed += [(before, name, one) for name, one in old if name not in matched]
    return Change(tuple(added), tuple(removed), tuple(changed), theirs.share(), totals.share())


def _overlap(one: Finding, other: Finding) -> bool:
    return one.start < other.end and other.start < one.end


def _alike(one: Finding, other: Finding) -> bool:
    return bool(np.allclose((one.start, one.end), (other.start, other.end), atol=1e-3)) and one.zone is other.zone
