"""Scores from a column of the input file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.scorers import Number


def number(documents: pa.Table, params: Number) -> npt.NDArray[np.float64]:
    """The column ``column:<name>`` of the documents: float64[n], NaN where there is no number."""
    name = f"column:{params.column}"
    if name not in documents.column_names:
        return np.full(len(documents), np.nan)
    return as_floats(documents[name])


def as_floats(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A number column as float64[n]; null and infinite values are NaN, which is no score."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values), values, np.nan)
