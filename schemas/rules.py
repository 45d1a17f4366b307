"""Published rule sets (clean.rules): told apart by `name`; a bare name is the set as datatrove 0.10.1 has it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, create_model, model_validator

from schemas.scorers import Compression, NgramOverlap, Number, Perplexity, Signal, Statistic, Table, Tokens
from schemas.section import Section

STOP_WORDS = ["the", "be", "to", "of", "and", "that", "have", "with"]

Override = dict[int, float] | list[str] | float | str | None


Measure = Annotated[
    Statistic | Signal | Compression | NgramOverlap | Number | Table | Tokens | Perplexity,
    Field(discriminator="from_"),
]
"""Scorers that need nothing but the document."""


class Unless(Section):
    """Documents that a rule set passes over: those with a high score (Nemotron-CC, Su et al. 2024, section 2.2.2)."""

    score: Literal["quality"] | Measure = "quality"
    """The classifier's quality, here of the text before any rule, or a scorer. A document without a score is judged."""
    min: float
    """A document with this score or more is neither judged nor rewritten."""


class RuleSetBase(Section):
    """What every rule set can say besides its thresholds."""

    unless: Unless | None = None
    """Documents that the set passes over; null: none."""

    def scorers(self) -> dict[str, Any]:
        """What the set measures documents by besides its rules, by field."""
        return {} if self.unless is None or self.unless.score == "quality" else {"unless.score": self.unless.score}


class PerLanguage(RuleSetBase):
    """A rule set whose thresholds and stop words may differ by language."""

    by_language: dict[str, dict[str, Override]] = {}
    """Language -> fields of this set with other values there; needs clean.language. All other languages: as above."""

    @model_validator(mode="after")
    def _overrides_are_fields(self) -> Self:
        for language in self.by_language:
            self.for_language(language)
        return self

    def for_language(self, language: str) -> Self:
        """The set as it is for a language."""
        own = self.by_language.get(language, {})
        return type(self).model_validate({**self.model_dump(exclude={"by_language"}), **own})


class GopherQuality(PerLanguage):
    """Gopher quality rules (Rae et al. 2021, table A1; datatrove 0.10.1). Null turns a rule off."""

    name: Literal["gopher_quality"] = "gopher_quality"
    """Gopher quality."""
    min_doc_words: int | None = 50
    """Fewest words with a character that is no punctuation."""
    max_doc_words: int | None = 100_000
    """Most such words."""
    min_avg_word_length: float | None = 3
    """Least mean length of such words, in characters."""
    max_avg_word_length: float | None = 10
    """Greatest mean length of such words."""
    max_symbol_word_ratio: float | None = 0.1
    """Most `#`, and most ellipses, per word."""
    max_bullet_lines_ratio: float | None = 0.9
    """Largest share of lines that start with a bullet (• or -)."""
    max_ellipsis_lines_ratio: float | None = 0.3
    """Largest share of lines that end with an ellipsis."""
    min_alpha_words_ratio: float | None = 0.8
    """Least share of words with a letter."""
    min_stop_words: int | None = 2
    """Fewest different stop words."""
    stop_words: list[str] = STOP_WORDS
    """Case-sensitive."""
    count_stop_words: Literal["different", "occurrences"] = "different"
    """What is counted of them (datatrove up to 0.4: occurrences)."""


class GopherRepetition(PerLanguage):
    """Gopher repetition rules (Rae et al. 2021, table A1; datatrove 0.10.1). Null turns a rule off."""

    name: Literal["gopher_repetition"] = "gopher_repetition"
    """Gopher repetition."""
    max_dup_para_frac: float | None = 0.3
    """Largest share of paragraphs that repeat an earlier one."""
    max_dup_para_char_frac: float | None = 0.2
    """Largest share of characters in them."""
    max_dup_line_frac: float | None = 0.3
    """Largest share of lines that repeat an earlier one."""
    max_dup_line_char_frac: float | None = 0.2
    """Largest share of characters in them."""
    top_n_grams: dict[int, float] = {2: 0.2, 3: 0.18, 4: 0.16}
    """n -> largest share of characters in the most frequent n-gram."""
    dup_n_grams: dict[int, float] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}
    """n -> largest share of characters in n-grams that stood before."""
    empty_lines: bool = False
    """Each line end separates lines, so that empty lines repeat each other (datatrove 0.2); else runs of them do."""


