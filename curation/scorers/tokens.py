"""Length of a document in tokens, bytes, characters or words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.scorers import Tokens

BYTES_PER_TOKEN = 4


def tokens(documents: pa.Table, params: Tokens) -> npt.NDArray[np.float64]:
    """The length of ``text``, without prompt and prefix: float64[n].

    tokens: UTF-8 bytes / 4, rounded up (also where a tokenizer is set: the built-in name ``tokens`` counts with it).
    """
    texts = documents["text"]
    if params.unit == "chars":
        lengths = pc.utf8_length(texts)
    elif params.unit == "words":
        lengths = pc.count_substring_regex(texts, r"[^\s]+")
    else:
        lengths = pc.binary_length(texts)
    counted = np.asarray(pc.fill_null(lengths, 0), dtype=np.float64)
    return np.ceil(counted / BYTES_PER_TOKEN) if params.unit == "tokens" else counted
