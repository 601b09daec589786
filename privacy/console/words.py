"""What the console says, in both languages: one file, `messages.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import resources

from privacy.reports.printing import CHINA


class Language(StrEnum):
    """A language of the console, as HTML names it."""

    ZH = "zh-CN"
    EN = "en"


class Theme(StrEnum):
    """How bright the console is."""

    AUTO = "auto"
    """As the browser is set."""
    LIGHT = "light"
    DARK = "dark"


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every message in every language."""
    text = (resources.files("privacy.console") / "messages.toml").read_text("utf-8")
    return {f"{part}.{key}": said for part, messages in tomllib.loads(text).items() for key, said in messages.items()}


@dataclass(frozen=True, slots=True)
class Speech:
    """Speaks one language."""

    language: Language

    @property
    def zh(self) -> bool:
        """True if it is Chinese."""
        return self.language is Language.ZH

    def __call__(self, key: str, **facts: object) -> str:
        """Return a message, its facts filled in.

        Raises:
            KeyError: There is no such message.
        """
        said = catalogue()[key]["zh" if self.zh else "en"]
        return said.format(**facts) if facts else said

    def knows(self, key: str) -> bool:
        """Say whether there is such a message: packs and rules may have names that nobody has translated."""
        return key in catalogue()

    def either(self, zh: str, en: str) -> str:
        """Return what is said in both languages, in this one; in the other where it is said in one only."""
        return (zh or en) if self.zh else (en or zh)

    def length(self, seconds: float) -> str:
        """Write a length of time, as precise as anybody needs."""
        if seconds < 60:
            return self("time.seconds", n=f"{seconds:.1f}" if 0 < seconds < 10 else f"{seconds:.0f}")
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        if hours >= 48:
            return self("time.days", d=hours // 24, h=hours % 24)
        return self("time.hours", h=hours, m=minutes) if hours else self("time.minutes", m=minutes, s=rest)


def preferred(accepted: str) -> Language:
    """Return the language of "Accept-Language: zh-CN,zh;q=0.9,en;q=0.8" that comes first; English if none of ours does.

    RFC 9110, section 12.5.4. What cannot be read counts for nothing.
    """
    best, weight = Language.EN, 0.0
    for part in accepted.split(",")[:16]:
        tag, _, rest = part.strip().partition(";")
        quality = _quality(rest)
        primary = tag.strip().lower().partition("-")[0]
        if quality > weight and primary in ("zh", "en"):
            best, weight = (Language.ZH if primary == "zh" else Language.EN), quality
    return best


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        quality = float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


def moment(at: float) -> str:
    """Write a moment in China Standard Time."""
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def parsed(text: str) -> float:
    """Read a moment that was written for machines (ISO 8601, with its time zone)."""
    return datetime.fromisoformat(text).timestamp()


def hour(at: float) -> str:
    """Write a time of day in China Standard Time."""
    return datetime.fromtimestamp(at, CHINA).strftime("%H:%M:%S")


def machine(at: float) -> str:
    """Write a moment for machines (RFC 3339)."""
    return datetime.fromtimestamp(at, CHINA).isoformat(timespec="seconds")
