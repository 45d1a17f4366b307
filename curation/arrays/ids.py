"""Content ids, 16 bytes a document, as numbers and as the text that users see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa


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