class C4(RuleSetBase):
    """C4's rules over lines, which rewrite the text, and over the document (Raffel et al. 2020; datatrove 0.10.1)."""

    name: Literal["c4"] = "c4"
    """C4 quality."""
    max_word_length: int | None = 1000
    """Lines with a longer word are dropped; null keeps them."""
    remove_citations: bool = True
    """Cut [1], [edit] and [citation needed]."""
    terminal_punctuation: bool = True
    """Lines that do not end in . ? ! " ' or that end in ... are dropped (FineWeb turns this off)."""
    min_words_per_line: int | None = 3
    """Lines with fewer words are dropped; null keeps them."""
    lorem_ipsum: bool = True
    """Documents with "lorem ipsum" are dropped."""
    javascript: bool = True
    """Lines with "javascript" are dropped."""
    curly_bracket: bool = True
    """Documents with a curly bracket are dropped."""
    policy: bool = True
    """Lines on terms of use, privacy and cookies are dropped."""
    min_sentences: int | None = 5
    """Fewest sentences of the lines that stay; null asks for none."""
    end_marks: Annotated[str, Field(pattern=r"^[!-/:-@\[-`{-~]+$")] = ".?!\"'"
    """What a line must end in (the first code: . ? ! and the double quote)."""
    ellipsis_ends_no_line: bool = True
    """Lines that end in ... are dropped (Dolma keeps them)."""
    words_after_citations: bool = False
    """The words of a line are counted after citations are cut (the first code)."""
    whole_document: bool = False
    """Lorem ipsum, javascript and curly brackets are looked for in the whole document, and drop it (Dolma)."""
    max_chars: int | None = None
    """Longer documents are dropped (the first code: 190,000)."""


class FineWeb(PerLanguage):
    """FineWeb's quality rules (Penedo et al. 2024; datatrove 0.10.1). Null turns a rule off."""

    name: Literal["fineweb"] = "fineweb"
    """FineWeb quality."""
    min_line_punct_ratio: float | None = 0.12
    """Least share of lines that end in a sentence-final mark of any script."""
    max_short_line_ratio: float | None = 0.67
    """Largest share of short lines."""
    short_line_chars: int = 30
    """A line of so many characters, or fewer, is short."""
    max_char_dup_ratio: float | None = 0.01
    """Largest share of characters in lines that repeat an earlier one."""
    max_list_ratio: float | None = 0.3
    """Most line breaks per word."""


class FineWebV1(RuleSetBase):
    """FineWeb's quality rules as FineWeb v1 was made (datatrove 0.2): a value at its bound drops, blank lines count."""

    name: Literal["fineweb_v1"] = "fineweb_v1"
    """FineWeb quality, v1."""
    min_line_punct_ratio: float | None = 0.12
    """Share of lines that end in . ' " ! ?; more must."""
    max_short_line_ratio: float | None = 0.67
    """Share of short lines; fewer must be."""
    short_line_chars: int = 30
    """A line of so many characters, or fewer, is short."""
    max_char_dup_ratio: float | None = 0.01
    """Share of characters in lines that repeat an earlier one; it must be less."""
    max_list_ratio: float | None = 0.3
    """Most line breaks per word."""


