"""FineWeb's quality rules (Penedo et al. 2024), decision and reason as datatrove 0.10.1's FineWebQualityFilter.

Differs from it where it crashes: a text whose words the recipe's definition does not find has a list ratio of infinity.
"""

from __future__ import annotations

import math

from curation.rules.characters import TERMINALS
from schemas.rules import FineWeb
from tests.curation.rules.plain.failure import Failure

END_MARKS = tuple(sorted(TERMINALS))


def fineweb_quality(text: str, words: list[str], params: FineWeb) -> Failure | None:
    """The first rule that drops the text, with its value and threshold; None keeps it."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return "empty", 0.0, 0.0
    if params.min_line_punct_ratio is not None:
        ratio = sum(line.endswith(END_MARKS) for line in lines) / len(lines)
        if ratio < params.min_line_punct_ratio:
            return "line_punct_ratio", ratio, params.min_line_punct_ratio
    if params.max_short_line_ratio is not None:
        ratio = sum(len(line) <= params.short_line_chars for line in lines) / len(lines)
        if ratio > params.max_short_line_ratio:
            return "short_line_ratio", ratio, params.max_short_line_ratio
    if params.max_char_dup_ratio is not None:
        seen: set[str] = set()
        repeated = 0
        for line in lines:
            repeated += len(line) if line in seen else 0
            seen.add(line)
        ratio = repeated / len(text.replace("\n", ""))
        if ratio > params.max_char_dup_ratio:
            return "char_dup_ratio", ratio, params.max_char_dup_ratio
    if params.max_list_ratio is not None:
        breaks = text.count("\n")
        ratio = breaks / len(words) if words else (math.inf if breaks else 0.0)
        if ratio > params.max_list_ratio:
            return "list_ratio", ratio, params.max_list_ratio
    return None
