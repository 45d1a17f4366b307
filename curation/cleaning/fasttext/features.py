"""The features of a text as fastText 0.9.2 takes them (Joulin et al. 2016), and the sum of their rows.

Features are words, their character n-grams and word n-grams. The sum of a word's rows is kept, since most words of a text
stood a moment ago, until there are too many. Sums are made word by word, so that the result does not depend on what was
kept. Line ends count as spaces, as in one line given to fastText; the end of the line is a word of its own there, and here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, uint8, uint32, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.cleaning.fasttext.file import FNV64, PRIME64, find_word, word_key
from curation.rules.lines import is_at

FNV32, PRIME32 = 2166136261, 16777619
NGRAM_PRIME = 116049371

Floats = npt.NDArray[np.float32]


@njit(nogil=True, cache=True)
def sum_rows(
    data: Bytes,
    offsets: Offsets,
    rows: Floats,
    word_keys: npt.NDArray[np.uint64],
    word_rows: npt.NDArray[np.int32],
    pruned: npt.NDArray[np.int32],
    present: npt.NDArray[np.uint8],
    numbers: tuple[int, int, int, int, int, int, int, int],
    known: npt.NDArray[np.uint64],
    sums: Floats,
    number_known: npt.NDArray[np.int64],
    out: Floats,
    counts: npt.NDArray[np.int64],
) -> None:
    """known: the words met since the last clearing, an open-addressing table of a key, and of the word's place in ``sums``
    with how many rows it has plus one (0: a label); sums: by place, the sum of a word's rows; number_known: int64[1], how many
    they are. All three stay for the next call."""
    word_ngrams, end_row, keeps, third = numbers[4], numbers[5], numbers[6], numbers[7]
    space = np.zeros(256, dtype=np.bool_)
    for byte in b" \n\r\t\v\f\0":
        space[byte] = True
    ids = np.empty(4096, dtype=np.int64)
    signed, begins = np.empty(1024, dtype=np.uint32), np.empty(1024, dtype=np.int32)
    places = np.empty(4096, dtype=np.int64)
    known_mask = len(known) - 1
    n_known = number_known[0]
    for row in range(len(offsets) - 1):
        features, n_ids = 0, 0
        start, end = offsets[row], offsets[row + 1]
        parts = 3 if third and end - start > 3 * third else 1
        part = -1
        while part < parts - 1:
            part += 1
            at, stop = start, end
            if parts == 3:
                if part:  # a part begins after the first white space in it, so that it begins with a word
                    at = start + (end - start - third) // (3 - part)
                    while at < end and not space[data[at]]:
                        at += 1
                stop = min(at + third, end)
                while stop < end and not space[data[stop]]:
                    stop += 1
            while at < stop:
                if space[data[at]]:
                    at += 1
                    continue
                begin = at
                key = uint64(FNV64)
                while at < stop and not space[data[at]]:
                    key = (key ^ uint64(data[at])) * uint64(PRIME64)
                    at += 1
                key |= uint64(1)
                slot = np.int64(key >> uint64(32)) & known_mask
                while known[slot, 0] != uint64(0) and known[slot, 0] != key:
                    slot = (slot + 1) & known_mask
                if known[slot, 0] != key:
                    if at - begin == 4 and is_at(
                        data, begin, at, b"</s>"
                    ):  # written out in a text, it ends the line for fastText
                        part, at = parts, stop
                        break
                    if n_known == len(sums):
                        _add(sums, ids, n_ids, 0, out[row])
                        n_ids = n_known = 0
                        known[:, 0] = uint64(0)
                        slot = np.int64(key >> uint64(32)) & known_mask
                    made: Any = _word_sum(
                        data,
                        begin,
                        at,
                        key,
                        rows,
                        word_keys,
                        word_rows,
                        pruned,
                        present,
                        numbers,
                        signed,
                        begins,
                        places,
                        sums,
                        n_known,
                    )
                    known[slot, 0] = key
                    known[slot, 1] = (uint64(n_known) << uint64(32)) | uint64(made + 1)
                    n_known += 1
                made = np.int64(known[slot, 1] & uint64(0xFFFFFFFF)) - 1
                if made < 0:
                    continue
                features += made
                word = np.int64(known[slot, 1] >> uint64(32))
                ids[n_ids] = word
                n_ids += 1
                if n_ids == len(ids):
                    _add(sums, ids, n_ids, 0, out[row])
                    n_ids = 0
        _add(sums, ids, n_ids, 0, out[row])
        if end_row >= 0:
            for d in range(rows.shape[1]):
                out[row, d] += rows[end_row, d]
            features += 1
        if word_ngrams > 1 and keeps:
            hashes = _line_hashes(data, start, end, space, word_keys)
            features += _add_word_ngrams(hashes, rows, pruned, numbers, out, row)
        counts[row] = features
        if features:
            scale = np.float32(1.0 / features)
            for d in range(rows.shape[1]):
                out[row, d] *= scale
    number_known[0] = n_known


@njit(nogil=True, cache=True)
def _add(rows: Floats, which: npt.NDArray[np.int64], n: int, base: int, total: Floats) -> None:
    """Add the first n of the rows ``base + which[i]`` to ``total``, one after the other."""
    if len(total) == 16:
        _add_sixteen(rows, which, n, base, total)
        return
    for i in range(n):
        row = base + which[i]
        for d in range(len(total)):
            total[d] += rows[row, d]


@njit(nogil=True, cache=True)
def _add_sixteen(rows: Floats, which: npt.NDArray[np.int64], n: int, base: int, total: Floats) -> None:
    """``_add`` for rows of sixteen numbers, lid.176's, which fit the registers."""
    t0, t1, t2, t3 = total[0], total[1], total[2], total[3]
    t4, t5, t6, t7 = total[4], total[5], total[6], total[7]
    t8, t9, ta, tb = total[8], total[9], total[10], total[11]
    tc, td, te, tf = total[12], total[13], total[14], total[15]
    for i in range(n):
        row = base + which[i]
        t0 += rows[row, 0]
        t1 += rows[row, 1]
        t2 += rows[row, 2]
        t3 += rows[row, 3]
        t4 += rows[row, 4]
        t5 += rows[row, 5]
        t6 += rows[row, 6]
        t7 += rows[row, 7]
        t8 += rows[row, 8]
        t9 += rows[row, 9]
        ta += rows[row, 10]
        tb += rows[row, 11]
        tc += rows[row, 12]
        td += rows[row, 13]
        te += rows[row, 14]
        tf += rows[row, 15]
    total[0], total[1], total[2], total[3] = t0, t1, t2, t3
    total[4], total[5], total[6], total[7] = t4, t5, t6, t7
    total[8], total[9], total[10], total[11] = t8, t9, ta, tb
    total[12], total[13], total[14], total[15] = tc, td, te, tf


