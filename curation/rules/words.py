"""The words of a block of documents, found in one pass over its bytes: places, lengths, hashes, what they are made of.

A word is a run of characters between white space, as ``str.split`` has it. The hash of any run of words, written
without separators, follows from two numbers a word: with h_k = Σ (byte + 1) · B^(bytes after it) for word k and c_k the
bytes of all words up to its end, p_i = Σ_{k < i} h_k · B^(-c_k) gives (p_j - p_i) · B^(c_(j-1)) for the words i … j-1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint8, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.dedup.normalise import decode
from curation.rules.characters import ALNUM, ALPHA, LIMIT, NO_PUNCT, SPACE, SYMBOL
from curation.rules.hashing import BASE, INVERSE

HAS_ALPHA, REAL, HAS_SYMBOL, STARTS_ALNUM = 1, 2, 4, 8
"""A word with a letter; with a character that is no punctuation; with ``#`` or ``…``; whose first is a letter or digit."""

POWERS = np.array([pow(BASE, n, 2**64) for n in range(64)], dtype=np.uint64)
INVERSES = np.array([pow(INVERSE, n, 2**64) for n in range(64)], dtype=np.uint64)


class Words(NamedTuple):
    """first: int64[n + 1], the first word of each document; then, a word: start, end: int64, bytes in the block;
    chars: int32, code points; traits: uint8, bits; prefix: uint64[w + 1] and scale: uint64[w], B^(c_k), as above."""

    first: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    chars: npt.NDArray[np.int32]
    traits: npt.NDArray[np.uint8]
    prefix: npt.NDArray[np.uint64]
    scale: npt.NDArray[np.uint64]


class Room:
    """Arrays for the words of one block at a time: fresh memory for each block would cost as much as a third of the work."""

    def __init__(self) -> None:
        self._words: Words | None = None

    def fitting(self, documents: int, words: int) -> Words:
        """Arrays for at most so many; they are valid until the next call."""
        if self._words is None or len(self._words.start) < words:
            self._words = Words(
                np.empty(0, dtype=np.int64),
                np.empty(words, dtype=np.int64),
                np.empty(words, dtype=np.int64),
                np.empty(words, dtype=np.int32),
                np.empty(words, dtype=np.uint8),
                np.empty(words + 1, dtype=np.uint64),
                np.empty(words, dtype=np.uint64),
            )
        return self._words._replace(first=np.zeros(documents + 1, dtype=np.int64))


def split(data: Bytes, offsets: Offsets, classes: npt.NDArray[np.uint16], room: Room | None = None) -> Words:
    """The words of each document; in the arrays of ``room``, where one is given."""
    n = len(offsets) - 1
    words = (room or Room()).fitting(n, int(offsets[-1] - offsets[0]) // 2 + n + 1)
    _split(data, offsets, classes, *words)
    return words


@njit(inline="always")
def class_at(data: Bytes, at: int, end: int, classes: npt.NDArray[np.uint16]) -> tuple[Any, int]:
    """Class and width of the character at ``at``."""
    byte = data[uint64(at)]
    if byte < 0x80:
        return np.int64(classes[byte]), 1
    code, width = decode(data, at, end)
    return (np.int64(classes[code]) if code < LIMIT else NO_PUNCT), width


@njit(inline="always")
def powers(n: int) -> tuple[int, int]:
    """B^n and B^-n."""
    if n < len(POWERS):
        return POWERS[n], INVERSES[n]
    up, down = uint64(1), uint64(1)
    b, i = uint64(BASE), uint64(INVERSE)
    while n:
        if n & 1:
            up *= b
            down *= i
        b *= b
        i *= i
        n >>= 1
    return up, down


@njit(inline="always")
def key_of(prefix: npt.NDArray[np.uint64], scale: npt.NDArray[np.uint64], i: int, n: int) -> int:
    """The hash of the words i … i+n-1, written without separators."""
    behind = uint64(i) + uint64(n)
    return (prefix[behind] - prefix[uint64(i)]) * scale[behind - uint64(1)]


@njit(nogil=True, cache=True)
def count(data: Bytes, offsets: Offsets, classes: npt.NDArray[np.uint16], out: npt.NDArray[np.int64]) -> None:
    """How many words each document has, where nothing else is asked of them."""
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        n, before = 0, SPACE
        while at < end:
            what, width = class_at(data, at, end, classes)
            what &= SPACE
            n += before & ~what
            before = what
            at += width
        out[row] = n


@njit(nogil=True, cache=True)
def _split(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    first: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    traits: npt.NDArray[np.uint8],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
) -> None:
    w = 0
    power, back, total = uint64(1), uint64(1), uint64(0)
    for row in range(len(offsets) - 1):
        first[row] = w
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            what, width = class_at(data, at, end, classes)
            if what & SPACE:
                at += width
                continue
            start[w] = at
            prefix[w] = total
            trait = STARTS_ALNUM if what & ALNUM else 0
            seen, h, more = 0, uint64(0), 0
            while at < end:
                byte = data[uint64(at)]  # unsigned: no test for an index from the end
                if byte < 0x80:
                    what = np.int64(classes[byte])
                    if what & SPACE:
                        break
                    h = h * uint64(BASE) + uint64(byte) + uint64(1)
                    at += 1
                else:
                    what, width = class_at(data, at, end, classes)
                    if what & SPACE:
                        break
                    for j in range(at, at + width):
                        h = h * uint64(BASE) + uint64(data[j]) + uint64(1)
                    more += width - 1
                    at += width
                seen |= what
            ends[w], chars[w] = at, at - start[w] - more
            up, down = powers(at - start[w])
            power *= up
            back *= down
            total += h * back
            scale[w] = power
            if seen & SYMBOL:
                trait |= HAS_SYMBOL
            if seen & ALPHA:
                trait |= HAS_ALPHA
            if seen & NO_PUNCT:
                trait |= REAL
            traits[w] = uint8(trait)
            w += 1
    first[len(offsets) - 1] = w
    prefix[w] = total
