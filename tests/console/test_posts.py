"""What the cameras of several processes show stands on one wall, and no picture outlives what it was made of."""

import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from privacy.console import posts as posted
from privacy.console.posts import REFRESH_S, News, Pictured, Post, Posts
from privacy.console.wall import Shown, Wall
from tests.console.conftest import Clock
from tests.console.test_wall import answer, stream
from tests.reports.stories import CAMERA, NOON

OTHER = "sites/hotel/cameras/c2"


class Server:
    """A parent and two processes; what they tell passes through a pipe, at once or when it is let through."""

    def __init__(self) -> None:
        self.ticks = Clock(0.0)
        self.posts = Posts(self.ticks)
        self.held: dict[int, list[News]] = {}
        self.asked: list[str] = []
        self.processes = {1: Post(lambda news: self._told(1, news)), 2: Post(lambda news: self._told(2, news))}
        for number, post in self.processes.items():
            self.posts.join(number, self._ask(post))

    def see(self, process: int, story: str, session: str = "s1", camera: str = CAMERA) -> None:
        """`(` opens a stream, `)` closes it; letters are looks."""
        for letter in story:
            for observer in self.processes[process].observers:
                match letter:
                    case "(":
                        observer.opened(stream(session, camera))
                    case ")":
                        observer.closed(stream(session, camera), None)
                    case _:
                        observer.answered(stream(session, camera), answer(letter))

    def hold(self, process: int) -> None:
        self.held[process] = []

    def let_through(self, process: int) -> None:
        for news in self.held.pop(process):
            self.posts.take(process, news)

    def shows(self, camera: str = CAMERA) -> Shown | None:
        sight = self.posts.wall.sight(camera)
        return None if sight is None else sight.shown

    def _ask(self, post: Post) -> Callable[[str], None]:
        def ask(camera: str) -> None:
            self.asked.append(camera)
            post.ask(camera)

        return ask

    def _told(self, process: int, news: News) -> None:
        news = pickle.loads(pickle.dumps(news))  # noqa: S301 - our own, as a pipe does
        if process in self.held:
            self.held[process].append(news)
        else:
            self.posts.take(process, news)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with server.processes[1], server.processes[2]:
        yield server


def soon(what: Callable[[], Any], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_one_wall_shows_the_cameras_of_all_processes(server: Server) -> None:
    server.see(1, "(..")
    server.see(2, "(WW", camera=OTHER)

    soon(lambda: (server.shows(), server.shows(OTHER)) == (Shown.CLEAR, Shown.PROHIBITED))


def test_a_camera_that_comes_back_to_another_process_is_not_ended_by_the_first(server: Server) -> None:
    server.see(1, "(.", "old")
    soon(lambda: server.shows() is Shown.CLEAR)
    server.hold(1)
    server.see(1, ")", "old")
    server.see(2, "(W", "new")
    soon(lambda: server.shows() is Shown.PROHIBITED)
    soon(lambda: server.held[1])
    server.let_through(1)

    assert server.shows() is Shown.PROHIBITED
    server.see(2, ")", "new")
    soon(lambda: server.shows() is Shown.OFFLINE)


def test_a_picture_is_made_where_somebody_looks_and_gone_with_what_it_shows(server: Server) -> None:
    server.see(1, "(.")
    soon(lambda: server.shows() is Shown.CLEAR)
    assert server.posts.picture(CAMERA) is None
    server.see(1, ".")
    soon(lambda: server.posts.picture(CAMERA) is not None)
    server.see(1, "W")

    soon(lambda: server.shows() is Shown.PROHIBITED)
    assert server.posts.picture(CAMERA) is None
    assert server.asked == [CAMERA]  # once a second at most


def test_what_a_process_served_is_gone_with_it(server: Server) -> None:
    server.see(1, "(.")
    soon(lambda: server.shows() is Shown.CLEAR)
    server.posts.picture(CAMERA)
    server.see(1, ".")
    soon(lambda: server.posts.picture(CAMERA) is not None)
    server.posts.gone(1)

    assert (server.shows(), server.posts.picture(CAMERA)) == (Shown.OFFLINE, None)
    server.see(2, "(.", "new")
    soon(lambda: server.shows() is Shown.CLEAR)


def test_a_picture_from_a_process_that_no_longer_serves_the_camera_is_not_shown(server: Server) -> None:
    server.see(1, "(.", "old")
    soon(lambda: server.shows() is Shown.CLEAR)
    server.see(2, "(.", "new")
    soon(lambda: server.posts.wall.sight(CAMERA).stream.session == "new")  # type: ignore[union-attr]
    server.posts.take(1, Pictured(CAMERA, b"old"))

    assert server.posts.picture(CAMERA) is None


def test_a_process_that_tells_nothing_is_not_asked(server: Server) -> None:
    server.see(1, "(.")
    soon(lambda: server.shows() is Shown.CLEAR)
    server.hold(1)
    server.ticks.now += 4 * REFRESH_S
    server.posts.picture(CAMERA)

    assert server.asked == []


def test_what_was_too_much_to_be_told_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted, "MAX_WAITING", 2)
    monkeypatch.setattr(posted, "REFRESH_S", 0.1)
    server = Server()
    server.see(1, "(.W.W.")  # nobody takes it out yet
    with server.processes[1]:
        soon(lambda: server.shows() is Shown.CLEAR)


def test_a_stream_that_changes_nothing_is_alive_and_one_that_is_over_stays_so() -> None:
    clock = Clock(NOON)
    own, wall = Wall(clock), Wall(clock)
    own.opened(stream())
    sight = own.sight(CAMERA)
    assert sight is not None
    wall.take(sight)
    clock.now += 60
    wall.refresh({"s1": clock.now - 1, "another": clock.now})
    assert wall.sights()[CAMERA].now(clock.now) is Shown.UNCERTAIN

    wall.lose(CAMERA)
    wall.refresh({"s1": clock.now})
    assert wall.sights()[CAMERA].now(clock.now) is Shown.OFFLINE
