"""Filters of list methods: the part of AIP-160 that this service serves. Pure.

    declared_purpose = "lobby" AND NOT labels.floor = "2"
    display_name = "Harbour*" OR display_name : "pier"

Comparisons are `=`, `!=`, `<`, `<=`, `>`, `>=` and `:` (contains; of labels: has this key). `OR` binds closer than
`AND`, as AIP-160 has it; `NOT` or `-` negates; parentheses group. A `*` at either end of a quoted value stands for
anything.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from privacy.errors import FieldError

MAX_LENGTH = 2048
MAX_DEPTH = 16

T = TypeVar("T")
Test = Callable[[T], bool]


class Kind(StrEnum):
    """What a field holds, and so what it can be compared with."""

    TEXT = "text"
    FLAG = "true or false"
    TIME = "time"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """A field that may be asked for.

    Attributes:
        kind: What it holds.
        read: Its value: `str`, `bool`, an aware `datetime` or `Mapping[str, str]`, as `kind` says; None if it is unset.
    """

    kind: Kind
    read: Callable[[T], str | bool | datetime | Mapping[str, str] | None]


Fields = Mapping[str, Field[T]]

_ORDER = ("<", "<=", ">", ">=")
_COMPARED: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "=": operator.eq,
    ":": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TOKENS = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<operator><=|>=|!=|=|<|>|:)
    |(?P<bracket>[()])
    |(?P<minus>-(?=[A-Za-z(]))
    |(?P<word>[^\s()=<>!:"']+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str, fields: Fields[T]) -> Test[T]:
    """Return what tells whether something passes a filter; everything passes the empty one.

    Args:
        text: The filter.
        fields: What may be asked for.

    Raises:
        FieldError: It is no filter, asks for a field that there is not, or compares what cannot be compared.
    """
    if len(text) > MAX_LENGTH:
        raise FieldError(f"a filter has at most {MAX_LENGTH} characters, got {len(text)}", field="filter")
    return _Parser(_tokens(text), fields).whole()


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKENS.match(text, at)
        if found is None:
            raise _error("what is this", at)
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found.group(kind), found.start(kind)))
        at = found.end()
    return tokens


def _error(what: str, at: int | None) -> FieldError:
    where = "at its end" if at is None else f"at character {at + 1}"
    return FieldError(f"the filter cannot be read {where}: {what}", field="filter")


class _Parser(Generic[T]):
    def __init__(self, tokens: list[_Token], fields: Fields[T]) -> None:
        self._tokens = tokens
        self._fields = fields
        self._next = 0
        self._depth = 0

    def whole(self) -> Test[T]:
        if not self._tokens:
            return lambda _: True
        test = self._all()
        if (left := self._peek()) is not None:
            raise _error("want AND, OR or the end", left.at)
        return test

    def _all(self) -> Test[T]:
        tests = [self._any()]
        while self._take("word", "AND"):
            tests.append(self._any())
        return lambda each: all(test(each) for test in tests)

    def _any(self) -> Test[T]:
        tests = [self._term()]
        while self._take("word", "OR"):
            tests.append(self._term())
        return lambda each: any(test(each) for test in tests)

    def _term(self) -> Test[T]:
        if self._take("word", "NOT") or self._take("minus", "-"):
            test = self._simple()
            return lambda each: not test(each)
        return self._simple()

    def _simple(self) -> Test[T]:
        opening = self._peek()
        if not self._take("bracket", "("):
            return self._comparison()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _error(f"more than {MAX_DEPTH} parentheses in each other", opening.at if opening else None)
        test = self._all()
        if not self._take("bracket", ")"):
            raise _error("a parenthesis is not closed", opening.at if opening else None)
        self._depth -= 1
        return test

    def _comparison(self) -> Test[T]:
        field = self._want("word", "the name of a field")
        sign = self._want("operator", "one of = != < <= > >= :")
        value = self._peek()
        if value is None or value.kind not in ("word", "string"):
            raise _error("want a value", value.at if value else None)
        self._next += 1
        return self._compared(field, sign.text, value)

    def _compared(self, name: _Token, sign: str, value: _Token) -> Test[T]:
        """Return the test; whatever is wrong with it is said now, and not at the first row."""
        path, _, key = name.text.partition(".")
        if path not in self._fields:
            raise _error(f"no field {path!r}; there are {', '.join(sorted(self._fields))}", name.at)
        field = self._fields[path]
        if key and field.kind is not Kind.LABELS:
            raise _error(f"{path} is {field.kind}, and has no {key!r}", name.at)
        if field.kind is Kind.LABELS and not key and sign != ":":
            raise _error(f"want {path}.KEY {sign} VALUE, or {path}:KEY", name.at)
        if sign in _ORDER and field.kind is not Kind.TIME:
            raise _error(f"{path} is {field.kind}, which has no order", name.at)
        wanted = _unquoted(value)
        if field.kind is Kind.TIME:
            moment = _moment(wanted, value.at)
            return lambda each: _ordered(field.read(each), sign, moment)
        if field.kind is Kind.FLAG:
            if wanted not in ("true", "false"):
                raise _error(f"{path} is true or false, got {wanted!r}", value.at)
            return lambda each: (field.read(each) is (wanted == "true")) is not (sign == "!=")
        if field.kind is Kind.LABELS and not key:
            return lambda each: wanted in _labels(field, each)
        pattern = wanted if value.kind == "string" else None
        if field.kind is Kind.LABELS:
            return lambda each: _holds(_labels(field, each).get(key), sign, wanted, pattern)
        return lambda each: _holds(str(field.read(each) or ""), sign, wanted, pattern)

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, kind: str, text: str) -> bool:
        token = self._peek()
        if token is None or (token.kind, token.text) != (kind, text):
            return False
        self._next += 1
        return True

    def _want(self, kind: str, what: str) -> _Token:
        token = self._peek()
        if token is None or token.kind != kind:
            raise _error(f"want {what}", token.at if token else None)
        self._next += 1
        return token


def _unquoted(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "string" else token.text


def _moment(text: str, at: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _error(f"want a time such as 2026-01-31T12:00:00Z, got {text!r}", at) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _labels(field: Field[T], each: T) -> Mapping[str, str]:
    found = field.read(each)
    return found if isinstance(found, Mapping) else {}


def _holds(found: str | None, sign: str, wanted: str, pattern: str | None) -> bool:
    if found is None:
        return sign == "!="
    if sign == ":":
        return wanted.casefold() in found.casefold()
    same = found == wanted if pattern is None else _matches(found, pattern)
    return same is not (sign == "!=")


def _matches(text: str, pattern: str) -> bool:
    before, after = pattern.startswith("*"), len(pattern) > 1 and pattern.endswith("*")
    middle = pattern[before : len(pattern) - after]
    if before and after:
        return middle in text
    if before:
        return text.endswith(middle)
    return text.startswith(middle) if after else text == pattern


def _ordered(found: object, sign: str, wanted: datetime) -> bool:
    if not isinstance(found, datetime):
        return sign == "!="
    return _COMPARED[sign](found, wanted)
