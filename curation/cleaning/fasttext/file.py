"""The fastText model file, .bin and .ftz (Joulin et al. 2016; format version 12), read into plain arrays.

Product-quantised matrices are unpacked: rows of floats are what a sum over n-grams wants, and lid.176.ftz takes 4 MB so.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation import storage

MAGIC, VERSION = 793712314, 12
HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_VS_ALL = 1, 2, 3, 4
SUPERVISED = 3
CENTROIDS = 256
UNMADE = 10**15
"""As fastText has it: the weight of a node of the tree that is not made yet, more than all labels have."""
MOST_DIMENSIONS, MOST_LETTERS, MOST_BUCKETS = 1 << 14, 64, 1 << 28
"""Of a sound model: a vector's numbers, an n-gram's letters or words, buckets of n-grams."""
FNV64, PRIME64 = 0xCBF29CE484222325, 0x100000001B3


@dataclass(frozen=True, eq=False)
class FastTextModel:
    """A supervised model. rows: float32[words + n-grams, dim]; outputs: float32[labels (inner nodes of the tree), dim].

    words: uint64 keys of the vocabulary and the row of each, an open-addressing table; pruned: int32[bucket], the n-gram
    row of each bucket, -1 for none, or empty where all stay; present: a bit a bucket, whether its n-gram has a row, small
    enough to stay near the processor; left, right: int32[2 · labels - 1], Huffman tree, -1 at leaves.
    """

    dim: int
    word_ngrams: int
    loss: int
    bucket: int
    minn: int
    maxn: int
    n_words: int
    labels: tuple[str, ...]
    word_keys: npt.NDArray[np.uint64]
    word_rows: npt.NDArray[np.int32]
    end_row: int
    pruned: npt.NDArray[np.int32]
    present: npt.NDArray[np.uint8]
    keeps_ngrams: bool
    rows: npt.NDArray[np.float32]
    outputs: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]


class _Reader:
    """Reads one value after the other. Raises ValueError at the end of the file."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def numbers(self, form: str) -> tuple[int, ...]:
        size = struct.calcsize("<" + form)
        if self.at + size > len(self.data):
            raise ValueError("the file ends too early")
        self.at += size
        return struct.unpack_from("<" + form, self.data, self.at - size)

    def array(self, kind: type, n: int) -> npt.NDArray[np.generic]:
        size = n * np.dtype(kind).itemsize
        if n < 0 or self.at + size > len(self.data):
            raise ValueError("the file ends too early")
        self.at += size
        return np.frombuffer(self.data, dtype=kind, count=n, offset=self.at - size)

    def text(self) -> bytes:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise ValueError("the file ends too early")
        start, self.at = self.at, end + 1
        return self.data[start:end]


def load(path: str) -> FastTextModel:
    """A supervised model; the last few that were asked for stay in memory. Raises ValueError for what is none."""
    return _load(path, storage.size(path), storage.stamp(path))


@lru_cache(maxsize=4)
def _load(path: str, _size: int, _stamp: str) -> FastTextModel:
    read = _Reader(storage.read_bytes(path))
    magic, version = read.numbers("ii")
    if magic != MAGIC or version != VERSION:
        raise ValueError("it does not begin as a fastText model of version 12 does")
    dim, _, _, _, _, word_ngrams, loss, kind, bucket, minn, maxn, _ = read.numbers("12i")
    read.numbers("d")
    if kind != SUPERVISED:
        raise ValueError("it holds word vectors, not a classifier")
    size, n_words, n_labels = read.numbers("iii")
    _, n_pruned = read.numbers("qq")
    words, labels, counts = [], [], []
    for _ in range(size):
        word = read.text()
        count, is_label = read.numbers("qb")
        if is_label:
            labels.append(word.decode("utf-8", errors="replace").removeprefix("__label__"))
            counts.append(count)
        else:
            words.append(word)
    if len(words) != n_words or len(labels) != n_labels:
        raise ValueError("its dictionary does not hold what it says")
    _hold(0 < dim <= MOST_DIMENSIONS and minn >= 0 and 0 <= maxn <= MOST_LETTERS and 0 < word_ngrams <= MOST_LETTERS)
    _hold(0 <= bucket <= MOST_BUCKETS and (bucket > 0 or n_pruned == 0 or (maxn == 0 and word_ngrams == 1)))
    _hold(loss in (HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_VS_ALL) and len(labels) > 0)
    _hold(min(counts) >= 0 and sum(counts) < UNMADE)
    pruned = np.zeros(0, dtype=np.int32)
    if n_pruned > 0:
        pairs = read.array(np.int32, 2 * n_pruned).reshape(-1, 2)
        _hold(_all_within(pairs[:, 0], bucket) and _all_within(pairs[:, 1], n_pruned))
        pruned = np.full(bucket, -1, dtype=np.int32)
        pruned[pairs[:, 0]] = pairs[:, 1]
    (quantised,) = read.numbers("?")
    rows = _matrix(read, bool(quantised))
    (quantised_output,) = read.numbers("?")
    outputs = _matrix(read, bool(quantised and quantised_output))
    _hold(rows.shape == (n_words + (n_pruned if n_pruned > 0 else bucket), dim) and outputs.shape == (len(labels), dim))
    keys, where = _vocabulary(words)
    left, right = _huffman(counts)
    return FastTextModel(
        dim,
        word_ngrams,
        loss,
        bucket,
        minn,
        maxn,
        n_words,
        tuple(labels),
        keys,
        where,
        words.index(b"</s>") if b"</s>" in words else -1,
        pruned,
        np.packbits(pruned >= 0, bitorder="little"),
        n_pruned != 0,
        rows,
        outputs,
        left,
        right,
    )


