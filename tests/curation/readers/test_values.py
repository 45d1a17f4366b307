"""Values of columns: lists of numbers are looked at all at once, and come to what one by one says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curation.readers.values import number_lists_of, number_of, numbers_of

ODD = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.none(),
    st.text(max_size=2),
    st.just(10**400),
    st.lists(st.integers(), max_size=2),
)


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.integers(-9, 9), ODD), max_size=5))
def test_a_list_of_numbers_is_one_of_numbers_one_by_one(given_: list[object]) -> None:
    each = [number_of(one) for one in given_]
    assert numbers_of(given_) == (None if None in each else each)


@given(
    st.lists(
        st.one_of(
            st.lists(st.one_of(st.floats(-9, 9), st.integers(-9, 9)), max_size=3), st.lists(ODD, max_size=2), ODD
        ),
        max_size=4,
    )
)
def test_lists_of_numbers_are_each_one_of_numbers(given_: list[object]) -> None:
    each = [numbers_of(one) for one in given_]
    assert number_lists_of(given_) == (None if None in each else each)
