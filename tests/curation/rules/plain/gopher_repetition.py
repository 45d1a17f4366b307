"""Gopher repetition rules (Rae et al. 2021, table A1), decision and reason as datatrove 0.10.1's GopherRepetitionFilter.

Its n-gram rules are not the paper's coverage: the most frequent n-gram counts spaces and a single occurrence too, and
repeated n-grams are found greedily from left to right over words joined without a separator.
"""

from __future__ import annotations

import re
from collections import Counter

from schemas.rules import GopherRepetition
from tests.curation.rules.plain.failure import Failure

PARAGRAPH = re.compile(r"\n{2,}")
LINE = re.compile(r"\n+")


def gopher_repetition(text: str, words: list[str], params: GopherRepetition) -> Failure | None:
    """The first rule that drops the text, with its value and threshold; None keeps it."""
    if not text:
        return "empty", 0.0, 0.0
    for name, parts, max_share, max_chars in (
        ("para", PARAGRAPH.split(text.strip()), params.max_dup_para_frac, params.max_dup_para_char_frac),
        ("line", LINE.split(text), params.max_dup_line_frac, params.max_dup_line_char_frac),
    ):
        repeats, chars = _repeats(parts)
        if max_share and repeats / len(parts) > max_share:
            return f"dup_{name}_frac", repeats / len(parts), max_share
        if max_chars and chars / len(text) > max_chars:
            return f"dup_{name}_char_frac", chars / len(text), max_chars
    for n, bound in params.top_n_grams.items():
        grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        if grams:
            top, count = Counter(grams).most_common(1)[0]
            share = len(top) * count / len(text)
            if share > bound:
                return f"top_{n}_gram", share, bound
    for n, bound in params.dup_n_grams.items():
        share = _repeated_chars(words, n) / len(text)
        if share > bound:
            return f"duplicated_{n}_n_grams", share, bound
    return None


def _repeats(parts: list[str]) -> tuple[int, int]:
    """Parts that stood before, and their characters."""
    seen: set[str] = set()
    repeats = chars = 0
    for part in parts:
        if part in seen:
            repeats += 1
            chars += len(part)
        else:
            seen.add(part)
    return repeats, chars


def _repeated_chars(words: list[str], n: int) -> int:
    seen: set[str] = set()
    chars = at = 0
    while at < len(words) - n + 1:
        gram = "".join(words[at : at + n])
        if gram in seen:
            chars += len(gram)
            at += n
        else:
            seen.add(gram)
            at += 1
    return chars
