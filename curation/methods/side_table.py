"""Values that a side table has for documents, joined on their names or content ids."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.readers.unreadable import why_unreadable
from schemas.errors import RecipeError

READERS: dict[str, Callable[..., pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".jsonl": pl.read_ndjson,
    ".ndjson": pl.read_ndjson,
    ".csv": pl.read_csv,
}
"""File name endings of small tables, and what reads them."""


def look_up(documents: pa.Table, path: str, column: str, id_column: str, *, place: str) -> pa.Array:
    """The table's value for each document, null where it has none: any type, one a document.

    A document is found by its own name (``name``), else by its content id (``id``). Raises RecipeError for a file
    that cannot be read, a missing column, or two rows that give one document different values.
    """
    found = [file for file in storage.glob(path) if file.kind == "file"]
    if len(found) != 1:
        raise RecipeError(f"{place}.path", f"got {path!r}, which is {'several files' if found else 'no file'}")
    keys, values = _load(found[0].url, found[0].stamp, column, id_column, place)
    return values.take(keys_of(documents, keys))


class Keys:
    """Names that are looked up again and again, ten million or more: sorted by a hash once, 16 bytes a name besides the name."""

    def __init__(self, names: pa.Array):
        """names: string[n], each once, none null."""
        self.names = names
        hashes = _hashes(names)
        self._order = np.argsort(hashes).astype(np.int32)
        self._hashes = hashes[self._order]

    def places(self, texts: pa.Array) -> pa.Array:
        """The place of each text among the names: int32[n], null where it is none."""
        found = np.full(len(texts), -1, dtype=np.int32)
        if not len(self.names):
            return pa.array(found, mask=found < 0)
        open_ = np.flatnonzero(np.asarray(texts.is_valid()))
        wanted = _hashes(texts.take(pa.array(open_)))
        at = np.searchsorted(self._hashes, wanted)
        while len(open_):
            same = (at < len(self._hashes)) & (self._hashes[np.minimum(at, len(self._hashes) - 1)] == wanted)
            open_, wanted, at = open_[same], wanted[same], at[same]
            place = self._order[at]
            equal = np.asarray(pc.equal(self.names.take(pa.array(place)), texts.take(pa.array(open_))))
            found[open_[equal]] = place[equal]
            open_, wanted, at = open_[~equal], wanted[~equal], at[~equal] + 1  # another name of the same hash
        return pa.array(found, mask=found < 0)


def _hashes(names: pa.Array) -> npt.NDArray[np.uint64]:
    """To search by within this process alone: names are compared themselves, and nothing that is found follows from the hash."""
    series = pl.from_arrow(names)
    assert isinstance(series, pl.Series)
    return series.hash().to_numpy()


def keys_of(documents: pa.Table, keys: Keys) -> pa.Array:
    """The place of each document among the keys, by its own name, else by its content id: int32[n], null where it has none."""
    rows = keys.places(_texts(documents["id"]))
    if "name" in documents.column_names:
        rows = pc.coalesce(keys.places(_texts(documents["name"])), rows)
    return rows


@lru_cache(maxsize=4)
def _load(url: str, stamp: str, column: str, id_column: str, place: str) -> tuple[Keys, pa.Array]:
    """(ids, values) of the table, ids once each; ``stamp`` keeps a changed file from being taken for the old one."""
    frame = read_frame(url, f"{place}.path")
    for key, wanted in (("column", column), ("id_column", id_column)):
        if wanted not in frame.columns:
            raise RecipeError(f"{place}.{key}", f"{url} has no column {wanted!r}; it has {', '.join(frame.columns)}")
    is_report = {"run_id", "round"} <= set(frame.columns)
    if is_report and frame["round"].n_unique() > 1:  # the last that it tells of each document
        frame = frame.filter(pl.col("round") == pl.col("round").max().over(id_column))
    ids = strings(frame, id_column, url, f"{place}.id_column")
    pairs = pl.DataFrame({"id": ids, "value": frame[column]})
    pairs = pairs.filter(pl.col("id").is_not_null())
    if pairs["id"].n_unique() < len(pairs):
        pairs = pairs.unique(maintain_order=True)
    if pairs["id"].n_unique() < len(pairs):
        raise RecipeError(f"{place}.id_column", f"{url} gives some documents two different values of {column!r}")
    return Keys(pairs["id"].to_arrow().cast(pa.large_string())), pairs["value"].to_arrow()


def read_frame(url: str, place: str) -> pl.DataFrame:
    """A small table whole. Raises RecipeError at ``place`` for a file of another kind, or one that cannot be read."""
    reader = next((READERS[end] for end in READERS if url.endswith(end)), None)
    if reader is None:
        raise RecipeError(place, f"got {url!r}; write a file that ends in {', '.join(READERS)}")
    try:
        data = storage.read_bytes(url)
    except OSError as error:
        raise RecipeError(place, f"{url} cannot be opened: {type(error).__name__}") from None
    try:
        return reader(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        why = why_unreadable(data, error, lines=reader is pl.read_ndjson)
        raise RecipeError(place, f"{url} cannot be read: {why}") from None


def strings(frame: pl.DataFrame, column: str, url: str, place: str) -> pl.Series:
    """A column as strings. Raises RecipeError at ``place`` where it holds lists, structs or the like."""
    try:
        return frame[column].cast(pl.String)
    except pl.exceptions.PolarsError:
        kind = frame[column].dtype.base_type().__name__
        raise RecipeError(place, f"{url}: the column {column!r} holds {kind}, no strings; name another one") from None


def _texts(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return column.cast(pa.large_string())
