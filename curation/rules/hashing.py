"""Open-addressing tables of 64-bit keys for the kernels: which line, paragraph or n-gram of a document stood before.

Texts are told apart by 48 bits of their hashes: two different ones of a document of w words meet with a chance of about
w² / 2^49. The other 16 bits are a stamp, which frees a table for the next document without clearing it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.dedup.normalise import mix

BASE = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2^64."""
INVERSE = pow(BASE, -1, 2**64)
STAMPS = 0xFFFF
SPREAD = 0xD6E8FEB86659FD93

Keys = npt.NDArray[np.uint64]


@njit(nogil=True, cache=True)
def capacity(n: int) -> int:
    """Slots for at most ``n`` keys: a power of two, at most half full."""
    slots = 16
    while slots < 4 * n:
        slots *= 2
    return slots


@njit(nogil=True, cache=True)
def new_table(n: int) -> Keys:
    """A table for at most ``n`` keys at a time, used again and again under other stamps."""
    return np.zeros(capacity(n), dtype=np.uint64)


@njit(inline="always")
def next_stamp(table: Keys, stamp: int) -> int:
    """The stamp of the next use: what stands in the table under others is free."""
    if stamp == STAMPS:
        table[:] = uint64(0)
        return uint64(1)
    return stamp + uint64(1)


@njit(inline="always")
def shift_of(n: int) -> int:
    """For ``slot_of``: of a table of which ``n`` keys use so much as they need."""
    shift = 60
    while (np.int64(1) << (64 - shift)) < 4 * n:
        shift -= 1
    return shift


@njit(inline="always")
def stamped(x: int, stamp: int) -> int:
    """A hash as a key: 48 bits of it, spread so that all of its bits count, and the stamp."""
    return ((x * uint64(SPREAD)) & ~uint64(STAMPS)) | stamp


@njit(inline="always")
def slot_of(table: Keys, shift: int, key: int) -> Any:
    """Where a stamped key stands or belongs. (Unsigned: an index that cannot be negative needs no test for it.)"""
    slot = key >> uint64(shift)
    mask = (uint64(1) << uint64(64 - shift)) - uint64(1)
    while table[slot] != key and (table[slot] ^ key) & uint64(STAMPS) == uint64(0):
        slot = (slot + uint64(1)) & mask
    return slot


@njit(nogil=True, cache=True)
def hash_bytes(data: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """A key of the bytes ``data[start:end]``, eight at a time."""
    h = mix(uint64(end - start) + uint64(BASE))
    at = start
    while at + 8 <= end:
        word = (
            uint64(data[at])
            | (uint64(data[at + 1]) << uint64(8))
            | (uint64(data[at + 2]) << uint64(16))
            | (uint64(data[at + 3]) << uint64(24))
            | (uint64(data[at + 4]) << uint64(32))
            | (uint64(data[at + 5]) << uint64(40))
            | (uint64(data[at + 6]) << uint64(48))
            | (uint64(data[at + 7]) << uint64(56))
        )
        h = (h ^ word) * uint64(BASE)
        h ^= h >> uint64(32)
        at += 8
    rest = uint64(0)
    while at < end:
        rest = (rest << uint64(8)) | uint64(data[at])
        at += 1
    return mix(h ^ rest)
