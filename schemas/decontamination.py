"""Documents that hold benchmark items."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section


class Decontaminate(Section):
    """Compare every kept document with the items of benchmarks."""

    benchmarks: Annotated[list[str], Field(min_length=1)]
    """Globs of JSON Lines or Parquet files, or folders of them; one item a row."""
    columns: list[str] = ["text"]
    """The benchmark files' columns that make an item."""
    method: Literal["ngram", "gpt3"] = "ngram"
    """ngram: share of an item's words in n-grams shared with one document (Tülu 3). gpt3: 13-gram collisions."""
    ngram: Annotated[int, Field(ge=1, le=64)] | None = None
    """Words of an n-gram; null: 8 for ngram, 13 for gpt3."""
    max_coverage: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A document is hit if it covers more than this share of an item (ngram)."""
    compare: Literal["prompt", "text", "both"] = "both"
    """What of an instruction is compared: its prompt, its text (the response), or both. A document without a prompt is compared
    by its text. Other columns that may be written are compared besides, each by itself."""
    short_items: Literal["skip", "whole"] = "skip"
    """Items of fewer words than `ngram` are not looked for, or are found where they stand whole."""
    max_hits: Annotated[float, Field(gt=0, le=1)] = 0.01
    """An item that is found in a larger share of the documents, and in more than ten of them, is too common to be a sign of
    contamination: it is reported, and drops nothing (ngram)."""
    whole_sources: Literal["never", "always"] | Annotated[list[str], Field(min_length=1)] = "never"
    """Whether a source that holds more than `max_source_share` of a benchmark's items goes whole: never, for any benchmark (always), or for
    these, by the names of their files (Tülu 3: unseen evaluations)."""
    max_source_share: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """The share of a benchmark's items that makes a source contaminated by it; 0: one item does."""
    action: Literal["drop", "mask", "report"] | None = None
    """What becomes of a document that is hit: dropped, what it shares with the items masked (gpt3: cut out with the text
    around it), or only reported. Null: drop for ngram, mask for gpt3."""
    margin: Annotated[int, Field(ge=0)] = 200
    """Characters cut on each side of a collision (gpt3)."""
    min_piece: Annotated[int, Field(ge=0)] = 200
    """Shorter pieces that a cut leaves go too (gpt3)."""
    max_pieces: Annotated[int, Field(ge=1)] = 10
    """A document that cuts leave in more pieces is dropped (gpt3)."""
    max_documents: Annotated[int, Field(ge=1)] = 10
    """N-grams that stand in more documents are no sign of contamination and are ignored (gpt3)."""

    @property
    def does(self) -> Literal["drop", "mask", "report"]:
        """The action, by the method where none is set."""
        return self.action or ("drop" if self.method == "ngram" else "mask")
