"""UTF-8 text columns as flat buffers: what the kernels read, with no Python object a document.

A text column is one contiguous ``pa.LargeStringArray`` (64-bit offsets). Kernels take ``(data, offsets)``:
``data`` uint8[total bytes], ``offsets`` int64[n + 1]; document i is ``data[offsets[i]:offsets[i + 1]]``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.tables import EXCERPT_CHARS

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def as_text(column: pa.Array | pa.ChunkedArray) -> pa.LargeStringArray:
    """One contiguous ``LargeStringArray`` of any string column; nulls become empty strings (ask validity before)."""
    if isinstance(column, pa.ChunkedArray):
        column = column.cast(pa.large_string()).combine_chunks()
    else:
        column = column.cast(pa.large_string())
    if column.null_count:
        column = column.fill_null("")
    return column


def buffers(texts: pa.LargeStringArray) -> tuple[Bytes, Offsets]:
    """The bytes and the offsets of a text column, without a copy: uint8[bytes], int64[n + 1]."""
    _, offsets, data = texts.buffers()
    where = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    raw = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(0, dtype=np.uint8)
    return raw, where


def from_buffers(data: Bytes, offsets: Offsets) -> pa.LargeStringArray:
    """A text column over given buffers, without a copy. ``data`` must be valid UTF-8: it is not checked."""
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))


def blank_rows(texts: pa.LargeStringArray) -> npt.NDArray[np.bool_]:
    """bool[n]: texts without a character that is no white space. Only the beginning of others is looked at."""
    data, offsets = buffers(texts)
    found = np.ones(len(texts), dtype=bool)
    starts = offsets[:-1][offsets[1:] > offsets[:-1]]
    first = data[starts] if len(starts) else data[:0]
    plain = np.zeros(len(texts), dtype=bool)
    plain[offsets[1:] > offsets[:-1]] = (first > 0x20) & (first < 0x7F)
    found[plain] = False
    rest = np.flatnonzero(~plain)
    if len(rest):
        others = texts.take(pa.array(rest))
        found[rest] = np.asarray(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(others)), 0))
    return found


def excerpts(texts: pa.ChunkedArray | pa.Array) -> pa.Array | pa.ChunkedArray:
    """The first 200 characters."""
    return pc.utf8_slice_codeunits(texts, 0, EXCERPT_CHARS).cast(pa.string())
