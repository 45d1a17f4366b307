"""Buckets of the document's length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa

from curation.methods.scorers.tokens import lengths
from schemas.groupers import Length


def length(documents: pa.Table, params: Length) -> pa.Array:
    """The bucket of the text's length, e.g. ``0-255``, ``256-1023``, ``1024-``: string[n], never null.

    Shorter numbers get leading zeros, so that labels sort as lengths do.
    """
    starts = [0, *params.edges]
    width = len(str(starts[-1]))
    names = [f"{a:0{width}d}-{b - 1:0{width}d}" for a, b in pairwise(starts)]
    names.append(f"{starts[-1]}-")
    codes = np.searchsorted(np.array(params.edges), lengths(documents["text"], params.unit), side="right")
    return pa.array(names, pa.string()).take(pa.array(codes))
