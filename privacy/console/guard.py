"""What stands before every page: who asks, whether they may, whether the form is ours, what browsers may do with it.

Rights are those of the wire: each page names the method that it stands for; `privacy.serve.access` has the table.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from privacy.console.desk import ROOT, Asked, Desk
from privacy.console.sessions import new_cookie
from privacy.console.words import Language, Speech, Theme, preferred
from privacy.errors import FieldError, PermissionDeniedError, PrivacyError, RateError, UnauthenticatedError
from privacy.serve.access import may
from privacy.serve.caller import NOBODY, Caller
from privacy.serve.status import RETRY_AFTER_S, code_of, log_refusal, words_of

log = structlog.get_logger()

MAX_FORM = 16 * 1024
MAX_FIELDS = 32
MAX_QUERY = 4096
LANGUAGE, THEME = "privacy-language", "privacy-theme"
CODE = "code"
"""The field of every form that proves that it is ours."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with less, browsers would not say where a form comes from
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}
STRICT_TRANSPORT: Final = "max-age=31536000"

STATUS: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}
"""What the codes of the wire are called in HTTP; anything else is 500."""

_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?")

Answer = Callable[[Desk, Asked], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One page, or one thing that a page does.

    Attributes:
        path: Below `ROOT`.
        answer: Makes it; in a thread of its own, so that it may wait for the database.
        right: "package.Service/Method", whose callers may have it; None for everybody.
        posts: True if it changes something: then it is posted, with the code of a form of ours.
        quiet: True if browsers ask for it by themselves: that keeps nobody logged in.
    """

    path: str
    answer: Answer
    right: str | None
    posts: bool = False
    quiet: bool = False


def route(desk: Desk, page: Page) -> Route:
    """Return a page behind its guard."""

    async def answer(request: Request) -> Response:
        try:
            form = await _form_of(request) if page.posts else {}
        except ClientDisconnect:
            return Response(status_code=400)
        except PrivacyError as error:
            return await run_in_threadpool(_refused, desk, _asked(request, None, {}), error)
        return await run_in_threadpool(_answered, desk, page, request, form)

    return Route(page.path, answer, methods=["POST"] if page.posts else ["GET"])


def missing(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what answers where there is no page."""

    async def answer(request: Request, _: Exception) -> Response:
        asked = _asked(request, None, {})
        return await run_in_threadpool(desk.page, "error.html", asked, 404, reason="", said="")

    return answer


def _answered(desk: Desk, page: Page, request: Request, form: Mapping[str, str]) -> Response:
    asked = _asked(request, None, form)
    try:
        _check_place(desk, request)
        who = _caller(desk, page, request)
        asked = _asked(request, who, form)
        _check_right(page, who)
        if page.posts:
            _check_form(desk, request, asked)
        response = page.answer(desk, asked)
    except UnauthenticatedError as error:
        if page.posts or asked.htmx or page.path.endswith("/login") or not _wants_page(request):
            return _refused(desk, asked, error)
        return RedirectResponse(f"{ROOT}/login?next={quote(asked.here, safe='')}", 303)
    except PrivacyError as error:
        return _refused(desk, asked, error)
    except Exception as error:  # its text may quote what was being worked on
        log.error("page_failed", page=page.path, error=type(error).__name__)
        return _refused(desk, asked, PrivacyError("the server failed on this page"))
    if isinstance(response, HTMLResponse) and request.cookies.get(cookie_name(request)) != asked.cookie:
        keep(response, asked, asked.cookie)
    return response


def cookie_name(request: Request) -> str:
    """Return the name of the cookie; with TLS one that no other host can set (RFC 6265bis, `__Host-`)."""
    return "__Host-privacy" if _secure(request) else "privacy"


def keep(response: Response, asked: Asked, cookie: str) -> None:
    """Give the browser its cookie; it goes with the window."""
    name = "__Host-privacy" if asked.secure else "privacy"
    response.set_cookie(name, cookie, httponly=True, secure=asked.secure, samesite="strict", path="/")


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _asked(request: Request, who: Caller | None, form: Mapping[str, str]) -> Asked:
    cookie = request.cookies.get(cookie_name(request), "")
    if not _COOKIE.fullmatch(cookie):
        cookie = getattr(request.state, "cookie", "") or new_cookie()
        request.state.cookie = cookie
    language = request.cookies.get(LANGUAGE, "")
    theme = request.cookies.get(THEME, "")
    query = request.url.query
    return Asked(
        who=who,
        cookie=cookie,
        host=request.client.host if request.client is not None else "",
        secure=_secure(request),
        speech=Speech(Language(language) if language in set(Language) else preferred(_accepted(request))),
        theme=Theme(theme) if theme in set(Theme) else Theme.AUTO,
        path=request.url.path,
        parts=request.path_params,
        query=dict(parse_qsl(query[:MAX_QUERY], keep_blank_values=True, errors="replace")),
        form=form,
        here=_here(request),
        htmx=request.headers.get("hx-request") == "true",
    )


def _here(request: Request) -> str:
    """Return the page that somebody is on: for what was posted, the page that has the form."""
    path, query = request.url.path, request.url.query
    if request.method == "POST":
        return path if path.endswith("/login") else path.rpartition("/")[0]
    return path + (f"?{query}" if query else "")


def _accepted(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _check_place(desk: Desk, request: Request) -> None:
    """Refuse a name of ours that somebody else has given us.

    Without tokens, whatever page the same browser shows could otherwise point its own name at this machine, and read
    along (DNS rebinding).

    Raises:
        PermissionDeniedError: It is not the name of this machine for itself.
    """
    if desk.sessions is None and not _LOOPBACK.fullmatch(request.headers.get("host", "")):
        raise PermissionDeniedError("without tokens, the console answers to localhost only")
    if len(request.url.query) > MAX_QUERY:
        raise FieldError(f"a query has at most {MAX_QUERY} characters", field="query")


def _caller(desk: Desk, page: Page, request: Request) -> Caller | None:
    if desk.sessions is None:
        return NOBODY
    cookie = request.cookies.get(cookie_name(request), "")
    idle = page.quiet or request.headers.get("hx-request") == "true"
    return desk.sessions.find(cookie, idle=idle) if _COOKIE.fullmatch(cookie) else None


def _check_right(page: Page, who: Caller | None) -> None:
    if page.right is None:
        return
    if who is None:
        raise UnauthenticatedError("nobody is logged in", state="missing")
    if not may(who.role, page.right):
        raise PermissionDeniedError(f"the role {who.role} may not do this", role=who.role, method=page.right)


def _check_form(desk: Desk, request: Request, asked: Asked) -> None:
    """Refuse what another site has made the browser send (CSRF).

    Raises:
        PermissionDeniedError: It comes from elsewhere, or without the code of a form that this server made.
    """
    site, origin = request.headers.get("sec-fetch-site", "same-origin"), request.headers.get("origin")
    elsewhere = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if site != "same-origin" or elsewhere or not desk.seal.fits(asked.cookie, asked.form.get(CODE, "")):
        log.warning("form_refused", page=request.url.path, peer=asked.host)
        raise PermissionDeniedError("this form was not made for this session; load the page again")


async def _form_of(request: Request) -> Mapping[str, str]:
    """Read a form, as much of it as a form may have.

    Raises:
        FieldError: It is none, or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FieldError("want application/x-www-form-urlencoded", field="content-type")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise FieldError(f"a form has at most {MAX_FORM} bytes", field="body")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise FieldError("the form cannot be read", field="body") from error
    return dict(pairs)


def status_of(error: PrivacyError) -> int:
    """Return the HTTP status of an error."""
    return STATUS.get(code_of(error).name, 500)


def _refused(desk: Desk, asked: Asked, error: PrivacyError) -> Response:
    status = status_of(error)
    log_refusal("page_refused", error, page=asked.path, status=status)
    if asked.htmx:
        response: Response = PlainTextResponse(f"{words_of(error)}\n", status)
    else:
        response = desk.page("error.html", asked, status, reason=error.reason, said=words_of(error))
    if isinstance(error, RateError):
        response.headers["retry-after"] = str(RETRY_AFTER_S)
    if status == 401 and asked.htmx:
        response.headers["hx-redirect"] = f"{ROOT}/login"
    return response


class SafeHeaders:
    """Adds to every answer what browsers may do with it; what an answer says of itself goes before.

    Args:
        app: Whose answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("strict-transport-security", STRICT_TRANSPORT)
            await send(message)

        await self._app(scope, receive, sending)
