"""Coming in, going out, and how it should look."""

import structlog
from starlette.responses import RedirectResponse, Response

from privacy.console.desk import ROOT, Asked, Desk, back
from privacy.console.guard import LANGUAGE, THEME, keep, status_of
from privacy.console.sessions import new_cookie
from privacy.console.words import Language, Theme
from privacy.errors import DatabaseError, FieldError, PermissionDeniedError, RateError, UnauthenticatedError

log = structlog.get_logger()

_YEAR_S = 31_536_000


def ask(desk: Desk, asked: Asked) -> Response:
    """Ask for a token."""
    if asked.who is not None:
        return back(asked.query.get("next", ""))
    return desk.page("login.html", asked, next=asked.query.get("next", ""), failed="")


def enter(desk: Desk, asked: Asked) -> Response:
    """Let somebody in, under a new cookie: one that was there before may be known to somebody else."""
    following = asked.form.get("next", "")
    if desk.sessions is None:
        return back(following)
    try:
        cookie, caller = desk.sessions.log_in(asked.form.get("token", "").strip(), asked.host)
    except (UnauthenticatedError, PermissionDeniedError, RateError, DatabaseError) as error:
        log.warning("console_login_refused", peer=asked.host, reason=error.reason)
        status = status_of(error)
        response = desk.page("login.html", asked, status, next=following, failed=f"failed.{error.reason.lower()}")
        if status == 429:
            response.headers["retry-after"] = "30"
        return response
    log.info("console_login", caller=caller.name, role=caller.role.value, peer=asked.host)
    desk.sessions.log_out(asked.cookie)
    response = back(following)
    keep(response, asked, cookie)
    return response


def leave(desk: Desk, asked: Asked) -> Response:
    """Let somebody out."""
    if desk.sessions is not None:
        desk.sessions.log_out(asked.cookie)
    if asked.who is not None:
        log.info("console_logout", caller=asked.who.name)
    response = RedirectResponse(f"{ROOT}/login", 303)
    keep(response, asked, new_cookie())
    return response


def choose(desk: Desk, asked: Asked) -> Response:  # noqa: ARG001 - as every page
    """Remember a language or a theme, in the browser."""
    response = back(asked.form.get("next", ""))
    for field, name, known in (("language", LANGUAGE, set(Language)), ("theme", THEME, set(Theme))):
        value = asked.form.get(field)
        if value is None:
            continue
        if value not in known:
            raise FieldError(f"`{field}` is one of {', '.join(sorted(known))}", field=field)
        response.set_cookie(name, value, _YEAR_S, httponly=True, secure=asked.secure, samesite="strict", path=ROOT)
    return response


def home(desk: Desk, asked: Asked) -> Response:  # noqa: ARG001 - as every page
    """Go to the cameras."""
    return RedirectResponse(f"{ROOT}/cameras", 303)


def static(desk: Desk, asked: Asked) -> Response:
    """Return styles and scripts: the same for everybody, and named by what is in them."""
    asset = desk.assets.get(asked.parts["name"])
    if asset is None:
        return Response(status_code=404)
    return Response(
        asset.data, media_type=asset.media_type, headers={"cache-control": "public, max-age=31536000, immutable"}
    )
