"""Sentences, counted as spaCy's rule-based sentencizer does over its English tokenizer (datatrove 0.4 and later).

A sentence ends at a mark that is a token of its own; the next token that is no punctuation opens the next one. Tokens
are not made: only what decides whether a mark stands alone is looked at. White space, a new line too, is no border.
Agreement with spaCy is measured in tests/curation/rules/test_c4_quality.py.
"""

from __future__ import annotations

import re
import unicodedata

from curation.rules.characters import MARKS
from curation.rules.sentences import ABBREVIATIONS

CLOCK = re.compile(r"1?\d[ap]\.m\.")
INFIX = re.compile(r"(?<=[a-z\u00df-\u00ff\"'”“`‘´’‚,„»«])\.(?=[A-Z\u00c0-\u00de\"'”“`‘´’‚,„»«])")


def count_sentences(text: str) -> int:
    """How many sentences a text has; 0 without any character but white space."""
    sentences, ended = 0, False
    for chunk in text.split():
        for piece, closed in _pieces(chunk):
            if not sentences:
                sentences = 1
            elif ended and not _is_punctuation(piece):
                sentences, ended = sentences + 1, False
            ended = ended or closed
    return sentences


def _pieces(chunk: str) -> list[tuple[str, bool]]:
    """A run without white space as parts, each with whether a mark of its own ends it."""
    parts = INFIX.split(chunk)
    return [(part, number < len(parts) - 1 or _ends(part)) for number, part in enumerate(parts)]


def _ends(word: str) -> bool:
    """Whether a mark stands alone at the end of a word, behind what closes: quotes, brackets, other marks."""
    while word:
        if word in MARKS:
            return True
        last = word[-1]
        if word in ABBREVIATIONS or CLOCK.fullmatch(word.lstrip("(\"'“‘[")) or word.lstrip("(\"'“‘[") in ABBREVIATIONS:
            return False
        if last == "." and word.endswith(".."):  # an ellipsis is no mark
            word = word.rstrip(".")
        elif last in MARKS:
            return last != "." or _splits_off(word[:-1])
        elif last.isalnum():
            return False
        elif _is_punctuation(last):
            word = word[:-1]
        else:
            return False
    return False


def _splits_off(before: str) -> bool:
    """Whether a full stop behind these characters is a token of its own: not behind a single capital (an initial)."""
    last = before[-1]
    if last.isupper():
        return len(before) > 1 and before[-2].isupper()
    return True


def _is_punctuation(piece: str) -> bool:
    return all(unicodedata.category(character).startswith("P") for character in piece)
