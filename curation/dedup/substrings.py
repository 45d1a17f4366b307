"""Windows of bytes that stood before: found among the windows of equal anchors, byte by byte.

Equal windows have equal anchors at equal offsets (``curation.dedup.anchors``), so each group of equal anchors is settled by itself, from
the *surroundings* of its anchors: the bytes of all windows that have them. In document order, each anchor is compared with
those before it that had a window of their own; where these are many (a phrase that goes on in a thousand ways), the windows
left are looked up by a rolling hash, some offsets at a time, and confirmed by their bytes.

The same windows as a suffix array gives (longest previous factor of at least ``min_bytes`` inside one document; Lee et al.
2022, "Deduplicating Training Data Makes Language Models Better"), without its eight bytes of state a byte.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes
from curation.dedup.anchors import grown
from curation.dedup.normalise import mix

COMPARED = 8
"""Anchors of a group that each later one is compared with."""
OFFSETS = 16
"""Offsets whose windows are looked up at once."""
BASE = np.uint64(0xD6E8FEB86659FD93)
Int = npt.NDArray[np.int64]


class Repeats(NamedTuple):
    """member: int64[m], an anchor; low, high: its windows that begin from low to high bytes before it stood before; first: the
    first anchor with these windows (itself, of a first occurrence, where those are asked for)."""

    member: Int
    low: Int
    high: Int
    first: Int


def repeats(
    key: npt.NDArray[np.uint64],
    after: npt.NDArray[np.uint16],
    before: npt.NDArray[np.uint16],
    data: Bytes,
    start: Int,
    min_bytes: int,
    *,
    with_first: bool = False,
) -> Repeats:
    """Which windows of anchors stand at an earlier one.

    key, after, before: of anchors, as ``Anchors`` has them, sorted by key, those of a key in document order. data, start: the
    surroundings of anchor i begin at data[start[i]], ``before[i]`` bytes before its gram, and end with its last window.
    with_first: also the windows that a later anchor has and no earlier one.
    """
    found = _repeats(key, after.astype(np.int64), before.astype(np.int64), data, start, min_bytes, with_first)
    return Repeats(*(found[:, column].copy() for column in range(4)))


@njit(nogil=True, cache=True)
def _add(found, n, member, low, high, first):  # type: ignore[no-untyped-def]
    """A row more: next to the last one, where it goes on with it."""
    if n and found[n - 1, 0] == member and found[n - 1, 3] == first and found[n - 1, 2] + 1 == low:
        found[n - 1, 2] = high
        return found, n
    if n == len(found):
        found = grown(found)
    found[n, 0], found[n, 1], found[n, 2], found[n, 3] = member, low, high, first
    return found, n + 1


@njit(nogil=True, cache=True)
def _open(known, first, last):  # type: ignore[no-untyped-def]
    """The first and the last of the next offsets in a row that are not known; a first one past ``last`` where there are none."""
    while first <= last and known[first]:
        first += 1
    until = first
    while until < last and not known[until + 1]:
        until += 1
    return first, until


@njit(nogil=True, cache=True)
def _repeats(key, after, before, data, start, length, with_first):  # type: ignore[no-untyped-def]
    found, n = np.empty((1024, 4), np.int64), 0
    known = np.zeros(length, np.uint8)  # windows of the anchor at hand that stood before, by offset
    left = np.zeros(COMPARED, np.int64)
    begin = 0
    while begin < len(key):
        end = begin + 1
        while end < len(key) and key[end] == key[begin]:
            end += 1
        if end - begin > 1:
            found, n = _group(begin, end, after, before, data, start, length, with_first, known, left, found, n)
        begin = end
    return found[:n]


@njit(nogil=True, cache=True)
def _group(begin, end, after, before, data, start, length, with_first, known, left, found, n):  # type: ignore[no-untyped-def]
    compared = 0
    spans = np.empty((16, 3), np.int64)  # member, low, high
    n_spans = 0
    for j in range(begin, end):
        lowest, highest = after[j], before[j]
        missing = highest - lowest + 1
        known[lowest : highest + 1] = 0
        here = start[j] + before[j]
        for c in range(compared):
            i = left[c]
            there = start[i] + before[i]
            low, high = max(lowest, after[i]), min(highest, before[i])
            if low > high:
                continue
            # All windows that are open have these bytes: where they differ, there is nothing to find.
            if low and data[here - low] != data[there - low]:
                continue
            if data[here + length - high - 1] != data[there + length - high - 1]:
                continue
            behind = 0
            most = length - low
            while behind < most and data[here + behind] == data[there + behind]:
                behind += 1
            low = max(low, length - behind)
            ahead = 0
            while ahead < high and data[here - ahead - 1] == data[there - ahead - 1]:
                ahead += 1
            high = min(high, ahead)
            offset, until = _open(known, low, high)
            while offset <= high:
                known[offset : until + 1] = 1
                missing -= until - offset + 1
                found, n = _add(found, n, j, offset, until, i)
                if with_first:
                    found, n = _add(found, n, i, offset, until, i)
                offset, until = _open(known, until + 1, high)
            if missing == 0:
                break
            while known[lowest]:
                lowest += 1
            while known[highest]:
                highest -= 1
        if missing == 0:
            continue
        if compared < COMPARED:
            left[compared] = j
            compared += 1
            continue
        offset, until = _open(known, lowest, highest)
        while offset <= highest:
            if n_spans == len(spans):
                spans = grown(spans)
            spans[n_spans, 0], spans[n_spans, 1], spans[n_spans, 2] = j, offset, until
            n_spans += 1
            offset, until = _open(known, until + 1, highest)
    if n_spans > 1:
        found, n = _looked_up(spans[:n_spans], before, data, start, length, with_first, found, n)
    return found, n


@njit(nogil=True, cache=True)
def _looked_up(spans, before, data, start, length, with_first, found, n):  # type: ignore[no-untyped-def]
    """Of the windows of spans (member, low, high), in document order, those that an earlier one has."""
    rows = len(spans)
    top = uint64(1)
    for _ in range(length):
        top *= BASE
    rolled = np.zeros(rows, np.uint64)  # the hash of the last window, its first byte the least significant
    same = np.full(rows, -1, np.int64)  # the span that has it
    slots = 16
    while slots < 2 * OFFSETS * rows:
        slots *= 2
    mask = uint64(slots - 1)
    holder = np.empty(slots, np.int32)
    hashes = np.empty(slots, np.uint64)
    for base in range(spans[:, 1].min(), spans[:, 2].max() + 1, OFFSETS):
        holder[:] = -1
        for s in range(rows):
            j, low, high = spans[s]
            here = start[j] + before[j]
            for offset in range(max(low, base), min(high, base + OFFSETS - 1) + 1):
                at = here - offset
                if offset == low:
                    h = uint64(0)
                    for x in range(length - 1, -1, -1):
                        h = h * BASE + uint64(data[at + x])
                else:  # a byte more in front, one less behind
                    h = rolled[s] * BASE + uint64(data[at]) - top * uint64(data[at + length])
                rolled[s] = h
                value = mix(h + uint64(offset))
                slot = value & mask
                match = -1
                while holder[slot] >= 0:
                    if hashes[slot] == value:
                        other = holder[slot]
                        i = spans[other, 0]
                        if spans[other, 1] <= offset <= spans[other, 2]:
                            there = start[i] + before[i] - offset
                            # What equalled the same one a byte ago has only the new byte to compare.
                            x, until = 0, 1 if same[s] == other else length
                            while x < until and data[at + x] == data[there + x]:
                                x += 1
                            if x == until:
                                match = other
                                break
                    slot = (slot + uint64(1)) & mask
                same[s] = match
                if match >= 0:
                    i = spans[match, 0]
                    found, n = _add(found, n, j, offset, offset, i)
                    if with_first:
                        found, n = _add(found, n, i, offset, offset, i)
                else:
                    holder[slot], hashes[slot] = s, value
    return found, n
