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
) -> Int:
    """The cluster of each document, named by its least member: int64[n].

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
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        some = pairs[start : start + PAIRS_AT_ONCE]
        left, right = (some >> np.uint64(32)).astype(np.int64), (some & np.uint64(0xFFFFFFFF)).astype(np.int64)
        roots = _roots(parent)
        apart = roots[left] != roots[right]
        left, right = left[apart], right[apart]
        if len(left):
            good = similarity(left, right) >= (min_similarity or 0.0)
            _join(parent, left[good], right[good])
    return _roots(parent)


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
