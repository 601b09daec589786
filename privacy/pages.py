"""Pages of list methods (AIP-158): how many, from where on, and the token that leads to the next one. Pure."""

import base64
import hashlib
import json
import re

from privacy.errors import FieldError

DEFAULT_SIZE = 50
MAX_SIZE = 1000
NUMBER = r"[0-9]{1,18}"
"""What a number looks like that clients bring back: what a page begins after, an etag. A database holds them all."""

_MADE_UP = "`page_token` is not the `next_page_token` of any page"


def size_of(asked: int) -> int:
    """Return how many resources a page has; 0 asks for the default.

    Raises:
        FieldError: It is negative.
    """
    if asked < 0:
        raise FieldError(f"`page_size` must be in [0, {MAX_SIZE}], got {asked}", field="page_size")
    return min(asked, MAX_SIZE) or DEFAULT_SIZE


def token_of(after: str, *asked: str) -> str:
    """Return an opaque token for the page that begins after `after`.

    Args:
        after: The last name of this page; "" on the last page, whose token is "".
        asked: Everything else that was asked for: the token serves no other question.
    """
    if not after:
        return ""
    return base64.urlsafe_b64encode(json.dumps([_digest(asked), after]).encode()).decode().rstrip("=")


def after_of(token: str, *asked: str, like: str = r"(?s:.*)") -> str:
    """Return the name that the page begins after; "" for the first page.

    Args:
        token: As it was sent; anybody can make one up.
        asked: As `token_of` was told.
        like: A regular expression that every name matches.

    Raises:
        FieldError: The token is none of ours, or the question was another one.
    """
    if not token:
        return ""
    try:
        digest, after = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise FieldError(_MADE_UP, field="page_token") from None
    if digest != _digest(asked) or not isinstance(after, str):
        raise FieldError("`page_token` is of another list: parent or filter is not as it was", field="page_token")
    if not re.fullmatch(like, after):
        raise FieldError(_MADE_UP, field="page_token")
    return after


def _digest(asked: tuple[str, ...]) -> str:
    return hashlib.blake2b(json.dumps(asked).encode(), digest_size=8).hexdigest()