class DclmQuality(RuleSetBase):
    """DCLM's page heuristics (Li et al. 2024), after RefinedWeb and Gopher. Null turns a rule off."""

    name: Literal["dclm_quality"] = "dclm_quality"
    """DCLM quality."""
    min_words: int | None = 50
    """Fewest words that begin with a letter or digit."""
    max_words: int | None = 100_000
    """Most such words."""
    min_avg_word_length: float | None = 3
    """Least mean length of all words, in characters."""
    max_avg_word_length: float | None = 10
    """Greatest mean length of all words."""
    max_symbol_word_ratio: float | None = 0.1
    """Most hashes and ellipses, together, per word."""
    max_bullet_lines_ratio: float | None = 0.9
    """Largest share of lines that start with ● • * or -."""
    max_ellipsis_lines_ratio: float | None = 0.3
    """Largest share of lines that end with an ellipsis."""
    max_non_alpha_words_ratio: float | None = 0.2
    """Largest share of words without a letter."""
    min_stop_words: int | None = 2
    """Fewest stop words, each occurrence counted."""
    stop_words: list[str] = STOP_WORDS
    """In lower case."""


class DclmRepetition(RuleSetBase):
    """DCLM's repetition rules (Li et al. 2024): all copies of what repeats count. Null turns a rule off."""

    name: Literal["dclm_repetition"] = "dclm_repetition"
    """DCLM repetition."""
    max_dup_line_frac: float | None = 0.3
    """Largest share of lines that stand more than once."""
    max_dup_para_frac: float | None = 0.3
    """Largest share of paragraphs that stand more than once."""
    max_dup_line_char_frac: float | None = 0.2
    """Largest share of characters in such lines."""
    max_dup_para_char_frac: float | None = 0.2
    """Largest share of characters in such paragraphs."""
    top_n_grams: dict[int, float] = {2: 0.2, 3: 0.18, 4: 0.16}
    """n -> largest share of the words' characters in the most frequent n-gram that repeats."""
    dup_n_grams: dict[int, float] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}
    """n -> largest share of the words' characters that repeated n-grams cover."""


class DolmaGopher(RuleSetBase):
    """Gopher's rules as Dolma's tagger measures them (Soldaini et al. 2024). Null turns a rule off."""

    name: Literal["dolma_gopher"] = "dolma_gopher"
    """Dolma's Gopher rules."""
    min_words: int | None = 50
    """Fewest words."""
    max_words: int | None = 100_000
    """Most words."""
    min_median_word_length: float | None = 3
    """Least median length of a word."""
    max_median_word_length: float | None = 10
    """Greatest median length of a word."""
    max_symbol_word_ratio: float | None = 0.1
    """Largest share of words with # or …."""
    min_alpha_words_ratio: float | None = 0.8
    """Least share of words with a letter."""
    min_stop_words: int | None = 2
    """Fewest stop words, each occurrence counted."""
    stop_words: list[str] = STOP_WORDS
    """Case-sensitive."""
    max_bullet_lines_ratio: float | None = 0.9
    """Largest share of lines that start with * or -."""
    max_ellipsis_lines_ratio: float | None = 0.3
    """Largest share of lines that end with …."""
    max_dup_line_frac: float | None = 0.3
    """Largest share of lines that stand more than once."""
    max_dup_line_char_frac: float | None = 0.2
    """Largest share of characters in such lines, of those that are no white space."""
    top_n_grams: dict[int, float] = {2: 0.2, 3: 0.18, 4: 0.16}
    """n -> largest share of characters in the most frequent n-gram ({}: as published, where a slip kept them off)."""
    dup_n_grams: dict[int, float] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}
    """n -> largest share of the characters of all n-grams in those that repeat."""


class UrlFilter(RuleSetBase):
    """Documents whose URL is listed are dropped (FineWeb's first step; datatrove 0.10.1). All lists are files."""

    name: Literal["url_filter"] = "url_filter"
    """URL filter."""
    domains: list[str] = []
    """Files of registered domains or host names."""
    urls: list[str] = []
    """Files of whole URLs."""
    hard_words: list[str] = []
    """Files of words; one of them, between separators, is enough."""
    soft_words: list[str] = []
    """Files of words; it takes several different ones."""
    soft_threshold: Annotated[int, Field(ge=1)] = 2
    """So many soft words drop."""
    subwords: list[str] = []
    """Files of strings; one of them anywhere in the URL without its separators is enough."""


