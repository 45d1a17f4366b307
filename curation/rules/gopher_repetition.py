"""Gopher repetition rules (Rae et al. 2021, table A1), decision and reason as datatrove 0.10.1's GopherRepetitionFilter.

Its n-gram rules are not the paper's coverage: the most frequent n-gram counts spaces and a single occurrence too, and
repeated n-grams are found greedily from left to right over words joined without a separator.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.dedup.normalise import mix
from curation.rules.hashing import Keys, hash_bytes, new_table, next_stamp, shift_of, slot_of, stamped
from curation.rules.lines import chars_of, stripped
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.repeats import n_gram_keys
from curation.rules.words import key_of
from schemas.rules import GopherRepetition

FIXED = 5
"""Columns before those of the n-grams: empty, and repeated paragraphs and lines by number and by characters."""


def rules(params: GopherRepetition) -> list[Rule]:
    """The rules in the order in which they decide; 0 turns one off, as null does."""
    return [
        Rule("empty", "<=", 0.0),
        Rule("dup_para_frac", ">", params.max_dup_para_frac or None),
        Rule("dup_para_char_frac", ">", params.max_dup_para_char_frac or None),
        Rule("dup_line_frac", ">", params.max_dup_line_frac or None),
        Rule("dup_line_char_frac", ">", params.max_dup_line_char_frac or None),
        *(Rule(f"top_{n}_gram", ">", bound) for n, bound in params.top_n_grams.items()),
        *(Rule(f"duplicated_{n}_n_grams", ">", bound) for n, bound in params.dup_n_grams.items()),
    ]


def gopher_repetition(block: Block, params: GopherRepetition) -> Measured:
    """The statistics of each document, one a rule."""
    asked = rules(params)
    values = block.nothing(asked)
    words = block.words
    lengths = block.chars
    _parts(block.data, block.offsets, block.classes, *block.breaks, lengths, block.alive, params.empty_lines, values)
    of_words = (words.first, words.chars, words.prefix, words.scale, lengths, block.alive)
    top = np.array(list(params.top_n_grams), dtype=np.int64)
    _top_n_grams(*of_words, top, values[:, FIXED : FIXED + len(top)])
    repeated = np.array(list(params.dup_n_grams), dtype=np.int64)
    _repeated_n_grams(*of_words, repeated, values[:, FIXED + len(top) :])
    return Measured(asked, values)


@njit(nogil=True, cache=True)
def _repeats(
    data: Bytes,
    start: int,
    end: int,
    breaks: npt.NDArray[np.int64],
    low: int,
    high: int,
    at_least: int,
    each: bool,
    table: Keys,
    stamp: int,
) -> tuple[int, int, int]:
    """Parts of ``data[start:end]`` that runs of at least so many line feeds separate, or each one does: how many, how
    many repeat an earlier one, their characters. The line feeds in the range are ``breaks[low:high]``."""
    if each and high > low and breaks[high - 1] == end - 1:  # the last one of a text opens no line
        end -= 1
        high -= 1
    shift = shift_of(high - low + 1)
    parts = repeats = chars = 0
    begin = start
    b = low
    while True:
        run = 0
        stop = end
        while b < high:
            stop = breaks[b]
            run = 1
            while not each and b + run < high and breaks[b + run] == stop + run:
                run += 1
            b += run
            if run >= at_least:
                break
            run, stop = 0, end
        key = stamped(hash_bytes(data, begin, stop), stamp)
        slot = slot_of(table, shift, key)
        if table[slot] == key:
            repeats += 1
            chars += chars_of(data, begin, stop)
        table[slot] = key
        parts += 1
        if run == 0:
            return parts, repeats, chars
        begin = stop + run


@njit(nogil=True, cache=True)
def _parts(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    breaks: npt.NDArray[np.int64],
    first_break: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    alive: npt.NDArray[np.bool_],
    empty_lines: bool,
    out: Floats,
) -> None:
    """Length, and the shares of paragraphs and lines that repeat an earlier one."""
    table = new_table(most_of(first_break) + 1)
    stamp = uint64(0)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        low, high = first_break[row], first_break[row + 1]
        out[row, 0] = lengths[row]
        if start == end:
            continue
        stamp = next_stamp(table, stamp)
        parts, repeats, chars = _repeats(data, start, end, breaks, low, high, 1, empty_lines, table, stamp)
        out[row, 3], out[row, 4] = repeats / parts, chars / lengths[row]
        start, end = stripped(data, start, end, classes)
        while low < high and breaks[low] < start:
            low += 1
        while low < high and breaks[high - 1] >= end:
            high -= 1
        stamp = next_stamp(table, stamp)
        parts, repeats, chars = _repeats(data, start, end, breaks, low, high, 2, False, table, stamp)
        out[row, 1], out[row, 2] = repeats / parts, chars / lengths[row]


@njit(nogil=True, cache=True)
def most_of(first: npt.NDArray[np.int64]) -> int:
    """The most things (words, breaks) that a document of the block has."""
    most = 0
    for row in range(len(first) - 1):
        most = max(most, first[row + 1] - first[row])
    return most


@njit(nogil=True, cache=True)
def _top_n_grams(
    first: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.int64],
    alive: npt.NDArray[np.bool_],
    sizes: npt.NDArray[np.int64],
    out: Floats,
) -> None:
    """The share of characters in the most frequent n-gram, spaces and all; of equals the first counts."""
    if not len(sizes):
        return
    most = most_of(first)
    table = new_table(most)
    stamp = uint64(0)
    counts = np.empty(len(table), dtype=np.int32)
    begins = np.empty(len(table), dtype=np.int32)
    single = np.empty(most, dtype=np.uint64)
    keys = np.empty(most, dtype=np.uint64)
    for row in range(len(alive)):
        low, n_words = first[row], first[row + 1] - first[row]
        if not alive[row] or n_words == 0:
            continue
        for w in range(n_words):
            single[w] = mix(key_of(prefix, scale, low + w, 1))
        for s in range(len(sizes)):
            n = sizes[s]
            windows = n_gram_keys(single, n_words, n, keys)
            if windows == 0:
                continue
            shift = shift_of(windows)
            stamp = next_stamp(table, stamp)
            best = best_at = 0
            for w in range(windows):
                key = stamped(keys[w], stamp)
                slot = slot_of(table, shift, key)
                if table[slot] == key:
                    counts[slot] += 1
                    if counts[slot] > best or (counts[slot] == best and begins[slot] < best_at):
                        best, best_at = counts[slot], begins[slot]
                else:
                    table[slot], counts[slot], begins[slot] = key, 1, w
                    best = max(best, 1)
            length = n - 1
            for j in range(n):
                length += chars[low + best_at + j]
            out[row, s] = length * best / lengths[row]


@njit(nogil=True, cache=True)
def _repeated_n_grams(
    first: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.int64],
    alive: npt.NDArray[np.bool_],
    sizes: npt.NDArray[np.int64],
    out: Floats,
) -> None:
    """The share of characters in n-grams that stood before; one that did is passed over whole."""
    table = new_table(most_of(first))
    stamp = uint64(0)
    for row in range(len(alive)):
        if not alive[row] or lengths[row] == 0:
            continue
        low, high = uint64(first[row]), uint64(first[row + 1])
        shift = shift_of(first[row + 1] - first[row])
        for s in range(len(sizes)):
            n = uint64(sizes[s])
            stamp = next_stamp(table, stamp)
            repeated = 0
            at = low
            while at + n <= high:
                key = stamped(key_of(prefix, scale, at, n), stamp)
                slot = slot_of(table, shift, key)
                if table[slot] == key:
                    for j in range(n):
                        repeated += chars[at + j]
                    at += n
                else:
                    table[slot] = key
                    at += uint64(1)
            out[row, s] = repeated / lengths[row]
