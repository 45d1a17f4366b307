"""Texts of a target set: JSON lines, Parquet, CSV or plain text, a text a row."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from curation import storage
from curation.methods.side_table import read_frame, strings
from schemas.errors import RecipeError


def target_files(patterns: list[str], *, place: str) -> tuple[tuple[str, str], ...]:
    """(URL, stamp) of each file, by pattern and path. Raises RecipeError for a pattern without a file."""
    files: list[tuple[str, str]] = []
    for pattern in patterns:
        found = [(file.url, file.stamp) for file in storage.glob(pattern) if file.kind == "file"]
        if not found:
            raise RecipeError(f"{place}.target", f"got {pattern!r}, which is no file")
        files += found
    return tuple(files)


def read_targets(files: tuple[tuple[str, str], ...], column: str, *, place: str) -> pa.LargeStringArray:
    """The texts of the files, in their order: LargeString[n]; blank ones are left out.

    A file that ends in .txt has a text a line. Raises RecipeError for a file that cannot be read or lacks the column,
    or a set without any text.
    """
    texts = pl.concat([_read(url, column, place) for url, _ in files])
    texts = texts.filter(texts.str.strip_chars() != "")
    if not len(texts):
        raise RecipeError(f"{place}.target", "the target set holds no text")
    return texts.to_arrow().cast(pa.large_string())


def _read(url: str, column: str, place: str) -> pl.Series:
    if url.endswith(".txt"):
        try:
            return pl.Series("text", storage.read_bytes(url).decode("utf-8").splitlines(), dtype=pl.String)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{place}.target", f"{url} cannot be read: {type(error).__name__}") from None
    frame = read_frame(url, f"{place}.target")
    if column not in frame.columns:
        raise RecipeError(
            f"{place}.target_column", f"{url} has no column {column!r}; it has {', '.join(frame.columns)}"
        )
    return strings(frame, column, url, f"{place}.target_column").drop_nulls().alias("text")
