"""The fast sort against numpy's lexsort."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.arrays.sorting import order_by

NUMBERS = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.5, float("nan"), float("inf"), float("-inf")]), st.floats())


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.tuples(NUMBERS, st.integers(-3, 3), st.integers(0, 2), st.integers(0, 2)), max_size=40))
def test_it_sorts_as_lexsort_does(rows: list[tuple[float, int, int, int]]) -> None:
    n = len(rows)
    ids = np.array([[row[2] << 40, row[3]] for row in rows], dtype=np.uint64).reshape(n, 2)
    first, second = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=np.int64)
    expected = np.lexsort((np.arange(n), ids[:, 1], ids[:, 0], second, first + 0.0))
    np.testing.assert_array_equal(order_by(ids, first, second), expected)


def test_many_rows_with_wide_keys() -> None:
    draw = np.random.default_rng(0)
    n = 20_000
    ids = draw.integers(0, 2**63, (n, 2)).astype(np.uint64) * np.uint64(2)
    labels, scores = draw.integers(0, 3, n), np.round(draw.normal(size=n), 2)
    expected = np.lexsort((ids[:, 1], ids[:, 0], scores, labels))
    np.testing.assert_array_equal(order_by(ids, labels, scores), expected)
