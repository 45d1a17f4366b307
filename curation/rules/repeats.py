"""Repeated parts and n-grams by DCLM's and Dolma's counting: *all* copies of what repeats count, the first one too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.rules.hashing import Keys, shift_of, slot_of, stamped

MULTIPLIER = 0xA0761D6478BD642F
Counts = npt.NDArray[np.int64]


@njit(nogil=True, cache=True)
def count_keys(keys: Keys, n: int, table: Keys, stamp: int, counts: Counts) -> int:
    """Count each of ``keys[:n]`` in the table; the largest count."""
    shift = shift_of(n)
    most = 0
    for i in range(n):
        key = stamped(keys[i], stamp)
        slot = slot_of(table, shift, key)
        if table[slot] == key:
            counts[slot] += 1
        else:
            table[slot], counts[slot] = key, 1
        most = max(most, counts[slot])
    return most


@njit(nogil=True, cache=True)
def count_of(key: int, n: int, table: Keys, stamp: int, counts: Counts) -> int:
    """How often a counted key was there, in a table of ``count_keys`` over n keys."""
    return counts[slot_of(table, shift_of(n), stamped(key, stamp))]


@njit(nogil=True, cache=True)
def all_copies(keys: Keys, lengths: Counts, n: int, table: Keys, stamp: int, counts: Counts) -> tuple[int, int]:
    """Of n parts, by their keys: how many stand more than once, all copies counted, and their length in all."""
    count_keys(keys, n, table, stamp, counts)
    repeats = length = 0
    for i in range(n):
        if count_of(keys[i], n, table, stamp, counts) > 1:
            repeats += 1
            length += lengths[i]
    return repeats, length


@njit(nogil=True, cache=True)
def n_gram_keys(single: Keys, n_words: int, n: int, out: Keys) -> int:
    """Keys of the n-grams of words from the words' keys, rolling; how many."""
    windows = max(n_words - n + 1, 0)
    if windows == 0:
        return 0
    leaving = uint64(1)
    rolling = uint64(0)
    for j in range(n):
        leaving *= uint64(MULTIPLIER)
        rolling = rolling * uint64(MULTIPLIER) + single[j]
    out[0] = rolling
    for w in range(1, windows):
        rolling = rolling * uint64(MULTIPLIER) + single[w + n - 1] - single[w - 1] * leaving
        out[w] = rolling
    return windows