def _hold(sound: bool) -> None:
    """What the kernels rely on: they look up no place that is not there, whatever a file says."""
    if not sound:
        raise ValueError("its numbers do not fit together")


def _all_within(places: npt.NDArray[np.generic], n: int) -> bool:
    return bool((np.asarray(places) >= 0).all() and (np.asarray(places) < n).all())


def _matrix(read: _Reader, quantised: bool) -> npt.NDArray[np.float32]:
    if not quantised:
        m, n = read.numbers("qq")
        _hold(m >= 0 and 0 < n <= MOST_DIMENSIONS)
        return np.array(read.array(np.float32, m * n), dtype=np.float32).reshape(m, n)
    (has_norm,) = read.numbers("?")
    m, n = read.numbers("qq")
    (n_codes,) = read.numbers("i")
    _hold(0 < m <= n_codes and n_codes % m == 0)
    codes = read.array(np.uint8, n_codes).reshape(m, -1)
    unpacked = _product(read, codes)
    if has_norm:
        norms = read.array(np.uint8, m).reshape(m, 1)
        unpacked *= _product(read, norms)
    return unpacked


def _product(read: _Reader, codes: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """The vectors that codes, uint8[m, parts], stand for: float32[m, dim]."""
    dim, parts, width, last = read.numbers("4i")
    _hold(0 < dim <= MOST_DIMENSIONS and 0 < width <= dim and 0 < last <= dim and (parts - 1) * width + last == dim)
    _hold(codes.shape[1] == parts)
    centroids = read.array(np.float32, dim * CENTROIDS)
    vectors = np.empty((len(codes), dim), dtype=np.float32)
    for part in range(parts):
        own = last if part == parts - 1 else width
        start = part * CENTROIDS * width
        table = centroids[start : start + CENTROIDS * own].reshape(CENTROIDS, own)
        vectors[:, part * width : part * width + own] = table[codes[:, part]]
    return vectors


@njit(nogil=True, cache=True)
def word_key(data: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """FNV-1a of 64 bits, made odd: 0 marks a free slot."""
    key = uint64(FNV64)
    for i in range(start, end):
        key = (key ^ uint64(data[i])) * uint64(PRIME64)
    return key | uint64(1)


@njit(nogil=True, cache=True)
def find_word(keys: npt.NDArray[np.uint64], key: int) -> Any:
    """Where a key stands or belongs in the vocabulary."""
    slot = np.int64(key >> uint64(32)) & (len(keys) - 1)
    while keys[slot] != uint64(0) and keys[slot] != key:
        slot = (slot + 1) & (len(keys) - 1)
    return slot


def _vocabulary(words: list[bytes]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    slots = 16
    while slots < 2 * len(words) + 2:
        slots *= 2
    keys, rows = np.zeros(slots, dtype=np.uint64), np.full(slots, -1, dtype=np.int32)
    data = np.frombuffer(b"".join(words), dtype=np.uint8)
    ends = np.cumsum([0, *map(len, words)], dtype=np.int64)
    _fill(data, ends, keys, rows)
    return keys, rows


@njit(nogil=True, cache=True)
def _fill(
    data: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    keys: npt.NDArray[np.uint64],
    rows: npt.NDArray[np.int32],
) -> None:
    for row in range(len(ends) - 1):
        key = word_key(data, ends[row], ends[row + 1])
        slot = find_word(keys, key)
        keys[slot], rows[slot] = key, row


def _huffman(counts: list[int]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The tree of labels, which stand by falling count: children of each node, leaves first, the root last."""
    n = len(counts)
    weight = counts + [UNMADE] * (n - 1)
    left, right = np.full(2 * n - 1, -1, dtype=np.int32), np.full(2 * n - 1, -1, dtype=np.int32)
    leaf, node = n - 1, n
    for made in range(n, 2 * n - 1):
        children = []
        for _ in range(2):
            if leaf >= 0 and weight[leaf] < weight[node]:
                children.append(leaf)
                leaf -= 1
            else:
                children.append(node)
                node += 1
        left[made], right[made] = children
        weight[made] = weight[children[0]] + weight[children[1]]
    return left, right
