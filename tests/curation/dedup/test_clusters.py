"""Candidates, clusters and stars: against plain references, and linear where texts are made to share a band."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup.clusters import connect, ends, stars


def all_alike(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ones(len(left))


def none_alike(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.zeros(len(left))


def test_clusters_are_named_by_their_least_member() -> None:
    keys = np.array([[7, 1, 7, 3, 9], [2, 8, 4, 8, 4]], dtype=np.uint64)
    empty = np.zeros(5, dtype=bool)
    found, pairs, _ = connect(lambda band: keys[band], 2, 5, empty, all_alike, 0.5)
    assert found.tolist() == [0, 1, 0, 1, 0]
    assert sorted(zip(*(one.tolist() for one in ends(pairs)), strict=True)) == [(0, 2), (1, 3), (2, 4)]
    apart, _, _ = connect(lambda band: keys[band], 2, 5, empty, none_alike, 0.5)
    assert apart.tolist() == [0, 1, 2, 3, 4]


def test_a_band_that_all_share_costs_two_comparisons_a_document() -> None:
    n, compared = 5000, 0

    def counted(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += len(left)
        return np.zeros(len(left))

    keys = np.random.default_rng(0).integers(1, 2**60, (14, n)).astype(np.uint64)
    keys[3] = 42
    _, pairs, _ = connect(lambda band: keys[band], 14, n, np.zeros(n, dtype=bool), counted, 0.7)
    assert len(pairs) <= 2 * n
    assert compared <= 2 * n


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.permutations(range(n)),
            st.lists(
                st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] != e[1]), max_size=30
            ),
        )
    )
)
def test_stars_are_greedy_by_rank(drawn: tuple[list[int], list[tuple[int, int]]]) -> None:
    rank, edges = drawn
    wanted = [-1] * len(rank)
    for document in sorted(range(len(rank)), key=lambda i: rank[i]):
        if wanted[document] < 0:
            wanted[document] = document
            for a, b in edges:
                for one, other in ((a, b), (b, a)):
                    if one == document and wanted[other] < 0:
                        wanted[other] = document
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
    assert stars(np.array(rank), left, right).tolist() == wanted
