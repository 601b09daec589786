"""A stage of its own: decoding runs ahead of the model by a bounded number of items."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_END = object()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """Yield `items`, made in a thread that is at most `depth` of them ahead. What it raises is raised here.

    A consumer that stops early stops the thread as well; it is gone when this returns.
    """
    waiting: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()
    thread = threading.Thread(target=_work, args=(items, waiting, stopped), name="ahead", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


def _work(items: Iterable[object], waiting: queue.Queue[object], stopped: threading.Event) -> None:
    try:
        for item in items:
            if not _put(item, waiting, stopped):
                return
    except BaseException as error:
        _put(_Raised(error), waiting, stopped)
    else:
        _put(_END, waiting, stopped)


def _put(item: object, waiting: queue.Queue[object], stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False
