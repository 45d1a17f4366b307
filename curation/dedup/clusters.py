"""Clusters of near duplicates: candidates by range of keys, verified by block of documents, joined by union-find.

Documents that share a band are compared with the first document that has their key and with the one before them, so that a band of
n documents costs O(n) comparisons; an edge that these two miss has thirteen more bands to be found in.

A candidate is a pair of document numbers of up to 40 bits, left < right. Candidates are kept by block of left numbers, as
words of 64 bits: 22 bits of the left number inside its block, 40 of the right one. What joins them holds the edges that count
and the documents that have one, nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

PAIRS_AT_ONCE = 1 << 18
BLOCK_BITS, NUMBER_BITS = 22, 40
ROUNDS = 16
"""How often the best of what is left of each cluster is compared with all the rest of it."""
Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
"""Candidates of one block, sorted."""
Pairs = Callable[[Int, Int], Float]
"""Similarity of documents left[i] and right[i]: float64[pairs]."""


class Edges(NamedTuple):
    """Candidates, and how similar they are: NaN where nothing was to be compared."""

    left: Int
    right: Int
    alike: Float


class Joined(NamedTuple):
    """Documents that are dropped, for each the one that stays for it, and how similar the two are."""

    dropped: Int
    kept: Int
    alike: Float


def candidates(bands: Iterable[tuple[Words, Int]]) -> dict[int, Words]:
    """Pairs of documents that share a key of a band, each once, by block. bands: (keys uint64[m], numbers int64[m], ascending)."""
    found: dict[int, Words] = {}
    for keys, numbers in bands:
        left, right = meetings(keys)
        left, right = numbers[left], numbers[right]
        block = left >> BLOCK_BITS
        for one in np.unique(block).tolist():
            mine = block == one
            inside = (left[mine] & ((1 << BLOCK_BITS) - 1)).astype(np.uint64) << np.uint64(NUMBER_BITS)
            # Documents that are alike share most bands: of each pair one is enough.
            found[one] = merged([found.get(one, np.zeros(0, np.uint64)), inside | right[mine].astype(np.uint64)])
    return found


def meetings(keys: Words) -> tuple[Int, Int]:
    """Places of equal keys: each with the first that has it, and with the one before it; int64[pairs] each."""
    left, right = np.empty(2 * len(keys), dtype=np.int64), np.empty(2 * len(keys), dtype=np.int64)
    found = _meet(keys, left, right)
    return left[:found], right[:found]


def merged(parts: list[Words]) -> Words:
    """All of them, sorted, each once. (NumPy's ``union1d`` hashes: ten times slower where pairs are alike.)"""
    both = np.concatenate(parts)
    both.sort()
    return both[np.r_[True, both[1:] != both[:-1]]] if len(both) else both


def ends(block: int, pairs: Words) -> tuple[Int, Int]:
    """left, right of the candidates of a block: int64[pairs] each."""
    left = (pairs >> np.uint64(NUMBER_BITS)).astype(np.int64) | block << BLOCK_BITS
    return left, (pairs & np.uint64((1 << NUMBER_BITS) - 1)).astype(np.int64)


def verified(block: int, pairs: Words, similarity: Pairs | None) -> Iterator[Edges]:
    """The candidates of a block with their similarity, some at a time. similarity: None compares nothing."""
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        left, right = ends(block, pairs[start : start + PAIRS_AT_ONCE])
        yield Edges(left, right, similarity(left, right) if similarity is not None else np.full(len(left), np.nan))


def counting(edges: Edges, bound: float | None) -> Edges:
    """The edges that reach the bound; None: every one."""
    if bound is None:
        return edges
    good = edges.alike >= bound
    return Edges(edges.left[good], edges.right[good], edges.alike[good])


def join(edges: Edges, rank: Callable[[Int], Int], similarity: Pairs, bound: float | None) -> Joined:
    """Who stays of each cluster, by edges that count.

    rank: document numbers, ascending, to their rank; the least of a cluster stays. similarity: of any pairs, by number. bound:
    a document goes only for one that is at least so similar to it (`star`); None: whole clusters go (`single`).
    """
    nodes = np.unique(np.concatenate([edges.left, edges.right]))
    a, b = np.searchsorted(nodes, edges.left), np.searchsorted(nodes, edges.right)
    parent = np.arange(len(nodes))
    _join(parent, a, b)
    root, ranks = _roots(parent), rank(nodes)
    known = a.astype(np.uint64) << np.uint64(32) | b.astype(np.uint64)
    order = np.argsort(known)
    known, alike_of_known = known[order], edges.alike[order]

    def alike_of(one: Int, other: Int) -> Float:
        wanted = np.minimum(one, other).astype(np.uint64) << np.uint64(32) | np.maximum(one, other).astype(np.uint64)
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        result = np.where(known[place] == wanted, alike_of_known[place], np.nan)
        open_ = np.flatnonzero(np.isnan(result))
        if len(open_):
            result[open_] = similarity(nodes[one[open_]], nodes[other[open_]])
        return result

    kept, value = np.arange(len(nodes)), np.full(len(nodes), np.nan)
    left = np.arange(len(nodes))
    for _ in range(ROUNDS):
        if not len(left):
            break
        # The best-ranked of each cluster stays, and takes with it what is like itself; of the rest again the best, …
        ordered = left[np.lexsort((ranks[left], root[left]))]
        leads = np.flatnonzero(np.r_[True, root[ordered][1:] != root[ordered][:-1]])
        lead = np.repeat(ordered[leads], np.diff(np.r_[leads, len(ordered)]))
        follows = ordered != lead
        ordered, lead = ordered[follows], lead[follows]
        alike = alike_of(ordered, lead) if len(ordered) else np.zeros(0)
        gone = np.ones(len(ordered), dtype=bool) if bound is None else alike >= bound
        kept[ordered[gone]], value[ordered[gone]] = lead[gone], alike[gone]
        left = np.sort(ordered[~gone])
    if len(left):
        # A chain of thousands, none like the next but one: what is left of it goes by the edges that it has.
        among = np.full(len(nodes), -1, dtype=np.int64)
        among[left] = np.arange(len(left))
        inside = (among[a] >= 0) & (among[b] >= 0)
        star = stars(ranks[left], among[a[inside]], among[b[inside]])
        follows = np.flatnonzero(star != np.arange(len(left)))
        kept[left[follows]] = left[star[follows]]
        value[left[follows]] = alike_of(left[follows], left[star[follows]]) if len(follows) else np.zeros(0)
    dropped = np.flatnonzero(kept != np.arange(len(nodes)))
    return Joined(nodes[dropped], nodes[kept[dropped]], value[dropped])


def most_alike(edges: Iterable[Edges], dropped: Int, bound: float, most: int) -> list[tuple[int, int, float]]:
    """Of the candidates under the bound with neither end ``dropped`` (sorted) the most alike ones, the least numbers first."""
    found: list[tuple[float, int, int]] = []
    for left, right, alike in edges:
        under = np.flatnonzero(alike < bound)
        under = under[~(_among(left[under], dropped) | _among(right[under], dropped))]
        under = under[np.argsort(-alike[under], kind="stable")[:most]]
        found += [(-float(alike[i]), int(left[i]), int(right[i])) for i in under]
        found = sorted(set(found))[:most]
    return [(left, right, -negative) for negative, left, right in found]


def _among(values: Int, of: Int) -> npt.NDArray[np.bool_]:
    if not len(of):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(of, values), len(of) - 1)
    there: npt.NDArray[np.bool_] = of[place] == values
    return there


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
def _meet(keys, left, right):  # type: ignore[no-untyped-def]
    slots = 16
    while slots < 2 * len(keys):
        slots *= 2
    mask = uint64(slots - 1)
    first, last = np.zeros(slots, dtype=np.uint32), np.zeros(slots, dtype=np.uint32)  # places, from 1 on
    found = 0
    for j in range(len(keys)):
        slot = keys[j] & mask
        while first[slot] != 0 and keys[first[slot] - 1] != keys[j]:
            slot = (slot + uint64(1)) & mask
        if first[slot] == 0:
            first[slot] = j + 1
        else:
            left[found], right[found] = first[slot] - 1, j
            found += 1
            if last[slot] != first[slot]:
                left[found], right[found] = last[slot] - 1, j
                found += 1
        last[slot] = j + 1
    return found


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
