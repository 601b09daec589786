"""Who is logged in: sessions in memory, each a random cookie and the token that opened it.

The token itself is forgotten at once; its id is asked for again every few seconds, so that a token that is revoked ends
its sessions. A form carries a code that is made of the cookie and of a key that nobody else has.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from privacy.errors import PermissionDeniedError, RateError, UnauthenticatedError
from privacy.serve.access import KNOWN_FOR_S, may
from privacy.serve.caller import Caller
from privacy.tokens import Token, Tokens

IDLE_S = 30 * 60.0
"""Nobody has asked for anything for so long: over."""
LASTS_S = 12 * 3600.0
"""Over, whatever was asked for."""
MAX_SESSIONS = 1024
MAX_FAILURES = 10
FAILURES_S = 300.0
"""Of one address, so many wrong tokens within so many seconds; after that nobody there is listened to for a while."""
ENTRY = "privacy.v1.CameraService/ListCameras"
"""Who may not call this finds nothing in the console."""
_MAX_ADDRESSES = 10_000

Clock = Callable[[], float]


@dataclass(slots=True)
class _Session:
    caller: Caller
    began: float
    asked: float  # when anything was last asked for
    checked: float  # when the token was last known to be good


class Sessions:
    """Lets people in and out. Threads may share it.

    Args:
        tokens: Knows the tokens.
        clock: Monotonic seconds.
    """

    def __init__(self, tokens: Tokens, clock: Clock = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._failures = _Failures(clock)

    def log_in(self, secret: str, host: str) -> tuple[str, Caller]:
        """Begin a session.

        Args:
            secret: A token as `privacy tokens create` has shown it.
            host: Address of whoever brings it; pays for wrong ones.

        Returns:
            The new cookie, and who has it.

        Raises:
            RateError: Too many wrong tokens came from there.
            UnauthenticatedError: The token is unknown, has expired or was revoked.
            PermissionDeniedError: Its role finds nothing here.
            DatabaseError: Nobody can say.
        """
        self._failures.check(host)
        try:
            caller = _caller(self._tokens.bearer(secret))
        except (UnauthenticatedError, PermissionDeniedError):
            self._failures.count(host)
            raise
        cookie, now = new_cookie(), self._clock()
        with self._lock:
            self._sessions[_digest(cookie)] = _Session(caller, now, now, now)
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        return cookie, caller

    def log_out(self, cookie: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_digest(cookie), None)

    def find(self, cookie: str, *, idle: bool = False) -> Caller | None:
        """Return who has a cookie; None if nobody, or not any more.

        Args:
            cookie: As it came.
            idle: True if nobody asked for anything: a page that keeps itself fresh keeps nobody logged in.

        Raises:
            DatabaseError: Nobody can say whether the token is still good.
        """
        key, now = _digest(cookie), self._clock()
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if now - session.asked > IDLE_S or now - session.began > LASTS_S:
                del self._sessions[key]
                return None
            if not idle:
                session.asked = now
                self._sessions.move_to_end(key)
            if now - session.checked <= KNOWN_FOR_S:
                return session.caller
        try:
            caller = _caller(self._tokens.good(session.caller.name.removeprefix("tokens/")))
        except (UnauthenticatedError, PermissionDeniedError):
            self.log_out(cookie)
            return None
        with self._lock:
            session.caller, session.checked = caller, now
        return caller


class Seal:
    """Makes and checks the codes that forms carry against forged requests (CSRF)."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def code(self, cookie: str) -> str:
        """Return what a form of the bearer of this cookie carries."""
        return hmac.new(self._key, cookie.encode(), hashlib.sha256).hexdigest()

    def fits(self, cookie: str, code: str) -> bool:
        """Say whether a form came from a page that this server made for the bearer of the cookie."""
        return bool(cookie) and hmac.compare_digest(self.code(cookie).encode(), code.encode())


class _Failures:
    """Counts wrong tokens of each address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[float, float]] = {}  # failures not forgiven yet, and when that was counted

    def check(self, host: str) -> None:
        with self._lock:
            if self._left(_network(host)) > MAX_FAILURES - 1:
                raise RateError("too many wrong tokens; wait a few minutes", limit=MAX_FAILURES)

    def count(self, host: str) -> None:
        network = _network(host)
        with self._lock:
            left = self._left(network)
            if len(self._counted) >= _MAX_ADDRESSES:
                self._counted.clear()
            self._counted[network] = left + 1, self._clock()

    def _left(self, network: str) -> float:
        left, at = self._counted.get(network, (0.0, 0.0))
        return max(0.0, left - (self._clock() - at) * MAX_FAILURES / FAILURES_S)


def new_cookie() -> str:
    """Return a cookie that nobody guesses."""
    return secrets.token_urlsafe(32)


def _caller(token: Token) -> Caller:
    if not may(token.role, ENTRY):
        raise PermissionDeniedError(f"the role {token.role} finds nothing in the console", role=token.role)
    return Caller(token.name, token.label, token.role)


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()  # whoever reads this memory still has no cookie


def _network(host: str) -> str:
    """Return whom an address belongs to: of IPv6, one subscriber has 2**64 of them."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network(f"{address}/64", strict=False)) if address.version == 6 else host
