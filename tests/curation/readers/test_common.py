"""Every format and compression gives the same documents; what is bad is named, the sound rest goes on."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from curation.readers import read_files
from curation.readers.formats import by_name
from schemas.sources import Source
from schemas.work import Slice

ROWS = [
    {"text": f"text {i}, with “quotes”\nand a line", "id": f"d{i}", "url": f"https://e.org/{i}", "date": "2026-01-02"}
    for i in range(20)
]
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def delimited(delimiter: str) -> bytes:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(ROWS[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return sink.getvalue().encode()


FORMATS: dict[str, Callable[[], bytes]] = {
    "jsonl": lambda: b"".join(json.dumps(row).encode() + b"\n" for row in ROWS),
    "ndjson": lambda: b"\n\n".join(json.dumps(row).encode() for row in ROWS),
    "json": lambda: json.dumps(ROWS, indent=2).encode(),
    "csv": lambda: delimited(","),
    "tsv": lambda: delimited("\t"),
}


def read(
    path: Path, slice_of: Slice | None = None, **fields: Any
) -> tuple[list[dict[str, Any]], list[tuple[int, str]], list[str]]:
    source = Source.model_validate({"name": "s", "paths": [str(path)], **fields})
    named = by_name(path.name)
    assert named is not None
    rows, bad, faults = [], [], []
    wanted = read_files.wanted_of(source, {}, 1_000)
    part = slice_of or Slice(0)
    for batch in read_files.read(
        str(path),
        wanted,
        format=named[0],
        compression=named[1],
        start=part.start,
        stop=part.stop,
        first_row=part.first_row,
    ):
        rows += batch.documents.to_pylist()
        bad += batch.bad_rows
        faults += [batch.fault] if batch.fault else []
    return rows, bad, faults


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_formats_and_compressions(name: str, compression: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{name}{compression}"
    path.write_bytes(COMPRESSIONS[compression](FORMATS[name]()))
    rows, bad, faults = read(path)
    assert (bad, faults) == ([], [])
    assert [row["text"] for row in rows] == [row["text"] for row in ROWS]
    assert [row["name"] for row in rows] == [row["id"] for row in ROWS]
    assert [row["url"] for row in rows] == [row["url"] for row in ROWS]
    assert [row["row"] for row in rows] == list(range(20))


def test_parquet_with_dotted_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [{"body": {"text": f"t{i}"}, "meta": {"url": f"u{i}"}, "ask": f"q{i}"} for i in range(10)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    found, bad, faults = read(path, columns={"text": "body.text", "url": "meta.url"}, prompt_column="ask")
    assert (bad, faults) == ([], [])
    assert [(r["text"], r["url"], r["prompt"]) for r in found] == [(f"t{i}", f"u{i}", f"q{i}") for i in range(10)]


def test_plain_text_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("één\ntwee\n".encode()))
    rows, bad, _ = read(path)
    assert ([row["text"].strip() for row in rows], bad) == (["één\ntwee"], [])


@pytest.mark.parametrize(
    ("data", "documents", "bad_rows"),
    [
        (b'{"text": "a"}\n{"text": 1}\n{"text": "b"}', ["a", "b"], [1]),
        (b'{"text": "a"}\nnot json\n{"text": "b"}\n', ["a", "b"], [1]),
        (b'\xef\xbb\xbf{"text": "a"}\r\n{"text": "b"}\r\n', ["a", "b"], []),
        (b'{"text": "a"}\n{"text": "\xe4"}\n', ["a"], [1]),
        (b'{"text": "a\xe2\x80\xa8b"}\n', ["a\u2028b"], []),
        (b'{"text": "\\ud83d"}\n{"text": "b"}\n', ["b"], [0]),
        (b'{"text": NaN}\n{"text": "b"}\n', ["b"], [0]),
        (b'{"text": "a"}\n' + b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}\n", ["a"], [1]),
        (b"", [], []),
    ],
)
def test_bad_rows_are_named(data: bytes, documents: list[str], bad_rows: list[int], tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    rows, bad, faults = read(path)
    assert [row["text"] for row in rows] == documents
    assert [row for row, _ in bad] == bad_rows
    assert faults == []


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.jsonl", gzip.compress(b"{}", mtime=0), "gzip"),
        ("a.jsonl.gz", b'{"text": "a"}\n', "plain text"),
        ("a.parquet", b'{"text": "a"}\n', "Parquet"),
        ("a.parquet", b"", "empty"),
        ("a.jsonl", '{"text": "a"}'.encode("utf-16"), "UTF-16"),
        ("a.jsonl.gz", gzip.compress(FORMATS["jsonl"]())[:-30], "truncated"),
        ("a.jsonl", b'{"txt": "a"}\n{"txt": "b"}\n', "text"),
    ],
)
def test_faulty_files_are_named(name: str, data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    rows, bad, faults = read(path)
    assert says in (faults[0] if faults else bad[0][1])
    assert not rows or says == "truncated"


def test_damaged_row_groups_lose_themselves_only(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"text {i} " * 50 for i in range(40)]
    pq.write_table(pa.table({"text": texts}), path, row_group_size=10, compression="zstd", use_dictionary=False)
    group = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[group.data_page_offset : group.data_page_offset + 8] = b"\xff" * 8
    path.write_bytes(bytes(data))
    rows, _, faults = read(path)
    assert faults
    assert [row["row"] for row in rows] == [*range(10), *range(20, 40)]
