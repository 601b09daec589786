"""How the address of a receiver is shown: of a web hook, the path and the query are often its password."""

import hashlib
from urllib.parse import urlsplit

LONGEST = 63
"""Characters of a receiver's name as it is kept."""


def shown(url: str) -> str:
    """Return the scheme and the host, and eight digits that tell the place from others there; at most 63 characters.

    User and password count for nothing in the digits, so that a guess of them cannot be tried on what a log says.

    Raises:
        ValueError: No address.
    """
    place = urlsplit(url)
    host = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname or ""
    where = f"{place.scheme}://{host}" + (f":{place.port}" if place.port else "")
    return _marked(where, place._replace(netloc=where).geturl())


def fitted(name: str) -> str:
    """Return the name of a receiver that has no secret; of a long one its beginning, and digits that tell it apart.

    Two of one name would be taken for one: what one of them has been told, the other never would be.
    """
    return name if len(name) <= LONGEST else _marked(name, name)


def _marked(text: str, whole: str) -> str:
    digits = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{text[: LONGEST - len(digits) - 1]}#{digits}"
