"""Groupers: how a document gets a label, or several. Members of the recipe's `tags`, told apart by `from`."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from schemas.section import Section

DOCUMENT_FIELDS = ("text", "prompt", "name", "url", "date", "language", "source")
"""Fields of a document that `regex` can read; any other name is a column of the input file."""

ColumnName = Annotated[str, Field(min_length=1)]


class Column(Section):
    """The label that stands in a column of the input file."""

    from_: Literal["column"] = Field(alias="from")
    """One label a document, from an input column."""
    column: ColumnName
    """Column of the input file, before mapping; dots reach into structs. Null where a file lacks it."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "string"}


class Items(Section):
    """The list of texts that stands in a column of the input file, in its order: for formatters that read lists."""

    from_: Literal["items"] = Field(alias="from")
    """Several texts a document, from a list column."""
    column: ColumnName
    """Column of the input file that holds lists (of thoughts, steps, demonstrations …)."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "strings"}


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


class Notebook(Section):
    """`notebook` for what training got wrong, until it is right some rounds in a row; `rest` for all else (MCL)."""

    from_: Literal["notebook"] = Field(alias="from")
    """What was wrong in the rounds before."""
    path: str | None = None
    """A report of documents, of all rounds; null is the one that a run is given (`--losses`), and with none all are `rest`."""
    column: Literal["correct", "loss"] = "correct"
    """What makes a document wrong: fewer than half of its answers right, or a loss above the round's quantile."""
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Of `loss`: a document is wrong above it."""
    right: Annotated[int, Field(ge=1)] = 2
    """Rounds right in a row after which a document is out."""


class Length(Section):
    """Buckets of the document's length."""

    from_: Literal["length"] = Field(alias="from")
    """A bucket of the length."""
    unit: Literal["tokens", "bytes", "chars", "words", "lines"] = "tokens"
    """tokens: UTF-8 bytes / 4, rounded up; words: runs between white space."""
    edges: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = Field(default=[256, 1024, 4096, 16384])
    """Where a new bucket begins, ascending; the first bucket begins at 0, the last has no end."""

    @model_validator(mode="after")
    def _ascending(self) -> Length:
        if any(a >= b for a, b in pairwise(self.edges)):
            raise ValueError(f"edges must ascend; got {self.edges}")
        return self


class ScoreBuckets(Section):
    """Levels of a score, 1 the lowest: equal numbers of documents each, over the whole pool (AlignGPT's levels)."""

    from_: Literal["score_buckets"] = Field(alias="from")
    """A level by a score."""
    by: str
    """A tag declared before, or quality or tokens: a number."""
    buckets: Annotated[int, Field(ge=2, le=1000)] = 5
    """How many levels."""
    edges: list[float] | None = None
    """Where a new level begins, ascending, in place of equal numbers of documents; then `buckets` is not used."""

    @model_validator(mode="after")
    def _ascending(self) -> ScoreBuckets:
        if self.edges is not None and (not self.edges or any(a >= b for a, b in pairwise(self.edges))):
            raise ValueError(f"edges must be at least one and ascend; got {self.edges}")
        return self


class QuantileSteps(Section):
    """Steps of a score with equal tokens each, 1 the lowest: exact, over the whole pool, inside each group."""

    from_: Literal["quantile_steps"] = Field(alias="from")
    """A step of equal tokens, by a score."""
    by: str
    """A tag declared before, or quality, tokens or copies: a number. Equal numbers are told apart by the document's id."""
    steps: Annotated[int, Field(ge=2, le=1000)] = 20
    """How many steps each group has."""
    within: str | None = None
    """A tag declared before, or source or language, whose groups have steps of their own; null: one group of all."""


class KMeans(Section):
    """Settings of k-means over an embedding column."""

    embedding: ColumnName
    """Column of the input file that holds each document's vector: a list of numbers, of one length."""
    clusters: Annotated[int, Field(ge=1)] = 8
    """How many clusters (Auto-CoT: 8)."""
    cosine: bool = False
    """Scale vectors to length 1 first, so that distance follows cosine similarity."""
    sample: Annotated[int, Field(ge=1)] = 50_000
    """How many documents the centres are found on; all are assigned."""
    starts: Annotated[int, Field(ge=1)] = 4
    """Runs from different first centres; the tightest is kept."""
    iterations: Annotated[int, Field(ge=1)] = 100
    """Rounds of Lloyd's algorithm at most."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.embedding: "numbers"}


class Clusters(KMeans):
    """The k-means cluster of the document's embedding; cluster 0 is the largest."""

    from_: Literal["clusters"] = Field(alias="from")
    """The cluster of an embedding."""


class Skills(Section):
    """The set of skills that a list column names: several labels a document."""

    from_: Literal["skills"] = Field(alias="from")
    """Several labels a document, from a list column."""
    column: ColumnName
    """Column of the input file that holds a list of labels, or one text of labels between separators."""
    separator: str | None = None
    """Splits a text into labels, e.g. a comma; null where the column holds lists."""
    joined: Annotated[str, Field(min_length=1)] | None = None
    """Join the sorted labels with this into one label (a set of skills is then a group of its own); null keeps them
    apart."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {self.column: "strings"}


class Triples(Section):
    """The combination of several attributes as one label (Med-CG: modality, anatomical area, task)."""

    from_: Literal["triples"] = Field(alias="from")
    """One label from several input columns."""
    columns: Annotated[list[ColumnName], Field(min_length=2)]
    """Columns of the input file, in the order they stand in the label."""
    separator: Annotated[str, Field(min_length=1)] = "+"
    """Stands between the attributes."""

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return dict.fromkeys(self.columns, "string")


class Regex(Section):
    """What a regular expression finds in a field. RE2 syntax, whose time is linear in the text (no look-around)."""

    from_: Literal["regex"] = Field(alias="from")
    """A label by a pattern."""
    field: ColumnName = "url"
    """text, prompt, name, url, date, language, source, or a column of the input file."""
    pattern: Annotated[str, Field(min_length=1, max_length=10_000)]
    """Searched in the field; without `label` its group `(?P<label>…)` is the label."""
    label: Annotated[str, Field(min_length=1)] | None = None
    """The label of documents where the pattern is found; null takes the group."""
    otherwise: Annotated[str, Field(min_length=1)] | None = None
    """The label of all others; null gives them none."""
    max_chars: Annotated[int, Field(ge=1)] | None = 10_000
    """Only so much of the field's beginning is searched; null searches all."""

    @model_validator(mode="after")
    def _compiles(self) -> Regex:
        try:
            pc.match_substring_regex(pa.array(["x"]), self.pattern)
        except pa.ArrowInvalid:
            raise ValueError(f"{self.pattern!r} is no valid RE2 pattern") from None
        if self.label is None and "(?P<label>" not in self.pattern:
            raise ValueError("the pattern has no group (?P<label>…); add one, or set label")
        return self

    def input_columns(self) -> dict[str, str]:
        """Input columns that *prepare* has to read, and their kind."""
        return {} if self.field in DOCUMENT_FIELDS else {self.field: "string"}


class FastText(Section):
    """The top label of a fastText model."""

    from_: Literal["fasttext"] = Field(alias="from")
    """A label by a fastText model."""
    model: str
    """A .bin or .ftz file; `__label__` is cut from its labels."""
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    """No label under this probability."""


Grouper = (
    Column
    | Items
    | Constant
    | Url
    | LabelTable
    | Notebook
    | Length
    | ScoreBuckets
    | QuantileSteps
    | Clusters
    | Skills
    | Triples
    | Regex
    | FastText
)
