"""Why a small table beside a recipe cannot be read, in words: the line or row and the column, never what stands there."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq

from curation.readers.columns import printable
from curation.readers.parquet import invalid_utf8


def why_unreadable(data: bytes, error: Exception, *, lines: bool) -> str:
    """What is wrong with a table's bytes, which a library refused with ``error``. lines: whether it is JSON Lines."""
    if not data:
        return "the file is empty, 0 bytes"
    if data.startswith(b"PAR1"):
        return _parquet(data)
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            return f"line {number} is not valid UTF-8"
        if lines and text.strip():
            try:
                row = json.loads(text)
            except (ValueError, RecursionError):
                return f"line {number} is not valid JSON"
            if not isinstance(row, dict):
                return f"line {number} is no JSON object"
    return f"it is no table ({type(error).__name__})"


def _parquet(data: bytes) -> str:
    buffer = pa.BufferReader(data)
    try:
        with pq.ParquetFile(buffer) as file:
            for column in file.schema_arrow.names:
                row = 0
                for batch in file.iter_batches(columns=[column]):
                    bad = invalid_utf8(batch.column(0))
                    if bad.any():
                        return f"row {row + int(bad.argmax())}: invalid UTF-8 in the column {printable(column)!r}"
                    row += len(batch)
    except UnicodeDecodeError:
        return "the name of a column is not valid UTF-8"
    except (pa.ArrowException, OSError) as damage:
        return f"damaged Parquet ({type(damage).__name__})"
    return "its columns have types that are not supported"
