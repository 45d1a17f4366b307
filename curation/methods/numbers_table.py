"""Numbers beside a recipe: tables of proxy runs, probe losses, learning curves (CSV, JSON lines, Parquet), and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from curation import storage
from curation.readers.unreadable import why_unreadable
from curation.recipes.similar import nearest
from schemas.errors import RecipeError

BYTES_AT_ONCE = 16_000_000


def read_table(path: str, place: str) -> pl.DataFrame:
    """The table. Raises RecipeError at ``place`` for a file that is not there or is no table."""
    try:
        data = storage.read_bytes(path)
    except FileNotFoundError:
        raise RecipeError(place, f"{path}: there is no such file") from None
    try:
        if data.startswith(b"PAR1"):
            return pl.read_parquet(io.BytesIO(data))
        if data.lstrip()[:1] == b"{":
            return _json_lines(data)
        return pl.read_csv(io.BytesIO(data))
    except Exception as error:
        why = why_unreadable(data, error, lines=data.lstrip()[:1] == b"{")
        raise RecipeError(place, f"{path}: no CSV, JSON lines or Parquet table: {why}") from None


def _json_lines(data: bytes) -> pl.DataFrame:
    """Some lines at a time: as Python objects, which only those with NaN become, they take ten times what they take in a table."""
    tables: list[pl.DataFrame] = []
    start = 0
    while start < len(data):
        end = data.find(b"\n", min(start + BYTES_AT_ONCE, len(data)) - 1) + 1 or len(data)
        tables.append(_lines(data[start:end]))
        start = end
    tables = [table for table in tables if table.height] or tables[:1]
    return pl.concat(tables, how="diagonal_relaxed", rechunk=True) if len(tables) > 1 else tables[0]


def _lines(data: bytes) -> pl.DataFrame:
    try:
        return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        rows = [json.loads(line) for line in data.splitlines() if line.strip()]  # NaN too, as trainers write it
        return pl.from_dicts(rows, infer_schema_length=None, strict=False)


def read_json(path: str, place: str) -> Any:
    """What a JSON file holds. Raises RecipeError at ``place`` for a file that is not there or is no JSON."""
    try:
        return json.loads(storage.read_bytes(path))
    except FileNotFoundError:
        raise RecipeError(place, f"{path}: there is no such file") from None
    except ValueError:
        raise RecipeError(place, f"{path}: not valid JSON") from None


def read_numbers(
    path: str, place: str, *, texts: Sequence[str] = (), numbers: Sequence[str], also: Sequence[str] = ()
) -> pl.DataFrame:
    """The named columns, numbers as finite float64. also: numbers that need not be there.

    Raises RecipeError at ``place`` naming the file, the column and the row.
    """
    table = read_table(path, place)
    numbers = (*numbers, *(one for one in also if one in table.columns))
    for name in (*texts, *numbers):
        if name not in table.columns:
            raise RecipeError(place, f"{path}: no column {name!r}{nearest(name, table.columns)}")
    for name in numbers:
        column = table[name].cast(pl.Float64, strict=False)
        bad = (column.is_null() | ~column.is_finite().fill_null(False)).arg_max()
        if len(column) and bad is not None and not (column[bad] is not None and column.is_finite()[bad]):
            raise RecipeError(place, f"{path}: row {bad}: {name!r} is no finite number")
        table = table.with_columns(column.alias(name))
    if not len(table):
        raise RecipeError(place, f"{path}: the table has no row")
    return table.select(*dict.fromkeys((*texts, *numbers)))
