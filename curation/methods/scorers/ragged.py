"""Statistics of lists of numbers, all documents at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


def flat(documents: pa.Table, column: str) -> tuple[Float, Int]:
    """A list column of the input as (values float64[m], length of each document's list int64[n]); null is empty."""
    name = f"column:{column}"
    if name not in documents.column_names:
        return np.zeros(0), np.zeros(len(documents), dtype=np.int64)
    lists = documents[name].combine_chunks()
    sizes = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), dtype=np.int64)
    return lists.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False), sizes


def owners(sizes: Int) -> Int:
    """The document of each value: int64[m]."""
    return np.repeat(np.arange(len(sizes)), sizes)


def medians(values: Float, rows: Int, n: int) -> Float:
    """The median of each document's values, the mean of the middle two for an even number: float64[n], NaN for none."""
    order = np.lexsort((values, rows))
    ordered = values[order]
    sizes = np.bincount(rows, minlength=n)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    result = np.full(n, np.nan)
    there = sizes > 0
    low = ordered[(starts + (sizes - 1) // 2)[there]]
    high = ordered[(starts + sizes // 2)[there]]
    result[there] = (low + high) / 2
    return result
