"""Shared memory: named by the server, checked at every step, and gone when the stream is."""

import contextlib
import errno
import mmap
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.client.memory import Shared
from privacy.errors import OverloadError, ProtocolError
from privacy.evidence import Evidence
from privacy.masking import effects
from privacy.serve import slots as shared
from privacy.serve.server import Server
from privacy.serve.slots import FOLDER, SlotMaker, Slots, sweep
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import mask_pb2, verdict_pb2
from tests.serve.messages import DARK, FORMATS, LEFT, LIGHT, SIZE, WHOLE, config, frame, payload, refusal, results
from tests.serve.test_observer import Notebook
from tests.toys import Bright

SLOT = 64 * 1024


def ours() -> list[str]:
    return sorted(path.name for path in FOLDER.glob(f"privacy-{os.getpid()}-*"))


@pytest.fixture
def stub(serve: Callable[..., Server]) -> Iterator[pb_grpc.EnforcementServiceStub]:
    with grpc.insecure_channel(serve(shared_memory_bytes=1024 * 1024).address) as channel:
        yield pb_grpc.EnforcementServiceStub(channel)


class Plugin:
    """A client of this machine that speaks the contract by hand."""

    def __init__(self, stub: pb_grpc.EnforcementServiceStub, pixel_format: str = "GRAY", **options: Any) -> None:
        self._requests: SimpleQueue[pb.EnforceStreamRequest | None] = SimpleQueue()
        self.send(config(pixel_format, shared_memory=True, slot_size_bytes=SLOT, **options))
        self.call = stub.EnforceStream(iter(self._requests.get, None), timeout=20)
        self._answers = iter(self.call)
        self.memory = next(self._answers).accepted.shared_memory
        handle = os.open(FOLDER / self.memory.name, os.O_RDWR)
        self.map = mmap.mmap(handle, self.memory.slots * self.memory.slot_size_bytes)
        os.close(handle)
        self._number = -1

    def send(self, request: pb.EnforceStreamRequest | None) -> None:
        self._requests.put(request)

    def frame(self, slot: int, data: bytes, size: int | None = None, *, released: Sequence[int] = ()) -> pb.FrameResult:
        if 0 <= slot < self.memory.slots:
            self.map[slot * SLOT : slot * SLOT + len(data)] = data
        self._number += 1
        message = frame(self._number, data=b"")
        message.frame.shared_memory.slot = slot
        message.frame.shared_memory.size_bytes = len(data) if size is None else size
        message.frame.released_slots.extend(released)
        self.send(message)
        return next(self._answers).result

    def release(self, *slots: int) -> None:
        self.send(pb.EnforceStreamRequest(release=pb.SlotRelease(slots=slots)))

    def end(self) -> None:
        self.send(None)
        assert list(self._answers) == []


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_pictures_pass_and_are_masked_in_place(stub: pb_grpc.EnforcementServiceStub, pixel_format: str) -> None:
    plugin = Plugin(stub, pixel_format, response_mode=pb.RESPONSE_MODE_MASKED_FRAME)
    sent = payload(pixel_format, LIGHT)

    answer = plugin.frame(3, sent)

    back = answer.masked.shared_memory
    assert (back.slot, answer.masked.data) == (3, b"")
    assert pixel_format == "JPEG" or back.size_bytes == len(sent)
    assert plugin.map[3 * SLOT : 3 * SLOT + back.size_bytes] != sent
    if pixel_format == "GRAY":
        assert max(plugin.map[3 * SLOT : 3 * SLOT + back.size_bytes]) == 0
    plugin.end()


def test_a_slot_can_be_used_again_once_it_was_given_back(stub: pb_grpc.EnforcementServiceStub) -> None:
    plugin = Plugin(stub)
    for _ in range(20):
        assert plugin.frame(0, payload("GRAY", DARK)).HasField("verdict")
        plugin.release(0)
    plugin.end()


def test_a_frame_can_give_back_the_slot_it_comes_in_and_others(stub: pb_grpc.EnforcementServiceStub) -> None:
    plugin = Plugin(stub)
    plugin.frame(0, payload("GRAY", DARK))
    plugin.frame(1, payload("GRAY", DARK))
    plugin.frame(1, payload("GRAY", DARK), released=[0, 1])
    assert plugin.frame(0, payload("GRAY", DARK)).HasField("verdict")
    plugin.end()


def test_a_slot_cannot_be_given_back_where_none_are_shared(stub: pb_grpc.EnforcementServiceStub) -> None:
    message = frame(0)
    message.frame.released_slots.append(0)

    asked = iter([config(), message])
    assert refusal(lambda: list(stub.EnforceStream(asked, timeout=20)))[:2] == ("UNIMPLEMENTED", "UNSUPPORTED")


class Scribbler(Bright):
    """A client that writes over its slot while the server has it: just after it was read, when it is looked at."""

    plugin: Plugin | None = None

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        if self.plugin is not None:
            self.plugin.map[:SLOT] = bytes([LIGHT]) * SLOT
        return super().look(images, offsets)


