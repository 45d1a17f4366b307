"""JSON Lines (.jsonl, .ndjson): a strict JSON object a line; blank lines are no rows.

Strict means: UTF-8, no NaN or Infinity, no lone surrogates, no raw control characters, at most 1024 levels deep,
nothing after the object. Of a key given twice the last value counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import orjson

from curation.readers.columns import holds, without_columns
from curation.readers.compression import StreamFault
from curation.readers.documents import Batch, Rows, Wanted, has, reach
from curation.readers.lines import lines, range_blocks, text_blocks, without_bom
from curation.readers.values import Literal

BLANK = b" \t\r"


Lines = Iterator[list[bytes | None]]


def read_jsonl(
    url: str,
    wanted: Wanted,
    *,
    compression: str | None = None,
    start: int = 0,
    stop: int | None = None,
    first_row: int = 0,
) -> Iterator[Batch]:
    """Documents of the lines that start in the byte range; ``first_row`` is the number of the first of them.

    Whether a required column is there is asked of the whole file, whatever the range. Raises OSError where storage
    fails.
    """

    def every_line() -> Lines:
        return lines(text_blocks(url, "jsonl", compression), wanted.max_row_bytes)

    mine = every_line()
    if stop is not None:
        blocks = range_blocks(url, start, stop)
        mine = lines(without_bom(blocks) if start == 0 else blocks, wanted.max_row_bytes)
    yield from read_objects(mine, wanted, every_line, first_row=first_row)


def read_objects(
    mine: Lines, wanted: Wanted, every_line: Callable[[], Lines], *, first_row: int = 0
) -> Iterator[Batch]:
    """Documents of lists of JSON texts, one a row. ``every_line`` gives those of the whole file again."""
    named = [name for name in wanted.required if name != wanted.text]
    if named and (fault := _lacking(every_line(), named)):
        yield Rows(wanted).take(fault)
        return
    rows = Rows(wanted)
    number = first_row - 1
    loads = orjson.loads
    fault = None
    objects = False
    try:
        for batch in mine:
            for line in batch:
                if line is None:
                    number += 1
                    rows.bad(number, f"longer than {wanted.max_row_bytes} bytes")
                    continue
                try:
                    row = loads(line)
                except orjson.JSONDecodeError as error:
                    if not line.strip(BLANK):
                        continue
                    number += 1
                    row, reason = _salvaged(line, error)
                    if reason is not None:
                        rows.bad(number, reason, len(line))
                        continue
                else:
                    number += 1
                if type(row) is not dict:
                    rows.bad(number, f"{holds(row)}, not an object", len(line))
                    continue
                objects = True
                if wanted.id is not None and type(reach(row, wanted.id)) is float:
                    row = _exact(line) or row
                rows.add(number, row, len(line))
                if rows.full:
                    yield rows.take()
    except StreamFault as stopped:
        fault = stopped.message
    if fault is None and objects and wanted.text not in rows.found:
        fault = _lacking(every_line(), [wanted.text])
    yield rows.take(fault)


def _salvaged(line: bytes, error: orjson.JSONDecodeError) -> tuple[Any, str | None]:
    """The row after all where only a number is out of a float's range, else the reason why it is none."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return None, "invalid UTF-8"
    message = str(error.msg)
    if "infinity" in message and (row := _exact(line)) is not None:
        return row, None
    if "surrogate" in message:
        return None, "a lone surrogate, which is no character"
    return None, f"not JSON: {message}"


def _exact(line: bytes) -> dict[str, Any] | None:
    """The object with its numbers as they are written (a float would not hold the digits of a long identifier)."""
    try:
        row = json.loads(line, parse_int=Literal, parse_float=Literal, parse_constant=_refuse)
        orjson.dumps(row)  # refuses what orjson would not have read: lone surrogates
    except (ValueError, TypeError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _lacking(every_line: Lines, names: list[str]) -> str | None:
    """The fault of a file of whose rows none has one of the columns; reads on only until each was seen.

    A file without a single object lacks nothing: its rows are at fault, not its columns.
    """
    missing = dict.fromkeys(names)
    columns: dict[str, None] = {}
    for row in _objects(every_line):
        for name in [name for name in missing if has(row, name)]:
            del missing[name]
        if not missing:
            return None
        if len(columns) < 100:
            columns.update(dict.fromkeys(row))
    return without_columns(list(missing), list(columns)) if columns else None


def _objects(every_line: Lines) -> Iterator[dict[str, Any]]:
    try:
        for batch in every_line:
            for line in batch:
                try:
                    row = orjson.loads(line or b"")
                except orjson.JSONDecodeError:
                    continue
                if type(row) is dict:
                    yield row
    except StreamFault:
        return
