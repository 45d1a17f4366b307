"""Sentences, counted as spaCy's rule-based sentencizer does over its English tokenizer (datatrove 0.4 and later).

A sentence ends at a mark that is a token of its own; the next token that is no punctuation opens the next one. Tokens
are not made: only what decides whether a mark stands alone is looked at. White space, a new line too, is no border.
Agreement with spaCy is measured in tests/curation/rules/test_c4.py.
"""

from __future__ import annotations

import re
import unicodedata

from curation.rules.characters import TERMINALS

NEWER = frozenset(
    "\u061d\u061e\u0837\u0839\u083d\u083e\u17d4\u17d5\u17d6\u17d9\u17da\u1b7d\u1b7e\u2e53\u2e54\u1944\u1945"
    "\U00010f55\U00010f56\U00010f57\U00010f58\U00010f59\U00010f86\U00010f87\U00010f88\U00010f89\U00011944"
    "\U00011946\U00011ef7\U00011ef8\U00011f43\U00011f44\U00016e98"
)
"""Marks that Unicode has and the sentencizer has not."""
MARKS = TERMINALS - NEWER
"""What ends a sentence."""

ABBREVIATIONS = frozenset(
    [
        "Adm.",
        "Ak.",
        "Ala.",
        "Apr.",
        "Ariz.",
        "Ark.",
        "Aug.",
        "Bros.",
        "Calif.",
        "Co.",
        "Colo.",
        "Conn.",
        "Corp.",
        "D.C.",
        "Dec.",
        "Del.",
        "Dr.",
        "E.G.",
        "E.g.",
        "Feb.",
        "Fla.",
        "Ga.",
        "Gen.",
        "Gov.",
        "I.E.",
        "I.e.",
        "Ia.",
        "Id.",
        "Ill.",
        "Inc.",
        "Ind.",
        "Jan.",
        "Jr.",
        "Jul.",
        "Jun.",
        "Kan.",
        "Kans.",
        "Ky.",
        "La.",
        "Ltd.",
        "Mar.",
        "Mass.",
        "Md.",
        "Messrs.",
        "Mich.",
        "Minn.",
        "Miss.",
        "Mo.",
        "Mont.",
        "Mr.",
        "Mrs.",
        "Ms.",
        "Mt.",
        "N.C.",
        "N.D.",
        "N.H.",
        "N.J.",
        "N.M.",
        "N.Y.",
        "Neb.",
        "Nebr.",
        "Nev.",
        "Nov.",
        "Oct.",
        "Okla.",
        "Ore.",
        "Pa.",
        "Ph.D.",
        "Prof.",
        "Rep.",
        "Rev.",
        "S.C.",
        "Sen.",
        "Sep.",
        "Sept.",
        "St.",
        "Tenn.",
        "Va.",
        "Wash.",
        "Wis.",
        "a.m.",
        "co.",
        "e.g.",
        "i.e.",
        "p.m.",
        "v.s.",
        "vs.",
        "ä.",
        "ö.",
        "ü.",
    ]
) | {f"{letter}." for letter in "abcdefghijklmnopqrstuvwxyz"}
"""English words that hold their full stop (spaCy 3, tokenizer exceptions)."""
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
