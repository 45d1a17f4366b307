"""MinHash signatures and band keys of texts, from the Arrow buffers, one pass, no Python object a document.

A shingle is ``ngram`` consecutive units of the normalised text (``normalise``): words joined by one space, or
characters. Its 32-bit hash is the upper half of

    mix( Σ unit_hash(u_i) · M^(n-1-i)  mod 2^64 )

with SplitMix64's finaliser for ``mix`` and in ``unit_hash``: a rolling hash, so the cost does not grow with n.
``shingle_hash`` is the same in Python. Permutations are datasketch 2.0's default scheme ``affine32``
(MurmurHash3's finaliser, then a·h + b mod 2^32, a odd); for the same shingles, seed and ``hashfunc=shingle_hash``
the signature equals ``datasketch.MinHash``'s bit for bit.

A text of fewer than ``ngram`` units has one shingle: all of them. A text without any has no signature: all ones,
band keys 0; it is never a near duplicate.

Sources: Broder 1997; datasketch 2.0.0 (minhash.py); FineWeb (normalisation, 14 x 8 over 5-grams of words).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit, uint32, uint64

from curation.arrays.arrow_text import Bytes, Offsets, as_text, buffers
from curation.dedup.normalise import Tables, _mix_int, characters, mix, restart, tables, unit_hash, words
from schemas.dedup import MinHash

Signatures = npt.NDArray[np.uint32]
BandKeys = npt.NDArray[np.uint64]

MULTIPLIER = 0xD1342543DE82EF95
"""M of the rolling hash: odd, from Steele & Vigna 2021."""
EMPTY = 0xFFFFFFFF
HASHING = 2
"""Raise it when the signature of a text changes: what was signed otherwise cannot be compared."""
NO_KEY = np.uint64(0)
"""The band key of a text without a signature."""
CHUNK = 4096
"""Units hashed before they are permuted: both fit the first-level cache."""


def shingle_hash(units: Sequence[str]) -> int:
    """The 32-bit hash of a shingle, given as its units: ``datasketch.MinHash(hashfunc=shingle_hash)`` (reference)."""
    state = 0
    for unit in units:
        state = (state * MULTIPLIER + unit_hash(unit.encode())) % 2**64
    return _mix_int(state) >> 32


@lru_cache(maxsize=16)
def permutations(n: int, seed: int) -> npt.NDArray[np.uint32]:
    """The a and b of n permutations as datasketch 2.0 draws them: uint32[2, n]."""
    draw = np.random.RandomState(seed)
    a = draw.randint(0, 1 << 31, n, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = draw.randint(0, 1 << 32, n, dtype=np.uint32)
    return np.array([a, b])


def signatures(texts: pa.LargeStringArray, params: MinHash) -> Signatures:
    """MinHash signatures: uint32[n, bands · rows]; all ones for a text without units.

    texts: what is compared, one a document. Frees the lock: threads may each take a slice.
    """
    data, offsets = buffers(texts)
    made = tables(params.normalise, params.unit)
    a, b = permutations(params.bands * params.rows, params.seed)
    out = np.full((len(texts), params.bands * params.rows), EMPTY, dtype=np.uint32)
    _signatures(data, offsets, made, params.ngram, a, b, out)
    return out


def shingle_sets(texts: pa.LargeStringArray, params: MinHash) -> list[npt.NDArray[np.uint32]]:
    """The different shingle hashes of each text, sorted: what signatures are made of."""
    data, offsets = buffers(texts)
    made = tables(params.normalise, params.unit)
    return [np.unique(_shingles(data, offsets[i], offsets[i + 1], made, params.ngram)) for i in range(len(texts))]


def jaccard(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> float:
    """The share of shingles that two sorted sets have in common, of those that either has; 0 for two empty ones."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    either = len(one) + len(other) - both
    return both / either if either else 0.0


def band_keys(signatures: Signatures, bands: int, rows: int) -> BandKeys:
    """One 64-bit key a band: uint64[n, bands]; 0 in every band for a text without units.

    Keys of different bands never meet by design (the band's number goes in), so that one index can hold all.
    """
    if signatures.shape[1] != bands * rows:
        raise ValueError(f"signatures have {signatures.shape[1]} values, not {bands} bands x {rows} rows")
    out = np.empty((len(signatures), bands), dtype=np.uint64)
    _band_keys(signatures, rows, out)
    return out


