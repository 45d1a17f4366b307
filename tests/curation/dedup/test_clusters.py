"""Candidates, clusters and stars: against plain references, and linear where texts are made to share a band."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import clusters
from curation.dedup.clusters import connect, ends, remembered, stars


def all_alike(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ones(len(left))


def none_alike(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.zeros(len(left))


def test_clusters_are_named_by_their_least_member() -> None:
    keys = np.array([[7, 1, 7, 3, 9], [2, 8, 4, 8, 4]], dtype=np.uint64)
    empty = np.zeros(5, dtype=bool)
    with connect(lambda band: keys[band], 2, 5, empty, all_alike, 0.5) as (found, runs):
        assert found.tolist() == [0, 1, 0, 1, 0]
        assert [pair for pairs, _ in runs for pair in zip(*(one.tolist() for one in ends(pairs)), strict=True)] == [
            (0, 2),
            (1, 3),
            (2, 4),
        ]
    with connect(lambda band: keys[band], 2, 5, empty, none_alike, 0.5) as (apart, _):
        assert apart.tolist() == [0, 1, 2, 3, 4]


def test_more_documents_than_can_be_numbered() -> None:
    none = np.zeros(0, dtype=bool)
    with (
        pytest.raises(ValueError, match="split the sources"),
        connect(lambda band: np.zeros(0, np.uint64), 1, 1 << 32, none, all_alike, 0.5),
    ):
        pass


def test_a_band_that_all_share_costs_two_comparisons_a_document() -> None:
    n, compared = 5000, 0

    def counted(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += len(left)
        return np.zeros(len(left))

    keys = np.random.default_rng(0).integers(1, 2**60, (14, n)).astype(np.uint64)
    keys[3] = 42
    with connect(lambda band: keys[band], 14, n, np.zeros(n, dtype=bool), counted, 0.7) as (_, runs):
        assert sum(len(pairs) for pairs, _ in runs) <= 2 * n
    assert compared <= 2 * n


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 6))
def test_candidates_are_those_of_sorting(seed: int, n: int, different: int) -> None:
    draw = np.random.default_rng(seed)
    keys = draw.integers(0, 2**64, different, dtype=np.uint64)[draw.integers(0, different, n)]
    empty = draw.random(n) < 0.2
    with connect(lambda band: keys, 1, n, empty, all_alike, 0.5) as (_, runs):
        found = {pair for pairs, _ in runs for pair in pairs.tolist()}
    wanted = set()
    for key in set(keys.tolist()):
        members = [i for i in range(n) if keys[i] == key and not empty[i]]
        wanted |= {members[0] << 32 | i for i in members[1:]} | {a << 32 | b for a, b in pairwise(members)}
    assert found == wanted


@given(st.integers(0, 2**32 - 1))
def test_ranges_of_keys_and_spilled_candidates_change_nothing(seed: int) -> None:
    n, bands = 200, 6
    draw = np.random.default_rng(seed)
    keys = draw.integers(0, 2**64, 60, dtype=np.uint64)[draw.integers(0, 60, (bands, n))]
    empty = draw.random(n) < 0.1

    def similarity(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return ((left * 31 + right * 17) % 10) / 10

    def found() -> tuple[list[int], set[int], list[float]]:
        with connect(lambda band: keys[band], bands, n, empty, similarity, 0.5) as (root, runs):
            pairs = {pair for pairs, _ in runs for pair in pairs.tolist()}
            alike = remembered(runs, similarity)(np.arange(n - 1), np.arange(1, n)).tolist()
            return root.tolist(), pairs, alike

    whole = found()
    with patch.object(clusters, "KEYS_AT_ONCE", 37), patch.object(clusters, "PAIRS_HELD", 100):
        assert found() == whole


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_most_alike_are_the_best_of_those_under_the_bound(seed: int, most: int) -> None:
    draw = np.random.default_rng(seed)
    stay = draw.random(20) < 0.8
    runs = []
    for _ in range(2):
        pairs = np.unique(
            draw.integers(0, 10, 12).astype(np.uint64) << np.uint64(32) | draw.integers(10, 20, 12).astype(np.uint64)
        )
        runs.append((pairs, np.where(draw.random(len(pairs)) < 0.2, np.nan, draw.integers(0, 10, len(pairs)) / 10)))
    known = {
        (-float(a), *(int(e[0]) for e in ends(p[None])))
        for pairs, alike in runs
        for p, a in zip(pairs, alike, strict=True)
    }
    wanted = sorted((n, a, b) for n, a, b in known if -n < 0.7 and stay[a] and stay[b])[:most]
    found = clusters.most_alike(runs, stay, 0.7, most)
    assert [(-alike, a, b) for a, b, alike in found] == wanted


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