class BadWords(RuleSetBase):
    """Documents with a listed word are dropped (C4). The lists are files, one a language, one word or phrase a line."""

    name: Literal["bad_words"] = "bad_words"
    """Bad words."""
    lists: dict[str, str]
    """Language -> file."""
    default: str = "en"
    """The language of documents that have none, where clean.language is not set."""


class Custom(RuleSetBase):
    """A scorer with bounds, as a rule."""

    name: Literal["custom"] = "custom"
    """Any scorer with a lower and an upper bound."""
    rule: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] = "custom"
    """Named so in the ledger, with _under or _over."""
    scorer: Measure
    """What is measured; a document without a score is kept."""
    min: float | None = None
    """Least value that is kept."""
    max: float | None = None
    """Greatest value that is kept."""

    def scorers(self) -> dict[str, Any]:
        """The rule's own scorer, and that of documents it passes over."""
        return {"scorer": self.scorer, **super().scorers()}

    @model_validator(mode="after")
    def _bounded(self) -> Custom:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both; a rule without a bound drops nothing")
        return self


class RefinedWebLines(RuleSetBase):
    """RefinedWeb's line-wise corrections, which rewrite the text (Penedo et al. 2023; thresholds of DCLM's baseline)."""

    name: Literal["refinedweb_lines"] = "refinedweb_lines"
    """Line-wise corrections."""
    max_uppercase: float | None = 0.5
    """Lines with a larger share of capitals are dropped; null keeps them."""
    max_digits: float | None = 0.999999
    """Lines with a larger share of digits are dropped; null keeps them."""
    counters: bool = True
    """Lines that are a counter ("3 likes", "1.2k views") are dropped."""
    min_words: int | None = 2
    """Lines with fewer words are dropped (empty lines stay); null keeps them."""
    furniture: bool = True
    """In lines of at most ten words, "items in cart", "Read more..." at the end and "Sign-in" at the start are cut."""
    max_removed_words: float | None = 0.05
    """Documents that lose a larger share of their words are dropped; null drops none."""


def _spelled_out(value: Any) -> Any:
    """A bare name, or {name: overrides}, as the mapping that the models take."""
    if not isinstance(value, list):
        return value
    rules = []
    for rule in value:
        if isinstance(rule, str):
            rules.append({"name": rule})
        elif isinstance(rule, dict) and len(rule) == 1 and "name" not in rule:
            ((name, overrides),) = rule.items()
            rules.append({"name": name, **overrides} if isinstance(overrides, dict) else {"name": name})
        else:
            rules.append(rule)
    return rules


RuleSet = Annotated[
    GopherQuality
    | GopherRepetition
    | C4
    | FineWeb
    | FineWebV1
    | RefinedWebLines
    | DclmQuality
    | DclmRepetition
    | DolmaGopher
    | UrlFilter
    | BadWords
    | Custom,
    Field(discriminator="name"),
]
Bare = Literal[
    "gopher_quality",
    "gopher_repetition",
    "c4",
    "fineweb",
    "fineweb_v1",
    "refinedweb_lines",
    "dclm_quality",
    "dclm_repetition",
    "dolma_gopher",
]
"""Sets that need no setting."""
_SETS = (
    GopherQuality,
    GopherRepetition,
    C4,
    FineWeb,
    FineWebV1,
    RefinedWebLines,
    DclmQuality,
    DclmRepetition,
    DolmaGopher,
    UrlFilter,
    BadWords,
    Custom,
)
_by_name: dict[str, Any] = {
    name: (
        one | None,
        Field(default=None, description=f"The set {name}, with settings of your own; null leaves it out."),
    )
    for one in _SETS
    for name in get_args(one.model_fields["name"].annotation)
}
Overridden = create_model("Overridden", __base__=Section, **_by_name)
Rules = Annotated[
    list[RuleSet],
    BeforeValidator(_spelled_out, json_schema_input_type=list[Bare | RuleSet | Overridden]),
]
