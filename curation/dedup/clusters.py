"""Clusters of near duplicates: candidates band by band, verified by signature, joined by union-find.

Documents that share a band are compared with the first document of their band that stands for its cluster and with
their neighbour in the band, so that a band of n documents costs O(n) comparisons; an edge that these two miss has
thirteen more bands to be found in.

Memory: a band's keys and one word a document; candidates of a range of keys at a time; beyond ``PAIRS_HELD`` pairs the
candidates go to a file. Rows are numbers of 32 bits in a pair: fewer than 2^32 documents.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

PAIRS_AT_ONCE = 1 << 18
PAIRS_HELD = 1 << 24
"""Candidates in memory: 128 MB, and as much again for their similarities."""
KEYS_AT_ONCE = 1 << 22
"""Documents whose keys meet in one table: up to 130 MB."""
Int = npt.NDArray[np.int64]
Pairs = Callable[[Int, Int], npt.NDArray[np.float64]]
"""Similarity of documents left[i] and right[i]: float64[pairs]."""
Run = tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64]]
"""Candidates, sorted, each left << 32 | right, left < right; and how similar they are, NaN where the two were of one
cluster already."""


@contextmanager
def connect(
    keys: Callable[[int], npt.NDArray[np.uint64]],
    bands: int,
    n: int,
    empty: npt.NDArray[np.bool_],
    similarity: Pairs,
    min_similarity: float | None,
) -> Iterator[tuple[Int, list[Run]]]:
    """The cluster of each document, named by its least member: int64[n]; and the candidates, in runs that last as long as
    the context (none where no similarity is asked for).

    keys(band): uint64[n]. empty: documents that take no part. Edges count where the similarity reaches the bound
    (None: every band collision). Raises ValueError for 2^32 documents or more.
    """
    if n >= 1 << 32:
        raise ValueError(f"{n} documents are more than one deduplication can number (2^32); split the sources")
    parent = np.arange(n)
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="syllabus-pairs-") as folder:
        pairs = np.zeros(0, dtype=np.uint64)
        for band in range(bands):
            for left, right in _meetings(keys(band), empty):
                if min_similarity is None:
                    _join(parent, left, right)
                    continue
                # Documents that are alike share most bands: of each pair one is enough.
                pairs = _with(pairs, left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64))
                if len(pairs) > PAIRS_HELD:
                    runs.append(_on_disk(_verify(pairs, parent, similarity, min_similarity), Path(folder), len(runs)))
                    pairs = pairs[:0]
        if min_similarity is not None:
            runs.append(_verify(pairs, parent, similarity, min_similarity))
        yield _roots(parent), runs
        runs.clear()  # the files are still mapped


def _with(pairs: npt.NDArray[np.uint64], more: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Both, sorted, each once. (NumPy's ``union1d`` hashes: ten times slower where pairs are alike.)"""
    both = np.concatenate([pairs, more])
    both.sort()
    return both[np.r_[True, both[1:] != both[:-1]]] if len(both) else both