@pytest.mark.parametrize("effect", ["SOLID", "PIXELATE"])
@pytest.mark.parametrize("pixel_format", ["I420", "NV12", "BGR", "GRAY", "JPEG"])
def test_what_is_shown_is_what_was_judged_whatever_is_written_over_it(
    serve: Callable[..., Server], pixel_format: str, effect: str
) -> None:
    """The picture that was looked at, masked; not the one that took its place in the slot."""
    kind = mask_pb2.EffectKind.Value(f"EFFECT_KIND_{effect}")
    options: dict[str, Any] = {
        "response_mode": pb.RESPONSE_MODE_MASKED_FRAME,
        "static_zones": [LEFT],
        "effect": mask_pb2.Effect(kind=kind, strength=1.0),
    }
    model = Scribbler()
    with grpc.insecure_channel(serve(model, shared_memory_bytes=1024 * 1024).address) as channel:
        stub = pb_grpc.EnforcementServiceStub(channel)
        sent = [frame(number, DARK + 2 * (number % 2), pixel_format) for number in range(5)]
        asked = results(stub, [config(pixel_format, **options), *sent])
        plugin = model.plugin = Plugin(stub, pixel_format, **options)
        shown: list[bytes] = []
        for message in sent:
            back = plugin.frame(0, message.frame.data, released=[0] if shown else []).masked.shared_memory
            shown.append(bytes(plugin.map[: back.size_bytes]))
        plugin.end()

    assert asked[-1].verdict.state == verdict_pb2.VERDICT_STATE_CLEAR
    assert shown == [answer.masked.data for answer in asked]


