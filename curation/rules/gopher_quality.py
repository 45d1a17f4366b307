"""Gopher quality rules (Rae et al. 2021, table A1), decision and reason as datatrove 0.10.1's GopherQualityFilter.

Differs from it where it crashes: a text without a word is dropped as too short, or kept if that rule is off.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.rules.characters import LINE_END
from curation.rules.hashing import BASE, Keys
from curation.rules.lines import is_at, stripped
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.words import HAS_ALPHA, REAL, class_at, key_of
from schemas.rules import GopherQuality


def rules(params: GopherQuality) -> list[Rule]:
    """The rules in the order in which they decide; 0 turns one off, as null does."""
    symbols = params.max_symbol_word_ratio or None
    return [
        Rule("gopher_short_doc", "<", params.min_doc_words or None),
        Rule("gopher_long_doc", ">", params.max_doc_words or None),
        Rule("gopher_below_avg_threshold", "<", params.min_avg_word_length or None),
        Rule("gopher_above_avg_threshold", ">", params.max_avg_word_length or None),
        Rule("gopher_too_many_hashes", ">", symbols),
        Rule("gopher_too_many_ellipsis", ">", symbols),
        Rule("gopher_too_many_bullets", ">", params.max_bullet_lines_ratio or None),
        Rule("gopher_too_many_end_ellipsis", ">", params.max_ellipsis_lines_ratio or None),
        Rule("gopher_below_alpha_threshold", "<", params.min_alpha_words_ratio or None),
        Rule("gopher_enough_stop_words", "<", params.min_stop_words or None),
    ]


def gopher_quality(block: Block, params: GopherQuality) -> Measured:
    """The statistics of each document, one a rule; NaN without a word (or a line) to measure."""
    asked = rules(params)
    values = block.nothing(asked)
    words = block.words
    _lines(block.data, block.offsets, block.classes, block.alive, values)
    keys, numbers, multiplier, shift = stop_word_table(tuple(params.stop_words))
    _measure(
        words.first,
        words.chars,
        words.traits,
        words.prefix,
        words.scale,
        block.alive,
        keys,
        numbers,
        np.uint64(multiplier),
        shift,
        params.count_stop_words == "occurrences",
        values,
    )
    return Measured(asked, values)


def stop_word_bytes(stop_words: list[str]) -> tuple[Bytes, Offsets]:
    """The different stop words as one text column's bytes and offsets."""
    encoded = [word.encode() for word in dict.fromkeys(stop_words) if word]
    return np.frombuffer(b"".join(encoded), np.uint8), np.cumsum([0, *map(len, encoded)], dtype=np.int64)


@njit(nogil=True, cache=True)
def stop_word_at(data: Bytes, start: int, end: int, stop_data: Bytes, stop_offsets: Offsets) -> int:
    """Which stop word ``data[start:end]`` is, or -1."""
    for s in range(len(stop_offsets) - 1):
        if stop_offsets[s + 1] - stop_offsets[s] == end - start:
            same = True
            for j in range(end - start):
                if data[start + j] != stop_data[stop_offsets[s] + j]:
                    same = False
                    break
            if same:
                return s
    return -1


@lru_cache(maxsize=64)
def stop_word_table(stop_words: tuple[str, ...]) -> tuple[Keys, npt.NDArray[np.int64], int, int]:
    """A table without a collision: hash of the word (``curation.rules.words``) and its number by slot; multiplier, shift.

    A free slot has the hash 0, which no word has, and the number after the last.
    """
    hashes = [_hash(word) for word in dict.fromkeys(stop_words) if word]
    bits = max(4, (4 * len(hashes) + 1).bit_length())
    multiplier = BASE
    while True:
        slots = [((h * multiplier) % 2**64) >> (64 - bits) for h in hashes]
        if len(set(slots)) == len(slots):
            break
        multiplier = (multiplier * BASE + 2) % 2**64
        bits += multiplier % 64 == 1  # now and then a larger table
    keys = np.zeros(1 << bits, dtype=np.uint64)
    numbers = np.full(1 << bits, len(hashes), dtype=np.int64)
    for number, (slot, h) in enumerate(zip(slots, hashes, strict=True)):
        keys[slot], numbers[slot] = h, number
    return keys, numbers, multiplier, 64 - bits


