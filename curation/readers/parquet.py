"""Parquet: only the columns that are asked for, in bounded batches.

What is damaged loses itself only: a row with a string that is no UTF-8 in a column that is read, at any depth, is set aside
with the column's name; a row group with a damaged page (page checksums are verified where there are any) is left out, the
row groups after it are read. Columns whose names are no UTF-8 cannot be asked for, and trouble nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import storage
from curation.readers.columns import holds_type, is_list, is_text, names_of, without_columns, without_text
from curation.readers.dates import iso_date
from curation.readers.documents import Batch, Rows, SetAside, Wanted

ROWS_PER_READ = 1024
PLAIN_ROWS = 8192
HELD_BYTES = 64_000_000
"""Decoded bytes of a row group that are held, and of a batch on the average."""
I32_FIELD = 0x15
"""Thrift's compact protocol: the next field, a number of 32 bits in zigzag."""
MAX_FAULTS = 3
"""Damaged row groups that a file's fault names one by one."""

Mask = npt.NDArray[np.bool_]


def read_parquet(
    url: str, wanted: Wanted, *, start: int = 0, stop: int | None = None, first_row: int = 0
) -> Iterator[Batch]:
    """Documents of the row groups [start, stop); ``first_row`` is the number of the first row of them."""
    rows = Rows(wanted)
    if storage.size(url) == 0:
        yield rows.take("empty file, 0 bytes: not Parquet")
        return
    with storage.open_read(url) as stream:
        if stream.read(4) != b"PAR1":
            yield rows.take("not Parquet: no magic bytes")
            return
    try:
        with ExitStack() as stack:
            file = stack.enter_context(storage.open_parquet(url, page_checksum_verification=True))
            yield from _read(_File(url, file, stack), wanted, rows, start, stop, first_row)
    except pa.ArrowException as error:
        yield rows.take(f"cannot be read as Parquet: {_short(error)}")
    except OSError as error:
        if storage.failed(error):
            raise
        yield rows.take(f"cannot be read as Parquet: {_short(error)}")


