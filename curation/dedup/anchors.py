"""Anchors of texts: places that every window of ``min_bytes`` bytes has one of, chosen by the window's bytes alone.

A window's anchor is the leftmost of its grams whose hash is least (minimisers, Roberts et al. 2004; winnowing, Schleimer et
al. 2003), so that equal windows have equal anchors at equal offsets: windows that stand twice are found among the windows of equal
anchors. A gram has a quarter of a window's bytes: shorter ones make fewer anchors (two in ``min_bytes`` less a gram), but phrases
that stand everywhere make more of them equal; of 100 MB of source code, 36 % with 32 bytes, 12 % with 125.

A gram that repeats itself (rules, dots, blanks) comes after all others: else each byte of a ruled line would be an anchor.
Where a text does nothing but repeat itself (one letter without end), an anchor whose windows all equal those one period before
is no anchor: its windows are a *run*, known to stand before without a look at other texts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.dedup.normalise import mix

LEAST_GRAM = 32
PERIOD = 24
"""A gram that repeats itself after so many bytes, or fewer, comes after all that do not."""
SHELF_BYTES = 128_000_000
"""Text whose anchors share a range of keys: of text that repeats from end to end, 460 MB of surroundings."""
BUFFER = 1 << 14
BASE = np.uint64(0x9E3779B97F4A7C15)
MOST = (1 << 63) - 1
PERIODIC = 1 << 62
"""Above all hashes of grams that do not repeat themselves."""
Int = npt.NDArray[np.int64]


class Anchors(NamedTuple):
    """Of some texts, in order of text and place; windows are known by their first byte.

    key: uint64[m], the gram's hash; row: uint32[m], the text; place: uint32[m], the gram's first byte; after, before: uint16[m],
    the gram stands from ``after`` to ``before`` bytes behind the first byte of each window that it is the anchor of.
    """

    key: npt.NDArray[np.uint64]
    row: npt.NDArray[np.uint32]
    place: npt.NDArray[np.uint32]
    after: npt.NDArray[np.uint16]
    before: npt.NDArray[np.uint16]


class Runs(NamedTuple):
    """row: int64[m], the text; first, stop: int64[m], windows that begin there all equal the one ``period`` bytes before."""

    row: Int
    first: Int
    stop: Int
    period: Int


def shelves_of(text_bytes: int) -> int:
    """Into how many ranges of keys the anchors of so many bytes are cut."""
    return max(1, -(-text_bytes // SHELF_BYTES))


def anchors_of(data: Bytes, offsets: Offsets, min_bytes: int) -> tuple[Anchors, Runs]:
    """The anchors of texts. data, offsets: as ``buffers`` gives them; min_bytes: of a window, from 64 to 32,768."""
    key, row, place, after, before, runs = _anchors(data, offsets, min_bytes)
    return Anchors(key, row, place, after, before), Runs(*(runs[:, column].copy() for column in range(4)))


@njit(nogil=True, cache=True)
def _period(data, at, gram_bytes):  # type: ignore[no-untyped-def]
    """After how many bytes the gram at ``at`` repeats itself; 0 for more than PERIOD."""
    for period in range(1, PERIOD + 1):
        x = at + period
        while x < at + gram_bytes and data[x] == data[x - period]:
            x += 1
        if x == at + gram_bytes:
            return period
    return 0


@njit(nogil=True, cache=True)
def _least(order, first, last, bound):  # type: ignore[no-untyped-def]
    """The first of the least, none of which is less than ``bound``."""
    for i in range(first, min(first + PERIOD, last) + 1):
        if order[i] == bound:
            return i
    best = order[first]
    for i in range(first + 1, last + 1):
        best = min(best, order[i])
    i = first
    while order[i] != best:
        i += 1
    return i


@njit(nogil=True, cache=True)
def grown(values):  # type: ignore[no-untyped-def]
    """The same rows, and room for as many more."""
    return np.concatenate((values, np.empty_like(values)))


@njit(nogil=True, cache=True)
def _anchors(data, offsets, length):  # type: ignore[no-untyped-def]
    gram_bytes = max(LEAST_GRAM, length // 4)
    grams = length - gram_bytes + 1  # of a window
    room = max(1024, 3 * (offsets[-1] - offsets[0]) // grams)
    key, row, place = np.empty(room, np.uint64), np.empty(room, np.uint32), np.empty(room, np.uint32)
    after, before = np.empty(room, np.uint16), np.empty(room, np.uint16)
    runs = np.empty((16, 4), np.int64)
    n = n_runs = 0
    top = uint64(1)
    for _ in range(gram_bytes):
        top *= BASE
    order = np.empty(max(BUFFER, grams) + grams, np.int64)
    for text in range(len(offsets) - 1):
        start, size = offsets[text], offsets[text + 1] - offsets[text]
        if size < length:
            continue
        h = uint64(0)
        for x in range(gram_bytes - 1):
            h = h * BASE + uint64(data[start + x])
        base = 0  # the gram whose hash stands first in ``order``
        least, at, first = MOST, -1, 0  # the anchor, and the first window that has it
        period, same_from, same_to = 0, 0, 0  # data[x] == data[x - period] from .. to
        last_key, last_at = -1, -1
        beat, beat_at = 0, -1
        total = size - gram_bytes + 1
        for gram in range(total + 1):
            window = gram - grams + 1
            close, found = False, at
            if gram < total:
                if gram - base == len(order):
                    order[:grams] = order[len(order) - grams :]
                    base = gram - grams
                end = start + gram + gram_bytes - 1
                h = h * BASE + uint64(data[end])
                if gram:
                    h -= top * uint64(data[end - gram_bytes])
                raw = np.int64(((h ^ (h >> uint64(32))) * BASE) >> uint64(2))
                order[gram - base] = raw
                new = raw
                if raw < least:
                    # A gram that goes on with one that repeats itself needs no look at all its bytes.
                    if not (beat and beat_at == gram - 1 and data[end] == data[end - beat]):
                        beat = _period(data, start + gram, gram_bytes)
                    beat_at = gram
                    if beat:
                        new |= PERIODIC
                        order[gram - base] = new
                if window <= 0:
                    if new < least:
                        least, at = new, gram
                    continue
                if new < least:
                    close, found = True, gram
                elif at < window:
                    close = True
                    found = base + _least(order, window - base, gram - base, least)
                    while order[found - base] < PERIODIC and _period(data, start + found, gram_bytes):
                        order[found - base] |= PERIODIC
                        found = base + _least(order, window - base, gram - base, least)
                    new = order[found - base]
            else:
                close = True
            if not close:
                continue
            # Windows first .. window - 1 have the anchor ``at``.
            stop = window
            known = False
            if least == last_key and last_at >= 0 and first >= at - last_at:
                if period != at - last_at or same_from > first or same_to < first:
                    period, same_from, same_to = at - last_at, first, first
                until = stop - 1 + length
                while same_to < until and data[start + same_to] == data[start + same_to - period]:
                    same_to += 1
                known = same_to >= until
            if known:
                if (
                    n_runs
                    and runs[n_runs - 1, 0] == text
                    and runs[n_runs - 1, 2] == first
                    and runs[n_runs - 1, 3] == period
                ):
                    runs[n_runs - 1, 2] = stop
                else:
                    if n_runs == len(runs):
                        runs = grown(runs)
                    runs[n_runs, 0], runs[n_runs, 1], runs[n_runs, 2], runs[n_runs, 3] = text, first, stop, period
                    n_runs += 1
            else:
                if n == len(key):
                    key, row, place = grown(key), grown(row), grown(place)
                    after, before = grown(after), grown(before)
                key[n], row[n], place[n] = mix(uint64(least)), text, at
                after[n], before[n] = at - stop + 1, at - first
                n += 1
            last_key, last_at = least, at
            if gram < total:
                least, at, first = new, found, window
    return key[:n], row[:n], place[:n], after[:n], before[:n], runs[:n_runs]
