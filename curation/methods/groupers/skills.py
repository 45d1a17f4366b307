"""The set of skills that a list column names: several labels a document (SKILL-MIX, Skill-It)."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from curation.methods.groupers.items import list_column
from schemas.groupers import Skills


def skills(documents: pa.Table, params: Skills) -> pa.Array:
    """Different labels in sorted order: list<string>[n], or string[n] where ``joined`` is set; null without any."""
    series = pl.Series("skills", list_column(documents, params.column), dtype=pl.List(pl.String))
    frame = pl.DataFrame({"row": pl.arange(len(documents), eager=True), "skill": series}).explode("skill")
    if params.separator is not None:
        frame = frame.with_columns(pl.col("skill").str.split(params.separator)).explode("skill")
    frame = frame.with_columns(pl.col("skill").str.strip_chars()).filter(pl.col("skill") != "")
    sets = frame.group_by("row").agg(pl.col("skill").unique().sort())
    rows = pl.DataFrame({"row": pl.arange(len(documents), eager=True)})
    found = rows.join(sets, on="row", how="left", maintain_order="left")["skill"]
    if params.joined is not None:
        return found.list.join(params.joined).to_arrow().cast(pa.string())
    return found.to_arrow().cast(pa.list_(pa.string()))
