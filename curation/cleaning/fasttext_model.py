"""fastText's inference (Joulin et al. 2016) from the Arrow buffers: labels and probabilities, no lock, no object a text.

The features of a text are its words, their character n-grams and its word n-grams, as fastText 0.9.2 takes them; a text's
vector is the mean of their rows. The sum of a word's rows is kept, since most words of a text stood a moment ago, until
there are too many. Sums are made word by word, so that the result does not depend on what was kept. Line ends
count as spaces, as in one line given to fastText; the end of the line is a word of its own there, and here.

Labels are those of fasttext-wheel 0.9.2, scores within 1e-5 of its (tests/curation/cleaning/test_fasttext_model.py).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit, uint8, uint32, uint64

from curation import storage
from curation.arrow_text import Bytes, Offsets, buffers
from curation.cleaning.fasttext_file import (
    FNV64,
    HIERARCHICAL,
    PRIME64,
    SOFTMAX,
    FastTextModel,
    find_word,
    load,
    word_key,
)
from curation.rules.lines import is_at
from schemas.errors import RecipeError

CACHE_BYTES = 1 << 23
FNV32, PRIME32 = 2166136261, 16777619
NGRAM_PRIME = 116049371
SMALL = 1e-5
"""fastText adds it under each logarithm, and leaves out what is less likely."""
TABLE_SIZE, MAX_SIGMOID = 512, 8.0

Floats = npt.NDArray[np.float32]


def _model(path: str, place: str) -> FastTextModel:
    if not storage.exists(path):
        raise RecipeError(place, f"{path!r} is no file")
    try:
        return load(path)
    except ValueError as error:
        raise RecipeError(place, f"{path!r} is no fastText model: {error}") from None


def predict(
    texts: pa.LargeStringArray, path: str, *, place: str, max_bytes: int | None = None
) -> tuple[list[str | None], npt.NDArray[np.float32]]:
    """Top label without ``__label__`` and probability, float32[n], of each text; None, 0.0 where there is none.

    max_bytes: of longer texts so much is read, a third each from the start, the middle and the end.

    Raises RecipeError at ``place`` for a file that is no model.
    """
    model = _model(path, place)
    vectors, counts = _vectors(texts, model, max_bytes)
    best, scores = _top_labels(vectors, model)
    names = [
        model.labels[label] if count else None for label, count in zip(best.tolist(), counts.tolist(), strict=True)
    ]
    return names, np.where(counts > 0, np.minimum(scores, 1.0), 0.0).astype(np.float32)


def probabilities(texts: pa.LargeStringArray, path: str, label: str, *, place: str) -> npt.NDArray[np.float32]:
    """Probability of one label for each text, line ends as spaces: float32[n].

    Raises RecipeError at ``place`` for a file that is no model, or a model without the label.
    """
    model = _model(path, f"{place}.model")
    if label not in model.labels:
        known = ", ".join(sorted(model.labels)[:20])
        raise RecipeError(f"{place}.label", f"the model has no label {label!r}; it has {known}")
    vectors, counts = _vectors(texts, model, None)
    found = _label_scores(vectors, model, model.labels.index(label))
    return np.where(counts > 0, np.minimum(found, 1.0), 0.0).astype(np.float32)


def _vectors(
    texts: pa.LargeStringArray, model: FastTextModel, max_bytes: int | None
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The mean of each text's rows, float32[n, dim], and how many they are."""
    data, offsets = buffers(texts)
    out = np.zeros((len(texts), model.dim), dtype=np.float32)
    counts = np.zeros(len(texts), dtype=np.int64)
    words = max(CACHE_BYTES // (4 * model.dim), 256)
    numbers = (
        model.n_words,
        model.bucket,
        model.minn,
        model.maxn,
        model.word_ngrams,
        model.end_row,
        int(model.keeps_ngrams),
        0 if max_bytes is None else max(max_bytes // 3, 1),
    )
    _sum_rows(
        data,
        offsets,
        model.rows,
        model.word_keys,
        model.word_rows,
        model.pruned,
        model.present,
        numbers,
        np.zeros((1 << (2 * words - 1).bit_length(), 2), dtype=np.uint64),
        np.zeros((words, model.dim), dtype=np.float32),
        out,
        counts,
    )
    return out, counts


def _top_labels(vectors: Floats, model: FastTextModel) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The most probable label of each vector, and fastText's probability of it."""
    if model.loss == HIERARCHICAL:
        best, scores = np.zeros(len(vectors), dtype=np.int64), np.zeros(len(vectors))
        _walk(vectors, model.outputs, model.left, model.right, best, scores)
        return best, scores
    every = _flat(vectors, model)
    # Of equals the last, as fastText's heap of one leaves it.
    best = every.shape[1] - 1 - every[:, ::-1].argmax(axis=1) if len(every) else np.zeros(0, dtype=np.int64)
    return best, np.take_along_axis(every, best[:, None], axis=1)[:, 0]


def _label_scores(vectors: Floats, model: FastTextModel, label: int) -> npt.NDArray[np.float64]:
    if model.loss != HIERARCHICAL:
        return _flat(vectors, model)[:, label]
    path, node = [], label
    for parent in range(len(model.labels), 2 * len(model.labels) - 1):  # parents stand after their children
        if node in (model.left[parent], model.right[parent]):
            path.append((parent - len(model.labels), node == model.right[parent]))
            node = parent
    score, gone = np.zeros(len(vectors)), np.zeros(len(vectors), dtype=bool)
    for inner, is_right in reversed(path):
        f = 1.0 / (1.0 + np.exp(-(vectors @ model.outputs[inner]).astype(np.float64)))
        score += np.log((f if is_right else 1.0 - f) + SMALL)
        gone |= score < math.log(SMALL)
    return np.where(gone, 0.0, np.exp(score))


def _flat(vectors: Floats, model: FastTextModel) -> npt.NDArray[np.float64]:
    """Probabilities of all labels by softmax or by sigmoids, with fastText's 1e-5: float64[n, labels]."""
    # Row by row: a product of matrices may round otherwise for another batch.
    dots = np.zeros((len(vectors), len(model.outputs)), dtype=np.float32)
    _dot_rows(vectors, model.outputs, dots)
    if model.loss == SOFTMAX:
        raised = np.exp(dots - dots.max(axis=1, keepdims=True), dtype=np.float32)
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float64) + SMALL
    step = np.clip((dots + MAX_SIGMOID) * TABLE_SIZE / MAX_SIGMOID / 2, 0, TABLE_SIZE).astype(np.int64)
    table = 1.0 / (1.0 + np.exp(-(np.arange(TABLE_SIZE + 1) * 2 * MAX_SIGMOID / TABLE_SIZE - MAX_SIGMOID)))
    found = np.where(dots < -MAX_SIGMOID, 0.0, np.where(dots > MAX_SIGMOID, 1.0, table[step]))
    return found + SMALL


@njit(nogil=True, cache=True)
def _dot_rows(vectors: Floats, outputs: Floats, dots: Floats) -> None:
    for i in range(len(vectors)):
        for label in range(len(outputs)):
            total = np.float32(0.0)
            for d in range(vectors.shape[1]):
                total += vectors[i, d] * outputs[label, d]
            dots[i, label] = total


@njit(nogil=True, cache=True)
def _walk(
    vectors: Floats,
    outputs: Floats,
    left: npt.NDArray[np.int32],
    right: npt.NDArray[np.int32],
    best: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """The most probable leaf of the tree, the likelier child first, without what cannot win."""
    leaves = (len(left) + 1) // 2
    nodes = np.empty(2 * len(left), dtype=np.int64)
    logs = np.empty(2 * len(left), dtype=np.float64)
    least = math.log(SMALL)
    for i in range(len(vectors)):
        nodes[0], logs[0] = len(left) - 1, 0.0
        depth = 1
        found, top = -1, -np.inf
        while depth:
            depth -= 1
            node, score = nodes[depth], logs[depth]
            if score < least or score < top:
                continue
            if left[node] < 0:
                if score > top:
                    found, top = node, score
                continue
            dot = np.float32(0.0)
            for d in range(vectors.shape[1]):
                dot += vectors[i, d] * outputs[node - leaves, d]
            f = 1.0 / (1.0 + math.exp(-np.float64(dot)))
            low, high = score + math.log(1.0 - f + SMALL), score + math.log(f + SMALL)
            if f > 0.5:
                nodes[depth], logs[depth] = left[node], low
                nodes[depth + 1], logs[depth + 1] = right[node], high
            else:
                nodes[depth], logs[depth] = right[node], high
                nodes[depth + 1], logs[depth + 1] = left[node], low
            depth += 2
        best[i] = max(found, 0)
        scores[i] = math.exp(top)


@njit(nogil=True, cache=True)
def _sum_rows(
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
    out: Floats,
    counts: npt.NDArray[np.int64],
) -> None:
    """known: the words met since the last clearing, an open-addressing table of a key, and of the word's place in ``sums``
    with how many rows it has plus one (0: a label); sums: by place, the sum of a word's rows."""
    word_ngrams, end_row, keeps, third = numbers[4], numbers[5], numbers[6], numbers[7]
    space = np.zeros(256, dtype=np.bool_)
    for byte in b" \n\r\t\v\f\0":
        space[byte] = True
    ids = np.empty(4096, dtype=np.int64)
    signed, begins = np.empty(1024, dtype=np.uint32), np.empty(1024, dtype=np.int32)
    places = np.empty(4096, dtype=np.int64)
    known_mask = len(known) - 1
    n_known = 0
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
