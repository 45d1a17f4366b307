"""Bad words (C4, Raffel et al. 2020): a listed word or phrase in a document drops it; as datatrove 0.10.1's C4BadWordsFilter.

The lists are the user's files, one a language (C4 takes "List of Dirty, Naughty, Obscene and Otherwise Bad Words"). A
word is met in the lower-cased text where no letter, digit or underscore stands beside it; in Chinese, Japanese and Thai
wherever it stands.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pyarrow.compute as pc

from curation.rules.measured import Block, Measured, Rule
from curation.rules.word_list import read_lists
from schemas.rules import BadWords

WITHOUT_SPACES = frozenset({"ja", "th", "zh"})


def bad_words(block: Block, params: BadWords) -> Measured:
    """1 where a listed word is met, else 0; NaN in a language without a list."""
    asked = [Rule("bad_words", ">", 0.0)]
    values = block.nothing(asked)
    languages = np.array(block.documents["language"].to_pylist(), dtype=object)
    for language, path in params.lists.items():
        rows = block.alive & ((languages == language) | ((languages == None) & (language == params.default)))  # noqa: E711
        if not rows.any():
            continue
        words = read_lists([path], f"clean.rules.bad_words.lists.{language}")
        values[rows, 0] = 0.0
        if not words:
            continue
        literal = "|".join(re.escape(word.lower()) for word in words)
        # Arrow's automaton finds the candidates; whether they stand alone, Python's Unicode classes say.
        possible = np.asarray(pc.match_substring_regex(block.texts, f"(?i:{_quoted(words)})"))
        pattern = _pattern(literal, language in WITHOUT_SPACES)
        for row in np.flatnonzero(rows & possible).tolist():
            values[row, 0] = float(pattern.search(block.texts[row].as_py().lower()) is not None)
    return Measured(asked, values)


@lru_cache(maxsize=32)
def _pattern(literal: str, anywhere: bool) -> re.Pattern[str]:
    return re.compile(literal if anywhere else rf"(?:\W|^)(?:{literal})(?:\W|$)")


def _quoted(words: tuple[str, ...]) -> str:
    """The words as an RE2 pattern, each taken literally."""
    return "|".join(r"\Q" + word.lower().replace("\\E", "") + r"\E" for word in words)
