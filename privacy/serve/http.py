"""What the service says of itself over HTTP: whether it lives, whether it is ready, and its metrics.

One Starlette application, so that other pages can be added to it as routes.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from privacy.errors import DatabaseError, InputError, UnauthenticatedError
from privacy.serve.connections import Connection
from privacy.tokens import Tokens

Exposition = Callable[[], tuple[bytes, str]]
"""Returns the metrics and their media type."""

_STARTS_WITHIN_S = 10.0
_ENDS_WITHIN_S = 1  # pages that keep themselves fresh would hold it for ever
_MOST = 256  # connections; browsers keep several of them open


class HttpFace:
    """The HTTP side of a server. It is bound when it is made, and serves while `serving` lasts.

    Args:
        address: "host:port"; port 0 is a free one.
        exposition: The metrics.
        tokens: Who may read them; None for everybody. Whether the service lives and is ready, everybody may ask.
        tls: Files of the private key and the certificate chain; None to serve in the clear.
        routes: Other pages.

    Raises:
        InputError: The address cannot be bound.

    Attributes:
        address: "host:port" with the real port.
    """

    def __init__(
        self,
        address: str,
        exposition: Exposition,
        *,
        tokens: Tokens | None = None,
        tls: tuple[Path, Path] | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self._exposition = exposition
        self._tokens = tokens
        self._tls = tls
        self._ready: Callable[[], bool] = lambda: False
        own = [
            Route("/healthz", lambda _: PlainTextResponse("alive\n")),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        self.app = Starlette(routes=[*own, *routes])
        self._socket = bound(address)
        host, port = self._socket.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @contextmanager
    def serving(self, ready: Callable[[], bool]) -> Iterator[None]:
        """Serve for the length of the block.

        Args:
            ready: Whether the service takes streams now.
        """
        self._ready = ready
        key, certificate = self._tls or (None, None)
        config = uvicorn.Config(
            self.app, ws="none", http=Connection, lifespan="off", log_config=None, access_log=False,
            server_header=False, limit_concurrency=_MOST, timeout_graceful_shutdown=_ENDS_WITHIN_S,
            ssl_keyfile=key, ssl_certfile=certificate,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([self._socket],), name="http", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(_STARTS_WITHIN_S)
            self._socket.close()

    def _readyz(self, _: Request) -> Response:
        return PlainTextResponse("ready\n") if self._ready() else PlainTextResponse("not ready\n", 503)

    def _metrics(self, request: Request) -> Response:
        try:
            if self._tokens is not None:
                scheme, _, secret = request.headers.get("authorization", "").partition(" ")
                self._tokens.bearer(secret if scheme.lower() == "bearer" else "")
        except UnauthenticatedError as error:
            return PlainTextResponse(f"{error}\n", 401, {"www-authenticate": "Bearer"})
        except DatabaseError as error:
            return PlainTextResponse(f"{error.reason}\n", 503)
        body, media_type = self._exposition()
        return Response(body, media_type=media_type)


def bound(address: str) -> socket.socket:
    """Return a socket that is bound to "host:port".

    Raises:
        InputError: It cannot be.
    """
    host, _, port = address.rpartition(":")
    try:
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), int(port)), family=kind)
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"{address} cannot be bound: {error}", address=address) from error
