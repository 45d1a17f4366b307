"""JSON Lines and JSON (.jsonl, .ndjson, .json): strict JSON objects; blank lines are no rows.

Strict means: UTF-8, no NaN or Infinity, no lone surrogates, no raw control characters, at most 1024 levels deep. Of a key
given twice the last value counts. Several objects on a line are as many rows. A file of which no row has a text is set aside
as a whole, with one reason.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import orjson

from curation.readers.brackets import Brackets
from curation.readers.columns import CHATS, holds, without_columns, without_text
from curation.readers.compression import StreamFault
from curation.readers.documents import MAX_ROW_BYTES, Batch, Rows, Wanted, has, reach
from curation.readers.formats import TITLES
from curation.readers.json_values import Lines, records
from curation.readers.lines import lines, member_blocks, range_blocks, text_blocks, without_bom
from curation.readers.values import Literal

BLANK = b" \t\r"
_MAY_BE_SEVERAL = re.compile(rb"\}[ \t]*,?[ \t]*\{|\}[ \t]*,[ \t\r]*$")
MAX_COLUMNS = 100
MAX_KINDS = 3


def read_jsonl(
    url: str,
    wanted: Wanted,
    *,
    format: str = "jsonl",
    compression: str | None = None,
    start: int = 0,
    stop: int | None = None,
    first_row: int = 0,
) -> Iterator[Batch]:
    """Documents of a file, or of the lines from one mark of ``cuts`` to another; ``first_row`` is the number of the first of them.

    Whether a required column is there is asked of the whole file, whatever the range. Raises OSError where storage
    fails.
    """

    def every() -> Lines:
        return records(lambda: text_blocks(url, format, compression), wanted, format)

    mine = every()
    if start or stop is not None:
        blocks = member_blocks(url, compression, start, stop) if compression else range_blocks(url, start, stop)
        mine = lines(without_bom(blocks) if start == 0 else blocks, wanted.max_row_bytes)
    yield from _read(mine, wanted, every, TITLES[format], first_row)


def _read(mine: Lines, wanted: Wanted, every: Callable[[], Lines], title: str, first_row: int) -> Iterator[Batch]:
    """Documents of lists of JSON texts. ``every`` gives those of the whole file again."""
    try:
        first = next(mine, [])
    except StreamFault as stopped:
        yield Rows(wanted).take(stopped.message)
        return
    if not _has_all(first, wanted) and (why := _amiss(every(), wanted, title)) is not None:
        yield Rows(wanted).take(why)
        return
    rows = Rows(wanted)
    number = first_row - 1
    fault = None
    try:
        for batch in itertools.chain([first], mine):
            for row, piece, reason, times in _found(batch, wanted.max_row_bytes):
                left = times
                while left and reason is None:
                    if wanted.id is not None and type(reach(row, wanted.id)) is float:
                        row = _exact(piece) or row
                    reason = rows.add(number + 1, row, len(piece))
                    number, left = number + 1, left - 1
                    if rows.full:
                        yield rows.take()
                if left and reason is not None:  # what follows is the same again
                    rows.bad(number + 1, reason, len(piece), times=left)
                    number += left
                    if rows.full:
                        yield rows.take()
    except StreamFault as stopped:
        fault = stopped.message
    yield rows.take(fault)


Found = tuple[dict[str, Any], bytes, str | None, int]
"""A row, its bytes, the reason why it is none, and how often it stands there, one after the other."""


def _found(batch: list[bytes | None], max_bytes: int) -> Iterator[Found]:
    """The rows of JSON texts. What is alike is looked at once: there may be a million."""
    for line, same in itertools.groupby(batch):
        times = len(list(same))
        found = _row_of(line, max_bytes)
        if found is not None:
            yield (*found, times)
        elif line is not None and line.strip(BLANK):
            for _ in range(times):
                yield from _several(line)


def _row_of(line: bytes | None, max_bytes: int) -> tuple[dict[str, Any], bytes, str | None] | None:
    """The row of a JSON text, or the reason why it is none; None for a text of none or several, which ``_several`` finds."""
    if line is None:
        return {}, b"", f"longer than {max_bytes} bytes"
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if not line.strip(BLANK) or _are_objects(line):
            return None
        row, reason = _salvaged(line, error)
        if reason is not None:
            return {}, line, reason
    if type(row) is not dict:
        return {}, line, f"{holds(row)}, not an object"
    return row, line, None


def _several(line: bytes) -> Iterator[Found]:
    """The objects on a line; none on a blank one."""
    for piece, times in _pieces(line):
        yield orjson.loads(piece), piece, None, times


def rows_on(line: bytes) -> int:
    """How many rows the reader takes a line for, without its LF."""
    if not line.strip(BLANK):
        return 0
    if len(line) > MAX_ROW_BYTES or _MAY_BE_SEVERAL.search(line) is None:
        return 1
    return sum(times for _, _, _, times in _found([line], MAX_ROW_BYTES))


def _are_objects(line: bytes) -> bool:
    """Whether a line is several objects: nothing but commas and white space stands between them."""
    if _MAY_BE_SEVERAL.search(line) is None:
        return False
    try:
        return all(type(orjson.loads(piece)) is dict for piece, _ in _pieces(line))
    except orjson.JSONDecodeError:
        return False


def _pieces(line: bytes) -> Iterator[tuple[bytes, int]]:
    """What stands up to each bracket that closes a value, and how often, one after the other; and what follows the last, if anything."""
    begin = 0
    for start, end, times in Brackets().runs(line):
        yield line[start : end + 1].strip(BLANK + b","), times
        begin = end + 1
    if rest := line[begin:].strip(BLANK + b","):
        yield rest, 1


def _has_all(batch: list[bytes | None], wanted: Wanted) -> bool:
    """Whether some rows show every required column, and a text that is one."""
    missing = set(wanted.required) - {wanted.text}
    text = False
    for row, _, reason, _ in _found(batch, wanted.max_row_bytes):
        if reason is None:
            missing = {name for name in missing if not has(row, name)}
            text = text or wanted.is_text(reach(row, wanted.text))
            if text and not missing:
                return True
    return False


def _amiss(every: Lines, wanted: Wanted, title: str) -> str | None:
    """Why a file is set aside as a whole: a required column that none of its rows has, texts that are none, no object.

    Reads on only until each was seen. None too for a file that breaks off before it has an object.
    """
    missing = dict.fromkeys(wanted.required)
    columns: dict[str, str] = {}
    kinds: dict[str, None] = {}
    rows, why = 0, None
    text = objects = False
    try:
        for batch in every:
            for row, piece, reason, times in _found(batch, wanted.max_row_bytes):
                rows += times
                if reason is not None:
                    why = why or _looks(piece, reason)
                    continue
                objects = True
                for name in [name for name in missing if has(row, name)]:
                    del missing[name]
                value = reach(row, wanted.text)
                text = text or wanted.is_text(value)
                if text and not missing:
                    return None
                if value is not None and len(kinds) < MAX_KINDS:
                    kinds[holds(value)] = None
                if len(columns) < MAX_COLUMNS:
                    columns |= {name: holds(inner) for name, inner in row.items() if name not in columns}
                else:  # the column of a chat is looked for among any number
                    columns |= {name: holds(row[name]) for name in CHATS if name in row}
    except StreamFault:
        if not objects:
            return None
    if not objects:
        return f"not {title}: none of its {rows} rows is an object; row 0: {why}" if rows else None
    if wanted.text in missing:
        return without_text(wanted.text, columns, missing=list(missing))
    if missing:
        return without_columns(list(missing), list(columns))
    if not text and kinds:
        what = "text" if wanted.record is None else "turns"
        return f"`{wanted.text}` holds {' or '.join(kinds)}, not {what}"
    return None


def _looks(piece: bytes, reason: str) -> str:
    """The reason why a row is none, or what it looks like instead."""
    return "a Python dictionary, in single quotes" if piece.lstrip(BLANK).startswith(b"{'") else reason


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
