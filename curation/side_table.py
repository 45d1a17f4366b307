"""Values that a side table has for documents, joined on their names or content ids."""

from __future__ import annotations

from functools import lru_cache

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from schemas.errors import RecipeError


def look_up(documents: pa.Table, path: str, column: str, id_column: str, *, place: str) -> pa.Array:
    """The table's value for each document, null where it has none: any type, one a document.

    A document is found by its own name (``name``), else by its content id (``id``). Raises RecipeError for a file
    that cannot be read, a missing column, or two rows that give one document different values.
    """
    found = storage.find(path)
    if len(found) != 1:
        raise RecipeError(f"{place}.path", f"got {path!r}, which is {'no file' if not found else 'several files'}")
    keys, values = _load(path, found[0].version, column, id_column, place)
    rows = pc.index_in(_texts(documents["id"]), value_set=keys)
    if "name" in documents.column_names:
        rows = pc.coalesce(pc.index_in(_texts(documents["name"]), value_set=keys), rows)
    return values.take(rows)


@lru_cache(maxsize=4)
def _load(path: str, version: str, column: str, id_column: str, place: str) -> tuple[pa.Array, pa.Array]:
    """(ids, values) of the table, ids once each; ``version`` keeps a changed file from being taken for the old one."""
    try:
        with storage.open_read(path) as stream:
            frame = _READERS[next(end for end in _READERS if path.endswith(end))](stream)
    except StopIteration:
        raise RecipeError(f"{place}.path", f"got {path!r}; write a file that ends in {', '.join(_READERS)}") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RecipeError(f"{place}.path", f"{path} cannot be read: {type(error).__name__}") from None
    for key, wanted in (("column", column), ("id_column", id_column)):
        if wanted not in frame.columns:
            raise RecipeError(f"{place}.{key}", f"{path} has no column {wanted!r}; it has {', '.join(frame.columns)}")
    pairs = frame.select(pl.col(id_column).cast(pl.String).alias("id"), pl.col(column).alias("value"))
    pairs = pairs.filter(pl.col("id").is_not_null()).unique(maintain_order=True)
    if pairs["id"].n_unique() < len(pairs):
        raise RecipeError(f"{place}.id_column", f"{path} gives some documents two different values of {column!r}")
    return pairs["id"].to_arrow().cast(pa.string()), pairs["value"].to_arrow()


_READERS = {
    ".parquet": pl.read_parquet,
    ".jsonl": pl.read_ndjson,
    ".ndjson": pl.read_ndjson,
    ".csv": pl.read_csv,
}


def _texts(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return column.cast(pa.string())