def _meetings(keys: npt.NDArray[np.uint64], empty: npt.NDArray[np.bool_]) -> Iterator[tuple[Int, Int]]:
    """Documents that share a key: each with the first that has it and with the one before it, a range of keys at a time."""
    ranges = -(-len(keys) // KEYS_AT_ONCE)
    # Keys are hashes: their upper halves are spread evenly.
    place = ((keys >> np.uint64(32)) * np.uint64(ranges) >> np.uint64(32)).astype(np.uint16) if ranges > 1 else None
    for number in range(ranges):
        members = np.flatnonzero(~empty if place is None else ~empty & (place == number))
        left, right = np.empty(2 * len(members), dtype=np.int64), np.empty(2 * len(members), dtype=np.int64)
        found = _meet(keys, members, left, right)
        yield left[:found], right[:found]


def _verify(pairs: npt.NDArray[np.uint64], parent: Int, similarity: Pairs, bound: float) -> Run:
    """Join the candidates that are alike. Those of one cluster already are not compared: it would change nothing."""
    alike = np.full(len(pairs), np.nan)
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        left, right = ends(pairs[start : start + PAIRS_AT_ONCE])
        roots = _roots(parent)
        apart = np.flatnonzero(roots[left] != roots[right])
        left, right = left[apart], right[apart]
        if len(left):
            found = similarity(left, right)
            alike[start + apart] = found
            good = found >= bound
            _join(parent, left[good], right[good])
    return pairs, alike


def _on_disk(run: Run, folder: Path, number: int) -> Run:
    """The same run, in files."""
    mapped = []
    for name, values in zip(("pairs", "alike"), run, strict=True):
        np.save(folder / f"{name}-{number}.npy", values)
        mapped.append(np.load(folder / f"{name}-{number}.npy", mmap_mode="r"))
    return mapped[0], mapped[1]


def remembered(runs: list[Run], similarity: Pairs) -> Pairs:
    """``similarity``, but what ``connect`` found is not worked out again."""

    def known_first(left: Int, right: Int) -> npt.NDArray[np.float64]:
        wanted = np.minimum(left, right).astype(np.uint64) << np.uint64(32) | np.maximum(left, right).astype(np.uint64)
        result = np.full(len(left), np.nan)
        for pairs, alike in runs:
            if len(pairs):
                place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
                result = np.where(np.isnan(result) & (pairs[place] == wanted), alike[place], result)
        open_ = np.flatnonzero(np.isnan(result))
        if len(open_):
            result[open_] = similarity(left[open_], right[open_])
        return result

    return known_first


def edges(runs: list[Run], among: Int, n: int, similarity: Pairs, bound: float) -> tuple[Int, Int]:
    """Candidates with both ends ``among`` (sorted) that reach the bound: places in ``among``, int64[edges] each."""
    place = np.full(n, -1, dtype=np.int64)
    place[among] = np.arange(len(among))
    lefts, rights = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for pairs, _ in runs:
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            left, right = ends(pairs[start : start + PAIRS_AT_ONCE])
            inside = (place[left] >= 0) & (place[right] >= 0)
            left, right = left[inside], right[inside]
            if len(left):
                good = similarity(left, right) >= bound
                lefts.append(place[left[good]])
                rights.append(place[right[good]])
    return np.concatenate(lefts), np.concatenate(rights)


def most_alike(runs: list[Run], stay: npt.NDArray[np.bool_], bound: float, most: int) -> list[tuple[int, int, float]]:
    """Of the candidates under the bound with both ends in ``stay``, bool[n], the most alike ones, the least rows first."""
    found: list[tuple[float, int, int]] = []
    for pairs, alike in runs:
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            some = alike[start : start + PAIRS_AT_ONCE]
            left, right = ends(pairs[start : start + PAIRS_AT_ONCE])
            under = np.flatnonzero((some < bound) & stay[left] & stay[right])
            under = under[np.argsort(-some[under], kind="stable")[:most]]
            found += [(-float(some[i]), int(left[i]), int(right[i])) for i in under]
            found = sorted(set(found))[:most]
    return [(left, right, -negative) for negative, left, right in found]


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
def _meet(keys, members, left, right):  # type: ignore[no-untyped-def]
    slots = 16
    while slots < 2 * len(members):
        slots *= 2
    mask = uint64(slots - 1)
    first, last = np.zeros(slots, dtype=np.uint32), np.zeros(slots, dtype=np.uint32)  # places in members, from 1 on
    found = 0
    for j in range(len(members)):
        document = members[j]
        slot = keys[document] & mask
        while first[slot] != 0 and keys[members[first[slot] - 1]] != keys[document]:
            slot = (slot + uint64(1)) & mask
        if first[slot] == 0:
            first[slot] = j + 1
        else:
            left[found], right[found] = members[first[slot] - 1], document
            found += 1
            if last[slot] != first[slot]:
                left[found], right[found] = members[last[slot] - 1], document
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
