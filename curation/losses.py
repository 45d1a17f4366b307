"""The loss report: what training tells of the last round, `run_id, round, step, eval_index, group, loss, …`."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import polars as pl

from curation import storage
from schemas.errors import RecipeError

NEEDED = ("run_id", "round", "step", "eval_index", "group", "loss")


@dataclass(frozen=True)
class LossReport:
    """The report's rows, and where they came from."""

    table: pl.DataFrame
    path: str


def read_losses(path: str) -> LossReport:
    """Read JSON lines or Parquet. Raises RecipeError for an unreadable file, a missing column, a loss that is no number."""
    try:
        data = storage.read_bytes(path)
    except FileNotFoundError:
        raise RecipeError("--losses", f"{path}: there is no such file") from None
    try:
        table = pl.read_parquet(io.BytesIO(data)) if data.startswith(b"PAR1") else pl.read_ndjson(io.BytesIO(data))
    except Exception as error:
        raise RecipeError("--losses", f"{path}: neither JSON lines nor Parquet ({type(error).__name__})") from None
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise RecipeError("--losses", f"{path}: no column {missing[0]!r}; it has {', '.join(table.columns)}")
    for row, loss in enumerate(table["loss"].to_list()):
        if not isinstance(loss, int | float) or not math.isfinite(loss):
            raise RecipeError("--losses", f"{path}: row {row}: the loss is no finite number")
    return LossReport(table, path)
