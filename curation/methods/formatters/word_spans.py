"""Words of texts, and draws over them, as formatters that hide words need them."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from curation.methods.formatters.segments import Int


@numba.njit(nogil=True, cache=True)
def begins_word(data: npt.NDArray[np.uint8], at: int, start: int) -> bool:
    """Whether a word begins at a byte: runs between ASCII white space, and each character of U+3000 … U+9FFF."""
    byte = data[at]
    if byte <= 32 or (byte & 0xC0) == 0x80:
        return False
    if at == start or data[at - 1] <= 32 or 0xE3 <= byte <= 0xE9:
        return True
    before = at - 1  # the first byte of the character before
    while before > start and (data[before] & 0xC0) == 0x80:
        before -= 1
    return bool(0xE3 <= data[before] <= 0xE9)


@numba.njit(nogil=True, cache=True)
def count_words(data: npt.NDArray[np.uint8], offsets: Int) -> Int:
    """Words of each text: int64[n]."""
    counts = np.zeros(len(offsets) - 1, dtype=np.int64)
    for i in range(len(counts)):
        for at in range(offsets[i], offsets[i + 1]):
            if begins_word(data, at, offsets[i]):
                counts[i] += 1
    return counts


@numba.njit(nogil=True, cache=True)
def next_uniform(state: npt.NDArray[np.uint64]) -> float:
    """A number in [0, 1) by SplitMix64."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    x = state[0]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((x ^ (x >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
