"""Clusters of near duplicates: candidates band by band, verified by signature, joined by union-find.

Documents that share a band are compared with the first document of their band that stands for its cluster and with
their neighbour in the band, so that a band of n documents costs O(n) comparisons; an edge that these two miss has
thirteen more bands to be found in. Memory: a band's keys, two words a document, and a word a pair of candidates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numba import njit

PAIRS_AT_ONCE = 1 << 18
Int = npt.NDArray[np.int64]
Pairs = Callable[[Int, Int], npt.NDArray[np.float64]]
"""Similarity of documents left[i] and right[i]: float64[pairs]."""


def connect(
    keys: Callable[[int], npt.NDArray[np.uint64]],
    bands: int,
    n: int,
    empty: npt.NDArray[np.bool_],
    similarity: Pairs,
    min_similarity: float | None,
) -> tuple[Int, npt.NDArray[np.uint64], npt.NDArray[np.float64]]:
    """The cluster of each document, named by its least member: int64[n]; the candidates, sorted: uint64[pairs], each
    left << 32 | right (none where no similarity is asked for); and how similar they are: float64[pairs], NaN where the two
    were of one cluster already.

    keys(band): uint64[n]. empty: documents that take no part. Edges count where the similarity reaches the bound
    (None: every band collision).
    """
    parent = np.arange(n)
    pairs = np.zeros(0, dtype=np.uint64)
    for band in range(bands):
        column = keys(band)
        order = np.argsort(column, kind="stable")
        order = order[~empty[order]]
        sorted_keys = column[order]
        new = np.r_[True, sorted_keys[1:] != sorted_keys[:-1]] if len(order) else np.zeros(0, dtype=bool)
        same = np.flatnonzero(~new)
        if not len(same):
            continue
        starts = np.flatnonzero(new)
        first = order[starts[np.searchsorted(starts, same, side="right") - 1]]
        left = np.concatenate([first, order[same - 1]])
        right = np.concatenate([order[same], order[same]])
        if min_similarity is None:
            _join(parent, left, right)
        else:
            # Documents that are alike share most bands: of each pair one is enough.
            pairs = np.union1d(pairs, left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64))
    alike = np.full(len(pairs), np.nan, dtype=np.float64)
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        left, right = ends(pairs[start : start + PAIRS_AT_ONCE])
        roots = _roots(parent)
        apart = np.flatnonzero(roots[left] != roots[right])
        left, right = left[apart], right[apart]
        if len(left):
            found = similarity(left, right)
            alike[start + apart] = found
            good = found >= (min_similarity or 0.0)
            _join(parent, left[good], right[good])
    return _roots(parent), pairs, alike


def remembered(pairs: npt.NDArray[np.uint64], alike: npt.NDArray[np.float64], similarity: Pairs) -> Pairs:
    """``similarity``, but what ``connect`` found is not worked out again."""

    def known_first(left: Int, right: Int) -> npt.NDArray[np.float64]:
        result = np.full(len(left), np.nan)
        if len(pairs):
            wanted = np.minimum(left, right).astype(np.uint64) << np.uint64(32) | np.maximum(left, right).astype(
                np.uint64
            )
            place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
            result = np.where(pairs[place] == wanted, alike[place], np.nan)
        open_ = np.flatnonzero(np.isnan(result))
        if len(open_):
            result[open_] = similarity(left[open_], right[open_])
        return result

    return known_first


def ends(pairs: npt.NDArray[np.uint64]) -> tuple[Int, Int]:
    """left, right of candidate pairs: int64[pairs] each."""
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def stars(rank: Int, left: Int, right: Int) -> Int:
    """For each document the one that stays for it, by verified edges alone: int64[n], itself where it stays.

    In the order of ``rank``: who is not gone yet stays, and takes with it who has an edge to it. Linear in the edges.
    """
    both_left, both_right = np.concatenate([left, right]), np.concatenate([right, left])
    order = np.argsort(both_left, kind="stable")
    first = np.searchsorted(both_left[order], np.arange(len(rank) + 1))
    return _stars(np.argsort(rank, kind="stable"), first, both_right[order])


@njit(nogil=True, cache=True)
def _stars(by_rank, first, neighbours):  # type: ignore[no-untyped-def]
    lead = np.full(len(by_rank), -1, dtype=np.int64)
    for document in by_rank:
        if lead[document] >= 0:
            continue
        lead[document] = document
        for k in range(first[document], first[document + 1]):
            if lead[neighbours[k]] < 0:
                lead[neighbours[k]] = document
    return lead


@njit(nogil=True, cache=True)
def _find(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(nogil=True, cache=True)
def _roots(parent):  # type: ignore[no-untyped-def]
    result = np.empty_like(parent)
    for i in range(len(parent)):
        result[i] = _find(parent, i)
    return result


@njit(nogil=True, cache=True)
def _join(parent, left, right):  # type: ignore[no-untyped-def]
    for k in range(len(left)):
        a, b = _find(parent, left[k]), _find(parent, right[k])
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
