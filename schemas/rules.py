"""Published rule sets (clean.rules): told apart by `name`; a bare name is the set as datatrove 0.10.1 has it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model

from schemas.section import Section


class GopherQuality(Section):
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
    stop_words: list[str] = ["the", "be", "to", "of", "and", "that", "have", "with"]
    """Case-sensitive."""


class GopherRepetition(Section):
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


class C4(Section):
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


class FineWeb(Section):
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


class RefinedWebLines(Section):
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


RuleSet = Annotated[GopherQuality | GopherRepetition | C4 | FineWeb | RefinedWebLines, Field(discriminator="name")]
Bare = Literal["gopher_quality", "gopher_repetition", "c4", "fineweb", "refinedweb_lines"]
Overridden = create_model(
    "Overridden",
    __base__=Section,
    gopher_quality=(GopherQuality | None, None),
    gopher_repetition=(GopherRepetition | None, None),
    c4=(C4 | None, None),
    fineweb=(FineWeb | None, None),
    refinedweb_lines=(RefinedWebLines | None, None),
)
Rules = Annotated[
    list[RuleSet],
    BeforeValidator(_spelled_out, json_schema_input_type=list[Bare | RuleSet | Overridden]),
]
