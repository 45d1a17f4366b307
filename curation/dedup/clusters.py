"""Clusters of near duplicates: candidates band by band, verified by signature, joined by union-find.

Documents that share a band are compared with the first document of their band that stands for its cluster and with
their neighbour in the band, so that a band of n documents costs O(n) comparisons; an edge that these two miss has
thirteen more bands to be found in. Memory: the band's keys and two 32-bit words a document.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numba import njit

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
    for band in range(bands):
        column = keys(band)
        order = np.lexsort((np.arange(n), column))
        order = order[~empty[order]]
        sorted_keys = column[order]
        same = np.flatnonzero(sorted_keys[1:] == sorted_keys[:-1]) + 1
        if not len(same):
            continue
        starts = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]])
        first = order[starts[np.searchsorted(starts, same, side="right") - 1]]
        left = np.concatenate([first, order[same - 1]])
        right = np.concatenate([order[same], order[same]])
        roots = _roots(parent)
        apart = roots[left] != roots[right]
        left, right = left[apart], right[apart]
        if min_similarity is not None and len(left):
            pairs = np.unique(np.column_stack([left, right]), axis=0)
            left, right = pairs[:, 0], pairs[:, 1]
            good = similarity(left, right) >= min_similarity
            left, right = left[good], right[good]
        _join(parent, left, right)
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
