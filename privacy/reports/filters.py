"""Which reports are wanted, `state = OPEN AND severity >= HIGH`: a `privacy.filters` filter, for the database too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from privacy import filters
from privacy.filters import COMPARED, AllOf, AnyOf, Comparison, Expression, Field, Fields, Kind, Not
from privacy.policy import Severity
from privacy.reports.report import Report, ReportKind, ReportState
from privacy.reports.tables import ReportRow
from privacy.zones import Zone

FIELDS: Fields[Report] = {
    "state": Field(Kind.WORD, lambda report: report.state.value, tuple(ReportState)),
    "kind": Field(Kind.WORD, lambda report: report.kind.value, tuple(ReportKind)),
    "zone": Field(
        Kind.WORD, lambda report: "" if report.zone is None else report.zone.slug, tuple(zone.slug for zone in Zone)
    ),
    "severity": Field(Kind.RANK, lambda report: report.severity.value, tuple(Severity)),
    "rule": Field(Kind.NAME, lambda report: report.rule),
    "camera": Field(Kind.NAME, lambda report: report.camera),
    "subject": Field(Kind.NAME, lambda report: report.subject),
}
_COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {
    "state": ReportRow.state,
    "kind": ReportRow.kind,
    "zone": ReportRow.zone,
    "severity": ReportRow.gravity,
    "rule": ReportRow.rule,
    "camera": ReportRow.camera,
    "subject": ReportRow.subject,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which reports are wanted.

    Attributes:
        tree: What has to hold of them.
    """

    tree: Expression[Report]

    def condition(self) -> ColumnElement[bool]:
        """Return it for the database, where it admits the same reports. What was typed is a value there."""
        return _condition(self.tree)

    def admits(self, report: Report) -> bool:
        """Say whether a report matches."""
        return self.tree.holds(report)


def parse(text: str) -> Filter:
    """Read a filter; "" matches everything.

    Raises:
        FieldError: It is no filter, or names what a report does not have.
    """
    return Filter(filters.tree(text, FIELDS))


def _condition(tree: Expression[Report]) -> ColumnElement[bool]:
    match tree:
        case AllOf():
            return and_(true(), *map(_condition, tree.parts))
        case AnyOf():
            return or_(*map(_condition, tree.parts))
        case Not():
            return not_(_condition(tree.part))
        case Comparison():
            return _compared(tree)


def _compared(one: Comparison[Report]) -> ColumnElement[bool]:
    column, kind = _COLUMNS[one.name], one.field.kind
    if kind is Kind.RANK:
        return _of(COMPARED[one.sign](column, one.field.words.index(one.value)))
    if kind is Kind.WORD:
        return _of(COMPARED[one.sign](column, one.value))
    if one.sign == ":":
        return _holds(column, one.value)
    pattern = one.pattern
    if pattern.before and pattern.after:
        same = _holds(column, pattern.text)
    elif pattern.before:
        same = func.substr(column, func.length(column) - len(pattern.text) + 1) == pattern.text
    elif pattern.after:
        same = func.substr(column, 1, len(pattern.text)) == pattern.text
    else:
        same = _of(column == pattern.text)
    return not_(same) if one.sign == "!=" else same


def _holds(column: InstrumentedAttribute[Any], text: str) -> ColumnElement[bool]:
    """Say that a text is part of a column; by LIKE, small and capital letters would be the same in SQLite."""
    return func.replace(column, text, "") != column if text else true()


def _of(condition: Any) -> ColumnElement[bool]:  # noqa: ANN401 - what an operator makes of a column
    made: ColumnElement[bool] = condition
    return made
