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


RuleSet = Annotated[GopherQuality | GopherRepetition, Field(discriminator="name")]
Bare = Literal["gopher_quality", "gopher_repetition"]
Overridden = create_model(
    "Overridden",
    __base__=Section,
    gopher_quality=(GopherQuality | None, None),
    gopher_repetition=(GopherRepetition | None, None),
)
Rules = Annotated[
    list[RuleSet],
    BeforeValidator(_spelled_out, json_schema_input_type=list[Bare | RuleSet | Overridden]),
]