def _hash(word: str) -> int:
    h = 0
    for byte in word.encode():
        h = (h * BASE + byte + 1) % 2**64
    return h


@njit(nogil=True, cache=True)
def _measure(
    first: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    traits: npt.NDArray[np.uint8],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
    alive: npt.NDArray[np.bool_],
    stop_keys: Keys,
    stop_numbers: npt.NDArray[np.int64],
    multiplier: int,
    shift: int,
    every: bool,
    out: Floats,
) -> None:
    found = np.zeros(stop_numbers.max() + 1, dtype=np.int64)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        low, high = first[row], first[row + 1]
        count = length = alphabetic = 0
        found[:] = 0
        for w in range(low, high):
            real: Any = np.int64(traits[w] & REAL != 0)
            count += real
            length += chars[w] * real
            alphabetic += traits[w] & HAS_ALPHA
            key = key_of(prefix, scale, w, 1)
            slot = np.int64((key * uint64(multiplier)) >> uint64(shift))
            found[stop_numbers[slot]] += stop_keys[slot] == key
        out[row, 0] = out[row, 1] = count
        n = high - low
        if n == 0:
            out[row, 4] = out[row, 5] = out[row, 6] = out[row, 7] = np.nan
            continue
        if count:
            out[row, 2] = out[row, 3] = length / count
        out[row, 4] /= n
        out[row, 5] /= n
        out[row, 8] = alphabetic / n
        out[row, 9] = found.sum() if every else (found > 0).sum()


@njit(nogil=True, cache=True)
def _lines(
    data: Bytes, offsets: Offsets, classes: npt.NDArray[np.uint16], alive: npt.NDArray[np.bool_], out: Floats
) -> None:
    """Hashes and ellipses (counts, columns 4 and 5), and the shares of lines with a bullet or an ellipsis (6 and 7)."""
    telling = np.zeros(256, dtype=np.bool_)
    for byte in range(128):
        telling[byte] = classes[byte] & LINE_END != 0
    # . # and the first bytes of U+0085, U+2026, U+2028, U+2029
    telling[0x2E] = telling[0x23] = telling[0xC2] = telling[0xE2] = True
    for row in range(len(alive)):
        if not alive[row]:
            continue
        at, end = offsets[row], offsets[row + 1]
        hashes = ellipses = lines = bullets = trailing = 0
        line = at
        while True:
            while at < end and not telling[data[uint64(at)]]:
                at += 1
            if at < end:
                byte = data[at]
                if byte == 0x23:
                    hashes += 1
                    at += 1
                    continue
                if byte == 0x2E:
                    run = at
                    while at < end and data[at] == 0x2E:
                        at += 1
                    ellipses += (at - run) // 3
                    continue
                what, width = class_at(data, at, end, classes)
                if not what & LINE_END:
                    ellipses += width == 3 and data[at + 1] == 0x80 and data[at + 2] == 0xA6
                    at += width
                    continue
            elif line == end:
                break
            start, stop = stripped(data, line, at, classes)
            lines += 1
            if start < stop:
                bullets += data[start] == 0x2D or is_at(data, start, stop, b"\xe2\x80\xa2")
                trailing += stop - start >= 3 and (
                    is_at(data, stop - 3, stop, b"...") or is_at(data, stop - 3, stop, b"\xe2\x80\xa6")
                )
            if at >= end:
                break
            if data[at] == 0x0D and at + 1 < end and data[at + 1] == 0x0A:
                at += 1
                width = 1
            at += width
            line = at
        out[row, 4], out[row, 5] = hashes, ellipses
        if lines:
            out[row, 6], out[row, 7] = bullets / lines, trailing / lines
