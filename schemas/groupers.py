"""Groupers: how a document gets a label, or several. Members of the recipe's `tags`, told apart by `from`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section

DOCUMENT_FIELDS = ("text", "prompt", "name", "url", "date", "language", "source")
"""Fields of a document that `regex` can read; any other name is a column of the input file."""


class Column(Section):
    """The label that stands in a column of the input file."""

    from_: Literal["column"] = Field(alias="from")
    """One label a document, from an input column."""
    column: str
    """Column of the input file, before mapping; dots reach into structs. Null where a file lacks it."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "string"}


class Constant(Section):
    """The same label for every document."""

    from_: Literal["constant"] = Field(alias="from")
    """One label for all."""
    value: Annotated[str, Field(min_length=1)]
    """The label."""


class Url(Section):
    """A part of the document's URL, without credentials (MeCo's metadata; the suffix list that tldextract bundles)."""

    from_: Literal["url"] = Field(alias="from")
    """A part of the URL."""
    part: Literal["domain", "host", "suffix", "short", "url"] = "domain"
    """domain: the registered domain (example.co.uk); host: www.example.co.uk; suffix: co.uk; short: what precedes the
    first slash, as MeCo has it; url: all of it without credentials."""


class LabelTable(Section):
    """The label that a side table has for the document."""

    from_: Literal["label_table"] = Field(alias="from")
    """One label a document, from a side table."""
    path: str
    """Parquet, JSON-lines or CSV file with one row a document."""
    column: str
    """Column of the side table that holds the label."""
    id_column: str = "id"
    """Column of the side table that names the document: by its own name (`columns.id`), else by the content id."""


Grouper = Column | Constant | Url | LabelTable
