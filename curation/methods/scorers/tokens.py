"""Length of a document in tokens, bytes, characters, words or lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.scorers import Tokens

BYTES_PER_TOKEN = 4


def tokens(documents: pa.Table, params: Tokens) -> npt.NDArray[np.float64]:
    """The length of the field, without prefix: float64[n]; 0 for a document without it."""
    return lengths(documents[params.field], params.unit)


def lengths(texts: pa.Array | pa.ChunkedArray, unit: str) -> npt.NDArray[np.float64]:
    """float64[n]. tokens: UTF-8 bytes / 4, rounded up (also where a tokenizer is set: the built-in name ``tokens``
    counts with it); words: runs between white space; lines: those that are not blank."""
    if unit == "chars":
        counted = pc.utf8_length(texts)
    elif unit == "words":
        counted = pc.count_substring_regex(texts, r"[^\s\pZ]+")
    elif unit == "lines":
        counted = pc.count_substring_regex(texts, r"[^\n]*[^\s\pZ][^\n]*")
    else:
        counted = pc.binary_length(texts)
    values = np.asarray(pc.fill_null(counted, 0), dtype=np.float64)
    return np.ceil(values / BYTES_PER_TOKEN) if unit == "tokens" else values
