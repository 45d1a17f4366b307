"""Units of a text that may repeat across the corpus: paragraphs, lines, spans of sentences; hashed from the bytes.

Two units are equal if their words are, in lower case: white space does not count. A hash is of 64 bits, made from the
words' hashes (``curation.dedup.normalise``) in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets, buffers
from curation.dedup.normalise import Tables, mix, restart, tables, words
from curation.rules.characters import SPACE, classes
from curation.rules.sentences import count_sentences, packed_abbreviations
from curation.rules.words import class_at
from schemas.dedup import Normalise, Paragraphs

Int = npt.NDArray[np.int64]
LOWER = Normalise(case=True, accents=False, punctuation=False, digits=False, whitespace=True)
PARAGRAPH, LINE, SENTENCE = 0, 1, 2
KINDS = {"paragraph": PARAGRAPH, "line": LINE, "c4_lines": LINE, "sentences": SENTENCE}
CHUNK = 4096


class Units(NamedTuple):
    """first: int64[n + 1], the first unit of each text; start: int64[units + 1], where each begins, its separator behind
    it, the last entry the end; hash: uint64[units]; chars: int64[units], characters that are no white space."""

    first: Int
    start: Int
    hash: npt.NDArray[np.uint64]
    chars: Int


def units_of(texts: pa.LargeStringArray, params: Paragraphs) -> Units:
    """Paragraphs, lines or single sentences of each text. Units cover their text, separators included."""
    data, offsets = buffers(texts)
    room = int(offsets[-1] - offsets[0]) + len(texts) + 1
    first, start = np.zeros(len(texts) + 1, dtype=np.int64), np.empty(room, dtype=np.int64)
    n = _cut(data, offsets, KINDS[params.unit], classes(), packed_abbreviations(), first, start)
    start = start[: n + 1].copy()
    hashes, chars = np.zeros(n, dtype=np.uint64), np.zeros(n, dtype=np.int64)
    _hash(data, start, tables(LOWER), classes(), hashes, chars)
    return Units(first, start, hashes, chars)


@njit(nogil=True, cache=True)
def _cut(
    data: Bytes,
    offsets: Offsets,
    kind: int,
    kinds: npt.NDArray[np.uint16],
    abbreviations: npt.NDArray[np.uint64],
    first: Int,
    start: Int,
) -> int:
    n = 0
    codes = np.empty(4096, dtype=np.int64)
    for row in range(len(offsets) - 1):
        first[row] = n
        at, end = offsets[row], offsets[row + 1]
        if kind == SENTENCE:
            begins = np.empty((end - at) // 2 + 2, dtype=np.int64)
            count = count_sentences(data, at, end, kinds, abbreviations, codes, begins)
            for i in range(count):
                start[n] = begins[i] if i else at
                n += 1
            continue
        blank_before = True
        while at < end:
            line, blank = at, True
            while at < end and data[at] != 0x0A:
                what, width = class_at(data, at, end, kinds)
                blank = blank and what & SPACE != 0
                at += width
            at += 1
            if kind == LINE:
                start[n] = line
                n += 1
            elif not blank and blank_before:
                # Blank lines are the tail of the paragraph before them; those at the top belong to the first.
                start[n] = line if n > first[row] else offsets[row]
                n += 1
            blank_before = blank
    first[len(offsets) - 1] = n
    start[n] = offsets[-1]
    return n


@njit(nogil=True, cache=True)
def _hash(
    data: Bytes,
    start: Int,
    made: Tables,
    kinds: npt.NDArray[np.uint16],
    hashes: npt.NDArray[np.uint64],
    chars: Int,
) -> None:
    state = np.zeros(4, dtype=np.uint64)
    found = np.empty(CHUNK, dtype=np.uint64)
    for unit in range(len(hashes)):
        end = start[unit + 1]
        restart(state, start[unit])
        h = uint64(0)
        while np.int64(state[0]) < end:
            n = words(data, end, made, state, found)
            for j in range(n):
                h = mix(h ^ found[j]) + uint64(1)
        hashes[unit] = h
        at, count = start[unit], 0
        while at < end:
            what, width = class_at(data, at, end, kinds)
            count += what & SPACE == 0
            at += width
        chars[unit] = count
