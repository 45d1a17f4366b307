"""One number of a list of numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.ragged import flat, medians, owners
from schemas.scorers import Reduce


def reduce(documents: pa.Table, params: Reduce) -> npt.NDArray[np.float64]:
    """min, max, mean, median or sum of each document's list: float64[n], NaN without a number."""
    values, sizes = flat(documents, params.column)
    rows, n = owners(sizes), len(sizes)
    if params.how == "median":
        return medians(values, rows, n)
    result = np.full(n, np.nan)
    there = sizes > 0
    if not there.any():
        return result
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[there]
    reducer = {"min": np.minimum, "max": np.maximum, "mean": np.add, "sum": np.add}[params.how]
    result[there] = reducer.reduceat(values, starts)
    return result / np.maximum(sizes, 1) if params.how == "mean" else result
