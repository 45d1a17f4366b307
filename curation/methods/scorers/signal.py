"""Quality signals of RedPajama-V2 (Weber et al. 2024; app/src/core/quality_signals), as its code computes them.

Normalised text is lower-cased, without ASCII punctuation, white space runs as one space, NFD; its words are what spaces
separate. Raw words are runs between white space, lines are split at line feeds. Lower case is Unicode's simple mapping.
Of a signal that is measured line by line the score is the mean over the lines. Not here: what needs lists (LDNOOBW, UT1:
rules ``bad_words``, ``url_filter``) or models (``from: dsir``, ``from: perplexity``, ``clean.classifier``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets, as_text, buffers
from curation.dedup.normalise import decode, mix
from curation.rules.characters import ALNUM, ALPHA, LINE_END, UPPER, classes
from curation.rules.hashing import new_table, next_stamp
from curation.rules.lines import stripped
from curation.rules.repeats import count_keys, count_of, n_gram_keys
from curation.rules.words import class_at, key_of, split
from schemas.scorers import Signal

DIGITS = 8
Floats = npt.NDArray[np.float64]


def normalised(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """The texts as most signals see them."""
    bare = pc.replace_substring_regex(pc.utf8_lower(texts), r"[!-/:-@\[-`{-~]", "")
    return as_text(
        pc.utf8_normalize(pc.utf8_trim_whitespace(pc.replace_substring_regex(bare, r"\s+", " ")), form="NFD")
    )


def signal(documents: pa.Table, params: Signal) -> Floats:
    """The signal of each document: float64[n], rounded to 8 digits; NaN where there is nothing to measure."""
    texts = as_text(documents["text"])
    return np.round(SIGNALS[params.name](texts), DIGITS)


def _length(texts: pa.LargeStringArray) -> Floats:
    return pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.float64)


def _lines(texts: pa.LargeStringArray) -> Floats:
    return np.asarray(pc.count_substring(texts, "\n"), dtype=np.float64) + 1


def _curly(texts: pa.LargeStringArray) -> Floats:
    found = np.asarray(pc.count_substring_regex(texts, r"[{}]"), dtype=np.float64)
    return _ratio(found, _length(texts), empty=0.0)


def _lorem(texts: pa.LargeStringArray) -> Floats:
    plain = normalised(texts)
    found = np.asarray(pc.count_substring(plain, "lorem ipsum"), dtype=np.float64)
    return _ratio(found, _length(plain), empty=0.0)


def _sentences(texts: pa.LargeStringArray) -> Floats:
    out = np.zeros(len(texts))
    _count_sentences(*buffers(texts), classes(), out)
    return out


def _of_words(column: int) -> Callable[[pa.LargeStringArray], Floats]:
    """One of: count, mean length, share of different ones, entropy; of normalised words."""

    def measure(texts: pa.LargeStringArray) -> Floats:
        data, offsets = buffers(normalised(texts))
        words = split(data, offsets, classes())
        out = np.full((len(texts), 4), np.nan)
        _measure_words(words.first, words.chars, words.prefix, words.scale, out)
        return out[:, column]

    return measure


def _of_raw_words(column: int) -> Callable[[pa.LargeStringArray], Floats]:
    """Share of raw words: without a letter a to z (0), all in capitals (1)."""

    def measure(texts: pa.LargeStringArray) -> Floats:
        data, offsets = buffers(texts)
        words = split(data, offsets, classes())
        out = np.full((len(texts), 2), np.nan)
        _measure_raw_words(data, words.first, words.start, words.end, classes(), out)
        return out[:, column]

    return measure


def _symbols(texts: pa.LargeStringArray) -> Floats:
    data, offsets = buffers(texts)
    words = np.diff(split(data, offsets, classes()).first)
    found = sum(np.asarray(pc.count_substring(texts, sign), dtype=np.float64) for sign in ("#", "...", "…"))
    return _ratio(np.asarray(found), words.astype(np.float64), empty=np.nan)


def _n_grams(n: int, covered: bool) -> Callable[[pa.LargeStringArray], Floats]:
    def measure(texts: pa.LargeStringArray) -> Floats:
        data, offsets = buffers(normalised(texts))
        words = split(data, offsets, classes())
        out = np.zeros(len(texts))
        _measure_n_grams(words.first, words.chars, words.prefix, words.scale, n, covered, out)
        return out

    return measure


def _of_lines(column: int, plain: bool = False) -> Callable[[pa.LargeStringArray], Floats]:
    """Means over lines: ends with a terminal mark, with an ellipsis, starts with a bullet, capitals, digits, words,
    the word javascript; of the raw or the normalised lines."""

    def measure(texts: pa.LargeStringArray) -> Floats:
        if plain:
            bare = pc.replace_substring_regex(pc.utf8_lower(texts), r"[!-/:-@\[-`{-~]", "")
            texts = as_text(pc.utf8_normalize(bare, form="NFD"))
        out = np.full((len(texts), 7), np.nan)
        _measure_lines(*buffers(texts), classes(), _numeric(), out)
        return out[:, column]

    return measure


def _ratio(a: Floats, b: Floats, *, empty: float) -> Floats:
    return np.divide(a, b, out=np.full(len(a), empty), where=b > 0)


SIGNALS: dict[str, Callable[[pa.LargeStringArray], Floats]] = {
    "ccnet_length": _length,
    "ccnet_nlines": _lines,
    "rps_doc_curly_bracket": _curly,
    "rps_doc_lorem_ipsum": _lorem,
    "rps_doc_num_sentences": _sentences,
    "rps_doc_word_count": _of_words(0),
    "rps_doc_mean_word_length": _of_words(1),
    "rps_doc_symbol_to_word_ratio": _symbols,
    "rps_doc_frac_lines_end_with_ellipsis": _of_lines(1),
    "rps_doc_frac_no_alph_words": _of_raw_words(0),
    "rps_doc_frac_unique_words": _of_words(2),
    "rps_doc_unigram_entropy": _of_words(3),
    "rps_doc_frac_all_caps_words": _of_raw_words(1),
    **{f"rps_doc_frac_chars_top_{n}gram": _n_grams(n, covered=False) for n in (2, 3, 4)},
    **{f"rps_doc_frac_chars_dupe_{n}grams": _n_grams(n, covered=True) for n in range(5, 11)},
    "rps_lines_ending_with_terminal_punctution_mark": _of_lines(0),
    "rps_lines_javascript_counts": _of_lines(6, plain=True),
    "rps_lines_num_words": _of_lines(5, plain=True),
    "rps_lines_uppercase_letter_fraction": _of_lines(3),
    "rps_lines_numerical_chars_fraction": _of_lines(4, plain=True),
    "rps_lines_start_with_bulletpoint": _of_lines(2),
}
"""Signal -> (texts) to its values, by the published name."""


def _numeric() -> npt.NDArray[np.int64]:
    """The code points that ``str.isnumeric`` takes, sorted."""
    return np.array([code for code in range(0x20000) if chr(code).isnumeric()], dtype=np.int64)


@njit(nogil=True, cache=True)
def _count_sentences(data: Bytes, offsets: Offsets, kinds: npt.NDArray[np.uint16], out: Floats) -> None:
    r"""Matches of ``\b[^.!?]+[.!?]*``."""
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        before = False
        count = 0
        while at < end:
            what, width = class_at(data, at, end, kinds)
            word = what & ALNUM != 0 or data[at] == 0x5F
            mark = data[at] == 0x2E or data[at] == 0x21 or data[at] == 0x3F
            if mark or word == before:
                before = word
                at += width
                continue
            count += 1
            closing = False
            while at < end:
                mark = data[at] == 0x2E or data[at] == 0x21 or data[at] == 0x3F
                if closing and not mark:
                    break
                closing = closing or mark
                what, width = class_at(data, at, end, kinds)
                before = what & ALNUM != 0 or data[at] == 0x5F
                at += width
        out[row] = count


@njit(nogil=True, cache=True)
def _measure_words(
    first: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
    out: Floats,
) -> None:
    for row in range(len(out)):
        low, n = first[row], first[row + 1] - first[row]
        out[row, 0] = n
        if n == 0:
            continue
        keys = np.empty(n, dtype=np.uint64)
        table = new_table(n)
        counts = np.empty(len(table), dtype=np.int64)
        stamp = uint64(0)
        length = 0
        for w in range(n):
            keys[w] = mix(key_of(prefix, scale, low + w, 1))
            length += chars[low + w]
        stamp = next_stamp(table, stamp)
        count_keys(keys, n, table, stamp, counts)
        different, entropy = 0, 0.0
        for slot in range(len(table)):
            if table[slot] & uint64(0xFFFF) == stamp:
                different += 1
                share = counts[slot] / n
                entropy -= share * np.log(share)
        out[row, 1], out[row, 2], out[row, 3] = length / n, different / n, entropy


@njit(nogil=True, cache=True)
def _measure_raw_words(
    data: Bytes,
    first: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint16],
    out: Floats,
) -> None:
    for row in range(len(out)):
        n = first[row + 1] - first[row]
        if n == 0:
            continue
        alphabetic = capitals = 0
        for w in range(first[row], first[row + 1]):
            latin = upper = lower = False
            at = start[w]
            while at < ends[w]:
                what, width = class_at(data, at, ends[w], kinds)
                letter = data[at] | 0x20
                latin = latin or (width == 1 and 0x61 <= letter <= 0x7A)
                upper = upper or what & UPPER != 0
                lower = lower or (what & ALPHA != 0 and what & UPPER == 0 and _is_lower(data, at, ends[w]))
                at += width
            alphabetic += latin
            capitals += upper and not lower
        out[row, 0], out[row, 1] = 1.0 - alphabetic / n, capitals / n


@njit(nogil=True, cache=True)
def _is_lower(data: Bytes, at: int, end: int) -> bool:
    """A letter that is no capital keeps a word from being all capitals if it has a case: Latin, Greek, Cyrillic, Armenian."""
    code, _ = decode(data, at, end)
    return code < 0x590 or 0x1C80 <= code < 0x2000 or 0x2C00 <= code < 0x2DE0 or 0xA640 <= code < 0xABC0


@njit(nogil=True, cache=True)
def _measure_n_grams(
    first: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
    n: int,
    covering: bool,
    out: Floats,
) -> None:
    for row in range(len(out)):
        low, n_words = first[row], first[row + 1] - first[row]
        if n_words < n:
            continue
        single = np.empty(n_words, dtype=np.uint64)
        keys = np.empty(n_words, dtype=np.uint64)
        table = new_table(n_words)
        counts = np.empty(len(table), dtype=np.int64)
        stamp = uint64(0)
        total = 0
        for w in range(n_words):
            single[w] = mix(key_of(prefix, scale, low + w, 1))
            total += chars[low + w]
        windows = n_gram_keys(single, n_words, n, keys)
        stamp = next_stamp(table, stamp)
        best = count_keys(keys, windows, table, stamp, counts)
        if best == 1:
            continue
        measured, reached = 0, 0
        for w in range(windows):
            count = count_of(keys[w], windows, table, stamp, counts)
            if covering and count > 1:
                for j in range(max(w, reached), w + n):
                    measured += chars[low + j]
                reached = w + n
            elif not covering and count == best:
                for j in range(n):
                    measured += chars[low + w + j] * best
                break
        out[row] = measured / total


@njit(nogil=True, cache=True)
def _measure_lines(
    data: Bytes, offsets: Offsets, kinds: npt.NDArray[np.uint16], numeric: npt.NDArray[np.int64], out: Floats
) -> None:
    for row in range(len(out)):
        at, end = offsets[row], offsets[row + 1]
        lines = 0
        sums = np.zeros(7)
        while at <= end:
            start = at
            while at < end and data[at] != 0x0A:
                at += 1
            low, high = stripped(data, start, at, kinds)
            if high > low:
                last = high - 1
                while last > low and data[last] & 0xC0 == 0x80:
                    last -= 1
                code, _ = decode(data, last, high)
                sums[0] += code == 0x2E or code == 0x21 or code == 0x3F or code == 0x201D
                dots = high - low >= 3 and data[high - 1] == 0x2E and data[high - 2] == 0x2E and data[high - 3] == 0x2E
                sums[1] += code == 0x2026 or dots
                code, _ = decode(data, low, high)
                sums[2] += (
                    code == 0x2022
                    or code == 0x2023
                    or code == 0x25B6
                    or code == 0x25C0
                    or code == 0x25E6
                    or code == 0x25A0
                    or code == 0x25A1
                    or code == 0x25AA
                    or code == 0x25AB
                    or code == 0x2013
                )
            place, length, upper, digits = start, 0, 0, 0
            word = start
            while place <= at:
                what, width = class_at(data, place, at, kinds) if place < at else (LINE_END, 1)
                if place == at or what & 1:
                    if place > word:
                        sums[5] += 1
                        sums[6] += place - word == 10 and _is_javascript(data, word)
                    word = place + width
                if place < at:
                    code, _ = decode(data, place, at)
                    length += 1
                    upper += what & UPPER != 0
                    if what & ALNUM or code > 127:
                        spot = np.searchsorted(numeric, code)
                        digits += spot < len(numeric) and numeric[spot] == code
                place += width
            if length:
                sums[3] += upper / length
                sums[4] += digits / length
            lines += 1
            at += 1
        for i in range(7):
            out[row, i] = sums[i] / lines


@njit(nogil=True, cache=True)
def _is_javascript(data: Bytes, at: int) -> bool:
    wanted = b"javascript"
    for i in range(10):
        if data[at + i] != wanted[i]:
            return False
    return True
