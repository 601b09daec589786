"""The cameras: all of them at a glance, one in full, and masked pictures of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from privacy.cameras.camera import Camera, Site, camera_of, site_name
from privacy.cameras.registry import ANY_SITE, Registry
from privacy.console import queries
from privacy.console.desk import REPORTS, Asked, Desk
from privacy.console.timeline import Line, line
from privacy.console.wall import MAX_CAMERAS, Shown, Sight
from privacy.errors import FieldError, ResourceNotFoundError
from privacy.pages import MAX_SIZE

PAGE = 60
WINDOWS = {"1h": 3600.0, "6h": 6 * 3600.0, "24h": 24 * 3600.0}
"""How far back a timeline goes."""
_SPANS = 100
_GRAVEST = tuple(Shown)


@dataclass(frozen=True, slots=True)
class Card:
    """A camera as it is shown.

    Attributes:
        name: "sites/{site}/cameras/{camera}".
        title: What people call it.
        registered: What is registered of it; None if nothing is.
        sight: What it showed last; None if it was not seen since the server began.
        shown: What it shows now.
    """

    name: str
    title: str
    registered: Camera | None
    sight: Sight | None
    shown: Shown

    @property
    def key(self) -> str:
        """A name that HTML can use."""
        return key_of(self.name)

    @property
    def site(self) -> str:
        """The id of its site."""
        return self.name.split("/")[1]


def key_of(camera: str) -> str:
    """Return a short name of a camera for HTML and events."""
    return "c" + hashlib.blake2b(camera.encode(), digest_size=8).hexdigest()


def card_of(desk: Desk, name: str, registered: Camera | None) -> Card:
    """Return a camera as it is shown now."""
    sight = desk.wall.sight(name)
    shown = Shown.OFFLINE if sight is None else sight.now(desk.wall.clock())
    title = registered.display_name if registered is not None else name.rpartition("/")[2]
    return Card(name, title, registered, sight, shown)


def wall(desk: Desk, asked: Asked) -> Response:
    """Return all cameras, the gravest first."""
    text, state = asked.query.get("q", "").strip(), asked.query.get("state", "")
    if state and state not in set(Shown):
        raise FieldError("`state` is no state of a camera", field="state")
    cards = _cards(desk)
    counted = {shown: sum(card.shown is shown for card in cards) for shown in Shown}
    found = [card for card in cards if _matches(card, text) and state in ("", card.shown)]
    page = min(asked.number("page") or 1, 1 + len(found) // PAGE)
    return desk.page(
        "cameras.html",
        asked,
        cards=found[(page - 1) * PAGE : page * PAGE],
        matching=len(found),
        counted=counted,
        text=text,
        state=state,
        page=page,
        last=max(1, -(-len(found) // PAGE)),
        now=desk.wall.clock(),
    )


def camera(desk: Desk, asked: Asked) -> Response:
    """Return one camera: what it shows, what it has shown, what is registered and reported of it."""
    name, window = asked.query.get("name", ""), asked.query.get("window", "1h")
    site, _ = camera_of(name)
    if window not in WINDOWS:
        raise FieldError("`window` is no window of time", field="window")
    registered = _registered(desk.registry, name)
    card = card_of(desk, name, registered)
    if registered is None and card.sight is None:
        raise ResourceNotFoundError(f"there is no {name}", name=name)
    now = desk.wall.clock()
    spans = desk.wall.spans(name, now - WINDOWS[window])
    return desk.page(
        "camera.html",
        asked,
        card=card,
        place=_site(desk.registry, site),
        line=line(now - WINDOWS[window], now, spans),
        spans=spans[::-1][:_SPANS],
        window=window,
        windows=list(WINDOWS),
        reports=queries.of_camera(desk.store, name) if desk.store is not None and asked.may(REPORTS) else [],
        now=now,
    )


def thumbnail(desk: Desk, asked: Asked) -> Response:
    """Return a masked picture of a camera that is clear; of any other there is none."""
    name = asked.query.get("name", "")
    camera_of(name)
    sight = desk.wall.sight(name)
    data = desk.thumbnails.picture(name)
    if data is None or sight is None or sight.shown is not Shown.CLEAR:
        return Response(status_code=404)
    return Response(data, media_type="image/jpeg")


def timeline_of(line: Line) -> Sequence[str]:
    """Return what a timeline says, for whoever cannot see it."""
    return sorted({bar.span.shown.value for bar in line.bars})


def _cards(desk: Desk) -> list[Card]:
    registered = {camera.name: camera for camera in _all(desk.registry)}
    names = {**registered, **desk.wall.sights()}
    cards = [card_of(desk, name, registered.get(name)) for name in names]
    return sorted(cards, key=lambda card: (_GRAVEST.index(card.shown), card.name))


def _all(registry: Registry | None) -> list[Camera]:
    if registry is None:
        return []
    found, token = registry.cameras(ANY_SITE, MAX_SIZE)
    while token and len(found) < MAX_CAMERAS:
        more, token = registry.cameras(ANY_SITE, MAX_SIZE, token)
        found += more
    return found


def _matches(card: Card, text: str) -> bool:
    return text.casefold() in f"{card.name}\n{card.title}".casefold()


def _registered(registry: Registry | None, name: str) -> Camera | None:
    if registry is None:
        return None
    try:
        return registry.camera(name)
    except ResourceNotFoundError:
        return None


def _site(registry: Registry | None, site: str) -> Site | None:
    if registry is None:
        return None
    try:
        return registry.site(site_name(site))
    except ResourceNotFoundError:
        return None
