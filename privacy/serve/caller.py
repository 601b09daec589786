"""Who calls: known to whoever answers a call, for as long as it is answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from privacy.tokens import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        name: "tokens/{token}", or `NOBODY.name` where the service asks for no tokens.
        label: What the token is for.
        role: What the caller may do.
    """

    name: str
    label: str
    role: Role


NOBODY = Caller("anonymous", "whoever reaches the address", Role.ADMIN)
"""The caller of a service that asks for no tokens."""

_caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


def caller() -> Caller:
    """Return who made the call that this thread answers."""
    return _caller.get()


@contextmanager
def called_by(who: Caller) -> Iterator[None]:
    """Say who calls, for the length of the block."""
    _caller.set(who)
    try:
        yield
    finally:
        _caller.set(NOBODY)
