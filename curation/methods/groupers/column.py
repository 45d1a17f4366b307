"""Labels from a column of the input file."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from schemas.groupers import Column


def column(documents: pa.Table, params: Column) -> pa.Array:
    """The column ``column:<name>`` of the documents as labels: string[n]; blank is no label (null).

    That the column is missing everywhere is found by the reader, which knows all files.
    """
    return labels_of(documents, params.column)


def labels_of(documents: pa.Table, name: str) -> pa.Array:
    """An input column as one label a document: string[n]; of a list the first in sorted order."""
    column = f"column:{name}"
    if column not in documents.column_names:
        return pa.nulls(len(documents), pa.string())
    labels = documents[column]
    if pa.types.is_list(labels.type):  # another tag reads it as a list
        labels = pa.array([min(row, default=None) if row else None for row in labels.to_pylist()], pa.string())
    return blank_to_null(labels)


def blank_to_null(labels: pa.Array | pa.ChunkedArray) -> pa.Array:
    """string[n] without surrounding white space, null where nothing is left."""
    if isinstance(labels, pa.ChunkedArray):
        labels = labels.combine_chunks()
    trimmed = pc.utf8_trim_whitespace(labels.cast(pa.string()))
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)
