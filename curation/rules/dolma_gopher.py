"""Gopher's rules as Dolma's tagger `gopher_v1` measures them, with the thresholds of its mix (Soldaini et al. 2024).

Words are the recipe's (Dolma: runs between white space) and their *median* length counts; words with ``#`` or ``…`` are
counted, not the signs; bullets are ``*`` and ``-`` at the very start of a line; only ``…`` ends a line; stop words are
occurrences, case-sensitive; of repeats all copies count; n-gram shares are of the characters that are no white space, for
the longer ones of the characters of all n-grams. In Dolma's published mix the rules on the most frequent n-gram never
fired, by a misspelt name in its configuration: ``top_n_grams: {}`` gives that. Its rule on periodic tokens needs its
tokenizer and is left out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.dedup.normalise import mix
from curation.rules.gopher_quality import stop_word_at, stop_word_bytes
from curation.rules.gopher_repetition import most_of
from curation.rules.hashing import hash_bytes, new_table, next_stamp
from curation.rules.lines import is_at
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.repeats import all_copies, count_keys, count_of, n_gram_keys
from curation.rules.words import HAS_ALPHA, HAS_SYMBOL, key_of
from schemas.rules import DolmaGopher

FIXED = 11


def rules(params: DolmaGopher) -> list[Rule]:
    """The rules in the order in which they decide."""
    return [
        Rule("dolma_short_doc", "<", params.min_words),
        Rule("dolma_long_doc", ">", params.max_words),
        Rule("dolma_below_median_word_length", "<", params.min_median_word_length),
        Rule("dolma_above_median_word_length", ">", params.max_median_word_length),
        Rule("dolma_too_many_symbols", ">", params.max_symbol_word_ratio),
        Rule("dolma_below_alpha_threshold", "<", params.min_alpha_words_ratio),
        Rule("dolma_enough_stop_words", "<", params.min_stop_words),
        Rule("dolma_too_many_bullets", ">", params.max_bullet_lines_ratio),
        Rule("dolma_too_many_end_ellipsis", ">", params.max_ellipsis_lines_ratio),
        Rule("dolma_dup_line_frac", ">", params.max_dup_line_frac),
        Rule("dolma_dup_line_char_frac", ">", params.max_dup_line_char_frac),
        *(Rule(f"dolma_top_{n}_gram", ">", bound) for n, bound in params.top_n_grams.items()),
        *(Rule(f"dolma_duplicated_{n}_n_grams", ">", bound) for n, bound in params.dup_n_grams.items()),
    ]


def dolma_gopher(block: Block, params: DolmaGopher) -> Measured:
    """The statistics of each document, one a rule."""
    asked = rules(params)
    values = block.nothing(asked)
    words = block.words
    stop_data, stop_offsets = stop_word_bytes(params.stop_words)
    _words_and_lines(
        block.data,
        block.offsets,
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
    top = np.array(list(params.top_n_grams), dtype=np.int64)
    repeated = np.array(list(params.dup_n_grams), dtype=np.int64)
    _n_grams(words.first, words.chars, words.prefix, words.scale, block.alive, top, repeated, values[:, FIXED:])
    return Measured(asked, values)


@njit(nogil=True, cache=True)
def _words_and_lines(
    data: Bytes,
    offsets: Offsets,
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
        low, high = first[row], first[row + 1]
        n, length, symbols, alphabetic, stops = high - low, 0, 0, 0, 0
        for w in range(low, high):
            length += chars[w]
            symbols += traits[w] & HAS_SYMBOL != 0
            alphabetic += traits[w] & HAS_ALPHA != 0
            stops += stop_word_at(data, start[w], ends[w], stop_data, stop_offsets) >= 0
        out[row, 0] = out[row, 1] = n
        out[row, 2] = out[row, 3] = np.median(chars[low:high]) if n else 0.0
        out[row, 4], out[row, 5] = symbols / max(n, 1), alphabetic / max(n, 1)
        out[row, 6] = stops
        at, end = offsets[row], offsets[row + 1]
        lines = bullets = trailing = 0
        while at <= end:
            line = at
            size = 0
            while at < end and data[at] != 0x0A:
                size += data[at] & 0xC0 != 0x80
                at += 1
            keys[lines], lengths[lines] = hash_bytes(data, line, at), size
            lines += 1
            bullets += at > line and (data[line] == 0x2A or data[line] == 0x2D)
            trailing += at - line >= 3 and is_at(data, at - 3, at, b"\xe2\x80\xa6")
            at += 1
        out[row, 7], out[row, 8] = bullets / lines, trailing / lines
        stamp = next_stamp(table, stamp)
        repeats, repeated = all_copies(keys, lengths, lines, table, stamp, counts)
        out[row, 9], out[row, 10] = repeats / lines, repeated / max(length, 1)


@njit(nogil=True, cache=True)
def _n_grams(
    first: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
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
    table = new_table(most)
    counts = np.empty(len(table), dtype=np.int64)
    stamp = uint64(0)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        low, n_words = first[row], first[row + 1] - first[row]
        total = 0
        for w in range(n_words):
            single[w] = mix(key_of(prefix, scale, low + w, 1))
            total += chars[low + w]
        for s in range(len(top) + len(repeated)):
            n = top[s] if s < len(top) else repeated[s - len(top)]
            windows = n_gram_keys(single, n_words, n, keys)
            if windows == 0:
                continue
            stamp = next_stamp(table, stamp)
            best = count_keys(keys, windows, table, stamp, counts)
            measured = every = 0
            for w in range(windows):
                count = count_of(keys[w], windows, table, stamp, counts)
                length = 0
                for j in range(n):
                    length += chars[low + w + j]
                if s < len(top):
                    if count == best:  # of equals the first
                        measured = length * best
                        break
                else:
                    every += length
                    if count > 1:
                        measured += length
            out[row, s] = measured / max(total if s < len(top) else every, 1)