class _File:
    """A Parquet file, and the same file without the Arrow types that its writer noted.

    A dictionary column with a string that is no UTF-8 cannot be read as what it was written from: Arrow checks it while it
    decodes, and refuses the row group. As the plain strings that Parquet stores it can.
    """

    def __init__(self, url: str, file: pq.ParquetFile, stack: ExitStack):
        self.url, self.file, self._stack = url, file, stack
        self._untyped: pq.ParquetFile | None = None
        self._paths = [_path(file.schema, number) for number in range(len(file.schema))]

    def batches(self, group: int, columns: list[str], most: int) -> Iterable[pa.RecordBatch]:
        """A row group in batches of so many rows at most, all of it read before the first is given: what was read of a damaged
        one is not trusted. What is more than ``HELD_BYTES`` is read again rather than held.

        Raises ArrowException or OSError for a damaged one.
        """
        try:
            return self._batches(self.file, group, columns, most)
        except pa.ArrowInvalid:
            if self._untyped is None:
                self._untyped = self._stack.enter_context(
                    storage.open_parquet(self.url, page_checksum_verification=True, metadata=_untyped_footer(self.url))
                )
            return self._batches(self._untyped, group, columns, most)

    def _batches(self, file: pq.ParquetFile, group: int, columns: list[str], most: int) -> Iterable[pa.RecordBatch]:
        # Raises where a column's metadata are damaged; to ask for such metadata themselves would end the process.
        for first in file.iter_batches(1, row_groups=[group], columns=columns, use_threads=False):
            there = set(first.schema.names)
            if any(name not in there and name.split(".")[0] not in there for name in columns):
                raise pa.ArrowInvalid("it lacks columns that the file's schema has")
            break
        rows = self._rows_at_once(file, group, columns, most)

        def every() -> Iterator[pa.RecordBatch]:
            yield from file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)

        held: list[pa.RecordBatch] = []
        given = size = 0
        for batch in every():
            given += len(batch)
            size += batch.nbytes
            if size <= HELD_BYTES:
                held.append(batch)
            else:
                held.clear()
        promised = file.metadata.row_group(group).num_rows
        if given != promised:
            raise pa.ArrowIOError(f"the footer promises {promised} rows, there are {given}")
        return held if size <= HELD_BYTES else every()

    def _rows_at_once(self, file: pq.ParquetFile, group: int, columns: list[str], most: int) -> int:
        """Rows that take ``HELD_BYTES`` on the average; and each may hold the longest string that stands in a dictionary: five
        hundred bytes of a file can say a long one as often as they like."""
        size = longest = 0
        of_group = file.metadata.row_group(group)
        for number, path in enumerate(self._paths):
            if path is not None and any(path == name or path.startswith(f"{name}.") for name in columns):
                column = of_group.column(number)
                size += column.total_uncompressed_size
                if column.has_dictionary_page:
                    longest += self._dictionary_bytes(column)
        a_row = max(size // max(of_group.num_rows, 1), longest, 1)
        return max(min(most, HELD_BYTES // a_row), 1)

    def _dictionary_bytes(self, column: pq.ColumnChunkMetaData) -> int:
        """Plain bytes of a column's dictionary, by its page's header (parquet.thrift, PageHeader: field 1 is the type, 2 the
        plain bytes); none where it is not to be read: then the reader will say so."""
        place = column.dictionary_page_offset or 0
        header = storage.read_range(self.url, place, place + 16)
        numbers: list[int] = []
        at = 0
        while len(numbers) < 2 and at < len(header) and header[at] == I32_FIELD:
            at, value, shift = at + 1, 0, 0
            while at < len(header):
                value |= (header[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if not header[at - 1] & 0x80:
                    break
            numbers.append(value >> 1)
        return numbers[1] if len(numbers) == 2 else 0


def _untyped_footer(url: str) -> pq.FileMetaData:
    """A Parquet file's footer without the Arrow schema that its writer may have noted: its columns are of Parquet's types.

    Raises ArrowInvalid where the end of the file is no footer.
    """
    with storage.open_read(url) as stream:
        stream.seek(max(storage.size(url) - 8, 0))
        ending = stream.read(8)
        length = int.from_bytes(ending[:4], "little")
        if storage.size(url) < length + 12:
            raise pa.ArrowInvalid("the file has no footer")
        stream.seek(storage.size(url) - 8 - length)
        footer = stream.read(length)
    unnoted = footer.replace(b"ARROW:schema", b"ARROW-schema")
    with storage.LenientParquet(pa.BufferReader(b"PAR1" + unnoted + ending)) as file:
        return file.metadata


def _path(schema: pq.ParquetSchema, number: int) -> str | None:
    """A column's dotted name; None where it is no UTF-8."""
    try:
        path: str = schema.column(number).path
    except UnicodeDecodeError:
        return None
    return path


def _read(file: _File, wanted: Wanted, rows: Rows, start: int, stop: int | None, first_row: int) -> Iterator[Batch]:
    schema, metadata = file.file.schema_arrow, file.file.metadata
    types = {name: kind for name in wanted.names() if (kind := _type(schema, name)) is not None}
    fault = _unfit(schema, types, wanted)
    if fault is not None:
        yield rows.take(fault)
        return
    rows.saw(types)
    names = list(types)
    number = first_row
    faults: list[str] = []
    plain = _is_plain(schema, wanted, types)
    for group in range(start, metadata.num_row_groups if stop is None else stop):
        first, number = number, number + metadata.row_group(group).num_rows
        if number == first:
            continue
        try:
            batches = file.batches(group, names, PLAIN_ROWS if plain else ROWS_PER_READ)
        except (pa.ArrowException, OSError) as error:
            if storage.failed(error):
                raise
            faults.append(f"row group {group} ({number - first} rows) is damaged: {_short(error)}")
            continue
        for batch in batches:
            if plain and _is_valid(batch):
                yield _plain_batch(pa.Table.from_batches([batch]), wanted, first, rows.found)
            else:
                _add(batch, names, wanted, rows, first)
                if plain or rows.full:
                    yield rows.take()
            first += len(batch)
    more = f"; and {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
    yield rows.take("; ".join(faults[:MAX_FAULTS]) + more if faults else None)


def _type(schema: pa.Schema, name: str) -> pa.DataType | None:
    """The type of a column by its dotted name, None where there is none; a column of that very name goes first."""
    path = [name] if name in names_of(schema) else name.split(".")
    places = schema.get_all_field_indices(path[0])
    if not places:
        return None
    kind = schema.field(places[0]).type
    for step in path[1:]:
        if not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
            return None
        kind = kind.field(kind.get_field_index(step)).type
    return kind


def _unfit(schema: pa.Schema, types: dict[str, pa.DataType], wanted: Wanted) -> str | None:
    """Why a file with this schema cannot be read."""
    names = names_of(schema)
    missing = [name for name in wanted.required if name not in types]
    if wanted.text in missing:
        columns = {name: holds_type(_type(schema, name)) for name in names}
        return without_text(wanted.text, columns, missing=missing)
    if missing:
        return without_columns(missing, names)
    for name in types:
        if len(schema.get_all_field_indices(name)) > 1:
            return f"two columns are named `{name}`"
    texts = [wanted.text, *wanted.more_texts] if wanted.record is None else []
    for name in [*texts, *([wanted.prompt, *wanted.more_prompts] if wanted.prompt is not None else [])]:
        if name in types and not (is_text(types[name]) or pa.types.is_null(types[name])):
            return f"`{name}` holds {holds_type(types[name])}, not text"
    return None


def _is_plain(schema: pa.Schema, wanted: Wanted, types: dict[str, pa.DataType]) -> bool:
    """Whether the columns are all of strings, so that they go as they are, without a Python object a row."""
    top = set(names_of(schema))
    strings = all(
        name in top and (pa.types.is_string(kind) or pa.types.is_large_string(kind)) for name, kind in types.items()
    )
    alone = wanted.prompt is None and wanted.record is None and not wanted.more_texts
    return strings and not wanted.extra and alone


def _is_valid(batch: pa.RecordBatch | pa.Array) -> bool:
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


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
    text = table[wanted.text]
    missing = text.is_null()
    long = pc.fill_null(pc.greater(pc.binary_length(text), wanted.max_row_bytes), False)
    bad = SetAside()
    for reason, which in ((f"`{wanted.text}` is null, not a string", missing), (_too_long(wanted), long)):
        for row in rows[np.asarray(which)].tolist():
            bad.add(row, reason)
    sound = documents.filter(pc.invert(pc.or_(missing, long))) if bad.count else documents
    return Batch(sound, bad.count, bad.named, found)


def _too_long(wanted: Wanted) -> str:
    return f"longer than {wanted.max_row_bytes} bytes"


def _add(batch: pa.RecordBatch, names: Sequence[str], wanted: Wanted, rows: Rows, first: int) -> None:
    """Take the rows of a batch, the first of which has the number ``first``."""
    arrays = [_leaf(batch, name) for name in names]
    reasons: list[str | None] = [None] * len(batch)
    for name, array in zip(names, arrays, strict=True):
        for place in np.flatnonzero(invalid_utf8(array)):
            reasons[place] = reasons[place] or f"invalid UTF-8 in `{name}`"
    sound = pa.array([reason is None for reason in reasons], pa.bool_())
    whole = all(reason is None for reason in reasons)
    columns = [_values(array if whole else array.filter(sound)) for array in arrays]
    read = zip(*columns, strict=True)
    texts = {wanted.text, wanted.prompt, *wanted.more_texts, *wanted.more_prompts}
    a_row = batch.nbytes // max(len(batch), 1)
    for number, reason in enumerate(reasons, start=first):
        if reason is None:
            row: dict[str, Any] = dict(zip(names, next(read), strict=True))
            for name, value in row.items():
                if isinstance(value, bytes):
                    row[name] = decoded = _decoded(value)
                    if decoded is None and name in texts:
                        reason = f"invalid UTF-8 in `{name}`"
        if reason is not None:
            rows.bad(number, reason)
        else:
            sizes = [len(row[name]) for name in (wanted.text, *wanted.more_texts) if isinstance(row[name], str)]
            size = a_row if wanted.record is not None else sum(sizes) if sizes else 100
            if size > wanted.max_row_bytes:
                rows.bad(number, _too_long(wanted))
            else:
                rows.add(number, row, size)


def _leaf(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column by its dotted name; below a struct that is null all is null."""
    top = name in batch.schema.names
    array = batch.column(name if top else name.split(".")[0])
    for step in [] if top else name.split(".")[1:]:
        array = pc.struct_field(array, step)
    return array


def invalid_utf8(array: pa.Array) -> Mask:
    """Which rows of an array hold a string that is no UTF-8, at any depth: bool[rows]."""
    found: Mask = np.zeros(len(array), dtype=np.bool_)
    if _is_valid(array):
        return found
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        values = array.cast(pa.large_binary()).to_pylist()
        found = np.array([value is not None and _decoded(value) is None for value in values], dtype=np.bool_)
    elif pa.types.is_dictionary(kind):
        bad = np.append(invalid_utf8(array.dictionary), False)
        found = bad[array.indices.fill_null(len(bad) - 1).to_numpy(zero_copy_only=False)]
    elif pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            found = found | invalid_utf8(pc.struct_field(array, [number]))
    elif pa.types.is_fixed_size_list(kind):
        inner = array.values.slice(array.offset * kind.list_size, len(array) * kind.list_size)
        found = np.array(invalid_utf8(inner).reshape(len(array), kind.list_size).any(axis=1), dtype=np.bool_)
    elif is_list(kind) or pa.types.is_map(kind):
        offsets = array.offsets.to_numpy()
        for inner in [array.keys, array.items] if pa.types.is_map(kind) else [array.values]:
            before = np.concatenate([[0], np.cumsum(invalid_utf8(inner))])
            found = found | (before[offsets[1:]] > before[offsets[:-1]])
    elif isinstance(kind, pa.BaseExtensionType):
        found = invalid_utf8(array.storage)
    return np.logical_and(found, array.is_valid().to_numpy(zero_copy_only=False))


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _values(array: pa.Array) -> list[Any]:
    """Python values, None for those that Python has none for: times in nanoseconds, dates after the year 9999,
    time zones that nobody knows."""
    try:
        values: list[Any] = array.to_pylist()
        return values
    except (ValueError, OverflowError, LookupError):
        return [_value(one) for one in array]


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, LookupError):
        return None


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__
