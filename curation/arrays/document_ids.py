"""Document ids as numbers: 32 hex digits are two 64-bit words, the keys of every random draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def id_words(ids: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """32 hex digits a document to uint64[n, 2]."""
    joined = "".join(ids.to_pylist())
    return np.frombuffer(bytes.fromhex(joined), dtype="<u8").reshape(-1, 2).astype(np.uint64)
