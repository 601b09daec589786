"""Where spans of time lie on a line, for drawings. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from privacy.console.wall import Shown, Span

WIDTH = 1000.0
"""Of a drawing, in its own units."""
_LEAST = 1.0  # or the shortest sight of a prohibited place would be no pixel wide


@dataclass(frozen=True, slots=True)
class Bar:
    """One span as it is drawn, in units of `WIDTH`."""

    x: float
    width: float
    span: Span


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on the line."""

    x: float
    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """A time, `[start, end)`, and what was in it.

    Attributes:
        start: In seconds since 1970-01-01 UTC.
        end: In the same.
        bars: In order; of those that overlap for being too short, the graver one is drawn last.
        marks: In order.
    """

    start: float
    end: float
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()

    def ticks(self, count: int = 5) -> list[float]:
        """Return moments at equal distances, both ends among them."""
        return [self.start + (self.end - self.start) * number / (count - 1) for number in range(count)]


def line(start: float, end: float, spans: Sequence[Span], marks: Sequence[tuple[float, str]] = ()) -> Line:
    """Lay spans and moments along a line; what is outside of it is cut off.

    Args:
        start: Where it begins.
        end: Where it ends, later than `start`.
        spans: In any order.
        marks: Moments and what they are called.
    """
    scale = WIDTH / (end - start)
    bars = []
    for span in spans:
        first, last = max(start, span.start), min(end, span.end)
        if last <= first:
            continue
        width = max(_LEAST, (last - first) * scale)
        bars.append(Bar(round(min((first - start) * scale, WIDTH - width), 2), round(width, 2), span))
    grave = (Shown.OFFLINE, Shown.SILENT, Shown.CLEAR, Shown.UNCERTAIN, Shown.PROHIBITED)
    found = [Mark(round((at - start) * scale, 2), at, name) for at, name in marks if start <= at <= end]
    return Line(
        start,
        end,
        tuple(sorted(bars, key=lambda bar: (grave.index(bar.span.shown), bar.x))),
        tuple(sorted(found, key=lambda mark: mark.at)),
    )
