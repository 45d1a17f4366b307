"""Which texts share a run of tokens with the items of a benchmark: a quick look at all, so that few are looked at closely.

Tokens are lower-cased runs of letters and digits, and single characters in scripts without spaces, as
``curation.stages.decontaminate`` has them. A text is passed on if one of its n-grams has the hash of an item's; a wrong yes
costs time, a wrong no is not possible: the few texts with letters whose lower case depends on their place are passed on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets, buffers
from curation.dedup.normalise import LIMIT, OWN_BYTES, Tables, decode, mix, tables
from curation.rules.characters import ALNUM, classes
from schemas.dedup import Normalise

LOWER = Normalise(case=True, accents=False, punctuation=False, digits=False, whitespace=True)
MULTIPLIER = 0xA0761D6478BD642F
NO_BYTES = 1
FULL = 1 << 56
Keys = npt.NDArray[np.uint64]


class Tokens(NamedTuple):
    """first: int64[n + 1], the first token of each text; hash: uint64[tokens]; odd: bool[n], texts to look at anyway."""

    first: npt.NDArray[np.int64]
    hash: Keys
    odd: npt.NDArray[np.bool_]


def tokens_of(texts: pa.LargeStringArray) -> Tokens:
    """The tokens of each text, hashed."""
    data, offsets = buffers(texts)
    first = np.zeros(len(texts) + 1, dtype=np.int64)
    hashes = np.empty(int(offsets[-1] - offsets[0]) + 1, dtype=np.uint64)
    odd = np.zeros(len(texts), dtype=bool)
    n = _tokens(data, offsets, classes(), tables(LOWER), first, hashes, odd)
    return Tokens(first, hashes[:n], odd)


def gram_tables(texts: pa.LargeStringArray, ngram: int) -> dict[int, Keys]:
    """By length n: an open-addressing table of the n-grams of the texts that have n = min(ngram, tokens) of them."""
    # Letters whose lower case depends on their place are settled here; documents that hold one are looked at anyway.
    found = tokens_of(pa.array([text.lower() for text in texts.to_pylist()], pa.large_string()))
    keys: dict[int, list[Keys]] = {}
    for row in range(len(texts)):
        hashes = found.hash[found.first[row] : found.first[row + 1]]
        n = min(ngram, len(hashes))
        if n:
            keys.setdefault(n, []).append(_grams(hashes, n))
    return {n: _table(np.unique(np.concatenate(parts))) for n, parts in sorted(keys.items())}


def may_share(texts: pa.LargeStringArray, grams: dict[int, Keys]) -> npt.NDArray[np.bool_]:
    """bool[n]: texts with an n-gram that stands in a table, and those that the tokens do not settle."""
    found = tokens_of(texts)
    said = found.odd.copy()
    for n, table in grams.items():
        _look(found.first, found.hash, n, table, said)
    return said


def _table(keys: Keys) -> Keys:
    slots = 16
    while slots < 4 * len(keys):
        slots *= 2
    table = np.zeros(slots, dtype=np.uint64)
    _fill(keys, table)
    return table


@njit(inline="always")
def push(before: int, some: int, byte: int) -> tuple[int, int]:
    """A token one byte longer: the hash of its full sevens, and the bytes after them behind a 1."""
    if some >= uint64(FULL):
        return mix(before ^ some), (uint64(NO_BYTES) << uint64(8)) | uint64(byte)
    return before, (some << uint64(8)) | uint64(byte)


@njit(nogil=True, cache=True)
def _tokens(
    data: Bytes,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint16],
    made: Tables,
    first: npt.NDArray[np.int64],
    hashes: Keys,
    odd: npt.NDArray[np.bool_],
) -> int:
    length, start, pool = made.length, made.start, made.pool
    none = uint64(NO_BYTES)
    n = 0
    for row in range(len(offsets) - 1):
        first[row] = n
        at, end = offsets[row], offsets[row + 1]
        inside = False
        before, some = uint64(0), none
        while at < end:
            byte = data[uint64(at)]
            if byte < 0x80:
                if kinds[byte] & ALNUM:
                    if not inside:
                        inside, before, some = True, uint64(0), none
                    before, some = push(before, some, pool[start[byte]])
                elif inside:
                    hashes[n] = mix(before ^ some)
                    n += 1
                    inside = False
                at += 1
                continue
            code, width = decode(data, at, end)
            known = code < LIMIT
            ideograph = 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF
            single = ideograph or 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF
            letter = known and kinds[code] & ALNUM != 0
            odd[row] = odd[row] or code == 0x130 or code == 0x3A3 or code == 0x3C2
            joins = letter and not ideograph and (inside or not single)
            if inside and not joins:
                hashes[n] = mix(before ^ some)
                n += 1
                inside = False
            if joins or single:
                if not inside:
                    before, some = uint64(0), none
                if not known or length[code] == OWN_BYTES:
                    for i in range(at, at + width):
                        before, some = push(before, some, data[i])
                else:
                    for i in range(start[code], start[code] + length[code]):
                        before, some = push(before, some, pool[i])
                inside = joins
                if not joins:
                    hashes[n] = mix(before ^ some)
                    n += 1
            at += width
        if inside:
            hashes[n] = mix(before ^ some)
            n += 1
    first[len(offsets) - 1] = n
    return n


@njit(nogil=True, cache=True)
def _grams(hashes: Keys, n: int) -> Keys:
    """A key, not 0, of each n tokens in a row."""
    out = np.empty(len(hashes) - n + 1, dtype=np.uint64)
    for i in range(len(out)):
        key = uint64(0)
        for j in range(n):
            key = key * uint64(MULTIPLIER) + hashes[i + j]
        out[i] = key if key != uint64(0) else uint64(1)
    return out


@njit(nogil=True, cache=True)
def _fill(keys: Keys, table: Keys) -> None:
    mask = len(table) - 1
    for key in keys:
        slot = np.int64(mix(key) >> uint64(32)) & mask
        while table[slot] != uint64(0):
            slot = (slot + 1) & mask
        table[slot] = key


@njit(nogil=True, cache=True)
def _look(first: npt.NDArray[np.int64], hashes: Keys, n: int, table: Keys, said: npt.NDArray[np.bool_]) -> None:
    mask = len(table) - 1
    leaving = uint64(1)
    for _ in range(n):
        leaving *= uint64(MULTIPLIER)
    for row in range(len(said)):
        low, high = first[row], first[row + 1]
        if said[row] or high - low < n:
            continue
        rolling = uint64(0)
        for i in range(low, high):
            rolling = rolling * uint64(MULTIPLIER) + hashes[i]
            if i - low >= n:
                rolling -= hashes[i - n] * leaving
            if i - low >= n - 1:
                key = rolling if rolling != uint64(0) else uint64(1)
                slot = np.int64(mix(key) >> uint64(32)) & mask
                while table[slot] != uint64(0) and table[slot] != key:
                    slot = (slot + 1) & mask
                if table[slot] == key:
                    said[row] = True
                    break
