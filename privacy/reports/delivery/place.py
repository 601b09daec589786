"""How the address of a receiver is shown: of a web hook, the path and the query are often its password."""

import hashlib
from urllib.parse import urlsplit


def shown(url: str) -> str:
    """Return the scheme and the host, and eight digits that tell the place from others there; at most 63 characters.

    User and password count for nothing in the digits, so that a guess of them cannot be tried on what a log says.

    Raises:
        ValueError: No address.
    """
    place = urlsplit(url)
    host = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname or ""
    where = f"{place.scheme}://{host}" + (f":{place.port}" if place.port else "")
    digest = hashlib.sha256(place._replace(netloc=where).geturl().encode()).hexdigest()
    return f"{where[:54]}#{digest[:8]}"
