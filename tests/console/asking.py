"""A request, without a browser."""

from collections.abc import Mapping

from privacy.console.desk import Asked
from privacy.console.words import Language, Speech, Theme
from privacy.serve.caller import Caller
from privacy.tokens import Role


def asked(query: Mapping[str, str] | None = None) -> Asked:
    """Return what an operator asks."""
    return Asked(
        who=Caller("tokens/1", "li", Role.OPERATOR),
        cookie="x" * 43,
        host="127.0.0.1",
        secure=False,
        speech=Speech(Language.EN),
        theme=Theme.AUTO,
        path="/console/events",
        query=query or {},
    )
