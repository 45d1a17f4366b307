"""DCLM's repetition rules (Li et al. 2024): the paper's (Rae et al. 2021, table A1), not datatrove's.

Lines and paragraphs are stripped, the empty ones left out; all copies of one that repeats count; a text of one segment
passes. An n-gram counts only if it repeats: of the most frequent the longest, for the longer ones every word that any
repeat covers. Words begin with a letter or digit and are the recipe's (DCLM: Unicode words; set ``clean.words: unicode``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.dedup.normalise import mix
from curation.rules.gopher_repetition import most_of
from curation.rules.hashing import hash_bytes, new_table, next_stamp
from curation.rules.lines import stripped
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.repeats import all_copies, count_keys, count_of, n_gram_keys
from curation.rules.words import STARTS_ALNUM, key_of
from schemas.rules import DclmRepetition

FIXED = 5


def rules(params: DclmRepetition) -> list[Rule]:
    """The rules in the order in which they decide."""
    return [
        Rule("dclm_empty", "<=", 0.0),
        Rule("dclm_dup_line_frac", ">", params.max_dup_line_frac),
        Rule("dclm_dup_para_frac", ">", params.max_dup_para_frac),
        Rule("dclm_dup_line_char_frac", ">", params.max_dup_line_char_frac),
        Rule("dclm_dup_para_char_frac", ">", params.max_dup_para_char_frac),
        *(Rule(f"dclm_top_{n}_gram", ">", bound) for n, bound in params.top_n_grams.items()),
        *(Rule(f"dclm_duplicated_{n}_n_grams", ">", bound) for n, bound in params.dup_n_grams.items()),
    ]


def dclm_repetition(block: Block, params: DclmRepetition) -> Measured:
    """The statistics of each document, one a rule; NaN where there is but one segment, or no n-gram."""
    asked = rules(params)
    values = block.nothing(asked)
    words = block.words
    _segments(block.data, block.offsets, block.classes, block.alive, values)
    top = np.array(list(params.top_n_grams), dtype=np.int64)
    repeated = np.array(list(params.dup_n_grams), dtype=np.int64)
    _n_grams(
        words.first, words.chars, words.traits, words.prefix, words.scale, block.alive, top, repeated, values[:, FIXED:]
    )
    return Measured(asked, values)


@njit(nogil=True, cache=True)
def _segments(
    data: Bytes, offsets: Offsets, classes: npt.NDArray[np.uint16], alive: npt.NDArray[np.bool_], out: Floats
) -> None:
    """Lines (columns 0, 1, 3) and paragraphs, which every two line ends separate (2, 4)."""
    most = 0
    for row in range(len(alive)):
        breaks = 0
        for i in range(offsets[row], offsets[row + 1]):
            breaks += data[i] == 0x0A
        most = max(most, breaks)
    keys = np.empty(most + 1, dtype=np.uint64)
    lengths = np.empty(most + 1, dtype=np.int64)
    table = new_table(most + 1)
    counts = np.empty(len(table), dtype=np.int64)
    stamp = uint64(0)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        for kind in range(2):
            at, end = offsets[row], offsets[row + 1]
            n = total = 0
            while at <= end:
                start = at
                while at < end and not (data[at] == 0x0A and (kind == 0 or (at + 1 < end and data[at + 1] == 0x0A))):
                    at += 1
                s, e = stripped(data, start, at, classes)
                at += 1 + kind
                if s == e:
                    continue
                keys[n] = hash_bytes(data, s, e)
                chars = 0
                for i in range(s, e):
                    chars += data[i] & 0xC0 != 0x80
                lengths[n] = chars
                total += chars
                n += 1
            if kind == 0:
                out[row, 0] = n
            if n < 2:
                continue
            stamp = next_stamp(table, stamp)
            repeats, repeated_chars = all_copies(keys, lengths, n, table, stamp, counts)
            out[row, 1 + kind], out[row, 3 + kind] = repeats / n, repeated_chars / total


@njit(nogil=True, cache=True)
def _n_grams(
    first: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    traits: npt.NDArray[np.uint8],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
    alive: npt.NDArray[np.bool_],
    top: npt.NDArray[np.int64],
    repeated: npt.NDArray[np.int64],
    out: Floats,
) -> None:
    most = most_of(first)
    single = np.empty(most, dtype=np.uint64)
    keys = np.empty(most, dtype=np.uint64)
    lengths = np.empty(most, dtype=np.int64)
    covered = np.empty(most, dtype=np.bool_)
    table = new_table(most)
    counts = np.empty(len(table), dtype=np.int64)
    stamp = uint64(0)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        n_words = total = 0
        for w in range(first[row], first[row + 1]):
            if traits[w] & STARTS_ALNUM:
                single[n_words] = mix(key_of(prefix, scale, w, 1))
                lengths[n_words] = chars[w]
                total += chars[w]
                n_words += 1
        for s in range(len(top) + len(repeated)):
            n = top[s] if s < len(top) else repeated[s - len(top)]
            windows = n_gram_keys(single, n_words, n, keys)
            if windows == 0:
                continue
            stamp = next_stamp(table, stamp)
            best = count_keys(keys, windows, table, stamp, counts)
            if best == 1:
                out[row, s] = 0.0
                continue
            measured = 0
            if s < len(top):
                for w in range(windows):
                    if count_of(keys[w], windows, table, stamp, counts) == best:
                        length = 0
                        for j in range(n):
                            length += lengths[w + j]
                        measured = max(measured, length * best)
            else:
                covered[:n_words] = False
                for w in range(windows):
                    if count_of(keys[w], windows, table, stamp, counts) > 1:
                        covered[w : w + n] = True
                for w in range(n_words):
                    if covered[w]:
                        measured += lengths[w]
            out[row, s] = measured / total
