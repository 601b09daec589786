"""What changes, as it happens (server-sent events): pieces of pages, each under the name that a page waits for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from privacy.console.desk import REPORTS, ROOT, Asked, Desk
from privacy.console.pages.cameras import card_of, key_of
from privacy.console.wall import Shown
from privacy.console.watchers import Watchers
from privacy.errors import DatabaseError
from privacy.reports.report import Change

EVERY_S = 0.5
RECHECK_S = 5.0
HEARTBEAT_S = 15.0


def events(desk: Desk, asked: Asked) -> Response:
    """Return what changes from now on, for as long as somebody reads and is logged in."""
    desk.watchers.enter()
    feed = Feed(desk, asked)
    return _Stream(feed.events(), desk.watchers)


class _Stream(StreamingResponse):
    """A response that gives its place back, however it ends; also if nothing of it was ever sent."""

    def __init__(self, content: AsyncIterator[str], watchers: Watchers) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._watchers = watchers

    async def __call__(self, *connection: object) -> None:
        try:
            await super().__call__(*connection)  # type: ignore[arg-type]
        finally:
            self._watchers.leave()


class Feed:
    """What one page is told.

    Args:
        desk: Draws it.
        asked: For whom; with `cameras` in the query, of every camera as well.
    """

    def __init__(self, desk: Desk, asked: Asked) -> None:
        self._desk = desk
        self._asked = asked
        self._cameras = "cameras" in asked.query
        self._faces: dict[str, tuple[int, Shown]] = {}
        self._begun = False
        self._open: int | None = None
        self._offset: int | None = None

    async def events(self) -> AsyncIterator[str]:
        """Yield events as they go over the wire."""
        yield "retry: 3000\n\n"
        checked = heard = asyncio.get_running_loop().time()
        while True:
            now = asyncio.get_running_loop().time()
            if now - checked > RECHECK_S:
                checked = now
                if not await run_in_threadpool(self._welcome):
                    yield event("bye", "bye")
                    return
            told = await run_in_threadpool(self._news)
            for each in told:
                yield each
            if told:
                heard = now
            elif now - heard > HEARTBEAT_S:
                heard = now
                yield ": still here\n\n"
            await asyncio.sleep(EVERY_S)

    def _welcome(self) -> bool:
        sessions = self._desk.sessions
        if sessions is None:
            return True
        try:
            return sessions.find(self._asked.cookie, idle=True) is not None
        except DatabaseError:
            return False

    def _news(self) -> list[str]:
        told = self._of_cameras() if self._cameras else []
        with suppress(DatabaseError):  # it comes back, and what happened meanwhile is told then
            told += self._of_reports()
        return told

    def _of_cameras(self) -> list[str]:
        desk, told, roster = self._desk, [], False
        now = desk.wall.clock()
        for name, sight in desk.wall.sights().items():
            face = (sight.number, sight.now(now))
            before = self._faces.get(name)
            if face == before:
                continue
            self._faces[name] = face
            card = card_of(desk, name, None)
            told.append(event(f"state-{card.key}", desk.render("state.html", self._asked, card=card, now=now)))
            roster = roster or (before is None and self._begun)
            if self._begun and (before is None or before[1] is not face[1]):
                told += self._said(name, None if before is None else before[1], card.shown)
        self._begun = True
        return [*told, event("roster", "")] if roster else told

    def _said(self, name: str, before: Shown | None, after: Shown) -> list[str]:
        """Say aloud what a person must hear of: that a camera begins or ceases to show a prohibited place."""
        if Shown.PROHIBITED not in (before, after) or before is after:
            return []
        sight = self._desk.wall.sight(name)
        speech = self._asked.speech
        zone = "" if sight is None else self._desk.zone(speech, sight.zone, sight.stream.policy)
        key = "say.prohibited" if after is Shown.PROHIBITED else "say.over"
        said = speech(key, camera=name, zone=zone)
        return [event("say", f'<p data-camera="{key_of(name)}">{escape(said)}</p>')]

    def _of_reports(self) -> list[str]:
        desk = self._desk
        if desk.store is None or not self._asked.may(REPORTS):
            return []
        if self._offset is None:
            self._offset = desk.store.next_offset()
        changes = desk.store.changes(self._offset, 100)
        told = [each for change in changes for each in self._changed(change)]
        if changes:
            self._offset = changes[-1].offset + 1
            told.append(event("reports", ""))
        if changes or self._open is None:
            count = desk.open_reports(self._asked)
            if count != self._open:
                self._open = count
                told.append(event("pending", desk.render("open.html", self._asked, open=count)))
        return told

    def _changed(self, change: Change) -> list[str]:
        text = escape(self._asked.speech("report.changed"))
        link = f'<p class="notice"><a href="{ROOT}/reports/{change.report.id}">{text}</a></p>'
        return [event(f"report-{change.report.id}", link)]


def event(name: str, data: str) -> str:
    """Write one event; a line feed in its data begins a new line of it."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