def test_a_mask_that_fails_half_way_leaves_nothing_but_black(
    stub: pb_grpc.EnforcementServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture was copied to its slot by then, and nothing of it hidden yet."""
    plugin = Plugin(stub, response_mode=pb.RESPONSE_MODE_MASKED_FRAME, static_zones=[LEFT])
    for slot in range(4):
        answer = plugin.frame(slot, payload("GRAY", DARK))
    assert answer.verdict.state == verdict_pb2.VERDICT_STATE_CLEAR
    assert DARK in plugin.map[3 * SLOT : 3 * SLOT + SIZE[0] * SIZE[1]]

    def broken(*_: object) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr(effects, "solid", broken)
    answer = plugin.frame(4, payload("GRAY", DARK))

    assert answer.mask_plan.regions == [WHOLE]
    assert set(plugin.map[4 * SLOT : 4 * SLOT + answer.masked.shared_memory.size_bytes]) == {0}
    plugin.end()


@pytest.mark.parametrize("mode", [pb.RESPONSE_MODE_MASKED_FRAME, pb.RESPONSE_MODE_MASK_GEOMETRY])
def test_what_is_kept_is_what_was_judged_whatever_is_written_over_it(serve: Callable[..., Server], mode: Any) -> None:
    """Evidence is made of it later, when the slot has the masked picture, or the next one."""
    notebook = Notebook()
    with grpc.insecure_channel(serve(shared_memory_bytes=1024 * 1024, observers=(notebook,)).address) as channel:
        plugin = Plugin(pb_grpc.EnforcementServiceStub(channel), response_mode=mode)
        plugin.frame(0, payload("GRAY", LIGHT))
        plugin.map[:SLOT] = bytes(SLOT)
        plugin.end()

    (answer,) = (said for what, said in notebook.heard if what == "answered")
    assert set(np.unique(answer.frame.planes[0])) == {LIGHT}


def test_the_memory_is_gone_with_the_stream(stub: pb_grpc.EnforcementServiceStub) -> None:
    plugin = Plugin(stub)
    assert ours() == [plugin.memory.name]
    assert (FOLDER / plugin.memory.name).stat().st_mode & 0o777 == 0o600
    plugin.end()

    assert ours() == []


def test_the_name_is_gone_with_the_first_slot_that_is_used_and_the_memory_is_not(
    stub: pb_grpc.EnforcementServiceStub,
) -> None:
    plugin = Plugin(stub, response_mode=pb.RESPONSE_MODE_MASKED_FRAME)
    assert len(ours()) == 1
    plugin.frame(1, payload("GRAY", LIGHT))
    assert ours() == []

    answer = plugin.frame(0, payload("GRAY", LIGHT))
    assert answer.masked.shared_memory.size_bytes == SIZE[0] * SIZE[1]
    assert max(plugin.map[: SIZE[0] * SIZE[1]]) == 0
    plugin.end()


def test_our_client_leaves_no_name_even_before_it_uses_a_slot(stub: pb_grpc.EnforcementServiceStub) -> None:
    plugin = Plugin(stub)
    Shared(plugin.memory)

    assert ours() == []
    plugin.end()


def wrong(what: str, plugin: Plugin) -> None:
    picture = payload("GRAY", DARK)
    match what:
        case "no such slot":
            plugin.frame(plugin.memory.slots, picture)
        case "a negative slot":
            plugin.frame(-1, picture)
        case "more than a slot holds":
            plugin.frame(0, picture, SLOT + 1)
        case "nothing":
            plugin.frame(0, picture, 0)
        case "a negative size":
            plugin.frame(0, picture, -1)
        case "a slot that was not given back":
            plugin.frame(0, picture)
            plugin.frame(0, picture)
        case "a release of nothing":
            plugin.release(0)
            plugin.frame(1, picture)
        case "a release twice":
            plugin.frame(0, picture)
            plugin.release(0, 0)
            plugin.frame(1, picture)


@pytest.mark.parametrize(
    "what",
    [
        "no such slot",
        "a negative slot",
        "more than a slot holds",
        "nothing",
        "a negative size",
        "a slot that was not given back",
        "a release of nothing",
        "a release twice",
    ],
)
def test_whoever_breaks_the_rules_is_told_and_leaves_nothing_behind(
    stub: pb_grpc.EnforcementServiceStub, what: str
) -> None:
    plugin = Plugin(stub)

    assert refusal(lambda: wrong(what, plugin))[:2] == ("INVALID_ARGUMENT", "INVALID_MESSAGE")
    assert ours() == []


@pytest.mark.parametrize("released", [[1], [8], [-1], [0, 0]])
def test_a_frame_cannot_give_back_what_has_no_result(
    stub: pb_grpc.EnforcementServiceStub, released: Sequence[int]
) -> None:
    plugin = Plugin(stub)
    plugin.frame(0, payload("GRAY", DARK))

    told = refusal(lambda: plugin.frame(1, payload("GRAY", DARK), released=released))
    assert told[:2] == ("INVALID_ARGUMENT", "INVALID_MESSAGE")
    assert ours() == []


def test_a_picture_of_the_wrong_length_is_told(stub: pb_grpc.EnforcementServiceStub) -> None:
    plugin = Plugin(stub)

    assert refusal(lambda: plugin.frame(0, b"abc"))[1] == "INVALID_FRAME"


@pytest.mark.parametrize("size", [-1, 2**40])
def test_a_slot_of_an_impossible_size_is_refused(stub: pb_grpc.EnforcementServiceStub, size: int) -> None:
    asked = config(shared_memory=True, slot_size_bytes=size)

    assert refusal(lambda: list(stub.EnforceStream(iter([asked]), timeout=20)))[1] == "INVALID_MESSAGE"


def test_memory_that_others_have_is_refused_for_now(stub: pb_grpc.EnforcementServiceStub) -> None:
    plugin = Plugin(stub)
    other = config(shared_memory=True, slot_size_bytes=SLOT + 1024)

    code, why, _ = refusal(lambda: list(stub.EnforceStream(iter([other]), timeout=20)))

    assert (code, why) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    plugin.end()


def test_a_client_that_is_gone_leaves_no_memory(stub: pb_grpc.EnforcementServiceStub) -> None:
    plugin = Plugin(stub)
    plugin.frame(0, payload("GRAY", DARK))
    plugin.call.cancel()  # type: ignore[no-untyped-call]

    for _ in range(500):
        if not ours():
            return
        time.sleep(0.01)
    raise AssertionError(ours())


def test_a_full_machine_is_an_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)

    with pytest.raises(OverloadError), SlotMaker(10**9).make(8, 1024):
        pass
    assert ours() == []


def test_a_process_without_a_free_handle_says_so_and_owes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = SlotMaker(8 * 1024)

    def full(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        with pytest.raises(OverloadError), maker.make(8, 1024):
            pass
    with maker.make(8, 1024) as slots:
        assert slots.slots == 8


def test_a_budget_is_free_again_after_a_failure() -> None:
    maker = SlotMaker(8 * 1024)
    for _ in range(3):
        with pytest.raises(ProtocolError), maker.make(8, 1024) as slots:
            slots.take(9, 1)


def test_what_a_killed_server_left_is_swept_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "FOLDER", tmp_path)
    dead = tmp_path / f"privacy-{2**22 + 1}-{'0' * 32}"  # beyond the largest process id of Linux
    alive = tmp_path / f"privacy-{os.getpid()}-{'0' * 32}"
    other = tmp_path / "privacy-notes.txt"
    for path in (dead, alive, other):
        path.write_bytes(b"")

    assert sweep() == 1
    assert sorted(tmp_path.iterdir()) == sorted([alive, other])


def test_arrays_over_a_slot_outlive_its_name() -> None:
    slots = Slots(2, 1024)
    view = slots.room(1, 1024)
    slots.close()
    del slots

    assert view.sum() == 0


def test_memory_goes_with_its_stream_and_not_with_the_garbage() -> None:
    with SlotMaker(2**20).make(2, 4096) as slots:
        assert is_open(slots.name)
    assert not is_open(slots.name)  # though `slots` is still here, as a traceback would keep it


def test_memory_that_is_looked_at_goes_with_the_last_look() -> None:
    with SlotMaker(2**20).make(2, 4096) as slots:
        name, picture = slots.name, slots.room(0, 10)
    assert bytes(picture) == bytes(10)
    del slots, picture
    assert not is_open(name)


def is_open(name: str) -> bool:
    """Whether this process has a shared memory object of this name open, named or not."""
    found = []
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed since it was listed
            found.append(os.readlink(file))  # noqa: PTH115 - the target is no path once it is deleted
    return any(name in target for target in found)
