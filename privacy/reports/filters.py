"""Which reports are wanted: a small part of AIP-160, `state = OPEN AND severity >= HIGH`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from sqlalchemy import ColumnElement

from privacy.errors import InputError
from privacy.policy import Severity
from privacy.reports.report import Report, ReportKind, ReportState
from privacy.reports.tables import ReportRow
from privacy.zones import Zone

_TERM = re.compile(r'\s*(\w+)\s*(<=|>=|!=|=|<|>)\s*("[^"]*"|[^\s"]+)\s*')
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"=": eq, "!=": ne, "<": lt, ">": gt, "<=": le, ">=": ge}
_WORDS: dict[str, frozenset[str]] = {
    "state": frozenset(ReportState),
    "kind": frozenset(ReportKind),
    "zone": frozenset(zone.slug for zone in Zone),
}
_TEXTS = ("rule", "camera", "subject")
_GRAVITY = {severity.value: number for number, severity in enumerate(Severity)}
MAX_TERMS = 16


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison: field, operator, value."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Comparisons that must all hold."""

    terms: tuple[Term, ...] = ()

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for the database."""
        return [_OPERATORS[term.operator](*_of_row(term)) for term in self.terms]

    def admits(self, report: Report) -> bool:
        """Say whether a report matches."""
        return all(_OPERATORS[term.operator](*_of_report(term, report)) for term in self.terms)


def parse(text: str) -> Filter:
    """Read a filter; "" matches everything.

    Raises:
        InputError: It is no filter, or names what a report does not have.
    """
    if not text.strip():
        return Filter()
    terms: list[Term] = []
    for part in re.split(r"\s+AND\s+", text.strip()):
        match = _TERM.fullmatch(part)
        if match is None or len(terms) == MAX_TERMS:
            raise InputError("a filter is FIELD OPERATOR VALUE, joined by AND: state = OPEN AND severity >= HIGH")
        terms.append(_checked(Term(match[1], match[2], match[3].strip('"'))))
    return Filter(tuple(terms))


def _checked(term: Term) -> Term:
    if term.field == "severity" and term.value in _GRAVITY:
        return term
    if term.operator not in ("=", "!="):
        raise InputError("only severity has an order", field="filter")
    value = term.value.lower() if term.field == "zone" else term.value
    if term.field in _TEXTS or value in _WORDS.get(term.field, ()):
        return Term(term.field, term.operator, value)
    raise InputError(
        f"a filter compares {', '.join((*_WORDS, *_TEXTS, 'severity'))} with a value that it can have", field="filter"
    )


def _of_row(term: Term) -> tuple[Any, Any]:
    if term.field == "severity":
        return ReportRow.gravity, _GRAVITY[term.value]
    return getattr(ReportRow, term.field), term.value


def _of_report(term: Term, report: Report) -> tuple[Any, Any]:
    if term.field == "severity":
        return _GRAVITY[report.severity], _GRAVITY[term.value]
    if term.field == "zone":
        return "" if report.zone is None else report.zone.slug, term.value
    return str(getattr(report, term.field)), term.value
