"""Lists of texts from a column of the input file, in their order."""

from __future__ import annotations

import pyarrow as pa

from schemas.groupers import Items


def items(documents: pa.Table, params: Items) -> pa.Array:
    """The column ``column:<name>`` as it is: list<string>[n], null without a list."""
    return list_column(documents, params.column)


def list_column(documents: pa.Table, name: str) -> pa.ListArray:
    """A list column of the input, null everywhere where the batch lacks it: list<string>[n]."""
    column = f"column:{name}"
    if column not in documents.column_names:
        return pa.nulls(len(documents), pa.list_(pa.string()))
    values = documents[column].combine_chunks()
    if not pa.types.is_list(values.type):  # another tag read it as one text: a list of one
        texts = values.cast(pa.string())
        starts = pa.array(range(len(texts) + 1), pa.int32())
        values = pa.ListArray.from_arrays(starts, texts, mask=texts.is_null())
    return values.cast(pa.list_(pa.string()))
