"""Parquet: only the columns that are asked for, in bounded batches; whole row groups before a damaged page are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.readers.documents import Batch, Rows, Wanted, without_columns

ROWS_PER_READ = 1024


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
    for group in range(start, file.num_row_groups if stop is None else stop):
        held: list[tuple[int, dict[str, Any], int] | tuple[int, str]] = []
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
