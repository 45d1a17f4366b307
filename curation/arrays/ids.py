"""Content ids, 16 bytes a document, as numbers and as the text that users see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

IDS_A_CHUNK = 1 << 22
"""128 MB of text."""


def id_pairs(ids: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """16 bytes a document, none null, to uint64[n, 2]."""
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    parts = [np.zeros(0, dtype=np.uint8)]
    for chunk in chunks:
        if len(chunk):
            parts.append(
                np.frombuffer(chunk.buffers()[1], np.uint8)[16 * chunk.offset : 16 * (chunk.offset + len(chunk))]
            )
    return np.concatenate(parts).view("<u8").reshape(-1, 2).astype(np.uint64, copy=False)


def id_texts(ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.str_]:
    """ids uint64[n, 2] as 32 hex digits each."""
    raw = np.ascontiguousarray(ids.astype("<u8")).view(np.uint8).tobytes().hex()
    return np.frombuffer(raw.encode("ascii"), dtype="S32").astype("U32")


def id_strings(ids: npt.NDArray[np.uint64]) -> pa.ChunkedArray:
    """ids uint64[n, 2] as 32 hex digits each: strings, without a Python object for any."""
    chunks = []
    for start in range(0, len(ids), IDS_A_CHUNK):
        some = np.ascontiguousarray(ids[start : start + IDS_A_CHUNK].astype("<u8"))
        text = some.view(np.uint8).tobytes().hex().encode("ascii")
        offsets = np.arange(len(some) + 1, dtype=np.int32) * 32
        chunks.append(pa.StringArray.from_buffers(len(some), pa.py_buffer(offsets), pa.py_buffer(text)))
    return pa.chunked_array(chunks, pa.string())
