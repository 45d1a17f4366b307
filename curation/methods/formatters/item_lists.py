"""Lists of a record that belong together, item by item: texts and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from curation.methods.formatters.segments import Formatted, Lists, side_by_side
from curation.methods.formatters.values import named
from schemas.tables import SEGMENT_KINDS


@dataclass(frozen=True)
class Items:
    """A row an item: ``row`` (of the document), ``item`` (its place), and a column of strings a name. refused: documents whose lists differ
    in length, and why."""

    frame: pl.DataFrame
    refused: dict[int, str]


def items_of(documents: pa.Table, names: Sequence[str]) -> Items:
    """The items of each document. Raises RecipeError for a name that is no column."""
    lists = [_as_list(named(documents, name)) for name in names]
    lengths = np.stack([np.asarray(pc.fill_null(pc.list_value_length(one), 0), dtype=np.int64) for one in lists])
    wrong = np.flatnonzero((lengths != lengths[0]).any(axis=0))
    refused = {int(row): f"its lists {', '.join(names)} are of different lengths" for row in wrong}
    columns: dict[str, Any] = {}
    for name, one in zip(names, lists, strict=True):
        rows = np.asarray(pc.list_parent_indices(one), dtype=np.int64)
        keep = ~np.isin(rows, wrong)
        columns["row"] = rows[keep]
        columns[name] = pl.Series(one.flatten().filter(pa.array(keep)).cast(pa.large_string())).fill_null("")
    frame = pl.DataFrame(columns).with_columns(item=pl.int_range(pl.len()).over("row"))
    return Items(frame, refused)


def written(documents: pa.Table, pieces: pl.DataFrame, refused: dict[int, str]) -> Formatted:
    """Pieces as texts: columns ``row``, ``text``, ``kind``, ``loss`` in the order they are written; a document without any is refused.

    refused: rows that are not written, whatever their pieces.
    """
    pieces = pieces.filter(~pl.col("row").is_in(list(refused)))
    counts = np.bincount(pieces["row"].to_numpy(), minlength=len(documents)).astype(np.int64)
    nothing = {int(row): "it has no items" for row in np.flatnonzero(counts == 0)}
    kinds = pieces["kind"].replace_strict(
        {kind: number for number, kind in enumerate(SEGMENT_KINDS)}, return_dtype=pl.Int8
    )
    weights: npt.NDArray[np.float32] = pieces["loss"].to_numpy().astype(np.float32)
    texts = pieces["text"].to_arrow().cast(pa.large_string())
    return replace(side_by_side([Lists(texts, counts, kinds.to_numpy(), weights)]), refused={**nothing, **refused})


def _as_list(column: pa.Array) -> pa.ListArray:
    """A column of lists; one text a document is a list of one."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return column.cast(pa.list_(pa.large_string()))
    texts = column.cast(pa.large_string())
    there = np.asarray(pc.is_valid(texts), dtype=np.int64)
    offsets = pa.array(np.concatenate([[0], np.cumsum(there)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, texts.drop_null())
