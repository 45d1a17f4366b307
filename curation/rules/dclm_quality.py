"""DCLM's page heuristics (Li et al. 2024; dclm_baseline_refinedweb.yaml), a re-implementation of RefinedWeb's.

Unlike datatrove's Gopher rules: words that begin with a letter or digit are counted, all words have a length, stop words
are lower-cased occurrences, four bullets and three ellipses, lines stripped and without the empty ones. Words are the
recipe's (DCLM counts fastText tokens, which are runs between white space too).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from curation.arrays.arrow_text import Bytes, Offsets
from curation.rules.gopher_quality import stop_word_at, stop_word_bytes
from curation.rules.lines import is_at, stripped
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.words import HAS_ALPHA, STARTS_ALNUM
from schemas.rules import DclmQuality


def rules(params: DclmQuality) -> list[Rule]:
    """The rules in the order in which they decide."""
    return [
        Rule("dclm_short_doc", "<", params.min_words),
        Rule("dclm_long_doc", ">", params.max_words),
        Rule("dclm_below_avg_word_length", "<", params.min_avg_word_length),
        Rule("dclm_above_avg_word_length", ">", params.max_avg_word_length),
        Rule("dclm_too_many_symbols", ">", params.max_symbol_word_ratio),
        Rule("dclm_too_many_bullets", ">", params.max_bullet_lines_ratio),
        Rule("dclm_too_many_end_ellipsis", ">", params.max_ellipsis_lines_ratio),
        Rule("dclm_too_many_non_alpha_words", ">", params.max_non_alpha_words_ratio),
        Rule("dclm_enough_stop_words", "<", params.min_stop_words),
    ]


def dclm_quality(block: Block, params: DclmQuality) -> Measured:
    """The statistics of each document, one a rule."""
    asked = rules(params)
    values = block.nothing(asked)
    words = block.words
    stop_data, stop_offsets = stop_word_bytes(params.stop_words)
    _measure(
        block.data,
        block.offsets,
        block.classes,
        words.first,
        words.start,
        words.end,
        words.chars,
        words.traits,
        block.alive,
        stop_data,
        stop_offsets,
        values,
    )
    return Measured(asked, values)


@njit(nogil=True, cache=True)
def _measure(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    first: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    traits: npt.NDArray[np.uint8],
    alive: npt.NDArray[np.bool_],
    stop_data: Bytes,
    stop_offsets: Offsets,
    out: Floats,
) -> None:
    longest = 0
    for s in range(len(stop_offsets) - 1):
        longest = max(longest, stop_offsets[s + 1] - stop_offsets[s])
    lower = np.empty(max(longest, 1), dtype=np.uint8)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        counted = length = alphabetic = stops = 0
        for w in range(first[row], first[row + 1]):
            counted += traits[w] & STARTS_ALNUM != 0
            alphabetic += traits[w] & HAS_ALPHA != 0
            length += chars[w]
            size = ends[w] - start[w]
            if size <= longest:
                for j in range(size):
                    byte = data[start[w] + j]
                    lower[j] = byte | 0x20 if 0x41 <= byte <= 0x5A else byte
                stops += stop_word_at(lower, 0, size, stop_data, stop_offsets) >= 0
        n = first[row + 1] - first[row]
        out[row, 0] = out[row, 1] = counted
        out[row, 8] = stops
        if n:
            out[row, 2] = out[row, 3] = length / n
            out[row, 4] = _symbols(data, offsets[row], offsets[row + 1]) / n
            out[row, 7] = (n - alphabetic) / n
        lines = bullets = trailing = 0
        at, end = offsets[row], offsets[row + 1]
        while at <= end:
            line = at
            while at < end and data[at] != 0x0A:
                at += 1
            s, e = stripped(data, line, at, classes)
            at += 1
            if s == e:
                continue
            lines += 1
            bullets += (
                data[s] == 0x2A
                or data[s] == 0x2D
                or is_at(data, s, e, b"\xe2\x97\x8f")
                or is_at(data, s, e, b"\xe2\x80\xa2")
            )
            trailing += (
                is_at(data, e - 3, e, b"...")
                or is_at(data, e - 3, e, b"\xe2\x80\xa6")
                or is_at(data, e - 5, e, b". . .")
            ) and s < e
        if lines:
            out[row, 5], out[row, 6] = bullets / lines, trailing / lines


@njit(nogil=True, cache=True)
def _symbols(data: Bytes, at: int, end: int) -> int:
    """``#``, ``...``, ``. . .`` and ``…``, each counted without overlap."""
    count = dots = spaced = 0
    for i in range(at, end):
        byte = data[i]
        if byte == 0x23:
            count += 1
        elif byte == 0xE2:
            count += i + 2 < end and data[i + 1] == 0x80 and data[i + 2] == 0xA6
        elif byte == 0x2E:
            if i >= dots and is_at(data, i, end, b"..."):
                count += 1
                dots = i + 3
            if i >= spaced and is_at(data, i, end, b". . ."):
                count += 1
                spaced = i + 5
    return count
