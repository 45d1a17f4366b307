"""Scores from a column of the input file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.scorers import Number


def number(documents: pa.Table, params: Number) -> npt.NDArray[np.float64]:
    """The column ``column:<name>`` of the documents: float64[n], NaN where there is no number."""
    name = f"column:{params.column}"
    if name not in documents.column_names:
        return np.full(len(documents), np.nan)
    return as_floats(documents[name])


def as_floats(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A column as float64[n]; what is no finite number is NaN, which is no score. Texts that are numbers count."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pl.Series(column).str.strip_chars().cast(pl.Float64, strict=False).to_arrow()
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values), values, np.nan)
