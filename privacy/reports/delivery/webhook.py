"""A web hook: one POST for each change, signed, so that the receiver knows who wrote it and when."""

import hashlib
import hmac
import time
from collections.abc import Callable

import httpx

from privacy.errors import DeliveryError, DeliveryRefusedError, InputError
from privacy.reports.delivery import payload
from privacy.reports.delivery.place import shown
from privacy.reports.ledger import Head
from privacy.reports.report import Change

TIMEOUT_S = 10.0
SIGNATURE = "Privacy-Signature"
_AGAIN = frozenset({408, 425, 429})


class Webhook:
    """Posts to one address.

    Args:
        url: http:// or https://; only its scheme and host are ever shown.
        secret: Shared with the receiver, at least 16 bytes.
        render: Makes the body; JSON unless said otherwise.
        media_type: Of what `render` makes.
        timeout_s: How long it may take to answer.
        name: Of the receiver; from the address unless said otherwise.

    Raises:
        InputError: No such address, or a secret that can be guessed.
    """

    def __init__(
        self,
        url: str,
        secret: bytes,
        *,
        render: Callable[[Change], bytes] = payload.body,
        media_type: str = "application/json",
        timeout_s: float = TIMEOUT_S,
        name: str = "",
    ) -> None:
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise InputError("the web hook is no URL") from error
        if address.scheme not in ("http", "https") or not address.host:
            raise InputError("a web hook begins with http:// or https://")
        if len(secret) < 16:
            raise InputError("the secret of a web hook has at least 16 bytes")
        self.name = name or shown(url)
        self._url = address
        self._secret = secret
        self._render = render
        self._media_type = media_type
        # No redirects: whoever answers one would be sent what is meant for another.
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)

    def deliver(self, change: Change) -> None:
        """See `Receiver.deliver`."""
        self._post(self._render(change), self._media_type, change.key)

    def tell(self, head: Head) -> None:
        """See `Receiver.tell`."""
        self._post(head.line().encode(), "application/json", f"head-{head.entries}")

    def close(self) -> None:
        """See `Receiver.close`."""
        self._client.close()

    def _post(self, body: bytes, media_type: str, key: str) -> None:
        headers = {
            "Content-Type": media_type,
            "Idempotency-Key": key,
            SIGNATURE: signature(body, self._secret, int(time.time())),
        }
        try:
            response = self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise DeliveryError(f"{self.name} does not answer ({type(error).__name__})", receiver=self.name) from error
        if response.is_success:
            return
        status = response.status_code
        if 400 <= status < 500 and status not in _AGAIN:
            raise DeliveryRefusedError(f"{self.name} refuses ({status})", receiver=self.name, status=status)
        raise DeliveryError(f"{self.name} cannot take it now ({status})", receiver=self.name, status=status)


def signature(body: bytes, secret: bytes, at: int) -> str:
    """Return the header that proves who wrote `body`, at which second."""
    return f"t={at},v1={_mac(body, secret, at)}"


def verified(body: bytes, header: str, secret: bytes, now: float, tolerance_s: float = 300.0) -> bool:
    """Say whether a signature is good and fresh: what a receiver does with it."""
    try:
        parts = dict(part.split("=", 1) for part in header.split(","))
        at = int(parts["t"])
        return abs(now - at) <= tolerance_s and hmac.compare_digest(parts["v1"], _mac(body, secret, at))
    except (KeyError, ValueError, TypeError):
        return False


def _mac(body: bytes, secret: bytes, at: int) -> str:
    return hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
