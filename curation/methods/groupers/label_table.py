"""Labels from a side table."""

from __future__ import annotations

import pyarrow as pa

from curation.methods.groupers.column import blank_to_null
from curation.methods.side_table import look_up
from schemas.groupers import LabelTable


def label_table(documents: pa.Table, params: LabelTable, *, place: str) -> pa.Array:
    """The side table's label of each document: string[n], null where it has none. Raises RecipeError (``look_up``)."""
    return blank_to_null(look_up(documents, params.path, params.column, params.id_column, place=place))
