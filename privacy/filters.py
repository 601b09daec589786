"""Filters of list methods: the part of AIP-160 that this service serves. Pure.

    declared_purpose = "lobby" AND NOT labels.floor = "2"
    display_name = "Harbour*" OR display_name : "pier"
    state = OPEN AND severity >= HIGH

Comparisons are `=`, `!=`, `<`, `<=`, `>`, `>=` and `:` (contains; of labels: has this key). `OR` binds closer than
`AND`, as AIP-160 has it; `NOT` or `-` negates; parentheses group. A `*` at either end of a quoted value stands for
anything.

A filter is read into a tree, once for all. The tree says whether something passes; whoever keeps things in a database
may write it as a condition there instead, as `privacy.reports.filters` does.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from privacy.errors import FieldError

MAX_LENGTH = 2048
MAX_DEPTH = 16

T = TypeVar("T")
Test = Callable[[T], bool]


class Kind(StrEnum):
    """What a field holds, and so what it can be compared with."""

    TEXT = "text"
    NAME = "a name"
    """Text of which every letter counts: `:` asks for a part of it as it is written."""
    WORD = "a word"
    """One of a few; small and capital letters are the same."""
    RANK = "a rank"
    """One of a few that have an order."""
    FLAG = "true or false"
    TIME = "time"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """A field that may be asked for.

    Attributes:
        kind: What it holds.
        read: Its value: `str`, `bool`, an aware `datetime` or `Mapping[str, str]`, as `kind` says; None if it is unset.
        words: All that a word or a rank may be, the least first.
    """

    kind: Kind
    read: Callable[[T], str | bool | datetime | Mapping[str, str] | None]
    words: tuple[str, ...] = ()


Fields = Mapping[str, Field[T]]

_ORDER = ("<", "<=", ">", ">=")
COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    ":": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""What the signs say of whatever has an order, be it values or columns of a database."""
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


