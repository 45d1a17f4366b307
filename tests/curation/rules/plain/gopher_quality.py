"""Gopher quality rules (Rae et al. 2021, table A1), decision and reason as datatrove 0.10.1's GopherQualityFilter.

Differs from it where it crashes: a text without a word is dropped as too short, or kept if that rule is off.
"""

from __future__ import annotations

from curation.rules.characters import PUNCTUATION
from schemas.rules import GopherQuality
from tests.curation.rules.plain.failure import Failure


def gopher_quality(text: str, words: list[str], params: GopherQuality) -> Failure | None:
    """The first rule that drops the text, with its value and threshold; None keeps it."""
    real = [word for word in words if not PUNCTUATION.issuperset(word)]
    count = len(real)
    if params.min_doc_words and count < params.min_doc_words:
        return "gopher_short_doc", count, params.min_doc_words
    if params.max_doc_words and count > params.max_doc_words:
        return "gopher_long_doc", count, params.max_doc_words
    if not words:
        return None
    if count:
        mean = sum(map(len, real)) / count
        if params.min_avg_word_length and mean < params.min_avg_word_length:
            return "gopher_below_avg_threshold", mean, params.min_avg_word_length
        if params.max_avg_word_length and mean > params.max_avg_word_length:
            return "gopher_above_avg_threshold", mean, params.max_avg_word_length
    if params.max_symbol_word_ratio:
        bound = params.max_symbol_word_ratio
        ratio = text.count("#") / len(words)
        if ratio > bound:
            return "gopher_too_many_hashes", ratio, bound
        ratio = (text.count("...") + text.count("…")) / len(words)
        if ratio > bound:
            return "gopher_too_many_ellipsis", ratio, bound
    lines = text.splitlines()
    if params.max_bullet_lines_ratio and lines:
        ratio = sum(line.lstrip().startswith(("•", "-")) for line in lines) / len(lines)
        if ratio > params.max_bullet_lines_ratio:
            return "gopher_too_many_bullets", ratio, params.max_bullet_lines_ratio
    if params.max_ellipsis_lines_ratio and lines:
        ratio = sum(line.rstrip().endswith(("...", "…")) for line in lines) / len(lines)
        if ratio > params.max_ellipsis_lines_ratio:
            return "gopher_too_many_end_ellipsis", ratio, params.max_ellipsis_lines_ratio
    if params.min_alpha_words_ratio:
        ratio = sum(any(map(str.isalpha, word)) for word in words) / len(words)
        if ratio < params.min_alpha_words_ratio:
            return "gopher_below_alpha_threshold", ratio, params.min_alpha_words_ratio
    if params.min_stop_words:
        found = len(set(params.stop_words).intersection(words))
        if found < params.min_stop_words:
            return "gopher_enough_stop_words", found, params.min_stop_words
    return None
