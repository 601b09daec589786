"""What is remembered between frames has an end, in bytes."""

from concurrent.futures import ThreadPoolExecutor

from privacy.masking.kept import Kept


def test_what_was_made_is_not_made_again() -> None:
    kept, made = Kept[bytes](10_000, len), []
    for _ in range(3):
        kept.get("a", lambda: made.append(1) or b"x")  # type: ignore[func-returns-value]

    assert made == [1]


def test_it_never_holds_more_than_its_bound() -> None:
    kept = Kept[bytes](10_000, len)
    for number in range(100):
        kept.get(number, lambda: bytes(1000))
        assert kept.nbytes <= 10_000


def test_what_was_used_last_stays() -> None:
    kept = Kept[bytes](7_000, len)
    for key in ("a", "b", "c", "a", "d"):
        kept.get(key, lambda: bytes(1000))

    assert kept.get("a", lambda: b"anew") == bytes(1000)
    assert kept.get("b", lambda: b"anew") == b"anew"


def test_what_is_larger_than_the_bound_is_made_each_time() -> None:
    kept = Kept[bytes](2_000, len)
    kept.get("large", lambda: bytes(5000))

    assert kept.nbytes == 0


def test_threads_agree_on_one_value() -> None:
    kept = Kept[object](1 << 20, lambda _: 1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kept.get("key", object), range(200)))

    assert all(kept.get("key", object) is one for one in found[-50:])
