"""Documents that hold benchmark items."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section


class Decontaminate(Section):
    """Compare every kept document with the items of benchmarks."""

    benchmarks: Annotated[list[str], Field(min_length=1)]
    """Globs of JSON Lines or Parquet files, one item a row."""
    columns: list[str] = ["text"]
    """The benchmark files' columns that make an item."""
    method: Literal["ngram", "gpt3"] = "ngram"
    """ngram: share of an item's words in n-grams shared with one document (Tülu 3). gpt3: 13-gram collisions."""
    ngram: Annotated[int, Field(ge=1, le=64)] | None = None
    """Words of an n-gram; null: 8 for ngram, 13 for gpt3."""
    max_coverage: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A document is dropped if it covers more than this share of an item (ngram)."""
