"""What several processes say comes out in the order in which it happened, whoever is slow to say it."""

from hypothesis import given
from hypothesis import strategies as st

from privacy.serve.merge import Merge

HEARD = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60)


@given(HEARD, st.randoms(use_true_random=False))
def test_whatever_the_pipes_do_the_order_is_that_of_the_events(heard: list[tuple[int, bool]], random: object) -> None:
    """Each source says its events and marks in order; how far the pipes are behind one another is chance."""
    pipes: dict[int, list[tuple[float, bool]]] = {source: [] for source in range(4)}
    for number, (source, is_event) in enumerate(heard):
        pipes[source].append((float(number), is_event))
    merge: Merge[float] = Merge(1e9, 10_000)
    for source in pipes:
        merge.join(source, -1.0)
    out: list[float] = []
    while any(pipes.values()):
        source = random.choice([one for one, pipe in pipes.items() if pipe])  # type: ignore[attr-defined]
        at, is_event = pipes[source].pop(0)
        if is_event:
            merge.take(source, at, at, at)
        else:
            merge.until(source, at, at)
        out += merge.ready(at)
    for source in pipes:
        merge.leave(source)
    out += merge.ready(1e6)

    assert out == [float(number) for number, (_, is_event) in enumerate(heard) if is_event]
    assert len(merge) == 0


def test_nothing_comes_out_until_the_others_have_said_how_far_they_are() -> None:
    merge: Merge[str] = Merge(5.0, 100)
    merge.join(1, 0.0)
    merge.join(2, 0.0)
    merge.until(2, 8.0, 8.0)
    merge.take(1, 10.0, "opened", 10.0)
    assert merge.ready(10.0) == []

    merge.take(2, 9.0, "closed", 10.5)
    assert merge.ready(10.5) == ["closed"]

    merge.until(2, 11.0, 11.0)
    assert merge.ready(11.0) == ["opened"]


def test_who_says_nothing_is_not_waited_for_and_what_he_says_late_is_not_lost() -> None:
    merge: Merge[str] = Merge(5.0, 100)
    merge.join(1, 0.0)
    merge.join(2, 0.0)
    merge.take(1, 6.0, "here", 6.0)
    assert merge.ready(6.0) == ["here"]

    merge.take(2, 1.0, "late", 7.0)
    assert merge.ready(7.0) == ["late"]


def test_no_more_is_held_than_there_is_room_for() -> None:
    merge: Merge[int] = Merge(1e9, 3)
    merge.join(1, 0.0)
    merge.join(2, 0.0)
    for number in range(5):
        merge.take(1, float(number + 1), number, 1.0)

    assert merge.ready(1.0) == [0, 1]
