"""Gopher quality rules (Rae et al. 2021, table A1), decision and reason as datatrove 0.10.1's GopherQualityFilter.

Differs from it where it crashes: a text without a word is dropped as too short, or kept if that rule is off.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from curation.arrow_text import Bytes, Offsets
from curation.rules.characters import LINE_END
from curation.rules.lines import is_at, stripped
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.words import HAS_ALPHA, REAL, class_at
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
    stop_words = stop_word_bytes(params.stop_words)
    every = params.count_stop_words == "occurrences"
    _measure(
        block.data,
        words.first,
        words.start,
        words.end,
        words.chars,
        words.traits,
        block.alive,
        *stop_words,
        every,
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


@njit(nogil=True, cache=True)
def _measure(
    data: Bytes,
    first: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    traits: npt.NDArray[np.uint8],
    alive: npt.NDArray[np.bool_],
    stop_data: Bytes,
    stop_offsets: Offsets,
    every: bool,
    out: Floats,
) -> None:
    longest = 0
    for s in range(len(stop_offsets) - 1):
        longest = max(longest, stop_offsets[s + 1] - stop_offsets[s])
    begins = np.zeros(256, dtype=np.bool_)
    for s in range(len(stop_offsets) - 1):
        begins[stop_data[stop_offsets[s]]] = True
    found = np.zeros(max(len(stop_offsets) - 1, 1), dtype=np.int64)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        low, high = first[row], first[row + 1]
        count = length = alphabetic = 0
        found[:] = 0
        for w in range(low, high):
            if traits[w] & REAL:
                count += 1
                length += chars[w]
            if traits[w] & HAS_ALPHA:
                alphabetic += 1
            if ends[w] - start[w] <= longest and begins[data[start[w]]]:
                which = stop_word_at(data, start[w], ends[w], stop_data, stop_offsets)
                if which >= 0:
                    found[which] += 1
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
            while at < end and not telling[data[at]]:
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
