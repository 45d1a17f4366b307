"""Candidates, clusters and stars: against plain references, and linear where texts are made to share a band."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import clusters
from curation.dedup.clusters import Edges, candidates, counting, ends, join, merged, most_alike, stars, verified

Pair = tuple[int, int]


def similarity(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Of made documents: the same for a pair, whichever stands left."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    return ((low * 31 + high * 17) % 10) / 10


def pairs_of(found: dict[int, np.ndarray]) -> set[Pair]:
    return {
        pair
        for block, pairs in found.items()
        for pair in zip(*(one.tolist() for one in ends(block, pairs)), strict=True)
    }


def all_edges(found: dict[int, np.ndarray]) -> Edges:
    made = [edges for block, pairs in sorted(found.items()) for edges in verified(block, pairs, similarity)]
    none = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    return Edges(*(np.concatenate([none[side], *(one[side] for one in made)]) for side in range(3)))


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 6))
def test_candidates_are_those_of_sorting(seed: int, n: int, different: int) -> None:
    draw = np.random.default_rng(seed)
    keys = draw.integers(0, 2**64, different, dtype=np.uint64)[draw.integers(0, different, n)]
    numbers = np.sort(draw.choice(1 << 40, n, replace=False))
    wanted = set()
    for key in set(keys.tolist()):
        members = numbers[keys == key].tolist()
        wanted |= {(members[0], i) for i in members[1:]} | set(pairwise(members))
    assert pairs_of(candidates([(keys, numbers)])) == wanted


def test_a_band_that_all_share_costs_two_comparisons_a_document() -> None:
    n = 5000
    keys = np.random.default_rng(0).integers(1, 2**60, (14, n)).astype(np.uint64)
    keys[3] = 42
    found = candidates((band, np.arange(n)) for band in keys)
    assert sum(map(len, found.values())) <= 2 * n


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_ranges_of_keys_change_nothing(seed: int, ranges: int) -> None:
    n, bands = 200, 6
    draw = np.random.default_rng(seed)
    keys = draw.integers(0, 2**64, 60, dtype=np.uint64)[draw.integers(0, 60, (bands, n))]
    numbers = np.sort(draw.choice(1 << 23, n, replace=False))  # two blocks
    whole = candidates((band, numbers) for band in keys)
    parts: dict[int, list[np.ndarray]] = {}
    for place in range(ranges):
        mine = [band % np.uint64(ranges) == place for band in keys]
        for block, pairs in candidates((b[m], numbers[m]) for b, m in zip(keys, mine, strict=True)).items():
            parts.setdefault(block, []).append(pairs)
    assert {block: merged(pairs).tolist() for block, pairs in parts.items()} == {
        block: pairs.tolist() for block, pairs in whole.items()
    }


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.8, None]))
def test_who_stays(seed: int, bound: float | None) -> None:
    """Of each cluster the best stays and takes what is like it; of the rest again the best; nothing goes for one that goes."""
    draw = np.random.default_rng(seed)
    n = 60
    keys = draw.integers(0, 2**64, 20, dtype=np.uint64)[draw.integers(0, 20, (3, n))]
    edges = counting(all_edges(candidates((band, np.arange(n)) for band in keys)), bound or 0.5)
    if not len(edges.left):
        return
    order = draw.permutation(n)
    with patch.object(clusters, "ROUNDS", n):
        found = join(edges, lambda numbers: order[numbers], similarity, bound)
    cluster = list(range(n))
    for a, b in zip(edges.left.tolist(), edges.right.tolist(), strict=True):
        low, high = sorted((cluster[a], cluster[b]))
        cluster = [low if one == high else one for one in cluster]
    wanted: dict[int, int] = {}
    for name in set(cluster):
        left = sorted((i for i in range(n) if cluster[i] == name), key=lambda i: order[i])
        while left:
            lead, rest = left[0], left[1:]
            gone = [i for i in rest if bound is None or similarity(np.array([lead]), np.array([i]))[0] >= bound]
            wanted |= dict.fromkeys(gone, lead)
            left = [i for i in rest if i not in gone]
    assert dict(zip(found.dropped.tolist(), found.kept.tolist(), strict=True)) == wanted
    np.testing.assert_array_equal(found.alike, similarity(found.dropped, found.kept))


def test_a_chain_goes_by_its_edges_after_some_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "ROUNDS", 1)
    n = 9
    edges = Edges(np.arange(n - 1), np.arange(1, n), np.ones(n - 1))

    def neighbours(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return (np.abs(left - right) == 1).astype(float)

    found = join(edges, lambda numbers: numbers, neighbours, 0.9)
    assert dict(zip(found.dropped.tolist(), found.kept.tolist(), strict=True)) == {1: 0, 3: 2, 5: 4, 7: 6}


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_most_alike_are_the_best_of_those_under_the_bound(seed: int, most: int) -> None:
    draw = np.random.default_rng(seed)
    dropped = np.flatnonzero(draw.random(20) < 0.2)
    made = [
        Edges(
            draw.integers(0, 10, 12),
            draw.integers(10, 20, 12),
            np.where(draw.random(12) < 0.2, np.nan, draw.random(12)),
        )
        for _ in range(2)
    ]
    known = {(-float(alike), int(a), int(b)) for edges in made for a, b, alike in zip(*edges, strict=True)}
    wanted = sorted((m, a, b) for m, a, b in known if -m < 0.7 and a not in dropped and b not in dropped)[:most]
    found = most_alike(iter(made), dropped, 0.7, most)
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
