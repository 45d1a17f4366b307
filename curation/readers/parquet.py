"""Parquet: only the columns that are asked for, in bounded batches; whole row groups before a damaged page are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import storage
from curation.readers.dates import iso_date
from curation.readers.documents import Batch, Rows, Wanted, without_columns

ROWS_PER_READ = 1024
PLAIN_ROWS = 8192


def read_parquet(
    url: str, wanted: Wanted, *, start: int = 0, stop: int | None = None, first_row: int = 0
) -> Iterator[Batch]:
    """Documents of the row groups [start, stop); ``first_row`` is the number of the first row of them."""
    rows = Rows(wanted)
    if storage.size(url) == 0:
        yield rows.take("empty file, not Parquet")
        return
    with storage.open_read(url) as stream:
        if stream.read(4) != b"PAR1":
            yield rows.take("not Parquet: no magic bytes")
            return
    try:
        with storage.open_parquet(url) as file:
            yield from _read(file, wanted, rows, start, stop, first_row)
    except pa.ArrowException as error:
        yield rows.take(f"cannot be read as Parquet: {_short(error)}")
    except OSError as error:
        if error.errno is not None:  # storage failed, not the file
            raise
        yield rows.take(f"cannot be read as Parquet: {_short(error)}")


def _read(
    file: pq.ParquetFile, wanted: Wanted, rows: Rows, start: int, stop: int | None, first_row: int
) -> Iterator[Batch]:
    schema = file.schema_arrow
    there = [name for name in wanted.names() if _there(schema, name)]
    missing = [name for name in wanted.required if name not in there]
    if missing:
        yield rows.take(without_columns(missing, [name[:60] for name in schema.names]))
        return
    rows.saw(there)
    roots = sorted({name if name in schema.names else name.split(".")[0] for name in there})
    number = first_row
    faults: list[str] = []
    plain = _is_plain(schema, wanted, there)
    for group in range(start, file.num_row_groups if stop is None else stop):
        held: list[tuple[int, dict[str, Any], int] | tuple[int, str]] = []
        if plain and (batches := _plain_group(file, group, roots)) is not None:
            for table in batches:
                yield _plain_batch(table, wanted, number, rows.found)
                number += len(table)
            continue
        try:
            for batch in file.iter_batches(ROWS_PER_READ, row_groups=[group], columns=roots):
                for row in _decoded(batch):
                    rows_of = _utf8(row, wanted.text)
                    held.append((number, row, _size(row, wanted.text)) if rows_of is None else (number, rows_of))
                    number += 1
        except (pa.ArrowException, OSError) as error:
            # What was read of the group is not trusted; the groups after it are whole or not by themselves.
            faults.append(f"row group {group} is damaged: {_short(error)}")
            number = first_row + sum(file.metadata.row_group(g).num_rows for g in range(start, group + 1))
            continue
        for entry in held:
            if len(entry) == 3:
                rows.add(*entry)
            else:
                rows.bad(*entry)
            if rows.full:
                yield rows.take()
    yield rows.take("; ".join(faults) or None)


def _is_plain(schema: pa.Schema, wanted: Wanted, there: list[str]) -> bool:
    """Whether the columns are all of strings, so that they go as they are, without a Python object a row."""
    kinds = [schema.field(name).type if name in schema.names else None for name in there]
    strings = all(kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind)) for kind in kinds)
    return strings and not wanted.extra and wanted.prompt is None


def _plain_group(file: pq.ParquetFile, group: int, columns: list[str]) -> list[pa.Table] | None:
    """A row group in batches; None where it is damaged or no UTF-8, which the way row by row tells better."""
    try:
        batches = list(file.iter_batches(PLAIN_ROWS, row_groups=[group], columns=columns, use_threads=False))
        for batch in batches:
            batch.validate(full=True)
    except (pa.ArrowException, OSError):
        return None
    return [pa.Table.from_batches([batch]) for batch in batches]


def _plain_batch(table: pa.Table, wanted: Wanted, first: int, found: frozenset[str]) -> Batch:
    """A batch of string columns."""

    def filled(name: str | None) -> pa.Array | pa.ChunkedArray:
        """Strings, null for empty ones and where the file has no such column."""
        if name is None or name not in table.column_names:
            return pa.nulls(len(table), pa.string())
        column = table[name].cast(pa.string())
        return pc.if_else(pc.equal(column, ""), None, column)

    dates = [None if date is None else iso_date(date) for date in filled(wanted.date).to_pylist()]
    rows = np.arange(first, first + len(table))
    columns = {
        "row": pa.array(rows),
        "name": filled(wanted.id),
        "text": table[wanted.text].cast(pa.large_string()),
        "prompt": pa.nulls(len(table), pa.large_string()),
        "url": filled(wanted.url),
        "date": pa.array(dates, pa.string()),
    }
    schema = wanted.schema()
    documents = pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)
    missing = table[wanted.text].is_null()
    bad = [(int(row), f"`{wanted.text}` is null, not a string") for row in rows[np.asarray(missing)]]
    return Batch(documents.filter(pc.invert(missing)) if bad else documents, bad, found)


def _decoded(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))


def _utf8(row: dict[str, Any], name: str) -> str | None:
    """Binary text as UTF-8, in place; the reason where it is none."""
    value = row.get(name)
    if isinstance(value, bytes):
        try:
            row[name] = value.decode("utf-8")
        except UnicodeDecodeError:
            return "invalid UTF-8"
    return None


def _size(row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    return len(value) if isinstance(value, str) else 100


def _there(schema: pa.Schema, name: str) -> bool:
    if name in schema.names:
        return True
    path = name.split(".")
    if path[0] not in schema.names:
        return False
    kind = schema.field(path[0]).type
    for step in path[1:]:
        if not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
            return False
        kind = kind.field(step).type
    return True


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__
