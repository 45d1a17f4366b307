"""Columns of a table: as one array, and another one in a column's place."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Values = npt.NDArray[Any]


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def with_column(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The table with another column in the place of one."""
    return table.set_column(table.schema.get_field_index(name), name, column)


def lists(offsets: pa.Array, values: Values) -> pa.ListArray:
    """A list a row: of numbers, or of k numbers each. offsets: int32[rows + 1]; values: [m] or [m, k]."""
    flat = pa.array(values.reshape(-1))
    if values.ndim == 2:
        flat = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return pa.ListArray.from_arrays(offsets, flat)


def with_nulls(column: pa.ListArray, there: npt.NDArray[np.bool_]) -> pa.ListArray:
    """The column with null for the rows that are not there."""
    return pa.ListArray.from_arrays(column.offsets, column.values, mask=pa.array(~there))


def in_lists(column: pa.ListArray) -> Values:
    """What such a column holds, [m] or [m, k]: of its rows one after the other, which are all there."""
    flat = column.flatten()
    if not pa.types.is_fixed_size_list(flat.type):
        return flat.to_numpy(zero_copy_only=False)
    width = flat.type.list_size
    return flat.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