def shares(
    ours: Signatures, a: npt.NDArray[np.int64], theirs: Signatures, b: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The share of permutations in which ours[a[i]] and theirs[b[i]] agree, an estimate of Jaccard: float64[pairs]."""
    equal = np.empty(len(a), dtype=np.int64)
    _equal(ours, a, theirs, b, equal)
    return equal / ours.shape[1]


def signature_schema(params: MinHash | None) -> pa.Schema:
    """Columns of ``signatures.parquet``, row-aligned with the documents.

    ``id`` 16 bytes; ``bytes`` int64 of the compared text; with MinHash ``band_000 …`` uint64, a column each so that a
    band can be read alone, and ``signature``: bands · rows little-endian uint32.
    """
    fields = [pa.field("id", pa.binary(16)), pa.field("bytes", pa.int64())]
    if params is not None:
        fields += [pa.field(band_name(band), pa.uint64()) for band in range(params.bands)]
        fields.append(pa.field("signature", pa.binary(4 * params.bands * params.rows)))
    return pa.schema(fields)


def band_name(band: int) -> str:
    """The column of a band."""
    return f"band_{band:03d}"


def signed(ids: pa.Array | pa.ChunkedArray, texts: pa.LargeStringArray, params: MinHash | None) -> pa.Table:
    """The rows of ``signatures.parquet`` for a batch. ids: 32 hex digits each."""
    raw = bytes.fromhex("".join(ids.to_pylist()))
    _, offsets = buffers(texts)
    columns: list[pa.Array] = [_fixed(raw, 16, len(texts)), pa.array(np.diff(offsets))]
    if params is not None:
        values = signatures(texts, params)
        keys = band_keys(values, params.bands, params.rows)
        columns += [pa.array(np.ascontiguousarray(keys[:, band])) for band in range(params.bands)]
        columns.append(_fixed(values.astype("<u4", copy=False), 4 * values.shape[1], len(texts)))
    return pa.Table.from_arrays(columns, schema=signature_schema(params))


def signature_values(column: pa.FixedSizeBinaryArray) -> Signatures:
    """The column ``signature`` as uint32[n, bands · rows]."""
    width = column.type.byte_width
    data = np.frombuffer(column.buffers()[1], dtype=np.uint8)[
        column.offset * width : (column.offset + len(column)) * width
    ]
    return data.view("<u4").reshape(len(column), width // 4)


def _fixed(data: bytes | npt.NDArray[np.uint32], width: int, n: int) -> pa.FixedSizeBinaryArray:
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), n, [None, pa.py_buffer(data)])


@njit(nogil=True, cache=True)
def _fill(
    data: Bytes,
    end: int,
    made: Tables,
    ngram: int,
    state: npt.NDArray[np.uint64],
    ring: npt.NDArray[np.uint64],
    units: npt.NDArray[np.uint64],
    hashes: npt.NDArray[np.uint32],
) -> int:
    """The next shingle hashes of a text into ``hashes``; how many. None are left when state[0] == end.

    state: uint64[8]: 0-3 as in ``words``, 4 the rolling sum, 5 units so far.
    """
    if made.flags[0]:
        n = characters(data, end, made, state, units)
    else:
        n = words(data, end, made, state, units)
    multiplier = uint64(MULTIPLIER)
    leaving = uint64(1)
    for _ in range(ngram):
        leaving *= multiplier
    rolling, seen = state[4], np.int64(state[5])
    slot = seen % ngram
    count = 0
    for j in range(n):
        unit = units[j]
        rolling = rolling * multiplier + unit
        if seen >= ngram:
            rolling -= ring[slot] * leaving
        ring[slot] = unit
        slot += 1
        if slot == ngram:
            slot = 0
        seen += 1
        if seen >= ngram:
            hashes[count] = uint32(mix(rolling) >> uint64(32))
            count += 1
    if np.int64(state[0]) >= end and 0 < seen < ngram:
        hashes[count] = uint32(mix(rolling) >> uint64(32))
        count += 1
    state[4], state[5] = rolling, uint64(seen)
    return count


@njit(nogil=True, cache=True)
def _shingles(
    data: Bytes,
    start: int,
    end: int,
    made: Tables,
    ngram: int,
) -> npt.NDArray[np.uint32]:
    units = np.empty(CHUNK, dtype=np.uint64)
    hashes = np.empty(CHUNK + 1, dtype=np.uint32)
    ring = np.zeros(ngram, dtype=np.uint64)
    state = np.zeros(8, dtype=np.uint64)
    restart(state, start)
    out = np.empty(1024, dtype=np.uint32)
    count = 0
    while np.int64(state[0]) < end:
        n = _fill(data, end, made, ngram, state, ring, units, hashes)
        if count + n > len(out):
            longer = np.empty(2 * (count + n), dtype=np.uint32)
            longer[:count] = out[:count]
            out = longer
        out[count : count + n] = hashes[:n]
        count += n
    return out[:count]


@njit(nogil=True, cache=True)
def _premix(hashes: npt.NDArray[np.uint32], n: int) -> None:
    for j in range(n):
        h = hashes[j]
        h ^= h >> uint32(16)
        h = uint32(h * uint32(0x85EBCA6B))
        h ^= h >> uint32(13)
        h = uint32(h * uint32(0xC2B2AE35))
        hashes[j] = h ^ (h >> uint32(16))


@njit(nogil=True, cache=True)
def _permute(
    hashes: npt.NDArray[np.uint32],
    n: int,
    a: npt.NDArray[np.uint32],
    b: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
) -> None:
    """out[k] = min(out[k], min_j a[k]·hashes[j] + b[k])."""
    for k in range(len(a)):
        low, ak, bk = out[k], a[k], b[k]
        for j in range(n):
            low = min(low, uint32(uint32(ak * hashes[j]) + bk))
        out[k] = low


@njit(nogil=True, cache=True)
def _signatures(
    data: Bytes,
    offsets: Offsets,
    made: Tables,
    ngram: int,
    a: npt.NDArray[np.uint32],
    b: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
) -> None:
    units = np.empty(CHUNK, dtype=np.uint64)
    hashes = np.empty(CHUNK + 1, dtype=np.uint32)
    ring = np.zeros(ngram, dtype=np.uint64)
    state = np.zeros(8, dtype=np.uint64)
    for i in range(len(offsets) - 1):
        end = offsets[i + 1]
        restart(state, offsets[i])
        while np.int64(state[0]) < end:
            n = _fill(data, end, made, ngram, state, ring, units, hashes)
            _premix(hashes, n)
            _permute(hashes, n, a, b, out[i])


@njit(nogil=True, cache=True)
def _equal(
    ours: npt.NDArray[np.uint32],
    a: npt.NDArray[np.int64],
    theirs: npt.NDArray[np.uint32],
    b: npt.NDArray[np.int64],
    out: npt.NDArray[np.int64],
) -> None:
    for i in range(len(a)):
        one, other, count = ours[a[i]], theirs[b[i]], 0
        for k in range(len(one)):
            count += one[k] == other[k]
        out[i] = count


@njit(nogil=True, cache=True)
def _band_keys(signatures: npt.NDArray[np.uint32], rows: int, out: npt.NDArray[np.uint64]) -> None:
    for i in range(len(signatures)):
        empty = True
        for k in range(signatures.shape[1]):
            if signatures[i, k] != uint32(EMPTY):
                empty = False
                break
        for band in range(out.shape[1]):
            if empty:
                out[i, band] = uint64(0)
                continue
            key = mix(uint64(band + 1))
            for k in range(band * rows, (band + 1) * rows):
                key = mix(key ^ uint64(signatures[i, k])) + uint64(k)
            out[i, band] = key if key != uint64(0) else uint64(1)


def comparable(documents: pa.Table) -> pa.LargeStringArray:
    """What near duplicates are found on: the text, after its prompt where it has one."""
    if documents["prompt"].null_count == len(documents):
        return as_text(documents["text"])
    joined = pc.binary_join_element_wise(
        pc.fill_null(documents["prompt"], ""), documents["text"], pa.scalar("\n", pa.large_string())
    )
    return as_text(joined)
