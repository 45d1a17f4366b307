"""CSV and TSV with a header line, quoted as in RFC 4180: commas (tabs), quotes and line ends may stand inside quotes.

A record with more or fewer fields than the header is set aside, and so is one with broken quotes. Blank lines are no
rows. A field that is empty is null, but for the text, which then is blank.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from curation.readers.columns import without_columns
from curation.readers.compression import StreamFault
from curation.readers.documents import MAX_ROW_BYTES, Batch, Rows, Wanted
from curation.readers.lines import text_blocks

csv.field_size_limit(MAX_ROW_BYTES)  # the module's own limit is 128 KB, and holds for the process

MAX_FIELDS = 1_000_000
"""Fields of a record: more are no table, and each costs fifty bytes."""
PASSED_OVER = 1 << 20
"""Characters of a line that is too long that are looked at together."""

BLANKS_AT_ONCE = 1 << 16
LINE_END = re.compile(r"\r\n|\r|\n")
BLANK_LINES = re.compile(r"[\r\n]*")

_DELIMITERS = {"csv": ",", "tsv": "\t"}


class _Stream(io.RawIOBase):
    """Blocks as a file. A fault ends it and is kept, so that what was read before comes out first."""

    def __init__(self, blocks: Iterator[bytes]):
        self._blocks, self._left = blocks, memoryview(b"")
        self.fault: StreamFault | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            while not self._left:
                self._left = memoryview(next(self._blocks))
        except StopIteration:
            return 0
        except StreamFault as stopped:
            self.fault = stopped
            return 0
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def read_delimited(url: str, wanted: Wanted, *, format: str, compression: str | None = None) -> Iterator[Batch]:
    """Documents of a CSV or TSV file; ``row`` counts the records after the header."""
    stream = _Stream(text_blocks(url, format, compression))
    # surrogateescape keeps a bad byte in its own record, which is then set aside
    text = io.TextIOWrapper(io.BufferedReader(stream, 1 << 20), encoding="utf-8", errors="surrogateescape", newline="")
    lines = _TextLines(text, _DELIMITERS[format])
    records = _records(lines, stream)
    rows = Rows(wanted, untyped=True)
    header = next(records, None)
    if not isinstance(header, list):
        yield rows.take(stream.fault.message if stream.fault else header if isinstance(header, str) else None)
        return
    names = [name.strip() for name in header]
    missing = [name for name in wanted.required if name not in names]
    asked = set(wanted.names())
    twice = sorted({name for name, times in Counter(names).items() if times > 1} & asked)
    if missing or twice:
        yield rows.take(
            without_columns(missing, names, text=wanted.text) if missing else f"two columns are named `{twice[0]}`"
        )
        return
    kept = [(place, name) for place, name in enumerate(names) if name in asked]
    rows.saw(name for _, name in kept)
    number = -1
    for record in records:
        number += 1
        if isinstance(record, int):  # as many fields as the one before, and so as wrong
            rows.bad(number, f"{lines.wrong} fields, the header has {len(names)}", times=record)
            number += record - 1
        elif isinstance(record, str):
            rows.bad(number, record)
        elif len(record) != len(names):
            rows.bad(number, f"{len(record)} fields, the header has {len(names)}")
            lines.wrong = len(record)
        else:
            size = sum(map(len, record))
            row = {name: record[place] for place, name in kept}
            if size > wanted.max_row_bytes:
                rows.bad(number, f"longer than {wanted.max_row_bytes} bytes")
            elif any(not value.isascii() and _is_invalid(value) for value in record):
                rows.bad(number, "invalid UTF-8", size)
            else:
                rows.add(number, row, size)
        if rows.full:
            yield rows.take()
    yield rows.take(stream.fault.message if stream.fault else None)


class _TooLong(Exception):
    """A line that no row may be."""


class _TextLines:
    """The lines of a text; raises _TooLong in place of one that is too long, or has more fields than a table has, and goes on.

    Where ``between`` says that a record is to begin, blank lines are passed over, many at a time: there may be a billion.
    """

    def __init__(self, text: io.TextIOWrapper, delimiter: str):
        self._text, self.delimiter = text, delimiter
        self._held, self._at = "", 0  # what was read beyond blank lines, and how much of it was given
        self.between = True
        self.wrong = 0
        """Fields of the last record that had a wrong number of them."""
        self._alike: tuple[int, re.Pattern[str]] | None = None

    def __iter__(self) -> _TextLines:
        return self

    def _readline(self) -> str:
        if self._at == len(self._held):
            return self._text.readline(MAX_ROW_BYTES)
        start = self._at
        found = LINE_END.search(self._held, start)
        self._at = found.end() if found is not None else len(self._held)
        line = self._held[start : self._at]
        return line if found is not None else line + self._text.readline(MAX_ROW_BYTES)

    def _hold(self) -> None:
        """Read on, and no half of a line's end."""
        self._held, self._at = self._text.read(BLANKS_AT_ONCE), 0
        if self._held.endswith("\r"):
            self._held += self._text.read(1)

    def _after_blanks(self) -> str:
        """The next line that is not blank; empty at the end."""
        while True:
            self._at = BLANK_LINES.match(self._held, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._held):
                return self._readline()
            self._hold()
            if not self._held:
                return ""

    def pass_over(self) -> int:
        """Lines without quotes that follow and have as many fields as ``wrong``, many at a time: how many. There may be a billion."""
        if self._alike is None or self._alike[0] != self.wrong:
            inside = rf'[^"{self.delimiter}\r\n]'
            last = inside + ("*+" if self.wrong > 1 else "++")  # a blank line is no record
            line = rf"(?:{inside}*+{self.delimiter}){{{self.wrong - 1}}}+{last}\r?\n"
            self._alike = (
                self.wrong,
                re.compile(rf"(?:{line})*"),
            )  # not possessive: of groups, Python 3.11.2 gets that wrong
        if self._at == len(self._held):
            self._hold()
        start, end = self._at, self._alike[1].match(self._held, self._at).end()  # type: ignore[union-attr]
        if end == len(self._held):  # the last line is left: it may be where a file breaks off
            end = self._held.rfind("\n", start, end - 1) + 1 or start
        self._at = max(start, end)
        return self._held.count("\n", start, self._at)

    def __next__(self) -> str:
        line = self._readline()
        if self.between:
            if not line.rstrip("\r\n"):
                line = self._after_blanks() if line else line
            self.between = False
        if not line:
            raise StopIteration
        if len(line) >= MAX_ROW_BYTES and not line.endswith("\n"):
            while not line.endswith("\n") and (line := self._text.readline(PASSED_OVER)):
                pass
            raise _TooLong(f"longer than {MAX_ROW_BYTES} bytes")
        if len(line) > MAX_FIELDS and line.count(self.delimiter) >= MAX_FIELDS:
            raise _TooLong(f"more than {MAX_FIELDS:,} fields")
        return line


def _records(lines: _TextLines, stream: _Stream) -> Iterator[list[str] | str | int]:
    """The records; a string is the reason why one is none, a number so many of ``lines.wrong`` fields. The last one before a broken
    end is left out: it is cut."""
    delimiter = lines.delimiter
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    held: list[str] | str | None = None
    while True:
        if isinstance(held, list) and len(held) == lines.wrong and (times := lines.pass_over()):
            yield held
            yield times
            held = None
        lines.between = True
        try:
            record: list[str] | str = next(reader)
        except StopIteration:
            break
        except _TooLong as error:
            record = str(error)
        except csv.Error as error:
            record = f"not {delimiter!r}-separated text: {error}".replace(
                repr(delimiter), "comma" if delimiter == "," else "tab"
            )
        if held:
            yield held
        held = record
    if held and (stream.fault is None or stream.fault.whole):
        yield held


def _is_invalid(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
