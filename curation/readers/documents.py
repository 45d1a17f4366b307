"""What a reader gives: batches of documents, rows set aside with their reasons, and what is wrong with the file.

Row numbers count the rows of the file from 0: the objects, and the lines that are none and not blank (JSON Lines), the elements
or values (JSON), the records after the header (CSV), the rows (Parquet). A row that is set aside has a number too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curation.readers.columns import holds
from curation.readers.dates import iso_date
from curation.readers.records import RecordColumns, Unfit, read_record
from curation.readers.values import KINDS, OF_KIND, OF_KIND_UNTYPED, name_of
from schemas.tables import RECORD

BATCH_BYTES = 32_000_000
MAX_ROW_BYTES = 256_000_000
"""A row that takes more bytes than this in its file is set aside: it must fit into memory, several times."""

MAX_REASONS = 1000
"""Rows set aside that are named."""
MAX_ALIKE = 100
"""Rows with the same reason that are named, so that other reasons are named too."""

BASE = [
    ("row", pa.int64()),
    ("text", pa.large_string()),
    ("prompt", pa.large_string()),
    ("name", pa.string()),
    ("url", pa.string()),
    ("date", pa.string()),
]


@dataclass(frozen=True)
class Wanted:
    """What to read and how: ``text`` and the other columns by their names in the file.

    ``required``: names that a file must have. ``extra``: dotted name -> kind (see ``KINDS``), any of which a file may
    lack. ``records``: the dotted path of the lists of records in a JSON file. ``record``: the columns of records that are
    made of turns; ``text`` is then the first of those that a file must have, and the documents have no text of their own.
    """

    text: str = "text"
    id: str | None = "id"
    url: str | None = "url"
    date: str | None = "date"
    prompt: str | None = None
    records: str | None = None
    required: tuple[str, ...] = ("text",)
    extra: Mapping[str, str] = field(default_factory=dict)
    batch_bytes: int = BATCH_BYTES
    max_row_bytes: int = MAX_ROW_BYTES
    record: RecordColumns | None = None
    more_texts: tuple[str, ...] = ()
    more_prompts: tuple[str, ...] = ()
    """Columns that follow in the text, and in the prompt."""
    join: str = "\n\n"

    def names(self) -> list[str]:
        """Every column that is looked for, once."""
        parts = self.record.columns.values() if self.record is not None else ()
        more = (*self.more_texts, *self.more_prompts)
        named = [self.text, self.id, self.url, self.date, self.prompt, *more, *parts, *self.extra]
        return list(dict.fromkeys(name for name in named if name is not None))

    def is_text(self, value: object) -> bool:
        """Whether a value of the column ``text`` may be one: a string, or a list of turns."""
        return type(value) is str or (self.record is not None and type(value) is list)

    def schema(self) -> pa.Schema:
        """Of the documents: the base columns, those of records with turns, then ``column:<name>`` for each extra."""
        record = RECORD if self.record is not None else ()
        return pa.schema([*BASE, *record, *((f"column:{name}", KINDS[kind]) for name, kind in self.extra.items())])


@dataclass(frozen=True)
class Batch:
    """Some rows of a file. ``bad``: how many were set aside; ``bad_rows``: (row, reason) of the first of each reason; reasons
    never hold text of the document.

    ``found``: the columns asked for that the file was seen to have (so far). ``fault``: what is wrong with the file
    itself, at most once and in the last batch.
    """

    documents: pa.Table
    bad: int
    bad_rows: list[tuple[int, str]]
    found: frozenset[str]
    fault: str | None = None


def reach(row: Mapping[str, Any], name: str) -> Any:
    """The value of a dotted name, None where there is none; a key of that very name goes first."""
    value = row.get(name)
    if value is None and "." in name and name not in row:
        inner: Any = row
        for part in name.split("."):
            if type(inner) is not dict:
                return None
            inner = inner.get(part)
        return inner
    return value


def has(row: Mapping[str, Any], name: str) -> bool:
    """Whether a row has the column, be it null."""
    if name in row:
        return True
    inner: Any = row
    for part in name.split("."):
        if type(inner) is not dict or part not in inner:
            return False
        inner = inner[part]
    return True


def _joined(row: Mapping[str, Any], name: str, more: tuple[str, ...], between: str) -> Any:
    """The value of a column; of several their strings joined, those left out that are null or empty; the first that is no
    string where one is none."""
    value = reach(row, name)
    if not more:
        return value
    values = [one for one in (value, *(reach(row, other) for other in more)) if one is not None and one != ""]
    strange = next((one for one in values if type(one) is not str), None)
    return strange if strange is not None else between.join(values) if values else value


class SetAside:
    """Rows that are set aside: counted, and the first of each reason named."""

    def __init__(self) -> None:
        self.count = 0
        self.named: list[tuple[int, str]] = []
        self._alike: Counter[str] = Counter()

    def add(self, number: int, reason: str, times: int = 1) -> None:
        self.count += times
        if len(self.named) < MAX_REASONS and (left := MAX_ALIKE - self._alike[reason]) > 0:
            self._alike[reason] += min(times, left)
            self.named += [(number + i, reason) for i in range(min(times, left))]


class Rows:
    """Rows as Python mappings, gathered to batches."""

    def __init__(self, wanted: Wanted, *, untyped: bool = False):
        """untyped: the file knows only text (CSV), so numbers are parsed, and what is empty is null."""
        self._wanted, self._untyped = wanted, untyped
        self._convert: list[Callable[[object], object]] = [
            (OF_KIND_UNTYPED if untyped else OF_KIND)[kind] for kind in wanted.extra.values()
        ]
        self._missing = set(wanted.names())
        self._clear()

    def _clear(self) -> None:
        self._rows: list[int] = []
        self._texts: list[str] = []
        self._fields: list[tuple[str | None, str | None, str | None, str | None]] = []
        self._extras: list[list[object]] = [[] for _ in self._wanted.extra]
        self._records: list[tuple[Any, ...]] = []
        self._bad = SetAside()
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether it is time to take a batch."""
        return self._bytes >= self._wanted.batch_bytes

    @property
    def found(self) -> frozenset[str]:
        """The columns asked for that a row had."""
        return frozenset(self._wanted.names()) - self._missing

    def saw(self, names: Iterable[str]) -> None:
        """Note columns that the file has, whatever stands in them."""
        self._missing -= set(names)

    def add(self, number: int, row: Mapping[str, Any], size: int) -> str | None:
        """Take one row: its number, its values, the bytes that it took in the file. The reason where it is set aside."""
        wanted = self._wanted
        if self._missing:
            self._missing -= {name for name in self._missing if has(row, name)}
        text = _joined(row, wanted.text, wanted.more_texts, wanted.join) if wanted.record is None else ""
        if type(text) is not str:
            lacks = text is None and not has(row, wanted.text)
            reason = f"no column `{wanted.text}`" if lacks else f"`{wanted.text}` is {holds(text)}, not a string"
            return self.bad(number, reason, size)
        prompt = None
        if wanted.prompt is not None:
            prompt = _joined(row, wanted.prompt, wanted.more_prompts, wanted.join)
        if prompt is not None and type(prompt) is not str:
            return self.bad(number, f"`{wanted.prompt}` is {holds(prompt)}, not a string", size)
        if wanted.record is not None:
            try:
                self._records.append(read_record(row, wanted.record, reach).values())
            except Unfit as unfit:
                return self.bad(number, str(unfit), size)
        name = reach(row, wanted.id) if wanted.id is not None else None
        url = reach(row, wanted.url) if wanted.url is not None else None
        date = reach(row, wanted.date) if wanted.date is not None else None
        self._rows.append(number)
        self._texts.append(text)
        self._fields.append(
            (
                prompt or None,
                name if type(name) is str and name else name_of(name),
                url if type(url) is str and url else None,
                None if date is None else iso_date(date),
            )
        )
        for values, column, convert in zip(self._extras, wanted.extra, self._convert, strict=True):
            values.append(convert(reach(row, column)))
        self._bytes += size
        return None

    def bad(self, number: int, reason: str, size: int = 0, *, times: int = 1) -> str:
        """Set a row aside, and those that follow it, ``times`` in all; the reason again."""
        self._bad.add(number, reason, times)
        self._bytes += size
        return reason

    def take(self, fault: str | None = None) -> Batch:
        """All that was gathered since the last batch."""
        schema = self._wanted.schema()
        prompts, names, urls, dates = zip(*self._fields, strict=True) if self._fields else ((), (), (), ())
        of_records: list[list[Any]] = [[] for _ in RECORD] if self._wanted.record is not None else []
        if self._records:
            of_records = [list(column) for column in zip(*self._records, strict=True)]
        columns = [self._rows, self._texts, prompts, names, urls, dates, *of_records, *self._extras]
        arrays = [pa.array(values, type=kind.type) for values, kind in zip(columns, schema, strict=True)]
        batch = Batch(pa.Table.from_arrays(arrays, schema=schema), self._bad.count, self._bad.named, self.found, fault)
        self._clear()
        return batch
