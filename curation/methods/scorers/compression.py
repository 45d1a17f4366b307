"""Compression ratio of the text: high is repetitive, about 1 (or less, for a short text) is noise."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.arrow_text import as_text, buffers
from schemas.scorers import Compression

LEVEL = 6


def compression(documents: pa.Table, params: Compression) -> npt.NDArray[np.float64]:
    """UTF-8 bytes / bytes of them as zlib packs them at level 6: float64[n]; NaN for an empty text.

    A Python loop: zlib is called once a document, and lets other threads run meanwhile.
    """
    data, offsets = buffers(as_text(documents["text"]))
    view = memoryview(data.data)
    ratios = np.full(len(documents), np.nan)
    for i, (start, stop) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        stop = stop if params.max_bytes is None else min(stop, start + params.max_bytes)
        if stop > start:
            ratios[i] = (stop - start) / len(zlib.compress(view[start:stop], LEVEL))
    return ratios
