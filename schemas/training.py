"""Training of a quality classifier: what is good, what is not, and fastText's settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from schemas.section import Section

Label = Annotated[str, Field(pattern=r"^[^\s]+$")]


class Training(Section):
    """`syllabus train-classifier`: a fastText classifier from labelled files, or from good sources against raw ones."""

    output: str = "models/quality"
    """The model's path without its ending: .bin (.ftz where quantised), .md and .json (the card) are written."""
    labelled: list[str] = []
    """Labelled files: .txt with fastText's lines (`__label__hq text`), or .jsonl and .parquet with columns text, label."""
    good: list[str] = []
    """Names of sources whose documents get the label `label`; they are cleaned as the recipe says."""
    raw: list[str] = []
    """Names of sources whose documents get the label `other`."""
    label: Label = "hq"
    """The label whose probability is the quality score."""
    other: Label = "lq"
    """The label of the raw sources."""
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the documents that are not trained on; the figures come from them."""
    max_documents: Annotated[int, Field(ge=1)] | None = None
    """At most so many documents a label, drawn at random; null takes all."""
    dim: Annotated[int, Field(ge=1)] = 64
    """Numbers a word vector."""
    epochs: Annotated[int, Field(ge=1)] = 5
    """Passes over the documents."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    """Learning rate at the start."""
    word_ngrams: Annotated[int, Field(ge=1)] = 2
    """Longest run of words that is a feature."""
    buckets: Annotated[int, Field(ge=1)] = 200_000
    """Hash buckets of the word n-grams."""
    min_count: Annotated[int, Field(ge=1)] = 1
    """Words that are rarer are left out."""
    quantise: bool = False
    """Quantise the vectors: a model of about a tenth of the size, a little less exact."""

    @model_validator(mode="after")
    def _has_both_sides(self) -> Training:
        if not self.labelled and not (self.good and self.raw):
            raise ValueError("give labelled files, or the names of sources under good and under raw")
        if self.label == self.other:
            raise ValueError("label and other are the same")
        if both := sorted(set(self.good) & set(self.raw)):
            raise ValueError(f"the source {both[0]!r} is both good and raw")
        return self
