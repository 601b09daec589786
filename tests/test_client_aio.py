"""The asyncio client keeps the same rules: no frame leaves clear without a CLEAR verdict."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

import numpy as np
import pytest

from privacy.client import AsyncEnforcementClient, Enforced, Mode, RefusedError, Shown, StreamOptions
from privacy.errors import InputError, OverloadError, SourceLostError
from privacy.evidence import Reason
from privacy.frame import Frame
from privacy.serve.server import Server
from privacy.verdict import State
from tests.serve.conftest import serve, server  # noqa: F401 - fixtures
from tests.test_client import DARK, LIGHT, OPTIONS, as_i420, as_jpeg, dark, grey, hidden
from tests.toys import grey_frame

Start = Callable[..., Server]
T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(coroutine, 30))


async def live(pictures: Iterable[Shown], wait_s: float = 0.0) -> AsyncIterator[Shown]:
    for picture in pictures:
        await asyncio.sleep(wait_s)
        yield picture


async def enforced(address: str, pictures: Iterable[Shown], options: StreamOptions) -> list[Enforced]:
    async with AsyncEnforcementClient(address) as client:
        return [answer async for answer in client.enforce(live(pictures), options)]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("make", [grey, as_i420, as_jpeg])
def test_what_may_be_shown_is_of_the_kind_that_was_given(
    server: Server,  # noqa: F811 - the fixture
    make: Callable[[Frame], Shown],
    mode: Mode,
) -> None:
    frames = [*dark(), *(grey_frame(LIGHT, float(n), n) for n in range(6, 12))]
    given = [make(frame) for frame in frames]

    answers = run(enforced(server.address, given, StreamOptions(camera=OPTIONS.camera, mode=mode)))

    assert [answer.verdict.offset for answer in answers] == [frame.offset for frame in frames]
    assert [type(answer.picture) for answer in answers] == [type(picture) for picture in given]
    assert [hidden(answer) for answer in answers] == [answer.verdict.state is not State.CLEAR for answer in answers]
    assert answers[-1].verdict.state is State.PROHIBITED


def test_cameras_share_one_loop(server: Server) -> None:  # noqa: F811 - the fixture
    async def four() -> list[list[Enforced]]:
        cameras = [StreamOptions(camera=f"sites/hq/cameras/{n}") for n in range(4)]
        return await asyncio.gather(*(enforced(server.address, dark(), options) for options in cameras))

    for answers in run(four()):
        assert [answer.verdict.state for answer in answers][-1] is State.CLEAR


def test_a_still_and_what_the_server_takes(server: Server) -> None:  # noqa: F811 - the fixture
    async def ask() -> tuple[State, int]:
        async with AsyncEnforcementClient(server.address) as client:
            await client.wait_ready(10)
            answer = await client.classify(grey_frame(LIGHT))
            return answer.verdict.state, (await client.capabilities()).max_streams

    assert run(ask()) == (State.PROHIBITED, 4)


def test_a_stream_that_will_never_be_accepted_is_refused_at_once(server: Server) -> None:  # noqa: F811 - the fixture
    with pytest.raises(RefusedError):
        run(enforced(server.address, dark(), StreamOptions(camera="lobby")))


def test_without_a_server_every_frame_is_hidden() -> None:
    answers = run(enforced("127.0.0.1:1", dark(), OPTIONS))

    assert len(answers) == 6
    assert all(hidden(answer) and answer.verdict.reason is Reason.CONNECTION_LOST for answer in answers)


def test_without_a_server_nothing_is_ready() -> None:
    async def wait() -> None:
        async with AsyncEnforcementClient("127.0.0.1:1") as client:
            await client.wait_ready(0.2)

    with pytest.raises(OverloadError):
        run(wait())


def test_a_server_killed_in_the_middle_hides_the_rest(serve: Start) -> None:  # noqa: F811 - the fixture
    running = serve()
    options = StreamOptions(camera=OPTIONS.camera, in_flight=1, answer_timeout_s=2)

    async def watch() -> list[Enforced]:
        answers = []
        async with AsyncEnforcementClient(running.address) as client:
            async for answer in client.enforce(live(dark(12)), options):
                answers.append(answer)
                if len(answers) == 6:
                    await asyncio.to_thread(running.stop, 0)
        return answers

    answers = run(watch())
    assert [answer.verdict.state for answer in answers[3:6]] == [State.CLEAR] * 3
    assert all(hidden(answer) and answer.verdict.reason is Reason.CONNECTION_LOST for answer in answers[6:])
    assert len(answers) == 12


def test_a_server_that_comes_back_is_found(serve: Start) -> None:  # noqa: F811 - the fixture
    first = serve()
    options = StreamOptions(camera=OPTIONS.camera, in_flight=1, answer_timeout_s=2)

    async def watch() -> list[tuple[State, Reason]]:
        seen = []
        async with AsyncEnforcementClient(first.address) as client:
            frames = (grey_frame(DARK, float(n), n) for n in range(300))
            async for answer in client.enforce(live(frames, 0.02), options):
                seen.append((answer.verdict.state, answer.verdict.reason))
                if len(seen) == 6:
                    await asyncio.to_thread(first.stop, 0)
                    await asyncio.to_thread(serve, address=first.address)
                if len(seen) > 9 and answer.verdict.state is State.CLEAR:
                    break
        return seen

    seen = run(watch())
    assert (State.UNCERTAIN, Reason.CONNECTION_LOST) in seen
    assert seen[-1][0] is State.CLEAR


def test_a_source_that_breaks_off_is_raised_after_all_it_gave(server: Server) -> None:  # noqa: F811 - the fixture
    async def breaking() -> AsyncIterator[Frame]:
        for frame in dark(5):
            yield frame
        raise SourceLostError("gone")

    async def watch(answers: list[Enforced]) -> None:
        async with AsyncEnforcementClient(server.address) as client:
            async for answer in client.enforce(breaking(), OPTIONS):
                answers.append(answer)  # noqa: PERF401 - what came before the error counts

    answers: list[Enforced] = []
    with pytest.raises(SourceLostError):
        run(watch(answers))
    assert [answer.verdict.offset for answer in answers] == [0, 1, 2, 3, 4]


def test_who_stops_watching_leaves_no_task_and_no_stream(server: Server) -> None:  # noqa: F811 - the fixture
    async def watch() -> set[str]:
        async with AsyncEnforcementClient(server.address) as client:
            answers = client.enforce(live(dark(20)), OPTIONS)
            async for _ in answers:
                break
            await answers.aclose()  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)
            return {task.get_name() for task in asyncio.all_tasks()}

    assert "enforce-answers" not in run(watch())


def test_shared_memory_carries_the_pictures(serve: Start) -> None:  # noqa: F811 - the fixture
    running = serve(shared_memory_bytes=1024 * 1024)
    options = StreamOptions(camera=OPTIONS.camera, mode=Mode.MASKED_FRAME, shared_memory=True)
    given = [as_i420(frame) for frame in [*dark(20), *(grey_frame(LIGHT, float(n), n) for n in range(20, 24))]]

    answers = run(enforced(running.address, given, options))

    results = [answer.result for answer in answers if answer.result is not None]
    assert len(results) == 24
    assert all(hidden(answer) is (answer.verdict.state is not State.CLEAR) for answer in answers)
    assert results[-1].masked.WhichOneof("payload") == "shared_memory"
    assert threading.active_count() < 100
    assert np.array_equal(answers[10].picture.planes[0], given[10].planes[0])  # type: ignore[union-attr]


def test_a_server_that_shares_nothing_is_asked_again_without(server: Server) -> None:  # noqa: F811 - the fixture
    options = StreamOptions(camera=OPTIONS.camera, shared_memory=True, in_flight=1)

    async def watch() -> list[State]:
        async with AsyncEnforcementClient(server.address) as client:
            frames = (grey_frame(DARK, float(n), n) for n in range(150))
            return [answer.verdict.state async for answer in client.enforce(live(frames, 0.01), options)]

    assert run(watch())[-1] is State.CLEAR


def test_look_behind_and_one_picture_in_flight_contradict_each_other() -> None:
    with pytest.raises(InputError):
        StreamOptions(camera=OPTIONS.camera, look_behind_s=1.0, in_flight=1)


def test_with_look_behind_every_picture_is_answered(server: Server) -> None:  # noqa: F811 - the fixture
    frames = [grey_frame(DARK, n / 25, n) for n in range(120)]

    answers = run(enforced(server.address, frames, StreamOptions(camera=OPTIONS.camera, look_behind_s=1.0)))

    assert [answer.verdict.offset for answer in answers] == [frame.offset for frame in frames]
    assert answers[-1].verdict.state is State.CLEAR