@dataclass(frozen=True, slots=True)
class AllOf(Generic[T]):
    """All of these hold; of none, all do."""

    parts: "tuple[Expression[T], ...]"

    def holds(self, each: T) -> bool:
        """Say whether it does."""
        return all(part.holds(each) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[T]):
    """One of these holds."""

    parts: "tuple[Expression[T], ...]"

    def holds(self, each: T) -> bool:
        """Say whether it does."""
        return any(part.holds(each) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not(Generic[T]):
    """This does not hold."""

    part: "Expression[T]"

    def holds(self, each: T) -> bool:
        """Say whether it does."""
        return not self.part.holds(each)


@dataclass(frozen=True, slots=True)
class Comparison(Generic[T]):
    """A field and what it is compared with; checked already.

    Attributes:
        name: Of the field.
        field: The field.
        key: Of labels, which one; "" for all of them.
        sign: How it is compared.
        value: What it is compared with; of a word or a rank one of its words.
        quoted: Whether a `*` at an end of `value` stands for anything.
        moment: The same as a time; None of fields that are none.
    """

    name: str
    field: Field[T]
    key: str
    sign: str
    value: str
    quoted: bool = False
    moment: datetime | None = None

    @property
    def pattern(self) -> "Pattern":
        """What the whole of a text has to look like."""
        before = self.quoted and self.value.startswith("*")
        after = self.quoted and len(self.value) > 1 and self.value.endswith("*")
        return Pattern(before, self.value[before : len(self.value) - after], after)

    def holds(self, each: T) -> bool:
        """Say whether it does."""
        found = self.field.read(each)
        if self.field.kind is Kind.TIME:
            known = isinstance(found, datetime)
            return bool(COMPARED[self.sign](found, self.moment)) if known else self.sign == "!="
        if self.field.kind is Kind.FLAG:
            return (found is (self.value == "true")) is not (self.sign == "!=")
        if self.field.kind is Kind.LABELS:
            labels = found if isinstance(found, Mapping) else {}
            return self._text_holds(labels.get(self.key)) if self.key else self.value in labels
        if self.field.kind is Kind.RANK:
            rank = self.field.words.index
            return bool(COMPARED[self.sign](rank(str(found)), rank(self.value)))
        return self._text_holds(str(found or ""))

    def _text_holds(self, found: str | None) -> bool:
        if found is None:
            return self.sign == "!="
        if self.sign == ":" and self.field.kind is Kind.NAME:
            return self.value in found
        if self.sign == ":" and self.field.kind is not Kind.WORD:
            return self.value.casefold() in found.casefold()
        return self.pattern.matches(found) is not (self.sign == "!=")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text, with anything before or after it.

    Attributes:
        before: Whether anything may stand before it.
        text: The text.
        after: Whether anything may stand after it.
    """

    before: bool
    text: str
    after: bool

    def matches(self, text: str) -> bool:
        """Say whether a whole text looks like it."""
        if self.before and self.after:
            return self.text in text
        if self.before:
            return text.endswith(self.text)
        return text.startswith(self.text) if self.after else text == self.text


Expression = AllOf[T] | AnyOf[T] | Not[T] | Comparison[T]


def parse(text: str, fields: Fields[T]) -> Test[T]:
    """Return what tells whether something passes a filter; everything passes the empty one.

    Args:
        text: The filter.
        fields: What may be asked for.

    Raises:
        FieldError: It is no filter, asks for a field that there is not, or compares what cannot be compared.
    """
    return tree(text, fields).holds


def tree(text: str, fields: Fields[T]) -> Expression[T]:
    """Return a filter as the tree that it is; see `parse`."""
    if len(text) > MAX_LENGTH:
        raise FieldError(f"a filter has at most {MAX_LENGTH} characters, got {len(text)}", field="filter")
    if "\0" in text:  # databases take none
        raise _error("what is this", text.index("\0"))
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

    def whole(self) -> Expression[T]:
        if not self._tokens:
            return AllOf(())
        found = self._all()
        if (left := self._peek()) is not None:
            raise _error("want AND, OR or the end", left.at)
        return found

    def _all(self) -> Expression[T]:
        parts = [self._any()]
        while self._take("word", "AND"):
            parts.append(self._any())
        return AllOf(tuple(parts)) if len(parts) > 1 else parts[0]

    def _any(self) -> Expression[T]:
        parts = [self._term()]
        while self._take("word", "OR"):
            parts.append(self._term())
        return AnyOf(tuple(parts)) if len(parts) > 1 else parts[0]

    def _term(self) -> Expression[T]:
        negated = self._take("word", "NOT") or self._take("minus", "-")
        return Not(self._simple()) if negated else self._simple()

    def _simple(self) -> Expression[T]:
        opening = self._peek()
        if not self._take("bracket", "("):
            return self._comparison()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _error(f"more than {MAX_DEPTH} parentheses in each other", opening.at if opening else None)
        inner = self._all()
        if not self._take("bracket", ")"):
            raise _error("a parenthesis is not closed", opening.at if opening else None)
        self._depth -= 1
        return inner

    def _comparison(self) -> Comparison[T]:
        field = self._want("word", "the name of a field")
        sign = self._want("operator", "one of = != < <= > >= :")
        value = self._peek()
        if value is None or value.kind not in ("word", "string"):
            raise _error("want a value", value.at if value else None)
        self._next += 1
        return self._compared(field, sign.text, value)

    def _compared(self, name: _Token, sign: str, value: _Token) -> Comparison[T]:
        """Return the comparison; whatever is wrong with it is said now, and not at the first row."""
        path, _, key = name.text.partition(".")
        if path not in self._fields:
            raise _error(f"no field {path!r}; there are {', '.join(sorted(self._fields))}", name.at)
        field = self._fields[path]
        if key and field.kind is not Kind.LABELS:
            raise _error(f"{path} is {field.kind}, and has no {key!r}", name.at)
        if field.kind is Kind.LABELS and not key and sign != ":":
            raise _error(f"want {path}.KEY {sign} VALUE, or {path}:KEY", name.at)
        if sign in _ORDER and field.kind not in (Kind.TIME, Kind.RANK):
            raise _error(f"{path} is {field.kind}, which has no order", name.at)
        wanted, quoted = _unquoted(value), value.kind == "string"
        if field.kind is Kind.TIME:
            return Comparison(path, field, key, sign, wanted, moment=_moment(wanted, value.at))
        if field.kind is Kind.FLAG and wanted not in ("true", "false"):
            raise _error(f"{path} is true or false, got {wanted!r}", value.at)
        if field.kind in (Kind.WORD, Kind.RANK):
            words = {word.casefold(): word for word in field.words}
            if wanted.casefold() not in words:
                raise _error(f"{path} is one of {', '.join(field.words)}, got {wanted!r}", value.at)
            return Comparison(path, field, key, sign, words[wanted.casefold()])
        return Comparison(path, field, key, sign, wanted, quoted)

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