@njit(nogil=True, cache=True)
def _line_hashes(
    data: Bytes, start: int, end: int, space: npt.NDArray[np.bool_], word_keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """fastText's hashes of a text's words, without labels, and of the end of the line."""
    hashes = np.empty((end - start) // 2 + 2, dtype=np.int64)
    n = 0
    at = start
    while at < end:
        if space[data[at]]:
            at += 1
            continue
        begin = at
        while at < end and not space[data[at]]:
            at += 1
        if _is_label(data, begin, at):
            slot = find_word(word_keys, word_key(data, begin, at))
            if word_keys[slot] == uint64(0):
                continue
        if at - begin == 4 and is_at(data, begin, at, b"</s>"):
            break
        hashes[n] = _hash32(data, begin, at)
        n += 1
    hashes[n] = END_HASH
    return hashes[: n + 1]


@njit(nogil=True, cache=True)
def _add_word_ngrams(
    hashes: npt.NDArray[np.int64],
    rows: Floats,
    pruned: npt.NDArray[np.int32],
    numbers: tuple[int, int, int, int, int, int, int, int],
    out: Floats,
    row: int,
) -> int:
    """Add the rows of runs of two and more words; how many have one."""
    n_words, bucket, word_ngrams = numbers[0], uint64(numbers[1]), numbers[4]
    made = 0
    for i in range(len(hashes)):
        h = uint64(hashes[i])
        for j in range(i + 1, min(i + word_ngrams, len(hashes))):
            h = h * uint64(NGRAM_PRIME) + uint64(hashes[j])
            place = np.int64(h % bucket)
            if len(pruned):
                place = np.int64(pruned[place])
                if place < 0:
                    continue
            for d in range(rows.shape[1]):
                out[row, d] += rows[n_words + place, d]
            made += 1
    return made


@njit(nogil=True, cache=True)
def _word_sum(
    data: Bytes,
    begin: int,
    end: int,
    key: int,
    rows: Floats,
    word_keys: npt.NDArray[np.uint64],
    word_rows: npt.NDArray[np.int32],
    pruned: npt.NDArray[np.int32],
    present: npt.NDArray[np.uint8],
    numbers: tuple[int, int, int, int, int, int, int, int],
    signed: npt.NDArray[np.uint32],
    begins: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    sums: Floats,
    number: int,
) -> int:
    """Into ``sums[number]``, the sum of a word's rows; how many they are, -1 for a label."""
    slot = find_word(word_keys, key)
    word = word_rows[slot] if word_keys[slot] == key else -1
    if word < 0 and _is_label(data, begin, end):
        return -1
    for d in range(rows.shape[1]):
        sums[number, d] = rows[word, d] if word >= 0 else np.float32(0.0)
    made = 1 if word >= 0 else 0
    if numbers[3] > 0 and numbers[6]:
        made += _add_subwords(data, begin, end, rows, pruned, present, numbers, signed, begins, places, sums, number)
    return made


@njit(nogil=True, cache=True)
def _hash32(data: Bytes, start: int, end: int) -> int:
    """fastText's hash of a word, FNV-1a of 32 bits over signed bytes, as the signed number that it keeps."""
    h = uint32(FNV32)
    for i in range(start, end):
        byte = uint32(data[i])
        if byte >= uint32(128):
            byte |= uint32(0xFFFFFF00)
        h = uint32(uint32(h ^ byte) * uint32(PRIME32))
    number: Any = np.int64(h)
    return number - (np.int64(1) << 32) if number >= (np.int64(1) << 31) else number


@njit(nogil=True, cache=True)
def _is_label(data: Bytes, start: int, end: int) -> bool:
    """A word that begins with ``__label__`` is a label to fastText, known or not."""
    prefix = b"__label__"
    if end - start < 9 or data[start] != 0x5F:
        return False
    for i in range(9):
        if data[start + i] != prefix[i]:
            return False
    return True


@njit(nogil=True, cache=True)
def _add_subwords(
    data: Bytes,
    start: int,
    end: int,
    rows: Floats,
    pruned: npt.NDArray[np.int32],
    present: npt.NDArray[np.uint8],
    numbers: tuple[int, int, int, int, int, int, int, int],
    signed: npt.NDArray[np.uint32],
    begins: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    sums: Floats,
    number: int,
) -> int:
    """Add the rows of the n-grams of ``<word>``; how many have one."""
    n_words, bucket, minn, maxn = numbers[0], numbers[1], numbers[2], numbers[3]
    size = end - start + 2
    if size + 1 > len(signed):
        signed, begins = np.empty(2 * size, dtype=np.uint32), np.empty(2 * size, dtype=np.int32)
    # The word between < and >, a byte as the signed one that fastText hashes, and where its characters begin.
    signed[0], signed[size - 1] = uint32(0x3C), uint32(0x3E)
    begins[0] = 0
    chars = 1
    for i in range(1, size - 1):
        byte = uint32(data[start + i - 1])
        begins[chars] = i
        chars += byte & uint32(0xC0) != uint32(0x80)
        signed[i] = byte | (uint32(0xFFFFFF00) if byte >= uint32(128) else uint32(0))
    begins[chars], begins[chars + 1] = size - 1, size
    chars += 1
    if chars * maxn > len(places):
        places = np.empty(2 * chars * maxn, dtype=np.int64)
    # First all buckets, without a branch on which have rows: the reads that follow do not wait for one another.
    inverse = 1.0 / bucket
    plain = chars == size
    made = 0
    for first in range(chars):
        h = uint32(FNV32)
        for last in range(first, min(first + maxn, chars)):
            if plain:
                h = uint32(uint32(h ^ signed[last]) * uint32(PRIME32))
            else:
                for i in range(begins[last], begins[last + 1]):
                    h = uint32(uint32(h ^ signed[i]) * uint32(PRIME32))
            n = last - first + 1
            if n < minn or (n == 1 and (first == 0 or last == chars - 1)):
                continue
            place = np.int64(h)
            place -= np.int64(place * inverse) * bucket
            place += bucket & -np.int64(place < 0)
            place -= bucket & -np.int64(place >= bucket)
            places[made] = place
            made += 1
    if len(pruned):
        every, made = made, 0
        for i in range(every):
            place = places[i]
            places[made] = place
            made += int((present[place >> 3] >> uint8(place & 7)) & uint8(1))
        for i in range(made):
            places[i] = pruned[places[i]]
    _add(rows, places, made, n_words, sums[number])
    return made


def _end_hash() -> int:
    h = FNV32
    for byte in b"</s>":
        h = ((h ^ byte) * PRIME32) % 2**32
    return h - 2**32 if h >= 2**31 else h


END_HASH = _end_hash()
