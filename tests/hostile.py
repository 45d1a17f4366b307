"""Files that are made to hurt a reader: kilobytes that become gigabytes, and millions of rows that are none.

Each kind writes a file of about ``size`` plain bytes (what a reader sees after decompression) into a folder.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

BLOCK = 1 << 20
GOOD = b'{"text": "a sound row"}\n'

Writer = Callable[[Path, int], Path]
GZIP, BZIP2 = partial(gzip.open, mode="wb", compresslevel=1), partial(bz2.open, mode="wb", compresslevel=1)
ZSTD, XZ = partial(zstandard.open, mode="wb"), partial(lzma.open, mode="wb", preset=0)


def _repeated(name: str, unit: bytes, *, before: bytes = b"", after: bytes = b"") -> Writer:
    def write(folder: Path, size: int) -> Path:
        path = folder / name
        with path.open("wb") as out:
            for block in _blocks(unit, size, before, after):
                out.write(block)
        return path

    return write


def _blocks(unit: bytes, size: int, before: bytes, after: bytes) -> Iterator[bytes]:
    yield before
    block = unit * max(BLOCK // len(unit), 1)
    left = size
    while left > len(block):
        yield block
        left -= len(block)
    yield unit * max(left // len(unit), 1)
    yield after


def _packed(name: str, opened: Callable[[Path], Any], unit: bytes, before: bytes = b"", after: bytes = b"") -> Writer:
    def write(folder: Path, size: int) -> Path:
        path = folder / name
        with opened(path) as out:
            for block in _blocks(unit, size, before, after):
                out.write(block)
        return path

    return write


def _header(folder: Path, size: int) -> Path:
    """A CSV header of as many names as fit."""
    path = folder / "header.csv"
    names = max(size // 8, 2)
    path.write_text(
        ",".join(["text", *(f"n{i:06d}" for i in range(names - 1))]) + "\na sound row" + "," * (names - 1) + "\n"
    )
    return path


def _dictionary(folder: Path, size: int) -> Path:
    """A Parquet file of one long text that every row repeats."""
    path = folder / "dictionary.parquet"
    longest = min(size, 10_000_000)
    rows = max(size // longest, 2)
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["a" * longest]))
    pq.write_table(pa.table({"text": texts}), path, dictionary_pagesize_limit=1 << 30, store_schema=False)
    return path


def _columns(folder: Path, size: int) -> Path:
    """A Parquet file of columns that nobody asks for."""
    path = folder / "columns.parquet"
    names = [f"n{i:06d}" for i in range(max(size // 400, 1))]
    pq.write_table(pa.table({"text": ["a sound row"], **{name: [1] for name in names}}), path)
    return path


def _groups(folder: Path, size: int) -> Path:
    """A Parquet file of row groups without rows, and one with."""
    path = folder / "groups.parquet"
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(max(size // 400, 1)):
            writer.write_table(schema.empty_table())
        writer.write_table(pa.table({"text": ["a sound row"]}))
    return path


def _long_texts(folder: Path, size: int) -> Path:
    """A Parquet file of one row group of long texts."""
    path = folder / "long.parquet"
    length = max(size // 64, 1)
    texts = [chr(97 + i % 26) * length for i in range(64)]
    pq.write_table(pa.table({"text": pa.array(texts, pa.large_string())}), path, use_dictionary=False)
    return path


KINDS: dict[str, Writer] = {
    "blank lines": _repeated("blank.jsonl", b"\n", before=GOOD, after=GOOD),
    "blank lines of spaces": _repeated("spaces.jsonl", b" \t\r\n", before=GOOD, after=GOOD),
    "empty objects": _repeated("objects.jsonl", b"{}\n", before=GOOD),
    "nulls": _repeated("nulls.jsonl", b"null\n", before=GOOD),
    "texts that are null": _repeated("null_texts.jsonl", b'{"text":null}\n', before=GOOD),
    "numbers": _repeated("numbers.jsonl", b"1\n", before=GOOD),
    "open brackets, a line": _repeated("open.jsonl", b"[", before=GOOD),
    "open brackets, lines": _repeated("opens.jsonl", b"[\n", before=GOOD),
    "open objects": _repeated("open_objects.jsonl", b'{"a":', before=GOOD),
    "open brackets from the start": _repeated("first.jsonl", b"["),
    "quotes": _repeated("quotes.jsonl", b'"', before=GOOD),
    "open strings": _repeated("strings.jsonl", b'{"text": "\n', before=GOOD),
    "one line": _repeated("line.jsonl", b"a", before=GOOD + b'{"text": "', after=b'"}\n' + GOOD),
    "one line that does not end": _repeated("endless.jsonl", b"a", before=GOOD + b'{"text": "'),
    "objects on one line": _repeated("together.jsonl", b'{"a":1}', before=GOOD),
    "objects on one line, commas": _repeated("commas.jsonl", b"{},", before=GOOD),
    "braces": _repeated("braces.jsonl", b"}{", before=GOOD),
    "an array of nulls": _repeated("nulls.json", b"null,", before=b"[", after=b'{"text": "a sound row"}]'),
    "an array of empty objects": _repeated("objects.json", b"{},", before=b"[", after=b'{"text": "a sound row"}]'),
    "an array of numbers": _repeated("numbers.json", b"1,", before=b"[", after=b'{"text": "a sound row"}]'),
    "deep JSON": _repeated("deep.json", b"[", before=b'[{"text": "a sound row", "x": '),
    "zeros": _repeated("zeros.jsonl", b"\0", before=GOOD),
    "zeros as text": _repeated("zeros.txt", b"\0"),
    "a CSV header": _header,
    "blank CSV records": _repeated("blank.csv", b"\n", before=b"text\n", after=b"a sound row\n"),
    "CSV commas": _repeated("commas.csv", b",", before=b"text\na sound row\n"),
    "CSV records of one field too many": _repeated("fields.csv", b"a,b\n", before=b"text\na sound row\n"),
    "a CSV quote": _repeated("quote.csv", b"a\n", before=b'text\na sound row\n"'),
    "CSV quotes": _repeated("quotes.csv", b'"', before=b"text\na sound row\n"),
    "gzip of one line": _packed("line.jsonl.gz", GZIP, b"a", GOOD + b'{"text": "', b'"}\n' + GOOD),
    "gzip of blank lines": _packed("blank.jsonl.gz", GZIP, b"\n", GOOD, GOOD),
    "zstd of blank lines": _packed("blank.jsonl.zst", ZSTD, b"\n", GOOD, GOOD),
    "bzip2 of one line": _packed("line.jsonl.bz2", BZIP2, b"a", GOOD + b'{"text": "', b'"}\n' + GOOD),
    "xz of one line": _packed("line.jsonl.xz", XZ, b"a", GOOD + b'{"text": "', b'"}\n' + GOOD),
    "Parquet columns": _columns,
    "Parquet row groups": _groups,
    "Parquet, long texts": _long_texts,
    "Parquet, a dictionary": _dictionary,
}
