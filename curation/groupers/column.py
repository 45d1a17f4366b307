"""Labels from a column of the input file."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from schemas.groupers import Column


def column(documents: pa.Table, params: Column) -> pa.Array:
    """The column ``column:<name>`` of the documents as labels: string[n]; blank is no label (null).

    That the column is missing everywhere is found by the reader, which knows all files.
    """
    name = f"column:{params.column}"
    if name not in documents.column_names:
        return pa.nulls(len(documents), pa.string())
    return blank_to_null(documents[name])


def blank_to_null(labels: pa.Array | pa.ChunkedArray) -> pa.Array:
    """string[n] without surrounding white space, null where nothing is left."""
    if isinstance(labels, pa.ChunkedArray):
        labels = labels.combine_chunks()
    trimmed = pc.utf8_trim_whitespace(labels.cast(pa.string()))
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)
