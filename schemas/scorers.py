"""Scorers: how a document gets a number. Members of the recipe's `tags`, told apart by `from`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.section import Section


class Number(Section):
    """The number that stands in a column of the input file."""

    from_: Literal["number"] = Field(alias="from")
    """A number from an input column."""
    column: str
    """Column of the input file, before mapping; dots reach into structs. No score where a file lacks it."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "number"}


class Table(Section):
    """The number that a side table has for the document."""

    from_: Literal["table"] = Field(alias="from")
    """A number from a side table."""
    path: str
    """Parquet, JSON-lines or CSV file with one row a document."""
    column: str
    """Column of the side table that holds the number."""
    id_column: str = "id"
    """Column of the side table that names the document: by its own name (`columns.id`), else by the content id."""


class Tokens(Section):
    """How long the document is."""

    from_: Literal["tokens"] = Field(alias="from")
    """The document's length."""
    unit: Literal["tokens", "bytes", "chars", "words"] = "tokens"
    """tokens: UTF-8 bytes / 4, rounded up; words: runs between white space."""


Scorer = Number | Table | Tokens
