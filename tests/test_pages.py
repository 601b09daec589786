"""A token leads to the next page of the same list, and to nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.errors import FieldError
from privacy.pages import NUMBER, after_of, size_of, token_of


@given(st.text(min_size=1), st.text(), st.text())
def test_a_token_leads_on_in_its_own_list(after: str, parent: str, text: str) -> None:
    assert after_of(token_of(after, parent, text), parent, text) == after


def test_the_last_page_has_no_token() -> None:
    assert (token_of("", "sites/a"), after_of("", "sites/a")) == ("", "")


def test_a_token_of_another_list_is_refused() -> None:
    with pytest.raises(FieldError, match="another list"):
        after_of(token_of("hq", "sites/a", ""), "sites/b", "")


@given(st.text(min_size=1))
def test_a_token_that_nobody_gave_is_refused(token: str) -> None:
    with pytest.raises(FieldError):
        after_of(token)


@pytest.mark.parametrize("after", ["", "x", "-1", "1.0", "٣", "1\n", "9" * 19])
def test_a_token_that_names_no_number_where_one_is_asked_for_is_refused(after: str) -> None:
    token = token_of(after or " ", "reports")

    with pytest.raises(FieldError, match="page_token"):
        after_of(token, "reports", like=NUMBER)
    assert after_of(token_of("9" * 18, "reports"), "reports", like=NUMBER) == "9" * 18


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000)])
def test_sizes(asked: int, size: int) -> None:
    assert size_of(asked) == size


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(FieldError):
        size_of(-1)
